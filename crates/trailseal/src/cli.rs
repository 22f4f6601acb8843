//! The arguments; the doc comments are the manual (`--help`, docs/cli.md and the man pages come from them).

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    completions, follow, generate, index, info, keys, lookup_events, man, query, record, serve, verify,
};

const EXAMPLES: &str = "\
Examples:
  trailseal verify ./archive --keys ./keys
      Prove every digest and log file below ./archive.
  trailseal verify ./archive
      Without keys: says which keys the archive needs, and how to get them from AWS.
  trailseal verify ./archive --keys ./keys --format json | jq .verdict
      One JSON document; --format jsonl lists every digest and log file.
  trailseal verify ./archive --keys ./keys --from 2024-03-01 --to 2024-03-02 --account 111122223333
      Only what one account delivered on one day.
  trailseal info ./archive
      What is there: files, accounts, regions, times, who acted, what stopped logging; what to ask next.
  trailseal query ./archive --event-name ConsoleLogin --from 2024-03-01 --timeline
      Who signed in, as a timeline; `trailseal query --help` shows much more.
  trailseal query ./archive --keys ./keys --error=AccessDenied* --count-by username
      Who was denied something, from log files that AWS is proven to have signed or not.
  trailseal follow AKIAIOSFODNN7EXAMPLE ./archive
      What an access key did, the roles that it assumed, and what was done with those.
  trailseal generate ./demo
      A signed archive to try it on.

Exit status:
  0  done; verify: everything in scope is proven
  1  verify: at least one violation is proven (altered, missing, planted or forged);
     query --fail-if-none: nothing matched
  2  could not run: wrong arguments, nothing to verify, unusable keys, unreadable root, interrupted
  3  ran, but part of the input could not be proven or read";

/// Proves that a CloudTrail archive is what AWS signed, and answers questions about its events, offline
///
/// Proves offline that a downloaded AWS CloudTrail archive is what AWS signed: every digest file by its RSA
/// signature or by the hash chain, every log file by the SHA-256 that its digest names. What is altered, missing,
/// planted or forged is named; what cannot be proven is said to be unproven, never passed over. And searches the
/// events of such an archive, or of files in any shape, with or without that proof.
#[derive(Debug, Parser)]
#[command(name = "trailseal", version, after_help = EXAMPLES, max_term_width = 100, disable_help_flag = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colours; `auto` heeds `NO_COLOR` and whether the output is a terminal
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", global = true, help_heading = GENERAL)]
    color: When,

    /// No colours, as `--color never`
    #[arg(short = 'K', long, global = true, help_heading = GENERAL)]
    no_color: bool,

    /// Print help; `-h` is a summary
    #[arg(short, long, action = clap::ArgAction::Help, global = true, help_heading = GENERAL)]
    help: Option<bool>,
}

/// What all commands have, behind what is their own.
const GENERAL: &str = "General";

impl Cli {
    /// The wish about colours.
    pub(crate) fn color(&self) -> anstream::ColorChoice {
        match self.color {
            _ if self.no_color => anstream::ColorChoice::Never,
            When::Auto => anstream::ColorChoice::Auto,
            When::Always => anstream::ColorChoice::Always,
            When::Never => anstream::ColorChoice::Never,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(
        visible_alias = "validate-logs",
        override_usage = "trailseal verify [OPTIONS] <ROOT>... --keys <PATH>...",
        after_help = verify::AFTER_HELP
    )]
    Verify(Box<verify::Args>),
    #[command(after_help = info::AFTER_HELP)]
    Info(Box<info::Args>),
    #[command(
        override_usage = "trailseal query [FILTER] [OUTPUT] <ROOT>...",
        after_help = query::AFTER_HELP
    )]
    Query(Box<query::Args>),
    #[command(
        override_usage = "trailseal follow [OPTIONS] <KEY> <ROOT>...\n       \
                          trailseal follow [OPTIONS] --principal <PRINCIPAL> <ROOT>...\n       \
                          trailseal follow [OPTIONS] --source-ip <ADDRESS> <ROOT>...",
        after_help = follow::AFTER_HELP
    )]
    Follow(Box<follow::Args>),
    #[command(after_help = lookup_events::AFTER_HELP)]
    LookupEvents(Box<lookup_events::Args>),
    #[command(after_help = index::AFTER_HELP)]
    Index(Box<index::Args>),
    #[command(after_help = serve::AFTER_HELP)]
    Serve(Box<serve::Args>),
    #[command(after_help = record::AFTER_HELP)]
    Record(record::Args),
    Keys(keys::Args),
    Generate(Box<generate::GenerateArgs>),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// What an interrupt of the command says.
    pub(crate) fn interrupted(&self) -> &'static str {
        match self {
            Self::Verify(_) => "interrupted: the run did not finish, so nothing is proven",
            Self::Info(_) | Self::Query(_) | Self::Follow(_) | Self::LookupEvents(_) => {
                "interrupted: not everything was read, and what was written is not all"
            }
            Self::Index(_) => "interrupted: the index, if there was one, is as it was",
            Self::Generate(_) => "interrupted: what was written is not a whole archive",
            Self::Record(_) => "interrupted: not everything was recorded",
            Self::Serve(args) if !args.has_local_trails() => "interrupted",
            Self::Serve(_) => {
                "interrupted; what had come in for local trails is kept, and delivered after the next start"
            }
            Self::Keys(_) | Self::Completions(_) | Self::Man(_) => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn an_option_of_several_commands_has_one_value_and_one_text() {
        // what means another thing there
        const OTHERS: [(&str, &str); 25] = [
            ("info", "format"),
            ("info", "verbose"),
            ("query", "quiet"),
            ("verify", "keys"),
            ("generate", "region"),
            ("verify", "clobber"),
            ("verify", "max-inflated-size"),
            ("verify", "quiet"),
            ("verify", "stats"),
            ("verify", "verbose"),
            ("query", "format"),
            ("follow", "access-key"),
            ("follow", "format"),
            ("follow", "principal"),
            ("follow", "source-ip"),
            ("follow", "verbose"),
            ("lookup-events", "output"),
            ("lookup-events", "region"),
            ("serve", "account"),
            ("serve", "keys"),
            ("serve", "region"),
            ("record", "region"),
            ("generate", "hours"),
            ("generate", "trail"),
            ("follow", "fail-if-none"),
        ];
        let mut seen = std::collections::BTreeMap::new();
        let mut differ = Vec::new();
        let cli = <Cli as clap::CommandFactory>::command();
        for command in cli.get_subcommands() {
            let named = command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg)));
            for (name, arg) in named.filter(|(name, _)| !OTHERS.contains(&(command.get_name(), name))) {
                // how a command counts the times goes on below the same first line
                let long = arg.get_long_help().filter(|_| !["from", "to", "tz"].contains(&name));
                let said = (
                    arg.get_short(),
                    arg.get_help().map(ToString::to_string),
                    long.map(ToString::to_string),
                    arg.get_value_names().filter(|_| arg.get_action().takes_values()).map(<[_]>::to_vec),
                );
                let first = seen.entry(name.to_owned()).or_insert_with(|| said.clone());
                if *first != said {
                    differ
                        .push(format!("{} --{name}: {said:?}, and elsewhere {first:?}", command.get_name()));
                }
            }
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}
