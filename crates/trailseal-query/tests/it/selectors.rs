//! Selectors against an evaluator that follows the documentation word by word.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use trailseal_query::{Record, category::Category, predicate::Truth, selectors::Selectors};

use crate::slow;

const ARNS: [&str; 5] = [
    "arn:aws:s3:::bucket/a/key",
    "arn:aws:s3:::bucket/",
    "arn:aws:s3:::bucket",
    "arn:aws:lambda:eu-west-1:111111111111:function:f",
    "arn:aws:lambda:eu-west-1:111111111111:function:f:7",
];
const NAMES: [&str; 4] = ["GetObject", "GetObjectAcl", "PutObject", "Invoke"];
const SOURCES: [&str; 3] = ["kms.amazonaws.com", "s3.amazonaws.com", "rdsdata.amazonaws.com"];
const TYPES: [&str; 3] = ["AWS::S3::Object", "AWS::Lambda::Function", "AWS::S3::Bucket"];

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    vec(select(of), 1..3).prop_map(|values| json!(values))
}

fn record() -> impl Strategy<Value = Value> {
    let resource =
        (option::of(select(&TYPES[..])), option::of(select(&ARNS[..])), option::of(select(&ARNS[..])));
    let members = (
        select(vec![
            json!("Management"),
            json!("Data"),
            json!("NetworkActivity"),
            json!("Aggregated"),
            Value::Null,
        ]),
        select(vec![json!(true), json!(false), json!("true"), json!("false"), Value::Null]),
        select(&NAMES[..]),
        select(&SOURCES[..]),
        option::of(vec(resource, 0..3)),
        option::of(select(vec!["arn:aws:sts::1:assumed-role/a/b", "arn:aws:iam::1:user/x"])),
        option::of(Just("true")),
        option::of(select(vec!["VpceAccessDenied", "AccessDenied"])),
    );
    members.prop_map(|(category, read, name, source, resources, arn, console, error)| {
        let resources = resources.map(|resources| {
            let members = resources
                .into_iter()
                .map(|(kind, arn, prefix)| json!({"type": kind, "ARN": arn, "ARNPrefix": prefix}));
            members.collect::<Vec<_>>()
        });
        json!({
            "eventCategory": category, "readOnly": read, "eventName": name, "eventSource": source,
            "resources": resources, "userIdentity": {"arn": arn}, "sessionCredentialFromConsole": console,
            "errorCode": error,
        })
    })
}

fn basic() -> impl Strategy<Value = Value> {
    let objects = select(vec!["arn:aws:s3", "arn:aws:s3:::", ARNS[0], ARNS[1]]);
    let functions = select(vec!["arn:aws:lambda", ARNS[3], ARNS[4]]);
    let data = prop_oneof![
        vec(objects, 0..3).prop_map(|values| json!({"Type": "AWS::S3::Object", "Values": values})),
        vec(functions, 0..3).prop_map(|values| json!({"Type": "AWS::Lambda::Function", "Values": values})),
    ];
    let selector = (
        select(vec!["All", "ReadOnly", "WriteOnly"]),
        any::<bool>(),
        vec(data, 1..3),
        vec(select(vec![SOURCES[0], SOURCES[2]]), 0..2),
    );
    let selector = selector.prop_map(|(kind, management, data, excluded)| {
        json!({"ReadWriteType": kind, "IncludeManagementEvents": management, "DataResources": data,
            "ExcludeManagementEventSources": excluded})
    });
    vec(selector, 1..4).prop_map(|selectors| json!({"TrailARN": "arn:x", "EventSelectors": selectors}))
}

fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let list = || option::of(texts(values));
    (texts(values), list(), list(), list(), list(), list()).prop_map(move |(first, b, c, d, e, f)| {
        let mut field = json!({"Field": name});
        let lists =
            [("NotEndsWith", b), ("StartsWith", c), ("EndsWith", d), ("NotEquals", e), ("NotStartsWith", f)];
        for (operator, values) in lists {
            if let Some(values) = values {
                field[operator] = values;
            }
        }
        if field.as_object().unwrap().len() < 3 {
            field["Equals"] = first;
        }
        field
    })
}

