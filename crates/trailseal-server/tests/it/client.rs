//! A server on a thread, and a client that sends bytes and reads answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};
use trailseal_server::{
    ApiError, Bound, Buckets, CallAnswer, Caller, Context, Ended, ErrorCode, Operation, Options, ServeError,
    Service, Services, StopHandle, Timestamp,
    audit::{AuditCall, AuditError, AuditEvents},
    serve, stop,
};

/// 2024-03-01T12:00:00Z, when the requests of tests/it/signed were signed.
pub(crate) const NOW: i64 = 1_709_294_400_000;

/// How long a client waits before it calls a test failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Answers with what it was asked; `Name` may ask for something special.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) running: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

impl Service for Echo {
    fn call(
        &self,
        context: &Context,
        caller: &Caller,
        operation: Operation,
        input: Value,
    ) -> Result<CallAnswer, ApiError> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let result = match input["Name"].as_str() {
            Some("fail") => Err(ApiError::new(ErrorCode::TrailNotFoundException, "Unknown trail: fail")),
            Some("panic") => {
                self.running.fetch_sub(1, Ordering::SeqCst);
                panic!("asked to")
            }
            Some("sleep") => {
                thread::sleep(Duration::from_millis(200));
                Ok(json!({ "Slept": true }))
            }
            Some("large") => Ok(json!({ "Text": "x".repeat(32 << 20) })),
            _ => Ok(json!({
                "Operation": operation.as_str(),
                "Region": caller.region,
                "Account": caller.account,
                "Now": caller.now.millis(),
                "Input": input,
            })),
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        let mut value = result?;
        value["UserAgent"] = json!(context.user_agent);
        value["AccessKey"] = json!(context.access_key);
        value["RequestId"] = json!(context.request_id);
        Ok(value.into())
    }
}

impl AuditEvents for Echo {
    fn put(&self, _: &Context, caller: &Caller, call: AuditCall) -> Result<Value, AuditError> {
        assert!(call.channel_arn != "panic", "asked to");
        Ok(json!({ "channel": call.channel_arn, "region": caller.region, "input": call.input }))
    }
}

pub(crate) struct Server {
    pub(crate) bound: Bound,
    pub(crate) echo: Arc<Echo>,
    pub(crate) stop: StopHandle,
    thread: Option<JoinHandle<Result<Ended, ServeError>>>,
}

pub(crate) fn options() -> Options {
    let clock = Arc::new(|| Timestamp::from_millis(NOW));
    let mut options = Options::new(clock);
    options.listen = "127.0.0.1:0".parse().unwrap();
    options
}

impl Server {
    pub(crate) fn start(options: Options) -> Self {
        Self::with_buckets(options, None)
    }

    pub(crate) fn with_buckets(options: Options, buckets: Option<Buckets>) -> Self {
        let echo = Arc::new(Echo::default());
        let audit = Some(echo.clone() as Arc<dyn AuditEvents>);
        Self::run(options, audit, buckets, echo)
    }

    /// One that takes no events.
    pub(crate) fn without_events(options: Options) -> Self {
        Self::run(options, None, None, Arc::new(Echo::default()))
    }

    fn run(
        options: Options,
        audit: Option<Arc<dyn AuditEvents>>,
        buckets: Option<Buckets>,
        echo: Arc<Echo>,
    ) -> Self {
        let services = Services { cloudtrail: echo.clone(), audit, s3: buckets.map(Arc::new) };
        let (stop, stopped) = stop();
        let (sender, receiver) = mpsc::channel();
        let thread =
            thread::spawn(move || serve(options, services, stopped, |bound| sender.send(*bound).unwrap()));
        let bound = receiver.recv_timeout(PATIENCE).unwrap();
        Self { bound, echo, stop, thread: Some(thread) }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        change(&mut options);
        Self::start(options)
    }

    pub(crate) fn connect(&self) -> Client {
        Client::to(self.bound.api)
    }

    pub(crate) fn end(mut self) -> Ended {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["__type"].as_str().unwrap().to_owned()
    }
}

/// A request as bytes.
pub(crate) fn request(operation: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: CloudTrail_20131101.{operation}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        // a server that has closed is seen when the answer is read
        let _ = self.stream.get_mut().write_all(bytes);
        self
    }

    pub(crate) fn call(&mut self, operation: &str, body: &str) -> Answer {
        self.send(&request(operation, "", body)).answer().unwrap()
    }

    /// The next answer; `None` when the server has closed the connection.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        if answer.status == 304 {
            return Some(answer);
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        self.stream.read_exact(&mut answer.body).ok()?;
        Some(answer)
    }

    /// The head of the next answer, which is all of one to HEAD.
    pub(crate) fn head(&mut self) -> Option<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Answer { status, headers, body: Vec::new() })
    }

    pub(crate) fn read(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).answer().unwrap()
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&mut self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Sends on the same connection, from another thread.
    pub(crate) fn writer(&self) -> TcpStream {
        self.stream.get_ref().try_clone().unwrap()
    }

    /// Whether the server ends the connection without a further byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }
}
