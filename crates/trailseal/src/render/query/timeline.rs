//! A timeline: one line an event.

use std::fmt::Write as _;

use crate::render::plain::shown;

/// The widths to which time, who, event, source and address are padded; longer ones are not cut.
const WIDTHS: [usize; 5] = [19, 30, 26, 12, 15];

/// A line of the cells time, who, event, source, from, error, resource and what follows; the last of them the
/// event's id, which is left out. Cut at `width`.
pub(crate) fn line<'a>(cells: impl Iterator<Item = Option<&'a str>>, width: Option<usize>) -> String {
    let mut line = String::new();
    let mut rest = Vec::new();
    for (at, cell) in cells.enumerate() {
        let text = shown(cell.unwrap_or("-"));
        let text = match at {
            0 => text.replace('T', " ").replace('Z', ""),
            3 => text.trim_end_matches(".amazonaws.com").to_owned(),
            _ => text.into_owned(),
        };
        match WIDTHS.get(at) {
            Some(width) => {
                let _ = write!(line, "{text:<width$}  ");
            }
            None if cell.is_some() => rest.push((at, text)),
            None => {}
        }
    }
    for (at, text) in rest {
        match at {
            5 => {
                let _ = write!(line, "[{text}]  ");
            }
            7 => {}
            _ => {
                let _ = write!(line, "{text}  ");
            }
        }
    }
    line.truncate(line.trim_end().len());
    if let Some(width) = width
        && line.chars().count() > width
    {
        line = line.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_who_what_from_where_and_whether_it_failed() {
        let cells = [
            Some("2024-03-01T05:46:41Z"),
            Some("Admin/alice"),
            Some("GetObject"),
            Some("s3.amazonaws.com"),
            Some("198.51.100.7"),
            Some("AccessDenied"),
            Some("bucket\u{202e}"),
            Some("id"),
        ];
        let whole = line(cells.into_iter(), None);
        assert_eq!(
            whole,
            "2024-03-01 05:46:41  Admin/alice                     GetObject                   s3            198.51.100.7     [AccessDenied]  bucket\\u{202e}"
        );
        assert_eq!(line(cells.into_iter(), Some(30)).chars().count(), 30);
        let empty = line([None; 8].into_iter(), None);
        assert_eq!(empty.split_whitespace().collect::<String>(), "-----");
    }
}
