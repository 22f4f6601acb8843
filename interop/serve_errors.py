"""Errors of the CloudTrail API: which call ends with which, and which cannot happen with a local server, and why."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from serving import ACCOUNT, arn

OPERATIONS = [
    *(
        "AddTags",
        "CreateTrail",
        "DeleteTrail",
        "DescribeTrails",
        "GetEventSelectors",
        "GetInsightSelectors",
        "GetTrail",
    ),
    *("GetTrailStatus", "ListPublicKeys", "ListTags", "ListTrails", "LookupEvents", "PutEventSelectors"),
    *("PutInsightSelectors", "RemoveTags", "StartLogging", "StopLogging", "UpdateTrail"),
]
# The demo archive's bucket, trail and account.
EVIDENCE, ARCHIVED, ARCHIVE_ACCOUNT = "example-audit-logs", "audit", "111122223333"

SELECTORS = [{"ReadWriteType": "All"}]
DATA_VALUES = "Specify a valid number of DataResources.Values (0 to 250) for all your selectors"


def data(*values: str, kind: str = "AWS::S3::Object") -> dict:
    return {"EventSelectors": [{"DataResources": [{"Type": kind, "Values": list(values)}]}]}


def advanced(*fields: dict) -> dict:
    return {"AdvancedEventSelectors": [{"FieldSelectors": list(fields)}]}


def logs(group: str | None = None, role: str | None = None) -> dict:
    members = {"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role}
    return {name: value for name, value in members.items() if value is not None}


GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group:*"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/role"
UNKNOWN = f"Unknown trail: unknown for the user: {ACCOUNT}"
UNKNOWN_ARN = f"Unknown trail: {arn('unknown')} for the user: {ACCOUNT}"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/12345678-1234-1234-1234-123456789012"
CHANNEL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/12345678-1234-1234-1234-123456789012"
DASHBOARD = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:dashboard/some"
OLD, NEW = datetime(2024, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 2, tzinfo=timezone.utc)
BOTH = "You must specify a log group and a role ARN."

# What CreateTrail and UpdateTrail refuse alike: error, members, message where the API has a known one.
SETTINGS: list[tuple] = [
    ("InvalidS3BucketName", {"S3BucketName": "No_Bucket"}),
    ("InvalidS3BucketName", {"S3BucketName": ".."}),
    ("InvalidS3BucketName", {"S3BucketName": "a/../b"}),
    ("InvalidS3Prefix", {"S3KeyPrefix": "p" * 201}),
    ("InvalidS3Prefix", {"S3KeyPrefix": "../p"}),
    (
        "InsufficientS3BucketPolicy",
        {"S3BucketName": "a-file"},
        "Incorrect S3 bucket policy is detected for bucket: a-file",
    ),
    ("InvalidSnsTopicName", {"SnsTopicName": "no topic"}),
    ("InvalidSnsTopicName", {"SnsTopicName": "topic.fifo"}),
    ("InvalidSnsTopicName", {"SnsTopicName": "t" * 257}),
    # it is looked at before the bucket is
    ("InvalidSnsTopicName", {"SnsTopicName": "no topic", "S3BucketName": "a-file"}),
    (
        "InvalidParameterCombination",
        {"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False},
        "Multi-Region trail must include global service events.",
    ),
    ("KmsKeyNotFound", {"KmsKeyId": "no key"}),
    ("KmsKeyNotFound", {"KmsKeyId": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/key"}),
    ("InvalidCloudWatchLogsRoleArn", logs(group=GROUP), BOTH),
    ("InvalidCloudWatchLogsLogGroupArn", logs(role=ROLE), BOTH),
    ("InvalidCloudWatchLogsRoleArn", logs(GROUP, ""), BOTH),
    ("InvalidCloudWatchLogsLogGroupArn", logs("", ROLE), BOTH),
    ("InvalidCloudWatchLogsRoleArn", logs(GROUP, "role"), "CloudTrail cannot validate the specified role ARN."),
    (
        "InvalidCloudWatchLogsLogGroupArn",
        logs(GROUP.removesuffix(":*"), ROLE),
        "CloudTrail cannot validate the specified log group ARN.",
    ),
    (
        "InvalidCloudWatchLogsLogGroupArn",
        logs(GROUP.replace("us-east-1", "eu-west-1"), ROLE),
        "You must specify a log group that is in the current region.",
    ),
    ("OrganizationsNotInUse", {"IsOrganizationTrail": True}),
]


def named(member: str = "Name", *, message: str = UNKNOWN, home: bool = True, **more: object) -> list[tuple]:
    """What operations on one trail refuse alike."""
    cases: list[tuple] = [
        ("TrailNotFound", {member: "unknown", **more}, message),
        ("TrailNotFound", {member: arn("unknown"), **more}, message),
        ("InvalidTrailName", {member: "a..b", **more}),
        ("InvalidTrailName", {**more, member: ""}),
        ("CloudTrailARNInvalid", {member: "arn:aws:cloudtrail:us-east-1:1:trail/some", **more}),
        ("CloudTrailARNInvalid", {member: arn("some", account="999999999999"), **more}),
        ("CloudTrailARNInvalid", {member: "arn:aws:s3:::bucket", **more}),
    ]
    return cases + ([("InvalidHomeRegion", {member: "elsewhere", **more})] if home else [])


def tagged(member: Any = lambda text: {"ResourceId": text}, **more: object) -> list[tuple]:
    """What operations on tags refuse alike."""
    return [
        ("ResourceNotFound", member(arn("unknown")) | more),
        ("ResourceNotFound", member(CHANNEL) | more),
        ("CloudTrailARNInvalid", member("some") | more),
        ("CloudTrailARNInvalid", member("arn:aws:s3:::bucket") | more),
        ("EventDataStoreNotFound", member(STORE) | more),
        ("ResourceTypeNotSupported", member(DASHBOARD) | more),
    ]


TAGS = {"TagsList": [{"Key": "key"}]}
BAD_TAGS = [[{"Key": "k"}, {"Key": "k", "Value": "v"}], [{"Key": "aws:k"}], [{"Key": ""}]]

# Every error that can happen: operation → error, members, message where the API has a known one.
ERRORS: dict[str, list[tuple]] = {
    "CreateTrail": [
        *(
            (error, {"Name": "new", "S3BucketName": "error-logs"} | members, *text)
            for error, members, *text in SETTINGS
        ),
        ("InvalidTrailName", {"Name": arn("new"), "S3BucketName": "error-logs"}),
        ("InvalidTrailName", {"S3BucketName": "error-logs"}),
        ("InvalidS3BucketName", {"Name": "new"}),
        ("TrailAlreadyExists", {"Name": "some", "S3BucketName": "error-logs"}),
        ("MaximumNumberOfTrailsExceeded", {"Name": "sixth", "S3BucketName": "error-logs"}),
        *(
            ("InvalidTagParameter", {"Name": "new", "S3BucketName": "error-logs", "TagsList": tags})
            for tags in BAD_TAGS
        ),
        (
            "TagsLimitExceeded",
            {"Name": "new", "S3BucketName": "error-logs", "TagsList": [{"Key": str(n)} for n in range(51)]},
        ),
    ],
    "UpdateTrail": [*((error, {"Name": "some"} | members, *text) for error, members, *text in SETTINGS), *named()],
    "DeleteTrail": named(),
    "DescribeTrails": [
        ("InvalidTrailName", {"trailNameList": ["a..b"]}),
        ("CloudTrailARNInvalid", {"trailNameList": ["arn:aws:cloudtrail:us-east-1:1:trail/some"]}),
    ],
    "GetTrail": named(home=False),
    "ListTrails": [],
    "GetTrailStatus": named(message=UNKNOWN_ARN, home=False),
    "StartLogging": named(),
    "StopLogging": named(),
    "GetEventSelectors": named("TrailName", message=UNKNOWN_ARN, home=False),
    "PutEventSelectors": [
        *named("TrailName", EventSelectors=SELECTORS),
        *(
            ("InvalidEventSelectors", {"TrailName": "some"} | members, *text)
            for members, *text in [
                ({}, "Specify a valid number of selectors (1 to 5) for your trail"),
                ({"EventSelectors": SELECTORS * 6}, "Specify a valid number of selectors (1 to 5) for your trail"),
                (
                    {"EventSelectors": [{"ReadWriteType": "read-only"}]},
                    "Value read-only for ReadWriteType is invalid.",
                ),
                (
                    {"EventSelectors": [{"IncludeManagementEvents": False}]},
                    "Invalid combination of parameters in EventSelectors. When includeManagementEvents is false, "
                    "DataResources must not be empty",
                ),
                (data(kind="AWS::SNS::Topic"), "The resources.type field value is not valid."),
                (
                    data("arn:aws:s3:::*"),
                    "Value arn:aws:s3:::* for DataResources.Values is invalid.",
                ),
                (data(*(f"arn:aws:s3:::bucket-{number}/" for number in range(251))), DATA_VALUES),
                ({"EventSelectors": [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}]},),
                (
                    {"EventSelectors": SELECTORS} | advanced({"Field": "eventCategory", "Equals": ["Management"]}),
                    "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.",
                ),
                ({"AdvancedEventSelectors": []}, "Specify between 1 and 500 selectors for your trail."),
                (
                    advanced(
                        {"Field": "eventCategory", "Equals": ["Data"]},
                        {"Field": "resources.type", "Equals": ["AWS::Lambda::Function"]},
                        {"Field": "eventName", "Equals": [str(number) for number in range(499)]},
                    ),
                    "Specify between 1 and 500 selectors for your trail.",
                ),
                (
                    advanced({"Field": "readOnly", "Equals": ["true"]}),
                    "The following fields are required: [eventCategory].",
                ),
                (advanced({"Field": "eventCategory", "Equals": ["Data"]}),),
                (advanced({"Field": "eventCategory", "Equals": ["Insight"]}),),
                (
                    advanced(
                        {"Field": "eventCategory", "Equals": ["Data"]},
                        {"Field": "resources.type", "Equals": ["AWS::Lambda::Function"]},
                        {"Field": "resources.ARN", "Equals": [f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f:1"]},
                    ),
                    f"The specified ARN arn:aws:lambda:us-east-1:{ACCOUNT}:function:f:1 is not valid. "
                    "Verify that the ARN is properly formatted.",
                ),
            ]
        ),
    ],
    "GetInsightSelectors": [
        *(case for case in named("TrailName", home=False) if case[1]["TrailName"]),
        ("InvalidTrailName", {"TrailName": ""}),
        ("InsightNotEnabled", {"TrailName": "some"}),
        ("InvalidParameter", {}),
        ("InvalidParameterCombination", {"TrailName": "some", "EventDataStore": STORE}),
        ("UnsupportedOperation", {"EventDataStore": STORE}),
    ],
    "PutInsightSelectors": [
        *named("TrailName", InsightSelectors=[]),
        ("InvalidInsightSelectors", {"TrailName": "some", "InsightSelectors": [{"InsightType": "Other"}]}),
        (
            "InvalidInsightSelectors",
            {"TrailName": "reads", "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]},
        ),
        (
            "InsufficientS3BucketPolicy",
            {"TrailName": "broken", "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]},
        ),
        ("InvalidParameter", {"InsightSelectors": []}),
        ("InvalidParameterCombination", {"TrailName": "some", "EventDataStore": STORE, "InsightSelectors": []}),
        ("UnsupportedOperation", {"EventDataStore": STORE, "InsightsDestination": STORE, "InsightSelectors": []}),
    ],
    "ListPublicKeys": [("InvalidTimeRange", {"StartTime": NEW, "EndTime": OLD})],
    "ListTags": [
        *tagged(lambda text: {"ResourceIdList": [text]}),
        ("CloudTrailARNInvalid", {"ResourceIdList": [arn("elsewhere", "eu-west-1")]}),
        ("InvalidToken", {"ResourceIdList": [arn("some")], "NextToken": "invalid"}),
    ],
    "AddTags": [
        *tagged(**TAGS),
        *(("InvalidTagParameter", {"ResourceId": arn("some"), "TagsList": tags}) for tags in BAD_TAGS),
        ("TagsLimitExceeded", {"ResourceId": arn("some"), "TagsList": [{"Key": str(n)} for n in range(51)]}),
    ],
    "RemoveTags": [
        *tagged(**TAGS),
        *(("InvalidTagParameter", {"ResourceId": arn("some"), "TagsList": tags}) for tags in BAD_TAGS),
    ],
    "LookupEvents": [
        ("InvalidMaxResults", {"MaxResults": 51}),
        ("InvalidMaxResults", {"MaxResults": 0}),
        ("InvalidTimeRange", {"StartTime": NEW, "EndTime": OLD}),
        ("InvalidTimeRange", {"StartTime": datetime(2200, 1, 1, tzinfo=timezone.utc)}),
        ("InvalidNextToken", {"NextToken": "invalid"}),
        ("InvalidEventCategory", {"EventCategory": "management"}),
        *(
            ("InvalidLookupAttributes", {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})
            for key, value in [("Colour", "red"), ("ReadOnly", "True"), ("EventName", ""), ("eventName", "x")]
        ),
        ("InvalidLookupAttributes", {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2}),
        (
            "InvalidLookupAttributes",
            {"EventCategory": "insight", "LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": "x"}]},
        ),
    ],
}

# Errors of trails that an archive beside the data folder has: they cannot be changed.
IN_ARCHIVE: dict[str, tuple[str, dict]] = {
    **{
        operation: ("OperationNotPermitted", {"Name": ARCHIVED})
        for operation in ("UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging")
    },
    "PutEventSelectors": ("OperationNotPermitted", {"TrailName": ARCHIVED, "EventSelectors": SELECTORS}),
    "PutInsightSelectors": ("OperationNotPermitted", {"TrailName": ARCHIVED, "InsightSelectors": []}),
    "GetInsightSelectors": ("InsightNotEnabled", {"TrailName": ARCHIVED}),
    "AddTags": ("OperationNotPermitted", {"ResourceId": arn(ARCHIVED, account=ARCHIVE_ACCOUNT), **TAGS}),
    "RemoveTags": ("OperationNotPermitted", {"ResourceId": arn(ARCHIVED, account=ARCHIVE_ACCOUNT), **TAGS}),
    "CreateTrail": ("TrailAlreadyExists", {"Name": ARCHIVED, "S3BucketName": "archive-logs"}),
}

# Errors of the service model that no operation answers with here, and why.
NEVER = {
    "S3BucketDoesNotExist": "buckets are folders, made on demand",
    "InsufficientSnsTopicPolicy": "there is no SNS: every topic is taken to be there",
    "InsufficientEncryptionPolicy": "there is no KMS: every key is taken to be there",
    "InvalidKmsKeyId": "a malformed key is KmsKeyNotFound, as at AWS",
    "KmsKeyDisabled": "deprecated; and there is no KMS",
    "Kms": "there is no KMS: no key is disabled",
    "TrailNotProvided": "a missing name is InvalidTrailName",
    "CloudWatchLogsDeliveryUnavailable": "there is no CloudWatch Logs: its ARNs are kept, nothing is sent",
    "CloudTrailAccessNotEnabled": "there is no Organizations",
    "InsufficientDependencyServiceAccessPermission": "there is no Organizations",
    "NotOrganizationMasterAccount": "there is no Organizations: organization trails end with OrganizationsNotInUse",
    "OrganizationNotInAllFeaturesMode": "there is no Organizations",
    "NoManagementAccountSLRExists": "there is no Organizations",
    "CloudTrailInvalidClientTokenId": "who calls is decided by the signature",
    "Conflict": "calls are carried out one after the other",
    "Throttling": "there are no quotas of calls",
    "EventDataStoreARNInvalid": "an ARN of another form is CloudTrailARNInvalid",
    "ChannelARNInvalid": "an ARN of another form is CloudTrailARNInvalid",
    "InactiveEventDataStore": "there are no event data stores",
    "ChannelNotFound": "there are no channels to be tagged: ResourceNotFound",
}

# Errors that other operations answer with, and this one does not: error → operation → why.
ALL_DO, READS = "the operation is supported", "an archive's trails can be read"
NOT_THERE: dict[str, dict[str, str]] = {
    "UnsupportedOperation": dict.fromkeys(
        set(OPERATIONS) - {"GetInsightSelectors", "PutInsightSelectors"}, ALL_DO
    ),
    "OperationNotPermitted": {
        **dict.fromkeys([name for name in OPERATIONS if name.startswith(("Get", "Describe", "List", "Lookup"))], READS),
        "CreateTrail": "an archive's name is TrailAlreadyExists",
    },
    "InvalidParameter": dict.fromkeys(["CreateTrail", "UpdateTrail"], "every parameter has an error of its own"),
    "InvalidEventSelectors": {"UpdateTrail": "it does not take selectors"},
    "InvalidTrailName": dict.fromkeys(["AddTags", "RemoveTags", "ListTags"], "they take ARNs"),
    "InvalidToken": {"ListPublicKeys": "AWS ignores a token that it did not make"},
}
