//! The daemon itself: its life, its configuration, those who call it.

use super::{Kind, Priority, kinds};

kinds! {
    SERVICE_STARTED {
        name: "service-started",
        subject: "patchd @PATCHD_VERSION@ starts",
        id: "55233a17da3a45869618ef43ea82613e",
        priorities: &[Priority::Info],
        fields: &["PATCHD_VERSION"],
        text: "
            The daemon has started and knows its schedules; the line names them.

            Nothing is to be done.
        ",
    }
    SERVICE_FAILED {
        name: "service-failed",
        subject: "patchd does not start: @PATCHD_REASON@",
        id: "c728b0fc879f4a289f813d30e540b60e",
        priorities: &[Priority::Error],
        fields: &["PATCHD_REASON"],
        text: "
            The daemon could not begin its work; the line says why. Nothing is patched
            on this machine until it starts.

            Take away what the line names, then `systemctl restart patchd`. If it is
            the ledger, and it cannot be mended, move the file away: patchd starts a
            new one, and only history and soak times are lost.
        ",
    }
    SERVICE_STOPPING {
        name: "service-stopping",
        subject: "patchd stops",
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
        name: "config-loaded",
        subject: "The configuration was read anew",
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
        name: "config-invalid",
        subject: "The configuration is faulty",
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
    CONTROL_CALL {
        name: "control-call",
        subject: "@PATCHD_USER@ called @PATCHD_METHOD@",
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
    CONTROL_MISSING {
        name: "control-missing",
        subject: "Nobody can ask patchd",
        id: "54a8acb37e0246ec8b63965ecf2ae9ce",
        priorities: &[Priority::Error],
        fields: &[],
        text: "
            systemd has handed over no control socket, so no `patchd` command is
            answered. Schedules go on.

            `systemctl restart patchd-control.socket patchd-admin.socket`, then
            `systemctl restart patchd`. If that does not help, something else may lie
            in the sockets' place: look into /run/patchd.
        ",
    }
    CONTROL_SHORT {
        name: "control-short",
        subject: "patchd can take no connection for now",
        id: "7a5b28fd3d854ef398db9242f759867d",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            The system could not give the daemon another connection, such as for too
            many open files. Those that are connected are served, and schedules go on;
            it tries again each second.

            Nothing is to be done once. If it goes on, look who is connected:
            `ss -xp src /run/patchd/control`.
        ",
    }
    WORKER_UNREACHABLE {
        name: "worker-unreachable",
        subject: "The privileged worker cannot be reached",
        id: "e103d31f40d5411bb5cd047f68934d5f",
        priorities: &[Priority::Warn],
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
        name: "ticker-silent",
        subject: "The ticker of the schedules is silent",
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
    METRICS_UNWRITTEN {
        name: "metrics-unwritten",
        subject: "The figures for monitoring cannot be written",
        id: "d83d1d5dc7b8421884a7475fa5c7ade5",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_FILE"],
        text: "
            @PATCHD_FILE@ could not be replaced, so node_exporter tells old figures.
            Patching is not affected.

            The line has the system's words. Usually the disk is full, or the folder
            belongs to somebody else: it is the user patchd's.
        ",
    }
    LEDGER_UNWRITTEN {
        name: "ledger-unwritten",
        subject: "The ledger cannot be written",
        id: "0d4cf3c1a4d34b0c8d6a2f0e5b7d9138",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            Something that the daemon wanted to keep could not be written; the line
            says what and why. Without its ledger nothing begins, since nothing is
            begun that was not written down.

            Look for a full or failing disk: `df -h /var/lib/patchd`, `journalctl -k`.
        ",
    }
    LEDGER_PUT_BACK {
        name: "ledger-put-back",
        subject: "An older ledger was put back",
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
