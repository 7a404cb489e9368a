"""bench/run insights: flow records through all detectors beside DuckDB's aggregations over the same file, CloudTrail records
through 200 Sigma rules beside pySigma's conversion of them to SQLite."""
import argparse
import collections
import json
import multiprocessing
import random
import shutil

from common import (
    BENCH, PLUMB, PYTHON, ROOT, WORK, Disagreement, Metric, Others, add_opening, check_unchanged, closing,
    finish, install, is_current, make_venv, markdown, measure, opening, outcome, output_of, resources, say, targets, warm,
)  # fmt: skip
from insights_trail import RULES, write_rules, write_trail

DOCUMENT = ROOT / "docs" / "benchmarks-insights.md"
DEFAULT_COUNT = 2_000_000
SOURCES = 1_000_000
EVENTS = 300_000
PLANTED = 20
PYSIGMA, PEER = WORK / "pysigma", "pysigma-backend-sqlite==2.0.0"
PORTS = [443] * 12 + [80] * 6 + [53, 5432, 8080]

METRICS = [
    Metric("insights_flows", "/s", 0, 1_000_000, "flow records a wall second through all detectors, default workers", True),
    Metric("insights_flows_cpu", "/s", 0, None, "flow records a CPU second"),
    Metric("insights_flows_read", "/s", 0, None, "flow records a wall second, read and put in order only"),
    Metric("insights_vs_duckdb", "x", 2, None, "records a wall second, plumb over DuckDB's aggregations, both on every processor"),
    Metric("insights_peak_rss", "MB", 0, 400, f"greatest resident memory of plumb with {SOURCES:,} sources"),
    Metric("insights_peak_rss_tenth", "MB", 0, None, "the same for a tenth of the records"),
    Metric("insights_events", "/s", 0, 100_000, f"CloudTrail records a wall second through {RULES} Sigma rules, default workers", True),
    Metric("insights_events_cpu", "/s", 0, None, "CloudTrail records a CPU second"),
    Metric("insights_vs_pysigma", "x", 1, None, "records a wall second, plumb over pySigma's queries in SQLite, one processor"),
]  # fmt: skip


# The log


