//! Digests that AWS did not sign, or signed for something else.

use trailseal_archive::Timestamp;
use trailseal_deliver::{
    DigestDocument, DigestLogFile,
    digest::{HASH_ALGORITHM, sha256_hex},
    write::{gzip, sidecar_name},
};

use crate::{
    model::ModelDigest,
    plan::records,
    tamper::{
        operations::{TamperOperation, alter::altered, harm, harmless, plant::target},
        tampering::Tampering,
        world::{Signed, trail_event},
    },
};

const HOUR: i64 = 3600;

pub(super) const ALL: [TamperOperation; 12] = [
    harm("plant a digest that names a planted log", 5, planted),
    harm("rewrite a digest for an altered log", 3, rewritten_for_log),
    harm("rewrite a digest out of scope", 6, out_of_scope),
    harm("rewrite a digest without its logs", 3, without_logs),
    harm("replay a digest", 4, replay),
    harm("copy a digest to a newer name", 2, newer_name),
    harmless("add the attacker's own account", 4, foreign_tree),
    harm("add a part of the attacker's own account", 2, foreign_part),
    harm("put the attacker's files among the archive's", 4, foreign_among),
    harm("delete before a stop of the attacker's", 3, foreign_stop),
    harm("delete before a stop in a planted log", 3, planted_stop),
    harm("plant a digest at the edge of a gap", 3, at_gap),
];

fn document(t: &Tampering<'_>, one: &Signed) -> DigestDocument {
    t.world.digest(one).document.clone()
}

fn put_document(t: &mut Tampering<'_>, path: &str, document: &DigestDocument) {
    t.put(path, gzip(&document.to_json(true), 6));
}

fn entry(bucket: &str, key: &str, content: &[u8], time: Timestamp) -> DigestLogFile {
    DigestLogFile {
        s3_bucket: bucket.to_owned(),
        s3_object: key.to_owned(),
        hash_value: sha256_hex(content),
        hash_algorithm: HASH_ALGORITHM.to_owned(),
        newest_event_time: time.to_string(),
        oldest_event_time: time.to_string(),
    }
}

/// A log and a digest that names it: of an invented trail, another time, another account, or of the trail itself.
fn planted(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let key = chain.log_key(time, &t.unique_text());
    let content = t.invented(&chain, time);
    let mut of = chain.clone_place();
    let mut end = time.plus(1800);
    let mut account = chain.account.clone();
    let kind = t.random.below(6);
    match kind {
        0 => "invented".clone_into(&mut of.trail),
        1 => end = time.plus(t.random.choose(&[-400, -30, 30, 400, 9000]) * 24 * HOUR),
        2 => t.random.choose(&["222233334444", "x", ""]).clone_into(&mut account),
        3 => "222233334444".clone_into(&mut of.account),
        4 => {
            "invented".clone_into(&mut of.trail);
            end = time.plus(t.random.choose(&[-30, 30]) * 24 * HOUR);
        }
        _ => {}
    }
    let object = of.digest_key(end);
    let mut document = DigestDocument::empty(&account, end.plus(-HOUR), end, &of.bucket, &object);
    document.set_log_files(vec![entry(&chain.bucket, &key, &content, time)]);
    let fingerprint = &t.world.lines[0].chain.digests[0].document.public_key_fingerprint;
    document.public_key_fingerprint.clone_from(fingerprint);
    let log_path = t.world.layout.path(&chain.bucket, &key);
    t.put(&log_path, gzip(&content, 6));
    let path = t.world.layout.path(&of.bucket, &object);
    put_document(t, &path, &document);
    // With a signature of another digest, or none.
    if t.random.chance(50) {
        let sidecar = t.world.sidecar(t.digest()?);
        t.put(&sidecar_name(&path), sidecar.into_bytes());
    }
    Some(format!("{path} names {log_path}"))
}

fn rewritten_for_log(t: &mut Tampering<'_>) -> Option<String> {
    let log = t.log()?;
    let digest = t.digests_of(log.line)[log.digest];
    let content = altered(t, log)?;
    let path = t.world.path(log);
    t.put(&path, gzip(&content, 6));
    let mut document = document(t, digest);
    let entry = document.log_files.iter_mut().find(|entry| entry.s3_object == log.key)?;
    entry.hash_value = sha256_hex(&content);
    let path = t.world.path(digest);
    put_document(t, &path, &document);
    Some(digest.key.clone())
}

