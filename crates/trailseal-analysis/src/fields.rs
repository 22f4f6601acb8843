//! The fields that are asked for by name, and their values in a row.

use std::{borrow::Cow, ops::ControlFlow};

use trailseal_archive::Timestamp;
use trailseal_evidence::scan::Row;
use trailseal_query::{
    Predicate, Record, expression,
    json::{Value, quote},
    path::FieldPath,
    predicate::Test,
    row,
};

/// Fields with their names.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    fields: Vec<Field>,
}

/// A field and what it is called in the output.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Path(FieldPath),
    Derived(Derived),
}

/// What is no field of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Derived {
    Username,
    ResourceName,
    ResourceType,
    Hour,
    Day,
    File,
    Record,
    Sha256,
    Integrity,
    /// Why it failed, in few words.
    Error,
    /// Who acted, in few words.
    Actor,
}

const DERIVED: [(&str, Derived); 11] = [
    ("username", Derived::Username),
    ("resource_name", Derived::ResourceName),
    ("resource_type", Derived::ResourceType),
    ("hour", Derived::Hour),
    ("day", Derived::Day),
    ("file", Derived::File),
    ("record", Derived::Record),
    ("sha256", Derived::Sha256),
    ("label", Derived::Integrity),
    ("integrity", Derived::Integrity),
    ("error", Derived::Error),
];

/// One value of a field in a row.
#[derive(Clone, Debug)]
pub enum FieldValue<'a> {
    /// As it stands in the record.
    Value(Value<'a>),
    /// Derived.
    Text(Cow<'a, str>),
    /// A number of ours.
    Number(u64),
}

impl Fields {
    /// What a table shows.
    pub fn of_table() -> Self {
        Self::known(&[
            "eventTime",
            "eventName",
            "eventSource",
            "username",
            "sourceIPAddress",
            "awsRegion",
            "error",
        ])
    }

    /// What analysts expect of a CSV file.
    pub fn of_csv() -> Self {
        Self::known(&[
            "eventTime",
            "eventName",
            "errorCode",
            "errorMessage",
            "eventSource",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "username",
            "userIdentity.type",
            "userIdentity.accountId",
            "userIdentity.arn",
            "userIdentity.principalId",
            "userIdentity.accessKeyId",
            "recipientAccountId",
            "readOnly",
            "resource_name",
            "eventID",
            "requestParameters",
        ])
    }

    /// What is odd about names that no event record has.
    pub fn notes(&self) -> Vec<String> {
        let exists = self.fields.iter().filter_map(|field| match &field.source {
            Source::Path(path) => Some(Predicate::Field(path.clone(), Test::Exists)),
            Source::Derived(_) => None,
        });
        expression::suggestions(&Predicate::Any(exists.collect()))
    }

    /// What a timeline shows.
    pub fn of_timeline() -> Self {
        let path = |name: &str| Source::Path(FieldPath::new([name]));
        let fields = [
            ("time", path("eventTime")),
            ("who", Source::Derived(Derived::Actor)),
            ("event", path("eventName")),
            ("source", path("eventSource")),
            ("from", path("sourceIPAddress")),
            ("error", Source::Derived(Derived::Error)),
            ("resource", Source::Derived(Derived::ResourceName)),
            ("id", path("eventID")),
        ];
        let field = |(name, source): (&str, Source)| Field { name: name.to_owned(), source };
        Self { fields: fields.map(field).into() }
    }

    /// The same for people, to whom ids are noise.
    pub fn of_timeline_text() -> Self {
        let mut fields = Self::of_timeline();
        fields.fields.retain(|field| field.name != "id");
        fields
    }

    /// Where rows come from.
    pub fn of_provenance() -> Self {
        Self::known(&["file", "record", "sha256"])
    }

    /// What is proven of rows.
    pub fn of_label() -> Self {
        let mut fields = Self::known(&["label"]);
        "integrity".clone_into(&mut fields.fields[0].name);
        fields
    }

    fn known(names: &[&str]) -> Self {
        Self { fields: names.iter().filter_map(|name| Field::parse(name).ok()).collect() }
    }

    /// Reads names separated by commas; a name with a comma or dot in it stands in double quotes.
    ///
    /// # Errors
    /// What is wrong, as a phrase.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields: Vec<Field> = Vec::new();
        for name in split(text) {
            let field = Field::parse(name.trim())?;
            if fields.iter().any(|other| other.source == field.source) {
                return Err(format!("{} is named twice", field.name));
            }
            fields.push(field);
        }
        Ok(Self { fields })
    }

    /// Other fields behind these.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self
    }

    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Whether a value needs files to be hashed.
    pub fn need_hash(&self) -> bool {
        self.has(Derived::Sha256)
    }

    /// Whether a value needs files to be verified.
    pub fn need_label(&self) -> bool {
        self.has(Derived::Integrity)
    }

    fn has(&self, wanted: Derived) -> bool {
        self.fields.iter().any(|field| field.source == Source::Derived(wanted))
    }

    /// The fields themselves.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self { fields: fields.into_iter().collect() }
    }
}

