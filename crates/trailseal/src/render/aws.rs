//! The text of `aws cloudtrail validate-logs`, for scripts that parse it (docs/formats/aws.md).
//!
//! The reference walks each chain from its newest digest backwards, by pointer where a digest is valid and
//! by listing where it is not. To print the same lines in the same order, so does this.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, Write},
};

use trailseal_archive::{Timestamp, gzip::Form, key::KeyParts};
use trailseal_evidence::report::{ChainId, ChainKind};
use trailseal_evidence::{LogEntry, RegionDetail};
use trailseal_verify::{
    Code, Digest, DigestContent, DigestRow, SignatureCheck, SignatureSource, Status, named_chain,
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
        let listing = DigestListing::new(detail);
        let trails: BTreeSet<ChainId> = detail
            .chains()
            .iter()
            .map(|chain| ChainId { kind: ChainKind::Standard, ..chain.id.clone() })
            .collect();
        for id in trails {
            let (first, last) = listing.span(&id);
            let (Some(start), Some(end)) = (self.start.or(first), self.end.or(last)) else { continue };
            let mut run = Run {
                detail,
                listing: &listing,
                id,
                start,
                end,
                verbose: self.verbose,
                out: &mut *out,
                err: &mut *err,
                is_double_spaced: true,
                found: None,
                digests: Ratio::default(),
                backfill: Ratio::default(),
                logs: Ratio::default(),
            };
            run.write()?;
            self.invalid += run.digests.invalid + run.backfill.invalid + run.logs.invalid;
        }
        Ok(())
    }
}

/// What a bucket listing would show of the digests.
struct DigestListing<'a> {
    rows: &'a [DigestRow],
    /// Key → rows found there.
    by_key: HashMap<String, Vec<usize>>,
    /// Keys of digests with what their names state, in the order of a listing.
    keys: BTreeMap<String, (ChainId, Timestamp)>,
    detail: &'a RegionDetail<'a>,
}

/// Where a trail delivers: what the reference lists.
struct DeliveryPlace {
    bucket: String,
    prefix: String,
    organization: Option<String>,
}

impl<'a> DigestListing<'a> {
    fn new(detail: &'a RegionDetail<'a>) -> Self {
        let rows = detail.rows();
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        let mut keys = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            let key = listed_key(row);
            if let Some(named) = named_chain(&key) {
                keys.insert(key.clone(), named);
            }
            by_key.entry(key).or_default().push(index);
        }
        Self { rows, by_key, keys, detail }
    }

    /// The digests of a chain, wherever its trail delivered them.
    fn digests(&self, id: &ChainId) -> impl Iterator<Item = &'a Digest> {
        let chain = self.detail.chains().iter().find(|chain| chain.id == *id);
        let rows = self.rows;
        chain.into_iter().flat_map(|chain| &chain.rows).filter_map(|row| rows[*row].digest())
    }

    fn span(&self, id: &ChainId) -> (Option<Timestamp>, Option<Timestamp>) {
        let backfill = ChainId { kind: ChainKind::Backfill, ..id.clone() };
        let digests = || self.digests(id).chain(self.digests(&backfill));
        (digests().map(|digest| digest.start).min(), digests().map(|digest| digest.end).max())
    }

    /// Where the trail of a chain delivers: where its newest digest lies. The reference lists no other place, and
    /// finds what was delivered to one before by the pointers of the digests.
    fn place(&self, id: &ChainId) -> DeliveryPlace {
        let newest = self.digests(id).max_by_key(|digest| digest.end);
        let anywhere = || self.rows.iter().find_map(|row| row.found.bucket.clone());
        let parts = newest.and_then(|digest| KeyParts::parse(&digest.object));
        let of_id = || {
            self.keys.iter().find(|(_, (of, _))| same_trail(of, id)).and_then(|(key, _)| KeyParts::parse(key))
        };
        let parts = parts.or_else(of_id);
        DeliveryPlace {
            bucket: newest.map(|digest| digest.bucket.clone()).or_else(anywhere).unwrap_or_default(),
            prefix: parts.as_ref().map_or_else(String::new, |parts| parts.prefix.to_owned()),
            organization: parts.and_then(|parts| parts.organization.map(str::to_owned)),
        }
    }

    /// The keys of a chain in a place whose stamps lie from `start` to an hour after `end`.
    fn keys(
        &self,
        id: &ChainId,
        place: &DeliveryPlace,
        start: Timestamp,
        end: Timestamp,
    ) -> Vec<(String, Timestamp)> {
        let is_in_place = |key: &str| {
            let parts = KeyParts::parse(key);
            parts.is_some_and(|parts| {
                (parts.prefix, parts.organization) == (&*place.prefix, place.organization.as_deref())
            }) && self.row(&place.bucket, key).is_some()
        };
        let of_chain = self.keys.iter().filter(|(_, (of, _))| same_trail(of, id) && of.kind == id.kind);
        let in_span = of_chain.filter(|(_, (_, stamp))| *stamp >= start && *stamp <= end.plus(3600));
        in_span.filter(|(key, _)| is_in_place(key)).map(|(key, (_, stamp))| (key.clone(), *stamp)).collect()
    }

    fn row(&self, bucket: &str, key: &str) -> Option<usize> {
        let in_bucket = |row: &&usize| {
            let found = &self.rows[**row].found;
            found.bucket.as_deref().is_none_or(|found| found == bucket)
        };
        self.by_key.get(key)?.iter().find(in_bucket).copied()
    }
}

