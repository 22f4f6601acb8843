"""jq, DuckDB and Python find the same events as `trailseal query`, in files of every shape, whole or damaged."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import ipaddress
import json
import random
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import support

try:
    import duckdb
except ImportError:
    duckdb = None
try:
    import zstandard
except ImportError:
    zstandard = None

SAMPLES = support.PROJECT.parent / "shared/samples"


@dataclass(frozen=True)
class Filter:
    """The same question, asked three times; jq's yields true only where SQL's does."""

    options: tuple[str, ...]
    jq: str
    sql: str


def where(expression: str, jq: str, sql: str | None = None) -> Filter:
    """SQL needs writing twice where the paths differ: `{a.b}` stands for DuckDB's way to a field as a text."""
    return Filter(("--where", expression), jq, sql or expression)


def f(path: str) -> str:
    """A field as a text, as DuckDB reads it."""
    return f"(r->>'$.{path}')"


def each(path: str) -> str:
    """A field of all elements, as a list of texts."""
    return f"json_extract_string(r, '$.{path}')"


NAME, ERROR, USER, AGENT, ADDRESS = map(
    f, ("eventName", "errorCode", "userIdentity.userName", "userAgent", "sourceIPAddress")
)
ARNS, TYPES = each("resources[*].ARN"), each("resources[*].type")

