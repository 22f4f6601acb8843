//! Random archives, tampered with at random, by a generator that knows what it did (`trailseal_testkit::tamper`).
//!
//! 1,000 archives by default. `TRAILSEAL_TAMPERINGS` is how many, `TRAILSEAL_SEED` the number of the first:
//! archive N is always the same one. One archive alone (`TRAILSEAL_TAMPERINGS=1 TRAILSEAL_SEED=N`) is shown with
//! all its files and findings; `TRAILSEAL_KEEP=DIR` also writes it there. What fails is cut down to the operations
//! that it takes, and the failures are listed by their kinds. `TRAILSEAL_LIST=1` prints a line for every one of
//! them instead, with its number and all its operations, and cuts nothing down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::Instant,
};

use tempfile::TempDir;
use trailseal_archive::metadata::Manifest;
use trailseal_evidence::{
    Baseline, Error, Options, Silent, keys,
    ledger::{Integrity, Ledger},
    report::Report,
    verify,
};
use trailseal_testkit::tamper::{
    Excuse, ExcuseReason, FOREIGN_ACCOUNT, NameKind, NamedPlace, Remains, TamperScope, TamperTruth,
    Tampering, TreeNode, TreeOnDisk, World, write_tree,
};
use trailseal_verify::{Code, Finding, KeyRing, Policy, Severity};

use crate::agreement;
use options::Case;

mod options;

/// Archives made of one world: signing is what costs.
const PER_WORLD: u64 = 20;
/// Scopes in which every archive is verified, beside the whole.
const SCOPES: usize = 2;

/// Where the archives of a world lie, and what they are verified with.
struct Bench {
    disk: TreeOnDisk,
    keys: TempDir,
    manifest: Option<Vec<u8>>,
    /// What a verification says as long as nobody tampered.
    baseline: Option<Baseline>,
}

/// One verification.
struct Outcome {
    scope: TamperScope,
    truth: TamperTruth,
    result: Result<Report, Error>,
}

/// What went wrong, and how it is grouped.
#[derive(Clone, Debug)]
struct Failure {
    kind: String,
    text: String,
}

/// What was seen over all archives: a test that excuses everything would be worthless.
#[derive(Default)]
struct Counts {
    archives: u64,
    exits: BTreeMap<(bool, u8), u64>,
    demands: BTreeMap<ExcuseReason, u64>,
    excuses: BTreeMap<Excuse, u64>,
    excused: BTreeMap<Excuse, u64>,
    labels: BTreeMap<(Integrity, bool), u64>,
    steps: BTreeMap<&'static str, u64>,
    honest: u64,
    honest_provable: u64,
    narrower: u64,
}

impl Bench {
    fn new(world: &World) -> Self {
        let keys = tempfile::tempdir().unwrap();
        fs::write(keys.path().join("keys.json"), world.keys()).unwrap();
        let manifest = world.manifest.clone().map(String::into_bytes);
        let mut bench = Self { disk: TreeOnDisk::new(), keys, manifest, baseline: None };
        let untouched = Tampering::only(world, 0, &|_| false);
        bench.disk.put(&untouched.tree);
        let report = verify(&bench.options(&untouched, &TamperScope::default()), &Silent, &mut |_| {
            std::ops::ControlFlow::Continue(())
        });
        bench.baseline = report.ok().and_then(|report| options::baseline_of(&report));
        bench
    }

    fn options(&self, tampering: &Tampering<'_>, scope: &TamperScope) -> Options {
        let loaded = keys::load(&[self.keys.path().to_owned()]).unwrap();
        let TamperScope { accounts, regions, trails, start, end } = scope.clone();
        Options {
            roots: tampering.roots.iter().map(|root| self.disk.at(root)).collect(),
            keys: KeyRing::new(loaded.content.keys),
            key_files: loaded.files,
            manifest: self.manifest.as_deref().map(|bytes| Manifest::parse(bytes).unwrap()),
            policy: Policy { start, end, accounts, regions, trails, ..Policy::default() },
            threads: 1,
            ..Options::default()
        }
    }
}

impl Outcome {
    fn exit(&self) -> u8 {
        self.result.as_ref().map_or(2, |report| report.exit_status)
    }

    fn findings(&self) -> &[Finding] {
        self.result.as_ref().map_or(&[], |report| &report.findings)
    }

