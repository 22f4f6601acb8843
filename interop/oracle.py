#!/usr/bin/env python3
"""Runs the real `aws cloudtrail validate-logs` over a folder.

The class `CloudTrailValidateLogs` of the installed `awscli` is driven in-process. Only its clients are
stubs: S3 is a folder `ROOT/<bucket>/<key>`, CloudTrail's `ListPublicKeys` answers from key files, and
`DescribeTrails` and `DescribeOrganization` answer what the chain under test needs. Everything that is
judged (listing, traversal, signatures, hashes, text, exit status) is AWS's own code.

As a program: `python oracle.py ARCHIVE --keys KEYS [--start-time T] [--end-time T] [--verbose] [--json]`
runs every chain that the archive holds. The exit status is the highest of the runs: 0, 1 or, where the
reference gave up with an error, 255.
"""

from __future__ import annotations

import argparse
import bisect
import contextlib
import dataclasses
import io
import json
import os
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from awscli.customizations.cloudtrail import validation

SIDECAR = ".metadata.json"
STAMP = "%Y%m%dT%H%M%SZ"
ISO = "%Y-%m-%dT%H:%M:%SZ"
PAGE = 1000  # keys in one page of ListObjects

DIGEST_KEY = re.compile(
    r"^(?:(?P<prefix>.+)/)?AWSLogs/(?:(?P<organization>(?!\d{12}/)[^/]+)/)?(?P<account>\d{12})"
    r"/CloudTrail-Digest/(?P<region>[^/]+)/\d+/\d+/\d+/(?P=account)_CloudTrail-Digest_(?P=region)_"
    r"(?P<trail>.+)_(?P<home>[^_/]+)_(?P<stamp>\d{8}T\d{6}Z)(?P<backfill>_backfill)?\.json\.gz$"
)
REGION = re.compile(r"(?:^|[-_.])([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d)$")
RATIO = re.compile(r"^(\d+)/(\d+) (backfill digest|digest|log) files valid", re.MULTILINE)


@dataclasses.dataclass(frozen=True, order=True)
class Chain:
    """What one `validate-logs` run covers; sorts the way `trailseal verify --format aws` orders its runs."""

    organization: str  # empty for a plain trail
    account: str
    region: str
    trail: str
    home_region: str

    @property
    def arn(self) -> str:
        partition = "aws"
        if self.home_region.startswith("cn-"):
            partition = "aws-cn"
        elif self.home_region.startswith("us-gov-"):
            partition = "aws-us-gov"
        return f"arn:{partition}:cloudtrail:{self.home_region}:{self.account}:trail/{self.trail}"


@dataclasses.dataclass(frozen=True)
class Digest:
    """A digest file as its name describes it."""

    chain: Chain
    bucket: str
    key: str
    prefix: str
    end: datetime
    backfill: bool


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One run of the reference."""

    chain: Chain
    stdout: str
    stderr: str
    status: int

    def counts(self) -> dict[str, tuple[int, int]]:
        """(valid, total) by kind, read from the summary: "digest", "backfill digest", "log"."""
        return {kind: (int(valid), int(total)) for valid, total, kind in RATIO.findall(self.stdout)}


class Archive:
    """A folder `ROOT/<bucket>/<key>` that answers the way S3 does."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self._keys: dict[str, list[str]] = {}
        for bucket in sorted(entry for entry in self.root.iterdir() if entry.is_dir()):
            keys = [
                (Path(folder) / name).relative_to(bucket).as_posix()
                for folder, _, names in os.walk(bucket)
                for name in names
                if not name.endswith(SIDECAR)
            ]
            # S3 lists in the order of the UTF-8 bytes, which is the order of the code points.
            self._keys[bucket.name] = sorted(keys)

    @property
    def buckets(self) -> list[str]:
        return list(self._keys)

    def keys(self, bucket: str, prefix: str = "", marker: str = "") -> list[str]:
        """The keys that start with `prefix` and sort after `marker`."""
        keys = self._keys[bucket]
        first = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, marker))
        last = first
        while last < len(keys) and keys[last].startswith(prefix):
            last += 1
        return keys[first:last]

    def path(self, bucket: str, key: str) -> Path:
        return self.root / bucket / key

    def has(self, bucket: str, key: str) -> bool:
        keys = self._keys.get(bucket, [])
        at = bisect.bisect_left(keys, key)
        return at < len(keys) and keys[at] == key

    def metadata(self, bucket: str, key: str) -> dict[str, str]:
        """User metadata as boto returns it (names lower-case, without `x-amz-meta-`), from the sidecar."""
        if "/CloudTrail-Digest/" not in key:
            return {}
        try:
            document = json.loads(Path(f"{self.path(bucket, key)}{SIDECAR}").read_bytes())
            pairs = document["Metadata"].items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {name.lower().removeprefix("x-amz-meta-"): value for name, value in pairs}

    def digests(self) -> list[Digest]:
        """Every object whose name is a digest's."""
        found = []
        for bucket in self.buckets:
            for key in self._keys[bucket]:
                digest = parse_digest_key(bucket, key)
                if digest:
                    found.append(digest)
        return found


