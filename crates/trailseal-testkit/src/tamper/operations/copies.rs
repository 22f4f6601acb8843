//! What honest people and their tools do to copies of an archive.

use crate::{
    gzip::{gunzip, gzip},
    tamper::{
        operations::{TamperOperation, harmless},
        tampering::Tampering,
        tree::{Tree, TreeNode},
        world::Signatures,
    },
};

pub(super) const ALL: [TamperOperation; 12] = [
    harmless("inflate beside", 2, twin),
    harmless("download twice", 2, numbered),
    harmless("replica", 2, replica),
    harmless("compress again", 2, recompress),
    harmless("store inflated", 2, inflated),
    harmless("lose the sidecar of an interior digest", 2, interior_sidecar),
    harmless("leftovers of desktops and copies", 3, leftovers),
    harmless("a link that is another name", 2, alias),
    harmless("a link in a circle", 1, circle),
    harmless("metadata under the digest's name", 1, head_object),
    harmless("copy by date folders", 2, by_days),
    harmless("copy into one folder", 2, flat),
];

/// What gzip holds; what an operation before stored inflated has no other form.
pub(super) fn content_of(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.starts_with(&[0x1f, 0x8b]).then(|| gunzip(bytes))
}

fn twin(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let content = content_of(&t.file(&path)?.bytes)?;
    let to = path.strip_suffix(".gz")?.to_owned();
    t.put(&to, content);
    Some(to)
}

fn numbered(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let content = t.file(&path)?.clone();
    let stem = path.strip_suffix(".json.gz")?;
    let to = match t.random.below(4) {
        0 => format!("{stem} (1).json.gz"),
        1 => format!("{stem}-v20240302T000000Z.json.gz"),
        2 => format!("{stem} - Copy.json.gz"),
        _ => format!("{stem}.json.gz.1"),
    };
    t.put_content(&to, content);
    Some(to)
}

/// A copy of the logs, the digests or all of it, in another folder or root.
fn replica(t: &mut Tampering<'_>) -> Option<String> {
    let part = t.random.choose(&["/CloudTrail/", "/", "/CloudTrail-Digest/"]);
    let is_root = t.random.chance(50);
    let keeps_root = t.random.chance(50);
    let target = if is_root { "second".to_owned() } else { format!("{}/replica", t.roots[0]) };
    if t.tree.keys().any(|path| path.starts_with(&format!("{target}/"))) {
        return None;
    }
    let mut copies = Vec::new();
    for (path, node) in &t.world.tree {
        let TreeNode::File(content) = node else { continue };
        if path.contains(part) && t.file(path).is_some_and(|now| now.bytes == content.bytes) {
            let below = if keeps_root { path.split_once('/')?.1 } else { path };
            copies.push((format!("{target}/{below}"), content.clone()));
        }
    }
    if copies.is_empty() {
        return None;
    }
    let count = copies.len();
    for (path, content) in copies {
        t.put_content(&path, content);
    }
    if is_root {
        t.roots.push(target.clone());
    }
    Some(format!("{count} files with {part} to {target}"))
}

fn recompress(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let content = content_of(&t.file(&path)?.bytes)?;
    t.put(&path, gzip(&content));
    Some(one.key.clone())
}

fn inflated(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let content = content_of(&t.file(&path)?.bytes)?;
    let keeps_name = t.random.chance(50);
    if keeps_name {
        t.put(&path, content);
    } else {
        let to = path.strip_suffix(".gz")?.to_owned();
        t.remove(&path);
        t.put(&to, content);
    }
    Some(format!("{}, keeps the name {keeps_name}", one.key))
}

fn interior_sidecar(t: &mut Tampering<'_>) -> Option<String> {
    if t.world.signatures != Signatures::Everywhere {
        return None;
    }
    let lines = &t.world.lines;
    let one = t.object(&|one| {
        let segment = &lines[one.line].segments[one.segment];
        one.is_digest() && one.digest + 1 < segment.end
    })?;
    // Its successor must be there to speak for it.
    let next = t.digests_of(one.line)[one.digest + 1];
    let path = format!("{}.metadata.json", t.world.path(one));
    (t.is_untouched(next) && t.file(&format!("{}.metadata.json", t.world.path(next))).is_some())
        .then(|| t.remove(&path))
        .filter(|was_there| *was_there)
        .map(|_| path)
}

const DS_STORE: &[u8] = b"\0\0\0\x01Bud1\0\0\x10\0\0\0\x08\0\0\0\x10\0";
const APPLE_DOUBLE: &[u8] = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02\0\0\0\x09";

