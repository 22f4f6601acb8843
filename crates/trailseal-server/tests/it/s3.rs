use std::{fs, net::SocketAddr, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use trailseal_server::{AccessKeys, Buckets, Options, ServeError, Services, Timestamp, serve};

use crate::client::{Answer, Client, NOW, Server, options, request};

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

/// A server over a folder of buckets, with the options of `change`.
fn over(files: &[(&str, &str)], change: impl FnOnce(&mut Options)) -> (TempDir, Server) {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let mut options = options();
    change(&mut options);
    let buckets = Buckets::new(Some(root.path().to_owned()));
    (root, Server::with_buckets(options, Some(buckets)))
}

/// Sends a request with these lines in its head; `Host` among them, if it shall have one.
fn ask(server: &Server, method: &str, target: &str, lines: &[&str]) -> Answer {
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let host = if lines.contains("Host:") { "" } else { "Host: 127.0.0.1\r\n" };
    let request = format!("{method} {target} HTTP/1.1\r\n{host}{lines}\r\n");
    let mut client = server.connect();
    let answer = client.send(request.as_bytes());
    if method == "HEAD" { answer.head().unwrap() } else { answer.answer().unwrap() }
}

fn get(server: &Server, target: &str, lines: &[&str]) -> Answer {
    ask(server, "GET", target, lines)
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

#[test]
fn tags_are_those_of_the_content_in_listings_and_answers() {
    let files = [("logs/a", "same length 1"), ("logs/b", "same length 2"), ("logs/c", "same length 1")];
    let (root, server) = over(&files, |_| {});
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_709_294_401);
    for name in ["a", "b", "c"] {
        let file = fs::File::options().write(true).open(root.path().join("logs").join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    let list = text(&get(&server, "/logs?list-type=2", &[]));
    let tags = elements(&list, "ETag");
    assert_eq!(tags[0], tags[2]);
    assert_ne!(tags[0], tags[1]);
    for (name, tag) in ["a", "b", "c"].into_iter().zip(tags) {
        let tag = tag.replace("&quot;", "\"");
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, &format!("/logs/{name}"), &[]);
            assert_eq!(answer.header("etag"), Some(tag.as_str()), "{method} {name}");
        }
    }
    // the MD5 of "same length 2"
    assert_eq!(get(&server, "/logs/b", &[]).header("etag"), Some("\"4f37a8b36a5fbae4c868b1c12d74b309\""));
    fs::write(root.path().join("logs/a"), "same length 3").unwrap();
    let changed = get(&server, "/logs/a", &[]);
    assert_ne!(changed.header("etag"), get(&server, "/logs/c", &[]).header("etag"));
}

#[test]
fn conditions_are_met_or_the_object_is_not_sent() {
    let (_root, server) = over(&[("logs/a", "0123456789")], |_| {});
    let first = get(&server, "/logs/a", &[]);
    let (tag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let before = "Thu, 01 Jan 2015 00:00:00 GMT";
    let line = |name: &str, value: &str| format!("{name}: {value}");
    for (lines, expected) in [
        (vec![line("If-Match", tag)], 200),
        (vec![line("If-Match", "\"0\"")], 412),
        (vec![line("If-None-Match", tag)], 304),
        (vec![line("If-None-Match", "*")], 304),
        (vec![line("If-None-Match", "\"0\"")], 200),
        (vec![line("If-Modified-Since", modified)], 304),
        (vec![line("If-Modified-Since", before)], 200),
        (vec![line("If-Unmodified-Since", before)], 412),
        (vec![line("If-Unmodified-Since", modified)], 200),
        (vec![line("If-Match", tag), line("If-Unmodified-Since", before)], 200),
        (vec![line("If-None-Match", "\"0\""), line("If-Modified-Since", modified)], 200),
        (vec![line("If-Match", tag), line("Range", "bytes=2-3")], 206),
        (vec![line("If-Match", "\"0\""), line("Range", "bytes=2-3")], 412),
        (vec![line("If-Range", tag), line("Range", "bytes=2-3")], 206),
        (vec![line("If-Range", "\"0\""), line("Range", "bytes=2-3")], 200),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, "/logs/a", &lines);
            assert_eq!(answer.status, expected, "{method} {lines:?}");
            match expected {
                304 => {
                    assert_eq!(answer.header("etag"), Some(tag));
                    assert!(answer.body.is_empty());
                }
                412 if method == "GET" => {
                    assert_eq!(code(&answer), "PreconditionFailed");
                    assert!(lines[0].starts_with(&elements(&text(&answer), "Condition")[0]), "{lines:?}");
                }
                _ => {}
            }
        }
    }
    assert_eq!(get(&server, "/logs/none", &["If-Match: *"]).status, 404);
}

