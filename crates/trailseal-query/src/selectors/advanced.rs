//! Advanced event selectors (docs/spec/selectors-and-insights.md 3.2, 3.3).

use serde::{Deserialize, Serialize};

use super::{
    MAX_RESOURCES, MAX_VALUE, SelectorError, SelectorFault, one_of, prefix, resource, resource_of,
    validate_each,
};
use crate::{
    category::Category,
    predicate::{Predicate, Test, TextTest, equals, field},
};

/// One of a trail's `AdvancedEventSelectors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AdvancedEventSelector {
    /// What the user calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it asks for; all of it must hold.
    pub field_selectors: Vec<AdvancedFieldSelector>,
}

/// What an advanced selector asks of one field: one of the values that it should have, if there are any, and
/// none of those that it should not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AdvancedFieldSelector {
    /// The field.
    pub field: String,
    /// It is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Vec<String>>,
    /// It begins with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<Vec<String>>,
    /// It ends with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<Vec<String>>,
    /// It is none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Vec<String>>,
    /// It begins with none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_starts_with: Option<Vec<String>>,
    /// It ends with none of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_ends_with: Option<Vec<String>>,
}

const MAX_VALUES: usize = 500;
const MAX_NAME: usize = 1_000;

/// What a field of a category takes.
struct FieldRule {
    field: &'static str,
    is_required: bool,
    /// The operators it takes; all when empty.
    operators: &'static [&'static str],
    /// The values it takes; any when empty.
    values: &'static [&'static str],
    /// It takes one value.
    is_single: bool,
    /// Some records lack it, which says that there is nothing of the kind; with other fields it says nothing.
    is_optional_in_records: bool,
}

impl FieldRule {
    const fn any(field: &'static str) -> Self {
        Self {
            field,
            is_required: false,
            operators: &[],
            values: &[],
            is_single: false,
            is_optional_in_records: false,
        }
    }

    const fn optional(field: &'static str) -> Self {
        Self { is_optional_in_records: true, ..Self::any(field) }
    }

    /// Values are of one line.
    fn takes(&self, value: &str) -> bool {
        let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        !value.is_empty()
            && value.chars().count() <= MAX_VALUE
            && !value.contains(is_break)
            && (self.values.is_empty() || self.values.contains(&value))
    }
}

const CATEGORY: FieldRule = FieldRule {
    is_required: true,
    operators: &["Equals"],
    is_single: true,
    ..FieldRule::any("eventCategory")
};
const READ_ONLY: FieldRule = FieldRule {
    operators: &["Equals"],
    values: &["true", "false"],
    is_single: true,
    ..FieldRule::any("readOnly")
};

const MANAGEMENT: [FieldRule; 3] = [
    CATEGORY,
    READ_ONLY,
    FieldRule {
        operators: &["NotEquals"],
        values: &["kms.amazonaws.com", "rdsdata.amazonaws.com"],
        ..FieldRule::any("eventSource")
    },
];

const DATA: [FieldRule; 9] = [
    CATEGORY,
    READ_ONLY,
    FieldRule {
        is_required: true,
        operators: &["Equals"],
        is_single: true,
        ..FieldRule::any("resources.type")
    },
    FieldRule::any("resources.ARN"),
    FieldRule::any("eventName"),
    FieldRule::any("eventSource"),
    FieldRule::any("eventType"),
    FieldRule::optional("userIdentity.arn"),
    FieldRule {
        operators: &["Equals", "NotEquals"],
        values: &["true"],
        ..FieldRule::optional("sessionCredentialFromConsole")
    },
];

const NETWORK: [FieldRule; 5] = [
    CATEGORY,
    FieldRule { is_required: true, operators: &["Equals"], ..FieldRule::any("eventSource") },
    FieldRule::any("eventName"),
    FieldRule { operators: &["Equals"], values: &["VpceAccessDenied"], ..FieldRule::optional("errorCode") },
    FieldRule::optional("vpcEndpointId"),
];

/// The fields of a category's selectors; trails have no others.
fn rules(category: Category) -> &'static [FieldRule] {
    match category {
        Category::Management => &MANAGEMENT,
        Category::Data => &DATA,
        Category::NetworkActivity => &NETWORK,
        Category::Insight | Category::Aggregated => &[],
    }
}

