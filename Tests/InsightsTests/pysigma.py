"""Matches events by pySigma's own conversion of Sigma rules to SQLite.

Usage: pysigma.py RULES EVENTS [FIELDS]: RULES a folder of Sigma rules, EVENTS lines of JSON objects, FIELDS a JSON object
that maps field names of rules to columns. Prints a JSON object: per rule id the numbers of the matching lines, from 1, or
null where pySigma refuses the rule.
"""
import json
import pathlib
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation

rules, events = sys.argv[1:3]
names = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}


def flatten(value, path, row):
    """A column per path; a path that goes through a list has the values of all its elements."""
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(inner, f"{path}.{key}" if path else key, row)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (dict, list)):
                flatten(inner, path, row)
    if value is None or not path:
        return row
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (dict, list)):
        value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    row.setdefault(path, str(value))
    return row


rows = [flatten(json.loads(line), "", {}) for line in pathlib.Path(events).read_text(encoding="utf-8").splitlines()]
database = sqlite3.connect(":memory:")
database.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
database.execute("CREATE TABLE logs (number INTEGER)")
columns = {}


def column(name):
    """The column of a field; SQLite's names ignore case, Sigma's do not."""
    if name not in columns:
        columns[name] = f"c{len(columns)}"
        database.execute(f"ALTER TABLE logs ADD COLUMN {columns[name]} TEXT COLLATE NOCASE")
        database.executemany(
            f"UPDATE logs SET {columns[name]} = ? WHERE number = ?",
            [(row[name], number) for number, row in enumerate(rows, 1) if name in row],
        )
    return columns[name]


database.executemany("INSERT INTO logs (number) VALUES (?)", [(number,) for number in range(1, len(rows) + 1)])


def fields(rule):
    found = set()

    def walk(detection):
        for item in detection.detection_items:
            if hasattr(item, "detection_items"):
                walk(item)
            elif item.field:
                found.add(item.field)
                for value in item.original_value if isinstance(item.original_value, list) else [item.original_value]:
                    if "fieldref" in str(item.modifiers).lower():
                        found.add(str(value))

    for detection in rule.detection.detections.values():
        walk(detection)
    return found


result = {}
for path in sorted(pathlib.Path(rules).rglob("*.yml")):
    collection = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))
    rule = collection.rules[0]
    mapping = {name: column(names.get(name, name)) for name in fields(rule)}
    pipeline = ProcessingPipeline(items=[ProcessingItem(FieldMappingTransformation(mapping))])
    try:
        queries = sqliteBackend(processing_pipeline=pipeline).convert(collection)
    except Exception:
        result[str(rule.id)] = None
        continue
    found = set()
    for query in queries:
        query = query.replace("<TABLE_NAME>", "logs")
        found |= {row[0] for row in database.execute(re.sub(r"^SELECT \*", "SELECT number", query))}
    result[str(rule.id)] = sorted(found)
print(json.dumps(result))
