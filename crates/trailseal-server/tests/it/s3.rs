use std::{fs, net::SocketAddr, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use trailseal_server::{AccessKeys, Buckets, Options, ServeError, Services, serve};

use crate::client::{Answer, Client, Server, options, request};

const CONTENT: &[u8] = b"what was delivered";

/// Buckets as a server sees them, with one object in them.
fn buckets() -> (TempDir, Buckets) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("example-audit-logs/AWSLogs")).unwrap();
    fs::write(root.path().join("example-audit-logs/AWSLogs/a.json.gz"), CONTENT).unwrap();
    let buckets = Buckets::new(Some(root.path().to_owned()));
    (root, buckets)
}

const OBJECT: &str = "/example-audit-logs/AWSLogs/a.json.gz";

fn start(change: impl FnOnce(&mut Options)) -> (TempDir, Server) {
    let (root, buckets) = buckets();
    let mut options = options();
    change(&mut options);
    (root, Server::with_buckets(options, Some(buckets)))
}

fn apart(options: &mut Options) {
    options.s3_listen = Some("127.0.0.1:0".parse().unwrap());
}

fn code(answer: &Answer) -> String {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.unwrap_or_else(|| panic!("no error of S3: {text}")).0.to_owned()
}

#[test]
fn the_api_and_s3_share_a_port() {
    let (_root, server) = start(|_| {});
    assert_eq!(server.bound.s3, None);
    let mut client = server.connect();
    assert_eq!(client.call("GetTrail", "{}").status, 200);
    let object = client.read(OBJECT);
    assert_eq!((object.status, object.body.as_slice()), (200, CONTENT));
    let unknown = client.read("/example-audit-logs/none");
    assert_eq!((unknown.status, code(&unknown).as_str()), (404, "NoSuchKey"));
    assert_eq!(client.call("GetTrail", "{}").status, 200);
}

#[test]
fn s3_on_a_listener_of_its_own_is_nowhere_else() {
    let (_root, server) = start(apart);
    let address = server.bound.s3.unwrap();
    assert_ne!(address, server.bound.api);
    let (mut api, mut s3) = (server.connect(), Client::to(address));
    assert_eq!(s3.read(OBJECT).body, CONTENT);
    let list = s3.read("/example-audit-logs?list-type=2&prefix=AWSLogs/");
    assert!(String::from_utf8(list.body).unwrap().contains("<Key>AWSLogs/a.json.gz</Key>"));

    assert_eq!(api.call("GetTrail", "{}").status, 200);
    let object = api.read(OBJECT);
    assert_eq!((object.status, object.code().as_str()), (400, "UnknownOperationException"));
}

