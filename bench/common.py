"""What the benchmarks share: running and measuring programs, the made-up inventory, tables and figures."""
import argparse
import datetime
import hashlib
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
WORK = BENCH / ".work"
PLUMB = ROOT / ".build" / "release" / "plumb"
PYTHON = WORK / "venv" / "bin" / "python"

DEFAULT_COUNT = 1_000_000
QUIET = 5  # percent of the processors that other programs may take
BYTES_PER_RESOURCE = 1250  # of an inventory, and amply


class Metric(NamedTuple):
    """A figure: its name, unit, decimals, target or None, what it is, and whether the target is a least value."""

    name: str
    unit: str
    decimals: int
    target: float | None
    what: str
    is_least: bool = False

    def text(self, figures):
        return f"{figures[self.name]:,.{self.decimals}f} {self.unit}".rstrip() if self.name in figures else ""

    def bound(self):
        if self.target is None:
            return "none"
        return f"at {'least' if self.is_least else 'most'} {self.target} {self.unit}".rstrip()

    def verdict(self, figures):
        if self.name not in figures:
            return "not measured"
        if self.target is None:
            return ""
        value = figures[self.name]
        return "met" if (value >= self.target if self.is_least else value <= self.target) else "missed"


class Failure(Exception):
    """The run cannot go on; exit 2."""


class Disagreement(Exception):
    """The programs do not find the same; exit 1."""


def say(text):
    print(f"bench/run: {text}", file=sys.stderr, flush=True)


# Running


class Run:
    """One run of a program: what the kernel counted for the whole process, and what it printed."""

    def __init__(self, cpu, wall, peak, code, out, err, written):
        self.cpu, self.wall, self.peak, self.code, self.out, self.err = cpu, wall, peak, code, out, err
        self.written = written


def measure(command, out=None, env=None, codes=(0,)):
    """Runs the command with its output in the file `out`, or kept when that is None."""
    kept = WORK / "stdout"
    errors = WORK / "stderr"
    with open(out or kept, "wb") as stdout, open(errors, "wb") as stderr:
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env, cwd=WORK
        )
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - started
    child.returncode = code = os.waitstatus_to_exitcode(status)
    error = errors.read_text(errors="replace")
    if code not in codes:
        how = f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
        raise Failure(f"{shlex.join(map(str, command))} {how}\n{error[-2000:]}".rstrip())
    text = "" if out else kept.read_text()
    # Linux gives ru_maxrss in KiB.
    # ru_oublock is write_bytes of /proc/PID/io in blocks of 512.
    written = used.ru_oublock * 512
    return Run(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024 / 1e6, code, text, error, written)


def logged(command, log, what):
    """Runs a step of the preparation with everything it prints in a log."""
    with open(log, "ab") as file:
        file.write(f"$ {shlex.join(map(str, command))}\n".encode())
        file.flush()
        try:
            code = subprocess.call(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=ROOT
            )
        except FileNotFoundError:
            raise Failure(f"{what}: {command[0]} is not installed") from None
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise Failure(f"{what} failed (exit {code}); the whole log is {log.relative_to(ROOT)}\n{tail}")


def output_of(*command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


# Preparing


def build():
    say("building plumb for release (log: bench/.work/build.log)")
    log = WORK / "build.log"
    log.unlink(missing_ok=True)
    logged(["swift", "build", "-c", "release", "--product", "plumb"], log, "the build")


def make_venv():
    wanted = (BENCH / "requirements.txt").read_text()
    stamp = WORK / "venv" / "requirements.txt"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        say("venv is there already")
        return
    say("making the venv with DuckDB and Cloud Custodian (log: bench/.work/venv.log)")
    log = WORK / "venv.log"
    log.unlink(missing_ok=True)
    shutil.rmtree(WORK / "venv", ignore_errors=True)
    logged([sys.executable, "-m", "venv", WORK / "venv"], log, "making the venv")
    packages = ["install", "--disable-pip-version-check", "-r", BENCH / "requirements.txt"]
    logged([PYTHON, "-m", "pip", *packages], log, "installing the requirements")
    stamp.write_text(wanted)


def install(folder, requirement, name, size=""):
    """A peer from PyPI in a venv of its own, made once."""
    stamp, log = folder / "installed", folder.with_name(f"{folder.name}.log")
    if stamp.exists() and stamp.read_text() == requirement:
        say(f"{name} is there already")
        return
    say(f"making the venv with {name}{size and f', {size}'} (log: bench/.work/{log.name})")
    log.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    logged([sys.executable, "-m", "venv", folder], log, "making the venv")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check"]
    logged([*pip, requirement], log, f"installing {name}")
    stamp.write_text(requirement)


def data_path(count, seed):
    return WORK / (f"judge-{count}.ndjson" if seed == 1 else f"judge-{count}-seed-{seed}.ndjson")


def is_current(product, source):
    return product.exists() and product.stat().st_mtime >= source.stat().st_mtime


def generate(count, seed, beside):
    """The inventory; `beside` bytes per resource have to find room on the disk besides."""
    path = data_path(count, seed)
    there = is_current(path, BENCH / "generate.py")
    need = count * (beside + (0 if there else BYTES_PER_RESOURCE))
    free = shutil.disk_usage(WORK).free
    if free < need:
        raise Failure(f"{count:,} resources take {need / 1e9:.1f} GB on the disk, and only {free / 1e9:.1f} GB are free")
    if there:
        say(f"{path.name} is there already ({path.stat().st_size / 1e6:,.0f} MB)")
        return path
    say(f"generating {path.name}, {count:,} resources, seed {seed}")
    log = WORK / "generate.log"
    log.unlink(missing_ok=True)
    part = path.with_suffix(".part")
    try:
        logged([PYTHON, BENCH / "generate.py", count, part, seed], log, "generating the data")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def fingerprint():
    if not PLUMB.exists():
        raise Failure(f"{PLUMB.relative_to(ROOT)} is not there; run without --no-build")
    digest = hashlib.sha256()
    with open(PLUMB, "rb", buffering=0) as file:
        for block in iter(lambda: file.read(1 << 16), b""):
            digest.update(block)
    return digest.hexdigest()


def opening(options):
    """What is measured: plumb, built unless that is declined, by its fingerprint."""
    if not options.no_build:
        build()
    return fingerprint()


def check_unchanged(version):
    if fingerprint() != version:
        raise Failure("plumb was rebuilt during the run, so the figures are of no use; run again")


def warm(path):
    """Reads the file once, so that no program pays for the disk."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 18):
            pass


class Others:
    """The share of the processors that went to other programs, because a busy machine makes figures worthless."""

    def __init__(self):
        self.started, self.busy, self.ours = time.perf_counter(), self.busy_now(), self.ours_now()

    @staticmethod
    def busy_now():
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
        return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def ours_now():
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def percent(self):
        others = self.busy_now() - self.busy - (self.ours_now() - self.ours)
        return max(0.0, 100 * others / (time.perf_counter() - self.started) / os.cpu_count())


def count_lines(path):
    with open(path, "rb", buffering=0) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 18), b""))


# Printing


def columns(rows):
    """Rows of text as lines; the first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths)))
        for row in rows
    ]


