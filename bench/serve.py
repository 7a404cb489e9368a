"""bench/run serve: what the server answers in a second over a million results, beside the bare framework."""
import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import judge
from common import (
    BENCH, PLUMB, ROOT, WORK, Failure, Metric, Others, add_opening, check_unchanged, closing,
    finish, generate, make_venv, markdown, measure, opening, outcome, output_of, resources, say, targets,
)  # fmt: skip

DOCUMENT = ROOT / "docs" / "benchmarks-serve.md"
COUNT = 200_000  # resources, of which the twenty rules make a million results
LEAST_COUNT = 2_000
BYTES_PER_RESOURCE = 12_000  # of the inventory and the store, and amply
PAGE = 50  # results of a page
CONNECTIONS = 32
PLACES = 500  # places in the list from which pages are asked for
UPLOAD = 50_000  # resources of the large upload
SMALL = 20  # resources of the small one
INSTANT = "2026-03-01T00:00:00Z"

METRICS = [
    Metric("serve_results", "requests/s", 0, 2500, "pages of 50 results from anywhere in a million", True),
    Metric("serve_results_p50", "ms", 1, None, "the same: half of the answers came within"),
    Metric("serve_results_p99", "ms", 1, 25, "the same: 99 of 100 answers came within"),
    Metric("serve_first", "requests/s", 0, None, "the first page of 50 results, over and over", True),
    Metric("serve_first_p99", "ms", 1, None, "the same: 99 of 100 answers came within"),
    Metric("serve_bare", "requests/s", 0, None, "the framework alone: /healthz of the same server", True),
    Metric("serve_bare_p99", "ms", 1, None, "the same: 99 of 100 answers came within"),
    Metric("serve_results_vs_bare", "x", 2, None, "pages of results over answers of the framework alone", True),
    Metric("serve_session", "requests/s", 0, None, "/api/v1/session with the cookie of somebody signed in", True),
    Metric("serve_session_p99", "ms", 1, None, "the same: 99 of 100 answers came within"),
    Metric("serve_home", "requests/s", 0, None, "the dashboard's home with that cookie", True),
    Metric("serve_home_p99", "ms", 1, None, "the same: 99 of 100 answers came within"),
    Metric("serve_pages", "requests/s", 0, None, "the dashboard's list of results with that cookie", True),
    Metric("serve_pages_p99", "ms", 1, None, "the same: 99 of 100 answers came within"),
    Metric("serve_peak_rss", "MB", 0, 300, "greatest resident memory of the server up to here"),
    Metric("serve_uploads", "scans/s", 1, None, f"uploads of {SMALL} resources each, judged and kept, one after the other", True),
    Metric("serve_upload", "resources/s", 0, None, f"one upload of {UPLOAD:,} resources, judged and kept", True),
    Metric("serve_upload_peak_rss", "MB", 0, None, "greatest resident memory of the server after the uploads"),
]  # fmt: skip

# Asks for pages in the order of a list, each connection from a place of its own.
SCRIPT = """
local paths = {}
for line in io.lines("PATHS") do paths[#paths + 1] = line end
local at = math.random(#paths)
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
done = function(summary, latency)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format("load %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
"""


