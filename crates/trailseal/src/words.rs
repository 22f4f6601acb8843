//! The words that people of other tools type, and what they are called here: one table for commands, one for options.

use std::{ffi::OsString, path::Path};

use clap::{
    CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    cli::Cli,
    commands::options::{access_key::is_meant_as_key, address::is_address},
    error::CommandError,
    render::shell::shell_word,
};

/// First words, with the command that does it here.
const COMMANDS: [(&[&str], &str); 15] = [
    (
        &[
            "search", "grep", "find", "hunt", "sql", "select", "filter", "scan", "events", "logs", "log",
            "show", "cat", "get", "list", "athena", "jq", "where", "ask", "dump", "export", "convert",
        ],
        "trailseal query ROOT -k TEXT, --event-name NAME or --where CONDITION; see `trailseal query --help`",
    ),
    (
        &["count", "metrics", "stats", "top", "group", "aggregate", "aws-ct-metrics"],
        "trailseal query ROOT --count-by eventName",
    ),
    (
        &["timeline", "csv-timeline", "json-timeline", "aws-ct-timeline", "history"],
        "trailseal query ROOT --timeline",
    ),
    (&["histogram", "chart", "plot"], "trailseal query ROOT --histogram 1h"),
    (
        &["summary", "overview", "inspect", "describe", "stat", "ls", "du", "aws-ct-summary", "log-metrics"],
        "trailseal info ROOT",
    ),
    (&["report"], "trailseal verify ROOT --keys KEYS --report FILE"),
    (
        &["validate", "check", "prove", "audit", "validate_logs", "validation", "integrity", "verify-logs"],
        "trailseal verify ROOT --keys KEYS",
    ),
    (&["gaps", "coverage"], "trailseal verify ROOT --keys KEYS; without keys, trailseal info ROOT"),
    (&["trace", "track", "pivot", "graph", "tree", "chain"], "trailseal follow KEY ROOT"),
    (&["lookup", "lookup_events", "lookupevents", "cloudtrail"], "trailseal lookup-events ROOT"),
    (&["server", "start", "run", "mock", "api", "listen"], "trailseal serve ROOT"),
    (
        &["list-public-keys", "public-keys", "key"],
        "trailseal keys FILE lists those that you have; trailseal verify ROOT says how to get those of an archive",
    ),
    (&["demo", "sample", "example", "init", "create"], "trailseal generate OUT"),
    (&["import", "put", "send", "ingest", "put-audit-events"], "trailseal record FILE"),
    (&["version", "ver"], "trailseal --version"),
];