pub(super) fn validate(selectors: &[AdvancedEventSelector]) -> Result<(), SelectorError> {
    let counts = |only: Option<&str>| -> usize {
        let fields = selectors.iter().flat_map(|selector| &selector.field_selectors);
        fields
            .filter(|field| only.is_none_or(|only| field.field == only))
            .map(AdvancedFieldSelector::count)
            .sum()
    };
    if !(1..=MAX_VALUES).contains(&selectors.len()) {
        return Err(SelectorError::Count { count: selectors.len(), limit: MAX_VALUES });
    }
    validate_each(selectors, AdvancedEventSelector::validate)?;
    let (values, resources) = (counts(None), counts(Some("resources.ARN")));
    if values > MAX_VALUES {
        return Err(SelectorError::Values { count: values, limit: MAX_VALUES });
    }
    if resources > MAX_RESOURCES {
        return Err(SelectorError::Resources { count: resources, limit: MAX_RESOURCES });
    }
    Ok(())
}

impl AdvancedEventSelector {
    /// What an event must be to be selected.
    pub(super) fn predicate(&self) -> Predicate {
        let Some(category) = self.category() else { return Predicate::Constant(false) };
        let mut all = Predicate::Category(vec![category]);
        for selector in &self.field_selectors {
            let Some(rule) = rules(category).iter().find(|rule| rule.field == selector.field) else {
                continue;
            };
            all = match rule.field {
                // the category stands already, the ARN is asked of the resource with the type
                "eventCategory" | "resources.ARN" => all,
                "resources.type" => all.and(self.resource(selector)),
                _ => all.and(selector.predicate(rule)),
            };
        }
        all
    }

    fn category(&self) -> Option<Category> {
        let value = self.field("eventCategory")?.equals.as_ref()?.first()?;
        Category::ALL.into_iter().find(|category| category.name() == value)
    }

    fn field(&self, name: &str) -> Option<&AdvancedFieldSelector> {
        self.field_selectors.iter().find(|selector| selector.field == name)
    }

    fn resource(&self, kind: &AdvancedFieldSelector) -> Predicate {
        let kind = kind.equals.iter().flatten().next().map(String::as_str).unwrap_or_default();
        match self.field("resources.ARN") {
            Some(arn) => resource(kind, Some(&|member| arn.condition(&[member]))),
            None => resource(kind, None),
        }
    }

    fn validate(&self) -> Result<(), SelectorFault> {
        let length = self.name.as_deref().unwrap_or_default().chars().count();
        if length > MAX_NAME {
            return Err(SelectorFault::Name { length, limit: MAX_NAME });
        }
        let stated = self.field("eventCategory").ok_or(SelectorFault::Required { field: "eventCategory" })?;
        stated.validate(&CATEGORY)?;
        let category = self.category().filter(|category| !rules(*category).is_empty()).ok_or_else(|| {
            SelectorFault::FieldValue {
                field: "eventCategory",
                operator: "Equals",
                value: stated.equals.iter().flatten().next().cloned().unwrap_or_default(),
                expected: "Management, Data and NetworkActivity are, for trails",
            }
        })?;
        let rules = rules(category);
        if let Some(rule) = rules.iter().find(|rule| rule.is_required && self.field(rule.field).is_none()) {
            return Err(SelectorFault::Required { field: rule.field });
        }
        for (index, selector) in self.field_selectors.iter().enumerate() {
            let rule = rules.iter().find(|rule| rule.field == selector.field);
            let rule = rule.ok_or_else(|| SelectorFault::Field {
                field: selector.field.clone(),
                category: category.name(),
            })?;
            // before this there is one of each field at most
            if self.field_selectors[..index].iter().any(|before| before.field == rule.field) {
                return Err(SelectorFault::Twice { field: rule.field });
            }
            selector.validate(rule)?;
        }
        self.validate_functions()
    }

    /// An ARN of a Lambda function that is compared as a whole has no version behind it.
    fn validate_functions(&self) -> Result<(), SelectorFault> {
        let kind = self.field("resources.type").and_then(|kind| kind.equals.as_ref());
        let is_function = kind.is_some_and(|kinds| kinds.iter().any(|kind| kind == "AWS::Lambda::Function"));
        let Some(arn) = self.field("resources.ARN").filter(|_| is_function) else { return Ok(()) };
        let mut compared = arn.equals.iter().chain(&arn.not_equals).flatten();
        match compared.find(|value| !is_function_arn(value)) {
            Some(value) => Err(SelectorFault::Function { arn: value.clone() }),
            None => Ok(()),
        }
    }
}

