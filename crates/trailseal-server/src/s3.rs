//! S3's reading operations over [`Buckets`], through the s3s crate: what `aws cloudtrail validate-logs`, `aws s3 ls`
//! and `aws s3 sync` ask; and `CreateBucket`, where buckets can be made.
//!
//! Signatures are checked before a request comes here; s3s sees it without them. What S3 does and s3s does not is
//! done around it: [`request`] reads ranges and conditions and the bucket of a virtual host, [`refusal`] says
//! refusals in S3's words.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Bytes,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, ETAG, EXPECT, HeaderName, HeaderValue, LAST_MODIFIED,
        TRANSFER_ENCODING,
    },
    http::request::Parts,
};
use ring::digest;
use s3s::{
    S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        Bucket, BucketLocationConstraint, CommonPrefix, CreateBucketInput, CreateBucketOutput, ETag,
        EncodingType, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput,
        HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput,
        ListBucketsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
        Metadata, Object as ListedObject, ObjectStorageClass, Owner, StreamingBlob, Timestamp,
    },
    service::{S3Service, S3ServiceBuilder},
    validation::NameValidation,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::Semaphore,
};
use tokio_util::io::ReaderStream;
use trailseal_archive::open::OpenFile;

use self::{
    conditions::Unmet,
    range::{Span, Unsatisfiable},
    refusal::{RequestIds, S3Refusal},
    request::{Reading, Subject},
};
use crate::{
    answers::{Answers, Room},
    host,
    listen::{Body, BoxError},
    objects::{
        Buckets, CreateBucketError, MAX_KEYS, Object, ObjectError, Wanted, is_bucket_name,
        tags::{self, Tags},
    },
    options::{Clock, Options},
};

mod conditions;
mod range;
pub(crate) mod refusal;
pub(crate) mod request;
mod text;

/// Bytes of an object that are sent at a time.
const PIECE: usize = 64 * 1024;
/// Questions to the folders at once, each on a thread: reading for tags must not take the threads of all calls.
pub(crate) const QUESTIONS: usize = 6;
/// The condition that did not hold, from an operation to the refusal.
const CONDITION: HeaderName = HeaderName::from_static("condition");

/// S3 over folders.
pub(crate) struct ObjectService {
    reader: Arc<Reader>,
    answers: Answers,
    s3s: S3Service,
}

impl ObjectService {
    /// A service that answers S3's reading operations; everything else is `NotImplemented`.
    pub(crate) fn new(buckets: Arc<Buckets>, answers: Answers, options: &Options) -> Self {
        let owner = hex::encode(digest::digest(&digest::SHA256, options.account.as_bytes()));
        let reader = Arc::new(Reader {
            buckets,
            tags: Tags::default(),
            questions: Semaphore::new(QUESTIONS),
            region: options.region.clone(),
            owner,
            clock: Arc::clone(&options.clock),
        });
        let mut builder = S3ServiceBuilder::new(Operations(Arc::clone(&reader)));
        builder.set_validation(AnyBucketName);
        Self { reader, answers, s3s: builder.build() }
    }

