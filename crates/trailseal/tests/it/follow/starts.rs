//! From what `follow` starts, and what it writes where.

use std::fs;

use serde_json::{Value, json};

use super::{assumes, chain, event, write_links};
use crate::demo::{Demo, Run};

const STOLEN: &str = "AKIA7IJJZMRIRPG24F2U";
const NEW: &str = "AKIA66YDPJ6BJQZF5XAK";
const SESSION: &str = "ASIAFI42SPWVLL26UX74";

/// The keys that a run found, with their events.
fn keys(demo: &Demo, arguments: &str) -> Vec<(String, u64)> {
    let run = demo.run(&format!("follow {arguments} -t json"));
    assert_eq!(run.status, Some(0), "{run}");
    let nodes = run.json()["nodes"].as_array().unwrap().clone();
    let pair = |node: &Value| (node["key"].as_str().unwrap().to_owned(), node["events"].as_u64().unwrap());
    nodes.iter().map(pair).collect()
}

fn owned(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(key, events)| ((*key).to_owned(), *events)).collect()
}

#[test]
fn several_keys_are_several_trees() {
    let demo = Demo::new();
    let all = keys(&demo, &format!("{STOLEN},{SESSION} archive"));
    assert_eq!(all, owned(&[(STOLEN, 25), (SESSION, 8), (NEW, 3)]));
    let same = keys(&demo, &format!("archive --access-key {STOLEN} --access-key {SESSION}"));
    assert_eq!(same, all);
    assert_eq!(keys(&demo, &format!("--access-key {STOLEN} -d archive")).len(), 3);
    let run = demo.run(&format!("follow AKIAIOSFODNN7EXAMPLE,{SESSION} archive"));
    let roots: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with('A')).collect();
    assert_eq!(roots.len(), 2, "{run}");
    assert!(run.stderr.contains("starts from 2 keys"), "{run}");
}

#[test]
fn a_principal_is_all_its_keys() {
    let demo = Demo::new();
    let by_key = keys(&demo, &format!("{STOLEN} archive"));
    for name in ["arn:aws:iam::111122223333:user/ci-deploy", "111122223333:user/ci-deploy"] {
        assert_eq!(keys(&demo, &format!("--principal {name} archive")), by_key, "{name}");
    }
    assert_eq!(keys(&demo, "archive --principal ci-deploy").len(), 4, "another account has one, too");
    assert_eq!(keys(&demo, "arn:aws:iam::111122223333:user/ci-deploy archive"), by_key);
    let run = demo.run("follow --principal nobody archive --fail-if-none");
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""), "{run}");
    assert!(run.stderr.contains("no event by nobody has an access key"), "{run}");
}

#[test]
fn an_address_narrows_the_keys_from_which_it_starts_and_no_others() {
    let demo = Demo::new();
    let there = owned(&[(NEW, 3), (STOLEN, 11), (SESSION, 8)]);
    for arguments in
        ["--source-ip 192.0.2.66 archive", "--source-ip 192.0.2.0/24 archive", "192.0.2.66 archive"]
    {
        assert_eq!(keys(&demo, arguments), there, "{arguments}");
    }
    let narrowed = owned(&[(STOLEN, 11), (NEW, 3), (SESSION, 8)]);
    assert_eq!(keys(&demo, &format!("{STOLEN} archive --source-ip 192.0.2.66")), narrowed);
    assert_eq!(keys(&demo, "archive --principal ci-deploy --source-ip 192.0.2.66"), narrowed);
    let elsewhere = keys(&demo, &format!("{STOLEN} archive --source-ip 203.0.113.0/24"));
    assert_eq!(
        elsewhere,
        owned(&[(STOLEN, 13)]),
        "keys that were issued from other addresses are not followed"
    );
    let none = demo.run(&format!("follow {STOLEN} archive --source-ip 198.51.100.1"));
    assert!(
        none.stdout.contains("none from the addresses that are asked for; 25 came from elsewhere"),
        "{none}"
    );
    let run = demo.run("follow --source-ip 192.0.2.66 archive");
    assert!(run.stdout.contains("11, 2024-03-01 04:18:44 to 04:20:19; 14 came from elsewhere"), "{run}");
    assert!(run.stderr.contains("not followed: 14 events of the keys from which it starts"), "{run}");
    assert!(run.stderr.contains("starts from 3 keys with events from 192.0.2.66"), "{run}");
}