def parse_digest_key(bucket: str, key: str) -> Digest | None:
    """Reads what a digest's key says, or None when it is no digest's key."""
    match = DIGEST_KEY.match(key)
    if not match:
        return None
    try:
        end = datetime.strptime(match["stamp"], STAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    chain = Chain(match["organization"] or "", match["account"], match["region"], match["trail"], match["home"])
    return Digest(chain, bucket, key, match["prefix"] or "", end, bool(match["backfill"]))


class PublicKeys:
    """Key files in the shape of `aws cloudtrail list-public-keys`, by region."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path)
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        self._by_region: dict[str | None, list[dict]] = {}
        for file in files:
            document = json.loads(file.read_bytes())
            if not isinstance(document, dict):
                continue
            entries = document.get("PublicKeyList") or document.get("publicKeyList")
            region = REGION.search(file.stem)
            if entries:
                self._by_region.setdefault(region[1] if region else None, []).extend(entries)

    def in_range(self, region: str, start: datetime, end: datetime) -> list[dict]:
        """The keys of `region` (and those of no stated region) whose validity overlaps [start, end]."""
        entries = self._by_region.get(region, []) + self._by_region.get(None, [])
        return [
            entry
            for entry in entries
            if key_time(entry["ValidityStartTime"]) <= end and key_time(entry["ValidityEndTime"]) >= start
        ]


def key_time(value: float | str) -> datetime:
    """A validity time in any of the forms that AWS tools print: epoch number, epoch string, ISO 8601."""
    try:
        return datetime.fromtimestamp(float(value), timezone.utc)
    except ValueError:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))


def client_error(operation: str, code: str, message: str) -> Exception:
    return validation.ClientError({"Error": {"Code": code, "Message": message}}, operation)


class StubPages:
    """What boto's `list_objects` paginator returns, as far as the reference uses it."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def __iter__(self):
        for start in range(0, max(len(self._keys), 1), PAGE):
            page = [{"Key": key} for key in self._keys[start : start + PAGE]]
            yield {"Contents": page} if page else {}

    def search(self, expression: str):
        if expression != "Contents[*].Key":
            raise NotImplementedError(f"the reference now asks for {expression}")
        for page in self:
            if "Contents" in page:
                yield from (entry["Key"] for entry in page["Contents"])
            else:
                yield None  # what JMESPath answers for an empty listing


class StubS3:
    """The S3 operations of the reference over an `Archive`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def _check_bucket(self, operation: str, bucket: str) -> None:
        if bucket not in self._archive.buckets:
            raise client_error(operation, "NoSuchBucket", "The specified bucket does not exist")

    def get_bucket_location(self, Bucket: str) -> dict:
        self._check_bucket("GetBucketLocation", Bucket)
        return {"LocationConstraint": None}

    def get_paginator(self, operation: str) -> "StubS3":
        if operation != "list_objects":
            raise NotImplementedError(f"the reference now pages through {operation}")
        return self

    def paginate(self, Bucket: str, Marker: str, Prefix: str) -> StubPages:
        self._check_bucket("ListObjects", Bucket)
        return StubPages(self._archive.keys(Bucket, Prefix, Marker))

    def get_object(self, Bucket: str, Key: str) -> dict:
        self._check_bucket("GetObject", Bucket)
        if not self._archive.has(Bucket, Key):
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.")
        body = io.BytesIO(self._archive.path(Bucket, Key).read_bytes())
        return {"Body": body, "Metadata": self._archive.metadata(Bucket, Key)}


class StubCloudTrail:
    def __init__(self, keys: PublicKeys, region: str, trail: dict) -> None:
        self._keys = keys
        self._region = region
        self._trail = trail

    def describe_trails(self) -> dict:
        return {"trailList": [self._trail]}

    def list_public_keys(self, StartTime: datetime, EndTime: datetime) -> dict:
        entries = self._keys.in_range(self._region, StartTime, EndTime)
        # The CLI hands blobs and times through as the service wrote them: base64 text and epoch seconds.
        return {
            "PublicKeyList": [
                {
                    "Value": entry["Value"],
                    "ValidityStartTime": key_time(entry["ValidityStartTime"]).timestamp(),
                    "ValidityEndTime": key_time(entry["ValidityEndTime"]).timestamp(),
                    "Fingerprint": entry["Fingerprint"],
                }
                for entry in entries
            ]
        }


class StubOrganizations:
    def __init__(self, organization: str) -> None:
        self._organization = organization

    def describe_organization(self) -> dict:
        return {"Organization": {"Id": self._organization}}


def chains(archive: Archive) -> list[Chain]:
    """Every chain of the archive, in order."""
    return sorted({digest.chain for digest in archive.digests()})


def cover(archive: Archive) -> tuple[datetime, datetime]:
    """A time range that holds every digest of the archive: an hour before the first end, to the last end."""
    ends = [digest.end for digest in archive.digests()]
    if not ends:
        raise ValueError(f"no digest files below {archive.root}")
    return min(ends) - timedelta(hours=1), max(ends)


def trail_settings(archive: Archive, chain: Chain) -> dict:
    """What DescribeTrails would say: bucket and prefix are those of the chain's newest digest."""
    own = [digest for digest in archive.digests() if digest.chain == chain]
    newest = max(own, key=lambda digest: (digest.end, digest.key), default=None)
    settings = {
        "TrailARN": chain.arn,
        "S3BucketName": newest.bucket if newest else archive.buckets[0],
        "IsOrganizationTrail": bool(chain.organization),
    }
    if newest and newest.prefix:
        settings["S3KeyPrefix"] = newest.prefix
    return settings


def validate(
    archive: Archive,
    keys: PublicKeys,
    chain: Chain,
    start: datetime,
    end: datetime,
    *,
    verbose: bool = False,
    trail: dict | None = None,
    s3: object | None = None,
) -> Outcome:
    """Runs `aws cloudtrail validate-logs` for one chain.

    `trail` overrides what DescribeTrails answers (needed when the chain's digests are gone), `s3` the
    S3 stub. Status 255 means that the reference stopped with an error, as the `aws` program would.
    """
    s3 = s3 or StubS3(archive)
    trail = trail or trail_settings(archive, chain)

    def create_client(_session, service: str, **_settings):
        if service == "s3":
            return s3
        if service == "cloudtrail":
            return StubCloudTrail(keys, chain.region, trail)
        if service == "organizations":
            return StubOrganizations(chain.organization)
        raise NotImplementedError(f"the reference now uses the service {service}")

    arguments = SimpleNamespace(
        trail_arn=chain.arn,
        verbose=verbose,
        s3_bucket=None,
        s3_prefix=None,
        account_id=chain.account,
        start_time=start.strftime(ISO),
        end_time=end.strftime(ISO),
    )
    settings = SimpleNamespace(region=chain.region, verify_ssl=None, endpoint_url=None)
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(validation, "create_nested_client", create_client),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            status = validation.CloudTrailValidateLogs(session=None)._run_main(arguments, settings)
        except NotImplementedError:
            raise
        except Exception as error:  # as awscli.clidriver.main does
            stderr.write(f"\n{error}\n")
            status = 255
    return Outcome(chain, stdout.getvalue(), stderr.getvalue(), status)


def validate_all(
    archive: Archive,
    keys: PublicKeys,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    verbose: bool = False,
) -> list[Outcome]:
    """One run for each chain of the archive; without times, over all that the archive holds."""
    first, last = cover(archive)
    return [
        validate(archive, keys, chain, start or first, end or last, verbose=verbose) for chain in chains(archive)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="run the real `aws cloudtrail validate-logs` over a folder")
    parser.add_argument("archive", help="folder that holds one folder for each bucket")
    parser.add_argument("--keys", required=True, help="list-public-keys file, or a folder of them")
    parser.add_argument("--start-time", type=key_time)
    parser.add_argument("--end-time", type=key_time)
    parser.add_argument("--verbose", action="store_true", help="as the option of validate-logs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the text")
    options = parser.parse_args()
    outcomes = validate_all(
        Archive(options.archive),
        PublicKeys(options.keys),
        options.start_time,
        options.end_time,
        verbose=options.verbose,
    )
    if options.json:
        rows = [
            dataclasses.asdict(outcome) | {"arn": outcome.chain.arn, "counts": outcome.counts()}
            for outcome in outcomes
        ]
        json.dump(rows, sys.stdout, indent=1)
        print()
    else:
        for outcome in outcomes:
            sys.stdout.write(outcome.stdout)
            sys.stdout.flush()
            sys.stderr.write(outcome.stderr)
    return max(outcome.status for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
