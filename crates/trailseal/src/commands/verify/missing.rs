//! What a verification lacked and AWS still has: signatures, public keys, days that were not copied; with the commands that
//! get them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
};

use trailseal_archive::{Timestamp, key::is_region_like};
use trailseal_evidence::{
    UnpackedRoot,
    report::{Finding, Report},
};
use trailseal_verify::Code;

use super::advice::list_public_keys;
use crate::{
    commands::options::packed,
    error::CommandError,
    render::{
        plain::{plural, shown},
        shell::shell_word,
    },
};

/// Commands of a kind that are told beside a report; all of them: `--what-is-missing`.
const TOLD: usize = 3;

/// One kind of what is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// What, and why it matters.
    what: String,
    /// The commands that get it, each a line.
    commands: Vec<String>,
    /// Commands that cannot be told, since a name in them cannot be printed.
    untold: u64,
}

/// What the findings of a report say is missing. `keys` are the paths that were given as keys: new ones go where they lie.
pub(super) fn missing(report: &Report, keys: &[PathBuf], unpacked: &[UnpackedRoot]) -> Vec<Missing> {
    let mut unpacking = Unpacking { unpacked, by_hand: BTreeSet::new() };
    let signatures = signatures(report, &mut unpacking);
    let days = days(report, &mut unpacking);
    [unpacking.missing(), signatures, public_keys(report, keys), days].into_iter().flatten().collect()
}

/// Archive files into which nothing can be put.
struct Unpacking<'a> {
    unpacked: &'a [UnpackedRoot],
    /// The commands that unpack those into which something has to be put.
    by_hand: BTreeSet<String>,
}

impl Unpacking<'_> {
    /// A place in the archive; of what lies in an archive file, where it lies once that is unpacked.
    fn place(&mut self, shown: &str) -> String {
        let found = self.unpacked.iter().find_map(|root| {
            let rest = shown.strip_prefix(root.archive.to_str()?)?;
            (rest.is_empty() || rest.starts_with('!')).then_some((root, rest.trim_start_matches('!')))
        });
        let Some((command, folder, rest)) = found.and_then(|(root, rest)| {
            let (command, folder) = packed::by_hand(&root.archive)?;
            Some((command, folder, rest))
        }) else {
            return shown.to_owned();
        };
        self.by_hand.insert(command);
        if rest.is_empty() { folder } else { format!("{folder}/{rest}") }
    }

    fn missing(self) -> Option<Missing> {
        (!self.by_hand.is_empty()).then(|| Missing {
            what: "what is missing has its place beside what is there: unpack this, and give the folder in its place:"
                .to_owned(),
            commands: self.by_hand.into_iter().collect(),
            untold: 0,
        })
    }
}

/// Writes everything as a script: a comment for each kind, and its commands.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write(missing: &[Missing], out: &mut dyn Write) -> io::Result<()> {
    for Missing { what, commands, untold } in missing {
        writeln!(out, "# {}", shown(what))?;
        commands.iter().try_for_each(|command| writeln!(out, "{command}"))?;
        if *untold > 0 {
            writeln!(out, "# {}", untold_text(*untold))?;
        }
    }
    Ok(())
}

/// The same as hints beside the report.
pub(super) fn tell(missing: &[Missing]) {
    let mut told = CommandError::new("");
    for Missing { what, commands, untold } in missing {
        let mut lines: Vec<&str> = vec![what];
        lines.extend(commands.iter().take(TOLD).map(String::as_str));
        let more = commands.len().saturating_sub(TOLD);
        let rest = format!("and {} (--what-is-missing prints them all)", plural(more as u64, "more command"));
        if more > 0 {
            lines.push(&rest);
        }
        let untold_line = untold_text(*untold);
        if *untold > 0 {
            lines.push(&untold_line);
        }
        told = told.hint(lines.join("\n"));
    }
    // Nobody can be told that stderr is gone.
    let _ = told.write_hints(&mut anstream::stderr());
}

fn untold_text(untold: u64) -> String {
    format!("{} left out: names in them hold what cannot be printed", plural(untold, "command"))
}

/// Objects' metadata, which copies of a bucket leave behind.
fn signatures(report: &Report, unpacking: &mut Unpacking<'_>) -> Option<Missing> {
    let (mut commands, mut untold) = (BTreeSet::new(), 0);
    for finding in of(report, Code::SignatureUnavailable) {
        let (Some(bucket), Some(key), Some(path)) = (&finding.bucket, &finding.key, &finding.path) else {
            continue;
        };
        if [bucket, key, path].into_iter().any(|text| !is_printable(text)) {
            untold += 1;
            continue;
        }
        commands.insert(format!(
            "aws s3api head-object --bucket {} --key {} --output json > {}",
            shell_word(bucket),
            shell_word(key),
            shell_word(&format!("{}.metadata.json", unpacking.place(path)))
        ));
    }
    let count = commands.len() as u64 + untold;
    (count > 0).then(|| Missing {
        untold,
        what: format!(
            "`aws s3 sync` and `aws s3 cp` do not copy signatures; {} need{} one of {} own:",
            plural(count, "digest"),
            if count == 1 { "s" } else { "" },
            if count == 1 { "its" } else { "their" },
        ),
        commands: commands.into_iter().collect(),
    })
}

