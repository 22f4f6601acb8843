//! `lookup-events`: how it is called, and what it answers.

use serde_json::{Value, json};
use trailseal_testkit::Plan;

use crate::{
    demo::Demo,
    server::{call, say, serving},
};

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
fn a_token_of_the_command_is_one_of_the_server_and_the_other_way_round() {
    // One account, which the server plays; and several, of which it shows all.
    for plan in [Plan::default(), Plan::wide()] {
        let accounts = plan.accounts.clone();
        let archive = &plan.model().write();
        let region = archive.chain().region.clone();
        let of_command = |token: Option<&str>| {
            let token = token.map_or(String::new(), |token| format!("--next-token {token}"));
            let run =
                say(archive, &format!("lookup-events archive --region {region} --max-results 5 -q {token}"));
            assert_eq!(run.status, Some(0), "{run}");
            run.json()
        };
        let ids = |page: &Value| -> Vec<String> {
            let events = page["Events"].as_array().unwrap().iter();
            events.map(|event| event["EventId"].as_str().unwrap().to_owned()).collect()
        };
        serving(archive, &format!("--region {region}"), |_, address| {
            let of_server = |token: Option<&str>| {
                let mut body = json!({ "MaxResults": 5 });
                if let Some(token) = token {
                    body["NextToken"] = token.into();
                }
                call(address, "LookupEvents", &body.to_string())
            };
            let token = |page: &Value| page["NextToken"].as_str().map(str::to_owned);
            let first = [of_command(None), of_server(None)];
            assert_eq!(ids(&first[0]), ids(&first[1]), "{accounts:?}");
            assert_eq!(token(&first[0]), token(&first[1]), "{accounts:?}");
            // each goes on with what the other gave
            let second = [of_command(token(&first[1]).as_deref()), of_server(token(&first[0]).as_deref())];
            assert_eq!(ids(&second[0]), ids(&second[1]), "{accounts:?}");
            assert_ne!(ids(&second[0]), ids(&first[0]), "{accounts:?}");
        });
    }
}
