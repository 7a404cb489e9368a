"""bench/run store: what keeping results costs, in SQLite and in PostgreSQL."""
import argparse
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import time
import urllib.parse
from pathlib import Path

from common import (
    BENCH, DEFAULT_COUNT, PLUMB, ROOT, WORK, Disagreement, Failure, Metric, Others, add_inventory,
    add_opening, check_unchanged, closing, count_lines, finish, generate, is_current, make_venv,
    markdown, measure, opening, outcome, output_of, resources, say, targets, warm,
)  # fmt: skip

DOCUMENT = ROOT / "docs" / "benchmarks-store.md"
RULES = WORK / "rules100"

TIMES = 5  # how often each of bench/rules stands among the rules
LEAST_COUNT = 1_000
DAYS = 30
DAYS_COUNT = 100_000
CHURN = 100  # one resource in so many changes
READS = 5  # of each question the least wall time counts
BYTES_PER_RESULT = 6000  # of judged results and databases per resource, and amply
# A resource in 87 is in it: generate.py puts one in 50 into an account, and four of seven regions match.
SCOPE = "account=000000000001,region=us-*,region=ap-*"
INSTANTS = [f"2026-03-{day:02d}T00:00:00Z" for day in (1, 2, 3)]


def metrics_of(suffix, where):
    return [
        Metric(f"store_first_vs_judge{suffix}", "x", 2, 2, f"{where}: CPU of a first saved scan less that of judging to a file, over the latter"),
        Metric(f"store_first_vs_judge_only{suffix}", "x", 2, None, f"{where}: the same against judging without writing results"),
        Metric(f"store_rescan_share{suffix}", "x", 3, 0.10, f"{where}: CPU of a rescan without changes over that of the first"),
        Metric(f"store_rescan_bytes_share{suffix}", "x", 4, 0.01, f"{where}: bytes written by a rescan without changes over those of the first"),
        Metric(f"store_status{suffix}", "ms", 0, 100, f"{where}: plumb status from start to end, best of {READS}"),
        Metric(f"store_as_of{suffix}", "ms", 0, 1000, f"{where}: plumb results of a former instant and one scope, best of {READS}"),
        Metric(f"store_30_days_space{suffix}", "x", 2, 3, f"{where}: size after {DAYS} daily rescans with 1 % changed, over that after the first scan"),
        Metric(f"store_peak_rss{suffix}", "MB", 1, None, f"{where}: greatest resident memory of plumb in a saved scan"),
    ]  # fmt: skip


class Cost:
    """What one command took: its own and the server's CPU seconds, wall seconds, memory, bytes written."""

    def __init__(self, run, server_cpu, written):
        self.cpu, self.server_cpu = run.cpu + server_cpu, server_cpu
        self.wall, self.peak, self.out, self.written = run.wall, run.peak, run.out, written


# Databases


