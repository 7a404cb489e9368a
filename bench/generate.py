#!/usr/bin/env python3
"""generate.py COUNT OUT [SEED]: an inventory of COUNT made-up resources, one JSON object per line, about 1 KB each.

Five kinds of the service "bench": bucket 25 %, security_group 25 %, user 20 %, instance 20 %, database 10 %.
The same SEED (default 1) gives the same bytes on any number of processors (environment WORKERS), and a shorter
inventory is the beginning of a longer one. OUT may be "-".
"""
import multiprocessing
import os
import random
import sys

import orjson

CHUNK = 5000
ALPHABET = 1 << 16
PROVIDERS = ["aws", "azure", "gcp", "ibm"]
REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-southeast-2", "us-south", "eu-de"]
ENVIRONMENTS = ["prod", "prod", "dev", "dev", "test", "test", "staging"]
ACLS = ["private"] * 90 + ["public-read"] * 4 + ["public-read-write"] + ["log-delivery-write"] * 5
POLICIES = ["ReadOnlyAccess"] * 40 + ["AdministratorAccess"] * 5 + ["PowerUserAccess"] * 10 + [""] * 45
PORTS = [22, 80, 443, 3306, 3389, 5432, 6379, 8080, 9200, 27017, 0, 1024]
ENGINES = ["postgres", "mysql", "mariadb", "oracle-se2"]
TYPES = ["t3.micro", "m5.large", "c6i.xlarge", "r5.2xlarge"]
OPEN = "0.0.0.0/0"


class Source:
    """Random choices; the hexadecimal digits are cut from one block drawn beforehand, which is much cheaper."""

    def __init__(self, seed):
        generator = random.Random(seed)
        self.random = generator.random
        self.digits = generator.randbytes(ALPHABET).hex()
        self.at = 0

    def hex(self, length):
        end = self.at + length
        if end > 2 * ALPHABET:
            # Starting again one digit later keeps the strings from repeating.
            self.digits = self.digits[1:] + self.digits[0]
            self.at, end = 0, length
        part = self.digits[self.at : end]
        self.at = end
        return part


def statement(source, name, public):
    digits = source.hex(12)
    return {
        "sid": "s" + digits[:3],
        "effect": "Allow",
        "principal": "*" if public else f"arn:aws:iam::{int(digits, 16) % 10**12:012d}:role/{source.hex(8)}",
        "action": ["s3:GetObject", "s3:ListBucket"],
        "resource": ["arn:aws:s3:::" + name, "arn:aws:s3:::" + name + "/*"],
        "condition": {"bool": {"aws:SecureTransport": "true"}},
    }


def bucket(source, name):
    r, h = source.random, source.hex
    blocked = r() < 0.7
    return {
        "acl": ACLS[int(r() * 100)],
        "encryption": {
            "enabled": r() < 0.8,
            "algorithm": "AES256" if r() < 0.5 else "aws:kms",
            "kms_key": "arn:aws:kms:us-east-1:123456789012:key/" + h(32),
        },
        "versioning": {"status": "Enabled" if r() < 2 / 3 else "Suspended", "mfa_delete": False},
        "public_access_block": {
            "block_public_acls": blocked or r() < 0.5,
            "ignore_public_acls": blocked or r() < 0.5,
            "block_public_policy": blocked or r() < 0.5,
            "restrict_public_buckets": blocked or r() < 0.5,
        },
        "lifecycle": [
            {
                "id": f"l{k}",
                "prefix": "p/" + h(6) + "/",
                "status": "Enabled",
                "transition_days": 30 * (k + 1),
                "storage_class": "GLACIER",
            }
            for k in range(int(r() * 3))
        ],
        "policy": {"version": "2012-10-17", "statement": [statement(source, name, r() < 0.03) for _ in range(int(r() * 3))]},
        "object_count": int(r() * 10**7),
        "size_bytes": int(r() * 10**12),
        "logging": {"target_bucket": "logs-" + h(8), "prefix": name + "/"} if r() < 0.6 else {},
    }


