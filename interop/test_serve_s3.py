"""S3 of `trailseal serve` beside moto's, over random keys and requests; and what S3's clients, unmodified, make of it.

moto, s3cmd and obstore are of requirements-optional.txt, rclone of the system: what is absent is skipped, loudly.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import http.client
import logging
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import botocore.config
import botocore.exceptions

from serving import KEY_ID, Server, at_once
from support import DEMO, SCRATCH, TRAILSEAL, require_node, run, run_node, skip_loudly

SEED = int(os.environ.get("TRAILSEAL_SEED", "1"))
REQUESTS = int(os.environ.get("TRAILSEAL_REQUESTS", "1500"))
BUCKET = "random-keys"
SIGNED = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20240301/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}
PAST, FUTURE = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"

load_tests = at_once("test_serve_s3")


def ask(address: str, method: str, target: str, lines: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """One request as it is written here: status, headers in lower case, body."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, target, headers=SIGNED | lines)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def elements(xml: str, name: str) -> list[str]:
    return re.findall(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)


def decoded(texts: list[str]) -> list[str]:
    """URL-encoded text; a space is written in two ways."""
    return [urllib.parse.unquote_plus(text) for text in texts]


def random_key(dice: random.Random) -> str:
    letters = ["a", "b", "B", "0", "-", ".", "_", " ", "+", "%", "é", "😀", "~", "&", "'", "(", "\x01", "\r"]

    def part() -> str:
        text = "".join(dice.choice(letters) for _ in range(dice.randint(1, 3)))
        return "x" if text in (".", "..") else text

    return "/".join(part() for _ in range(dice.randint(1, 3)))


def random_keys(dice: random.Random, count: int) -> set[str]:
    """Keys that can be files: none is a folder of another one."""
    keys = {random_key(dice) for _ in range(count)}
    folders = {key[:at] for key in keys for at, letter in enumerate(key) if letter == "/"}
    return keys - folders


