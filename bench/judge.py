"""bench/run judge: judging an inventory, beside DuckDB, Cloud Custodian and simdjson."""
import argparse
import itertools
import json
import os
import subprocess

from common import (
    BENCH, DEFAULT_COUNT, PLUMB, PYTHON, ROOT, WORK, Disagreement, Metric, Others, add_inventory,
    add_opening, check_unchanged, closing, columns, count_lines, data_path, finish, generate,
    is_current, logged, make_venv, markdown, measure, opening, outcome, output_of, resources, say,
    targets, warm,
)  # fmt: skip

PARSER = WORK / "parse_simdjson"
DOCUMENT = ROOT / "docs" / "benchmarks.md"

LEAST_COUNT = 1_000
MEMORY_COUNT = 4_000_000
CUSTODIAN_LIMIT = 50_000
ROUNDS = 3
STARTS = 20
BYTES_PER_RESULT = 450  # of what plumb writes per resource, and amply

METRICS = [
    Metric("judge_vs_duckdb", "x", 2, 4, "resources per CPU second, Plumb over DuckDB", True),
    Metric("judge_vs_custodian", "x", 2, 40, "resources per CPU second, Plumb over Cloud Custodian", True),
    Metric("judge_vs_simdjson_parse", "x", 3, 0.5, "resources per CPU second, Plumb over simdjson only parsing", True),
    Metric("judge_two_core_speedup", "x", 2, 1.8, "wall seconds of one worker over those of the default workers", True),
    Metric("judge_rate", "/s", 0, None, "resources per CPU second of Plumb", True),
    Metric("judge_peak_rss", "MB", 1, 300, "greatest resident memory of Plumb, results written"),
    Metric("judge_peak_rss_4m", "MB", 1, 300, f"the same for {MEMORY_COUNT:,} resources"),
    Metric("help_start", "ms", 1, 30, f"plumb --help from start to end, best of {STARTS}"),
]


class Row:
    """A line of the table: of several runs the least CPU, the least wall and the greatest peak."""

    def __init__(self, name, resources):
        self.name, self.resources = name, resources
        self.cpu = self.wall = float("inf")
        self.peak = 0.0

    def add(self, cpu, wall, peak):
        self.cpu, self.wall, self.peak = min(self.cpu, cpu), min(self.wall, wall), max(self.peak, peak)

    @property
    def rate(self):
        return self.resources / max(self.cpu, 1e-6)


def compile_parser():
    source = BENCH / "parse_simdjson.cpp"
    if is_current(PARSER, source):
        say("parse_simdjson is compiled already")
        return
    say("compiling parse_simdjson")
    log = WORK / "compile.log"
    log.unlink(missing_ok=True)
    part = PARSER.with_suffix(".part")
    what = "compiling parse_simdjson (it needs g++ and libsimdjson-dev)"
    logged(["g++", "-O3", "-std=c++17", source, "-o", part, "-lsimdjson"], log, what)
    part.replace(PARSER)


# Judging


def plumb_results(path, out, workers=None):
    command = [PLUMB, "judge", "--rules", BENCH / "rules", path, "--failures-only", "--no-proof"]
    return measure(command + (["--workers", workers] if workers else []), out=out, codes=(0, 1))


def plumb_summary(path):
    run = measure([PLUMB, "judge", "--rules", BENCH / "rules", path, "--summary"], codes=(0, 1))
    summary = json.loads(run.out)
    if summary.get("lines_not_judged"):
        raise Disagreement(f"plumb did not judge {summary['lines_not_judged']} lines")
    return run, {goal["rule"]: goal["results"]["fail"] for goal in summary["goals"]}, summary["resources"]


def own(run):
    """What a program counted itself, as the last line of JSON on its standard error or its standard output."""
    figures = json.loads((run.err or run.out).strip().splitlines()[-1])
    return figures["cpu_seconds"], figures["wall_seconds"], figures


def compare(ours, theirs, who):
    names = sorted(ours.keys() | theirs.keys())
    different = [name for name in names if ours.get(name) != theirs.get(name)]
    if not different:
        return len(names)
    lines = [f"plumb and {who} disagree on {len(different)} of {len(names)} rules", ""]
    rows = [["rule", "plumb fails", f"{who} fails", "difference"]]
    for name in different:
        one, other = ours.get(name), theirs.get(name)
        gap = "" if one is None or other is None else f"{one - other:+,}"
        rows.append([name, *("no such rule" if value is None else f"{value:,}" for value in (one, other)), gap])
    raise Disagreement("\n".join(lines + columns(rows)))


