//! Connections: how many, how long, and how they end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    host,
    metrics::{Gauge, Metrics},
    options::Times,
    seats::{Seat, Seats},
    timed::Timed,
};

/// More header lines are refused.
const MAX_HEADERS: usize = 100;
/// hyper needs so much.
const MIN_HEAD_BYTES: usize = 8192;
/// The pause after a connection that could not be accepted, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The body of an answer: whole, or an object's content as it is read.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is there as a whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Why an answer ends early.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Where connections are counted.
    fn metrics(&self) -> Option<&Metrics>;
}

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) head_bytes: usize,
    pub(crate) times: Times,
}

/// Takes connections until `stopping` is true, then lets running requests end; says how many did not in time.
pub(crate) async fn run<H: Handler>(
    listener: TcpListener,
    bounds: Bounds,
    handler: Arc<H>,
    mut stopping: watch::Receiver<bool>,
) -> usize {
    let slots = Arc::new(Semaphore::new(bounds.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let seats = Seats::new();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let accepted = listener.accept().await;
            if slots.available_permits() == 0 {
                seats.make_room();
            }
            // who finds none, because the server works for all others, waits
            (Arc::clone(&slots).acquire_owned().await, accepted)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, peer)) = accepted else {
            if let Some(metrics) = handler.metrics() {
                metrics.accept_errors.fetch_add(1, Ordering::Relaxed);
            }
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (handler, stopping) = (Arc::clone(&handler), stopping.clone());
        let taken = seats.take();
        connections.spawn(async move {
            serve_one(stream, peer, bounds, handler, &taken.seat, stopping).await;
            drop((taken, slot));
        });
    }
    drop(listener);
    let drained =
        timeout(bounds.times.drain, async { while connections.join_next().await.is_some() {} }).await;
    while connections.try_join_next().is_some() {}
    let left = if drained.is_ok() { 0 } else { connections.len() };
    connections.shutdown().await;
    left
}

async fn serve_one<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    bounds: Bounds,
    handler: Arc<H>,
    seat: &Arc<Seat>,
    mut stopping: watch::Receiver<bool>,
) {
    let _open = handler.metrics().map(|metrics| {
        metrics.connections.fetch_add(1, Ordering::Relaxed);
        Gauge::enter(&metrics.connections_open)
    });
    // answers are small and whole: waiting for more to send only costs time; without the option it still works
    let _ = stream.set_nodelay(true);
    let service = service_fn(|mut request: Request<Incoming>| {
        let (handler, seat) = (Arc::clone(&handler), Arc::clone(seat));
        request.extensions_mut().insert(Arc::clone(&seat));
        async move {
            let answer = match host::fault(&request) {
                None => handler.handle(peer, request).await,
                Some(fault) => refused(fault),
            };
            seat.touch();
            seat.set_busy(false);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // a client may say that it sends no more, and wait for its answer
        .half_close(true)
        .header_read_timeout(bounds.times.head)
        .max_buf_size(bounds.head_bytes.max(MIN_HEAD_BYTES))
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Timed::new(stream, bounds.times.answer, Arc::clone(seat))), service);
    let mut connection = pin!(connection);
    // what is wrong with a connection is the client's affair, and is said to it where HTTP has a status for it
    tokio::select! {
        _ = connection.as_mut() => return,
        () = seat.sent_away() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// What breaks HTTP itself is refused before it is clear whose request it is, in no protocol but HTTP's.
fn refused(fault: &'static str) -> Response<Body> {
    let text = format!("400 Bad Request: {fault}\n");
    let mut response = Response::new(whole(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
