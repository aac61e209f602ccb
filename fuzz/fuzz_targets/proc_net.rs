//! The tables of `/proc/net`, and resolv.conf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::os::network::{
    Protocol, parse_ipv6_route, parse_port_range, parse_resolv_conf, parse_route, parse_sockets,
};

fuzz_target!(|text: &str| {
    let _ = parse_sockets(Protocol::Tcp, text);
    let _ = parse_sockets(Protocol::Udp, text);
    let _ = parse_route(text);
    let _ = parse_ipv6_route(text);
    let _ = parse_port_range(text);
    let _ = parse_resolv_conf(text);
});