class Judge:
    def __init__(self, count, path):
        self.count, self.path = count, path
        self.cores = len(os.sched_getaffinity(0))
        limit = min(count, CUSTODIAN_LIMIT)
        threads = f"{self.cores} threads" if self.cores > 1 else "every thread"
        self.one = Row("plumb, 1 worker", count)
        self.all = Row("plumb, default workers", count)
        self.summary = Row("plumb --summary", count)
        self.duckdb = []
        for label, environment in (
            (threads, {"THREADS": str(self.cores), "SCHEMA": "auto"}),
            ("1 thread", {"THREADS": "1", "SCHEMA": "auto"}),
            (f"{threads}, schema declared", {"THREADS": str(self.cores), "SCHEMA": "declared"}),
        ):
            query = Row(f"DuckDB, {label}: query", count)
            self.duckdb.append((query, Row(f"DuckDB, {label}: process", count), environment))
        self.custodian = Row("Cloud Custodian: filters", limit)
        self.custodian_process = Row("Cloud Custodian: process", limit)
        self.parse = Row("simdjson, parse only", count)
        self.fails = None
        self.outputs = []

    def output(self, name):
        path = WORK / name
        self.outputs.append(path)
        return path

    def once(self):
        """One round of everything; rounds, so that a busy spell of the machine meets all programs alike."""
        run, fails, resources = plumb_summary(self.path)
        if resources != self.count:
            raise Disagreement(f"plumb judged {resources:,} resources of {self.count:,}")
        if self.fails not in (None, fails):
            raise Disagreement("plumb --summary differs from one run to the next")
        self.fails = fails
        self.summary.add(run.cpu, run.wall, run.peak)

        for row, workers in ((self.one, 1), (self.all, None)):
            out = self.output(f"plumb-{workers or 'default'}.ndjson")
            run = plumb_results(self.path, out, workers)
            row.add(run.cpu, run.wall, run.peak)
            lines, wanted = count_lines(out), sum(fails.values())
            if lines != wanted:
                raise Disagreement(f"{row.name} wrote {lines:,} results, and the summary counts {wanted:,}")

        for query, process, environment in self.duckdb:
            command = [PYTHON, BENCH / "judge_duckdb.py", self.path, self.output("duckdb.csv")]
            run = measure(command, env={**os.environ, **environment})
            process.add(run.cpu, run.wall, run.peak)
            query.add(*own(run)[:2], run.peak)
            compare(fails, json.loads(run.out), "DuckDB")

        run = measure([PYTHON, BENCH / "judge_custodian.py", self.path, self.custodian.resources])
        self.custodian_process.add(run.cpu, run.wall, run.peak)
        self.custodian.add(*own(run)[:2], run.peak)
        self.custodian_fails = json.loads(run.out)

        run = measure([PARSER, self.path])
        cpu, wall, figures = own(run)
        if figures["documents"] != self.count:
            raise Disagreement(f"simdjson parsed {figures['documents']:,} documents of {self.count:,}")
        self.parse.add(cpu, wall, run.peak)

    def compare_custodian(self):
        head, fails = self.output("judge-head.ndjson"), self.fails
        if self.custodian.resources < self.count:
            with open(self.path, "rb") as source, open(head, "wb") as target:
                target.writelines(itertools.islice(source, self.custodian.resources))
            fails = plumb_summary(head)[1]
        compare(fails, self.custodian_fails, "Cloud Custodian")

    def rows(self):
        duckdb = [row for query, process, _ in self.duckdb for row in (query, process)]
        return [self.one, self.all, self.summary, *duckdb, self.custodian, self.custodian_process, self.parse]

    def figures(self):
        # Each program with the number of threads that costs it the least CPU; of DuckDB as anyone would call it, that
        # is without a declared schema. The peers by what they count themselves, plumb by the whole process.
        rate = max(self.one.rate, self.all.rate)
        duckdb = max(query.rate for query, _, environment in self.duckdb if environment["SCHEMA"] == "auto")
        return {
            "judge_vs_duckdb": rate / duckdb,
            "judge_vs_custodian": rate / self.custodian.rate,
            "judge_vs_simdjson_parse": rate / self.parse.rate,
            "judge_two_core_speedup": self.one.wall / self.all.wall,
            "judge_rate": rate,
            "judge_peak_rss": max(self.one.peak, self.all.peak),
        }


def help_start():
    return min(measure([PLUMB, "--help"]).wall for _ in range(STARTS)) * 1000


def peak_of_many(seed, keep):
    """The peak in MB while judging MEMORY_COUNT resources."""
    path, out = data_path(MEMORY_COUNT, seed), WORK / "plumb-memory.ndjson"
    was_there = is_current(path, BENCH / "generate.py")
    try:
        generate(MEMORY_COUNT, seed, 2 * BYTES_PER_RESULT)
        say(f"measuring the memory of plumb for {MEMORY_COUNT:,} resources")
        return plumb_results(path, out).peak
    finally:
        out.unlink(missing_ok=True)
        if not (keep or was_there):
            path.unlink(missing_ok=True)


# Printing


HEAD = ["program", "resources", "resources/CPU s", "CPU s", "wall s", "peak MB"]


def cells(row, floor):
    # A child begins with the peak of the process that started it, so less than that cannot be told apart.
    peak = f"{row.peak:,.1f}" if row.peak > floor else f"< {floor:.0f}"
    return [row.name, f"{row.resources:,}", f"{row.rate:,.0f}", f"{row.cpu:.3f}", f"{row.wall:.3f}", peak]


