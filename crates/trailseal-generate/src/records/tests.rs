use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::*;

const NOW: i64 = 1_709_271_960;

fn records() -> Records {
    Records::new(7, &account_ids(7, 2))
}

fn place(global: bool) -> Place<'static> {
    Place {
        account: 0,
        region: "eu-west-1",
        region_seed: 9,
        global,
        trail_arn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t",
    }
}

const COUNT: usize = 20_000;

/// Records with their sizes, made once for all tests.
static MIX: LazyLock<Vec<(usize, Value)>> = LazyLock::new(|| mix(COUNT, true));

fn mix(count: usize, global: bool) -> Vec<(usize, Value)> {
    let records = records();
    let mut random = Rng::new(1);
    (0..count)
        .map(|at| {
            let mut out = Vec::new();
            records.write(&mut out, place(global), NOW + at as i64, &mut random, at % 50 == 0);
            let value = serde_json::from_slice(&out)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
            (out.len(), value)
        })
        .collect()
}

fn texts<'a>(mix: &'a [(usize, Value)], pointer: &str) -> HashSet<&'a str> {
    mix.iter().filter_map(|(_, record)| record.pointer(pointer)?.as_str()).collect()
}

#[test]
fn no_template_has_an_unknown_hole() {
    for api in &records().calls {
        let all = [&api.host, &api.request, &api.response, &api.additional, &api.resources, &api.details];
        for template in all.into_iter().chain(api.errors.iter().map(|(_, template)| template)) {
            assert_eq!(template::unknown_holes(template), [""; 0], "{}", api.call.name);
        }
    }
}

#[test]
fn every_call_is_valid_json_with_every_error() {
    let records = records();
    let mut random = Rng::new(3);
    for api in &records.calls {
        for error in [None].into_iter().chain((0..api.errors.len()).map(Some)) {
            let mut actor = Actor::of(api, &records.accounts[0], &mut random);
            actor.error = error;
            let mut out = Vec::new();
            records.record(&mut out, api, &actor, place(true), NOW, &mut random, false);
            let value: Value = serde_json::from_slice(&out)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
            assert_eq!(value["eventName"], api.call.name);
            let identity = value["userIdentity"]["type"].as_str();
            assert_eq!(identity.is_none(), matches!(api.call.caller, Caller::Nobody(_)));
        }
    }
}

#[test]
fn the_mix_is_wide_and_its_sizes_are_those_of_real_records() {
    let mix = &*MIX;
    assert!(texts(mix, "/eventName").len() >= 200, "{}", texts(mix, "/eventName").len());
    assert!(texts(mix, "/eventSource").len() >= 35);
    let versions = texts(mix, "/eventVersion");
    assert_eq!(versions, HashSet::from(["1.08", "1.09", "1.10", "1.11"]));
    assert_eq!(texts(mix, "/eventCategory"), HashSet::from(["Management", "Data", "NetworkActivity"]));
    let types = ["AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn", "AwsVpceEvent"];
    assert_eq!(texts(mix, "/eventType"), HashSet::from(types));
    let reasons = texts(mix, "/addendum/reason");
    assert_eq!(reasons, HashSet::from(["DELIVERY_DELAY", "UPDATED_DATA"]));
    assert_eq!(texts(mix, "/sessionCredentialFromConsole"), HashSet::from(["true"]));
    for pointer in ["/vpcEndpointAccountId", "/tlsDetails/keyExchange", "/sharedEventID", "/apiVersion"] {
        assert!(!texts(mix, pointer).is_empty(), "{pointer}");
    }

    let mut sizes: Vec<usize> = mix.iter().map(|(size, _)| *size).collect();
    sizes.sort_unstable();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!((1300..1700).contains(&mean), "mean {mean}");
    assert!(sizes[sizes.len() / 100] >= 500, "p1 {}", sizes[sizes.len() / 100]);
    assert!(sizes[sizes.len() * 99 / 100] <= 3000, "p99 {}", sizes[sizes.len() * 99 / 100]);
    let large = sizes.iter().filter(|size| **size >= 50_000).count();
    assert!((1..60).contains(&large), "{large} records of 50 KB and more");
}

