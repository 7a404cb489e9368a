#!/usr/bin/env python3
"""judge_custodian.py FILE [LIMIT]: the twenty rules of rules/ as Cloud Custodian value filters.

The first LIMIT resources (default 50000) of an inventory of generate.py are parsed beforehand; only the filtering is
timed. Prints the number of violations per rule as JSON; on standard error CPU seconds and wall seconds.
"""
import itertools
import json
import logging
import resource
import sys
import time

import orjson
from c7n.filters.core import FilterRegistry
from c7n.config import Config


def value(key, wanted, op="eq"):
    return {"type": "value", "key": key, "value": wanted, "op": op}


def some(path):
    return value(f"length(configuration.{path})", 0, "gt")


def port(number):
    return some(f"ingress[?from_port<=`{number}` && to_port>=`{number}` && contains(cidrs,'0.0.0.0/0')]")


# Filters of one rule that stand beside each other must all hold; a resource they leave over is a violation.
RULES = {
    "b1": ("bucket", [value("configuration.acl", ["public-read", "public-read-write"], "in")]),
    "b2": ("bucket", [value("configuration.encryption.enabled", False)]),
    "b3": ("bucket", [value("configuration.versioning.status", "Enabled", "ne")]),
    "b4": ("bucket", [value("configuration.logging.target_bucket", "absent")]),
    "b5": (
        "bucket",
        [
            {
                "or": [
                    value("configuration.public_access_block." + key, False)
                    for key in ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
                ]
            }
        ],
    ),
    "b6": ("bucket", [some("policy.statement[?effect=='Allow' && principal=='*']")]),
    "s1": ("security_group", [port(22)]),
    "s2": ("security_group", [port(3389)]),
    "s3": ("security_group", [some("ingress[?protocol=='-1' && contains(cidrs,'0.0.0.0/0')]")]),
    "s4": ("security_group", [value("configuration.description", "")]),
    "u1": ("user", [value("configuration.console_access", True), value("configuration.mfa_active", False)]),
    "u2": ("user", [some("access_keys[?active && age_days>`90`]")]),
    "u3": ("user", [value("length(configuration.access_keys[?active])", 1, "gt")]),
    "u4": ("user", [value("configuration.attached_policies", "AdministratorAccess", "contains")]),
    "i1": ("instance", [value("configuration.metadata_options.http_tokens", "required", "ne")]),
    "i2": ("instance", [value("configuration.public_ip", "not-null")]),
    "i3": ("instance", [some("block_devices[?!encrypted]")]),
    "d1": ("database", [value("configuration.publicly_accessible", True), value("configuration.encrypted", False)]),
    "d2": ("database", [value("configuration.backup_retention", 7, "lt")]),
    "t1": (None, [{"or": [value("tags.owner", "absent"), value("tags.env", ["prod", "dev", "test"], "not-in")]}]),
}


class Context:
    options = Config.empty()
    session_factory = None
    tracer = None


class Manager:
    """As much of a resource manager as the filters ask for."""

    ctx = Context()
    config = ctx.options
    data = {}
    log = logging.getLogger("custodian")
    type = "bench"

    def __init__(self):
        self.filter_registry = FilterRegistry("bench.filters")

    def get_model(self):
        class Model:
            id = name = "id"

        return Model

    def compile(self, filters):
        compiled = self.filter_registry.parse(filters, self)
        for one in compiled:
            one.validate()
        return compiled


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    limit = int(sys.argv[2]) if len(sys.argv) == 3 else 50000
    everything, of_kind = [], {}
    with open(sys.argv[1], "rb") as file:
        for line in itertools.islice(file, limit):
            one = orjson.loads(line)
            everything.append(one)
            of_kind.setdefault(one["resource_kind"], []).append(one)

    manager = Manager()
    rules = [(name, kind, manager.compile(filters)) for name, (kind, filters) in RULES.items()]
    found = {}
    started, used = time.perf_counter(), cpu()
    for name, kind, filters in rules:
        left = everything if kind is None else of_kind.get(kind, [])
        for one in filters:
            left = one.process(left, None)
        found["bench." + name] = len(left)
    wall, used = time.perf_counter() - started, cpu() - used
    print(json.dumps(found))
    figures = {"resources": len(everything), "cpu_seconds": round(used, 3), "wall_seconds": round(wall, 3)}
    print(json.dumps(figures), file=sys.stderr)


if __name__ == "__main__":
    main()