class BesideMoto(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        try:
            from moto.server import ThreadedMotoServer
        except ImportError:
            skip_loudly("moto is absent, so S3 is not held against another one")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        dice = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(dir=SCRATCH)
        cls.objects = {key: dice.randbytes(dice.choice([0, 1, 10, 100])) for key in sorted(random_keys(dice, 60))}
        bucket = Path(cls.folder.name, BUCKET)
        bucket.mkdir()
        cls.moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        cls.moto.start()
        host, port = cls.moto.get_host_and_port()
        cls.reference = f"{host}:{port}"
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=f"http://{cls.reference}",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key="made-up",
        )
        client.create_bucket(Bucket=BUCKET)
        for key, content in cls.objects.items():
            client.put_object(Bucket=BUCKET, Key=key, Body=content)
            path = bucket / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.close()
        cls.server = Server("--data-dir", cls.folder.name)
        cls.ours = cls.server.url.removeprefix("http://")

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0
        cls.moto.stop()
        cls.folder.cleanup()

    def both(self, method: str, target: str, lines: dict[str, str]) -> list[tuple[int, dict[str, str], bytes]]:
        return [ask(address, method, target, lines) for address in (self.ours, self.reference)]

    def test_listings_are_the_same(self) -> None:
        dice = random.Random(SEED + 1)
        keys = list(self.objects)
        for _ in range(REQUESTS // 3):
            query = {"encoding-type": "url"}
            is_new = dice.random() < 0.7
            if is_new:
                query["list-type"] = "2"
            if dice.random() < 0.6:
                key = dice.choice(keys)
                query["prefix"] = key[: dice.randint(0, len(key))]
            if dice.random() < 0.5:
                query["delimiter"] = dice.choice(["/", "/", "a", "-", "b/"])
            # behind a key that folds into a common prefix the two differ; S3's own rule is not known
            elif dice.random() < 0.4:
                query["start-after" if is_new else "marker"] = dice.choice(keys)
            if dice.random() < 0.5 and (is_new or "delimiter" not in query):
                query["max-keys"] = str(dice.choice([0, 1, 2, 5, 1000, 5000]))
            target = f"/{BUCKET}?{urllib.parse.urlencode(query)}"
            with self.subTest(target):
                found = []
                for (status, _, body), is_encoded in zip(self.both("GET", target, {}), (True, is_new), strict=True):
                    xml = body.decode()
                    prefixes = re.findall(r"<CommonPrefixes>\s*<Prefix>(.*?)</Prefix>", xml)
                    # of ListObjects moto encodes the keys only
                    prefixes = decoded(prefixes) if is_encoded else [html.unescape(prefix) for prefix in prefixes]
                    tags = [tag.replace("&#34;", "&quot;") for tag in elements(xml, "ETag")]
                    truncated = elements(xml, "IsTruncated")
                    told = (status, decoded(elements(xml, "Key")), elements(xml, "Size"), tags, prefixes)
                    found.append((*told, truncated))
                self.assertEqual(found[0], found[1])

    def test_objects_are_the_same(self) -> None:
        dice = random.Random(SEED + 2)
        keys = list(self.objects)
        seen = set()
        for _ in range(REQUESTS):
            key = dice.choice(keys)
            target = f"/{BUCKET}/{urllib.parse.quote(key)}"
            tag = ask(self.ours, "HEAD", target, {})[1]["etag"]
            lines = {}
            if dice.random() < 0.5:
                first, last = dice.randint(0, 120), dice.randint(0, 120)
                ranges = [f"bytes={min(first, last)}-{max(first, last)}", f"bytes={first}-", f"bytes=-{last + 1}"]
                lines["Range"] = dice.choice(ranges)
            for name, values in (
                ("If-Match", [tag, '"0"']),
                ("If-None-Match", [tag, '"0"']),
                ("If-Modified-Since", [PAST, FUTURE]),
                ("If-Unmodified-Since", [PAST, FUTURE]),
            ):
                if dice.random() < 0.15:
                    lines[name] = dice.choice(values)
            method = dice.choice(["GET", "HEAD"])
            with self.subTest(f"{method} {target} {lines}"):
                ours, theirs = self.both(method, target, lines)
                self.assertEqual(ours[0], self.expected(theirs[0], lines, tag, self.objects[key]))
                seen.add(ours[0])
                if ours[0] == theirs[0] and ours[0] in (200, 206):
                    self.assertEqual(ours[2], theirs[2])
                    for name in ("etag", "content-length", "content-range"):
                        self.assertEqual(ours[1].get(name), theirs[1].get(name), name)
        self.assertEqual(seen, {200, 206, 304, 412, 416})

    @staticmethod
    def expected(theirs: int, lines: dict[str, str], tag: str, content: bytes) -> int:
        """moto's status, but where RFC 9110 13.2.2 says another one: moto looks at every condition by itself."""
        if lines.get("If-Match", tag) != tag or ("If-Match" not in lines and lines.get("If-Unmodified-Since") == PAST):
            return 412
        if "If-None-Match" in lines:
            known = lines["If-None-Match"] == tag
        else:
            known = lines.get("If-Modified-Since") == FUTURE
        if known:
            return 304
        if theirs in (304, 412) or (not content and "Range" in lines):
            first = re.match(r"bytes=(\d*)-", lines.get("Range", ""))
            if not first:
                return 200
            return 416 if not content or (first[1] and int(first[1]) >= len(content)) else 206
        return theirs

    def test_refusals_are_the_same(self) -> None:
        key = urllib.parse.quote(next(iter(self.objects)))
        for target in (
            "/none-such?list-type=2",
            "/none-such/key",
            f"/{BUCKET}/none",
            f"/{BUCKET}?list-type=2&continuation-token=",
        ):
            with self.subTest(target):
                (ours, _, body), (theirs, _, reference) = self.both("GET", target, {})
                codes = [elements(xml.decode(), "Code") for xml in (body, reference)]
                self.assertEqual((ours, codes[0]), (theirs, codes[1]))
        for value in ("bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"):
            status, _, body = ask(self.ours, "GET", f"/{BUCKET}/{key}", {"Range": value})
            self.assertEqual((status, body), (200, next(iter(self.objects.values()))), value)


class Clients(unittest.TestCase):
    """What clients of S3 make of an archive whose files have whole seconds, as `aws s3 sync` and tar leave them."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory(dir=SCRATCH)
        cls.archive = Path(cls.folder.name, "archive")
        shutil.copytree(DEMO / "archive", cls.archive)
        [cls.bucket] = cls.archive.iterdir()
        cls.files = {}
        for path in cls.bucket.rglob("*"):
            if path.is_file():
                os.utime(path, (1709337600, 1709337600))
                if not path.name.endswith(".metadata.json"):
                    cls.files[str(path.relative_to(cls.bucket))] = path.read_bytes()
        cls.server = Server("--archive", cls.archive)
        cls.host = cls.server.url.removeprefix("http://")

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.end() == 0
        cls.folder.cleanup()

    def copied(self, *command: object, **environment: str) -> None:
        """Runs what copies the bucket into a folder, its last word, and compares."""
        folder = Path(str(command[-1]).removesuffix("/"))
        folder.mkdir(parents=True)
        known = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        environment = known | {"HOME": self.folder.name} | environment
        words = [str(word) for word in command]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(files.keys(), self.files.keys())
        self.assertEqual([key for key in files if files[key] != self.files[key]], [])

    def client(self, **settings: Any) -> Any:
        session = boto3.session.Session(KEY_ID, "made-up", region_name="us-east-1")
        url = settings.pop("url", self.server.url)
        return session.client("s3", config=botocore.config.Config(**settings), endpoint_url=url)

    def test_s3cmd_copies_every_file_and_no_other_s(self) -> None:
        s3cmd = Path(sys.executable).with_name("s3cmd")
        if not s3cmd.exists():
            skip_loudly("s3cmd is absent")
        words = [s3cmd, "--no-ssl", f"--host={self.host}", f"--host-bucket={self.host}", "--config=/dev/null"]
        words += [f"--access_key={KEY_ID}", "--secret_key=made-up", "--no-progress"]
        self.copied(*words, "sync", f"s3://{self.bucket.name}/", f"{self.folder.name}/s3cmd/")
        # the copy is as honest as the archive
        copy = Path(self.folder.name, "s3cmd-archive", self.bucket.name)
        shutil.copytree(Path(self.folder.name, "s3cmd"), copy)
        for path in self.bucket.rglob("*.metadata.json"):
            shutil.copy(path, copy / path.relative_to(self.bucket))
        command = [TRAILSEAL, "verify", copy.parent, "--keys", DEMO / "keys"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_minio_reads_every_file_and_its_copy_without_gzip_is_proven(self) -> None:
        try:
            from minio import Minio
            from minio.error import S3Error
        except ImportError:
            skip_loudly("minio is absent")
        client = Minio(self.host, access_key=KEY_ID, secret_key="made-up-secret", secure=False)
        name = self.bucket.name
        found = {entry.object_name: entry for entry in client.list_objects(name, recursive=True)}
        self.assertEqual({key: entry.size for key, entry in found.items()}, {k: len(v) for k, v in self.files.items()})
        copy = Path(self.folder.name, "minio", name)
        for key, content in self.files.items():
            client.fget_object(name, key, str(copy / key))
            # it undoes the encoding
            self.assertEqual((copy / key).read_bytes(), gzip.decompress(content))
        key = next(iter(self.files))
        self.assertEqual(client.get_object(name, key).read(decode_content=False), self.files[key])
        with self.assertRaises(S3Error) as caught:
            client.stat_object(name, "none")
        self.assertEqual(caught.exception.code, "NoSuchKey")
        for path in self.bucket.rglob("*.metadata.json"):
            shutil.copy(path, copy / path.relative_to(self.bucket))
        done = run("verify", copy.parent, "--keys", DEMO / "keys")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_rclone_copies_every_file(self) -> None:
        if shutil.which("rclone") is None:
            skip_loudly("rclone is absent")
        remote = f":s3,provider=Other,endpoint='{self.server.url}',access_key_id={KEY_ID},secret_access_key=made-up:"
        self.copied("rclone", "copy", f"{remote}{self.bucket.name}", f"{self.folder.name}/rclone")
        known = {"PATH": os.environ["PATH"], "HOME": self.folder.name}
        command = ["rclone", "check", f"{remote}{self.bucket.name}", f"{self.folder.name}/rclone"]
        done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_obstore_and_fsspec_read_every_file(self) -> None:
        try:
            import obstore
            import obstore.exceptions
            from obstore.fsspec import FsspecStore
            from obstore.store import S3Store
        except ImportError:
            skip_loudly("obstore is absent")
        settings = {
            "endpoint": self.server.url,
            "access_key_id": KEY_ID,
            "secret_access_key": "made-up",
            "region": "us-east-1",
            "client_options": {"allow_http": True},
        }
        store = S3Store(self.bucket.name, **settings)
        found = {meta["path"]: meta for page in obstore.list(store) for meta in page}
        self.assertEqual(found.keys(), self.files.keys())
        for key in list(found)[:50]:
            content, tag = self.files[key], found[key]["e_tag"]
            self.assertEqual(found[key]["size"], len(content))
            self.assertEqual(bytes(obstore.get(store, key, options={"if_match": tag}).bytes()), content)
            self.assertEqual(bytes(obstore.get_range(store, key, start=3, end=9)), content[3:9])
            with self.assertRaises(obstore.exceptions.NotModifiedError):
                obstore.get(store, key, options={"if_none_match": tag})
            with self.assertRaises(obstore.exceptions.PreconditionError):
                obstore.get(store, key, options={"if_match": '"0"'})
        system = FsspecStore("s3", **settings)
        listed = system.find(f"s3://{self.bucket.name}/")
        self.assertEqual({path.split("/", 1)[1] for path in listed}, self.files.keys())
        self.assertEqual(system.cat_file(listed[0]), self.files[listed[0].split("/", 1)[1]])

    def test_the_sdk_for_javascript_reads_every_file_by_path_and_by_host(self) -> None:
        require_node("@aws-sdk/client-s3")
        port = self.host.rsplit(":", 1)[1]
        clients = [
            {"endpoint": self.server.url},
            {"endpoint": f"http://localhost:{port}", "forcePathStyle": True},
            {"endpoint": f"http://localhost:{port}"},
            {"endpoint": f"http://s3.localhost:{port}"},
        ]
        answers = run_node("s3.mjs", clients, self.bucket.name)
        sums = {key: hashlib.sha256(content).hexdigest() for key, content in self.files.items()}
        for settings, answer in zip(clients, answers, strict=True):
            with self.subTest(str(settings)):
                self.assertEqual({key: found["sha256"] for key, found in answer["objects"].items()}, sums)
                self.assertEqual(answer["error"], "NoSuchKey")

    def test_boto3_finds_buckets_by_path_and_by_host(self) -> None:
        lookup = socket.getaddrinfo

        def local(host: str, *rest: Any, **named: Any) -> Any:
            # as systemd-resolved, nss-myhostname and macOS do
            return lookup("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **named)

        port = self.host.rsplit(":", 1)[1]
        for style, url in (
            ("path", self.server.url),
            ("auto", self.server.url),
            ("virtual", f"http://localhost:{port}"),
            ("virtual", f"http://s3.localhost:{port}"),
        ):
            with self.subTest(f"{style} {url}"), mock.patch("socket.getaddrinfo", local):
                client = self.client(url=url, s3={"addressing_style": style})
                lister = client.get_paginator("list_objects_v2")
                pages = lister.paginate(Bucket=self.bucket.name, PaginationConfig={"PageSize": 100})
                found = {entry["Key"]: entry["ETag"] for page in pages for entry in page["Contents"]}
                self.assertEqual(found.keys(), self.files.keys())
                key = next(iter(found))
                answer = client.get_object(Bucket=self.bucket.name, Key=key, IfMatch=found[key])
                self.assertEqual(answer["Body"].read(), self.files[key])
                self.assertEqual((answer["ContentType"], answer["ContentEncoding"]), ("application/json", "gzip"))
                self.assertTrue(answer["ResponseMetadata"]["RequestId"])
                client.close()

    def test_boto3_reads_refusals(self) -> None:
        client = self.client()
        for call, code in (
            (lambda: client.delete_objects(Bucket=self.bucket.name, Delete={"Objects": [{"Key": "a"}]}), "NotImplemented"),
            (lambda: client.create_multipart_upload(Bucket=self.bucket.name, Key="a"), "NotImplemented"),
            (lambda: client.put_object(Bucket=self.bucket.name, Key="a", Body=b"x" * 100), "NotImplemented"),
            (lambda: client.create_bucket(Bucket="new-logs"), "AccessDenied"),
            (lambda: client.get_object(Bucket=self.bucket.name, Key="none"), "NoSuchKey"),
        ):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                call()
            self.assertEqual(caught.exception.response["Error"]["Code"], code)
            self.assertTrue(caught.exception.response["Error"]["Message"])
        self.assertTrue(client.list_buckets()["Owner"]["ID"])
        client.close()

    def test_presigned_urls_are_answered(self) -> None:
        client = self.client()
        key = next(iter(self.files))
        url = client.generate_presigned_url("get_object", Params={"Bucket": self.bucket.name, "Key": key}, ExpiresIn=1)
        target = url.removeprefix(self.server.url)
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request("GET", target)
        self.assertEqual(connection.getresponse().read(), self.files[key])
        connection.close()
        client.close()


class Buckets(unittest.TestCase):
    def test_the_cli_makes_a_bucket_and_a_trail_delivers_into_it(self) -> None:
        with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
            server = Server("--data-dir", folder)
            try:
                done = server.aws("s3", "mb", "s3://my-logs")
                self.assertEqual((done.returncode, done.stdout), (0, "make_bucket: my-logs\n"), done.stderr)
                trail = ["--name", "mine", "--s3-bucket-name", "my-logs", "--enable-log-file-validation"]
                self.assertEqual(server.aws("cloudtrail", "create-trail", *trail).returncode, 0)
                done = server.aws("s3", "ls", "s3://my-logs", "--recursive")
                keys = [line.split()[-1] for line in done.stdout.splitlines()]
                account = "AWSLogs/123456789012"
                self.assertEqual(keys, [f"{account}/CloudTrail-Digest/", f"{account}/CloudTrail/"], done.stderr)
                copy = Path(folder, "copy")
                self.assertEqual(server.aws("s3", "sync", "s3://my-logs", copy).returncode, 0)
            finally:
                self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main()
