//! One request over HTTP: its body is read, then it is checked, parsed and answered on a thread of the pool.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderValue},
};
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinError, time::timeout};

use crate::{
    answers::{Answers, Room},
    api::{ApiError, Caller, Context, ErrorCode, Operation, Timestamp},
    audit::{self, AuditError, AuditEvents},
    body::{self, BodyError, Budget, Held},
    host,
    identity::CallerIdentity,
    listen::{Body, Handler},
    metrics::{Gauge, Kind, Metrics},
    options::Options,
    other_services::{self, CBOR, Destination, Known, OtherCall},
    s3::{
        ObjectService,
        refusal::{RequestIds, S3Refusal},
    },
    seats::Seat,
    service::{CallAnswer, Services},
    sigv4::{self, SignatureRefusal, SignatureRules},
    uuid,
    wire::{self, CallScope, WireAnswer},
};

/// What is kept of `User-Agent`.
const MAX_USER_AGENT: usize = 1024;
/// The longest body of `CreateBucket`, which says where the bucket is wanted.
const MAX_CONFIGURATION: usize = 64 << 10;

/// The API.
pub(crate) struct Api {
    core: Arc<Core>,
    calls: Arc<Semaphore>,
    /// Those that may wait for a delivery: never all calls at once, so that others go on.
    transitions: Arc<Semaphore>,
    bodies: Budget,
    answers: Answers,
    objects: Option<Objects>,
}

/// S3's reading operations.
pub(crate) struct Objects {
    core: Arc<Core>,
    bodies: Budget,
    s3: ObjectService,
}

struct Core {
    options: Options,
    services: Services,
    metrics: Arc<Metrics>,
}

/// A request without its body.
struct Head {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    destination: Destination,
    /// It asks to begin or end a run of a trail.
    is_transition: bool,
}

/// What a request is answered with.
struct Answered {
    answer: WireAnswer,
    /// What was asked for.
    kind: Kind,
    room: Room,
}

impl Answered {
    /// A refusal before it is clear what is asked for.
    fn small(answer: WireAnswer) -> Self {
        Self { answer, kind: Kind::Unknown, room: Room::NONE }
    }
}

impl Api {
    pub(crate) fn new(options: Options, services: Services, metrics: Arc<Metrics>) -> Self {
        let calls = Arc::new(Semaphore::new(options.max_calls.max(1)));
        let transitions = Arc::new(Semaphore::new((options.max_calls / 2).max(1)));
        let bodies = Budget::new(options.max_bodies_bytes.max(options.max_body_bytes));
        let answers = Answers::new(options.max_answers_bytes);
        let s3 = services
            .s3
            .as_ref()
            .map(|buckets| ObjectService::new(Arc::clone(buckets), answers.clone(), &options));
        let core = Arc::new(Core { options, services, metrics });
        let objects = s3.map(|s3| Objects { core: Arc::clone(&core), bodies: bodies.clone(), s3 });
        Self { core, calls, transitions, bodies, answers, objects }
    }

    /// S3's operations, for a listener of their own: the API answers them no more.
    pub(crate) fn take_objects(&mut self) -> Option<Objects> {
        self.objects.take()
    }

    /// The answer, and whether the connection must end with it.
    async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
        destination: Destination,
        request_id: String,
    ) -> (Answered, bool) {
        let options = &self.core.options;
        let (parts, body) = request.into_parts();
        let seat = parts.extensions.get::<Arc<Seat>>().cloned();
        let limit = options.max_body_bytes;
        let is_transition = with_head(&parts.method, &parts.uri, &parts.headers, |request| {
            wire::operation(request).is_ok_and(Operation::is_transition)
        });
        let read = body::read(body, limit, options.times.body, &self.bodies).await;
        let held = match read {
            Ok(held) => held,
            // what is left of the body cannot be told from a next request
            Err(error) => return (Answered::small(refuse(error, limit)), true),
        };
        let head = Head {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            destination,
            is_transition,
        };
        if let Some(seat) = seat {
            seat.set_busy(true);
        }
        (self.call(peer, head, held, request_id).await, false)
    }

    /// Runs the call on the pool, as soon as a thread is free.
    async fn call(&self, peer: SocketAddr, head: Head, held: Held, request_id: String) -> Answered {
        let core = Arc::clone(&self.core);
        let is_transition = head.is_transition;
        let run = async {
            let turn =
                if is_transition { Some(Arc::clone(&self.transitions).acquire_owned().await) } else { None };
            let permit = Arc::clone(&self.calls).acquire_owned().await;
            // held until the call ends, even when nobody waits for it any more
            let permits = (turn, permit);
            let called =
                tokio::task::spawn_blocking(move || (core.process(peer, &head, &held, request_id), permits));
            let ((answer, kind), permits) = called.await?;
            let room = self.answers.room(answer.body.len()).await;
            // no more answers wait for room than there are calls at once
            drop(permits);
            Ok::<_, JoinError>(match room {
                Some(room) => Answered { answer, kind, room },
                None => Answered { kind, ..Answered::small(crowded()) },
            })
        };
        match timeout(self.core.options.times.call, run).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Answered::small(failure()),
            Err(_) => {
                let message = "the call took too long; try again";
                Answered::small(wire::refuse(503, "ServiceUnavailable", message))
            }
        }
    }
}

