"""botocore's clients, unmodified, against `trailseal serve` over loopback: shapes, errors, signatures. The archive is the demo."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import unittest
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):
    import awscli.clidriver  # noqa: F401 - the AWS CLI brings botocore along; else it is boto3's

import botocore.config
import botocore.exceptions
import botocore.session

import serving
from serving import until
from support import DEMO
from test_serve import ACCOUNT

KEY_ID, SECRET = "AKIAEXAMPLEEXAMPLE01", "made/up+secret"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"


class Server(serving.Server):
    """The command over the demo archive, with metrics."""

    def __init__(self, *arguments: object) -> None:
        demo = ("--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ACCOUNT)
        super().__init__(*demo, "--observe", "127.0.0.1:0", *arguments)
        words = r"health and metrics on (http://\S+)"
        self.observe = until("the listener to be told", lambda: re.search(words, self.told))[1]

    def client(self, region: str = "us-east-1", secret: str = SECRET, key: str = KEY_ID) -> Any:
        session = botocore.session.Session()
        session.set_config_variable("config_file", os.devnull)
        return session.create_client(
            "cloudtrail",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=botocore.config.Config(retries={"max_attempts": 0}),
        )


class Unsigned(unittest.TestCase):
    """Any credentials are accepted on loopback."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0

    def test_trails_are_those_that_the_digests_name(self) -> None:
        client = self.server.client("eu-west-1")
        (trail,) = client.describe_trails()["trailList"]
        self.assertEqual((trail["TrailARN"], trail["S3BucketName"]), (ARN, "example-audit-logs"))
        self.assertIs(trail["IsMultiRegionTrail"], True)
        self.assertEqual(client.get_trail(Name=ARN)["Trail"], trail)
        pages = client.get_paginator("list_trails").paginate()
        self.assertEqual([one["TrailARN"] for page in pages for one in page["Trails"]], [ARN])

    def test_status_has_times(self) -> None:
        status = self.server.client("eu-west-1").get_trail_status(Name="audit")
        self.assertIs(status["IsLogging"], False)
        newest = datetime(2024, 3, 1, 12, 6, 44, tzinfo=timezone.utc)
        self.assertEqual(status["LatestDigestDeliveryTime"], newest)

    def test_public_keys_are_listed_by_region_and_time(self) -> None:
        day = datetime(2024, 3, 1, tzinfo=timezone.utc)
        client = self.server.client("us-east-1")
        answer = client.list_public_keys(StartTime=day, EndTime=day + timedelta(days=1))
        (key,) = answer["PublicKeyList"]
        self.assertEqual(len(key["Value"]), 270)
        self.assertEqual(key["Fingerprint"], "3ee0438dbc8a1685f29d04e454a8414a")
        self.assertEqual(client.list_public_keys()["PublicKeyList"], [])
        with self.assertRaises(client.exceptions.InvalidTimeRangeException):
            client.list_public_keys(StartTime=day, EndTime=day - timedelta(days=1))

    def test_events_are_of_the_region_of_the_credential_scope(self) -> None:
        for region in ("us-east-1", "eu-west-1"):
            pages = list(self.server.client(region).get_paginator("lookup_events").paginate(MaxResults=10))
            self.assertEqual({len(page["Events"]) for page in pages[:-1]}, {10})
            events = [event for page in pages for event in page["Events"]]
            self.assertEqual({json.loads(event["CloudTrailEvent"])["awsRegion"] for event in events}, {region})
            times = [event["EventTime"] for event in events]
            self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual(self.server.client("ap-southeast-2").lookup_events()["Events"], [])

    def test_errors_are_the_exceptions_of_the_model(self) -> None:
        client = self.server.client("us-east-1")
        with self.assertRaises(client.exceptions.TrailNotFoundException) as raised:
            client.get_trail(Name="nope")
        self.assertEqual(raised.exception.response["Error"]["Message"], "Unknown trail: nope for the user: 111122223333")
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertRegex(raised.exception.response["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")
        with self.assertRaises(client.exceptions.OperationNotPermittedException):
            client.create_trail(Name="new-trail", S3BucketName="example")
        with self.assertRaises(client.exceptions.InvalidTrailNameException):
            client.get_trail(Name="a..b")

    def test_an_operation_that_is_not_served_is_unsupported(self) -> None:
        client = self.server.client()
        with self.assertRaises(client.exceptions.UnsupportedOperationException) as raised:
            client.list_channels()
        self.assertIn("ListChannels is not supported by this server", str(raised.exception))

    def test_health_and_metrics(self) -> None:
        self.server.client().list_trails()
        with urllib.request.urlopen(f"{self.server.observe}/health") as answer:
            self.assertEqual(answer.read(), b"ok\n")
        with urllib.request.urlopen(f"{self.server.observe}/metrics") as answer:
            self.assertIn(b'trailseal_requests_total{operation="ListTrails",status="200"}', answer.read())


class Signed(unittest.TestCase):
    """With access keys, signatures count."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        path = Path(cls.folder.name, "credentials")
        path.touch(mode=0o600)
        path.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
        cls.server = Server("--access-keys", path)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0
        cls.folder.cleanup()

    def refusal(self, client: Any) -> str:
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            client.list_trails()
        return raised.exception.response["Error"]["Code"]

    def test_the_right_secret_may_call(self) -> None:
        for region in ("us-east-1", "eu-west-1"):
            client = self.server.client(region)
            self.assertEqual(len(client.list_trails()["Trails"]), 1)
            self.assertEqual(len(client.lookup_events(MaxResults=1)["Events"]), 1)

    def test_others_may_not(self) -> None:
        self.assertEqual(self.refusal(self.server.client(secret="wrong")), "InvalidSignatureException")
        self.assertEqual(self.refusal(self.server.client(key="AKIAOTHER")), "UnrecognizedClientException")

    def test_nobody_may_call_without_a_signature(self) -> None:
        session = botocore.session.Session()
        config = botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 0})
        client = session.create_client(
            "cloudtrail", region_name="us-east-1", endpoint_url=self.server.url, config=config
        )
        self.assertEqual(self.refusal(client), "MissingAuthenticationTokenException")


if __name__ == "__main__":
    unittest.main()
