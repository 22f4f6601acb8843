//! The vocabulary of the API: operations, errors, who calls and when.

use std::fmt;

/// Makes an enum of names that stand for themselves.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident: $count:literal { $($variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are CloudTrail's and say it")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: [Self; $count] = [$(Self::$variant,)+];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }
        }
    };
}

names! {
    /// An operation of the CloudTrail API.
    Operation: 18 {
        AddTags,
        CreateTrail,
        DeleteTrail,
        DescribeTrails,
        GetEventSelectors,
        GetInsightSelectors,
        GetTrail,
        GetTrailStatus,
        ListPublicKeys,
        ListTags,
        ListTrails,
        LookupEvents,
        PutEventSelectors,
        PutInsightSelectors,
        RemoveTags,
        StartLogging,
        StopLogging,
        UpdateTrail,
    }
}

impl Operation {
    /// The operation with this name, in this case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }
}

names! {
    /// The name of an error, as `__type` carries it.
    #[non_exhaustive]
    ErrorCode: 63 {
        AccessDeniedException,
        ChannelARNInvalidException,
        ChannelNotFoundException,
        CloudTrailARNInvalidException,
        CloudTrailAccessNotEnabledException,
        CloudTrailInvalidClientTokenIdException,
        CloudWatchLogsDeliveryUnavailableException,
        ConflictException,
        EventDataStoreARNInvalidException,
        EventDataStoreNotFoundException,
        InactiveEventDataStoreException,
        IncompleteSignatureException,
        InsightNotEnabledException,
        InsufficientDependencyServiceAccessPermissionException,
        InsufficientEncryptionPolicyException,
        InsufficientS3BucketPolicyException,
        InsufficientSnsTopicPolicyException,
        InternalFailure,
        InvalidCloudWatchLogsLogGroupArnException,
        InvalidCloudWatchLogsRoleArnException,
        InvalidEventCategoryException,
        InvalidEventSelectorsException,
        InvalidHomeRegionException,
        InvalidInsightSelectorsException,
        InvalidKmsKeyIdException,
        InvalidLookupAttributesException,
        InvalidMaxResultsException,
        InvalidNextTokenException,
        InvalidParameterCombinationException,
        InvalidParameterException,
        InvalidS3BucketNameException,
        InvalidS3PrefixException,
        InvalidSignatureException,
        InvalidSnsTopicNameException,
        InvalidTagParameterException,
        InvalidTimeRangeException,
        InvalidTokenException,
        InvalidTrailNameException,
        KmsException,
        KmsKeyDisabledException,
        KmsKeyNotFoundException,
        MaximumNumberOfTrailsExceededException,
        MissingAuthenticationTokenException,
        NoManagementAccountSLRExistsException,
        NotOrganizationMasterAccountException,
        OperationNotPermittedException,
        OrganizationNotInAllFeaturesModeException,
        OrganizationsNotInUseException,
        RequestExpired,
        ResourceNotFoundException,
        ResourceTypeNotSupportedException,
        S3BucketDoesNotExistException,
        SerializationException,
        ServiceUnavailable,
        TagsLimitExceededException,
        ThrottlingException,
        TrailAlreadyExistsException,
        TrailNotFoundException,
        TrailNotProvidedException,
        UnknownOperationException,
        UnrecognizedClientException,
        UnsupportedOperationException,
        ValidationException,
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    /// An error with this text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MIN: i64 = -62_167_219_200_000;
const MAX: i64 = 253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the epoch, moved into the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MIN, MAX))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

/// Who calls, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The Region of the call, from its credential scope.
    pub region: String,
    /// The time of the call.
    pub now: Timestamp,
}

/// The second of a moment, in the type of the archive.
pub(crate) fn second(time: Timestamp) -> trailseal_archive::Timestamp {
    let second = trailseal_archive::Timestamp::from_epoch(time.seconds());
    second.expect("both types end with the years 0000 and 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_parse_to_themselves() {
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.as_str()), Some(operation));
        }
        assert_eq!(Operation::parse("lookupevents"), None);
        for (at, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(!ErrorCode::ALL[..at].contains(code));
        }
    }

    #[test]
    fn every_moment_lies_in_a_second() {
        assert_eq!(second(Timestamp::from_millis(-1)).epoch(), -1);
        assert_eq!(second(Timestamp::from_millis(1_500)).epoch(), 1);
        for far in [i64::MIN, i64::MAX] {
            assert_eq!(second(Timestamp::from_millis(far)).epoch(), Timestamp::from_millis(far).seconds());
        }
    }
}