class SQLite:
    name, option, suffix = "SQLite", "sqlite", ""

    def __init__(self):
        self.folder = WORK / "store-sqlite"
        shutil.rmtree(self.folder, ignore_errors=True)

    def place(self, name):
        return self.folder / name

    def make(self, name):
        pass

    def drop(self, name):
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def run(self, name, *words):
        run = measure([PLUMB, *words, "--data", self.place(name)])
        return Cost(run, 0, run.written)

    def rest(self, name):
        pass

    def size(self, name):
        return sum(path.stat().st_size for path in self.place(name).iterdir() if path.name.startswith("plumb.sqlite"))

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    name, option, suffix = "PostgreSQL", "postgres", "_postgres"

    def __init__(self):
        self.folder = WORK / "store-postgres"
        self.stop()
        self.script("start")
        self.master = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def script(self, action):
        environment = {**os.environ, "PLUMB_FSYNC": "1"}
        command = [ROOT / "script" / "postgres", action, self.folder]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise Failure(done.stderr.strip())

    def sql(self, sql, database="postgres"):
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        command = [psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d", database]
        done = subprocess.run([*command, "-c", sql], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def place(self, name):
        return f"postgres://postgres@/{name}?host={urllib.parse.quote(str(self.folder), safe='')}"

    def make(self, name):
        self.sql(f"CREATE DATABASE {name}")

    def drop(self, name):
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def server_cpu(self):
        """The CPU seconds of the server: of its processes, and of those that have ended."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            own, parent = int(stat.parent.name), int(fields[1])
            if self.master in (own, parent):
                ticks += int(fields[11]) + int(fields[12])
            if own == self.master:
                ticks += int(fields[13]) + int(fields[14])
        return ticks / os.sysconf("SC_CLK_TCK")

    def wait_for_clients(self):
        """Waits until what served plumb has ended, or its CPU time counts for nobody."""
        for _ in range(100):
            count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            if self.sql(count) == "0":
                return
            time.sleep(0.05)

    def run(self, name, *words):
        before, log = self.server_cpu(), self.sql("SELECT pg_current_wal_lsn()")
        run = measure([PLUMB, *words, "--data", self.place(name)])
        self.wait_for_clients()
        written = int(self.sql(f"SELECT pg_current_wal_lsn() - '{log}'"))
        return Cost(run, self.server_cpu() - before, written)

    def rest(self, name):
        """What autovacuum does in the course of a day."""
        self.sql("VACUUM", name)

    def size(self, name):
        return int(self.sql(f"SELECT pg_database_size('{name}')"))

    def stop(self):
        if self.folder.exists():
            self.script("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


# The material


def write_rules(folder=RULES, times=TIMES):
    """Each of bench/rules so many times under other ids; their number."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in sorted((BENCH / "rules").glob("*.yaml")):
        text = path.read_text()
        for number in range(1, times + 1):
            copy, count = re.subn(r"(?m)^id: (.*)$", rf"id: \1-{number}", text)
            if count != 1:
                raise Failure(f"{path.name} names no id")
            (folder / f"{path.stem}-{number}.yaml").write_text(copy)
    return len(list(folder.iterdir()))


def pick(count, source):
    """The numbers of the lines to change, one in CHURN."""
    return set(source.sample(range(count), max(1, count // CHURN)))


def changed(lines, source):
    """The picked lines, by their numbers, changed: resources of a kind pass their configurations on to each other."""
    resources = {place: json.loads(lines[place]) for place in sorted(lines)}
    kinds = {}
    for place, resource in resources.items():
        kinds.setdefault(resource["resource_kind"], []).append(place)
    result = {}
    for places in kinds.values():
        passed = [resources[place]["configuration"] for place in places]
        for place, configuration in zip(places, passed[1:] + passed[:1]):
            resource = resources[place] | {"configuration": configuration}
            resource["attributes"]["etag"] = source.randbytes(16).hex()
            result[place] = json.dumps(resource, separators=(",", ":")).encode() + b"\n"
    return result


def write_changed(path, count, seed):
    """A copy of the inventory with one resource in CHURN changed."""
    target = path.with_name(path.name.replace("judge-", "store-changed-"))
    if is_current(target, path) and is_current(target, Path(__file__)):
        return target
    say(f"writing {target.name}")
    source = random.Random(seed)
    picked = pick(count, source)
    with open(path, "rb") as file:
        new = changed({number: line for number, line in enumerate(file) if number in picked}, source)
    part = target.with_suffix(".part")
    with open(path, "rb") as file, open(part, "wb") as out:
        out.writelines(new.get(number, line) for number, line in enumerate(file))
    part.replace(target)
    return target


# Measuring


class Bench:
    def __init__(self, options, path, after):
        self.options, self.path, self.after = options, path, after
        self.rows, self.sizes, self.figures = [], [], {}
        # A child begins with the peak of the process that started it, so less than that cannot be told apart.
        self.floor = measure(["true"]).peak + 1

    def row(self, what, cost, server=False):
        mine = cost.cpu - (cost.server_cpu if server else 0)
        of_server = f"{cost.server_cpu:.2f}" if server else ""
        written = "" if cost.written is None else f"{cost.written / 1e6:,.1f}"
        peak = f"{cost.peak:,.0f}" if cost.peak > self.floor else f"< {self.floor:.0f}"
        self.rows.append([what, f"{cost.cpu:.2f}", f"{mine:.2f}", of_server, f"{cost.wall:.2f}", written, peak])

    def judge(self):
        """What judging costs without keeping anything."""
        out = WORK / "store-judged.ndjson"
        command = [PLUMB, "judge", "--rules", RULES, self.path, "--now", INSTANTS[0]]
        say("judging without keeping anything")
        try:
            run = measure([*command, "--failures-only", "--no-proof"], out=out, codes=(0, 1))
            failures = count_lines(out)
        finally:
            out.unlink(missing_ok=True)
        self.written = Cost(run, 0, run.written)
        self.row("judge, failures to a file", self.written)
        run = measure([*command, "--summary"], codes=(0, 1))
        self.summary = Cost(run, 0, None)
        self.row("judge --summary", self.summary)
        goals = json.loads(run.out)["goals"]
        self.fails = sum(goal["results"]["fail"] for goal in goals)
        self.results = sum(sum(goal["results"].values()) for goal in goals)
        if self.fails != failures:
            raise Disagreement(f"plumb judge wrote {failures:,} failures and counts {self.fails:,}")

    def scan(self, database, name, path, instant):
        words = ["scan", "inventory", path, "--rules", RULES, "--complete", "--now", instant]
        return database.run(name, *words)

    def check(self, database, fails):
        """The stored results have to be those that were judged."""
        status = json.loads(database.run("bench", "status", "--format", "json").out)
        counted = status["standings"][0]["weights"]["results"][1]
        if counted != fails:
            raise Disagreement(f"{database.name} holds {counted:,} failures, and plumb judge counts {fails:,}")

    def keep(self, database):
        """A first scan, one without and one with changes, and questions."""
        suffix, name, tell = database.suffix, database.name, lambda text: say(f"{database.name}: {text}")
        server = database.suffix != ""
        database.make("bench")
        database.run("bench", "scopes", "add", "small", "--include", SCOPE, "--now", "2026-01-01T00:00:00Z")
        tell("first scan")
        first = self.scan(database, "bench", self.path, INSTANTS[0])
        size = database.size("bench")
        self.check(database, self.fails)
        tell("scan without changes")
        same = self.scan(database, "bench", self.path, INSTANTS[1])
        self.check(database, self.fails)
        tell("scan with 1 % changed")
        other = self.scan(database, "bench", self.after, INSTANTS[2])
        self.row(f"{name}: first scan", first, server)
        self.row(f"{name}: scan without changes", same, server)
        self.row(f"{name}: scan with 1 % changed", other, server)

        tell("questions")
        as_of = ["results", "--scope", "small", "--as-of", INSTANTS[1], "--limit", "100"]
        questions = [
            ("status", ["status"], READS),
            ("results of a former instant, one scope", as_of, READS),
            ("diff of the last two scans", ["diff", "2", "3"], 1),
        ]
        walls = []
        for what, words, times in questions:
            best = min((database.run("bench", *words) for _ in range(times)), key=lambda cost: cost.wall)
            best.written = None
            walls.append(best.wall * 1000)
            self.row(f"{name}: {what}", best, server)
        database.drop("bench")

        judging, alone = self.written.cpu, self.summary.cpu
        self.figures |= {
            f"store_first_vs_judge{suffix}": (first.cpu - judging) / judging,
            f"store_first_vs_judge_only{suffix}": (first.cpu - alone) / alone,
            f"store_rescan_share{suffix}": same.cpu / first.cpu,
            f"store_rescan_bytes_share{suffix}": same.written / first.written,
            f"store_status{suffix}": walls[0],
            f"store_as_of{suffix}": walls[1],
            f"store_peak_rss{suffix}": max(cost.peak for cost in (first, same, other)),
        }
        self.sizes.append([f"{name}: first scan", f"{self.options.count:,}", f"{size / 1e6:,.1f}"])

    def days(self, databases):
        """The size after DAYS daily scans, in each of which one resource in CHURN is another."""
        count = min(self.options.count, DAYS_COUNT)
        with open(self.path, "rb") as file:
            lines = [file.readline() for _ in range(count)]
        path, source = WORK / "store-day.ndjson", random.Random(self.options.seed)
        firsts = {}
        try:
            for database in databases:
                database.make("days")
            for day in range(DAYS + 1):
                if day % 10 == 0:
                    say(f"day {day} of {DAYS}, {count:,} resources")
                if day > 0:
                    for number, line in changed({one: lines[one] for one in pick(count, source)}, source).items():
                        lines[number] = line
                with open(path, "wb") as file:
                    file.writelines(lines)
                instant = f"2026-0{1 + day // 28}-{1 + day % 28:02d}T00:00:00Z"
                for database in databases:
                    self.scan(database, "days", path, instant)
                    database.rest("days")
                    if day == 0:
                        firsts[database.name] = database.size("days")
        finally:
            path.unlink(missing_ok=True)
        for database in databases:
            size, first = database.size("days"), firsts[database.name]
            self.figures[f"store_30_days_space{database.suffix}"] = size / first
            self.sizes.append([f"{database.name}: first scan", f"{count:,}", f"{first / 1e6:,.1f}"])
            self.sizes.append([f"{database.name}: after {DAYS} daily scans, 1 % changed in each", f"{count:,}", f"{size / 1e6:,.1f}"])
            database.drop("days")


# Printing

HEAD = ["command", "CPU s", "plumb", "server", "wall s", "MB written", "peak MB"]
SIZES = ["database", "resources", "MB"]
METRICS = metrics_of("", "SQLite") + metrics_of("_postgres", "PostgreSQL")


def versions():
    server = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1]
    found = re.search(r"\d[\d.]*", output_of(str(server), "--version"))
    return [("PostgreSQL", found.group() if found else "unknown")]


def document(options, bench, rules, busy):
    command = "bench/run store --write"
    command += f" --count {options.count}" if options.count != DEFAULT_COUNT else ""
    command += f" --seed {options.seed}" if options.seed != 1 else ""
    command += f" --database {options.database}" if options.database != "both" else ""
    days = min(options.count, DAYS_COUNT)
    return "\n".join(
        [
            "# Benchmarks of the store",
            "",
            f"Written by `{command}`; do not edit by hand.",
            "",
            f"An inventory of {options.count:,} made-up resources (about 1.2 KB each, seed {options.seed}) is judged by",
            f"{rules} rules (each of `bench/rules` {TIMES} times under other ids), which makes {bench.results:,} results,",
            f"{bench.fails:,} of them failures. It is judged without keeping anything, and then scanned and kept in a new",
            "database: first, again without changes, and again with 1 % of the resources changed. The kept failures",
            "are as many as the judged ones, or nothing is written here.",
            "",
            "## Targets",
            "",
            outcome(METRICS, bench.figures, busy, options.count),
            "",
            *targets(METRICS, bench.figures),
            "",
            "## Runs",
            "",
            *markdown([HEAD, *bench.rows]),
            "",
            "One run of each command, a whole process with its start; of a question the run of the least wall time.",
            "CPU seconds are those of plumb and, for PostgreSQL, of the server's processes (throwaway, with fsync, on the",
            "same machine, settings as installed). Written are, by plumb, what Linux counts as caused to go to the disk,",
            "and by PostgreSQL its write-ahead log. The peak is plumb's alone. The scope of the question holds one",
            "resource in 87. MB are millions of bytes.",
            "",
            "## Space",
            "",
            *markdown([SIZES, *bench.sizes]),
            "",
            f"The {DAYS} days are measured with {days:,} resources. Each day 1 % of the resources, others every day, get",
            "the configuration of another one. PostgreSQL is vacuumed between the days, as it does by itself.",
            "",
            *closing(busy, versions(), METRICS, bench.figures),
        ]
    )


# The command


def run(options):
    version = opening(options)
    make_venv()
    path = generate(options.count, options.seed, BYTES_PER_RESULT)
    # In a process of its own: a program counts the peak of the one that starts it as its own.
    with multiprocessing.Pool(1) as pool:
        after = pool.apply(write_changed, (path, options.count, options.seed))
    rules = write_rules()
    os.environ["PLUMB_STATE"] = str(WORK / "store-state")
    others, databases = Others(), []
    try:
        for kind in (SQLite, Postgres):
            if options.database in (kind.option, "both"):
                databases.append(kind())
        bench = Bench(options, path, after)
        warm(path)
        bench.judge()
        for database in databases:
            bench.keep(database)
        bench.days(databases)
    finally:
        for database in databases:
            database.stop()
        shutil.rmtree(WORK / "store-state", ignore_errors=True)
    busy = others.percent()
    check_unchanged(version)

    names = " and ".join(database.name for database in databases)
    tables = [[HEAD, *bench.rows], [SIZES, *bench.sizes]]
    agreement = f"{names} held as many failures as plumb judge counts: {bench.fails:,}."
    finish(
        options, tables, agreement, busy, METRICS, bench.figures, DOCUMENT,
        lambda: document(options, bench, rules, busy),
    )  # fmt: skip


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "store",
        help="keep an inventory's results in SQLite and PostgreSQL",
        description="Measures what keeping results costs over judging: CPU, bytes, memory, space, and time to answer.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run store --count 100000 --no-build
  bench/run store --write

The inventory is that of bench/run judge; a changed copy of it stays as well. PostgreSQL is a throwaway server.""",
    )
    add_inventory(one, LEAST_COUNT, "2.4 GB")
    one.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both", help="which (default: both)")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
