//! Chains of digests in memory, what is done to them, and what the verifier must say of it.
//!
//! ```text
//! check(hours(5).remove(3), "vvv-vv", &["V digest_missing 3 2..3 by 4"]);
//! ```
//!
//! `hours(5)` is a chain of a starting digest, 0, and five hourly ones, 1 to 5. What happened to each of them is one
//! letter: `v` verified, `x` violated, `u` unproven, `-` not there; `.` and `X` are the first and the last of what is not
//! counted, for it is a copy, no digest, or was not asked for. The next word is the next chain, whose digests are `b0`, `b1`
//! …; the last word is of what was planted, `p0`, `p1` ….
//!
//! A finding is one line: V (violation), U (unproven) or N (note), the code, the digest that it speaks of, where that lies if
//! not in its place (`@4`), the span in hours (`2..3`: digest 3 covers what lies between the ends of 2 and 3), a number
//! (`x2`) and the digest that says so (`by 4`).
//!
//! What the owner of the key does stands in [`Case::signed`], and everything after it is what an intruder can do.

use std::{collections::BTreeMap, fmt::Write as _, sync::OnceLock};

use trailseal_archive::{Timestamp, gzip::inflate_all};
use trailseal_testkit::{DigestDocument, Model, ModelChain, ModelDigest, Plan};
use trailseal_verify::{
    Assessment, Covered, DigestFile, DigestRow, Evidence, Finding, FoundAt, HOUR, KeyFile, KeyRing, Limits,
    Policy, Severity, Signature, SignatureCheck, SignatureSource, Status, assess, check_heads, examine,
    parse_digest_file,
};

/// An archive in memory: sealed chains, and the digest files that lie there.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) model: Model,
    pub(crate) files: Vec<File>,
    planted: usize,
    keys: Vec<usize>,
    validity: Option<(Timestamp, Timestamp)>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    /// Where a key that is named lies outside of what was copied.
    unmapped: Option<String>,
}

/// A digest file and what lies beside it.
#[derive(Clone)]
pub(crate) struct File {
    /// `3`, `b3` or `p0`.
    label: String,
    pub(crate) found: FoundAt,
    /// The bytes as stored, or why they cannot be read.
    pub(crate) stored: Result<Vec<u8>, String>,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) generated: Option<String>,
    pub(crate) metadata_problem: Option<String>,
}

/// A trail that logs for so many hours, in one account and region. Signing takes a while: each is sealed once.
pub(crate) fn hours(hours: usize) -> Case {
    static SEALED: [OnceLock<Model>; 10] = [const { OnceLock::new() }; 10];
    let plan = || Plan { hours, logs_per_hour: 1, ..Plan::default() };
    Case::of(SEALED[hours].get_or_init(|| plan().model()).clone())
}

pub(crate) fn plan(plan: Plan) -> Case {
    Case::of(plan.model())
}

/// The end of digest number `number` of every chain without a pause.
pub(crate) fn hour(number: i64) -> Timestamp {
    Plan::default().start.plus(number * HOUR)
}

/// A signature as a sidecar states it.
pub(crate) fn sidecar(hex: &str) -> Signature {
    Signature {
        source: SignatureSource::Sidecar,
        hex: hex.to_owned(),
        algorithm: Some("SHA256withRSA".to_owned()),
    }
}

impl File {
    fn new(label: String, digest: &ModelDigest) -> Self {
        let key = digest.object().to_owned();
        let bucket = Some(digest.document.s3_bucket.clone());
        Self {
            label,
            found: FoundAt { path: key.clone(), bucket, key },
            stored: Ok(digest.stored()),
            signatures: vec![sidecar(&digest.signature)],
            generated: digest.generated.map(|time| time.to_string()),
            metadata_problem: None,
        }
    }

    /// Puts it into another place.
    pub(crate) fn lay(&mut self, key: &str) {
        key.clone_into(&mut self.found.key);
        key.clone_into(&mut self.found.path);
    }
}