/// The key under which a bucket would list a row's file: stored inflated, it may have lost its `.gz`.
fn listed_key(row: &DigestRow) -> String {
    match row.digest() {
        Some(digest) if row.found.is_place_of(&digest.object) => digest.object.clone(),
        _ => row.found.key.clone(),
    }
}

fn same_trail(a: &ChainId, b: &ChainId) -> bool {
    a.account == b.account && a.region == b.region && a.trail == b.trail && a.home_region == b.home_region
}

#[derive(Debug, Default)]
struct Ratio {
    valid: u64,
    invalid: u64,
}

/// One run of the reference: a trail, an account, a region.
struct Run<'r, 'a> {
    detail: &'r RegionDetail<'a>,
    listing: &'r DigestListing<'a>,
    id: ChainId,
    start: Timestamp,
    end: Timestamp,
    verbose: bool,
    out: &'r mut dyn Write,
    err: &'r mut dyn Write,
    is_double_spaced: bool,
    found: Option<(Timestamp, Timestamp)>,
    digests: Ratio,
    backfill: Ratio,
    logs: Ratio,
}

impl<'a> Run<'_, 'a> {
    fn write(&mut self) -> io::Result<()> {
        let ChainId { account, home_region, trail, .. } = &self.id;
        let partition = match home_region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        writeln!(
            self.out,
            "Validating log files for trail arn:{partition}:cloudtrail:{home_region}:{account}:trail/{trail} between {} and {}\n",
            self.start, self.end
        )?;
        self.traverse(ChainKind::Standard)?;
        self.traverse(ChainKind::Backfill)?;
        self.summary()
    }

    fn traverse(&mut self, kind: ChainKind) -> io::Result<()> {
        let id = ChainId { kind, ..self.id.clone() };
        let mut place = self.listing.place(&id);
        let mut keys = self.listing.keys(&id, &place, self.start, self.end);
        let Some((mut key, mut last_start)) = keys.pop() else { return Ok(()) };
        while self.start <= last_start {
            let next = match self.fetch(&place.bucket, &key) {
                Ok((row, digest)) => {
                    last_start = digest.start;
                    self.valid(row, digest, kind)?;
                    if let Some(previous) = &digest.previous {
                        if previous.bucket != place.bucket {
                            place.bucket.clone_from(&previous.bucket);
                            keys = self.listing.keys(&id, &place, self.start, digest.end);
                        }
                        Some(previous.object.clone())
                    } else {
                        let next = before(&mut keys, &key);
                        if let Some((_, end)) = &next {
                            let line = format!(
                                "No log files were delivered by CloudTrail between {end} and {last_start}"
                            );
                            self.error(&format!("{}{line}", prefix(kind)))?;
                        }
                        next.map(|(key, _)| key)
                    }
                }
                Err(reason) => {
                    self.ratio(kind).invalid += 1;
                    let bucket = &place.bucket;
                    let line = format!("{}Digest file\ts3://{bucket}/{key}\tINVALID: {reason}", prefix(kind));
                    self.error(&line)?;
                    before(&mut keys, &key).map(|(key, _)| key)
                }
            };
            match next {
                Some(next) => key = next,
                None => break,
            }
        }
        Ok(())
    }

    /// A digest that is valid, or why it is not, in the reference's order and words.
    fn fetch(&self, bucket: &str, key: &str) -> Result<(usize, &'a Digest), String> {
        let Some(index) = self.listing.row(bucket, key) else { return Err("not found".to_owned()) };
        let row = &self.listing.rows[index];
        let digest = match &row.content {
            DigestContent::Digest(digest, _) => digest,
            DigestContent::Unusable(..) => return Err("invalid format".to_owned()),
        };
        if digest.bucket != bucket || digest.object != key {
            return Err("has been moved from its original location".to_owned());
        }
        let judgement = &self.detail.judgements()[index];
        let own = row.signatures.iter().find(|(signature, _)| signature.source != SignatureSource::Successor);
        let failed = "signature verification failed";
        match own.map(|(signature, check)| (signature.hex.as_str(), check)) {
            Some((_, SignatureCheck::OtherContent | SignatureCheck::NotBySuchKey)) => {
                return Err(failed.to_owned());
            }
            Some((hex, SignatureCheck::Malformed(_))) => return Err(malformed(hex).to_owned()),
            _ if judgement.is_authentic() => {}
            Some((_, SignatureCheck::AlgorithmUnsupported(_))) => {
                return Err("signature algorithm is not SHA256withRSA".to_owned());
            }
            Some((_, SignatureCheck::KeyUnknown)) => {
                let (home, fingerprint) = (&self.id.home_region, &digest.fingerprint);
                return Err(format!("public key not found in region {home} for fingerprint {fingerprint}"));
            }
            _ => return Err(failed.to_owned()),
        }
        if row.trailing.is_some() {
            return Err("unexpected data after end of compressed stream".to_owned());
        }
        // What only trailseal sees (a fork, say) is a problem all the same.
        let is_fine = judgement.status() == Status::Verified;
        if is_fine { Ok((index, digest)) } else { Err(failed.to_owned()) }
    }

    fn valid(&mut self, row: usize, digest: &Digest, kind: ChainKind) -> io::Result<()> {
        let start = digest.start.max(self.start);
        let end = digest.end.min(self.end);
        self.found = Some(self.found.map_or((start, end), |(s, e)| (s.min(start), e.max(end))));
        self.ratio(kind).valid += 1;
        let line = format!("{}Digest file\ts3://{}/{}\tvalid", prefix(kind), digest.bucket, digest.object);
        self.status(&line)?;
        let entries: Vec<LogEntry<'_>> = self.detail.logs(row).collect();
        for entry in &entries {
            self.log(entry)?;
        }
        Ok(())
    }

    fn log(&mut self, entry: &LogEntry<'_>) -> io::Result<()> {
        let named = entry.named;
        let line = format!("Log file\ts3://{}/{}\t", named.bucket, named.object);
        let has_content = entry.seen.is_some_and(|seen| Some(seen.sha256) == named.hash);
        let reason = match entry.verdict.finding().as_ref().map(|(code, _)| *code) {
            None => {
                self.logs.valid += 1;
                return self.status(&format!("{line}valid"));
            }
            Some(Code::LogMissing | Code::LogNotInArchive) => "not found",
            Some(Code::LogTrailingData | Code::LogExtraMember) => {
                "unexpected data after end of compressed stream"
            }
            // What is not gzip at all cannot be inflated by the reference.
            Some(Code::LogAltered) if entry.seen.is_some_and(|seen| seen.form == Form::Inflated) => {
                "invalid format"
            }
            Some(Code::LogAltered | Code::LogEmpty) => "hash value doesn't match",
            // The reference compares what could be inflated.
            Some(Code::LogTruncated) if !has_content => "hash value doesn't match",
            Some(Code::AlgorithmUnsupported) => "hash algorithm is not SHA-256",
            Some(Code::LogUnreadable) => "cannot be read",
            Some(_) => "invalid format",
        };
        self.logs.invalid += 1;
        self.error(&format!("{line}INVALID: {reason}"))
    }

    fn ratio(&mut self, kind: ChainKind) -> &mut Ratio {
        match kind {
            ChainKind::Standard => &mut self.digests,
            ChainKind::Backfill => &mut self.backfill,
        }
    }

    fn status(&mut self, line: &str) -> io::Result<()> {
        if self.verbose {
            self.is_double_spaced = false;
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn error(&mut self, line: &str) -> io::Result<()> {
        let before = if self.is_double_spaced { "" } else { "\n" };
        self.is_double_spaced = true;
        // Both streams may be one file: keep their order.
        self.out.flush()?;
        write!(self.err, "{before}{line}\n\n")
    }

    fn summary(&mut self) -> io::Result<()> {
        if !self.is_double_spaced {
            writeln!(self.out)?;
        }
        writeln!(self.out, "Results requested for {} to {}", self.start, self.end)?;
        let checked = |ratio: &Ratio| ratio.valid + ratio.invalid;
        if checked(&self.digests) + checked(&self.backfill) == 0 {
            return writeln!(self.out, "No digests found");
        }
        match self.found {
            Some((start, end)) => writeln!(self.out, "Results found for {start} to {end}:")?,
            None => writeln!(self.out, "No valid digests found in range")?,
        }
        for (ratio, name) in
            [(&self.digests, "digest"), (&self.backfill, "backfill digest"), (&self.logs, "log")]
        {
            let total = checked(ratio);
            if total > 0 {
                write!(self.out, "\n{}/{total} {name} files valid", ratio.valid)?;
            }
            if ratio.invalid > 0 {
                write!(self.out, ", {}/{total} {name} files INVALID", ratio.invalid)?;
            }
        }
        writeln!(self.out)
    }
}

/// The next key of a listing that is older than `key`, which need not be in it.
fn before(keys: &mut Vec<(String, Timestamp)>, key: &str) -> Option<(String, Timestamp)> {
    let (_, stamp) = named_chain(key)?;
    while let Some((next, end)) = keys.pop() {
        if end < stamp {
            return Some((next, end));
        }
    }
    None
}

fn prefix(kind: ChainKind) -> &'static str {
    match kind {
        ChainKind::Standard => "",
        ChainKind::Backfill => "(backfill) ",
    }
}

/// What the reference's hex decoder says; a signature of the wrong length only fails.
fn malformed(hex: &str) -> &'static str {
    if hex.len() % 2 == 1 {
        "Odd-length string"
    } else if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "Non-hexadecimal digit found"
    } else {
        "signature verification failed"
    }
}
