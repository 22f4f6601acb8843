//! Events that come one by one: they answer as an archive of them would, alone and beside an archive.

use proptest::prelude::*;
use trailseal_evidence::events::{LookupError, RecentEvents};
use trailseal_query::lookup::{AttributeKey, LookupAnswer, LookupScope, LookupSource, Request, answer};

use crate::events::{Choices, any_request, files, index, now, record, texts, with};

/// Answers a request from several sources.
fn lookup(
    sources: &[&dyn LookupSource<Error = LookupError>],
    request: &Request,
    scope: &LookupScope<'_>,
) -> Result<LookupAnswer, LookupError> {
    answer(sources, request, scope, now())
}

const SCOPES: [LookupScope<'static>; 3] = [
    LookupScope { region: None, account: None },
    LookupScope { region: Some("us-east-1"), account: None },
    LookupScope { region: None, account: Some("111122223333") },
];

/// All rows, page by page; `None` for a request that is refused.
fn walk(
    ask: impl Fn(&Request) -> Result<LookupAnswer, LookupError>,
    request: &Request,
) -> Option<Vec<String>> {
    let mut request = request.clone();
    let mut rows = Vec::new();
    loop {
        let answer = match ask(&request) {
            Err(LookupError::Rejected(_)) => return None,
            answer => answer.unwrap(),
        };
        rows.extend(texts(&answer));
        match answer.next_token {
            None => return Some(rows),
            next => request.next_token = next,
        }
    }
}

fn file(records: &[String]) -> Vec<u8> {
    format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes()
}

fn recent(records: &[String]) -> RecentEvents {
    let recent = RecentEvents::new(64 << 20);
    (0..).zip(records).for_each(|(number, record)| recent.add(number, record.as_bytes()));
    recent
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn an_archive_and_what_came_since_answer_as_one(seed in any::<u64>(), split in 0_usize..60) {
        let mut choices = Choices(seed);
        let records: Vec<String> = (0..60).map(|_| record(&mut choices)).collect();
        let (before, since) = records.split_at(split);
        let all = files(&[("a.json", file(before)), ("b.json", file(since))]);
        let (all, _) = index(&[all.path()]);
        let archive = files(&[("a.json", file(before))]);
        let (archive, _) = index(&[archive.path()]);
        let recent = recent(since);
        for _ in 0..8 {
            let request = any_request(&mut choices);
            for scope in &SCOPES {
                let one = walk(|request| lookup(&[&all], request, scope), &request);
                let both =
                    walk(|request| lookup(&[&archive, &recent], request, scope), &request);
                prop_assert!(one == both, "{request:?}");
            }
        }
    }
}

#[test]
fn what_came_first_makes_room() {
    let record = |number: u64| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2024-03-01T00:00:{:02}Z","eventName":"N{number}","eventSource":"a","eventID":"e{number}","awsRegion":"us-east-1"}}"#,
            number % 60
        )
    };
    let recent = RecentEvents::new(100_000);
    assert!(recent.is_empty());
    for number in 0..1000 {
        recent.add(number, record(number).as_bytes());
    }
    let first = recent.first().unwrap();
    assert!(first > 500 && recent.len() as u64 == 1000 - first, "{first}");
    let find = |name: &str| {
        let request = with(AttributeKey::EventName, name);
        lookup(&[&recent], &request, &SCOPES[0]).unwrap().records.len()
    };
    assert_eq!((find("N0"), find("N999"), find(&format!("N{first}"))), (0, 1, 1));
}

#[test]
fn tokens_stay_good_while_events_come() {
    let record = |second: u64| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2024-03-01T00:00:{second:02}Z","eventName":"N","eventSource":"a","eventID":"e{second}","awsRegion":"us-east-1"}}"#
        )
    };
    let recent = RecentEvents::new(1 << 20);
    (0..10).for_each(|number| recent.add(number, record(number).as_bytes()));
    let mut request = Request { max_results: Some(4), ..Request::default() };
    let page = |request: &Request| lookup(&[&recent], request, &SCOPES[0]).unwrap();
    let first = page(&request);
    assert_eq!(texts(&first)[3], record(6));
    (10..20).for_each(|number| recent.add(number, record(number).as_bytes()));
    request.next_token = first.next_token;
    assert_eq!(texts(&page(&request))[0], record(5));
}
