//! From what it starts: which of the first words and options say so, and which words are ROOTs.

use std::path::{Path, PathBuf};

use trailseal_analysis::follow::Starts;

use super::Args;
use crate::{
    commands::options::{
        access_key::{LENGTH, is_of_a_kind, upper_case_key},
        address::is_address,
        input::Input,
        list::{listed, names},
    },
    error::CommandError,
};

/// Characters of the longest key that the API takes.
const MAX_LENGTH: usize = 128;

/// From what it starts, and what is read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) keys: Vec<String>,
    pub(super) starts: Starts,
    pub(super) input: Input,
    /// The words in place of KEY, if they may have been meant as ROOT.
    swapped: Option<String>,
}

/// Tells apart what the words and options say.
///
/// # Errors
/// When nothing says from what it starts, or what is given is nothing to start from.
pub(super) fn asked(args: &Args) -> Result<Asked, CommandError> {
    let mut keys = separated(&args.access_keys);
    let mut principals = names(&args.principals);
    let mut source_ips = separated(&args.source_ips);
    let mut input = Input {
        roots: args.input.roots.clone(),
        directories: args.input.directories.clone(),
        files: args.input.files.clone(),
    };
    let mut swapped = None;
    let has_start = [&keys, &principals, &source_ips].iter().any(|values| !values.is_empty());
    match args.key.as_deref() {
        Some(word) if has_start && !(keys.is_empty() && is_key_before_root(word, &input)) => {
            input.roots.insert(0, PathBuf::from(word));
        }
        Some(word) => {
            let word = word.trim();
            if word.starts_with("arn:") {
                principals.push(word.to_owned());
            } else if is_address(word) {
                source_ips.push(word.to_owned());
            } else {
                keys = separated(&[word.to_owned()]);
                if keys.is_empty() {
                    return Err(no_key(word));
                }
            }
            swapped = Some(word.to_owned());
        }
        None if has_start => {}
        None => {
            return Err(CommandError::new("KEY is missing: from what it starts").hint(
                "trailseal follow AKIAIOSFODNN7EXAMPLE ROOT; or --principal NAME, --source-ip ADDRESS",
            ));
        }
    }
    keys.iter().try_for_each(|key| check(key))?;
    if input.roots.is_empty() && input.directories.is_empty() && input.files.is_empty() {
        let words = swapped.as_ref().map_or("…", String::as_str);
        return Err(CommandError::new("ROOT is missing: the folder or file to read")
            .hint(format!("trailseal follow {words} ROOT")));
    }
    let starts = Starts::new(keys.clone(), principals, source_ips)?;
    Ok(Asked { keys, starts, input, swapped })
}

impl Asked {
    /// Whether a path was given in place of a key, and the key as ROOT.
    pub(super) fn is_swapped(&self) -> bool {
        self.swapped.as_ref().is_some_and(|word| Path::new(word).exists()) && self.input.roots.len() == 1
    }

    /// What is odd about the keys, where the archive has no event of one: sentences.
    pub(super) fn oddities(&self, is_found: &dyn Fn(&str) -> bool) -> Vec<String> {
        let odd = self.keys.iter().filter(|key| !is_found(key) && !has_usual_shape(key));
        odd.map(|key| {
            format!(
                "{key} has {} characters; keys that AWS gives have {LENGTH}: AKIA or ASIA, and 16 more",
                key.len()
            )
        })
        .collect()
    }
}

/// Values with commas between them.
fn separated(given: &[String]) -> Vec<String> {
    listed(given).into_iter().filter(|value| !value.is_empty()).collect()
}

/// Whether the first word is a key, in front of what is read, though an option says from what it starts.
fn is_key_before_root(word: &str, input: &Input) -> bool {
    let has_root = !(input.roots.is_empty() && input.directories.is_empty() && input.files.is_empty());
    let keys = separated(&[word.to_ascii_uppercase()]);
    has_root && !keys.is_empty() && keys.iter().all(|key| is_of_a_kind(key)) && !Path::new(word).exists()
}

fn has_usual_shape(key: &str) -> bool {
    key.len() == LENGTH && is_of_a_kind(key)
}

/// # Errors
/// For what can be no key.
fn check(key: &str) -> Result<(), CommandError> {
    let is_key =
        key.len() <= MAX_LENGTH && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_key {
        return Err(no_key(key));
    }
    match upper_case_key(key) {
        Some(upper) => Err(CommandError::new(format!("{key:?} is no access key: they are in upper case"))
            .hint(format!("trailseal follow {upper} …"))),
        None => Ok(()),
    }
}

fn no_key(word: &str) -> CommandError {
    let error = CommandError::new(format!("{word:?} is no access key"))
        .hint("access keys look like AKIAIOSFODNN7EXAMPLE and stand before ROOT");
    let is_name = !word.is_empty() && !Path::new(word).exists() && !word.contains(['/', '\\', '\'']);
    if is_name {
        error.hint(format!("a user, role or session: trailseal follow --principal '{word}' ROOT"))
    } else {
        error
    }
}
