//! `--lookup-attributes`, in the two syntaxes of the AWS CLI: `AttributeKey=…,AttributeValue=…` and JSON.

use serde_json::Value;
use trailseal_query::lookup::Attribute;

/// The members of an item.
const MEMBERS: [&str; 2] = ["AttributeKey", "AttributeValue"];

/// Reads all items that were given.
///
/// # Errors
/// What is wrong with them, as the AWS CLI would say it.
pub(super) fn parse(items: &[String]) -> Result<Vec<Attribute>, String> {
    if let [only] = items
        && only.trim_start().starts_with('[')
    {
        let Value::Array(items) = json(only)? else { return Err(invalid_json(only)) };
        return items.iter().enumerate().map(|(index, item)| from_json(index, item)).collect();
    }
    items.iter().enumerate().map(|(index, item)| parse_item(index, item)).collect()
}

fn parse_item(index: usize, item: &str) -> Result<Attribute, String> {
    if item.trim_start().starts_with('{') {
        return from_json(index, &json(item)?);
    }
    let pairs = pairs(item)?;
    attribute(index, pairs.into_iter().map(|(key, value)| (key, Some(value))))
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{}: {error}", invalid_json(text)))
}

fn invalid_json(text: &str) -> String {
    format!("Invalid JSON: {text}")
}

fn from_json(index: usize, item: &Value) -> Result<Attribute, String> {
    let Value::Object(members) = item else {
        return Err(format!("Invalid type for parameter LookupAttributes[{index}]: an object is needed"));
    };
    attribute(index, members.iter().map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned))))
}

/// `None` is a value that is no text.
fn attribute(
    index: usize,
    pairs: impl Iterator<Item = (String, Option<String>)>,
) -> Result<Attribute, String> {
    let mut found: [Option<String>; 2] = [None, None];
    for (key, value) in pairs {
        let Some(at) = MEMBERS.iter().position(|member| *member == key) else {
            let known = MEMBERS.join(", ");
            return Err(format!(
                "Unknown parameter in LookupAttributes[{index}]: \"{key}\", must be one of: {known}"
            ));
        };
        let Some(value) = value else {
            return Err(format!(
                "Invalid type for parameter LookupAttributes[{index}].{key}: a string is needed"
            ));
        };
        if found[at].replace(value).is_some() {
            return Err(format!("Second instance of key \"{key}\" encountered"));
        }
    }
    let missing =
        |member: &str| format!("Missing required parameter in LookupAttributes[{index}]: \"{member}\"");
    let [key, value] = found;
    Ok(Attribute {
        key: key.ok_or_else(|| missing(MEMBERS[0]))?,
        value: value.ok_or_else(|| missing(MEMBERS[1]))?,
    })
}

/// `KEY=VALUE,KEY=VALUE`; values may stand in single or double quotes, in which a backslash makes a quote a
/// character, and outside them a comma.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    loop {
        let Some((key, after)) = rest.split_once('=') else {
            return Err(format!("Expected: '=', received: 'EOF' for input: {text}"));
        };
        let key = key.trim();
        if key.is_empty() || key.contains([',', '"', '\'']) {
            return Err(format!("Expected: '=', received: ',' for input: {text}"));
        }
        let (value, after) =
            value(after.trim_start()).ok_or_else(|| format!("a quote is not closed: {text}"))?;
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(format!(
                "Second instance of key \"{key}\" encountered for input: {text} (a comma in place of a space?)"
            ));
        }
        pairs.push((key.to_owned(), value));
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Ok(pairs),
            None => {
                return Err(format!(
                    "Expected: ',', received: '{}' for input: {text}",
                    &after[..1.max(first(after))]
                ));
            }
        }
    }
}

