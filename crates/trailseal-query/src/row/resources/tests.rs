//! Names end in the section of the rule: 1.x of docs/spec/lookup-events.md, 2.x of docs/spec/records.md.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::{json::quote, path::FieldPath};

/// `TYPE name` of every item, or `- name` without a type.
fn items(record: &str) -> Vec<String> {
    let show = |resource: Resource<'_>| {
        let kind = resource.resource_type.unwrap_or("-".into());
        format!("{} {}", kind.trim_start_matches("AWS::"), resource.name)
    };
    resources(&Record::new(record.as_bytes())).into_iter().map(show).collect()
}

fn event(source: &str, name: &str, rest: &str) -> String {
    format!(r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}",{rest}}}"#)
}

#[track_caller]
fn check(source: &str, name: &str, rest: &str, expected: &[&str]) {
    assert_eq!(items(&event(source, name, rest)), expected, "{source} {name}");
}

const ARN: &str = "arn:aws:logs:us-east-1:111122223333:log-group:/app/web";

/// The pairs of `logs_controls.json` in 1.4, in the same shape.
#[test]
fn the_record_s_own_resources_do_not_count_where_the_table_knows_the_event() {
    let own = format!(r#""resources":[{{"ARN":"{ARN}:log-stream:s","type":"AWS::Logs::LogStream"}}]"#);
    check(
        "logs",
        "GetLogEvents",
        &format!(r#""requestParameters":{{"logGroupName":"/app/web","logStreamName":"s"}},{own}"#),
        &["Logs::LogGroup /app/web"],
    );
    for name in ["DescribeResourcePolicies", "PutResourcePolicy", "DeleteResourcePolicy"] {
        let rest = r#""requestParameters":{"policyName":"p"},"resources":[{"ARN":"arn:aws:logs:::p","type":"AWS::Logs::ResourcePolicy"}]"#;
        check("logs", name, rest, &[]);
    }
    check("kms", "Decrypt", r#""resources":[{"ARN":"arn:aws:kms:::key/k","type":"AWS::KMS::Key"}]"#, &[]);
}

#[test]
fn logs_name_groups_prefixes_arns_and_destinations_1_4() {
    for name in ["TagResource", "UntagResource", "ListTagsForResource"] {
        let expected = format!("Logs::LogGroup {ARN}");
        check("logs", name, &format!(r#""requestParameters":{{"resourceArn":"{ARN}"}}"#), &[&expected]);
    }
    check(
        "logs",
        "DescribeLogGroups",
        r#""requestParameters":{"logGroupNamePrefix":"/app"}"#,
        &["Logs::LogGroup /app"],
    );
    check("logs", "DescribeLogGroups", r#""requestParameters":{"limit":5}"#, &[]);
    check(
        "logs",
        "DescribeDestinations",
        r#""requestParameters":{"destinationNamePrefix":"d"}"#,
        &["Logs::Destination d"],
    );
    for name in
        ["CreateLogGroup", "DeleteMetricFilter", "DescribeLogStreams", "FilterLogEvents", "ListTagsLogGroup"]
    {
        check("logs", name, r#""requestParameters":{"logGroupName":"g"}"#, &["Logs::LogGroup g"]);
    }
    check("logs", "ListLogGroups", r#""requestParameters":{"logGroupNamePattern":"g"}"#, &[]);
    check("logs", "TestMetricFilter", r#""requestParameters":{"logGroupName":"g"}"#, &[]);
}

#[test]
fn failures_keep_their_resources_when_their_parameters_were_recorded_1_4() {
    let failed =
        |code: &str, parameters: &str| format!(r#""errorCode":"{code}","requestParameters":{parameters}"#);
    let group = failed("ResourceAlreadyExistsException", r#"{"logGroupName":"g"}"#);
    check("logs", "CreateLogGroup", &group, &["Logs::LogGroup g"]);
    let destination = failed("ResourceNotFoundException", r#"{"destinationName":"d"}"#);
    check("logs", "DeleteDestination", &destination, &["Logs::Destination d"]);
    check("logs", "PutDestinationPolicy", &destination, &["Logs::Destination d"]);
    check("logs", "CreateLogGroup", &failed("AccessDenied", "null"), &[]);
    let function = r#"{"functionName":"f"}"#;
    check("lambda", "CreateFunction20150331", &failed("ResourceConflictException", function), &[]);
    check(
        "lambda",
        "CreateFunction20150331",
        &format!(r#""requestParameters":{function}"#),
        &["Lambda::Function f"],
    );
}

#[test]
fn lambda_is_as_uneven_as_the_service_1_4() {
    let rest = r#""requestParameters":{"functionName":"f"}"#;
    for name in [
        "DeleteFunction20150331",
        "PutFunctionEventInvokeConfig",
        "PutFunctionConcurrency20171031",
        "DeleteFunctionConcurrency20171031",
        "AddPermission20150331v2",
        "RemovePermission20150331v2",
    ] {
        check("lambda", name, rest, &["Lambda::Function f"]);
    }
    for name in ["UpdateFunctionEventInvokeConfig", "DeleteFunctionEventInvokeConfig"] {
        check("lambda", name, rest, &[]);
    }
}

#[test]
fn run_instances_names_what_it_made_and_used_1_4() {
    let record = r#""requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1","keyName":"k"}]}},
        "responseElements":{"groupSet":{},"instancesSet":{"items":[
            {"instanceId":"i-1","imageId":"ami-1","keyName":"k","vpcId":"vpc-1","subnetId":"subnet-1",
             "groupSet":{"items":[{"groupId":"sg-1","groupName":"web"}]},
             "networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1","vpcId":"vpc-1","subnetId":"subnet-1",
                "groupSet":{"items":[{"groupId":"sg-1","groupName":"web"}]}}]}},
            {"instanceId":"i-2","imageId":"ami-1","vpcId":"vpc-1"}]}}"#;
    check(
        "ec2",
        "RunInstances",
        record,
        &[
            "EC2::VPC vpc-1",
            "EC2::Ami ami-1",
            "EC2::NetworkInterface eni-1",
            "EC2::Instance i-1",
            "EC2::Instance i-2",
            "EC2::KeyPair k",
            "EC2::SecurityGroup sg-1",
            "EC2::SecurityGroup web",
            "EC2::Subnet subnet-1",
        ],
    );
}

#[test]
fn ec2_names_instances_interfaces_and_groups_1_4() {
    let set = r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#;
    for name in ["StartInstances", "StopInstances", "TerminateInstances", "RebootInstances"] {
        let rest = format!(r#""requestParameters":{set},"responseElements":{set}"#);
        check("ec2", name, &rest, &["EC2::Instance i-1", "EC2::Instance i-2"]);
    }
    check(
        "ec2",
        "AttachNetworkInterface",
        r#""requestParameters":{"networkInterfaceId":"eni-1","instanceId":"i-1"},"responseElements":{"attachmentId":"a-1"}"#,
        &["EC2::NetworkInterfaceAttachment a-1", "EC2::NetworkInterface eni-1", "EC2::Instance i-1"],
    );
    check(
        "ec2",
        "CreateSecurityGroup",
        r#""requestParameters":{"groupName":"web","vpcId":"vpc-1"},"responseElements":{"groupId":"sg-1"}"#,
        &["EC2::VPC vpc-1", "EC2::SecurityGroup web", "EC2::SecurityGroup sg-1"],
    );
    check(
        "ec2",
        "DescribeLaunchTemplateVersions",
        r#""requestParameters":{"DescribeLaunchTemplateVersionsRequest":{"LaunchTemplateId":"lt-1","LaunchTemplateVersion":{"tag":1,"content":"$Latest"}}}"#,
        &["EC2::LaunchTemplate lt-1"],
    );
    check("ec2", "DescribeInstances", &format!(r#""requestParameters":{set}"#), &[]);
    check("ec2", "DescribeTags", r#""requestParameters":{}"#, &[]);
    check(
        "elasticloadbalancing",
        "DescribeTargetHealth",
        r#""requestParameters":{"targetGroupArn":"arn:x"}"#,
        &[],
    );
}

#[test]
fn sts_names_keys_sessions_and_roles_1_4() {
    check(
        "sts",
        "AssumeRole",
        r#""requestParameters":{"roleArn":"arn:aws:iam::1:role/r","roleSessionName":"s"},"responseElements":{"credentials":{"accessKeyId":"ASIA1"},"assumedRoleUser":{"assumedRoleId":"AROA1:s","arn":"arn:aws:sts::1:assumed-role/r/s"}}"#,
        &[
            "IAM::AccessKey ASIA1",
            "STS::AssumedRole AROA1:s",
            "STS::AssumedRole arn:aws:sts::1:assumed-role/r/s",
            "STS::AssumedRole s",
            "IAM::Role arn:aws:iam::1:role/r",
        ],
    );
    check(
        "sts",
        "GetFederationToken",
        r#""requestParameters":{"name":"f"},"responseElements":{"credentials":{"accessKeyId":"ASIA1"},"federatedUser":{"federatedUserId":"1:f","arn":"arn:aws:sts::1:federated-user/f"}}"#,
        &[
            "IAM::AccessKey ASIA1",
            "STS::FederatedUser 1:f",
            "STS::FederatedUser arn:aws:sts::1:federated-user/f",
            "STS::FederatedUser f",
        ],
    );
    check(
        "sts",
        "AssumeRoleWithWebIdentity",
        r#""requestParameters":{"roleArn":"arn:aws:iam::1:role/r"},"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::1:assumed-role/r/s"}}"#,
        &[
            "STS::AssumedRole arn:aws:sts::1:assumed-role/r/s",
            "STS::AssumedRole s",
            "IAM::Role arn:aws:iam::1:role/r",
        ],
    );
}

#[test]
fn iam_names_what_is_written_and_not_what_is_read_1_4() {
    check(
        "iam",
        "CreateUser",
        r#""requestParameters":{"userName":"Bob"},"responseElements":{"user":{"userName":"Bob","userId":"AIDA1","arn":"arn:aws:iam::1:user/Bob"}}"#,
        &["IAM::User Bob", "IAM::User arn:aws:iam::1:user/Bob", "IAM::User AIDA1"],
    );
    check(
        "iam",
        "CreateAccessKey",
        r#""requestParameters":{"userName":"Bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIA1","userName":"Bob"}}"#,
        &["IAM::AccessKey AKIA1", "IAM::User Bob"],
    );
    check("iam", "DeleteUser", r#""requestParameters":{"userName":"Bob"}"#, &["IAM::User Bob"]);
    check("iam", "GetUser", r#""requestParameters":{"userName":"Bob"}"#, &[]);
    check("iam", "ListAccessKeys", r#""requestParameters":{"userName":"Bob"}"#, &[]);
}

#[test]
fn kms_names_some_keys_without_a_type_1_2_1_4() {
    let request = r#""requestParameters":{"keyId":"k-1"}"#;
    check(
        "kms",
        "ScheduleKeyDeletion",
        &format!(r#"{request},"responseElements":{{"keyId":"arn:aws:kms:r:1:key/k-1"}}"#),
        &["KMS::Key k-1", "KMS::Key arn:aws:kms:r:1:key/k-1"],
    );
    check("kms", "GetPublicKey", request, &["KMS::Key k-1"]);
    check("kms", "DescribeKey", request, &["- k-1"]);
    check("kms", "GenerateDataKeyPair", request, &["- k-1"]);
}

#[test]
fn more_evidence_of_rows_without_and_with_resources() {
    check(
        "s3",
        "PutBucketPolicy",
        r#""requestParameters":{"bucketName":"b","Host":"b.s3.amazonaws.com"},"resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}]"#,
        &["S3::Bucket b"],
    );
    check("s3", "PutAccelerateConfiguration", r#""requestParameters":{"bucketName":"b"}"#, &[]);
    check("cloudtrail", "StopLogging", r#""requestParameters":{"name":"t"}"#, &["CloudTrail::Trail t"]);
    check("cloudfront", "GetDistribution", r#""requestParameters":{"id":"E1"}"#, &[]);
    check("signin", "ConsoleLogin", r#""responseElements":{"ConsoleLogin":"Success"}"#, &[]);
    check(
        "eks-auth",
        "AssumeRoleForPodIdentity",
        r#""requestParameters":{"clusterName":"c"}"#,
        &["EKS::Cluster c"],
    );
}

#[test]
fn other_operations_of_listed_types_follow_their_parameters() {
    check(
        "ec2",
        "DeleteFlowLogs",
        r#""requestParameters":{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-1"}}}"#,
        &["EC2::FlowLog fl-1"],
    );
    check(
        "rds",
        "DeleteDBInstance",
        r#""requestParameters":{"dBInstanceIdentifier":"db","finalDBSnapshotIdentifier":"last"}"#,
        &["RDS::DBInstance db", "RDS::DBSnapshot last"],
    );
    check(
        "autoscaling",
        "AttachInstances",
        r#""requestParameters":{"instanceIds":["i-1","i-2"],"autoScalingGroupName":"g"}"#,
        &["AutoScaling::AutoScalingGroup g", "EC2::Instance i-1", "EC2::Instance i-2"],
    );
}

#[test]
fn events_that_the_table_does_not_know_name_their_own_resources_1_4() {
    let own = |resources: &str| format!(r#""requestParameters":null,"resources":[{resources}]"#);
    check(
        "kms",
        "GenerateDataKey",
        &own(r#"{"ARN":"arn:aws:kms:r:1:key/k-1","accountId":"1","type":"AWS::KMS::Key"}"#),
        &["KMS::Key arn:aws:kms:r:1:key/k-1", "KMS::Key k-1"],
    );
    check(
        "ecr",
        "PutImage",
        &own(r#"{"ARN":"arn:aws:ecr:r:1:repository/team/app","accountId":"1"}"#),
        &["- arn:aws:ecr:r:1:repository/team/app", "- app"],
    );
    check(
        "s3",
        "GetObject",
        &own(
            r#"{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/dir/key:1"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"},{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"}"#,
        ),
        &[
            "S3::Object arn:aws:s3:::b/dir/key:1",
            "S3::Object key:1",
            "S3::Object arn:aws:s3:::b/",
            "S3::Bucket arn:aws:s3:::b",
            "S3::Bucket b",
        ],
    );
    check(
        "x",
        "Y",
        &own(r#"{"ARN":"arn:aws:logs:r:1:log-group:/a/b:*"},{"ARN":"odd"},{"ARN":7},"x",null"#),
        &["- arn:aws:logs:r:1:log-group:/a/b:*", "- odd"],
    );
    assert!(items(r#"{"resources":[{"ARN":"arn:aws:iam::1:role/p/r"}]}"#).contains(&"- r".to_owned()));
    let rules = |record: &str| -> Vec<Rule> {
        resources(&Record::new(record.as_bytes())).into_iter().map(|item| item.rule).collect()
    };
    assert_eq!(rules(&event("x", "Y", r#""resources":[{"ARN":"odd"}]"#)), [Rule::Fallback]);
    assert_eq!(rules(&event("iam", "DeleteUser", r#""requestParameters":{"userName":"u"}"#)), [Rule::Table]);
}

#[test]
fn values_that_are_no_texts_name_nothing_2_4() {
    for parameters in [
        "\"text\"",
        "[1]",
        "7",
        "{}",
        r#"{"userName":7}"#,
        r#"{"userName":""}"#,
        r#"{"userName":null}"#,
        r#"{"userName":{"a":"b"}}"#,
        r#"{"userName":[[["a"]]]}"#,
    ] {
        check("iam", "DeleteUser", &format!(r#""requestParameters":{parameters}"#), &[]);
    }
    check(
        "iam",
        "DeleteUser",
        r#""request\u0050arameters":{"user\u004eame":"J\u00f6rg"}"#,
        &["IAM::User Jörg"],
    );
}

#[test]
fn many_resources_are_listed_once_each_and_quickly() {
    let own: Vec<String> = (0..60_000)
        .map(|n| format!(r#"{{"ARN":"arn:aws:x:::y/{}","type":"T{}"}}"#, n % 20_000, n % 40))
        .collect();
    let record = event("x", "Y", &format!(r#""resources":[{}]"#, own.join(",")));
    assert_eq!(items(&record).len(), 40_000);
}

fn strings_of(value: &serde_json::Value, to: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => to.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings_of(item, to)),
        serde_json::Value::Object(members) => members.values().for_each(|item| strings_of(item, to)),
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        "[ab/:*é\"\\\\]{0,12}".prop_map(serde_json::Value::from),
        "arn:aws:s3:::[a-c/:*]{0,8}".prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    let names = || {
        proptest::sample::select(vec![
            "ARN",
            "ARNPrefix",
            "type",
            "userName",
            "roleArn",
            "assumedRoleUser",
            "arn",
            "instancesSet",
            "items",
            "instanceId",
            "groupId",
            "x",
        ])
    };
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::vec((names(), inner), 0..5).prop_map(|members| {
                serde_json::Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

/// One event of the table as its text has it, each path with its item's type and cut, in their order.
#[derive(Clone, Debug)]
struct Lines {
    source: String,
    event: String,
    only_if_succeeded: bool,
    paths: Vec<(Option<String>, FieldPath, bool)>,
}

fn lines_of_the_table() -> Vec<Lines> {
    let mut source = "";
    let mut all: Vec<Lines> = Vec::new();
    for line in include_str!("../resources.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(host) = line.strip_prefix("source ") {
            source = host;
        } else if let Some(names) = line.strip_prefix("event ") {
            // A prefix is the name of an event, too.
            let event = names.split([' ', '*']).next().unwrap().to_owned();
            let only_if_succeeded = line.ends_with("if succeeded");
            all.push(Lines { source: source.to_owned(), event, only_if_succeeded, paths: Vec::new() });
        } else if let Some((kind, places)) = line.split_once(" <- ") {
            let kind = Some(kind.trim().to_owned()).filter(|kind| kind != "-");
            let (places, is_cut) =
                places.strip_suffix(" as last-segment").map_or((places, false), |cut| (cut, true));
            let paths = &mut all.last_mut().unwrap().paths;
            for place in places.split(", ") {
                let place = place.replacen("request.", "requestParameters.", 1);
                let place = place.replacen("response.", "responseElements.", 1);
                paths.push((kind.clone(), FieldPath::parse(&place).unwrap(), is_cut));
            }
        }
    }
    all.retain(|lines| !lines.paths.is_empty());
    all
}

/// What the table's text says of a record, path by path.
fn by_single_paths(lines: &Lines, record: &Record<'_>) -> Vec<Resource<'static>> {
    let mut list: Vec<Resource<'static>> = Vec::new();
    let has = |name: &str| record.member(name).is_some_and(|value| value != Value::Null);
    if lines.only_if_succeeded && has("errorCode") {
        return list;
    }
    for (kind, path, is_cut) in &lines.paths {
        let head = record.member(&path.segments()[0]);
        if !matches!(head, Some(Value::Object(_))) {
            continue;
        }
        let _ = record.visit(path, &mut |found| {
            let value = found.value();
            let texts = value.elements().map_while(Result::ok).filter_map(|element| element.as_str());
            for text in value.as_str().into_iter().chain(texts) {
                let name = if *is_cut { text.rsplit('/').next().unwrap() } else { &text };
                let item = Resource {
                    resource_type: kind.clone().map(Cow::Owned),
                    name: name.to_owned().into(),
                    rule: Rule::Table,
                };
                if !name.is_empty() && !list.contains(&item) {
                    list.push(item);
                }
            }
            ControlFlow::Continue(())
        });
    }
    let mut grouped: Vec<Resource<'static>> = Vec::new();
    while let Some(first) = list.first().cloned() {
        let (same, others) = list.into_iter().partition(|item| item.resource_type == first.resource_type);
        grouped.extend::<Vec<_>>(same);
        list = others;
    }
    grouped
}

/// A value below which the paths, of which each is what is left of its names, lead to texts.
fn value_along(paths: &[&[String]], choices: &mut std::slice::Iter<'_, u8>, depth: u32, to: &mut Vec<u8>) {
    let choice = choices.next().copied().unwrap_or(0);
    let count = 1 + usize::from(choice >> 4 & 3);
    let items = |to: &mut Vec<u8>, brackets: [u8; 2], one: &mut dyn FnMut(&mut Vec<u8>)| {
        to.push(brackets[0]);
        for at in 0..count {
            to.extend_from_slice(if at > 0 { b", " } else { b"" });
            one(to);
        }
        to.push(brackets[1]);
    };
    let names: Vec<&[String]> = paths.iter().copied().filter(|names| !names.is_empty()).collect();
    match choice & 15 {
        0..=2 => quote(&format!("n/{}", choice >> 4), to),
        3..=5 if depth < 24 => {
            items(to, *b"[]", &mut |to| value_along(paths, choices, depth + 1, to));
        }
        6 => to.extend_from_slice(b"null"),
        _ if names.is_empty() || depth >= 24 => quote(&format!("t{}\"é", choice >> 4), to),
        _ => items(to, *b"{}", &mut |to| {
            let choice = usize::from(choices.next().copied().unwrap_or(0));
            let name = &names[choice % names.len()][0];
            let mut key = Vec::new();
            quote(name, &mut key);
            if choice >= 240 {
                // the same name with an escape
                key.splice(1..2, format!("\\u{:04x}", key[1]).into_bytes());
            }
            to.extend_from_slice(&key);
            to.push(b':');
            let below: Vec<&[String]> =
                names.iter().filter(|names| names[0] == *name).map(|names| &names[1..]).collect();
            value_along(&below, choices, depth + 1, to);
        }),
    }
}

fn record_along(lines: &Lines, choices: &[u8]) -> Vec<u8> {
    let head = format!(r#"{{"eventSource":"{}","eventName":"{}""#, lines.source, lines.event);
    let mut record = head.clone().into_bytes();
    let mut choices = choices.iter();
    for part in ["requestParameters", "responseElements", "requestParameters"] {
        if part == "requestParameters" && record.len() > head.len() && choices.next().is_none_or(|n| *n < 200)
        {
            continue;
        }
        let paths: Vec<&[String]> = (lines.paths.iter().map(|(_, path, _)| path.segments()))
            .filter(|names| names[0] == part)
            .map(|names| &names[1..])
            .collect();
        record.extend_from_slice(format!(r#","{part}":"#).as_bytes());
        value_along(&paths, &mut choices, 0, &mut record);
    }
    record.extend_from_slice(if choices.next().is_some_and(|n| *n > 200) {
        br#","errorCode":"x"}"#
    } else {
        b"}"
    });
    record
}

fn any_lines() -> impl Strategy<Value = Lines> {
    let all = lines_of_the_table();
    let largest: Vec<Lines> = all.iter().filter(|lines| lines.paths.len() > 5).cloned().collect();
    prop_oneof![proptest::sample::select(all), proptest::sample::select(largest)]
}

proptest! {
    #[test]
    fn items_are_those_of_the_table_s_paths_one_by_one(
        lines in any_lines(),
        choices in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut bytes = record_along(&lines, &choices);
        let record = Record::new(&bytes);
        prop_assert_eq!(record.check(), Ok(()));
        prop_assert_eq!(resources(&record), by_single_paths(&lines, &record));
        // Behind the event's name, so that it stays that event.
        let start = memchr::memmem::find(&bytes, b",\"re").unwrap_or(bytes.len() - 1);
        if let Some((place, byte)) = damage {
            let place = start + place.index(bytes.len() - start);
            bytes[place] = byte;
            let record = Record::new(&bytes);
            prop_assert_eq!(resources(&record), by_single_paths(&lines, &record));
        }
    }

    #[test]
    fn every_name_is_a_part_of_some_text_in_the_record(
        event in proptest::sample::select(vec![
            ("ec2", "RunInstances"), ("sts", "AssumeRoleWithSAML"), ("iam", "CreateUser"), ("x", "Y"),
        ]),
        parts in proptest::array::uniform3(any_json()),
    ) {
        let [request, response, own] = parts;
        let record = serde_json::json!({
            "eventSource": format!("{}.amazonaws.com", event.0), "eventName": event.1,
            "requestParameters": request, "responseElements": response, "resources": [own.clone(), own],
        });
        let mut texts = Vec::new();
        strings_of(&record, &mut texts);
        let bytes = record.to_string();
        let items = resources(&Record::new(bytes.as_bytes()));
        for (index, item) in items.iter().enumerate() {
            prop_assert!(!item.name.is_empty());
            prop_assert!(texts.iter().any(|text| text.contains(&*item.name)), "{}", item.name);
            prop_assert!(!items[..index].contains(item), "{} twice", item.name);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let record = [b"{\"resources\":[{\"ARN\":", bytes.as_slice(), b"}]}"].concat();
        let _ = resources(&Record::new(&record));
        let _ = resources(&Record::new(&bytes));
    }
}
