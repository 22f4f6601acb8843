//! Selectors near the borders of what is valid, and records.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:f";
const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";
const TYPES: [&str; 3] = ["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"];
const FIELDS: [&str; 11] = [
    "eventCategory",
    "readOnly",
    "eventSource",
    "resources.type",
    "resources.ARN",
    "eventName",
    "eventType",
    "userIdentity.arn",
    "sessionCredentialFromConsole",
    "errorCode",
    "vpcEndpointId",
];
const OPERATORS: [&str; 6] =
    ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"];
/// What conditions compare with; records have these, or some that begin or end with them.
const VALUES: [&str; 14] = [
    "GetObject",
    "Get",
    "Object",
    "s3.amazonaws.com",
    "kms.amazonaws.com",
    "s3",
    ".com",
    "AwsApiCall",
    "arn:aws:s3:::bucket/",
    "arn:aws:s3:::bucket/a/key",
    "/a/key",
    FUNCTION,
    "arn:aws:iam::1:user/x",
    "vpce-1",
];

/// Valid selectors, and such with a few changes.
pub(crate) fn document() -> impl Strategy<Value = Value> {
    (valid(), vec(change(), 0..3)).prop_map(|(mut document, changes)| {
        for change in changes {
            change.make(&mut document);
        }
        document
    })
}

/// Valid selectors.
pub(crate) fn valid() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(basic(), 1..=5).prop_map(|selectors| json!({"EventSelectors": selectors})),
        vec(advanced(), 1..4).prop_map(|selectors| json!({"AdvancedEventSelectors": selectors})),
    ]
}

fn basic() -> impl Strategy<Value = Value> {
    let of = |kind: &'static str, values: Vec<&'static str>| {
        vec(select(values), 0..3).prop_map(move |values| json!({"Type": kind, "Values": values}))
    };
    let resource = prop_oneof![
        of(TYPES[0], vec!["arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::bucket/", "arn:aws:s3:::bucket/a/"]),
        of(TYPES[1], vec!["arn:aws:lambda", FUNCTION]),
        of(TYPES[2], vec!["arn:aws:dynamodb", TABLE]),
    ];
    let sources = vec(select(vec!["kms.amazonaws.com", "rdsdata.amazonaws.com"]), 0..3);
    let members = (
        option::of(select(vec!["All", "ReadOnly", "WriteOnly"])),
        option::of(any::<bool>()),
        option::of(vec(resource, 0..3)),
        option::of(sources),
    );
    members.prop_map(|(kind, mut management, resources, sources)| {
        if resources.as_ref().is_none_or(Vec::is_empty) {
            management = management.filter(|included| *included);
        }
        json!({
            "ReadWriteType": kind, "IncludeManagementEvents": management, "DataResources": resources,
            "ExcludeManagementEventSources": sources,
        })
    })
}

/// A condition on the field with one to three operators.
fn condition(field: &'static str) -> BoxedStrategy<Value> {
    let lists = vec((select(&OPERATORS[..]), vec(select(&VALUES[..]), 1..3)), 1..4);
    let condition = lists.prop_map(move |lists| {
        let mut condition = json!({"Field": field});
        for (operator, values) in lists {
            condition[operator] = json!(values);
        }
        condition
    });
    condition.boxed()
}

fn only(
    field: &'static str,
    operators: &'static [&'static str],
    values: &'static [&'static str],
) -> BoxedStrategy<Value> {
    let one = (select(operators), select(values));
    one.prop_map(move |(operator, value)| json!({"Field": field, operator: [value]})).boxed()
}

fn advanced() -> impl Strategy<Value = Value> {
    let category = |name: &str| Just(json!({"Field": "eventCategory", "Equals": [name]})).boxed();
    let read = || only("readOnly", &["Equals"], &["true", "false"]);
    let selector = |required: Vec<BoxedStrategy<Value>>, optional: Vec<BoxedStrategy<Value>>| {
        let optional: Vec<_> =
            optional.into_iter().map(|condition| option::weighted(0.3, condition)).collect();
        let conditions = (required, optional).prop_map(|(required, optional)| {
            required.into_iter().chain(optional.into_iter().flatten()).collect::<Vec<_>>()
        });
        conditions.prop_shuffle()
    };
    let excluded = only("eventSource", &["NotEquals"], &["kms.amazonaws.com", "rdsdata.amazonaws.com"]);
    let common = || {
        vec![
            read(),
            condition("eventName"),
            condition("eventSource"),
            condition("eventType"),
            condition("userIdentity.arn"),
            only("sessionCredentialFromConsole", &["Equals", "NotEquals"], &["true"]),
        ]
    };
    let mut objects = common();
    objects.push(condition("resources.ARN"));
    let mut functions = common();
    functions.push(only(
        "resources.ARN",
        &["Equals", "NotEquals", "StartsWith", "NotStartsWith"],
        &[FUNCTION],
    ));
    let network = vec![
        condition("eventName"),
        only("errorCode", &["Equals"], &["VpceAccessDenied"]),
        condition("vpcEndpointId"),
    ];
    let source = only("eventSource", &["Equals"], &["s3.amazonaws.com", "kms.amazonaws.com"]);
    let conditions = prop_oneof![
        selector(vec![category("Management")], vec![read(), excluded]),
        selector(vec![category("Data"), only("resources.type", &["Equals"], &["AWS::S3::Object"])], objects),
        selector(
            vec![category("Data"), only("resources.type", &["Equals"], &["AWS::Lambda::Function"])],
            functions
        ),
        selector(vec![category("NetworkActivity"), source], network),
    ];
    (option::of("[a-z]{0,3}"), conditions)
        .prop_map(|(name, conditions)| json!({"Name": name, "FieldSelectors": conditions}))
}