#[test]
fn parts_of_objects_are_sent_by_get_and_told_by_head() {
    let (_root, server) = over(&[("logs/a", "0123456789"), ("logs/empty", "")], |_| {});
    for (key, range, status, content, told) in [
        ("a", "bytes=0-0", 206, "0", Some("bytes 0-0/10")),
        ("a", "bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("a", "bytes=4-", 206, "456789", Some("bytes 4-9/10")),
        ("a", "bytes=4-99", 206, "456789", Some("bytes 4-9/10")),
        ("a", "bytes=5-2", 200, "0123456789", None),
        ("a", "bytes=0-1,3-4", 200, "0123456789", None),
        ("a", "items=0-1", 200, "0123456789", None),
        ("a", "bytes=a-b", 200, "0123456789", None),
        ("a", "bytes=10-", 416, "", Some("bytes */10")),
        ("a", "bytes=-0", 416, "", Some("bytes */10")),
        ("empty", "bytes=0-", 416, "", Some("bytes */0")),
    ] {
        let path = format!("/logs/{key}");
        let range = format!("Range: {range}");
        let answer = get(&server, &path, &[&range]);
        assert_eq!((answer.status, answer.header("content-range")), (status, told), "{range}");
        if status == 416 {
            assert_eq!(code(&answer), "InvalidRange");
        } else {
            assert_eq!(text(&answer), content, "{range}");
            let length = content.len().to_string();
            let head = ask(&server, "HEAD", &path, &[&range]);
            let seen = (head.status, head.header("content-range"), head.header("content-length"));
            assert_eq!(seen, (status, told, Some(length.as_str())), "HEAD {range}");
        }
    }
    for (part, status) in [(1, 206), (2, 416), (0, 400)] {
        let answer = get(&server, &format!("/logs/a?partNumber={part}"), &[]);
        assert_eq!(answer.status, status, "{part}");
    }
}

#[test]
fn odd_names_hide_nothing() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("logs")).unwrap();
    for name in ["a", "c\u{1}x", "r\rx", "z \u{e9}+%&<>", "\u{fffe}"] {
        fs::write(root.path().join("logs").join(name), name).unwrap();
    }
    let server = Server::with_buckets(options(), Some(Buckets::new(Some(root.path().to_owned()))));
    for version in ["list-type=2&", ""] {
        let xml =
            text(&get(&server, &format!("/logs?{version}encoding-type=url&prefix=&delimiter=%2B"), &[]));
        assert!(xml.contains("<EncodingType>url</EncodingType>"), "{xml}");
        assert_eq!(elements(&xml, "Key"), ["a", "c%01x", "r%0Dx", "%EF%BF%BE"]);
        assert!(
            xml.contains("<Prefix>z%20%C3%A9%2B</Prefix>") && xml.contains("<Delimiter>%2B</Delimiter>"),
            "{xml}"
        );
        // every encoded key is that of an object
        for key in elements(&xml, "Key") {
            assert_eq!(get(&server, &format!("/logs/{key}"), &[]).status, 200, "{key}");
        }
        // without it: XML that can be read, in which a CR is one
        let xml = text(&get(&server, &format!("/logs?{version}"), &[]));
        assert!(xml.contains("<Key>r&#13;x</Key>") && xml.contains("<Key>c\u{fffd}x</Key>"), "{xml}");
        assert!(!xml.chars().any(|c| c < ' ' && c != '\n' || c == '\u{fffe}'), "{xml}");
        // page by page, all of them
        let mut after = String::new();
        for expected in ["a", "c%01x", "r%0Dx", "z%20%C3%A9%2B%25%26%3C%3E", "%EF%BF%BE"] {
            let xml =
                text(&get(&server, &format!("/logs?{version}max-keys=1&encoding-type=url{after}"), &[]));
            assert_eq!(elements(&xml, "Key"), [expected]);
            after = match elements(&xml, "NextContinuationToken").first() {
                Some(token) => format!("&continuation-token={token}"),
                None => format!("&marker={expected}"),
            };
        }
    }
}

