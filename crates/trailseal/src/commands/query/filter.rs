//! What the options of a filter mean.

use std::path::Path;

use trailseal_analysis::wanted::{Access, Condition, Selected, Wanted, WantedError};
use trailseal_analysis::{fields::Field, near::AskedValues};
use trailseal_archive::open;
use trailseal_query::selectors::Selectors;

use super::args;
use crate::{
    commands::options::{access_key::upper_case_key, time::TimeSpan},
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
    condition.notes.extend(filter.access_keys.iter().filter_map(|key| {
        let upper = upper_case_key(key)?;
        Some(format!("--access-key {key}: access keys are in upper case; --access-key {upper}"))
    }));
    Ok((condition, span))
}

impl args::Filter {
    /// The options that name values of a field, with the field and the values.
    pub(super) fn values_of_fields(&self) -> Vec<(&'static str, AskedValues)> {
        let options = [
            ("--event-name", "eventName", &self.event_names),
            ("--event-source", "eventSource", &self.event_sources),
            ("--username", "username", &self.usernames),
            ("--access-key", "userIdentity.accessKeyId", &self.access_keys),
            ("--principal", "principal", &self.principals),
            ("--error", "error", &self.errors),
            ("--resource", "resource_name", &self.resources),
            ("--account", "recipientAccountId", &self.accounts),
            ("--region", "awsRegion", &self.regions),
        ];
        let given = options.into_iter().filter(|(_, _, values)| !values.is_empty());
        given
            .filter_map(|(option, field, values)| {
                let field = Field::parse(field).ok()?;
                Some((option, AskedValues { field, values: values.clone() }))
            })
            .collect()
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
            event_names: self.event_names.clone(),
            event_sources: self.event_sources.clone(),
            usernames: self.usernames.clone(),
            access_keys: self.access_keys.clone(),
            principals: self.principals.clone(),
            source_ips: self.source_ips.clone(),
            errors: self.errors.clone(),
            resources: self.resources.clone(),
            accounts: self.accounts.clone(),
            regions: self.regions.clone(),
            categories: self.categories.clone(),
            keywords: self.keywords.clone(),
            regexes: self.regexes.clone(),
            ignore_case: self.ignore_case,
            access,
            selected: selectors.map(|selectors| Selected { selectors, is_inverse: self.selectors_inverse }),
        })
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
