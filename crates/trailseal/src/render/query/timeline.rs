//! A timeline: one line an event, in columns.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::render::plain::shown;

/// Columns are not made wider than this for a single long cell.
const MAX_WIDTH: usize = 48;
/// Where the terminal is narrow, columns are not made narrower than this.
const MIN_WIDTH: usize = 8;
/// The longest IPv4 address.
const ADDRESS: usize = 15;
/// Cells that are longer are cut, wherever they go.
const MAX_CELL: usize = 4096;

/// Lines that are aligned with one another.
pub(crate) struct Timeline {
    kinds: Vec<Kind>,
    /// As wide as all lines so far needed, so that later ones stand below them.
    widths: Vec<usize>,
    lines: Vec<Vec<String>>,
    screen: Option<usize>,
}

/// How the cells of a column are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A time, without its `T` and `Z`, and never cut.
    Time,
    /// An access key, never cut either.
    Key,
    /// A service, without what all their names end in.
    Source,
    /// An address, of whose digits none can be spared.
    Address,
    /// What failed, in brackets; nothing for what did not.
    Error,
    /// What many events lack, so that nothing stands for it.
    Resource,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "time" | "eventTime" => Self::Time,
            "accessKeyId" => Self::Key,
            "source" | "eventSource" => Self::Source,
            "from" | "sourceIPAddress" => Self::Address,
            "error" | "errorCode" => Self::Error,
            "resource" | "resource_name" => Self::Resource,
            _ => Self::Other,
        }
    }

    fn style(self) -> Style {
        if self == Self::Error { AnsiColor::Yellow.on_default() } else { Style::new() }
    }

    fn text(self, cell: Option<&str>) -> String {
        let Some(cell) = cell else {
            return if matches!(self, Self::Error | Self::Resource) { "" } else { "-" }.to_owned();
        };
        let end = cell.char_indices().nth(MAX_CELL).map_or(cell.len(), |(at, _)| at);
        let text = shown(&cell[..end]);
        match self {
            Self::Time => utc_moment(&text).unwrap_or_else(|| text.into_owned()),
            Self::Source => text.trim_end_matches(".amazonaws.com").to_owned(),
            Self::Error => format!("[{text}]"),
            Self::Key | Self::Address | Self::Resource | Self::Other => text.into_owned(),
        }
    }
}

/// A time as CloudTrail writes it, without its `T` and `Z`; anything else is shown as it is.
fn utc_moment(text: &str) -> Option<String> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let is_of =
        |part: &str, signs: &[u8]| part.bytes().all(|byte| byte.is_ascii_digit() || signs.contains(&byte));
    (is_of(date, b"-") && is_of(time, b":.")).then(|| format!("{date} {time}"))
}

impl Timeline {
    /// With columns of these names, for a terminal of so many columns; without one, nothing is cut.
    pub(crate) fn new(names: &[String], screen: Option<usize>) -> Self {
        let kinds: Vec<Kind> = names.iter().map(|name| Kind::of(name)).collect();
        Self { widths: vec![0; kinds.len()], kinds, lines: Vec::new(), screen }
    }