    fn codes(&self, severity: Severity) -> BTreeSet<&'static str> {
        let of = self.findings().iter().filter(|finding| finding.severity == severity);
        of.map(|finding| finding.code.text()).collect()
    }

    /// For a person.
    fn show(&self, out: &mut String) {
        let _ = writeln!(out, "  {}: exit {}", self.scope, self.exit());
        let _ = write!(out, "{}", self.truth);
        if let Err(error) = &self.result {
            let _ = writeln!(out, "  {error}");
        }
        for finding in self.findings() {
            let _ = writeln!(out, "    {}", serde_json::to_string(finding).unwrap());
        }
    }
}

/// Verifies a tampered archive in several ways and says what is wrong with the answers.
fn check(bench: &mut Bench, tampering: &Tampering<'_>, counts: &mut Counts) -> (Vec<Outcome>, Vec<Failure>) {
    bench.disk.put(&tampering.tree);
    let bench = &*bench;
    let remains = Remains::of(tampering.world, &tampering.tree, &tampering.roots);
    let mut outcomes = Vec::new();
    let mut failures = Vec::new();
    for scope in [TamperScope::default()].into_iter().chain(tampering.scopes(SCOPES)) {
        let options = bench.options(tampering, &scope);
        let truth = remains.truth(&scope);
        match catch_unwind(AssertUnwindSafe(|| {
            verify(&options, &Silent, &mut |_| std::ops::ControlFlow::Continue(()))
        })) {
            Ok(result) => outcomes.push(Outcome { scope, truth, result }),
            Err(_) => failures.push(Failure { kind: "panic".to_owned(), text: format!("verify of {scope}") }),
        }
    }
    for outcome in &outcomes {
        check_truth(outcome, counts, &mut failures);
        if tampering.is_harmless() {
            check_honest(tampering, outcome, counts, &mut failures);
        }
    }
    check_narrower(bench, &remains, &outcomes, counts, &mut failures);
    if tampering.seed.is_multiple_of(2) {
        let truth = outcomes.first().map(|outcome| &outcome.truth);
        check_ledger(bench, tampering, &remains, truth, counts, &mut failures);
    }
    if tampering.seed % 4 == 1
        && let Some(Outcome { truth, result: Ok(plain), .. }) = outcomes.first()
    {
        Case { bench, tampering, remains: &remains, truth, plain }.check(&mut failures);
    }
    if tampering.seed.is_multiple_of(8) {
        check_threads(bench, tampering, &outcomes, &mut failures);
    }
    (outcomes, failures)
}

/// What is missing or unsigned is told.
fn check_truth(outcome: &Outcome, counts: &mut Counts, failures: &mut Vec<Failure>) {
    let Outcome { scope, truth, .. } = outcome;
    let exit = outcome.exit();
    *counts.exits.entry((truth.is_tampered(), exit)).or_default() += 1;
    let reasons: BTreeSet<ExcuseReason> = truth.demands.iter().map(|(reason, _)| *reason).collect();
    for reason in &reasons {
        *counts.demands.entry(*reason).or_default() += 1;
    }
    for excuse in truth.excuses.iter().map(|(excuse, _)| *excuse).collect::<BTreeSet<_>>() {
        *counts.excuses.entry(excuse).or_default() += 1;
        *counts.excused.entry(excuse).or_default() += u64::from(exit == 0);
    }
    if exit == 0 {
        failures.extend(reasons.iter().map(|reason| Failure {
            kind: format!("passes with status 0: {reason:?}{}", narrowed(scope)),
            text: format!("{scope}\n{truth}"),
        }));
    }
}

/// Whether a kind of failure is one of a narrower scope.
fn narrowed(scope: &TamperScope) -> &'static str {
    if scope.is_whole() { "" } else { ", in a narrower scope" }
}