/// Options, with what they are called here; an option of ours, or a sentence.
const OPTIONS: [(&[&str], &str); 45] = [
    (
        &["--ip", "--ips", "--src-ip", "--source-ip-address", "--sourceip", "--address", "--cidr"],
        "--source-ip",
    ),
    (
        &["--user", "--arn", "--identity", "--role", "--who", "--actor", "--caller", "--session"],
        "--principal",
    ),
    (&["--user-name", "--iam-user"], "--username"),
    (&["--service", "--source", "--services"], "--event-source"),
    (&["--event", "--events", "--name", "--action", "--api", "--operation", "--event-names"], "--event-name"),
    (
        &[
            "--since",
            "--after",
            "--begin",
            "--start",
            "--start-date",
            "--timeline-start",
            "--last",
            "--newer",
        ],
        "--from",
    ),
    (&["--until", "--before", "--end", "--end-date", "--timeline-end", "--older"], "--to"),
    (&["--time-offset"], "--from, as --from -7d"),
    (&["--key", "--akid", "--access-key-id", "--accesskey"], "--access-key"),
    (&["--grep", "--search", "--text", "--contains", "--keywords", "--pattern"], "--keyword"),
    (&["--regexp", "-e", "-E"], "--regex"),
    (&["--count", "-c", "--group-by", "--group", "--aggregate", "--groupby", "--stats-by"], "--count-by"),
    (&["-l", "--files-with-matches"], "--count-by, as --count-by file"),
    (&["--head", "--max", "--max-count", "-m", "--take", "--first", "--page-size"], "--limit"),
    (&["--columns", "--select", "--field", "--cols"], "--fields"),
    (&["--error-codes", "--errors", "--errorcode", "--failed"], "--error"),
    (&["--message", "--error-message"], "--where, as --where \"errorMessage LIKE '%denied%'\""),
    (&["--eventid", "--id"], "--event-id"),
    (&["--agent", "--ua", "--useragent"], "--user-agent"),
    (&["--resource-name", "--bucket", "--resources", "--object"], "--resource"),
    (&["--account-ids", "--accounts", "--recipient-account-id"], "--account"),
    (&["--regions", "--aws-regions"], "--region"),
    (&["--output-format", "--out-format", "--fmt"], "--format"),
    (&["--jsonl", "--ndjson", "--tsv", "--table"], "--format, as --format jsonl"),
    (&["--out", "--outfile", "--output-file", "--out-file"], "--output"),
    (&["--force", "--overwrite"], "--clobber"),
    (&["--dedup", "--uniq", "--unique"], "--dedupe"),
    (&["--values", "--uniq-by"], "--distinct"),
    (&["--order-by", "--order", "--reverse", "--sort-by"], "--sort"),
    (&["--histo", "--interval", "--bucket-size", "--bin"], "--histogram"),
    (&["--jobs", "-j", "--workers"], "--threads"),
    (&["--timezone", "--local", "--utc", "-U"], "--tz"),
    (&["--public-key", "--public-keys", "--key-file", "--verified-keys"], "--keys"),
    (&["--input", "--path", "--dir", "--root", "--log-dir", "--archive-dir"], "--directory"),
    (
        &["--s3-bucket", "--s3-prefix"],
        "give the folder with the copy of the bucket as ROOT; --map says where a bucket lies",
    ),
    (&["--query"], "pipe the JSON to jq, or choose with --fields"),
    (
        &["--invert-match", "--exclude", "--not", "--invert"],
        "--where \"NOT …\"; for a text, --where \"NOT anywhere('…')\"",
    ),
    (&["-R", "--recursive"], "nothing is needed: folders are read with all folders in them"),
    (
        &["--profile", "--endpoint-url", "--no-sign-request"],
        "nothing is needed: no account and no network is used",
    ),
    (
        &["--port", "-p", "--host", "--bind", "--addr", "--listen-address"],
        "--listen, as --listen 127.0.0.1:4578",
    ),
    (&["--credentials", "--auth", "--credentials-file"], "--access-keys"),
    (&["--metrics", "--health", "--metrics-listen", "--prometheus"], "--observe"),
    (&["--data", "--data-folder", "--state-dir", "--storage"], "--data-dir"),
    (&["--rules", "--sigma", "--rule"], "rules are not run; --where takes their conditions"),
    (
        &["--html", "--pdf", "--xlsx", "--parquet", "--sqlite"],
        "that is not written; -t json, jsonl, csv, tsv and table are",
    ),
];

/// What to tell instead of clap's own error, where the word is known or is something else that can be told.
pub(crate) fn told(error: &clap::Error, arguments: &[OsString]) -> Option<CommandError> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => command(&text(ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => option(&text(ContextKind::InvalidArg)?, arguments),
        _ => None,
    }
}

fn command(word: &str) -> Option<CommandError> {
    let error = CommandError::new(format!("there is no command `{word}`"));
    let lower = word.to_ascii_lowercase();
    let known = COMMANDS.iter().find(|(words, _)| words.contains(&lower.as_str()));
    let error = known.into_iter().fold(error, |error, (_, here)| error.hint(*here));
    if Path::new(word).exists() {
        let word = shell_word(word);
        let hints = ["info", "verify", "query"].map(|command| format!("trailseal {command} {word}"));
        return Some(hints.into_iter().fold(error, CommandError::hint));
    }
    if known.is_some() {
        return Some(error);
    }
    let is_sentence = word.contains(char::is_whitespace);
    match () {
        () if is_meant_as_key(word) => Some(
            error
                .hint(format!("trailseal follow {word} ROOT"))
                .hint(format!("trailseal query ROOT --access-key {word} --timeline")),
        ),
        () if word.starts_with("arn:") => Some(
            error
                .hint(format!("trailseal follow {word} ROOT"))
                .hint(format!("trailseal query ROOT --principal {word} --timeline")),
        ),
        () if is_address(word) => Some(
            error
                .hint(format!("trailseal query ROOT --source-ip {word} --timeline"))
                .hint(format!("trailseal follow {word} ROOT")),
        ),
        () if is_sentence => Some(error.hint(format!("trailseal query ROOT --where \"{word}\""))),
        () => None,
    }
}

