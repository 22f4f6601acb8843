//! Reading a request: members of the wrong JSON type are a `SerializationException`, members that no operation
//! has are ignored, `null` stands for absence.
//!
//! That is how the protocol is; the texts of the exception are those that services of this protocol are seen to
//! give (I).

use serde_json::{Map, Value};

use crate::error::{ApiError, ErrorCode};

/// The members of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a Map<String, Value>);

impl<'a> Input<'a> {
    /// Of an object.
    ///
    /// # Errors
    /// `SerializationException`, as of all others here, for a value of another type.
    pub fn new(value: &'a Value) -> Result<Self, ApiError> {
        value.as_object().map(Self).ok_or_else(|| unexpected(value, "a structure"))
    }

    /// A text, if it is there.
    ///
    /// # Errors
    /// `SerializationException`.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.read(name, |value| value.as_str().ok_or_else(|| unexpected(value, "a String")))
    }

    /// A truth value, if it is there.
    ///
    /// # Errors
    /// `SerializationException`.
    pub fn flag(self, name: &str) -> Result<Option<bool>, ApiError> {
        self.read(name, |value| value.as_bool().ok_or_else(|| unexpected(value, "a Boolean")))
    }

    /// A list of texts, if it is there.
    ///
    /// # Errors
    /// `SerializationException`.
    pub fn texts(self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let text =
            |value: &'a Value| value.as_str().map(str::to_owned).ok_or_else(|| unexpected(value, "a String"));
        self.list(name, text)
    }

    pub(crate) fn structures<T>(
        self,
        name: &str,
        one: impl Fn(Input<'a>) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        self.list(name, |value| one(Input::new(value)?))
    }

    fn list<T>(
        self,
        name: &str,
        one: impl Fn(&'a Value) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        self.read(name, |value| {
            let list = value.as_array().ok_or_else(|| unexpected(value, "a list"))?;
            list.iter().map(one).collect()
        })
    }

    fn read<T>(
        self,
        name: &str,
        one: impl FnOnce(&'a Value) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        self.0.get(name).filter(|value| !value.is_null()).map(one).transpose()
    }
}

fn unexpected(value: &Value, wanted: &str) -> ApiError {
    let found = match value {
        Value::Array(_) => return serialization("Start of list found where not expected"),
        Value::Object(_) => return serialization("Start of structure or map found where not expected."),
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
    };
    serialization(&format!("{found} can not be converted to {wanted}"))
}

fn serialization(message: &str) -> ApiError {
    ApiError::new(ErrorCode::SerializationException, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_other_types_are_refused_and_null_is_absence() {
        let value = json!({"s": "x", "b": true, "l": ["a"], "n": 1, "o": {}, "z": null, "m": [1]});
        let input = Input::new(&value).unwrap();
        assert_eq!(input.text("s"), Ok(Some("x")));
        assert_eq!(input.flag("b"), Ok(Some(true)));
        assert_eq!(input.texts("l"), Ok(Some(vec!["a".to_owned()])));
        for absent in ["z", "other"] {
            assert_eq!(input.text(absent), Ok(None));
            assert_eq!(input.flag(absent), Ok(None));
            assert_eq!(input.texts(absent), Ok(None));
        }
        for (result, message) in [
            (input.text("n").map(drop), "NUMBER_VALUE can not be converted to a String"),
            (input.text("b").map(drop), "TRUE_VALUE can not be converted to a String"),
            (input.text("o").map(drop), "Start of structure or map found where not expected."),
            (input.text("l").map(drop), "Start of list found where not expected"),
            (input.flag("s").map(drop), "STRING_VALUE can not be converted to a Boolean"),
            (input.texts("s").map(drop), "STRING_VALUE can not be converted to a list"),
            (input.texts("m").map(drop), "NUMBER_VALUE can not be converted to a String"),
            (Input::new(&json!([])).map(drop), "Start of list found where not expected"),
            (Input::new(&Value::Null).map(drop), "NULL_VALUE can not be converted to a structure"),
        ] {
            assert_eq!(result, Err(serialization(message)));
        }
    }
}
