//! Adding what AWS did not sign.

use std::io::{Cursor, Write};

use serde_json::json;
use trailseal_archive::{Timestamp, key::ObjectKind};
use trailseal_deliver::write::{gzip, sidecar_name};

use crate::{
    model::ModelChain,
    tamper::{
        disk::NO_TEXT,
        operations::{TamperOperation, harm},
        tampering::Tampering,
        tree::NodeContent,
    },
};

pub(super) const ALL: [TamperOperation; 11] = [
    harm("plant a log", 5, log),
    harm("plant a log stamped with another year", 4, other_year),
    harm("plant events under an odd name", 5, odd_name),
    harm("plant events in an odd folder", 5, odd_folder),
    harm("plant events in metadata or keys", 4, in_metadata),
    harm("plant events in a leftover", 3, in_leftover),
    harm("plant a log outside the layout", 4, outside),
    harm("plant a log below a nested layout", 3, nested),
    harm("plant another kind of log", 2, other_kind),
    harm("plant events in a container", 3, in_container),
    harm("plant a log under a name that is no text", 2, no_text),
];

/// A chain to plant for, a moment, and its folder of logs.
pub(super) fn target(t: &mut Tampering<'_>) -> (ModelChain, Timestamp, &'static str) {
    let line = t.standard_line();
    let line = &t.world.lines[line];
    let (time, what) = t.moment(line);
    t.touch(line, time);
    (line.chain.clone_place(), time, what)
}

fn day_folder(t: &Tampering<'_>, chain: &ModelChain, time: Timestamp) -> String {
    let path = t.world.layout.path(&chain.bucket, &chain.log_key(time, "x"));
    path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned())
}

fn log(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let key = chain.log_key(time, &t.unique_text());
    let path = t.world.layout.path(&chain.bucket, &key);
    let mut file = t.invented_file(&chain, time);
    let is_damaged = t.random.chance(15);
    if is_damaged {
        file.truncate(14);
    }
    t.put(&path, file);
    Some(format!("{what}, cut short {is_damaged}: {path}"))
}

fn other_year(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let year = t.random.choose(&["1999", "2023", "2025", "2099", "9999"]);
    let unique = t.unique_text();
    let name = chain.log_key(time, &unique).rsplit('/').next()?.replacen("_2024", &format!("_{year}"), 1);
    let path = format!("{}/{name}", day_folder(t, &chain, time));
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    Some(format!("{what}: {path}"))
}

fn odd_name(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let folder = if t.random.chance(75) {
        day_folder(t, &chain, time)
    } else {
        let path = t.world.layout.path(&chain.bucket, &chain.digest_key(time));
        path.rsplit_once('/')?.0.to_owned()
    };
    let own = chain.log_key(time, &t.unique_text());
    let own = own.rsplit('/').next()?;
    let name = match t.random.below(14) {
        0 => "events.json".to_owned(),
        1 => "events.json.gz".to_owned(),
        2 => format!("{own}.gz"),
        3 => own.to_uppercase(),
        4 => own.replace(".json.gz", ".JSON.GZ"),
        5 => own.replace(".json.gz", ".jsonl"),
        6 => own.replace(".json.gz", ""),
        7 => format!(".{own}"),
        8 => format!("{own}.part"),
        9 => own.replacen("_CloudTrail_", "_CloudTrail-Digest_", 1),
        10 => own.replacen(&chain.account, "000000000000", 1),
        11 => format!("{own}~"),
        12 => own.replace('Z', ""),
        _ => own.replacen(&chain.region, "mars-north-1", 1),
    };
    let path = format!("{folder}/{name}");
    let file = if t.random.chance(50) { t.invented_file(&chain, time) } else { t.invented(&chain, time) };
    t.put(&path, file);
    Some(format!("{what}: {path}"))
}

fn odd_folder(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let day = day_folder(t, &chain, time);
    let unique = t.unique_text();
    let own = chain.log_key(time, &unique).rsplit('/').next()?.to_owned();
    let name = if t.random.chance(60) { own.clone() } else { "x.json".to_owned() };
    let region = format!("/CloudTrail/{}/", chain.region);
    let at = day.find(&region)?;
    let (account, dates) = (day[..at].to_owned(), day[at + region.len()..].to_owned());
    let path = match t.random.below(14) {
        0 => format!("{account}/CloudTrail/{name}"),
        1 => format!("{account}/{name}"),
        2 => format!("{account}/CloudTrail/{}/{dates}/{name}", chain.region.to_uppercase()),
        3 => format!("{account}/CloudTrail/mars-north-1/{dates}/{name}"),
        4 => {
            let named = name.replacen("_CloudTrail_", "_CloudTrail-Foo_", 1);
            format!("{account}/CloudTrail-Foo/{}/{dates}/{named}", chain.region)
        }
        5 => format!("{account}/cloudtrail/{}/{dates}/{name}", chain.region),
        6 => format!("{account}/CloudTrail/{}/{name}", chain.region),
        7 => format!("{account}/CloudTrail/{}/2024/{name}", chain.region),
        8 => format!("{account}/CloudTrail/{}/{dates}/more/{name}", chain.region),
        9 => format!("{account}/CloudTrail-Digest/{}/{dates}/{own}", chain.region),
        10 => day.replace("/AWSLogs/", "/awslogs/") + "/" + &name,
        11 => format!("{account}/Config/{}/{dates}/{name}", chain.region),
        12 => format!("{account}/vpcflowlogs/{}/{dates}/x.json", chain.region),
        _ => {
            let (above, _) = account.rsplit_once('/')?;
            format!("{above}/{name}")
        }
    };
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    Some(format!("{what}: {path}"))
}

