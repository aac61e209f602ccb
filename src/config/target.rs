//! What a probe can look at: addresses, units, programs.

use super::keys::Kind;
use super::leaf::{Wrong, wrong};
use super::node::Leaf;

/// The unit types that can be active.
const UNIT_SUFFIXES: [&str; 8] = [
    ".service",
    ".socket",
    ".timer",
    ".target",
    ".mount",
    ".path",
    ".automount",
    ".swap",
];

/// An http or https address without a user in it.
pub(super) fn url(text: &str) -> Result<Leaf, Wrong> {
    let parsed = reqwest::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match parsed {
        None => Err(wrong(
            format!("{text:?} is not an http or https address"),
            &Kind::Url,
        )),
        Some(url) if !url.username().is_empty() || url.password().is_some() => Err(Wrong {
            what: "a user or password stands in the address".to_owned(),
            advice: "probe an address that needs none; everybody may read this configuration"
                .to_owned(),
            secret: true,
        }),
        Some(_) => Ok(Leaf::Text(text.to_owned())),
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host_is_sound = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(literal) => literal.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(name),
    };
    let digits = port.chars().all(|c| c.is_ascii_digit());
    host_is_sound && digits && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A systemd unit that can be active, with its suffix.
pub(super) fn is_unit(text: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@');
    let name = UNIT_SUFFIXES
        .iter()
        .find_map(|suffix| text.strip_suffix(suffix));
    // A leading dash would be an option of systemctl; a template is never active.
    name.is_some_and(|name| {
        !name.is_empty()
            && !name.starts_with('-')
            && !name.ends_with('@')
            && text.len() <= 255
            && text.chars().all(allowed)
    })
}

/// An absolute program and its arguments.
pub(super) fn argv(words: &[&str]) -> Result<Leaf, Wrong> {
    let absolute = words
        .first()
        .is_some_and(|program| program.starts_with('/') && !program.ends_with('/'));
    if !absolute {
        let what = match words.first() {
            Some(program) => format!("the program {program:?} is not an absolute path"),
            None => "the command is empty".to_owned(),
        };
        return Err(wrong(what, &Kind::Argv));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(wrong(
            "the command has a NUL character in it".to_owned(),
            &Kind::Argv,
        ));
    }
    Ok(Leaf::Texts(
        words.iter().map(|word| (*word).to_owned()).collect(),
    ))
}

/// Absolute programs without arguments.
pub(super) fn programs(paths: &[&str]) -> Result<Leaf, Wrong> {
    let sound = |path: &&str| {
        path.starts_with('/') && !path.ends_with('/') && !path.chars().any(char::is_control)
    };
    if let Some(path) = paths.iter().find(|path| !sound(path)) {
        let what = format!("the program {path:?} is not an absolute path");
        return Err(wrong(what, &Kind::Programs));
    }
    Ok(Leaf::Texts(
        paths.iter().map(|path| (*path).to_owned()).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for sound in [
            "localhost:80",
            "127.0.0.1:5432",
            "[::1]:443",
            "db-1.example:1",
        ] {
            assert!(is_address(sound), "{sound}");
        }
        for faulty in [
            "localhost",
            ":80",
            "host:0",
            "host:65536",
            "host:+80",
            "::1:80",
            "[x]:80",
            "a b:80",
            "host:",
            "http://host:80",
        ] {
            assert!(!is_address(faulty), "{faulty}");
        }
    }

    #[test]
    fn units_have_a_suffix_and_are_no_options_and_no_templates() {
        for sound in [
            "nginx.service",
            "getty@tty1.service",
            "a\\x2db.mount",
            "apt-daily.timer",
        ] {
            assert!(is_unit(sound), "{sound}");
        }
        for faulty in [
            "nginx",
            "-H.service",
            "getty@.service",
            ".service",
            "a b.service",
            "a/b.service",
        ] {
            assert!(!is_unit(faulty), "{faulty}");
        }
    }
}
