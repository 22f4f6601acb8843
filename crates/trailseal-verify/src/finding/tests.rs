use super::*;

#[test]
fn codes_are_their_texts_in_order() {
    let texts: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    assert!(texts.is_sorted() && texts.len() > 50);
    for code in Code::ALL {
        assert_eq!(code.text().parse(), Ok(*code));
        assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.text()));
        assert_eq!(Finding::new(*code, "").severity, code.severity());
    }
    assert_eq!("gaps".parse::<Code>(), Err("\"gaps\" is no finding code".to_owned()));
}

#[test]
fn a_finding_says_what_it_was_told() {
    let time = Timestamp::from_epoch(0).unwrap();
    let finding = Finding::new(Code::Gap, "m")
        .weighing(Severity::Note)
        .about(Some("b"), "k")
        .found_at("p")
        .of_place(Some("o-1"), "1", "r")
        .spanning(time, time.plus(1))
        .expected("e", "a")
        .said_by("d")
        .counting(3);
    let json = serde_json::to_value(&finding).unwrap();
    let expected = serde_json::json!({
        "code": "gap", "severity": "note", "key": "k", "bucket": "b", "path": "p", "organization": "o-1",
        "account": "1", "region": "r", "digest": "d", "expected": "e", "actual": "a",
        "start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:00:01Z", "count": 3, "message": "m",
    });
    assert_eq!(json, expected);
    // What is not known is left out.
    let bare = Finding::new(Code::Gap, "m").of_place(None, "", "");
    assert_eq!(serde_json::to_value(&bare).unwrap().as_object().unwrap().len(), 3);
}

#[test]
fn findings_are_sorted_by_place_then_time_then_code_and_key() {
    let time = Timestamp::from_epoch(0).unwrap();
    let at = |account: &str, seconds: i64, code, key: &str| {
        Finding::new(code, "")
            .of_place(None, account, "r")
            .spanning(time.plus(seconds), time.plus(9))
            .about(None, key)
    };
    let ordered = [
        at("1", 0, Code::Gap, "a"),
        at("1", 0, Code::Gap, "b"),
        at("1", 0, Code::TailCut, "a"),
        at("1", 1, Code::Gap, "a"),
        at("2", 0, Code::Gap, "a"),
    ];
    assert!(ordered.is_sorted_by(|a, b| a.sort_key() < b.sort_key()));
    // A finding of an end alone stands at its end.
    let (end, earlier) = (Finding { start: None, ..ordered[0].clone() }, at("1", 8, Code::Gap, "a"));
    assert!(end.sort_key() > earlier.sort_key());
}
