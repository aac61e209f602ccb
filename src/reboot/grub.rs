//! Reads `/boot/grub/grub.cfg` as grub-mkconfig writes it, as far as a boot for
//! one time needs it. Pure. A form that is not known promises nothing.

/// What stands between the title of an entry and its id.
const ID: &str = "$menuentry_id_option '";

/// What the menu says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    /// The environment decides what is booted, not a number in the file.
    pub saved_default: bool,
    /// Each boot makes itself the default.
    pub saves_itself: bool,
    /// The ways to boot a kernel, first one first.
    pub entries: Vec<Entry>,
}

/// One way to boot a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, behind those of the menus that it is in: `menu>entry`.
    pub id: String,
    /// The kernel's release.
    pub kernel: String,
    /// A panic of this kernel ends in a reboot.
    pub panic_reboots: bool,
}

impl Menu {
    /// Reads a configuration.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut menu = Self::default();
        // The ids of the menus and of the entry that a line is in.
        let mut within: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line == r#"set default="${saved_entry}""# {
                menu.saved_default = true;
            } else if line.starts_with("menuentry ") || line.starts_with("submenu ") {
                within.push(id(line).unwrap_or_default());
            } else if line == "}" {
                within.pop();
            } else if line == "savedefault" && !within.is_empty() {
                menu.saves_itself = true;
            } else if let Some(command) = line.strip_prefix("linux") {
                // An entry without an id cannot be named, nor can what is in it.
                if !within.is_empty() && within.iter().all(|id| !id.is_empty()) {
                    menu.entries.extend(entry(&within, command));
                }
            }
        }
        menu
    }

    /// The entry that boots this kernel the usual way: neither the first one,
    /// which boots whatever is newest, nor one for recovery.
    #[must_use]
    pub fn entry(&self, kernel: &str) -> Option<&Entry> {
        let usual = format!("gnulinux-{kernel}-advanced-");
        let mut entries = self.entries.iter();
        entries.find(|it| it.kernel == kernel && it.id.contains(&usual))
    }
}

fn id(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(ID)?;
    rest.split_once('\'').map(|(id, _)| id)
}

/// `linux /boot/vmlinuz-6.1.0-56-amd64 root=… ro panic=30`, behind its first word.
fn entry(within: &[&str], command: &str) -> Option<Entry> {
    let mut words = command.split_ascii_whitespace();
    // `linuxefi` and `linux16` are the same command.
    let image = words.find(|word| word.starts_with('/'))?;
    let (_, kernel) = image.rsplit_once("/vmlinuz-")?;
    let panics: Vec<&str> = words
        .filter_map(|word| word.strip_prefix("panic="))
        .collect();
    // The last one counts; 0 is for ever, and below it at once.
    let panic: i64 = panics.last().and_then(|it| it.parse().ok()).unwrap_or(0);
    Some(Entry {
        id: within.join(">"),
        kernel: kernel.to_owned(),
        panic_reboots: panic != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("../../tests/fixtures/running/12/grub.cfg");
    const SAVED: &str = include_str!("../../tests/fixtures/running/12/grub-saved.cfg");
    const DISK: &str = "3c4d2a10-0000-4000-8000-000000000001";

    #[test]
    fn debians_own_configuration_boots_a_number_and_stays_in_a_panic() {
        let menu = Menu::parse(PLAIN);
        assert!(!menu.saved_default && !menu.saves_itself);
        assert_eq!(menu.entries.len(), 5);
        assert!(menu.entries.iter().all(|entry| !entry.panic_reboots));
    }

    #[test]
    fn each_kernel_has_one_usual_entry_with_its_whole_path() {
        let menu = Menu::parse(SAVED);
        assert!(menu.saved_default && !menu.saves_itself);
        for kernel in ["6.1.0-50-cloud-amd64", "6.1.0-56-cloud-amd64"] {
            let entry = menu.entry(kernel).expect("an entry");
            let path = format!("gnulinux-advanced-{DISK}>gnulinux-{kernel}-advanced-{DISK}");
            assert_eq!((&entry.id, entry.panic_reboots), (&path, true));
        }
        assert_eq!(menu.entry("6.1.0-5-cloud-amd64"), None);
    }

    #[test]
    fn an_entry_that_saves_itself_is_seen_and_the_function_alone_is_not() {
        let text = "menuentry 'x' $menuentry_id_option 'a' {\n\tsavedefault\n}\n";
        assert!(Menu::parse(text).saves_itself);
        assert!(!Menu::parse("function savedefault {\nsavedefault\n}\n").saves_itself);
    }

    #[test]
    fn an_entry_that_cannot_be_named_is_none() {
        let table = [
            "menuentry 'x' {\n\tlinux /boot/vmlinuz-1 panic=5\n}\n",
            "submenu 'x' {\nmenuentry 'x' $menuentry_id_option 'a' {\nlinux /vmlinuz-1\n}\n}\n",
            "linux /boot/vmlinuz-1\n",
            "}\n}\n",
        ];
        for text in table {
            assert_eq!(Menu::parse(text).entries, [], "{text}");
        }
    }

    #[test]
    fn the_last_word_about_panics_counts() {
        let panics = |words: &str| {
            let text =
                format!("menuentry 'x' $menuentry_id_option 'a' {{\nlinux /vmlinuz-1 {words}\n}}");
            Menu::parse(&text).entries[0].panic_reboots
        };
        assert!(panics("panic=30") && panics("panic=0 panic=-1"));
        assert!(!panics("panic=30 panic=0") && !panics("") && !panics("panic=soon"));
    }
}
