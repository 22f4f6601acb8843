use super::*;

const RECORDS: [&str; 2] = [
    r#"{"eventID":"e-1","eventName":"DeleteUser","eventSource":"iam.amazonaws.com","eventTime":"2023-07-10T11:42:36Z",
        "requestParameters":{"userName":"Bob"},"readOnly":false,"userIdentity":{"type":"IAMUser","userName":"Zo\u00eb"}}"#,
    r#"{"eventID":"e-2","eventName":"DescribeKey","eventSource":"kms.amazonaws.com","requestParameters":{"keyId":"k\u000aEVENTS"}}"#,
];

fn written(
    form: Form,
    times: TimeFormat,
    records: &[&str],
    is_one_page: bool,
    token: Option<&str>,
) -> String {
    let mut writer = Writer::new(form, times, 50, is_one_page, Vec::new());
    for record in records {
        writer.row(record.as_bytes().into()).unwrap();
    }
    String::from_utf8(writer.finish(token).unwrap()).unwrap()
}

#[test]
fn json_is_laid_out_as_by_the_aws_cli() {
    let json = |records, token| written(Form::Json, TimeFormat::Wire, records, false, token);
    assert_eq!(json(&[], None), "{\n    \"Events\": []\n}\n");
    let two = json(&RECORDS, Some("token"));
    let begin = "{\n    \"Events\": [\n        {\n            \"EventId\": \"e-1\",\n            \"EventName\": \"DeleteUser\",\n";
    assert!(two.starts_with(begin), "{two}");
    assert!(two.contains("            \"EventTime\": 1688989356.0,\n"), "{two}");
    assert!(two.contains("\n        },\n        {\n            \"EventId\": \"e-2\","), "{two}");
    assert!(two.ends_with("\n        }\n    ],\n    \"NextToken\": \"token\"\n}\n"), "{two}");
    assert!(serde_json::from_str::<serde_json::Value>(&two).is_ok());
}

#[test]
fn json_lines_hold_a_row_each() {
    let lines = written(Form::Jsonl, TimeFormat::Iso8601, &RECORDS, false, None);
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["Username"], "Zoë");
}

/// As awscli 1.46 prints these rows: columns in alphabetical order, empty where a row has none.
#[test]
fn text_has_the_columns_of_its_page() {
    let text = written(Form::Text, TimeFormat::Iso8601, &RECORDS, false, Some("token"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("EVENTS\t{\"eventID\":\"e-1\","), "{text}");
    assert!(
        lines[0].ends_with("\te-1\tDeleteUser\tiam.amazonaws.com\t2023-07-10T11:42:36+00:00\tfalse\tZoë"),
        "{text}"
    );
    assert_eq!(lines[1], "RESOURCES\tBob\tAWS::IAM::User");
    assert!(lines[2].ends_with("\te-2\tDescribeKey\tkms.amazonaws.com\t\t\t"), "{text}");
    assert_eq!(lines[3], "RESOURCES\tk\\u{a}EVENTS", "a name cannot make a line");
    assert_eq!(lines[4..], ["NEXTTOKEN\ttoken"]);
    let page = written(Form::Text, TimeFormat::Iso8601, &RECORDS, true, Some("token"));
    assert!(page.starts_with("token\nEVENTS\t"), "{page}");
    assert_eq!(written(Form::Text, TimeFormat::Iso8601, &[], false, None), "");
}

#[test]
fn tables_are_boxes_of_one_width() {
    let empty = written(Form::Table, TimeFormat::Iso8601, &[], false, None);
    assert_eq!(empty, "--------------\n|LookupEvents|\n+------------+\n");
    let table = written(Form::Table, TimeFormat::Iso8601, &RECORDS, false, Some("token"));
    let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    assert!(table.contains("|  AWS::IAM::User "), "{table}");
    assert!(table.contains("|  NextToken "), "{table}");
}
