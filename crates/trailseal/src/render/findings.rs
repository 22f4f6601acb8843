//! Findings, one line each; many of one kind become one line.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use trailseal_verify::{Code, Finding, Severity};

use super::{
    plain::{plural, severity_style, shown, span, wrapped},
    style::Style,
};

/// So many violations of one code in one account, region and trail are listed; more are summed up.
const MAX_VIOLATIONS: usize = 20;
/// The same for what weighs less: an unproven digest makes all its logs unproven.
const MAX_OTHERS: usize = 5;

/// What is listed without being asked for: where a lost log lies, what was given for nothing, and what is a note only
/// because it was allowed; other notes say that all is in order.
pub(crate) fn is_listed(finding: &Finding) -> bool {
    let is_told =
        matches!(finding.code, Code::LogFoundElsewhere | Code::RootAddsNothing | Code::BaselineNotCompared);
    finding.severity != Severity::Note || finding.code.severity() != Severity::Note || is_told
}

/// Writes the findings; notes only where they are asked for.
pub(crate) fn write(findings: &[Finding], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let listed: Vec<&Finding> =
        findings.iter().filter(|finding| style.verbose || is_listed(finding)).collect();
    let mut groups: HashMap<Group<'_>, Sum<'_>> = HashMap::new();
    for finding in &listed {
        groups.entry(group(finding)).or_insert_with(|| Sum::new(finding)).add(finding);
    }
    let code_width = listed.iter().map(|finding| finding.code.text().len()).max().unwrap_or(0);
    for finding in listed {
        let sum = groups
            .get_mut(&group(finding))
            .filter(|sum| sum.count > limit(finding.severity) && !style.verbose);
        let (when, what, message) = match sum {
            None => (when(finding), what(finding), message(finding)),
            Some(sum) if sum.is_written => continue,
            Some(sum) => {
                sum.is_written = true;
                sum.text()
            }
        };
        let colour = severity_style(finding.severity);
        let severity = match finding.severity {
            Severity::Violation => "violation",
            Severity::Unproven => "unproven",
            Severity::Note => "note",
        };
        let code = finding.code.text();
        let head = format!("{colour}{severity:<9}{colour:#}  {code:<code_width$}");
        let rest: Vec<&str> =
            [when.as_str(), what.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        let place = rest.join("  ");
        let one_line = format!("{place}{}{message}", if place.is_empty() { "" } else { ": " });
        let length = 9 + 2 + code_width + 2 + one_line.chars().count();
        match style.width {
            Some(width) if length > width => {
                writeln!(out, "{}", format!("{head}  {when}").trim_end())?;
                if !what.is_empty() {
                    writeln!(out, "    {what}")?;
                }
                for line in wrapped(&message, width.saturating_sub(4)) {
                    writeln!(out, "    {line}")?;
                }
            }
            _ => writeln!(out, "{head}  {one_line}")?,
        }
    }
    Ok(())
}

fn limit(severity: Severity) -> usize {
    if severity == Severity::Violation { MAX_VIOLATIONS } else { MAX_OTHERS }
}

type Group<'a> = (Severity, Code, [Option<&'a str>; 4]);

fn group(finding: &Finding) -> Group<'_> {
    let Finding { organization, account, region, trail, .. } = finding;
    let place = [organization, account, region, trail].map(|part| part.as_deref());
    (finding.severity, finding.code, place)
}

struct Sum<'a> {
    count: usize,
    first: &'a Finding,
    start: Option<trailseal_archive::Timestamp>,
    end: Option<trailseal_archive::Timestamp>,
    is_written: bool,
}

impl<'a> Sum<'a> {
    fn new(first: &'a Finding) -> Self {
        Self { count: 0, first, start: None, end: None, is_written: false }
    }

    fn add(&mut self, finding: &Finding) {
        self.count += 1;
        let start = finding.start.or(finding.end);
        self.start = self.start.map_or(start, |known| start.map(|start| start.min(known)).or(Some(known)));
        self.end = self.end.max(finding.end.or(finding.start));
    }

