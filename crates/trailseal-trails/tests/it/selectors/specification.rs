//! docs/spec/selectors-and-insights.md 3.1 to 3.3, read literally and slowly: no code of the project stands here.

use std::collections::BTreeSet;

use serde_json::Value;

const SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];
const POSITIVE: [&str; 3] = ["Equals", "StartsWith", "EndsWith"];
const NEGATIVE: [&str; 3] = ["NotEquals", "NotStartsWith", "NotEndsWith"];

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().map(|value| value.as_str().unwrap()).collect()
}

/// What is wrong with a document of selectors, if anything is.
pub(crate) fn fault(document: &Value) -> Option<&'static str> {
    let (basic, advanced) = (list(&document["EventSelectors"]), list(&document["AdvancedEventSelectors"]));
    match (basic.is_empty(), advanced.is_empty()) {
        (true, true) => Some("nothing"),
        (false, false) => Some("both"),
        (false, true) => basic_fault(basic),
        (true, false) => advanced_fault(advanced),
    }
}

fn basic_fault(selectors: &[Value]) -> Option<&'static str> {
    if selectors.len() > 5 {
        return Some("more than 5");
    }
    let mut counted = 0;
    for selector in selectors {
        if ![Value::Null, "All".into(), "ReadOnly".into(), "WriteOnly".into()]
            .contains(&selector["ReadWriteType"])
        {
            return Some("ReadWriteType");
        }
        if texts(&selector["ExcludeManagementEventSources"]).iter().any(|source| !SOURCES.contains(source)) {
            return Some("ExcludeManagementEventSources");
        }
        let resources = list(&selector["DataResources"]);
        if selector["IncludeManagementEvents"] == false && resources.is_empty() {
            return Some("selects nothing");
        }
        for resource in resources {
            let service = match resource["Type"].as_str() {
                Some("AWS::S3::Object") => "s3",
                Some("AWS::Lambda::Function") => "lambda",
                Some("AWS::DynamoDB::Table") => "dynamodb",
                _ => return Some("Type"),
            };
            for value in texts(&resource["Values"]) {
                let (head, rest) =
                    value.split_at(value.match_indices(':').nth(2).map_or(value.len(), |(at, _)| at));
                let partition =
                    head.strip_prefix("arn:").and_then(|head| head.strip_suffix(&format!(":{service}")));
                if !partition.is_some_and(|name| ["aws", "aws-cn", "aws-us-gov"].contains(&name)) {
                    return Some("an ARN of another service");
                }
                if rest.is_empty() || rest == ":::" && service == "s3" {
                    continue;
                }
                counted += 1;
                let place = ":eu-west-1:111122223333:";
                let is_good = match service {
                    "s3" => {
                        rest.strip_prefix(":::").is_some_and(|name| name.find('/').is_some_and(|at| at > 0))
                    }
                    "lambda" => rest.strip_prefix(place).is_some_and(|name| name.starts_with("function:f")),
                    _ => rest.strip_prefix(place).is_some_and(|name| name.starts_with("table/t")),
                };
                if !is_good || value.contains('*') || value.chars().count() > 2_048 {
                    return Some("the form of a value");
                }
            }
        }
    }
    (counted > 250).then_some("more than 250 resources")
}

fn values(condition: &Value) -> impl Iterator<Item = &str> {
    POSITIVE.iter().chain(&NEGATIVE).flat_map(|operator| texts(&condition[*operator]))
}

fn advanced_fault(selectors: &[Value]) -> Option<&'static str> {
    let conditions = || selectors.iter().flat_map(|selector| list(&selector["FieldSelectors"]));
    if conditions().flat_map(values).count() > 500 {
        return Some("more than 500 values");
    }
    if conditions().filter(|condition| condition["Field"] == "resources.ARN").flat_map(values).count() > 250 {
        return Some("more than 250 resources");
    }
    selectors.iter().find_map(one_fault)
}

