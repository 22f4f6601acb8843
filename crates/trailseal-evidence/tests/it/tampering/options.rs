//! What the user states, expects or allows: it never lets something pass that it does not speak of, and accuses nobody.

use std::collections::{BTreeMap, BTreeSet};

use trailseal_evidence::{
    Baseline, Options, Silent, StatedTrail, TrailStatement,
    report::{Report, Verdict},
    verify,
};
use trailseal_testkit::tamper::{
    Excuse, FOREIGN_ACCOUNT, Random, Remains, TamperScope, TamperTruth, Tampering, World,
};
use trailseal_verify::{Code, Finding, Severity};

use super::{Bench, Failure};

/// One archive with its truth, and what a run without options said.
pub(super) struct Case<'a> {
    pub(super) bench: &'a Bench,
    pub(super) tampering: &'a Tampering<'a>,
    pub(super) remains: &'a Remains<'a>,
    pub(super) truth: &'a TamperTruth,
    pub(super) plain: &'a Report,
}

impl Case<'_> {
    pub(super) fn check(&self, failures: &mut Vec<Failure>) {
        let mut random = Random::fork(self.tampering.seed, 2 << 20);
        match random.below(4) {
            0 => self.baseline(failures),
            1 => self.allowed(&mut random, failures),
            2 => self.expectations(failures),
            _ => self.statement(&mut random, failures),
        }
    }

    fn options(&self) -> Options {
        self.bench.options(self.tampering, &TamperScope::default())
    }

    /// Verifies, and checks what holds with any options. Nothing is returned of what could not run.
    fn run(&self, options: &Options, what: &str, failures: &mut Vec<Failure>) -> Option<Report> {
        let report = verify(options, &Silent, &mut |_| std::ops::ControlFlow::Continue(())).ok()?;
        if report.exit_status == 0 && !self.truth.demands.is_empty() && options.policy.allowed.is_empty() {
            failures.push(failure(format!("passes {what}"), self.truth));
        }
        let is_honest = self.tampering.is_harmless() && self.tampering.is_provable;
        let accused = report.findings.iter().find(|finding| finding.severity == Severity::Violation);
        if let Some(finding) = accused.filter(|_| is_honest && self.tampering.world.loose.is_empty()) {
            let code = finding.code.text();
            failures.push(failure(format!("an honest archive is accused {what}: {code}"), &finding.message));
        }
        if is_honest
            && self.plain.verdict == Verdict::Verified
            && report.exit_status != 0
            && !self.is_foreign()
        {
            failures.push(failure(format!("an honest archive is not proven {what}"), report.exit_status));
        }
        Some(report)
    }

    fn is_foreign(&self) -> bool {
        self.tampering.tree.keys().any(|path| path.contains(FOREIGN_ACCOUNT))
    }

    /// What nobody sees in the archive alone, the report of an earlier run shows.
    fn baseline(&self, failures: &mut Vec<Failure>) {
        let Some(baseline) = &self.bench.baseline else { return };
        let mut options = self.options();
        options.expect.baseline = Some(baseline.clone());
        let Some(report) = self.run(&options, "with a baseline", failures) else { return };
        let was_proven = |key: &String| {
            let Some((one, _)) = self.remains.own(key) else { return false };
            let chain = &self.tampering.world.lines[one.line].chain;
            baseline.chains.iter().any(|old| {
                (&old.id.account, &old.id.region, &old.id.trail)
                    == (&chain.account, &chain.region, &chain.trail)
                    && old.proven.iter().any(|span| span.start <= one.start && one.end <= span.end)
            })
        };
        let is_lost = |excuse: Excuse| !matches!(excuse, Excuse::OutsideLayout | Excuse::OtherService);
        let lost = self.truth.excuses.iter().find(|(excuse, key)| is_lost(*excuse) && was_proven(key));
        if let Some((excuse, key)) = lost.filter(|_| report.exit_status == 0) {
            failures.push(failure(format!("passes with a baseline: {excuse:?}"), key));
        }
    }

    /// What is allowed is a note, and changes nothing else.
    fn allowed(&self, random: &mut Random, failures: &mut Vec<Failure>) {
        let unproven = self.plain.findings.iter().filter(|finding| finding.severity == Severity::Unproven);
        let codes: BTreeSet<Code> = unproven.map(|finding| finding.code).collect();
        let allowed: Vec<Code> = codes.into_iter().filter(|_| random.chance(70)).collect();
        let mut options = self.options();
        options.policy.allowed.clone_from(&allowed);
        let Some(report) = self.run(&options, "with something allowed", failures) else { return };
        let severities = |findings: &[Finding], weigh: &dyn Fn(&Finding) -> Severity| {
            let mut counts: BTreeMap<(Code, String, Severity), u64> = BTreeMap::new();
            for finding in findings {
                let of = finding.path.clone().or(finding.key.clone()).unwrap_or_default();
                *counts.entry((finding.code, of, weigh(finding))).or_default() += 1;
            }
            counts
        };
        let weighed = severities(&self.plain.findings, &|finding| match finding.severity {
            Severity::Unproven if allowed.contains(&finding.code) => Severity::Note,
            other => other,
        });
        if weighed != severities(&report.findings, &|finding| finding.severity) {
            failures
                .push(failure("what is allowed changes other findings".to_owned(), format!("{allowed:?}")));
        }
        let proves = report.totals.digests.verified > 0;
        if report.verdict == Verdict::Verified && !proves {
            failures.push(failure("verified with nothing proven".to_owned(), format!("{allowed:?}")));
        }
    }

    /// An account or region of which nothing is left is missed.
    fn expectations(&self, failures: &mut Vec<Failure>) {
        let world = self.tampering.world;
        let of = |name: fn(&World, usize) -> String| -> BTreeSet<String> {
            (0..world.owned).map(|line| name(world, line)).collect()
        };
        let mut options = self.options();
        options.expect.accounts =
            of(|world, line| world.lines[line].chain.account.clone()).into_iter().collect();
        let regions = of(|world, line| world.lines[line].chain.region.clone());
        // Every account is expected in every region.
        let is_everywhere = |account: &String| {
            let of_account = world.lines[..world.owned].iter().filter(|line| line.chain.account == *account);
            of_account.map(|line| &line.chain.region).collect::<BTreeSet<_>>().len() == regions.len()
        };
        if options.expect.accounts.iter().all(is_everywhere) {
            options.expect.regions = regions.into_iter().collect();
        }
        let Some(report) = self.run(&options, "with expectations", failures) else { return };
        let is_left =
            |expected: &String| self.tampering.tree.keys().any(|path| path.contains(expected.as_str()));
        let mut expected = options.expect.accounts.iter().chain(&options.expect.regions);
        if report.exit_status == 0 && !expected.all(is_left) {
            failures.push(failure("passes with expectations".to_owned(), self.truth));
        }
    }

    /// Whoever knows the trails accuses none of them.
    fn statement(&self, random: &mut Random, failures: &mut Vec<Failure>) {
        let statement =
            if random.chance(50) { TrailStatement::SoleTrail } else { described(self.tampering.world) };
        let options = Options { statement: Some(statement), ..self.options() };
        self.run(&options, "with a statement of trails", failures);
    }
}

