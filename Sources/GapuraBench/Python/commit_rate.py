"""Microseconds of one durable commit of SQLite, in the middle of a thousand: what a write costs on this disk at least."""
import sqlite3
import sys
import time

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
times = []
for _ in range(1000):
    start = time.perf_counter()
    database.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 100,))
    times.append(time.perf_counter() - start)
print(sorted(times)[len(times) // 2] * 1e6)
