"""Disks that are full or read-only, inside a mount namespace of one process: the machine itself is left alone."""

import os
import shlex
import subprocess

_UNSHARE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def small_disk(folder: object, command: list[str]) -> list[str]:
    """Runs the command with `folder` copied to a disk of 48 MB."""
    return _inside(_small_disk(folder), command)


def full_disk(folder: object, command: list[str]) -> list[str]:
    """Runs the command with `folder` copied to a small disk without a byte left."""
    return _inside(f"{_small_disk(folder)}\n{_fill(folder)}", command)


def fill(process: int, folder: object) -> None:
    """Leaves no byte on the small disk of a running process."""
    _enter(process, _fill(folder))


def empty(process: int, folder: object) -> None:
    """Makes room again."""
    _enter(process, f"rm {_quoted(folder)}/filler")


def read_only_disk(folder: object, command: list[str]) -> list[str]:
    """Runs the command with `folder` on a disk that was mounted read-only."""
    return _inside(
        f"mount --bind {_quoted(folder)} {_quoted(folder)} && mount -o remount,ro,bind {_quoted(folder)}", command)


def _small_disk(folder: object) -> str:
    return f"""
        rm -rf {_quoted(folder)}.copy
        cp -a {_quoted(folder)} {_quoted(folder)}.copy
        mount -t tmpfs -o size=48m tmpfs {_quoted(folder)}
        cp -a {_quoted(folder)}.copy/. {_quoted(folder)}
        chmod 700 {_quoted(folder)}
        """


def _fill(folder: object) -> str:
    # In one piece first, then what is left of it.
    return "".join(
        f"dd if=/dev/zero of={_quoted(folder)}/filler bs={size} oflag=append conv=notrunc status=none 2>/dev/null || true\n"
        for size in ("1M", "4k")
    )  # fmt: skip


def beside(process: int) -> list[str]:
    """What a command starts with to see the disks of a running process."""
    user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
    return ["nsenter", "--target", str(process), "--mount", *user]


def _enter(process: int, script: str) -> None:
    subprocess.run([*beside(process), "sh", "-c", script], check=True)


def _inside(script: str, command: list[str]) -> list[str]:
    return [*_UNSHARE, "sh", "-ec", f"{script}\nexec {shlex.join(map(str, command))}"]


def _quoted(path: object) -> str:
    return shlex.quote(str(path))