/// The digest says of itself that it is of another time, account or trail; its logs are gone.
fn out_of_scope(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    let mut document = document(t, one);
    let year = |year: &str, time: &str| format!("{year}{}", &time[4..]);
    let what = match t.random.below(8) {
        0 => {
            document.start_time = year("2000", &document.start_time);
            document.end_time = year("2000", &document.end_time);
            "the year 2000"
        }
        1 => {
            document.start_time = year("2100", &document.start_time);
            document.end_time = year("2100", &document.end_time);
            "the year 2100"
        }
        2 => {
            document.start_time = year("2100", &document.start_time);
            "starts in 2100"
        }
        3 => {
            document.end_time = year("2000", &document.end_time);
            "ends in 2000"
        }
        4 => {
            "222233334444".clone_into(&mut document.aws_account_id);
            "another account"
        }
        5 => {
            t.random.choose(&["x", "", "111122223333 "]).clone_into(&mut document.aws_account_id);
            "no account"
        }
        6 => {
            let chain = &t.world.lines[one.line].chain;
            document.s3_object = document.s3_object.replace(&format!("_{}_", chain.trail), "_invented_");
            "another trail"
        }
        _ => {
            document.s3_object = document.s3_object.replace("/2024/", "/2030/").replace("_2024", "_2030");
            "another key"
        }
    };
    let keeps_names = t.random.chance(50);
    if !keeps_names {
        document.set_log_files(Vec::new());
    }
    for log in t.logs_of(one) {
        t.remove_object(log);
    }
    let path = t.world.path(one);
    put_document(t, &path, &document);
    Some(format!("{what}, names its logs {keeps_names}: {}", one.key))
}

fn without_logs(t: &mut Tampering<'_>) -> Option<String> {
    let log = t.log()?;
    let digest = t.digests_of(log.line)[log.digest];
    let mut document = document(t, digest);
    document.log_files.retain(|entry| entry.s3_object != log.key);
    t.remove_object(log);
    let path = t.world.path(digest);
    put_document(t, &path, &document);
    Some(digest.key.clone())
}

fn replay(t: &mut Tampering<'_>) -> Option<String> {
    let (one, over) = (t.digest()?, t.digest()?);
    if one.key == over.key {
        return None;
    }
    let (from, to) = (t.world.path(one), t.world.path(over));
    let content = t.file(&from)?.clone();
    t.put_content(&to, content);
    let with_sidecar = t.random.chance(50);
    if with_sidecar {
        let sidecar = t.world.sidecar(one);
        t.put(&sidecar_name(&to), sidecar.into_bytes());
    }
    if t.random.chance(40) {
        for log in t.logs_of(over) {
            t.remove_object(log);
        }
    }
    Some(format!("{} over {}, sidecar {with_sidecar}", one.key, over.key))
}

/// An old digest under a name that does not exist: as if the chain went on.
fn newer_name(t: &mut Tampering<'_>) -> Option<String> {
    let one = t.digest()?;
    let chain = &t.world.lines[one.line].chain;
    let last = chain.digests.last().map(ModelDigest::end)?;
    let to = t.world.layout.path(&chain.bucket, &chain.digest_key(last.plus(HOUR)));
    let content = t.file(&t.world.path(one))?.clone();
    t.put_content(&to, content);
    let sidecar = t.world.sidecar(one);
    t.put(&sidecar_name(&to), sidecar.into_bytes());
    Some(format!("{} to {to}", one.key))
}

fn foreign(t: &Tampering<'_>) -> Vec<Signed> {
    t.world.signed[t.world.owned_signed..].to_vec()
}

fn put_foreign(t: &mut Tampering<'_>, one: &Signed) {
    let path = t.world.path(one);
    let content = t.world.content(one);
    t.put_content(&path, content);
    if one.is_digest() {
        let sidecar = t.world.sidecar(one);
        t.put(&sidecar_name(&path), sidecar.into_bytes());
    }
}

fn foreign_tree(t: &mut Tampering<'_>) -> Option<String> {
    // Where a bucket is a root, the attacker's own bucket is another one.
    let all = foreign(t);
    for one in &all {
        put_foreign(t, one);
    }
    let path = t.world.path(all.first()?);
    if !t.roots.iter().any(|root| path.starts_with(&format!("{root}/"))) {
        let root: Vec<&str> = path.split('/').take(2).collect();
        t.roots.push(root.join("/"));
    }
    Some(format!("{} objects as {path}", all.len()))
}

