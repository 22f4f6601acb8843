//! Changing what is there.

use trailseal_deliver::write::{gzip, sidecar_name};

use crate::tamper::{
    operations::{TamperOperation, harm},
    tampering::Tampering,
    world::Signed,
};

pub(super) const ALL: [TamperOperation; 11] = [
    harm("alter a log", 4, log),
    harm("flip bits", 3, flip),
    harm("append bytes", 2, append),
    harm("append a gzip member", 2, append_member),
    harm("append to a copy", 2, append_to_copy),
    harm("cut short", 2, cut),
    harm("empty a file", 1, empty),
    harm("swap two logs", 2, swap_logs),
    harm("swap two digests", 2, swap_digests),
    harm("move a log", 3, move_log),
    harm("move a digest", 3, move_digest),
];

fn log(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.log()?;
    let altered = altered(t, one)?;
    let path = t.world.path(one);
    t.put(&path, gzip(&altered, 6));
    Some(one.key.clone())
}

/// A log's content with another event in it.
pub(super) fn altered(t: &Tampering<'_>, log: &Signed) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(t.world.inflated(log)).ok()?;
    let altered = text.replacen("DescribeInstances", "TerminateInstances", 1);
    Some(if altered == text { text.replacen("Zo", "zo", 1) } else { altered }.into_bytes())
}

fn flip(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let mut bytes = t.file(&path)?.bytes.clone();
    // The header of a gzip file (times, names, system) means nothing; from the tenth byte on all counts.
    if bytes.len() < 12 {
        return None;
    }
    let at = 10 + t.random.below(bytes.len() - 10);
    bytes[at] ^= 1 << t.random.below(8);
    t.put(&path, bytes);
    Some(format!("byte {at} of {}", one.key))
}

fn append(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let mut bytes = t.file(&path)?.bytes.clone();
    if t.random.chance(50) {
        let event = t.invented(&t.world.lines[one.line].chain, one.end);
        bytes.extend(event);
    } else {
        bytes.extend(b"\0\0tail");
    }
    t.put(&path, bytes);
    Some(one.key.clone())
}

fn with_member(t: &mut Tampering<'_>, one: &Signed) -> Option<Vec<u8>> {
    let mut bytes = t.file(&t.world.path(one))?.bytes.clone();
    let event = t.invented_file(&t.world.lines[one.line].chain, one.end);
    bytes.extend(event);
    Some(bytes)
}

fn append_member(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let bytes = with_member(t, one)?;
    let path = t.world.path(one);
    t.put(&path, bytes);
    Some(one.key.clone())
}

/// A clean copy lies beside the one that has something appended.
fn append_to_copy(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let mut bytes = with_member(t, one)?;
    let path = t.world.path(one);
    if t.random.chance(40) {
        bytes.clone_from(&t.file(&path)?.bytes);
        bytes.extend(b"tail");
    }
    let stem = path.strip_suffix(".json.gz")?;
    let twin = match t.random.below(3) {
        0 => format!("{stem}.json"),
        1 => format!("{stem} (1).json.gz"),
        _ => format!("{stem}-v20240302T000000Z.json.gz"),
    };
    let clean = t.file(&path)?.clone();
    if t.random.chance(50) {
        t.put(&path, bytes);
        t.put_content(&twin, clean);
        Some(format!("the original, with a clean {twin}"))
    } else {
        t.put(&twin, bytes);
        Some(format!("the copy {twin}"))
    }
}

fn cut(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let bytes = &t.file(&path)?.bytes;
    if bytes.len() < 30 {
        return None;
    }
    let length = bytes.len() - if t.random.chance(30) { 1 + t.random.below(8) } else { 10 };
    let bytes = t.file(&path)?.bytes[..length].to_vec();
    t.put(&path, bytes);
    Some(format!("{} to {length} bytes", one.key))
}

fn empty(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    t.put(&path, Vec::new());
    Some(one.key.clone())
}

fn swap_logs(t: &mut Tampering<'_>) -> Option<String> {
    let (one, other) = (t.log()?, t.log()?);
    swap(t, one, other)
}

fn swap_digests(t: &mut Tampering<'_>) -> Option<String> {
    let (one, other) = (t.digest()?, t.digest()?);
    let text = swap(t, one, other)?;
    if t.random.chance(50) {
        let paths = [one, other].map(|one| sidecar_name(&t.world.path(one)));
        let sidecars = paths.each_ref().map(|path| t.file(path).cloned());
        if let [Some(first), Some(second)] = sidecars {
            t.put_content(&paths[0], second);
            t.put_content(&paths[1], first);
        }
    }
    Some(text)
}

fn swap(t: &mut Tampering<'_>, one: &Signed, other: &Signed) -> Option<String> {
    if one.key == other.key {
        return None;
    }
    let paths = (t.world.path(one), t.world.path(other));
    let contents = (t.file(&paths.0)?.clone(), t.file(&paths.1)?.clone());
    t.put_content(&paths.0, contents.1);
    t.put_content(&paths.1, contents.0);
    Some(format!("{} and {}", one.key, other.key))
}

/// Other places for a file: in its folder, in another day, below another account, outside.
fn other_place(t: &mut Tampering<'_>, one: &Signed) -> Option<String> {
    let path = t.world.path(one);
    let (folder, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".json.gz")?;
    Some(match t.random.below(9) {
        0 => format!("{folder}/x-{name}"),
        1 => format!("{folder}/{stem}-old.json.gz"),
        2 => format!("{folder}/{stem}.bak"),
        3 => folder.replacen("/2024/", "/2025/", 1) + "/" + name,
        4 => {
            let chain = &t.world.lines[one.line].chain;
            let other = "222233334444";
            path.replace(&chain.account, other)
        }
        5 => {
            let chain = &t.world.lines[one.line].chain;
            let region = if chain.region == "us-east-1" { "eu-west-1" } else { "us-east-1" };
            folder.replace(&format!("/{}/", chain.region), &format!("/{region}/")) + "/" + name
        }
        6 => format!("{}/moved/{name}", t.roots[0]),
        7 => {
            let unique = t.unique_text();
            format!("{}/moved/{unique}", t.roots[0])
        }
        _ => format!("outside/{name}"),
    })
}

fn move_log(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.log()?;
    move_object(t, one)
}

fn move_digest(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    move_object(t, one)
}

fn move_object(t: &mut Tampering<'_>, one: &Signed) -> Option<String> {
    let from = t.world.path(one);
    let to = other_place(t, one)?;
    let content = t.file(&from)?.clone();
    let sidecar = t.file(&sidecar_name(&from)).cloned();
    t.remove(&from);
    let moves_sidecar = t.random.chance(60);
    if let Some(sidecar) = sidecar.filter(|_| moves_sidecar) {
        t.remove(&sidecar_name(&from));
        t.put_content(&sidecar_name(&to), sidecar);
    }
    let is_inflated = t.random.chance(10);
    if is_inflated {
        let inflated = super::copies::content_of(&content.bytes).unwrap_or_else(|| content.bytes.clone());
        t.put(&to, inflated);
    } else {
        t.put_content(&to, content);
    }
    Some(format!("{from} to {to}"))
}