def programs():
    """The versions of the peers."""
    packages = "import importlib.metadata as m; print(m.version('duckdb'), m.version('c7n'))"
    duckdb, c7n = (output_of(str(PYTHON), "-c", packages).split() + ["unknown"] * 2)[:2]
    source = "#include <simdjson.h>\nSIMDJSON_VERSION\n"
    simdjson = subprocess.run(
        ["g++", "-std=c++17", "-x", "c++", "-E", "-P", "-"], input=source, capture_output=True, text=True
    ).stdout.strip()
    return [
        ("DuckDB", duckdb),
        ("Cloud Custodian (c7n)", c7n),
        ("simdjson", simdjson.splitlines()[-1].strip() if simdjson else "unknown"),
    ]


def document(options, rows, figures, busy):
    command = "bench/run judge --write"
    command += f" --count {options.count}" if options.count != DEFAULT_COUNT else ""
    command += f" --seed {options.seed}" if options.seed != 1 else ""
    command += " --memory" if options.memory else ""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Written by `{command}`; do not edit by hand.",
            "",
            "| other benchmarks | what they measure |",
            "| --- | --- |",
            "| [benchmarks-store.md](benchmarks-store.md) | what keeping results costs, in SQLite and in PostgreSQL |",
            "| [benchmarks-collect.md](benchmarks-collect.md) | what reading an AWS account costs, beside Prowler |",
            "| [benchmarks-insights.md](benchmarks-insights.md) | flow records through all detectors, beside DuckDB |",
            "| [benchmarks-serve.md](benchmarks-serve.md) | what a server answers, and how fast |",
            "| [benchmarks-gate.md](benchmarks-gate.md) | what decisions cost, beside regopy and Checkov |",
            "| [benchmarks-pages.md](benchmarks-pages.md) | how soon the dashboard's pages come over a million resources |",
            "",
            f"An inventory of {options.count:,} made-up resources (about 1.2 KB each, seed {options.seed}) is judged by",
            "the twenty rules of `bench/rules`: by Plumb, as DuckDB predicates, and as Cloud Custodian filters (the first",
            f"{min(options.count, CUSTODIAN_LIMIT):,} resources). simdjson only parses it, on one thread. Every program",
            "finds the same number of violations of every rule, or nothing is written here.",
            "",
            "## Targets",
            "",
            outcome(METRICS, figures, busy, options.count),
            "",
            *targets(METRICS, figures),
            "",
            "## Runs",
            "",
            *markdown(rows),
            "",
            f"Of {ROUNDS} rounds the least CPU seconds, the least wall seconds and the greatest peak. Plumb is measured",
            "as a whole process, start included, and writes every failure to a file (except `--summary`). The peers are",
            "compared by what they count themselves, which leaves their start out: DuckDB from connecting to the end of",
            "its copy, Cloud Custodian only its filters over resources parsed beforehand. Ratios take, of Plumb and of",
            "DuckDB with a detected schema, the number of threads that costs the least CPU. DuckDB with only the fields",
            "of the rules declared is in the table but in no ratio. MB are millions of bytes.",
            "",
            *closing(busy, programs(), METRICS, figures),
        ]
    )


# The command


def run(options):
    version = opening(options)
    make_venv()
    path = generate(options.count, options.seed, 2 * BYTES_PER_RESULT)
    compile_parser()
    floor = measure(["true"]).peak + 1

    judging = Judge(options.count, path)
    others = Others()
    try:
        warm(path)
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}: plumb, DuckDB, Cloud Custodian, simdjson")
            judging.once()
        say("comparing the violations with those of Cloud Custodian")
        judging.compare_custodian()
    finally:
        if not options.keep:
            # DuckDB writes to tmp_… first, which is left over when it is stopped.
            for output in judging.outputs:
                output.unlink(missing_ok=True)
                output.with_name("tmp_" + output.name).unlink(missing_ok=True)
    figures = judging.figures()
    say(f"starting plumb --help {STARTS} times")
    figures["help_start"] = help_start()
    busy = others.percent()
    if options.memory:
        figures["judge_peak_rss_4m"] = peak_of_many(options.seed, options.keep)
    check_unchanged(version)

    rows = [HEAD] + [cells(row, floor) for row in judging.rows()]
    agreement = f"plumb, DuckDB and Cloud Custodian agree on all {len(judging.fails)} rules."
    finish(
        options, [rows], agreement, busy, METRICS, figures, DOCUMENT, lambda: document(options, rows, figures, busy)
    )


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "judge",
        help="judge an inventory, beside DuckDB, Cloud Custodian and simdjson",
        description="Judges an inventory with plumb, DuckDB and Cloud Custodian, and parses it with simdjson.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run judge --count 100000 --no-build
  bench/run judge --seed 7 --keep
  bench/run judge --memory --write

The inventory, bench/.work/judge-N.ndjson, stays and is used again; delete bench/.work to get its room back.""",
    )
    add_inventory(one, LEAST_COUNT, "1.2 GB", ", or DuckDB does not see every field")
    one.add_argument("--keep", action="store_true", help="keep what the programs write, and what --memory generates")
    one.add_argument(
        "--memory",
        action="store_true",
        help="also measure the memory for 4,000,000 resources (4.8 GB, and 1.4 GB of results, deleted afterwards)",
    )
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
