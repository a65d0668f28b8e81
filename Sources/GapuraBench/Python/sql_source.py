"""A private PostgreSQL with a SIMPEG in it: the people of a personnel export N times, in a table whose columns are named
as the profile simpeg-generic knows them.

    sql_source.py start FOLDER siasn-2026-09.xlsx 10    prints JSON: url, seconds of COPY out, rows
    sql_source.py stop FOLDER
"""
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from html import unescape
from pathlib import Path

ROW = re.compile(r'<row r="\d+">(.*?)</row>', re.S)
CELL = re.compile(r'<c r="([A-Z]+)\d+"[^>]*>(?:<is><t[^>]*>([^<]*)</t></is>|<v>([^<]*)</v>)?')


def binaries():
    return sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))[-1] / "bin"


def run(program, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*user, str(binaries() / program), *arguments], check=True, cwd="/tmp", stdin=stdin, stdout=stdout)


def start(folder, source, times):
    folder = Path(folder)
    folder.mkdir(mode=0o755)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    data, address = str(folder / "data"), ["-h", str(folder), "-U", "gapura"]
    run("initdb", "-D", data, "-U", "gapura", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-k {folder} -c listen_addresses="
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    run("createdb", *address, "simpeg")
    names, rows = table(source)
    columns = ", ".join(f'"{name}" text' for name in names)
    psql = ["-X", "-q", "-v", "ON_ERROR_STOP=1", *address, "simpeg", "-c"]
    run("psql", *psql, f"CREATE TABLE pegawai ({columns})")
    text = folder.parent / "pegawai.tsv"
    with open(text, "w", encoding="utf-8") as file:
        for turn, row in itertools.product(range(times), rows):
            file.write("\t".join(another(names, row, turn)) + "\n")
    with open(text, encoding="utf-8") as file:
        run("psql", *psql, "COPY pegawai FROM STDIN WITH (NULL '')", stdin=file)
    began = time.monotonic()
    run("psql", *psql, "COPY pegawai TO STDOUT")
    seconds = time.monotonic() - began
    print(json.dumps({"url": f"postgres://gapura@localhost/simpeg?socket={folder}", "copy_seconds": seconds, "rows": times * len(rows)}))


def another(names, row, turn):
    """The same person with another id and another serial number, as in many_people.py."""
    values = dict(zip(names, row))
    pns_id, nip = values["pns_id"], values["nip_baru"]
    values["pns_id"] = pns_id[turn:] + pns_id[:turn] if len(pns_id) == 32 else pns_id
    if turn and nip.isdigit() and len(nip) == 18:
        values["nip_baru"] = f"{nip[:15]}{(int(nip[15:]) + 100 * turn) % 1000:03}"
    return [values[name].replace("\\", "\\\\").replace("\t", " ").replace("\n", " ") for name in names]


def table(source):
    with zipfile.ZipFile(source) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    rows = [{cell[1]: unescape(cell[2] or cell[3] or "") for cell in CELL.finditer(row)} for row in ROW.findall(sheet)]
    letters = list(rows[0])
    names = [re.sub(r"[^a-z0-9]+", "_", rows[0][letter].lower()).strip("_") for letter in letters]
    return names, [[row.get(letter, "").lstrip("'") for letter in letters] for row in rows[1:]]


if sys.argv[1] == "start":
    start(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    run("pg_ctl", "-D", f"{sys.argv[2]}/data", "-m", "immediate", "-w", "stop")
