#!/usr/bin/env python3
"""insights_duckdb.py FILE: the questions of plumb's flow detectors as DuckDB aggregations over a log of insights.py.

Prints who is found by kind, and CPU and wall seconds, as JSON. Environment: THREADS (default: every processor).
"""
import json
import os
import resource
import sys
import time

import duckdb

began, used = time.perf_counter(), time.process_time()
connection = duckdb.connect()
connection.execute(f"SET threads = {os.environ.get('THREADS', os.cpu_count())}")
# Records with who is client and server, as plumb's reader decides.
connection.execute(
    f"""
    CREATE TABLE flow AS
    SELECT CASE WHEN reply THEN dstaddr ELSE srcaddr END AS client, CASE WHEN reply THEN srcaddr ELSE dstaddr END AS server,
      CASE WHEN reply THEN dstport ELSE srcport END AS client_port, CASE WHEN reply THEN srcport ELSE dstport END AS port,
      packets, bytes, start, reply,
      CASE WHEN action = 'REJECT' OR (NOT reply AND packets <= 2) THEN 1 ELSE 0 END AS failed
    FROM (
      SELECT *, "tcp-flags" & 18 = 18 AS reply
      FROM read_csv('{sys.argv[1]}', delim = ' ', header = true)
    )
    """
)
SCAN = """
    SELECT client FROM (
      SELECT client, server, port, min(failed) AS failed FROM flow GROUP BY ALL
    ) GROUP BY client HAVING sum(failed) >= 10 AND (2 * sum(failed) - count(*)) * ln(4) >= ln(99)
"""
GUESS = """
    SELECT DISTINCT client FROM (
      SELECT client, server, port, start // 300 AS part, count(DISTINCT client_port) AS count, stddev_pop(bytes) / avg(bytes) AS variation
      FROM flow WHERE port IN (21, 22, 23, 3306, 3389, 5432) AND failed = 0 AND packets <= 50 AND NOT (packets <= 5 AND bytes <= 64 * packets)
      GROUP BY ALL
    ) WHERE count >= 20 AND variation <= 0.5
"""
FLOOD = """
    SELECT DISTINCT server FROM (
      SELECT server, port, start // 60 AS part, count(*) AS count,
        sum(CASE WHEN failed = 1 OR (packets <= 5 AND bytes <= 64 * packets) THEN 1 ELSE 0 END) AS hollow
      FROM flow GROUP BY ALL
    ) WHERE hollow >= 500 AND hollow >= 0.8 * count
"""
# Asked as well, with nothing to be found in an hour.
OTHERS = [
    "SELECT client, start // 3600 AS part, sum(bytes) FROM flow WHERE starts_with(client, '10.') AND NOT starts_with(server, '10.') GROUP BY ALL HAVING sum(bytes) > 1e11",
    "SELECT client, count(*) FROM (SELECT DISTINCT client, server FROM flow WHERE starts_with(client, '10.')) GROUP BY ALL HAVING count(*) > 1e9",
    """SELECT client, server, port, stddev_pop(gap) / avg(gap) AS v FROM (
         SELECT client, server, port, start - lag(start) OVER (PARTITION BY client, server, port ORDER BY start) AS gap
         FROM flow WHERE starts_with(client, '10.') AND NOT starts_with(server, '10.')
       ) GROUP BY ALL HAVING count(gap) >= 24 AND v < 0.05""",
]
found = {
    name: [row[0] for row in connection.execute(query).fetchall()]
    for name, query in (("port-scan", SCAN), ("brute-force", GUESS), ("connection-flood", FLOOD))
}
for query in OTHERS:
    connection.execute(query).fetchall()
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"found": found, "wall": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime}))
