//! The daemon itself: its life, its configuration, those who call it.

use super::{Kind, Priority, kinds};

kinds! {
    SERVICE_STARTED {
        subject: "patchd @PATCHD_VERSION@ starts",
        name: "service-started",
        id: "55233a17da3a45869618ef43ea82613e",
        priorities: &[Priority::Info],
        fields: &["PATCHD_VERSION"],
        text: "
            The daemon has started and knows its schedules; the line names them.

            Nothing is to be done.
        ",
    }
    SERVICE_FAILED {
        subject: "patchd does not start",
        name: "service-failed",
        id: "c0d1f1a5b3a9470c8f0be3e6f2d45a71",
        priorities: &[Priority::Error],
        fields: &["PATCHD_REASON"],
        text: "
            The daemon cannot begin its work; the line says why. Nothing of the machine
            was changed, and no schedule begins a run until it starts.

            Do what the line says, then `systemctl restart patchd`.
        ",
    }
    CONTROL_MISSING {
        subject: "Nobody can ask patchd",
        name: "control-missing",
        id: "5b1e7c0f0f8c4ce0a3d64f7f6b8e2c19",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            The daemon runs without its sockets in /run/patchd: systemd has handed over
            none, perhaps because something else lies at their place. Schedules are
            kept, but no command reaches the daemon.

            `systemctl status patchd-control.socket patchd-admin.socket` tells why;
            `systemctl restart` them, then patchd.
        ",
    }
    RUN_BROKEN_OFF {
        subject: "A run could not be told on",
        name: "run-broken-off",
        id: "a4d0f4f0c6e84c1b9f3a5d0b77e9c3d2",
        priorities: &[Priority::Error],
        fields: &[],
        text: "
            The daemon could not go on with a run, mostly because its ledger cannot be
            written; the line says why. What the worker had begun goes on, and its
            record tells of it. The next run finds out what became of it.

            Do what the line says, then `systemctl restart patchd`.
        ",
    }
    SERVICE_READY {
        subject: "patchd is ready",
        name: "service-ready",
        id: "7de01273b2f34e4d9bc0ab5697db6c37",
        priorities: &[Priority::Info],
        fields: &[],
        text: "
            The daemon answers on its sockets. A run that was open when the last
            daemon ended has been taken up again, and the line names it.

            Nothing is to be done. `patchd status` shows how things stand.
        ",
    }
    SERVICE_STOPPING {
        subject: "patchd stops",
        name: "service-stopping",
        id: "ceeb753efc47412c981075199394c978",
        priorities: &[Priority::Info],
        fields: &[],
        text: "
            The daemon was asked to stop. It does not wait for a phase at work: the
            worker has a life of its own, and ends what it has begun. The next daemon
            takes the run up again.

            Nothing is to be done. While the daemon is stopped no schedule begins a
            run.
        ",
    }
    CONFIG_LOADED {
        subject: "The configuration was read anew",
        name: "config-loaded",
        id: "e92e9b1a2c7b459ca41bf1d76420a64e",
        priorities: &[Priority::Info],
        fields: &[],
        text: "
            The configuration is sound and in use. A run that is at work goes on under
            the one it began with.

            Nothing is to be done. `patchd config show --origin` tells where each value
            comes from.
        ",
    }
    CONFIG_INVALID {
        subject: "The configuration is faulty",
        name: "config-invalid",
        id: "f983e0ff477541899a30ad5ca6760cec",
        priorities: &[Priority::Error],
        fields: &["PATCHD_FILE"],
        text: "
            @PATCHD_FILE@ has at least one fault, and what you changed there is not in
            force. The daemon goes on with the last good configuration; if there is
            none, it installs nothing, and each run is skipped as config-invalid.

            Run `patchd config check`: it shows all faults with file, line and what to
            write instead. Then `systemctl reload patchd`.
        ",
    }
    CONFIG_RESTORED {
        subject: "The last good configuration is in use",
        name: "config-restored",
        id: "c7bc2e07ca4d4e549c8a47a1239b27fe",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            The files in /etc/patchd are faulty, and patchd goes on with the copy that
            its worker kept when they were sound: /var/lib/patchd-worker/config.last-good.
            Machines are patched as before; what you changed since is not in force.

            Run `patchd config check`, mend the files, then `systemctl reload patchd`.
        ",
    }
    CONTROL_CALL {
        subject: "@PATCHD_USER@ called @PATCHD_METHOD@",
        name: "control-call",
        id: "c88b66d9901f4fe281c1aa5dd4d4c91c",
        priorities: &[Priority::Info],
        fields: &["PATCHD_METHOD", "PATCHD_UID", "PATCHD_USER", "PATCHD_PID"],
        text: "
            Somebody gave patchd an order over its admin socket. The user (uid
            @PATCHD_UID@) and the process (@PATCHD_PID@) are the kernel's word, not the
            caller's.

            Nothing is to be done if you know of it. Who may do this is decided by the
            group patchd-admin.
        ",
    }
    WORKER_UNREACHABLE {
        subject: "The privileged worker cannot be reached",
        name: "worker-unreachable",
        id: "e103d31f40d5411bb5cd047f68934d5f",
        priorities: &[Priority::Warn, Priority::Error],
        fields: &[],
        text: "
            The daemon cannot hand an order to its worker: /run/patchd-worker.sock does
            not answer. It tries again, at growing intervals, and then gives up the
            run.

            `systemctl status patchd-worker.socket` tells why. If it has failed,
            `systemctl restart patchd-worker.socket`; the daemon itself may not do
            that.
        ",
    }
    TICKER_SILENT {
        subject: "The ticker of the schedules is silent",
        name: "ticker-silent",
        id: "77f1ba3dd45f4f4585f5e04e2009551e",
        priorities: &[Priority::Error],
        fields: &[],
        text: "
            The part of the daemon that watches the clock has not moved for too long:
            no schedule would begin a run. systemd's watchdog is no longer fed, and
            will restart the daemon; a run at work is not disturbed by that.

            Nothing is to be done once. If it comes again, the machine may be starved
            of processor time or disk; if it is not, it is a fault of patchd: please
            report it with `journalctl -u patchd -o verbose`.
        ",
    }
    LEDGER_PUT_BACK {
        subject: "An older ledger was put back",
        name: "ledger-put-back",
        id: "10caf8874be44c69bbead7355b834243",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_FILE"],
        text: "
            A newer patchd had changed the ledger's form, and this older patchd cannot
            read it. The copy that was kept before that change is in use again; the
            newer one lies in @PATCHD_FILE@. Runs since the change are missing from
            `patchd history`, and soak times that began since then begin anew.

            Nothing is to be done. The worker's records of the missing runs are in
            /var/lib/patchd-worker/runs.
        ",
    }
}
