"""An AWS account of moto's, the plan of what is made in it, and which resource of the plan is which live one."""

import functools
import json
import re
from pathlib import Path

import boto3
import botocore.config
from plan import Plan

ROOT = Path(__file__).resolve().parents[3]
HOME = "us-east-1"


class World:
    """One account; what is made in moto and what the plan says of it are written side by side."""

    def __init__(self, endpoint, name, account, regions=(HOME,)):
        self.endpoint, self.name, self.account, self.regions = endpoint, name, account, list(regions)
        self.plan = Plan(HOME)
        self.pairs = []

    def add(self, type, name, known=None, /, **written):
        """Adds a resource to the plan."""
        return self.plan.add(type, name, known, **written)

    def pair(self, resource, live):
        """Notes that a resource of the plan is the live one of this id."""
        self.pairs.append({"address": resource.address, "kind": kinds()[resource.type], "live": live})

    @property
    def credentials(self):
        return credentials(self.endpoint, self.account)

    def client(self, service, region=HOME):
        return client(self.endpoint, self.account, service, region)

    def arn(self, service, path, region=HOME):
        return f"arn:aws:{service}:{region}:{self.account}:{path}"

    @property
    def json(self):
        return {
            "name": self.name,
            "account": self.account,
            "regions": self.regions,
            "credentials": self.credentials,
            "types": sorted({resource.type for resource in self.plan.resources}),
            "pairs": self.pairs,
        }


@functools.cache
def kinds():
    """The kind that each Terraform type is mapped to."""
    found = {}
    for file in (ROOT / "Sources/Content/terraform/aws").glob("*.yaml"):
        facts = dict(re.findall(r"^(\w+): (\S+)", file.read_text(), re.MULTILINE))
        found[facts["terraform"]] = f"{facts['service_name']}/{facts['resource_kind']}"
    return found


SETTINGS = botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})


@functools.cache
def credentials(endpoint, account):
    """Credentials of an account: moto gives them to whoever assumes a role in it."""
    tokens = boto3.client(
        "sts",
        region_name=HOME,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=SETTINGS,
    )
    role = f"arn:aws:iam::{account}:role/differential"
    return {
        key: value
        for key, value in tokens.assume_role(RoleArn=role, RoleSessionName="differential")["Credentials"].items()
        if key != "Expiration"
    }


@functools.cache
def client(endpoint, account, service, region):
    keys = credentials(endpoint, account)
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=SETTINGS,
    )
    if service == "s3control":  # boto3 puts the account before the host's name, which does not work with an address
        made.meta.events.register(
            "before-sign.s3-control",
            lambda request, **_: setattr(request, "url", request.url.replace(f"//{account}.", "//")),
        )
    return made


# Policies


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(principal, **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return policy(statement | ({"Condition": condition} if condition else {}))