/// Nobody honest is accused, and what can be proven is.
fn check_honest(
    tampering: &Tampering<'_>,
    outcome: &Outcome,
    counts: &mut Counts,
    failures: &mut Vec<Failure>,
) {
    counts.honest += 1;
    let Outcome { scope, result, .. } = outcome;
    let narrowed = narrowed(scope);
    let fail = |kind: String| Failure { kind: format!("{kind}{narrowed}"), text: scope.to_string() };
    let accused = outcome.codes(Severity::Violation);
    failures.extend(accused.iter().map(|code| fail(format!("an honest archive is accused: {code}"))));
    // The attacker's own account has a chain of its own span.
    let is_foreign_asked = (scope.start.is_some() || scope.end.is_some())
        && tampering.tree.keys().any(|path| path.contains(FOREIGN_ACCOUNT));
    if !accused.is_empty()
        || is_foreign_asked
        || !tampering.is_provable
        || !tampering.world.is_provable(scope)
    {
        return;
    }
    counts.honest_provable += 1;
    if result.is_err() {
        failures.push(fail("an honest archive is not proven: an error".to_owned()));
    }
    let unproven = outcome.codes(Severity::Unproven);
    failures.extend(unproven.iter().map(|code| fail(format!("an honest archive is not proven: {code}"))));
}

/// A narrower scope never passes where the whole run reports a file of that scope.
fn check_narrower(
    bench: &Bench,
    remains: &Remains<'_>,
    outcomes: &[Outcome],
    counts: &mut Counts,
    failures: &mut Vec<Failure>,
) {
    let Some((whole, narrower)) = outcomes.split_first() else { return };
    let Ok(report) = &whole.result else { return };
    if !whole.scope.is_whole() {
        return;
    }
    let base = format!("{}/", bench.disk.path().display());
    for outcome in narrower {
        let of_scope = report.findings.iter().find(|finding| {
            finding.severity != Severity::Note && is_of_scope(finding, &outcome.scope, report, remains, &base)
        });
        let Some(finding) = of_scope else { continue };
        counts.narrower += 1;
        if outcome.exit() == 0 {
            let code = finding.code.text();
            let kind = format!("a narrower scope passes over {code}");
            let text = format!("{}\n  {}", outcome.scope, serde_json::to_string(finding).unwrap());
            failures.push(Failure { kind, text });
        }
    }
}

/// Whether a finding surely speaks of a file of a scope.
fn is_of_scope(
    finding: &Finding,
    scope: &TamperScope,
    report: &Report,
    remains: &Remains<'_>,
    base: &str,
) -> bool {
    if let Some(trail) = &finding.trail {
        if !scope.holds_trail(trail) {
            return false;
        }
    } else if !scope.trails.is_empty() {
        // A log that no digest names may be of any trail that delivers there.
        let delivers_there = report.chains.iter().any(|chain| {
            scope.holds_trail(&chain.id.trail)
                && finding.account.as_ref() == Some(&chain.id.account)
                && finding.region.as_ref() == Some(&chain.id.region)
        });
        if !delivers_there {
            return false;
        }
    }
    if !scope.holds_names(finding.account.as_deref(), finding.region.as_deref()) {
        return false;
    }
    match finding.code {
        // Of spans and chains, not of files.
        Code::Gap
        | Code::HeadStale
        | Code::HeadBehindPeers
        | Code::CoverageEndsEarly
        | Code::CoverageStartsLate
        | Code::WindowDiscontinuity
        | Code::NoDigests
        | Code::SymlinkNotFollowed => return false,
        // What is missing is of the span in which it is missing; a starting digest covers nothing.
        Code::DigestMissing | Code::DigestsMissingInferred | Code::TailCut => {
            let missing = remains.own(finding.key.as_deref().unwrap_or_default());
            let is_starting = missing
                .is_some_and(|(one, is_starting)| is_starting && scope.end.is_some_and(|end| end <= one.end));
            let span = finding.start.zip(finding.end);
            return !is_starting && span.is_none_or(|(start, end)| end > start && scope.overlaps(start, end));
        }
        // What an unproven digest claims is of the place of that digest.
        Code::LogUnproven if finding.path.is_none() => return false,
        // A digest in another place names it too, and is not proven there.
        Code::LogUnproven if remains.is_sound(finding.key.as_deref().unwrap_or_default()) => return false,
        _ => {}
    }
    let path = finding.path.as_deref().and_then(|path| path.strip_prefix(base)).or(finding.key.as_deref());
    let Some(place) = path.map(NamedPlace::of) else { return false };
    if let NameKind::Digest(trail) = &place.name
        && !scope.holds_trail(trail)
    {
        return false;
    }
    // What a digest names that does not lie in its place is asked for with the place where it lies (docs/SHORTCOMINGS.md).
    let is_misplaced = |digest: &String| {
        report.findings.iter().any(|other| {
            other.code == Code::NameMismatch && other.key.as_ref() == Some(digest) && other.path.is_some()
        })
    };
    if finding.digest.as_ref().is_some_and(is_misplaced) {
        return false;
    }
    // A log is asked for with its digest.
    let of_digest = finding.digest.as_deref().map(NamedPlace::of);
    of_digest.is_none_or(|digest| scope.surely_holds(&digest)) && scope.surely_holds(&place)
}

