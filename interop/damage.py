"""Ways to damage a copy of an archive, one for each situation of the specification that needs no private key.

Every function registered with `@damage` takes a `Victim` and a seeded `random.Random`, and changes files
of the victim. `row` is the number of the situation in the table of docs' verification rules. Nothing is
ever signed anew: what needs a signing key is tested by the Rust testkit.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import oracle


class Victim:
    """A private copy of an archive that may be damaged, and what it held before.

    The copy is made of hard links, so every write replaces the file instead of changing it.
    """

    def __init__(self, pristine: oracle.Archive, root: Path) -> None:
        shutil.copytree(pristine.root, root, copy_function=os.link)
        self.root = root
        self._pristine = pristine
        self.chains = oracle.chains(pristine)
        self._digests = pristine.digests()

    def digests(self, chain: oracle.Chain, *, backfill: bool = False) -> list[oracle.Digest]:
        """The chain's digests before any damage, oldest first."""
        own = [one for one in self._digests if one.chain == chain and one.backfill == backfill]
        return sorted(own, key=lambda one: one.end)

    def body(self, digest: oracle.Digest) -> bytes:
        """The inflated content of a digest before any damage."""
        return gzip.decompress(self._pristine.path(digest.bucket, digest.key).read_bytes())

    def logs(self, digest: oracle.Digest) -> list[Path]:
        """The files of the logs that a digest names."""
        entries = json.loads(self.body(digest))["logFiles"]
        return [self.root / entry["s3Bucket"] / entry["s3Object"] for entry in entries]

    def path(self, digest: oracle.Digest) -> Path:
        return self.root / digest.bucket / digest.key

    def sidecar(self, digest: oracle.Digest) -> Path:
        return Path(f"{self.path(digest)}{oracle.SIDECAR}")

    def write(self, path: Path, content: bytes) -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def delete(self, digest: oracle.Digest) -> None:
        """Deletes a digest and its sidecar."""
        self.path(digest).unlink()
        self.sidecar(digest).unlink(missing_ok=True)

    def edit_sidecar(self, digest: oracle.Digest, change: Callable[[dict], None]) -> None:
        document = json.loads(self.sidecar(digest).read_bytes())
        change(document["Metadata"])
        self.write(self.sidecar(digest), json.dumps(document).encode())

    def interior(self, rng: random.Random) -> oracle.Digest:
        """A digest that names a log and has two digests on either side of it that are linked to it."""
        choice = []
        for chain in self.chains:
            row = self.digests(chain)
            links = [json.loads(self.body(digest))["previousDigestS3Object"] for digest in row]
            for at in range(3, len(row) - 2):
                if all(links[at - 2 : at + 3]) and self.logs(row[at]):
                    choice.append(row[at])
        return rng.choice(choice)

    def neighbour(self, digest: oracle.Digest, steps: int) -> oracle.Digest:
        """The digest that comes `steps` after (before, when negative) in the chain."""
        row = self.digests(digest.chain)
        return row[row.index(digest) + steps]

    def newest(self, rng: random.Random) -> oracle.Digest:
        return self.digests(rng.choice(self.chains))[-1]

    def log(self, rng: random.Random) -> Path:
        """A log that an interior digest names."""
        return rng.choice(self.logs(self.interior(rng)))

    def restarted(self, rng: random.Random) -> oracle.Digest:
        """A starting digest that comes after a gap."""
        choice = []
        for chain in self.chains:
            for digest in self.digests(chain)[1:]:
                if json.loads(self.body(digest))["previousDigestS3Object"] is None:
                    choice.append(digest)
        return rng.choice(choice)

    def backfills(self) -> list[oracle.Digest]:
        return [digest for chain in self.chains for digest in self.digests(chain, backfill=True)]


@dataclasses.dataclass(frozen=True)
class Damage:
    name: str
    row: int
    needs: str  # the shape of archive: "any", "gap" or "backfill"
    apply: Callable[[Victim, random.Random], None]


DAMAGES: dict[str, Damage] = {}


def damage(row: int, needs: str = "any"):
    def register(function: Callable[[Victim, random.Random], None]):
        DAMAGES[function.__name__] = Damage(function.__name__, row, needs, function)
        return function

    return register


def repack(content: bytes, level: int = 6) -> bytes:
    return gzip.compress(content, level, mtime=0)


