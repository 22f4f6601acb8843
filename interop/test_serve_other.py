"""Calls of other services against `trailseal serve`, as botocore makes them where `AWS_ENDPOINT_URL` is set: what tools ask before
their first call of CloudTrail is answered, all else is an error that the client can read."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import ClientError

from serving import KEY_ID, Server, at_once
from support import DEMO, SCRATCH

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}:user/team/ann"

# What is answered.
ANSWERED = ("GetCallerIdentity", "DescribeRegions", "ListAccountAliases", "GetResources")
# Service, operation, and what it must be given; by how the service is spoken to.
QUERY = [
    ("iam", "list_users", {}),
    ("sns", "list_topics", {}),
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::111122223333:role/x", "RoleSessionName": "session"}),
    ("cloudformation", "list_stacks", {}),
    ("rds", "describe_db_instances", {}),
    ("autoscaling", "describe_auto_scaling_groups", {}),
    ("elbv2", "describe_load_balancers", {}),
    ("ec2", "describe_instances", {}),
]
JSON = [
    ("dynamodb", "list_tables", {}),
    ("kms", "list_keys", {}),
    ("logs", "describe_log_groups", {}),
    ("config", "describe_configuration_recorders", {}),
    ("organizations", "describe_organization", {}),
    ("sqs", "list_queues", {}),
    ("cloudwatch", "describe_alarms", {}),  # CBOR since 2025
    ("servicecatalog", "list_portfolios", {}),  # CBOR
]
REST = [
    ("lambda", "list_functions", {}),
    ("guardduty", "list_detectors", {}),
    ("securityhub", "get_findings", {}),
    ("eks", "list_clusters", {}),
    ("route53", "list_hosted_zones", {}),
    ("cloudfront", "list_distributions", {}),
]


def client(server: Server, service: str, secret: str = "made-up") -> Any:
    """A client of botocore for which the server is this service."""
    session = botocore.session.Session()
    session.set_config_variable("config_file", os.devnull)
    return session.create_client(
        service,
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=secret,
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )


def operation_without_input(model: Any) -> str | None:
    """An operation that needs no input, and is signed by Signature Version 4 at the service's own endpoint."""
    if model.metadata.get("signatureVersion") != "v4" and "aws.auth#sigv4" not in model.metadata.get("auth", []):
        return None
    for name in model.operation_names:
        operation = model.operation_model(name)
        is_needy = operation.input_shape is not None and operation.input_shape.required_members
        is_odd = operation.auth_type or operation.auth or operation.endpoint or operation.endpoint_discovery
        if not is_needy and not is_odd and name not in ANSWERED:
            return name
    return None


class Elsewhere(Exception):
    """A request that would leave this machine, whatever the endpoint is set to."""