/// Rows are called verified if, and only if, AWS signed them for the place where they lie; and what is missing is
/// told by a query over everything.
fn check_ledger(
    bench: &Bench,
    tampering: &Tampering<'_>,
    remains: &Remains<'_>,
    truth: Option<&TamperTruth>,
    counts: &mut Counts,
    failures: &mut Vec<Failure>,
) {
    let options = bench.options(tampering, &TamperScope::default());
    let ledger = match catch_unwind(AssertUnwindSafe(|| Ledger::load(&options, &Silent))) {
        Ok(Ok(ledger)) => ledger,
        Ok(Err(_)) => return,
        Err(_) => {
            failures.push(Failure { kind: "panic".to_owned(), text: "the ledger".to_owned() });
            return;
        }
    };
    let mut is_told = !ledger.missing().is_empty() || !ledger.doubts(None, None, 0).is_empty();
    for file in &remains.files {
        if file.content.is_digest {
            continue;
        }
        let path = bench.disk.at(&file.path);
        let seen = agreement::read(&path, &options);
        let (label, reason) = match ledger.entry(&path) {
            Some(entry) => entry.label(seen.as_ref().map_err(|error| error as _)),
            None => (Integrity::NotCovered, None),
        };
        is_told |= label != Integrity::Verified;
        let may = remains.may_be_verified(file);
        *counts.labels.entry((label, may)).or_default() += 1;
        if label == Integrity::Verified && !may {
            let kind = "rows are called verified that are not".to_owned();
            failures.push(Failure { kind, text: file.path.clone() });
        }
        let is_honest = tampering.is_harmless() && remains.is_proven_copy(file);
        if label != Integrity::Verified && is_honest && !remains.must_be_verified(file) {
            let kind = format!("rows of an honest copy are called {}", label.as_str());
            let reason = reason.clone().unwrap_or_default();
            failures.push(Failure { kind, text: format!("{}: {reason}", file.path) });
        }
        if label != Integrity::Verified && remains.must_be_verified(file) {
            let kind = format!("rows of a proven log are called {}", label.as_str());
            failures.push(Failure { kind, text: format!("{}: {}", file.path, reason.unwrap_or_default()) });
        }
    }
    if let Some(truth) = truth.filter(|truth| !is_told && truth.demands.iter().any(is_missing)) {
        failures.push(Failure { kind: "a query tells nothing".to_owned(), text: truth.to_string() });
    }
}

/// Whether events are gone, as far as a query is concerned.
fn is_missing((reason, _): &(ExcuseReason, String)) -> bool {
    use ExcuseReason::{DigestNamedByLater, GapGrown, HeadBehindPeers, LogNamed};
    matches!(reason, DigestNamedByLater | GapGrown | HeadBehindPeers | LogNamed)
}

/// The number of threads changes nothing.
fn check_threads(
    bench: &Bench,
    tampering: &Tampering<'_>,
    outcomes: &[Outcome],
    failures: &mut Vec<Failure>,
) {
    for outcome in outcomes {
        let options = Options { threads: 2, ..bench.options(tampering, &outcome.scope) };
        let text = |result: &Result<Report, Error>| match result {
            Ok(report) => serde_json::to_string(report).unwrap(),
            Err(error) => error.to_string(),
        };
        let again = catch_unwind(AssertUnwindSafe(|| {
            verify(&options, &Silent, &mut |_| std::ops::ControlFlow::Continue(()))
        }));
        if again.is_ok_and(|again| text(&again) != text(&outcome.result)) {
            let kind = "two threads report something else".to_owned();
            failures.push(Failure { kind, text: outcome.scope.to_string() });
        }
    }
}