fn advanced() -> impl Strategy<Value = Value> {
    let category = |name: &str| json!({"Field": "eventCategory", "Equals": [name]});
    let read = option::of(select(vec!["true", "false"]))
        .prop_map(|value| value.map(|value| json!({"Field": "readOnly", "Equals": [value]})));
    let excluded = option::of(Just(json!({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]})));
    let management = (read.clone(), excluded)
        .prop_map(move |(read, excluded)| [Some(category("Management")), read, excluded]);
    let management = management.prop_map(|fields| fields.into_iter().flatten().collect::<Vec<_>>());
    let data = (
        select(&["AWS::S3::Object", "AWS::S3::Bucket"][..]),
        read,
        option::of(field("eventName", &["GetObject", "Get", "Acl", "Object"])),
        option::of(field("resources.ARN", &["arn:aws:s3:::bucket/", "arn:aws:s3:::bucket/a/key", "/a/key"])),
        option::of(field("userIdentity.arn", &["arn:aws:sts:", "arn:aws:iam::1:user/x", "/x"])),
        option::of(select(vec!["Equals", "NotEquals"])),
    );
    let data = data.prop_map(move |(kind, read, name, arn, identity, console)| {
        let kind = json!({"Field": "resources.type", "Equals": [kind]});
        let console =
            console.map(|operator| json!({"Field": "sessionCredentialFromConsole", operator: ["true"]}));
        let fields = [Some(category("Data")), Some(kind), read, name, arn, identity, console];
        fields.into_iter().flatten().collect::<Vec<_>>()
    });
    let network = (texts(&SOURCES), any::<bool>()).prop_map(move |(sources, denied)| {
        let source = json!({"Field": "eventSource", "Equals": sources});
        let denied = denied.then(|| json!({"Field": "errorCode", "Equals": ["VpceAccessDenied"]}));
        [Some(category("NetworkActivity")), Some(source), denied].into_iter().flatten().collect::<Vec<_>>()
    });
    let selector =
        prop_oneof![management, data, network].prop_map(|fields| json!({"FieldSelectors": fields}));
    vec(selector, 1..4).prop_map(|selectors| json!({"AdvancedEventSelectors": selectors}))
}

// The obvious evaluator. `None` is unknown.

fn all(parts: &[Option<bool>]) -> Option<bool> {
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    if parts.contains(&None) { None } else { Some(true) }
}

fn one(parts: &[Option<bool>]) -> Option<bool> {
    if parts.contains(&Some(true)) {
        return Some(true);
    }
    if parts.contains(&None) { None } else { Some(false) }
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map(|all| all.iter().map(|one| one.as_str().unwrap()).collect()).unwrap_or_default()
}

fn logs(selectors: &Value, record: &Value) -> Option<bool> {
    if let Some(basic) = selectors["EventSelectors"].as_array() {
        return one(&basic.iter().map(|one| basic_logs(one, record)).collect::<Vec<_>>());
    }
    let advanced = selectors["AdvancedEventSelectors"].as_array().unwrap();
    one(&advanced.iter().map(|one| advanced_logs(one, record)).collect::<Vec<_>>())
}

fn is_category(record: &Value, category: Category) -> Option<bool> {
    slow::category(&record.to_string()).map(|found| found == category)
}

/// `readOnly` may be a string.
fn read_only(record: &Value) -> Option<bool> {
    match &record["readOnly"] {
        Value::Bool(holds) => Some(*holds),
        Value::String(text) => Some(text == "true"),
        _ => None,
    }
}

fn arn_of(resource: &Value) -> Option<&str> {
    resource["ARN"].as_str().or(resource["ARNPrefix"].as_str())
}

