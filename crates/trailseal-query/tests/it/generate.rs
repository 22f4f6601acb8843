//! Records and conditions of every kind, for property tests.
//!
//! Records hold what makes trouble: keys in any order and twice, white space, escapes (also in names), text that
//! looks like fields inside strings, `null`s and values of other types than CloudTrail writes.

use std::fmt::Write as _;

use ipnet::IpNet;
use proptest::{collection::vec, prelude::*, sample::select};
use regex::Regex;
use trailseal_archive::Timestamp;
use trailseal_query::{
    Predicate,
    category::Category,
    derived::Derived,
    path::FieldPath,
    predicate::{Literal, Operator, Test, TextTest},
};

/// A JSON value and how its strings are spelled.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// `null`, a boolean or a number, as it is written; or a string with its quotes and escapes.
    Scalar(String),
    Array(Vec<Node>),
    /// Names with their quotes and escapes.
    Object(Vec<(String, Node)>),
}

/// A condition that can be built as a [`Predicate`] and evaluated slowly ([`crate::slow`]).
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Constant(bool),
    All(Vec<Plan>),
    Any(Vec<Plan>),
    Not(Box<Plan>),
    Field(Vec<&'static str>, TestPlan),
    Fields(Vec<&'static str>, Operator, Vec<&'static str>),
    Derived(Derived, TestPlan),
    Category(Vec<Category>),
    Anywhere(TextPlan),
    Element(Vec<&'static str>, Box<Plan>),
}

#[derive(Clone, Debug)]
pub(crate) enum TestPlan {
    Exists,
    Compare(Operator, Literal),
    In(Vec<Literal>),
    Between(Literal, Literal),
    Text(TextPlan),
    Cidr(Vec<(u32, u8)>),
}

#[derive(Clone, Debug)]
pub(crate) struct TextPlan {
    pub(crate) kind: TextKind,
    pub(crate) text: String,
    pub(crate) ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    Equals,
    Prefix,
    Suffix,
    Contains,
    /// `%` and `_`, escaped by `!`.
    Like,
    /// `*` and `?`, escaped by a backslash.
    Glob,
    /// The text somewhere, as a regular expression.
    Regex,
}

const NAMES: [&str; 20] = [
    "eventName",
    "eventSource",
    "eventTime",
    "readOnly",
    "managementEvent",
    "eventCategory",
    "sourceIPAddress",
    "errorCode",
    "userIdentity",
    "type",
    "userName",
    "principalId",
    "arn",
    "resources",
    "ARN",
    "requestParameters",
    "x-amz-acl",
    "é \"key\"",
    "eventname",
    "bucketName",
];

const TEXTS: [&str; 34] = [
    "",
    "GetObject",
    "getobject",
    "PutObject",
    "s3.amazonaws.com",
    "true",
    "false",
    "null",
    "7",
    "07",
    "-1.5",
    "12345678901234567890",
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "2001:db8::1",
    "AWS Internal",
    "2024-03-01T10:00:00Z",
    "2024-03-01T11:00:00+01:00",
    "2024-03-01",
    "2024-02-30T00:00:00Z",
    "Data",
    "Management",
    "Root",
    "IAMUser",
    "alice",
    "AROA1:session",
    "arn:aws:s3:::bucket/a/key",
    "AWS::S3::Object",
    "\"eventName\":\"GetObject\"",
    "{\"Effect\": \"Allow\"}",
    "a\\b/c\n\t\u{1}",
    "É\u{1f600}é",
    "Get%_*?!x",
    "\\\"eventName\\\":\\\"GetObject\\\"",
];

const NUMBERS: [&str; 10] =
    ["0", "7", "-7", "7.0", "7e0", "1E+2", "12345678901234567890", "12345678901234567891", "0.1", "-0"];

/// Numbers in digits, which a text may be.
const DIGITS: [&str; 7] = ["0", "7", "07", "-7.00", "0.10", "12345678901234567890", "12345678901234567890.5"];

impl Node {
    /// The JSON, with white space of the style's making.
    pub(crate) fn render(&self, style: &mut Style) -> String {
        let mut out = String::new();
        self.write(style, &mut out);
        out
    }

    fn write(&self, style: &mut Style, out: &mut String) {
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    style.space(out);
                    element.write(style, out);
                    style.space(out);
                }
                style.space(out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    style.space(out);
                    out.push_str(name);
                    style.space(out);
                    out.push(':');
                    style.space(out);
                    value.write(style, out);
                }
                style.space(out);
                out.push('}');
            }
        }
    }
}