# jq: `t` is the text that a value is compared by, null for what is absent; comparisons with null must be guarded.
FILTERS: tuple[Filter, ...] = (
    where("eventName = 'Decrypt'", '.eventName == "Decrypt"', f"{NAME} = 'Decrypt'"),
    where("EVENTNAME = 'Decrypt'", '.eventName == "Decrypt"', f"{NAME} = 'Decrypt'"),
    where("'AccessDenied' = errorCode", '.errorCode == "AccessDenied"', f"{ERROR} = 'AccessDenied'"),
    where(
        "errorCode <> 'AccessDenied'",
        '.errorCode != null and .errorCode != "AccessDenied"',
        f"{ERROR} <> 'AccessDenied'",
    ),
    where(
        "NOT (errorCode = 'AccessDenied')",
        '.errorCode != null and .errorCode != "AccessDenied"',
        f"NOT ({ERROR} = 'AccessDenied')",
    ),
    where("eventName < 'Create'", '.eventName < "Create"', f"{NAME} < 'Create'"),
    where("eventName >= 'ListT'", '.eventName >= "ListT"', f"{NAME} >= 'ListT'"),
    where("eventName LIKE 'Get%'", '.eventName | startswith("Get")', f"{NAME} LIKE 'Get%'"),
    where("eventName LIKE '%Instances'", '.eventName | endswith("Instances")', f"{NAME} LIKE '%Instances'"),
    where("eventName LIKE '%Key%'", '.eventName | contains("Key")', f"{NAME} LIKE '%Key%'"),
    where("eventName LIKE 'Get_ser%'", '.eventName | test("^Get.ser")', f"{NAME} LIKE 'Get_ser%'"),
    where("eventName NOT LIKE 'D%'", '.eventName | startswith("D") | not', f"{NAME} NOT LIKE 'D%'"),
    where("eventName ILIKE '%INSTANCE%'", '.eventName | test("instance"; "i")', f"{NAME} ILIKE '%INSTANCE%'"),
    where("lower(eventName) = 'decrypt'", '.eventName == "Decrypt"', f"lower({NAME}) = 'decrypt'"),
    where(
        "errorCode LIKE '%Denied%' ESCAPE '!'",
        '.errorCode != null and (.errorCode | contains("Denied"))',
        f"{ERROR} LIKE '%Denied%'",
    ),
    where(
        "eventName IN ('Decrypt', 'GetUser', 'DescribeInstances')",
        '.eventName | IN("Decrypt", "GetUser", "DescribeInstances")',
        f"{NAME} IN ('Decrypt', 'GetUser', 'DescribeInstances')",
    ),
    where(
        "errorCode NOT IN ('AccessDenied', 'ThrottlingException')",
        '.errorCode != null and (.errorCode | IN("AccessDenied", "ThrottlingException") | not)',
        f"{ERROR} NOT IN ('AccessDenied', 'ThrottlingException')",
    ),
    where("errorCode IS NULL", ".errorCode == null", f"{ERROR} IS NULL"),
    where("errorCode IS NOT NULL", ".errorCode != null", f"{ERROR} IS NOT NULL"),
    where("responseElements IS NOT NULL", ".responseElements != null", f"{f('responseElements')} IS NOT NULL"),
    where(
        "userIdentity.sessionContext.sessionIssuer.userName IS NULL AND userIdentity.type = 'IAMUser'",
        '.userIdentity | .type == "IAMUser" and .sessionContext.sessionIssuer.userName == null',
        f"{f('userIdentity.sessionContext.sessionIssuer.userName')} IS NULL "
        f"AND {f('userIdentity.type')} = 'IAMUser'",
    ),
    where("readOnly", ".readOnly == true", f"{f('readOnly')} = 'true'"),
    where("readOnly = false", ".readOnly == false", f"{f('readOnly')} = 'false'"),
    where("readOnly = 'false'", ".readOnly == false", f"{f('readOnly')} = 'false'"),
    where("readOnly IS NOT TRUE", ".readOnly != true", f"{f('readOnly')} IS DISTINCT FROM 'true'"),
    where(
        "requestParameters.maxResults = 1000",
        ".requestParameters | objects | .maxResults == 1000",
        f"TRY_CAST({f('requestParameters.maxResults')} AS BIGINT) = 1000",
    ),
    where(
        "requestParameters.maxResults > 99",
        ".requestParameters | objects | .maxResults | n as $n | $n != null and $n > 99",
        f"TRY_CAST({f('requestParameters.maxResults')} AS BIGINT) > 99",
    ),
    where(
        "requestParameters.durationSeconds BETWEEN 900 AND 3600",
        ".requestParameters | objects | .durationSeconds | n as $n | $n != null and $n >= 900 and $n <= 3600",
        f"TRY_CAST({f('requestParameters.durationSeconds')} AS BIGINT) BETWEEN 900 AND 3600",
    ),
    where(
        "eventTime BETWEEN '2023-07-10T12:00:00Z' AND '2024-03-01T02:00:00Z'",
        '.eventTime >= "2023-07-10T12:00:00Z" and .eventTime <= "2024-03-01T02:00:00Z"',
        f"{f('eventTime')} BETWEEN '2023-07-10T12:00:00Z' AND '2024-03-01T02:00:00Z'",
    ),
    where(
        "eventTime > '2024-03-01 03:00:00+01:00'",
        '.eventTime > "2024-03-01T02:00:00Z"',
        f"({f('eventTime')})::TIMESTAMPTZ > TIMESTAMPTZ '2024-03-01 03:00:00+01:00'",
    ),
    where(
        "userIdentity.sessionContext.attributes.creationDate < TIMESTAMP '2024-03-01 01:00:00'",
        ".userIdentity.sessionContext.attributes.creationDate "
        '| . != null and . < "2024-03-01T01:00:00Z"',
        f"{f('userIdentity.sessionContext.attributes.creationDate')} < '2024-03-01T01:00:00Z'",
    ),
    where(
        "eventName = 'Decrypt' OR eventName = 'GetUser' AND errorCode IS NULL",
        '.eventName == "Decrypt" or (.eventName == "GetUser" and .errorCode == null)',
        f"{NAME} = 'Decrypt' OR {NAME} = 'GetUser' AND {ERROR} IS NULL",
    ),
    where(
        "NOT (eventName LIKE 'D%' OR readOnly = true)",
        '(.eventName | startswith("D") | not) and .readOnly == false',
        f"NOT ({NAME} LIKE 'D%' OR {f('readOnly')} = 'true')",
    ),
    where(
        "NOT (readOnly = true AND errorCode = 'AccessDenied')",
        '.readOnly == false or (.errorCode != null and .errorCode != "AccessDenied")',
        f"NOT ({f('readOnly')} = 'true' AND {ERROR} = 'AccessDenied')",
    ),
    where(
        "(eventSource = 's3.amazonaws.com' OR eventSource = 'ec2.amazonaws.com') AND NOT eventName LIKE 'Des%'",
        '(.eventSource | IN("s3.amazonaws.com", "ec2.amazonaws.com")) and (.eventName | startswith("Des") | not)',
        f"{f('eventSource')} IN ('s3.amazonaws.com', 'ec2.amazonaws.com') AND NOT {NAME} LIKE 'Des%'",
    ),
    where(
        "resources.type = 'AWS::KMS::Key'",
        'any(.resources[]?; .type == "AWS::KMS::Key")',
        f"list_contains({TYPES}, 'AWS::KMS::Key')",
    ),
    where(
        "resources.ARN LIKE 'arn:aws:s3:::%'",
        'any(.resources[]?; .ARN != null and (.ARN | startswith("arn:aws:s3:::")))',
        f"len(list_filter({ARNS}, lambda x: x LIKE 'arn:aws:s3:::%')) > 0",
    ),
    where(
        "resources.type <> 'AWS::S3::Bucket'",
        'any(.resources[]?; .type != null and .type != "AWS::S3::Bucket")',
        f"len(list_filter({TYPES}, lambda x: x <> 'AWS::S3::Bucket')) > 0",
    ),
    where(
        "NOT resources.type = 'AWS::S3::Bucket'",
        "[.resources[]?.type | values] | length > 0 and all(.[]; . != \"AWS::S3::Bucket\")",
        f"len(list_filter({TYPES}, lambda x: x IS NOT NULL)) > 0 AND NOT list_contains({TYPES}, 'AWS::S3::Bucket')",
    ),
    where("resources IS NULL", ".resources == null", "json_extract(r, '$.resources') IS NULL"),
    where(
        "requestParameters.instancesSet.items.instanceId LIKE 'i-0%'",
        '.requestParameters | objects | any(.instancesSet?.items?[]?; .instanceId != null and (.instanceId '
        '| startswith("i-0")))',
        f"len(list_filter({each('requestParameters.instancesSet.items[*].instanceId')}, "
        "lambda x: x LIKE 'i-0%')) > 0",
    ),
    where(
        "requestParameters LIKE '%\"bucketName\":\"%'",
        '.requestParameters | t | . != null and contains("\\"bucketName\\":\\"")',
        f"{f('requestParameters')} LIKE '%\"bucketName\":\"%'",
    ),
    where(
        "requestParameters = '{\"pageSize\":400}' OR responseElements = '{\"acknowledgment\":\"ACK\"}'",
        '(.requestParameters | t) == "{\\"pageSize\\":400}" '
        'or (.responseElements | t) == "{\\"acknowledgment\\":\\"ACK\\"}"',
        f"{f('requestParameters')} = '{{\"pageSize\":400}}' "
        f"OR {f('responseElements')} = '{{\"acknowledgment\":\"ACK\"}}'",
    ),
    where(
        "requestParameters.\"x-amz-acl\" IS NOT NULL OR requestParameters.Host LIKE '%s3%'",
        '.requestParameters | objects | .["x-amz-acl"] != null or (.Host | t | . != null and contains("s3"))',
        f"(r->>'$.requestParameters.\"x-amz-acl\"') IS NOT NULL OR {f('requestParameters.Host')} LIKE '%s3%'",
    ),
    where(
        "userAgent ~ 'Terraform|aws-sdk-go'",
        '.userAgent != null and (.userAgent | test("Terraform|aws-sdk-go"))',
        f"regexp_matches({AGENT}, 'Terraform|aws-sdk-go')",
    ),
    where(
        "userAgent ~* '^\\[?(boto|apn)'",
        '.userAgent != null and (.userAgent | test("^\\\\[?(boto|apn)"; "i"))',
        f"regexp_matches({AGENT}, '^\\[?(boto|apn)', 'i')",
    ),
    where("eventName !~ '^(Get|List|Describe)'", '.eventName | test("^(Get|List|Describe)") | not',
          f"NOT regexp_matches({NAME}, '^(Get|List|Describe)')"),
    where(
        "regexp_like(sourceIPAddress, '^[0-9.]+$')",
        '.sourceIPAddress != null and (.sourceIPAddress | test("^[0-9.]+$"))',
        f"regexp_matches({ADDRESS}, '^[0-9.]+$')",
    ),
    where("anywhere('Unauthorized')", 'tojson | contains("Unauthorized")', "contains(r::VARCHAR, 'Unauthorized')"),
    where("eventSource = userAgent", ".eventSource == .userAgent", f"{f('eventSource')} = {AGENT}"),
    Filter(("-k", "s3.amazonaws"), 'tojson | contains("s3.amazonaws")', "contains(r::VARCHAR, 's3.amazonaws')"),
    Filter(("-k", "ACCESSDENIED", "-i"), 'tojson | test("accessdenied"; "i")', "r::VARCHAR ILIKE '%accessdenied%'"),
    Filter(
        ("-r", "i-0[0-9a-f]{8,}"), 'tojson | test("i-0[0-9a-f]{8,}")', "regexp_matches(r::VARCHAR, 'i-0[0-9a-f]{8,}')"
    ),
    Filter(("--event-name", "Get*", "--event-name", "Decrypt"), '.eventName | test("^Get|^Decrypt$")',
           f"{NAME} LIKE 'Get%' OR {NAME} = 'Decrypt'"),
    Filter(("--event-source", "s3", "--write-only"), '.eventSource == "s3.amazonaws.com" and .readOnly == false',
           f"{f('eventSource')} = 's3.amazonaws.com' AND {f('readOnly')} = 'false'"),
    Filter(("--error",), ".errorCode != null or .errorMessage != null",
           f"{ERROR} IS NOT NULL OR {f('errorMessage')} IS NOT NULL"),
    Filter(("--error=*Denied*", "--read-only"), '.readOnly == true and (.errorCode | . != null and contains("Denied"))',
           f"{ERROR} LIKE '%Denied%' AND {f('readOnly')} = 'true'"),
    Filter(("--from", "2023-07-10T12:07:30Z", "--to", "2024-03-01T01:00:00Z"),
           '.eventTime >= "2023-07-10T12:07:30Z" and .eventTime <= "2024-03-01T01:00:00Z"',
           f"{f('eventTime')} BETWEEN '2023-07-10T12:07:30Z' AND '2024-03-01T01:00:00Z'"),
)  # fmt: skip