def markdown(rows):
    head, *body = rows
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *body)]


def metric_lines(metrics, figures):
    return [f"metric {one.name} {figures[one.name]:.{one.decimals}f} {one.unit}" for one in metrics if one.name in figures]


def targets(metrics, figures):
    """The table of figures beside their targets."""
    head = ["figure", "value", "target", ""]
    rows = [[f"`{one.name}`: {one.what}", one.text(figures), one.bound(), one.verdict(figures)] for one in metrics]
    return markdown([head, *rows])


def outcome(metrics, figures, busy, count, usual=DEFAULT_COUNT, what="resources"):
    """Which targets are missed, in words; `count` of `what` were measured, of which so many are usual."""
    missed = [one.name for one in metrics if one.verdict(figures) == "missed"]
    unmeasured = [one.name for one in metrics if one.name not in figures]
    text = "Missed: " + ", ".join(f"`{name}`" for name in missed) + "." if missed else "Every measured target is met."
    if unmeasured:
        text += " Not measured: " + ", ".join(f"`{name}`" for name in unmeasured) + "."
    if busy > QUIET:
        text += f" Other programs took {busy:.0f} % of the processors meanwhile, so the figures are not to be trusted."
    if count != usual:
        text += f" This was a run of {count:,} {what}, not of the usual {usual:,}."
    return text


def machine(busy, programs):
    """What the figures were measured on; `programs` are the names and versions of the others."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    swift = re.search(r"Swift version (\S+)", output_of("swift", "--version"))
    commit = output_of("git", "rev-parse", "--short", "HEAD") or "unknown"
    if output_of("git", "status", "--porcelain", "--", "Sources", "Package.swift", "bench"):
        commit += " with changes that are not committed"
    return [
        ("date", datetime.date.today().isoformat()),
        ("commit", commit),
        ("processor", model.group(1).strip() if model else platform.machine()),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{int(memory.group(1)) * 1024 / 1e9:.1f} GB" if memory else "unknown"),
        ("system", f"{system}, Linux {platform.release()}"),
        ("processors taken by other programs meanwhile", f"{busy:.0f} %"),
        ("Swift", swift.group(1) if swift else "unknown"),
        *programs,
        ("Python", platform.python_version()),
    ]


def closing(busy, programs, metrics, figures):
    """The end of a document: the machine, and the figures as a program reads them."""
    return [
        "## Machine",
        "",
        *markdown([["", ""], *machine(busy, programs)]),
        "",
        "## Figures",
        "",
        "```",
        *metric_lines(metrics, figures),
        "```",
        "",
    ]


def write_document(path, text):
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
    say(f"wrote {path.relative_to(ROOT)}")


def finish(options, tables, agreement, busy, metrics, figures, path, document):
    """Prints the tables, what the programs agree on and the figures; `--write` writes the document."""
    for table in tables:
        print("\n".join(columns(table)) + "\n")
    print(f"{agreement}\n")
    if busy > QUIET:
        say(f"other programs took {busy:.0f} % of the processors meanwhile: do not trust these figures")
    if options.write:
        write_document(path, document())
    print("\n".join(metric_lines(metrics, figures)), flush=True)


# Arguments


def resources(least, why=""):
    """The type of an argument: a number of resources."""

    def count(text):
        number = int(text.replace("_", "").replace(",", ""))
        if number < least:
            raise argparse.ArgumentTypeError(f"at least {least:,}{why}")
        return number

    return count


def add_inventory(one, least, size, why=""):
    """The arguments about the inventory that is measured."""
    usual = f"{DEFAULT_COUNT:,}; {size}"
    one.add_argument("--count", type=resources(least, why), default=DEFAULT_COUNT, help=f"resources (default: {usual})")
    one.add_argument("--seed", type=int, default=1, help="of the inventory (default: 1)")


def add_opening(one, document):
    """The arguments that every measurement has."""
    one.add_argument("--no-build", action="store_true", help="measure .build/release/plumb as it is")
    one.add_argument("--write", action="store_true", help=f"rewrite {document.relative_to(ROOT)} with this run")