#[test]
fn every_type_of_identity_occurs() {
    let mix = &*MIX;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, record) in mix {
        *counts.entry(record["userIdentity"]["type"].as_str().unwrap_or("none")).or_default() += 1;
    }
    let expected = [
        "AWSAccount",
        "AWSService",
        "AssumedRole",
        "Directory",
        "FederatedUser",
        "IAMUser",
        "IdentityCenterUser",
        "Role",
        "Root",
        "SAMLUser",
        "Unknown",
        "WebIdentityUser",
        "none",
    ];
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), expected);
    assert!(counts["AssumedRole"] > COUNT / 3, "{counts:?}");
}

#[test]
fn errors_sign_ins_and_scripts_of_many_languages_occur() {
    let mix = &*MIX;
    let failed = mix.iter().filter(|(_, r)| r.get("errorCode").is_some()).count();
    assert!((COUNT / 100..COUNT / 10).contains(&failed), "{failed} errors");
    let codes = texts(mix, "/errorCode");
    for code in
        ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "ThrottlingException"]
    {
        assert!(codes.contains(code), "{code}");
    }
    assert_eq!(texts(mix, "/responseElements/ConsoleLogin"), HashSet::from(["Success", "Failure"]));
    assert_eq!(texts(mix, "/additionalEventData/MFAUsed"), HashSet::from(["Yes", "No"]));
    assert!(mix.iter().any(|(_, r)| r["additionalEventData"]["bytesTransferredOut"].as_u64() > Some(0)));
    assert!(mix.iter().any(|(_, r)| r.to_string().chars().any(|c| c > '\u{3000}')));
    assert!(mix.iter().filter(|(_, r)| r["readOnly"] == false).count() > COUNT / 10);
}

#[test]
fn an_archive_without_us_east_1_is_wide_too() {
    let mix = &mix(COUNT / 2, false);
    assert!(texts(mix, "/eventName").len() >= 150, "{}", texts(mix, "/eventName").len());
    assert!(texts(mix, "/eventSource").len() >= 25);
    assert_eq!(texts(mix, "/awsRegion"), HashSet::from(["eu-west-1"]));
}

#[test]
fn keys_stand_in_the_native_order() {
    let records = records();
    let mut random = Rng::new(1);
    let order = [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "requestID",
        "eventID",
        "readOnly",
        "resources",
        "eventType",
        "apiVersion",
        "managementEvent",
        "recipientAccountId",
        "sharedEventID",
        "serviceEventDetails",
        "vpcEndpointId",
        "vpcEndpointAccountId",
        "eventCategory",
        "addendum",
        "tlsDetails",
        "sessionCredentialFromConsole",
    ];
    for _ in 0..500 {
        let mut out = Vec::new();
        records.write(&mut out, place(true), NOW, &mut random, true);
        assert!(out.starts_with(br#"{"eventVersion":"1."#));
        let text = String::from_utf8(out).unwrap();
        let mut at = 0;
        let value: Value = serde_json::from_str(&text).unwrap();
        for key in order.iter().filter(|key| value.get(**key).is_some()) {
            let found = text[at..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {text}"));
            at += found;
        }
        assert!(value.as_object().unwrap().keys().all(|key| order.contains(&key.as_str())));
    }
}

#[test]
fn the_story_leads_from_the_stolen_key_to_the_other_account() {
    let records = records();
    let mut random = Rng::new(1);
    let mut all: Vec<Value> = Vec::new();
    for account in 0..2 {
        let place = Place { account, ..place(true) };
        for script in records.story().scripts(account, 2, NOW) {
            let mut out = Vec::new();
            records.write_script(&mut out, &script, place, &mut random);
            all.push(serde_json::from_slice(&out).unwrap());
        }
    }
    let find = |name: &str| all.iter().find(|r| r["eventName"] == name).unwrap();
    let stolen = &find("CreateUser")["userIdentity"]["accessKeyId"];
    assert_eq!(*stolen, *records.accounts[0].user("ci-deploy").unwrap().access_key);
    let made = &find("CreateAccessKey")["responseElements"]["accessKey"]["accessKeyId"];
    let assumed = find("AssumeRole");
    assert_eq!(&assumed["userIdentity"]["accessKeyId"], made);
    let session = &assumed["responseElements"]["credentials"]["accessKeyId"];
    assert_eq!(&find("GetObject")["userIdentity"]["accessKeyId"], session);
    assert_eq!(find("GetObject")["recipientAccountId"], records.accounts[1].id.as_str());
    assert!(all.iter().any(|r| r["errorCode"] == "AccessDenied"));
}
