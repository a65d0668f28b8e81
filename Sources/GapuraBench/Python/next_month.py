"""Makes the next month of a personnel export: so many people retire, move, or have another name.

    next_month.py siasn-2026-09.xlsx next.xlsx 2000
"""
import re
import sys
import zipfile

SHEET = "xl/worksheets/sheet1.xml"
ROW = re.compile(r'<row r="\d+">.*?</row>', re.S)
COLUMNS = {"nama": "D", "kedudukan_hukum_id": "X", "unor_id": "BC"}


def cell(column):
    return re.compile(rf'(<c r="{column}\d+"[^>]*><is><t[^>]*>)([^<]*)')


NAME, STATUS, UNIT = (cell(COLUMNS[name]) for name in ("nama", "kedudukan_hukum_id", "unor_id"))


def changed(row, number, unit):
    """A fifth retires, two fifths move, the others are renamed."""
    if number % 5 == 0:
        return STATUS.sub(lambda found: found[1] + "'88", row)
    if number % 5 < 3:
        return UNIT.sub(lambda found: found[1] + unit, row)
    return NAME.sub(lambda found: found[1] + found[2] + " Baru", row)


def main(source, target, count):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        sheet = old.read(SHEET).decode()
        units = sorted({found[2] for found in UNIT.finditer(sheet) if len(found[2]) == 32})
        left = iter(range(count))

        def another(found):
            status = STATUS.search(found[0])
            if not status or status[2] != "'01":
                return found[0]
            number = next(left, None)
            return found[0] if number is None else changed(found[0], number, units[number % len(units)])

        for name in old.namelist():
            new.writestr(name, ROW.sub(another, sheet) if name == SHEET else old.read(name))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
