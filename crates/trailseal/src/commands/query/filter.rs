//! What the options of a filter mean.

use std::path::Path;

use trailseal_analysis::wanted::{Access, Condition, Selected, Wanted, WantedError};
use trailseal_analysis::{fields::Field, near::AskedValues};
use trailseal_archive::open;
use trailseal_evidence::scan::Reach;
use trailseal_query::{
    Predicate, expression,
    predicate::{Literal, Operator, Test},
    selectors::Selectors,
};

use super::args;
use crate::{
    commands::options::{
        access_key,
        list::{listed, names},
        time::TimeSpan,
    },
    error::CommandError,
};

/// A file of event selectors is no larger.
const MAX_SELECTORS: u64 = 16 << 20;

/// Which events are wanted, and when they happened.
///
/// # Errors
/// When an option cannot be understood.
pub(super) fn condition(filter: &args::Filter) -> Result<(Condition, TimeSpan), CommandError> {
    let span = filter.times.span()?;
    let mut condition = filter.wanted(span)?.condition()?;
    condition.notes.extend(span.notes());
    condition.notes.extend(listed(&filter.access_keys).iter().filter_map(|key| access_key::oddity(key)));
    Ok((condition, span))
}

/// What is asked for, in words that are others where something else is.
///
/// # Errors
/// When an option cannot be understood.
pub(super) fn question(filter: &args::Filter, verified_only: bool) -> Result<String, CommandError> {
    let wanted = filter.wanted(filter.times.span()?)?;
    Ok(format!("{wanted:?} verified only: {verified_only}"))
}

impl args::Filter {
    /// The options that name values of a field, with the field and the values.
    pub(super) fn values_of_fields(&self) -> Vec<(&'static str, AskedValues)> {
        let options = [
            ("--event-name", "eventName", listed(&self.event_names)),
            ("--event-source", "eventSource", listed(&self.event_sources)),
            ("--username", "username", names(&self.usernames)),
            ("--access-key", "userIdentity.accessKeyId", listed(&self.access_keys)),
            ("--event-id", "eventID", listed(&self.event_ids)),
            ("--principal", "principal", names(&self.principals)),
            ("--error", "error", self.error_codes()),
            ("--resource", "resource_name", names(&self.resources)),
            ("--account", "recipientAccountId", listed(&self.accounts)),
            ("--region", "awsRegion", listed(&self.regions)),
        ];
        let given = options.into_iter().filter(|(_, _, values)| !values.is_empty());
        let of_option = |(option, field, values): (_, &str, _)| {
            let field = Field::parse(field).ok()?;
            Some((option, AskedValues { field, values }))
        };
        let mut asked: Vec<_> = given.filter_map(of_option).collect();
        for condition in &self.conditions {
            // what cannot be parsed was refused before
            let Ok((predicate, _)) = expression::parse_with_notes(condition) else { continue };
            equalities(&predicate, &mut asked);
        }
        asked
    }

    /// How far an archive reaches in the accounts and regions that are asked for, where they are named as they are.
    pub(super) fn reach(&self, reach: &Reach) -> Option<Reach> {
        let (accounts, regions) = (listed(&self.accounts), listed(&self.regions));
        let is_named = accounts.iter().chain(&regions).all(|name| !name.contains(['*', '?', '\\']));
        (is_named && !(accounts.is_empty() && regions.is_empty()))
            .then(|| reach.within(&accounts, &regions))?
    }

    /// The codes of --error and --error-code.
    fn error_codes(&self) -> Vec<String> {
        let mut codes = listed(&self.errors);
        codes.extend(listed(&self.error_codes));
        codes
    }

    /// The same without the command line.
    fn wanted(&self, span: TimeSpan) -> Result<Wanted, CommandError> {
        let access = match (self.read_only, self.write_only) {
            (true, _) => Some(Access::ReadOnly),
            (false, true) => Some(Access::WriteOnly),
            (false, false) => None,
        };
        let selectors = self.selectors.as_deref().map(read_selectors).transpose()?;
        Ok(Wanted {
            conditions: self.conditions.clone(),
            allow_unknown_fields: self.allow_unknown_fields,
            from: span.from,
            to: span.to,
            hours: self.times.local.hours.clone(),
            weekdays: self.times.local.weekdays.clone(),
            is_outside: self.times.local.outside,
            zone: self.times.zone.zone.clone(),
            event_names: listed(&self.event_names),
            event_sources: listed(&self.event_sources),
            usernames: names(&self.usernames),
            access_keys: listed(&self.access_keys),
            event_ids: listed(&self.event_ids),
            user_agents: self.user_agents.clone(),
            principals: names(&self.principals),
            source_ips: listed(&self.source_ips),
            errors: self.error_codes(),
            resources: names(&self.resources),
            accounts: listed(&self.accounts),
            regions: listed(&self.regions),
            categories: listed(&self.categories),
            keywords: self.keywords.clone(),
            regexes: self.regexes.clone(),
            ignore_case: self.ignore_case,
            access,
            selected: selectors.map(|selectors| Selected { selectors, is_inverse: self.selectors_inverse }),
        })
    }
}

/// The texts that a condition asks fields to equal.
fn equalities(predicate: &Predicate, asked: &mut Vec<(&'static str, AskedValues)>) {
    let (name, test) = match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => {
            return parts.iter().for_each(|part| equalities(part, asked));
        }
        Predicate::Field(path, test) => (path.to_string(), test),
        _ => return,
    };
    let literals = match test {
        Test::Compare(Operator::Equal, literal) => std::slice::from_ref(literal),
        Test::In(literals) => literals,
        _ => return,
    };
    let text = |literal: &Literal| match literal {
        Literal::Text(text) => Some(text.clone()),
        _ => None,
    };
    let values: Vec<String> = literals.iter().filter_map(text).collect();
    if let (false, Ok(field)) = (values.is_empty(), Field::parse(&name)) {
        asked.push(("--where", AskedValues { field, values }));
    }
}

impl From<WantedError> for CommandError {
    fn from(error: WantedError) -> Self {
        match error {
            WantedError::Condition(error) => {
                let message = Self::new(format!("--where cannot be used: {error}"));
                match error.hint() {
                    Some(hint) => message.hint(hint),
                    None => message,
                }
            }
            other => Self::new(format!("--{other}")),
        }
    }
}

fn read_selectors(path: &Path) -> Result<Selectors, CommandError> {
    let bytes = open::read_stream(path, MAX_SELECTORS)
        .map_err(|error| CommandError::file("read the event selectors in", path, error))?;
    Selectors::parse(&bytes).map_err(|error| CommandError::file("use the event selectors in", path, error))
}
