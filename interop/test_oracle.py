"""`trailseal verify --format aws` beside the real `aws cloudtrail validate-logs`.

Everything must be equal, line for line and in exit status, but for the two tables below.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import unittest
from datetime import timedelta

import damage
import oracle
import support


@dataclasses.dataclass(frozen=True)
class Difference:
    """A damage for which our text is not the reference's."""

    reason: str
    status: int  # ours with --format aws
    verify: int  # ours with the other formats


# docs/formats/ explains each of these to users.
EXPECTED_DIFFERENCES: dict[str, Difference] = {
    "log_stored_inflated": Difference("hashes are over inflated bytes, so an inflated copy is verifiable", 0, 0),
    "digest_stored_inflated": Difference("hashes are over inflated bytes, so an inflated copy is verifiable", 0, 0),
    "log_trailer_cut": Difference("zlib's streaming interface never misses the trailer; we do", 1, 1),
    "digest_trailing_data": Difference("zlib.decompress ignores what follows the first member", 1, 1),
    "digest_extra_member": Difference("zlib.decompress ignores what follows the first member", 1, 1),
    "digest_array": Difference("the reference prints the text of a Python exception", 1, 1),
    "digest_null": Difference("the reference prints the text of a Python exception", 1, 1),
    "digest_string": Difference("the reference prints the text of a Python exception", 1, 1),
    "digest_wrong_types": Difference("we read every member before the signature, the reference only six", 1, 1),
    "newest_algorithm_changed": Difference("the reference does not look at the algorithm", 1, 3),
    "interior_sidecar_deleted": Difference("a missing signature is not a false one: the successor vouches", 0, 0),
    "all_sidecars_deleted": Difference("a missing signature is not a false one: only chain ends lack proof", 1, 3),
    "all_digests_deleted": Difference("no digests is not success", 1, 3),
    "backfill_time_removed": Difference("the key is found by fingerprint, without the generation time", 0, 0),
}

# Damage that changes nothing in the reference's text, and our exit status for it (other formats).
UNSEEN_BY_REFERENCE: dict[str, int] = {
    "log_planted": 3,
    "newest_digests_deleted": 3,
    "newest_digests_and_logs_deleted": 3,
    "digest_far_future": 1,
    "digests_before_gap_deleted": 3,
    "older_chain_deleted": 3,
    "backfill_deleted": 3,
}

# Damage that leaves everything proven.
HARMLESS = {"log_compressed_again", "digest_compressed_again"}

RANDOM_DAMAGES = 100


class OracleTest(unittest.TestCase):
    maxDiff = None

    def assert_same(self, ours: oracle.Outcome, reference: oracle.Outcome) -> None:
        self.assertEqual(ours.stdout.splitlines(), reference.stdout.splitlines(), "stdout, ours first")
        self.assertEqual(ours.stderr.splitlines(), reference.stderr.splitlines(), "stderr, ours first")
        self.assertEqual(ours.stdout, reference.stdout, "the same lines, but other ends of lines")
        self.assertEqual(ours.stderr, reference.stderr, "the same lines, but other ends of lines")
        self.assertEqual(ours.status, reference.status, "exit status, ours first")