#[test]
fn events_without_a_key_are_told_and_the_keys_that_they_issued_are_followed() {
    let demo = Demo::new();
    let saml = |id: &str, name: &str, more: &Value| {
        let mut event = event(id, 1, "", name, more);
        event["userIdentity"] = json!({"type": "SAMLUser", "userName": "bob", "principalId": "idp:bob"});
        event
    };
    let records = json!([
        saml("e1", "AssumeRoleWithSAML", &assumes("Admin", "ASIA1")),
        saml("e2", "ConsoleLogin", &json!({})),
        event("e3", 3, "ASIA1", "ListUsers", &json!({})),
    ]);
    fs::write(demo.path("events.json"), json!({ "Records": records }).to_string()).unwrap();
    assert_eq!(keys(&demo, "--principal bob events.json"), owned(&[("ASIA1", 1)]));
    let run = demo.run("follow --principal bob events.json");
    assert!(run.stderr.contains("1 event by bob, without an access key"), "{run}");
    assert!(run.stderr.contains("`trailseal query ROOT --principal bob`"), "{run}");
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_can() {
    let demo = chain();
    let refused = |arguments: &str, said: &str| {
        let run = demo.run(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert!(run.stderr.contains(said), "{said}: {run}");
    };
    refused("follow", "KEY is missing");
    refused("follow AKIA1", "hint: trailseal follow AKIA1 ROOT");
    refused("follow --principal x", "ROOT is missing");
    refused("follow -d .", "KEY is missing");
    refused(
        "follow ci-deploy events.json",
        "hint: a user, role or session: trailseal follow --principal 'ci-deploy' ROOT",
    );
    refused("follow , events.json", "no access key");
    refused("follow --source-ip 1.2.3.999 events.json", "--source-ip cannot be used");
    refused("follow --access-key akiaiosfodnn7example events.json", "upper case");
    refused("follow akiaiosfodnn7example events.json --source-ip 198.51.100.7", "upper case");
    refused("follow AKIA1 events.json -o x.pdf", "the endings are .txt, .json, .jsonl");
    refused("follow AKIA1 events.json -C", "--output");
    refused("follow AKIA1 none --source-ip 198.51.100.7", "none");
}

#[test]
fn however_quiet_it_is_damage_is_told() {
    let demo = chain();
    let text = fs::read_to_string(demo.path("events.json")).unwrap();
    fs::write(demo.path("events.json"), &text[..text.len() - 20]).unwrap();
    let run = demo.run("follow AKIA1 events.json -q -o x.csv");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stderr.starts_with("damaged: 1 place"), "{run}");
}

#[test]
fn a_key_of_another_length_is_told_where_nothing_is_found() {
    let demo = chain();
    let note = "has 19 characters; keys that AWS gives have 20";
    assert!(demo.run("follow AKIAIOSFODNN7EXAMPL events.json").stderr.contains(note));
    assert!(!demo.run("follow AKIA1 events.json").stderr.contains("characters"), "it is there");
    assert!(!demo.run("follow AKIAIOSFODNN7EXAMPLE events.json").stderr.contains("characters"));
}

#[test]
fn a_timeline_has_the_events_of_all_keys_and_those_that_issued_them() {
    let demo = chain();
    let run = demo.run("follow AKIA1 events.json -t timeline");
    let told: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {} {}", &words[1][3..5], words[5], words[3])
        })
        .collect();
    assert_eq!(
        told,
        [
            "00 ASIA7 CreateAccessKey",
            "01 AKIA1 AssumeRole",
            "02 AKIA1 GetSessionToken",
            "03 ASIA1 AssumeRole",
            "04 ASIA2 CreateAccessKey",
            "05 ASIA2 ListUsers",
            "06 AKIA9 AssumeRole",
            "07 AKIA9 GetSigninToken",
        ]
    );
    assert!(run.stdout.contains("[Denied]") && !run.stdout.contains('\u{1b}'), "{run}");
    assert!(run.stderr.contains("dropped: 1 duplicate"), "{run}");
    let narrow = Demo::new().run("follow --source-ip 192.0.2.66 archive -t timeline");
    assert_eq!(narrow.stdout.lines().count(), 11 + 3 + 8, "{narrow}");
    assert!(!narrow.stdout.contains("203.0.113."), "{narrow}");
}

