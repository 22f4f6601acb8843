//! A stop that any thread can ask for, a signal handler's too.

use std::{pin::Pin, sync::Arc};

use tokio::sync::Notify;

/// Asks a server to stop. Clones ask the same server.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Notify>);

/// Ready once the stop is asked for.
pub type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handle, and the future to give to [`serve`](crate::serve()).
pub fn stop() -> (StopHandle, Stopped) {
    let notify = Arc::new(Notify::new());
    let handle = StopHandle(Arc::clone(&notify));
    (handle, Box::pin(async move { notify.notified().await }))
}

impl StopHandle {
    /// Asks for the stop; asking again changes nothing.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}