class CleanArchives(OracleTest):
    def check(self, fixture: support.Fixture) -> None:
        digests, logs = 0, 0
        for chain in fixture.chains:
            for verbose in (False, True):
                reference = fixture.reference(chain, verbose=verbose)
                self.assertEqual(reference.status, 0, f"the reference refuses {chain}:\n{reference.stderr}")
                self.assert_same(fixture.ours(chain, verbose=verbose), reference)
            for kind, (valid, total) in reference.counts().items():
                self.assertEqual(valid, total)
                digests += valid * (kind != "log")
                logs += valid * (kind == "log")
        status, report = support.report(fixture.root, fixture.keys)
        counted = report["totals"]["digests"]["verified"], report["totals"]["logs"]["verified"]
        self.assertEqual(counted, (digests, logs), "files that our report and the reference call valid")
        has_gap = fixture.name == "gap"
        self.assertEqual((status, report["verdict"]), (3, "unproven") if has_gap else (0, "verified"))
        # The logs of this archive hold the StopLogging event: it is named, and the hours stay without logging.
        gaps = [finding for finding in report["findings"] if finding["code"] == "gap"]
        self.assertEqual([gap["severity"] for gap in gaps], ["unproven"] * len(fixture.chains) if has_gap else [])
        self.assertTrue(all("StopLogging" in gap["message"] for gap in gaps))

    def test_generated(self) -> None:
        for shape in support.SHAPES:
            with self.subTest(shape):
                self.check(support.generated(shape))

    def test_shapes_are_what_they_say(self) -> None:
        """Guards the tests above: a shape that lost its property would compare nothing new."""
        texts = {}
        for shape in support.SHAPES:
            fixture = support.generated(shape)
            outcomes = [fixture.reference(chain) for chain in fixture.chains]
            texts[shape] = "".join(outcome.stdout + outcome.stderr for outcome in outcomes)
        self.assertIn("No log files were delivered", texts["gap"])
        self.assertIn("backfill digest files valid", texts["backfill"])
        self.assertNotIn("log files valid", texts["no events"])
        self.assertEqual({chain.organization for chain in support.generated("organization").chains}, {"o-exampleorgid"})
        self.assertEqual({one.prefix for one in support.generated("prefix").archive.digests()}, {"some/where"})
        self.assertEqual(len({chain.home_region for chain in support.generated("single region").chains}), 2)

    def test_demo(self) -> None:
        self.check(support.demo())

    def test_golden(self) -> None:
        fixture = support.golden()
        self.check(fixture)
        counts = [fixture.reference(chain).counts() for chain in fixture.chains]
        self.assertEqual(len(counts), 4)
        self.assertEqual(sum(count["digest"][0] for count in counts), 32)
        self.assertEqual(sum(count["log"][0] for count in counts), 246)

    def test_part_of_the_time(self) -> None:
        for fixture in (support.generated("organization"), support.generated("rotation"), support.generated("gap")):
            chain = fixture.chains[0]
            hour = timedelta(hours=1)
            for start, end in [
                (fixture.start + 3 * hour, fixture.end),
                (fixture.start, fixture.end - 4 * hour),
                (fixture.start + 2 * hour, fixture.start + 5 * hour),
                (fixture.start + 2.5 * hour, fixture.start + 4.25 * hour),
                (fixture.start - 30 * hour, fixture.end + 30 * hour),
            ]:
                with self.subTest(f"{fixture.name}: {start} to {end}"):
                    times = {"start": start, "end": end, "verbose": True}
                    reference = fixture.reference(chain, **times)
                    self.assertNotEqual(reference.status, 255, reference.stderr)
                    self.assert_same(fixture.ours(chain, **times), reference)

    def test_all_chains_in_one_run(self) -> None:
        """Without filters: one run after the other, in the order of the chains."""
        for fixture in (support.generated("organization"), support.generated("single region")):
            with self.subTest(fixture.name):
                times = (fixture.start.strftime(oracle.ISO), fixture.end.strftime(oracle.ISO))
                done = support.run(
                    *("verify", fixture.root, "--keys", fixture.keys, "--format", "aws", "--verbose"),
                    *("--start-time", times[0], "--end-time", times[1]),
                )
                expected = [fixture.reference(chain, verbose=True) for chain in fixture.chains]
                self.assertGreater(len(expected), 1)
                self.assertEqual(done.stdout, "".join(outcome.stdout for outcome in expected))
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, 0)