    /// One more line, not written yet.
    pub(crate) fn line<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>) {
        let line: Vec<String> = self.kinds.iter().zip(cells).map(|(kind, cell)| kind.text(cell)).collect();
        for (width, cell) in self.widths.iter_mut().zip(&line) {
            let needed = cell.chars().count();
            if needed <= MAX_WIDTH {
                *width = needed.max(*width);
            } else {
                // Where nothing is cut, a longer cell pushes the rest of its own line only.
                *width = if self.screen.is_some() { MAX_WIDTH } else { (*width).max(1) };
            }
        }
        self.lines.push(line);
    }

    /// How many lines wait to be written.
    pub(crate) fn count(&self) -> usize {
        self.lines.len()
    }

    /// Writes the lines that wait.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.fitting();
        for line in self.lines.drain(..) {
            let mut left = self.screen.unwrap_or(usize::MAX);
            // Space is written when something follows it.
            let mut space = 0;
            for ((cell, kind), width) in line.iter().zip(&self.kinds).zip(&widths).filter(|(_, w)| **w > 0) {
                let room = if self.screen.is_some() { left.min(*width) } else { usize::MAX };
                let text = shorten(cell, room);
                if !text.is_empty() {
                    let style = kind.style();
                    write!(out, "{:space$}{style}{text}{style:#}", "")?;
                    space = 0;
                }
                space += width.saturating_sub(text.chars().count()) + 2;
                left = left.saturating_sub(width + 2);
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// The widths of the columns, the widest ones made narrower until a line fits.
    fn fitting(&self) -> Vec<usize> {
        let mut widths = self.widths.clone();
        let Some(screen) = self.screen else { return widths };
        loop {
            let columns = widths.iter().filter(|width| **width > 0).count();
            let total = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
            let widest = |least: usize| {
                let is_shrinkable = |at: &usize| match self.kinds[*at] {
                    Kind::Time | Kind::Key => false,
                    Kind::Address => widths[*at] > least,
                    _ => widths[*at] > MIN_WIDTH,
                };
                (0..widths.len()).filter(is_shrinkable).max_by_key(|at| widths[*at])
            };
            match widest(ADDRESS).or_else(|| widest(MIN_WIDTH)) {
                Some(widest) if total > screen => widths[widest] -= 1,
                _ => return widths,
            }
        }
    }
}

/// The beginning and the end of what is too long: ARNs differ in their ends.
fn shorten(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let Some(kept) = room.checked_sub(1) else { return String::new() };
    let end = kept / 2;
    text.chars().take(kept - end).chain(['…']).chain(text.chars().skip(length - end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = ["time", "who", "event", "source", "from", "error", "resource"];
    const FAILED: [Option<&str>; 7] = [
        Some("2024-03-01T05:46:41Z"),
        Some("Admin/alice"),
        Some("GetObject"),
        Some("s3.amazonaws.com"),
        Some("198.51.100.7"),
        Some("AccessDenied"),
        Some("bucket\u{202e}"),
    ];
    const PLAIN: [Option<&str>; 7] =
        [Some("2024-03-01T05:46:42Z"), Some("bob"), Some("ListBuckets"), None, None, None, None];

    fn written(screen: Option<usize>, lines: &[[Option<&str>; 7]]) -> String {
        let names: Vec<String> = NAMES.map(str::to_owned).into();
        let mut timeline = Timeline::new(&names, screen);
        for line in lines {
            timeline.line(line.iter().copied());
        }
        let mut out = Vec::new();
        timeline.write(&mut out).unwrap();
        assert_eq!(timeline.count(), 0);
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn a_line_says_when_who_what_from_where_and_whether_it_failed() {
        assert_eq!(
            written(None, &[FAILED, PLAIN]),
            "2024-03-01 05:46:41  Admin/alice  GetObject    s3  198.51.100.7  [AccessDenied]  bucket\\u{202e}\n\
             2024-03-01 05:46:42  bob          ListBuckets  -   -\n"
        );
        assert_eq!(
            written(None, &[PLAIN]),
            "2024-03-01 05:46:42  bob  ListBuckets  -  -\n",
            "no room is left for what no event has"
        );
        assert_eq!(written(None, &[]), "");
    }

    #[test]
    fn a_line_fits_the_terminal_and_keeps_the_time() {
        let mut long = FAILED;
        let role = "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole";
        (long[1], long[6]) = (Some(role), Some(role));
        for screen in [40, 80, 120] {
            let text = written(Some(screen), &[long, PLAIN, FAILED]);
            assert!(text.lines().all(|line| line.chars().count() <= screen), "{text}");
            assert!(text.lines().all(|line| line.starts_with("2024-03-01 05:46:4")), "{text}");
        }
        assert!(written(Some(84), &[long]).contains("198.51.100.7"), "addresses are the last to be cut");
        let text = written(Some(120), &[long]);
        assert!(text.contains("arn:aws:") && text.contains("AccessRole\n"), "{text}");
        assert!(written(None, &[long, PLAIN]).contains(role), "nothing is cut in a file");
        assert!(written(None, &[long, PLAIN]).contains("bob  ListBuckets"), "one long cell moves no others");
        assert_eq!(
            written(None, &[long]).matches(role).count(),
            2,
            "a column of nothing but long cells is shown"
        );
    }
}
