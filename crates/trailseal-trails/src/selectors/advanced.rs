//! Advanced event selectors (spec/selectors-and-insights.md 3.2).
//!
//! Known messages are those on the number of values, on required fields, on `resources.type` and on the ARNs of
//! functions (N); the others follow them and are ours (I). So are that a field is named once in a selector, that a
//! network activity selector compares `eventSource` with `Equals` only, and the form of a resource type
//! (`AWS::SERVICE::KIND`; the list of types changes monthly and is not carried here).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Coverage, MAX_RESOURCES, TOO_MANY_RESOURCES, WRONG_TYPE, basic::is_partition, invalid, shorten};
use crate::{
    error::ApiError,
    input::Input,
    names::{Arn, is_account, is_region},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AdvancedEventSelector {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    field_selectors: Vec<FieldSelector>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FieldSelector {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    equals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    starts_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ends_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    not_equals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    not_starts_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    not_ends_with: Option<Vec<String>>,
}

/// As received; it has the same members.
pub(super) struct Received(AdvancedEventSelector);

impl Received {
    pub(super) fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Ok(Self(AdvancedEventSelector {
            name: input.text("Name")?.map(str::to_owned),
            field_selectors: input.structures("FieldSelectors", FieldSelector::read)?.unwrap_or_default(),
        }))
    }
}

/// What a field of a category takes.
struct Rule {
    field: &'static str,
    is_required: bool,
    /// All when empty.
    operators: &'static [&'static str],
    /// Any when empty.
    values: &'static [&'static str],
    is_single: bool,
}

impl Rule {
    const fn any(field: &'static str) -> Self {
        Self { field, is_required: false, operators: &[], values: &[], is_single: false }
    }

    const fn required(field: &'static str) -> Self {
        Self { is_required: true, operators: &["Equals"], ..Self::any(field) }
    }
}

const CATEGORY: Rule = Rule { is_single: true, ..Rule::required("eventCategory") };
const READ_ONLY: Rule =
    Rule { operators: &["Equals"], values: &["true", "false"], is_single: true, ..Rule::any("readOnly") };

const MANAGEMENT: &[Rule] = &[
    CATEGORY,
    READ_ONLY,
    Rule {
        operators: &["NotEquals"],
        values: &["kms.amazonaws.com", "rdsdata.amazonaws.com"],
        ..Rule::any("eventSource")
    },
];

const DATA: &[Rule] = &[
    CATEGORY,
    READ_ONLY,
    Rule { is_single: true, ..Rule::required("resources.type") },
    Rule::any("resources.ARN"),
    Rule::any("eventName"),
    Rule::any("eventSource"),
    Rule::any("eventType"),
    Rule::any("userIdentity.arn"),
    Rule {
        operators: &["Equals", "NotEquals"],
        values: &["true"],
        ..Rule::any("sessionCredentialFromConsole")
    },
];

const NETWORK_ACTIVITY: &[Rule] = &[
    CATEGORY,
    Rule::required("eventSource"),
    Rule::any("eventName"),
    Rule { operators: &["Equals"], values: &["VpceAccessDenied"], ..Rule::any("errorCode") },
    Rule::any("vpcEndpointId"),
];

const MAX_VALUES: usize = 500;
const MAX_NAME: usize = 1_000;
const MAX_VALUE: usize = 2_048;

pub(super) fn validate(received: Vec<Received>) -> Result<Vec<AdvancedEventSelector>, ApiError> {
    let selectors: Vec<_> = received.into_iter().map(|Received(selector)| selector).collect();
    let fields = || selectors.iter().flat_map(|selector| &selector.field_selectors);
    let count: usize = fields().map(FieldSelector::count).sum();
    if selectors.is_empty() || selectors.len() > MAX_VALUES || count > MAX_VALUES {
        return Err(invalid("Specify between 1 and 500 selectors for your trail."));
    }
    selectors.iter().try_for_each(AdvancedEventSelector::validate)?;
    let resources = fields().filter(|field| field.field == "resources.ARN");
    if resources.map(FieldSelector::count).sum::<usize>() > MAX_RESOURCES {
        return Err(invalid(TOO_MANY_RESOURCES));
    }
    Ok(selectors)
}