/// How JSON is laid out, from a seed; from 0, without white space.
pub(crate) struct Style(u64);

impl Style {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn space(&mut self, out: &mut String) {
        let spaces = ["", "", "", "", " ", "\n", "\r\n\t", "  "];
        out.push_str(spaces[(self.next() % 8) as usize]);
    }
}

/// A string in JSON, of which the seed says what is escaped.
fn spell(text: &str, seed: u64) -> String {
    let mut style = Style::new(seed);
    let mut out = String::from("\"");
    for character in text.chars() {
        let choice = style.next() % 8;
        match character {
            '"' | '\\' if choice > 1 => write!(out, "\\{character}").unwrap(),
            '/' if choice == 2 => out.push_str("\\/"),
            '\n' if choice > 1 => out.push_str("\\n"),
            '\t' if choice > 1 => out.push_str("\\t"),
            _ if choice == 1 || character.is_control() || matches!(character, '"' | '\\') => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04X}").unwrap();
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A seed that leaves most strings without needless escapes.
fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0_u64), 1 => any::<u64>()]
}

fn name() -> impl Strategy<Value = String> {
    (select(&NAMES[..]), seed()).prop_map(|(name, seed)| spell(name, seed))
}

fn scalar() -> impl Strategy<Value = Node> {
    let written = prop_oneof![
        1 => Just("null".to_owned()),
        2 => any::<bool>().prop_map(|holds| holds.to_string()),
        2 => select(&NUMBERS[..]).prop_map(str::to_owned),
        8 => (select(&TEXTS[..]), seed()).prop_map(|(text, seed)| spell(text, seed)),
        1 => (any::<String>(), seed()).prop_map(|(text, seed)| spell(&text, seed)),
    ];
    written.prop_map(Node::Scalar)
}

/// A text that holds JSON.
fn document(inner: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    let is_encoded = prop_oneof![3 => Just(false), 1 => Just(true)];
    (inner, any::<u64>(), seed(), is_encoded).prop_map(|(node, style, seed, is_encoded)| {
        let json = node.render(&mut Style::new(style));
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        };
        let text = if is_encoded { json.bytes().map(encode).collect() } else { json };
        Node::Scalar(spell(&text, seed))
    })
}

fn node() -> impl Strategy<Value = Node> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Node::Array),
            vec((name(), inner.clone()), 0..7).prop_map(Node::Object),
            document(inner),
        ]
    })
}

