"""bench/run gate: decisions at 200 rules beside OPA's language and the bare framework, plans and manifests beside Checkov."""
import argparse
import json
import os
import random
import re
import shutil
import sys
import time

from common import (
    BENCH, BYTES_PER_RESOURCE, DEFAULT_COUNT, PLUMB, PYTHON, ROOT, WORK, Disagreement, Failure, Metric, Others,
    add_opening, check_unchanged, closing, finish, generate, install, logged, make_venv, markdown, measure,
    opening, outcome, output_of, resources, say, targets,
)  # fmt: skip
from serve import Server

DOCUMENT = ROOT / "docs" / "benchmarks-gate.md"
LEAST_COUNT = 2_000
RULES = 200
PROPERTIES = 60
SUBJECTS = 2_000  # resources that decisions are asked about
BATCH = 1_000
CONNECTIONS = 32
PLANNED = 2_000  # resources of the plan, and pods
REGO = 500  # resources that regopy decides about
INSTANT = "2026-03-01T00:00:00Z"
REPLAYED = "s1"  # a rule of bench/rules

FOLDER = WORK / "gate"
PEER = "checkov==3.3.30"
CHECKOV = WORK / "checkov"
SAME = {"terraform": ("CKV_AWS_24", "aws.ec2.sg-no-ssh-from-internet"), "kubernetes": ("CKV_K8S_16", "k8s.pod.no-privileged")}

METRICS = [
    Metric("gate_single", "requests/s", 0, None, f"decisions about one resource at {RULES} rules, over HTTP kept alive", True),
    Metric("gate_single_p50", "ms", 2, None, "the same: half of the answers came within"),
    Metric("gate_single_p99", "ms", 2, 10, "the same: 99 of 100 answers came within"),
    Metric("gate_bare", "requests/s", 0, None, "the framework alone: /healthz of the same server", True),
    Metric("gate_vs_bare", "x", 2, 0.75, "single decisions over answers of the framework alone", True),
    Metric("gate_batch", "decisions/s", 0, 200_000, f"decisions in batches of {BATCH:,} over HTTP", True),
    Metric("gate_judged", "decisions/s", 0, None, f"the same rules in process: plumb judge, verdicts only, on all cores", True),
    Metric("gate_rego", "decisions/s", 0, None, "regopy in process, the same rules, one core", True),
    Metric("gate_rego_p50", "ms", 2, None, "the same: half of the decisions took at most"),
    Metric("gate_rego_p99", "ms", 2, None, "the same: 99 of 100 took at most"),
    Metric("gate_single_vs_rego", "x", 1, None, "single decisions over HTTP over those of regopy in process"),
    Metric("gate_plan", "s", 2, 1, f"a Terraform plan of {PLANNED:,} resources, wall"),
    Metric("gate_plan_vs_checkov", "x", 0, 100, "CPU seconds for that plan, Checkov over plumb", True),
    Metric("gate_manifests_vs_checkov", "x", 0, 100, f"CPU seconds for {PLANNED:,} pods, Checkov over plumb", True),
    Metric("gate_plan_vs_trivy", "x", 0, 30, "CPU seconds for that plan, Trivy over plumb", True),
    Metric("gate_replay", "s", 1, 60, f"replay of {DEFAULT_COUNT:,} recorded configurations, wall"),
    Metric("gate_peak_rss", "MB", 0, None, "greatest resident memory of the server after all requests"),
]  # fmt: skip

# Sends bodies one after the other, each connection from a place of its own.
SCRIPT = """
local bodies = {}
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
local at = math.random(#bodies)
local headers = HEADERS
request = function()
  at = at % #bodies + 1
  return wrk.format("METHOD", "PATH", headers, METHODBODY)
end
done = function(summary, latency)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format("load %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
"""

# Decides about each line of a file, and tells the failures and how long each decision took.
REGOPY = """
import json, sys, time
from regopy import Interpreter
interpreter = Interpreter()
interpreter.add_module("gate", open(sys.argv[1]).read())
failures, took = {}, []
for line in open(sys.argv[2]):
    resource = json.loads(line)
    started = time.perf_counter()
    interpreter.set_input(resource)
    answer = interpreter.query("x = data.gate.deny")
    took.append(time.perf_counter() - started)
    failures[resource["id"]] = sorted(json.loads(str(answer))["bindings"]["x"])
json.dump({"failures": failures, "took": took}, sys.stdout)
"""