impl Objects {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (method, ids) = (request.method().clone(), RequestIds::random());
        let answered = self.try_answer(request, &ids).await;
        answered.unwrap_or_else(|refusal| refusal.render(&method, &ids))
    }

    async fn try_answer(
        &self,
        request: Request<Incoming>,
        ids: &RequestIds,
    ) -> Result<Response<Body>, S3Refusal> {
        let (parts, body) = request.into_parts();
        let held = self.body(&parts.method, parts.uri.path(), &parts.headers, body).await?;
        if let Some(seat) = parts.extensions.get::<Arc<Seat>>() {
            seat.set_busy(true);
        }
        let headers: Vec<(&str, &[u8])> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let signed = wire::WireRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers,
            body: held.as_ref().map_or(&[], |held| &held.bytes),
        };
        let rules = if held.is_some() { SignatureRules::S3 } else { SignatureRules::S3_WITHOUT_BODY };
        self.core.admit(&signed, rules)?;
        let body = held.map(|held| Bytes::from(held.bytes));
        self.s3.answer(parts, body, ids).await
    }

    /// The body of a request that may make a bucket; those of others mean nothing, and are passed over. `None` if it
    /// was not read, so that nothing is made of it.
    async fn body(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Option<Held>, S3Refusal> {
        let times = self.core.options.times;
        if *method == Method::PUT && !path.trim_matches('/').contains('/') {
            return match body::read(body, MAX_CONFIGURATION, times.body, &self.bodies).await {
                Ok(held) => Ok(Some(held)),
                // an object, most likely, which no one wants here
                Err(BodyError::TooLarge) => Ok(None),
                Err(BodyError::TooSlow) => {
                    Err(S3Refusal::bad("RequestTimeout", "The body of the request took too long."))
                }
                Err(BodyError::NoRoom) => Err(S3Refusal::slow_down()),
                Err(BodyError::Broken) => Err(S3Refusal::bad(
                    "IncompleteBody",
                    "You did not provide the number of bytes specified by the Content-Length HTTP header",
                )),
            };
        }
        // who asks before sending a body is told that none is wanted
        if ![Method::GET, Method::HEAD].contains(method) && !headers.contains_key(EXPECT) {
            body::pass_over(body).await;
        }
        Ok(None)
    }
}

impl Handler for Api {
    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let destination = destination(&request);
        if let Some(objects) = self.objects.as_ref().filter(|_| destination == Destination::Objects) {
            return objects.handle(peer, request).await;
        }
        let started = Instant::now();
        let request_id = uuid::random();
        let (answered, closes) = self.answer(peer, request, destination, request_id.clone()).await;
        self.core.metrics.count(answered.kind, answered.answer.status, started.elapsed());
        respond(answered, &request_id, closes)
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.core.metrics)
    }
}

impl Handler for Objects {
    async fn handle(&self, _: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let started = Instant::now();
        let response = self.answer(request).await;
        self.core.metrics.count(Kind::Objects, response.status().as_u16(), started.elapsed());
        response
    }

    fn metrics(&self) -> Option<&Metrics> {
        Some(&self.core.metrics)
    }
}

