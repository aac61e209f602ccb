use super::*;
use crate::os::command::replay::Replay;

const SAVED: &[u8] = include_bytes!("../../../tests/fixtures/running/12/grub-saved.cfg");
const PLAIN: &[u8] = include_bytes!("../../../tests/fixtures/running/12/grub.cfg");
const DISK: &str = "3c4d2a10-0000-4000-8000-000000000001";

struct Machine {
    root: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(menu: &[u8]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("boot/grub")).expect("made");
        files::replace(&root.path().join(MENU), menu, 0o600).expect("written");
        files::replace(&root.path().join(ENVIRONMENT), &[b'#'; 1024], 0o600).expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        Self { root, folder }
    }

    /// What GRUB's tools say of a plain disk, and the environment.
    fn answers(&self, system: &str, layers: &str, environment: &str) -> Replay {
        let path = self.root.path().join(ENVIRONMENT).display().to_string();
        let probe = |target: &str| Command::new(PROBE).arg(target).arg(path.clone());
        Replay::new()
            .answer(&probe("--target=fs"), 0, system, "")
            .answer(&probe("--target=abstraction"), 0, layers, "")
            .answer(&editenv(self.root.path(), "list"), 0, environment, "")
    }

    async fn begin(&self, runner: &Replay) -> Result<(), String> {
        trial()
            .begin(runner, self.root.path(), self.folder.path())
            .await
    }

    fn standing(&self, boot: &str, running: &str) -> Standing {
        let boot = BootId(boot.into());
        Trial::standing(self.root.path(), self.folder.path(), &boot, running).expect("readable")
    }
}

fn trial() -> Trial {
    Trial {
        run: RunId::new(7, 7),
        kernel: "6.1.0-56-cloud-amd64".into(),
        previous: "6.1.0-50-cloud-amd64".into(),
        boot: BootId("one".into()),
    }
}

fn path(kernel: &str) -> String {
    format!("gnulinux-advanced-{DISK}>gnulinux-{kernel}-advanced-{DISK}")
}

fn order(machine: &Machine) -> Command {
    let values = [
        format!("saved_entry={}", path("6.1.0-50-cloud-amd64")),
        format!("next_entry={}", path("6.1.0-56-cloud-amd64")),
    ];
    editenv(machine.root.path(), "set").args(values)
}

#[tokio::test]
async fn a_new_kernel_is_booted_once_and_the_default_after_it_has_passed() {
    let machine = Machine::new(SAVED);
    let runner = machine
        .answers("ext2\n", "\n", "")
        .answer(&order(&machine), 0, "", "");
    assert_eq!(machine.standing("one", "x"), Standing::None);
    assert_eq!(machine.begin(&runner).await, Ok(()));
    assert_eq!(
        machine.standing("one", "6.1.0-50-cloud-amd64"),
        Standing::Ahead
    );
    let standing = machine.standing("two", "6.1.0-50-cloud-amd64");
    assert_eq!(standing, Standing::Removed(trial()));
    let image = machine
        .root
        .path()
        .join("boot/vmlinuz-6.1.0-56-cloud-amd64");
    files::replace(&image, b"", 0o600).expect("written");
    let standing = machine.standing("two", "6.1.0-50-cloud-amd64");
    assert_eq!(standing, Standing::Failed(trial()));
    let standing = machine.standing("two", "6.1.0-56-cloud-amd64");
    assert_eq!(standing, Standing::Passed(trial()));
    let names = ["saved_entry", "next_entry"];
    let unset = editenv(machine.root.path(), "unset").args(names);
    let runner = Replay::new().answer(&unset, 0, "", "");
    let (root, folder) = (machine.root.path(), machine.folder.path());
    assert_eq!(trial().end(&runner, root, folder).await, Ok(()));
    assert_eq!(machine.standing("two", "x"), Standing::None);
}

#[tokio::test]
async fn what_grub_cannot_take_back_is_not_asked_of_it() {
    let table = [
        ("btrfs\n", "", "", "does not write to btrfs"),
        ("ext2\n", "lvm\n", "", "through lvm"),
        ("ext2\n", "", "saved_entry=mine\n", "somebody chose"),
    ];
    for (system, layers, environment, expected) in table {
        let machine = Machine::new(SAVED);
        let runner = machine.answers(system, layers, environment);
        let why = machine.begin(&runner).await.expect_err("no promise");
        assert!(why.contains(expected), "{why}");
        assert_eq!(machine.standing("two", "x"), Standing::None);
    }
}

#[tokio::test]
async fn a_menu_that_boots_a_number_promises_nothing() {
    let machine = Machine::new(PLAIN);
    let why = machine.begin(&Replay::new()).await.expect_err("no promise");
    assert!(why.contains("GRUB_DEFAULT"), "{why}");
    let none = Machine::new(b"");
    let why = none.begin(&Replay::new()).await.expect_err("no promise");
    assert!(why.contains("no entry"), "{why}");
}

#[tokio::test]
async fn an_environment_of_another_form_is_left_alone() {
    let machine = Machine::new(SAVED);
    let path = machine.root.path().join(ENVIRONMENT);
    files::replace(&path, b"# GRUB Environment Block\n", 0o600).expect("written");
    let why = machine.begin(&Replay::new()).await.expect_err("no promise");
    assert!(why.contains("1024 bytes"), "{why}");
}

#[tokio::test]
async fn an_order_that_grub_did_not_take_is_forgotten() {
    let machine = Machine::new(SAVED);
    let runner = machine.answers("ext2\n", "", "").answer(
        &order(&machine),
        1,
        "",
        "environment block too small\n",
    );
    let why = machine.begin(&runner).await.expect_err("not taken");
    assert!(why.contains("too small"), "{why}");
    assert_eq!(machine.standing("two", "x"), Standing::None);
}
