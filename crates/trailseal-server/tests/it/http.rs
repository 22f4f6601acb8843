use std::thread;

use serde_json::{Value, json};
use trailseal_server::{AccessKeys, ServeError, Services, serve};

use crate::client::{Client, NOW, Server, options, request};

const SCOPE: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=AKIDEXAMPLE/20240301/eu-west-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=00\r\n";

#[test]
fn a_call_is_answered_with_region_account_and_time() {
    let server = Server::with(|_| {});
    let answer = server
        .connect()
        .send(&request("ListTrails", &format!("{SCOPE}User-Agent: aws-cli/2\r\n"), "{\"NextToken\":\"a\"}"))
        .answer()
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    let id = answer.header("x-amzn-requestid").unwrap();
    assert_eq!(
        answer.json(),
        json!({
            "Operation": "ListTrails",
            "Region": "eu-west-1",
            "Account": "123456789012",
            "Now": NOW,
            "Input": { "NextToken": "a" },
            "UserAgent": "aws-cli/2",
            "AccessKey": "AKIDEXAMPLE",
            "RequestId": id,
        })
    );
}

#[test]
fn a_call_without_credentials_is_of_the_servers_region() {
    let server = Server::with(|options| options.region = "sa-east-1".to_owned());
    let answer = server.connect().call("GetTrail", "{}");
    assert_eq!(answer.json()["Region"], json!("sa-east-1"));
    assert_eq!(answer.json()["AccessKey"], Value::Null);
}

#[test]
fn a_connection_carries_many_calls_one_after_the_other_and_at_once() {
    let server = Server::with(|_| {});
    let mut client = server.connect();
    for number in 0..20 {
        let answer = client.call("GetTrail", &format!("{{\"Name\":\"{number}\"}}"));
        assert_eq!(answer.json()["Input"]["Name"], json!(number.to_string()));
    }
    let pipelined: Vec<u8> =
        (0..20).flat_map(|number| request("GetTrail", "", &format!("{{\"Name\":\"{number}\"}}"))).collect();
    client.send(&pipelined);
    for number in 0..20 {
        assert_eq!(client.answer().unwrap().json()["Input"]["Name"], json!(number.to_string()));
    }
    assert_eq!(server.end().requests, 40);
}

#[test]
fn chunked_bodies_are_read() {
    let server = Server::with(|_| {});
    let answer = server
        .connect()
        .send(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: CloudTrail_20131101.GetTrail\r\n\
              Transfer-Encoding: chunked\r\n\r\n8\r\n{\"Name\":\r\n5\r\n\"abc\"\r\n1\r\n}\r\n0\r\n\r\n",
        )
        .answer()
        .unwrap();
    assert_eq!(answer.json()["Input"], json!({ "Name": "abc" }));
}

#[test]
fn errors_of_services_reach_the_client() {
    let server = Server::with(|_| {});
    let answer = server.connect().call("GetTrail", "{\"Name\":\"fail\"}");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, br#"{"__type":"TrailNotFoundException","message":"Unknown trail: fail"}"#);
    assert!(answer.header("x-amzn-requestid").is_some());
}

#[test]
fn a_service_that_panics_is_an_internal_failure_and_the_server_goes_on() {
    let server = Server::with(|_| {});
    let mut client = server.connect();
    let answer = client.call("GetTrail", "{\"Name\":\"panic\"}");
    assert_eq!((answer.status, answer.code().as_str()), (500, "InternalFailure"));
    assert_eq!(client.call("GetTrail", "{}").status, 200);
}

#[test]
fn what_is_no_call_is_refused_and_the_connection_goes_on() {
    let server = Server::with(|_| {});
    let mut client = server.connect();
    assert_eq!(client.call("Nope", "{}").code(), "UnknownOperationException");
    assert_eq!(client.call("GetTrail", "[]").code(), "SerializationException");
    assert_eq!(client.call("GetTrail", "{").code(), "SerializationException");
    let get = client.send(b"GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().unwrap();
    assert_eq!((get.status, get.code().as_str()), (400, "UnknownOperationException"));
    assert_eq!(client.call("GetTrail", "{}").status, 200);
}

#[test]
fn audit_events_are_put_in_rest_json() {
    let server = Server::with(|_| {});
    let mut client = server.connect();
    let mut put = |query: &str| {
        let head = format!(
            "POST /PutAuditEvents?{query} HTTP/1.1\r\nHost: localhost\r\n{SCOPE}Content-Length: 2\r\n\r\n{{}}"
        );
        client.send(head.as_bytes()).answer().unwrap()
    };
    let answer = put("channelArn=a%2Fb");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json(), json!({ "channel": "a/b", "region": "eu-west-1", "input": {} }));
    let answer = put("");
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, Some("ValidationException")));
    let answer = put("channelArn=panic");
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (500, Some("InternalFailure")));
}