impl Core {
    fn process(&self, peer: SocketAddr, head: &Head, held: &Held, request_id: String) -> (WireAnswer, Kind) {
        let headers: Vec<(&str, &[u8])> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = wire::WireRequest {
            method: &head.method,
            path: &head.path,
            query: &head.query,
            headers: &headers,
            body: &held.bytes,
        };
        let source = Source { peer, request_id };
        if head.destination == Destination::Other {
            return (self.other_service(&request, source), Kind::OtherService);
        }
        if request.path == audit::PATH {
            return (audit::render(&self.put_audit_events(&request, source)), Kind::PutAuditEvents);
        }
        if request.path == audit::RECORD_PATH {
            return (wire::render(self.record(&request, source).map(CallAnswer::Value)), Kind::Record);
        }
        let kind = wire::operation(&request).map_or(Kind::Unknown, Kind::Operation);
        (wire::render(self.call(&request, source)), kind)
    }

    fn call(&self, request: &wire::WireRequest<'_>, source: Source) -> Result<CallAnswer, ApiError> {
        let now = self.admit(request, SignatureRules::CLOUDTRAIL)?;
        let call = wire::parse(request)?;
        let (context, caller) = self.introduce(request, call.scope, source, now);
        let service = &self.services.cloudtrail;
        self.guarded(|| service.call(&context, &caller, call.operation, call.input))
            .unwrap_or_else(|| Err(internal_failure()))
    }

    /// Answers a call of another service, or refuses it in its protocol.
    fn other_service(&self, request: &wire::WireRequest<'_>, source: Source) -> WireAnswer {
        let call = OtherCall::of(request);
        let request_id = source.request_id.clone();
        let admitted = self.admit(request, SignatureRules::ANY).map_err(ApiError::from);
        let introduced = admitted.map(|now| {
            // a scope without a Region is one of several (SigV4A), and as good as none
            let scope = wire::scope(request).unwrap_or_default();
            self.introduce(request, scope, source, now)
        });
        match introduced {
            Ok((context, caller)) => {
                let known = Known {
                    caller: &caller,
                    identity: &context.identity,
                    region: &self.options.region,
                    cloudtrail: self.services.cloudtrail.as_ref(),
                    request_id: &request_id,
                };
                let answered = self.guarded(|| call.answer(&known));
                answered.unwrap_or_else(|| call.refuse(&internal_failure(), &request_id))
            }
            Err(error) => call.refuse(&error, &request_id),
        }
    }

    /// What takes events, where there is a data folder.
    fn audit(&self) -> Result<&dyn AuditEvents, ApiError> {
        self.services.audit.as_deref().ok_or_else(|| {
            let message = "this server takes no events: it has no local trails (--data-dir)";
            ApiError::new(ErrorCode::UnsupportedOperationException, message)
        })
    }

    fn put_audit_events(&self, request: &wire::WireRequest<'_>, source: Source) -> Result<Value, AuditError> {
        let now = self.admit(request, SignatureRules::CLOUDTRAIL)?;
        let service = self.audit()?;
        let mut call = audit::parse(request)?;
        let (context, caller) = self.introduce(request, call.scope.take(), source, now);
        self.guarded(|| service.put(&context, &caller, call))
            .unwrap_or_else(|| Err(internal_failure().into()))
    }

    /// Takes the lines of `trailseal record`.
    fn record(&self, request: &wire::WireRequest<'_>, source: Source) -> Result<Value, ApiError> {
        let now = self.admit(request, SignatureRules::CLOUDTRAIL)?;
        let service = self.audit()?;
        if request.method != "POST" {
            return Err(ApiError::new(ErrorCode::UnknownOperationException, "events are sent by POST"));
        }
        let (context, caller) = self.introduce(request, wire::scope(request)?, source, now);
        self.guarded(|| service.record(&context, &caller, request.body))
            .unwrap_or_else(|| Err(internal_failure()))
    }

    /// Whether the request may call at all; the time of the call.
    fn admit(&self, request: &wire::WireRequest<'_>, rules: SignatureRules) -> Result<Timestamp, Denied> {
        let now = (self.options.clock)();
        if let Some(keys) = &self.options.access_keys {
            sigv4::verify(request, rules, keys, now)?;
        } else if request.has("origin") {
            // a browser sends it: no web page that the user happens to visit may call a local server
            return Err(Denied::Web("calls from web pages are not accepted"));
        } else if !request.header("host").ok().flatten().is_some_and(host::is_this_machine) {
            // a page whose name was made to mean this machine sends its own
            return Err(Denied::Web("without access keys, Host must be 127.0.0.1, [::1] or localhost"));
        }
        Ok(now)
    }