class OpenToAll(unittest.TestCase):
    """Over an archive, with any credentials."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--archive", DEMO / "archive", "--account", ACCOUNT)
        cls.addClassCleanup(cls.server.end)

    def test_who_calls_is_told(self) -> None:
        found = client(self.server, "sts").get_caller_identity()
        self.assertEqual((found["Account"], found["Arn"]), (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{KEY_ID}"))
        self.assertRegex(found["UserId"], "^AIDA[A-Z2-7]{17}$")
        self.assertEqual(client(self.server, "sts").get_caller_identity()["UserId"], found["UserId"])
        self.assertTrue(found["ResponseMetadata"]["RequestId"])
        done = self.server.aws("sts", "get-caller-identity", "--query", "Account", "--output", "text")
        self.assertEqual((done.stdout.strip(), done.stderr), (ACCOUNT, ""))

    def test_regions_are_told(self) -> None:
        ec2 = client(self.server, "ec2")
        names = {region["RegionName"] for region in ec2.describe_regions()["Regions"]}
        self.assertLessEqual({"us-east-1", "eu-west-1", "ap-southeast-2"}, names)
        some = ec2.describe_regions(RegionNames=["us-east-1"], Filters=[{"Name": "region-name", "Values": ["us-east-1"]}])
        self.assertEqual(some["Regions"][0]["OptInStatus"], "opt-in-not-required")
        with self.assertRaises(ClientError) as raised:
            ec2.describe_regions(RegionNames=["mars-1"])
        self.assertEqual(raised.exception.response["Error"]["Code"], "InvalidParameterValue")

    def test_other_services_are_refused_in_their_words(self) -> None:
        for service, operation, given in QUERY + JSON + REST:
            with self.subTest(service=service), self.assertRaises(ClientError) as raised:
                getattr(client(self.server, service), operation)(**given)
            answer = raised.exception.response
            is_xml = (service, operation, given) in QUERY or service in ("route53", "cloudfront")
            code = "UnsupportedOperation" if is_xml else "UnsupportedOperationException"
            with self.subTest(service=service):
                self.assertEqual(answer["Error"]["Code"], code)
                self.assertIn("trailseal serves CloudTrail, and not ", answer["Error"]["Message"])
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 400)
                self.assertTrue(answer["ResponseMetadata"]["RequestId"])

    def keep_here(self, request: Any, **_: object) -> None:
        if not request.url.startswith(self.server.url):
            raise Elsewhere(request.url)

    def test_every_service_of_botocore_is_refused_and_none_is_mistaken(self) -> None:
        """Of every `TRAILSEAL_SERVICES`th service one operation that needs no input; all of them take a minute."""
        session = botocore.session.Session()
        step = int(os.environ.get("TRAILSEAL_SERVICES", "6"))
        tried, mistaken = 0, []
        for service in session.get_available_services()[::step]:
            if service in ("s3", "s3control", "cloudtrail", "cloudtrail-data"):
                continue
            called = client(self.server, service)
            operation = operation_without_input(called.meta.service_model)
            if operation is None:
                continue
            called.meta.events.register("before-send", self.keep_here)
            try:
                getattr(called, botocore.xform_name(operation))()
                mistaken.append((service, operation, "answered"))
            except Elsewhere:
                continue
            except ClientError as error:
                tried += 1
                code = error.response["Error"]["Code"]
                if not code.startswith("UnsupportedOperation"):
                    mistaken.append((service, operation, code))
            finally:
                called.close()
        self.assertEqual(mistaken, [])
        self.assertGreater(tried, 180 // step)

    def test_operations_of_cloudtrail_that_are_not_served_say_so(self) -> None:
        cloudtrail = client(self.server, "cloudtrail")
        for operation in ("list_event_data_stores", "list_channels", "list_dashboards", "list_imports"):
            with self.subTest(operation=operation), self.assertRaises(cloudtrail.exceptions.UnsupportedOperationException):
                getattr(cloudtrail, operation)()
        data = client(self.server, "cloudtrail-data")
        with self.assertRaises(data.exceptions.UnsupportedOperationException):
            data.put_audit_events(channelArn="channel", auditEvents=[{"id": "a", "eventData": "{}"}])


class WithKeys(unittest.TestCase):
    """Where requests must be signed, and keys have owners."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(tempfile.mkdtemp(prefix="owners-", dir=SCRATCH))
        keys = folder / "keys"
        keys.touch(mode=0o600)
        keys.write_text(f"{KEY_ID} right arn={ARN}\nAKIAEXAMPLEEXAMPLE02 right user_name=bob\n")
        options = ("--access-keys", keys, "--account", ACCOUNT)
        cls.server = Server("--data-dir", folder / "data", *options)
        cls.addClassCleanup(cls.server.end)

    def test_the_owner_of_a_key_is_who_calls(self) -> None:
        found = client(self.server, "sts", "right").get_caller_identity()
        self.assertEqual((found["Account"], found["Arn"]), (ACCOUNT, ARN))
        cloudtrail = client(self.server, "cloudtrail", "right")
        cloudtrail.create_trail(Name="owned", S3BucketName="owned-logs")
        wanted = [{"AttributeKey": "Username", "AttributeValue": "ann"}]
        names = {event["EventName"] for event in cloudtrail.lookup_events(LookupAttributes=wanted)["Events"]}
        self.assertIn("CreateTrail", names)

    def test_a_wrong_signature_is_refused_in_the_words_of_the_service(self) -> None:
        for service, operation, code in [
            ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
            ("ec2", "describe_regions", "SignatureDoesNotMatch"),
            ("route53", "list_hosted_zones", "SignatureDoesNotMatch"),
            ("lambda", "list_functions", "InvalidSignatureException"),
            ("kms", "list_keys", "InvalidSignatureException"),
            ("cloudwatch", "describe_alarms", "InvalidSignatureException"),
        ]:
            with self.subTest(service=service), self.assertRaises(ClientError) as raised:
                getattr(client(self.server, service, "wrong"), operation)()
            self.assertEqual(raised.exception.response["Error"]["Code"], code)


load_tests = at_once(__name__)

if __name__ == "__main__":
    unittest.main()
