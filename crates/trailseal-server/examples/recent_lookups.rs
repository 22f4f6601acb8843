//! How many lookups a second are answered from events that came in, by each attribute, and what an event takes:
//! `recent_lookups FOLDER [EVENTS] [CONNECTIONS] [SECONDS] [MAX_RESULTS]`. The folder is a new data folder. Every call is an
//! event too.
#![allow(clippy::print_stdout)]

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use trailseal_server::{Caller, CallerIdentity, Context, Local, LocalOptions, audit::AuditEvents as _};

mod local_server;
use local_server::{ACCOUNT, Fault, LocalServer, now};

/// Events that are recorded at once.
const BATCH: usize = 1_000;

fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments.next().ok_or("recent_lookups FOLDER [EVENTS] [CONNECTIONS] [SECONDS] [MAX_RESULTS]")?,
    );
    let events: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let connections: usize = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let time = Duration::from_secs(arguments.next().map_or(Ok(5), |text| text.parse())?);
    let most: usize = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let mut settings = LocalOptions::new(&folder);
    settings.recent_bytes = 64 << 30;
    let local = Arc::new(Local::open(&settings)?);
    fill(&local, events)?;

    let server = LocalServer::start(&local, None)?;
    let address = server.address;
    for (attribute, rows) in [
        ("EventId", 1),
        ("AccessKeyId", 30),
        ("Username", 30),
        ("ResourceName", 30),
        ("ResourceName", 50),
        ("Username", 50),
        ("EventName", 50),
        ("EventSource", 50),
        ("ResourceType", 50),
        ("ReadOnly", 50),
    ] {
        let clients: Vec<_> = (0..connections)
            .map(|client| {
                thread::spawn(move || ask(address, (attribute, rows, most), (client, events), time))
            })
            .collect();
        let (mut times, mut found) = (Vec::new(), 0);
        for client in clients {
            let (own, rows) = client.join().map_err(|_| "a client failed")??;
            times.extend(own);
            found += rows;
        }
        report(attribute, rows, times, found, time);
    }
    server.stop()?;
    Ok(())
}

fn report(attribute: &str, rows: usize, mut times: Vec<Duration>, found: usize, time: Duration) {
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!(
        "{attribute} ({rows}): {:.0} calls/s, p50 {:?}, p99 {:?}, {:.1} rows an answer",
        times.len() as f64 / time.as_secs_f64(),
        at(0.5),
        at(0.99),
        found as f64 / times.len().max(1) as f64
    );
}

fn fill(local: &Local, events: usize) -> Result<(), Fault> {
    let caller = Caller { account: ACCOUNT.to_owned(), region: "us-east-1".to_owned(), now: now() };
    let context = Context {
        request_id: "the-request".to_owned(),
        access_key: None,
        identity: CallerIdentity::of_key(None, ACCOUNT, "us-east-1"),
        user_agent: None,
        source: [127, 0, 0, 1].into(),
    };
    let (before, began) = (resident(), Instant::now());
    let mut lines = String::new();
    for number in 0..events {
        lines += &record(number)?;
        lines.push('\n');
        if number % BATCH == BATCH - 1 || number + 1 == events {
            local.record(&context, &caller, lines.as_bytes()).map_err(|error| format!("{error:?}"))?;
            lines.clear();
        }
    }
    let recent = local.recent();
    let held = recent.len();
    let each = |bytes: u64| bytes / (held as u64).max(1);
    println!(
        "{held} events after {:?}; an event takes {} bytes of memory, {} are counted, {} are its record",
        began.elapsed(),
        each(resident().saturating_sub(before)),
        each(recent.bytes() as u64),
        record(0)?.len()
    );
    Ok(())
}

