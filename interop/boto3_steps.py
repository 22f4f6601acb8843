"""Calls services with whichever boto3 the interpreter that runs this has, and prints what boto3 made of the answers.

    …/bin/python boto3_steps.py URL < STEPS

Steps, answers and marks are those of `node/v2.mjs`, which says what they are.
"""

import base64
import datetime
import functools
import json
import os
import sys

import boto3.session
import botocore
import botocore.config
import botocore.exceptions
import botocore.session


def mark(value):
    if isinstance(value, dict):
        return {name: mark(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [mark(member) for member in value]
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.timezone.utc)
        return {"$date": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    content = value.read() if hasattr(value, "read") else value
    return {"$bytes": base64.b64encode(content).decode()} if isinstance(content, bytes) else content


def unmark(value):
    if isinstance(value, list):
        return [unmark(member) for member in value]
    if not isinstance(value, dict):
        return value
    if "$date" in value:
        return datetime.datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))
    return {name: unmark(member) for name, member in value.items()}


def result(answer):
    return mark({name: member for name, member in answer.items() if name != "ResponseMetadata"})


@functools.lru_cache
def session():
    made = botocore.session.Session()
    made.set_config_variable("config_file", os.devnull)
    return boto3.session.Session(botocore_session=made)


@functools.lru_cache(maxsize=None)
def client_of(url, service, region, key, secret):
    config = {"retries": {"max_attempts": 0}, "s3": {"addressing_style": "path"}}
    if service == "s3":
        config["signature_version"] = "s3v4"
    return session().client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=botocore.config.Config(**config),
    )


def run(url, step):
    client = client_of(url, step["service"], step.get("region", "us-east-1"), step["key"], step["secret"])
    given, operation = unmark(step.get("input", {})), botocore.xform_name(step["operation"])
    if "presign" in step:
        return {"url": client.generate_presigned_url(operation, Params=given, ExpiresIn=step["presign"])}
    try:
        if step.get("pages"):
            return {"pages": [result(page) for page in client.get_paginator(operation).paginate(**given)]}
        return {"result": result(getattr(client, operation)(**given))}
    except botocore.exceptions.ClientError as error:
        told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        # the class that the client has for the error, where its model knows it
        name = type(error).__name__
        return {"error": {"name": told["Code"], "message": told["Message"], "status": status, "class": name}}


answers = [run(sys.argv[1], step) for step in json.load(sys.stdin)]
json.dump({"version": boto3.__version__, "answers": answers}, sys.stdout)
