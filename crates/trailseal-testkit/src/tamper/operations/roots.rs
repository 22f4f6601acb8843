//! Several roots, cut copies, and links.

use trailseal_deliver::write::{gzip, sidecar_name};

use crate::tamper::{
    operations::{TamperOperation, alter::altered, harm, plant::target},
    tampering::Tampering,
    tree::TreeNode,
    world::Signed,
};

pub(super) const ALL: [TamperOperation; 6] = [
    harm("a tampered cut copy as a second root", 4, cut_root),
    harm("a tampered cut copy beside the layout", 4, cut_beside),
    harm("a second root with a planted log", 3, planted_root),
    harm("a link in a file's place", 3, link_out),
    harm("a link in a folder's place", 2, folder_link),
    harm("an altered replica", 3, altered_replica),
];

/// A copy of what lies below an account's folder, with one log altered, planted or left out.
fn cut_copy(t: &mut Tampering<'_>, target_folder: &str) -> Option<String> {
    let log = t.log()?;
    let chain = t.world.lines[log.line].chain.clone_place();
    let account = format!("/{}/", chain.account);
    let mut copies: Vec<(String, Vec<u8>)> = Vec::new();
    for one in t.world.own() {
        let (path, key) = (t.world.path(one), &one.key);
        let (Some(at), Some(file)) = (key.find(&account), t.file(&path)) else { continue };
        let below = &key[at + account.len()..];
        copies.push((format!("{target_folder}/{below}"), file.bytes.clone()));
        if let Some(sidecar) = t.file(&sidecar_name(&path)) {
            copies.push((sidecar_name(&format!("{target_folder}/{below}")), sidecar.bytes.clone()));
        }
    }
    let at = log.key.find(&account)?;
    let own = format!("{target_folder}/{}", &log.key[at + account.len()..]);
    let what = match t.random.below(3) {
        0 => {
            let bytes = gzip(&altered(t, log)?, 6);
            copies.push((own.clone(), bytes));
            format!("{own} altered")
        }
        1 => {
            let (folder, _) = own.rsplit_once('/')?;
            let path = format!("{folder}/events.json");
            copies.push((path.clone(), t.invented(&chain, log.end)));
            format!("{path} planted")
        }
        _ => {
            let planted = own.replace(".json.gz", "x.json.gz");
            copies.push((planted.clone(), t.invented_file(&chain, log.end)));
            format!("{planted} planted")
        }
    };
    let moves = t.random.chance(50);
    for (path, bytes) in copies {
        t.put(&path, bytes);
    }
    if moves {
        // The layout keeps little: the first digests and their logs.
        let keep = 3;
        let late: Vec<Signed> = t.world.own().iter().filter(|one| one.digest >= keep).cloned().collect();
        for one in &late {
            t.remove_object(one);
        }
    }
    Some(format!("{what}, the layout keeps only the first digests {moves}"))
}

fn cut_root(t: &mut Tampering<'_>) -> Option<String> {
    if t.roots.iter().any(|root| root == "cut") {
        return None;
    }
    let text = cut_copy(t, "cut")?;
    t.roots.push("cut".to_owned());
    Some(text)
}

fn cut_beside(t: &mut Tampering<'_>) -> Option<String> {
    let folder = format!("{}/{}", t.roots[0], t.random.choose(&["copy", "first/second", "111122223333"]));
    if t.tree.keys().any(|path| path.starts_with(&format!("{folder}/"))) {
        return None;
    }
    cut_copy(t, &folder)
}

fn planted_root(t: &mut Tampering<'_>) -> Option<String> {
    if t.roots.iter().any(|root| root == "more") {
        return None;
    }
    let (chain, time, _) = target(t);
    let key = chain.log_key(time, &t.unique_text());
    let below = match t.random.below(4) {
        0 => key.clone(),
        1 => key.rsplit('/').next()?.to_owned(),
        2 => key[key.find("AWSLogs/")?..].to_owned(),
        _ => format!("CloudTrail/{}/{}/{}", chain.region, time.date_folders(), key.rsplit('/').next()?),
    };
    let path = format!("more/{below}");
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    t.roots.push("more".to_owned());
    Some(path)
}

/// The file lies outside the roots, or nowhere; a link stands in its place.
fn link_out(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let content = t.file(&path)?.clone();
    let depth = path.matches('/').count();
    let up = "../".repeat(depth);
    let target = match t.random.below(3) {
        0 => format!("{up}outside/{}", one.name()),
        1 => "nowhere".to_owned(),
        _ => {
            let other = t.object(&|_| true)?;
            if other.key == one.key {
                return None;
            }
            format!("{up}{}", t.world.path(other))
        }
    };
    if target.contains("outside/") {
        t.put_content(&format!("outside/{}", one.name()), content);
    }
    t.tree.insert(path.clone(), TreeNode::Link(target.clone()));
    Some(format!("{path} -> {target}"))
}

fn folder_link(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let (folder, _) = path.rsplit_once('/')?;
    let up = "../".repeat(folder.matches('/').count());
    let start = format!("{folder}/");
    let below: Vec<(String, TreeNode)> = t
        .tree
        .iter()
        .filter(|(path, _)| path.starts_with(&start))
        .map(|(path, node)| (path.clone(), node.clone()))
        .collect();
    for (path, node) in &below {
        t.tree.remove(path);
        if let TreeNode::File(content) = node {
            t.put_content(&format!("outside/folder/{}", &path[start.len()..]), content.clone());
        }
    }
    t.tree.remove(folder);
    let target = format!("{up}outside/folder");
    t.tree.insert(folder.to_owned(), TreeNode::Link(target.clone()));
    Some(format!("{folder} -> {target}, {} files", below.len()))
}

/// A second root with the same keys, in which a log is another.
fn altered_replica(t: &mut Tampering<'_>) -> Option<String> {
    if t.roots.iter().any(|root| root == "replica") {
        return None;
    }
    let log = t.log()?;
    let bytes = gzip(&altered(t, log)?, 6);
    let whole = t.random.chance(50);
    if whole {
        for one in t.world.own() {
            let path = t.world.path(one);
            if let Some(content) = t.file(&path).cloned() {
                t.put_content(&format!("replica/{}/{}", one.bucket, one.key), content);
            }
        }
    }
    let path = format!("replica/{}/{}", log.bucket, log.key);
    t.put(&path, bytes);
    t.roots.push("replica".to_owned());
    Some(format!("{path}, with everything else {whole}"))
}
