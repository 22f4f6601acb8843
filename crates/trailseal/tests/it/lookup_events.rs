//! `lookup-events`: how it is called, and what it answers.

use crate::demo::Demo;

const CREATE_USER: &str = "--lookup-attributes AttributeKey=EventName,AttributeValue=CreateUser";

#[test]
fn the_answer_is_that_of_the_service() {
    let demo = Demo::new();
    let run = demo.run(&format!("lookup-events archive --region us-east-1 {CREATE_USER} -q"));
    let events = run.json();
    let events = events["Events"].as_array().unwrap();
    assert_eq!((run.status, events.len(), run.stderr.as_str()), (Some(0), 1, ""), "{run}");
    assert_eq!(events[0]["EventName"], "CreateUser");
}

#[test]
fn roots_may_be_patterns() {
    let demo = Demo::new();
    let count = |root: &str| {
        let run = demo.run(&format!("lookup-events {root} --all-regions -q"));
        assert_eq!(run.status, Some(0), "{run}");
        run.json()["Events"].as_array().unwrap().len()
    };
    let all = count("archive");
    assert!(all > 100, "{all}");
    assert_eq!(count("archive/**/*.json.gz"), all);
    let none = demo.run("lookup-events none/*.gz --all-regions");
    assert_eq!(none.status, Some(2), "{none}");
    assert!(none.stderr.contains("nothing is like it"), "{none}");
}

#[test]
fn pages_of_a_pattern_follow_each_other() {
    let demo = Demo::new();
    let page = |more: &str| {
        let run =
            demo.run(&format!("lookup-events archive/**/*.json.gz --all-regions --max-results 5 -q {more}"));
        assert_eq!(run.status, Some(0), "{run}");
        run.json()
    };
    let first = page("");
    let second = page(&format!("--next-token {}", first["NextToken"].as_str().unwrap()));
    assert_eq!(second["Events"].as_array().unwrap().len(), 5);
    assert_ne!(first["Events"], second["Events"]);
}

#[test]
fn a_root_that_an_option_took_is_told() {
    let run = Demo::new().run(&format!("lookup-events --all-regions {CREATE_USER} archive"));
    assert_eq!(run.status, Some(2), "{run}");
    let hint =
        "hint: --lookup-attributes takes everything that follows it; write ROOT before --lookup-attributes";
    assert!(run.stderr.contains(hint), "{run}");
}
