"""Clients that are no longer made, and are installed everywhere: a boto3 of 2021 and npm's `aws-sdk` (version 2 of AWS's SDK for
JavaScript), unmodified, against `trailseal serve`.

The same steps (`node/v2.mjs` says what a step is) go to both, and to the boto3 of today: what the clients make of the answers must be
the same. Each lies in a folder of its own below the build folder (`.ci/run` installs them; README.md says how by hand).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from serving import KEY_ID, Server, at_once
from support import DEMO, OLD_BOTO3, OLD_NODE_MODULES, PROJECT, SCRATCH, require_node, run, run_node, skip_loudly

ACCOUNT = "111122223333"
AUDIT = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
OWNER = f"arn:aws:iam::{ACCOUNT}:user/team/ann"
SECRET = "right/+secret"
# Every key of LookupAttributes, and where an event has its value.
ATTRIBUTES = {
    "EventId": lambda event: event["EventId"],
    "EventName": lambda event: event["EventName"],
    "ReadOnly": lambda event: event["ReadOnly"],
    "Username": lambda event: event.get("Username"),
    "ResourceType": lambda event: next((found.get("ResourceType") for found in event["Resources"]), None),
    "ResourceName": lambda event: next((found.get("ResourceName") for found in event["Resources"]), None),
    "EventSource": lambda event: event["EventSource"],
    "AccessKeyId": lambda event: event.get("AccessKeyId"),
}

Answer = dict[str, Any]


def step(service: str, operation: str, given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One call."""
    return {"service": service, "operation": operation, "input": given or {}, "key": KEY_ID, "secret": SECRET} | more