class DamagedArchives(OracleTest):
    def check(self, fixture: support.Fixture, one: damage.Damage) -> None:
        root = support.SCRATCH / "victim"
        shutil.rmtree(root, ignore_errors=True)
        victim = damage.Victim(fixture.archive, root)
        one.apply(victim, random.Random(f"{fixture.name} {one.name}"))
        archive = oracle.Archive(root)
        pairs = [
            (fixture.ours(chain, root, verbose=True), fixture.reference(chain, archive, verbose=True))
            for chain in fixture.chains
        ]
        difference = EXPECTED_DIFFERENCES.get(one.name)
        verify, _ = support.report(root, fixture.keys)
        if difference:
            different = [ours.chain for ours, reference in pairs if ours != reference]
            self.assertTrue(different, f"no difference left, take it from the table: {difference.reason}")
            self.assertEqual(max(ours.status for ours, _ in pairs), difference.status)
            self.assertEqual(verify, difference.verify)
            return
        for ours, reference in pairs:
            if one.name in UNSEEN_BY_REFERENCE:
                self.assertEqual(reference.status, 0, "the reference now sees it")
                ours = dataclasses.replace(ours, status=ours.status if ours.status > 1 else 0)
            self.assert_same(ours, reference)
        found = any(reference.status for _, reference in pairs)
        if one.name in UNSEEN_BY_REFERENCE:
            self.assertEqual(verify, UNSEEN_BY_REFERENCE[one.name])
        elif found:
            self.assertIn(verify, (1, 3), "the reference found a problem")
        else:
            self.assertIn(one.name, HARMLESS, "neither sees the damage")
            self.assertEqual(verify, 0)

    def check_all(self, fixture: support.Fixture, needs: str) -> None:
        for one in damage.DAMAGES.values():
            if one.needs == needs:
                with self.subTest(f"{fixture.name}: {one.name} (situation {one.row})"):
                    self.check(fixture, one)

    def test_generated(self) -> None:
        self.check_all(support.generated("organization"), "any")

    def test_golden(self) -> None:
        self.check_all(support.golden(), "any")

    def test_gap(self) -> None:
        self.check_all(support.generated("gap"), "gap")

    def test_backfill(self) -> None:
        self.check_all(support.generated("backfill"), "backfill")

    def test_keys_of_another_archive(self) -> None:
        """A key that is not at hand: both name its fingerprint."""
        fixture = support.generated("organization")
        other = support.generated("rotation")
        chain = fixture.chains[0]
        stranger = support.Fixture(fixture.name, fixture.root, other.keys)
        self.assertFalse(
            {entry["Fingerprint"] for entry in fixture.public_keys.in_range(chain.region, fixture.start, fixture.end)}
            & {entry["Fingerprint"] for entry in other.public_keys.in_range(chain.region, fixture.start, fixture.end)}
        )
        reference = stranger.reference(chain)
        self.assertEqual(reference.status, 1)
        self.assertIn("public key not found in region us-east-1 for fingerprint", reference.stderr)
        self.assert_same(stranger.ours(chain), reference)
        self.assertEqual(support.report(fixture.root, other.keys)[0], 3)

    def test_tables_name_damages(self) -> None:
        for name in [*EXPECTED_DIFFERENCES, *UNSEEN_BY_REFERENCE, *HARMLESS]:
            self.assertIn(name, damage.DAMAGES)

    def test_random_damage(self) -> None:
        """Whatever the reference finds, we find."""
        fixture = support.generated("organization")
        found = 0
        for seed in range(RANDOM_DAMAGES):
            root = support.SCRATCH / "random"
            shutil.rmtree(root, ignore_errors=True)
            done = damage.random_damage(damage.Victim(fixture.archive, root), random.Random(seed))
            archive = oracle.Archive(root)
            if not any(fixture.reference(chain, archive).status for chain in fixture.chains):
                continue
            found += 1
            with self.subTest(f"seed {seed}: {done}"):
                status, report = support.report(root, fixture.keys)
                self.assertIn(status, (1, 3))
                self.assertNotEqual(report["verdict"], "verified")
                self.assertTrue(report["findings"])
        self.assertGreater(found, RANDOM_DAMAGES // 2, "most random damage should be visible to the reference")


if __name__ == "__main__":
    unittest.main()