/// The members that make a record likely to have what conditions ask for.
fn usual() -> impl Strategy<Value = Vec<(String, Node)>> {
    let quoted = |text: &str| Node::Scalar(spell(text, 0));
    let text =
        |texts: &'static [&'static str]| select(texts).prop_map(move |text| Node::Scalar(spell(text, 0)));
    let arns = [
        "arn:aws:sts::1:assumed-role/Ops/alice",
        "arn:aws:iam::1:user/team/alice",
        "arn:aws:iam::2:root",
        "",
    ];
    let identity = (
        text(&["Root", "IAMUser", "AssumedRole", "AWSService"]),
        text(&["alice", "AROA1:session", ""]),
        proptest::option::of(select(arns.to_vec()).prop_map(quoted)),
    )
        .prop_map(move |(kind, name, arn)| {
            let members = [("\"type\"", Some(kind)), ("\"userName\"", Some(name)), ("\"arn\"", arn)];
            let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Node::Object(there.collect())
        });
    let resource =
        (text(&["AWS::S3::Object", "AWS::S3::Bucket"]), text(&["arn:aws:s3:::bucket/a/key", "arn:x"]))
            .prop_map(|(kind, arn)| {
                Node::Object(vec![("\"type\"".to_owned(), kind), ("\"ARN\"".to_owned(), arn)])
            });
    let resources = vec(prop_oneof![4 => resource, 1 => node()], 0..4).prop_map(Node::Array);
    // what services write in lists: texts and numbers, seldom lists and objects
    let listed = vec(prop_oneof![6 => scalar(), 1 => node()], 0..4).prop_map(Node::Array);
    let parameters = prop_oneof![2 => listed.clone(), 1 => scalar()]
        .prop_map(|listed| Node::Object(vec![("\"bucketName\"".to_owned(), listed)]));
    let parameters = prop_oneof![2 => parameters.clone(), 1 => document(parameters)];
    let members = (
        text(&["GetObject", "PutObject", "getobject"]),
        text(&["2024-03-01T10:00:00Z", "2024-02-29T00:00:00Z", "soon"]),
        text(&["10.1.2.3", "AWS Internal", "2001:db8::1"]),
        prop_oneof![
            Just(Node::Scalar("true".to_owned())),
            Just(quoted("false")),
            Just(Node::Scalar("false".to_owned()))
        ],
        identity,
        resources,
        parameters,
        prop_oneof![3 => text(&["AccessDenied", ""]), 1 => listed],
    );
    members.prop_map(|(name, time, address, read, identity, resources, parameters, error)| {
        [
            ("eventName", name),
            ("eventTime", time),
            ("sourceIPAddress", address),
            ("readOnly", read),
            ("userIdentity", identity),
            ("resources", resources),
            ("requestParameters", parameters),
            ("errorCode", error),
        ]
        .map(|(name, node)| (format!("\"{name}\""), node))
        .into()
    })
}

/// A record: always an object, seldom a good one.
pub(crate) fn record() -> impl Strategy<Value = String> {
    let members = prop_oneof![
        2 => (usual(), vec((name(), node()), 0..6)).prop_map(|(usual, odd)| [usual, odd].concat()),
        1 => vec((name(), node()), 0..12),
    ];
    let shuffled = members.prop_flat_map(|members| Just(members).prop_shuffle());
    (shuffled, seed()).prop_map(|(members, seed)| Node::Object(members).render(&mut Style::new(seed)))
}

/// A record that scanners take for one: it has an `eventVersion`, often where CloudTrail has it.
pub(crate) fn event() -> impl Strategy<Value = String> {
    let start = select(vec![
        "{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":\"Root\"},",
        "{\"eventVersion\":\"1.08\",",
        "{ \"eventVersion\" : \"1.05\" ,",
        "{\"event\\u0056ersion\":\"1.05\",",
    ]);
    (start, record()).prop_map(|(start, record)| {
        let rest = record.strip_prefix('{').unwrap().trim_start();
        if rest == "}" {
            format!("{}}}", start.trim_end().trim_end_matches(','))
        } else {
            format!("{start}{rest}")
        }
    })
}