/// Bytes of memory of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Keys, buckets and half of the users have 30 events each, the names of others thousands.
fn record(number: usize) -> Result<String, Fault> {
    let mut text = String::new();
    let (thirty, second) = (number / 30, number / 50);
    let user = if number % 60 < 30 { format!("user-{thirty}") } else { format!("role-{}", number % 97) };
    let bucket =
        if number.is_multiple_of(3) { "central-logs".to_owned() } else { format!("bucket-{}", number / 45) };
    write!(
        text,
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE{thirty:09}","arn":"arn:aws:iam::{ACCOUNT}:user/{user}","accountId":"{ACCOUNT}","accessKeyId":"AKIAEXAMPLE{thirty:09}","userName":"{user}"}},"eventTime":"{}","eventSource":"service-{}.amazonaws.com","eventName":"Operation{}","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.15.0 Python/3.11.6","requestParameters":{{"bucketName":"{bucket}","text":"{}"}},"responseElements":null,"requestID":"{number:032x}","eventID":"{}","readOnly":{},"resources":[{{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{bucket}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management"}}"#,
        trailseal_archive::Timestamp::from_epoch(1_709_251_200 + second as i64).ok_or("a time")?,
        number % 41,
        number % 301,
        "x".repeat(200),
        id(number),
        number.is_multiple_of(2),
    )?;
    Ok(text)
}

fn id(number: usize) -> String {
    // not in the order of time, as real ones
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-{:04x}-4000-8000-{number:012x}", mixed >> 32, mixed & 0xffff)
}

fn value(attribute: &str, rows: usize, number: usize) -> String {
    match (attribute, rows) {
        ("EventId", _) => id(number),
        ("AccessKeyId", _) => format!("AKIAEXAMPLE{:09}", number / 30),
        // of the users of 30 events
        ("Username", 30) => format!("user-{}", number / 60 * 2),
        ("Username", _) => format!("role-{}", number % 97),
        ("ResourceName", 30) => format!("bucket-{}", number / 45),
        ("ResourceName", _) => "central-logs".to_owned(),
        ("EventName", _) => format!("Operation{}", number % 301),
        ("EventSource", _) => format!("service-{}.amazonaws.com", number % 41),
        ("ResourceType", _) => "AWS::S3::Bucket".to_owned(),
        _ => if number.is_multiple_of(2) { "true" } else { "false" }.to_owned(),
    }
}

fn ask(
    address: SocketAddr,
    (attribute, rows, most): (&str, usize, usize),
    (client, events): (usize, usize),
    time: Duration,
) -> Result<(Vec<Duration>, usize), Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (start, mut times, mut found, mut buffer) = (Instant::now(), Vec::new(), 0, Vec::new());
    let mut number = client * 7_919;
    while start.elapsed() < time {
        number = (number + 104_729) % events;
        let value = value(attribute, rows, number);
        let body = format!(
            r#"{{"MaxResults":{most},"LookupAttributes":[{{"AttributeKey":"{attribute}","AttributeValue":"{value}"}}]}}"#
        );
        let request = format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: CloudTrail_20131101.LookupEvents\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240301/us-east-1/cloudtrail/aws4_request, \
             SignedHeaders=host, Signature=00\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = Instant::now();
        stream.write_all(request.as_bytes())?;
        receive(&mut stream, &mut buffer)?;
        times.push(sent.elapsed());
        if times.len() % 64 == 1 {
            // counted now and then: the client shares the machine with the server
            found += 64 * String::from_utf8_lossy(&buffer).matches("\"EventId\":").count();
        }
    }
    Ok((times, found))
}

/// Reads an answer, which must be a success.
fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    buffer.clear();
    let mut chunk = vec![0; 1 << 16];
    let mut whole = usize::MAX;
    while buffer.len() < whole {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Err("the server hung up".into());
        }
        buffer.extend_from_slice(&chunk[..length]);
        if whole == usize::MAX
            && let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            whole = head + 4 + length.ok_or("no length")?;
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200") { Ok(()) } else { Err(String::from_utf8_lossy(buffer).into()) }
}
