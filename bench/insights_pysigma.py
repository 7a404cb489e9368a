"""Matches CloudTrail records by pySigma's conversion of Sigma rules to SQLite: insights_pysigma.py RULES EVENTS.

The columns are what the rules ask for. Prints how many records each rule matches, and the CPU and wall seconds from
reading to the last query.
"""
import json
import pathlib
import re
import sqlite3
import sys
import time

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation

cpu, wall = time.process_time(), time.perf_counter()
collections = [SigmaCollection.from_yaml(path.read_text(encoding="utf-8")) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.yml"))]
fields = {
    item.field: None for one in collections for part in one.rules[0].detection.detections.values() for item in part.detection_items
}  # fmt: skip
# SQLite takes a name with dots for a column of a table.
columns = {field: f"c{number}" for number, field in enumerate(fields)}
pipeline = ProcessingPipeline(items=[ProcessingItem(FieldMappingTransformation(columns))])
queries = {}
for one in collections:
    title = one.rules[0].title
    (query,) = sqliteBackend(processing_pipeline=pipeline).convert(one)
    queries[title] = re.sub(r"^SELECT \*", "SELECT count(*)", query.replace("<TABLE_NAME>", "logs"))
names = [field.split(".") for field in columns]


def value(record, name):
    for key in name:
        record = record.get(key) if isinstance(record, dict) else None
    return record


database = sqlite3.connect(":memory:")
database.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
listed = ", ".join(f"{name} TEXT COLLATE NOCASE" for name in columns.values())
database.execute(f"CREATE TABLE logs ({listed})")
with open(sys.argv[2], encoding="utf-8") as file:
    rows = ([value(record, name) for name in names] for record in map(json.loads, file))
    database.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(columns))})", rows)
found = {title: database.execute(query).fetchone()[0] for title, query in queries.items()}
print(json.dumps({"found": found, "cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}))
