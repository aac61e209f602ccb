//! Who is told, and what the operator lives with, as everybody's settings.

use std::collections::BTreeSet;

use super::checked::ours;
use super::fault::Fault;
use super::node::Node;
use crate::model::{CveId, Exception, NotificationKind};
use crate::notify::{Receiver, Secret, Settings, Way};

/// The mail server of a machine that has one.
const SMTP: &str = "127.0.0.1:25";

pub(super) fn receivers(root: &Node) -> Result<Settings, Fault> {
    let named = root.named("notify");
    let receivers = named.map(|(name, node)| Ok((name.clone(), receiver(node)?)));
    Ok(Settings {
        receivers: receivers.collect::<Result<_, Fault>>()?,
    })
}

fn receiver(node: &Node) -> Result<Receiver, Fault> {
    let text = |key: &str| node.text(key).map(str::to_owned);
    let way = if let Some(url) = text("webhook") {
        let secret = node.get("secret").map(secret).transpose()?;
        Way::Webhook { url, secret }
    } else if let Some(words) = node.texts("command") {
        Way::Command(words)
    } else {
        Way::Mail {
            to: text("email").ok_or_else(|| ours(node))?,
            server: text("smtp").unwrap_or_else(|| SMTP.to_owned()),
        }
    };
    let on = match node.texts("on") {
        Some(words) => kinds(node, &words)?,
        None => NotificationKind::ALL.into(),
    };
    Ok(Receiver { way, on })
}

fn kinds(node: &Node, words: &[String]) -> Result<BTreeSet<NotificationKind>, Fault> {
    let kind = |word: &String| {
        let mut kinds = NotificationKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| ours(node))
    };
    words.iter().map(kind).collect()
}

fn secret(node: &Node) -> Result<Secret, Fault> {
    let credential = node.text("credential").map(str::to_owned);
    let file = node.text("file");
    let secret = credential.map(Secret::Credential);
    secret
        .or_else(|| file.map(|path| Secret::File(path.into())))
        .ok_or_else(|| ours(node))
}

pub(super) fn exceptions(root: &Node) -> Result<Vec<Exception>, Fault> {
    root.tables("exception").iter().map(exception).collect()
}

fn exception(node: &Node) -> Result<Exception, Fault> {
    let text = |key: &str| node.text(key).map(str::to_owned).ok_or_else(|| ours(node));
    Ok(Exception {
        cve: CveId::try_from(text("cve")?).map_err(|_| ours(node))?,
        reason: text("reason")?,
        owner: text("owner")?,
        until: text("until")?.parse().map_err(|_| ours(node))?,
    })
}
