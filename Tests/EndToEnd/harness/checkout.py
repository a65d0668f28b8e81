"""A checkout whose programs are built already, and bin/run within it."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from .places import E_KINERJA, GAPURA, ROOT


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
        """The parts of the city; not what the script itself runs for a moment."""
        listed = subprocess.run(["ps", "-o", "pid=,comm=", "-s", str(self.process.pid)], capture_output=True, text=True).stdout
        parts = [line.split(maxsplit=1) for line in listed.splitlines()]
        return [int(pid) for pid, name in parts if name in ("gapura", "php", "e-kinerja")]

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
