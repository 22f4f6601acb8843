"""boto3, unmodified, and the local trails of `trailseal serve --data-dir`: answers and errors of every operation.

The rules are those of the CloudTrail API; which of the errors of its service model cannot happen here, and why, stands
in serve_errors.py.
"""

from __future__ import annotations

import json
import signal
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from typing import Any

import serving  # first: boto3 must find its own botocore
from botocore.exceptions import ClientError
from serve_errors import (
    ARCHIVE_ACCOUNT,
    ARCHIVED,
    ERRORS,
    EVIDENCE,
    IN_ARCHIVE,
    NEVER,
    NOT_THERE,
    OPERATIONS,
    UNKNOWN_ARN,
)
from serving import ACCOUNT, INTERVALS, KEY_ID, Server, arn, until
from support import DEMO, SCRATCH

load_tests = serving.at_once("test_serve_trails")


def method(operation: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")


def answer(client: Any, operation: str, **members: object) -> dict:
    """An answer without the metadata of its HTTP response."""
    done = getattr(client, method(operation))(**members)
    done.pop("ResponseMetadata")
    return done


class Case(unittest.TestCase):
    """Tests that share a server over a new data folder."""

    options: list[object] = []

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.mkdtemp(prefix="trails-", dir=SCRATCH)
        cls.server = Server("--data-dir", cls.folder, *INTERVALS, *cls.options)
        cls.addClassCleanup(cls.stop)
        cls.client = cls.server.client()
        cls.prepare()

    @classmethod
    def stop(cls) -> None:
        assert cls.server.end() == 0, cls.server.told

    @classmethod
    def prepare(cls) -> None:
        pass

    def refused(self, error: str, client: Any, operation: str, message: str | None = None, **members: object) -> None:
        """A call must end with this error of the service model, which boto3 raises as its own class."""
        with self.assertRaises(getattr(client.exceptions, error)) as raised:
            getattr(client, method(operation))(**members)
        response = raised.exception.response
        self.assertEqual(response["Error"]["Code"], error)
        self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertRegex(response["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")
        self.assertTrue(response["Error"]["Message"], error)
        if message is not None:
            self.assertEqual(response["Error"]["Message"], message)


class Shapes(Case):
    """What operations answer."""

    @classmethod
    def prepare(cls) -> None:
        cls.client.create_trail(Name="plain", S3BucketName="shape-logs")

    def trail(self, name: str, **more: object) -> dict:
        return {
            "Name": name,
            "S3BucketName": "shape-logs",
            "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": False,
            "TrailARN": arn(name),
            "LogFileValidationEnabled": False,
            "IsOrganizationTrail": False,
            "RecursiveLogging": True,
            **more,
        }

    def full(self, name: str, **more: object) -> dict:
        own = {"HomeRegion": "us-east-1", "HasCustomEventSelectors": False, "HasInsightSelectors": False}
        return self.trail(name, **own, **more)

    def test_headers_are_those_of_the_protocol(self) -> None:
        metadata = self.client.list_trails()["ResponseMetadata"]
        self.assertEqual(metadata["HTTPStatusCode"], 200)
        self.assertEqual(metadata["HTTPHeaders"]["content-type"], "application/x-amz-json-1.1")
        self.assertRegex(metadata["RequestId"], r"^[0-9a-f-]{36}$")
        empty = self.client.stop_logging(Name="plain")["ResponseMetadata"]
        self.assertEqual(empty["HTTPHeaders"]["content-length"], "2")
        nothing = self.server.client("af-south-1").lookup_events()["ResponseMetadata"]
        self.assertEqual(nothing["HTTPHeaders"]["content-length"], str(len('{"Events":[]}')))

    def test_a_trail_of_defaults_has_no_other_members(self) -> None:
        created = answer(self.client, "CreateTrail", Name="defaults", S3BucketName="shape-logs")
        self.assertEqual(created, self.trail("defaults"))
        self.assertEqual(answer(self.client, "GetTrail", Name="defaults"), {"Trail": self.full("defaults")})
        described = answer(self.client, "DescribeTrails", trailNameList=["defaults"])
        self.assertEqual(described, {"trailList": [self.full("defaults")]})
        listed = answer(self.client, "ListTrails")["Trails"]
        self.assertIn({"TrailARN": arn("defaults"), "Name": "defaults", "HomeRegion": "us-east-1"}, listed)
        updated = answer(self.client, "UpdateTrail", Name=arn("defaults"))
        self.assertEqual(updated, self.trail("defaults"))
        self.assertEqual(answer(self.client, "DeleteTrail", Name="defaults"), {})
        self.assertEqual(answer(self.client, "DescribeTrails", trailNameList=["defaults"]), {"trailList": []})

    def test_every_setting_is_kept_and_can_be_removed(self) -> None:
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
        settings = {
            "S3KeyPrefix": "some/where",
            "SnsTopicName": "topic",
            "CloudWatchLogsLogGroupArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group:*",
            "CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/role",
        }
        asked = {
            "KmsKeyId": "12345678-1234-1234-1234-123456789012",
            "IsMultiRegionTrail": True,
            "EnableLogFileValidation": True,
            "RecursiveLogging": False,
            "TagsList": [{"Key": "team", "Value": "audit"}],
        }
        created = answer(self.client, "CreateTrail", Name="rich", S3BucketName="shape-logs", **settings, **asked)
        self.addCleanup(self.client.delete_trail, Name="rich")
        flags = {"IsMultiRegionTrail": True, "LogFileValidationEnabled": True, "RecursiveLogging": False}
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"
        rich = flags | settings | {"KmsKeyId": key, "SnsTopicARN": topic}
        self.assertEqual(created, self.trail("rich", **rich))
        self.assertEqual(answer(self.client, "GetTrail", Name="rich")["Trail"], self.full("rich", **rich))
        tags = answer(self.client, "ListTags", ResourceIdList=[arn("rich")])
        listed = [{"ResourceId": arn("rich"), "TagsList": [{"Key": "team", "Value": "audit"}]}]
        self.assertEqual(tags, {"ResourceTagList": listed})

        self.assertEqual(answer(self.client, "UpdateTrail", Name="rich"), self.trail("rich", **rich))
        none = {"SnsTopicName": "", "CloudWatchLogsLogGroupArn": "", "KmsKeyId": "", "S3KeyPrefix": ""}
        removed = answer(self.client, "UpdateTrail", Name="rich", **none)
        self.assertEqual(removed, self.trail("rich", SnsTopicName="", SnsTopicARN="", **flags))
        self.assertEqual(answer(self.client, "GetTrail", Name="rich")["Trail"], self.full("rich", **flags))
        self.assertEqual(answer(self.client, "UpdateTrail", Name="rich"), self.trail("rich", **flags))

    def test_the_status_has_times_as_numbers_and_as_texts(self) -> None:
        self.client.create_trail(Name="status", S3BucketName="shape-logs", EnableLogFileValidation=True)
        self.addCleanup(self.client.delete_trail, Name="status")
        texts = {
            "LatestDeliveryAttemptTime": "",
            "LatestNotificationAttemptTime": "",
            "LatestNotificationAttemptSucceeded": "",
            "LatestDeliveryAttemptSucceeded": "",
            "TimeLoggingStarted": "",
            "TimeLoggingStopped": "",
        }
        self.assertEqual(answer(self.client, "GetTrailStatus", Name="status"), {"IsLogging": False, **texts})
        self.assertEqual(answer(self.client, "StartLogging", Name="status"), {})
        self.assertEqual(answer(self.client, "StartLogging", Name=arn("status")), {})

        def delivered() -> dict:
            status = answer(self.client, "GetTrailStatus", Name="status")
            return status if status.keys() >= {"LatestDeliveryTime", "LatestDigestDeliveryTime"} else {}

        status = until("a delivery", delivered)
        times = {"StartLoggingTime", "LatestDeliveryTime", "LatestDigestDeliveryTime"}
        self.assertEqual(status.keys(), texts.keys() | times | {"IsLogging"})
        self.assertIs(status["IsLogging"], True)
        self.assertTrue(all(isinstance(status[name], datetime) for name in times))

        def text(time: datetime) -> str:
            return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

        self.assertEqual(status["TimeLoggingStarted"], text(status["StartLoggingTime"]))
        self.assertEqual(status["LatestDeliveryAttemptTime"], text(status["LatestDeliveryTime"]))
        self.assertEqual(status["LatestDeliveryAttemptSucceeded"], text(status["LatestDeliveryTime"]))
        for _ in range(2):
            self.assertEqual(answer(self.client, "StopLogging", Name="status"), {})
        status = answer(self.client, "GetTrailStatus", Name="status")
        self.assertIs(status["IsLogging"], False)
        self.assertGreaterEqual(status["StopLoggingTime"], status["StartLoggingTime"])
        self.assertEqual(status["TimeLoggingStopped"], text(status["StopLoggingTime"]))

    def test_event_selectors_are_echoed_and_read(self) -> None:
        client = self.client
        default = {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
        read = answer(client, "GetEventSelectors", TrailName="plain")
        self.assertEqual(read, {"TrailARN": arn("plain"), "EventSelectors": [default]})
        resources = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::some-bucket/"]}]
        basic = [{"ReadWriteType": "WriteOnly", "DataResources": resources}]
        whole = [default | basic[0]]
        put = answer(client, "PutEventSelectors", TrailName="plain", EventSelectors=basic)
        self.assertEqual(put, {"TrailARN": arn("plain"), "EventSelectors": whole})
        self.assertEqual(answer(client, "GetEventSelectors", TrailName="plain"), put)
        self.assertIs(client.get_trail(Name="plain")["Trail"]["HasCustomEventSelectors"], True)

        fields = [
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::a/", "arn:aws:s3:::b/"]},
        ]
        advanced = [{"Name": "objects", "FieldSelectors": fields}]
        put = answer(client, "PutEventSelectors", TrailName=arn("plain"), AdvancedEventSelectors=advanced)
        self.assertEqual(put, {"TrailARN": arn("plain"), "AdvancedEventSelectors": advanced})
        by_name = [{"Name": "objects", "FieldSelectors": sorted(fields, key=lambda field: field["Field"])}]
        read = answer(client, "GetEventSelectors", TrailName="plain")
        self.assertEqual(read, {"TrailARN": arn("plain"), "AdvancedEventSelectors": by_name})
        client.put_event_selectors(TrailName="plain", EventSelectors=[default])
        self.assertIs(client.get_trail(Name="plain")["Trail"]["HasCustomEventSelectors"], False)

    def test_insight_selectors_are_echoed_and_disabled_by_none(self) -> None:
        client, trail = self.client, {"TrailName": "plain"}
        selectors = [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]
        echo = {"TrailARN": arn("plain"), "InsightSelectors": selectors}
        self.assertEqual(answer(client, "PutInsightSelectors", **trail, InsightSelectors=selectors), echo)
        self.assertEqual(answer(client, "GetInsightSelectors", **trail), echo)
        self.assertIs(client.get_trail(Name="plain")["Trail"]["HasInsightSelectors"], True)
        none = answer(client, "PutInsightSelectors", **trail, InsightSelectors=[])
        self.assertEqual(none, {"TrailARN": arn("plain"), "InsightSelectors": []})
        self.refused("InsightNotEnabledException", client, "GetInsightSelectors", **trail)

    def test_tags_are_added_overwritten_and_removed(self) -> None:
        client, trail = self.client, {"ResourceId": arn("plain")}

        def tags() -> list[dict]:
            [listed] = answer(client, "ListTags", ResourceIdList=[arn("plain")])["ResourceTagList"]
            self.assertEqual(listed["ResourceId"], arn("plain"))
            return listed["TagsList"]

        self.assertEqual(tags(), [])
        added = [{"Key": "one", "Value": "1"}, {"Key": "two"}]
        self.assertEqual(answer(client, "AddTags", **trail, TagsList=added), {})
        self.assertEqual(tags(), added)
        client.add_tags(**trail, TagsList=[{"Key": "one", "Value": "uno"}])
        self.assertEqual(tags(), [{"Key": "one", "Value": "uno"}, {"Key": "two"}])
        removed = [{"Key": "one", "Value": "another"}, {"Key": "absent"}]
        self.assertEqual(answer(client, "RemoveTags", **trail, TagsList=removed), {})
        self.assertEqual(tags(), [{"Key": "two"}])
        client.remove_tags(**trail, TagsList=[{"Key": "two"}])
        self.assertEqual(tags(), [])

    def test_public_keys_are_those_of_the_region_and_the_time(self) -> None:
        client = self.server.client("eu-west-3")
        self.assertEqual(answer(client, "ListPublicKeys"), {"PublicKeyList": []})
        client.create_trail(Name="signed", S3BucketName="shape-logs", EnableLogFileValidation=True)
        client.start_logging(Name="signed")
        [key] = until("a key", lambda: answer(client, "ListPublicKeys")["PublicKeyList"])
        members = {"Value", "ValidityStartTime", "ValidityEndTime", "Fingerprint"}
        self.assertEqual((key.keys(), len(key["Value"])), (members, 270))
        self.assertRegex(key["Fingerprint"], "^[0-9a-f]{32}$")
        self.assertEqual(key["ValidityEndTime"] - key["ValidityStartTime"], timedelta(days=30))
        # what is no token of AWS is ignored, and both ends of the validity belong to it
        self.assertEqual(answer(client, "ListPublicKeys", NextToken="invalid"), {"PublicKeyList": [key]})
        end = key["ValidityEndTime"]
        for time, found in [(end, [key]), (end + timedelta(seconds=1), [])]:
            self.assertEqual(client.list_public_keys(StartTime=time, EndTime=time)["PublicKeyList"], found)
        elsewhere = self.server.client("eu-west-2").list_public_keys(StartTime=key["ValidityStartTime"])
        self.assertEqual(elsewhere["PublicKeyList"], [])
        [page] = client.get_paginator("list_public_keys").paginate()
        self.assertEqual(page["PublicKeyList"], [key])
        client.delete_trail(Name="signed")


class Events(Case):
    """`LookupEvents` over the calls that were made."""

    @classmethod
    def prepare(cls) -> None:
        cls.client.create_trail(Name="seen", S3BucketName="event-logs", S3KeyPrefix="p")
        cls.client.start_logging(Name=arn("seen"))

    def found(self, client: Any | None = None, **attribute: str) -> list[dict]:
        [(key, value)] = attribute.items()
        wanted = [{"AttributeKey": key, "AttributeValue": value}]
        pages = (client or self.client).get_paginator("lookup_events").paginate(LookupAttributes=wanted)
        return [event for page in pages for event in page["Events"]]

    def test_a_call_that_changes_something_is_recorded_as_aws_records_it(self) -> None:
        [event] = self.found(EventName="CreateTrail")
        record = json.loads(event.pop("CloudTrailEvent"))
        resources = event.pop("Resources")
        self.assertIn({"ResourceType": "AWS::CloudTrail::Trail", "ResourceName": "seen"}, resources)
        time = event.pop("EventTime")
        self.assertLess(abs(datetime.now(timezone.utc) - time), timedelta(minutes=5))
        expected = {
            "EventId": record["eventID"],
            "EventName": "CreateTrail",
            "ReadOnly": "false",
            "AccessKeyId": KEY_ID,
            "EventSource": "cloudtrail.amazonaws.com",
            "Username": KEY_ID,
        }
        self.assertEqual(event, expected)
        self.assertRegex(record.pop("eventID"), r"^[0-9a-f-]{36}$")
        self.assertRegex(record.pop("requestID"), r"^[0-9a-f-]{36}$")
        self.assertIn("Botocore", record.pop("userAgent"))
        self.assertEqual(record.pop("eventTime"), time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        expected = {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": self.server.client(service="sts").get_caller_identity()["UserId"],
                "arn": f"arn:aws:iam::{ACCOUNT}:user/{KEY_ID}",
                "accountId": ACCOUNT,
                "accessKeyId": KEY_ID,
                "userName": KEY_ID,
            },
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "CreateTrail",
            "awsRegion": "us-east-1",
            "sourceIPAddress": "127.0.0.1",
            "requestParameters": {"name": "seen", "s3BucketName": "event-logs", "s3KeyPrefix": "p"},
            "responseElements": {
                "name": "seen",
                "s3BucketName": "event-logs",
                "s3KeyPrefix": "p",
                "includeGlobalServiceEvents": True,
                "isMultiRegionTrail": False,
                "trailARN": arn("seen"),
                "logFileValidationEnabled": False,
                "isOrganizationTrail": False,
                "recursiveLogging": True,
            },
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
        self.assertEqual(record, expected)

    def test_a_call_is_found_by_every_attribute(self) -> None:
        [event] = self.found(EventName="StartLogging")
        self.assertEqual(event["Resources"], [{"ResourceType": "AWS::CloudTrail::Trail", "ResourceName": arn("seen")}])
        self.assertEqual(self.found(EventId=event["EventId"]), [event])
        for attribute in [
            {"ReadOnly": "false"},
            {"ResourceType": "AWS::CloudTrail::Trail"},
            {"ResourceName": arn("seen")},
            {"EventSource": "cloudtrail.amazonaws.com"},
            {"AccessKeyId": KEY_ID},
            {"Username": KEY_ID},
        ]:
            self.assertIn(event, self.found(**attribute), attribute)
        self.assertEqual(self.found(Username="nobody"), [])

    def test_what_a_call_that_reads_answered_is_not_recorded(self) -> None:
        self.client.describe_trails(trailNameList=["seen"], includeShadowTrails=False)
        record = json.loads(self.found(EventName="DescribeTrails")[0]["CloudTrailEvent"])
        parameters = {"trailNameList": ["seen"], "includeShadowTrails": False}
        self.assertEqual((record["requestParameters"], record["responseElements"]), (parameters, None))
        self.assertIs(record["readOnly"], True)
        self.client.list_trails()
        record = json.loads(self.found(EventName="ListTrails")[0]["CloudTrailEvent"])
        self.assertIsNone(record["requestParameters"])

    def test_a_call_that_failed_is_recorded_with_its_error(self) -> None:
        for error, members in [
            ("TrailNotFoundException", {"Name": "no-such-trail"}),
            ("InvalidTrailNameException", {"Name": "a..b"}),
        ]:
            self.refused(error, self.client, "UpdateTrail", **members)
            # the order of events of one second is not that in which they were made
            records = [json.loads(event["CloudTrailEvent"]) for event in self.found(EventName="UpdateTrail")]
            [record] = [record for record in records if record["errorCode"] == error]
            self.assertTrue(record["errorMessage"])
            self.assertEqual(record["requestParameters"], {"name": members["Name"]})
            self.assertIsNone(record["responseElements"])

    def test_a_call_is_an_event_of_the_region_where_it_was_made(self) -> None:
        client = self.server.client("eu-west-1")
        client.list_tags(ResourceIdList=[client.create_trail(Name="there", S3BucketName="event-logs")["TrailARN"]])
        [event] = self.found(client, EventName="ListTags")
        self.assertEqual(json.loads(event["CloudTrailEvent"])["awsRegion"], "eu-west-1")
        self.assertEqual(self.found(EventName="ListTags"), [])

    def test_every_operation_is_recorded(self) -> None:
        client = self.server.client("ca-central-1", checks=False)
        for operation in OPERATIONS:
            members = {"Name": "recorded", "S3BucketName": "event-logs"} if operation == "CreateTrail" else {}
            try:
                getattr(client, method(operation))(**members)
            except ClientError:
                pass
        events = self.found(client, EventSource="cloudtrail.amazonaws.com")
        self.assertEqual({event["EventName"] for event in events}, set(OPERATIONS))

    def test_pages_hold_every_event_once_newest_first(self) -> None:
        client = self.server.client("sa-east-1")
        for number in range(7):
            client.describe_trails(trailNameList=[f"trail-{number}"])
        pager = client.get_paginator("lookup_events")
        pages = list(
            pager.paginate(
                MaxResults=2, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeTrails"}]
            )
        )
        self.assertEqual([len(page["Events"]) for page in pages], [2, 2, 2, 1])
        events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
        names = [event["requestParameters"]["trailNameList"] for event in events]
        self.assertEqual(sorted(names), [[f"trail-{number}"] for number in range(7)])
        times = [event["eventTime"] for event in events]
        self.assertEqual(times, sorted(times, reverse=True))
        page = client.lookup_events(MaxResults=1)
        self.assertEqual((len(page["Events"]), isinstance(page["NextToken"], str)), (1, True))
        self.refused(
            *("InvalidNextTokenException", client, "LookupEvents"),
            NextToken=page["NextToken"],
            MaxResults=1,
            LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "true"}],
        )


class Homes(Case):
    """Home Regions, shadow trails, and what bare names mean."""

    @classmethod
    def prepare(cls) -> None:
        cls.there = cls.server.client("eu-west-1")
        cls.client.create_trail(Name="everywhere", S3BucketName="home-logs", IsMultiRegionTrail=True)
        cls.client.create_trail(Name="here", S3BucketName="home-logs")
        cls.there.create_trail(Name="there", S3BucketName="home-logs")

    def described(self, client: Any, **members: object) -> list[str]:
        return [trail["TrailARN"] for trail in client.describe_trails(**members)["trailList"]]

    def test_regions_see_their_own_trails_and_shadows(self) -> None:
        everywhere, here, there = arn("everywhere"), arn("here"), arn("there", "eu-west-1")
        self.assertCountEqual(self.described(self.client), [everywhere, here])
        self.assertCountEqual(self.described(self.there), [everywhere, there])
        self.assertEqual(self.described(self.there, includeShadowTrails=False), [there])
        names = ["everywhere", "here", there, "unknown", arn("unknown")]
        self.assertCountEqual(self.described(self.there, trailNameList=names), [everywhere, there])
        self.assertEqual(self.described(self.there, trailNameList=[here]), [here])
        for client in (self.client, self.there):
            pages = client.get_paginator("list_trails").paginate()
            listed = [trail["TrailARN"] for page in pages for trail in page["Trails"]]
            self.assertCountEqual(listed, [everywhere, here, there])

    def test_shadows_are_read_by_name_and_others_by_arn(self) -> None:
        self.assertEqual(self.there.get_trail(Name="everywhere")["Trail"]["HomeRegion"], "us-east-1")
        self.assertEqual(self.there.get_trail_status(Name="everywhere")["IsLogging"], False)
        self.assertEqual(self.there.get_event_selectors(TrailName="everywhere")["TrailARN"], arn("everywhere"))
        self.assertEqual(self.there.get_trail(Name=arn("here"))["Trail"]["Name"], "here")
        message = f"Unknown trail: here for the user: {ACCOUNT}"
        self.refused("TrailNotFoundException", self.there, "GetTrail", message, Name="here")
        message = f"Unknown trail: {arn('here', 'eu-west-1')} for the user: {ACCOUNT}"
        self.refused("TrailNotFoundException", self.there, "GetTrailStatus", message, Name="here")

    def test_trails_are_changed_only_at_home(self) -> None:
        for operation, members in [
            ("UpdateTrail", {"Name": "everywhere"}),
            ("DeleteTrail", {"Name": "everywhere"}),
            ("StartLogging", {"Name": arn("here")}),
            ("StopLogging", {"Name": arn("everywhere")}),
            ("PutEventSelectors", {"TrailName": arn("here"), "EventSelectors": [{}]}),
            ("PutInsightSelectors", {"TrailName": "everywhere", "InsightSelectors": []}),
        ]:
            with self.subTest(operation=operation):
                self.refused("InvalidHomeRegionException", self.there, operation, **members)

    def test_a_shadow_takes_its_name_in_every_region(self) -> None:
        error = "TrailAlreadyExistsException"
        self.refused(error, self.there, "CreateTrail", Name="everywhere", S3BucketName="home-logs")
        multi = {"S3BucketName": "home-logs", "IsMultiRegionTrail": True}
        self.refused(error, self.there, "CreateTrail", Name="here", **multi)
        self.there.create_trail(Name="here", S3BucketName="home-logs")
        self.addCleanup(self.there.delete_trail, Name="here")
        self.assertEqual(self.there.get_trail(Name="here")["Trail"]["HomeRegion"], "eu-west-1")
        self.refused(error, self.there, "UpdateTrail", Name="here", IsMultiRegionTrail=True)

    def test_a_trail_of_one_region_can_be_made_one_of_all_and_back(self) -> None:
        elsewhere = self.server.client("ap-northeast-1")
        self.assertNotIn(arn("here"), self.described(elsewhere))
        self.client.update_trail(Name="here", IsMultiRegionTrail=True)
        self.addCleanup(self.client.update_trail, Name="here", IsMultiRegionTrail=False)
        self.assertIn(arn("here"), self.described(elsewhere))


class Limits(Case):
    """Five trails a Region, fifty tags a trail, and names."""

    def test_a_region_has_five_trails_shadows_among_them(self) -> None:
        client, bucket = self.client, {"S3BucketName": "limit-logs"}
        there = self.server.client("eu-west-1")
        there.create_trail(Name="shadow", **bucket, IsMultiRegionTrail=True)
        for number in range(4):
            client.create_trail(Name=f"trail-{number}", **bucket)
        error, message = "MaximumNumberOfTrailsExceededException", f"User: {ACCOUNT} already has 5 trails in us-east-1."
        self.refused(error, client, "CreateTrail", message, Name="sixth", **bucket)
        there.create_trail(Name="single", **bucket)
        self.refused(error, there, "CreateTrail", message, Name="multi", **bucket, IsMultiRegionTrail=True)
        client.delete_trail(Name="trail-0")
        there.create_trail(Name="multi", **bucket, IsMultiRegionTrail=True)
        self.refused(error, client, "CreateTrail", message, Name="sixth", **bucket)
        for name in ("trail-1", "trail-2", "trail-3"):
            client.delete_trail(Name=name)

    def test_a_trail_has_fifty_tags(self) -> None:
        client = self.server.client("ap-east-1")
        fifty = [{"Key": f"key-{number}", "Value": "v" * 256} for number in range(50)]
        trail = {"Name": "tagged", "S3BucketName": "limit-logs"}
        error = "TagsLimitExceededException"
        self.refused(error, client, "CreateTrail", **trail, TagsList=[*fifty, {"Key": "more"}])
        resource = {"ResourceId": client.create_trail(**trail, TagsList=fifty)["TrailARN"]}
        self.refused(error, client, "AddTags", **resource, TagsList=[{"Key": "more"}])
        client.add_tags(**resource, TagsList=[{"Key": "key-7", "Value": "another"}])
        client.remove_tags(**resource, TagsList=[{"Key": "key-8"}])
        client.add_tags(**resource, TagsList=[{"Key": "k" * 128}])
        for tags in ([{"Key": "k" * 129}], [{"Key": "k", "Value": "v" * 257}], [{"Key": "AWS:x"}]):
            self.refused("InvalidTagParameterException", client, "AddTags", **resource, TagsList=tags)
        pages = list(client.get_paginator("list_tags").paginate(ResourceIdList=[resource["ResourceId"]]))
        [listed] = [resource for page in pages for resource in page["ResourceTagList"]]
        self.assertEqual(len(listed["TagsList"]), 50)

    def test_names_of_trails(self) -> None:
        client = self.server.client("ap-south-1", checks=False)
        too = "Minimum allowed length: 3 characters. Specified name length: {} characters."
        plain = (
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), "
            "hyphens (-), and underscores (_)."
        )
        long = "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters."
        names = {
            "": f"Trail name too short. {too.format(0)}",
            "ab": f"Trail name too short. {too.format(2)}",
            "a" * 129: long,
            "-abc": "Trail name must starts with a letter or number.",
            "abc_": "Trail name must ends with a letter or number.",
            "a b": plain,
            "trail/é": plain,
            "my-_namespace": None,
            "a..b": None,
            "192.168.5.4": None,
        }
        error = "InvalidTrailNameException"
        for name, message in names.items():
            with self.subTest(name=name):
                self.refused(error, client, "CreateTrail", message, Name=name, S3BucketName="limit-logs")
                self.refused(error, client, "GetTrail", message, Name=name)
        for name in ("abc", "A.b-c_9", "9" * 128):
            client.create_trail(Name=name, S3BucketName="limit-logs")
            self.assertEqual(client.get_trail(Name=name)["Trail"]["Name"], name)


class Errors(Case):
    """Every error of the service model happens here, or is said not to."""

    @classmethod
    def prepare(cls) -> None:
        cls.client = cls.server.client(checks=False)
        cls.client.create_trail(Name="some", S3BucketName="error-logs")
        cls.client.create_trail(Name="reads", S3BucketName="error-logs")
        cls.client.put_event_selectors(TrailName="reads", EventSelectors=[{"ReadWriteType": "ReadOnly"}])
        cls.client.create_trail(Name="broken", S3BucketName="broken-logs")
        cls.server.client("eu-west-1").create_trail(
            Name="elsewhere", S3BucketName="error-logs", IsMultiRegionTrail=True
        )
        folder = serving.Path(cls.folder)
        (folder / "a-file").write_text("no folder\n")
        (folder / "broken-logs").rename(folder / "moved-logs")
        (folder / "broken-logs").write_text("no folder\n")

    def test_errors(self) -> None:
        before = self.client.describe_trails()["trailList"]
        for operation, cases in ERRORS.items():
            for error, members, *message in cases:
                if error == "MaximumNumberOfTrailsExceeded":
                    self.client.create_trail(Name="fifth", S3BucketName="error-logs")
                with self.subTest(operation=operation, error=error, members=str(members)[:100]):
                    self.refused(error + "Exception", self.client, operation, *message, **members)
                if error == "MaximumNumberOfTrailsExceeded":
                    self.client.delete_trail(Name="fifth")
        self.assertEqual(self.client.describe_trails()["trailList"], before)
        self.assertFalse((serving.Path(self.folder) / "error-logs/p").exists())

    def test_every_error_of_the_model_is_accounted_for(self) -> None:
        model = self.client.meta.service_model
        self.assertEqual(sorted(ERRORS), sorted(OPERATIONS))
        unused = set(NEVER)
        for operation in OPERATIONS:
            modelled = {shape.name.removesuffix("Exception") for shape in model.operation_model(operation).error_shapes}
            happen = {case[0] for case in ERRORS[operation]}
            happen |= {case[0] for name, case in IN_ARCHIVE.items() if name == operation}
            absent = {error for error, where in NOT_THERE.items() if operation in where}
            never = modelled & NEVER.keys()
            unused -= never
            with self.subTest(operation=operation):
                self.assertEqual(happen | absent | never, modelled)
                self.assertFalse(happen & (absent | never))
                self.assertFalse(absent & never)
        self.assertEqual(unused, set())

    def test_values_of_a_wrong_type_are_told(self) -> None:
        for operation, members in [
            ("CreateTrail", {"Name": "new", "S3BucketName": "error-logs", "IsMultiRegionTrail": "text"}),
            ("LookupEvents", {"MaxResults": "text"}),
        ]:
            with self.assertRaises(ClientError) as raised:
                raw(self.server, operation, members)
            self.assertEqual(raised.exception.response["Error"]["Code"], "SerializationException")

    def test_the_aws_cli_prints_them(self) -> None:
        done = self.server.aws("cloudtrail", "get-trail-status", "--name", "unknown")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"(TrailNotFoundException) when calling the GetTrailStatus operation: {UNKNOWN_ARN}", done.stderr)


