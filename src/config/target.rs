//! What can be looked at or told: addresses, units, programs.

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
            advice: "write an address that needs none; everybody may read this configuration"
                .to_owned(),
            secret: true,
        }),
        Some(_) => Ok(Leaf::Text(text.to_owned())),
    }
}

/// An address that is posted to. What is told of this machine goes out encrypted.
pub(super) fn webhook(text: &str) -> Result<Leaf, Wrong> {
    let leaf = url(text)?;
    let parsed = reqwest::Url::parse(text).ok();
    let (scheme, host) = parsed
        .as_ref()
        .map_or(("", None), |url| (url.scheme(), url.host_str()));
    let host = host.unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_link_local = host.starts_with("169.254.") || host.starts_with("[fe80:");
    let what = match () {
        () if is_link_local => "is link-local, and is never spoken to",
        () if scheme == "http" && !is_here => "would be posted to without encryption",
        () => return Ok(leaf),
    };
    Err(wrong(format!("{host:?} {what}"), &Kind::Webhook))
}

/// `name@domain`, of signs that need no quoting.
pub(super) fn mailbox(text: &str) -> Result<Leaf, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-=/!#$%&'*?^`{|}~".contains(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_sound = text.split_once('@').is_some_and(|(name, domain)| {
        (1..=64).contains(&name.len())
            && name.chars().all(allowed)
            && (1..=180).contains(&domain.len())
            && domain.chars().all(is_domain)
            && !domain.starts_with(['.', '-'])
    });
    if !is_sound {
        return Err(wrong(
            format!("{text:?} is not an address of mail"),
            &Kind::Mailbox,
        ));
    }
    Ok(Leaf::Text(text.to_owned()))
}

/// The absolute path of a file.
pub(super) fn file(text: &str) -> Result<Leaf, Wrong> {
    if !is_absolute(text) {
        return Err(wrong(
            format!("{text:?} is not an absolute path"),
            &Kind::File,
        ));
    }
    Ok(Leaf::Text(text.to_owned()))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') && !path.ends_with('/') && !path.chars().any(char::is_control)
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
    if let Some(path) = paths.iter().find(|path| !is_absolute(path)) {
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
    fn what_is_told_goes_out_encrypted_and_never_to_a_neighbour_on_the_link() {
        for sound in [
            "https://ops.example/x",
            "https://10.0.0.1/x",
            "http://127.0.0.1:9/x",
            "http://localhost/x",
            "http://[::1]/x",
        ] {
            assert!(webhook(sound).is_ok(), "{sound}");
        }
        for faulty in [
            "http://ops.example/x",
            "http://127.0.0.2.example/x",
            "https://169.254.169.254/latest",
            "https://2852039166/latest",
            "https://[fe80::1]/x",
            "https://me@ops.example/x",
            "ftp://ops.example/x",
            "ops.example",
        ] {
            assert!(webhook(faulty).is_err(), "{faulty}");
        }
    }

    #[test]
    fn an_address_of_mail_cannot_end_its_line_or_bracket() {
        for sound in ["ops@example.org", "a.b+c@web1", "root@localhost"] {
            assert!(mailbox(sound).is_ok(), "{sound}");
        }
        for faulty in [
            "",
            "ops",
            "@example.org",
            "ops@",
            "a@b@c",
            "a b@c",
            "a@b\r\nDATA",
            "a@<b>",
            "\"a\"@b",
            "wäb@c",
        ] {
            assert!(mailbox(faulty).is_err(), "{faulty}");
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
