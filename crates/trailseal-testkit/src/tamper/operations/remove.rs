//! Taking away.

use crate::tamper::{
    operations::{TamperOperation, harm},
    tampering::Tampering,
    world::Signed,
};

pub(super) const ALL: [TamperOperation; 13] = [
    harm("delete a log", 4, log),
    harm("delete a digest", 4, digest),
    harm("delete a sidecar", 2, sidecar),
    harm("delete a day folder", 2, day),
    harm("delete a region folder", 2, region),
    harm("delete an account", 1, account),
    harm("delete everything before a restart", 3, before_restart),
    harm("delete the newest", 4, newest),
    harm("delete the newest of the whole trail", 2, newest_of_trail),
    harm("delete the oldest", 3, oldest),
    harm("delete an interior run", 3, run),
    harm("delete a chain", 2, chain),
    harm("delete backfill digests", 3, backfill),
];

fn log(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.log()?;
    t.remove_object(one);
    Some(one.key.clone())
}

fn digest(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    let path = t.world.path(one);
    t.remove(&path);
    let with_sidecar = t.random.chance(60);
    if with_sidecar {
        t.remove_object(one);
    }
    let with_logs = t.random.chance(40);
    if with_logs {
        remove_logs(t, one);
    }
    Some(format!("{}, sidecar {with_sidecar}, logs {with_logs}", one.key))
}

fn sidecar(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    let path = format!("{}.metadata.json", t.world.path(one));
    t.remove(&path).then_some(path)
}

/// The folder above a path that ends in the name of a part of it.
fn folder_ending(path: &str, part: &str) -> Option<String> {
    let at = path.find(&format!("/{part}/"))?;
    Some(path[..=at + part.len()].to_owned())
}

fn day(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let path = t.world.path(one);
    let (folder, _) = path.rsplit_once('/')?;
    let both = t.random.chance(50);
    let mut count = t.remove_below(folder);
    if both {
        let other = if one.is_digest() {
            folder.replace("/CloudTrail-Digest/", "/CloudTrail/")
        } else {
            folder.replace("/CloudTrail/", "/CloudTrail-Digest/")
        };
        count += t.remove_below(&other);
    }
    Some(format!("{folder}, digests and logs {both}: {count} files"))
}

fn region(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let region = &t.world.lines[one.line].chain.region;
    let folder = folder_ending(&t.world.path(one), region)?;
    let both = t.random.chance(70);
    let mut count = t.remove_below(&folder);
    if both {
        let other = if one.is_digest() {
            folder.replace("/CloudTrail-Digest/", "/CloudTrail/")
        } else {
            folder.replace("/CloudTrail/", "/CloudTrail-Digest/")
        };
        count += t.remove_below(&other);
    }
    Some(format!("{folder}, digests and logs {both}: {count} files"))
}

fn account(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.object(&|_| true)?;
    let account = &t.world.lines[one.line].chain.account;
    let folder = folder_ending(&t.world.path(one), account)?;
    let count = t.remove_below(&folder);
    Some(format!("{folder}: {count} files"))
}

fn before_restart(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.standard_line();
    let segments = &t.world.lines[line].segments;
    if segments.len() < 2 {
        return None;
    }
    let number = 1 + t.random.below(segments.len() - 1);
    let cut = segments[number].start;
    let from = if t.random.chance(60) { 0 } else { segments[number - 1].start };
    remove_span(t, line, from, cut)
}

fn newest(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.own_line();
    let segments = &t.world.lines[line].segments;
    // Of any segment: the end of an older one is the start of a gap.
    let segment = t.random.choose(&segments.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>());
    let count = 1 + t.random.below((segment.1 - segment.0).min(5));
    remove_span(t, line, segment.1 - count, segment.1)
}

fn newest_of_trail(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.standard_line();
    let world = t.world;
    let trail = world.lines[line].trail;
    let count = 1 + t.random.below(4);
    let with_logs = t.random.chance(80);
    let mut texts = Vec::new();
    for (number, peer) in world.lines[..world.owned].iter().enumerate() {
        if peer.trail == trail && !peer.chain.is_backfill {
            let end = peer.chain.digests.len();
            texts.push(remove_digests(t, number, end.saturating_sub(count), end, with_logs));
        }
    }
    Some(texts.join("; "))
}

fn oldest(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.own_line();
    let segments = t.world.lines[line].segments.clone();
    let segment = segments[t.random.below(segments.len())].clone();
    let count = 1 + t.random.below(segment.len().min(5));
    remove_span(t, line, segment.start, segment.start + count)
}

fn run(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.standard_line();
    let length = t.world.lines[line].chain.digests.len();
    if length < 3 {
        return None;
    }
    let from = 1 + t.random.below(length - 2);
    let to = from + 1 + t.random.below((length - 1 - from).min(4));
    remove_span(t, line, from, to)
}

fn chain(t: &mut Tampering<'_>) -> Option<String> {
    let line = t.own_line();
    let length = t.world.lines[line].chain.digests.len();
    remove_span(t, line, 0, length)
}

fn backfill(t: &mut Tampering<'_>) -> Option<String> {
    let lines = &t.world.lines[..t.world.owned];
    let line = lines.iter().position(|line| line.chain.is_backfill)?;
    let length = lines[line].chain.digests.len();
    let from = t.random.below(length);
    remove_span(t, line, from, from + 1)
}

fn remove_span(t: &mut Tampering<'_>, line: usize, from: usize, to: usize) -> Option<String> {
    let with_logs = t.random.chance(70);
    Some(remove_digests(t, line, from, to, with_logs))
}

/// Removes digests, and logs so that none is left that they named.
fn remove_digests(t: &mut Tampering<'_>, line: usize, from: usize, to: usize, with_logs: bool) -> String {
    let digests: Vec<&Signed> = t.digests_of(line)[from..to].to_vec();
    for one in &digests {
        t.remove_object(one);
        if with_logs {
            remove_logs(t, one);
        }
        t.touch(&t.world.lines[line], one.end);
    }
    let key = digests.first().map_or("", |one| one.key.as_str());
    format!("{} digests from {key} on, logs {with_logs}", digests.len())
}

fn remove_logs(t: &mut Tampering<'_>, digest: &Signed) {
    for log in t.logs_of(digest) {
        t.remove_object(log);
    }
}
