"""bench/run collect: what reading an AWS account costs, beside Prowler.

Run as a program, it is the server of the benchmark: script/moto's, which counts the calls besides.
"""
import argparse
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import statistics
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from common import (
    DEFAULT_COUNT, PLUMB, ROOT, WORK, Disagreement, Failure, Metric, Others, add_opening, check_unchanged,
    closing, columns, finish, install, logged, markdown, measure, opening, outcome, output_of, say, targets,
)  # fmt: skip

DOCUMENT = ROOT / "docs" / "benchmarks-collect.md"
PEER = "prowler==5.46.0"
PROWLER = WORK / "prowler"
FOLDER = WORK / "collect"

ROUNDS = 3
REGIONS = ["us-east-1", "eu-west-1"]  # those that script/moto seed fills
MANY = 1_000  # security groups that Prowler reads as well; ten times as many take it too long
GROUPS = [10_000, 100_000]  # security groups that only Plumb reads
BYTES_PER_GROUP = 150_000  # of spools and results, and amply
CALLS = "/plumb-bench/calls"

# What both read, by the names of each.
SERVICES = {
    "acm": "acm",
    "cloudtrail": "cloudtrail",
    "dynamodb": "dynamodb",
    "ec2": "ec2 vpc",
    "ecr": "ecr",
    "efs": "efs",
    "eks": "eks",
    "elbv2": "elbv2",
    "guardduty": "guardduty",
    "iam": "iam",
    "kms": "kms",
    "lambda": "awslambda",
    "rds": "rds",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
}
# It loads the code of functions from addresses outside of this machine.
EXCLUDED = ["awslambda_function_no_secrets_in_code"]

# Rules that mean the same: both have to find the same number of violations.
SAME = {
    "aws.cloudtrail.log-validation": "cloudtrail_log_file_validation_enabled",
    "aws.dynamodb.pitr": "dynamodb_tables_pitr_enabled",
    "aws.ec2.ebs-volume-encrypted": "ec2_ebs_volume_encryption",
    "aws.ec2.snapshot-not-public": "ec2_ebs_public_snapshot",
    "aws.ecr.scan-on-push": "ecr_repositories_scan_images_on_push_enabled",
    "aws.efs.encrypted": "efs_encryption_at_rest_enabled",
    "aws.elb.access-logs": "elbv2_logging_enabled",
    "aws.iam.console-user-mfa": "iam_user_mfa_enabled_console_access",
    "aws.iam.single-active-access-key": "iam_user_two_active_access_key",
    "aws.rds.minor-version-upgrade": "rds_instance_minor_version_upgrade_enabled",
    "aws.s3.default-encryption": "s3_bucket_default_encryption",
    "aws.s3.tls-only": "s3_bucket_secure_transport_policy",
    "aws.s3.versioning": "s3_bucket_object_versioning",
    "aws.secretsmanager.rotation": "secretsmanager_automatic_rotation_enabled",
    "aws.sns.encrypted": "sns_topics_kms_encryption_at_rest_enabled",
}
SAME_OF_GROUPS = {
    "aws.ec2.default-sg-closed": "ec2_securitygroup_default_restrict_traffic",
    "aws.ec2.sg-no-ssh-from-internet": "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22",
}


def named(groups):
    return f"{groups // 1000}k"


METRICS = [
    Metric("collect_cpu_vs_prowler", "x", 1, 20, "CPU seconds of Prowler over those of Plumb", True),
    Metric("collect_peak_vs_prowler", "x", 1, 5, "greatest resident memory of Prowler over that of Plumb", True),
    Metric("collect_cpu_vs_prowler_net", "x", 1, None, "CPU seconds beyond those for an empty account, Prowler over Plumb", True),
    Metric("collect_cpu_vs_prowler_1k", "x", 1, None, f"CPU seconds for {MANY:,} security groups, Prowler over Plumb", True),
    Metric("collect_peak_vs_prowler_1k", "x", 1, None, f"greatest resident memory for {MANY:,} security groups, Prowler over Plumb", True),
    Metric("collect_cpu_per_call", "ms", 2, None, "CPU of Plumb per request"),
    *(Metric(f"collect_peak_{named(one)}", "MB", 1, 300, f"greatest resident memory of Plumb for {one:,} security groups") for one in GROUPS),
    *(Metric(f"collect_rate_{named(one)}", "/s", 0, None, f"security groups per CPU second of Plumb, of {one:,}") for one in GROUPS),
    *(
        Metric(f"preflight_{what}_{name}", "%", 1, 15, f"how far off the {what} are that --preflight foretells: {where}")
        for name, where in (("small", "the small account"), *((named(one), f"{one:,} security groups") for one in GROUPS))
        for what in ("calls", "seconds")
    ),
]  # fmt: skip


