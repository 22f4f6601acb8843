"""The six questions that time_queries.py asks, the parameters that fit an archive, and what an answer must be."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Callable

ISO = "%Y-%m-%dT%H:%M:%SZ"
TOP = 20

# Question → what it asks. Q1 to Q4 are answered with full records as JSON Lines, Q5 and Q6 with counts.
QUESTIONS = {
    "Q1": "records of a rare eventName",
    "Q2": "records of common eventNames, a tenth of all",
    "Q3": "records of one access key within one hour",
    "Q4": "the record of one eventID",
    "Q5": f"count by eventName, top {TOP}",
    "Q6": "errorCode = AccessDenied, counted by userIdentity.arn",
}

# Below an archive: the log files of all days, and of one day (what an expert would write for Q3).
ALL_LOGS = "*/AWSLogs/*/CloudTrail/*/*/*/*/*.json.gz"
DAY_LOGS = "*/AWSLogs/*/CloudTrail/*/{day:%Y/%m/%d}/*.json.gz"


@dataclass(frozen=True)
class Questions:
    """What is asked of one archive."""

    archive: str
    rare_name: str
    common_names: list[str]
    access_key: str
    hour: str  # its first second; the last one is 3,599 seconds later
    event_id: str

    @classmethod
    def load(cls, file: str | Path) -> Questions:
        return cls(**json.loads(Path(file).read_text()))

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1))

    @cached_property
    def first(self) -> str:
        return self.hour

    @cached_property
    def last(self) -> str:
        return (datetime.strptime(self.hour, ISO) + timedelta(seconds=3599)).strftime(ISO)

    def glob(self, question: str) -> str:
        """The log files that a peer reads for a question; for Q3 pruned to the day, by hand."""
        below = ALL_LOGS
        if question == "Q3":
            below = DAY_LOGS.format(day=datetime.strptime(self.hour, ISO))
        return f"{self.archive}/{below}"

    def files(self, question: str) -> list[str]:
        return sorted(map(str, Path(self.archive).glob(self.glob(question)[len(self.archive) + 1 :])))

    def on_parquet(self, question: str, source: str, text: Callable[[str], str]) -> str:
        """SQL over the Parquet file, which `source` reads; `text` writes literals as the peer reads them."""
        return {
            "Q1": f"SELECT record FROM {source} WHERE eventName = {text(self.rare_name)}",
            "Q2": f"SELECT record FROM {source} WHERE eventName IN ({', '.join(map(text, self.common_names))})",
            "Q3": f"SELECT record FROM {source} WHERE accessKeyId = {text(self.access_key)} "
            f"AND eventTime BETWEEN {text(self.first)} AND {text(self.last)}",
            "Q4": f"SELECT record FROM {source} WHERE eventID = {text(self.event_id)}",
            "Q5": f"SELECT eventName, count(*) FROM {source} GROUP BY 1 ORDER BY 2 DESC LIMIT {TOP}",
            "Q6": f"SELECT arn, count(*) FROM {source} WHERE errorCode = 'AccessDenied' GROUP BY 1",
        }[question]


@dataclass
class Tally:
    """What is counted once to choose the parameters."""

    records: int
    names: Counter[str]
    keys: Counter[tuple[str, str]]
    event_id: str


def tally(path: str) -> Tally:
    import orjson

    records = orjson.loads(gzip.decompress(Path(path).read_bytes()))["Records"]
    keys = Counter(
        (key, record["eventTime"][:13] + ":00:00Z")
        for record in records
        if (key := record.get("userIdentity", {}).get("accessKeyId"))
    )
    names = Counter(record["eventName"] for record in records)
    return Tally(len(records), names, keys, records[len(records) // 2]["eventID"] if records else "")


def choose(archive: str) -> tuple[Questions, int]:
    """Parameters with about the selectivity of design notes' corpus (34 rows, 10 %, 388 rows); and all records."""
    files = sorted(map(str, Path(archive).glob(ALL_LOGS)))
    names: Counter[str] = Counter()
    keys: Counter[tuple[str, str]] = Counter()
    records = 0
    event_id = ""
    with get_context("fork").Pool(2) as pool:
        for at, one in enumerate(pool.imap(tally, files, chunksize=16)):
            names += one.names
            keys.update(one.keys)
            records += one.records
            if at <= len(files) // 2 and one.event_id:
                event_id = one.event_id
    if not records:
        raise SystemExit(f"no records below {archive}/{ALL_LOGS}")

    def nearest(counts: dict, wanted: int):
        return min(counts, key=lambda item: (abs(math.log(counts[item] / wanted)), item))

    rare = nearest({name: count for name, count in names.items() if name.isalnum()}, 34)
    common: list[str] = []
    for name, count in names.most_common():
        if name != rare and sum(names[one] for one in common) + count <= 0.115 * records:
            common.append(name)
        if sum(names[one] for one in common) >= 0.09 * records:
            break
    # An hour in the middle of its day, so that the folders of that day hold all of it.
    by_day = {pair: count for pair, count in keys.items() if 2 <= int(pair[1][11:13]) <= 20}
    key, hour = nearest(by_day or keys, 388)
    return Questions(archive, rare, common, key, hour, event_id), records


def read_answer(question: str, lines: list[bytes]) -> tuple[int, object]:
    """Rows of an answer, and what must be the same for all: event ids, or counts by group."""
    import orjson

    rows = [orjson.loads(line) for line in lines if line.strip()]
    if question in ("Q1", "Q2", "Q3", "Q4"):
        # trailseal puts its label beside the event where it verifies
        return len(rows), Counter(row.get("event", row)["eventID"] for row in rows)
    groups = Counter()
    for row in rows:
        (count,) = (value for name, value in row.items() if name == "count")
        (group,) = (value for name, value in row.items() if name in ("eventName", "userIdentity.arn"))
        groups[group] += int(count)
    if question == "Q5":
        # Of several names with as many records as the last, any may be there.
        least = min(groups.values(), default=0)
        return len(rows), (sorted(groups.values()), {g: c for g, c in groups.items() if c > least})
    return len(rows), groups
