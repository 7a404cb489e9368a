#!/usr/bin/env python3
"""judge_duckdb.py FILE OUT: the twenty rules of rules/ as DuckDB predicates over an inventory of generate.py.

Writes one row (id, rule) per violation to OUT: CSV, or NDJSON when OUT ends in .ndjson. Prints the number of
violations per rule as JSON; on standard error CPU seconds and wall seconds up to the end of the copy (counting
afterwards is not in them).

Environment: THREADS (default: every processor); SCHEMA=auto (default; detected by read_ndjson from a sample) or
declared (only the fields the rules read, which spares DuckDB a sixth of its time).
"""
import json
import os
import resource
import sys
import time

import duckdb

OPEN = "'0.0.0.0/0'"
# A row is a violation when its predicate is true; null is not true.
RULES = {
    "bucket": {
        "b1": "c.acl IN ('public-read', 'public-read-write')",
        "b2": "NOT c.encryption.enabled",
        "b3": "c.versioning.status <> 'Enabled'",
        "b4": "c.logging.target_bucket IS NULL",
        "b5": "NOT (c.public_access_block.block_public_acls AND c.public_access_block.ignore_public_acls"
        " AND c.public_access_block.block_public_policy AND c.public_access_block.restrict_public_buckets)",
        "b6": "len(list_filter(c.policy.statement, lambda s: s.effect = 'Allow' AND s.principal = '*')) > 0",
    },
    "security_group": {
        "s1": f"len(list_filter(c.ingress, lambda x: x.from_port <= 22 AND x.to_port >= 22 AND list_contains(x.cidrs, {OPEN}))) > 0",
        "s2": f"len(list_filter(c.ingress, lambda x: x.from_port <= 3389 AND x.to_port >= 3389 AND list_contains(x.cidrs, {OPEN}))) > 0",
        "s3": f"len(list_filter(c.ingress, lambda x: x.protocol = '-1' AND list_contains(x.cidrs, {OPEN}))) > 0",
        "s4": "c.description = ''",
    },
    "user": {
        "u1": "c.console_access AND NOT c.mfa_active",
        "u2": "len(list_filter(c.access_keys, lambda k: k.active AND k.age_days > 90)) > 0",
        "u3": "len(list_filter(c.access_keys, lambda k: k.active)) > 1",
        "u4": "list_contains(c.attached_policies, 'AdministratorAccess')",
    },
    "instance": {
        "i1": "c.metadata_options.http_tokens <> 'required'",
        "i2": "c.public_ip IS NOT NULL",
        "i3": "len(list_filter(c.block_devices, lambda b: NOT b.encrypted)) > 0",
    },
    "database": {
        "d1": "c.publicly_accessible AND NOT c.encrypted",
        "d2": "c.backup_retention < 7",
    },
}
T1 = "tags.owner IS NULL OR tags.env IS NULL OR tags.env NOT IN ('prod', 'dev', 'test')"
DECLARED = {
    "id": "VARCHAR",
    "resource_kind": "VARCHAR",
    "tags": "STRUCT(owner VARCHAR, env VARCHAR)",
    "configuration": """STRUCT(acl VARCHAR, encryption STRUCT(enabled BOOLEAN), versioning STRUCT(status VARCHAR),
        logging STRUCT(target_bucket VARCHAR), public_access_block STRUCT(block_public_acls BOOLEAN,
        ignore_public_acls BOOLEAN, block_public_policy BOOLEAN, restrict_public_buckets BOOLEAN),
        policy STRUCT(statement STRUCT(effect VARCHAR, principal VARCHAR)[]),
        ingress STRUCT(protocol VARCHAR, from_port BIGINT, to_port BIGINT, cidrs VARCHAR[])[], description VARCHAR,
        console_access BOOLEAN, mfa_active BOOLEAN, access_keys STRUCT(active BOOLEAN, age_days BIGINT)[],
        attached_policies VARCHAR[], metadata_options STRUCT(http_tokens VARCHAR), public_ip VARCHAR,
        block_devices STRUCT(encrypted BOOLEAN)[], publicly_accessible BOOLEAN, encrypted BOOLEAN,
        backup_retention BIGINT)""",
}


def source(path, schema):
    name = "'" + path.replace("'", "''") + "'"
    if schema == "declared":
        columns = ", ".join(f"{column}: '{kind}'" for column, kind in DECLARED.items())
        return f"read_ndjson({name}, columns = {{{columns}}})"
    # Ample for every field the rules read. The thresholds keep the fields of one kind, rare among all, from a map.
    return f"read_ndjson({name}, sample_size = 4096, field_appearance_threshold = 0, map_inference_threshold = -1)"


def query(table):
    """One scan: only the predicates of the resource's own kind, one list of rules per resource, one row per element.

    As fast as, and never slower than, one list of all twenty guarded by the kind; the reading costs nearly all.
    """
    one = "CASE WHEN {} THEN 'bench.{}' END"
    cases = " ".join(
        f"WHEN '{kind}' THEN [{', '.join(one.format(predicate, rule) for rule, predicate in rules.items())}, t1]"
        for kind, rules in RULES.items()
    )
    inner = f"SELECT id, CASE resource_kind {cases} END AS rules FROM "
    inner += f"(SELECT id, resource_kind, configuration AS c, {one.format(T1, 't1')} AS t1 FROM {table})"
    return f"SELECT id, rule FROM (SELECT id, unnest(rules) AS rule FROM ({inner})) WHERE rule IS NOT NULL"


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, out = sys.argv[1:]
    schema = os.environ.get("SCHEMA", "auto")
    target = "'" + out.replace("'", "''") + "'"
    kind = "FORMAT json" if out.endswith(".ndjson") else "FORMAT csv, HEADER true"
    started, used = time.perf_counter(), cpu()
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    if os.environ.get("THREADS"):
        connection.execute(f"SET threads = {int(os.environ['THREADS'])}")
    connection.execute(f"COPY ({query(source(path, schema))}) TO {target} ({kind})")
    wall, used = time.perf_counter() - started, cpu() - used
    back = f"read_ndjson({target})" if out.endswith(".ndjson") else f"read_csv({target}, header = true)"
    found = dict(connection.execute(f"SELECT rule, count(*) FROM {back} GROUP BY rule").fetchall())
    names = [rule for rules in RULES.values() for rule in rules] + ["t1"]
    print(json.dumps({f"bench.{name}": found.get(f"bench.{name}", 0) for name in names}))
    figures = {"cpu_seconds": round(used, 3), "wall_seconds": round(wall, 3), "schema": schema}
    print(json.dumps(figures), file=sys.stderr)


if __name__ == "__main__":
    main()
