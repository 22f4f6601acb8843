use proptest::prelude::*;

use super::*;
use crate::{
    derived::Derived,
    path::FieldPath,
    predicate::{Literal, Operator, Test, TextTest, Truth},
    record::Record,
};

const RECORD: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice","accountId":"111111111111",
    "arn":"arn:aws:iam::111111111111:user/alice"},"eventTime":"2024-03-01T10:00:00Z","eventSource":"s3.amazonaws.com",
    "eventName":"GetObject","sourceIPAddress":"10.1.2.3","readOnly":true,"managementEvent":"false","errorCode":null,
    "requestParameters":{"x-amz-acl":"private","key":"a/b.txt","limit":25,"big":12345678901234567890,"percent":"100%",
    "quote":"it's","ports":[10,100],"when":"2024-02-01"},"recipientAccountId":"222222222222","eventCategory":"Data",
    "resources":[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"}]}"#;

fn check(text: &str, expected: Truth) {
    let predicate = match parse(text) {
        Ok(predicate) => predicate,
        Err(error) => panic!("{text}: {error}; {:?}", error.hint()),
    };
    assert_eq!(predicate.evaluate(&Record::new(RECORD.as_bytes())), expected, "{text}: {predicate:?}");
    let printed = predicate.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{text} printed as {printed}: {error}"));
    assert_eq!(again.to_string(), printed, "{text}");
    assert_eq!(again.evaluate(&Record::new(RECORD.as_bytes())), expected, "{text} printed as {printed}");
}

#[test]
fn conditions_that_hold() {
    for text in [
        "eventName = 'GetObject'",
        "EVENTNAME == 'GetObject'",
        "\"eventName\" = 'GetObject'",
        "`eventName` = 'GetObject'",
        "'GetObject' = eventName",
        "(eventName) = ('GetObject')",
        "(((eventName = 'GetObject')))",
        "eventName <> 'PutObject' and eventName != 'x'",
        "eventName = 'x' OR eventName = 'GetObject' AND readOnly",
        "NOT (eventName = 'x' OR eventName = 'y')",
        "NOT NOT readOnly",
        "requestParameters.\"x-amz-acl\" = 'private'",
        "requestParameters.key = 'a/b.txt'",
        "requestParameters.key LIKE 'a/%'",
        "requestParameters.limit BETWEEN 20 AND 30",
        "requestParameters.limit NOT BETWEEN 26 AND 30 AND readOnly",
        "requestParameters.limit > 3 AND requestParameters.limit >= 25.0 AND 3 < requestParameters.limit",
        "requestParameters.limit > -3 AND requestParameters.limit < +1e3",
        "NOT requestParameters.ports BETWEEN 20 AND 30",
        "requestParameters.big = 12345678901234567890",
        "requestParameters.big > 12345678901234567889",
        "CAST(requestParameters.limit AS VARCHAR) < '3'",
        "requestParameters.limit::int < '300'",
        "requestParameters.limit > '3' AND requestParameters.limit < '100' AND requestParameters.limit = '25.0'",
        "eventTime::date = '2024-03-01' AND CAST(eventTime AS DATE) >= DATE '2024-03-01'",
        "date(eventTime) BETWEEN '2024-02-29' AND '2024-03-01' AND day IN ('2024-03-01')",
        "day >= '2024-03-01' AND hour LIKE '2024-03-01T%' AND hour < '2024-03-02' AND hour > '2024-03-01'",
        "category LIKE 'D%' AND error IS NULL AND category = 'data' AND Category IN ('Data', 'network-activity')",
        "useridentity.ARN IS NOT NULL AND from_iso8601_timestamp(eventTime) < TIMESTAMP '2024-03-02 00:00:00'",
        "userIdentity.type IN ('Root', 'IAMUser')",
        "userIdentity.type NOT IN ('Root') and resources.type = 'AWS::S3::Object'",
        "userIdentity.accountId <> recipientAccountId",
        "errorCode IS NULL AND eventName IS NOT NULL",
        "readOnly IS TRUE AND readOnly IS NOT FALSE AND managementEvent IS FALSE",
        "errorCode IS NOT TRUE AND errorCode IS NOT FALSE",
        "readOnly AND readOnly = true AND NOT managementEvent",
        "eventName LIKE 'Get%' AND eventName NOT LIKE 'Put%' AND eventName ILIKE 'get_bject'",
        "requestParameters.percent LIKE '%0!%' ESCAPE '!'",
        "requestParameters.quote = 'it''s'",
        "requestParameters.quote = E'it\\'s'",
        "eventName ~ '^Get' AND eventName ~* '^get' AND eventName !~ '^get' AND eventName !~* '^put'",
        "eventName RLIKE 'Obj' AND eventName REGEXP 'ect$' AND NOT eventName RLIKE 'x'",
        "regexp_like(eventName, '^Get') AND regexp_matches(eventName, 'get', 'i')",
        "cidr(sourceIPAddress, '192.168.0.0/16', '10.0.0.0/8') AND NOT cidr(sourceIPAddress, '10.1.2.4')",
        "cidr(sourceIPAddress, '10.1.2.3') AND cidr(sourceIPAddress, '::ffff:10.0.0.0/104')",
        "anywhere('alice') AND ianywhere('ALICE') AND anywhere_regex('user/[a-z]+') AND NOT anywhere('ALICE')",
        "starts_with(eventName, 'Get') AND ends_with(eventName, 'ect') AND contains(eventName, 'tOb')",
        "starts_with(lower(eventName), 'GET') AND glob(eventName, 'G*t') AND GLOB(upper(eventName), 'g?tobject')",
        "lower(eventName) = 'getobject' AND upper(eventName) LIKE 'GET%' AND lower(eventName) <> 'x'",
        "lower(eventName) IN ('GETOBJECT', 'x') AND lower(eventName) ~ 'getobj'",
        "username() = 'alice' AND lower(username()) = 'ALICE' AND username() IS NOT NULL",
        "category() = 'data' AND category() IN ('Data') AND category() <> 'Management'",
        "eventTime >= '2024-03-01' AND eventTime < '2024-03-02T00:00:00Z'",
        "eventTime BETWEEN '2024-03-01' AND '2024-03-01T10:00:00+00:00'",
        "eventTime = '2024-03-01T11:00:00+01:00' AND eventTime IN ('2024-03-01 10:00:00 UTC')",
        "eventTime = 1709287200 AND eventTime LIKE '2024-03-01%'",
        "eventTime > TIMESTAMP '2024-03-01 09:00:00' AND eventTime > DATE '2024-02-28'",
        "eventTime > from_iso8601_timestamp('2024-03-01T09:00:00Z') AND eventTime < date('2024-03-02')",
        "CAST(eventTime AS VARCHAR) > '2024' AND CAST(requestParameters.when AS TIMESTAMP) < '2024-02-02'",
        "element(resources, type = 'AWS::S3::Object' AND ARN LIKE '%/k') AND readOnly",
        "TRUE AND 1 = 1 AND 'a' < 'b' AND NOT FALSE",
        "eventName = 'GetObject' -- what was read\n AND readOnly /* and nothing else */",
    ] {
        check(text, Truth::True);
    }
}

#[test]
fn conditions_that_do_not_hold_or_are_unknown() {
    for (text, expected) in [
        ("eventName = 'getobject'", Truth::False),
        ("element(resources, type = 'AWS::S3::Bucket' AND ARN LIKE '%/k')", Truth::False),
        ("requestParameters.ports BETWEEN 20 AND 30", Truth::False),
        ("eventTime > '2024-03-01T10:00:00Z'", Truth::False),
        ("eventName > '2024-03-01'", Truth::False),
        ("eventTime::date = '2024-03-02'", Truth::False),
        ("error = 'x' OR file LIKE '%' OR integrity = 'verified'", Truth::Unknown),
        ("element(resources, error = 'x')", Truth::Unknown),
        ("lower(eventName) <> 'GETOBJECT'", Truth::False),
        ("errorCode = 'x'", Truth::Unknown),
        ("NOT errorCode = 'x'", Truth::Unknown),
        ("errorCode <> 'x' OR absent.x IN ('y')", Truth::Unknown),
        ("errorCode IS TRUE", Truth::False),
        ("sharedEventID LIKE '%'", Truth::Unknown),
        ("eventName = 'x' AND errorCode = 'y'", Truth::False),
    ] {
        check(text, expected);
    }
}

#[test]
fn fields_that_no_record_has_are_errors_where_that_is_asked_for() {
    for (text, better) in [
        ("eventNam = 'x'", Some("eventName")),
        ("nosuch = 'x' AND eventName = '`nosuch`'", None),
        ("userIdentity.acessKeyId = 'x'", Some("userIdentity.accessKeyId")),
        ("event_name = 'x'", Some("eventName")),
        ("NOT (readOnly OR element(nosuch, a = 'x'))", None),
    ] {
        let Err(ExpressionError::UnknownField { better: found, .. }) = parse_strictly(text) else {
            panic!("{text}")
        };
        assert_eq!(found.as_deref(), better, "{text}");
        assert!(parse(text).is_ok(), "{text}");
    }
    for text in [
        "`nosuch` = 'x'",
        "userIdentity.`nosuch` = 'x'",
        "requestParameters.x = 'y' AND error = 'z'",
        "element(resources, type = 'x')",
    ] {
        assert!(parse_strictly(text).is_ok(), "{text}");
    }
}

#[test]
fn chains_are_one_node() {
    let text = vec!["eventName = 'x'"; 40_000].join(" OR ");
    let Predicate::Any(parts) = parse(&text).unwrap() else { panic!("no chain") };
    assert_eq!(parts.len(), 40_000);
    let Predicate::All(parts) = parse("(a.b AND (c.d AND e.f)) AND g.h").unwrap() else { panic!("no chain") };
    assert_eq!(parts.len(), 4);
    let list = vec!["'203.0.113.7'"; 60_000].join(", ");
    assert!(parse(&format!("sourceIPAddress IN ({list})")).is_ok());
}

#[test]
fn hostile_expressions_are_errors() {
    let repeated = |unit: &str, end: &str, times: usize| format!("{}{end}", unit.repeat(times));
    for text in [
        repeated("(", "", 10_000),
        repeated("(", "x", 400_000),
        format!("{}eventName = 'x'{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}eventName{} = 'x'", "(".repeat(10_000), ")".repeat(10_000)),
        repeated("NOT ", "readOnly", 10_000),
        repeated("NOT (", &format!("readOnly{}", ")".repeat(5_000)), 5_000),
        repeated("lower(", &format!("eventName{} = 'x'", ")".repeat(5_000)), 5_000),
        repeated("1 + ", "1", 200_000),
        repeated("- ", "1", 200_000),
        repeated("a.b IS NULL ", "IS NULL", 50_000),
        repeated("element(a, ", &format!("readOnly{}", ")".repeat(3_000)), 3_000),
        repeated("a.b BETWEEN 1 AND 2 BETWEEN ", "1 AND 2", 30_000),
        repeated("[", "", 100_000),
        repeated("CASE WHEN ", "1", 50_000),
        repeated("a.", "b = ", 100_000),
        "x".repeat(MAX_LENGTH + 1),
        vec!["eventName ~ 'a'"; MAX_REGEXES + 1].join(" OR "),
        vec!["eventName LIKE 'a%b%c'"; MAX_PATTERNS + 1].join(" OR "),
        "eventName ~ '(((((a{100}){100}){100}){100}){100})'".to_owned(),
    ] {
        let shown: String = text.chars().take(40).collect();
        let error = parse(&text).err().unwrap_or_else(|| panic!("{shown} is accepted"));
        assert!(error.to_string().len() < 500, "{shown}: {error}");
    }
}

/// The error and its hint on two lines.
fn complaint(text: &str) -> String {
    match parse(text) {
        Ok(predicate) => panic!("{text} is accepted as {predicate}"),
        Err(error) => format!("{error}\n{}", error.hint().unwrap_or_default()),
    }
}

#[test]
fn errors_say_where_what_and_what_instead() {
    for (text, parts) in [
        ("", vec!["empty"]),
        ("  -- nothing\n", vec!["empty"]),
        ("eventName = \"GetObject\"", vec!["column 1", "\"GetObject\" in double quotes", "'GetObject'"]),
        ("eventName = GetObject", vec!["GetObject is no field", "single quotes"]),
        ("eventName LIKE \"Get%\"", vec!["in double quotes", "single quotes"]),
        ("eventName IN (\"a\")", vec!["in double quotes"]),
        ("readOnly AND\n errorCode = NULL", vec!["line 2, column 2", "errorCode = NULL", "IS NULL"]),
        ("requestParameters.x-amz-acl = 'x'", vec!["requestParameters.\"x-amz-acl\""]),
        ("resources[0].ARN = 'x'", vec!["subscripts", "if any element does"]),
        ("eventName", vec!["eventName alone is no condition"]),
        ("'x'", vec!["alone is no condition"]),
        ("lower(eventName)", vec!["alone is no condition"]),
        ("count(eventName) > 3", vec!["no function \"count\"", "regexp_like"]),
        ("json_extract_scalar(requestParameters, '$.a') = 'x'", vec!["requestParameters.bucketName"]),
        ("cidr(sourceIPAddress, '10.0.0.0/33')", vec!["\"10.0.0.0/33\" is neither an IP address"]),
        ("cidr(sourceIPAddress)", vec!["cidr is written cidr("]),
        ("anywhere(eventName)", vec!["single quotes"]),
        ("eventName ~ '('", vec!["no regular expression", "unclosed group"]),
        ("eventTime > '-7d'", vec!["\"-7d\" is no time", "--from"]),
        ("eventTime = 'x'", vec!["is no time"]),
        ("CAST(eventName AS BIGINT) = 'x'", vec!["\"x\" is no number"]),
        ("CAST(eventName AS BLOB) = 'x'", vec!["the type BLOB"]),
        ("category() = 'write'", vec!["\"write\" is no event category", "NetworkActivity"]),
        ("eventTime > now() - interval '7' day", vec!["--from -7d"]),
        ("eventTime > NOW()", vec!["no function \"NOW\"", "--from -7d"]),
        ("year(eventTime) = 2024", vec!["no function \"year\"", "the fields day, hour and weekday"]),
        ("CAST(requestParameters.when AS DATE) = '2024-03-01'", vec!["eventTime::date"]),
        ("eventTime::date = 'x'", vec!["is no time"]),
        ("eventName IN (SELECT 1)", vec!["subquery"]),
        ("eventName SIMILAR TO 'x'", vec!["SIMILAR TO", "regular expression"]),
        ("eventName = 'a' + 'b'", vec!["arithmetic"]),
        ("eventName = 'a' || readOnly", vec!["column 1", "write OR"]),
        ("eventName = 'a' && readOnly", vec!["column 1", "write AND"]),
        ("eventName = 'a' && errorCode IS NULL", vec!["write AND"]),
        ("eventTime > 2024-03-01", vec!["single quotes"]),
        ("lower(eventName) < 'x'", vec!["by order"]),
        ("SELECT * FROM x", vec!["column 1", "only the condition is written"]),
        ("WHERE eventName = 'x'", vec!["only the condition is written"]),
        ("eventName = 'x' ORDER BY eventTime", vec!["column 17", "\"ORDER\"", "only the condition"]),
        ("eventName = 'x' AND", vec!["column 20", "something is missing"]),
        ("(eventName = 'x'", vec!["column 1", "not closed"]),
        ("eventName = 'x')", vec!["column 16", "nothing opens"]),
        ("eventName = 'x", vec!["column 13", "unterminated"]),
        ("eventName =", vec!["expected"]),
        ("eventName IS 'CreateUser'", vec!["NULL, NOT NULL, TRUE or FALSE follows IS", "found 'CreateUser'"]),
        ("element(resources)", vec!["element is written"]),
        ("eventName IN ()", vec!["expected"]),
        ("eventName LIKE Get%", vec!["expected", "single quotes: LIKE 'Get%'"]),
        ("a = 'x' AND eventName LIKE %Get% OR b = 'y'", vec!["single quotes: LIKE 'Get%'"]),
    ] {
        let complaint = complaint(text);
        for part in parts {
            assert!(complaint.contains(part), "{text}: {part:?} is not in {complaint}");
        }
    }
}

#[test]
fn misspelt_names_are_noted() {
    for (text, notes) in [
        (
            "userIdentity.acceskeyid = 'x'",
            vec!["userIdentity.acceskeyid: CloudTrail writes userIdentity.accessKeyId"],
        ),
        (
            "userIdentity.accesKeyId = 'x'",
            vec!["userIdentity.accesKeyId: CloudTrail writes userIdentity.accessKeyId"],
        ),
        (
            "userIdentity.sesionContext.sessionIssuer.arn = 'x'",
            vec![
                "userIdentity.sesionContext.sessionIssuer.arn: CloudTrail writes \
                 userIdentity.sessionContext.sessionIssuer.arn",
            ],
        ),
        ("eventname2 = 'x'", vec!["eventname2: CloudTrail writes eventName"]),
        ("event_name = 'x'", vec!["event_name: CloudTrail writes eventName"]),
        ("accessKeyId = 'x'", vec!["accessKeyId: CloudTrail writes userIdentity.accessKeyId"]),
        ("resources.AARN = 'x'", vec!["resources.AARN: CloudTrail writes resources.ARN"]),
        ("element(resources, aarn = 'x')", vec!["resources.aarn: CloudTrail writes resources.ARN"]),
        ("foo.bar = 'x'", vec!["foo.bar: event records have no field foo"]),
        ("requestParameters.bucketname = 'x' AND eventname = 'y'", vec![]),
        ("userIdentity.arn = 'x' AND resources.ARN = 'y' AND username() = 'z'", vec![]),
    ] {
        assert_eq!(suggestions(&parse(text).unwrap()), notes, "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_noted() {
    let text = |number: &str| format!("the field holds text, which is never the number {number}");
    for (condition, note) in [
        ("eventName = 5", format!("eventName: {}", text("5"))),
        ("5 <> eventname", format!("eventName: {}", text("5"))),
        ("awsRegion IN ('us-east-1', 1)", format!("awsRegion: {}", text("1"))),
        ("NOT userIdentity.type BETWEEN 1 AND 2", format!("userIdentity.type: {}", text("1"))),
        ("element(resources, type = -3)", format!("resources.type: {}", text("-3"))),
        ("readOnly = 1", "readOnly: the field holds true or false, which is never 1".to_owned()),
        ("readOnly = 'True'", "readOnly: the field holds true or false, which is never 'True'".to_owned()),
        (
            "insightDetails.insightContext.statistics.insight.average = 'high'",
            "insightDetails.insightContext.statistics.insight.average: the field holds a number, which is never 'high'".to_owned(),
        ),
        (
            "eventName IN ('Get*')",
            "eventName: 'Get*' is compared as it stands; LIKE takes %, and glob(field, 'text') takes *".to_owned(),
        ),
        (
            "sourceIPAddress = '10.0.0.0/8'",
            "sourceIPAddress: a network is no address: write cidr(sourceIPAddress, '10.0.0.0/8')".to_owned(),
        ),
        (
            "weekday IN ('mon', 'Saturday')",
            "weekday is never 'Saturday', but mon, tue, wed, thu, fri, sat or sun".to_owned(),
        ),
        (
            "requestParameters.x NOT LIKE 'it''s *'",
            "requestParameters.x LIKE 'it''s *': in LIKE, % is any text, and * is only itself; \
             glob(requestParameters.x, 'it''s *') takes *".to_owned(),
        ),
    ] {
        let (predicate, notes) = parse_with_notes(condition).unwrap();
        assert_eq!(notes, [note], "{condition}");
        assert_eq!(predicate.to_string(), parse(condition).unwrap().to_string());
    }
}

#[test]
fn what_may_be_meant_is_not_noted() {
    for condition in [
        "requestParameters.maxResults = 5 AND requestParameters.limit > '5' AND responseElements.x = 'a*'",
        "userIdentity.accountId = 111122223333 AND recipientAccountId = 012345678901",
        "eventVersion = 1.08 AND errorCode = 404 AND userAgent = 5 AND requestID = 7",
        "readOnly = true AND readOnly = 'false' AND readOnly <> FALSE AND readOnly AND readOnly < 'x'",
        "eventName LIKE 'Get%*' OR eventName LIKE 'Get_*' OR glob(eventName, 'Get*') OR eventName ~ 'Get*'",
        "eventName = '5' OR eventName > 'Get*' OR userIdentity.arn = 'arn:*' OR resources.ARN = 'arn:aws:s3:::b/*'",
        "userIdentity.sessionContext.attributes.mfaAuthenticated = 'true'",
        "insightDetails.insightContext.statistics.insightDuration > 5",
        "sourceIPAddress = '10.0.0.1' OR cidr(sourceIPAddress, '10.0.0.0/8')",
        "weekday = 'mon' OR weekday IN ('sat', 'sun') OR weekday LIKE 's%' OR weekday IS NULL",
    ] {
        assert_eq!(parse_with_notes(condition).unwrap().1, [""; 0], "{condition}");
    }
}

#[test]
fn notes_are_few() {
    let many = (0..100).map(|n| format!("eventName LIKE 'a{n}*' OR eventName = {n}")).collect::<Vec<_>>();
    assert_eq!(parse_with_notes(&many.join(" OR ")).unwrap().1.len(), 20);
}

fn path() -> impl Strategy<Value = FieldPath> {
    prop_oneof![
        Just(FieldPath::new(["eventTime"])),
        Just(FieldPath::new(["eventName"])),
        Just(FieldPath::new(["requestParameters", "limit"])),
        proptest::collection::vec("[a-zA-Z_\"`. -é']{1,5}|and|select|null|key", 1..4)
            .prop_map(FieldPath::new),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        "2024-0[1-3]-[0-3][0-9](T10:00:00Z)?|[0-9]{1,3}|-[0-9]{1,3}".prop_map(Literal::Text),
        "-?[0-9]{1,3}(\\.[0-9]{1,3})?".prop_map(Literal::Digits),
        "-?[0-9]{1,30}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?".prop_map(Literal::Number),
        (-62_167_219_200_i64..253_402_300_799)
            .prop_map(|s| Literal::Time(trailseal_archive::Timestamp::from_epoch(s).unwrap())),
    ]
}

/// Literals of one kind: what is cast is cast as a whole.
fn literals() -> impl Strategy<Value = Vec<Literal>> {
    proptest::collection::vec(literal(), 1..4).prop_map(|mut all| {
        let first = std::mem::discriminant(&all[0]);
        all.retain(|one| std::mem::discriminant(one) == first);
        all
    })
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator as O;
    proptest::sample::select(vec![
        O::Equal,
        O::NotEqual,
        O::Less,
        O::LessOrEqual,
        O::Greater,
        O::GreaterOrEqual,
    ])
}

fn text_test() -> impl Strategy<Value = TextTest> {
    (any::<bool>(), 0..6, "[a-zA-Z%_*?\\\\'é\n]{0,6}").prop_map(|(ignore_case, kind, text)| match kind {
        0 => TextTest::equals(&text, ignore_case),
        1 => TextTest::prefix(&text, ignore_case),
        2 => TextTest::suffix(&text, ignore_case),
        3 => TextTest::contains(&text, ignore_case),
        4 => TextTest::like(&text, Some('\\'), ignore_case).unwrap(),
        _ => TextTest::glob(&text, ignore_case).unwrap(),
    })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        Just(Test::Exists),
        (operator(), literal()).prop_map(|(operator, literal)| Test::Compare(operator, literal)),
        literals().prop_map(Test::In),
        literals().prop_map(|all| Test::Between(all[0].clone(), all[all.len() - 1].clone())),
        text_test().prop_map(Test::Text),
        (any::<u32>(), 0_u8..=32)
            .prop_map(|(bits, len)| Test::Cidr(vec![ipnet::Ipv4Net::new(bits.into(), len).unwrap().into()])),
    ]
}

/// Without what has no name within an element.
fn of_members(predicate: Predicate) -> Predicate {
    let all = |parts: Vec<Predicate>| parts.into_iter().map(of_members).collect();
    match predicate {
        Predicate::All(parts) => Predicate::All(all(parts)),
        Predicate::Any(parts) => Predicate::Any(all(parts)),
        Predicate::Not(part) => !of_members(*part),
        Predicate::Derived(Derived::Principal | Derived::Error, _) => Predicate::Constant(true),
        other => other,
    }
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let members = vec![
        Derived::Username,
        Derived::ResourceName,
        Derived::ResourceType,
        Derived::Principal,
        Derived::Error,
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Predicate::Constant),
        (path(), test()).prop_map(|(path, test)| match test {
            // digits are no time
            Test::Compare(_, Literal::Digits(_)) | Test::Between(Literal::Digits(_), _)
                if path.segments() == ["eventTime"] =>
            {
                Predicate::Field(path, Test::Exists)
            }
            test => Predicate::Field(path, test),
        }),
        (path(), operator(), path())
            .prop_map(|(left, operator, right)| Predicate::Fields(left, operator, right)),
        (proptest::sample::select(members), test())
            .prop_map(|(member, test)| Predicate::Derived(member, test)),
        proptest::sample::subsequence(crate::category::Category::ALL.to_vec(), 1..4)
            .prop_map(Predicate::Category),
        text_test().prop_map(Predicate::Anywhere),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.clone().prop_map(|part| !part),
            (path(), inner).prop_map(|(path, part)| Predicate::Element(path, Box::new(of_members(part)))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(predicate in predicate()) {
        let printed = predicate.to_string();
        let again = parse(&printed);
        prop_assert!(again.is_ok(), "{printed}: {}", again.unwrap_err());
        let again = again.unwrap();
        prop_assert_eq!(again.to_string(), printed.as_str());
        let record = Record::new(RECORD.as_bytes());
        prop_assert_eq!(again.evaluate(&record), predicate.evaluate(&record), "{}", printed);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        let _ = parse(&text).map(|predicate| suggestions(&predicate));
    }

    #[test]
    fn any_words_are_survived_and_what_is_read_prints_and_reads_back(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "eventName", "eventTime", "requestParameters.key", "a.\"b-c\"", "'x'", "'2024-03-01'", "1", "-", "(", ")",
            "=", "<>", "<", "~", "!~*", "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "IS", "NULL", "TRUE", ",",
            "lower(", "cidr(", "anywhere(", "element(", "username()", "category()", "CAST(", "AS", "VARCHAR", "[", "]",
            "::", "CASE", "WHEN", "INTERVAL", "DATE", "ESCAPE", "||", "{", "}", "$1", "?", "@", "#", ";", "SELECT", "*",
            "X'00'", "N'x'", "EXISTS", "ANY", ".", "\"x\"", "`y`", "EXTRACT(", "TRIM(", "MAP", "STRUCT<", "ARRAY", "->",
        ]),
        0..14,
    )) {
        let text = words.join(" ");
        if let Ok(predicate) = parse(&text) {
            let printed = predicate.to_string();
            let again = parse(&printed);
            prop_assert!(again.is_ok(), "{text} printed as {printed}: {}", again.unwrap_err());
            prop_assert_eq!(again.unwrap().to_string(), printed);
            suggestions(&predicate);
        }
    }
}
