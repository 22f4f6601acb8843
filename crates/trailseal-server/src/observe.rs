//! `/health` and `/metrics`, on a listener of their own.

use std::{net::SocketAddr, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
};
use tokio::sync::watch;

use crate::{
    audit::AuditEvents,
    listen::{Body, Handler, whole},
    metrics::Metrics,
};

pub(crate) struct Observe {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Option<Arc<dyn AuditEvents>>,
    /// True once the API takes no more connections.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Handler for Observe {
    async fn handle(&self, _: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/health" if *self.stopping.borrow() => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned())
            }
            "/health" => plain(StatusCode::OK, "ok\n".to_owned()),
            "/metrics" => {
                let counts = self.audit.as_ref().map(|audit| audit.counts()).unwrap_or_default();
                plain(StatusCode::OK, self.metrics.text(&counts))
            }
            _ => plain(StatusCode::NOT_FOUND, "/health and /metrics are here\n".to_owned()),
        }
    }

    fn metrics(&self) -> Option<&Metrics> {
        None
    }
}

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