def raw(server: Server, operation: str, members: dict) -> None:
    """Sends members whose types boto3 would not even write."""
    client = server.client(checks=False)

    def replace(request: Any, **_: object) -> None:
        request.data = json.dumps(members).encode()

    client.meta.events.register(f"before-sign.cloudtrail.{operation}", replace)
    try:
        getattr(client, method(operation))()
    finally:
        client.meta.events.unregister(f"before-sign.cloudtrail.{operation}", replace)


class BesideAnArchive(Case):
    """A server over an archive and a data folder."""

    options = ["--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ARCHIVE_ACCOUNT]

    @classmethod
    def prepare(cls) -> None:
        cls.client.create_trail(Name="local", S3BucketName="archive-logs")

    def test_trails_of_both_are_there(self) -> None:
        arns = [arn("local", account=ARCHIVE_ACCOUNT), arn(ARCHIVED, account=ARCHIVE_ACCOUNT)]
        self.assertEqual([trail["TrailARN"] for trail in self.client.list_trails()["Trails"]], arns)
        self.assertEqual([trail["TrailARN"] for trail in self.client.describe_trails()["trailList"]], arns)
        for name in ("local", ARCHIVED):
            self.assertEqual(self.client.get_trail(Name=name)["Trail"]["Name"], name)
            self.assertIs(self.client.get_trail_status(Name=name)["IsLogging"], False)

    def test_trails_of_both_answer_what_tools_ask(self) -> None:
        arns = [arn("local", account=ARCHIVE_ACCOUNT), arn(ARCHIVED, account=ARCHIVE_ACCOUNT)]
        self.client.add_tags(ResourceId=arns[0], TagsList=[{"Key": "k", "Value": "v"}])
        for ids in (arns, arns[::-1], arns[:1], arns[1:]):
            tags = {arns[0]: [{"Key": "k", "Value": "v"}], arns[1]: []}
            expected = [{"ResourceId": id, "TagsList": tags[id]} for id in ids]
            self.assertEqual(answer(self.client, "ListTags", ResourceIdList=ids)["ResourceTagList"], expected)
        names = [set(trail) for trail in self.client.describe_trails()["trailList"]]
        self.assertEqual(names[0], names[1])
        for name in ("local", ARCHIVED):
            [selector] = self.client.get_event_selectors(TrailName=name)["EventSelectors"]
            self.assertEqual((selector["ReadWriteType"], selector["IncludeManagementEvents"]), ("All", True))

    def test_trails_of_the_archive_cannot_be_changed(self) -> None:
        for operation, (error, members) in IN_ARCHIVE.items():
            with self.subTest(operation=operation):
                self.refused(error + "Exception", self.client, operation, **members)

    def test_nothing_is_delivered_into_buckets_of_the_archive(self) -> None:
        error, message = (
            "InsufficientS3BucketPolicyException",
            f"Incorrect S3 bucket policy is detected for bucket: {EVIDENCE}",
        )
        self.refused(error, self.client, "CreateTrail", message, Name="new", S3BucketName=EVIDENCE)
        self.refused(error, self.client, "UpdateTrail", message, Name="local", S3BucketName=EVIDENCE)

    def test_events_of_both_are_found(self) -> None:
        def found(**attribute: str) -> list[str]:
            [(key, value)] = attribute.items()
            wanted = [{"AttributeKey": key, "AttributeValue": value}]
            return [event["EventName"] for event in self.client.lookup_events(LookupAttributes=wanted)["Events"]]

        self.assertEqual(found(EventName="CreateTrail")[:1], ["CreateTrail"])
        pages = self.client.get_paginator("lookup_events").paginate(EndTime=datetime(2024, 3, 2, tzinfo=timezone.utc))
        archived = [event for page in pages for event in page["Events"]]
        self.assertGreater(len(archived), 20)
        self.assertEqual(found(EventId=archived[0]["EventId"]), [archived[0]["EventName"]])


class Restarts(unittest.TestCase):
    """What a data folder keeps."""

    def check(self, how: signal.Signals, status: int) -> None:
        folder = tempfile.mkdtemp(prefix="restart-", dir=SCRATCH)
        server = Server("--data-dir", folder, *INTERVALS)
        client = server.client()
        multi = {"IsMultiRegionTrail": True, "EnableLogFileValidation": True}
        client.create_trail(Name="kept", S3BucketName="restart-logs", **multi, TagsList=[{"Key": "k", "Value": "v"}])
        client.create_trail(Name="gone", S3BucketName="restart-logs")
        advanced = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
        client.put_event_selectors(TrailName="kept", AdvancedEventSelectors=advanced)
        client.put_insight_selectors(TrailName="kept", InsightSelectors=[{"InsightType": "ApiErrorRateInsight"}])
        client.start_logging(Name="kept")
        client.delete_trail(Name="gone")
        until("a key", lambda: client.list_public_keys()["PublicKeyList"])

        def all_of(client: Any) -> dict:
            return {
                "trails": answer(client, "DescribeTrails"),
                "tags": answer(client, "ListTags", ResourceIdList=[arn("kept")]),
                "selectors": answer(client, "GetEventSelectors", TrailName="kept"),
                "insights": answer(client, "GetInsightSelectors", TrailName="kept"),
                "keys": answer(client, "ListPublicKeys"),
                "created": client.lookup_events(
                    LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTrail"}]
                )["Events"],
            }

        before, started = all_of(client), client.get_trail_status(Name="kept")["StartLoggingTime"]
        self.assertEqual(len(before["created"]), 2)
        self.assertEqual(server.end(how), status)
        server = Server("--data-dir", folder, *INTERVALS)
        self.addCleanup(server.end)
        self.assertIn("1 trail is logging", server.told)
        client = server.client()
        self.assertEqual(all_of(client), before)
        now = client.get_trail_status(Name="kept")
        self.assertEqual((now["IsLogging"], now["StartLoggingTime"]), (True, started))

    def test_everything_is_there_after_sigterm(self) -> None:
        self.check(signal.SIGTERM, 0)

    def test_everything_is_there_after_kill_9(self) -> None:
        self.check(signal.SIGKILL, -signal.SIGKILL)

    def test_a_second_server_does_not_get_the_folder(self) -> None:
        folder = tempfile.mkdtemp(prefix="second-", dir=SCRATCH)
        server = Server("--data-dir", folder)
        self.addCleanup(server.end)
        with self.assertRaisesRegex(AssertionError, "did not start"):
            Server("--data-dir", folder)


if __name__ == "__main__":
    unittest.main()