def ingress(source):
    r, h = source.random, source.hex
    which = r()
    if which < 0.02:
        protocol, low, high = "-1", 0, 65535
    else:
        protocol = "udp" if which < 0.12 else "tcp"
        low = high = PORTS[int(r() * 12)]
        if r() >= 0.8:
            high = min(65535, low + int(r() * 2000))
    if r() < 0.06:
        cidrs = [OPEN]
    else:
        cidrs = []
        for _ in range(1 + int(r() * 3)):
            network = int(r() * 65536)
            cidrs.append(f"10.{network >> 8}.{network & 255}.0/24")
    return {
        "protocol": protocol,
        "from_port": low,
        "to_port": high,
        "cidrs": cidrs,
        "ipv6_cidrs": ["::/0"] if r() < 0.02 else [],
        "source_groups": ["sg-" + h(17)] if r() < 0.2 else [],
        "description": "rule " + h(8),
    }


EGRESS = [
    {
        "protocol": "-1",
        "from_port": 0,
        "to_port": 65535,
        "cidrs": [OPEN],
        "ipv6_cidrs": [],
        "source_groups": [],
        "description": "",
    }
]


def security_group(source, name):
    r, h = source.random, source.hex
    return {
        "vpc_id": "vpc-" + h(17),
        "description": "" if r() < 0.1 else "sg for " + name,
        "ingress": [ingress(source) for _ in range(1 + int(r() * 6))],
        "egress": EGRESS,
        "attached": ["eni-" + h(17) for _ in range(int(r() * 4))],
    }


def user(source, name):
    r, h = source.random, source.hex
    return {
        "path": "/",
        "console_access": r() < 0.6,
        "mfa_active": r() < 0.7,
        "password_last_used_days": int(r() * 400),
        "password_age_days": int(r() * 500),
        "access_keys": [
            {
                "id": "AKIA" + h(16).upper(),
                "active": r() < 0.7,
                "age_days": int(r() * 700),
                "last_used_days": int(r() * 300),
                "last_service": ("s3", "ec2", "iam", "n/a")[int(r() * 4)],
            }
            for _ in range(int(r() * 3))
        ],
        "attached_policies": [POLICIES[int(r() * 100)] or "app-" + h(2) for _ in range(int(r() * 4))],
        "groups": ["g-" + h(2) for _ in range(int(r() * 4))],
        "inline": [{"name": "p0", "statement": [statement(source, name, False)]}] if r() < 0.5 else [],
        "mfa_devices": [{"serial": "arn:aws:iam::123456789012:mfa/" + h(12), "enabled": f"2024-0{1 + int(r() * 9)}-11T00:00:00Z"}]
        if r() < 0.5
        else [],
        "profile": {
            "display_name": "User " + h(6),
            "email": h(8) + "@example.org",
            "department": "dep-" + h(1),
            "phone": "+1-555-" + h(4),
            "notes": "joined as " + name + " from " + h(24),
        },
    }


def instance(source, name):
    r, h = source.random, source.hex
    address = int(r() * 2**24)
    dotted = f"{address >> 16}.{address >> 8 & 255}.{address & 255}"
    return {
        "state": "running" if r() < 2 / 3 else "stopped",
        "instance_type": TYPES[int(r() * 4)],
        "image": "ami-" + h(17),
        "private_ip": "10." + dotted,
        "public_ip": "54." + dotted if r() < 0.15 else None,
        "metadata_options": {
            "http_tokens": "required" if r() < 2 / 3 else "optional",
            "http_endpoint": "enabled",
            "hop_limit": 1 if r() < 0.5 else 2,
        },
        "monitoring": r() < 0.5,
        "block_devices": [
            {
                "name": "/dev/sd" + "abc"[k],
                "volume_id": "vol-" + h(17),
                "size_gib": 8 << int(r() * 6),
                "encrypted": r() < 0.85,
                "delete_on_termination": True,
            }
            for k in range(1 + int(r() * 3))
        ],
        "interfaces": [
            {"id": "eni-" + h(17), "subnet": "subnet-" + h(17), "groups": ["sg-" + h(17)]} for _ in range(1 + int(r() * 2))
        ],
        "iam_profile": "arn:aws:iam::123456789012:instance-profile/" + h(8) if r() < 0.6 else None,
    }


