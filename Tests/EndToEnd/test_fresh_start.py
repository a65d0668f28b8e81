"""bin/run and bin/gapura: the first start, the second one, Ctrl-C, and what is said where something is in the way."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from harness.places import E_KINERJA, GAPURA, ROOT

SLUGS = {"e-absensi": 1, "e-surat": 2, "e-kinerja": 3}


class Checkout:
    """A checkout whose programs are built already: bin/ and examples/ are real, a stub stands in for the compiler."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "gapura"
        self.root.mkdir(parents=True)
        shutil.copytree(ROOT / "bin", self.root / "bin")
        (self.root / "examples").symlink_to(ROOT / "examples")
        for name in ("Sources/GapuraTokens", "Sources/GapuraFormats", "Sources/COpenSSL"):
            (self.root / name).mkdir(parents=True)
        (self.root / "Package.swift").touch()
        for program, name in ((GAPURA, ".build"), (E_KINERJA, ".build-e-kinerja")):
            (self.root / name / "debug").mkdir(parents=True)
            (self.root / name / "debug" / program.name).symlink_to(program)
        self.stubs = folder / "stubs"
        self.stubs.mkdir()
        self.stub("swift", f'echo "$*" >> {folder}/built')
        self.built = folder / "built"
        # Short: a socket lies in it.
        self.run_folder = Path(f"/tmp/gapura-run-{os.getpid()}-{random.randrange(10**6)}")
        self.port = four_free_ports()
        self.runs: list[Run] = []

    def stub(self, name: str, script: str) -> None:
        (self.stubs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.stubs / name).chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.stubs}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.root), "RUN_BUILD": "debug",
            "RUN_FOLDER": str(self.run_folder), "RUN_PORT": str(self.port), "RUN_METRICS_PORT": str(self.port + 4),
        }  # fmt: skip

    def start(self) -> "Run":
        self.runs.append(Run(self))
        return self.runs[-1]

    def remove(self) -> None:
        for run in self.runs:
            if run.process.poll() is None:
                run.process.terminate()
                run.process.wait(40)
        shutil.rmtree(self.run_folder, ignore_errors=True)

    def run(self, script: str, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.root / "bin" / script, *arguments], env=self.environment, text=True, capture_output=True, timeout=seconds,
            stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


class Run:
    """A running bin/run, in a process group of its own as in a terminal."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout, self.text, began = checkout, "", time.monotonic()
        self.process = subprocess.Popen(
            [checkout.root / "bin/run"], env=checkout.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
        for line in self.process.stdout:
            self.text += line
            if "Ctrl-C stops everything" in line:
                break
        self.seconds = time.monotonic() - began
        assert "Ctrl-C stops everything" in self.text, self.text

    def children(self) -> list[int]:
        listed = subprocess.run(["ps", "-o", "pid=", "-s", str(self.process.pid)], capture_output=True, text=True).stdout
        return [int(pid) for pid in listed.split() if int(pid) != self.process.pid]

    def interrupt(self) -> None:
        """As Ctrl-C in a terminal does: the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)


def four_free_ports() -> int:
    while True:
        first = random.randrange(20000, 30000, 10)
        try:
            for port in range(first, first + 5):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


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
    assert second.seconds < 5


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