/// Any resource of the type, of which the ARN is like this.
fn any_resource(record: &Value, kind: &str, arn: impl Fn(&str) -> bool) -> Option<bool> {
    let resources = record["resources"].as_array()?;
    let each = resources.iter().map(|resource| {
        all(&[resource["type"].as_str().map(|found| found == kind), arn_of(resource).map(&arn)])
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() { None } else { one(&each) }
}

fn basic_logs(selector: &Value, record: &Value) -> Option<bool> {
    let management = if selector["IncludeManagementEvents"] == json!(true) {
        let excluded = strings(&selector["ExcludeManagementEventSources"]);
        let is_excluded = excluded.contains(&record["eventSource"].as_str().unwrap());
        all(&[is_category(record, Category::Management), Some(!is_excluded)])
    } else {
        Some(false)
    };
    let mut resources = Vec::new();
    for data in selector["DataResources"].as_array().unwrap() {
        let kind = data["Type"].as_str().unwrap();
        for value in strings(&data["Values"]) {
            let is_function = value.contains(":function:");
            resources.push(any_resource(record, kind, |arn| {
                if is_function {
                    arn == value || arn.starts_with(&format!("{value}:"))
                } else {
                    arn.starts_with(value)
                }
            }));
        }
    }
    let data = all(&[is_category(record, Category::Data), one(&resources)]);
    let kind = match selector["ReadWriteType"].as_str().unwrap() {
        "ReadOnly" => read_only(record),
        "WriteOnly" => read_only(record).map(|read| !read),
        _ => Some(true),
    };
    all(&[kind, one(&[management, data])])
}

fn advanced_logs(selector: &Value, record: &Value) -> Option<bool> {
    let fields = selector["FieldSelectors"].as_array().unwrap();
    let category = strings(&fields[0]["Equals"])[0];
    let mut parts = vec![is_category(record, Category::from_name(category).unwrap())];
    let arn = fields.iter().find(|field| field["Field"] == "resources.ARN");
    for field in fields {
        parts.push(match field["Field"].as_str().unwrap() {
            "eventCategory" | "resources.ARN" => continue,
            "readOnly" => read_only(record).map(|read| field["Equals"] == json!([read.to_string()])),
            "resources.type" => {
                let kind = strings(&field["Equals"])[0];
                match arn {
                    Some(condition) => any_resource(record, kind, |arn| passes(condition, Some(arn))),
                    None => any_type(record, kind),
                }
            }
            "userIdentity.arn" => Some(passes(field, record["userIdentity"]["arn"].as_str())),
            name => Some(passes(field, record[name].as_str())),
        });
    }
    all(&parts)
}

fn any_type(record: &Value, kind: &str) -> Option<bool> {
    let resources = record["resources"].as_array()?;
    let each: Vec<_> = resources.iter().map(|one| one["type"].as_str().map(|found| found == kind)).collect();
    if each.is_empty() { None } else { one(&each) }
}

/// One of the positives, if there are any, and none of the negatives; what is absent is like nothing.
fn passes(field: &Value, value: Option<&str>) -> bool {
    let is = |operator: &str, test: fn(&str, &str) -> bool| {
        strings(&field[operator]).iter().any(|wanted| value.is_some_and(|value| test(value, wanted)))
    };
    let has_positives =
        ["Equals", "StartsWith", "EndsWith"].iter().any(|operator| !field[*operator].is_null());
    let positive = is("Equals", |value, wanted| value == wanted)
        || is("StartsWith", |value, wanted| value.starts_with(wanted))
        || is("EndsWith", |value, wanted| value.ends_with(wanted));
    let negative = is("NotEquals", |value, wanted| value == wanted)
        || is("NotStartsWith", |value, wanted| value.starts_with(wanted))
        || is("NotEndsWith", |value, wanted| value.ends_with(wanted));
    (positive || !has_positives) && !negative
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn selectors_log_what_the_documentation_says(
        selectors in prop_oneof![basic(), advanced()],
        record in record(),
    ) {
        let parsed = Selectors::parse(selectors.to_string().as_bytes());
        prop_assert!(parsed.is_ok(), "{}: {}", selectors, parsed.unwrap_err());
        let found = parsed.unwrap().predicate().evaluate(&Record::new(record.to_string().as_bytes()));
        prop_assert_eq!(found, logs(&selectors, &record).map_or(Truth::Unknown, Truth::from));
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let _ = Selectors::parse(text.as_bytes());
    }
}