fn foreign_part(t: &mut Tampering<'_>) -> Option<String> {
    let all = foreign(t);
    let (start, length) = (t.random.below(all.len()), 1 + t.random.below(3));
    let part: Vec<Signed> = all.into_iter().skip(start).take(length).collect();
    for one in &part {
        put_foreign(t, one);
    }
    Some(format!("{} objects as {}", part.len(), t.world.path(part.first()?)))
}

/// Genuine files of the attacker's in the archive's folders, under their own names or the archive's.
fn foreign_among(t: &mut Tampering<'_>) -> Option<String> {
    if t.random.chance(60) {
        foreign_tree(t)?;
    }
    let all = foreign(t);
    let mut paths = Vec::new();
    for _ in 0..=t.random.below(2) {
        let one = all[t.random.below(all.len())].clone();
        let (chain, time, _) = target(t);
        let kind = t.random.below(3);
        let path = if one.is_digest() {
            let key = chain.digest_key(if kind == 0 { one.end } else { time });
            t.world.layout.path(&chain.bucket, &key)
        } else {
            let key = chain.log_key(time, &t.unique_text());
            let path = t.world.layout.path(&chain.bucket, &key);
            if kind == 0 { format!("{}/{}", path.rsplit_once('/')?.0, one.name()) } else { path }
        };
        let content = t.world.content(&one);
        t.put_content(&path, content);
        if one.is_digest() && t.random.chance(70) {
            let sidecar = t.world.sidecar(&one);
            t.put(&sidecar_name(&path), sidecar.into_bytes());
        }
        paths.push(path);
    }
    Some(paths.join(", "))
}

/// Removes the end of a segment, as if logging had stopped earlier.
fn cut_end(t: &mut Tampering<'_>) -> (usize, Timestamp, String) {
    let number = t.standard_line();
    let line = &t.world.lines[number];
    let segment = line.segments[t.random.below(line.segments.len())].clone();
    let count = 1 + t.random.below(segment.len().min(4));
    let digests = t.digests_of(number)[segment.end - count..segment.end].to_vec();
    for one in &digests {
        t.remove_object(one);
        for log in t.logs_of(one) {
            t.remove_object(log);
        }
    }
    t.touch(line, digests[0].end);
    (number, digests[0].start, format!("{count} digests from {} on", digests[0].key))
}

fn foreign_stop(t: &mut Tampering<'_>) -> Option<String> {
    let (_, _, text) = cut_end(t);
    foreign_tree(t)?;
    Some(text)
}

/// The event that explains the end stands in a log that no digest names.
fn planted_stop(t: &mut Tampering<'_>) -> Option<String> {
    let (number, end, text) = cut_end(t);
    let chain = t.world.lines[number].chain.clone_place();
    let time = end.plus(-600);
    let id = t.unique_text();
    let event = trail_event(&chain, time, "StopLogging", &id, &chain.trail);
    let key = chain.log_key(time.plus(300), &id);
    let path = t.world.layout.path(&chain.bucket, &key);
    t.put(&path, gzip(&records(&[event]), 6));
    Some(format!("{text}; {path}"))
}

/// An unsigned digest whose window reaches over a gap, or that runs backwards at its end.
fn at_gap(t: &mut Tampering<'_>) -> Option<String> {
    let number = t.standard_line();
    let line = &t.world.lines[number];
    let pair = line.segments.windows(2).next()?;
    let (before, after) = (&line.chain.digests[pair[0].end - 1], &line.chain.digests[pair[1].start]);
    t.touch(line, before.end());
    let chain = line.chain.clone_place();
    let end = after.end();
    let object = chain.digest_key(end.plus(t.random.choose(&[-1, -600, -HOUR])));
    let start =
        if t.random.chance(50) { before.end().to_string() } else { "2100-01-01T00:00:00Z".to_owned() };
    let mut document = DigestDocument::empty(&chain.account, end.plus(-HOUR), end, &chain.bucket, &object);
    document.start_time = start;
    document.link_to(&before.document, &before.inflated, &before.signature);
    let path = t.world.layout.path(&chain.bucket, &object);
    put_document(t, &path, &document);
    Some(path)
}
