//! How many events a second come in by `PutAuditEvents`, durable and for a trail that logs:
//! `ingest FOLDER [CONNECTIONS] [SECONDS]`. The folder is a new data folder, on the disk that is to be measured.
#![allow(clippy::print_stdout)]

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use trailseal_server::{Local, LocalOptions};

mod local_server;
use local_server::{Fault, LocalServer, now};

const EVENTS: usize = 100;
const SCOPE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240301/us-east-1/cloudtrail/aws4_request, \
    SignedHeaders=host, Signature=00";

fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("ingest FOLDER [CONNECTIONS] [SECONDS]")?);
    let connections: usize = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let time = Duration::from_secs(arguments.next().map_or(Ok(10), |text| text.parse())?);
    let mut settings = LocalOptions::new(&folder);
    settings.delivery_interval = 1;
    let local = Arc::new(Local::open(&settings)?);
    let server = LocalServer::start(&local, Some(Arc::clone(&local) as _))?;
    let address = server.address;
    for (operation, input) in [
        ("CreateTrail", r#"{"Name":"all","S3BucketName":"all-logs","EnableLogFileValidation":true}"#),
        ("StartLogging", r#"{"Name":"all"}"#),
    ] {
        send(&mut TcpStream::connect(address)?, &management(operation, input), &mut Vec::new())?;
    }
    let is_over = AtomicBool::new(false);
    let (times, slowest) = thread::scope(|scope| {
        let ticker = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                for trouble in local.tick(now()) {
                    println!("{trouble}");
                }
                slowest = slowest.max(began.elapsed());
                thread::sleep(Duration::from_millis(250));
            }
            slowest
        });
        let clients: Vec<_> =
            (0..connections).map(|number| scope.spawn(move || client(address, number, time))).collect();
        let mut times: Vec<Duration> = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| "a client failed")??);
        }
        is_over.store(true, Ordering::Relaxed);
        Ok::<_, Fault>((times, ticker.join().map_err(|_| "the ticker failed")?))
    })?;
    server.stop()?;
    report(times, time, connections, slowest);
    Ok(())
}

fn report(mut times: Vec<Duration>, time: Duration, connections: usize, slowest: Duration) {
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    let rate = (times.len() * EVENTS) as f64 / time.as_secs_f64();
    println!(
        "{connections} connections: {rate:.0} events/s; a call of {EVENTS}: p50 {:?}, p99 {:?}; \
        the slowest tick {slowest:?}",
        at(0.5),
        at(0.99)
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        println!("{peak}, clients included");
    }
}

fn client(address: SocketAddr, number: usize, time: Duration) -> Result<Vec<Duration>, Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (start, mut times, mut buffer) = (Instant::now(), Vec::new(), Vec::new());
    let mut calls = 0;
    while start.elapsed() < time {
        let request = events(number, calls)?;
        calls += 1;
        let sent = Instant::now();
        send(&mut stream, &request, &mut buffer)?;
        times.push(sent.elapsed());
    }
    Ok(times)
}

/// Sends a request and reads its answer, which must be a success.
fn send(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Result<(), Fault> {
    stream.write_all(request)?;
    buffer.clear();
    let mut chunk = [0; 1 << 14];
    loop {
        let length = stream.read(&mut chunk)?;
        buffer.extend_from_slice(&chunk[..length]);
        if length == 0 || is_whole(buffer) {
            break;
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(String::from_utf8_lossy(buffer).into())
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= head + 4 + length)
}

fn management(operation: &str, input: &str) -> Vec<u8> {
    let target = format!("X-Amz-Target: CloudTrail_20131101.{operation}\r\n");
    request("/", "application/x-amz-json-1.1", &target, input)
}

/// A call with events of about 1.2 KB each.
fn events(number: usize, call: usize) -> Result<Vec<u8>, Fault> {
    let mut body = String::from(r#"{"auditEvents":["#);
    for event in 0..EVENTS {
        let comma = if event > 0 { "," } else { "" };
        let id = format!("{number:08x}-0000-4000-8000-{call:06x}{event:06x}");
        let record = format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:session","arn":"arn:aws:sts::123456789012:assumed-role/some-role/session","accountId":"123456789012","accessKeyId":"ASIAEXAMPLE{event:09}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::123456789012:role/some-role","accountId":"123456789012","userName":"some-role"}},"attributes":{{"creationDate":"2024-03-01T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2024-03-01T12:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.15.0 Python/3.11.6","requestParameters":{{"instanceType":"t3.micro","text":"{}"}},"responseElements":null,"requestID":"{id}","eventID":"{id}","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}}"#,
            "x".repeat(200)
        );
        let escaped = serde_json::to_string(&record)?;
        write!(body, r#"{comma}{{"id":"{id}","eventData":{escaped}}}"#)?;
    }
    body.push_str("]}");
    let path = "/PutAuditEvents?channelArn=arn:aws:cloudtrail:us-east-1:123456789012:channel/audit";
    Ok(request(path, "application/json", "", &body))
}

fn request(path: &str, content_type: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n{more}\
        Authorization: {SCOPE}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