def write_log(path, count, seed):
    """A log of Amazon's form over an hour: a million sources, and what is to be found among them."""
    draw = random.Random(seed)
    begin, own = 1_767_225_600, [f"10.0.{n >> 8}.{n & 255}" for n in range(1, 2000)]
    planted = []

    def line(source, target, source_port, port, packets, size, at, flags, action="ACCEPT"):
        return (
            f"2 123456789012 eni-0a1b2c3d {source} {target} {source_port} {port} 6 {packets} {size} "
            f"{begin + at} {begin + at + 9} {action} OK {flags}\n"
        )

    for n in range(PLANTED):
        for k in range(200):
            planted.append((n * 60 + k // 4, line(f"198.18.0.{n}", "10.0.0.9", 50_000, 1000 + k, 1, 44, n * 60 + k // 4, 2, "REJECT")))
        for k in range(60):
            at = n * 150 + k * 4
            planted.append((at, line(f"198.18.1.{n}", "10.0.0.10", 40_000 + k, 22, 9, 1200 + k % 7, at, 3)))
        for k in range(1500):
            at = n * 120 + k // 30
            planted.append((at, line(f"198.18.{2 + k % 50}.{n}", f"10.0.9.{n}", 20_000 + k, 9000, 4, 216, at, 3)))
    planted.sort()
    every = max(1, (count - len(planted)) // (len(planted) + 1))
    left = iter(planted)
    with open(path, "w", buffering=1 << 20) as file:
        file.write(
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
            "log-status tcp-flags\n"
        )
        waiting = next(left, None)
        for number in range(count - len(planted)):
            at = number * 3600 // count
            while waiting and waiting[0] <= at:
                file.write(waiting[1])
                waiting = next(left, None)
            key, kind = draw.randrange(SOURCES), draw.random()
            other = f"{20 + (key >> 16)}.{key >> 8 & 255}.{key & 255}.7"
            mine, high, port = own[draw.randrange(1999)], draw.randrange(32_768, 61_000), PORTS[draw.randrange(len(PORTS))]
            packets = draw.randrange(6, 60)
            size = packets * draw.randrange(80, 900)
            if kind < 0.4:
                file.write(line(other, mine, high, port, packets, size, at, 3))
            elif kind < 0.7:
                file.write(line(mine, other, port, high, packets, size, at, 19))
            elif kind < 0.85:
                file.write(line(mine, other, high, port, packets, size, at, 3))
            elif kind < 0.97:
                file.write(line(mine, own[draw.randrange(1999)], high, port, packets, size, at, 3))
            else:
                file.write(line(other, mine, high, draw.randrange(1, 65_535), 1, 44, at, 2, "REJECT"))
        while waiting:
            file.write(waiting[1])
            waiting = next(left, None)


def make_log(count, seed):
    return make(WORK / f"flows-{count}-seed-{seed}.log", "insights.py", write_log, count, seed)


def make_trail(seed):
    return make(WORK / f"trail-{EVENTS}-seed-{seed}.json", "insights_trail.py", write_trail, EVENTS, seed)


def make(path, source, write, count, seed):
    if is_current(path, BENCH / source):
        say(f"{path.name} is there already ({path.stat().st_size / 1e6:,.0f} MB)")
        return path
    say(f"generating {path.name}, {count:,} records, seed {seed}")
    part = path.with_suffix(".part")
    try:
        # In a process of its own: a program counts the peak of the one that starts it as its own.
        with multiprocessing.Pool(1) as pool:
            pool.apply(write, (part, count, seed))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


# The programs


def plumb(path, *words):
    """The least of three runs, and who was found."""
    runs = [measure([PLUMB, "flows", "--format", "ndjson", *words, path], codes=(0, 1)) for _ in range(3)]
    found = {"port-scan": set(), "brute-force": set(), "connection-flood": set()}
    for text in runs[0].out.splitlines():
        finding = json.loads(text)
        connection = finding["evidence"]["values"]["network_connection"]
        side = "server" if finding["detection_name"] == "connection-flood" else "client"
        found.setdefault(finding["detection_name"], set()).add(connection.get(side, {}).get("address"))
    return min(run.cpu for run in runs), min(run.wall for run in runs), max(run.peak for run in runs), found


def duckdb(path):
    runs = [measure([PYTHON, BENCH / "insights_duckdb.py", path]) for _ in range(3)]
    answers = [json.loads(run.out) for run in runs]
    found = {name: set(values) for name, values in answers[0]["found"].items()}
    return min(one["cpu"] for one in answers), min(one["wall"] for one in answers), max(run.peak for run in runs), found


def detect(path, rules, *words):
    """The least of three runs, and how many records each rule matches."""
    command = [PLUMB, "detect", "--detections", rules, "--format", "ndjson", *words, path]
    runs = [measure(command, codes=(0, 1)) for _ in range(3)]
    found = collections.Counter(json.loads(line)["title"] for line in runs[0].out.splitlines())
    return min(run.cpu for run in runs), min(run.wall for run in runs), found


def pysigma(path, rules):
    run = measure([PYSIGMA / "bin" / "python", BENCH / "insights_pysigma.py", rules, path])
    answer = json.loads(run.out)
    found = collections.Counter({title: count for title, count in answer["found"].items() if count})
    return answer["cpu"], answer["wall"], found


def expected():
    return {
        "port-scan": {f"198.18.0.{n}" for n in range(PLANTED)},
        "brute-force": {f"198.18.1.{n}" for n in range(PLANTED)},
        "connection-flood": {f"10.0.9.{n}" for n in range(PLANTED)},
    }


# The command


def run(options):
    version = opening(options)
    make_venv()
    install(PYSIGMA, PEER, "pySigma")
    rules = WORK / "sigma-rules"
    shutil.rmtree(rules, ignore_errors=True)
    write_rules(rules)
    trail = make_trail(options.seed)
    path, small = make_log(options.count, options.seed), make_log(options.count // 10, options.seed)
    for one in (path, small, trail):
        warm(one)
    others = Others()
    count = options.count
    cpu, wall, peak, found = plumb(path)
    one_cpu, one_wall, one_peak, one_found = plumb(path, "--workers", "1")
    read_cpu, read_wall, read_peak, _ = plumb(path, "--detectors", "")
    _, _, small_peak, _ = plumb(small)
    peer_cpu, peer_wall, peer_peak, peer_found = duckdb(path)
    event_cpu, event_wall, event_found = detect(trail, rules)
    single_cpu, single_wall, single_found = detect(trail, rules, "--workers", "1")
    sigma_cpu, sigma_wall, sigma_found = pysigma(trail, rules)
    busy = others.percent()
    check_unchanged(version)
    for name, wanted in expected().items():
        for who, answer in (("plumb", found), ("plumb with one worker", one_found), ("DuckDB", peer_found)):
            if answer.get(name, set()) != wanted:
                raise Disagreement(f"{who} finds {len(answer.get(name, ()))} of {name}, of {len(wanted)} that are there")
    if not event_found == single_found == sigma_found or not event_found:
        odd = [title for title in event_found | sigma_found if event_found[title] != sigma_found[title]]
        raise Disagreement(f"plumb and pySigma find other numbers of records, such as of {sorted(odd)[:3]}")
    figures = {
        "insights_flows": count / wall, "insights_flows_cpu": count / cpu, "insights_flows_read": count / read_wall,
        "insights_vs_duckdb": peer_wall / wall, "insights_peak_rss": peak, "insights_peak_rss_tenth": small_peak,
        "insights_events": EVENTS / event_wall, "insights_events_cpu": EVENTS / event_cpu,
        "insights_vs_pysigma": sigma_wall / single_wall,
    }  # fmt: skip
    rows = [["program", "records", "records/s", "CPU s", "wall s", "peak MB"]]
    for name, (records, used, took, most) in {
        "flows: plumb, all detectors": (count, cpu, wall, peak),
        "flows: plumb, one worker": (count, one_cpu, one_wall, one_peak),
        "flows: plumb, no detector": (count, read_cpu, read_wall, read_peak),
        "flows: DuckDB": (count, peer_cpu, peer_wall, peer_peak),
        "CloudTrail: plumb": (EVENTS, event_cpu, event_wall, None),
        "CloudTrail: plumb, one worker": (EVENTS, single_cpu, single_wall, None),
        "CloudTrail: pySigma and SQLite": (EVENTS, sigma_cpu, sigma_wall, None),
    }.items():
        rows.append([name, f"{records:,}", f"{records / took:,.0f}", f"{used:.2f}", f"{took:.2f}", f"{most:.0f}" if most else ""])
    agreement = (
        f"All find the same {PLANTED} scanners, {PLANTED} guessers and {PLANTED} flooded services, and nobody else; plumb and "
        f"pySigma the same {event_found.total():,} records by {len(event_found)} of the {RULES} rules."
    )
    finish(
        options, [rows], agreement, busy, METRICS, figures, DOCUMENT,
        lambda: document(options, rows, agreement, figures, busy),
    )  # fmt: skip


def document(options, rows, agreement, figures, busy):
    asked = "import importlib.metadata as m; print(m.version('pysigma'))"
    programs = [("pySigma", output_of(str(PYSIGMA / "bin" / "python"), "-c", asked)), ("DuckDB", output_of(str(PYTHON), "-c", "import duckdb; print(duckdb.__version__)"))]
    lines = [
        "# Benchmarks of insights", "", "Written by `bench/run insights --write`; do not edit by hand.", "",
        f"A flow log of {options.count:,} records (Amazon's form with TCP flags, seed {options.seed}) of {SOURCES:,} external",
        "sources over an hour goes through all detectors of `plumb flows`, and through DuckDB as the aggregations of",
        "`bench/insights_duckdb.py`: failures per client, connections per pair, port and five minutes, connections without",
        "content per service and minute, bytes per own address and hour, first contacts, intervals per pair. DuckDB sorts and",
        "counts exactly and in whole windows; plumb streams.", "",
        f"A log of {EVENTS:,} CloudTrail records goes through {RULES} Sigma rules (lists, parts of words, patterns, exceptions,",
        "fields within fields) of `plumb detect`, which writes each finding, and through pySigma's queries for them over a table",
        "in memory with a column for each field that is asked for; reading the log is counted with both.", "", agreement, "",
        "## Targets", "", outcome(METRICS, figures, busy, options.count, DEFAULT_COUNT, "records"), "",
        *targets(METRICS, figures), "", "## Runs", "", *markdown(rows), "",
        "Of three runs, but one of pySigma, the least CPU and wall seconds and the greatest peak. Memory is told where it is not",
        "that of the program that reads the answers.", "",
        *closing(busy, programs, METRICS, figures),
    ]  # fmt: skip
    return "\n".join(lines)


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "insights",
        help="send flow records through all detectors, CloudTrail records through Sigma rules",
        description="Measures plumb flows and plumb detect: records a second, memory, beside DuckDB and pySigma over the same files.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run insights --count 1000000 --no-build
  bench/run insights --write""",
    )
    one.add_argument(
        "--count", type=resources(500_000), default=DEFAULT_COUNT, help=f"flow records (default: {DEFAULT_COUNT:,}; 0.2 GB)"
    )
    one.add_argument("--seed", type=int, default=1, help="of the log (default: 1)")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
