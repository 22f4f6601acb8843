//! What the server counts, in the text format of Prometheus.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::{api::Operation, audit::Count};

/// The statuses that answers have; one more counts all others.
const STATUSES: [u16; 14] = [200, 206, 304, 400, 403, 404, 405, 408, 412, 413, 416, 500, 501, 503];
/// Upper bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// All operations, `PutAuditEvents`, S3, other services, `trailseal record`, and one more for what names none.
const KINDS: usize = Operation::ALL.len() + 5;

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Operation(Operation),
    PutAuditEvents,
    /// What `trailseal record` sends.
    Record,
    /// S3's reading operations.
    Objects,
    /// Another service of AWS.
    OtherService,
    Unknown,
}

impl Kind {
    fn index(self) -> usize {
        match self {
            Self::Operation(operation) => operation as usize,
            Self::PutAuditEvents => KINDS - 5,
            Self::Record => KINDS - 4,
            Self::Objects => KINDS - 3,
            Self::OtherService => KINDS - 2,
            Self::Unknown => KINDS - 1,
        }
    }

    fn label(index: usize) -> &'static str {
        match Operation::ALL.get(index) {
            Some(operation) => operation.as_str(),
            None if index == KINDS - 5 => "PutAuditEvents",
            None if index == KINDS - 4 => "record",
            None if index == KINDS - 3 => "S3",
            None if index == KINDS - 2 => "other services",
            None => "unknown",
        }
    }
}

/// Counters. Nothing here depends on what clients send but which of a fixed set of numbers grows.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [[AtomicU64; STATUSES.len() + 1]; KINDS],
    /// Not cumulative; the last is above all bounds.
    latency: [AtomicU64; BOUNDS.len() + 1],
    latency_micros: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) connections_open: AtomicI64,
    pub(crate) accept_errors: AtomicU64,
    pub(crate) calls_running: AtomicI64,
}

/// Counts up, and down again when it is dropped.
pub(crate) struct Gauge<'a>(&'a AtomicI64);

impl<'a> Gauge<'a> {
    pub(crate) fn enter(gauge: &'a AtomicI64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn count(&self, kind: Kind, status: u16, took: Duration) {
        let status = STATUSES.iter().position(|other| *other == status).unwrap_or(STATUSES.len());
        self.requests[kind.index()][status].fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.latency[bucket].fetch_add(1, Ordering::Relaxed);
        self.latency_micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// Requests answered.
    pub(crate) fn answered(&self) -> u64 {
        self.requests.iter().flatten().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(crate) fn text(&self, others: &[Count]) -> String {
        let mut text = String::new();
        head(
            &mut text,
            "trailseal_requests_total",
            "counter",
            "Requests answered, by operation and HTTP status.",
        );
        for (kind, counts) in self.requests.iter().enumerate() {
            let operation = Kind::label(kind);
            for (at, count) in counts.iter().enumerate() {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let status = STATUSES.get(at).map_or_else(|| "other".to_owned(), u16::to_string);
                    let labels = format!("{{operation=\"{operation}\",status=\"{status}\"}}");
                    let _ = writeln!(text, "trailseal_requests_total{labels} {count}");
                }
            }
        }
        self.histogram(&mut text);
        let simple = [
            ("connections_total", "counter", "Connections accepted.", load(&self.connections)),
            (
                "accept_errors_total",
                "counter",
                "Connections that could not be accepted.",
                load(&self.accept_errors),
            ),
            (
                "connections_open",
                "gauge",
                "Connections open now.",
                self.connections_open.load(Ordering::Relaxed),
            ),
            ("calls_running", "gauge", "Calls running now.", self.calls_running.load(Ordering::Relaxed)),
        ];
        for (name, kind, help, value) in simple {
            let name = format!("trailseal_{name}");
            head(&mut text, &name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
        for Count { name, help, value } in others {
            let name = format!("trailseal_{name}_total");
            head(&mut text, &name, "counter", help);
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }

    fn histogram(&self, text: &mut String) {
        let name = "trailseal_request_seconds";
        head(text, name, "histogram", "Time from a request's head to its answer.");
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.latency) {
            sum += count.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}");
        }
        sum += self.latency[BOUNDS.len()].load(Ordering::Relaxed);
        let seconds = self.latency_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ =
            writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {sum}\n{name}_sum {seconds}\n{name}_count {sum}");
    }
}

fn load(count: &AtomicU64) -> i64 {
    i64::try_from(count.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_operations_is_that_of_their_numbers() {
        assert!(Operation::ALL.iter().enumerate().all(|(at, operation)| *operation as usize == at));
    }

    #[test]
    fn requests_are_counted_by_operation_status_and_time() {
        let metrics = Metrics::default();
        metrics.count(Kind::Operation(Operation::LookupEvents), 200, Duration::from_millis(3));
        metrics.count(Kind::Operation(Operation::LookupEvents), 200, Duration::from_secs(100));
        metrics.count(Kind::Unknown, 400, Duration::from_micros(10));
        metrics.count(Kind::OtherService, 400, Duration::from_micros(10));
        metrics.count(Kind::Objects, 404, Duration::from_micros(10));
        metrics.count(Kind::Objects, 599, Duration::from_micros(10));
        let text = metrics.text(&[Count { name: "events", help: "Events.", value: 7 }]);
        for line in [
            "trailseal_requests_total{operation=\"LookupEvents\",status=\"200\"} 2",
            "trailseal_requests_total{operation=\"unknown\",status=\"400\"} 1",
            "trailseal_requests_total{operation=\"S3\",status=\"404\"} 1",
            "trailseal_requests_total{operation=\"other services\",status=\"400\"} 1",
            "trailseal_requests_total{operation=\"S3\",status=\"other\"} 1",
            "trailseal_request_seconds_bucket{le=\"0.002\"} 4",
            "trailseal_request_seconds_bucket{le=\"0.005\"} 5",
            "trailseal_request_seconds_bucket{le=\"30\"} 5",
            "trailseal_request_seconds_bucket{le=\"+Inf\"} 6",
            "trailseal_request_seconds_count 6",
            "trailseal_connections_open 0",
            "trailseal_events_total 7",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
        assert_eq!(metrics.answered(), 6);
    }
}
