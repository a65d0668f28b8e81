"""What the documents say is true: commands exist, settings are accepted, links lead somewhere, both languages say the same."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import documents
from harness.places import GAPURA, ROOT


def help_of(words: list[str]) -> str:
    done = subprocess.run([GAPURA, *words, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"gapura {' '.join(words)}: {done.stderr}"
    return done.stdout


def places(text: str) -> float:
    """How many words without a flag a command takes, by its help."""
    usage = re.search(r"USAGE: gapura (.*?)\n\n", text, re.S)[1]
    rest = re.sub(r"\[?--[a-z-]+(?: <[^>]+>)?(?: \.\.\.)?\]?", "", usage)
    return float("inf") if "..." in rest else len(re.findall(r"<[^>]+>", rest))


def bare_words(words: list[str], text: str) -> int:
    """How many words are no flag and no flag's value; up to what only the shell knows."""
    count, is_value, is_list = 0, False, False
    for word in words:
        if "$(" in word:
            return count + 1
        if word.startswith("--"):
            is_value = "=" not in word and re.search(rf"{word} <", text) is not None
            is_list = is_value and re.search(rf"{word} <[^>]+> \.\.\.", text) is not None
        elif is_value:
            is_value = is_list
        else:
            count += 1
    return count


@pytest.mark.parametrize("document", documents.documents())
def test_every_command_exists_with_its_flags(document):
    for words in documents.commands(document):
        name = []
        for word in words[:3]:
            if not re.fullmatch("[a-z-]+", word) or word.startswith("-"):
                break
            if f"USAGE: gapura {' '.join([*name, word])}" not in help_of([*name, word]):
                break
            name.append(word)
        text = help_of(name) if name else help_of([])
        assert name or words[0].startswith("-"), f"gapura {' '.join(words)} in {document}"
        assert "<subcommand>" not in text.split("OPTIONS")[0] or "--help" in words or len(words) == len(name), words
        for flag in (word.split("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{flag}\b", text), f"{flag} of gapura {' '.join(name)} in {document}"
        if name:
            given, taken = bare_words(words[len(name) :], text), places(text)
            assert given <= taken, f"gapura {' '.join(words)} in {document}: {given} words without a flag, {taken} are taken"


@pytest.mark.parametrize("document", [*documents.documents(), documents.MAP])
def test_every_link_within_the_repository_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", documents.read(document)):
        assert (ROOT / document).parent.joinpath(target).exists(), f"{document} links to {target}"


def test_the_map_shows_every_folder_and_no_other():
    shown = documents.folders()
    # A regular expression that finds nothing would show nothing.
    assert {"Sources/GapuraStore/SQL", "Sources/CXML", "Sources/GapuraStore/Audit", "docs/decisions", "bin/lib"} <= shown
    gone = sorted(path for path in shown if not (ROOT / path).exists())
    assert not gone, f"{documents.MAP} names what is not there: {gone}"
    there = {
        str(path.relative_to(ROOT))
        for path in [*ROOT.glob("Sources/*"), *(path for path in ROOT.glob("Sources/*/*") if path.is_dir()), *ROOT.glob("docs/*")]
        if not path.name.startswith(".") and path != ROOT / documents.MAP
    }
    missing = sorted(path for path in there - shown if not any(below.startswith(f"{path}/") for below in shown))
    assert not missing, f"{documents.MAP} does not name {missing}"


def test_commands_are_found_where_they_stand():
    """The test above shows nothing if it sees no commands."""
    assert len(documents.commands("docs/deploy.md")) >= 15
    assert ["keys", "rotate"] in documents.commands("docs/deploy.md")
    assert any(words[:2] == ["client", "add"] and "--redirect-uri" in words for words in documents.commands("examples/e-absensi/README.md"))


DEPLOY = ["docs/deploy.md", "docs/deploy.id.md"]


@pytest.mark.parametrize("document", DEPLOY)
def test_every_settings_file_is_accepted(document, tmp_path: Path):
    found = documents.blocks(document, "yaml")
    assert len(found) >= 2
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        # bin/test hands GAPURA_PYTHON to the tests: no setting, and refused as one.
        bare = {name: value for name, value in os.environ.items() if not name.startswith("GAPURA_")}
        done = subprocess.run(
            [GAPURA, "settings", "--effective", "--config", file], env=bare, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, f"{document}: {done.stderr}\n{text}"


def test_both_languages_have_the_same_commands_and_files():
    for language in ("sh", "yaml", "ini", "nginx", "cron"):
        without_comments = [
            [re.sub(r"(^|\s)#.*", "", block, flags=re.M).strip() for block in documents.blocks(document, language)] for document in DEPLOY
        ]
        assert without_comments[0] == without_comments[1] != [], language


@pytest.mark.parametrize("document", DEPLOY)
def test_the_service_file_is_understood_by_systemd(document, tmp_path: Path):
    (unit,) = documents.blocks(document, "ini")
    for line in ("SWIFT_BACKTRACE=enable=no", "LimitCORE=0", "Restart=always", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert line in unit, line
    # The program and the user are not there on the machine that tests.
    file = tmp_path / "gapura.service"
    file.write_text(unit.replace("/usr/local/bin/gapura", str(GAPURA)).replace("User=gapura", "User=root").replace("Group=gapura", "Group=root"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "gapura.service" in line]
    assert not complaints, complaints
