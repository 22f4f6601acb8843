//! A stream that does not wait for ever for a peer that does not read.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::seats::Seat;

/// A stream whose written bytes must have been taken `limit` after the first of them were ready.
pub(crate) struct Timed<S> {
    stream: S,
    limit: Duration,
    seat: Arc<Seat>,
    /// When the bytes written since the last flush must be out.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub(crate) fn new(stream: S, limit: Duration, seat: Arc<Seat>) -> Self {
        Self { stream, limit, seat, deadline: None }
    }

    /// What a write comes to: a peer that takes a byte now and then gains no time, since only a flush ends the wait.
    fn after_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.wait(context);
        }
        self.seat.touch();
        written
    }

    /// What a write or flush that must wait says.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.after_write(context, written)
    }

    // otherwise hyper copies every answer, whose room in memory is then given back too early
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Pending => self.wait(context),
            ready @ Poll::Ready(_) => {
                self.deadline = None;
                ready
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Pending => self.wait(context),
            ready @ Poll::Ready(_) => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::seats::Seats;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn a_peer_that_does_not_read_ends_the_write() {
        run(async {
            let (near, _far) = duplex(16);
            let mut timed = Timed::new(near, Duration::from_millis(5), Arc::clone(&Seats::new().take().seat));
            let error = timed.write_all(&[0; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_peer_that_reads_byte_by_byte_gains_no_time() {
        run(async {
            let (near, mut far) = duplex(16);
            let mut timed =
                Timed::new(near, Duration::from_millis(30), Arc::clone(&Seats::new().take().seat));
            let reader = async {
                let mut byte = [0];
                while far.read(&mut byte).await.is_ok_and(|count| count > 0) {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            let bytes = vec![0; 100_000];
            tokio::select! {
                written = timed.write_all(&bytes) => {
                    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
                }
                () = reader => panic!("the reader cannot end first"),
            }
        });
    }

    #[test]
    fn a_flush_ends_the_wait() {
        run(async {
            let (near, mut far) = duplex(16);
            let mut timed = Timed::new(near, Duration::from_hours(1), Arc::clone(&Seats::new().take().seat));
            let copy = async {
                let mut all = [0; 64];
                far.read_exact(&mut all).await.unwrap();
            };
            let write = async {
                timed.write_all(&[0; 64]).await.unwrap();
                timed.flush().await.unwrap();
                assert!(timed.deadline.is_none());
            };
            tokio::join!(copy, write);
        });
    }
}