/// The bytes of the first character.
fn first(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// A value and what follows it; `None` when its quote is not closed.
fn value(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = if quote.is_some() { &text[1..] } else { text };
    let ends = quote.unwrap_or(',');
    let mut value = String::new();
    let mut characters = inner.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some((_, next))) if *next == ends => {
                value.push(*next);
                characters.next();
            }
            _ if character == ends => {
                let after = if quote.is_some() { at + 1 } else { at };
                return Some((trimmed(value, quote), &inner[after..]));
            }
            _ => value.push(character),
        }
    }
    quote.is_none().then(|| (trimmed(value, quote), ""))
}

fn trimmed(value: String, quote: Option<char>) -> String {
    if quote.is_some() { value } else { value.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(items: &[&str]) -> Result<Vec<(String, String)>, String> {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        Ok(parse(&items)?.into_iter().map(|item| (item.key, item.value)).collect())
    }

    #[track_caller]
    fn check(item: &str, key: &str, value: &str) {
        assert_eq!(parsed(&[item]), Ok(vec![(key.to_owned(), value.to_owned())]), "{item}");
    }

    /// The expected values are what awscli 1.46 sends for these arguments.
    #[test]
    fn shorthand_is_read_as_by_the_aws_cli() {
        check("AttributeKey=EventName,AttributeValue=CreateUser", "EventName", "CreateUser");
        check("AttributeValue=x,AttributeKey=Username", "Username", "x");
        check("AttributeKey = EventName , AttributeValue = x ", "EventName", "x");
        check(r#"AttributeKey=EventName,AttributeValue="a, b""#, "EventName", "a, b");
        check(r"AttributeKey=EventName,AttributeValue='a, b'", "EventName", "a, b");
        check(r"AttributeKey=EventName,AttributeValue='a\'b'", "EventName", "a'b");
        check(r"AttributeKey=EventName,AttributeValue='a\\'b'", "EventName", r"a\'b");
        check(r"AttributeKey=EventName,AttributeValue=a b\\,c=d", "EventName", r"a b\,c=d");
        check("AttributeKey=EventName,AttributeValue=", "EventName", "");
        check(
            "AttributeKey=ResourceName,AttributeValue=arn:aws:iam::1:role/a=b",
            "ResourceName",
            "arn:aws:iam::1:role/a=b",
        );
        check(r"AttributeKey=EventName,AttributeValue=a\,b", "EventName", "a,b");
    }

    #[test]
    fn json_is_read_as_by_the_aws_cli() {
        check(r#"[{"AttributeKey":"EventName","AttributeValue":"a,b"}]"#, "EventName", "a,b");
        check(r#" {"AttributeKey":"EventName","AttributeValue":"x"}"#, "EventName", "x");
        assert_eq!(parsed(&["[]"]), Ok(vec![]));
    }

    #[test]
    fn several_items_are_separate_arguments() {
        let items = ["AttributeKey=EventName,AttributeValue=x", "AttributeKey=Username,AttributeValue=y"];
        assert_eq!(parsed(&items).map(|items| items.len()), Ok(2));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (item, part) in [
            ("junk", "Expected: '='"),
            (
                "AttributeKey=EventName",
                "Missing required parameter in LookupAttributes[0]: \"AttributeValue\"",
            ),
            ("AttributeKey=a,AttributeKey=b,AttributeValue=c", "Second instance of key \"AttributeKey\""),
            ("AttributeKey=a,AttributeValue=b,Foo=c", "Unknown parameter in LookupAttributes[0]: \"Foo\""),
            ("AttributeKey=a,AttributeValue=x,y", "Expected: '='"),
            ("AttributeKey=a,AttributeValue=\"x", "a quote is not closed"),
            ("AttributeKey=a,AttributeValue=\"x\"é", "Expected: ',', received: 'é'"),
            ("[{\"AttributeKey\":7}]", "Invalid type"),
            ("[1]", "Invalid type"),
            ("[", "Invalid JSON"),
        ] {
            let error = parsed(&[item]).unwrap_err();
            assert!(error.contains(part), "{item}: {error}");
        }
    }
}
