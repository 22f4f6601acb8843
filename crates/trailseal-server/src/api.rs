//! The vocabulary of the API: operations, errors, who calls and when.

use std::fmt;

use trailseal_archive::Timestamp as Seconds;

/// Makes an enum of names, with `as_str`, `parse` and `ALL`.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the names are AWS's own
        pub enum $name { $($variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The one that has this name on the wire.
            pub fn parse(text: &str) -> Option<Self> {
                Some(match text { $($text => Self::$variant,)+ _ => return None })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// An operation of the CloudTrail API.
    Operation {
        AddTags = "AddTags",
        CreateTrail = "CreateTrail",
        DeleteTrail = "DeleteTrail",
        DescribeTrails = "DescribeTrails",
        GetEventSelectors = "GetEventSelectors",
        GetInsightSelectors = "GetInsightSelectors",
        GetTrail = "GetTrail",
        GetTrailStatus = "GetTrailStatus",
        ListPublicKeys = "ListPublicKeys",
        ListTags = "ListTags",
        ListTrails = "ListTrails",
        LookupEvents = "LookupEvents",
        PutEventSelectors = "PutEventSelectors",
        PutInsightSelectors = "PutInsightSelectors",
        RemoveTags = "RemoveTags",
        StartLogging = "StartLogging",
        StopLogging = "StopLogging",
        UpdateTrail = "UpdateTrail",
    }
}

names! {
    /// The name of an error, as `__type` carries it.
    #[non_exhaustive]
    ErrorCode {
        AccessDenied = "AccessDeniedException",
        ChannelArnInvalid = "ChannelARNInvalidException",
        ChannelNotFound = "ChannelNotFoundException",
        CloudTrailAccessNotEnabled = "CloudTrailAccessNotEnabledException",
        CloudTrailArnInvalid = "CloudTrailARNInvalidException",
        CloudTrailInvalidClientTokenId = "CloudTrailInvalidClientTokenIdException",
        CloudWatchLogsDeliveryUnavailable = "CloudWatchLogsDeliveryUnavailableException",
        Conflict = "ConflictException",
        EventDataStoreArnInvalid = "EventDataStoreARNInvalidException",
        EventDataStoreNotFound = "EventDataStoreNotFoundException",
        ExpiredToken = "ExpiredTokenException",
        InactiveEventDataStore = "InactiveEventDataStoreException",
        IncompleteSignature = "IncompleteSignatureException",
        InsightNotEnabled = "InsightNotEnabledException",
        InsufficientDependencyServiceAccessPermission = "InsufficientDependencyServiceAccessPermissionException",
        InsufficientEncryptionPolicy = "InsufficientEncryptionPolicyException",
        InsufficientS3BucketPolicy = "InsufficientS3BucketPolicyException",
        InsufficientSnsTopicPolicy = "InsufficientSnsTopicPolicyException",
        InternalFailure = "InternalFailure",
        InvalidCloudWatchLogsLogGroupArn = "InvalidCloudWatchLogsLogGroupArnException",
        InvalidCloudWatchLogsRoleArn = "InvalidCloudWatchLogsRoleArnException",
        InvalidEventCategory = "InvalidEventCategoryException",
        InvalidEventSelectors = "InvalidEventSelectorsException",
        InvalidHomeRegion = "InvalidHomeRegionException",
        InvalidInsightSelectors = "InvalidInsightSelectorsException",
        InvalidKmsKeyId = "InvalidKmsKeyIdException",
        InvalidLookupAttributes = "InvalidLookupAttributesException",
        InvalidMaxResults = "InvalidMaxResultsException",
        InvalidNextToken = "InvalidNextTokenException",
        InvalidParameter = "InvalidParameterException",
        InvalidParameterCombination = "InvalidParameterCombinationException",
        InvalidS3BucketName = "InvalidS3BucketNameException",
        InvalidS3Prefix = "InvalidS3PrefixException",
        InvalidSignature = "InvalidSignatureException",
        InvalidSnsTopicName = "InvalidSnsTopicNameException",
        InvalidTagParameter = "InvalidTagParameterException",
        InvalidTimeRange = "InvalidTimeRangeException",
        InvalidToken = "InvalidTokenException",
        InvalidTrailName = "InvalidTrailNameException",
        Kms = "KmsException",
        KmsKeyDisabled = "KmsKeyDisabledException",
        KmsKeyNotFound = "KmsKeyNotFoundException",
        MaximumNumberOfTrailsExceeded = "MaximumNumberOfTrailsExceededException",
        MissingAuthenticationToken = "MissingAuthenticationTokenException",
        NoManagementAccountSlrExists = "NoManagementAccountSLRExistsException",
        NotOrganizationMasterAccount = "NotOrganizationMasterAccountException",
        OperationNotPermitted = "OperationNotPermittedException",
        OrganizationNotInAllFeaturesMode = "OrganizationNotInAllFeaturesModeException",
        OrganizationsNotInUse = "OrganizationsNotInUseException",
        RequestEntityTooLarge = "RequestEntityTooLargeException",
        RequestTimeout = "RequestTimeoutException",
        ResourceNotFound = "ResourceNotFoundException",
        ResourceTypeNotSupported = "ResourceTypeNotSupportedException",
        S3BucketDoesNotExist = "S3BucketDoesNotExistException",
        Serialization = "SerializationException",
        ServiceUnavailable = "ServiceUnavailable",
        TagsLimitExceeded = "TagsLimitExceededException",
        Throttling = "ThrottlingException",
        TrailAlreadyExists = "TrailAlreadyExistsException",
        TrailNotFound = "TrailNotFoundException",
        TrailNotProvided = "TrailNotProvidedException",
        UnknownOperation = "UnknownOperationException",
        UnrecognizedClient = "UnrecognizedClientException",
        UnsupportedOperation = "UnsupportedOperationException",
    }
}

/// An error as a client sees it. The message must not tell paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Which error.
    pub code: ErrorCode,
    /// Its text.
    pub message: String,
}

impl ApiError {
    /// An error.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A moment in milliseconds since 1970-01-01T00:00:00Z: answers carry fractions of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the epoch; `None` outside the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        Seconds::from_epoch(millis.div_euclid(1000)).map(|_| Self(millis))
    }

    /// From whole seconds.
    pub fn from_seconds(seconds: Seconds) -> Self {
        Self(seconds.epoch() * 1000)
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The second that it lies in.
    pub fn seconds(self) -> Seconds {
        Seconds::from_epoch(self.0.div_euclid(1000)).expect("the constructors keep the years 0000 to 9999")
    }
}

/// Who calls, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account that the server plays.
    pub account: String,
    /// The Region of the call.
    pub region: String,
    /// The time of the call.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_itself() {
        assert_eq!(Operation::ALL.len(), 18);
        for &operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.as_str()), Some(operation));
        }
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(Operation::parse("lookupevents"), None);
    }

    #[test]
    fn a_moment_before_the_epoch_lies_in_its_second() {
        assert_eq!(Timestamp::from_millis(-1).unwrap().seconds().epoch(), -1);
        assert_eq!(Timestamp::from_millis(1_500).unwrap().seconds().epoch(), 1);
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
        assert_eq!(Timestamp::from_millis(i64::MIN), None);
    }
}