JQ_DEFINITIONS = """
def t: if . == null or type == "string" then . else tojson end;
def n: if type == "string" then (tonumber? // null) elif type == "number" then . else null end;
"""


class Data:
    """An archive, and its records in one file of JSON Lines, as Python reads them."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        self.lines = support.SCRATCH / f"{name}.jsonl"
        self.records: list[dict] = []
        self.written: list[str] = []
        for path in sorted(root.rglob("*_CloudTrail_*.json.gz")):
            content = gzip.decompress(path.read_bytes()).decode()
            self.records += json.loads(content)["Records"]
            self.written += cut(content)
        self.lines.write_text("".join(compact(record) + "\n" for record in self.records))

    def ids(self, passes) -> Counter[str]:
        return Counter(record["eventID"] for record in self.records if passes(record))


def cut(content: str) -> list[str]:
    """The records of a log file, character for character."""
    decoder, at, found = json.JSONDecoder(), content.index("[") + 1, []
    while content[at] != "]":
        _, end = decoder.raw_decode(content, at)
        found.append(content[at:end])
        at = end + (content[end] == ",")
    return found


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@cache
def generated() -> Data:
    """Made up for these tests, with some log files delivered twice."""
    out = support.SCRATCH / "query-generated"
    options = ["--accounts", "2", "--regions", "us-east-1,eu-west-1", "--hours", "6", "--events-per-hour", "150"]
    done = support.run("generate", out, "--seed", "31", *options)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    logs = sorted((out / "archive").rglob("*_CloudTrail_*.json.gz"))
    for log in logs[::40]:
        shutil.copy(log, log.with_name(log.name[:-24] + "0123456789abcdef.json.gz"))
    return Data("query-generated", out / "archive")


@cache
def samples() -> Data | None:
    return Data("query-samples", SAMPLES / "AWSLogs") if (SAMPLES / "AWSLogs").is_dir() else None


def archives() -> list[Data]:
    found = [generated()]
    real = samples()
    if real:
        found.append(real)
    else:
        support.sys.stderr.write(f"\n*** SKIPPED: {SAMPLES} is not there, so nothing is compared over real events\n")
    return found


def query(*arguments: object, status: int = 0) -> str:
    done = support.run("query", *arguments)
    if done.returncode != status:
        raise AssertionError(f"query {arguments} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def rows(*arguments: object, status: int = 0) -> list[dict]:
    return [json.loads(line) for line in query(*arguments, "-t", "jsonl", status=status).splitlines()]


@cache
def ours(root: Path, options: tuple[str, ...]) -> Counter[str]:
    return Counter(row["eventID"] for row in rows(root, *options, "-q", "--fields", "eventID"))


class Filters(unittest.TestCase):
    """Every filter gives the same event ids, as often."""

    def compare(self, data: Data, one: Filter, expected: Counter[str]) -> None:
        with self.subTest(f"{data.name}: {' '.join(one.options)}"):
            found = ours(data.root, one.options)
            self.assertEqual(found - expected, Counter(), "found too many")
            self.assertEqual(expected - found, Counter(), "found too few")

    def test_jq(self) -> None:
        if not shutil.which("jq"):
            support.skip_loudly("jq is not installed")
        # jq answers all filters in one run: for every record its id and the filters that it passes.
        passes = ", ".join(f"([{one.jq}] | any)" for one in FILTERS)
        program = f"{JQ_DEFINITIONS} [.eventID, {passes}]"
        for data in archives():
            done = subprocess.run(["jq", "-c", program, data.lines], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            answers = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(len(answers), len(data.records))
            for at, one in enumerate(FILTERS, 1):
                self.compare(data, one, Counter(answer[0] for answer in answers if answer[at]))

    def test_duckdb(self) -> None:
        if duckdb is None:
            support.skip_loudly("the Python package duckdb is not installed")
        for data in archives():
            connection = duckdb.connect()
            source = f"read_ndjson_objects('{data.lines}', maximum_object_size = 16000000)"
            connection.execute(f"CREATE TABLE records AS SELECT json AS r FROM {source}")
            for one in FILTERS:
                found = connection.execute(f"SELECT r->>'$.eventID' FROM records WHERE {one.sql}").fetchall()
                self.compare(data, one, Counter(row[0] for row in found))

    def test_lists_in_duckdb(self) -> None:
        """A test of a path is `bool_or` over the values that it stands for (docs/spec/records.md 2.8)."""
        if duckdb is None:
            support.skip_loudly("the Python package duckdb is not installed")
        chance = random.Random(31)
        texts = ["all", "ally", "b", "", "111122223333", None]
        values = [chance.choice(texts) if chance.random() < 0.3 else [chance.choice(texts) for _ in range(chance.randrange(4))]
                  for _ in range(300)]
        # what the path stands for: an empty list for itself, an absent one for nothing
        stands_for = [(value or ["[]"]) if isinstance(value, list) else [value] for value in values]
        lines = Path(self.enterContext(tempfile.TemporaryDirectory())) / "lists.jsonl"
        with lines.open("w") as out:
            for at, value in enumerate(values):
                record = {"eventVersion": "1.08", "eventName": "A", "eventID": str(at), "requestParameters": {"x": value}}
                out.write(json.dumps(record) + "\n")
        connection = duckdb.connect()
        connection.execute("CREATE TABLE lists (id VARCHAR, xs VARCHAR[])")
        connection.executemany("INSERT INTO lists VALUES (?, ?)", [(str(at), xs) for at, xs in enumerate(stands_for)])
        for test in ["= 'all'", "<> 'all'", "LIKE 'al%'", "IN ('all', 'b')", "> 'b'", "BETWEEN 'all' AND 'b'"]:
            any_passes = f"list_bool_or(list_transform(xs, lambda x: x {test}))"
            for ours_is, sql in [(f"requestParameters.x {test}", any_passes), (f"NOT requestParameters.x {test}", f"NOT {any_passes}")]:
                self.compare_ids(connection, lines, ours_is, sql)
        self.compare_ids(connection, lines, "requestParameters.x IS NULL", "len(list_filter(xs, lambda x: x IS NOT NULL)) = 0")
        self.compare_ids(connection, lines, "requestParameters.x IS NOT NULL", "len(list_filter(xs, lambda x: x IS NOT NULL)) > 0")

    def compare_ids(self, connection, lines: Path, where: str, sql: str) -> None:
        with self.subTest(where):
            found = {json.loads(line)["eventID"] for line in support.run("query", "-q", "-t", "jsonl", "-w", where, lines).stdout.splitlines()}
            expected = {row[0] for row in connection.execute(f"SELECT id FROM lists WHERE {sql}").fetchall()}
            self.assertEqual(found, expected)

    def test_filters_separate(self) -> None:
        """None of them passes, or refuses, everything everywhere: such a filter would test nothing."""
        self.assertGreaterEqual(len(FILTERS), 40)
        every = archives()
        for one in FILTERS:
            with self.subTest(" ".join(one.options)):
                found = sum(ours(data.root, one.options).total() for data in every)
                self.assertGreater(found, 0)
                self.assertLess(found, sum(len(data.records) for data in every))

    def test_networks(self) -> None:
        networks = ["10.0.0.0/8", "192.168.10.20", "203.0.113.128/25", "198.51.100.0/28", "2001:db8::/32", "::/0"]
        for data in archives():
            for network in networks:
                with self.subTest(f"{data.name} {network}"):
                    inside = ipaddress.ip_network(network)

                    def passes(record: dict) -> bool:
                        try:
                            return ipaddress.ip_address(record["sourceIPAddress"]) in inside
                        except ValueError:
                            return False

                    expected = data.ids(passes)
                    condition = ("--where", f"cidr(sourceIPAddress, '{network}')")
                    self.assertEqual(ours(data.root, condition), expected)
                    self.assertEqual(ours(data.root, ("--source-ip", network)), expected)

    def test_dedupe(self) -> None:
        data = generated()
        twice = [one for one, times in data.ids(lambda _: True).items() if times > 1]
        self.assertGreater(len(twice), 0)
        found = ours(data.root, ("--dedupe",))
        self.assertEqual(found, Counter(set(data.ids(lambda _: True))))

    def test_limit_ends(self) -> None:
        """Reading ends soon after the last wanted event, and the process with it."""
        for form in ("jsonl", "csv"):
            for _ in range(10):
                done = subprocess.run(
                    [support.TRAILSEAL, "query", generated().root, "-n", "3", "-q", "-t", form, "--fields", "eventID"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=20,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(len(done.stdout.splitlines()), 3 + (form == "csv"))

    def test_records_are_as_in_the_log(self) -> None:
        for data in archives():
            with self.subTest(data.name):
                found = query(data.root, "-q", "-t", "jsonl", "--sort", "none").splitlines()
                self.assertEqual(Counter(found), Counter(data.written))

    def test_sorted(self) -> None:
        for data in archives():
            for order, reverse in (("time", False), ("-time", True)):
                times = [row["eventTime"] for row in rows(data.root, "-q", "--sort", order, "--fields", "eventTime")]
                self.assertEqual(times, sorted((r["eventTime"] for r in data.records), reverse=reverse))

    def test_threads_do_not_matter(self) -> None:
        for data in archives():
            outputs = {
                query(data.root, "-q", "-t", "jsonl", "--where", "readOnly = false", "--threads", threads)
                for threads in (1, 2, 5)
            }
            self.assertEqual(len(outputs), 1)


def dig(record: dict, path: str) -> object:
    value: object = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Aggregates(unittest.TestCase):
    def test_count_by(self) -> None:
        for data in archives():
            for fields in (
                ["eventName"],
                ["errorCode"],
                ["userIdentity.arn", "eventSource"],
                ["readOnly", "awsRegion"],
            ):
                with self.subTest(f"{data.name} {fields}"):
                    times: dict[tuple, list[str]] = {}
                    for record in data.records:
                        group = tuple(text(dig(record, field)) for field in fields)
                        times.setdefault(group, []).append(record["eventTime"])
                    expected = {group: (len(all_), min(all_), max(all_)) for group, all_ in times.items()}
                    found = rows(data.root, "-q", "--count-by", ",".join(fields))
                    by_group = {
                        tuple(row[field] for field in fields): (row["count"], row["first"], row["last"])
                        for row in found
                    }
                    self.assertEqual(by_group, expected)
                    self.assertEqual(len(by_group), len(found))
                    counts = [row["count"] for row in found]
                    self.assertEqual(counts, sorted(counts, reverse=True))
                    top = rows(data.root, "-q", "--count-by", ",".join(fields), "--top", 3)
                    self.assertEqual([row["count"] for row in top], counts[:3])

    def test_count_by_elements(self) -> None:
        """An event counts once for each of its values."""
        for data in archives():
            expected: Counter = Counter()
            for record in data.records:
                types = {one["type"] for one in record.get("resources") or [] if one.get("type")}
                expected.update(types or {None})
            found = rows(data.root, "-q", "--count-by", "resources.type")
            self.assertEqual({row["resources.type"]: row["count"] for row in found}, expected)

    def test_distinct(self) -> None:
        for data in archives():
            expected = {record.get("errorCode") for record in data.records}
            found = [row["errorCode"] for row in rows(data.root, "-q", "--distinct", "errorCode")]
            self.assertEqual(len(found), len(set(found)))
            self.assertEqual(set(found) - {None}, expected - {None})

    def test_sum(self) -> None:
        for data in archives():
            texts = [str(dig(record, "requestParameters.maxResults")) for record in data.records]
            expected = sum(int(number) for number in texts if number.isdecimal())
            (found,) = rows(data.root, "-q", "--sum", "requestParameters.maxResults")
            self.assertEqual(found["sum"], expected)

    def test_histogram(self) -> None:
        for data in archives():
            for step, width in (("1h", 13), ("1d", 10)):
                with self.subTest(f"{data.name} {step}"):
                    expected = Counter(record["eventTime"][:width] for record in data.records)
                    found = rows(data.root, "-q", "--histogram", step)
                    self.assertEqual({row["time"][:width]: row["count"] for row in found if row["count"]}, expected)
                    self.assertEqual([row["time"] for row in found], sorted(row["time"] for row in found))
            by_region = Counter((record["eventTime"][:13], record["awsRegion"]) for record in data.records)
            found = rows(data.root, "-q", "--histogram", "1h", "--by", "awsRegion")
            counts = {
                (row["time"][:13], region): count for row in found for region, count in row["by"].items() if count
            }
            self.assertEqual(counts, by_region)


def text(value: object) -> object:
    """A value as it stands in our rows of groups: a text, or null."""
    return value if value is None or isinstance(value, str) else compact(value)


class Output(unittest.TestCase):
    FIELDS = ["eventID", "eventTime", "userAgent", "userIdentity.arn", "errorMessage", "requestParameters", "readOnly"]

    def test_csv(self) -> None:
        for data in archives():
            with self.subTest(data.name):
                written = query(data.root, "-q", "-t", "csv", "--fields", ",".join(self.FIELDS))
                header, *found = csv.reader(io.StringIO(written, newline=""), strict=True)
                self.assertEqual(header, self.FIELDS)
                expected = Counter(
                    tuple(harmless(text(dig(record, field)) or "") for field in self.FIELDS) for record in data.records
                )
                at = self.FIELDS.index("requestParameters")
                for row in found:
                    # objects are as they are written in the log, with its escapes and numbers
                    row[at] = compact(json.loads(row[at])) if row[at].startswith("{") else row[at]
                self.assertEqual(Counter(map(tuple, found)), expected)

    def test_csv_in_duckdb(self) -> None:
        if duckdb is None:
            support.skip_loudly("the Python package duckdb is not installed")
        for data in archives():
            file = support.SCRATCH / f"{data.name}.csv"
            query(data.root, "-q", "--fields", "eventID,eventName", "-o", file, "-C")
            found = duckdb.connect().execute(f"SELECT eventID FROM read_csv('{file}')").fetchall()
            self.assertEqual(Counter(row[0] for row in found), data.ids(lambda _: True))

    def test_fields(self) -> None:
        for data in archives():
            with self.subTest(data.name):
                found = rows(data.root, "-q", "--fields", ",".join(self.FIELDS))
                expected = Counter(compact({field: dig(one, field) for field in self.FIELDS}) for one in data.records)
                self.assertEqual(Counter(map(compact, found)), expected)

    def test_json(self) -> None:
        for data in archives():
            found = json.loads(query(data.root, "-q", "-t", "json"))
            self.assertEqual(Counter(map(compact, found)), Counter(map(compact, data.records)))

    def test_provenance(self) -> None:
        """Python's own inflating and hashing of the file says the same, and the record is the one with the number."""
        import hashlib

        data = generated()
        for row in rows(data.root, "-q", "--provenance", "--event-name", "Decrypt"):
            content = gzip.decompress(Path(row["file"]).read_bytes())
            self.assertEqual(row["sha256"], hashlib.sha256(content).hexdigest())
            records = json.loads(content)["Records"]
            self.assertEqual(row["event"], records[row["record"] - 1])