# The server


def moto():
    """script/moto as a module."""
    path = ROOT / "script" / "moto"
    loader = importlib.machinery.SourceFileLoader("script_moto", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("script_moto", loader))
    loader.exec_module(module)
    return module


def counted(application):
    """An application that also counts its requests by service, and tells and forgets the counts on demand."""
    counts, lock = Counter(), threading.Lock()

    def answer(environ, start_response):
        if environ["PATH_INFO"] == CALLS:
            with lock:
                body = json.dumps(counts).encode()
                counts.clear()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        with lock:
            counts[scope.group(1) if scope else "unsigned"] += 1
        return application(environ, start_response)

    return answer


def serve(folder, parent):
    script = moto()
    plain = script.application
    script.application = lambda: counted(plain())
    script.serve(folder, parent)


class Server:
    """A throwaway AWS with its own CPU clock and a count of requests."""

    def __init__(self):
        self.script = moto()
        self.script.install()
        self.script.__file__ = __file__  # what it starts as its server
        self.server = self.script.Server(FOLDER / "moto")
        self.endpoint = self.server.start(os.getpid())
        self.process = self.server.running()["pid"]

    def ask(self, path, body=None):
        return self.script.call(self.endpoint, path, body)

    def calls(self):
        """The requests since the last time this was asked, by service."""
        return Counter(json.loads(self.ask(CALLS)))

    def seed(self):
        log = WORK / "collect-seed.log"
        log.unlink(missing_ok=True)
        logged([ROOT / "script" / "moto", "seed", FOLDER / "moto"], log, "filling the account")

    def make_groups(self, count):
        self.server.reset()
        for made in range(0, count, 10_000):  # each call has to end in time
            self.ask(f"{self.script.MANY}?{min(10_000, count - made)}")

    def cpu(self):
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.server.stop()


# The programs