/// Something that may make selectors invalid. What does not fit changes nothing.
#[derive(Clone, Debug)]
enum Change {
    /// There are as many selectors.
    Selectors(usize),
    /// The member of a selector is this.
    Set(usize, &'static str, Value),
    /// In a selector, in one of its conditions or data resources.
    In(usize, usize, Edit),
}

#[derive(Clone, Debug)]
enum Edit {
    Type(&'static str),
    Value(String),
    /// As many, and in a data resource some that do not count.
    Values(usize, usize),
    Drop,
    Double,
    Rename(&'static str),
    Operator(&'static str),
    Empty,
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0..5_usize;
    let members = prop_oneof![
        select(vec![json!("read-only"), json!(""), json!("All"), Value::Null])
            .prop_map(|v| ("ReadWriteType", v)),
        any::<bool>().prop_map(|flag| ("IncludeManagementEvents", json!(flag))),
        Just(("DataResources", json!([]))),
        select(vec![json!(["s3.amazonaws.com"]), json!([])])
            .prop_map(|sources| ("ExcludeManagementEventSources", sources)),
        (999..1_003_usize).prop_map(|length| ("Name", json!("\u{fc}".repeat(length)))),
    ];
    let kind = select(vec![TYPES[0], TYPES[1], TYPES[2], "AWS::SNS::Topic", "S3", ""]);
    let value = prop_oneof![
        3 => select(vec![
            "", "*", "true", "false", "True", "Management", "Data", "Insight", "kms.amazonaws.com", "VpceAccessDenied",
            "AWS::Lambda::Function", "AWS::S3::Object", "line\nbreak", "arn:aws:s3", "arn:aws-cn:s3", "arn:aws:s3:::",
            "arn:aws:s3:::bucket", "arn:aws:s3:::/p", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k:1", "arn:aws:lambda",
            "arn:aws-:lambda", "arn:aws:lambda:", "arn:aws:lambda:::", "arn:aws:dynamodb", FUNCTION, TABLE,
            "arn:aws:lambda:eu-west-1:111122223333:function:f:1", "arn:aws:lambda:eu-west-1:1:function:f",
            "arn:aws:lambda:nowhere:111122223333:function:f", "arn:aws:lambda:eu-west-1:111122223333:function:",
            "arn:aws:dynamodb:eu-west-1:111122223333:f",
        ]).prop_map(str::to_owned),
        1 => (2_046..2_051_usize).prop_map(|length| "x".repeat(length)),
        1 => (2_046..2_051_usize).prop_map(|length| format!("{:x<length$}", "arn:aws:s3:::b/")),
    ];
    let counts = prop_oneof![3 => 246..254_usize, 3 => 490..504_usize, 1 => 0..4_usize];
    let edit = prop_oneof![
        1 => kind.prop_map(Edit::Type),
        3 => value.prop_map(Edit::Value),
        2 => (counts, at()).prop_map(|(count, more)| Edit::Values(count, more)),
        1 => Just(Edit::Drop),
        1 => Just(Edit::Double),
        1 => select(&FIELDS[..]).prop_map(Edit::Rename),
        2 => select(&OPERATORS[..]).prop_map(Edit::Operator),
        1 => Just(Edit::Empty),
    ];
    let numbers = prop_oneof![0..8_usize, 98..102_usize, 248..252_usize, 499..503_usize];
    prop_oneof![
        1 => numbers.prop_map(Change::Selectors),
        2 => (at(), members).prop_map(|(at, (name, value))| Change::Set(at, name, value)),
        9 => (at(), at(), edit).prop_map(|(at, of, edit)| Change::In(at, of, edit)),
    ]
}

fn pick<T>(list: &mut [T], index: usize) -> Option<&mut T> {
    let length = list.len();
    (length > 0).then(|| &mut list[index % length])
}

impl Change {
    fn make(self, document: &mut Value) {
        let is_advanced = document.get("AdvancedEventSelectors").is_some();
        let name = if is_advanced { "AdvancedEventSelectors" } else { "EventSelectors" };
        let selectors = document[name].as_array_mut().unwrap();
        match self {
            Self::Selectors(count) => *selectors = selectors.iter().cycle().take(count).cloned().collect(),
            Self::Set(at, member, value) => {
                if let Some(selector) = pick(selectors, at).filter(|_| is_advanced == (member == "Name")) {
                    selector[member] = value;
                }
            }
            Self::In(at, of, edit) => {
                let list = if is_advanced { "FieldSelectors" } else { "DataResources" };
                if let Some(list) = pick(selectors, at).and_then(|selector| selector[list].as_array_mut()) {
                    edit.make(list, of, is_advanced);
                }
            }
        }
    }
}

impl Edit {
    fn make(self, list: &mut Vec<Value>, of: usize, is_advanced: bool) {
        let Some(one) = pick(list, of) else { return };
        let mut operators = OPERATORS.into_iter().filter(|name| one[*name].is_array());
        let operator = if is_advanced { operators.next() } else { Some("Values") };
        let Some(operator) = operator else { return };
        match self {
            Self::Type(kind) if !is_advanced => one["Type"] = json!(kind),
            Self::Value(value) => one[operator] = json!([value]),
            Self::Values(count, more) if !is_advanced => {
                let mut values: Vec<_> = (0..count).map(|n| format!("arn:aws:s3:::b/{n}")).collect();
                values.extend(vec!["arn:aws:s3".to_owned(); more]);
                *one = json!({"Type": "AWS::S3::Object", "Values": values});
            }
            Self::Values(count, _) => {
                let values: Vec<_> = (0..count).map(|n| format!("v{n}")).collect();
                one[operator] = json!(values);
            }
            Self::Drop => drop(list.remove(of % list.len())),
            Self::Double => {
                let copy = one.clone();
                list.push(copy);
            }
            Self::Rename(name) if is_advanced => one["Field"] = json!(name),
            Self::Operator(name) if is_advanced => {
                let values = one.as_object_mut().unwrap().remove(operator).unwrap();
                one[name] = values;
            }
            Self::Empty => one[operator] = json!([]),
            Self::Type(_) | Self::Rename(_) | Self::Operator(_) => {}
        }
    }
}

/// Management and data events of several resources, network activity, insights; records that do not say.
pub(crate) fn record() -> impl Strategy<Value = Value> {
    let arns = vec![
        "arn:aws:s3:::bucket/a/key",
        "arn:aws:s3:::bucket/",
        "arn:aws:s3:::bucket",
        FUNCTION,
        "arn:aws:lambda:eu-west-1:111122223333:function:f:7",
        "arn:aws:lambda:eu-west-1:111122223333:function:ff",
        TABLE,
        "arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/s",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/tt",
    ];
    let kinds = vec![TYPES[0], TYPES[1], TYPES[2], "AWS::S3::Bucket"];
    let resource = (
        option::weighted(0.9, select(kinds)),
        option::weighted(0.8, select(arns.clone())),
        option::of(select(arns)),
    );
    let resource = resource
        .prop_map(|(kind, arn, prefix)| without_null(json!({"type": kind, "ARN": arn, "ARNPrefix": prefix})));
    let texts = |values: &[&'static str]| option::weighted(0.8, select(values.to_vec()));
    let categories = ["Management", "Data", "Data", "NetworkActivity", "Insight", "Aggregated"];
    let members = (
        (texts(&categories), option::of(any::<bool>())),
        select(vec![json!(true), json!(false), json!("true"), json!("false"), Value::Null]),
        texts(&["GetObject", "GetObjectAcl", "PutObject", "Invoke"]),
        texts(&["kms.amazonaws.com", "s3.amazonaws.com", "rdsdata.amazonaws.com"]),
        option::of(vec(resource, 0..3)),
        texts(&["arn:aws:iam::1:user/x", "arn:aws:sts::1:assumed-role/a/b"]),
        select(vec![Value::Null, json!("true"), json!(true)]),
        texts(&["VpceAccessDenied", "AccessDenied"]),
        texts(&["AwsApiCall", "AwsServiceEvent"]),
        texts(&["vpce-1", "vpce-12"]),
    );
    members.prop_map(
        |((category, management), read, name, source, resources, arn, console, error, kind, endpoint)| {
            without_null(json!({
                "eventCategory": category, "managementEvent": management, "readOnly": read,
                // one of them is always there, as in every record of an API call
                "eventName": name.unwrap_or("Scan"), "eventSource": source, "resources": resources,
                "userIdentity": {"arn": arn}, "sessionCredentialFromConsole": console, "errorCode": error,
                "eventType": kind, "vpcEndpointId": endpoint,
            }))
        },
    )
}

fn without_null(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, member| !member.is_null());
    value
}