#[test]
fn calls_of_the_api_are_no_requests_of_s3() {
    let (_root, server) = start(apart);
    let mut s3 = Client::to(server.bound.s3.unwrap());
    let answer = s3.send(&request("GetTrail", "", "{}")).answer().unwrap();
    assert!(answer.status >= 400, "{answer:?}");
    let put =
        b"POST /PutAuditEvents?channelArn=panic HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
    let answer = Client::to(server.bound.s3.unwrap()).send(put).answer().unwrap();
    assert!(answer.status >= 400 && answer.header("x-amzn-errortype").is_none(), "{answer:?}");
    assert_eq!(server.echo.most.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn without_buckets_nothing_listens_for_s3() {
    let server = Server::with(apart);
    assert_eq!(server.bound.s3, None);
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
}

#[test]
fn s3_for_other_machines_needs_access_keys() {
    let (_root, buckets) = buckets();
    let mut options = options();
    let open: SocketAddr = "0.0.0.0:0".parse().unwrap();
    options.s3_listen = Some(open);
    let echo = std::sync::Arc::new(crate::client::Echo::default());
    let services = Services { cloudtrail: echo, audit: None, s3: Some(buckets.into()) };
    let refused = serve(options, services, async {}, |_| panic!("it was bound"));
    assert!(matches!(refused, Err(ServeError::NeedsAccessKeys(address)) if address == open));
}

#[test]
fn an_address_in_use_is_said_of_s3() {
    let (_root, server) = start(|_| {});
    let (_root, buckets) = buckets();
    let mut options = options();
    options.s3_listen = Some(server.bound.api);
    let services = Services { cloudtrail: server.echo.clone(), audit: None, s3: Some(buckets.into()) };
    let refused = serve(options, services, async {}, |_| panic!("it was bound"));
    assert!(matches!(refused, Err(ServeError::Bind { address, .. }) if address == server.bound.api));
}

#[test]
fn web_pages_cannot_read_objects() {
    let (_root, server) = start(apart);
    let page = format!("GET {OBJECT} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.com\r\n\r\n");
    let answer = Client::to(server.bound.s3.unwrap()).send(page.as_bytes()).answer().unwrap();
    assert_eq!((answer.status, code(&answer).as_str()), (403, "AccessDenied"));
}

#[test]
fn with_access_keys_requests_of_s3_must_be_signed() {
    let keys = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001";
    let (_root, server) = start(|options| {
        options.access_keys = Some(AccessKeys::parse(keys).unwrap());
        options.s3_listen = Some("0.0.0.0:0".parse().unwrap());
    });
    let port = server.bound.s3.unwrap().port();
    let mut client = Client::to(([127, 0, 0, 1], port).into());
    let unsigned = client.read(OBJECT);
    assert_eq!((unsigned.status, code(&unsigned).as_str()), (403, "AccessDenied"));

    let cases: Vec<Value> = serde_json::from_str(include_str!("signed/botocore.json")).unwrap();
    let case = cases.iter().find(|case| case["name"] == "an S3 object").unwrap();
    let mut send = |path: &str| {
        let line = |pair: &Value| format!("{}: {}\r\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let lines: Vec<String> = case["headers"].as_array().unwrap().iter().map(line).collect();
        client.send(format!("GET {path} HTTP/1.1\r\n{}\r\n", lines.concat()).as_bytes()).answer().unwrap()
    };
    // it is signed as it should be, for an object that is not there
    let signed = send(case["path"].as_str().unwrap());
    assert_eq!((signed.status, code(&signed).as_str()), (404, "NoSuchBucket"));
    let other = send(OBJECT);
    assert_eq!((other.status, code(&other).as_str()), (403, "SignatureDoesNotMatch"));
}

#[test]
fn requests_of_s3_are_counted() {
    let (_root, server) = start(|options| {
        apart(options);
        options.observe = Some("127.0.0.1:0".parse().unwrap());
    });
    let mut s3 = Client::to(server.bound.s3.unwrap());
    s3.read(OBJECT);
    s3.read("/example-audit-logs/none");
    let text = Client::to(server.bound.observe.unwrap()).read("/metrics").body;
    let text = String::from_utf8(text).unwrap();
    for line in [
        "trailseal_requests_total{operation=\"S3\",status=\"200\"} 1",
        "trailseal_requests_total{operation=\"S3\",status=\"404\"} 1",
        "trailseal_connections_open 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
    drop(s3);
    assert_eq!(server.end().requests, 2);
}

#[test]
fn each_listener_has_its_own_connections() {
    let (_root, server) = start(|options| {
        apart(options);
        options.max_connections = 1;
    });
    let mut holder = Client::to(server.bound.s3.unwrap());
    holder.read(OBJECT);
    // the only place for S3 is taken; the API has its own
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
    assert_eq!(holder.read(OBJECT).status, 200);
}

#[test]
fn the_stop_ends_both_listeners_and_cuts_what_does_not_end() {
    let (_root, server) = start(|options| {
        apart(options);
        options.times.drain = Duration::from_millis(20);
    });
    let address = server.bound.s3.unwrap();
    let (mut idle, mut slow) = (Client::to(address), server.connect());
    idle.read(OBJECT);
    slow.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nX-Amz-Target: x\r\n\r\n{");
    // another connection's answer shows that the server has taken the first one
    server.connect().call("GetTrail", "{}");
    assert_eq!(server.end().cut, 1);
    assert!(idle.is_closed() && slow.is_closed());
    assert!(std::net::TcpStream::connect(address).is_err());
}
