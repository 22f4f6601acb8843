//! What the names of columns say about their cells.

use anstyle::AnsiColor;

use crate::render::{
    grid::{GridColumn, Keep},
    plain::shown,
};

/// Cells that are longer are cut, wherever they go.
const MAX_CELL: usize = 4096;
/// What texts keep that may be cut, and those that say who acted.
const LEAST: usize = 12;
const LEAST_ACTOR: usize = 16;

/// How the cells of a column are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// A time.
    Time,
    /// What was called.
    Call,
    /// A service, without what all their names end in.
    Source,
    /// An address, of whose digits none can be spared.
    Address,
    /// An access key, likewise.
    Key,
    /// What failed.
    Error,
    /// What is proven, which is never left out.
    Proof,
    /// Of no use when it is cut, like an id; of less when it is there.
    Id,
    /// Who acted.
    Actor,
    /// What an event is about, which many lack.
    Resource,
    /// Any text.
    Other,
}

impl CellKind {
    /// By the name of a field.
    pub(crate) fn of(name: &str) -> Self {
        let last = name.rsplit('.').next().unwrap_or(name);
        match name {
            "time" | "eventTime" => Self::Time,
            "event" | "eventName" => Self::Call,
            "source" | "eventSource" => Self::Source,
            "from" | "sourceIPAddress" => Self::Address,
            "error" | "errorCode" | "errorMessage" => Self::Error,
            "who" | "username" | "principal" | "userIdentity.arn" | "userIdentity.userName" => Self::Actor,
            "resource" | "resource_name" => Self::Resource,
            "integrity" | "label" => Self::Proof,
            "record" | "sha256" | "awsRegion" | "hour" | "day" | "weekday" | "category" => Self::Id,
            _ if last.eq_ignore_ascii_case("accessKeyId") => Self::Key,
            _ if last.ends_with("Id") || last.ends_with("ID") => Self::Id,
            _ => Self::Other,
        }
    }

    fn keep(self) -> Keep {
        match self {
            Self::Time | Self::Call | Self::Address | Self::Key | Self::Error | Self::Proof => Keep::Whole,
            Self::Source | Self::Id => Keep::WholeOrGone,
            Self::Actor => Keep::Part(LEAST_ACTOR),
            Self::Resource | Self::Other => Keep::PartOrGone(LEAST),
        }
    }

    /// A column of a screen.
    pub(crate) fn column(self, name: &str) -> GridColumn {
        let mut column = GridColumn::new(&shown(name), self.keep());
        if self == Self::Error {
            column.style = AnsiColor::Yellow.on_default();
        }
        column
    }
}

/// A text from a record, safe on a terminal; of one that is very long the beginning.
pub(crate) fn cell_text(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL) {
        None => shown(text).into_owned(),
        Some((end, _)) => format!("{}…", shown(&text[..end])),
    }
}

/// A service without the end of its name.
pub(crate) fn short_source(text: &str) -> &str {
    text.strip_suffix(".amazonaws.com").unwrap_or(text)
}
