"""bench/run pages: how soon the dashboard's pages come, and how large, over a million resources and 300 rules."""
import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import statistics
import time
import urllib.parse

from common import (
    PLUMB, ROOT, WORK, Failure, Metric, Others, add_inventory, add_opening, check_unchanged, closing,
    finish, generate, markdown, measure, opening, outcome, say, targets,
)  # fmt: skip
from serve import Server
from store import BYTES_PER_RESULT, INSTANTS, write_changed, write_rules

DOCUMENT = ROOT / "docs" / "benchmarks-pages.md"
RULES = WORK / "rules300"
TIMES = 15  # how often each of bench/rules stands among the rules
LEAST_COUNT = 1_000
AGAIN = 7  # looks at each page; their median counts

METRICS = [
    Metric("pages_first_byte", "ms", 0, 200, "the slowest page: until its first byte, median of several looks"),
    Metric("pages_size", "KB", 0, 150, "the largest page, as it is before it is compressed"),
    Metric("pages_after_change", "ms", 0, 200, "the home page right after another scan changed results"),
    Metric("pages_first_look", "ms", 0, None, "the slowest page when it is looked at for the first time"),
    Metric("pages_peak_rss", "MB", 0, None, "greatest resident memory of the server"),
]

# Pages by name; {resource} and {result} are one with a failure, {account} and {rule} are its own.
PAGES = {
    "home": "/", "home, 30 days": "/?period=30d", "home, of an instant": "/?as_of=2026-03-01T12:00:00Z",
    "results": "/results", "failures": "/results?verdict=fail", "results of an account": "/results?account={account}",
    "results of a rule": "/results?rule={rule}&verdict=fail", "results by resource": "/results?view=resources",
    "results by rule": "/results?view=rules", "results as a tree": "/results?view=tree",
    "a branch of the tree": "/results?view=tree&account={account}", "changes": "/results/changes?period=7d&as_of=2026-03-02T12:00:00Z",
    "a result": "/results/{result}", "resources": "/resources", "resources found by name": "/resources?q=bucket-1",
    "resources of an account": "/resources?account={account}", "a resource": "/resources/{resource}",
    "relations of a resource": "/resources/{resource}?view=relations", "rules": "/rules", "profiles": "/profiles",
    "scopes": "/scopes", "scans": "/scans", "a scan": "/scans/2", "coverage": "/coverage", "exceptions": "/exceptions",
    "attachments": "/attachments", "guardrails": "/guardrails", "enforcement": "/enforcement", "decisions": "/decisions",
    "properties": "/properties", "properties of a kind": "/properties?kind=bench/bucket", "findings": "/findings",
    "credentials": "/credentials", "collectors": "/collectors", "jobs": "/jobs", "access": "/access", "audit log": "/audit",
}  # fmt: skip
HEAD = ["page", "first look ms", "first byte ms", "KB", "KB compressed"]