fn path() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        3 => select(&NAMES[..]).prop_map(|name| vec![name]),
        1 => Just(vec!["resources", "ARN"]),
        1 => Just(vec!["userIdentity", "userName"]),
        1 => Just(vec!["userIdentity", "type"]),
        2 => Just(vec!["requestParameters", "bucketName"]),
        1 => vec(select(&NAMES[..]), 1..4),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&TEXTS[..]).prop_map(str::to_owned),
        // a part of one
        2 => (select(&TEXTS[..]), 0_usize..8, 1_usize..12).prop_map(|(text, from, length)| {
            text.chars().skip(from).take(length).collect()
        }),
        1 => "[a-zGO%_*?!\\\\.é\"]{0,5}",
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        4 => text().prop_map(Literal::Text),
        2 => select(&NUMBERS[..]).prop_map(|number| Literal::Number(number.to_owned())),
        2 => select(&DIGITS[..]).prop_map(|number| Literal::Digits(number.to_owned())),
        1 => (-2_i64..3).prop_map(|near| {
            Literal::Time(Timestamp::parse_loose("2024-03-01T10:00:00Z").unwrap().plus(near))
        }),
        // the text of an object or array
        1 => node().prop_map(|node| Literal::Text(node.render(&mut Style::new(0)))),
    ]
}

fn text_plan() -> impl Strategy<Value = TextPlan> {
    use TextKind as K;
    let kind = select(vec![K::Equals, K::Prefix, K::Suffix, K::Contains, K::Like, K::Glob, K::Regex]);
    (kind, text(), any::<bool>()).prop_map(|(kind, text, ignore_case)| TextPlan { kind, text, ignore_case })
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator as O;
    select(vec![O::Equal, O::NotEqual, O::Less, O::LessOrEqual, O::Greater, O::GreaterOrEqual])
}

fn test_plan() -> impl Strategy<Value = TestPlan> {
    prop_oneof![
        1 => Just(TestPlan::Exists),
        4 => (operator(), literal()).prop_map(|(operator, literal)| TestPlan::Compare(operator, literal)),
        2 => vec(literal(), 1..4).prop_map(TestPlan::In),
        1 => (literal(), literal()).prop_map(|(low, high)| TestPlan::Between(low, high)),
        3 => text_plan().prop_map(TestPlan::Text),
        1 => vec((select(vec![0x0a01_0203_u32, 0x0a00_0000, 0xc0a8_0000]), 0_u8..=32), 1..3)
            .prop_map(TestPlan::Cidr),
    ]
}

/// A test of what usual records have there, so that it holds for one in a few of them.
fn likely_test(texts: &'static [&'static str]) -> impl Strategy<Value = TestPlan> {
    let text = || select(texts).prop_map(|text| Literal::Text(text.to_owned()));
    let part = (select(texts), 0_usize..4, 0_usize..10);
    prop_oneof![
        (operator(), text()).prop_map(|(operator, text)| TestPlan::Compare(operator, text)),
        vec(text(), 1..3).prop_map(TestPlan::In),
        text().prop_map(|text| TestPlan::Between(text.clone(), text)),
        (text(), literal()).prop_map(|(low, high)| TestPlan::Between(low, high)),
        (text_plan(), part).prop_map(|(plan, (text, from, length))| {
            let text = text.chars().skip(from).take(length).collect();
            TestPlan::Text(TextPlan { text, ..plan })
        }),
    ]
}

fn likely() -> impl Strategy<Value = Plan> {
    let field = |path: &'static [&'static str], texts| {
        likely_test(texts).prop_map(move |test| Plan::Field(path.to_vec(), test)).boxed()
    };
    let derived =
        |member, texts| likely_test(texts).prop_map(move |test| Plan::Derived(member, test)).boxed();
    proptest::strategy::Union::new([
        field(&["eventName"], &["GetObject", "PutObject", "getobject"]),
        field(&["eventTime"], &["2024-03-01T10:00:00Z", "2024-02-29T00:00:00Z", "soon"]),
        field(&["sourceIPAddress"], &["10.1.2.3", "AWS Internal"]),
        field(&["readOnly"], &["true", "false"]),
        field(&["resources", "type"], &["AWS::S3::Object", "AWS::S3::Bucket"]),
        field(&["userIdentity", "userName"], &["alice", "AROA1:session", ""]),
        derived(Derived::Username, &["root", "alice", "session"]),
        derived(Derived::Error, &["AccessDenied", "Failure"]),
        derived(Derived::Principal, &["1:user/alice", "root", "1:role/Ops", "2:root"]),
        derived(Derived::PrincipalNames, &["alice", "arn:aws:iam::1:role/Ops", "1:role/Ops", "Ops", "root"]),
    ])
}

