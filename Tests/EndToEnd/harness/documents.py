"""What the documents tell people to do, read from the documents themselves."""

import re
import shlex

from .places import ROOT

MAP = "docs/architecture.md"

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


def folders() -> set[str]:
    """What the table of folders names: in its first column folders, in its second what is in them, with a slash or a suffix."""
    table = read(MAP).split("\n## Folders\n")[1].split("\n## ")[0]
    found = set()
    for line in table.splitlines():
        if not line.startswith("| `"):
            continue
        first, text = line.strip("| ").split(" | ", 1)
        names, words = re.findall("`([^`]+)`", first), re.findall("`([^`]+)`", text)
        if names[0].endswith("/<Entity>"):
            found |= {names[0].replace("<Entity>", word) for word in words}
            continue
        home = names[0].rstrip("/")
        found |= {home, *(f"{home.rpartition('/')[0]}/{name}" for name in names[1:])}
        # A folder at the top is named as itself, wherever it is spoken of.
        found |= {f"{home}/{word.rstrip('/')}" for word in words if re.fullmatch(r"[\w.-]+(/|\.md)", word) and not (ROOT / word).is_dir()}
    return found


def read(document: str) -> str:
    return (ROOT / document).read_text()