def environment(endpoint):
    """Fake keys, and nothing of the user's own settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PLUMB_"))}
    return plain | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGIONS[0],
        "AWS_DEFAULT_REGION": REGIONS[0],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(FOLDER),
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


class Cost(NamedTuple):
    """What one run took, and what it brought."""

    run: object
    calls: Counter
    verdicts: Counter
    violations: Counter

    @property
    def requests(self):
        return self.calls.total()


class Bench:
    def __init__(self, server):
        self.server, self.environment = server, environment(server.endpoint)
        self.rows, self.figures, self.foretold = [], {}, []

    def measured(self, command, codes, out=None):
        self.server.calls()
        run = measure(command, out=out, env=self.environment, codes=codes)
        return run, self.server.calls()

    def plumb(self, services, regions):
        out = FOLDER / "plumb.ndjson"
        command = [PLUMB, "scan", "aws", *flags("--region", regions), *flags("--service", services)]
        try:
            run, calls = self.measured([*command, "--format", "ndjson", "--output", out], (0, 1), FOLDER / "stdout")
            return Cost(run, calls, *found_by_plumb(out))
        finally:
            out.unlink(missing_ok=True)

    def prowler(self, services, regions, more=()):
        folder = FOLDER / "prowler"
        shutil.rmtree(folder, ignore_errors=True)
        command = [PROWLER / "bin" / "prowler", "aws", "--services", *services, "--region", *regions, *more]
        command += ["--excluded-checks", *EXCLUDED, "--aws-retries-max-attempts", 0]
        command += ["--output-formats", "json-ocsf", "--output-directory", folder, "--output-filename", "result"]
        command += ["--no-banner", "--no-color", "--ignore-exit-code-3", "--log-file", FOLDER / "prowler.log"]
        run, calls = self.measured(command, (0,), FOLDER / "stdout")
        return Cost(run, calls, *found_by_prowler(folder / "result.ocsf.json"))

    def row(self, what, costs):
        """A line of the table: the median of each column."""
        run = [cost.run for cost in costs]
        middle = {name: statistics.median(getattr(one, name) for one in run) for name in ("cpu", "wall", "peak")}
        requests = statistics.median(cost.requests for cost in costs)
        verdicts = costs[0].verdicts.total()
        cells = [f"{middle['cpu']:.2f}", f"{middle['wall']:.1f}", f"{middle['peak']:.1f}", f"{requests:,.0f}"]
        self.rows.append([what, *cells, f"{verdicts:,}"])
        return middle | {"requests": requests, "verdicts": verdicts}

    def preflight(self, name, services, regions, scan):
        """What --preflight foretells, beside what the scan then took."""
        command = [PLUMB, "scan", "aws", *flags("--region", regions), *flags("--service", services), "--preflight"]
        run, calls = self.measured(command, (0, 1))
        told = re.search(r"makes about (\d+) calls for (\d+) resources? and takes about (\d+) (s|min)", run.out)
        if not told:
            raise Failure(f"--preflight does not tell what a scan takes:\n{run.out[:500]}")
        seconds = int(told.group(3)) * (60 if told.group(4) == "min" else 1)
        made, took = scan["requests"], scan["wall"]
        self.figures[f"preflight_calls_{name}"] = 100 * abs(int(told.group(1)) - made) / made
        self.figures[f"preflight_seconds_{name}"] = 100 * abs(seconds - took) / took
        cells = [f"{calls.total():,}", f"{run.wall:.1f}", f"{int(told.group(1)):,}", f"{made:,.0f}"]
        self.foretold.append([name, *cells, f"{told.group(3)} {told.group(4)}", f"{took:.1f} s"])

    def both(self, what, same):
        """Rounds of both programs in turn over the account as it is; the medians of each."""
        ours, theirs = [], []
        for number in range(ROUNDS):
            say(f"{what}, round {number + 1} of {ROUNDS}: plumb, Prowler")
            ours.append(self.plumb(SERVICES, REGIONS))
            theirs.append(self.prowler(" ".join(SERVICES.values()).split(), REGIONS))
            compare(ours[-1], theirs[-1], same)
        self.last = ours[-1], theirs[-1]
        return self.row(f"{what}: plumb", ours), self.row(f"{what}: Prowler", theirs)

    def small(self):
        """The small account; before it is filled as well, for what a scan costs at least."""
        self.plumb(SERVICES, REGIONS)  # the server gets ready for a service when it is first asked
        empty, empty_peer = self.both("empty account", {})
        say("filling the account")
        self.server.seed()
        one, other = self.both("small account", SAME)
        self.figures |= {
            "collect_cpu_vs_prowler": other["cpu"] / one["cpu"],
            "collect_peak_vs_prowler": other["peak"] / one["peak"],
            "collect_cpu_vs_prowler_net": (other["cpu"] - empty_peer["cpu"]) / (one["cpu"] - empty["cpu"]),
            "collect_cpu_per_call": 1000 * one["cpu"] / one["requests"],
        }
        self.preflight("small", SERVICES, REGIONS, one)

    def many(self):
        """Some security groups, by both; Prowler leaves out what nothing uses unless told."""
        self.server.make_groups(MANY)
        say(f"{MANY:,} security groups: plumb, Prowler")
        ours = self.plumb(["ec2"], REGIONS[:1])
        theirs = self.prowler(["ec2"], REGIONS[:1], ["--scan-unused-services"])
        compare(ours, theirs, SAME_OF_GROUPS)
        what = f"{MANY:,} security groups"
        one, other = self.row(f"{what}: plumb", [ours]), self.row(f"{what}: Prowler", [theirs])
        for name in ("cpu", "peak"):
            self.figures[f"collect_{name}_vs_prowler_1k"] = other[name] / one[name]

    def large(self, groups):
        """Many security groups, by plumb alone."""
        need, free = groups * BYTES_PER_GROUP, shutil.disk_usage(WORK).free
        if free < need:
            raise Failure(f"{groups:,} security groups take {need / 1e9:.0f} GB on the disk; {free / 1e9:.0f} GB are free")
        say(f"making {groups:,} security groups")
        self.server.make_groups(groups)
        say(f"{groups:,} security groups: plumb")
        cost = self.plumb(["ec2"], REGIONS[:1])
        scan = self.row(f"{groups:,} security groups: plumb", [cost])
        name = named(groups)
        self.figures[f"collect_peak_{name}"] = scan["peak"]
        self.figures[f"collect_rate_{name}"] = groups / scan["cpu"]
        self.preflight(name, ["ec2"], REGIONS[:1], scan)


def flags(name, values):
    return [word for value in values for word in (name, value)]


def found_by_plumb(path):
    """The verdicts of a scan, and its violations by rule."""
    verdicts, violations = Counter(), Counter()
    with open(path, "rb") as file:
        for line in file:
            rule = re.search(rb'"rule":"([^"]+)"', line).group(1).decode()
            verdict = re.search(rb'"verdict":"([^"]+)"', line).group(1).decode()
            verdicts[verdict] += 1
            violations[rule] += verdict == "fail"
    return verdicts, violations


def found_by_prowler(path):
    """The same of Prowler. Line by line: a child counts the memory of the one that starts it as its own."""
    verdicts, violations, check = Counter(), Counter(), None
    with open(path, "rb") as file:
        for line in file:
            if found := re.match(rb' +"event_code": "([^"]+)"', line):
                check = found.group(1).decode()
            elif found := re.match(rb' +"status_code": "([^"]+)"', line):
                verdict = found.group(1).decode().lower()
                verdicts[verdict] += 1
                violations[check] += verdict == "fail"
    return verdicts, violations


def compare(ours, theirs, same):
    ours, theirs = ours.violations, theirs.violations
    rows = [["rule", "plumb fails", "Prowler fails"]]
    rows += [[one, f"{ours[one]}", f"{theirs[other]}"] for one, other in same.items() if ours[one] != theirs[other]]
    if len(rows) > 1:
        text = f"plumb and Prowler disagree on {len(rows) - 1} of {len(same)} rules\n\n"
        raise Disagreement(text + "\n".join(columns(rows)))


# Printing

HEAD = ["account and program", "CPU s", "wall s", "peak MB", "requests", "verdicts"]
FORETOLD = ["account", "own requests", "own seconds", "calls told", "made", "time told", "taken"]


def programs():
    packages = "import importlib.metadata as m; print(m.version('moto'), m.version('boto3'))"
    server = output_of(str(ROOT / ".build" / "moto" / "bin" / "python"), "-c", packages).split() or ["unknown"]
    version = "import importlib.metadata as m; print(m.version('prowler'), m.version('boto3'))"
    peer = output_of(str(PROWLER / "bin" / "python"), "-c", version).split() or ["unknown"] * 2
    return [("Prowler", f"{peer[0]}, with boto3 {peer[-1]}"), ("moto", server[0])]


def breakdown(title, counts):
    """Two counters as one table."""
    one, other = counts
    names = sorted(one.keys() | other.keys())
    return [[title, "plumb", "Prowler"], *([name, f"{one[name]:,}", f"{other[name]:,}"] for name in names)]


def document(bench, busy):
    services = textwrap.fill(", ".join(f"`{name}`" for name in SERVICES), 110)
    return "\n".join(
        [
            "# Benchmarks of collecting",
            "",
            "Written by `bench/run collect --write`; do not edit by hand.",
            "",
            "An AWS account is read and judged by Plumb and by Prowler, in the same run, from the same server: moto,",
            f"which `script/moto` starts on this machine and fills, in {len(REGIONS)} regions, by `seed` with its small size.",
            "Both are restricted to the services that both cover, in Plumb's names",
            services,
            "(`ec2` is Prowler's `vpc` as well). None had to be left out because Prowler fails on it. Left out is one of",
            f"Prowler's checks, `{EXCLUDED[0]}`, which loads code from outside of this machine.",
            f"For {len(SAME)} rules that mean the same in both, both find the same number of violations, or nothing is",
            "written here.",
            "",
            "## Targets",
            "",
            outcome(METRICS, bench.figures, busy, DEFAULT_COUNT),
            "",
            *targets(METRICS, bench.figures),
            "",
            "## Runs",
            "",
            *markdown([HEAD, *bench.rows]),
            "",
            f"Of the empty and of the small account the medians of {ROUNDS} runs, both programs in turn; of security groups",
            "one run. Every figure is of a whole process with its start and end: user and system CPU seconds and greatest",
            "resident memory, as the kernel counts them for it and its children. Requests are counted by the server, which",
            "closes every connection after its answer. Prowler writes its findings as JSON (OCSF), Plumb its verdicts with",
            "their proofs as JSON lines. Prowler judges more checks than Plumb has rules and asks for more; where a rule",
            "does not apply Prowler says nothing, and Plumb says that. Prowler is told not to repeat requests that fail,",
            "which spares it time on a few that this server refuses. The empty account has what AWS puts into every",
            "account, and shows what a scan costs before there is anything to read; the security groups what it",
            "costs when there is much of one kind. CPU seconds are the client's alone; wall seconds are mostly those of the",
            "server, one Python process on the same cores, without TLS. MB are millions of bytes.",
            "",
            "## Requests",
            "",
            "Those of the last runs on the small account, by the service that they were signed for.",
            "",
            *markdown(breakdown("service", [cost.calls for cost in bench.last])),
            "",
            "## Verdicts",
            "",
            *markdown(breakdown("verdict", [cost.verdicts for cost in bench.last])),
            "",
            "## Preflight",
            "",
            "`plumb scan aws --preflight` on the same accounts: what it takes itself, what it tells, and what the scan",
            "above took from start to end, judging and reporting included. It tells whole seconds or, from 90 seconds on,",
            "whole minutes. A scan makes at most 40 requests per second to each service of a region (`--max-rps`), and half",
            "of those for the small account are to IAM.",
            "",
            *markdown([FORETOLD, *bench.foretold]),
            "",
            *closing(busy, programs(), METRICS, bench.figures),
        ]
    )


# The command


def run(options):
    version = opening(options)
    install(PROWLER, PEER, "Prowler", "2.3 GB")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    server = Server()
    try:
        others, started = Others(), time.perf_counter()
        bench, used = Bench(server), server.cpu()
        bench.small()
        bench.many()
        for groups in [] if options.no_large else GROUPS:
            bench.large(groups)
        # The server is none of the other programs, though its process was started by none of the measured ones.
        share = 100 * (server.cpu() - used) / (time.perf_counter() - started) / os.cpu_count()
        busy = max(0.0, others.percent() - share)
    finally:
        server.stop()
        shutil.rmtree(FOLDER, ignore_errors=True)
    check_unchanged(version)

    tables = [[HEAD, *bench.rows], [FORETOLD, *bench.foretold]]
    agreement = f"plumb and Prowler agree on all {len(SAME)} rules that mean the same."
    finish(options, tables, agreement, busy, METRICS, bench.figures, DOCUMENT, lambda: document(bench, busy))


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "collect",
        help="read an AWS account, beside Prowler",
        description="Reads an account of a throwaway AWS with plumb and Prowler: CPU, memory, requests, and --preflight.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run collect --no-build --no-large
  bench/run collect --write

Prowler takes 2.3 GB in bench/.work/prowler, and its installation some minutes.""",
    )
    one.add_argument("--no-large", action="store_true", help="without the accounts of many security groups")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)


if __name__ == "__main__":
    # As script/moto starts its server: serve FOLDER --parent PID.
    serve(sys.argv[2], int(sys.argv[4]))
