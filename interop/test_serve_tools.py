"""Auditors' tools, unmodified, for which `trailseal serve` is all of AWS (`AWS_ENDPOINT_URL`): Cloud Custodian's and Prowler's
checks of CloudTrail over an archive and local trails.

Each lies in a virtual environment of its own below the build folder (`.ci/run` installs them; README.md says how by hand).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from serving import KEY_ID, Server, arn, at_once
from support import DEMO, SCRATCH, TARGET, skip_loudly

ACCOUNT = "111122223333"
CUSTODIAN = TARGET / "custodian/bin/custodian"
PROWLER = TARGET / "prowler/bin/prowler"

# By their names, policies with a filter and the trails of `Tools` that pass it.
POLICIES: dict[str, tuple[list[Any], set[str]]] = {
    "all": ([], {"audit", "audit-elsewhere", "local"}),
    "logging": ([{"type": "status", "key": "IsLogging", "value": True}], {"local"}),
    "validated": ([{"LogFileValidationEnabled": True}], {"audit", "audit-elsewhere", "local"}),
    "multi-region": ([{"IsMultiRegionTrail": True}], {"audit", "audit-elsewhere", "local"}),
    "management": (
        [{"type": "event-selectors", "key": "EventSelectors[].IncludeManagementEvents", "op": "contains", "value": True}],
        {"audit", "audit-elsewhere"},
    ),
    "data": (
        [{"type": "event-selectors", "key": "AdvancedEventSelectors[].Name", "op": "contains", "value": "objects"}],
        {"local"},
    ),
    "tagged": ([{"tag:owner": "ann"}], {"local"}),
    "untagged": ([{"tag:owner": "absent"}], {"audit", "audit-elsewhere"}),
}


class Tools(unittest.TestCase):
    """One server over an archive and a data folder."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp(prefix="tools-", dir=SCRATCH))
        cls.server = Server(
            "--archive", DEMO / "archive", "--keys", DEMO / "keys", "--account", ACCOUNT, "--data-dir", cls.folder / "data"
        )
        cls.addClassCleanup(cls.server.end)
        client = cls.server.client()
        client.create_trail(
            Name="local", S3BucketName="local-logs", IsMultiRegionTrail=True, EnableLogFileValidation=True,
            TagsList=[{"Key": "owner", "Value": "ann"}],
        )  # fmt: skip
        fields = [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        ]
        client.put_event_selectors(
            TrailName="local", AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": fields}]
        )
        client.start_logging(Name="local")
        cls.names = {trail["Name"] for trail in client.describe_trails()["trailList"]}

    def run_tool(self, *words: object) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL": self.server.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command = [str(word) for word in words]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=self.folder, timeout=300, check=False
        )

    def test_cloud_custodian_s_policies(self) -> None:
        if not CUSTODIAN.exists():
            skip_loudly("Cloud Custodian is absent, so that its policies are not run against the server")
        policies = [
            {"name": name, "resource": "aws.cloudtrail", "filters": filters} for name, (filters, _) in POLICIES.items()
        ]
        account = {"name": "account", "resource": "aws.account", "filters": [{"type": "check-cloudtrail", "running": True}]}
        file = self.folder / "policies.json"
        file.write_text(json.dumps({"policies": [*policies, account]}))
        out = self.folder / "custodian"
        done = self.run_tool(CUSTODIAN, "run", "--region", "us-east-1", "-s", out, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, (_, expected) in POLICIES.items():
            found = {trail["Name"] for trail in json.loads((out / name / "resources.json").read_text())}
            self.assertEqual(found, expected & self.names, name)
        # an account that has a running trail is not among those that lack one
        self.assertEqual(json.loads((out / "account/resources.json").read_text()), [])

    def test_prowler_s_checks(self) -> None:
        if not PROWLER.exists():
            skip_loudly("Prowler is absent, so that its checks are not run against the server")
        out = self.folder / "prowler"
        checks = [
            "cloudtrail_log_file_validation_enabled",
            "cloudtrail_multi_region_enabled",
            "cloudtrail_s3_dataevents_read_enabled",
            "cloudtrail_s3_dataevents_write_enabled",
            "cloudtrail_insights_exist",
        ]
        words = ["aws", "--region", "us-east-1", "-M", "json-ocsf", "-o", out, "-F", "found", "-b", "-z", "--checks", *checks]
        done = self.run_tool(PROWLER, *words)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        found: dict[str, set[tuple[str, str]]] = {}
        for finding in json.loads((out / "found.ocsf.json").read_text()):
            check = finding["metadata"]["event_code"]
            about = finding["resources"][0]["uid"].rsplit("/", 1)[-1]
            found.setdefault(check, set()).add((about, finding["status_code"]))
        validated = {(name, "PASS") for name in self.names}
        self.assertEqual(found["cloudtrail_log_file_validation_enabled"], validated)
        self.assertIn(("local", "PASS"), found["cloudtrail_s3_dataevents_read_enabled"])
        self.assertIn(("local", "PASS"), found["cloudtrail_s3_dataevents_write_enabled"])
        self.assertEqual({status for _, status in found["cloudtrail_multi_region_enabled"]}, {"PASS"})
        self.assertIn(("local", "FAIL"), found["cloudtrail_insights_exist"])
        self.assertEqual(set(found), set(checks))


load_tests = at_once(__name__)

if __name__ == "__main__":
    unittest.main()