    fn text(&self) -> (String, String, String) {
        let when = match (self.start, self.end) {
            (Some(start), Some(end)) => span(start, end),
            _ => String::new(),
        };
        let first = what(self.first);
        let message = format!(
            "{} like this one: {}; the first is {first} (all of them: --verbose)",
            plural(self.count as u64, "finding"),
            message(self.first),
        );
        (when, place(self.first), message)
    }
}

fn when(finding: &Finding) -> String {
    match (finding.start, finding.end) {
        (Some(start), Some(end)) if start != end => span(start, end),
        (Some(time), _) | (None, Some(time)) => super::plain::moment(time),
        (None, None) => String::new(),
    }
}

/// The file, the object, or else the account, region and trail.
fn what(finding: &Finding) -> String {
    match (&finding.path, &finding.key, &finding.bucket) {
        (Some(path), ..) => shown(path).into_owned(),
        (None, Some(key), Some(bucket)) => format!("s3://{}/{}", shown(bucket), shown(key)),
        (None, Some(key), None) => shown(key).into_owned(),
        (None, None, _) => place(finding),
    }
}

fn place(finding: &Finding) -> String {
    let Finding { organization, account, region, trail, .. } = finding;
    let parts: Vec<_> =
        [organization, account, region, trail].into_iter().flatten().map(|part| shown(part)).collect();
    parts.join(" ")
}

/// The sentence, and what was expected and found.
fn message(finding: &Finding) -> String {
    let text = shown(&finding.message).into_owned();
    match (&finding.expected, &finding.actual) {
        (Some(expected), Some(actual)) if expected != actual => {
            format!("{text} (expected: {}; found: {})", brief(expected), brief(actual))
        }
        _ => text,
    }
}

/// A hash is told by its first 16 digits; the JSON has it whole.
fn brief(text: &str) -> String {
    if text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return format!("sha256 {}…", &text[..16]);
    }
    let short: String = text.chars().take(100).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", shown(&short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding], style: &Style) -> Vec<String> {
        let mut out = Vec::new();
        write(findings, style, &mut anstream::StripStream::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    fn missing(n: usize) -> Finding {
        Finding::new(Code::LogMissing, "a log is not there").about(Some("b"), &format!("k{n}"))
    }

    #[test]
    fn many_findings_of_one_kind_become_one_line() {
        let style = Style::default();
        let few: Vec<Finding> = (0..20).map(missing).collect();
        assert_eq!(lines(&few, &style).len(), 20);
        let many: Vec<Finding> = (0..21).map(missing).collect();
        let text = lines(&many, &style);
        assert_eq!(text.len(), 1);
        assert!(text[0].contains("21 findings like this one"), "{}", text[0]);
    }

    #[test]
    fn names_from_outside_cannot_steer_the_terminal() {
        let finding = Finding::new(Code::LogAltered, "x\x1b[31m").found_at("a\nb\x07");
        assert_eq!(
            lines(&[finding], &Style::default()),
            ["violation  log_altered  a\\u{a}b\\u{7}: x\\u{1b}[31m"]
        );
    }

    #[test]
    fn a_narrow_terminal_gets_several_short_lines() {
        let style = Style { width: Some(50), ..Style::default() };
        let finding =
            Finding::new(Code::LogAltered, "the content of this log is not the one that was signed")
                .found_at("some/file");
        let text = lines(&[finding], &style);
        assert!(text.len() > 2 && text.iter().all(|line| line.chars().count() <= 50), "{text:?}");
    }

    #[test]
    fn notes_are_shown_on_demand() {
        let note = Finding::new(Code::StoredInflated, "stored inflated");
        assert!(lines(std::slice::from_ref(&note), &Style::default()).is_empty());
        assert_eq!(lines(&[note], &Style { verbose: true, ..Style::default() }).len(), 1);
    }
}
