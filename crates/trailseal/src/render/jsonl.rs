//! One JSON object a line: digests and logs as their accounts and regions are judged, then findings, chains
//! and, last, the summary. What has no summary is not whole.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::report::{ChainKind, ChainReport, Report, Scope, Totals, Verdict};
use trailseal_evidence::{LogEntry, RegionDetail, UnnamedLog};
use trailseal_verify::{Code, Evidence, Finding, SignatureSource, Status, Unnamed};

use super::stats::Stats;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReportLine<'a> {
    Digest(Digest<'a>),
    Log(Log<'a>),
    Finding(&'a Finding),
    Chain(&'a ChainReport),
    Summary(Summary<'a>),
}

#[derive(Serialize)]
struct Digest<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'a str>,
    path: &'a str,
    #[serde(flatten)]
    place: LinePlace<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ChainKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
    status: Status,
    evidence: &'a [Evidence],
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_source: Option<SignatureSource>,
    sha256: String,
    logs: usize,
}

#[derive(Clone, Copy, Default, Serialize)]
struct LinePlace<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<&'a str>,
}

#[derive(Serialize)]
struct Log<'a> {
    key: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(flatten)]
    place: LinePlace<'a>,
    status: LogStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    /// Of the inflated bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Inflated.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LogStatus {
    Named(Status),
    Unnamed(&'static str),
}

#[derive(Serialize)]
struct Summary<'a> {
    schema: &'static str,
    tool: &'static str,
    verdict: Verdict,
    exit_status: u8,
    scope: &'a Scope,
    totals: &'a Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<&'a Stats>,
}

/// Every digest and log of one account and region.
pub(crate) fn write_unit(detail: &RegionDetail<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (index, (row, judgement)) in detail.rows().iter().zip(detail.judgements()).enumerate() {
        if !judgement.is_counted() {
            continue;
        }
        let (digest, id) = (row.digest(), row.chain());
        let place = LinePlace {
            organization: id.map_or(detail.key().organization.as_deref(), |id| id.organization.as_deref()),
            account: id.map(|id| id.account.as_str()).or(known(&detail.key().account)),
            region: id.map(|id| id.region.as_str()).or(known(&detail.key().region)),
            trail: id.map(|id| id.trail.as_str()),
        };
        let line = Digest {
            key: digest.map_or(&row.found.key, |digest| &digest.object),
            bucket: digest.map(|digest| digest.bucket.as_str()).or(row.found.bucket.as_deref()),
            path: &row.found.path,
            place,
            home_region: id.map(|id| id.home_region.as_str()),
            kind: id.map(|id| id.kind),
            start: digest.map(|digest| digest.start),
            end: digest.map(|digest| digest.end),
            status: judgement.status(),
            evidence: judgement.evidence(),
            signature_source: judgement.source(),
            sha256: hex::encode(row.sha256),
            logs: digest.map_or(0, |digest| digest.logs.len()),
        };
        write(&ReportLine::Digest(line), out)?;
        for entry in detail.logs(index) {
            let path = detail.path(&entry);
            let digest = digest.map(|digest| digest.object.as_str());
            write(&ReportLine::Log(named(&entry, path.as_deref(), place, digest)), out)?;
        }
    }
    let place = LinePlace {
        organization: detail.key().organization.as_deref(),
        account: known(&detail.key().account),
        region: known(&detail.key().region),
        trail: None,
    };
    for log in detail.unnamed().iter().filter(|log| log.is_in_scope) {
        write(&ReportLine::Log(unnamed(log, place)), out)?;
    }
    Ok(())
}

/// Findings, chains and the summary.
pub(crate) fn write_report(report: &Report, stats: Option<&Stats>, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        write(&ReportLine::Finding(finding), out)?;
    }
    for chain in &report.chains {
        write(&ReportLine::Chain(chain), out)?;
    }
    let Report { schema, tool, verdict, exit_status, scope, totals, .. } = report;
    let summary =
        Summary { schema, tool, verdict: *verdict, exit_status: *exit_status, scope, totals, stats };
    write(&ReportLine::Summary(summary), out)
}

fn named<'a>(
    entry: &LogEntry<'a>,
    path: Option<&'a str>,
    place: LinePlace<'a>,
    digest: Option<&'a str>,
) -> Log<'a> {
    Log {
        key: entry.named.object.to_string().into(),
        bucket: Some(&entry.named.bucket),
        path,
        place,
        status: LogStatus::Named(entry.verdict.status()),
        code: entry.verdict.finding().as_ref().map(|(code, _)| *code),
        digest,
        sha256: entry.seen.map(|seen| hex::encode(seen.sha256)),
        bytes: entry.seen.map(|seen| seen.inflated),
    }
}

fn unnamed<'a>(log: &'a UnnamedLog, place: LinePlace<'a>) -> Log<'a> {
    // The code is in the finding: a moved log, for one, is known only when the whole archive has been seen.
    let status = match log.meaning {
        _ if log.is_copy => "copy",
        Unnamed::StampMismatch => "stamp_mismatch",
        Unnamed::Stray => "stray",
        _ if log.is_other_kind => "outside_coverage",
        Unnamed::Planted | Unnamed::Unreferenced => "unreferenced",
        Unnamed::Pending => "pending",
        Unnamed::OutsideCoverage => "outside_coverage",
    };
    Log {
        key: Cow::Borrowed(&log.key),
        bucket: None,
        path: Some(&log.path),
        place,
        status: LogStatus::Unnamed(status),
        code: None,
        digest: None,
        sha256: None,
        bytes: None,
    }
}

fn write(line: &ReportLine<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
