#!/usr/bin/env python3
"""DuckDB, on the log files or on a Parquet file made from them beforehand.

On the log files, tuned: `read_csv` reads every file as one text, a search in that text passes over whole files,
and only then is JSON taken apart. (`read_json` with `unnest`, the usual way, takes about ten times as long.)

python ask_duckdb.py QUESTION PARAMETERS.json [--parquet FILE]
python ask_duckdb.py convert PARAMETERS.json --parquet FILE
"""

from __future__ import annotations

import sys

import duckdb

from questions import TOP, Questions


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def logs(asked: Questions, question: str) -> str:
    """One row a file: its whole content."""
    return (
        f"read_csv({text(asked.glob(question))}, columns = {{'c': 'VARCHAR'}}, header = false, auto_detect = false, "
        "delim = chr(1), quote = '', escape = '', max_line_size = 16000000, buffer_size = 32000000)"
    )


def on_logs(question: str, asked: Questions) -> str:
    source = logs(asked, question)
    field = "json_extract_string(x, '$.{}')".format
    if question == "Q5":
        names = f"SELECT unnest(json_extract_string(c, '$.Records[*].eventName')) AS n FROM {source}"
        return f"SELECT n, count(*) FROM ({names}) GROUP BY n ORDER BY 2 DESC LIMIT {TOP}"
    member = '"{}":"{}"'.format
    in_names = ", ".join(map(text, asked.common_names))
    needles, passes = {
        "Q1": ([member("eventName", asked.rare_name)], f"{field('eventName')} = {text(asked.rare_name)}"),
        "Q2": ([member("eventName", n) for n in asked.common_names], f"{field('eventName')} IN ({in_names})"),
        "Q3": (
            [member("accessKeyId", asked.access_key)],
            f"{field('userIdentity.accessKeyId')} = {text(asked.access_key)} "
            f"AND {field('eventTime')} BETWEEN {text(asked.first)} AND {text(asked.last)}",
        ),
        "Q4": ([member("eventID", asked.event_id)], f"{field('eventID')} = {text(asked.event_id)}"),
        "Q6": ([member("errorCode", "AccessDenied")], f"{field('errorCode')} = 'AccessDenied'"),
    }[question]
    may_hold = " OR ".join(f"contains(c, {text(needle)})" for needle in needles)
    records = (
        f"SELECT unnest(list_filter(json_extract(c, '$.Records[*]'), lambda x: {passes})) AS r "
        f"FROM {source} WHERE {may_hold}"
    )
    if question == "Q6":
        arns = f"SELECT json_extract_string(r, '$.userIdentity.arn') AS a FROM ({records})"
        return f"SELECT a, count(*) FROM ({arns}) GROUP BY a"
    return f"SELECT r::VARCHAR FROM ({records})"


def conversion(asked: Questions, parquet: str) -> str:
    """Every record with the fields that are asked for beside its JSON."""
    fields = ["eventTime", "eventName", "eventSource", "awsRegion", "eventID", "errorCode"]
    columns = [f"json_extract_string(r, '$.{field}') AS {field}" for field in fields]
    columns += [f"json_extract_string(r, '$.userIdentity.{field}') AS {field}" for field in ("arn", "accessKeyId")]
    records = f"SELECT unnest(json_extract(c, '$.Records[*]')) AS r FROM {logs(asked, 'all')}"
    return (
        f"COPY (SELECT {', '.join(columns)}, r::VARCHAR AS record FROM ({records})) "
        f"TO {text(parquet)} (FORMAT parquet, COMPRESSION zstd)"
    )


def main() -> None:
    question, asked = sys.argv[1], Questions.load(sys.argv[2])
    parquet = sys.argv[4] if sys.argv[3:4] == ["--parquet"] else None
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET preserve_insertion_order = false; SET enable_progress_bar = false")
    if question == "convert":
        connection.execute(conversion(asked, parquet))
        return
    if parquet:
        query = asked.on_parquet(question, f"read_parquet({text(parquet)})", text)
    else:
        query = on_logs(question, asked)
    if question in ("Q5", "Q6"):
        field = "eventName" if question == "Q5" else "userIdentity.arn"
        query = f"SELECT json_object({text(field)}, a, 'count', n)::VARCHAR FROM ({query}) AS t (a, n)"
    # Text as it is, one row a line: what JSON Lines are.
    connection.execute(
        f"COPY ({query}) TO '/dev/stdout' "
        "(FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '', USE_TMP_FILE false)"
    )


if __name__ == "__main__":
    main()
