"""`trailseal serve --data-dir` under load, killed again and again, and in the end called to account.

Several servers, each over a data folder of its own. While clients send audit events and create, change, start, stop
and delete trails, a server is killed by SIGKILL at a random moment and started again. What it acknowledged must be
there: trails as the last answer left them, events in the log files of the trails that logged, chains that verify.

TRAILSEAL_KILLS says how often (100), TRAILSEAL_SEED repeats the random choices of a run; the moment at which a kill
hits differs all the same.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import re
import resource
import signal
import subprocess
import threading
import time
import unittest
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import oracle
from support import SCRATCH, TRAILSEAL, report

KILLS = int(os.environ.get("TRAILSEAL_KILLS", "100"))
SEED = int(os.environ.get("TRAILSEAL_SEED") or random.SystemRandom().randrange(1 << 32))
SERVERS = 4
SENDERS = 2
# Seconds from a server's start, or from the moment at which it takes calls, to its end.
KILL_AFTER = (0.02, 1.5)
# Nothing may take longer; a server that hangs fails the test.
PATIENCE = 60

ACCOUNT = "123456789012"
HOME = "us-east-1"
REGIONS = [HOME, "eu-west-1", "ap-southeast-2"]
CHANNEL = f"arn%3Aaws%3Acloudtrail%3A{HOME}%3A{ACCOUNT}%3Achannel%2Faudit"
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE01/20240301/{HOME}/cloudtrail/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
# Management events, and the data events that are sent.
EVERYTHING = [
    {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
    {
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        ]
    },
]


class Server:
    """A server that is started again over the same folder; clients follow it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address: tuple[str, int] | None = None
        self.is_over = False
        self.changed = threading.Condition()
        self.starts: list[float] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts a server for which a write that may not be made is an error, and not the end."""
        command = [TRAILSEAL, "serve", "--data-dir", self.folder, "--listen", "127.0.0.1:0"]
        command += ["--delivery-interval", "1s", "--digest-interval", "2s"]
        environment = os.environ | {"NO_COLOR": "1"}
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, restore_signals=False
        )
        self.told: list[str] = []
        self.reader = threading.Thread(target=self._read, args=(self.process, time.monotonic()))
        self.reader.start()

    def _read(self, process: subprocess.Popen[str], began: float) -> None:
        for line in process.stderr:
            self.told.append(line)
            if found := re.search(r"listening on http://(\S+):(\d+)", line):
                self.starts.append(time.monotonic() - began)
                self._announce((found[1], int(found[2])))

    def _announce(self, address: tuple[str, int] | None) -> None:
        with self.changed:
            self.address = address
            self.changed.notify_all()

    def wait_for(self, last: tuple[str, int] | None) -> tuple[str, int] | None:
        """The address of a server that is not the one at `last`; None when there will be no more."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_over or self.address not in (None, last), PATIENCE)
            return None if self.is_over else self.address

    def end(self, number: signal.Signals) -> int:
        """Sends a signal and waits; what the process ended with."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._announce(None)
        self.reader.join()
        self.process.stderr.close()
        return status

    def finish(self) -> None:
        with self.changed:
            self.is_over = True
            self.changed.notify_all()


class Gone(Exception):
    """The server did not answer."""


class Over(Exception):
    """There will be no server any more."""


@dataclass
class Answer:
    status: int
    request_id: str
    body: dict

    @property
    def code(self) -> str:
        return self.body.get("__type", "").rpartition("#")[2]


class Client:
    """One connection to whichever server runs."""

    def __init__(self, server: Server, *, may_fail: bool = False) -> None:
        self.server = server
        self.may_fail = may_fail
        self.address: tuple[str, int] | None = None
        self.connection: http.client.HTTPConnection | None = None

    def send(self, path: str, headers: dict[str, str], body: dict) -> Answer:
        if self.connection is None:
            raise Gone
        try:
            text = json.dumps(body).encode()
            self.connection.request("POST", path, text, headers | {"Authorization": AUTHORIZATION})
            response = self.connection.getresponse()
            read = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self.connection = None
            raise Gone from None
        answer = Answer(response.status, response.headers["x-amzn-requestid"], json.loads(read))
        if answer.status >= 500 and not self.may_fail:
            raise AssertionError(f"{path} {headers}: {answer}")
        return answer

    def close(self) -> None:
        if self.connection:
            self.connection.close()

    def reconnect(self) -> None:
        self.address = self.server.wait_for(self.address)
        if self.address is None:
            raise Over
        self.connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)

    def call(self, operation: str, **members: object) -> Answer:
        headers = {
            "X-Amz-Target": f"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        return self.send("/", headers, members)

    def put(self, events: list[dict]) -> Answer:
        items = [{"id": event["eventID"], "eventData": json.dumps(event)} for event in events]
        headers = {"Content-Type": "application/json"}
        return self.send(f"/PutAuditEvents?channelArn={CHANNEL}", headers, {"auditEvents": items})


class Load:
    """A thread that goes on with whatever server there is; `turn` is one step of it."""

    def __init__(self, server: Server, seed: str) -> None:
        self.client = Client(server)
        self.random = random.Random(seed)
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        try:
            while True:
                try:
                    self.client.reconnect()
                    self.begin()
                    while not self.client.server.is_over:
                        self.turn()
                    break
                except Gone:
                    continue
        except Over:
            pass
        except BaseException as fault:
            self.fault = fault
        self.client.close()

    def begin(self) -> None:
        """What is looked at after a start."""

    def turn(self) -> None:
        raise NotImplementedError


def make_event(chance: random.Random) -> dict:
    is_management = chance.random() < 0.7
    event = {
        "eventID": str(uuid.UUID(int=chance.getrandbits(128))),
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": chance.choice(["iam", "sts", "ec2"] if is_management else ["s3"]) + ".amazonaws.com",
        "eventName": "PutSomething",
        "awsRegion": chance.choice(REGIONS),
        "readOnly": chance.random() < 0.5,
        "managementEvent": is_management,
        "eventCategory": "Management" if is_management else "Data",
        "requestParameters": {"text": "x" * chance.randrange(1500)},
    }
    if not is_management:
        event["resources"] = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::some-bucket/key"}]
    return event


class Sender(Load):
    """Sends events."""

    def __init__(self, server: Server, seed: str) -> None:
        super().__init__(server, seed)
        self.acknowledged: set[str] = set()
        # management events, which LookupEvents finds
        self.newest: str | None = None

    def begin(self) -> None:
        if self.newest is None:
            return
        wanted = [{"AttributeKey": "EventId", "AttributeValue": self.newest}]
        found = self.client.call("LookupEvents", LookupAttributes=wanted).body["Events"]
        if [event["EventId"] for event in found] != [self.newest]:
            raise AssertionError(f"LookupEvents finds {found} for {self.newest}")

    def turn(self) -> None:
        events = [make_event(self.random) for _ in range(self.random.choice([1, 5, 20, 100]))]
        answer = self.client.put(events)
        taken = [entry["eventID"] for entry in answer.body.get("successful", [])]
        if answer.status != 200 or taken != [event["eventID"] for event in events]:
            raise AssertionError(f"PutAuditEvents: {answer}")
        self.acknowledged.update(taken)
        found = [e["eventID"] for e in events if e["managementEvent"] and e["awsRegion"] == HOME]
        self.newest = found[-1] if found else self.newest
        # what is sent is delivered again after every kill: there must be time for other things, too
        time.sleep(0.03)


@dataclass(frozen=True)
class Trail:
    """What calls of the control plane leave behind."""

    bucket: str
    prefix: str | None = None
    validation: bool = True
    multi_region: bool = True
    logging: bool = False
    # the name of the one selector that there is; None as long as there is none
    selectors: str | None = None
    tags: frozenset[tuple[str, str]] = field(default_factory=frozenset)


class Changer(Load):
    """Changes a trail of its own, and knows what it must be like."""

    def __init__(self, server: Server, seed: str, name: str) -> None:
        super().__init__(server, seed)
        self.name = name
        self.arn = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/{name}"
        self.buckets = [f"{name}-one", f"{name}-two"]
        self.trail: Trail | None = None
        # what it is if the call that nobody answered was carried out
        self.perhaps: list[Trail | None] = []
        self.answered: set[str] = set()
        # calls between the answers to StartLogging and the call that ends the logging
        self.logged: set[str] = set()
        self.changes = 0
        self.history: list[str] = []

    def begin(self) -> None:
        found = self.look()
        if found not in [self.trail, *self.perhaps]:
            raise AssertionError(f"{self.name} is {found}, and was {self.trail}, perhaps {self.perhaps}")
        self.trail, self.perhaps = found, []
        self.history.append(f"found {found}")

    def look(self) -> Trail | None:
        got = self.read("GetTrail", Name=self.name)
        if got.code == "TrailNotFoundException":
            return None
        trail = got.body["Trail"]
        status = self.read("GetTrailStatus", Name=self.name).body
        if "LatestDeliveryError" in status or "LatestDigestDeliveryError" in status:
            raise AssertionError(f"{self.name}: {status}")
        selectors = self.read("GetEventSelectors", TrailName=self.name).body.get("AdvancedEventSelectors")
        tags = self.read("ListTags", ResourceIdList=[self.arn]).body["ResourceTagList"][0]["TagsList"]
        return Trail(
            bucket=trail["S3BucketName"],
            prefix=trail.get("S3KeyPrefix"),
            validation=trail["LogFileValidationEnabled"],
            multi_region=trail["IsMultiRegionTrail"],
            logging=status["IsLogging"],
            selectors=selectors[0]["Name"] if selectors else None,
            tags=frozenset((tag["Key"], tag["Value"]) for tag in tags),
        )

    def read(self, operation: str, **members: object) -> Answer:
        was_logging = self.is_surely_logging()
        answer = self.client.call(operation, **members)
        self.note(answer, was_logging, operation)
        return answer

    def is_surely_logging(self) -> bool:
        return all(trail is not None and trail.logging for trail in [self.trail, *self.perhaps])

    def note(self, answer: Answer, is_logged: bool, what: str) -> None:
        self.history.append(f"{time.time():.3f} {answer.request_id} {'logged' if is_logged else '-'} {what}")
        self.answered.add(answer.request_id)
        if is_logged:
            self.logged.add(answer.request_id)

    def change(self, after: Trail | None, operation: str, **members: object) -> None:
        """A call after which the trail is like this."""
        # what ends the logging may or may not be logged
        is_logged = self.is_surely_logging() and after is not None and after.logging
        self.perhaps = [after]
        answer = self.client.call(operation, **members)
        if answer.status != 200:
            raise AssertionError(f"{operation} {members}: {answer}")
        self.note(answer, is_logged, f'{operation} {members}')
        self.trail, self.perhaps = after, []
        self.changes += 1

    def turn(self) -> None:
        # every change costs digests, which are all looked at in the end
        time.sleep(0.02)
        trail = self.trail
        if trail is None:
            self.create()
            return
        name, chance = self.name, self.random.random
        match self.random.choices(range(9), [6, 6, 5, 5, 4, 3, 2, 1, 2])[0]:
            case 0:
                self.update(trail)
            case 1:
                selectors = self.mark()
                advanced = [{"Name": selectors, **selector} for selector in EVERYTHING]
                after = replace(trail, selectors=selectors)
                self.change(after, "PutEventSelectors", TrailName=name, AdvancedEventSelectors=advanced)
            case 2:
                self.change(replace(trail, logging=True), "StartLogging", Name=name)
            case 3:
                self.change(replace(trail, logging=False), "StopLogging", Name=name)
            case 4:
                tag = (self.random.choice("abc"), self.mark())
                kept = {pair for pair in trail.tags if pair[0] != tag[0]}
                tags = [{"Key": tag[0], "Value": tag[1]}]
                after = replace(trail, tags=frozenset(kept | {tag}))
                self.change(after, "AddTags", ResourceId=self.arn, TagsList=tags)
            case 5 if trail.tags:
                tag = self.random.choice(sorted(trail.tags))
                after = replace(trail, tags=trail.tags - {tag})
                self.change(after, "RemoveTags", ResourceId=self.arn, TagsList=[{"Key": tag[0]}])
            case 6:
                if (found := self.look()) != trail:
                    raise AssertionError(f"{name} is {found}, and was {trail}")
            case 7:
                self.change(None, "DeleteTrail", Name=name)
            case _ if chance() < 0.5:
                self.read("DescribeTrails")
            case _:
                self.read("GetTrail", Name="unknown-trail")

    def mark(self) -> str:
        return f"n{self.random.getrandbits(40)}"

    def create(self) -> None:
        trail = Trail(
            bucket=self.random.choice(self.buckets),
            validation=self.random.random() < 0.8,
            multi_region=self.random.random() < 0.7,
            tags=frozenset({("a", self.mark())}),
        )
        self.change(
            trail,
            "CreateTrail",
            Name=self.name,
            S3BucketName=trail.bucket,
            EnableLogFileValidation=trail.validation,
            IsMultiRegionTrail=trail.multi_region,
            TagsList=[{"Key": key, "Value": value} for key, value in trail.tags],
        )

    def update(self, trail: Trail) -> None:
        match self.random.randrange(4):
            case 0:
                bucket = self.random.choice(self.buckets)
                self.change(replace(trail, bucket=bucket), "UpdateTrail", Name=self.name, S3BucketName=bucket)
            case 1:
                prefix = self.random.choice(["some", "other/place"])
                self.change(replace(trail, prefix=prefix), "UpdateTrail", Name=self.name, S3KeyPrefix=prefix)
            case 2:
                after = replace(trail, validation=not trail.validation)
                self.change(after, "UpdateTrail", Name=self.name, EnableLogFileValidation=after.validation)
            case _:
                after = replace(trail, multi_region=not trail.multi_region)
                self.change(after, "UpdateTrail", Name=self.name, IsMultiRegionTrail=after.multi_region)


def set_up(server: Server) -> set[str]:
    """Makes the trail that logs everything, and says which calls it must have."""
    client = Client(server)
    client.reconnect()
    bucket = {"S3BucketName": "all-logs", "IsMultiRegionTrail": True, "EnableLogFileValidation": True}
    answers = [
        client.call("CreateTrail", Name="all", **bucket),
        client.call("PutEventSelectors", TrailName="all", AdvancedEventSelectors=EVERYTHING),
        client.call("StartLogging", Name="all"),
        client.call("GetTrailStatus", Name="all"),
    ]
    if [answer.status for answer in answers] != [200] * 4 or not answers[-1].body["IsLogging"]:
        raise AssertionError(f"the trail could not be set up: {answers}")
    client.close()
    return {answers[-1].request_id}


@dataclass
class Result:
    """What a server did before its folder was looked at."""

    folder: Path
    starts: list[float]
    changes: int
    events: set[str]
    calls: set[str]
    # by the trail's name: calls that it must have
    logged: dict[str, set[str]]
    history: dict[str, list[str]]


def torture(folder: Path, seed: str, kills: int) -> Result:
    """Kills a server under load so many times, then ends it gracefully."""
    chance = random.Random(seed)
    server = Server(folder)
    server.start()
    calls = set_up(server)
    senders = [Sender(server, f"{seed}-{number}") for number in range(SENDERS)]
    changers = [Changer(server, f"{seed}-{name}", name) for name in ("first", "second", "third")]
    loads: list[Load] = [*senders, *changers]
    for load in loads:
        load.thread.start()
    try:
        for number in range(kills):
            if chance.random() < 0.7 and server.wait_for(None) is None:
                raise AssertionError("a server does not take calls")
            time.sleep(chance.uniform(*KILL_AFTER))
            if faults := [load.fault for load in loads if load.fault]:
                raise faults[0]
            if (status := server.end(signal.SIGKILL)) != -signal.SIGKILL:
                raise AssertionError(f"start {number} ended with {status}: {''.join(server.told)}")
            server.start()
        if server.wait_for(None) is None:
            raise AssertionError(f"the last start failed: {''.join(server.told)}")
        time.sleep(1)
    finally:
        server.finish()
        for load in loads:
            load.thread.join()
        status = server.end(signal.SIGTERM)
    if faults := [load.fault for load in loads if load.fault]:
        raise faults[0]
    if status != 0:
        raise AssertionError(f"the graceful end had status {status}: {''.join(server.told)}")
    return Result(
        folder,
        server.starts,
        changes=sum(changer.changes for changer in changers),
        events=set().union(*(sender.acknowledged for sender in senders)),
        calls=calls.union(*(changer.answered for changer in changers)),
        logged={changer.name: changer.logged for changer in changers},
        history={changer.name: changer.history for changer in changers},
    )


def delivered(*buckets: Path) -> tuple[set[str], set[str], int]:
    """The event ids and request ids in the log files of buckets, and how many events they hold."""
    events, calls, total = set(), set(), 0
    for path in (path for bucket in buckets for path in bucket.glob("**/CloudTrail/**/*.json.gz")):
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            events.add(record["eventID"])
            calls.add(record.get("requestID"))
            total += 1
    return events, calls, total


class Crash(unittest.TestCase):
    def test_what_was_acknowledged_is_there_after_kills_under_load(self) -> None:
        print(f"TRAILSEAL_SEED={SEED} TRAILSEAL_KILLS={KILLS}", flush=True)
        began = time.monotonic()
        shares = [KILLS // SERVERS + (number < KILLS % SERVERS) for number in range(SERVERS)]
        jobs = [(SCRATCH / "crash" / str(number), f"{SEED}-{number}", kills) for number, kills in enumerate(shares)]
        with ProcessPoolExecutor(SERVERS) as pool:
            results = list(pool.map(torture, *zip(*jobs)))
        took = time.monotonic() - began
        for number, result in enumerate(results):
            with self.subTest(server=number):
                self.account(result)
        starts = sorted(start for result in results for start in result.starts)
        print(
            f"{took:.0f} s of kills, {time.monotonic() - began - took:.0f} s of accounting: "
            f"{sum(len(result.events) for result in results)} events and "
            f"{sum(result.changes for result in results)} changes of trails were acknowledged; of {len(starts)} starts "
            f"that were let through the median took {starts[len(starts) // 2]:.2f} s, the slowest {starts[-1]:.2f} s",
            flush=True,
        )

    def account(self, result: Result) -> None:
        folder, keys = result.folder, result.folder / "_trailseal/keys"
        buckets = [path for path in folder.iterdir() if not path.name.startswith("_")]
        self.assertTrue(result.events)
        self.assertTrue(result.changes)
        events, calls, total = delivered(folder / "all-logs")
        self.assertEqual(result.events - events, set(), "acknowledged events that the trail lacks")
        self.assertEqual(result.calls - calls, set(), "acknowledged calls that the trail lacks")
        for name, logged in result.logged.items():
            _, calls, _ = delivered(*folder.glob(f"{name}-*"))
            lines = (line for line in result.history[name] if not (logged - calls).isdisjoint(line.split()))
            missing = "\n".join(lines)
            self.assertEqual(missing, "", f"acknowledged calls that the trail {name} lacks")
        leftovers = [path for bucket in buckets for path in bucket.rglob("*") if path.name.startswith(".")]
        self.assertEqual(leftovers, [], "temporary files among the objects")

        # a trail that logs throughout has every log file in a digest, in chains without gaps
        status, whole = report(folder / "all-logs", keys)
        # digests of seconds are no hours
        findings = [finding for finding in whole["findings"] if finding["code"] != "window_anomaly"]
        self.assertEqual((status, whole["verdict"], findings), (0, "verified", []))
        self.assertEqual({chain["region"] for chain in whole["chains"]}, set(REGIONS))
        self.assertEqual(sum(len(chain["proven"]) for chain in whole["chains"]), len(REGIONS), whole["chains"])
        logs = whole["totals"]["logs"]
        self.assertEqual(logs["named"], len(list(folder.glob("all-logs/**/CloudTrail/**/*.json.gz"))))
        self.validate(folder, keys, {"all"})

        # of the other trails no digest is wrong or missing, nor a log file that one names; while validation was off
        # there were none
        # (the bucket of a trail that never logged is empty: as a root it would be an error)
        first, *further = [bucket for bucket in buckets if any(bucket.glob("**/*.json.gz"))]
        _, parts = report(first, keys, *further)
        # to name them, and where trails were stopped there is a gap
        expected = {"window_anomaly", "log_outside_coverage", "log_pending", "log_unreferenced", "gap"}
        findings = [finding for finding in parts["findings"] if finding["code"] not in expected]
        self.assertEqual([finding for finding in findings if finding["severity"] != "note"], [])
        digests, logs = parts["totals"]["digests"], parts["totals"]["logs"]
        self.assertEqual(digests["verified"], digests["found"])
        self.assertEqual(logs["verified"], logs["named"])

    def validate(self, folder: Path, keys: Path, trails: set[str]) -> None:
        """Asks the reference."""
        archive = oracle.Archive(folder)
        first, last = oracle.cover(archive)
        for chain in (chain for chain in oracle.chains(archive) if chain.trail in trails):
            outcome = oracle.validate(archive, oracle.PublicKeys(keys), chain, first, last)
            counts = outcome.counts()
            self.assertEqual(outcome.status, 0, outcome.stdout + outcome.stderr)
            for kind in ("digest", "log"):
                valid, of = counts[kind]
                self.assertTrue(valid == of > 0, outcome.stdout)


class FullDisk(unittest.TestCase):
    def test_a_server_that_cannot_write_refuses_what_it_cannot_record_and_loses_nothing(self) -> None:
        chance = random.Random(SEED)
        server = Server(SCRATCH / "full")
        server.start()
        set_up(server)
        client = Client(server, may_fail=True)
        client.reconnect()
        acknowledged: set[str] = set()

        def put() -> Answer:
            answer = client.put([make_event(chance) for _ in range(20)])
            acknowledged.update(entry["eventID"] for entry in answer.body.get("successful", []))
            return answer

        self.assertEqual(put().status, 200)
        self.limit(server, 0)
        refused = put()
        self.assertEqual((refused.status, "successful" in refused.body), (500, False))
        for operation, members in [
            ("CreateTrail", {"Name": "another", "S3BucketName": "another-bucket"}),
            ("StopLogging", {"Name": "all"}),
            ("UpdateTrail", {"Name": "all", "S3KeyPrefix": "elsewhere"}),
        ]:
            answer = client.call(operation, **members)
            self.assertEqual((answer.status, answer.code), (500, "InternalFailure"), answer)
        trails = client.call("DescribeTrails").body["trailList"]
        self.assertEqual([(trail["Name"], trail.get("S3KeyPrefix")) for trail in trails], [("all", None)])
        self.assertTrue(client.call("LookupEvents").body["Events"])
        # what was acknowledged before cannot be delivered
        status = self.wait_for(client, lambda status: "LatestDeliveryError" in status)
        self.assertTrue(status["IsLogging"])
        self.assertIsNone(server.process.poll())

        # room again: the same server goes on
        self.limit(server, resource.RLIM_INFINITY)
        self.assertEqual(put().status, 200)
        self.wait_for(client, lambda status: "LatestDeliveryError" not in status)
        answer = client.call("UpdateTrail", Name="all", S3KeyPrefix="elsewhere")
        self.assertEqual(answer.status, 200, answer)

        # and one that is killed while there is none
        self.assertEqual(put().status, 200)
        self.limit(server, 0)
        self.assertEqual(put().status, 500)
        client.close()
        server.end(signal.SIGKILL)
        server.start()
        client.reconnect()
        self.assertEqual(put().status, 200)
        client.close()
        self.assertEqual(server.end(signal.SIGTERM), 0, server.told)
        events, _, _ = delivered(server.folder / "all-logs")
        self.assertEqual(acknowledged - events, set())
        status, whole = report(server.folder / "all-logs", server.folder / "_trailseal/keys")
        self.assertEqual((status, whole["verdict"]), (0, "verified"), whole["findings"])

    def limit(self, server: Server, size: int) -> None:
        """From now on no file may grow beyond this, nor be written there."""
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def wait_for(self, client: Client, condition: Callable[[dict], bool]) -> dict:
        end = time.monotonic() + PATIENCE
        while not condition(status := client.call("GetTrailStatus", Name="all").body):
            self.assertLess(time.monotonic(), end, status)
            time.sleep(0.1)
        return status


if __name__ == "__main__":
    unittest.main()