#[test]
fn refusals_say_what_is_wrong_and_of_which_request() {
    let (_root, server) = over(&[("logs/a", "x")], |_| {});
    let answer = get(&server, "/logs/a%26%3Cb", &[]);
    let xml = text(&answer);
    assert_eq!((answer.status, code(&answer).as_str()), (404, "NoSuchKey"));
    assert_eq!(elements(&xml, "Message"), ["The specified key does not exist."]);
    assert_eq!(elements(&xml, "Key"), ["a&amp;&lt;b"]);
    assert_eq!(elements(&xml, "RequestId"), [answer.header("x-amz-request-id").unwrap()]);
    assert_eq!(elements(&xml, "HostId"), [answer.header("x-amz-id-2").unwrap()]);
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    for (method, path, status, expected) in [
        ("GET", "/none", 404, "NoSuchBucket"),
        ("GET", "/no", 400, "InvalidBucketName"),
        ("GET", "/a*b", 400, "InvalidBucketName"),
        ("GET", "/logs?acl", 501, "NotImplemented"),
        ("GET", "/logs?versions", 501, "NotImplemented"),
        ("GET", "/logs/a?versionId=1", 404, "NoSuchVersion"),
        ("GET", "/logs?list-type=2&continuation-token=", 400, "InvalidArgument"),
        ("GET", "/logs?list-type=2&continuation-token=zz", 400, "InvalidArgument"),
        ("GET", "/logs?list-type=2&max-keys=-1", 400, "InvalidArgument"),
        ("GET", "/?list-type=2", 400, "InvalidRequest"),
        ("POST", "/logs?delete", 501, "NotImplemented"),
        ("POST", "/logs/a?uploads", 501, "NotImplemented"),
        ("DELETE", "/logs/a", 501, "NotImplemented"),
        ("PUT", "/logs/b", 501, "NotImplemented"),
        ("PATCH", "/logs/b", 405, "MethodNotAllowed"),
    ] {
        let answer = ask(&server, method, path, &[]);
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{method} {path}");
        assert!(!elements(&text(&answer), "Message")[0].is_empty(), "{method} {path}");
        assert!(answer.header("x-amz-request-id").is_some(), "{method} {path}");
    }
    let head = ask(&server, "HEAD", "/logs/none", &[]);
    assert_eq!(head.status, 404);
    let one = get(&server, "/", &[]).header("x-amz-request-id").unwrap().to_owned();
    assert_eq!(one.len(), 16);
    assert_ne!(get(&server, "/", &[]).header("x-amz-request-id"), Some(one.as_str()));
}

#[test]
fn bodies_that_mean_nothing_do_not_break_the_answer() {
    let (_root, server) = over(&[("logs/a", "x")], |_| {});
    let mut client = server.connect();
    for (method, path, size) in
        [("POST", "/logs?delete", 100), ("PUT", "/logs/b", 5 << 20), ("PUT", "/b", 5 << 20)]
    {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n");
        let answer = client.send(&[head.into_bytes(), vec![b'x'; size]].concat()).answer().unwrap();
        assert!(answer.status >= 400 && text(&answer).contains("<Code>"), "{method} {path}");
    }
    let asks =
        "PUT /logs/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n";
    let answer = server.connect().send(asks.as_bytes()).answer().unwrap();
    assert_eq!((answer.status, code(&answer).as_str()), (501, "NotImplemented"));
}

