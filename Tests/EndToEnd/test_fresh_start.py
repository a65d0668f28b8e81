"""bin/run and bin/gapura: the first start, the second one, Ctrl-C, and what is said where something is in the way."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import requests

from harness.checkout import Checkout
from harness.places import GAPURA

SLUGS = {"e-absensi": 1, "e-surat": 2, "e-kinerja": 3}


def wait_until_gone(pids: list[int], seconds: float = 30) -> list[int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pids = [pid for pid in pids if Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in _status(pid)]
        if not pids:
            return []
        time.sleep(0.05)
    return pids


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return ""


@pytest.fixture
def checkout(tmp_path: Path):
    made = Checkout(tmp_path)
    yield made
    made.remove()


def test_a_city_from_nothing_and_a_second_start(checkout, capsys):
    first = checkout.start()
    try:
        assert checkout.built.read_text().count("--package-path") == 2, "both programs are built"
        links = re.findall(rf"http://localhost:{checkout.port}/akun/tautan\?kode=\S+", first.text)
        assert len(links) == 4 and len(set(links)) == 4, first.text
        for link in links:
            assert "password-form" in requests.get(link, timeout=10).text
        for slug, offset in SLUGS.items():
            answer = requests.get(f"http://127.0.0.1:{checkout.port + offset}/", timeout=10)
            assert answer.url.startswith(f"http://localhost:{checkout.port}/masuk"), f"{slug}: {answer.url}"
            secret = checkout.run_folder / "secrets" / slug
            assert secret.stat().st_mode & 0o777 == 0o600 and len(secret.read_text().strip()) >= 43
        another = checkout.run("gapura", "account", "link", "189102091926021001")
        assert another.returncode == 0 and "/akun/tautan?kode=" in another.stdout
        for file in checkout.run_folder.rglob("*"):
            assert file.stat().st_mode & 0o077 == 0, f"others can read {file}"
            if file.suffix in (".log", ".yaml"):
                assert not re.search("kode=[A-Za-z0-9_-]{43}", file.read_text()), f"a link stands in {file}"
        children = first.children()
        assert len(children) >= 4
    finally:
        first.interrupt()
    assert first.process.wait(40) == 0
    assert wait_until_gone(children) == []

    second = checkout.start()
    children = second.children()
    second.interrupt()
    second.process.wait(40)
    with capsys.disabled():
        print(f"\nbin/run, debug builds: first start {first.seconds:.2f} s, second start {second.seconds:.2f} s")
    assert "kode=" not in second.text
    assert checkout.built.read_text().count("--package-path") == 2, "the second start builds nothing"
    assert wait_until_gone(children) == []


def test_kill_9_of_bin_run_leaves_no_process(checkout):
    run = checkout.start()
    children = run.children()
    assert len(children) >= 4
    run.process.kill()
    assert wait_until_gone(children) == []


def test_one_part_that_ends_ends_all(checkout):
    run = checkout.start()
    children = run.children()
    os.kill(children[-1], signal.SIGKILL)
    assert run.process.wait(40) != 0
    assert wait_until_gone(children) == []
    rest = run.process.stdout.read()
    assert "Galat: " in rest and "Error: " in rest


def test_a_start_that_was_interrupted_is_repeated(checkout):
    # Applications are registered, and then the machine loses power before the secret is on the disk.
    first = checkout.start()
    first.interrupt()
    first.process.wait(40)
    (checkout.run_folder / "ready").unlink()
    (checkout.run_folder / "secrets/e-surat").unlink()
    second = checkout.start()
    try:
        assert second.text.count("kode=") == 4
        assert (checkout.run_folder / "secrets/e-surat").exists()
    finally:
        second.interrupt()
        second.process.wait(40)


def test_a_changed_source_is_built_again(checkout):
    first = checkout.start()
    first.interrupt()
    first.process.wait(40)
    (checkout.root / "Sources/GapuraTokens/New.swift").touch()
    second = checkout.start()
    second.interrupt()
    second.process.wait(40)
    assert checkout.built.read_text().count("--package-path") == 4


def test_a_port_in_use_is_told(checkout):
    with socket.socket() as other:
        other.bind(("127.0.0.1", checkout.port + 2))
        other.listen()
        done = checkout.run("run")
    assert done.returncode == 1
    assert f"Galat: Porta {checkout.port + 2}" in done.stderr and f"Error: Port {checkout.port + 2}" in done.stderr


def test_missing_packages_are_named_where_they_may_not_be_installed(checkout):
    (checkout.root / ".build/debug/gapura").unlink()
    checkout.stub("dpkg-query", "exit 0")
    checkout.stub("id", "echo 1000")
    checkout.stub("sudo", "exit 1")
    done = checkout.run("run")
    assert done.returncode == 1
    assert "Galat: Paket Debian belum terpasang" in done.stderr and "apt-get install" in done.stderr
    assert "libargon2-dev" in done.stderr and not checkout.built.exists()


def test_missing_packages_are_installed_where_they_may_be(checkout):
    (checkout.root / ".build/debug/gapura").unlink()
    checkout.stub("dpkg-query", "echo 'installed gcc'")
    checkout.stub("id", "echo 0")
    checkout.stub("apt-get", f'echo "$*" >> {checkout.stubs}/apt; [ "$1" = update ]')
    done = checkout.run("run")
    assert done.returncode == 1 and "Error: apt-get could not install" in done.stderr
    asked = (checkout.stubs / "apt").read_text()
    assert "update" in asked and re.search(r"install -y .*libargon2-dev .*zlib1g-dev", asked) and " gcc " not in asked


def test_a_failed_build_is_told(checkout):
    checkout.stub("swift", "echo 'x.swift:1:1: error: nonsense'; exit 1")
    done = checkout.run("run")
    assert done.returncode == 1 and "Galat: Pembangunan gagal" in done.stderr and "Error: The build failed" in done.stderr


def test_commands_before_the_first_start_say_so(checkout):
    done = checkout.run("gapura", "account", "list")
    assert done.returncode == 1 and "bin/run" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["help", "keys"], ["client", "add", "--help"], ["personnel", "load", "-h"], []])
def test_help_needs_no_city(checkout, arguments):
    done = checkout.run("gapura", *arguments)
    assert done.returncode == 0 and "USAGE: gapura" in done.stdout, done.stderr
    assert not checkout.run_folder.exists()


def test_help_needs_no_build_either(checkout):
    program = checkout.root / ".build/debug/gapura"
    program.unlink()
    checkout.stub("swift", f'[ "$1" = build ] && ln -s {GAPURA} {program}; true')
    done = checkout.run("gapura", "--help")
    assert done.returncode == 0 and done.stdout.startswith("OVERVIEW:"), done.stderr
