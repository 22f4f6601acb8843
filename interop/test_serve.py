"""The real AWS CLI against `trailseal serve`, end to end over loopback: processes on both sides, nothing stubbed."""

from __future__ import annotations

import json
import re
import subprocess
import unittest
from pathlib import Path

from serving import Server, until
from support import DEMO, SCRATCH, TRAILSEAL, run

ACCOUNT = "111122223333"


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ACCOUNT)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0

    def aws_json(self, *words: str) -> dict:
        done = self.server.aws(*words, "--output", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return json.loads(done.stdout)

    def test_lookup_events_prints_what_our_command_prints(self) -> None:
        words = ["--lookup-attributes", "AttributeKey=ReadOnly,AttributeValue=false"]
        theirs = self.aws_json("cloudtrail", "lookup-events", *words, "--page-size", "7")["Events"]
        wire = ["--region", "us-east-1", "--cli-timestamp-format", "wire"]
        ours = json.loads(run("lookup-events", DEMO / "archive", *wire, *words).stdout)["Events"]
        accounts = [json.loads(event["CloudTrailEvent"])["recipientAccountId"] for event in ours]
        self.assertGreater(len(theirs), 20)
        self.assertEqual(theirs, [event for event, account in zip(ours, accounts) if account == ACCOUNT])

    def test_errors_have_the_service_s_names(self) -> None:
        done = self.server.aws("cloudtrail", "lookup-events", "--max-results", "51")
        self.assertIn("InvalidMaxResultsException", done.stderr)
        done = self.server.aws("cloudtrail", "create-trail", "--name", "new", "--s3-bucket-name", "some-bucket")
        self.assertIn("An error occurred (", done.stderr)
        done = self.server.aws("cloudtrail", "get-trail", "--name", "unknown")
        self.assertIn("TrailNotFoundException", done.stderr)

    def trail(self) -> dict:
        [trail] = self.aws_json("cloudtrail", "describe-trails")["trailList"]
        return trail

    def test_the_reference_validates_the_archive_over_the_wire(self) -> None:
        words = ["cloudtrail", "validate-logs", "--trail-arn", self.trail()["TrailARN"]]
        done = self.server.aws(*words, "--start-time", "2024-03-01T00:00:00Z", "--end-time", "2024-03-02T00:00:00Z")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(\d+)/\1 digest files valid")
        self.assertRegex(done.stdout, r"(\d+)/\1 log files valid")

    def test_s3_gives_every_byte(self) -> None:
        bucket, copy = self.trail()["S3BucketName"], SCRATCH / "synced"
        done = self.server.aws("s3", "sync", f"s3://{bucket}", str(copy), "--no-progress")
        self.assertEqual(done.returncode, 0, done.stderr)
        [source] = (DEMO / "archive").iterdir()

        def content(root: Path) -> dict[str, bytes]:
            files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".metadata.json"))
            return {str(path.relative_to(root)): path.read_bytes() for path in files}

        self.assertEqual(content(copy), content(source))

    def test_the_start_tells_what_there_is(self) -> None:
        self.assertRegex(self.server.told, r"[\d,]+ events are ready after [\d.]+ s")
        self.assertIn("any credentials are accepted", self.server.told)


class S3Apart(unittest.TestCase):
    def test_s3_can_have_a_listener_of_its_own(self) -> None:
        server = Server("--archive", DEMO / "archive", "--s3-listen", "127.0.0.1:0")
        try:
            words = r"S3's reading operations on (http://\S+)"
            found = until("the listener to be told", lambda: re.search(words, server.told))
            bucket = next((DEMO / "archive").iterdir()).name
            done = server.aws("s3", "ls", f"s3://{bucket}", "--endpoint-url", found[1])
            self.assertEqual((done.returncode, done.stdout.split()), (0, ["PRE", "AWSLogs/"]), done.stderr)
            # the port of the API knows no S3, and the other one no CloudTrail
            self.assertNotEqual(server.aws("s3", "ls", f"s3://{bucket}").returncode, 0)
            self.assertNotEqual(server.aws("cloudtrail", "list-trails", "--endpoint-url", found[1]).returncode, 0)
            self.assertEqual(server.aws("cloudtrail", "list-trails").returncode, 0)
        finally:
            server.end()


class Safety(unittest.TestCase):
    def test_other_machines_need_access_keys(self) -> None:
        command = [TRAILSEAL, "serve", "--listen", "0.0.0.0:0", "--archive", DEMO / "archive"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("access keys", done.stderr)

    def test_with_access_keys_only_their_owners_may_call(self) -> None:
        keys = SCRATCH / "access-keys"
        keys.write_text("AKIAEXAMPLEEXAMPLE01 made-up\n")
        keys.chmod(0o600)
        server = Server("--archive", DEMO / "archive", "--access-keys", keys)
        try:
            self.assertEqual(server.aws("cloudtrail", "list-trails").returncode, 0)
            bucket = "s3://" + next((DEMO / "archive").iterdir()).name
            self.assertEqual(server.aws("s3", "ls", bucket).returncode, 0)
            keys.write_text("AKIAEXAMPLEEXAMPLE01 another\n")
            other = Server("--archive", DEMO / "archive", "--access-keys", keys)
            try:
                self.assertIn("InvalidSignatureException", other.aws("cloudtrail", "list-trails").stderr)
                self.assertIn("SignatureDoesNotMatch", other.aws("s3", "ls", bucket).stderr)
            finally:
                other.end()
        finally:
            server.end()


if __name__ == "__main__":
    unittest.main()