fn in_metadata(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let event = t.invented(&chain, time);
    let mut value: serde_json::Value = serde_json::from_slice(&event).ok()?;
    let path = match t.random.below(5) {
        // Beside a log, as if it were its metadata.
        0 => format!("{}.metadata.json", t.world.path(t.log()?)),
        // Beside nothing.
        1 => format!("{}/{}.json.gz.metadata.json", day_folder(t, &chain, time), t.unique_text()),
        2 => {
            value["PublicKeyList"] = json!([]);
            format!("{}/public-keys-{}.json", day_folder(t, &chain, time), chain.region)
        }
        3 => {
            let keys: serde_json::Value = serde_json::from_str(&t.world.keys()).ok()?;
            value["PublicKeyList"] = keys["PublicKeyList"].clone();
            format!("{}/public-keys-x.json", day_folder(t, &chain, time))
        }
        // In a digest's own metadata, which stay.
        _ => {
            let one = t.digest()?;
            let sidecar: serde_json::Value = serde_json::from_str(&t.world.sidecar(one)).ok()?;
            value["Metadata"] = sidecar["Metadata"].clone();
            sidecar_name(&t.world.path(one))
        }
    };
    t.put(&path, value.to_string().into_bytes());
    Some(path)
}

fn in_leftover(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let folder = day_folder(t, &chain, time);
    let own = t.world.path(t.log()?);
    let own = own.rsplit('/').next()?;
    let name = match t.random.below(9) {
        0 => ".DS_Store".to_owned(),
        1 => format!("._{own}"),
        2 => "Thumbs.db".to_owned(),
        3 => "desktop.ini".to_owned(),
        4 => "SHA256SUMS".to_owned(),
        5 => format!(".{own}.crc"),
        6 => format!("@eaDir/{own}"),
        7 => format!("__MACOSX/{own}"),
        _ => format!("__MACOSX/._{own}"),
    };
    let path = format!("{folder}/{name}");
    let file = if t.random.chance(60) { t.invented_file(&chain, time) } else { t.invented(&chain, time) };
    t.put(&path, file);
    Some(path)
}

fn outside(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let unique = t.unique_text();
    let own = chain.log_key(time, &unique).rsplit('/').next()?.to_owned();
    let root = t.roots[t.random.below(t.roots.len())].clone();
    let path = match t.random.below(6) {
        0 => format!("{root}/{own}"),
        1 => format!("{root}/logs/{own}"),
        2 => format!("{root}/CloudTrail/{}/{}/{own}", chain.region, time.date_folders()),
        3 => format!("{root}/{}/CloudTrail/{}/{}/{own}", chain.account, chain.region, time.date_folders()),
        4 => format!("{root}/other-bucket/{}", chain.log_key(time, &unique)),
        _ => format!("{root}/notes/events.json"),
    };
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    Some(path)
}

fn nested(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let folder = day_folder(t, &chain, time);
    let key = chain.log_key(time, &t.unique_text());
    let below = &key[key.find("AWSLogs/")?..];
    let path = format!("{folder}/{below}");
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    Some(path)
}

fn other_kind(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, _) = target(t);
    let kind = t.random.choose(&[ObjectKind::Insight, ObjectKind::NetworkActivity, ObjectKind::Aggregated]);
    let key = chain.key_of_kind(kind, time, &t.unique_text());
    let path = t.world.layout.path(&chain.bucket, &key);
    let content = t.invented(&chain, time);
    t.put(&path, gzip(&content, 6));
    Some(path)
}

/// As an archive of archives, or in another encoding, where logs lie.
fn in_container(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let events = t.invented(&chain, time);
    let own = chain.log_key(time, &t.unique_text());
    let own = own.rsplit('/').next()?;
    let (kind, bytes) = match t.random.below(5) {
        0 => ("zip", zipped(own, &gzip(&events, 6))),
        1 => ("tar", tarred(own, &gzip(&events, 6))),
        2 => ("tar.gz", gzip(&tarred("events.json", &events), 6)),
        3 => ("json.gz", gzip(&gzip(&events, 6), 6)),
        _ => {
            let text = String::from_utf8(events).ok()?;
            (
                "json",
                "\u{feff}"
                    .chars()
                    .chain(text.chars())
                    .collect::<String>()
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            )
        }
    };
    let name = match t.random.below(4) {
        0 => own.to_owned(),
        1 => format!("logs.{kind}"),
        2 => "desktop.ini".to_owned(),
        _ => format!("{own}.metadata.json"),
    };
    let path = format!("{}/{name}", day_folder(t, &chain, time));
    t.put_content(&path, NodeContent::wrapping_events(bytes));
    Some(format!("{what}: {path}, {kind}"))
}

fn zipped(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory").into_inner()
}

fn tarred(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, bytes).expect("memory");
    builder.into_inner().expect("memory")
}

fn no_text(t: &mut Tampering<'_>) -> Option<String> {
    let (chain, time, what) = target(t);
    let folder = day_folder(t, &chain, time);
    let own = chain.log_key(time, &t.unique_text());
    let own = own.rsplit('/').next()?;
    let path = match t.random.below(4) {
        0 => format!("{folder}/{NO_TEXT}{own}"),
        1 => format!("{folder}/{}", own.replace(".json.gz", &format!("{NO_TEXT}.json.gz"))),
        2 => format!("{folder}/{NO_TEXT}/{own}"),
        _ => folder.replacen("/CloudTrail/", &format!("/CloudTrail{NO_TEXT}/"), 1) + "/" + own,
    };
    let file = t.invented_file(&chain, time);
    t.put(&path, file);
    Some(format!("{what}: {path}"))
}
