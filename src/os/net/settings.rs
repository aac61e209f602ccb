//! `[network]` in the configuration.

/// How patchd itself reaches the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The proxy for everything; without one connections are made directly.
    pub proxy: Option<String>,
}
