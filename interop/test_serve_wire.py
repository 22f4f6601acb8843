"""boto3 and botocore, unmodified, against the server of crates/trailseal-server over loopback.

The server is the example `serve_archive` of that crate, which is built first; `SERVE_ARCHIVE` names another binary. The
archive is testdata/demo. No network but loopback.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
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

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "testdata/demo"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
BINARY = Path(os.environ.get("SERVE_ARCHIVE", TARGET / "debug/examples/serve_archive")).resolve()
KEY_ID, SECRET = "AKIAEXAMPLEEXAMPLE01", "made/up+secret"
ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"


def setUpModule() -> None:
    if "SERVE_ARCHIVE" not in os.environ:
        command = ["cargo", "build", "--quiet", "-p", "trailseal-server", "--example", "serve_archive"]
        subprocess.run(command, cwd=PROJECT, check=True)


class Server:
    """The example binary; ends with its standard input."""

    def __init__(self, *arguments: object) -> None:
        command = [BINARY, DEMO / "archive", DEMO / "keys", ACCOUNT, *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout and self.process.stdin
        line = self.process.stdout.readline().split()
        if len(line) != 2:
            raise AssertionError("the server did not start")
        self.api, self.observe = line

    def client(self, region: str = "us-east-1", secret: str = SECRET, key: str = KEY_ID) -> Any:
        session = botocore.session.Session()
        session.set_config_variable("config_file", os.devnull)
        return session.create_client(
            "cloudtrail",
            region_name=region,
            endpoint_url=f"http://{self.api}",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=botocore.config.Config(retries={"max_attempts": 0}),
        )

    def end(self) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=60)


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
        for region in ("us-east-1", "ap-southeast-2"):
            pages = self.server.client(region).get_paginator("lookup_events").paginate(MaxResults=10)
            names = [event["EventName"] for page in pages for event in page["Events"]]
            self.assertEqual(names, [region])

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

    def test_an_operation_that_is_not_of_the_api_is_unknown(self) -> None:
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            self.server.client().list_channels()
        self.assertEqual(raised.exception.response["Error"]["Code"], "UnknownOperationException")

    def test_health_and_metrics(self) -> None:
        self.server.client().list_trails()
        with urllib.request.urlopen(f"http://{self.server.observe}/health") as answer:
            self.assertEqual(answer.read(), b"ok\n")
        with urllib.request.urlopen(f"http://{self.server.observe}/metrics") as answer:
            self.assertIn(b'trailseal_requests_total{operation="ListTrails",status="200"}', answer.read())


class Signed(unittest.TestCase):
    """With access keys, signatures count."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        path = Path(cls.folder.name, "credentials")
        path.touch(mode=0o600)
        path.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
        cls.server = Server(path)

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
            "cloudtrail", region_name="us-east-1", endpoint_url=f"http://{self.server.api}", config=config
        )
        self.assertEqual(self.refusal(client), "MissingAuthenticationTokenException")


if __name__ == "__main__":
    unittest.main()