/// What `describe-trails` shows of a world.
fn described(world: &World) -> TrailStatement {
    let mut trails: BTreeMap<usize, StatedTrail> = BTreeMap::new();
    for line in world.lines[..world.owned].iter().filter(|line| !line.chain.is_backfill) {
        let chain = &line.chain;
        let (home, account, name) = (&chain.home_region, &chain.account, &chain.trail);
        let stated = StatedTrail {
            name: name.clone(),
            bucket: chain.bucket.clone(),
            prefix: Some(chain.prefix.trim_end_matches('/').to_owned()),
            home_region: home.clone(),
            is_multi_region_trail: false,
            is_organization_trail: chain.organization.is_some(),
            arn: Some(format!("arn:aws:cloudtrail:{home}:{account}:trail/{name}")),
            log_file_validation_enabled: true,
        };
        let known = trails.entry(line.trail).or_insert(stated);
        known.is_multi_region_trail |= chain.region != *home;
    }
    TrailStatement::Trails(trails.into_values().collect())
}

/// The report of an archive that nobody touched, as `--baseline` reads it.
pub(super) fn baseline_of(report: &Report) -> Option<Baseline> {
    let text = serde_json::to_string(report).expect("a report is JSON");
    let baseline: Baseline = serde_json::from_str(&text).expect("a report is a baseline");
    baseline.proves_something().then_some(baseline)
}

fn failure(kind: String, text: impl std::fmt::Display) -> Failure {
    Failure { kind, text: format!("{text}") }
}
