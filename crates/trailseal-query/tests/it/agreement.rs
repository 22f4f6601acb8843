//! The engine and the slow evaluator agree on every condition and record.

use proptest::{collection::vec, prelude::*};
use trailseal_query::{
    Filter, Record, expression,
    predicate::Truth,
    scan::{Found, Next, Scanner},
};

use crate::{
    generate::{Node, Style, event, plan, record},
    slow,
};

fn as_truth(truth: Option<bool>) -> Truth {
    truth.map_or(Truth::Unknown, Truth::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn predicates_come_to_what_the_slow_way_comes_to(record in record(), plan in plan()) {
        let predicate = plan.build();
        let found = predicate.evaluate(&Record::new(record.as_bytes()));
        prop_assert_eq!(found, as_truth(slow::evaluate(&plan, &record)), "{}", predicate);
    }

    #[test]
    fn filters_and_printed_conditions_match_the_same_records(record in record(), plan in plan()) {
        let expected = slow::evaluate(&plan, &record) == Some(true);
        let predicate = plan.build();
        prop_assert_eq!(Filter::new(predicate.clone()).matches(&Record::new(record.as_bytes())), expected);
        // lists of literals of several kinds are cast as one, and are no equals then
        if let Ok(read) = expression::parse(&predicate.to_string())
            && read.to_string() == predicate.to_string()
            && !predicate.to_string().contains("CAST")
        {
            prop_assert_eq!(read.matches(&Record::new(record.as_bytes())), expected, "{}", predicate);
        }
    }

    #[test]
    fn scans_find_the_records_that_match(events in vec(event(), 1..6), plan in plan(), seed in any::<u64>()) {
        let expected: Vec<u64> = (1..)
            .zip(&events)
            .filter(|(_, event)| slow::evaluate(&plan, event) == Some(true))
            .map(|(number, _)| number)
            .collect();
        let elements = Node::Array(events.into_iter().map(Node::Scalar).collect());
        let file = Node::Object(vec![("\"Records\"".to_owned(), elements)]).render(&mut Style::new(seed));
        let filter = Filter::new(plan.build());
        let mut scanner = Scanner::new(&filter, true);
        scanner.start();
        let mut found = Vec::new();
        scanner.feed(file.as_bytes(), Next::End, &mut |one| {
            found.push(match one {
                Found::Match { number, .. } => number,
                Found::Damage { .. } => 0,
            });
        });
        prop_assert_eq!(found, expected, "{} {}", filter.predicate(), file);
    }
}
