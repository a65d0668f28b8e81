"""SQLite's own bulk rate: so many rows of the width of a person and an account written in one transaction and read again.

    bulk_rate.py bulk.sqlite 100000    prints JSON: seconds of writing, of reading
"""
import json
import sqlite3
import sys
import time

ROW = tuple("x" * 20 for _ in range(20))


def main(path, count):
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    columns = ", ".join(f"c{number} TEXT" for number in range(len(ROW)))
    database.execute(f"CREATE TABLE bulk (id TEXT PRIMARY KEY, {columns})")
    began = time.monotonic()
    marks = ", ".join("?" * (len(ROW) + 1))
    with database:
        database.executemany(f"INSERT INTO bulk VALUES ({marks})", ((f"{number:032}", *ROW) for number in range(count)))
    written = time.monotonic()
    for _ in database.execute("SELECT * FROM bulk"):
        pass
    print(json.dumps({"write": written - began, "read": time.monotonic() - written}))


main(sys.argv[1], int(sys.argv[2]))
