//! Which resolvers are named, and whether names resolve the way programs here
//! resolve them.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::{NetworkError, read_if_there};
use crate::os::command::{Command, CommandError, Runner};

/// glibc's own limit is five seconds for one server's answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name servers of the machine below `root`; none means the local one.
pub fn resolvers(root: &Path) -> Result<Vec<IpAddr>, NetworkError> {
    Ok(parse_resolv_conf(&read_if_there(
        &root.join("etc/resolv.conf"),
    )?))
}

/// The `nameserver` lines of resolv.conf(5). As in glibc, a line that is not
/// understood is passed over: the file is people's, and it is only shown.
#[must_use]
pub fn parse_resolv_conf(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next()?;
            let address = words.next()?;
            let (address, _) = address.split_once('%').unwrap_or((address, ""));
            (keyword == "nameserver").then(|| address.parse().ok())?
        })
        .collect()
}

/// Whether `name` resolves through the name service switch, as it does for
/// every other program here. No answer in time is a no.
pub async fn resolves(runner: &dyn Runner, name: &str) -> Result<bool, CommandError> {
    let question = Command::new("/usr/bin/getent")
        .args(["ahosts", "--", name])
        .timeout(TIMEOUT);
    match runner.ask(&question).await {
        Ok(output) => Ok(output.status == 0),
        Err(CommandError::TimedOut { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_and_everything_else_is_passed_over() {
        let text = "# made by hand\nsearch example.org\nnameserver 192.0.2.53\n\
                    nameserver fe80::1%eth0\nnameserver\nnameserver nonsense\noptions edns0\n";
        let expected: [IpAddr; 2] = ["192.0.2.53".parse().unwrap(), "fe80::1".parse().unwrap()];
        assert_eq!(parse_resolv_conf(text), expected);
    }
}