fn leftovers(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let (folder, name) = path.rsplit_once('/')?;
    let digest = trailseal_deliver::digest::sha256_hex(name.as_bytes());
    let (to, bytes) = match t.random.below(8) {
        0 => (format!("{folder}/.DS_Store"), DS_STORE.to_vec()),
        1 => (format!("{folder}/._{name}"), APPLE_DOUBLE.to_vec()),
        2 => (format!("{folder}/Thumbs.db"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec()),
        3 => (format!("{folder}/desktop.ini"), b"[.ShellClassInfo]\r\nIconIndex=0\r\n".to_vec()),
        4 => (format!("{folder}/SHA256SUMS"), format!("{digest}  {name}\n").into_bytes()),
        5 => (format!("{folder}/.{name}.crc"), b"crc\0\0\0\x02\0\x12\x34\x56\x78".to_vec()),
        6 => (format!("{folder}/@eaDir/{name}/SYNOINDEX_MEDIA_INFO"), b"{}".to_vec()),
        _ => (format!("{}/__MACOSX/{}/._{name}", t.roots[0], one.bucket), APPLE_DOUBLE.to_vec()),
    };
    t.put(&to, bytes);
    Some(to)
}

/// A link to a file, its folder or the bucket, beside it.
fn alias(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let (folder, name) = path.rsplit_once('/')?;
    let (link, target) = match t.random.below(4) {
        0 => (format!("{folder}/latest.json.gz"), name.to_owned()),
        1 => {
            let (above, day) = folder.rsplit_once('/')?;
            (format!("{above}/today"), day.to_owned())
        }
        2 => {
            let account = &t.world.lines[one.line].chain.account;
            let at = path.find(&format!("/{account}/"))?;
            (format!("{}/production", &path[..at]), account.clone())
        }
        _ => {
            let mut parts = path.split('/');
            let (root, bucket) = (parts.next()?, parts.next()?);
            (format!("{root}/latest"), bucket.to_owned())
        }
    };
    let is_below_root = t.roots.iter().any(|root| link.starts_with(&format!("{root}/")));
    if t.tree.contains_key(&link) || !is_below_root {
        return None;
    }
    t.tree.insert(link.clone(), TreeNode::Link(target.clone()));
    Some(format!("{link} -> {target}"))
}

fn circle(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let (folder, _) = path.rsplit_once('/')?;
    let (name, target) = t.random.choose(&[("up", ".."), ("self", "."), ("up", "../..")]);
    let link = format!("{folder}/{name}");
    if t.tree.contains_key(&link) {
        return None;
    }
    t.tree.insert(link.clone(), TreeNode::Link(target.to_owned()));
    Some(format!("{link} -> {target}"))
}

/// The output of `head-object` as `DIGEST.json` beside `DIGEST.json.gz`.
fn head_object(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    let path = t.world.path(one);
    let to = path.strip_suffix(".gz")?.to_owned();
    if t.tree.contains_key(&to) {
        return None;
    }
    let sidecar = t.world.sidecar(one);
    t.put(&to, sidecar.into_bytes());
    Some(to)
}

/// Of two days only one is copied, of logs and digests alike.
fn by_days(t: &mut Tampering<'_>) -> Option<String> {
    let days = ["2024/03/01", "2024/03/02"].map(|day| format!("/{day}/"));
    let count = |day: &String| t.tree.keys().filter(|path| path.contains(day)).count();
    if t.random.chance(50) || days.iter().any(|day| count(day) == 0) {
        return None;
    }
    let left_out = t.random.choose(&[0, 1]);
    t.tree.retain(|path, _| !path.contains(&days[left_out]));
    t.is_provable = false;
    t.left_out = Some(days[left_out].clone());
    Some(format!("without {}", days[left_out]))
}

/// All files side by side, as search in a console downloads them.
fn flat(t: &mut Tampering<'_>) -> Option<String> {
    let (root, folder) = (t.roots[0].clone(), t.random.choose(&["", "/downloads"]));
    let mut tree = Tree::new();
    for (path, node) in &t.tree {
        let name = path.rsplit('/').next()?;
        if !t.world.tree.contains_key(path)
            || tree.insert(format!("{root}{folder}/{name}"), node.clone()).is_some()
        {
            return None;
        }
    }
    t.tree = tree;
    t.roots.truncate(1);
    t.is_provable = false;
    Some(format!("{root}{folder}"))
}