fn one_fault(selector: &Value) -> Option<&'static str> {
    if selector["Name"].as_str().is_some_and(|name| name.chars().count() > 1_000) {
        return Some("Name");
    }
    let conditions = list(&selector["FieldSelectors"]);
    let names: Vec<_> = conditions.iter().map(|condition| condition["Field"].as_str().unwrap()).collect();
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        return Some("a field twice");
    }
    let values_of = |name: &str| -> Vec<&str> {
        let condition = conditions.iter().find(|condition| condition["Field"] == name);
        condition.map(|condition| values(condition).collect()).unwrap_or_default()
    };
    let (required, optional): (&[&str], &[&str]) = match values_of("eventCategory").as_slice() {
        ["Management"] => (&[], &["readOnly", "eventSource"]),
        ["Data"] => (
            &["resources.type"],
            &[
                "readOnly",
                "eventName",
                "resources.ARN",
                "eventSource",
                "eventType",
                "userIdentity.arn",
                "sessionCredentialFromConsole",
            ],
        ),
        ["NetworkActivity"] => (&["eventSource"], &["eventName", "errorCode", "vpcEndpointId"]),
        _ => return Some("eventCategory"),
    };
    if required.iter().any(|name| !names.contains(name)) {
        return Some("a required field");
    }
    let is_known =
        |name: &&str| *name == "eventCategory" || required.contains(name) || optional.contains(name);
    if !names.iter().all(is_known) {
        return Some("a field of another category");
    }
    let category = values_of("eventCategory")[0];
    let is_lambda = values_of("resources.type") == ["AWS::Lambda::Function"];
    conditions.iter().find_map(|condition| {
        let operators: Vec<_> =
            POSITIVE.iter().chain(&NEGATIVE).filter(|name| !condition[**name].is_null()).collect();
        let only = |allowed: &[&str]| operators.iter().all(|name| allowed.contains(name));
        let among = |allowed: &[&str]| values(condition).all(|value| allowed.contains(&value));
        let count = values(condition).count();
        let is_good = match (category, condition["Field"].as_str().unwrap()) {
            (_, "eventCategory" | "resources.type") => only(&["Equals"]) && count == 1,
            (_, "readOnly") => only(&["Equals"]) && count == 1 && among(&["true", "false"]),
            ("Management", "eventSource") => only(&["NotEquals"]) && among(&SOURCES),
            ("NetworkActivity", "eventSource") => only(&["Equals"]),
            (_, "errorCode") => only(&["Equals"]) && among(&["VpceAccessDenied"]),
            (_, "sessionCredentialFromConsole") => only(&["Equals", "NotEquals"]) && among(&["true"]),
            (_, "resources.ARN") if is_lambda => ["Equals", "NotEquals"]
                .iter()
                .flat_map(|operator| texts(&condition[*operator]))
                .all(|value| value == "arn:aws:lambda:eu-west-1:111122223333:function:f"),
            _ => true,
        };
        let is_list = operators.iter().all(|operator| !list(&condition[**operator]).is_empty());
        let is_text = |value: &str| (1..=2_048).contains(&value.chars().count()) && !value.contains('\n');
        let is_whole = count > 0 && is_list && values(condition).all(is_text);
        (!is_good || !is_whole).then_some("a condition")
    })
}

/// Whether a type of a resource has not the form that all of them have.
pub(crate) fn has_odd_type(document: &Value) -> bool {
    let conditions = list(&document["AdvancedEventSelectors"])
        .iter()
        .flat_map(|selector| list(&selector["FieldSelectors"]));
    let is_odd = |kind: &str| !kind.starts_with("AWS::") || kind.matches("::").count() != 2;
    conditions.filter(|condition| condition["Field"] == "resources.type").flat_map(values).any(is_odd)
}

// What is logged. `None` is unknown.

fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<_> = parts.into_iter().collect();
    if parts.contains(&Some(false)) { Some(false) } else { parts.iter().all(Option::is_some).then_some(true) }
}

fn any(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    all(parts.into_iter().map(|part| part.map(|part| !part))).map(|none| !none)
}

/// The category of a record.
pub(crate) fn category(record: &Value) -> Option<&'static str> {
    match (record["eventCategory"].as_str(), record["managementEvent"].as_bool()) {
        (Some(stated), _) => ["Management", "Data", "NetworkActivity", "Insight", "Aggregated"]
            .into_iter()
            .find(|name| *name == stated),
        (None, Some(true)) => Some("Management"),
        (None, Some(false)) => Some("Data"),
        (None, None) => {
            let has = |kind: &str| list(&record["resources"]).iter().any(|resource| resource["type"] == kind);
            let is_data =
                ["GetObject", "GetObjectAcl", "PutObject"].iter().any(|name| record["eventName"] == **name)
                    && record["eventSource"] == "s3.amazonaws.com"
                    && has("AWS::S3::Object");
            Some(if is_data { "Data" } else { "Management" })
        }
    }
}