/// The fewest operations that still fail in the same way, and what they do.
fn minimized(
    world: &World,
    bench: &mut Bench,
    number: u64,
    failure: &Failure,
) -> (Vec<&'static str>, String) {
    let mut dropped: BTreeSet<usize> = BTreeSet::new();
    let fails = |bench: &mut Bench, dropped: &BTreeSet<usize>| {
        let tampering = Tampering::only(world, number, &|step| !dropped.contains(&step));
        let (outcomes, failures) = check(bench, &tampering, &mut Counts::default());
        let same = failures.into_iter().find(|other| other.kind == failure.kind)?;
        let names = tampering.steps.iter().map(|step| step.name).collect();
        Some((names, describe(&tampering, number, &outcomes, &same)))
    };
    let mut found = fails(bench, &dropped);
    for step in 0..5 {
        dropped.insert(step);
        match fails(bench, &dropped) {
            Some(fewer) => found = Some(fewer),
            None => drop(dropped.remove(&step)),
        }
    }
    found.unwrap_or_else(|| (Vec::new(), format!("archive {number}: {failure:?}, but not a second time")))
}

fn describe(tampering: &Tampering<'_>, number: u64, outcomes: &[Outcome], failure: &Failure) -> String {
    let mut out = format!("TRAILSEAL_TAMPERINGS=1 TRAILSEAL_SEED={number}\n");
    let _ = writeln!(out, "  {}", tampering.world.summary());
    let _ = writeln!(out, "  roots {}", tampering.roots.join(" "));
    for step in &tampering.steps {
        let _ = writeln!(out, "  - {step}");
    }
    let _ = writeln!(out, "  {}: {}", failure.kind, failure.text.trim_end());
    for outcome in outcomes {
        outcome.show(&mut out);
    }
    out
}