    /// Answers a request that may be answered. Of bodies only that of `CreateBucket` means something; it must have been
    /// read, for only then its signature was checked.
    pub(crate) async fn answer(
        &self,
        mut parts: Parts,
        body: Option<Bytes>,
        ids: &RequestIds,
    ) -> Result<Response<Body>, S3Refusal> {
        let method = parts.method.clone();
        let bucket = self.bucket_of_host(&parts).await?;
        let subject = request::prepare(&mut parts, bucket.as_deref())?;
        if method == Method::PUT && body.is_none() {
            return Err(S3Refusal::bad("MaxMessageLengthExceeded", "Your request was too big."));
        }
        let body = body.unwrap_or_default();
        for name in [TRANSFER_ENCODING, EXPECT] {
            parts.headers.remove(name);
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let request = Request::from_parts(parts, s3s::Body::from(body));
        let response = self.s3s.call(request).await.map_err(|_| S3Refusal::internal())?;
        let length = response.body().bytes().map_or(0, |bytes| bytes.len());
        let room = self.answers.room(length).await.ok_or_else(S3Refusal::slow_down)?;
        Ok(finish(response, &method, &subject, ids, room))
    }

    async fn bucket_of_host(&self, parts: &Parts) -> Result<Option<String>, S3Refusal> {
        let Some(host) = host::of(&parts.headers).map(str::to_owned) else { return Ok(None) };
        let first = request::first(parts.uri.path()).into_owned();
        let named = self.reader.ask(move |buckets, _| {
            Ok(host::bucket(&host, &first, |name| buckets.has(name)).map(str::to_owned))
        });
        named.await.map_err(|_| S3Refusal::internal())
    }
}

/// What s3s made of a request, as S3 gives it.
fn finish(
    response: Response<s3s::Body>,
    method: &Method,
    subject: &Subject,
    ids: &RequestIds,
    room: Room,
) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    // what is not streamed is XML
    let xml = body.bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if head.status.is_success() {
        if head.headers.contains_key(CONTENT_RANGE) {
            // s3s says so to GET only
            head.status = StatusCode::PARTIAL_CONTENT;
        }
        let body = match xml {
            Some(xml) if xml.contains('\r') => {
                head.headers.remove(CONTENT_LENGTH);
                room.hold(text::with_returns(&xml).into_owned())
            }
            Some(xml) => room.hold(xml),
            None => body.map_err(BoxError::from).boxed_unsync(),
        };
        let mut response = Response::from_parts(head, body);
        ids.write(&mut response);
        return response;
    }
    let refusal = S3Refusal::read(head.status, xml.as_deref().unwrap_or_default());
    let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let about = |text: &Option<String>| text.clone().unwrap_or_default();
    let refusal = match refusal.code() {
        "NoSuchKey" => refusal.with("Key", about(&subject.key)),
        "NoSuchBucket" | "InvalidBucketName" | "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => {
            refusal.with("BucketName", about(&subject.bucket))
        }
        "PreconditionFailed" => refusal.with("Condition", header(CONDITION).unwrap_or_default()),
        "InvalidRange" => {
            let size = header(CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes */"));
            refusal.with("ActualObjectSize", size.unwrap_or_default())
        }
        _ => refusal,
    };
    let mut response = refusal.render(method, ids);
    for name in [ETAG, LAST_MODIFIED, CONTENT_RANGE] {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Old names of buckets, too: s3s knows those of today only.
struct AnyBucketName;

impl NameValidation for AnyBucketName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        is_bucket_name(name)
    }
}

struct Reader {
    buckets: Arc<Buckets>,
    tags: Tags,
    questions: Semaphore,
    region: String,
    /// The canonical user of all buckets.
    owner: String,
    clock: Clock,
}

