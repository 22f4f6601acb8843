//! `cargo bench -p trailseal-bench --bench serve`: `LookupEvents` over a million archived events as clients see it, over
//! loopback: single calls by event id and by access key, then eight connections at once; without and with local
//! trails, where every call is written to the disk as an event before it is answered.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    collections::BTreeSet,
    error::Error,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use trailseal_bench::{Data, medium, peak_memory};
use trailseal_evidence::{
    Silent,
    events::{EventIndex, LookupError},
    inputs::Inputs,
    scan::ScanOptions,
};
use trailseal_query::lookup::LookupSource;
use trailseal_server::{
    ArchiveTrails, CloudTrail, Local, LocalOptions, Lookups, Options, Service, Services, Timestamp, serve,
    stop,
};

type DiskFault = Box<dyn Error + Send + Sync>;

/// Calls that are timed one by one, of each kind.
const CALLS: usize = 2000;
const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(5);
const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

fn main() -> Result<(), DiskFault> {
    let data = Data::named("medium", &medium())?;
    for with_trails in [false, true] {
        let began = Instant::now();
        let files = Inputs::open(std::slice::from_ref(&data.archive))?.list();
        let options = ScanOptions { threads: 2, ..ScanOptions::default() };
        let (index, _) = EventIndex::load(Arc::new(files), None, &options, &Silent)?;
        let events = index.statistics();
        println!(
            "{}: {} events ready after {:.1} s, {} bytes an event",
            if with_trails { "with local trails" } else { "archive alone" },
            events.records,
            began.elapsed().as_secs_f64(),
            events.bytes / events.records
        );
        let folder = with_trails.then(|| data.archive.with_file_name("serve-data"));
        if let Some(folder) = &folder {
            let _ = std::fs::remove_dir_all(folder);
        }
        measure(index, folder.as_deref())?;
        println!("  memory of this process at most {:.0} MiB", peak_memory());
    }
    Ok(())
}

fn measure(index: EventIndex, folder: Option<&Path>) -> Result<(), DiskFault> {
    let local = folder.map(|folder| Local::open(&LocalOptions::new(folder)).map(Arc::new)).transpose()?;
    let mut sources: Vec<Arc<dyn LookupSource<Error = LookupError>>> = vec![Arc::new(index)];
    sources.extend(local.as_ref().map(|local| Arc::clone(local.recent()) as _));
    let archive = ArchiveTrails::open(&Inputs::open(&[])?, Vec::new(), None);
    let lookups = Lookups::new(sources, None, None);
    let cloudtrail: Arc<dyn Service> = Arc::new(CloudTrail::new(lookups, Some(archive), local));
    let mut options = Options::new(Arc::new(now));
    options.listen.set_port(0);
    let (handle, stopped) = stop();
    let (sender, bound) = mpsc::channel();
    let server = thread::spawn(move || {
        serve(options, Services { cloudtrail, audit: None, s3: None }, stopped, |bound| {
            let _ = sender.send(bound.api);
        })
    });
    let address = bound.recv()?;
    let samples = sample(address)?;
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    for (key, values) in [("EventId", &samples.ids), ("AccessKeyId", &samples.keys)] {
        let mut times = Vec::with_capacity(CALLS);
        let mut rows = 0;
        for (region, value) in values.iter().cycle().take(CALLS) {
            let began = Instant::now();
            let answer = call(&mut connection, region, &attribute(key, value))?;
            times.push(began.elapsed());
            rows += answer["Events"].as_array().map_or(0, Vec::len);
        }
        times.sort_unstable();
        println!(
            "  {key:<12} p50 {:.2} ms, p99 {:.2} ms; {CALLS} calls, {} values, {rows} rows",
            millis(times[CALLS / 2]),
            millis(times[CALLS * 99 / 100]),
            values.len()
        );
    }
    for (key, values) in [("EventId", &samples.ids), ("AccessKeyId", &samples.keys)] {
        let began = Instant::now();
        let calls: Result<Vec<u64>, DiskFault> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CONNECTIONS)
                .map(|number| {
                    let values = values.iter().cycle().skip(number * 97);
                    scope.spawn(move || client(address, key, values))
                })
                .collect();
            clients
                .into_iter()
                .map(|client| client.join().unwrap_or_else(|_| Err("a client failed".into())))
                .collect()
        });
        let rate = calls?.iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64();
        println!("  {key:<12} {rate:.0} calls a second over {CONNECTIONS} connections");
    }
    handle.stop();
    server.join().map_err(|_| "the server failed")??;
    Ok(())
}

fn client<'a>(
    address: SocketAddr,
    key: &str,
    values: impl Iterator<Item = &'a (String, String)>,
) -> Result<u64, DiskFault> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let began = Instant::now();
    let mut calls = 0;
    for (region, value) in values.take_while(|_| began.elapsed() < TIME) {
        call(&mut connection, region, &attribute(key, value))?;
        calls += 1;
    }
    Ok(calls)
}

/// Regions with event ids, and with access keys, of events at times all over the archive.
struct Samples {
    ids: Vec<(String, String)>,
    keys: Vec<(String, String)>,
}

fn sample(address: SocketAddr) -> Result<Samples, DiskFault> {
    let mut connection = TcpStream::connect(address)?;
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for region in REGIONS {
        let ends = call(&mut connection, region, &json!({ "MaxResults": 1 }))?;
        let newest = ends["Events"][0]["EventTime"].as_f64().ok_or("no events")? as i64;
        // the archive covers 111 hours
        for step in 0..220 {
            let end = newest - step * 1800;
            let page = call(&mut connection, region, &json!({ "EndTime": end, "MaxResults": 4 }))?;
            for event in page["Events"].as_array().into_iter().flatten() {
                let note = |set: &mut BTreeSet<(String, String)>, name: &str| {
                    if let Some(value) = event[name].as_str() {
                        set.insert((value.to_owned(), region.to_owned()));
                    }
                };
                note(&mut ids, "EventId");
                note(&mut keys, "AccessKeyId");
            }
        }
    }
    let swapped =
        |set: BTreeSet<(String, String)>| set.into_iter().map(|(value, region)| (region, value)).collect();
    Ok(Samples { ids: swapped(ids), keys: swapped(keys) })
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "LookupAttributes": [{ "AttributeKey": key, "AttributeValue": value }], "MaxResults": 50 })
}

/// One call of `LookupEvents`.
fn call(connection: &mut TcpStream, region: &str, input: &Value) -> Result<Value, DiskFault> {
    let body = input.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: CloudTrail_20131101.LookupEvents\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIDEXAMPLE/20240301/{region}/cloudtrail/aws4_request, SignedHeaders=host, Signature=00\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = connection.read(&mut buffer)?;
        if read == 0 {
            return Err("the server closed the connection".into());
        }
        answer.extend_from_slice(&buffer[..read]);
        let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
        if answer.len() >= head + 4 + length {
            if !text.starts_with("http/1.1 200") {
                return Err(String::from_utf8_lossy(&answer).into_owned().into());
            }
            return Ok(serde_json::from_slice(&answer[head + 4..])?);
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}
