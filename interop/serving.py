"""A `trailseal serve` process and its clients: boto3 and the AWS CLI, both unmodified; tests that run at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3.session  # before anything of the AWS CLI, which puts its own botocore in the place of boto3's
import botocore
import botocore.config
import botocore.session

from support import SCRATCH, TRAILSEAL

AWS = Path(sys.executable).with_name("aws")
ACCOUNT = "123456789012"
KEY_ID = "AKIAEXAMPLEEXAMPLE01"
INTERVALS = ["--delivery-interval", "1s", "--digest-interval", "2s"]
PATIENCE = 60


def until(what: str, condition: Callable[[], Any]) -> Any:
    """Waits for a condition, and gives what it found."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.1)
    return found


def arn(name: str, region: str = "us-east-1", account: str = ACCOUNT) -> str:
    """The ARN of a trail."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


class Server:
    """`trailseal serve` at a port of its own."""

    def __init__(self, *arguments: object) -> None:
        command = [TRAILSEAL, "serve", "--listen", "127.0.0.1:0", *map(str, arguments)]
        environment = os.environ | {"NO_COLOR": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.told = ""
        self.url = ""
        self._clients: dict[tuple, Any] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        until("the server to start", lambda: self.url or self.process.poll() is not None)
        if not self.url:
            raise AssertionError(f"the server did not start: {self.told}")

    def _read(self) -> None:
        with self.process.stderr as lines:  # type: ignore[union-attr]
            for line in lines:
                self.told += line
                if found := re.search(r"listening on (http://\S+)", line):
                    self.url = found[1]

    def client(self, region: str = "us-east-1", service: str = "cloudtrail", *, checks: bool = True) -> Any:
        """A client of boto3; without `checks` it also sends what the service model forbids."""
        known = (region, service, checks)
        if known not in self._clients:
            session = botocore.session.Session()
            session.set_config_variable("config_file", os.devnull)
            self._clients[known] = boto3.session.Session(botocore_session=session).client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=KEY_ID,
                aws_secret_access_key="made-up",
                config=botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=checks),
            )
        return self._clients[known]

    def aws(self, *words: object, region: str = "us-east-1") -> subprocess.CompletedProcess[str]:
        """The AWS CLI, for which this server is all of AWS."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(SCRATCH),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": region,
            "AWS_PAGER": "",
        }
        command = [AWS, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stops the server: gently, or by `SIGKILL`."""
        for client in self._clients.values():
            client.close()
        self.process.send_signal(how)
        status = self.process.wait(timeout=60)
        self._reader.join()
        return status


class Recorder(unittest.TestResult):
    """Keeps what a test tells, until it can be told in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple]] = []

    def tell(self, result: unittest.TestResult) -> None:
        for name, arguments in self.calls:
            getattr(result, name)(*arguments)


def _recording(name: str) -> Callable:
    def record(self: Recorder, *arguments: object) -> None:
        self.calls.append((name, arguments))

    return record


for _name in ["startTest", "stopTest", "addSuccess", "addError", "addFailure", "addSkip", "addSubTest", "addDuration"]:
    if hasattr(unittest.TestResult, _name):
        setattr(Recorder, _name, _recording(_name))


class AtOnce(unittest.TestSuite):
    """Runs classes that share a server, and all other tests, at once: they mostly wait."""

    def run(self, result: unittest.TestResult, debug: bool = False) -> unittest.TestResult:
        units: dict[object, unittest.TestSuite] = {}
        for test in flat(self):
            shares = type(test).setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__
            units.setdefault(type(test) if shares else test, unittest.TestSuite()).addTest(test)
        recorders = [Recorder() for _ in units]
        with ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(unit, recorder) for unit, recorder in zip(units.values(), recorders)]:
                future.result()
        for recorder in recorders:
            recorder.tell(result)
        return result


class Apart(unittest.TestCase):
    """The tests of a module in a process of their own, where boto3 has its own botocore."""

    def __init__(self, module: str, names: list[str]) -> None:
        super().__init__("run_apart")
        self.module, self.names = module, names

    def id(self) -> str:
        return f"{self.module}.{type(self).__name__}"

    def __str__(self) -> str:
        return f"{len(self.names)} tests of {self.module}"

    def run_apart(self) -> None:
        command = [sys.executable, "-B", "-m", "unittest", "-v", self.module]
        command += [word for name in self.names for word in ("-k", name)]
        environment = {name: value for name, value in os.environ.items() if name != "AWS_DATA_PATH"}
        here = Path(__file__).parent
        done = subprocess.run(command, cwd=here, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        sys.stderr.write("\n" + done.stderr)
        self.assertEqual(done.returncode, 0, "the tests above did not pass")


def flat(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for test in suite:
        found += flat(test) if isinstance(test, unittest.TestSuite) else [test]
    return found


def at_once(module: str) -> Callable:
    """`load_tests` of a module whose tests run at once, with boto3 as it is installed."""

    def load_tests(_loader: object, tests: unittest.TestSuite, _pattern: object) -> unittest.TestSuite:
        found = flat(tests)
        is_boto3s = Path(botocore.__file__).parent.parent.name != "awscli"
        if is_boto3s or not found:
            return AtOnce(found)
        return unittest.TestSuite([Apart(module, [test.id() for test in found])])

    return load_tests
