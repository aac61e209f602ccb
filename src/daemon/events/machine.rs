//! What is the matter with the machine, beside a run.

use super::{Kind, Priority, kinds};

kinds! {
    REBOOT_OWED {
        name: "reboot-owed",
        subject: "A reboot is owed",
        id: "a137171f6c764c829e578a59d7193a7e",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            Fixes are installed and not yet in use: the running kernel, or a library
            that everything uses, is older than what is on disk. The machine stays
            open to what they fix until it is rebooted.

            Reboot when it suits; patchd does not do it. `patchd status` shows the
            reasons, and since when.
        ",
    }
    FEED_TAKEN {
        name: "feed-taken",
        subject: "More is known of vulnerabilities: @PATCHD_FEED@",
        id: "aa860cf77bd8442da89c9369e0230c5f",
        priorities: &[Priority::Info],
        fields: &["PATCHD_FEED", "PATCHD_RECORDS"],
        text: "
            A feed about vulnerabilities has changed, was read, and is in use. It has
            @PATCHD_RECORDS@ records for this machine.

            Nothing is to be done. `patchd feeds status` shows all feeds.
        ",
    }
    FEED_FAILED {
        name: "feed-failed",
        subject: "Feed @PATCHD_FEED@ cannot be had",
        id: "a5ffc3a53fdc46f5a1e7f3c4f93a18de",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_FEED"],
        text: "
            A feed about vulnerabilities could not be fetched, or was not fit for use;
            the line says why. What was known before stays in use, patching goes on,
            and the feed is tried again, ever more seldom.

            Look whether this machine may reach the address: `[network] proxy` and
            `[feeds] mirror` say how. Without any way out, bring files with
            `patchd feeds import`. What a feed is too old to tell is shown as unknown.
        ",
    }
    FEEDS_UNUSABLE {
        name: "feeds-unusable",
        subject: "What is published about vulnerabilities cannot be kept",
        id: "b2453eabcf7147218cab726e5015d124",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            Feeds about vulnerabilities could not be written down, or no index could be
            made of them; the line says why. What was there before stays in use, and
            patching goes on.

            Look at space, owner and mode of /var/cache/patchd and /var/lib/patchd.
        ",
    }
    RIVAL_FOUND {
        name: "rival-found",
        subject: "@PATCHD_RIVAL@ also patches this machine",
        id: "89267c711dab4a3a8f12f3835f2144d3",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RIVAL"],
        text: "
            @PATCHD_RIVAL@ installs updates by itself: outside your windows, without
            your rules, and without a look at the machine afterwards. The two do not
            harm each other, since patchd waits for the lock; but what was patched when
            is not for you to say.

            Decide for one of them. `patchd takeover` switches the rival's patching off
            and keeps a record; `patchd takeover --undo` puts it back as it was.
        ",
    }
    TAKEOVER_DONE {
        name: "takeover-done",
        subject: "@PATCHD_RIVAL@ does not patch any more",
        id: "d7320896db3c4c4c99816a25724fdd31",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RIVAL"],
        text: "
            `patchd takeover` has switched off the automatic patching of
            @PATCHD_RIVAL@. What was changed is on record.

            Nothing is to be done. `patchd takeover --undo` puts it back as it was; so
            does the removal of the package patchd.
        ",
    }
    TAKEOVER_UNDONE {
        name: "takeover-undone",
        subject: "@PATCHD_RIVAL@ patches again",
        id: "742c58d70df24dadb274d5840ee8f9f2",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RIVAL"],
        text: "
            The automatic patching of @PATCHD_RIVAL@ is as it was before
            `patchd takeover`.

            Nothing is to be done.
        ",
    }
    TAKEOVER_LEFT {
        name: "takeover-left",
        subject: "Something that patches too was left as it is",
        id: "d5e361b8f74f4af78a10593c26e7d74a",
        priorities: &[Priority::Warn],
        fields: &[],
        text: "
            `patchd takeover`, or its `--undo`, has not touched something; the line
            says what and why. Mostly somebody has changed it since, and it was left as
            they want it.

            Look at it with `systemctl list-timers`, and decide by hand.
        ",
    }
}