def inflate(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def flip_hex(text: str) -> str:
    """The same hex digits with one bit of the middle one changed."""
    at = len(text) // 2
    return f"{text[:at]}{int(text[at], 16) ^ 1:x}{text[at + 1 :]}"


# Logs


@damage(4)
def log_changed(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    content = inflate(path)
    victim.write(path, repack(content.replace(b'"eventName"', b'"eventname"', 1)))


@damage(5)
def log_compressed_again(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, repack(inflate(path), 1))


@damage(6)
def log_stored_inflated(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, inflate(path))


@damage(7)
def log_deleted(victim: Victim, rng: random.Random) -> None:
    victim.log(rng).unlink()


@damage(7)
def logs_of_a_digest_deleted(victim: Victim, rng: random.Random) -> None:
    for path in victim.logs(victim.interior(rng)):
        path.unlink()


@damage(8)
def log_renamed(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    path.rename(path.with_name(path.name.replace(".json.gz", "x.json.gz")))


@damage(9)
def logs_swapped(victim: Victim, rng: random.Random) -> None:
    paths = sorted({path for chain in victim.chains for one in victim.digests(chain) for path in victim.logs(one)})
    first, second = rng.sample(paths, 2)
    one, other = first.read_bytes(), second.read_bytes()
    victim.write(first, other)
    victim.write(second, one)


@damage(10)
def log_trailing_data(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, path.read_bytes() + b"\nsomething more")


@damage(11)
def log_extra_member(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, path.read_bytes() + repack(b'{"Records":[]}'))


@damage(12)
def log_truncated(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    content = path.read_bytes()
    victim.write(path, content[: len(content) // 2])


@damage(13)
def log_trailer_cut(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, path.read_bytes()[:-5])


@damage(14)
def log_checksum_broken(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    content = path.read_bytes()
    victim.write(path, flip(content, len(content) - 8))


@damage(14)
def log_length_broken(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    content = path.read_bytes()
    victim.write(path, flip(content, len(content) - 1))


@damage(14)
def log_deflate_broken(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    content = bytearray(path.read_bytes())
    content[10] |= 0b110  # the reserved block type
    victim.write(path, bytes(content))


@damage(14)
def log_header_broken(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path, flip(path.read_bytes(), 0))


@damage(15)
def log_emptied(victim: Victim, rng: random.Random) -> None:
    victim.write(victim.log(rng), b"")


@damage(17)
def log_planted(victim: Victim, rng: random.Random) -> None:
    path = victim.log(rng)
    victim.write(path.with_name(path.name[:-12] + "PLANTED.json.gz"), repack(b'{"Records":[]}'))


# Digests


def edited(victim: Victim, digest: oracle.Digest) -> bytes:
    """The digest's content with another hash for one of its logs."""
    value = json.loads(victim.body(digest))
    old = value["logFiles"][0]["hashValue"]
    return victim.body(digest).replace(old.encode(), flip_hex(old).encode())


@damage(21)
def digest_edited(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    victim.write(victim.path(digest), repack(edited(victim, digest)))


@damage(21)
def newest_digest_edited(victim: Victim, rng: random.Random) -> None:
    digest = victim.newest(rng)
    victim.write(victim.path(digest), repack(victim.body(digest).replace(b'"awsAccountId":"', b'"awsAccountId":"9', 1)))


@damage(22)
def digest_serialised_again(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    victim.write(victim.path(digest), repack(json.dumps(json.loads(victim.body(digest)), indent=1).encode()))


@damage(5)
def digest_compressed_again(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    victim.write(victim.path(digest), repack(victim.body(digest), 1))


@damage(6)
def digest_stored_inflated(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    victim.write(victim.path(digest), victim.body(digest))


@damage(23)
def digest_trailing_data(victim: Victim, rng: random.Random) -> None:
    path = victim.path(victim.interior(rng))
    victim.write(path, path.read_bytes() + b"something more")


@damage(23)
def digest_extra_member(victim: Victim, rng: random.Random) -> None:
    path = victim.path(victim.interior(rng))
    victim.write(path, path.read_bytes() + repack(b"{}"))


def malformed(name: str, change: Callable[[bytes], bytes]) -> None:
    """Registers a digest whose file content becomes `change(inflated content)`."""

    def apply(victim: Victim, rng: random.Random) -> None:
        digest = victim.interior(rng)
        victim.write(victim.path(digest), change(victim.body(digest)))

    DAMAGES[name] = Damage(name, 24, "any", apply)


malformed("digest_truncated", lambda body: repack(body)[: len(repack(body)) // 2])
malformed("digest_checksum_broken", lambda body: flip(repack(body), len(repack(body)) - 8))
malformed("digest_empty_file", lambda body: b"")
malformed("digest_empty_content", lambda body: repack(b""))
malformed("digest_not_gzip", lambda body: b"not gzip at all")
malformed("digest_not_json", lambda body: repack(body[:-1]))
malformed("digest_empty_object", lambda body: repack(b"{}"))
malformed("digest_array", lambda body: repack(b"[" + body + b"]"))
malformed("digest_null", lambda body: repack(b"null"))
malformed("digest_string", lambda body: repack(b'"digest"'))
malformed("digest_not_utf8", lambda body: repack(body.replace(b'"awsAccountId":"', b'"awsAccountId":"\xff', 1)))
malformed("digest_without_end_time", lambda body: repack(body.replace(b'"digestEndTime"', b'"digestEndTim"', 1)))
malformed("digest_wrong_types", lambda body: repack(body.replace(b'"logFiles":[', b'"logFiles":7,"logs":[', 1)))


@damage(25)
def digest_deleted(victim: Victim, rng: random.Random) -> None:
    victim.delete(victim.interior(rng))


@damage(26)
def digests_deleted(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    for steps in (-1, 0, 1):
        victim.delete(victim.neighbour(digest, steps))


@damage(27)
def digest_edited_and_predecessor_deleted(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    victim.write(victim.path(digest), repack(edited(victim, digest)))
    victim.delete(victim.neighbour(digest, -1))


@damage(28)
def newest_digests_deleted(victim: Victim, rng: random.Random) -> None:
    row = victim.digests(rng.choice(victim.chains))
    for digest in row[-4:]:
        victim.delete(digest)


@damage(29)
def newest_digests_and_logs_deleted(victim: Victim, rng: random.Random) -> None:
    row = victim.digests(rng.choice(victim.chains))
    for digest in row[-4:]:
        for path in victim.logs(digest):
            path.unlink()
        victim.delete(digest)


@damage(30)
def oldest_digest_deleted(victim: Victim, rng: random.Random) -> None:
    victim.delete(victim.digests(rng.choice(victim.chains))[0])


@damage(30)
def oldest_digests_deleted(victim: Victim, rng: random.Random) -> None:
    for digest in victim.digests(rng.choice(victim.chains))[:3]:
        victim.delete(digest)


@damage(31)
def all_digests_deleted(victim: Victim, rng: random.Random) -> None:
    for digest in victim.digests(rng.choice(victim.chains)):
        victim.delete(digest)


@damage(44)
def digest_replayed(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    old = victim.neighbour(digest, -2)
    victim.write(victim.path(digest), victim.path(old).read_bytes())
    victim.write(victim.sidecar(digest), victim.sidecar(old).read_bytes())


@damage(49)
def digest_far_future(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    stamp = digest.end.strftime(oracle.STAMP)
    path = victim.path(digest)
    victim.write(path.with_name(path.name.replace(stamp, "29990101T000000Z")), path.read_bytes())


@damage(50)
def digest_moved(victim: Victim, rng: random.Random) -> None:
    digest = victim.interior(rng)
    stamp = digest.end.strftime(oracle.STAMP)
    moved = stamp[:-3] + f"{(int(stamp[-3:-1]) + 1) % 60:02}Z"
    for path in (victim.path(digest), victim.sidecar(digest)):
        path.rename(path.with_name(path.name.replace(stamp, moved)))


# Signatures


@damage(41)
def newest_signature_flipped(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.newest(rng), lambda one: one.update(signature=flip_hex(one["signature"])))


@damage(40)
def interior_signature_flipped(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.interior(rng), lambda one: one.update(signature=flip_hex(one["signature"])))


@damage(42)
def newest_signature_not_hex(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.newest(rng), lambda one: one.update(signature="zz" + one["signature"][2:]))


@damage(42)
def newest_signature_odd_length(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.newest(rng), lambda one: one.update(signature=one["signature"][1:]))


@damage(42)
def newest_signature_short(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.newest(rng), lambda one: one.update(signature=one["signature"][2:]))


@damage(43)
def newest_algorithm_changed(victim: Victim, rng: random.Random) -> None:
    victim.edit_sidecar(victim.newest(rng), lambda one: one.update({"signature-algorithm": "SHA1withRSA"}))


@damage(2)
def newest_sidecar_deleted(victim: Victim, rng: random.Random) -> None:
    victim.sidecar(victim.newest(rng)).unlink()


@damage(3)
def interior_sidecar_deleted(victim: Victim, rng: random.Random) -> None:
    victim.sidecar(victim.interior(rng)).unlink()


@damage(2)
def all_sidecars_deleted(victim: Victim, rng: random.Random) -> None:
    for chain in victim.chains:
        for digest in victim.digests(chain) + victim.digests(chain, backfill=True):
            victim.sidecar(digest).unlink()


# Gaps


@damage(36, needs="gap")
def restarting_digest_deleted(victim: Victim, rng: random.Random) -> None:
    victim.delete(victim.restarted(rng))


@damage(34, needs="gap")
def digests_before_gap_deleted(victim: Victim, rng: random.Random) -> None:
    digest = victim.restarted(rng)
    for steps in (-1, -2):
        victim.delete(victim.neighbour(digest, steps))


@damage(35, needs="gap")
def older_chain_deleted(victim: Victim, rng: random.Random) -> None:
    digest = victim.restarted(rng)
    for old in victim.digests(digest.chain):
        if old.end < digest.end:
            victim.delete(old)


@damage(34, needs="gap")
def end_before_gap_edited(victim: Victim, rng: random.Random) -> None:
    digest = victim.neighbour(victim.restarted(rng), -1)
    victim.write(victim.path(digest), repack(victim.body(digest).replace(b'"awsAccountId":"', b'"awsAccountId":"9', 1)))


# Backfill digests


@damage(21, needs="backfill")
def backfill_edited(victim: Victim, rng: random.Random) -> None:
    digest = rng.choice(victim.backfills())
    victim.write(victim.path(digest), repack(edited(victim, digest)))


@damage(4, needs="backfill")
def backfill_log_changed(victim: Victim, rng: random.Random) -> None:
    path = rng.choice(victim.logs(rng.choice(victim.backfills())))
    victim.write(path, repack(inflate(path) + b" "))


@damage(7, needs="backfill")
def backfill_log_deleted(victim: Victim, rng: random.Random) -> None:
    rng.choice(victim.logs(rng.choice(victim.backfills()))).unlink()


@damage(52, needs="backfill")
def backfill_time_removed(victim: Victim, rng: random.Random) -> None:
    digest = rng.choice(victim.backfills())
    victim.edit_sidecar(digest, lambda one: one.pop("backfill-generation-timestamp"))


@damage(53, needs="backfill")
def backfill_deleted(victim: Victim, rng: random.Random) -> None:
    victim.delete(rng.choice(victim.backfills()))


def random_damage(victim: Victim, rng: random.Random) -> str:
    """Changes one to three random digest or log files at random; says what it did."""
    files = [
        path
        for path in sorted(victim.root.rglob("*.json.gz"))
        if path.is_file()
    ]
    done = []
    for path in rng.sample(files, rng.choice((1, 1, 2, 3))):
        content = path.read_bytes()
        action = rng.choice(("flip", "flip", "cut", "append", "delete", "empty", "replace", "insert", "content"))
        at = rng.randrange(len(content))
        if action == "flip":
            victim.write(path, flip(content, at))
        elif action == "cut":
            victim.write(path, content[:at])
        elif action == "append":
            victim.write(path, content + rng.randbytes(rng.randrange(1, 40)))
        elif action == "delete":
            path.unlink()
        elif action == "empty":
            victim.write(path, b"")
        elif action == "replace":
            victim.write(path, rng.choice(files).read_bytes() if rng.random() < 0.5 else rng.randbytes(300))
        elif action == "insert":
            victim.write(path, content[:at] + rng.randbytes(3) + content[at:])
        else:
            inflated = zlib.decompress(content, zlib.MAX_WBITS | 16)
            victim.write(path, repack(flip(inflated, rng.randrange(len(inflated)))))
        done.append(f"{action} {path.name}")
    return ", ".join(done)