/// Keys, by region.
fn public_keys(report: &Report, keys: &[PathBuf]) -> Option<Missing> {
    let mut spans: BTreeMap<&str, (Timestamp, Timestamp)> = BTreeMap::new();
    let mut fingerprints = BTreeSet::new();
    for finding in of(report, Code::KeyUnknown) {
        let (Some(region), Some(end)) =
            (finding.region.as_deref().filter(|name| is_region_like(name)), finding.end)
        else {
            continue;
        };
        let span = spans.entry(region).or_insert((end, end));
        *span = (span.0.min(end), span.1.max(end));
        fingerprints.extend(finding.expected.as_deref());
    }
    let given = keys.iter().find(|path| path.is_dir()).map(|path| path.to_string_lossy());
    let folder = given.as_deref().unwrap_or("keys").trim_end_matches('/');
    let mut commands = Vec::new();
    if !Path::new(folder).is_dir() {
        commands.push(format!("mkdir -p {}", shell_word(folder)));
    }
    for (region, (first, last)) in &spans {
        // A file that is there may hold other keys of the region.
        let plain = format!("{folder}/public-keys-{region}.json");
        let day: String = first.to_string().chars().take(10).collect();
        let file = if Path::new(&plain).exists() {
            format!("{folder}/public-keys-{region}-{day}.json")
        } else {
            plain
        };
        commands.push(list_public_keys(region, *first, *last, &file));
    }
    let count = fingerprints.len() as u64;
    let is_are = if count == 1 { "is" } else { "are" };
    (!spans.is_empty()).then(|| Missing {
        untold: 0,
        what: format!(
            "{} {is_are} missing (cloudtrail:ListPublicKeys is allowed to any account):",
            plural(count, "public key")
        ),
        commands,
    })
}

/// Days of which the copy has nothing.
fn days(report: &Report, unpacking: &mut Unpacking<'_>) -> Option<Missing> {
    let mut days: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut untold = 0;
    for finding in of(report, Code::NotCopied) {
        let (Some(bucket), Some(key)) = (finding.bucket.as_deref(), finding.key.as_deref()) else { continue };
        let mapping = report
            .scope
            .mappings
            .iter()
            .find(|mapping| mapping.bucket == bucket && key.starts_with(mapping.prefix.as_str()));
        let (Some(mapping), Some(day)) = (mapping, day(key)) else { continue };
        if is_printable(bucket) && is_printable(&mapping.prefix) && is_printable(&mapping.folder) {
            days.entry((bucket, &mapping.prefix, &mapping.folder)).or_default().insert(day);
        } else {
            untold += 1;
        }
    }
    let count: usize = days.values().map(BTreeSet::len).sum();
    let commands = days.into_iter().map(|((bucket, prefix, folder), days)| {
        let include = days.iter().fold(String::new(), |text, day| text + " --include '*/" + day + "/*'");
        format!(
            "aws s3 sync {} {} --exclude '*'{include}",
            shell_word(&format!("s3://{bucket}/{prefix}")),
            shell_word(&unpacking.place(folder))
        )
    });
    let commands: Vec<String> = commands.collect();
    (count as u64 + untold > 0).then(|| Missing {
        untold,
        what: format!("{} of which the copy has nothing:", plural(count as u64, "day folder")),
        commands,
    })
}

/// `2024/02/29`: the folders in which an object of CloudTrail lies.
fn day(key: &str) -> Option<&str> {
    let (folders, _) = key.rsplit_once('/')?;
    let day = folders.get(folders.len().checked_sub(10)?..)?;
    let is_day = day
        .bytes()
        .enumerate()
        .all(|(at, byte)| if [4, 7].contains(&at) { byte == b'/' } else { byte.is_ascii_digit() });
    is_day.then_some(day)
}

fn of(report: &Report, code: Code) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(move |finding| finding.code == code)
}

/// Whether a text can stand in a command on the screen: digests choose names, and may be forged.
fn is_printable(text: &str) -> bool {
    shown(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_an_object_is_that_of_its_folders() {
        assert_eq!(day("AWSLogs/1/CloudTrail/us-east-1/2024/02/29/x.json.gz"), Some("2024/02/29"));
        for key in ["x", "2024/02/29", "a/2024-02-29/x", "/2024/02/2é/x", "é/x"] {
            assert_eq!(day(key), None, "{key}");
        }
    }
}