# The same rules twice


def rules():
    """Rules as (id, property, operator, value), which ask about flags, numbers and words in turn."""
    found = []
    for number in range(RULES):
        at = number % PROPERTIES
        name, kind = f"rule.n{number:03}", at % 3
        if kind == 0:
            found.append((name, f"p{at}", "is_true", None))
        elif kind == 1:
            found.append((name, f"p{at}", "num_greater_than_equals", 10 + number // PROPERTIES))
        else:
            found.append((name, f"p{at}", "string_equals", ["blue", "green", f"c{number}"]))
    return found


def write_rules():
    """A folder of content for plumb, and a module of Rego."""
    folder = FOLDER / "content" / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    module = ["package gate", "", "import rego.v1", ""]
    for name, path, operator, value in rules():
        required = {"property": path, "operator": operator} | ({} if value is None else {"value": value})
        document = {
            "id": name, "title": name, "severity": "medium",
            "target": {"service_name": "bench", "resource_kind": "thing"}, "required_config": required,
        }  # fmt: skip
        (folder / f"{name}.yaml").write_text(json.dumps(document))
        good = {
            "is_true": f"input.configuration.{path} == true",
            "num_greater_than_equals": f"input.configuration.{path} >= {value}",
            "string_equals": f"input.configuration.{path} in {json.dumps(value)}",
        }[operator]
        key = name.replace(".", "_")
        module += [f"{key} if {good}", f'deny contains "{name}" if not {key}', ""]
    (FOLDER / "gate.rego").write_text("\n".join(module))


def subjects():
    """Resources; of ten one breaks something."""
    draw = random.Random(1)
    found = []
    for number in range(SUBJECTS):
        values = {}
        for at in range(PROPERTIES):
            values[f"p{at}"] = [True, 20 + draw.randrange(100), draw.choice(["blue", "green"])][at % 3]
        if number % 10 == 0:
            at = draw.randrange(PROPERTIES)
            values[f"p{at}"] = [False, 11, "red"][at % 3]
        found.append({
            "provider": "bench", "account": "a", "region": "", "service_name": "bench", "resource_kind": "thing",
            "id": f"thing-{number}", "configuration": values,
        })  # fmt: skip
    return found


# Plans and manifests


def write_plan(path):
    """A plan of security groups and volumes, of which some break rules."""
    changes = []
    for number in range(PLANNED):
        if number % 2:
            after = {"availability_zone": "eu-west-1a", "size": 8, "encrypted": number % 10 != 1}
            kind, name = "aws_ebs_volume", f"v{number}"
        else:
            source = "0.0.0.0/0" if number % 20 == 0 else "10.0.0.0/8"
            one = {
                "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": [source], "ipv6_cidr_blocks": [],
                "prefix_list_ids": [], "security_groups": [], "self": False, "description": "",
            }  # fmt: skip
            after = {"name": f"g{number}", "description": "of the benchmark", "ingress": [one], "egress": []}
            kind, name = "aws_security_group", f"g{number}"
        changes.append({
            "address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {"actions": ["create"], "before": None, "after": after, "after_unknown": {"id": True}, "after_sensitive": {}},
        })  # fmt: skip
    planned = [
        {key: one[key] for key in ("address", "mode", "type", "name", "provider_name")}
        | {"schema_version": 0, "values": one["change"]["after"]}
        for one in changes
    ]
    configured = [{key: one[key] for key in ("address", "mode", "type", "name")} | {"expressions": {}} for one in changes]
    path.write_text(json.dumps({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes, "configuration": {"root_module": {"resources": configured}},
    }))  # fmt: skip


def write_manifests(path):
    """Pods, of which some are privileged."""
    pods = []
    for number in range(PLANNED):
        container = {
            "name": "app", "image": "registry.example.com/app:1.0",
            "securityContext": {"privileged": number % 10 == 0, "allowPrivilegeEscalation": number % 10 == 0},
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        }  # fmt: skip
        pods.append({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}", "namespace": "shop"},
            "spec": {"containers": [container]},
        })  # fmt: skip
    path.write_text("\n---\n".join(json.dumps(one) for one in pods) + "\n")


def checkov(path, framework):
    """What Checkov takes for a file, offline, and the names of what fails the check that is compared."""
    command = [CHECKOV / "bin" / "checkov", "-f", path, "--framework", framework, "-o", "json", "--quiet", "--compact"]
    command += ["--skip-download", "--soft-fail"]
    run = measure(command, env=os.environ | {"CKV_IGNORE_HIDDEN_DIRECTORIES": "false", "LOG_LEVEL": "ERROR"})
    kind = "terraform" if framework == "terraform_plan" else "kubernetes"
    failed = json.loads(run.out)["results"]["failed_checks"]
    return run, {one["resource"].split(".")[-1] for one in failed if one["check_id"] == SAME[kind][0]}


def gate(path, kind, profile):
    """What plumb takes for a file, and the names of what fails the rule that is compared."""
    command = [PLUMB, "gate", kind, path, "--profile", profile, "--enforcement", "warn", "--account", "a", "--format", "json"]
    run = measure(command, codes=(0, 1, 2))
    failed = set()
    for decision in json.loads(run.out)["decisions"]:
        if any(one["rule"] == SAME[kind][1] and one["verdict"] == "fail" for one in decision["rulings"]):
            failed.add(re.split(r"[./]", decision["resource"]["id"])[-1])
    return run, failed


class Bench:
    def __init__(self, options):
        self.options, self.figures, self.rows, self.costs = options, {}, [], []
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        self.things = subjects()
        write_rules()

    # Decisions

    def load(self, name, what, method, path, bodies, headers, each=1, connections=CONNECTIONS):
        file, script = FOLDER / "bodies", FOLDER / "gate.lua"
        file.write_text("\n".join(bodies) + "\n")
        listed = "{" + ", ".join(f'["{key}"] = "{value}"' for key, value in headers.items()) + "}"
        text = SCRIPT.replace("BODIES", str(file)).replace("HEADERS", listed)
        text = text.replace("METHODBODY", "bodies[at]" if method == "POST" else "nil")
        script.write_text(text.replace("METHOD", method).replace('"PATH"', f'"{path}"'))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{self.options.seconds}s", "--timeout", "30s", "-s", script]
        run = measure([*command, self.server.address])
        found = re.search(r"^load (\S+) (\S+) (\S+) (\d+)$", run.out, re.MULTILINE)
        rate, p50, p99, bad = float(found[1]), float(found[2]), float(found[3]), int(found[4])
        if bad:
            raise Failure(f"{what}: {bad} requests failed")
        if rate == 0:
            raise Failure(f"{what}: no answer came within {self.options.seconds} s")
        self.figures |= {name: rate * each, f"{name}_p50": p50, f"{name}_p99": p99}
        self.rows.append([what, f"{rate:,.0f}", f"{rate * each:,.0f}", f"{p50:.2f}", f"{p99:.2f}"])

    def decisions(self):
        """Over HTTP, by a server on which each rule is laid by a guardrail of its own."""
        os.environ["PLUMB_OVERLAY"] = str(FOLDER / "content")
        self.server = Server(FOLDER / "store", ["--decisions-per-second", "0"])
        try:
            words = ["keys", "add", "bench", "--person", "administrator", "--role", "administrator"]
            token = measure([PLUMB, *words, "--data", FOLDER / "store"]).out.strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

            def post(path, body):
                return json.loads(self.server.ask(path, headers, json.dumps(body).encode())[0])

            for name, *_ in rules():
                post("/api/v1/guardrails", {"rule": name, "enforcement": "disallow", "reason": "benchmark"})
            time.sleep(1.5)
            answer = post("/api/v1/decisions", {"resources": self.things[:REGO]})
            if answer["decisions"][0]["guardrails"] != RULES:
                raise Failure(f"{answer['decisions'][0]['guardrails']} of {RULES} guardrails ask something")
            self.failures = {
                one["resource"]["id"]: sorted(ruling["rule"] for ruling in one["rulings"]) for one in answer["decisions"]
            }
            self.load("gate_bare", "the framework alone", "GET", "/healthz", ["-"], {})
            single = [json.dumps({"resource": one, "operation": "update"}) for one in self.things]
            self.load("gate_single", "one resource", "POST", "/api/v1/decisions", single, headers)
            parts = [self.things[at : at + BATCH] for at in range(0, SUBJECTS, BATCH)]
            batches = [json.dumps({"resources": part, "operation": "update"}) for part in parts]
            self.load("gate_batch", f"{BATCH:,} resources", "POST", "/api/v1/decisions", batches, headers, BATCH, 2)
            self.figures["gate_vs_bare"] = self.figures["gate_single"] / self.figures["gate_bare"]
            self.figures["gate_peak_rss"] = self.server.peak()
        finally:
            self.server.stop()

    def in_process(self):
        """The same rules without HTTP: plumb judge over many lines, and regopy decision by decision."""
        lines = FOLDER / "things.ndjson"
        times = max(1, self.options.count // 10 // SUBJECTS)
        with open(lines, "w") as file:
            for round in range(times):
                for one in self.things:
                    file.write(json.dumps(one | {"id": f"{one['id']}-{round}"}) + "\n")
        run = measure([PLUMB, "judge", lines, "--rules", FOLDER / "content" / "rules", "--summary", "--now", INSTANT], codes=(0, 1))
        self.figures["gate_judged"] = times * SUBJECTS / run.wall
        few, script = FOLDER / "few.ndjson", FOLDER / "rego.py"
        few.write_text("".join(json.dumps(one) + "\n" for one in self.things[:REGO]))
        script.write_text(REGOPY)
        found = json.loads(measure([PYTHON, script, FOLDER / "gate.rego", few]).out)
        if found["failures"] != self.failures:
            other = next(id for id in self.failures if found["failures"].get(id) != self.failures[id])
            raise Disagreement(f"{other}: plumb finds {self.failures[other]}, regopy {found['failures'].get(other)}")
        took = sorted(found["took"])
        self.figures["gate_rego"] = len(took) / sum(took)
        self.figures["gate_rego_p50"] = took[len(took) // 2] * 1000
        self.figures["gate_rego_p99"] = took[len(took) * 99 // 100] * 1000
        self.figures["gate_single_vs_rego"] = self.figures["gate_single"] / self.figures["gate_rego"]

    # Files

    def files(self):
        plan, manifests = FOLDER / "plan.json", FOLDER / "pods.yaml"
        write_plan(plan)
        write_manifests(manifests)
        for kind, framework, path, profile in [
            ("terraform", "terraform_plan", plan, "best-practices"),
            ("kubernetes", "kubernetes", manifests, "cis-kubernetes"),
        ]:
            ours, found = gate(path, kind, profile)
            self.costs.append([f"{path.name}, plumb", f"{ours.wall:.2f}", f"{ours.cpu:.2f}", f"{ours.peak:,.0f}"])
            theirs, other = checkov(path, framework)
            self.costs.append([f"{path.name}, Checkov", f"{theirs.wall:.2f}", f"{theirs.cpu:.2f}", f"{theirs.peak:,.0f}"])
            if found != other or not found:
                odd = sorted(found ^ other)[:3]
                raise Disagreement(f"{path.name}: plumb finds {len(found)}, Checkov {len(other)}; differing: {odd}")
            if kind == "terraform":
                self.figures["gate_plan"] = ours.wall
                self.figures["gate_plan_vs_checkov"] = theirs.cpu / ours.cpu
                if shutil.which("trivy"):
                    trivy = measure(["trivy", "config", "--quiet", "--skip-check-update", "--format", "json", plan], codes=(0, 1))
                    self.figures["gate_plan_vs_trivy"] = trivy.cpu / ours.cpu
            else:
                self.figures["gate_manifests_vs_checkov"] = theirs.cpu / ours.cpu

    def replay(self, inventory):
        """Recorded configurations as requests, by one guardrail."""
        store, content = FOLDER / "history", FOLDER / "replayed"
        (content / "rules").mkdir(parents=True)
        shutil.copy(BENCH / "rules" / f"{REPLAYED}.yaml", content / "rules")
        name = re.search(r"^id: (\S+)", (BENCH / "rules" / f"{REPLAYED}.yaml").read_text(), re.MULTILINE)[1]
        os.environ["PLUMB_OVERLAY"] = str(content)
        say(f"keeping {self.options.count:,} configurations")
        measure([PLUMB, "scan", "inventory", inventory, "--rules", BENCH / "rules", "--now", INSTANT, "--data", store])
        command = [PLUMB, "guardrails", "preview", "--rule", name, "all", "--since", "2020-01-01", "--data", store]
        run = measure([*command, "--format", "json"])
        told = json.loads(run.out)
        what = f"replay of {self.options.count:,}, {told['judged']:,} of the rule's kind"
        self.costs.append([what, f"{run.wall:.2f}", f"{run.cpu:.2f}", f"{run.peak:,.0f}"])
        if self.options.count == DEFAULT_COUNT:
            self.figures["gate_replay"] = run.wall


HEAD = ["what is asked for", "requests/s", "decisions/s", "p50 ms", "p99 ms"]
COSTS = ["what is judged", "wall s", "CPU s", "peak MB"]
AGREEMENT = (
    f"plumb and regopy find the same in {REGO} resources by {RULES} rules, plumb and Checkov in the plan and the manifests "
    f"by {' and '.join(ours for _, ours in SAME.values())}."
)


def versions():
    wrk = re.search(r"wrk (\S+)", output_of("sh", "-c", "wrk -v 2>&1; true"))
    ask = "import importlib.metadata as m; print(m.version('%s'))"
    return [
        ("wrk", wrk.group(1) if wrk else "unknown"), ("regopy", output_of(PYTHON, "-c", ask % "regopy")),
        ("Checkov", output_of(CHECKOV / "bin" / "python", "-c", ask % "checkov")),
    ]  # fmt: skip


METHOD = f"""\
`plumb serve` over SQLite with {RULES} rules of one kind of resource, each laid by a guardrail of its own that disallows; every
decision goes through all of them, and one resource of ten breaks something. wrk asks with one thread and {CONNECTIONS}
connections (2 for batches) that stay open, and shares the cores with the server; every decision is logged. The framework
alone is `/healthz` of the same server, the best that any answer of it could reach. regopy, the interpreter of OPA's language
from PyPI, has the same rules as a module and decides in its own process, without HTTP. The plan has {PLANNED:,} security
groups and volumes, the manifests {PLANNED:,} pods; plumb judges them by `best-practices` and `cis-kubernetes`, Checkov by all its
checks, without a network. What both find of one rule that means the same has to be the same, or there are no figures."""


def document(options, bench, busy):
    return "\n".join(
        [
            "# Benchmarks of the gates",
            "",
            "Written by `bench/run gate --write`; do not edit by hand.",
            "",
            METHOD,
            "",
            AGREEMENT,
            "",
            "## Targets",
            "",
            outcome(METRICS, bench.figures, busy, options.count),
            "",
            *targets(METRICS, bench.figures),
            "",
            "## Decisions over HTTP",
            "",
            *markdown([HEAD, *bench.rows]),
            "",
            "## Plans, manifests, replay",
            "",
            *markdown([COSTS, *bench.costs]),
            "",
            *closing(busy, versions(), METRICS, bench.figures),
        ]
    )


def run(options):
    version = opening(options)
    if not shutil.which("wrk"):
        raise Failure("wrk is missing; as root: apt-get install wrk")
    make_venv()
    install(CHECKOV, PEER, "Checkov")
    inventory = generate(options.count, 1, BYTES_PER_RESOURCE)
    os.environ["PLUMB_STATE"] = str(WORK / "gate-state")
    others = Others()
    bench = Bench(options)
    try:
        bench.decisions()
        bench.in_process()
        bench.files()
        bench.replay(inventory)
    finally:
        for folder in (FOLDER, WORK / "gate-state"):
            shutil.rmtree(folder, ignore_errors=True)
    busy = others.percent()
    check_unchanged(version)
    tables = [[HEAD, *bench.rows], [COSTS, *bench.costs]]
    finish(options, tables, AGREEMENT, busy, METRICS, bench.figures, DOCUMENT, lambda: document(options, bench, busy))


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "gate",
        help="ask for decisions, beside regopy and Checkov",
        description="Measures decisions over HTTP and in process, plans and manifests in files, and replay.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run gate --count 20000 --seconds 2 --no-build
  bench/run gate --write""",
    )
    usual = f"configurations that are replayed (default: {DEFAULT_COUNT:,})"
    one.add_argument("--count", type=resources(LEAST_COUNT), default=DEFAULT_COUNT, help=usual)
    one.add_argument("--seconds", type=int, default=10, help="of each load (default: 10)")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
