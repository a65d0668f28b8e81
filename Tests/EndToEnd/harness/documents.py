"""What the documents tell people to do, read from the documents themselves."""

import re
import shlex

from .places import ROOT

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.M | re.S)


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    found = [match for match in _BLOCK.finditer((ROOT / document).read_text()) if match[2] == language]
    return [re.sub(f"^{match[1]}", "", match[3], flags=re.M) for match in found]


def commands(document: str) -> list[list[str]]:
    """Every call of gapura in a document, in blocks and between backticks, as words without what the shell would do with them."""
    text = (ROOT / document).read_text()
    lines = [line for block in blocks(document, "sh") for line in block.replace("\\\n", " ").splitlines()]
    # Five fields of time and the user go before the command.
    lines += [line.split(maxsplit=6)[-1] for block in blocks(document, "cron") for line in block.splitlines()]
    lines += [match[1] for match in re.finditer(r"`((?:bin/)?gapura [^`\n]+)`", text)]
    found = []
    for line in lines:
        for match in re.finditer(r"(?:^|(?<!-[ugo])[\s;|&(])(?:bin/|/usr/local/bin/)?gapura ((?:[^;|&<>\n#'\"]|'[^']*'|\"[^\"]*\")+)", line):
            found.append(shlex.split(match[1].replace(")", " ")))
    # A user, owner or database may have the name too.
    return [words for words in found if words and words[0].islower()]


def documents() -> list[str]:
    """Every document for people who run a city or connect an application."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")]
    return sorted(str(path.relative_to(ROOT)) for path in paths if path.name != "architecture.md")


def read(document: str) -> str:
    return (ROOT / document).read_text()