/// The record's member as a text: some are booleans in one version and strings in another.
fn member(record: &Value, name: &str) -> Option<String> {
    match name.split('.').fold(record, |value, part| &value[part]) {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Whether a trail with these selectors logs a record.
pub(crate) fn logs(document: &Value, record: &Value) -> Option<bool> {
    let basic = list(&document["EventSelectors"]).iter().map(|selector| basic_logs(selector, record));
    let advanced =
        list(&document["AdvancedEventSelectors"]).iter().map(|selector| advanced_logs(selector, record));
    any(basic.chain(advanced))
}

fn is_category(record: &Value, name: &str) -> Option<bool> {
    category(record).map(|found| found == name)
}

fn basic_logs(selector: &Value, record: &Value) -> Option<bool> {
    let excluded = texts(&selector["ExcludeManagementEventSources"]);
    let management = all([
        Some(selector["IncludeManagementEvents"] != false),
        is_category(record, "Management"),
        if excluded.is_empty() {
            Some(true)
        } else {
            member(record, "eventSource").map(|source| !excluded.contains(&source.as_str()))
        },
    ]);
    let resources = list(&selector["DataResources"]).iter().flat_map(|of| {
        let kind = of["Type"].as_str().unwrap();
        texts(&of["Values"])
            .into_iter()
            .map(move |value| any_resource(record, kind, |arn| Some(is_named(kind, value, arn?))))
    });
    let data = all([is_category(record, "Data"), any(resources)]);
    let kind = match selector["ReadWriteType"].as_str() {
        Some("ReadOnly") => member(record, "readOnly").map(|read| read == "true"),
        Some("WriteOnly") => member(record, "readOnly").map(|read| read == "false"),
        _ => Some(true),
    };
    all([kind, any([management, data])])
}

/// A prefix of an object's ARN; a function with its versions; a table with what is in it.
fn is_named(kind: &str, value: &str, arn: &str) -> bool {
    let Some(rest) = arn.strip_prefix(value) else { return false };
    let is_all = value.matches(':').count() == 2;
    match kind {
        _ if is_all => true,
        "AWS::Lambda::Function" => rest.is_empty() || rest.starts_with(':'),
        "AWS::DynamoDB::Table" => rest.is_empty() || rest.starts_with('/'),
        _ => true,
    }
}

/// Any of the record's resources is of the type, and its ARN, or else its ARN's prefix, is like this. A record without
/// resources does not say.
fn any_resource(record: &Value, kind: &str, passes: impl Fn(Option<&str>) -> Option<bool>) -> Option<bool> {
    let resources = list(&record["resources"]);
    if resources.is_empty() {
        return None;
    }
    any(resources.iter().map(|resource| {
        let arn = resource["ARN"].as_str().or(resource["ARNPrefix"].as_str());
        all([resource["type"].as_str().map(|found| found == kind), passes(arn)])
    }))
}

fn advanced_logs(selector: &Value, record: &Value) -> Option<bool> {
    let conditions = list(&selector["FieldSelectors"]);
    let arn = conditions.iter().find(|condition| condition["Field"] == "resources.ARN");
    all(conditions.iter().map(|condition| {
        let name = condition["Field"].as_str().unwrap();
        match name {
            "eventCategory" => is_category(record, texts(&condition["Equals"])[0]),
            // asked of the resource that has the type
            "resources.ARN" => Some(true),
            "resources.type" => any_resource(record, texts(&condition["Equals"])[0], |found| match arn {
                Some(arn) => Some(passes(arn, Some(found?))),
                None => Some(true),
            }),
            // the absence of these says that there is nothing of the kind
            "userIdentity.arn" | "sessionCredentialFromConsole" | "errorCode" | "vpcEndpointId" => {
                Some(passes(condition, member(record, name).as_deref()))
            }
            _ => member(record, name).map(|value| passes(condition, Some(&value))),
        }
    }))
}

/// One of the positive operators, if there are any, and none of the negative ones.
fn passes(condition: &Value, value: Option<&str>) -> bool {
    let hits = |operator: &str| {
        texts(&condition[operator]).iter().any(|wanted| {
            value.is_some_and(|value| match operator.trim_start_matches("Not") {
                "Equals" => value == *wanted,
                "StartsWith" => value.starts_with(wanted),
                _ => value.ends_with(wanted),
            })
        })
    };
    let asks = POSITIVE.iter().any(|operator| !condition[*operator].is_null());
    (!asks || POSITIVE.into_iter().any(hits)) && !NEGATIVE.into_iter().any(hits)
}
