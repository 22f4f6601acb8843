//! Random operations on a world's tree.

use std::{fmt, sync::Arc};

use trailseal_archive::Timestamp;
use trailseal_deliver::write::{gzip, sidecar_name};

use crate::{
    model::ModelChain,
    plan::{record, records},
    tamper::{
        operations::{TamperOperation, draw},
        random::Random,
        scope::TamperScope,
        tree::{NodeContent, Tree, TreeNode},
        world::{Line, Signed, World},
    },
};

const HOUR: i64 = 3600;

/// One thing that was done.
#[derive(Clone, Debug)]
pub struct TamperStep {
    /// The operation.
    pub name: &'static str,
    /// To what.
    pub text: String,
    /// Whether an honest owner or copy may do it.
    pub is_harmless: bool,
}

impl fmt::Display for TamperStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

/// What an operation touched: scopes are drawn around it.
#[derive(Clone, Debug)]
pub struct Focus {
    /// When.
    pub time: Timestamp,
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// Of which trail.
    pub trail: String,
}

/// A world that was tampered with.
#[derive(Debug)]
pub struct Tampering<'w> {
    /// What it was before.
    pub world: &'w World,
    /// What decides the operations.
    pub seed: u64,
    /// What is left.
    pub tree: Tree,
    /// The roots that are verified.
    pub roots: Vec<String>,
    /// What was done.
    pub steps: Vec<TamperStep>,
    /// Whether what was done leaves everything provable that was.
    pub is_provable: bool,
    /// The date folders that were not copied.
    pub(crate) left_out: Option<String>,
    /// What was touched.
    pub focus: Vec<Focus>,
    pub(crate) random: Random,
    unique: usize,
}

impl<'w> Tampering<'w> {
    /// What a seed does to a world.
    pub fn random(world: &'w World, seed: u64) -> Self {
        Self::only(world, seed, &|_| true)
    }

    /// The same, but only those steps (counted from 0) that are kept. Every step has random numbers of its own, but
    /// it works on what the steps before it left.
    pub fn only(world: &'w World, seed: u64, keeps: &dyn Fn(usize) -> bool) -> Self {
        let mut random = Random::new(seed);
        let mut tampering = Self {
            world,
            seed,
            tree: world.tree.clone(),
            roots: world.roots.clone(),
            steps: Vec::new(),
            is_provable: true,
            left_out: None,
            focus: Vec::new(),
            random: random.clone(),
            unique: 0,
        };
        let count = random.choose(&[0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5]);
        let only_harmless = random.chance(15);
        for number in 0..count {
            if keeps(number) {
                tampering.step(number as u64, only_harmless);
            }
        }
        tampering
    }

    /// Does one operation that is possible.
    fn step(&mut self, number: u64, only_harmless: bool) {
        self.random = Random::fork(self.seed, number + 1);
        self.unique = number as usize * 1000;
        for _ in 0..12 {
            let TamperOperation { name, is_harmless, act, .. } = draw(&mut self.random, only_harmless);
            if let Some(text) = act(self) {
                self.steps.push(TamperStep { name, text, is_harmless: *is_harmless });
                return;
            }
        }
    }

    /// Whether an honest owner may have done all of it. Nobody leaves a day out and copies something else of it.
    pub fn is_harmless(&self) -> bool {
        let has_left_out = |day: &String| self.tree.keys().any(|path| path.contains(day.as_str()));
        self.steps.iter().all(|step| step.is_harmless) && !self.left_out.as_ref().is_some_and(has_left_out)
    }

    /// Random scopes, rather around what was touched.
    pub fn scopes(&self, count: usize) -> Vec<TamperScope> {
        let mut random = Random::fork(self.seed, 1 << 20);
        (0..count).map(|_| self.scope(&mut random)).collect()
    }

    fn scope(&self, random: &mut Random) -> TamperScope {
        let line = &self.world.lines[random.below(self.world.owned)];
        let digests = &line.chain.digests;
        let of_line = Focus {
            time: digests[random.below(digests.len())].end(),
            account: line.chain.account.clone(),
            region: line.chain.region.clone(),
            trail: line.chain.trail.clone(),
        };
        let focus = match random.pick(&self.focus) {
            Some(focus) if random.chance(75) => focus.clone(),
            _ => of_line,
        };
        let mut scope = TamperScope::default();
        let kind = random.below(12);
        let moment = |random: &mut Random, side: i64| {
            // Digests end at odd minutes and seconds; people ask for full hours, and for moments.
            let time = focus.time.plus(side * random.between(0, 4) * HOUR + random.between(-1800, 1800));
            match random.below(3) {
                0 => time.plus(-time.epoch().rem_euclid(HOUR)),
                1 => focus.time.plus(side * random.between(0, 3) * HOUR),
                _ => time,
            }
        };
        if matches!(kind, 0..=2 | 6 | 8 | 10) {
            scope.start = Some(moment(random, -1));
        }
        if matches!(kind, 2..=4 | 6 | 9 | 10) {
            scope.end = Some(moment(random, 1));
        }
        if let Some((start, end)) = scope.start.zip(scope.end)
            && start >= end
        {
            scope.end = Some(start.plus(HOUR));
        }
        if matches!(kind, 5 | 8 | 10) || random.chance(8) {
            scope.accounts.push(focus.account.clone());
        }
        if matches!(kind, 7 | 9) || random.chance(8) {
            scope.regions.push(focus.region.clone());
        }
        if matches!(kind, 6 | 11) || random.chance(12) {
            scope.trails.push(focus.trail.clone());
        }
        scope
    }

    // What operations are made of.

