//! S3's reading operations over [`Buckets`], through the s3s crate: what `aws cloudtrail validate-logs`, `aws s3 ls`
//! and `aws s3 sync` ask.
//!
//! Signatures are checked before a request comes here; s3s sees it without them.

use std::{io, sync::Arc};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use s3s::{
    S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        Bucket, BucketLocationConstraint, CommonPrefix, ETag, GetBucketLocationInput,
        GetBucketLocationOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
        HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsInput,
        ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Metadata, Object as ListedObject,
        ObjectStorageClass, Range, StreamingBlob, Timestamp,
    },
    service::{S3Service, S3ServiceBuilder},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;
use trailseal_archive::open::OpenFile;

use crate::{
    api::{ApiError, ErrorCode},
    listen::Body,
    objects::{Buckets, MAX_KEYS, Object, ObjectError, Wanted},
};

/// Bytes of an object that are sent at a time.
const PIECE: usize = 64 * 1024;

/// A service that answers S3's reading operations; everything else is `NotImplemented`.
pub(crate) fn service(buckets: Arc<Buckets>, region: String) -> S3Service {
    S3ServiceBuilder::new(Reader { buckets, region }).build()
}

struct Reader {
    buckets: Arc<Buckets>,
    region: String,
}

impl Reader {
    /// Runs what reads folders where it may wait for disks.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Buckets) -> Result<T, ObjectError> + Send + 'static,
    ) -> S3Result<T> {
        let buckets = Arc::clone(&self.buckets);
        let answer = tokio::task::spawn_blocking(move || question(&buckets)).await;
        answer.map_err(|_| S3Error::new(S3ErrorCode::InternalError))?.map_err(|error| refused(&error))
    }

    async fn object(&self, bucket: String, key: String) -> S3Result<(Object, Metadata)> {
        self.ask(move |buckets| {
            let object = buckets.get(&bucket, &key)?;
            let found = object.metadata()?;
            let fields = [
                ("signature", found.signature),
                ("signature-algorithm", found.signature_algorithm),
                ("backfill-generation-timestamp", found.backfill_generation_timestamp),
            ];
            let metadata = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Ok((object, metadata.collect()))
        })
        .await
    }

    async fn page(&self, listing: Listing) -> S3Result<Listed> {
        let Listing { bucket, prefix, delimiter, after, max_keys } = listing;
        let max_keys = max_keys.unwrap_or(MAX_KEYS as i32);
        let most = usize::try_from(max_keys).map_err(|_| S3Error::new(S3ErrorCode::InvalidArgument))?;
        let prefix = prefix.unwrap_or_default();
        let page = self
            .ask({
                let (bucket, prefix, delimiter) = (bucket.clone(), prefix.clone(), delimiter.clone());
                move |buckets| {
                    let after = after.as_deref().unwrap_or_default();
                    let wanted = Wanted { prefix: &prefix, delimiter: delimiter.as_deref(), after, most };
                    buckets.list(&bucket, &wanted)
                }
            })
            .await?;
        Ok(Listed {
            bucket,
            prefix,
            delimiter,
            max_keys,
            next: page.next,
            objects: page.objects.into_iter().map(listed).collect(),
            common_prefixes: page.common_prefixes.into_iter().map(common).collect(),
        })
    }
}

/// What both list operations are asked.
struct Listing {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    /// The last key or common prefix of the page before.
    after: Option<String>,
    max_keys: Option<i32>,
}

/// What both answer.
struct Listed {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    max_keys: i32,
    /// The last key or common prefix of this page, if there is more behind it.
    next: Option<String>,
    objects: Vec<ListedObject>,
    common_prefixes: Vec<CommonPrefix>,
}