#[test]
fn lists_of_buckets_have_an_owner_and_pages() {
    let (_root, server) =
        over(&[("logs-b/x", ""), ("logs-a/x", ""), ("other/x", ""), ("Old_Logs/x", "")], |_| {});
    let all = text(&get(&server, "/", &[]));
    assert_eq!(elements(&all, "Name"), ["Old_Logs", "logs-a", "logs-b", "other"]);
    let owner = elements(&all, "ID");
    assert_eq!(owner[0].len(), 64);
    let page = text(&get(&server, "/?prefix=logs&max-buckets=1", &[]));
    assert_eq!(elements(&page, "Name"), ["logs-a"]);
    let token = &elements(&page, "ContinuationToken")[0];
    let page = text(&get(&server, &format!("/?prefix=logs&max-buckets=1&continuation-token={token}"), &[]));
    assert_eq!(
        (elements(&page, "Name"), elements(&page, "ContinuationToken")),
        (vec!["logs-b".to_owned()], vec![])
    );
    assert_eq!(elements(&text(&get(&server, "/logs-a", &[])), "ID"), owner);
    assert!(elements(&text(&get(&server, "/logs-a?list-type=2", &[])), "ID").is_empty());
    assert_eq!(elements(&text(&get(&server, "/logs-a?list-type=2&fetch-owner=true", &[])), "ID"), owner);
    assert_eq!(get(&server, "/Old_Logs/x", &[]).status, 200);
    assert_eq!(get(&server, "/Old_Logs?location", &[]).status, 200);
}

#[test]
fn buckets_in_the_host_are_listed_and_never_mistaken() {
    let (_root, server) = over(&[("logs/a/b", "content"), ("my.logs/x", "y")], |_| {});
    for host in
        ["logs.localhost:4578", "logs.s3.localhost", "LOGS.localhost", "logs.s3.eu-west-1.localhost:1"]
    {
        let host_line = format!("Host: {}", host.replace("LOGS", "logs"));
        let list = get(&server, "/?list-type=2", &[&host_line]);
        assert_eq!(elements(&text(&list), "Key"), ["a/b"], "{host}");
        assert_eq!(text(&get(&server, "/a/b", &[&host_line])), "content", "{host}");
        assert_eq!(get(&server, "/?location", &[&host_line]).status, 200);
        assert_eq!(ask(&server, "HEAD", "/", &[&host_line]).status, 200);
        let posted = ask(&server, "POST", "/?delete", &[&host_line, "Content-Length: 0"]);
        assert_eq!(code(&posted), "NotImplemented", "{host}");
    }
    assert_eq!(elements(&text(&get(&server, "/", &["Host: my.logs.localhost"])), "Key"), ["x"]);
    // neither list of buckets nor of another bucket
    for (path, host) in
        [("/?list-type=2", "none.localhost"), ("/", "none.s3.localhost"), ("/a/b", "none.localhost")]
    {
        let answer = get(&server, path, &[&format!("Host: {host}")]);
        assert_eq!((answer.status, code(&answer).as_str()), (404, "NoSuchBucket"), "{host}");
    }
    // names of the server itself
    for host in ["localhost", "s3.localhost:1", "127.0.0.1", "[::1]:1", "ct.localhost"] {
        let answer = get(&server, "/logs/a/b", &[&format!("Host: {host}")]);
        assert_eq!(text(&answer), "content", "{host}");
    }
}

