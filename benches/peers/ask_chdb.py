#!/usr/bin/env python3
"""chDB (ClickHouse in the process), on the log files or on a Parquet file made from them beforehand.

python ask_chdb.py QUESTION PARAMETERS.json [--parquet FILE]
"""

from __future__ import annotations

import sys

import chdb

from questions import TOP, Questions


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def on_logs(question: str, asked: Questions) -> str:
    files = text(asked.glob(question))

    def typed(field: str) -> str:
        return f"file({files}, 'JSONEachRow', 'Records Array(Tuple({field}))')"

    if question == "Q5":
        names = f"SELECT arrayJoin(Records.eventName) AS n FROM {typed('eventName String')}"
        return f"SELECT n, count() FROM ({names}) GROUP BY n ORDER BY 2 DESC LIMIT {TOP}"
    if question == "Q6":
        source = typed("errorCode Nullable(String), userIdentity Tuple(arn Nullable(String))")
        records = f"SELECT arrayJoin(Records) AS r FROM {source}"
        return f"SELECT r.userIdentity.arn, count() FROM ({records}) WHERE r.errorCode = 'AccessDenied' GROUP BY 1"
    passes = {
        "Q1": f"JSONExtractString(r, 'eventName') = {text(asked.rare_name)}",
        "Q2": f"JSONExtractString(r, 'eventName') IN ({', '.join(map(text, asked.common_names))})",
        "Q3": f"JSONExtractString(r, 'userIdentity', 'accessKeyId') = {text(asked.access_key)} "
        f"AND JSONExtractString(r, 'eventTime') BETWEEN {text(asked.first)} AND {text(asked.last)}",
        "Q4": f"JSONExtractString(r, 'eventID') = {text(asked.event_id)}",
    }[question]
    records = f"SELECT arrayJoin(Records) AS r FROM file({files}, 'JSONEachRow', 'Records Array(String)')"
    return f"SELECT r FROM ({records}) WHERE {passes}"


def main() -> None:
    question, asked = sys.argv[1], Questions.load(sys.argv[2])
    parquet = sys.argv[4] if sys.argv[3:4] == ["--parquet"] else None
    if parquet:
        query = asked.on_parquet(question, f"file({text(parquet)}, 'Parquet')", text)
    else:
        query = on_logs(question, asked)
    form = "TSVRaw"
    if question in ("Q5", "Q6"):
        form = "JSONEachRow"
        field = "eventName" if question == "Q5" else "userIdentity.arn"
        query = f"SELECT t.1 AS `{field}`, t.2 AS count FROM (SELECT tuple(*) AS t FROM ({query}))"
    query += " SETTINGS max_threads = 2, input_format_skip_unknown_fields = 1"
    sys.stdout.buffer.write(chdb.query(query, form).bytes())


if __name__ == "__main__":
    main()
