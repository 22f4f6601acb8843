//! The client of `trailseal record`: sends event records to a server and says what became of them.

use std::{collections::BTreeMap, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, runtime, time::timeout};

use crate::{
    access_keys::AccessKey,
    api::Timestamp,
    audit::RECORD_PATH,
    sigv4::sign::{self, Signer},
    wire,
};

/// A request carries no more bytes: what a server accepts by default.
pub const MAX_LINES: usize = 1 << 20;

/// An answer is no longer: a hundred refusals and their reasons.
const MAX_ANSWER: usize = 1 << 20;

/// How long a server may take: it waits for a disk.
const PATIENCE: Duration = Duration::from_mins(1);

/// Signs where no credentials are given; only servers that accept any accept it.
const NOBODY: &str = "trailseal";

/// To whom events are sent, and by whom.
#[derive(Clone, Debug)]
pub struct Endpoint {
    authority: String,
    region: String,
    access_key: String,
    key: AccessKey,
}

/// What became of the lines of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// Events that are recorded, durably.
    pub recorded: u64,
    /// Of those, how many lacked what every record has, which was added.
    #[serde(default)]
    pub completed: u64,
    /// How often which member was.
    #[serde(default)]
    pub added: BTreeMap<String, u64>,
    /// Lines that are not.
    pub refusals: u64,
    /// The first of them.
    pub refused: Vec<Refused>,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// From 1, in the request.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Why lines were not sent, or nobody knows what became of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No URL of a server.
    #[error("{url:?} is no URL of a server: {reason}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such server, or the connection broke.
    #[error("cannot send to http://{authority}: {reason}")]
    Connection {
        /// Host and port.
        authority: String,
        /// Why.
        reason: String,
    },
    /// The server refused the request as a whole; nothing of it is recorded.
    #[error("http://{authority} refused the events: {}", said(code, message))]
    Refused {
        /// Host and port.
        authority: String,
        /// Its name of the error, or the status.
        code: String,
        /// What it says.
        message: String,
    },
    /// The system gives no threads.
    #[error("cannot start: {0}")]
    Threads(std::io::Error),
}

/// The code, and the message where there is one.
fn said(code: &str, message: &str) -> String {
    if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") }
}

impl SendError {
    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Connection { .. })
    }
}

impl Endpoint {
    /// A server by its URL (`http://HOST:PORT`), the Region in which events are recorded that name none, and an access
    /// key: id, secret, and perhaps a session token.
    ///
    /// # Errors
    /// [`SendError::Url`].
    pub fn new(
        url: &str,
        region: &str,
        access_key: Option<(String, String, Option<String>)>,
    ) -> Result<Self, SendError> {
        let fail = |reason| SendError::Url { url: url.to_owned(), reason };
        let parsed: Uri = url.parse().map_err(|_| fail("it cannot be read"))?;
        if parsed.scheme_str() != Some("http") {
            return Err(fail("it must begin with http://"));
        }
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
            return Err(fail("nothing may follow host and port"));
        }
        let host = parsed.host().filter(|host| !host.is_empty()).ok_or_else(|| fail("it names no host"))?;
        let authority = format!("{host}:{}", parsed.port_u16().unwrap_or(80));
        let (access_key, secret, token) =
            access_key.unwrap_or_else(|| (NOBODY.to_owned(), NOBODY.to_owned(), None));
        let key = AccessKey::new(secret, token);
        Ok(Self { authority, region: region.to_owned(), access_key, key })
    }
}

/// Sends lines, one request after the other over one connection.
#[derive(Debug)]
pub struct Sender {
    endpoint: Endpoint,
    runtime: runtime::Runtime,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Sender {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`SendError::Threads`].
    pub fn new(endpoint: Endpoint) -> Result<Self, SendError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .enable_time()
            .build()
            .map_err(SendError::Threads)?;
        Ok(Self { endpoint, runtime, connection: None })
    }

    /// Sends lines of at most [`MAX_LINES`] bytes together, and waits until they are recorded. After an error of the
    /// connection nobody knows; the same lines may be sent again, and are then recorded once or twice.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, lines: Vec<u8>, now: Timestamp) -> Result<Recorded, SendError> {
        let Self { endpoint, runtime, connection } = self;
        runtime.block_on(async {
            let sent = timeout(PATIENCE, endpoint.send(connection, lines.into(), now)).await;
            sent.unwrap_or_else(|_| Err(endpoint.broken(&"it takes too long to answer")))
        })
    }
}

impl Endpoint {
    async fn send(
        &self,
        connection: &mut Option<SendRequest<Full<Bytes>>>,
        lines: Bytes,
        now: Timestamp,
    ) -> Result<Recorded, SendError> {
        // only a connection that served a request to its end is used again
        let mut ready = None;
        if let Some(mut sender) = connection.take() {
            ready = sender.ready().await.is_ok().then_some(sender);
        }
        let mut sender = match ready {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let request = self.request(lines, now)?;
        let response = sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| self.broken(&error))?.to_bytes();
        if status.is_success() {
            let recorded = serde_json::from_slice(&body).map_err(|error| self.broken(&error))?;
            *connection = Some(sender);
            return Ok(recorded);
        }
        let said: wire::Said = serde_json::from_slice(&body).unwrap_or_default();
        let code = if said.code.is_empty() { status.to_string() } else { said.code };
        Err(SendError::Refused { authority: self.authority.clone(), code, message: said.message })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, SendError> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| self.broken(&error))?;
        stream.set_nodelay(true).map_err(|error| self.broken(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
        // its errors are those of the requests
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, lines: Bytes, now: Timestamp) -> Result<Request<Full<Bytes>>, SendError> {
        let date = sign::date(now);
        let mut headers: Vec<(&str, &[u8])> =
            vec![("host", self.authority.as_bytes()), ("x-amz-date", date.as_bytes())];
        if let Some(token) = self.key.token() {
            headers.push(("x-amz-security-token", token.as_bytes()));
        }
        let unsigned = wire::WireRequest {
            method: "POST",
            path: RECORD_PATH,
            query: "",
            headers: &headers,
            body: &lines,
        };
        let signer = Signer {
            access_key: &self.access_key,
            key: &self.key,
            region: &self.region,
            service: "cloudtrail",
        };
        let authorization = sign::authorization(&unsigned, &signer, &date);
        let mut request = Request::post(RECORD_PATH).header("content-type", "application/x-ndjson");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let request = request.header("authorization", authorization).body(Full::new(lines));
        request.map_err(|error| self.broken(&error))
    }

    fn broken(&self, reason: &dyn std::fmt::Display) -> SendError {
        SendError::Connection { authority: self.authority.clone(), reason: reason.to_string() }
    }
}
