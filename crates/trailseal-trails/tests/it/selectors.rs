//! What `PutEventSelectors` takes, what `GetEventSelectors` answers and what is evaluated are one thing, and it is
//! what the specification says.

use proptest::prelude::*;
use serde_json::{Value, json};
use trailseal_query::{
    Record,
    predicate::{Predicate, Truth},
    selectors::Selectors,
};
use trailseal_trails::{Account, ApiError, Caller, Millis, OnDemand, Operation, rules};

mod generate;
mod specification;

/// An account to which calls are made; each a second after the one before.
#[derive(Default)]
struct Cloud {
    account: Account,
    seconds: i64,
}

impl Cloud {
    /// With a trail that logs.
    fn new() -> Self {
        let mut cloud = Self::default();
        cloud.call(Operation::CreateTrail, &json!({"Name": "trail", "S3BucketName": "logs"})).unwrap();
        cloud.call(Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
        cloud
    }

    fn call(&mut self, operation: Operation, input: &Value) -> Result<Value, ApiError> {
        self.seconds += 1;
        let caller = Caller {
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            now: Millis::from_millis(self.seconds * 1_000),
        };
        let (answer, change) = rules::apply(&self.account, &caller, operation, input, &OnDemand)?;
        if let Some(change) = change {
            self.account = self.account.with(&change);
        }
        Ok(serde_json::to_value(answer).unwrap())
    }

    fn put(&mut self, document: &Value) -> Result<Value, ApiError> {
        let mut input = json!({"TrailName": "trail"});
        let members = document.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(members.into_iter().filter(|(name, _)| name != "TrailARN"));
        self.call(Operation::PutEventSelectors, &input)
    }

    fn get(&mut self) -> Value {
        self.call(Operation::GetEventSelectors, &json!({"TrailName": "trail"})).unwrap()
    }
}

fn parse(document: &Value) -> Result<Predicate, String> {
    let selectors = Selectors::parse(document.to_string().as_bytes()).map_err(|error| error.to_string())?;
    Ok(selectors.predicate())
}

fn evaluate(predicate: &Predicate, record: &Value) -> Option<bool> {
    match predicate.evaluate(&Record::new(record.to_string().as_bytes())) {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_the_specification_allows_is_taken_and_evaluated_and_nothing_else(document in generate::document()) {
        let fault = specification::fault(&document);
        let put = Cloud::new().put(&document);
        // a type of another form is refused by the control plane alone, see below
        let is_put = fault.is_none() && !specification::has_odd_type(&document);
        prop_assert_eq!(put.is_ok(), is_put, "{:?} {:?} {}", fault, put, document);
        prop_assert_eq!(parse(&document).is_err(), fault.is_some(), "{:?} {}", fault, document);
        if let Err(error) = put {
            prop_assert_eq!(error.code.as_str(), "InvalidEventSelectorsException");
        }
    }

    #[test]
    fn an_answer_put_again_changes_nothing(document in generate::document(), record in generate::record()) {
        let mut cloud = Cloud::new();
        let Ok(answer) = cloud.put(&document) else { return Ok(()) };
        let shown = cloud.get();
        let delivered = cloud.account.delivered_trails();
        prop_assert_eq!(&delivered[0].selectors, &shown);
        // what was asked for, what was answered and what is shown select the same
        let wanted = evaluate(&parse(&document).unwrap(), &record);
        for same in [&answer, &shown] {
            let predicate = parse(same);
            prop_assert!(predicate.is_ok(), "{:?} {}", predicate, same);
            prop_assert_eq!(evaluate(&predicate.unwrap(), &record), wanted, "{} {}", same, record);
            cloud.put(same).unwrap();
            prop_assert_eq!(&cloud.get(), &shown);
            prop_assert_eq!(&cloud.account.delivered_trails(), &delivered, "not even the time of the last change");
        }
    }

    #[test]
    fn a_trail_logs_what_the_specification_says(document in generate::valid(), record in generate::record()) {
        let mut cloud = Cloud::new();
        cloud.put(&document).unwrap();
        let found = evaluate(&parse(&cloud.get()).unwrap(), &record);
        prop_assert_eq!(found, specification::logs(&document, &record), "{} {}", document, record);
    }

    #[test]
    fn a_new_trail_logs_management_events_and_nothing_else(record in generate::record()) {
        let mut cloud = Cloud::new();
        let found = evaluate(&parse(&cloud.get()).unwrap(), &record);
        let category = specification::category(&record);
        prop_assert_eq!(found, category.map(|category| category == "Management"), "{}", record);
    }
}

/// Where the two differ, on purpose.
#[test]
fn only_these_documents_are_good_for_one_and_not_for_the_other() {
    let typed = |kind: &str| {
        json!({"AdvancedEventSelectors": [{"FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": [kind]},
        ]}]})
    };
    for (document, is_put, is_parsed, reason) in [
        (
            typed("AWS::New::Thing"),
            false,
            true,
            "which types there are is the control plane's matter; they come every month",
        ),
        (typed("AWS::SNS::Topic"), true, true, "CloudTrail takes it"),
        (typed("a new form"), false, true, "the form is the control plane's matter; to records it is a text"),
        (
            json!({"EventSelectors": [{"ReadWriteTyp": "ReadOnly"}]}),
            true,
            false,
            "the protocol ignores unknown members; in a file of a user they are mistakes",
        ),
    ] {
        assert_eq!(Cloud::new().put(&document).is_ok(), is_put, "{document}: {reason}");
        assert_eq!(parse(&document).is_ok(), is_parsed, "{document}: {reason}");
    }
}