class Server:
    """plumb serve over a store."""

    def __init__(self, store, more=()):
        self.log = WORK / "serve.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [PLUMB, "serve", "--data", store, "--port", str(self.port), "--requests-per-second", "0", "--no-work"]
        command += more
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.DEVNULL)
        self.address = f"http://127.0.0.1:{self.port}"
        end = time.monotonic() + 60
        while "with the code" not in (text := self.log.read_text()):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise Failure(f"the server does not start; see {self.log}")
            time.sleep(0.1)
        self.code = re.search(r"with the code (\S+)", text).group(1)

    def ask(self, path, headers, body=None):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.address + path, body, headers), timeout=600) as answer:
            return answer.read(), answer.headers

    def peak(self):
        """Greatest resident memory so far, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+)", status).group(1)) * 1024 / 1e6

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Bench:
    def __init__(self, options, inventory, results):
        self.options, self.inventory, self.results = options, inventory, results
        self.figures, self.rows = {}, []
        self.store = WORK / "serve-store"
        shutil.rmtree(self.store, ignore_errors=True)

    def fill(self):
        say(f"keeping the results of {self.options.count:,} resources")
        measure(
            [PLUMB, "scan", "inventory", self.inventory, "--rules", BENCH / "rules", "--now", INSTANT, "--data", self.store]
        )

    def load(self, name, what, paths, headers):
        """Asks for paths with wrk, and notes what came of it; what is counted once was counted before."""
        self.server.ask(paths[0], headers)
        file, script = WORK / "serve-paths", WORK / "serve.lua"
        file.write_text("\n".join(paths) + "\n")
        script.write_text(SCRIPT.replace("PATHS", str(file)))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.options.seconds}s", "--latency", "-s", script]
        command += [part for header in headers.items() for part in ("-H", ": ".join(header))]
        run = measure([*command, self.server.address])
        found = re.search(r"^load (\S+) (\S+) (\S+) (\d+)$", run.out, re.MULTILINE)
        rate, p50, p99, bad = float(found[1]), float(found[2]), float(found[3]), int(found[4])
        if bad:
            raise Failure(f"{what}: {bad} requests failed")
        self.figures |= {name: rate, f"{name}_p50": p50, f"{name}_p99": p99}
        size = len(self.server.ask(paths[0], headers)[0])
        self.rows.append([what, f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{size:,}", f"{self.server.peak():,.0f}"])

    def pages(self, key):
        """Paths of pages at places all over the list."""
        accounts = json.loads(self.server.ask("/api/v1/accounts?limit=500", key)[0])["items"]
        pick = random.Random(1)
        paths, query = [], f"/api/v1/results?limit={PAGE}"
        for account in pick.sample(accounts, min(len(accounts), PLACES // 5)):
            path = f"{query}&account={account['account']}"
            for _ in range(5):
                paths.append(path)
                page = json.loads(self.server.ask(path, key)[0])
                if not page.get("next_cursor"):
                    break
                path = f"{query}&account={account['account']}&cursor={urllib.parse.quote(page['next_cursor'])}"
        return paths

    def measure(self):
        self.server = Server(self.store)
        try:
            words = ["keys", "add", "bench", "--person", "administrator", "--role", "administrator", "--data", self.store]
            key = {"Authorization": f"Bearer {measure([PLUMB, *words]).out.strip()}"}
            _, headers = self.server.ask(
                "/api/v1/session", {"Content-Type": "application/json"}, json.dumps({"code": self.server.code}).encode()
            )
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
            self.load("serve_bare", "the framework alone", ["/healthz"], {})
            paths = self.pages(key)
            self.load("serve_results", f"{PAGE} results, anywhere", paths, key)
            self.load("serve_first", f"{PAGE} results, the first", [f"/api/v1/results?limit={PAGE}"], key)
            self.load("serve_session", "who is signed in", ["/api/v1/session"], cookie)
            self.load("serve_home", "home of the dashboard", ["/"], cookie)
            self.load("serve_pages", "results in the dashboard", ["/results"], cookie)
            self.figures["serve_results_vs_bare"] = self.figures["serve_results"] / self.figures["serve_bare"]
            self.figures["serve_peak_rss"] = self.server.peak()
            self.uploads(key)
            self.figures["serve_upload_peak_rss"] = self.server.peak()
        finally:
            self.server.stop()

    def uploads(self, key):
        """Inventories of accounts of their own, small ones one after the other, and one large."""
        headers = key | {"Content-Type": "application/x-ndjson"}
        with open(self.inventory, "rb") as file:
            lines = [line for _, line in zip(range(UPLOAD), file)]
        other = [re.sub(rb'"account":"[^"]*"', b'"account":"of-the-upload"', line) for line in lines]
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < self.options.seconds:
            at = count * SMALL % UPLOAD
            self.server.ask("/api/v1/scans?account=of-the-upload", headers, b"".join(other[at : at + SMALL]))
            count += 1
        self.figures["serve_uploads"] = count / (time.perf_counter() - started)
        started = time.perf_counter()
        self.server.ask("/api/v1/scans?account=of-the-upload", headers, b"".join(other))
        self.figures["serve_upload"] = len(other) / (time.perf_counter() - started)


HEAD = ["what is asked for", "requests/s", "p50 ms", "p99 ms", "bytes", "peak MB of the server"]


def versions():
    found = re.search(r"wrk (\S+)", output_of("sh", "-c", "wrk -v 2>&1; true"))
    return [("wrk", found.group(1) if found else "unknown")]


def document(options, bench, busy):
    return "\n".join(
        [
            "# Benchmarks of the server",
            "",
            "Written by `bench/run serve --write`; do not edit by hand.",
            "",
            f"`plumb serve` over SQLite with the results of {options.count:,} resources by twenty rules,",
            f"{bench.results:,} results. wrk asks with one thread and {CONNECTIONS} connections for {options.seconds} s each; it shares",
            "the cores with the server. Pages from anywhere are those of accounts, and what follows on them.",
            "",
            "## Targets",
            "",
            outcome(METRICS, bench.figures, busy, options.count, COUNT),
            "",
            *targets(METRICS, bench.figures),
            "",
            "## Loads",
            "",
            *markdown([HEAD, *bench.rows]),
            "",
            *closing(busy, versions(), METRICS, bench.figures),
        ]
    )


def run(options):
    version = opening(options)
    if not shutil.which("wrk"):
        raise Failure("wrk is missing; as root: apt-get install wrk")
    make_venv()
    inventory = generate(options.count, 1, BYTES_PER_RESOURCE)
    os.environ["PLUMB_STATE"] = str(WORK / "serve-state")
    summary, _, _ = judge.plumb_summary(inventory)
    goals = json.loads(summary.out)["goals"]
    others = Others()
    bench = Bench(options, inventory, sum(sum(goal["results"].values()) for goal in goals))
    try:
        bench.fill()
        bench.measure()
    finally:
        for folder in (bench.store, WORK / "serve-state"):
            shutil.rmtree(folder, ignore_errors=True)
    busy = others.percent()
    check_unchanged(version)
    finish(
        options, [[HEAD, *bench.rows]], f"Every request of {bench.results:,} results was answered with 200.", busy, METRICS,
        bench.figures, DOCUMENT, lambda: document(options, bench, busy),
    )  # fmt: skip


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "serve",
        help="ask a server for pages of a million results, and send it inventories",
        description="Measures what plumb serve answers in a second, how fast, and in how much memory.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run serve --count 20000 --seconds 2 --no-build
  bench/run serve --write""",
    )
    what = f"resources, of which the rules make five times as many results (default: {COUNT:,})"
    one.add_argument("--count", type=resources(LEAST_COUNT), default=COUNT, help=what)
    one.add_argument("--seconds", type=int, default=10, help="of each load (default: 10)")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
