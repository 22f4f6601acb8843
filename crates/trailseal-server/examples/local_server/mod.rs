//! A server over local trails, on a port of its own, for what measures it.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{SystemTime, UNIX_EPOCH},
};

use trailseal_server::{
    CloudTrail, Ended, Local, Lookups, Options, ServeError, Services, StopHandle, Timestamp,
    audit::AuditEvents, serve, stop,
};

pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// One that runs until it is stopped.
pub(crate) struct LocalServer {
    pub(crate) address: SocketAddr,
    handle: StopHandle,
    thread: JoinHandle<Result<Ended, ServeError>>,
}

impl LocalServer {
    pub(crate) fn start(local: &Arc<Local>, audit: Option<Arc<dyn AuditEvents>>) -> Result<Self, Fault> {
        let lookups = Lookups::new(vec![Arc::clone(local.recent()) as _], Some(ACCOUNT.to_owned()), None);
        let mut options = Options::new(Arc::new(now));
        options.listen.set_port(0);
        let cloudtrail = Arc::new(CloudTrail::new(lookups, None, Some(Arc::clone(local))));
        let services = Services { cloudtrail, audit, s3: None };
        let (handle, stopped) = stop();
        let (sender, bound) = mpsc::channel();
        let thread = thread::spawn(move || {
            serve(options, services, stopped, |bound| {
                let _ = sender.send(bound.api);
            })
        });
        Ok(Self { address: bound.recv()?, handle, thread })
    }

    pub(crate) fn stop(self) -> Result<(), Fault> {
        self.handle.stop();
        self.thread.join().map_err(|_| "the server failed")??;
        Ok(())
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