#[test]
fn buckets_are_made_in_the_data_folder() {
    let (root, server) = over(&[("logs/a", "x")], |options| options.region = "eu-west-1".to_owned());
    let configuration = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    let length = format!("Content-Length: {}", configuration.len());
    let mut client = server.connect();
    let made = client.send(
        format!("PUT /new-logs HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n{configuration}").as_bytes(),
    );
    let made = made.answer().unwrap();
    assert_eq!((made.status, made.header("location")), (200, Some("/new-logs")));
    assert!(root.path().join("new-logs").is_dir());
    assert_eq!(get(&server, "/new-logs?list-type=2", &[]).status, 200);
    for (path, status, expected) in [
        ("/logs", 409, "BucketAlreadyOwnedByYou"),
        ("/Old_Logs", 400, "InvalidBucketName"),
        ("/_trailseal", 400, "InvalidBucketName"),
        ("/..", 400, "InvalidBucketName"),
        ("/a%2F..%2Fb", 501, "NotImplemented"),
        ("/10.0.0.1", 400, "InvalidBucketName"),
    ] {
        let answer = ask(&server, "PUT", path, &[]);
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{path}");
    }
    let mut names: Vec<_> =
        fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["logs", "new-logs"]);
    let by_host = ask(&server, "PUT", "/", &["Host: by-host.localhost"]);
    assert_eq!(by_host.status, 200);
    assert!(root.path().join("by-host").is_dir());

    // what was not read was not checked either
    let long = "x".repeat(100_000);
    for (path, status, expected) in
        [("/long-logs", 400, "MaxMessageLengthExceeded"), ("/logs/long", 501, "NotImplemented")]
    {
        let request =
            format!("PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{long}");
        let answer = server.connect().send(request.as_bytes()).answer().unwrap();
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{path}");
    }
    assert!(!root.path().join("long-logs").exists());

    // in us-east-1 a bucket can be made again, and an archive cannot be given one
    let (root, server) = over(&[("logs/a", "x")], |_| {});
    assert_eq!(ask(&server, "PUT", "/logs", &[]).status, 200);
    let mut archive = Buckets::new(None);
    archive.add("audit", "", &root.path().join("logs")).unwrap();
    let server = Server::with_buckets(options(), Some(archive));
    let answer = ask(&server, "PUT", "/new-logs", &[]);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "AccessDenied"));
    assert!(text(&answer).contains("--data-dir"));
}

#[test]
fn objects_are_of_the_type_that_cloudtrail_gives_them() {
    let files = [("logs/a.json.gz", ""), ("logs/b.json", ""), ("logs/c.gz", ""), ("logs/d", "")];
    let (_root, server) = over(&files, |_| {});
    for (key, kind, encoding) in [
        ("a.json.gz", "application/json", Some("gzip")),
        ("b.json", "application/json", None),
        ("c.gz", "application/x-gzip", None),
        ("d", "binary/octet-stream", None),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, &format!("/logs/{key}"), &[]);
            assert_eq!(
                (answer.header("content-type"), answer.header("content-encoding")),
                (Some(kind), encoding),
                "{key}"
            );
        }
    }
    let other = ask(&server, "HEAD", "/logs/d?response-content-type=text/plain", &[]);
    assert_eq!(other.header("content-type"), Some("text/plain"));
}

