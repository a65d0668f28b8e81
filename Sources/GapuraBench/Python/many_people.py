"""Makes a personnel export of the shape of another one, with its people N times: other ids, the same everything else.

    many_people.py siasn-2026-09.xlsx many.xlsx 10
    many_people.py siasn-2026-09.xlsx many.xlsx 10 --spread    each time in units of their own (many_units.py)
"""
import re
import sys
import zipfile

SHEET = "xl/worksheets/sheet1.xml"
ROW = re.compile(r'<row r="\d+">(.*?)</row>', re.S)
CELL = re.compile(r'r="([A-Z]+)\d+"')
PNS_ID = re.compile(r'(r="A\d+"[^>]*><is><t>)([0-9A-F]{32})')
UNIT = re.compile(r'(r="BC\d+"[^>]*><is><t>)([0-9A-F]{32})')
NIP = re.compile(r"(r=\"B\d+\"[^>]*><is><t>'?\d{15})(\d{3})")


def another(row, turn, spread):
    """The same person with another id and another serial number in the NIP."""
    if spread:
        row = UNIT.sub(lambda found: found[1] + found[2][turn:] + found[2][:turn], row)
    row = PNS_ID.sub(lambda found: found[1] + found[2][turn:] + found[2][:turn], row)
    return NIP.sub(lambda found: f"{found[1]}{(int(found[2]) + 100 * turn) % 1000:03}", row)


def main(source, target, times, spread):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        sheet = old.read(SHEET).decode()
        rows = ROW.findall(sheet)
        head, tail = sheet[: sheet.index("<sheetData>") + 11], sheet[sheet.index("</sheetData>") :]
        for name in old.namelist():
            if name != SHEET:
                new.writestr(name, old.read(name))
        with new.open(SHEET, "w", force_zip64=True) as out:
            out.write(head.encode())
            number = 0
            for turn in range(times):
                for row in rows if turn == 0 else rows[1:]:
                    number += 1
                    cells = CELL.sub(lambda found: f'r="{found[1]}{number}"', another(row, turn, spread))
                    out.write(f'<row r="{number}">{cells}</row>'.encode())
            out.write(tail.encode())


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), "--spread" in sys.argv)
