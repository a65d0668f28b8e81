"""Makes a list of units with the units of another one N times: other ids and names, the same tree under the same root.

    many_units.py ref-unor-2026-09.csv many.csv 11
"""
import csv
import sys


def another(row, turn, root):
    """The same unit with another id, as `many_people.py --spread` names it, below the same government."""
    turned = {
        name: value[turn:] + value[:turn] if value and value != root else value
        for name, value in row.items()
        if name in ("Id", "DiatasanId", "IndukUnorId")
    }
    return {**row, **turned, "NamaUnor": f"{row['NamaUnor']} {turn + 1}", "PemimpinPnsId": ""}


def main(source, target, times):
    with open(source, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows, names = list(reader), reader.fieldnames
    root = next(row["Id"] for row in rows if not row["DiatasanId"])
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for turn in range(times):
            writer.writerows(row if turn == 0 else another(row, turn, root) for row in rows if turn == 0 or row["Id"] != root)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