impl Case {
    /// Everything that the model holds, each digest in its place with its signature beside it.
    pub(crate) fn of(model: Model) -> Self {
        let labelled = |(at, chain): (usize, &ModelChain)| {
            let chain_name = if at == 0 { String::new() } else { char::from(b'a' + at as u8).to_string() };
            let digests = chain.digests.iter().enumerate();
            digests
                .map(|(number, digest)| File::new(format!("{chain_name}{number}"), digest))
                .collect::<Vec<_>>()
        };
        Self {
            files: model.chains.iter().enumerate().flat_map(labelled).collect(),
            planted: 0,
            keys: model.used_keys(),
            validity: None,
            policy: Policy::default(),
            limits: Limits::default(),
            unmapped: None,
            model,
        }
    }

    /// A change by the owner of the key: digests are sealed anew as the change says.
    pub(crate) fn signed(mut self, change: impl FnOnce(&mut ModelChain)) -> Self {
        change(&mut self.model.chains[0]);
        Self { policy: self.policy, ..Self::of(self.model) }
    }

    /// Another trail's digests in the same archive.
    pub(crate) fn with(self, other: Self) -> Self {
        Self { policy: self.policy, ..Self::of(self.model.with(other.model)) }
    }

    /// The digest of the first chain, as it was sealed.
    pub(crate) fn digest(&self, number: usize) -> &ModelDigest {
        &self.model.chains[0].digests[number]
    }

    /// The place of a digest of the first chain.
    pub(crate) fn key(&self, number: usize) -> String {
        self.digest(number).object().to_owned()
    }

    pub(crate) fn file(&mut self, label: &str) -> &mut File {
        self.files.iter_mut().find(|file| file.label == label).expect("a file of this label")
    }

    /// A change to a file of the first chain.
    pub(crate) fn at(mut self, number: usize, change: impl FnOnce(&mut File)) -> Self {
        change(self.file(&number.to_string()));
        self
    }

    /// A change to every file.
    pub(crate) fn everywhere(mut self, change: impl FnMut(&mut File)) -> Self {
        self.files.iter_mut().for_each(change);
        self
    }

    pub(crate) fn remove(self, number: usize) -> Self {
        self.remove_labelled(&number.to_string())
    }

    pub(crate) fn remove_labelled(mut self, label: &str) -> Self {
        self.file(label);
        self.files.retain(|file| file.label != label);
        self
    }

    /// Another content under the old signature.
    pub(crate) fn edit(self, number: usize, change: impl FnOnce(&mut DigestDocument)) -> Self {
        let content = self.digest(number).edited(change);
        self.content(number, content)
    }

    /// A digest that an intruder signed with a key of their own, and whose fingerprint says so.
    pub(crate) fn resign(self, number: usize, key: usize) -> Self {
        let mut digest = self.digest(number).clone();
        digest.key = key;
        digest.seal();
        self.content(number, digest.inflated)
            .at(number, |file| file.signatures = vec![sidecar(&digest.signature)])
    }

    /// Another content, compressed.
    pub(crate) fn content(self, number: usize, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.at(number, |file| file.stored = Ok(trailseal_testkit::gzip(&content)))
    }

    /// Bytes after those that are stored.
    pub(crate) fn append(self, number: usize, bytes: &[u8]) -> Self {
        self.at(number, |file| {
            file.stored.as_mut().expect("a file that can be read").extend_from_slice(bytes);
        })
    }

    /// The contents of two files, each in the other's place; the signatures stay.
    pub(crate) fn swap(mut self, one: usize, other: usize) -> Self {
        let first = self.file(&one.to_string()).stored.clone();
        let second = std::mem::replace(&mut self.file(&other.to_string()).stored, first);
        self.file(&one.to_string()).stored = second;
        self
    }

    /// The content of one file in the place of another, too.
    pub(crate) fn replay(mut self, from: usize, over: usize) -> Self {
        let stored = self.file(&from.to_string()).stored.clone();
        self.file(&over.to_string()).stored = stored;
        self
    }

    pub(crate) fn move_to(self, number: usize, key: &str) -> Self {
        self.at(number, |file| file.lay(key))
    }

    /// A further file with the content of this one, and no signature beside it.
    pub(crate) fn copy(mut self, number: usize, key: &str) -> Self {
        let mut file = self.file(&number.to_string()).clone();
        file.signatures.clear();
        file.lay(key);
        self.push(file)
    }

    /// A sealed digest in the place that it claims, its signature beside it.
    pub(crate) fn plant(self, digest: &ModelDigest) -> Self {
        self.push(File::new(String::new(), digest))
    }

