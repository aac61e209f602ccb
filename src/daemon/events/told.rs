//! What is told to those who are not here, and what is kept as evidence.

use super::{Kind, Priority, kinds};

kinds! {
    NOTIFIED {
        name: "notified",
        subject: "@PATCHD_RECEIVER@ was told: @PATCHD_KIND@",
        id: "398c3814a558429ba27dae00e598aff5",
        priorities: &[Priority::Info],
        fields: &["PATCHD_RECEIVER", "PATCHD_KIND"],
        text: "
            A notification has arrived at the receiver [notify.@PATCHD_RECEIVER@]; the
            line has its sentence.

            Nothing is to be done here. The same thing is not told again for as long
            as it lasts.
        ",
    }
    NOTIFICATION_PUT_OFF {
        name: "notification-put-off",
        subject: "@PATCHD_RECEIVER@ could not be told",
        id: "3f8d6e999ceb4bdc8908f8e9d2cca006",
        priorities: &[Priority::Warn],
        fields: &["PATCHD_RECEIVER", "PATCHD_KIND"],
        text: "
            A notification has not arrived at [notify.@PATCHD_RECEIVER@]; the line says
            why. It is tried again, at growing intervals of at most an hour, for two
            days, over restarts too.

            If it goes on: `sudo patchd notify test @PATCHD_RECEIVER@` tries at once
            and shows what is wrong.
        ",
    }
    NOTIFICATION_GIVEN_UP {
        name: "notification-given-up",
        subject: "@PATCHD_RECEIVER@ was not told",
        id: "428e606e6102494490428c0a986f49e1",
        priorities: &[Priority::Error],
        fields: &["PATCHD_RECEIVER", "PATCHD_KIND"],
        text: "
            A notification (@PATCHD_KIND@) for [notify.@PATCHD_RECEIVER@] is not tried
            any more: it is two days old, or too many wait for that receiver.

            What it was about is in `patchd status` and `patchd history`. Mend the
            receiver: `sudo patchd notify test @PATCHD_RECEIVER@` shows what is wrong.
        ",
    }
    EVIDENCE_ANCHORED {
        name: "evidence-anchored",
        subject: "The evidence stands at record @PATCHD_SEQUENCE@",
        id: "36a311da1a3e4689a272e603c15a4939",
        priorities: &[Priority::Info],
        fields: &["PATCHD_SEQUENCE", "PATCHD_HASH"],
        text: "
            Once a day the head of the chain of evidence is noted here. Whoever changes
            a record up to this one no longer comes to this hash.

            Nothing is to be done. Keep the journal where the machine cannot change it,
            if you have to prove something to others.
        ",
    }
    EVIDENCE_UNWRITTEN {
        name: "evidence-unwritten",
        subject: "Evidence cannot be kept",
        id: "460dab27158f4be78f311caacc675cad",
        priorities: &[Priority::Error],
        fields: &[],
        text: "
            A record could not be added to /var/lib/patchd/evidence.jsonl; the line
            says why. Patching is not affected, but what happens now cannot be proved
            later.

            If the disk is full, make room. If the file does not end with a record of
            patchd's, somebody has changed it: put it away for whoever looks into that,
            then `systemctl restart patchd` begins a new chain.
        ",
    }
}