    fn introduce(
        &self,
        request: &wire::WireRequest<'_>,
        scope: Option<CallScope>,
        source: Source,
        now: Timestamp,
    ) -> (Context, Caller) {
        let (access_key, region) = scope.map(|scope| (scope.access_key, scope.region)).unzip();
        let region = region.unwrap_or_else(|| self.options.region.clone());
        let user_agent =
            request.header("user-agent").ok().flatten().map(|text| shorten(text, MAX_USER_AGENT));
        let ip = source.peer.ip().to_canonical();
        let account = self.options.account.clone();
        let key = access_key.as_deref();
        let known =
            self.options.access_keys.as_ref().zip(key).and_then(|(keys, id)| Some((id, keys.find(id)?)));
        let identity = match known {
            Some((id, key)) => CallerIdentity::of_owner(key.owner(), id, &account, &region),
            None => CallerIdentity::of_key(key, &account, &region),
        };
        let context = Context { request_id: source.request_id, access_key, identity, user_agent, source: ip };
        (context, Caller { account, region, now })
    }

    /// Runs a service; `None` when it panics. A bug in a service must not end the server; services keep their own state
    /// consistent (locks get poisoned).
    fn guarded<T>(&self, run: impl FnOnce() -> T) -> Option<T> {
        let _running = Gauge::enter(&self.metrics.calls_running);
        catch_unwind(AssertUnwindSafe(run)).ok()
    }
}

/// Why a request may not call.
enum Denied {
    /// Its signature does not count.
    Signature(SignatureRefusal),
    /// It may come from a web page.
    Web(&'static str),
}

impl From<SignatureRefusal> for Denied {
    fn from(refusal: SignatureRefusal) -> Self {
        Self::Signature(refusal)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Signature(refusal) => refusal.into(),
            Denied::Web(message) => Self::new(ErrorCode::AccessDeniedException, message),
        }
    }
}

impl From<Denied> for AuditError {
    fn from(denied: Denied) -> Self {
        ApiError::from(denied).into()
    }
}

impl From<Denied> for S3Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Signature(refusal) => refusal.into(),
            Denied::Web(message) => Self::denied("AccessDenied", message),
        }
    }
}

/// Where a request came from, and its number.
struct Source {
    peer: SocketAddr,
    request_id: String,
}

/// Whom a request is meant for, by its head; a form's body changes nothing in it.
fn destination(request: &Request<Incoming>) -> Destination {
    with_head(request.method(), request.uri(), request.headers(), other_services::destination)
}

/// Reads a request whose body is not there yet.
fn with_head<T>(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    read: impl FnOnce(&wire::WireRequest<'_>) -> T,
) -> T {
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    read(&wire::WireRequest {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &[],
    })
}

fn refuse(error: BodyError, limit: usize) -> WireAnswer {
    match error {
        BodyError::TooLarge => {
            let message = format!("the body has more than {limit} bytes");
            wire::refuse(413, "RequestEntityTooLargeException", &message)
        }
        BodyError::TooSlow => wire::refuse(408, "RequestTimeoutException", "the body took too long"),
        BodyError::NoRoom => {
            wire::refuse(503, "ServiceUnavailable", "too many large requests at once; try again")
        }
        BodyError::Broken => wire::refuse(400, "SerializationException", "the body cannot be read"),
    }
}

fn internal_failure() -> ApiError {
    ApiError::new(ErrorCode::InternalFailure, "the call failed; the server goes on")
}

fn failure() -> WireAnswer {
    let error = internal_failure();
    wire::refuse(wire::status(error.code), error.code.as_str(), &error.message)
}

fn crowded() -> WireAnswer {
    wire::refuse(503, "ServiceUnavailable", "clients have not taken too many large answers; try again")
}

fn respond(answered: Answered, request_id: &str, closes: bool) -> Response<Body> {
    let Answered { answer, room, .. } = answered;
    let mut response = Response::new(room.hold(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(error) = answer.error_type {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    if answer.content_type == CBOR {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if closes {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn shorten(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_are_cut_between_characters() {
        assert_eq!(shorten("aé", 2), "a");
        assert_eq!(shorten("aé", 3), "aé");
        assert_eq!(shorten("", 3), "");
    }
}