fn option(word: &str, arguments: &[OsString]) -> Option<CommandError> {
    let cli = Cli::command();
    let name = arguments
        .iter()
        .skip(1)
        .filter_map(|argument| argument.to_str())
        .find(|argument| cli.find_subcommand(argument).is_some());
    let command = name.and_then(|name| cli.find_subcommand(name));
    let has = |command: &clap::Command, long: &str| {
        let all = command.get_arguments();
        all.filter_map(clap::Arg::get_long_and_visible_aliases).flatten().any(|known| known == long)
    };
    let foreign = word.split_once('=').map_or(word, |(name, _)| name);
    let error = CommandError::new(format!("there is no option {foreign}"));
    let known = OPTIONS.iter().find(|(words, _)| words.contains(&foreign)).map(|(_, here)| *here);
    let here = known.unwrap_or(foreign);
    let Some(long) = here.strip_prefix("--") else { return known.map(|here| error.hint(here)) };
    let long = long.split([',', ' ']).next().unwrap_or(long);
    if known.is_some() && command.is_some_and(|command| has(command, long)) {
        return Some(error.hint(here));
    }
    // another command may have it
    let others: Vec<&str> =
        cli.get_subcommands().filter(|command| has(command, long)).map(clap::Command::get_name).collect();
    match others[..] {
        [] => None,
        _ if known.is_none() && command.is_none() => None,
        _ => Some(
            error.hint(format!("--{long} is an option of `trailseal {}`", others.join("`, `trailseal "))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn hints(arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let error = Cli::try_parse_from(&arguments).unwrap_err();
        told(&error, &arguments).map(|error| error.hints).unwrap_or_default()
    }

    #[test]
    fn words_of_other_tools_are_answered_with_ours() {
        assert!(hints(&["trailseal", "search", "x"])[0].starts_with("trailseal query ROOT"));
        assert_eq!(hints(&["trailseal", "query", "x", "--ip", "1.2.3.4"]), ["--source-ip"]);
        assert_eq!(hints(&["trailseal", "query", "x", "--group-by=eventName"]), ["--count-by"]);
        assert!(hints(&["trailseal", "follow", "x", "--group-by=eventName"])[0].contains("trailseal query"));
        assert!(hints(&["trailseal", "verify", "x", "--event-name", "y"])[0].contains("trailseal query"));
        assert_eq!(hints(&["trailseal", "AKIAIOSFODNN7EXAMPLE"]).len(), 2);
        assert_eq!(hints(&["trailseal", "/"]).len(), 3);
        assert_eq!(hints(&["trailseal", "qurey"]), [""; 0], "clap knows what is like it");
    }

    #[test]
    fn every_word_leads_to_what_is_there_and_to_one_thing() {
        let cli = Cli::command();
        let mut seen = std::collections::BTreeSet::new();
        for (words, here) in COMMANDS {
            for word in words {
                assert!(cli.find_subcommand(word).is_none(), "{word} is a command");
                assert!(seen.insert(*word), "{word} stands twice");
            }
            let named = here.split(' ').nth(1).unwrap();
            assert!(named.starts_with("--") || cli.find_subcommand(named).is_some(), "{here}");
        }
        for (words, here) in OPTIONS {
            let options: Vec<_> = cli.get_subcommands().flat_map(clap::Command::get_arguments).collect();
            let is_ours = |long: &str| {
                options
                    .iter()
                    .any(|arg| arg.get_long_and_visible_aliases().is_some_and(|all| all.contains(&long)))
            };
            for word in words {
                assert!(seen.insert(*word), "{word} stands twice");
            }
            if let Some(long) = here.strip_prefix("--") {
                assert!(is_ours(long.split([',', ' ']).next().unwrap()), "{here}");
            }
        }
    }
}