/// A call of another service.
fn other(service: &str, head: &str, body: &str) -> Vec<u8> {
    let scope = SCOPE.replace("cloudtrail", service);
    let length = body.len();
    format!("{head} HTTP/1.1\r\nHost: localhost\r\n{scope}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[test]
fn other_services_are_refused_in_their_protocol_and_who_calls_is_told() {
    let server = Server::with(|options| options.account = "111122223333".to_owned());
    let mut client = server.connect();
    let identity = client.send(&other("sts", "POST /", "Action=GetCallerIdentity")).answer().unwrap();
    assert_eq!(identity.status, 400, "a body that is no form has no action");
    let identity = client.send(&other("sts", "POST /?Action=GetCallerIdentity", "")).answer().unwrap();
    assert_eq!((identity.status, identity.header("content-type")), (200, Some("text/xml")));
    let text = String::from_utf8(identity.body).unwrap();
    assert!(text.contains("<Account>111122223333</Account>") && text.contains("user/AKIDEXAMPLE"), "{text}");

    let lambda = client.send(&other("lambda", "GET /2015-03-31/functions", "")).answer().unwrap();
    assert_eq!(lambda.header("x-amzn-errortype"), Some("UnsupportedOperationException"));
    assert!(lambda.header("x-amzn-requestid").is_some());
    let head = "POST /service/X/operation/ListMetrics HTTP/1.1\r\nHost: localhost\r\n\
                Smithy-Protocol: rpc-v2-cbor\r\nContent-Length: 0\r\n\r\n";
    let cbor = client.send(head.as_bytes()).answer().unwrap();
    assert_eq!((cbor.status, cbor.header("content-type")), (400, Some("application/cbor")));
    assert_eq!(cbor.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(client.call("GetTrail", "{}").status, 200, "the connection goes on");
}

#[test]
fn what_takes_no_events_says_so() {
    let server = Server::without_events(options());
    for path in ["/PutAuditEvents?channelArn=a", "/trailseal/record"] {
        let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}");
        let answer = server.connect().send(request.as_bytes()).answer().unwrap();
        let code = answer.header("x-amzn-errortype").map_or_else(|| answer.code(), str::to_owned);
        assert_eq!((answer.status, code.as_str()), (400, "UnsupportedOperationException"), "{path}");
    }
}

#[test]
fn web_pages_cannot_call() {
    let server = Server::with(|_| {});
    let page = request("ListTrails", "Origin: https://example.com\r\n", "{}");
    assert_eq!(server.connect().send(&page).answer().unwrap().code(), "AccessDeniedException");
    // a name that was made to mean this machine
    let page = String::from_utf8(request("ListTrails", "", "{}")).unwrap();
    let page = page.replace("Host: 127.0.0.1", "Host: evil.example:4578");
    assert_eq!(server.connect().send(page.as_bytes()).answer().unwrap().code(), "AccessDeniedException");
}

#[test]
fn a_request_names_one_host() {
    let server = Server::with(|_| {});
    let call = "X-Amz-Target: CloudTrail_20131101.ListTrails\r\nContent-Length: 2\r\n\r\n{}";
    for (head, expected) in [
        ("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n", 200),
        ("POST http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n", 200),
        ("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n", 400),
        ("POST / HTTP/1.1\r\n", 400),
        ("POST / HTTP/1.1\r\nHost:\r\n", 400),
        ("POST / HTTP/1.0\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: 127.0.0.1, evil.example\r\n", 400),
        ("POST http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n", 400),
        ("POST http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n", 400),
        ("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 400),
    ] {
        let mut client = server.connect();
        let answer = client.send(format!("{head}{call}").as_bytes()).answer().unwrap();
        assert_eq!(answer.status, expected, "{head}");
    }
    assert_eq!(server.echo.most.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_client_that_sends_no_more_gets_its_answer() {
    let server = Server::with(|_| {});
    for name in ["x", "sleep"] {
        let mut client = server.connect();
        client.send(&request("GetTrail", "", &format!("{{\"Name\":\"{name}\"}}"))).finish();
        assert_eq!(client.answer().unwrap().status, 200, "{name}");
        assert!(client.is_closed());
    }
    // one that sent nothing, or a part of a request, is not waited for
    let mut client = server.connect();
    client.finish();
    assert!(client.is_closed());
    let mut client = server.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{").finish();
    assert!(client.answer().is_none_or(|answer| answer.status >= 400));
    assert!(client.is_closed());
}

#[test]
fn with_access_keys_every_call_must_be_signed() {
    let keys = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001";
    let server = Server::with(|options| {
        options.access_keys = Some(AccessKeys::parse(keys).unwrap());
        options.listen = "0.0.0.0:0".parse().unwrap();
    });
    let address = ([127, 0, 0, 1], server.bound.api.port()).into();
    let mut client = Client::to(address);
    assert_eq!(client.call("GetTrail", "{}").code(), "MissingAuthenticationTokenException");
    let unknown = client.send(&request("GetTrail", SCOPE, "{}")).answer().unwrap();
    assert_eq!(unknown.status, 400);

    let cases: Vec<Value> = serde_json::from_str(include_str!("signed/botocore.json")).unwrap();
    let case = cases.iter().find(|case| case["name"] == "lookup events").unwrap();
    let send = |client: &mut Client, body: &str| {
        let line = |pair: &Value| format!("{}: {}\r\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let lines: Vec<String> = case["headers"].as_array().unwrap().iter().map(line).collect();
        let text = format!("POST / HTTP/1.1\r\n{}", lines.concat());
        client.send(format!("{text}\r\n{body}").as_bytes()).answer().unwrap()
    };
    let answer = send(&mut client, case["body"].as_str().unwrap());
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["AccessKey"], json!("AKIAEXAMPLEEXAMPLE01"));
    let tampered = send(&mut client, "{\"MaxResults\":49}");
    assert_eq!(tampered.code(), "InvalidSignatureException");
}

#[test]
fn other_addresses_than_loopback_need_access_keys() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let mut options = options();
        options.listen = address.parse().unwrap();
        let services = Services {
            cloudtrail: std::sync::Arc::new(crate::client::Echo::default()),
            audit: None,
            s3: None,
        };
        let refused = serve(options, services, async {}, |_| panic!("it was bound"));
        assert!(matches!(refused, Err(ServeError::NeedsAccessKeys(_))), "{address}");
    }
}

#[test]
fn an_address_in_use_is_said() {
    let server = Server::with(|_| {});
    let mut options = options();
    options.listen = server.bound.api;
    let services = Services { cloudtrail: server.echo.clone(), audit: None, s3: None };
    assert!(matches!(serve(options, services, async {}, |_| {}), Err(ServeError::Bind { .. })));
}

#[test]
fn calls_of_many_clients_run_at_once_but_not_more_than_allowed() {
    let server = Server::with(|options| options.max_calls = 3);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let mut client = server.connect();
                assert_eq!(client.call("GetTrail", "{\"Name\":\"sleep\"}").status, 200);
            });
        }
    });
    assert_eq!(server.echo.most.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[test]
fn health_and_metrics_are_on_their_own_listener_only() {
    let server = Server::with(|options| options.observe = Some("127.0.0.1:0".parse().unwrap()));
    let mut client = server.connect();
    client.call("LookupEvents", "{}");
    client.call("Nope", "{}");
    assert_eq!(
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().unwrap().status,
        400
    );
    let mut observer = Client::to(server.bound.observe.unwrap());
    let mut get = |path: &str| {
        let answer = observer
            .send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .answer()
            .unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    assert_eq!(get("/health"), (200, "ok\n".to_owned()));
    let (status, text) = get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "trailseal_requests_total{operation=\"LookupEvents\",status=\"200\"} 1",
        "trailseal_requests_total{operation=\"unknown\",status=\"400\"} 2",
        "trailseal_connections_total 1",
        "trailseal_connections_open 1",
        "trailseal_request_seconds_count 3",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
    assert_eq!(get("/other").0, 404);
    let post = observer
        .send(b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        .answer()
        .unwrap();
    assert_eq!(post.status, 405);
}
