#!/usr/bin/env python3
"""A script as one writes it: gzip and orjson, two processes. The reference of time_queries.py.

python ask_orjson.py QUESTION PARAMETERS.json
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from functools import partial
from multiprocessing import get_context
from typing import Callable

import orjson

from questions import TOP, Questions


def wanted(question: str, asked: Questions) -> Callable[[dict], bool]:
    names = frozenset(asked.common_names)
    return {
        "Q1": lambda record: record["eventName"] == asked.rare_name,
        "Q2": lambda record: record["eventName"] in names,
        "Q3": lambda record: (
            record.get("userIdentity", {}).get("accessKeyId") == asked.access_key
            and asked.first <= record["eventTime"] <= asked.last
        ),
        "Q4": lambda record: record["eventID"] == asked.event_id,
        "Q5": lambda record: True,
        "Q6": lambda record: record.get("errorCode") == "AccessDenied",
    }[question]


def read(question: str, asked: Questions, path: str) -> bytes | Counter:
    with open(path, "rb") as file:
        records = orjson.loads(zlib.decompress(file.read(), 31))["Records"]
    if question == "Q5":
        return Counter(record["eventName"] for record in records)
    passes = wanted(question, asked)
    if question == "Q6":
        return Counter(record.get("userIdentity", {}).get("arn") for record in records if passes(record))
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records if passes(record))


def main() -> None:
    question, asked = sys.argv[1], Questions.load(sys.argv[2])
    groups: Counter = Counter()
    with get_context("fork").Pool(2) as pool:
        answers = pool.imap_unordered(partial(read, question, asked), asked.files(question), chunksize=16)
        for answer in answers:
            if isinstance(answer, Counter):
                groups.update(answer)
            else:
                sys.stdout.buffer.write(answer)
    field = "eventName" if question == "Q5" else "userIdentity.arn"
    for group, count in groups.most_common(TOP if question == "Q5" else None):
        sys.stdout.buffer.write(orjson.dumps({field: group, "count": count}, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