impl Field {
    /// Reads the name of a record's field, or of one that is derived.
    ///
    /// # Errors
    /// What is wrong, as a phrase.
    pub fn parse(name: &str) -> Result<Self, String> {
        let derived = DERIVED.iter().find(|(known, _)| *known == name);
        let source = match derived {
            Some((_, derived)) => Source::Derived(*derived),
            None => Source::Path(FieldPath::parse(name).map_err(|error| error.to_string())?),
        };
        let name = match &source {
            Source::Path(path) => path.to_string(),
            Source::Derived(_) => name.to_owned(),
        };
        Ok(Self { name, source })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shows `each` every value that a row has, `null` included.
    pub fn visit<'a>(&self, row: &Row<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match &self.source {
            Source::Path(path) => {
                let _ = row.record.visit(path, &mut |value| {
                    each(FieldValue::Value(value));
                    ControlFlow::Continue(())
                });
            }
            Source::Derived(derived) => derived.visit(row, each),
        }
    }

    /// The texts of the values that a row has.
    pub fn texts(&self, row: &Row<'_>) -> Vec<Option<String>> {
        let mut texts = Vec::new();
        self.visit(row, &mut |cell| texts.push(cell.text().map(Cow::into_owned)));
        texts
    }

    /// The value as JSON: several ones as an array, none as `null`.
    pub fn json(&self, row: &Row<'_>, to: &mut Vec<u8>) {
        let start = to.len();
        let mut count = 0_u64;
        self.visit(row, &mut |cell| {
            match count {
                0 => {}
                1 => {
                    to.insert(start, b'[');
                    to.push(b',');
                }
                _ => to.push(b','),
            }
            count += 1;
            cell.json(to);
        });
        match count {
            0 => to.extend_from_slice(b"null"),
            1 => {}
            _ => to.push(b']'),
        }
    }

    /// The first value as a text, and how many more there are.
    pub fn brief<'a>(&self, row: &Row<'a>) -> Option<Cow<'a, str>> {
        let (mut first, mut more) = (None, 0_u64);
        self.visit(row, &mut |cell| {
            if let Some(text) = cell.text() {
                more += u64::from(first.is_some());
                first.get_or_insert(text);
            }
        });
        if more == 0 { first } else { first.map(|first| format!("{first} (+{more})").into()) }
    }

    /// The value as one text: several ones as a JSON array, none and `null` as nothing.
    pub fn text<'a>(&self, row: &Row<'a>) -> Option<Cow<'a, str>> {
        let (mut first, mut count) = (None, 0_u64);
        self.visit(row, &mut |cell| {
            if count == 0 {
                first = Some(cell);
            }
            count += 1;
        });
        if count < 2 {
            return first?.text();
        }
        let mut json = Vec::new();
        self.json(row, &mut json);
        Some(String::from_utf8_lossy(&json).into_owned().into())
    }
}

impl Derived {
    fn visit<'a>(self, row: &Row<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        let text = match self {
            Self::Username => row::username(&row.record),
            Self::ResourceName | Self::ResourceType => return self.visit_resources(row, each),
            Self::Hour => row.record.time().map(|time| format!("{}:00Z", prefix(time, 13)).into()),
            Self::Day => row.record.time().map(|time| prefix(time, 10).into()),
            Self::File => Some(row.file.shown.as_str().into()),
            Self::Record => return each(FieldValue::Number(row.number)),
            Self::Sha256 => row.file.sha256.map(|hash| hex::encode(hash).into()),
            Self::Integrity => row.file.integrity.map(|label| label.as_str().into()),
            Self::Error => error(&row.record),
            Self::Actor => actor(&row.record),
        };
        if let Some(text) = text {
            each(FieldValue::Text(text));
        }
    }

    fn visit_resources<'a>(self, row: &Row<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        for resource in row::resources(&row.record) {
            let text = if self == Self::ResourceType { resource.resource_type } else { Some(resource.name) };
            if let Some(text) = text {
                each(FieldValue::Text(text));
            }
        }
    }
}

impl<'a> FieldValue<'a> {
    /// The text that comparisons, groups, CSV and tables use; `None` for `null`.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Value(value) => value.text(),
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string().into()),
        }
    }

    fn json(&self, to: &mut Vec<u8>) {
        match self {
            Self::Value(value) => to.extend_from_slice(&value.json()),
            Self::Text(text) => quote(text, to),
            Self::Number(number) => to.extend_from_slice(number.to_string().as_bytes()),
        }
    }
}

/// Why an event failed: its code, else its message, else that a sign-in did not succeed.
fn error<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let text =
        |value: Option<Value<'a>>| value.and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    text(record.member("errorCode")).or_else(|| text(record.member("errorMessage"))).or_else(|| {
        let outcome = text(record.member("responseElements")?.member("ConsoleLogin"))?;
        (outcome != "Success").then_some(outcome)
    })
}

