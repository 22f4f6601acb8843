//! How the report for people looks.

/// How much is shown, and how wide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Style {
    /// Columns of the terminal; nothing is wrapped where there is none.
    pub(crate) width: Option<usize>,
    /// Notes too.
    pub(crate) verbose: bool,
    /// The verdict only.
    pub(crate) quiet: bool,
}
