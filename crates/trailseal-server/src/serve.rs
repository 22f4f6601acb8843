//! Binding, running, and ending.

use std::{
    io,
    net::{self, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, runtime, sync::watch};

use crate::{
    http::Api,
    listen::{self, Bounds},
    metrics::Metrics,
    observe::Observe,
    options::Options,
    s3,
    service::Services,
};

/// Connections at once for health and metrics.
const OBSERVERS: usize = 16;
/// Threads that move bytes; calls have threads of their own.
const WORKERS: usize = 2;
/// Threads for the folders behind S3, and a few for what is being sent from them, besides those of calls.
const OBJECT_THREADS: usize = s3::QUESTIONS + 2;

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The API.
    pub api: SocketAddr,
    /// S3's reading operations, if they are not where the API is.
    pub s3: Option<SocketAddr>,
    /// `/health` and `/metrics`.
    pub observe: Option<SocketAddr>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Requests that were answered.
    pub requests: u64,
    /// Connections that were cut because their requests did not end in time.
    pub cut: usize,
}

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Open to the network for anybody.
    #[error(
        "{0} can be reached from other machines: that needs access keys, so that only their owners may call"
    )]
    NeedsAccessKeys(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The threads could not be started.
    #[error("cannot start the server's threads: {0}")]
    Threads(#[source] io::Error),
}

/// Says whether a server could listen where the options say, before anything is read for it: binds, and leaves the addresses to
/// the server.
///
/// # Errors
/// Those that [`serve`] would have.
pub fn check_addresses(options: &Options) -> Result<(), ServeError> {
    needs_no_access_keys(options)?;
    let addresses = [Some(options.listen), options.s3_listen, options.observe];
    let bind =
        |address| net::TcpListener::bind(address).map_err(|source| ServeError::Bind { address, source });
    // all at once: two that are the same cannot be bound
    addresses.into_iter().flatten().map(bind).collect::<Result<Vec<_>, _>>().map(drop)
}

fn needs_no_access_keys(options: &Options) -> Result<(), ServeError> {
    let is_open = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let open = [Some(&options.listen), options.s3_listen.as_ref()].into_iter().flatten().find(is_open);
    match (open, &options.access_keys) {
        (Some(address), None) => Err(ServeError::NeedsAccessKeys(*address)),
        _ => Ok(()),
    }
}

/// Binds, says where (`bound`), and answers calls until `stop` is ready and running requests have ended.
///
/// Blocks; must not be called on a thread that runs async code.
///
/// # Errors
/// [`ServeError`], before any call was answered.
pub fn serve(
    options: Options,
    services: Services,
    stop: impl Future<Output = ()> + Send,
    bound: impl FnOnce(&Bound),
) -> Result<Ended, ServeError> {
    needs_no_access_keys(&options)?;
    let drain = options.times.drain;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(options.max_calls.max(1) + OBJECT_THREADS)
        .thread_name("trailseal-server")
        .enable_io()
        .enable_time()
        .build()
        .map_err(ServeError::Threads)?;
    let ended = runtime.block_on(run(options, services, stop, bound));
    // calls that nobody waits for any more
    runtime.shutdown_timeout(drain);
    ended
}

async fn run(
    options: Options,
    services: Services,
    stop: impl Future<Output = ()> + Send,
    bound: impl FnOnce(&Bound),
) -> Result<Ended, ServeError> {
    let api = bind(options.listen).await?;
    let s3 = bind_one(options.s3_listen.filter(|_| services.s3.is_some())).await?;
    let observe = bind_one(options.observe).await?;
    let address = |bound: &Option<(TcpListener, SocketAddr)>| bound.as_ref().map(|(_, address)| *address);
    bound(&Bound { api: api.1, s3: address(&s3), observe: address(&observe) });

    let metrics = Arc::new(Metrics::default());
    let (stopper, stopping) = watch::channel(false);
    let (all_ended, all_stopping) = watch::channel(false);
    let bounds = Bounds {
        connections: options.max_connections,
        head_bytes: options.max_head_bytes,
        times: options.times,
    };
    let observer = observe.map(|(listener, _)| {
        let handler = Observe {
            metrics: Arc::clone(&metrics),
            audit: services.audit.clone(),
            stopping: stopping.clone(),
        };
        let bounds = Bounds { connections: OBSERVERS, ..bounds };
        tokio::spawn(listen::run(listener, bounds, Arc::new(handler), all_stopping))
    });
    let mut handler = Api::new(options, services, Arc::clone(&metrics));
    let objects = s3.and_then(|(listener, _)| {
        let handler = Arc::new(handler.take_objects()?);
        Some(tokio::spawn(listen::run(listener, bounds, handler, stopping.clone())))
    });
    let server = tokio::spawn(listen::run(api.0, bounds, Arc::new(handler), stopping));
    stop.await;
    let _ = stopper.send(true);
    // both have heard it, and end at the same time
    let mut cut = server.await.unwrap_or_default();
    if let Some(objects) = objects {
        cut += objects.await.unwrap_or_default();
    }
    let _ = all_ended.send(true);
    if let Some(observer) = observer {
        let _ = observer.await;
    }
    Ok(Ended { requests: metrics.answered(), cut })
}

async fn bind_one(address: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, ServeError> {
    match address {
        Some(address) => bind(address).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let fail = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}