def trails(operation: str, given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One call of CloudTrail."""
    return step("cloudtrail", operation, given, **more)


def s3(operation: str, given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One call of S3."""
    return step("s3", operation, given, **more)


class Boto3:
    """The boto3 of some Python."""

    def __init__(self, python: Path) -> None:
        self.python = python

    def require(self) -> None:
        """Skips, loudly, where it is not installed."""
        if not self.python.exists():
            skip_loudly("the boto3 of 2021 is absent, so it is not held against the server")

    def __call__(self, url: str, steps: list[dict[str, Any]]) -> Answer:
        known = {"PATH": os.environ.get("PATH", ""), "HOME": str(SCRATCH), "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        done = subprocess.run(
            [self.python, "-B", PROJECT / "interop/boto3_steps.py", url],
            input=json.dumps(steps), capture_output=True, text=True, env=known, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(f"boto3 ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)


class Version2:
    """npm's `aws-sdk`."""

    def require(self) -> None:
        """Skips, loudly, where it is not installed."""
        require_node("aws-sdk", OLD_NODE_MODULES)

    def __call__(self, url: str, steps: list[dict[str, Any]]) -> Answer:
        return run_node("v2.mjs", steps, url, TRAILSEAL_NODE=str(OLD_NODE_MODULES))


TODAY = Boto3(Path(sys.executable))


def fetch(url: str) -> tuple[int, bytes]:
    """What a URL gives to somebody without credentials."""
    host, target = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("GET", f"/{target}")
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


# What only some clients tell: members that are younger than the old ones, that only they ask for, or that they make up.
NOT_EVERYWHERE = ("RecursiveLogging", "EncodingType", "Metadata", "RequestId", "HostId")


def told(answer: Answer) -> Answer:
    """What every client tells of an answer: not whether the service said nothing or that there is nothing."""
    if "error" in answer:
        return {"error": {name: answer["error"][name] for name in ("name", "message", "status")}}
    return bare(answer)


def bare(value: Any) -> Any:
    if isinstance(value, dict):
        members = {name: bare(member) for name, member in value.items() if name not in NOT_EVERYWHERE}
        return {name: member for name, member in members.items() if member not in ([], {}, "", None)}
    return [bare(member) for member in value] if isinstance(value, list) else value


class Cases:
    """What is asked of each client. One server over the demo and a data folder, one where every call must be signed."""

    client: Any
    version: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.client.require()
        folder = Path(tempfile.mkdtemp(prefix="old-", dir=SCRATCH))
        archive = ("--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ACCOUNT)
        cls.server = Server(*archive, "--data-dir", folder / "data")
        cls.addClassCleanup(cls.server.end)
        keys = folder / "access-keys"
        keys.touch(mode=0o600)
        keys.write_text(f"{KEY_ID} {SECRET} arn={OWNER}\n")
        cls.signed = Server(*archive, "--access-keys", keys)
        cls.addClassCleanup(cls.signed.end)
        [cls.bucket] = (DEMO / "archive").iterdir()
        cls.objects = {
            str(path.relative_to(cls.bucket)): path.read_bytes()
            for path in cls.bucket.rglob("*")
            if path.is_file() and not path.name.endswith(".metadata.json")
        }

    def ask(self, *steps: dict[str, Any], server: Server | None = None) -> list[Answer]:
        found = self.client((server or self.server).url, list(steps))
        self.assertRegex(found["version"], self.version)
        return found["answers"]

    def same(self, *steps: dict[str, Any], server: Server | None = None) -> list[Answer]:
        """What the client makes of steps that change nothing: the same as the boto3 of today does."""
        theirs = TODAY((server or self.server).url, list(steps))["answers"]
        ours = self.ask(*steps, server=server)
        for one, other, asked in zip(ours, theirs, steps, strict=True):
            with self.subTest(asked["operation"], given=asked["input"]):
                self.assertEqual(told(one), told(other))
        return ours

    def test_the_paginator_walks_every_attribute(self) -> None:
        words = ["--region", "eu-west-1", "--cli-timestamp-format", "iso8601"]
        events = json.loads(run("lookup-events", DEMO / "archive", *words).stdout)["Events"]
        events = [event for event in events if json.loads(event["CloudTrailEvent"])["recipientAccountId"] == ACCOUNT]
        for event in events:
            event["EventTime"] = {"$date": event["EventTime"].replace("+00:00", ".000Z")}
        steps, expected = [], []
        for key, value_of in ATTRIBUTES.items():
            value = next(value for event in reversed(events) if (value := value_of(event)))
            attribute = {"AttributeKey": key, "AttributeValue": value}
            given = {"LookupAttributes": [attribute], "MaxResults": 7}
            steps.append(trails("LookupEvents", given, region="eu-west-1", pages=True))
            args = [*words, "--lookup-attributes", f"AttributeKey={key},AttributeValue={value}"]
            found = json.loads(run("lookup-events", DEMO / "archive", *args).stdout)["Events"]
            ids = {event["EventId"] for event in found}
            expected.append([event for event in events if event["EventId"] in ids])
        # where there is no data folder, no call becomes an event
        for answer, wanted, asked in zip(self.same(*steps, server=self.signed), expected, steps, strict=True):
            with self.subTest(asked["input"]["LookupAttributes"]):
                pages = [page["Events"] for page in answer["pages"]]
                self.assertTrue(wanted)
                self.assertEqual([event for page in pages for event in page], wanted)
                self.assertEqual({len(page) for page in pages[:-1]} - {7}, set())

    def test_a_span_of_dates(self) -> None:
        start, end = "2024-03-01T03:00:00.000Z", "2024-03-01T04:00:00.000Z"
        given = {"StartTime": {"$date": start}, "EndTime": {"$date": end}, "MaxResults": 50}
        keys = {"StartTime": {"$date": "2024-03-01T00:00:00.000Z"}, "EndTime": {"$date": "2024-03-02T00:00:00.000Z"}}
        steps = (trails("LookupEvents", given, pages=True), trails("ListPublicKeys", keys))
        answers = self.same(*steps, server=self.signed)
        events = [event for page in answers[0]["pages"] for event in page["Events"]]
        self.assertTrue(events)
        for event in events:
            self.assertTrue(start <= event["EventTime"]["$date"] <= end, event["EventTime"])
        [key] = answers[1]["result"]["PublicKeyList"]
        digest = hashlib.md5(base64.b64decode(key["Value"]["$bytes"]), usedforsecurity=False).hexdigest()
        self.assertEqual(digest, key["Fingerprint"])

    def test_what_an_archive_tells_of_its_trail(self) -> None:
        named = {"Name": AUDIT}
        answers = self.same(
            trails("DescribeTrails", {"trailNameList": ["audit"]}),
            trails("GetTrail", named),
            trails("GetTrailStatus", named),
            trails("GetEventSelectors", {"TrailName": AUDIT}),
            trails("ListTags", {"ResourceIdList": [AUDIT]}),
        )
        [trail] = answers[0]["result"]["trailList"]
        self.assertEqual((trail["TrailARN"], trail["S3BucketName"]), (AUDIT, self.bucket.name))
        self.assertEqual(answers[1]["result"]["Trail"], trail)
        self.assertEqual(answers[2]["result"]["LatestDigestDeliveryTime"], {"$date": "2024-03-01T12:06:44.000Z"})

    def test_the_life_of_a_trail(self) -> None:
        named = {"Name": "mine"}
        selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
        made = {"Name": "mine", "S3BucketName": "my-logs", "EnableLogFileValidation": True}
        steps = [
            trails("CreateTrail", made),
            trails("StartLogging", named),
            trails("PutEventSelectors", {"TrailName": "mine", "EventSelectors": [selector]}),
            trails("GetTrailStatus", named),
            trails("DescribeTrails", {"trailNameList": ["mine"]}),
            trails("ListTrails", pages=True),
            trails("UpdateTrail", {"Name": "mine", "IsMultiRegionTrail": True}),
            trails("CreateTrail", made),
            trails("StopLogging", named),
            trails("GetTrailStatus", named),
            trails("DeleteTrail", named),
            trails("GetTrail", named),
        ]
        answers = self.ask(*steps)
        own = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/mine"
        self.assertEqual(answers[0]["result"]["TrailARN"], own)
        self.assertEqual((answers[1], answers[8], answers[10]), ({"result": {}},) * 3)
        self.assertEqual(answers[2]["result"]["EventSelectors"][0]["ReadWriteType"], "WriteOnly")
        self.assertEqual([answers[at]["result"]["IsLogging"] for at in (3, 9)], [True, False])
        self.assertIn("$date", answers[3]["result"]["StartLoggingTime"])
        self.assertIs(answers[4]["result"]["trailList"][0]["HasCustomEventSelectors"], True)
        self.assertIn(own, [trail["TrailARN"] for page in answers[5]["pages"] for trail in page["Trails"]])
        self.assertIs(answers[6]["result"]["IsMultiRegionTrail"], True)
        self.assertEqual(answers[7]["error"]["name"], "TrailAlreadyExistsException")
        self.assertEqual(answers[11]["error"]["name"], "TrailNotFoundException")

    def test_errors_have_codes_messages_and_status(self) -> None:
        attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
        none = {"Bucket": self.bucket.name, "Key": "none"}
        cases = [
            (trails("GetTrailStatus", {"Name": "nope"}), "TrailNotFoundException", 400),
            (trails("StartLogging", {"Name": "nope"}), "TrailNotFoundException", 400),
            (trails("GetTrail", {"Name": "a..b"}), "InvalidTrailNameException", 400),
            (trails("LookupEvents", {"LookupAttributes": [attribute] * 2}), "InvalidLookupAttributesException", 400),
            (trails("LookupEvents", {"NextToken": "made-up"}), "InvalidNextTokenException", 400),
            (s3("GetObject", none), "NoSuchKey", 404),
            (s3("ListObjects", {"Bucket": "never-was"}), "NoSuchBucket", 404),
            (s3("GetObject", {**none, "Key": next(iter(self.objects)), "Range": "bytes=99999999-"}), "InvalidRange", 416),
        ]
        for answer, (asked, name, status) in zip(self.same(*(case[0] for case in cases)), cases, strict=True):
            with self.subTest(name, operation=asked["operation"]):
                error = answer["error"]
                self.assertEqual((error["name"], error["status"]), (name, status))
                self.assertTrue(error["message"])

    def test_who_calls(self) -> None:
        [answer] = self.same(step("sts", "GetCallerIdentity"))
        self.assertEqual((answer["result"]["Account"], answer["result"]["Arn"][:26]), (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:"))
        [answer] = self.same(step("sts", "GetCallerIdentity"), server=self.signed)
        self.assertEqual(answer["result"]["Arn"], OWNER)

    def test_buckets_are_listed_in_pages(self) -> None:
        given = {"Bucket": self.bucket.name, "MaxKeys": 100}
        folders = {**given, "Delimiter": "/", "Prefix": f"AWSLogs/{ACCOUNT}/"}
        answers = self.same(
            s3("ListBuckets"),
            s3("ListObjects", given, pages=True),
            s3("ListObjectsV2", given, pages=True),
            s3("ListObjectsV2", folders),
        )
        self.assertIn(self.bucket.name, [bucket["Name"] for bucket in answers[0]["result"]["Buckets"]])
        for answer in answers[1:3]:
            keys = [found["Key"] for page in answer["pages"] for found in page["Contents"]]
            self.assertEqual(keys, sorted(self.objects))
        below = [found["Prefix"] for found in answers[3]["result"]["CommonPrefixes"]]
        self.assertEqual(below, [f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/", f"AWSLogs/{ACCOUNT}/CloudTrail/"])

    def test_objects_are_read_whole_and_in_parts(self) -> None:
        key = next(key for key in self.objects if "CloudTrail-Digest" in key)
        content, named = self.objects[key], {"Bucket": self.bucket.name, "Key": key}
        spans = {"bytes=0-9": content[:10], "bytes=20-": content[20:], "bytes=-5": content[-5:]}
        answers = self.same(
            s3("HeadObject", named), s3("GetObject", named), *(s3("GetObject", {**named, "Range": span}) for span in spans)
        )
        head, whole = answers[0]["result"], answers[1]["result"]
        self.assertEqual(head["ContentLength"], len(content))
        self.assertIn("signature", head["Metadata"])
        self.assertEqual((head["ContentType"], head["ContentEncoding"]), ("application/json", "gzip"))
        self.assertEqual(head["ETag"], f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"')
        self.assertEqual(base64.b64decode(whole["Body"]["$bytes"]), content)
        for answer, part in zip(answers[2:], spans.values(), strict=True):
            self.assertEqual(base64.b64decode(answer["result"]["Body"]["$bytes"]), part)
            self.assertTrue(answer["result"]["ContentRange"].endswith(f"/{len(content)}"))

    def test_presigned_urls(self) -> None:
        key, content = next(iter(self.objects.items()))
        named = {"Bucket": self.bucket.name, "Key": key}
        for server in (self.server, self.signed):
            [answer] = self.ask(s3("GetObject", named, presign=60), server=server)
            self.assertEqual(fetch(answer["url"]), (200, content))
        status, body = fetch(answer["url"].replace(key[-12:], "x" + key[-11:]))
        self.assertEqual(status, 403)
        self.assertIn(b"<Code>SignatureDoesNotMatch</Code>", body)

    def test_a_wrong_secret_and_a_key_that_nobody_has(self) -> None:
        cases = [
            (trails("ListTrails", secret="wrong"), "InvalidSignatureException"),
            (trails("ListTrails", key="AKIAEXAMPLEEXAMPLE99"), "UnrecognizedClientException"),
            (s3("ListBuckets", secret="wrong"), "SignatureDoesNotMatch"),
            (s3("ListBuckets", key="AKIAEXAMPLEEXAMPLE99"), "InvalidAccessKeyId"),
        ]
        for answer, (_, name) in zip(self.same(*(case[0] for case in cases), server=self.signed), cases, strict=True):
            self.assertEqual(answer["error"]["name"], name)
            self.assertTrue(answer["error"]["message"])


class OldBoto3(Cases, unittest.TestCase):
    client, version = Boto3(OLD_BOTO3), r"^1\.17\."

    def test_errors_are_the_classes_of_the_client(self) -> None:
        [answer] = self.ask(trails("GetTrail", {"Name": "nope"}))
        self.assertEqual(answer["error"]["class"], "TrailNotFoundException")


class OldJavaScript(Cases, unittest.TestCase):
    client, version = Version2(), r"^2\."


load_tests = at_once(__name__)

if __name__ == "__main__":
    unittest.main()
