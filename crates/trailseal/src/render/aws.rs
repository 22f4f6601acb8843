//! The text of `aws cloudtrail validate-logs`, for scripts that parse it (docs/formats/aws.md).

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    ReferenceStep, ReferenceTotals, RegionDetail, Validity, reference_walk,
    report::{ChainId, ChainKind},
};

/// Writes one run of the reference for every trail, account and region that it is shown.
#[derive(Debug)]
pub(crate) struct AwsText {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    verbose: bool,
    invalid: u64,
}

impl AwsText {
    /// For the asked span; without one, each run names the span of its digests.
    pub(crate) fn new(start: Option<Timestamp>, end: Option<Timestamp>, verbose: bool) -> Self {
        Self { start, end, verbose, invalid: 0 }
    }

    /// Whether any line said `INVALID`.
    pub(crate) fn saw_invalid(&self) -> bool {
        self.invalid > 0
    }

    /// Writes the runs of one account and region: valid files and summaries to `out`, the rest to `err`.
    pub(crate) fn unit(
        &mut self,
        detail: &RegionDetail<'_>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        let mut lines = Lines { out, err, verbose: self.verbose, is_double_spaced: true };
        let mut result = Ok(());
        let _ = reference_walk(detail, (self.start, self.end), &mut |step| {
            if let ReferenceStep::End(totals) = &step {
                self.invalid += totals.invalid();
            }
            result = lines.step(&step);
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        result
    }
}

/// The two streams of the reference.
struct Lines<'r> {
    out: &'r mut dyn Write,
    err: &'r mut dyn Write,
    verbose: bool,
    is_double_spaced: bool,
}

impl Lines<'_> {
    fn step(&mut self, step: &ReferenceStep<'_>) -> io::Result<()> {
        match step {
            ReferenceStep::Begin { chain, span } => self.begin(chain, *span),
            ReferenceStep::Digest { kind, bucket, key, problem } => {
                let line = format!("{}Digest file\ts3://{bucket}/{key}\t", prefix(*kind));
                self.file(&line, problem.as_deref())
            }
            ReferenceStep::Log { bucket, key, problem } => {
                self.file(&format!("Log file\ts3://{bucket}/{key}\t"), *problem)
            }
            ReferenceStep::Gap { kind, span: (from, to) } => {
                let line = format!("No log files were delivered by CloudTrail between {from} and {to}");
                self.error(&format!("{}{line}", prefix(*kind)))
            }
            ReferenceStep::End(totals) => self.summary(totals),
        }
    }

    fn begin(&mut self, chain: &ChainId, (start, end): (Timestamp, Timestamp)) -> io::Result<()> {
        let ChainId { account, home_region, trail, .. } = chain;
        let partition = match home_region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        self.is_double_spaced = true;
        let arn = format!("arn:{partition}:cloudtrail:{home_region}:{account}:trail/{trail}");
        writeln!(self.out, "Validating log files for trail {arn} between {start} and {end}\n")
    }

    fn file(&mut self, line: &str, problem: Option<&str>) -> io::Result<()> {
        match problem {
            Some(problem) => self.error(&format!("{line}INVALID: {problem}")),
            None if self.verbose => {
                self.is_double_spaced = false;
                writeln!(self.out, "{line}valid")
            }
            None => Ok(()),
        }
    }

    fn error(&mut self, line: &str) -> io::Result<()> {
        let before = if self.is_double_spaced { "" } else { "\n" };
        self.is_double_spaced = true;
        // Both streams may be one file: keep their order.
        self.out.flush()?;
        write!(self.err, "{before}{line}\n\n")
    }

    fn summary(&mut self, totals: &ReferenceTotals) -> io::Result<()> {
        if !self.is_double_spaced {
            writeln!(self.out)?;
        }
        let ReferenceTotals { asked: (start, end), found, digests, backfill, logs } = *totals;
        writeln!(self.out, "Results requested for {start} to {end}")?;
        if digests.checked() + backfill.checked() == 0 {
            return writeln!(self.out, "No digests found");
        }
        match found {
            Some((start, end)) => writeln!(self.out, "Results found for {start} to {end}:")?,
            None => writeln!(self.out, "No valid digests found in range")?,
        }
        for (files, name) in [(digests, "digest"), (backfill, "backfill digest"), (logs, "log")] {
            let (Validity { valid, invalid }, total) = (files, files.checked());
            if total > 0 {
                write!(self.out, "\n{valid}/{total} {name} files valid")?;
            }
            if invalid > 0 {
                write!(self.out, ", {invalid}/{total} {name} files INVALID")?;
            }
        }
        writeln!(self.out)
    }
}

fn prefix(kind: ChainKind) -> &'static str {
    match kind {
        ChainKind::Standard => "",
        ChainKind::Backfill => "(backfill) ",
    }
}
