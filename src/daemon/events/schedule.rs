//! When runs begin, and why they do not.

use super::{Kind, Priority, kinds};

kinds! {
    WINDOW_OPENED {
        name: "window-opened",
        subject: "The window of schedule @PATCHD_SCHEDULE@ is open",
        id: "8369064627294e9085bd44d9000b736c",
        priorities: &[Priority::Info],
        fields: &["PATCHD_SCHEDULE"],
        text: "
            It is this machine's time in the schedule. What is due is done now, and
            nothing is begun that cannot end before the window closes.

            Nothing is to be done. `patchd schedule @PATCHD_SCHEDULE@` shows the coming
            windows.
        ",
    }
    SKIPPED {
        name: "skipped",
        subject: "No run: @PATCHD_REASON@",
        id: "b70516e6b99042d38a36d87c070931b4",
        priorities: &[Priority::Warn, Priority::Error],
        fields: &["PATCHD_REASON"],
        text: "
            A run was due or asked for, and there was none. The reason is
            \"@PATCHD_REASON@\".

            frozen: a [[freeze]] of the configuration covers the day.
            paused: somebody paused patchd; `patchd resume` ends that.
            missed: the machine was off or asleep in that window, and `catch_up` says
            not to make up for it now.
            config-invalid: the configuration is faulty and there is no good copy of
            it; `patchd config check` names each fault.
            clock: the clock shows a time that cannot be; set it, or repair its
            synchronisation.
            ledger: patchd's own records cannot be read; the line says why.
            not-permitted, usage: a command was called that may not do this.
            failed, needs-human, deferred: patchd could not begin; the line says why.

            Nothing is installed until the next window. If that is too late,
            `patchd run --now` opens one; a freeze holds for it too.
        ",
    }
    PAUSED {
        name: "paused",
        subject: "patchd is paused",
        id: "9852392d421540e882fa476d1c2ea6e9",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            Somebody paused patchd; the line says who, and why. No run begins
            meanwhile; each one that is due is reported as skipped.

            Only `patchd resume` ends the pause; it lasts through restarts and reboots.
        ",
    }
    PAUSE_ENDED {
        name: "pause-ended",
        subject: "patchd is not paused any more",
        id: "e4c91f8c04954e5eb04e11dc509c8a96",
        priorities: &[Priority::Info],
        fields: &[],
        text: "
            Somebody called `patchd resume`; the line says who. Schedules begin runs
            again.

            Nothing is to be done.
        ",
    }
    CLOCK_STEPPED {
        name: "clock-stepped",
        subject: "The clock was set by @PATCHD_SECONDS@ s",
        id: "72403ae3911b4e5097ba064b06aaeb46",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_SECONDS"],
        text: "
            The machine's clock did not run on, it was set: forward, or back where the
            number is negative. All windows are computed anew. A window that was
            handled is not handled again after a step back; one that was leapt over
            counts as missed, and `catch_up` decides.

            Nothing is to be done after one step, such as the first synchronisation
            after a boot or a restored snapshot. If it happens often, repair time
            synchronisation: `timedatectl timesync-status`. Signatures and expiry
            dates of repositories depend on the clock too.
        ",
    }
    ZONE_CHANGED {
        name: "zone-changed",
        subject: "The time zone is now @PATCHD_ZONE@",
        id: "3955079cdc8a4e169ab0f6bd00f825f4",
        priorities: &[Priority::Info],
        fields: &["PATCHD_ZONE"],
        text: "
            The machine's time zone was changed. Schedules without a `timezone` of
            their own follow it: their windows have moved.

            Look at the new times with `patchd schedule`. To tie a schedule to a zone,
            give it a `timezone`.
        ",
    }
}