    pub(crate) fn push(mut self, file: File) -> Self {
        let label = format!("p{}", self.planted);
        self.planted += 1;
        self.files.push(File { label, ..file });
        self
    }

    /// No signature beside this digest.
    pub(crate) fn unsigned(self, number: usize) -> Self {
        self.at(number, |file| file.signatures.clear())
    }

    /// No signature anywhere, as `aws s3 sync` leaves an archive.
    pub(crate) fn without_signatures(self) -> Self {
        self.everywhere(|file| file.signatures.clear())
    }

    /// These keys are trusted, and no others.
    pub(crate) fn trusting(self, keys: &[usize]) -> Self {
        Self { keys: keys.to_vec(), ..self }
    }

    /// All keys are said to be valid in this span only.
    pub(crate) fn valid(self, from: Timestamp, to: Timestamp) -> Self {
        Self { validity: Some((from, to)), ..self }
    }

    /// Only what ends after hour `number` is asked for.
    pub(crate) fn from(mut self, number: i64) -> Self {
        self.policy.start = Some(hour(number));
        self
    }

    /// Only what starts before hour `number` is asked for.
    pub(crate) fn to(mut self, number: i64) -> Self {
        self.policy.end = Some(hour(number));
        self
    }

    /// Only this trail is asked for.
    pub(crate) fn trail(mut self, trail: &str) -> Self {
        self.policy.trails = vec![trail.to_owned()];
        self
    }

    /// Only this account is asked for.
    pub(crate) fn account(mut self, account: &str) -> Self {
        self.policy.accounts = vec![account.to_owned()];
        self
    }

    /// What lies below this prefix was not copied.
    pub(crate) fn without_prefix(self, prefix: &str) -> Self {
        Self { unmapped: Some(prefix.to_owned()), ..self }
    }

    pub(crate) fn ring(&self) -> KeyRing {
        if self.keys.is_empty() {
            return KeyRing::default();
        }
        let text = self.model.public_keys(&self.keys, self.validity);
        let file = KeyFile::parse("keys/public-keys-eu-west-1.json", text.as_bytes());
        assert_eq!(file.defects, []);
        KeyRing::new(file.keys)
    }

    /// The rows of the files, in their order.
    fn rows(&self, look: impl Fn(DigestFile<'_>) -> DigestRow<()>) -> Vec<DigestRow> {
        self.files
            .iter()
            .map(|file| {
                let read = file.stored.as_ref().map(|stored| {
                    inflate_all(stored.as_slice(), self.limits.max_inflated_digest).expect("memory is read")
                });
                let (content, form, ending) = match read {
                    Ok((content, form, ending)) => (Ok(content), form, ending),
                    Err(reason) => {
                        let (_, form, ending) = inflate_all(&b""[..], 0).expect("memory is read");
                        (Err(reason.clone()), form, ending)
                    }
                };
                let content = content.map_err(std::io::Error::other);
                let row = look(DigestFile {
                    content: content.as_deref().map_err(|error| error as _),
                    form,
                    ending: &ending,
                    signatures: file.signatures.clone(),
                    backfill_generated: file.generated.clone(),
                    metadata_problem: file.metadata_problem.clone(),
                });
                row.at(file.found.clone())
            })
            .collect()
    }

    /// What the verifier says.
    pub(crate) fn judge(self) -> Seen {
        let keys = self.ring();
        let rows = self.rows(|file| examine(file, &keys, &self.limits));
        let assessment = self.assess(&rows, &keys);
        Seen { case: self, rows, assessment }
    }

    /// The checks of every file's signatures where only those of the last digests are computed.
    pub(crate) fn by_heads(&self) -> Vec<Vec<SignatureCheck>> {
        let mut rows = self.rows(|file| parse_digest_file(file, &self.limits));
        check_heads(&mut rows, &self.ring());
        rows.iter().map(|row| row.signatures().iter().map(|(_, check)| check.clone()).collect()).collect()
    }

    fn assess(&self, rows: &[DigestRow], keys: &KeyRing) -> Assessment {
        let unmapped = self.unmapped.as_deref();
        let is_mapped = |_: &str, key: &str| unmapped.is_none_or(|prefix| !key.starts_with(prefix));
        assess(rows, keys, &self.policy, &is_mapped)
    }
}

/// What the verifier said of a case.
pub(crate) struct Seen {
    pub(crate) case: Case,
    pub(crate) rows: Vec<DigestRow>,
    pub(crate) assessment: Assessment,
}

impl Seen {
    fn index(&self, label: &str) -> Option<usize> {
        self.case.files.iter().position(|file| file.label == label)
    }