impl Reader {
    /// Runs what reads folders where it may wait for disks.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Buckets, &Asking<'_>) -> Result<T, ObjectError> + Send + 'static,
    ) -> S3Result<T> {
        let answer = self.run(move |buckets, asking| question(buckets, asking)).await?;
        answer.map_err(|error| refused(&error))
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Buckets, &Asking<'_>) -> T + Send + 'static,
    ) -> S3Result<T> {
        let internal = || S3Error::new(S3ErrorCode::InternalError);
        let _turn = self.questions.acquire().await.map_err(|_| internal())?;
        let reader = Arc::clone(self);
        let now =
            SystemTime::UNIX_EPOCH + Duration::from_millis((self.clock)().millis().try_into().unwrap_or(0));
        let answer =
            tokio::task::spawn_blocking(move || work(&reader.buckets, &Asking { tags: &reader.tags, now }));
        answer.await.map_err(|_| internal())
    }

    async fn open(self: &Arc<Self>, bucket: String, key: String) -> S3Result<Opened> {
        self.ask(move |buckets, asking| {
            let object = buckets.get(&bucket, &key)?;
            if object.is_marker {
                let tag = tags::EMPTY.to_owned();
                return Ok(Opened { object, file: None, tag, metadata: Metadata::default() });
            }
            let found = object.metadata()?;
            let fields = [
                ("signature", found.signature),
                ("signature-algorithm", found.signature_algorithm),
                ("backfill-generation-timestamp", found.backfill_generation_timestamp),
            ];
            let metadata = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let mut file = object.open()?;
            let tag = asking.tags.of(&mut file, asking.now)?;
            let object = object.into_opened(&file)?;
            Ok(Opened { object, file: Some(file), tag, metadata: metadata.collect() })
        })
        .await
    }

    async fn page(self: &Arc<Self>, listing: Listing) -> S3Result<Listed> {
        let Listing { bucket, prefix, delimiter, after, max_keys, encoding, with_owner } = listing;
        let max_keys = max_keys.map_or(MAX_KEYS, |keys| usize::try_from(keys).unwrap_or(0)).min(MAX_KEYS);
        let prefix = prefix.unwrap_or_default();
        let (page, tags) = self
            .ask({
                let (bucket, prefix, delimiter) = (bucket.clone(), prefix.clone(), delimiter.clone());
                move |buckets, asking| {
                    let after = after.as_deref().unwrap_or_default();
                    let wanted =
                        Wanted { prefix: &prefix, delimiter: delimiter.as_deref(), after, most: max_keys };
                    let mut page = buckets.list(&bucket, &wanted)?;
                    let tags = asking.tags.page(&page.objects, asking.now);
                    page.cut(tags.len());
                    Ok((page, tags))
                }
            })
            .await?;
        let write = |text: String| write(text, encoding.as_ref());
        let owner = with_owner.then(|| self.owner());
        let listed = |(object, tag): (Object, String)| ListedObject {
            key: Some(write(object.key)),
            e_tag: Some(ETag::Strong(tag)),
            last_modified: Some(Timestamp::from(object.modified)),
            size: i64::try_from(object.length).ok(),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            owner: owner.clone(),
            ..ListedObject::default()
        };
        let common = |prefix: String| CommonPrefix { prefix: Some(write(prefix)) };
        Ok(Listed {
            bucket,
            prefix: write(prefix),
            delimiter: delimiter.map(write),
            max_keys: i32::try_from(max_keys).unwrap_or(i32::MAX),
            next: page.next,
            objects: page.objects.into_iter().zip(tags).map(listed).collect(),
            common_prefixes: page.common_prefixes.into_iter().map(common).collect(),
            encoding: encoding.clone(),
        })
    }

    async fn head(self: &Arc<Self>, bucket: String) -> S3Result<()> {
        self.ask(move |buckets, _| buckets.has(&bucket).then_some(()).ok_or(ObjectError::NoSuchBucket)).await
    }

    fn owner(&self) -> Owner {
        Owner { id: Some(self.owner.clone()), ..Owner::default() }
    }
}

/// What questions to the folders need besides them.
struct Asking<'a> {
    tags: &'a Tags,
    now: SystemTime,
}

/// An object whose content is at hand: a marker has none.
struct Opened {
    object: Object,
    file: Option<OpenFile>,
    tag: String,
    metadata: Metadata,
}

/// What of an object is sent.
struct Selected {
    first: u64,
    length: u64,
    /// `Content-Range` of a part.
    range: Option<String>,
    /// How many parts the object has, where one of them was asked for.
    parts: Option<i32>,
}

impl Opened {
    /// What a request selects, once its conditions hold.
    fn select(&self, reading: &Reading, part_number: Option<i32>) -> S3Result<Selected> {
        let (object, tag) = (&self.object, &*self.tag);
        reading.conditions.check(tag, object.modified).map_err(|unmet| self.unmet(unmet))?;
        let length = object.length;
        let unsatisfiable = |Unsatisfiable| {
            let mut error = S3Error::new(S3ErrorCode::InvalidRange);
            error.set_headers(headers([(CONTENT_RANGE, format!("bytes */{length}"))]));
            error
        };
        let range = |first: u64, count: u64| format!("bytes {first}-{}/{length}", first + count - 1);
        if let Some(number) = part_number {
            let (first, count, parts) = part(number, reading.span, length)?;
            let range = (count > 0).then(|| range(first, count));
            return Ok(Selected { first, length: count, range, parts });
        }
        match reading.span.filter(|_| reading.conditions.allow_part(tag, object.modified)) {
            None => Ok(Selected { first: 0, length, range: None, parts: None }),
            Some(span) => {
                let (first, count) = span.of(length).map_err(unsatisfiable)?;
                Ok(Selected { first, length: count, range: Some(range(first, count)), parts: None })
            }
        }
    }