#[async_trait::async_trait]
impl S3 for Reader {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, range, .. } = request.input;
        let (object, metadata) = self.object(bucket, key).await?;
        let (first, length) = part(range.as_ref(), object.length)?;
        let content_range =
            range.map(|_| format!("bytes {first}-{}/{}", (first + length).saturating_sub(1), object.length));
        let opened = object.clone();
        let file = self.ask(move |_| Ok(opened.open()?)).await?;
        let body = content(file, first, length).await.map_err(|error| refused(&error.into()))?;
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(body),
            content_length: i64::try_from(length).ok(),
            content_range,
            content_type: Some(content_type(&object)),
            e_tag: Some(ETag::Strong(object.tag())),
            last_modified: Some(Timestamp::from(object.modified)),
            metadata: Some(metadata),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, range, .. } = request.input;
        let (object, metadata) = self.object(bucket, key).await?;
        let (_, length) = part(range.as_ref(), object.length)?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(length).ok(),
            content_type: Some(content_type(&object)),
            e_tag: Some(ETag::Strong(object.tag())),
            last_modified: Some(Timestamp::from(object.modified)),
            metadata: Some(metadata),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let ListObjectsInput { bucket, prefix, delimiter, marker, max_keys, .. } = request.input;
        let listing = Listing { bucket, prefix, delimiter, after: marker.clone(), max_keys };
        let page = self.page(listing).await?;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(page.bucket),
            prefix: Some(page.prefix),
            marker: Some(marker.unwrap_or_default()),
            max_keys: Some(page.max_keys),
            is_truncated: Some(page.next.is_some()),
            // S3 gives it only with a delimiter; clients take the last key otherwise
            next_marker: page.next.filter(|_| page.delimiter.is_some()),
            delimiter: page.delimiter,
            contents: Some(page.objects),
            common_prefixes: Some(page.common_prefixes),
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let ListObjectsV2Input {
            bucket, prefix, delimiter, start_after, continuation_token, max_keys, ..
        } = request.input;
        let after = match &continuation_token {
            Some(token) => Some(decode(token)?),
            None => start_after.clone(),
        };
        let page = self.page(Listing { bucket, prefix, delimiter, after, max_keys }).await?;
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(page.bucket),
            prefix: Some(page.prefix),
            delimiter: page.delimiter,
            start_after,
            continuation_token,
            max_keys: Some(page.max_keys),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(hex::encode),
            contents: Some(page.objects),
            common_prefixes: Some(page.common_prefixes),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.head(request.input.bucket).await?;
        // of us-east-1 S3 says nothing
        let region =
            (self.region != "us-east-1").then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: region }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.head(request.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let names = self.ask(|buckets| Ok(buckets.names()?)).await?;
        let bucket = |(name, made)| Bucket {
            name: Some(name),
            // clients want one; when a bucket of an archive was made, nobody knows
            creation_date: Some(Timestamp::from(made)),
            ..Bucket::default()
        };
        let buckets = names.into_iter().map(bucket).collect();
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() }))
    }
}

impl Reader {
    async fn head(&self, bucket: String) -> S3Result<()> {
        self.ask(move |buckets| buckets.has(&bucket).then_some(()).ok_or(ObjectError::NoSuchBucket)).await
    }
}

/// The first byte and the length of what a range asks of an object.
fn part(range: Option<&Range>, length: u64) -> S3Result<(u64, u64)> {
    let (first, end) = match range {
        None => return Ok((0, length)),
        Some(Range::Int { first, last }) => {
            (*first, last.map_or(length, |last| last.saturating_add(1).min(length)))
        }
        Some(Range::Suffix { length: wanted }) => (length.saturating_sub(*wanted), length),
    };
    if first >= end { Err(S3Error::new(S3ErrorCode::InvalidRange)) } else { Ok((first, end - first)) }
}

async fn content(file: OpenFile, first: u64, length: u64) -> io::Result<StreamingBlob> {
    let mut file = File::from_std(file.into_file());
    if first > 0 {
        file.seek(io::SeekFrom::Start(first)).await?;
    }
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(length), PIECE)))
}

fn content_type(object: &Object) -> String {
    let is_gzip = object.path.extension().is_some_and(|end| end == "gz");
    if is_gzip { "application/x-gzip" } else { "binary/octet-stream" }.to_owned()
}

fn listed(object: Object) -> ListedObject {
    ListedObject {
        e_tag: Some(ETag::Strong(object.tag())),
        last_modified: Some(Timestamp::from(object.modified)),
        size: i64::try_from(object.length).ok(),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        key: Some(object.key),
        ..ListedObject::default()
    }
}

fn common(prefix: String) -> CommonPrefix {
    CommonPrefix { prefix: Some(prefix) }
}

fn decode(token: &str) -> S3Result<String> {
    let wrong = || {
        S3Error::with_message(S3ErrorCode::InvalidArgument, "The continuation token provided is incorrect")
    };
    String::from_utf8(hex::decode(token).map_err(|_| wrong())?).map_err(|_| wrong())
}

/// A refusal in S3's words: of a request whose signature is wrong, or that could not be answered.
pub(crate) fn refuse(error: &ApiError) -> Response<Body> {
    let code = match error.code {
        ErrorCode::InvalidSignatureException => "SignatureDoesNotMatch",
        ErrorCode::UnrecognizedClientException => "InvalidAccessKeyId",
        ErrorCode::InternalFailure => "InternalError",
        _ => "AccessDenied",
    };
    let status = if error.code == ErrorCode::InternalFailure {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::FORBIDDEN
    };
    // the message stays out: it may hold what the client sent
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    let mut response =
        Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
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