/// What was found so far: kind of failure and operations → how often, and the first of it.
type Kinds = BTreeMap<(String, Vec<&'static str>), (u64, String)>;

/// Different operations that are listed for one kind of failure: cutting down takes many verifications.
const MAX_WAYS: usize = 6;

#[allow(clippy::print_stderr)]
fn one_archive(world: &World, bench: &mut Bench, number: u64, counts: &mut Counts, kinds: &mut Kinds) {
    let tampering = Tampering::random(world, number);
    counts.archives += 1;
    for step in &tampering.steps {
        *counts.steps.entry(step.name).or_default() += 1;
    }
    let (_, failures) = check(bench, &tampering, counts);
    let mut seen = BTreeSet::new();
    let is_listed = std::env::var_os("TRAILSEAL_LIST").is_some();
    let names: BTreeSet<&str> = tampering.steps.iter().map(|step| step.name).collect();
    for failure in failures.iter().filter(|failure| seen.insert(failure.kind.clone())) {
        if is_listed {
            let steps: Vec<String> = tampering.steps.iter().map(ToString::to_string).collect();
            eprintln!("{number}\t{}\t{}", failure.kind, steps.join(" | "));
            kinds.entry((failure.kind.clone(), vec!["listed"])).or_insert((0, number.to_string())).0 += 1;
            continue;
        }
        // What fails with the operations of a known failure among others is that failure.
        let known = kinds.iter_mut().find(|((kind, steps), _)| {
            *kind == failure.kind && steps.iter().all(|step| names.contains(step))
        });
        if let Some((_, (times, _))) = known {
            *times += 1;
            continue;
        }
        // A kind that fails in many ways is listed with the first of them, cut down.
        let ways = kinds.keys().filter(|(kind, _)| *kind == failure.kind).count();
        let (steps, text) = if ways < MAX_WAYS {
            minimized(world, bench, number, failure)
        } else {
            (vec!["further operations"], format!("archive {number}"))
        };
        kinds.entry((failure.kind.clone(), steps)).or_insert((0, text)).0 += 1;
    }
}

fn show(world: &World, bench: &mut Bench, number: u64) {
    let tampering = Tampering::random(world, number);
    let (outcomes, failures) = check(bench, &tampering, &mut Counts::default());
    let none = Failure { kind: "nothing".to_owned(), text: "is wrong with it".to_owned() };
    println!("{}", describe(&tampering, number, &outcomes, failures.first().unwrap_or(&none)));
    for (path, node) in &tampering.tree {
        let (what, is_new) = match node {
            TreeNode::File(content) => {
                let is_known = world.tree.get(path).is_some_and(|old| old.is_same(node));
                (format!("{} bytes", content.bytes.len()), !is_known)
            }
            TreeNode::Link(target) => (format!("-> {target}"), true),
            TreeNode::Folder => ("an empty folder".to_owned(), true),
        };
        println!("  {} {path} {what}", if is_new { "+" } else { " " });
    }
    for path in world.tree.keys().filter(|path| !tampering.tree.contains_key(*path)) {
        println!("  - {path}");
    }
    if let Some(folder) = std::env::var_os("TRAILSEAL_KEEP").map(PathBuf::from) {
        write_tree(&tampering.tree, &folder);
        fs::write(folder.join("keys.json"), world.keys()).unwrap();
        if let Some(manifest) = &world.manifest {
            fs::write(folder.join("manifest.jsonl"), manifest).unwrap();
        }
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
#[allow(clippy::print_stderr)]
fn nothing_tampered_passes_and_nobody_honest_is_accused() {
    let (count, first) = (setting("TRAILSEAL_TAMPERINGS", 1000), setting("TRAILSEAL_SEED", 0));
    let (started, mut said) = (Instant::now(), 0);
    let (mut counts, mut kinds) = (Counts::default(), Kinds::new());
    let mut number = first;
    while number < first + count {
        let world = World::random(number / PER_WORLD);
        let mut bench = Bench::new(&world);
        if count == 1 {
            show(&world, &mut bench, number);
        }
        let end = (number / PER_WORLD + 1) * PER_WORLD;
        for number in number..end.min(first + count) {
            one_archive(&world, &mut bench, number, &mut counts, &mut kinds);
        }
        number = end;
        if counts.archives >= said + 1000 {
            said = counts.archives;
            let seconds = started.elapsed().as_secs();
            eprintln!("{said} of {count} archives in {seconds} s, {} kinds of failure", kinds.len());
        }
    }
    println!("{}", counts.text());
    let list: Vec<String> = kinds
        .iter()
        .map(|((kind, steps), (times, text))| format!("=== {times} x {kind} [{}]\n{text}", steps.join(" + ")))
        .collect();
    assert!(list.is_empty(), "{} kinds of failure\n{}", list.len(), list.join("\n"));
    if count >= 1000 {
        counts.check();
    }
}

impl Counts {
    fn text(&self) -> String {
        let mut out = format!("{} archives, each whole and in {SCOPES} scopes\n", self.archives);
        for ((is_tampered, exit), times) in &self.exits {
            let what = if *is_tampered { "something missing or unsigned" } else { "all as it was signed" };
            let _ = writeln!(out, "{times:8} runs over {what}: status {exit}");
        }
        for reason in ExcuseReason::ALL {
            let times = self.demands.get(&reason).copied().unwrap_or_default();
            let _ = writeln!(out, "{times:8} runs that must tell of {reason:?}");
        }
        for excuse in Excuse::ALL {
            let times = self.excuses.get(&excuse).copied().unwrap_or_default();
            let passed = self.excused.get(&excuse).copied().unwrap_or_default();
            let _ =
                writeln!(out, "{times:8} runs in which {excuse:?} cannot be seen, {passed} with status 0");
        }
        let (honest, provable) = (self.honest, self.honest_provable);
        let _ = writeln!(out, "{honest:8} runs over honest archives, {provable} must end with status 0");
        let _ = writeln!(out, "{:8} scopes that hold a file of which the whole run tells", self.narrower);
        for ((label, may), times) in &self.labels {
            let what = if *may { "signed" } else { "not signed" };
            let _ = writeln!(out, "{times:8} files {what} for their place: {}", label.as_str());
        }
        for (name, times) in &self.steps {
            let _ = writeln!(out, "{times:8} x {name}");
        }
        out
    }

    /// Everything happens, and often enough to mean something.
    fn check(&self) {
        for reason in ExcuseReason::ALL {
            assert!(self.demands.contains_key(&reason), "{reason:?} never happens");
        }
        for excuse in Excuse::ALL {
            assert!(self.excuses.contains_key(&excuse), "{excuse:?} never happens");
        }
        for operation in trailseal_testkit::tamper::operations::all() {
            assert!(self.steps.contains_key(operation.name), "{} never happens", operation.name);
        }
        assert!(self.honest_provable * 20 > self.archives, "few honest archives can be proven");
        let excused: u64 = self.excused.values().sum();
        let demanded: u64 = self.demands.values().sum();
        assert!(excused * 10 < demanded, "too much is excused: {excused} of {demanded}");
    }
}
