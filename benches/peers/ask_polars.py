#!/usr/bin/env python3
"""polars: `scan_ndjson` over the log files with the fields that are asked for declared, streaming.

It cannot hand back a record as it is: its rows hold the declared fields only.

python ask_polars.py QUESTION PARAMETERS.json
"""

from __future__ import annotations

import os
import sys

os.environ["POLARS_MAX_THREADS"] = "2"

import polars as pl  # noqa: E402

from questions import TOP, Questions  # noqa: E402

FIELDS = {
    "eventName": pl.String,
    "eventID": pl.String,
    "eventTime": pl.String,
    "eventSource": pl.String,
    "awsRegion": pl.String,
    "errorCode": pl.String,
    "sourceIPAddress": pl.String,
    "userIdentity": pl.Struct({"type": pl.String, "arn": pl.String, "accessKeyId": pl.String}),
}


def main() -> None:
    question, asked = sys.argv[1], Questions.load(sys.argv[2])
    fields = {"Q5": ["eventName"], "Q6": ["errorCode", "userIdentity"]}.get(question, list(FIELDS))
    schema = {"Records": pl.List(pl.Struct({field: FIELDS[field] for field in fields}))}
    rows = pl.scan_ndjson(asked.files(question), schema=schema).explode("Records").unnest("Records")
    name, identity = pl.col("eventName"), pl.col("userIdentity").struct
    if question == "Q5":
        rows = rows.group_by("eventName").agg(pl.len().alias("count")).top_k(TOP, by="count")
    elif question == "Q6":
        arn = identity.field("arn").alias("userIdentity.arn")
        rows = rows.filter(pl.col("errorCode") == "AccessDenied").group_by(arn).agg(pl.len().alias("count"))
    else:
        rows = rows.filter(
            {
                "Q1": lambda: name == asked.rare_name,
                "Q2": lambda: name.is_in(asked.common_names),
                "Q3": lambda: (
                    (identity.field("accessKeyId") == asked.access_key)
                    & pl.col("eventTime").is_between(pl.lit(asked.first), pl.lit(asked.last))
                ),
                "Q4": lambda: pl.col("eventID") == asked.event_id,
            }[question]()
        )
    rows.collect(engine="streaming").write_ndjson(sys.stdout.buffer)


if __name__ == "__main__":
    main()