#[test]
fn markers_of_new_trails_are_objects_without_content() {
    let (root, server) = over(&[("logs/AWSLogs/111122223333/CloudTrail/us-east-1/x", "x")], |_| {});
    let account = root.path().join("logs/AWSLogs/111122223333");
    fs::create_dir_all(account.join("CloudTrail-Digest")).unwrap();
    fs::create_dir_all(account.join("Config")).unwrap();
    let keys = |query: &str| elements(&text(&get(&server, &format!("/logs?list-type=2{query}"), &[])), "Key");
    let (logs, digests) = ("AWSLogs/111122223333/CloudTrail/", "AWSLogs/111122223333/CloudTrail-Digest/");
    let all = [digests.to_owned(), logs.to_owned(), format!("{logs}us-east-1/x")];
    assert_eq!(keys(""), all);
    assert_eq!(keys(&format!("&delimiter=/&prefix={logs}")), [logs]);
    assert_eq!(keys(&format!("&start-after={digests}")), all[1..]);
    let mut token = String::new();
    for key in &all {
        let page = text(&get(&server, &format!("/logs?list-type=2&max-keys=1{token}"), &[]));
        assert_eq!(elements(&page, "Key"), [key.as_str()]);
        token = elements(&page, "NextContinuationToken")
            .first()
            .map(|t| format!("&continuation-token={t}"))
            .unwrap_or_default();
    }
    let marker = get(&server, &format!("/logs/{logs}"), &[]);
    assert_eq!((marker.status, marker.body.len()), (200, 0));
    assert_eq!(marker.header("etag"), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    let kind = (marker.header("content-type"), marker.header("content-encoding"));
    assert_eq!(kind, (Some("application/json"), Some("gzip")));
    assert_eq!(get(&server, "/logs/AWSLogs/111122223333/Config/", &[]).status, 404);
    assert_eq!(get(&server, "/logs/AWSLogs/111122223333/", &[]).status, 404);
}

/// A presigned URL of botocore: the target, and the host that was signed.
fn presigned(name: &str) -> (String, String) {
    let cases: Vec<Value> = serde_json::from_str(include_str!("signed/presigned.json")).unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap();
    (case["target"].as_str().unwrap().to_owned(), format!("Host: {}", case["host"].as_str().unwrap()))
}

#[test]
fn presigned_urls_mean_nothing_where_anybody_may_read() {
    let (_root, server) = over(&[("example-audit-logs/AWSLogs/a.json.gz", "content")], |_| {});
    for name in ["an object", "an object, long ago", "an object, by version 2", "a listing"] {
        let (target, host) = presigned(name);
        let answer = get(&server, &target, &[&host]);
        assert_eq!(answer.status, 200, "{name}: {}", text(&answer));
    }
}

#[test]
fn presigned_urls_are_checked_where_there_are_keys() {
    let keys = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001\n\
                ASIAEXAMPLEEXAMPLE02 made/up+secret0000000000000000000000000002 made-up-token//==\n";
    let files = [("example-audit-logs/AWSLogs/a.json.gz", "content")];
    let (_root, server) =
        over(&files, |options| options.access_keys = Some(AccessKeys::parse(keys).unwrap()));
    for name in
        ["an object", "a listing", "an object, with temporary credentials", "an object of a virtual host"]
    {
        let (target, host) = presigned(name);
        let answer = get(&server, &target, &[&host]);
        assert_eq!(answer.status, 200, "{name}: {}", text(&answer));
        // whatever of it is changed, it does not hold any more
        for (from, to) in [
            ("X-Amz-Expires=3600", "X-Amz-Expires=3601"),
            ("20240301T120000Z", "20240301T120001Z"),
            ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx-a"),
            ("us-east-1%2Fs3", "eu-west-1%2Fs3"),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
            ("?", "?a=b&"),
            ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ] {
            assert!(target.contains(from), "{name} {from}");
            let changed = target.replacen(from, to, 1);
            let status = get(&server, &changed, &[&host]).status;
            assert!([400, 403].contains(&status), "{name} {to}: {status}");
        }
        assert_eq!(
            code(&get(&server, &target, &["Host: other.localhost"])),
            "SignatureDoesNotMatch",
            "{name}"
        );
    }
    for (name, status, expected) in
        [("an object, long ago", 403, "AccessDenied"), ("an object, by version 2", 400, "InvalidRequest")]
    {
        let (target, host) = presigned(name);
        let answer = get(&server, &target, &[&host]);
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{name}");
    }
    let (target, host) = presigned("an object, long ago");
    assert!(text(&get(&server, &target, &[&host])).contains("Request has expired"));
}

#[test]
fn a_clock_that_is_wrong_is_said() {
    let keys = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001";
    let cases: Vec<Value> = serde_json::from_str(include_str!("signed/botocore.json")).unwrap();
    let case = cases.iter().find(|case| case["name"] == "an S3 object").unwrap();
    for (minutes, expected) in
        [(14, "NoSuchBucket"), (16, "RequestTimeTooSkewed"), (-16, "RequestTimeTooSkewed")]
    {
        let (_root, server) = start(|options| {
            options.access_keys = Some(AccessKeys::parse(keys).unwrap());
            options.clock = std::sync::Arc::new(move || Timestamp::from_millis(NOW + minutes * 60_000));
        });
        let line = |pair: &Value| format!("{}: {}\r\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let lines: Vec<String> = case["headers"].as_array().unwrap().iter().map(line).collect();
        let request = format!("GET {} HTTP/1.1\r\n{}\r\n", case["path"].as_str().unwrap(), lines.concat());
        let answer = server.connect().send(request.as_bytes()).answer().unwrap();
        assert_eq!(code(&answer), expected, "{minutes}");
    }
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
