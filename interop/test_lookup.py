"""The real AWS CLI, with `trailseal lookup-events` as the service behind it.

Every request that the CLI is about to send becomes a run of `trailseal lookup-events --output json`, whose answer
goes back in the form of the wire: botocore's own parser reads it, its paginator asks for the next page, and the CLI
prints what it then has. That must be, byte for byte, what `trailseal lookup-events` prints for the same command.
No network.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import unittest
from collections import Counter
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from unittest import mock

import awscli.clidriver
from botocore.awsrequest import AWSResponse

import support
from test_query import SAMPLES, compact, dig, generated, samples

REGION = "us-east-1"
KEYS = (
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
)


class Refused(AssertionError):
    """Status 2, with what was said."""


def lookup(root: Path, *arguments: object) -> str:
    command = [support.TRAILSEAL, "lookup-events", root, "--region", REGION, "-q", *map(str, arguments)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ | {"NO_COLOR": "1"},
    )
    if done.returncode != 0:
        raise Refused(done.stderr.decode())
    return done.stdout.decode()


class Body(io.BytesIO):
    def stream(self, amount: int = 1 << 16):
        while part := self.read(amount):
            yield part


class Service:
    """Answers LookupEvents requests of a client by running trailseal over an archive."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tokens: list[str] = []

    def __call__(self, request, **_) -> AWSResponse:
        asked = json.loads(request.body)
        arguments: list[object] = []
        if "LookupAttributes" in asked:
            arguments += ["--lookup-attributes", compact(asked["LookupAttributes"])]
        for member, option in (
            ("StartTime", "--start-time"),
            ("EndTime", "--end-time"),
            ("EventCategory", "--event-category"),
            ("NextToken", "--next-token"),
        ):
            if member in asked:
                arguments += [option, asked[member]]
        arguments += ["--max-results", asked.get("MaxResults", 50)]
        try:
            answer = json.loads(lookup(self.root, *arguments, "--output", "json"))
        except Refused as error:
            code, message = re.search(r"\((\w+)\) when calling the LookupEvents operation: (.*)", str(error)).groups()
            return self.answer(request, 400, {"__type": code, "message": message})
        for row in answer["Events"]:
            row["EventTime"] = datetime.fromisoformat(row["EventTime"]).timestamp()
        self.tokens.append(answer.get("NextToken"))
        return self.answer(request, 200, answer)

    def answer(self, request, status: int, body: dict) -> AWSResponse:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "0"}
        return AWSResponse(request.url, status, headers, Body(json.dumps(body).encode()))


def environment(times: str = "iso8601") -> dict[str, str]:
    config = support.SCRATCH / f"aws-config-{times}"
    config.write_text(f"[default]\ncli_timestamp_format = {times}\n")
    return {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_RETRY_MODE": "standard",
        "AWS_MAX_ATTEMPTS": "1",
        "TZ": "UTC",
    }