    fn unmet(&self, unmet: Unmet) -> S3Error {
        match unmet {
            Unmet::Failed(condition) => {
                let mut error = S3Error::new(S3ErrorCode::PreconditionFailed);
                error.set_headers(headers([(CONDITION, condition.to_owned())]));
                error
            }
            Unmet::NotModified => {
                let mut error = S3Error::new(S3ErrorCode::NotModified);
                let modified = httpdate::fmt_http_date(self.object.modified.max(SystemTime::UNIX_EPOCH));
                error.set_headers(headers([(ETAG, format!("\"{}\"", self.tag)), (LAST_MODIFIED, modified)]));
                error
            }
        }
    }
}

/// The first byte and the length of a part of an upload in parts, and how many there are; an object that is not in
/// parts is its first one.
fn part(number: i32, span: Option<Span>, length: u64) -> S3Result<(u64, u64, Option<i32>)> {
    if span.is_some() {
        let message = "Cannot specify both Range header and partNumber query parameter";
        return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
    }
    let number =
        u64::try_from(number).ok().filter(|number| (1..=10_000).contains(number)).ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            S3Error::with_message(S3ErrorCode::InvalidArgument, message)
        })?;
    let (size, count) = tags::parts(length).unwrap_or((length, 1));
    if number > count {
        let code = S3ErrorCode::Custom("InvalidPartNumber".into());
        let mut error = S3Error::with_message(code, "The requested partnumber is not satisfiable");
        error.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
        return Err(error);
    }
    let first = (number - 1) * size;
    let parts = tags::parts(length).and_then(|(_, count)| i32::try_from(count).ok());
    Ok((first, size.min(length - first), parts))
}

fn headers<const N: usize>(pairs: [(HeaderName, String); N]) -> HeaderMap {
    let value = |(name, value): (HeaderName, String)| Some((name, HeaderValue::from_str(&value).ok()?));
    pairs.into_iter().filter_map(value).collect()
}

/// What both list operations are asked.
struct Listing {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    /// The last key or common prefix of the page before.
    after: Option<String>,
    max_keys: Option<i32>,
    encoding: Option<EncodingType>,
    with_owner: bool,
}

/// What both answer; keys and prefixes are written as they were asked for.
struct Listed {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    max_keys: i32,
    /// The last key or common prefix of this page, as it is, if there is more behind it.
    next: Option<String>,
    objects: Vec<ListedObject>,
    common_prefixes: Vec<CommonPrefix>,
    encoding: Option<EncodingType>,
}

/// A key or prefix as it stands in a listing.
fn write(text: String, encoding: Option<&EncodingType>) -> String {
    if encoding.is_some() { text::url_encoded(&text) } else { text::for_xml(text) }
}

/// The operations, as s3s calls them.
struct Operations(Arc<Reader>);