def harmless(cell: str) -> str:
    """What no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def shapes(records: list[dict]) -> dict[str, bytes]:
    """Name of a file → the same records in another shape."""
    batch = compact({"Records": records})
    lines = [compact(record) for record in records]
    half = len(records) // 2
    found: dict[str, str | bytes] = {
        "batch.json": batch,
        "array.json": compact(records),
        "lines.jsonl": "\n".join(lines),
        "batches.jsonl": "\n".join(compact({"Records": part}) for part in (records[:half], records[half:])),
        "pretty.json": json.dumps({"Records": records}, indent=4),
        "pretty-lines.json": "\n".join(json.dumps(record, indent=2) for record in records),
        "escaped.json": json.dumps({"Records": records}, ensure_ascii=True, sort_keys=True),
        "bom.json": b"\xef\xbb\xbf" + batch.encode(),
        "utf-16-le.json": b"\xff\xfe" + batch.encode("utf-16-le"),
        "utf-16-be.json": b"\xfe\xff" + batch.encode("utf-16-be"),
        "lookup-events.json": json.dumps({"Events": [lookup_row(record) for record in records]}, indent=4),
        "lookup-rows.jsonl": "\n".join(compact(lookup_row(record)) for record in records),
        "event-bridge.jsonl": "\n".join(compact(envelope(record)) for record in records),
        "event-bridge.json": json.dumps([envelope(record) for record in records], indent=1),
        "filter-log-events.json": compact(
            {
                "events": [{"logStreamName": "s", "timestamp": 1, "message": line} for line in lines],
                "searchedLogStreams": [],
            }
        ),
        "subscription.json": compact(
            {
                "messageType": "DATA_MESSAGE",
                "owner": "111122223333",
                "logEvents": [{"id": str(at), "timestamp": 1, "message": line} for at, line in enumerate(lines)],
            }
        ),
        "export-task.log": "\n".join(f"2024-03-01T00:00:00.000Z {line}" for line in lines),
        "sns.jsonl": "\n".join(
            compact({"Type": "Notification", "MessageId": "m", "Message": compact(envelope(record))})
            for record in records
        ),
        "sqs.json": json.dumps(
            {
                "Messages": [
                    {"MessageId": "m", "ReceiptHandle": "h", "Body": compact({"Message": compact(envelope(record))})}
                    for record in records
                ]
            },
            indent=4,
        ),
    }
    shaped = {name: one if isinstance(one, bytes) else one.encode() for name, one in found.items()}
    payload = gzip.compress(shaped["subscription.json"])
    shaped["subscription-lambda.json"] = compact({"awslogs": {"data": base64.b64encode(payload).decode()}}).encode()
    parts = [gzip.compress(part) for part in (shaped["batch.json"][:1000], shaped["batch.json"][1000:])]
    shaped["batch.json.gz"] = gzip.compress(shaped["batch.json"])
    shaped["members.json.gz"] = b"".join(parts)
    shaped["gzip-without-ending"] = shaped["batch.json.gz"]
    shaped["plain-named.json.gz"] = shaped["batch.json"]
    for name, mode in (("logs.tar", "w"), ("logs.tar.gz", "w:gz")):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for at, part in enumerate((records[:half], records[half:])):
                content = gzip.compress(compact({"Records": part}).encode())
                member = tarfile.TarInfo(f"folder/{at}.json.gz")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        shaped[name] = buffer.getvalue()
    for name, method in (("logs.zip", zipfile.ZIP_DEFLATED), ("stored.zip", zipfile.ZIP_STORED)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("a.json", compact(records[:half]))
            archive.writestr("folder/b.json.gz", gzip.compress(compact({"Records": records[half:]}).encode()))
        shaped[name] = buffer.getvalue()
    if zstandard:
        shaped["batch.json.zst"] = zstandard.ZstdCompressor().compress(shaped["batch.json"])
    return shaped


def lookup_row(record: dict) -> dict:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventTime": record["eventTime"].replace("Z", "+00:00"),
        "Resources": [],
        "CloudTrailEvent": compact(record),
    }


def envelope(record: dict) -> dict:
    return {
        "version": "0",
        "id": "2d1b2f2e-0000-0000-0000-000000000000",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws." + record["eventSource"].split(".")[0],
        "account": "111122223333",
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }


class Shapes(unittest.TestCase):
    def records(self) -> list[dict]:
        return generated().records[:40] + (samples().records[:40] if samples() else [])

    def test_every_shape_holds_the_same_events(self) -> None:
        if zstandard is None:
            support.sys.stderr.write(
                "\n*** SKIPPED: no .zst file is read, the Python package zstandard is not installed\n"
            )
        records = self.records()
        expected = Counter(record["eventID"] for record in records)
        named = Counter(r["eventID"] for r in records if r["eventName"].startswith("Des") and not r.get("errorCode"))
        self.assertGreater(len(named), 0)
        folder = support.SCRATCH / "shapes"
        for name, content in shapes(records).items():
            with self.subTest(name):
                file = folder / name.replace(".", "-") / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                self.assertEqual(Counter(r["eventID"] for r in rows(file, "-q", "--fields", "eventID")), expected)
                condition = "eventName LIKE 'Des%' AND errorCode IS NULL"
                found = rows(file.parent, "-q", "--where", condition, "--fields", "eventID")
                self.assertEqual(Counter(row["eventID"] for row in found), named)

    def test_standard_input(self) -> None:
        records = self.records()
        for name, content in shapes(records).items():
            with self.subTest(name):
                done = subprocess.run(
                    [support.TRAILSEAL, "query", "-", "-q", "-t", "jsonl", "--fields", "eventID"],
                    input=content,
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                found = Counter(json.loads(line)["eventID"] for line in done.stdout.splitlines())
                self.assertEqual(found, Counter(record["eventID"] for record in records))

    def test_documentation_examples(self) -> None:
        folder = SAMPLES / "documentation-examples"
        if not folder.is_dir():
            support.skip_loudly(f"{folder} is not there, so AWS's own examples are not read")
        found = rows(folder, "-q")
        self.assertEqual(len(found), 10)

    def test_truncated_files(self) -> None:
        """What stands before the cut is found, and the file is named."""
        random.seed(5)
        data = generated()
        logs = [log for log in sorted(data.root.rglob("*_CloudTrail_*.json.gz")) if log.stat().st_size > 4000]
        folder = support.SCRATCH / "truncated"
        folder.mkdir(exist_ok=True)
        shorter = 0
        for at in range(40):
            log = logs[random.randrange(len(logs))]
            content = log.read_bytes()
            whole = [record["eventID"] for record in json.loads(gzip.decompress(content))["Records"]]
            cut = random.randrange(20, len(content) - 1)
            with self.subTest(f"{log.name} cut to {cut} of {len(content)}"):
                file = folder / f"{at}.json.gz"
                file.write_bytes(content[:cut])
                done = support.run("query", file, "-t", "jsonl", "--fields", "eventID", "--sort", "none")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(file.name, done.stderr)
                found = [json.loads(line)["eventID"] for line in done.stdout.splitlines()]
                self.assertEqual(found, whole[: len(found)])
                shorter += 0 < len(found) < len(whole)
        self.assertGreater(shorter, 0)

    def test_truncated_text(self) -> None:
        """The same without gzip: every record that is complete is found."""
        records = self.records()[:12]
        content = compact({"Records": records}).encode()
        ends = [len(compact({"Records": records[: n + 1]}).encode()) - 2 for n in range(len(records))]
        file = support.SCRATCH / "cut.json"
        for cut in range(200, len(content) - 1, 997):
            with self.subTest(cut):
                file.write_bytes(content[:cut])
                found = [row["eventID"] for row in rows(file, "--fields", "eventID", "--sort", "none", status=3)]
                complete = sum(end <= cut for end in ends)
                self.assertEqual(found, [record["eventID"] for record in records[:complete]])

    def test_one_bad_file_stops_nothing(self) -> None:
        records = self.records()
        folder = support.SCRATCH / "bad-among-good"
        folder.mkdir(exist_ok=True)
        (folder / "a.json").write_text(compact({"Records": records[:10]}))
        (folder / "b.json.gz").write_bytes(b"\x1f\x8b\x08\x00 no deflate data")
        (folder / "c.json").write_text(compact({"Records": records[10:]}))
        done = support.run("query", folder, "-t", "jsonl")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (3, len(records)))
        self.assertIn("b.json.gz", done.stderr)


if __name__ == "__main__":
    unittest.main()