def aws(root: Path, *arguments: object, times: str = "iso8601") -> tuple[int, str, str, Service]:
    """Status and output of `aws cloudtrail lookup-events`."""
    service = Service(root)
    stdout, stderr = io.StringIO(), io.StringIO()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_") or name == "AWS_DATA_PATH"
    }
    with (
        mock.patch.dict(os.environ, inherited | environment(times), clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        driver = awscli.clidriver.create_clidriver()
        driver.session.register("before-send.cloudtrail.LookupEvents", service)
        status = driver.main(["cloudtrail", "lookup-events", *map(str, arguments)])
    return status, stdout.getvalue(), stderr.getvalue(), service


def archives() -> dict[str, Path]:
    found = {"generated": generated().root}
    if samples():
        found["samples"] = samples().root
    else:
        support.sys.stderr.write(f"\n*** SKIPPED: {SAMPLES} is not there, so no real events are looked up\n")
    return found


def attribute(key: str, value: str) -> list[str]:
    return ["--lookup-attributes", f"AttributeKey={key},AttributeValue={value}"]


class CommandLine(unittest.TestCase):
    """Byte for byte what the AWS CLI prints."""

    def compare(self, root: Path, *arguments: object, pages: int | None = None) -> None:
        status, stdout, stderr, service = aws(root, *arguments)
        self.assertEqual((status, stderr), (0, ""))
        self.assertMultiLineEqual(lookup(root, *arguments), stdout)
        if pages is not None:
            self.assertEqual(len(service.tokens), pages)

    def test_json(self) -> None:
        for name, root in archives().items():
            with self.subTest(name):
                self.compare(root, *attribute("EventName", "Decrypt"), "--output", "json")
                self.compare(root, *attribute("ReadOnly", "false"), "--output", "json", "--page-size", 17)

    def test_text_and_table(self) -> None:
        for name, root in archives().items():
            for form in ("text", "table"):
                for wanted in (
                    attribute("EventName", "AssumeRole"),
                    attribute("EventName", "PutObject"),
                    attribute("EventSource", "kms.amazonaws.com"),
                ):
                    with self.subTest(f"{name} {form} {wanted[1]}"):
                        self.compare(root, *wanted, "--output", form)
            with self.subTest(f"{name} text in small pages"):
                self.compare(root, *attribute("EventName", "AssumeRole"), "--output", "text", "--page-size", 3)

    def test_nothing_found(self) -> None:
        for name, root in archives().items():
            for form in ("json", "text", "table"):
                with self.subTest(f"{name} {form}"):
                    wanted = [*attribute("EventName", "NoSuchEvent"), "--output", form]
                    self.assertMultiLineEqual(lookup(root, *wanted), aws(root, *wanted)[1])

    def test_times(self) -> None:
        root = archives().get("samples", generated().root)
        for span in (
            ["--start-time", "2023-07-10T12:30:00Z", "--end-time", "2023-07-10T12:31:00Z"],
            ["--start-time", "2023-07-10T14:30:00+02:00", "--end-time", "1688992200"],
            ["--start-time", "2024-03-01", "--end-time", "2024-03-01T01:10:00"],
            ["--end-time", "2023-07-10 11:50"],
        ):
            with self.subTest(" ".join(span)):
                self.assertMultiLineEqual(
                    lookup(root, *span, "--output", "json"), aws(root, *span, "--output", "json")[1]
                )

    def test_wire_times(self) -> None:
        root = generated().root
        wanted = [*attribute("EventName", "AssumeRole"), "--output", "json"]
        status, stdout, _, _ = aws(root, *wanted, times="wire")
        self.assertEqual(status, 0)
        self.assertMultiLineEqual(lookup(root, *wanted, "--cli-timestamp-format", "wire"), stdout)

    def test_one_page(self) -> None:
        for name, root in archives().items():
            with self.subTest(name):
                self.compare(root, "--max-results", 7, "--output", "json", pages=1)
                self.compare(root, "--max-results", 7, "--output", "text", pages=1)

    def test_max_items(self) -> None:
        """The CLI wraps the service's token in one of its own; the rest is the same."""
        token = re.compile(r'"NextToken": "[^"]+"')
        for name, root in archives().items():
            with self.subTest(name):
                wanted = ["--max-items", 60, "--output", "json"]
                own, theirs = lookup(root, *wanted), aws(root, *wanted)[1]
                self.assertRegex(theirs, token)
                self.assertMultiLineEqual(token.sub("", own), token.sub("", theirs))

    def test_errors(self) -> None:
        root = generated().root
        for arguments, code in (
            (["--max-results", "51"], "InvalidMaxResultsException"),
            (attribute("NoSuchKey", "x"), "InvalidLookupAttributesException"),
            (attribute("ReadOnly", "True"), "InvalidLookupAttributesException"),
            ([*attribute("EventName", "x"), "AttributeKey=ReadOnly,AttributeValue=true"], "InvalidLookupAttributesException"),
            (["--event-category", "management"], "InvalidEventCategoryException"),
            (["--event-category", "insight", *attribute("Username", "x")], "InvalidLookupAttributesException"),
            (["--start-time", "2024-03-02", "--end-time", "2024-03-01"], "InvalidTimeRangeException"),
            (["--next-token", "bm90IGEgdG9rZW4="], "InvalidNextTokenException"),
        ):  # fmt: skip
            with self.subTest(" ".join(arguments)):
                status, stdout, stderr, _ = aws(root, *arguments)
                self.assertNotEqual(status, 0)
                self.assertEqual(stdout, "")
                self.assertIn(f"({code}) when calling the LookupEvents operation", stderr)
                with self.assertRaisesRegex(Refused, re.escape(f"({code}) when calling the LookupEvents operation")):
                    lookup(root, *arguments)


@cache
def managed(name: str) -> list[dict]:
    """The records that the service would answer with: management events of the region, each once."""
    data = generated() if name == "generated" else samples()
    every = {record["eventID"]: record for record in data.records if record["awsRegion"] == REGION}
    return [record for record in every.values() if record["eventCategory"] == "Management"]


@cache
def every_row(name: str) -> list[dict]:
    return json.loads(lookup(archives()[name], "--output", "json"))["Events"]


class Pages(unittest.TestCase):
    def client(self, root: Path):
        import botocore.session

        service = Service(root)
        with mock.patch.dict(os.environ, environment()):
            client = botocore.session.get_session().create_client("cloudtrail")
        client.meta.events.register("before-send.cloudtrail.LookupEvents", service)
        return client, service

    def test_botocore_walks_all_pages(self) -> None:
        """No row twice and none left out, in the order of the whole; no token is used twice."""
        for name, root in archives().items():
            for size in (50, 37):
                with self.subTest(f"{name} {size}"):
                    client, service = self.client(root)
                    start, end = (
                        datetime(2023, 7, 10, 12, 20, tzinfo=timezone.utc),
                        datetime(2024, 3, 1, 2, tzinfo=timezone.utc),
                    )
                    pages = client.get_paginator("lookup_events").paginate(
                        StartTime=start, EndTime=end, PaginationConfig={"PageSize": size}
                    )
                    whole = pages.build_full_result()["Events"]
                    inside = [
                        row for row in every_row(name) if start <= datetime.fromisoformat(row["EventTime"]) <= end
                    ]
                    self.assertEqual([row["EventId"] for row in whole], [row["EventId"] for row in inside])
                    self.assertGreater(len(whole), 2 * size)
                    self.assertEqual(len(service.tokens), -(-len(whole) // size))
                    self.assertEqual(len(set(service.tokens)), len(service.tokens))
                    self.assertTrue(all(isinstance(row["EventTime"], datetime) for row in whole))

    def test_a_token_is_of_its_parameters(self) -> None:
        root = generated().root
        token = json.loads(lookup(root, "--max-results", 5))["NextToken"]
        again = lookup(root, "--max-results", 5, "--next-token", token)
        self.assertEqual(lookup(root, "--max-results", 5, "--next-token", token), again)
        for other in (["--end-time", "2024-03-01T03:00:00Z"], attribute("EventName", "Decrypt")):
            with self.assertRaisesRegex(Refused, "InvalidNextTokenException"):
                lookup(root, "--max-results", 5, "--next-token", token, *other)
        with self.assertRaisesRegex(Refused, "InvalidNextTokenException"):
            lookup(root, "--max-results", 5, "--next-token", token[:-3] + "AAA")

    def test_max_items_goes_on(self) -> None:
        root = generated().root
        found: list[str] = []
        more: list[object] = []
        while True:
            answer = json.loads(lookup(root, "--max-items", 400, *more))
            found += [row["EventId"] for row in answer["Events"]]
            if "NextToken" not in answer:
                break
            self.assertEqual(len(answer["Events"]), 400)
            more = ["--starting-token", answer["NextToken"]]
        self.assertEqual(found, [row["EventId"] for row in every_row("generated")])


class Rows(unittest.TestCase):
    """Rows beside an oracle that follows the specification (lookup-events.md 1.1 to 1.3)."""

    def test_all_rows(self) -> None:
        for name in archives():
            with self.subTest(name):
                rows = every_row(name)
                times = [row["EventTime"] for row in rows]
                self.assertEqual(times, sorted(times, reverse=True))
                expected = Counter(compact(expected_row(record)) for record in managed(name))
                kept = ("EventId", "EventName", "ReadOnly", "AccessKeyId", "EventTime", "EventSource", "Username")
                found = Counter(compact({member: row.get(member) for member in kept}) for row in rows)
                self.assertEqual(found, expected)

    def test_members(self) -> None:
        """In the order of AWS's model; the record is whole; resources are texts of the record."""
        order = ("EventId", "EventName", "ReadOnly", "AccessKeyId", "EventTime", "EventSource", "Username", "Resources",
                 "CloudTrailEvent")  # fmt: skip
        for name in archives():
            by_id = {record["eventID"]: record for record in managed(name)}
            for row in every_row(name):
                self.assertEqual(list(row), [member for member in order if member in row])
                self.assertEqual(json.loads(row["CloudTrailEvent"]), by_id[row["EventId"]])
                plain = compact(by_id[row["EventId"]])
                for resource in row["Resources"]:
                    self.assertIn(compact(resource["ResourceName"])[1:-1], plain)
                items = [compact(resource) for resource in row["Resources"]]
                self.assertEqual(len(items), len(set(items)))

    def test_evidenced_resources(self) -> None:
        """Pairs that were captured from the service (1.4), in whatever of them the archives hold."""

        def name_of(kind: str, *paths: str):
            return lambda record: [(kind, dig(record, path)) for path in paths if dig(record, path)]

        rules = {
            ("ec2.amazonaws.com", "DescribeInstances"): lambda record: [],
            ("kms.amazonaws.com", "Decrypt"): lambda record: [],
            ("iam.amazonaws.com", "GetUser"): lambda record: [],
            ("iam.amazonaws.com", "ListUsers"): lambda record: [],
            ("logs.amazonaws.com", "CreateLogStream"): name_of("AWS::Logs::LogGroup", "requestParameters.logGroupName"),
            ("sts.amazonaws.com", "AssumeRole"): name_of("AWS::IAM::Role", "requestParameters.roleArn"),
            ("iam.amazonaws.com", "CreateUser"): name_of(
                "AWS::IAM::User",
                "responseElements.user.userName",
                "responseElements.user.arn",
                "responseElements.user.userId",
            ),
        }
        seen: Counter = Counter()
        for name in archives():
            records = {record["eventID"]: record for record in managed(name)}
            for row in every_row(name):
                record = records[row["EventId"]]
                rule = rules.get((record["eventSource"], record["eventName"]))
                if rule is None or record.get("errorCode"):
                    continue
                expected = set(rule(record))
                found = {(item.get("ResourceType"), item["ResourceName"]) for item in row["Resources"]}
                with self.subTest(f"{record['eventName']} {record['eventID']}"):
                    self.assertTrue(expected <= found if expected else not found, f"{expected} {found}")
                seen[record["eventName"]] += 1
        self.assertGreaterEqual(len(seen), 4, seen)

    def test_all_keys(self) -> None:
        """For every key its values, the frequent and the rare, as a filter over the whole list would find them."""
        for name, root in archives().items():
            rows = every_row(name)
            for key in KEYS:
                counts: Counter = Counter()
                for row in rows:
                    counts.update(values(row, key))
                self.assertTrue(counts, key)
                ranked = [value for value, _ in counts.most_common() if value]
                for value in {ranked[0], ranked[len(ranked) // 2], ranked[-1]}:
                    with self.subTest(f"{name} {key}={value}"):
                        wanted = compact([{"AttributeKey": key, "AttributeValue": value}])
                        found = json.loads(lookup(root, "--lookup-attributes", wanted))["Events"]
                        expected = [row for row in rows if value in values(row, key)]
                        self.assertEqual([row["EventId"] for row in found], [row["EventId"] for row in expected])
                    if key not in ("ReadOnly", "EventId"):
                        with self.subTest(f"{name} {key}={value[:-1]}: no prefixes"):
                            part = compact([{"AttributeKey": key, "AttributeValue": value[:-1] or "?"}])
                            found = json.loads(lookup(root, "--lookup-attributes", part))["Events"]
                            expected = [row for row in rows if value[:-1] in values(row, key)]
                            self.assertEqual(len(found), len(expected))

    def test_region_and_data_events(self) -> None:
        """What AWS leaves out is left out, unless the options that go further ask for it."""
        data = generated()
        found = json.loads(lookup(data.root, "--include-data-events", "--include-network-activity-events"))["Events"]
        expected = Counter({record["eventID"] for record in data.records if record["awsRegion"] == REGION})
        self.assertEqual(Counter(row["EventId"] for row in found), expected)
        done = support.run("lookup-events", data.root, "--all-regions", "-q")
        expected = Counter({record["eventID"] for record in data.records if record["eventCategory"] == "Management"})
        self.assertEqual(Counter(row["EventId"] for row in json.loads(done.stdout)["Events"]), expected)


def values(row: dict, key: str) -> set[str]:
    if key in ("ResourceType", "ResourceName"):
        return {resource[key] for resource in row["Resources"] if key in resource}
    return {row[key]} if key in row else set()


def expected_row(record: dict) -> dict:
    read_only = record.get("readOnly")
    identity = record.get("userIdentity") or {}
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": None if read_only is None else compact(read_only),
        "AccessKeyId": identity.get("accessKeyId") or None,
        "EventTime": record["eventTime"].replace("Z", "+00:00"),
        "EventSource": record["eventSource"],
        "Username": expected_username(identity),
    }


def expected_username(identity: dict) -> str | None:
    if identity.get("type") == "Root":
        return "root"
    if identity.get("userName"):
        return identity["userName"]
    if identity.get("type") in ("AWSService", "AWSAccount", "IdentityCenterUser", "Directory", "Unknown", "Role"):
        return None
    _, colon, name = identity.get("principalId", "").partition(":")
    return name if colon else None


if __name__ == "__main__":
    unittest.main()