#[async_trait::async_trait]
impl S3 for Operations {
    async fn get_object(
        &self,
        mut request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let reading: Reading = request.extensions.remove().unwrap_or_default();
        let GetObjectInput { bucket, key, part_number, .. } = request.input;
        let mut opened = self.0.open(bucket, key).await?;
        let selected = opened.select(&reading, part_number)?;
        let body = match opened.file.take() {
            None => None,
            Some(file) => {
                let body = content(file, selected.first, selected.length).await;
                Some(body.map_err(|error| refused(&error.into()))?)
            }
        };
        let ContentKind { content_type, encoding } = ContentKind::of(&opened.object);
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body,
            content_length: i64::try_from(selected.length).ok(),
            content_range: selected.range,
            content_type: Some(content_type.to_owned()),
            content_encoding: encoding.map(str::to_owned),
            e_tag: Some(ETag::Strong(opened.tag)),
            last_modified: Some(Timestamp::from(opened.object.modified)),
            metadata: Some(opened.metadata),
            parts_count: selected.parts,
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        mut request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let reading: Reading = request.extensions.remove().unwrap_or_default();
        let input = request.input;
        let opened = self.0.open(input.bucket, input.key).await?;
        let selected = opened.select(&reading, input.part_number)?;
        let ContentKind { content_type, encoding } = ContentKind::of(&opened.object);
        let mut response = S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: input.response_cache_control,
            content_disposition: input.response_content_disposition,
            content_language: input.response_content_language,
            content_length: i64::try_from(selected.length).ok(),
            content_type: Some(input.response_content_type.unwrap_or_else(|| content_type.to_owned())),
            content_encoding: input.response_content_encoding.or_else(|| encoding.map(str::to_owned)),
            e_tag: Some(ETag::Strong(opened.tag)),
            last_modified: Some(Timestamp::from(opened.object.modified)),
            metadata: Some(opened.metadata),
            content_range: selected.range.clone(),
            ..HeadObjectOutput::default()
        });
        if let Some(parts) = selected.parts {
            response.headers.insert("x-amz-mp-parts-count", HeaderValue::from(parts));
        }
        Ok(response)
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let ListObjectsInput { bucket, prefix, delimiter, marker, max_keys, encoding_type: encoding, .. } =
            request.input;
        let after = marker.clone();
        let listing = Listing { bucket, prefix, delimiter, after, max_keys, encoding, with_owner: true };
        let page = self.0.page(listing).await?;
        let encoding = page.encoding;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(page.bucket),
            prefix: Some(page.prefix),
            marker: Some(write(marker.unwrap_or_default(), encoding.as_ref())),
            max_keys: Some(page.max_keys),
            is_truncated: Some(page.next.is_some()),
            // S3 gives it only with a delimiter; clients take the last key otherwise
            next_marker: page
                .next
                .filter(|_| page.delimiter.is_some())
                .map(|next| write(next, encoding.as_ref())),
            delimiter: page.delimiter,
            contents: Some(page.objects),
            common_prefixes: Some(page.common_prefixes),
            encoding_type: encoding,
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let ListObjectsV2Input {
            bucket,
            prefix,
            delimiter,
            start_after,
            continuation_token,
            max_keys,
            encoding_type: encoding,
            fetch_owner,
            ..
        } = request.input;
        let after = match &continuation_token {
            Some(token) => Some(decode(token)?),
            None => start_after.clone(),
        };
        let with_owner = fetch_owner.unwrap_or(false);
        let listing = Listing { bucket, prefix, delimiter, after, max_keys, encoding, with_owner };
        let page = self.0.page(listing).await?;
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(page.bucket),
            prefix: Some(page.prefix),
            delimiter: page.delimiter,
            start_after: start_after.map(|after| write(after, page.encoding.as_ref())),
            continuation_token,
            max_keys: Some(page.max_keys),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(hex::encode),
            contents: Some(page.objects),
            common_prefixes: Some(page.common_prefixes),
            encoding_type: page.encoding,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.0.head(request.input.bucket).await?;
        // of us-east-1 S3 says nothing
        let region = &self.0.region;
        let region = (region != "us-east-1").then(|| BucketLocationConstraint::from(region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: region }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.0.head(request.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.0.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let ListBucketsInput { bucket_region, continuation_token, max_buckets, prefix } = request.input;
        let after = continuation_token.as_deref().map(decode).transpose()?.unwrap_or_default();
        let most =
            max_buckets.map(|most| usize::try_from(most).ok().filter(|most| (1..=10_000).contains(most)));
        let most = most.unwrap_or(Some(usize::MAX)).ok_or_else(|| {
            let message = "Argument max-buckets must be an integer between 1 and 10000";
            S3Error::with_message(S3ErrorCode::InvalidArgument, message)
        })?;
        let names = self.0.ask(|buckets, _| Ok(buckets.names()?)).await?;
        let is_here = bucket_region.is_none_or(|region| region == self.0.region);
        let start = prefix.clone().unwrap_or_default();
        let mut names: Vec<_> = names
            .into_iter()
            .filter(|(name, _)| is_here && name.starts_with(&start) && *name > after)
            .collect();
        let is_more = names.len() > most;
        names.truncate(most);
        let next = names.last().filter(|_| is_more).map(|(name, _)| hex::encode(name));
        let bucket = |(name, made)| Bucket {
            name: Some(name),
            // clients want one; when a bucket of an archive was made, nobody knows
            creation_date: Some(Timestamp::from(made)),
            ..Bucket::default()
        };
        let buckets = names.into_iter().map(bucket).collect();
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(self.0.owner()),
            continuation_token: next,
            prefix,
        }))
    }

    /// Wherever a bucket is wanted, it is where this server is, as all its buckets are.
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = request.input.bucket;
        let location = Some(format!("/{bucket}"));
        let made = self.0.run(move |buckets, _| buckets.create(&bucket)).await?;
        match made {
            Ok(()) => {}
            // as S3 does in us-east-1, so that scripts can be run again
            Err(CreateBucketError::IsThere) if self.0.region == "us-east-1" => {}
            Err(error) => return Err(not_made(&error)),
        }
        Ok(S3Response::new(CreateBucketOutput { location }))
    }
}

