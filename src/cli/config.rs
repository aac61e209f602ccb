//! `patchd config`: look at the configuration without using it.

use super::arguments::ConfigCommand;
use super::context::{Context, Trouble};
use super::screen::Screen;
use crate::config::{self, Reader};
use crate::model::ExitCode;

/// Checks or shows it.
pub(super) fn config(
    context: &Context,
    screen: &Screen,
    command: &ConfigCommand,
) -> Result<ExitCode, Trouble> {
    match command {
        ConfigCommand::Check => check(context, screen),
        ConfigCommand::Show { origin } => {
            Screen::raw(context.load()?.layers.show(*origin).as_bytes());
            Ok(ExitCode::Success)
        }
        ConfigCommand::Schema => {
            Screen::document(&config::schema());
            Ok(ExitCode::Success)
        }
        ConfigCommand::Default => {
            Screen::raw(config::default_text().as_bytes());
            Ok(ExitCode::Success)
        }
    }
}

fn check(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    let faults = config::check(&context.sources()?, &Reader::this_process());
    if screen.wants_json() {
        Screen::document(&faults.to_json());
    } else {
        // Several lines, with their control characters escaped already.
        Screen::raw(format!("{}\n", faults.render(screen.is_colourful())).as_bytes());
    }
    Ok(if faults.is_valid() {
        ExitCode::Success
    } else {
        ExitCode::ConfigInvalid
    })
}
