//! Rows of values with names: what counts come to, for whoever shows them.

use std::borrow::Cow;

use trailseal_query::json::quote;

/// Rows of as many values as there are names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What the values of a row are called.
    pub names: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing: `null` in JSON.
    Nothing,
    /// A text.
    Text(String),
    /// A number as it is to be written: sums are exact, whatever their size.
    Number(String),
    /// Numbers by name: an object in JSON, as many columns elsewhere, called `CELL=NAME`.
    Numbers(Vec<(String, u64)>),
}

impl Table {
    /// The names of the columns, those of numbers by name among them.
    pub fn columns(&self) -> Vec<String> {
        match self.rows.first() {
            Some(row) => self.flat(row).into_iter().map(|(name, _)| name.into_owned()).collect(),
            None => self.names.clone(),
        }
    }

    /// The values of a row, one a column, with the name of the column.
    pub fn flat<'a>(&'a self, row: &'a [Cell]) -> Vec<(Cow<'a, str>, Cow<'a, Cell>)> {
        self.names.iter().zip(row).flat_map(|(name, cell)| cell.flat(name)).collect()
    }

    /// Appends a row as a JSON object.
    pub fn json(&self, row: &[Cell], to: &mut Vec<u8>) {
        to.push(b'{');
        for (at, (name, cell)) in self.names.iter().zip(row).enumerate() {
            comma(at, to);
            quote(name, to);
            to.push(b':');
            cell.json(to);
        }
        to.push(b'}');
    }
}

impl Cell {
    /// A text, if there is one.
    pub fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }

    /// A number.
    #[allow(clippy::needless_pass_by_value, reason = "numbers are copied")]
    pub fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    /// Whether it is a single number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// As text; empty for nothing, and for numbers by name, which are columns of their own.
    pub fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing | Self::Numbers(_) => "".into(),
            Self::Text(text) | Self::Number(text) => text.into(),
        }
    }

    fn json(&self, to: &mut Vec<u8>) {
        match self {
            Self::Nothing => to.extend_from_slice(b"null"),
            Self::Text(text) => quote(text, to),
            Self::Number(number) => to.extend_from_slice(number.as_bytes()),
            Self::Numbers(numbers) => {
                to.push(b'{');
                for (at, (name, number)) in numbers.iter().enumerate() {
                    comma(at, to);
                    quote(name, to);
                    to.extend_from_slice(format!(":{number}").as_bytes());
                }
                to.push(b'}');
            }
        }
    }

    fn flat<'a>(&'a self, name: &'a str) -> Vec<(Cow<'a, str>, Cow<'a, Self>)> {
        match self {
            Self::Numbers(numbers) => numbers
                .iter()
                .map(|(value, number)| (format!("{name}={value}").into(), Cow::Owned(Self::number(number))))
                .collect(),
            _ => vec![(name.into(), Cow::Borrowed(self))],
        }
    }
}

fn comma(at: usize, to: &mut Vec<u8>) {
    if at > 0 {
        to.push(b',');
    }
}