fn is_function_arn(text: &str) -> bool {
    let name = resource_of(text, "lambda", true).and_then(|resource| resource.strip_prefix("function:"));
    name.is_some_and(|name| !name.is_empty() && !name.contains(':'))
}

impl AdvancedFieldSelector {
    fn predicate(&self, rule: &FieldRule) -> Predicate {
        let path: Vec<_> = rule.field.split('.').collect();
        let condition = self.condition(&path);
        if !rule.is_optional_in_records {
            return condition;
        }
        let exists = field(&path, Test::Exists);
        let wants_something =
            [&self.equals, &self.starts_with, &self.ends_with].into_iter().any(Option::is_some);
        if wants_something { exists.and(condition) } else { Predicate::Any(vec![!exists, condition]) }
    }

    /// One of the values that it should have, if there are any, and none of those that it should not.
    fn condition(&self, path: &[&str]) -> Predicate {
        let suffix = |text: &String| field(path, Test::Text(TextTest::suffix(text, false)));
        let starts = |text: &String| field(path, prefix(text));
        let tests = |equal: &Option<Vec<String>>, start: &Option<Vec<String>>, end: &Option<Vec<String>>| {
            let mut tests: Vec<_> = match equal.as_deref() {
                Some([one]) => vec![field(path, equals(one))],
                Some(many) => vec![field(path, one_of(many))],
                None => Vec::new(),
            };
            tests.extend(start.iter().flatten().map(starts));
            tests.extend(end.iter().flatten().map(suffix));
            tests
        };
        let wanted = tests(&self.equals, &self.starts_with, &self.ends_with);
        let unwanted = tests(&self.not_equals, &self.not_starts_with, &self.not_ends_with);
        let mut all = Vec::new();
        if !wanted.is_empty() {
            all.push(Predicate::any(wanted));
        }
        all.extend(unwanted.into_iter().map(|test| !test));
        if all.len() == 1 { all.remove(0) } else { Predicate::All(all) }
    }

    fn operators(&self) -> [(&'static str, &Option<Vec<String>>); 6] {
        [
            ("Equals", &self.equals),
            ("StartsWith", &self.starts_with),
            ("EndsWith", &self.ends_with),
            ("NotEquals", &self.not_equals),
            ("NotStartsWith", &self.not_starts_with),
            ("NotEndsWith", &self.not_ends_with),
        ]
    }

    fn count(&self) -> usize {
        self.operators().into_iter().map(|(_, values)| values.as_ref().map_or(0, Vec::len)).sum()
    }

    fn validate(&self, rule: &FieldRule) -> Result<(), SelectorFault> {
        let field = rule.field;
        for (operator, values) in self.operators() {
            let Some(values) = values else { continue };
            if !rule.operators.is_empty() && !rule.operators.contains(&operator) {
                let expected = match rule.operators {
                    ["Equals"] => "Equals",
                    ["NotEquals"] => "NotEquals",
                    _ => "Equals and NotEquals",
                };
                return Err(SelectorFault::Operator { field, operator, expected });
            }
            let length = |expected| SelectorFault::Length { field, operator, count: values.len(), expected };
            if values.is_empty() {
                return Err(length("one or more"));
            }
            if rule.is_single && values.len() > 1 {
                return Err(length("one"));
            }
            if let Some(value) = values.iter().find(|value| !rule.takes(value)) {
                let (value, expected) = (value.clone(), expected_values(rule));
                return Err(SelectorFault::FieldValue { field, operator, value, expected });
            }
        }
        if self.count() == 0 { Err(SelectorFault::NoOperator { field }) } else { Ok(()) }
    }
}

fn expected_values(rule: &FieldRule) -> &'static str {
    match rule.values {
        [] => "texts of 1 to 2048 characters in one line are",
        ["true"] => "true is",
        ["true", "false"] => "true and false are",
        ["VpceAccessDenied"] => "VpceAccessDenied is",
        _ => "kms.amazonaws.com and rdsdata.amazonaws.com are",
    }
}