impl AdvancedEventSelector {
    pub(super) fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.field_selectors.sort_by(|a, b| a.field.cmp(&b.field));
        sorted
    }

    pub(super) fn coverage(&self, category: &str) -> Coverage {
        if self.equals("eventCategory") != Some(category) {
            return Coverage::default();
        }
        let read_only = self.equals("readOnly");
        Coverage { reads: read_only != Some("false"), writes: read_only != Some("true") }
    }

    /// The first value that a field must equal.
    fn equals(&self, field: &str) -> Option<&str> {
        self.field(field)?.equals.as_ref()?.first().map(String::as_str)
    }

    fn field(&self, name: &str) -> Option<&FieldSelector> {
        self.field_selectors.iter().find(|selector| selector.field == name)
    }

    fn validate(&self) -> Result<(), ApiError> {
        if self.name.as_deref().unwrap_or_default().chars().count() > MAX_NAME {
            return Err(invalid("The selector name can have at most 1000 characters."));
        }
        let Some(category) = self.field("eventCategory") else {
            return Err(invalid("The following fields are required: [eventCategory]."));
        };
        category.validate(&CATEGORY)?;
        let rules = match self.equals("eventCategory") {
            Some("Management") => MANAGEMENT,
            Some("Data") => DATA,
            Some("NetworkActivity") => NETWORK_ACTIVITY,
            _ => return Err(invalid("The eventCategory field value is not valid.")),
        };
        let missing: Vec<_> = rules
            .iter()
            .filter(|rule| rule.is_required && self.field(rule.field).is_none())
            .map(|rule| rule.field)
            .collect();
        if !missing.is_empty() {
            return Err(invalid(format!("The following fields are required: [{}].", missing.join(", "))));
        }
        let mut seen = BTreeSet::new();
        for selector in &self.field_selectors {
            let field = shorten(&selector.field);
            if !seen.insert(&selector.field) {
                return Err(invalid(format!("The {field} field is specified more than once.")));
            }
            let rule = rules.iter().find(|rule| rule.field == selector.field);
            let rule = rule.ok_or_else(|| invalid(format!("The {field} field is not valid.")))?;
            selector.validate(rule)?;
        }
        match self.equals("resources.type") {
            Some(kind) if !is_resource_type(kind) => Err(invalid(WRONG_TYPE)),
            Some("AWS::Lambda::Function") => self.validate_functions(),
            _ => Ok(()),
        }
    }

    /// An ARN of a function that is compared as a whole has no version behind it.
    fn validate_functions(&self) -> Result<(), ApiError> {
        let Some(arn) = self.field("resources.ARN") else { return Ok(()) };
        let mut compared = arn.equals.iter().chain(&arn.not_equals).flatten();
        match compared.find(|value| !is_function(value)) {
            Some(value) => Err(invalid(format!(
                "The specified ARN {} is not valid. Verify that the ARN is properly formatted.",
                shorten(value)
            ))),
            None => Ok(()),
        }
    }
}

impl FieldSelector {
    fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            field: input.text("Field")?.unwrap_or_default().to_owned(),
            equals: input.texts("Equals")?,
            starts_with: input.texts("StartsWith")?,
            ends_with: input.texts("EndsWith")?,
            not_equals: input.texts("NotEquals")?,
            not_starts_with: input.texts("NotStartsWith")?,
            not_ends_with: input.texts("NotEndsWith")?,
        })
    }

    fn operators(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        [
            ("Equals", &self.equals),
            ("StartsWith", &self.starts_with),
            ("EndsWith", &self.ends_with),
            ("NotEquals", &self.not_equals),
            ("NotStartsWith", &self.not_starts_with),
            ("NotEndsWith", &self.not_ends_with),
        ]
        .into_iter()
        .filter_map(|(operator, values)| Some((operator, values.as_ref()?)))
    }

    fn count(&self) -> usize {
        self.operators().map(|(_, values)| values.len()).sum()
    }

    fn validate(&self, rule: &Rule) -> Result<(), ApiError> {
        let wrong = || invalid(format!("The {} field value is not valid.", rule.field));
        for (operator, values) in self.operators() {
            if !rule.operators.is_empty() && !rule.operators.contains(&operator) {
                return Err(invalid(format!(
                    "The {operator} operator is not valid for the {} field.",
                    rule.field
                )));
            }
            if values.is_empty() || rule.is_single && values.len() > 1 {
                return Err(wrong());
            }
            let is_bad = |value: &String| {
                !(1..=MAX_VALUE).contains(&value.chars().count())
                    || !rule.values.is_empty() && !rule.values.contains(&value.as_str())
            };
            if values.iter().any(is_bad) {
                return Err(wrong());
            }
        }
        if self.count() == 0 {
            return Err(invalid(format!("Specify at least one operator for the {} field.", rule.field)));
        }
        Ok(())
    }
}

fn is_resource_type(text: &str) -> bool {
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric());
    let parts: Vec<_> = text.split("::").collect();
    matches!(parts.as_slice(), ["AWS", service, kind] if word(service) && word(kind))
}

fn is_function(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| {
        let name = arn.resource.strip_prefix("function:");
        is_partition(arn.partition)
            && arn.service == "lambda"
            && is_region(arn.region)
            && is_account(arn.account)
            && name.is_some_and(|name| !name.is_empty() && !name.contains(':'))
    })
}