class Pages:
    def __init__(self, options, inventory):
        self.options, self.inventory = options, inventory
        self.store = WORK / "pages-store"
        self.figures, self.rows = {}, []
        shutil.rmtree(self.store, ignore_errors=True)

    def fill(self):
        """Two scans, the second with one resource in a hundred changed."""
        inventories = self.inventory, write_changed(self.inventory, self.options.count, self.options.seed)
        rules = write_rules(RULES, TIMES)
        for path, instant in zip(inventories, INSTANTS):
            say(f"scanning {self.options.count:,} resources by {rules} rules")
            measure(
                [PLUMB, "scan", "inventory", path, "--rules", RULES, "--complete", "--now", instant, "--data", self.store]
            )

    def look(self, server, path, cookie):
        """Milliseconds until the first byte of a page, and the page."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.address).netloc, timeout=600)
        started = time.perf_counter()
        connection.request("GET", path, headers=cookie)
        answer = connection.getresponse()
        waited = (time.perf_counter() - started) * 1000
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise Failure(f"{path} is answered with {answer.status}")
        return waited, body

    def measure(self):
        server = Server(self.store)
        try:
            code = json.dumps({"code": server.code}).encode()
            _, headers = server.ask("/api/v1/session", {"Content-Type": "application/json"}, code)
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
            first = json.loads(server.ask("/api/v1/results?verdict=fail&limit=1", cookie)[0])["items"][0]
            names = {
                "resource": first["resource_number"], "result": f"{first['resource_number']}/{first['goal']}",
                "account": urllib.parse.quote(first["resource"]["account"]), "rule": urllib.parse.quote(first["rule"]),
            }  # fmt: skip
            for name, template in PAGES.items():
                path = template.format(**names)
                initial, page = self.look(server, path, cookie)
                again = statistics.median(self.look(server, path, cookie)[0] for _ in range(AGAIN))
                self.rows.append([name, initial, again, len(page) / 1000, len(gzip.compress(page, 6)) / 1000])
            self.change()
            self.figures = {
                "pages_after_change": self.look(server, PAGES["home"], cookie)[0],
                "pages_first_byte": max(row[2] for row in self.rows),
                "pages_size": max(row[3] for row in self.rows),
                "pages_first_look": max(row[1] for row in self.rows),
                "pages_peak_rss": server.peak(),
            }
        finally:
            server.stop()

    def change(self):
        """A scan of a few resources in an account of their own."""
        part = WORK / "pages-part.ndjson"
        with open(self.inventory, "rb") as file:
            lines = [next(file) for _ in range(20)]
        part.write_bytes(b"".join(re.sub(rb'"account":"[^"]*"', b'"account":"another"', line) for line in lines))
        words = ["scan", "inventory", part, "--rules", RULES, "--now", INSTANTS[2], "--data", self.store]
        measure([PLUMB, *words])

    @property
    def table(self):
        return [HEAD, *([name, *(f"{value:,.0f}" for value in values)] for name, *values in self.rows)]


def document(options, pages, busy):
    return "\n".join(
        [
            "# Benchmarks of the dashboard",
            "",
            "Written by `bench/run pages --write`; do not edit by hand.",
            "",
            f"`plumb serve` over SQLite with {options.count:,} resources (seed {options.seed}) and {20 * TIMES} rules, each of",
            f"`bench/rules` {TIMES} times under other ids, scanned twice, the second time with 1 % changed. Each page is",
            f"looked at once after the server's start, in this order, and then {AGAIN} times, one after the other, by",
            "somebody signed in as administrator. KB are thousands of bytes.",
            "",
            "## Targets",
            "",
            outcome(METRICS, pages.figures, busy, options.count),
            "",
            *targets(METRICS, pages.figures),
            "",
            "## Pages",
            "",
            *markdown(pages.table),
            "",
            *closing(busy, [], METRICS, pages.figures),
        ]
    )


def run(options):
    version = opening(options)
    inventory = generate(options.count, options.seed, BYTES_PER_RESULT)
    os.environ["PLUMB_STATE"] = str(WORK / "pages-state")
    others = Others()
    pages = Pages(options, inventory)
    try:
        pages.fill()
        pages.measure()
    finally:
        (WORK / "pages-part.ndjson").unlink(missing_ok=True)
        for folder in (pages.store, RULES, WORK / "pages-state"):
            shutil.rmtree(folder, ignore_errors=True)
    busy = others.percent()
    check_unchanged(version)
    finish(
        options, [pages.table], "Every page was answered with 200.", busy, METRICS, pages.figures, DOCUMENT,
        lambda: document(options, pages, busy),
    )  # fmt: skip


def add_arguments(names):
    """The sub command's arguments."""
    one = names.add_parser(
        "pages",
        help="look at each page of the dashboard over a million resources",
        description="Measures how soon the dashboard's pages come and how large they are.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="""examples:
  bench/run pages --count 20000 --no-build
  bench/run pages --write""",
    )
    add_inventory(one, LEAST_COUNT, "2.4 GB")
    add_opening(one, DOCUMENT)
    one.set_defaults(run=run)