/// Who acted: what stands behind the account in the ARN, else the name, the service or the kind of identity.
fn actor<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let identity = record.member("userIdentity")?;
    let text =
        |name: &str| identity.member(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    if let Some(arn) = text("arn")
        && let Some(resource) = arn.splitn(6, ':').nth(5)
    {
        let known = ["user/", "assumed-role/", "federated-user/"];
        let short = known.iter().find_map(|prefix| resource.strip_prefix(prefix)).unwrap_or(resource);
        return Some(short.to_owned().into());
    }
    row::username(record)
        .or_else(|| text("invokedBy"))
        .or_else(|| text("principalId"))
        .or_else(|| text("type"))
        .or_else(|| text("accountId"))
}

fn prefix(time: Timestamp, length: usize) -> String {
    let mut text = time.to_string();
    text.truncate(length);
    text
}

/// At the commas outside quotes.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use trailseal_evidence::scan::FileInfo;

    use super::*;

    /// A row made by hand.
    fn with_row<T>(record: &str, check: impl FnOnce(&Row<'_>) -> T) -> T {
        let file = file();
        check(&Row { record: Record::new(record.as_bytes()), file: &file, number: 7, at: None })
    }

    fn file() -> FileInfo {
        FileInfo {
            shown: "archive/a.json.gz".to_owned(),
            index: 0,
            sha256: Some([0xab; 32]),
            integrity: None,
        }
    }

    const RECORD: &str = r#"{"eventTime":"2024-03-01T05:46:41Z","n":12345678901234567890,"s":"a\"\u00e9","none":null,
        "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Admin/alice"},
        "resources":[{"ARN":"arn:a"},{"type":"T"},{"ARN":"arn:b"}],"o":{ "a" : [1, 2] },"a.b":1}"#;

    fn json(names: &str) -> Vec<String> {
        let fields = Fields::parse(names).unwrap();
        with_row(RECORD, |row| {
            let json = |field: &Field| {
                let mut to = Vec::new();
                field.json(row, &mut to);
                String::from_utf8(to).unwrap()
            };
            fields.iter().map(json).collect()
        })
    }

    #[test]
    fn values_are_as_written_and_several_become_an_array() {
        assert_eq!(
            json("n,s,none,absent,resources.ARN,resources.type,o,o.a,\"a.b\""),
            [
                "12345678901234567890",
                r#""a\"\u00e9""#,
                "null",
                "null",
                r#"["arn:a","arn:b"]"#,
                r#""T""#,
                r#"{"a":[1,2]}"#,
                "[1,2]",
                "1"
            ]
        );
    }

    #[test]
    fn derived_fields() {
        let hash = format!("\"{}\"", "ab".repeat(32));
        assert_eq!(
            json("hour,day,file,record,sha256,label"),
            [r#""2024-03-01T05:00Z""#, r#""2024-03-01""#, r#""archive/a.json.gz""#, "7", &hash, "null"]
        );
        assert_eq!(json("\"file\""), ["null"], "a quoted name is a field of the record");
    }

    #[test]
    fn texts_are_for_people() {
        with_row(RECORD, |row| {
            let text = |name: &str| Field::parse(name).unwrap().text(row).map(Cow::into_owned);
            assert_eq!(text("s").as_deref(), Some("a\"é"));
            assert_eq!(text("resources.ARN").as_deref(), Some(r#"["arn:a","arn:b"]"#));
            assert_eq!((text("none"), text("absent")), (None, None));
            assert_eq!(actor(&row.record).as_deref(), Some("Admin/alice"));
        });
    }

    #[test]
    fn actors_without_an_arn() {
        for (identity, name) in [
            (r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#, "ec2.amazonaws.com"),
            (r#"{"arn":"arn:aws:iam::1:root","type":"Root"}"#, "root"),
            (r#"{"arn":"arn:aws:iam::1:user/team/bob"}"#, "team/bob"),
            (r#"{"arn":"","type":"Unknown"}"#, "Unknown"),
        ] {
            let record = format!(r#"{{"userIdentity":{identity}}}"#);
            assert_eq!(actor(&Record::new(record.as_bytes())).as_deref(), Some(name), "{identity}");
        }
        assert_eq!(actor(&Record::new(b"{}")), None);
    }

    #[test]
    fn names_that_cannot_be_meant_are_refused() {
        for names in ["", "a,,b", "a.", "a,a", "eventName,eventname", "\"a"] {
            assert!(Fields::parse(names).is_err(), "{names}");
        }
        let fields = Fields::parse(r#"EVENTNAME, a."b,c""#).unwrap();
        assert_eq!(fields.names().collect::<Vec<_>>(), ["eventName", "a.b,c"]);
    }
}
