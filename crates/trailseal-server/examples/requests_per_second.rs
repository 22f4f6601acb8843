//! How many calls a second the server itself answers, over loopback with keep-alive:
//! `requests_per_second [CONNECTIONS] [SECONDS]`. The service answers at once.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use trailseal_server::{
    ApiError, CallAnswer, Caller, Context, Operation, Options, Service, Services, Timestamp, serve, stop,
};

/// Answers a page of the usual size.
struct Page(Value);

impl Service for Page {
    fn call(&self, _: &Context, _: &Caller, _: Operation, _: Value) -> Result<CallAnswer, ApiError> {
        Ok(self.0.clone().into())
    }
}

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
    X-Amz-Target: CloudTrail_20131101.LookupEvents\r\n\
    Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240301/us-east-1/cloudtrail/aws4_request, \
    SignedHeaders=host, Signature=00\r\nContent-Length: 17\r\n\r\n{\"MaxResults\":50}";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let connections: usize = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let time = Duration::from_secs(arguments.next().map_or(Ok(5), |text| text.parse())?);
    let clock = Arc::new(|| Timestamp::from_millis(0));
    let mut options = Options::new(clock);
    options.listen.set_port(0);
    let event =
        json!({ "EventId": "00000000-0000-0000-0000-000000000000", "CloudTrailEvent": "x".repeat(1000) });
    let page = json!({ "Events": vec![event; 1] });
    let (handle, stopped) = stop();
    let (sender, bound) = mpsc::channel();
    let server = thread::spawn(move || {
        serve(
            options,
            Services { cloudtrail: Arc::new(Page(page)), audit: None, s3: None },
            stopped,
            |bound| {
                let _ = sender.send(bound.api);
            },
        )
    });
    let address = bound.recv()?;
    let clients: Vec<_> = (0..connections).map(|_| thread::spawn(move || client(address, time))).collect();
    let mut times: Vec<Duration> = Vec::new();
    for client in clients {
        times.extend(client.join().map_err(|_| "a client failed")??);
    }
    handle.stop();
    server.join().map_err(|_| "the server failed")??;
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    let rate = times.len() as f64 / time.as_secs_f64();
    println!("{connections} connections: {rate:.0} calls/s, p50 {:?}, p99 {:?}", at(0.5), at(0.99));
    Ok(())
}

fn client(address: SocketAddr, time: Duration) -> std::io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (start, mut times, mut buffer) = (Instant::now(), Vec::new(), vec![0; 64 << 10]);
    while start.elapsed() < time {
        let sent = Instant::now();
        stream.write_all(REQUEST)?;
        let mut length = 0;
        // the answer ends with its JSON, which arrives with or after the head
        while !buffer[..length].ends_with(b"]}") {
            length += stream.read(&mut buffer[length..])?;
        }
        times.push(sent.elapsed());
    }
    Ok(times)
}