async fn content(file: OpenFile, first: u64, length: u64) -> io::Result<StreamingBlob> {
    let mut file = File::from_std(file.into_file());
    if first > 0 {
        file.seek(io::SeekFrom::Start(first)).await?;
    }
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(length), PIECE)))
}

/// What kind of content an object has, as CloudTrail says it when it writes one (docs/spec/wire-protocol.md 1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentKind {
    content_type: &'static str,
    encoding: Option<&'static str>,
}

impl ContentKind {
    fn of(object: &Object) -> Self {
        let (content_type, encoding) = match object.key.as_bytes() {
            // markers, too, though nothing is in them
            key if object.is_marker || key.ends_with(b".json.gz") => ("application/json", Some("gzip")),
            key if key.ends_with(b".json") => ("application/json", None),
            key if key.ends_with(b".gz") => ("application/x-gzip", None),
            _ => ("binary/octet-stream", None),
        };
        Self { content_type, encoding }
    }
}

fn decode(token: &str) -> S3Result<String> {
    let wrong = || {
        S3Error::with_message(S3ErrorCode::InvalidArgument, "The continuation token provided is incorrect")
    };
    String::from_utf8(hex::decode(token).map_err(|_| wrong())?).map_err(|_| wrong())
}

/// Without paths: they are nobody's business.
fn refused(error: &ObjectError) -> S3Error {
    match error {
        ObjectError::NoSuchBucket => S3Error::with_message(S3ErrorCode::NoSuchBucket, error.to_string()),
        ObjectError::NoSuchKey => S3Error::with_message(S3ErrorCode::NoSuchKey, error.to_string()),
        ObjectError::Unreadable(_) | ObjectError::Metadata(_) => {
            S3Error::with_message(S3ErrorCode::InternalError, "the object store cannot be read")
        }
    }
}

fn not_made(error: &CreateBucketError) -> S3Error {
    let code = match error {
        CreateBucketError::NoFolder => S3ErrorCode::AccessDenied,
        CreateBucketError::Name => S3ErrorCode::InvalidBucketName,
        CreateBucketError::IsThere => S3ErrorCode::BucketAlreadyOwnedByYou,
        CreateBucketError::IsTaken => S3ErrorCode::BucketAlreadyExists,
        CreateBucketError::Folder(_) => {
            return S3Error::with_message(
                S3ErrorCode::InternalError,
                "the folder of the bucket cannot be made",
            );
        }
    };
    S3Error::with_message(code, error.to_string())
}