    /// One letter a digest; see the head of this file.
    pub(crate) fn states(&self) -> String {
        let state = |label: &str| {
            let Some(index) = self.index(label) else { return '-' };
            let judgement = &self.assessment.judgements[index];
            match (judgement.is_counted(), judgement.status()) {
                (true, Status::Verified) => 'v',
                (true, Status::Violated) => 'x',
                (true, Status::Unproven) => 'u',
                (false, Status::Unproven) => '.',
                (false, Status::Violated) => 'X',
                (_, other) => panic!("{label} is {other:?}"),
            }
        };
        let mut words: Vec<String> = Vec::new();
        for (at, chain) in self.case.model.chains.iter().enumerate() {
            let name = if at == 0 { String::new() } else { char::from(b'a' + at as u8).to_string() };
            words.push((0..chain.digests.len()).map(|number| state(&format!("{name}{number}"))).collect());
        }
        if self.case.planted > 0 {
            words.push((0..self.case.planted).map(|number| state(&format!("p{number}"))).collect());
        }
        words.join(" ")
    }

    /// What proves each digest of the first chain: `s` a signature beside it, `h` the hash that its successor names, `p`
    /// the signature that its successor holds.
    pub(crate) fn proofs(&self) -> String {
        let proof = |number: usize| {
            let Some(index) = self.index(&number.to_string()) else { return "-".to_owned() };
            let evidence = self.assessment.judgements[index].evidence();
            let letter = |evidence: &Evidence| match evidence {
                Evidence::Signature => 's',
                Evidence::HashChain => 'h',
                Evidence::SuccessorSignature => 'p',
            };
            if evidence.is_empty() { "0".to_owned() } else { evidence.iter().map(letter).collect() }
        };
        let count = self.case.model.chains[0].digests.len();
        (0..count).map(proof).collect::<Vec<_>>().join(" ")
    }

    /// The gaps of all chains, with `!` where something is proven to be missing, and how many digests are.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let chains = self.assessment.chains.iter();
        chains
            .flat_map(|chain| {
                let gaps = chain.gaps.iter().map(|gap| {
                    let mark = if gap.is_violation { "!" } else { "" };
                    format!("{} {}{mark}", span(gap.start, gap.end), gap.code.text())
                });
                gaps.chain((chain.missing > 0).then(|| format!("{} missing", chain.missing)))
            })
            .collect()
    }

    /// The one finding with this code.
    pub(crate) fn finding(&self, code: &str) -> &Finding {
        let mut found = self.assessment.findings.iter().filter(|finding| finding.code.text() == code);
        let first = found.next().unwrap_or_else(|| panic!("no {code}"));
        assert!(found.next().is_none(), "more than one {code}");
        first
    }

    /// The message of the one finding with this code holds these words.
    #[track_caller]
    pub(crate) fn says(&self, code: &str, words: &str) -> &Self {
        let message = &self.finding(code).message;
        assert!(message.contains(words), "{message:?} does not hold {words:?}");
        self
    }

    #[track_caller]
    pub(crate) fn proven_by(&self, proofs: &str) -> &Self {
        assert_eq!(self.proofs(), proofs);
        self
    }

    #[track_caller]
    pub(crate) fn leaves(&self, gaps: &[&str]) -> &Self {
        assert_eq!(self.gaps(), gaps);
        self
    }

    /// What the digests say of logs that none of them names.
    pub(crate) fn covered(&self) -> Covered {
        Covered::new(&self.rows, &self.assessment.judgements, |_| true)
    }

    /// The labels of places.
    fn labels(&self) -> BTreeMap<&str, String> {
        let mut labels = BTreeMap::new();
        for (at, chain) in self.case.model.chains.iter().enumerate() {
            let name = if at == 0 { String::new() } else { char::from(b'a' + at as u8).to_string() };
            for (number, digest) in chain.digests.iter().enumerate() {
                labels.entry(digest.object()).or_insert(format!("{name}{number}"));
            }
        }
        for file in &self.case.files {
            labels.entry(&file.found.key).or_insert_with(|| file.label.clone());
        }
        labels
    }

