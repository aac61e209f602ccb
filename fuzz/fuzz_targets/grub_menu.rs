//! GRUB's menu.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchd::reboot::Menu;

fuzz_target!(|text: &str| {
    let menu = Menu::parse(text);
    let _ = menu.entry("6.1.0-56-amd64");
});
