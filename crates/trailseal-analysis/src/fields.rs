//! The fields that are asked for by name, and their values in a row.

use std::{borrow::Cow, ops::ControlFlow};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    index::{ColumnGroup, GroupValue},
    scan::Row,
};
use trailseal_query::{
    Predicate, Record,
    derived::{Derived, FileMember, Named},
    expression::{self, UnknownField},
    json::quote,
    path::FieldPath,
    predicate::{Literal, Test},
    record::PathValue,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

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
    OfFile(FileMember),
    /// The place among the records of the file.
    Number,
}

/// Which columns of an index tell the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldColumn {
    /// Those of a group.
    Group(ColumnGroup),
    /// The times: so many seconds, from the first second of 1970 on, have the same value.
    Time(i64),
}

/// The name of [`Source::Number`].
const NUMBER: &str = "record";

/// One value of a field in a row.
#[derive(Clone, Debug)]
pub enum FieldValue<'a> {
    /// As it stands in the record, or in a text of it.
    Value(PathValue<'a>),
    /// Derived.
    Text(Cow<'a, str>),
    /// A number of ours.
    Number(u64),
}

impl Fields {
    fn called<const N: usize>(fields: [(&str, Source); N]) -> Self {
        let field = |(name, source): (&str, Source)| Field { name: name.to_owned(), source };
        Self { fields: fields.map(field).into() }
    }

    /// What a table shows.
    pub fn of_table() -> Self {
        let path = |name: &str| Source::Path(FieldPath::new([name]));
        let fields = [
            ("eventTime", path("eventTime")),
            ("eventName", Source::Derived(Derived::Call)),
            ("eventSource", Source::Derived(Derived::Service)),
            ("username", Source::Derived(Derived::Username)),
            ("sourceIPAddress", path("sourceIPAddress")),
            ("awsRegion", path("awsRegion")),
            ("error", Source::Derived(Derived::Error)),
        ];
        Self::called(fields)
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
        expression::suggestions(&self.all_exist())
    }

    /// The first field that no event record has, and what may have been meant.
    pub fn unknown(&self) -> Option<UnknownField> {
        expression::unknown_fields(&self.all_exist(), &|_| false).into_iter().next()
    }

    fn all_exist(&self) -> Predicate {
        let exists = self.fields.iter().filter_map(|field| match &field.source {
            Source::Path(path) => Some(Predicate::Field(path.clone(), Test::Exists)),
            _ => None,
        });
        Predicate::Any(exists.collect())
    }

    /// What a timeline shows.
    pub fn of_timeline() -> Self {
        let path = |name: &str| Source::Path(FieldPath::new([name]));
        let fields = [
            ("time", path("eventTime")),
            ("who", Source::Derived(Derived::Actor)),
            ("event", Source::Derived(Derived::Call)),
            ("source", Source::Derived(Derived::Service)),
            ("from", path("sourceIPAddress")),
            ("error", Source::Derived(Derived::Error)),
            ("resource", Source::Derived(Derived::ResourceName)),
            ("id", path("eventID")),
        ];
        Self::called(fields)
    }

    /// The same for people, to whom ids are noise.
    pub fn of_timeline_text() -> Self {
        let mut fields = Self::of_timeline();
        fields.fields.retain(|field| field.name != "id");
        fields
    }

    /// The same with the access key; where there is little room, without who, which service and which resource.
    pub fn of_timeline_of_keys(is_narrow: bool) -> Self {
        const LEFT_OUT: [&str; 3] = ["who", "source", "resource"];
        let key = Source::Path(FieldPath::new(["userIdentity", "accessKeyId"]));
        let mut fields = Self::of_timeline_text();
        let at = fields.names().position(|name| name == "from").unwrap_or(0);
        fields.fields.insert(at, Field { name: "accessKeyId".to_owned(), source: key });
        fields.fields.retain(|field| !is_narrow || !LEFT_OUT.contains(&field.name.as_str()));
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

    /// Other fields behind these, each once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for field in other.fields {
            if !self.fields.iter().any(|own| own.source == field.source) {
                self.fields.push(field);
            }
        }
        self
    }

    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Whether a value needs files to be hashed.
    pub fn need_hash(&self) -> bool {
        self.has(FileMember::Sha256)
    }

    /// Whether a value needs files to be verified.
    pub fn need_label(&self) -> bool {
        self.has(FileMember::Integrity)
    }

    fn has(&self, wanted: FileMember) -> bool {
        self.fields.iter().any(|field| field.source == Source::OfFile(wanted))
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
        let source = match Named::of(name) {
            Some(Named::Derived(derived)) => Source::Derived(derived),
            Some(Named::OfFile(member)) => Source::OfFile(member),
            None if name.eq_ignore_ascii_case(NUMBER) => Source::Number,
            None => Source::Path(FieldPath::parse(name).map_err(|error| error.to_string())?),
        };
        let name = match &source {
            Source::Path(path) => path.to_string(),
            _ => name.to_ascii_lowercase(),
        };
        Ok(Self { name, source })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shows `each` every value that the field stands for in a row, `null` included: of a list its elements.
    pub fn visit<'a>(&self, row: &Row<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        self.visit_by(row, Record::visit_each, each);
    }

    /// The same, but for lists, which are shown as they are written.
    fn visit_as_written<'a>(&self, row: &Row<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        self.visit_by(row, Record::visit, each);
    }

    /// That it equals one of these; of what is no part of the record, nothing does.
    pub(crate) fn is_one_of(&self, values: &[String]) -> Predicate {
        let test = Test::In(values.iter().cloned().map(Literal::Text).collect());
        match &self.source {
            Source::Path(path) => Predicate::Field(path.clone(), test),
            Source::Derived(derived) => Predicate::Derived(*derived, test),
            Source::OfFile(_) | Source::Number => Predicate::Constant(false),
        }
    }

    /// Which columns tell its values; `None` if they are read from records only.
    pub(crate) fn column(&self) -> Option<FieldColumn> {
        match &self.source {
            Source::Path(path) => ColumnGroup::of_path(path.segments()).map(FieldColumn::Group),
            Source::Derived(Derived::Hour) => Some(FieldColumn::Time(HOUR)),
            Source::Derived(Derived::Day | Derived::Weekday) => Some(FieldColumn::Time(DAY)),
            Source::Derived(derived) => ColumnGroup::of_derived(*derived).map(FieldColumn::Group),
            Source::OfFile(_) | Source::Number => None,
        }
    }

    /// Shows `each` every value that an event has whose group has this value: what [`visit`](Self::visit) shows of its record.
    pub(crate) fn visit_group<'a>(&self, value: &GroupValue<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match &self.source {
            Source::Path(path) => visit_path(&value.record(), path, Record::visit_each, each),
            Source::Derived(derived) => {
                let _ = value.visit(*derived, &mut |text| {
                    each(FieldValue::Text(text));
                    ControlFlow::Continue(())
                });
            }
            Source::OfFile(_) | Source::Number => {}
        }
    }

    /// The text of what follows from the time alone.
    pub(crate) fn text_at(&self, time: Timestamp) -> Option<Cow<'static, str>> {
        if let Source::Derived(derived) = &self.source { derived.at(time) } else { None }
    }

    fn visit_by<'a>(&self, row: &Row<'a>, visit: Visit<'a>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match &self.source {
            Source::Path(path) => visit_path(&row.record, path, visit, each),
            Source::Derived(derived) => {
                let _ = derived.visit(&row.record, &mut |text| {
                    each(FieldValue::Text(text));
                    ControlFlow::Continue(())
                });
            }
            Source::OfFile(member) => {
                if let Some(text) = row.file.text(*member) {
                    each(FieldValue::Text(text));
                }
            }
            Source::Number => each(FieldValue::Number(row.number)),
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
        self.visit_as_written(row, &mut |cell| {
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
        self.visit_as_written(row, &mut |cell| {
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

fn visit_path<'a>(
    record: &Record<'a>,
    path: &FieldPath,
    visit: Visit<'a>,
    each: &mut dyn FnMut(FieldValue<'a>),
) {
    let _ = visit(record, path, &mut |value| {
        each(FieldValue::Value(value));
        ControlFlow::Continue(())
    });
}

/// How a record shows the values of a path.
type Visit<'a> =
    fn(&Record<'a>, &FieldPath, &mut dyn FnMut(PathValue<'a>) -> ControlFlow<()>) -> ControlFlow<()>;

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
            Self::Value(value) => to.extend_from_slice(&value.value().json()),
            Self::Text(text) => quote(text, to),
            Self::Number(number) => to.extend_from_slice(number.to_string().as_bytes()),
        }
    }
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
            let who = Field { name: "who".to_owned(), source: Source::Derived(Derived::Actor) };
            assert_eq!(who.text(row).as_deref(), Some("Admin/alice"));
        });
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
