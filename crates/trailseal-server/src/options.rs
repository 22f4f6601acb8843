//! What a server is given.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crate::{access_keys::AccessKeys, api::Timestamp};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that a server depends on.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 for any. Anything but loopback needs access keys.
    pub listen: SocketAddr,
    /// Where S3's reading operations are, under the same rules; `None` for at `listen`, beside the API. Without buckets
    /// nothing listens there.
    pub s3_listen: Option<SocketAddr>,
    /// Where `/health` and `/metrics` are, if anywhere.
    pub observe: Option<SocketAddr>,
    /// The account that the server plays.
    pub account: String,
    /// The Region of requests that name none.
    pub region: String,
    /// Who may call; `None` for any credentials, or none at all.
    pub access_keys: Option<AccessKeys>,
    /// Tells the time of calls.
    pub clock: Clock,
    /// Connections at once to one listener. When all are taken, the one that was of no use for longest and for which
    /// nothing is being done makes room for a new one.
    pub max_connections: usize,
    /// Bytes of a request's head, at least 8192.
    pub max_head_bytes: usize,
    /// Bytes of a request's body.
    pub max_body_bytes: usize,
    /// Bytes of the bodies of all requests at once.
    pub max_bodies_bytes: usize,
    /// Bytes of all answers that clients have not taken yet; those of up to 64 KiB do not count.
    pub max_answers_bytes: usize,
    /// Calls at once, a thread each; others wait.
    pub max_calls: usize,
    /// How long things may take.
    pub times: Times,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// A request's head, and the pause between two requests on a connection.
    pub head: Duration,
    /// A request's body.
    pub body: Duration,
    /// A call, with the wait for a thread; the call itself goes on.
    pub call: Duration,
    /// Taking an answer, as a whole.
    pub answer: Duration,
    /// What is left to running requests after the stop.
    pub drain: Duration,
}

impl Options {
    /// The defaults: loopback, port 4578, any credentials, no metrics.
    pub fn new(clock: Clock) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4578)),
            s3_listen: None,
            observe: None,
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            access_keys: None,
            clock,
            max_connections: 256,
            max_head_bytes: 16 << 10,
            max_body_bytes: 1 << 20,
            max_bodies_bytes: 64 << 20,
            max_answers_bytes: 128 << 20,
            max_calls: 8,
            times: Times::default(),
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            head: seconds(15),
            body: seconds(20),
            call: seconds(60),
            answer: seconds(30),
            drain: seconds(8),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("s3_listen", &self.s3_listen)
            .field("observe", &self.observe)
            .field("account", &self.account)
            .field("region", &self.region)
            .field("access_keys", &self.access_keys.as_ref().map(AccessKeys::len))
            .finish_non_exhaustive()
    }
}
