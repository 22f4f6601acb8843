"""AWS's SDK for JavaScript, unmodified, against `trailseal serve`: its X-Amz-Target has another prefix than botocore's.

`node/call.mjs` runs steps given as JSON; `Node.call` is the way to it. The SDK lies below the build folder (`.ci/run`
installs it; README.md says how by hand).
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
import unittest
from typing import Any

from support import DEMO, SCRATCH, require_node, run, run_node
from test_serve import ACCOUNT, Server

ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"


class Node:
    """The SDK in a process of its own, with any credentials."""

    def __init__(self, url: str) -> None:
        self.url = url

    @staticmethod
    def require() -> None:
        """Skips, loudly, where the SDK is not installed."""
        require_node("@aws-sdk/client-cloudtrail")

    def call(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        """Runs steps (see node/call.mjs) one after the other; what the SDK made of each answer."""
        return run_node("call.mjs", list(steps), AWS_ENDPOINT_URL=self.url)

    def result(self, operation: str, region: str = "us-east-1", **given: Any) -> dict[str, Any]:
        """The result of one call that succeeds."""
        (answer,) = self.call({"operation": operation, "input": given, "region": region})
        if "error" in answer:
            raise AssertionError(f"{operation}: {answer['error']}")
        if (answer["status"], answer["target"]) != (200, f"CloudTrail_20131101.{operation}"):
            raise AssertionError(f"{operation}: {answer}")
        return answer["result"]

    def error(self, operation: str, **given: Any) -> dict[str, Any]:
        """The error of one call that fails."""
        (answer,) = self.call({"operation": operation, "input": given})
        if "error" not in answer:
            raise AssertionError(f"{operation} succeeded: {answer}")
        return answer["error"]


def date(text: str) -> dict[str, str]:
    return {"$date": text}


class Archive(unittest.TestCase):
    """Section 1 of the API: what an archive answers."""

    @classmethod
    def setUpClass(cls) -> None:
        Node.require()
        cls.server = Server("--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ACCOUNT)
        cls.node = Node(cls.server.url)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0

    def test_the_paginator_walks_all_events(self) -> None:
        attributes = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
        step = {"operation": "LookupEvents", "input": {"LookupAttributes": attributes}, "paginate": {"pageSize": 7}}
        (answer,) = self.node.call(step)
        self.assertEqual(answer["target"], "CloudTrail_20131101.LookupEvents")
        pages = [page["Events"] for page in answer["pages"]]
        self.assertEqual({len(page) for page in pages[:-1]}, {7})
        events = [event for page in pages for event in page]

        words = ["--lookup-attributes", "AttributeKey=ReadOnly,AttributeValue=false", "--cli-timestamp-format", "iso8601"]
        ours = json.loads(run("lookup-events", DEMO / "archive", "--region", "us-east-1", *words).stdout)["Events"]
        ours = [event for event in ours if json.loads(event["CloudTrailEvent"])["recipientAccountId"] == ACCOUNT]
        for event in ours:
            event["EventTime"] = date(event["EventTime"].replace("+00:00", ".000Z"))
        self.assertGreater(len(ours), 20)
        self.assertEqual(events, ours)

    def test_events_have_dates_and_a_span_of_dates_finds_them(self) -> None:
        start, end = date("2024-03-01T03:00:00.000Z"), date("2024-03-01T04:00:00.500Z")
        events = self.node.result("LookupEvents", StartTime=start, EndTime=end, MaxResults=50)["Events"]
        self.assertTrue(events)
        for event in events:
            self.assertTrue(start["$date"] <= event["EventTime"]["$date"] <= end["$date"], event["EventTime"])

    def test_the_region_is_that_of_the_client(self) -> None:
        for region in ("us-east-1", "eu-west-1"):
            (event,) = self.node.result("LookupEvents", region, MaxResults=1)["Events"]
            self.assertEqual(json.loads(event["CloudTrailEvent"])["awsRegion"], region)
        self.assertEqual(self.node.result("LookupEvents", "ap-southeast-2"), {"Events": []})

    def test_public_keys_are_bytes_with_dates(self) -> None:
        span = {"StartTime": date("2024-03-01T00:00:00.000Z"), "EndTime": date("2024-03-02T00:00:00.000Z")}
        (key,) = self.node.result("ListPublicKeys", **span)["PublicKeyList"]
        value = base64.b64decode(key["Value"]["$bytes"])
        self.assertEqual(len(value), 270)
        self.assertEqual(hashlib.md5(value, usedforsecurity=False).hexdigest(), key["Fingerprint"])
        self.assertLess(key["ValidityStartTime"]["$date"], key["ValidityEndTime"]["$date"])
        self.assertEqual(self.node.result("ListPublicKeys"), {"PublicKeyList": []})

    def test_trails_are_described_got_and_listed(self) -> None:
        (trail,) = self.node.result("DescribeTrails", "eu-west-1")["trailList"]
        self.assertEqual((trail["TrailARN"], trail["S3BucketName"]), (ARN, "example-audit-logs"))
        self.assertIs(trail["IsMultiRegionTrail"], True)
        self.assertEqual(self.node.result("DescribeTrails", trailNameList=["none"]), {"trailList": []})
        for name in ("audit", ARN):
            self.assertEqual(self.node.result("GetTrail", Name=name), {"Trail": trail})
        listed = {"TrailARN": ARN, "Name": "audit", "HomeRegion": "us-east-1"}
        (answer,) = self.node.call({"operation": "ListTrails", "paginate": {}})
        self.assertEqual(answer["pages"], [{"Trails": [listed]}])

    def test_status_has_dates(self) -> None:
        status = self.node.result("GetTrailStatus", "eu-west-1", Name="audit")
        self.assertIs(status["IsLogging"], False)
        self.assertEqual(status["LatestDigestDeliveryTime"], date("2024-03-01T12:06:44.000Z"))

    def test_errors_are_the_classes_of_the_sdk(self) -> None:
        message = f"Unknown trail: nope for the user: {ACCOUNT}"
        known = {"isModelled": True, "fault": "client", "status": 400}
        unknown = {"name": "TrailNotFoundException", "message": message, **known}
        self.assertEqual(self.node.error("GetTrail", Name="nope"), unknown)
        attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
        for name, operation, given in (
            ("InvalidTrailNameException", "GetTrail", {"Name": "a..b"}),
            ("CloudTrailARNInvalidException", "GetTrailStatus", {"Name": "arn:aws:cloudtrail:trail/audit"}),
            ("InvalidLookupAttributesException", "LookupEvents", {"LookupAttributes": [attribute, attribute]}),
            ("InvalidMaxResultsException", "LookupEvents", {"MaxResults": 51}),
            ("InvalidNextTokenException", "LookupEvents", {"NextToken": "made-up"}),
            ("OperationNotPermittedException", "CreateTrail", {"Name": "new-trail", "S3BucketName": "example"}),
        ):
            with self.subTest(name):
                error = self.node.error(operation, **given)
                self.assertTrue(error["message"])
                self.assertEqual(error, {"name": name, "message": error["message"], **known})

    def test_an_operation_that_is_not_served_is_unsupported(self) -> None:
        error = self.node.error("ListChannels")
        self.assertEqual((error["name"], error["status"]), ("UnsupportedOperationException", 400))
        self.assertIs(error["isModelled"], True)


class LocalTrails(unittest.TestCase):
    """Section 2 of the API: every operation on trails, by the short target prefix."""

    @classmethod
    def setUpClass(cls) -> None:
        Node.require()
        cls.folder = tempfile.TemporaryDirectory(dir=SCRATCH)
        cls.server = Server("--data-dir", cls.folder.name, "--account", ACCOUNT)
        cls.node = Node(cls.server.url)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0
        cls.folder.cleanup()

    def test_the_life_of_a_trail(self) -> None:
        arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/mine"
        tag = {"Key": "team", "Value": "security"}
        selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
        made = {"Name": "mine", "S3BucketName": "my-logs", "EnableLogFileValidation": True, "TagsList": [tag]}
        steps: list[tuple[str, dict[str, Any]]] = [
            ("CreateTrail", made),
            ("UpdateTrail", {"Name": "mine", "IsMultiRegionTrail": True}),
            ("AddTags", {"ResourceId": arn, "TagsList": [{"Key": "stage"}]}),
            ("RemoveTags", {"ResourceId": arn, "TagsList": [{"Key": "stage"}]}),
            ("ListTags", {"ResourceIdList": [arn]}),
            ("PutEventSelectors", {"TrailName": "mine", "EventSelectors": [selector]}),
            ("GetEventSelectors", {"TrailName": arn}),
            ("PutInsightSelectors", {"TrailName": "mine", "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}),
            ("GetInsightSelectors", {"TrailName": "mine"}),
            ("StartLogging", {"Name": "mine"}),
            ("GetTrailStatus", {"Name": "mine"}),
            ("StopLogging", {"Name": "mine"}),
            ("GetTrail", {"Name": "mine"}),
            ("DeleteTrail", {"Name": "mine"}),
            ("ListTrails", {}),
        ]
        answers = self.node.call(*({"operation": operation, "input": given} for operation, given in steps))
        found = {}
        for (operation, _), answer in zip(steps, answers, strict=True):
            self.assertEqual(answer.get("status"), 200, f"{operation}: {answer}")
            self.assertEqual(answer["target"], f"CloudTrail_20131101.{operation}")
            found[operation] = answer["result"]
        for operation in ("AddTags", "RemoveTags", "StartLogging", "StopLogging", "DeleteTrail"):
            self.assertEqual(found[operation], {}, operation)
        self.assertEqual(found["CreateTrail"]["TrailARN"], arn)
        self.assertIs(found["UpdateTrail"]["IsMultiRegionTrail"], True)
        self.assertEqual(found["ListTags"]["ResourceTagList"], [{"ResourceId": arn, "TagsList": [tag]}])
        self.assertEqual(found["GetEventSelectors"]["EventSelectors"][0]["ReadWriteType"], "WriteOnly")
        self.assertEqual(found["GetInsightSelectors"]["InsightSelectors"][0]["InsightType"], "ApiCallRateInsight")
        self.assertIs(found["GetTrailStatus"]["IsLogging"], True)
        self.assertIn("$date", found["GetTrailStatus"]["StartLoggingTime"])
        self.assertIs(found["GetTrail"]["Trail"]["HasCustomEventSelectors"], True)
        self.assertEqual(found["ListTrails"], {"Trails": []})

    def test_every_call_is_an_event(self) -> None:
        error = self.node.error("DeleteTrail", Name="never-was")
        self.assertEqual((error["name"], error["isModelled"]), ("TrailNotFoundException", True))
        attribute = {"AttributeKey": "ResourceName", "AttributeValue": "never-was"}
        (event,) = self.node.result("LookupEvents", LookupAttributes=[attribute])["Events"]
        record = json.loads(event["CloudTrailEvent"])
        self.assertEqual((record["eventName"], record["errorCode"]), ("DeleteTrail", "TrailNotFoundException"))
        self.assertEqual(record["requestParameters"], {"name": "never-was"})


if __name__ == "__main__":
    unittest.main()
