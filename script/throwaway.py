"""A PostgreSQL for one run of a test, started and stopped by script/postgres."""
import subprocess
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Unable(Exception):
    """The test cannot be run; exit 2."""


class PostgresServer:
    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self.start()

    def start(self):
        self._script("start")

    def stop(self):
        self._script("stop")

    def _script(self, action):
        done = subprocess.run([ROOT / "script" / "postgres", action, self.folder], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unable(done.stderr.strip())

    def sql(self, sql, database="postgres"):
        """The lines of an answer, columns with | between them."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
        command = [programs[-1], "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres"]
        done = subprocess.run([*command, "-d", database, "-c", sql], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unable(f"psql: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def place(self, name):
        """The address of a database, for --data."""
        return f"postgres://postgres@/{name}?host={urllib.parse.quote(str(self.folder), safe='')}"