def database(source, name):
    r, h = source.random, source.hex
    return {
        "engine": ENGINES[int(r() * 4)],
        "engine_version": f"{10 + int(r() * 6)}.{int(r() * 10)}",
        "class": "db.r6g.large",
        "publicly_accessible": r() < 0.12,
        "encrypted": r() < 0.8,
        "multi_az": r() < 0.5,
        "backup_retention": (0, 1, 7, 7, 14, 30)[int(r() * 6)],
        "deletion_protection": r() < 0.6,
        "auto_minor": r() < 0.8,
        "endpoint": {"host": name + "." + h(12) + ".rds.example.org", "port": 5432},
        "logs": ["postgresql", "upgrade"] if r() < 0.5 else [],
        "parameters": {
            "rds.force_ssl": "1" if r() < 0.6 else "0",
            "log_connections": "1",
            "shared_buffers": "{DBInstanceClassMemory/32768}",
            "work_mem": "65536",
            "max_connections": str(int(r() * 5000)),
        },
        "subnets": ["subnet-" + h(17) for _ in range(3)],
        "security_groups": ["sg-" + h(17)],
    }


KINDS = (
    [("bucket", "bucket-", bucket)] * 5
    + [("security_group", "security-group-", security_group)] * 5
    + [("user", "user-", user)] * 4
    + [("instance", "instance-", instance)] * 4
    + [("database", "database-", database)] * 2
)


def resource(source, number):
    r = source.random
    kind, prefix, configuration = KINDS[int(r() * 20)]
    name = prefix + f"{number:07d}"
    provider = PROVIDERS[int(r() * 4)]
    account = f"{number % 50:012d}"
    region = REGIONS[number % 7]
    tags = {
        "env": ENVIRONMENTS[int(r() * 7)],
        "cost_center": f"cc-{int(r() * 400):04d}",
        "app": f"app-{int(r() * 300):03d}",
    }
    if r() < 0.8:
        tags["owner"] = f"team-{int(r() * 60):02d}@example.org"
    return {
        "provider": provider,
        "account": account,
        "region": region,
        "service_name": "bench",
        "resource_kind": kind,
        "id": f"crn:v1:cloud:{provider}:{region}:{account}::{kind}:{source.hex(16)}{number:08x}",
        "name": name,
        "tags": tags,
        "attributes": {
            "resource_group": f"rg-{number % 40:02d}",
            "created_at": f"2023-{1 + number % 12:02d}-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:00Z",
            "etag": source.hex(32),
        },
        "configuration": configuration(source, name),
    }


def chunk(job):
    seed, first, last = job
    source = Source(f"{seed}/{first}")
    dumps = orjson.dumps
    return b"".join([dumps(resource(source, number), option=orjson.OPT_APPEND_NEWLINE) for number in range(first, last)])


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    count, seed = int(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) == 4 else 1
    jobs = [(seed, first, min(count, first + CHUNK)) for first in range(0, count, CHUNK)]
    workers = min(int(os.environ.get("WORKERS") or os.cpu_count() or 1), max(1, len(jobs)))
    out = sys.stdout.buffer if sys.argv[2] == "-" else open(sys.argv[2], "wb")
    with out:
        if workers == 1:
            for job in jobs:
                out.write(chunk(job))
        else:
            with multiprocessing.Pool(workers) as pool:
                for part in pool.imap(chunk, jobs):
                    out.write(part)


if __name__ == "__main__":
    main()
