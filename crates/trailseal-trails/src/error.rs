//! What goes wrong in a call: the names that the service model gives to its errors (docs/spec/wire-protocol.md 4.5),
//! and those that every service of this protocol has.

use std::fmt;

/// An answer that is an error, as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Its name.
    pub code: ErrorCode,
    /// Its text.
    pub message: String,
}

impl ApiError {
    /// An error with this text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident)*) => {
        /// The name of an error; each stands for itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "the names are CloudTrail's and say it")]
        pub enum ErrorCode { $($name,)* }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The bare name, as `__type` carries it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

codes! {
    AccessDeniedException
    ChannelARNInvalidException
    ChannelNotFoundException
    CloudTrailARNInvalidException
    CloudTrailAccessNotEnabledException
    CloudTrailInvalidClientTokenIdException
    CloudWatchLogsDeliveryUnavailableException
    ConflictException
    EventDataStoreARNInvalidException
    EventDataStoreNotFoundException
    InactiveEventDataStoreException
    IncompleteSignatureException
    InsightNotEnabledException
    InsufficientDependencyServiceAccessPermissionException
    InsufficientEncryptionPolicyException
    InsufficientS3BucketPolicyException
    InsufficientSnsTopicPolicyException
    InternalFailure
    InvalidCloudWatchLogsLogGroupArnException
    InvalidCloudWatchLogsRoleArnException
    InvalidEventCategoryException
    InvalidEventSelectorsException
    InvalidHomeRegionException
    InvalidInsightSelectorsException
    InvalidKmsKeyIdException
    InvalidLookupAttributesException
    InvalidMaxResultsException
    InvalidNextTokenException
    InvalidParameterCombinationException
    InvalidParameterException
    InvalidS3BucketNameException
    InvalidS3PrefixException
    InvalidSignatureException
    InvalidSnsTopicNameException
    InvalidTagParameterException
    InvalidTimeRangeException
    InvalidTokenException
    InvalidTrailNameException
    KmsException
    KmsKeyDisabledException
    KmsKeyNotFoundException
    MaximumNumberOfTrailsExceededException
    MissingAuthenticationTokenException
    NoManagementAccountSLRExistsException
    NotOrganizationMasterAccountException
    OperationNotPermittedException
    OrganizationNotInAllFeaturesModeException
    OrganizationsNotInUseException
    RequestExpired
    ResourceNotFoundException
    ResourceTypeNotSupportedException
    S3BucketDoesNotExistException
    SerializationException
    ServiceUnavailable
    TagsLimitExceededException
    ThrottlingException
    TrailAlreadyExistsException
    TrailNotFoundException
    TrailNotProvidedException
    UnknownOperationException
    UnrecognizedClientException
    UnsupportedOperationException
    ValidationException
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bare_and_distinct() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(code.as_str().bytes().all(|c| c.is_ascii_alphanumeric()));
            assert!(!ErrorCode::ALL[..index].contains(code));
        }
        let error = ApiError::new(ErrorCode::TrailNotFoundException, "Unknown trail: x");
        assert_eq!(error.to_string(), "TrailNotFoundException: Unknown trail: x");
    }
}
