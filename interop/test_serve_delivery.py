"""What `trailseal serve --data-dir` delivers, before AWS's own validator and ours: processes on both sides.

Every test has a server and a data folder of its own.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import signal
import tempfile
import unittest
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import serving  # first: boto3 must find its own botocore
from botocore.exceptions import ClientError
from serving import ACCOUNT, INTERVALS, Server, arn, until
from support import SCRATCH, report

load_tests = serving.at_once("test_serve_delivery")

CHANNEL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/12345678-1234-1234-1234-123456789012"
SLOW = ["--delivery-interval", "1h", "--digest-interval", "1h"]
BUCKET = "audit-logs"
SIGNED = {"S3BucketName": BUCKET, "EnableLogFileValidation": True}


def iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def event(name: str = "Something", **members: object) -> str:
    """A record that lacks nothing."""
    record = {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "somebody", "accountId": ACCOUNT},
        "eventTime": iso(datetime.now(timezone.utc)),
        "eventSource": "example.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "requestParameters": None,
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return json.dumps(record | members)


def object_event(key: str, **members: object) -> str:
    resource = {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{key}"}
    data = {"eventSource": "s3.amazonaws.com", "managementEvent": False, "eventCategory": "Data"}
    return event("PutObject", resources=[resource], **data | members)


def id_of(text: str) -> str:
    return json.loads(text)["eventID"]


def send(server: Server, texts: list[str], **more: object) -> list[str]:
    """Sends events, 100 at a time; their ids."""
    client = server.client(service="cloudtrail-data")
    sent: list[str] = []
    for start in range(0, len(texts), 100):
        events = [{"id": str(number), "eventData": text} for number, text in enumerate(texts[start : start + 100])]
        done = client.put_audit_events(channelArn=CHANNEL, auditEvents=events, **more)
        assert not done["failed"], done["failed"]
        sent += [entry["eventID"] for entry in done["successful"]]
    return sent


class Bucket:
    """The files of a bucket of a data folder."""

    def __init__(self, folder: Path, name: str = BUCKET) -> None:
        self.root = folder / name

    def files(self, kind: str) -> dict[str, Path]:
        found = self.root.rglob("*.json.gz") if self.root.is_dir() else []
        return {str(path.relative_to(self.root)): path for path in found if f"/{kind}/" in str(path)}

    def logs(self) -> dict[str, bytes]:
        return {key: gzip.decompress(path.read_bytes()) for key, path in self.files("CloudTrail").items()}

    def digests(self) -> dict[str, dict]:
        return {
            key: json.loads(gzip.decompress(path.read_bytes())) for key, path in self.files("CloudTrail-Digest").items()
        }

    def named(self) -> set[str]:
        return {log["s3Object"] for digest in self.digests().values() for log in digest["logFiles"]}

    def records(self) -> list[dict]:
        return [record for content in self.logs().values() for record in json.loads(content)["Records"]]

    def ids(self) -> Counter[str]:
        return Counter(record["eventID"] for record in self.records())

    def named_ids(self) -> set[str]:
        """The events of the log files that digests name."""
        named = self.named()
        contents = [json.loads(content)["Records"] for key, content in self.logs().items() if key in named]
        return {record["eventID"] for records in contents for record in records}

    def holds(self, ids: list[str]) -> Callable[[], bool]:
        """Whether all these events are delivered."""
        return lambda: not set(ids) - self.ids().keys()

    def signs(self) -> bool:
        """Whether digests name all that is delivered."""
        return self.logs().keys() <= self.named()


class Delivery(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="delivery-", dir=SCRATCH))
        self.bucket = Bucket(self.folder)
        # the reference stops where a window begins before it, and that of a starting digest begins an hour early
        self.began = datetime.now(timezone.utc) - timedelta(hours=2)

    def serve(self, *options: object) -> Server:
        server = Server("--data-dir", self.folder, *(options or INTERVALS))
        self.addCleanup(lambda: server.process.poll() is None and server.end())
        return server

    def started(self, server: Server, name: str = "audit", region: str = "us-east-1", **more: object) -> Any:
        client = server.client(region)
        client.create_trail(Name=name, **SIGNED | more)
        client.start_logging(Name=name)
        return client

    def stopped(self, client: Any, name: str = "audit") -> None:
        """Stops logging, and waits for the end of the chains."""
        client.stop_logging(Name=name)
        until("the final digest", lambda: self.bucket.signs() and "StopLogging" in str(self.bucket.records()))

    def reference(self, server: Server, trail: str | None = None, region: str = "us-east-1") -> tuple[int, str]:
        """What `aws cloudtrail validate-logs` says."""
        words = ["--trail-arn", trail or arn("audit"), "--start-time", iso(self.began), "--verbose"]
        done = server.aws("cloudtrail", "validate-logs", "--region", region, *words)
        return done.returncode, done.stdout + done.stderr

    def ours(self, *more: object) -> tuple[int, dict]:
        """What `trailseal verify` says."""
        return report(self.folder / BUCKET, self.folder / "_trailseal/keys", *more)

    def valid(self, server: Server, *, digests: int | None = None, logs: int | None = None, **where: str) -> None:
        """The reference must accept so many files, by default all that are there."""
        status, text = self.reference(server, **where)
        self.assertEqual(status, 0, text)
        digests = len(self.bucket.digests()) if digests is None else digests
        logs = len(self.bucket.named()) if logs is None else logs
        self.assertIn(f"\n{digests}/{digests} digest files valid", text)
        self.assertGreater(logs, 0)
        self.assertIn(f"\n{logs}/{logs} log files valid", text)
        self.assertNotIn("INVALID", text)

    def verified(self) -> None:
        """All that is there must be proven to us, too."""
        status, found = self.ours()
        self.assertEqual((status, found["verdict"]), (0, "verified"), found["findings"])
        self.assertEqual(found["totals"]["logs"]["verified"], len(self.bucket.logs()))
        self.assertEqual(found["totals"]["digests"]["verified"], len(self.bucket.digests()))


class Validated(Delivery):
    """Delivered files, whole and tampered with."""

    def test_the_aws_cli_from_a_new_trail_to_its_validation(self) -> None:
        server = self.serve()

        def aws(*words: object) -> dict:
            done = server.aws(*words, "--output", "json")
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            return json.loads(done.stdout or "{}")

        bucket = ["--s3-bucket-name", BUCKET, "--enable-log-file-validation"]
        created = aws("cloudtrail", "create-trail", "--name", "audit", *bucket, "--is-multi-region-trail")
        self.assertEqual(created["TrailARN"], arn("audit"))
        aws("cloudtrail", "start-logging", "--name", "audit")
        events = self.folder / "events.json"
        text = event("FromTheCommandLine")
        events.write_text(json.dumps([{"id": "one", "eventData": text}]))
        sent = aws(
            "cloudtrail-data", "put-audit-events", "--channel-arn", CHANNEL, "--audit-events", f"file://{events}"
        )
        self.assertEqual(sent, {"successful": [{"id": "one", "eventID": id_of(text)}], "failed": []})
        until("the event", self.bucket.holds([id_of(text)]))
        until("a digest", lambda: self.bucket.named())
        self.assertIs(aws("cloudtrail", "get-trail-status", "--name", "audit")["IsLogging"], True)
        # while it logs: what digests name is valid
        status, text = self.reference(server)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"\n(\d+)/\1 digest files valid\n(\d+)/\2 log files valid")
        aws("cloudtrail", "stop-logging", "--name", "audit")
        until("the final digest", lambda: "StopLogging" in str(self.bucket.records()) and self.bucket.signs())
        self.valid(server)
        self.verified()
        names = Counter(record["eventName"] for record in self.bucket.records())
        self.assertEqual((names["CreateTrail"], names["StartLogging"], names["StopLogging"]), (0, 1, 1))
        copy = self.folder.with_suffix(".copy")
        done = server.aws("s3", "sync", f"s3://{BUCKET}", copy, "--no-progress")
        self.assertEqual(done.returncode, 0, done.stderr)
        synced = {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*.gz")}
        self.assertEqual(
            synced, {str(p.relative_to(self.bucket.root)): p.read_bytes() for p in self.bucket.root.rglob("*.gz")}
        )
        found = aws(
            "cloudtrail",
            "lookup-events",
            "--lookup-attributes",
            "AttributeKey=EventName,AttributeValue=FromTheCommandLine",
        )
        self.assertEqual([row["EventId"] for row in found["Events"]], [sent["successful"][0]["eventID"]])

    def test_what_is_tampered_with_is_told_by_both(self) -> None:
        server = self.serve()
        client = self.started(server)
        for number in range(3):
            until("a log file", self.bucket.holds(send(server, [event(f"Event{number}")])))
            until("its digest", self.bucket.signs)
        self.stopped(client)
        self.valid(server)
        logs, digests = self.bucket.files("CloudTrail"), self.bucket.files("CloudTrail-Digest")
        log = logs[sorted(self.bucket.named())[1]]
        digest = digests[sorted(digests)[len(digests) // 2]]
        starting = digests[sorted(digests)[0]]
        [forged, twin] = sorted(logs.values())[:2]

        def rewrite(path: Path, old: bytes, new: bytes) -> None:
            content = gzip.decompress(path.read_bytes())
            self.assertIn(old, content)
            path.write_bytes(gzip.compress(content.replace(old, new)))

        signature = digest.with_name(digest.name + ".metadata.json")
        damages: dict[str, tuple[Callable[[], object], str, str]] = {
            "altered log": (
                lambda: rewrite(log, b"us-east-1", b"us-west-1"),
                "hash value doesn't match",
                "log_altered",
            ),
            "cut log": (lambda: log.write_bytes(log.read_bytes()[:-20]), "Log file\t.*INVALID", "log_truncated"),
            "log with more behind it": (
                lambda: log.write_bytes(log.read_bytes() + b"more"),
                "unexpected data after end of compressed stream",
                "log_trailing_data",
            ),
            "removed log": (log.unlink, "Log file\t.*INVALID: not found", "log_missing"),
            "swapped logs": (lambda: twin.write_bytes(forged.read_bytes()), "hash value doesn't match", "log_altered"),
            "altered digest": (
                lambda: rewrite(digest, b"SHA-256", b"SHA-257"),
                "signature verification failed",
                "digest_altered",
            ),
            "removed digest": (digest.unlink, "Digest file\t.*INVALID: not found", "digest_missing"),
            "removed starting digest": (starting.unlink, "Digest file\t.*INVALID: not found", "tail_cut"),
        }
        for name, (damage, theirs, code) in damages.items():
            with self.subTest(damage=name):
                shutil.copytree(self.bucket.root, self.folder.with_suffix(".whole"))
                damage()
                status, text = self.reference(server)
                self.assertEqual(status, 1, text)
                self.assertRegex(text, theirs)
                status, found = self.ours()
                self.assertEqual((status, found["verdict"]), (1, "violated"))
                self.assertIn(code, {finding["code"] for finding in found["findings"]})
                shutil.rmtree(self.bucket.root)
                self.folder.with_suffix(".whole").rename(self.bucket.root)
        self.assertTrue(signature.exists())
        self.valid(server)
        self.verified()

    def test_a_gap_between_two_runs_is_told_and_both_are_valid(self) -> None:
        server = self.serve()
        client = self.started(server)
        first = send(server, [event("First")])
        self.stopped(client)
        lost = send(server, [event("Between")])
        end = max(digest["digestEndTime"] for digest in self.bucket.digests().values())
        until("a second", lambda: iso(datetime.now(timezone.utc)) > end)
        client.start_logging(Name="audit")
        second = send(server, [event("Second")])
        until("the second run", self.bucket.holds(second))
        client.stop_logging(Name="audit")
        until(
            "its final digest", lambda: self.bucket.signs() and str(self.bucket.records()).count("'StopLogging'") == 2
        )
        self.assertEqual([self.bucket.ids()[id] for id in first + lost + second], [1, 0, 1])
        starting = [digest for digest in self.bucket.digests().values() if digest["previousDigestS3Object"] is None]
        self.assertEqual(len(starting), 2)
        self.valid(server)
        status, found = self.ours()
        [gap] = [finding for finding in found["findings"] if finding["code"] == "gap"]
        # a verified log holds the call that explains it, which makes the time no less one without logging
        self.assertEqual((status, gap["severity"]), (3, "unproven"))
        self.assertIn("StopLogging", gap["message"])
        self.assertIn("No log files were delivered by CloudTrail between", self.reference(server)[1])

    def test_a_key_is_followed_by_another_and_the_chain_goes_on(self) -> None:
        server = self.serve()
        client = self.started(server)
        until("a log file", self.bucket.holds(send(server, [event("Before")])))
        until("its digest", self.bucket.signs)
        [first] = client.list_public_keys()["PublicKeyList"]
        self.assertEqual(server.end(), 0)
        # half a day before its end: still valid, and so near its end that it is to be followed
        [path] = (self.folder / "_trailseal/keys/private").iterdir()
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        key = json.loads(path.read_text())
        end = datetime.now(timezone.utc) + timedelta(hours=12)
        path.write_text(json.dumps(key | {"start": iso(end - timedelta(days=30)), "end": iso(end)}))

        server = self.serve()
        client = server.client()
        until("a log file", self.bucket.holds(send(server, [event("After")])))
        until("its digest", self.bucket.signs)
        keys = client.list_public_keys(StartTime=self.began, EndTime=datetime.now(timezone.utc))["PublicKeyList"]
        self.assertEqual(len(keys), 2)
        self.stopped(client)
        digests = sorted(self.bucket.digests().values(), key=lambda digest: digest["digestEndTime"])
        used = [digest["digestPublicKeyFingerprint"] for digest in digests]
        self.assertEqual(set(used), {listed["Fingerprint"] for listed in keys})
        self.assertEqual(used, sorted(used, key=lambda one: one != first["Fingerprint"]), "one after the other")
        self.assertEqual([digest["previousDigestS3Object"] for digest in digests].count(None), 1)
        self.valid(server)
        self.verified()

    def test_events_of_several_regions_have_chains_of_their_own_below_a_prefix(self) -> None:
        server = self.serve()
        client = self.started(server, IsMultiRegionTrail=True, S3KeyPrefix="some/where")
        regions = ["us-east-1", "eu-west-1", "ap-south-1"]
        texts = [event(awsRegion=region) for region in regions for _ in range(3)]
        sent = send(server, texts)
        # a call in another Region is an event of that Region
        server.client("eu-west-1").list_trails()
        until("the events", self.bucket.holds(sent))
        self.stopped(client)
        logs, digests = self.bucket.logs(), self.bucket.digests()
        for key in [*logs, *digests]:
            self.assertRegex(key, rf"^some/where/AWSLogs/{ACCOUNT}/CloudTrail(-Digest)?/({'|'.join(regions)})/\d{{4}}/")
        for region in regions:
            own = [key for key in logs if f"/CloudTrail/{region}/" in key]
            self.assertEqual(
                {record["awsRegion"] for key in own for record in json.loads(logs[key])["Records"]}, {region}
            )
            chain = [key for key in digests if f"/CloudTrail-Digest/{region}/" in key]
            self.valid(server, region=region, digests=len(chain), logs=len(own))
        self.verified()
        ends = [
            {digest["digestEndTime"] for key, digest in digests.items() if f"/{region}/" in key} for region in regions
        ]
        self.assertTrue(ends[1] <= ends[0] and ends[2] <= ends[0], "windows of all Regions meet")

    def test_a_chain_goes_on_in_another_bucket(self) -> None:
        server = self.serve()
        client = self.started(server)
        before = send(server, [event("Before")])
        until("a log file", self.bucket.holds(before))
        until("its digest", self.bucket.signs)
        old, self.bucket = self.bucket, Bucket(self.folder, "other-logs")
        client.update_trail(Name="audit", S3BucketName="other-logs", S3KeyPrefix="p")
        after = send(server, [event("After")])
        until("a log file", self.bucket.holds(after))
        self.stopped(client)
        first = min(self.bucket.digests().values(), key=lambda digest: digest["digestEndTime"])
        self.assertEqual(first["previousDigestS3Bucket"], BUCKET)
        self.assertIn(first["previousDigestS3Object"], old.digests())
        named = old.named() | self.bucket.named()
        self.assertLessEqual(old.logs().keys() | self.bucket.logs().keys(), named)
        # the reference lists the old bucket by the new prefix, but follows the links
        self.valid(server, digests=len(old.digests()) + len(self.bucket.digests()), logs=len(named))

    def test_a_trail_that_is_deleted_is_delivered_to_its_end(self) -> None:
        server = self.serve()
        client = self.started(server)
        last = send(server, [event("Last")])
        client.delete_trail(Name="audit")
        late = send(server, [event("Late")])
        until("the end", lambda: "DeleteTrail" in str(self.bucket.records()) and self.bucket.signs())
        self.verified()
        # a new one of that name has a chain of its own, which begins after the old one
        self.started(server)
        again = send(server, [event("Again")])
        until("the event", self.bucket.holds(again))
        self.stopped(client)
        self.assertEqual([self.bucket.ids()[id] for id in last + late + again], [1, 0, 1])
        self.valid(server)
        # the second trail of that name begins its own chain
        status, found = self.ours()
        # on a busy machine a digest of seconds may come late, which is noted of its window
        codes = [finding["code"] for finding in found["findings"] if finding["code"] != "window_anomaly"]
        self.assertEqual((status, codes), (3, ["gap"]))

    def test_a_trail_of_one_region_delivers_nothing_of_others(self) -> None:
        server = self.serve()
        client = self.started(server, region="eu-west-1")
        texts = [event(awsRegion="eu-west-1"), event(awsRegion="us-east-1")]
        texts += [event(awsRegion="us-east-1", eventSource="iam.amazonaws.com")]
        sent = send(server, texts)
        until("the event", self.bucket.holds(sent[:1]))
        self.stopped(client)
        self.assertFalse(self.bucket.ids().keys() & set(sent[1:]))
        self.valid(server, trail=arn("audit", "eu-west-1"), region="eu-west-1")

    def test_validation_can_begin_later(self) -> None:
        server = self.serve()
        client = self.started(server, EnableLogFileValidation=False)
        before = send(server, [event("Before")])
        until("a log file", self.bucket.holds(before))
        self.assertEqual(self.bucket.digests(), {})
        status, text = self.reference(server)
        self.assertNotEqual(status, 0)
        self.assertIn("No public keys found", text)
        client.update_trail(Name="audit", EnableLogFileValidation=True)
        after = send(server, [event("After")])
        until("a log file", self.bucket.holds(after))
        until("a digest that names it", lambda: set(after) <= self.bucket.named_ids())
        client.stop_logging(Name="audit")
        stop = [
            record["eventID"]
            for record in until(
                "the end", lambda: [r for r in self.bucket.records() if r["eventName"] == "StopLogging"]
            )
        ]
        until("its digest", lambda: set(stop) <= self.bucket.named_ids())
        self.assertFalse(set(before) & self.bucket.named_ids())
        self.valid(server)
        status, found = self.ours()
        self.assertEqual((status, found["verdict"]), (3, "unproven"))
        told = {finding["code"] for finding in found["findings"] if finding["severity"] != "note"}
        # their names tell five minutes, so they may also be of the time after the newest digest
        self.assertTrue(told and told <= {"log_outside_coverage", "log_pending"}, told)


class Ends(Delivery):
    """What is acknowledged is delivered, however the server ends."""

    def test_sigterm_delivers_and_signs_everything(self) -> None:
        server = self.serve(*SLOW)
        self.started(server, IsMultiRegionTrail=True)
        sent = send(server, [event(awsRegion=region) for region in ("us-east-1", "eu-west-1") for _ in range(60)])
        self.assertEqual(server.end(), 0, server.told)
        self.assertTrue(self.bucket.signs())
        counts = self.bucket.ids()
        self.assertEqual([counts[id] for id in sent], [1] * len(sent))
        self.verified()
        server = self.serve(*SLOW)
        more = send(server, [event()])
        self.assertEqual(server.end(), 0, server.told)
        self.assertTrue(self.bucket.holds(more)() and self.bucket.signs())
        self.verified()
        server = self.serve(*SLOW)
        chain = [key for key in self.bucket.digests() if "/us-east-1/" in key]
        logs = [key for key in self.bucket.named() if "/us-east-1/" in key]
        self.valid(server, digests=len(chain), logs=len(logs))

    def test_kill_9_loses_nothing_that_was_acknowledged(self) -> None:
        server = self.serve(*SLOW)
        self.started(server)
        sent = send(server, [event() for _ in range(30)])
        self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
        server = self.serve()
        until("the events", self.bucket.holds(sent))
        found = server.client().lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Something"}]
        )
        self.assertEqual({row["EventId"] for row in found["Events"]}, set(sent))
        self.stopped(server.client())
        self.valid(server)
        self.verified()

    def test_events_are_delivered_once_and_as_they_were_sent(self) -> None:
        server = self.serve()
        client = self.started(server, IsMultiRegionTrail=True)
        odd = event("Odd").replace(": ", "  :\t").replace("Odd", r"\u004fdd \/ \ud83d\ude00 é 1e400")
        odd = odd.replace("}", ', "requestParameters": {"b": 1.0, "a": 1E2, "b": 12345678901234567890}\n}', 1)
        texts = [
            odd,
            *(event(f"Event{number}", awsRegion=["us-east-1", "eu-west-1"][number % 2]) for number in range(250)),
        ]
        sent = send(server, texts[:150])
        until("the first half", self.bucket.holds(sent[1:]))
        sent += send(server, texts[150:])
        self.stopped(client)
        content = b"".join(self.bucket.logs().values())
        self.assertEqual([content.count(text.encode()) for text in texts], [1] * len(texts))
        self.assertEqual(sum(self.bucket.ids().values()), len(self.bucket.ids()))
        self.assertEqual(sent, [id_of(text) for text in texts])
        chain = [key for key in self.bucket.digests() if "/us-east-1/" in key]
        self.valid(server, digests=len(chain), logs=len([key for key in self.bucket.named() if "/us-east-1/" in key]))
        self.verified()

    def test_a_bucket_that_cannot_be_written_shows_in_the_status_and_heals(self) -> None:
        server = self.serve()
        client = self.started(server)
        before = send(server, [event()])
        until("a log file", self.bucket.holds(before))
        moved = self.folder / "moved"
        self.bucket.root.rename(moved)
        self.bucket.root.write_text("no folder\n")
        sent = send(server, [event()])

        def status() -> dict:
            return client.get_trail_status(Name="audit")

        failed = until(
            "an error",
            lambda: status() if {"LatestDeliveryError", "LatestDigestDeliveryError"} <= status().keys() else None,
        )
        self.assertIn(failed["LatestDeliveryError"], ("AccessDenied", "NoSuchBucket"))
        self.assertIn(failed["LatestDigestDeliveryError"], ("AccessDenied", "NoSuchBucket"))
        self.assertIs(failed["IsLogging"], True)
        self.assertGreater(failed["LatestDeliveryAttemptTime"], "2")
        self.bucket.root.unlink()
        moved.rename(self.bucket.root)
        until("the event", self.bucket.holds(sent))
        until("no error", lambda: not {"LatestDeliveryError", "LatestDigestDeliveryError"} & status().keys())
        self.stopped(client)
        self.assertEqual([self.bucket.ids()[id] for id in before + sent], [1, 1])
        self.valid(server)
        self.verified()
        self.assertIn("will be tried again", server.told)


class Selected(Delivery):
    """Which events a trail logs."""

    def test_selectors_decide(self) -> None:
        server = self.serve()
        client = server.client()

        def fields(category: str, **others: object) -> dict:
            given = [{"Field": field.replace("_", "."), **operators} for field, operators in others.items()]  # type: ignore[dict-item]
            return {"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}, *given]}

        objects = {"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::ours/in/"]}]}
        selectors: dict[str, dict] = {
            "default": {},
            "reads": {"EventSelectors": [{"ReadWriteType": "ReadOnly"}]},
            "writes": {
                "EventSelectors": [
                    {"ReadWriteType": "WriteOnly", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}
                ]
            },
            "objects": {"EventSelectors": [{"IncludeManagementEvents": False, **objects}]},
            "advanced": {
                "AdvancedEventSelectors": [
                    fields(
                        "Data",
                        resources_type={"Equals": ["AWS::S3::Object"]},
                        resources_ARN={"StartsWith": ["arn:aws:s3:::ours/"], "NotEndsWith": [".tmp"]},
                    )
                ]
            },
        }
        texts = {
            "read": event("GetThing", readOnly=True),
            "write": event("PutThing"),
            "key": event("Encrypt", eventSource="kms.amazonaws.com"),
            "in": object_event("ours/in/a"),
            "out": object_event("ours/out/a"),
            "tmp": object_event("ours/in/a.tmp"),
            "theirs": object_event("theirs/in/a"),
        }
        expected = {
            "default": {"read", "write", "key"},
            "reads": {"read"},
            "writes": {"write"},
            "objects": {"in", "tmp"},
            "advanced": {"in", "out"},
        }
        for name, given in selectors.items():
            client.create_trail(Name=name, S3BucketName=f"{name}-logs")
            if given:
                client.put_event_selectors(TrailName=name, **given)
            client.start_logging(Name=name)
        send(server, list(texts.values()))
        for name in selectors:
            client.stop_logging(Name=name)
        buckets = {name: Bucket(self.folder, f"{name}-logs") for name in selectors}
        for name, wanted in expected.items():
            with self.subTest(trail=name):
                until("the events", buckets[name].holds([id_of(texts[which]) for which in wanted]))
                until("its end", lambda: not json.loads(self.state(name))["active"])
                delivered = buckets[name].ids()
                self.assertEqual(
                    {which: delivered[id_of(text)] for which, text in texts.items() if delivered[id_of(text)]},
                    dict.fromkeys(wanted, 1),
                )
        # own calls are management events: StopLogging writes, and is no data event
        for name, wanted in {"default": True, "reads": False, "writes": True, "objects": False}.items():
            self.assertEqual("StopLogging" in {record["eventName"] for record in buckets[name].records()}, wanted, name)
        # and LookupEvents never answers data events
        rows = [row for page in client.get_paginator("lookup_events").paginate() for row in page["Events"]]
        ids = {row["EventId"] for row in rows}
        self.assertEqual({which for which, text in texts.items() if id_of(text) in ids}, {"read", "write", "key"})

    def state(self, name: str) -> str:
        """What the deliverer has noted of a trail."""
        own = hashlib.sha256(arn(name).encode()).hexdigest()[:32]
        return (self.folder / "_trailseal/delivery" / f"{own}.json").read_text()

    def test_selectors_hold_from_their_change_on(self) -> None:
        server = self.serve()
        client = self.started(server)
        first = send(server, [event("GetOne", readOnly=True)])
        client.put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
        second = send(server, [event("GetTwo", readOnly=True), event("PutTwo")])
        until("the events", self.bucket.holds([*first, second[1]]))
        self.stopped(client)
        self.assertEqual(self.bucket.ids()[second[0]], 0)
        self.valid(server)


class AuditEvents(unittest.TestCase):
    """PutAuditEvents of the CloudTrail Data API."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp(prefix="audit-", dir=SCRATCH))
        cls.server = Server("--data-dir", cls.folder, *INTERVALS)
        cls.addClassCleanup(cls.server.end)
        cls.client = cls.server.client(service="cloudtrail-data", checks=False)

    def put(self, *texts: str, **more: object) -> dict:
        events = [{"id": f"id-{number}", "eventData": text} for number, text in enumerate(texts)]
        done = self.client.put_audit_events(**{"channelArn": CHANNEL, "auditEvents": events} | more)
        done.pop("ResponseMetadata")
        return done

    def refused(self, code: str, **members: object) -> str:
        given = {"channelArn": CHANNEL, "auditEvents": [{"id": "a", "eventData": event()}]} | members
        with self.assertRaises(ClientError) as raised:
            self.client.put_audit_events(**given)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        if hasattr(self.client.exceptions, code):
            self.assertIsInstance(raised.exception, getattr(self.client.exceptions, code))
        return raised.exception.response["Error"]["Message"]

    def looked_up(self, id: str) -> dict:
        wanted = [{"AttributeKey": "EventId", "AttributeValue": id}]
        [row] = self.server.client().lookup_events(LookupAttributes=wanted)["Events"]
        return json.loads(row["CloudTrailEvent"])

    def test_every_event_is_answered_by_its_own_id(self) -> None:
        texts = [event("One"), event("Two")]
        successful = [{"id": f"id-{number}", "eventID": id_of(text)} for number, text in enumerate(texts)]
        self.assertEqual(self.put(*texts), {"successful": successful, "failed": []})
        for text in texts:
            self.assertEqual(self.looked_up(id_of(text)), json.loads(text))
        self.assertEqual(self.put(event(), externalId="from-elsewhere")["failed"], [])

    def test_what_a_record_lacks_is_added(self) -> None:
        [entry] = self.put('{"eventName": "Short", "eventSource": "my.app"}')["successful"]
        record = self.looked_up(entry["eventID"])
        now = datetime.now(timezone.utc)
        self.assertLess(
            abs(now - datetime.fromisoformat(record.pop("eventTime").replace("Z", "+00:00"))), timedelta(minutes=5)
        )
        expected = {
            "eventName": "Short",
            "eventSource": "my.app",
            "eventVersion": "1.11",
            "awsRegion": "us-east-1",
            "eventID": entry["eventID"],
            "recipientAccountId": ACCOUNT,
            "userIdentity": {"type": "Unknown", "accountId": ACCOUNT},
            "sourceIPAddress": "127.0.0.1",
            "requestParameters": None,
            "responseElements": None,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
        }
        self.assertEqual(record, expected)

    def test_a_checksum_is_the_base64_of_the_sha_256(self) -> None:
        text = event()
        right = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        events = [
            {"id": "right", "eventData": text, "eventDataChecksum": right},
            {"id": "wrong", "eventData": event(), "eventDataChecksum": right},
            {"id": "none", "eventData": event(), "eventDataChecksum": ""},
        ]
        done = self.put(auditEvents=events)
        self.assertEqual([entry["id"] for entry in done["successful"]], ["right"])
        self.assertEqual(
            [(entry["id"], entry["errorCode"]) for entry in done["failed"]],
            [("wrong", "InvalidChecksum"), ("none", "InvalidChecksum")],
        )

    def test_an_event_that_is_none_fails_alone(self) -> None:
        bad = {
            "FieldNotFound": ['{"eventSource": "my.app"}', '{"eventName": "x"}'],
            "InvalidData": [
                "",
                "[]",
                "{",
                '{"a": 1} {"b": 2}',
                '{"eventName": 1, "eventSource": "my.app"}',
                event(eventTime="yesterday"),
            ],
            "InvalidEventSource": [event(eventSource=7)],
            "FieldTooLong": [event(requestParameters={"text": "x" * (256 << 10)})],
        }
        texts = [text for several in bad.values() for text in several]
        good = event()
        done = self.put(*texts, good)
        self.assertEqual([entry["eventID"] for entry in done["successful"]], [id_of(good)])
        codes = [entry["errorCode"] for entry in done["failed"]]
        self.assertEqual(codes, [code for code, several in bad.items() for _ in several])
        self.assertTrue(all(entry["errorMessage"] for entry in done["failed"]))
        self.assertEqual([entry["id"] for entry in done["failed"]], [f"id-{number}" for number in range(len(texts))])

    def test_a_call_with_one_id_twice_is_refused_as_a_whole(self) -> None:
        text = event("Duplicated")
        self.refused("DuplicatedAuditEventId", auditEvents=[{"id": "a", "eventData": text}] * 2)
        wanted = [{"AttributeKey": "EventName", "AttributeValue": "Duplicated"}]
        self.assertEqual(self.server.client().lookup_events(LookupAttributes=wanted)["Events"], [])

    def test_a_call_has_1_to_100_events(self) -> None:
        for count in (0, 101):
            events = [{"id": str(number), "eventData": event()} for number in range(count)]
            self.refused("ValidationException", auditEvents=events)
        self.assertEqual(len(self.put(*(event() for _ in range(100)))["successful"]), 100)
        for id in ("", "a b", "x" * 129):
            self.refused("ValidationException", auditEvents=[{"id": id, "eventData": event()}])

    def test_channels_are_the_account_s_own(self) -> None:
        for channel in ["arn:aws:s3:::bucket", "no channel", arn("trail"), CHANNEL + "/x"]:
            self.refused("InvalidChannelARN", channelArn=channel)
        self.refused("ChannelInsufficientPermission", channelArn=CHANNEL.replace(ACCOUNT, "999999999999"))
        self.refused("ChannelNotFound", channelArn=CHANNEL.replace("us-east-1", "eu-west-1"))
        self.assertEqual(self.put(event(), channelArn="12345678-1234-1234-1234-123456789012")["failed"], [])

    def test_every_error_of_the_model_is_one_of_these(self) -> None:
        modelled = {
            shape.name for shape in self.client.meta.service_model.operation_model("PutAuditEvents").error_shapes
        }
        happen = {"ChannelInsufficientPermission", "ChannelNotFound", "DuplicatedAuditEventId", "InvalidChannelARN"}
        never = {
            "ChannelUnsupportedSchema": "channels that are there take all events",
            "UnsupportedOperationException": "the operation is supported",
        }
        self.assertEqual(modelled, happen | never.keys())


if __name__ == "__main__":
    unittest.main()