#[test]
fn a_timeline_of_more_keys_than_are_looked_for_one_by_one_has_no_others() {
    let demo = Demo::new();
    write_links(&demo, 600);
    let records = json!([event("x", 7, "AKIA5", "AssumeRole", &assumes("Other", "ASIA7"))]);
    fs::write(demo.path("others.json"), json!({ "Records": records }).to_string()).unwrap();
    let run = demo.run("follow ASIA0000000000000000 links.json others.json -t timeline");
    assert_eq!((run.status, run.stdout.lines().count()), (Some(0), 600), "{}", run.stderr);
    assert!(!run.stdout.contains("AKIA5"));
    assert!(run.stderr.starts_with("600 of 601 events matched"), "{}", run.stderr);
    let labelled = demo.run(&format!("follow {STOLEN} archive -t timeline --keys keys"));
    assert_eq!(labelled.status, Some(0), "{labelled}");
    assert!(labelled.stdout.lines().all(|line| line.ends_with("  verified")), "{labelled}");
}

#[test]
fn a_table_and_csv_have_one_row_a_key() {
    let demo = Demo::new();
    let csv = demo.run(&format!("follow {STOLEN} archive -t csv")).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 1 + 3, "{csv}");
    assert!(
        rows[0].starts_with(
            "key,parent,depth,kind,who,account,events,failed,first,last,addresses,usual,issued_by"
        ),
        "{csv}"
    );
    assert!(
        csv.contains(&format!(
            "\n{NEW},{STOLEN},1,long_term,user/backup-svc,111122223333,3,0,2024-03-01T04:21:54Z,"
        )),
        "{csv}"
    );
    assert!(
        csv.contains(",CreateAccessKey,2024-03-01T04:20:03Z,4254c31b-68f3-4562-bd0f-971d6294b092"),
        "{csv}"
    );
    let table = demo.run(&format!("follow {STOLEN} archive -t table")).stdout;
    assert_eq!((table.lines().count(), table.contains(SESSION)), (4, true), "{table}");
    let none = demo.run("follow --principal nobody archive -t csv").stdout;
    assert_eq!(none.lines().count(), 1, "{none}");
}

#[test]
fn a_file_gets_the_format_of_its_ending_and_is_never_replaced_unasked() {
    let demo = Demo::new();
    let run = |more: &str| demo.run(&format!("follow {STOLEN} archive {more}"));
    let written = |run: &Run, name: &str| {
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run}");
        fs::read_to_string(demo.path(name)).unwrap()
    };
    for (name, begin) in [
        ("a.csv", "key,parent,"),
        ("a.json", "{\n  \"schema\": \"trailseal.follow/1\""),
        ("a.jsonl", "{\"record\":\"node\""),
        ("a.txt", STOLEN),
        ("a", STOLEN),
    ] {
        let text = written(&run(&format!("-o {name}")), name);
        assert!(text.starts_with(begin), "{name}: {text}");
    }
    let text = written(&run("-t timeline -o a.txt -C"), "a.txt");
    assert!(text.starts_with("2024-03-01 00:18:36  ci-deploy") && text.contains(SESSION), "{text}");
    assert_eq!(run("-o a.csv").status, Some(2));
    let below = run("-o archive/a.csv");
    assert_eq!(below.status, Some(2), "{below}");
    assert!(!demo.path("archive/a.csv").exists());
    assert_eq!(run("-o -").stdout, run("").stdout);
}

#[test]
fn keys_of_whom_it_starts_from_are_taken_together() {
    let demo = Demo::new();
    let mut records = Vec::new();
    // sixteen sessions of a role, one of which is used from another address as well
    for hour in 0..16 {
        let key = format!("ASIA{hour:016}");
        let mut act = |id: String, minute: u32, address: &str| {
            let mut event = event(&id, minute, &key, "GetObject", &json!({"sourceIPAddress": address}));
            event["eventTime"] = json!(format!("2024-03-01T{hour:02}:{minute:02}:00Z"));
            event["userIdentity"]["arn"] = json!(format!("arn:aws:sts::1:assumed-role/Ops/s{hour}"));
            records.push(event);
        };
        act(format!("a{hour}"), 1, "198.51.100.7");
        if hour == 11 {
            act("b".to_owned(), 2, "192.0.2.66");
        }
    }
    fs::write(demo.path("events.json"), json!({ "Records": records }).to_string()).unwrap();
    let run = demo.run("follow --principal Ops events.json");
    assert!(run.stdout.starts_with("ASIA0000000000000011"), "{run}");
    assert_eq!(run.stdout.matches("ASIA").count(), 1, "{run}");
    assert!(
        run.stdout
            .ends_with("15 other keys from which it starts, issued and used in the usual way (--all)\n"),
        "{run}"
    );
    assert_eq!(demo.run("follow --principal Ops events.json --all").stdout.matches("ASIA").count(), 16);
}
