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

#[test]
fn rows_are_found_by_their_own_texts_alone_whatever_else_is_held() {
    // as many events of others (account, Region, category, value, time) as would show a walk
    const OTHERS: u64 = 20_000;
    let record = |number: u64, name: &str, region: &str, account: &str, time: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"{time}","eventName":"{name}","eventSource":"a","eventID":"e{number:08}","awsRegion":"{region}","recipientAccountId":"{account}","readOnly":{}}}"#,
            name == "Rare"
        )
    };
    let recent = RecentEvents::new(256 << 20);
    let (before, since) = ("2024-03-01T00:00:00Z", "2024-03-01T00:00:01Z");
    for number in 0..OTHERS {
        let text = match number % 4 {
            0 => record(number, "Often", "eu-west-1", "111122223333", before),
            1 => record(number, "Often", "us-east-1", "999988887777", before),
            2 => record(number, "Often", "us-east-1", "111122223333", before),
            _ => record(number, "Often", "us-east-1", "111122223333", before).replacen(
                "1.08",
                "1.08\",\"eventCategory\":\"Data",
                1,
            ),
        };
        recent.add(number, text.as_bytes());
    }
    let wanted = record(OTHERS, "Rare", "us-east-1", "111122223333", since);
    recent.add(OTHERS, wanted.as_bytes());
    let scope = LookupScope { region: Some("us-east-1"), account: Some("111122223333") };
    let newest =
        Request { start_time: trailseal_archive::Timestamp::parse_loose(since).ok(), ..Request::default() };
    let requests = [
        with(AttributeKey::EventName, "Rare"),
        with(AttributeKey::ReadOnly, "true"),
        with(AttributeKey::EventId, "e00020000"),
        newest,
    ];
    for request in &requests {
        let began = std::time::Instant::now();
        for _ in 0..200 {
            assert_eq!(texts(&lookup(&[&recent], request, &scope).unwrap()), [&*wanted], "{request:?}");
        }
        // walks over the others that are of the scope take several seconds
        assert!(began.elapsed().as_millis() < 1_500, "{request:?} {:?}", began.elapsed());
    }
}

#[test]
fn what_is_counted_is_never_more_than_the_limit_and_nothing_is_left_of_what_went() {
    let recent = RecentEvents::new(300_000);
    let mut choices = Choices(7);
    for number in 0..5_000 {
        recent.add(number, record(&mut choices).as_bytes());
        assert!(recent.bytes() <= 300_000, "{number}");
    }
    assert!(recent.len() > 10, "{}", recent.len());
    // a record that fills it alone takes the place of all others, and goes for the next
    let large = format!(
        r#"{{"eventVersion":"1.08","eventName":"{}","eventSource":"a","eventID":"x"}}"#,
        "n".repeat(400_000)
    );
    recent.add(5_000, large.as_bytes());
    assert_eq!((recent.len(), recent.bytes(), recent.first()), (0, 0, None));
}