    /// Remembers what was touched.
    pub(crate) fn touch(&mut self, line: &Line, time: Timestamp) {
        let ModelChain { account, region, trail, .. } = &line.chain;
        let (account, region, trail) = (account.clone(), region.clone(), trail.clone());
        self.focus.push(Focus { time, account, region, trail });
    }

    /// One of the archive's chains.
    pub(crate) fn own_line(&mut self) -> usize {
        self.random.below(self.world.owned)
    }

    /// One of the archive's standard chains.
    pub(crate) fn standard_line(&mut self) -> usize {
        let lines = &self.world.lines[..self.world.owned];
        let standard: Vec<usize> = (0..lines.len()).filter(|line| !lines[*line].chain.is_backfill).collect();
        self.random.choose(&standard)
    }

    /// Whether an object lies in its place, untouched.
    pub(crate) fn is_untouched(&self, signed: &Signed) -> bool {
        let hash = self.file(&self.world.path(signed)).and_then(|file| file.sha256.as_deref());
        hash == Some(signed.sha256.as_str())
    }

    /// One of the archive's objects that still lie in their places.
    pub(crate) fn object(&mut self, wanted: &dyn Fn(&Signed) -> bool) -> Option<&'w Signed> {
        let world = self.world;
        let own = world.own();
        for _ in 0..40 {
            let one = &own[self.random.below(own.len())];
            if wanted(one) && self.is_untouched(one) {
                self.touch(&world.lines[one.line], one.end);
                return Some(one);
            }
        }
        None
    }

    /// One of the archive's logs that still lie in their places.
    pub(crate) fn log(&mut self) -> Option<&'w Signed> {
        self.object(&|one| !one.is_digest())
    }

    /// One of the archive's digests that still lie in their places.
    pub(crate) fn digest(&mut self) -> Option<&'w Signed> {
        self.object(&Signed::is_digest)
    }

    /// The objects of a digest: its logs.
    pub(crate) fn logs_of(&self, digest: &Signed) -> Vec<&'w Signed> {
        let (line, position) = (digest.line, digest.digest);
        let of = move |one: &&Signed| (one.line, one.digest) == (line, position) && !one.is_digest();
        self.world.signed.iter().filter(of).collect()
    }

    /// The digests of a chain, oldest first.
    pub(crate) fn digests_of(&self, line: usize) -> Vec<&'w Signed> {
        self.world.signed.iter().filter(|one| one.line == line && one.is_digest()).collect()
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&Arc<NodeContent>> {
        self.tree.get(path).and_then(TreeNode::file)
    }

    /// Writes a file.
    pub(crate) fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.put_content(path, NodeContent::of(bytes));
    }

    /// Writes a file that is known.
    pub(crate) fn put_content(&mut self, path: &str, content: Arc<NodeContent>) {
        // What was a folder or a link in the way of it is one no more.
        let above: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
        for folder in above {
            if self.tree.get(folder).is_some_and(|node| !matches!(node, TreeNode::Folder)) {
                self.tree.remove(folder);
            }
        }
        self.tree.insert(path.to_owned(), TreeNode::File(content));
    }

    /// Removes a file; returns whether it was there.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        self.tree.remove(path).is_some()
    }

    /// Removes an object, and a digest's sidecar.
    pub(crate) fn remove_object(&mut self, signed: &Signed) {
        let path = self.world.path(signed);
        self.remove(&path);
        if signed.is_digest() {
            self.remove(&sidecar_name(&path));
        }
    }

    /// Removes everything below a folder; returns how many files it was.
    pub(crate) fn remove_below(&mut self, folder: &str) -> usize {
        let start = format!("{folder}/");
        let paths: Vec<String> = self.tree.keys().filter(|path| path.starts_with(&start)).cloned().collect();
        for path in &paths {
            self.tree.remove(path);
        }
        if !paths.is_empty() && self.random.chance(30) {
            self.tree.insert(folder.to_owned(), TreeNode::Folder);
        }
        paths.len()
    }

    /// Bytes of a log that AWS did not sign, of one event in a chain's account and region.
    pub(crate) fn invented(&mut self, chain: &ModelChain, time: Timestamp) -> Vec<u8> {
        self.unique += 1;
        let id = format!("planted-{}-{}", self.seed, self.unique);
        records(&[record(chain, time.plus(-300), "GetObject", &id)])
    }

    /// As [`Self::invented`], gzipped.
    pub(crate) fn invented_file(&mut self, chain: &ModelChain, time: Timestamp) -> Vec<u8> {
        let content = self.invented(chain, time);
        gzip(&content, 6)
    }

    /// A name that no file has.
    pub(crate) fn unique_text(&mut self) -> String {
        self.unique += 1;
        let text = format!("{:08X}{:08X}", self.seed & 0xffff_ffff, self.unique);
        text.chars().take(16).collect()
    }

    /// A moment around a chain's windows, and what it is.
    pub(crate) fn moment(&mut self, line: &Line) -> (Timestamp, &'static str) {
        let digests = &line.chain.digests;
        let (first, last) = (digests[0].end(), digests[digests.len() - 1].end());
        match self.random.below(10) {
            0 => (first.plus(-self.random.between(1, 5) * HOUR), "before the first digest"),
            1 => (last.plus(self.random.between(600, 6600)), "just after the last digest"),
            2 => (last.plus(self.random.between(3, 40) * HOUR), "long after the last digest"),
            3 => {
                let gap = line.segments.windows(2).next().map(|pair| digests[pair[1].start].end());
                (gap.map_or(first, |start| start.plus(-900)), "before a start")
            }
            _ => (first.plus(self.random.between(0, last.since(first))), "in a window"),
        }
    }
}