    /// Every finding on a line, ordered.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.assessment, &self.labels())
    }
}

fn lines(assessment: &Assessment, labels: &BTreeMap<&str, String>) -> Vec<String> {
    let name = |key: &str| {
        labels.get(key).cloned().unwrap_or_else(|| key.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let line = |finding: &Finding| {
        let mut line = match finding.severity {
            Severity::Violation => "V ",
            Severity::Unproven => "U ",
            Severity::Note => "N ",
        }
        .to_owned();
        line += finding.code.text();
        if let Some(key) = &finding.key {
            write!(line, " {}", name(key)).unwrap();
        }
        if let Some(path) = finding.path.as_ref().filter(|path| Some(*path) != finding.key.as_ref()) {
            write!(line, " @{}", name(path)).unwrap();
        }
        if let (Some(start), Some(end)) = (finding.start, finding.end) {
            write!(line, " {}", span(start, end)).unwrap();
        }
        if let Some(count) = finding.count {
            write!(line, " x{count}").unwrap();
        }
        if let Some(digest) = &finding.digest {
            write!(line, " by {}", name(digest)).unwrap();
        }
        line
    };
    let mut lines: Vec<String> = assessment.findings.iter().map(line).collect();
    lines.sort();
    lines
}

/// A span in hours of the plan, `2..3`; what is not a whole hour has seconds: `2..3+60s`.
fn span(start: Timestamp, end: Timestamp) -> String {
    let moment = |time: Timestamp| {
        let seconds = time.since(hour(0));
        match (seconds.div_euclid(HOUR), seconds.rem_euclid(HOUR)) {
            (hours, 0) => hours.to_string(),
            (hours, rest) => format!("{hours}+{rest}s"),
        }
    };
    format!("{}..{}", moment(start), moment(end))
}

/// Judges a case and compares what became of every digest, and all findings. Whatever the case, the order of the files
/// changes nothing, and neither does it that only the signatures of the last digests are computed ([`check_heads`]).
#[track_caller]
pub(crate) fn check(case: Case, states: &str, expected: &[&str]) -> Seen {
    let seen = case.judge();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(
        (seen.states().as_str(), seen.lines()),
        (states, expected.iter().map(ToString::to_string).collect())
    );
    order_says_nothing(&seen);
    heads_say_the_same(&seen);
    seen
}

#[track_caller]
fn order_says_nothing(seen: &Seen) {
    for turn in 0..3 {
        let mut case = seen.case.clone();
        match turn {
            0 => case.files.reverse(),
            1 => case.files.rotate_left(1),
            _ => case.files.sort_by(|a, b| a.stored.cmp(&b.stored)),
        }
        let other = case.judge();
        assert_eq!((other.states(), other.lines()), (seen.states(), seen.lines()), "order {turn}");
        assert_eq!((other.proofs(), other.gaps()), (seen.proofs(), seen.gaps()), "order {turn}");
        assert_eq!(other.covered(), seen.covered(), "order {turn}");
        let sorted = |seen: &Seen| {
            let mut findings = seen.assessment.findings.clone();
            findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
            findings
        };
        assert_eq!(sorted(&other), sorted(seen), "order {turn}");
    }
}

#[track_caller]
fn heads_say_the_same(seen: &Seen) {
    let keys = seen.case.ring();
    let mut rows = seen.case.rows(|file| parse_digest_file(file, &seen.case.limits));
    check_heads(&mut rows, &keys);
    let assessment = seen.case.assess(&rows, &keys);
    let authentic = |assessment: &Assessment| -> Vec<(bool, Status, bool)> {
        let judgements = assessment.judgements.iter();
        judgements.map(|it| (it.is_authentic(), it.status(), it.is_counted())).collect()
    };
    assert_eq!(authentic(&assessment), authentic(&seen.assessment), "by heads alone");
    assert_eq!(lines(&assessment, &seen.labels()), seen.lines(), "by heads alone");
    assert_eq!(assessment.chains, seen.assessment.chains, "by heads alone");
}