/// A condition.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    use Derived as D;
    let derived = vec![
        D::Username,
        D::ResourceName,
        D::ResourceType,
        D::Category,
        D::Principal,
        D::Actor,
        D::PrincipalNames,
        D::Error,
        D::Hour,
        D::Day,
    ];
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Plan::Constant),
        6 => likely(),
        6 => (path(), test_plan()).prop_map(|(path, test)| Plan::Field(path, test)),
        1 => (path(), operator(), path()).prop_map(|(left, operator, right)| Plan::Fields(left, operator, right)),
        1 => (select(derived), test_plan())
            .prop_map(|(member, test)| Plan::Derived(member, test)),
        1 => proptest::sample::subsequence(Category::ALL.to_vec(), 1..4).prop_map(Plan::Category),
        2 => text_plan().prop_map(Plan::Anywhere),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Plan::All),
            vec(inner.clone(), 0..4).prop_map(Plan::Any),
            inner.clone().prop_map(|part| Plan::Not(Box::new(part))),
            (path(), inner).prop_map(|(path, part)| Plan::Element(path, Box::new(part))),
        ]
    })
}

impl Plan {
    /// The condition as the engine has it.
    pub(crate) fn build(&self) -> Predicate {
        let path = |names: &[&'static str]| FieldPath::new(names.iter().copied());
        match self {
            Self::Constant(holds) => Predicate::Constant(*holds),
            Self::All(parts) => Predicate::All(parts.iter().map(Self::build).collect()),
            Self::Any(parts) => Predicate::Any(parts.iter().map(Self::build).collect()),
            Self::Not(part) => !part.build(),
            Self::Field(names, test) => Predicate::Field(path(names), test.build()),
            Self::Fields(left, operator, right) => Predicate::Fields(path(left), *operator, path(right)),
            Self::Derived(member, test) => Predicate::Derived(*member, test.build()),
            Self::Category(categories) => Predicate::Category(categories.clone()),
            Self::Anywhere(text) => Predicate::Anywhere(text.build()),
            Self::Element(names, part) => Predicate::Element(path(names), Box::new(part.build())),
        }
    }
}

impl TestPlan {
    fn build(&self) -> Test {
        match self {
            Self::Exists => Test::Exists,
            Self::Compare(operator, literal) => Test::Compare(*operator, literal.clone()),
            Self::In(literals) => Test::In(literals.clone()),
            Self::Between(low, high) => Test::Between(low.clone(), high.clone()),
            Self::Text(text) => Test::Text(text.build()),
            Self::Cidr(networks) => Test::Cidr(
                networks
                    .iter()
                    .map(|(bits, length)| {
                        IpNet::new(std::net::Ipv4Addr::from(*bits).into(), *length).unwrap()
                    })
                    .collect(),
            ),
        }
    }
}

impl TextPlan {
    fn build(&self) -> TextTest {
        let Self { kind, text, ignore_case } = self;
        match kind {
            TextKind::Equals => TextTest::equals(text, *ignore_case),
            TextKind::Prefix => TextTest::prefix(text, *ignore_case),
            TextKind::Suffix => TextTest::suffix(text, *ignore_case),
            TextKind::Contains => TextTest::contains(text, *ignore_case),
            TextKind::Like => TextTest::like(text, Some('!'), *ignore_case).unwrap(),
            TextKind::Glob => TextTest::glob(text, *ignore_case).unwrap(),
            TextKind::Regex => {
                let flags = if *ignore_case { "(?i)" } else { "" };
                TextTest::regex(Regex::new(&format!("{flags}{}", regex::escape(text))).unwrap())
            }
        }
    }
}
