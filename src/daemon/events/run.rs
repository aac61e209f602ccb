//! What a run tells.

use super::{Kind, Priority, kinds};

kinds! {
    RUN_OPENED {
        name: "run-opened",
        subject: "Run @PATCHD_RUN@ begins",
        id: "b9e735e8b3ec41e493837b4051230e73",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RUN"],
        text: "
            patchd has begun a run: it mends what is broken, fetches what is on offer,
            decides, installs, and looks whether the machine is as it was.

            Nothing is to be done. All lines of this run:
            `journalctl PATCHD_RUN=@PATCHD_RUN@`. `patchd cancel` ends it before its
            next phase; a transaction that has begun is never cut short.
        ",
    }
    RUN_RESUMED {
        name: "run-resumed",
        subject: "Run @PATCHD_RUN@ was cut short and goes on",
        id: "9cd5f8cba9e34d17a86d7a206f40fc47",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            The run was not closed when patchd last ended: patchd or the machine was
            restarted, or lost power. What became of it is found out first: a package
            manager that is still at work is waited for, the package database is
            mended, and what is left of the plan is planned anew.

            Nothing is to be done. If it happens often, look for what ends patchd:
            `journalctl -u patchd -b -1`, `journalctl -k -g oom`.
        ",
    }
    STAGE {
        name: "stage",
        subject: "Run @PATCHD_RUN@ is @PATCHD_PHASE@",
        id: "5124e53f64254080ae4840d219125756",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RUN", "PATCHD_PHASE"],
        text: "
            The run has entered another state. Packages are touched only while it is
            repairing, mending or applying.

            Nothing is to be done. `patchd history @PATCHD_RUN@` shows all states with
            their times.
        ",
    }
    PLANNED {
        name: "planned",
        subject: "Run @PATCHD_RUN@ has a plan",
        id: "a44dd9689a174d15a017f9d2bdc77ed1",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RUN", "PATCHD_PLAN"],
        text: "
            Your policy has decided about each pending update, and apt's own solver
            confirms the plan. Exactly this is installed, or nothing.

            Nothing is to be done. `patchd history @PATCHD_RUN@` lists each package
            with its decision and reason.
        ",
    }
    BLOCKED {
        name: "blocked",
        subject: "@PATCHD_PACKAGE@ cannot be updated",
        id: "20fbbd3d77954abc892c1f5f472baa30",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RUN", "PATCHD_PACKAGE"],
        text: "
            A rule of yours would install this update, and the package manager cannot:
            the line says what stands in the way, such as a hold, a pin, phasing, or a
            dependency.

            If the fix matters to you, take the obstacle away: `apt-mark unhold` for a
            hold, the files in /etc/apt/preferences.d for a pin, `removals` in the
            policy for a removal. `patchd explain` with the package's name tells more.
        ",
    }
    LEFT_FOR_NEXT_WINDOW {
        name: "left-for-next-window",
        subject: "Updates wait for the next window",
        id: "6b46b895db1c4d718b7a8e73ffb3e44e",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            These updates are due, but by patchd's estimate the transaction would not
            have ended before the window closes. What is most urgent was taken first;
            these were left for the next window.

            Nothing is to be done if they are gone after the next window. If updates are
            left again and again, make the schedule's `window` longer, or patch now
            with `patchd run --now`. `patchd schedule` shows the coming windows.
        ",
    }
    WAITING {
        name: "waiting",
        subject: "Run @PATCHD_RUN@ waits for somebody else",
        id: "4bdc9326fd764022836cae8dc23addda",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            Another program holds the package manager's lock; the line names it. patchd
            waits for it, for `package_manager.lock_wait` at most, and then puts the
            run off.

            Nothing is to be done if it ends. If the same program is named each night,
            it patches behind patchd's back: see `patchd takeover`.
        ",
    }
    RUN_STOPPING {
        name: "run-stopping",
        subject: "Run @PATCHD_RUN@ was asked to stop",
        id: "50855f6f41544d50aee0571a0c8bac5c",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            Somebody asked to end the run: `patchd cancel`, Ctrl-C, or the end of the
            service. The phase at work is finished first, because a package manager is
            never cut short; then the run is put off.

            Nothing is to be done. What is missing is installed by the next run.
        ",
    }
    STALLED {
        name: "stalled",
        subject: "Run @PATCHD_RUN@ takes longer than it should",
        id: "e55ac7c04d6f414390ea2bf9d75b0777",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN", "PATCHD_PHASE"],
        text: "
            The phase \"@PATCHD_PHASE@\" has passed its deadline. Nothing was killed: a
            package manager that is killed leaves a broken machine behind.

            `patchd logs -f @PATCHD_RUN@` shows what apt and dpkg print. Often it is a
            script of a package that waits for a service, a disk, or an answer; after
            five minutes the journal names it, and what it waits for. Help that one
            program; the run then goes on by itself. When it has taken longer than
            `package_manager.script_timeout`, the script, and nothing else, is asked
            to end, and its package is set aside.
        ",
    }
    WORKER_LOST {
        name: "worker-lost",
        subject: "Run @PATCHD_RUN@ lost its worker",
        id: "358f3841582e4efabf2fae82bc5d50cf",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            The privileged worker ended before it had reported. A package manager that
            it had started goes on without it. The next worker waits for that one,
            mends the package database, and finds out what was installed; after three
            losses the run gives up and asks for a human.

            Nothing is to be done the first time. Why it ended is in
            `journalctl -u 'patchd-worker@*'`; look for a lack of memory with
            `journalctl -k -g oom`.
        ",
    }
    NOTED {
        name: "noted",
        subject: "The worker of run @PATCHD_RUN@ has noted something",
        id: "3d270de00fc146e5ba67eb9fee067711",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN"],
        text: "
            Something that the run goes on in spite of. \"No way back\" means: patchd
            upgrades itself in this run, and the package of the version that is
            installed could not be had, so that it cannot be put back if the new one
            does not start.

            Nothing is to be done now. For a way back next time, put the package of
            the version that works into /var/lib/patchd-worker/packages.
        ",
    }
    BROKEN {
        name: "broken",
        subject: "Broken: @PATCHD_SUBJECT@",
        id: "b5fe914a48a54dec8be5b0cd170a3ab8",
        priorities: &[Priority::Error],
        fields: &["PATCHD_RUN", "PATCHD_CHECK", "PATCHD_SUBJECT"],
        text: "
            Before the run, @PATCHD_SUBJECT@ was in order; now it is not. The check
            that found it is \"@PATCHD_CHECK@\" (database: dpkg; unit, port, route,
            resolver: the machine; probe: one of your own).

            Somebody has to look, now: the service may be down.
            `patchd history @PATCHD_RUN@` lists what was changed, from which version to
            which; `patchd logs @PATCHD_RUN@` what dpkg said. For a unit, begin with
            `systemctl status` and `journalctl -u`. For a package, mend it with
            `dpkg --configure -a`, or put the old version back with
            `apt-get install NAME=VERSION`.
        ",
    }
    WARNING {
        name: "warning",
        subject: "Not as it should be: @PATCHD_SUBJECT@",
        id: "b12e673fd39448689e010d836d785800",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RUN", "PATCHD_CHECK", "PATCHD_SUBJECT"],
        text: "
            After the run something differs from what was expected, and nothing says
            that it is broken: a failing check that was not asked for, or a package
            that somebody else changed meanwhile.

            Look at it by day. `patchd history @PATCHD_RUN@` has all findings of the
            run.
        ",
    }
    RUN_FINISHED {
        name: "run-finished",
        subject: "Run @PATCHD_RUN@: @PATCHD_OUTCOME@",
        id: "111483e2d9454a82bea94f98c055706f",
        priorities: &[Priority::Info, Priority::Warn, Priority::Error],
        fields: &["PATCHD_RUN", "PATCHD_OUTCOME"],
        text: "
            The run is over; its outcome is \"@PATCHD_OUTCOME@\".

            succeeded: all that was due is installed and verified. Nothing to do.
            reboot-owed: the same, but something takes effect only after a reboot.
            Reboot when it suits.
            partial: some of it is installed; a package was set aside, left for the
            next window or cannot be had, a repository is bad, or verify warns. The
            line says which. Look at it by day.
            deferred: not begun, or ended before its next phase; the next run does it.
            failed: it did not work, and the machine is sound. The line says why; the
            next run tries again.
            needs-human: something is broken, or not everything could be seen. Look
            now.
            cloned: this machine was cloned while the run was open; the run belongs to
            the other machine. Nothing to do.

            `patchd history @PATCHD_RUN@` has the facts, `patchd logs @PATCHD_RUN@`
            what apt and dpkg printed.
        ",
    }
    RUN_BROKEN_OFF {
        name: "run-broken-off",
        subject: "A run cannot be told on",
        id: "23d1374b19fb4db4a8f5da8f7efcc7ef",
        priorities: &[Priority::Error],
        fields: &[],
        text: "
            patchd could not write down how a run goes on, so it does not go on: what
            is not on record must not happen. The line says why; mostly the disk is
            full, or the ledger cannot be used. A package manager that is at work comes
            to its end all the same.

            Take away the reason: `df /var/lib/patchd`, `systemctl status patchd`. Then
            `patchd run --now` takes the run up where it was.
        ",
    }
    OWN_UPGRADE_KEPT {
        name: "own-upgrade-kept",
        subject: "patchd was upgraded to @PATCHD_VERSION@",
        id: "53c5955479a54e559c6e5ab931a8da03",
        priorities: &[Priority::Info],
        fields: &["PATCHD_VERSION"],
        text: "
            A run has upgraded patchd itself. The new daemon was ready in time, so it
            stays; where none runs, the package was simply installed.

            Nothing is to be done.
        ",
    }
    OWN_UPGRADE_PUT_BACK {
        name: "own-upgrade-put-back",
        subject: "patchd @PATCHD_VERSION@ did not start; the old one is back",
        id: "ee067600a43846df8606aecb39f3c37d",
        priorities: &[Priority::Error],
        fields: &["PATCHD_VERSION"],
        text: "
            A run had upgraded patchd itself, and the new daemon was not ready within a
            minute. The package that was saved before was installed again, and the old
            daemon goes on patching. It says this at each start, until a newer version
            works.

            Find out why it did not start: `journalctl -u patchd` around that time.
            Until then keep the new version away with `apt-mark hold patchd`; otherwise
            a later run tries it again.
        ",
    }
}
