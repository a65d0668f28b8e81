"""Counts the tests of one step of bin/test: `count.py LOGS/NAME EXIT_CODE` prints "passed failed".

From the xUnit files that the step wrote (NAME*.xml), else from what its log tells (lines 'N passed, N failed', or Swift Testing's
lines, where a crash or a hang kept it from writing its file), else the step itself is one test.
A step that ended badly without a failed test counts as one failure.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count_xml(files: list[Path]) -> tuple[int, int] | None:
    """Nothing where a file is missing or was not finished."""
    passed = failed = 0
    try:
        trees = [ElementTree.parse(file) for file in files]
    except ElementTree.ParseError:
        return None
    for tree in trees:
        for case in tree.getroot().iter("testcase"):
            bad = any(case.find(name) is not None for name in ("failure", "error", "skipped"))
            passed, failed = passed + (not bad), failed + bad
    return passed, failed


def count_lines(log: Path) -> tuple[int, int] | None:
    text = log.read_text(errors="replace")
    if found := re.findall(r"^(\d+) passed, (\d+) failed", text, re.M):
        return sum(int(line[0]) for line in found), sum(int(line[1]) for line in found)
    ended = re.findall(r"^([✔✘]) Test (?!run|case).* (?:passed|failed) after", text, re.M)
    return (ended.count("✔"), ended.count("✘")) if ended else None


def main() -> None:
    stem, code = Path(sys.argv[1]), int(sys.argv[2])
    files = sorted(stem.parent.glob(f"{stem.name}*.xml"))
    counted = count_xml(files) if files else None
    passed, failed = counted or count_lines(stem.parent / f"{stem.name}.log") or (int(code == 0), 0)
    if code != 0 and failed == 0:
        failed = 1
    print(passed, failed)


main()
