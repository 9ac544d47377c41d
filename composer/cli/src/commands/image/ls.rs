//! `ls`: what is in an image.
//!
//! Invariant: one line a path, sorted by bytes; with --json everything that the image says of each.

use serde_json::{Value, json};
use xsc_image::read::{Node, NodeKind, ReadError};

use super::{failed, mode_text, open, resolve, shown, wanted};
use crate::args::Ls;
use crate::commands::print;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Ls) -> Result<(), CommandError> {
    let word = &args.image.image;
    let image = open(word)?;
    let entries = image.entries();
    let path = wanted(args.path.as_deref().unwrap_or_default().as_bytes());
    // A link that is named itself is shown; one on the way is followed.
    let top = match entries.contains_key(&path) {
        true => Some(path.clone()),
        false => resolve(entries, &path),
    };
    let Some(top) = top else {
        let path = shown(&path);
        return Err(failed(word, &ReadError::NotFound { path }));
    };
    let node = &entries[&top];
    let listed: Vec<(&Vec<u8>, &Node)> = match node.is_directory() {
        true => {
            let mut prefix = top.clone();
            if !prefix.is_empty() {
                prefix.push(b'/');
            }
            let below = entries.range(prefix.clone()..);
            let below = below.take_while(|(path, _)| path.starts_with(&prefix));
            let below = below.filter(|(path, _)| !path[prefix.len()..].is_empty());
            let deep = args.recursive;
            below
                .filter(|(path, _)| deep || !path[prefix.len()..].contains(&b'/'))
                .collect()
        }
        false => vec![(&top, node)],
    };
    if context.json {
        let listed: Vec<Value> = listed
            .iter()
            .map(|(path, node)| object(path, node))
            .collect();
        let document = json!({ "version": 1, "format": image.format(), "entries": listed });
        print(&document.to_string());
        return Ok(());
    }
    let mut text = String::new();
    for (path, node) in listed {
        text.push_str(&match args.long {
            true => long(path, node),
            false => shown(path),
        });
        text.push('\n');
    }
    if !text.is_empty() {
        print(text.trim_end_matches('\n'));
    }
    Ok(())
}

fn long(path: &[u8], node: &Node) -> String {
    let size = match node.kind {
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            format!("{major},{minor}")
        }
        _ => node.size.to_string(),
    };
    let time = node
        .mtime
        .and_then(|time| chrono::DateTime::from_timestamp(time, 0));
    let time = time.map_or("-".to_owned(), |time| {
        time.format("%Y-%m-%d %H:%M:%S").to_string()
    });
    let mut line = format!(
        "{} {:>5} {:>5} {size:>10} {time:<19} {}",
        mode_text(node),
        node.uid,
        node.gid,
        shown(path)
    );
    if let NodeKind::Symlink { target } = &node.kind {
        line.push_str(&format!(" -> {}", shown(target)));
    }
    if let Some(link) = node.link {
        line.push_str(&format!(" (file {link})"));
    }
    for (name, value) in &node.xattrs {
        line.push_str(&format!(" [{}={}]", shown(name), hex::encode(value)));
    }
    line
}

fn object(path: &[u8], node: &Node) -> Value {
    let kind = match node.kind {
        NodeKind::File => "file",
        NodeKind::Directory => "directory",
        NodeKind::Symlink { .. } => "symlink",
        NodeKind::CharDevice { .. } => "char-device",
        NodeKind::BlockDevice { .. } => "block-device",
        NodeKind::Fifo => "fifo",
        NodeKind::Socket => "socket",
    };
    let mut object = json!({
        "path": shown(path),
        "kind": kind,
        "mode": format!("{:04o}", node.mode),
        "uid": node.uid,
        "gid": node.gid,
        "time": node.mtime,
    });
    match &node.kind {
        NodeKind::File => object["size"] = node.size.into(),
        NodeKind::Symlink { target } => object["target"] = shown(target).into(),
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            object["device"] = json!([major, minor]);
        }
        _ => {}
    }
    if let Some(link) = node.link {
        object["file"] = link.into();
    }
    if !node.xattrs.is_empty() {
        let xattrs = node.xattrs.iter();
        let xattrs = xattrs.map(|(name, value)| (shown(name), Value::from(hex::encode(value))));
        object["xattrs"] = Value::Object(xattrs.collect());
    }
    object
}
