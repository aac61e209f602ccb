//! What becomes of a plan before and behind its transaction.

use super::{Kind, Priority, kinds};

kinds! {
    REHEARSED {
        name: "rehearsed",
        subject: "The plan of run @PATCHD_RUN@ was rehearsed",
        id: "99a3f4b81c69ceb29f11686034d7af10",
        priorities: &[Priority::Info, Priority::Warn, Priority::Error],
        fields: &["PATCHD_RUN", "PATCHD_VERDICT"],
        text: "
            The plan was carried out in a throw-away view of this machine, and nothing of
            it is left. `passed`: it went through. `confirmed`: it failed, and would have
            failed here; what is to blame is set aside. `unproven`: it failed for want of
            something that a rehearsal does not have, or could not be tried here.

            Nothing is to be done after `passed`. Otherwise `patchd history @PATCHD_RUN@`
            shows the whole report; `rehearse_unproven` says whether a plan that was not
            proved is installed all the same.
        ",
    }
    RESTARTED {
        name: "restarted",
        subject: "Run @PATCHD_RUN@ has restarted services",
        id: "7b9006c3329a818054684eddf7c1e7bc",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RUN"],
        text: "
            These services ran code that is no longer on disk, and run the new one now.

            Nothing is to be done.
        ",
    }
    RESTART_FAILED {
        name: "restart-failed",
        subject: "@PATCHD_UNIT@ did not come back after a restart",
        id: "705af3cc65a70bfe0da4d085c650bf3f",
        priorities: &[Priority::Error],
        fields: &["PATCHD_RUN", "PATCHD_UNIT"],
        text: "
            The service ran code that is no longer on disk. It was restarted, and does
            not run. If it ran before, this counts as broken by the run, which is then
            taken back where the policy says so.

            Look at `systemctl status @PATCHD_UNIT@` and `journalctl -u @PATCHD_UNIT@`.
        ",
    }
    NEEDS_RESTART {
        name: "needs-restart",
        subject: "@PATCHD_UNIT@ still runs old code",
        id: "01a7bb298a55a70fe63959902051ba29",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN", "PATCHD_UNIT"],
        text: "
            An update is on disk and not in use: this unit runs what was there before.
            The line says what keeps patchd from restarting it.

            Restart it at a time that suits you: `systemctl restart @PATCHD_UNIT@`, or
            reboot. What patchd may restart stands in `[restart]`.
        ",
    }
    REBOOT_PUT_OFF {
        name: "reboot-put-off",
        subject: "A reboot is owed and was put off",
        id: "e36786146c1017cade505ce3f16d8c59",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            The policy wants a reboot, and something stands against it; the line says
            what. It stays owed, and the next run asks again.

            If it is put off again and again, see to what the line names.
        ",
    }
    ROLLED_BACK {
        name: "rolled-back",
        subject: "Run @PATCHD_RUN@ was taken back",
        id: "a0bf07a40ce394b199a150265e154b5e",
        priorities: &[Priority::Error],
        fields: &["PATCHD_RUN"],
        text: "
            What the run installed broke something, or somebody asked for it: the old
            versions are installed again, from the restore point that was taken before.
            Data is never rolled back. The versions that did harm are kept away for a
            while.

            See what broke with `patchd history @PATCHD_RUN@`, and what is kept away with
            `patchd quarantine list`.
        ",
    }
    ROLLBACK_FAILED {
        name: "rollback-failed",
        subject: "Run @PATCHD_RUN@ could not be taken back",
        id: "6ae0db1ae5f096d90b37b80447cd3fd3",
        priorities: &[Priority::Error],
        fields: &["PATCHD_RUN"],
        text: "
            Something broke, and the way back could not be gone; the line says why. The
            machine is as the run left it.

            `patchd history @PATCHD_RUN@` lists what to do next, step by step.
        ",
    }
    KEPT_AWAY {
        name: "kept-away",
        subject: "Versions are kept away from this machine",
        id: "62e72cdbfe55a0ce4338ea95ff7a4ece",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            These versions did harm. They are not installed for a while, neither by
            patchd nor by apt; a newer version is.

            See `patchd quarantine list`; `patchd quarantine remove` lets one in again.
        ",
    }
    HOOK_FAILED {
        name: "hook-failed",
        subject: "A program of yours failed",
        id: "4b3e41d9dbbef16e5330494f1e21241f",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            A program of `[hooks]` did not exit with 0, or took too long. Before a check,
            an apply or a reboot it stops that; elsewhere the run goes on.

            Its output is in `patchd logs @PATCHD_RUN@`.
        ",
    }
}
