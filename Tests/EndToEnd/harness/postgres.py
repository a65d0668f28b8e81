"""A private PostgreSQL: its own folder, a Unix socket, no port, run by an ordinary user as PostgreSQL demands."""

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class Postgres:
    def __init__(self) -> None:
        versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))
        assert versions, "PostgreSQL is missing: apt-get install postgresql-15"
        self.binaries = versions[-1] / "bin"
        # Short: a socket lies in it.
        self.folder = Path(tempfile.mkdtemp(prefix="gapura-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._user:
            shutil.chown(self.folder, "postgres")
        self._as_user("initdb", "-D", self.data, "-U", "gapura", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._numbers = itertools.count()
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=200"
        self._as_user("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._as_user("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """The URL of a new empty database."""
        name = f"e2e_{next(self._numbers)}"
        self._as_user("createdb", "-h", str(self.folder), "-U", "gapura", name)
        return f"postgres:///{name}?host={self.folder}&user=gapura"

    def sql(self, url: str, text: str) -> str:
        return self._as_user("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, url)

    def remove(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self, program: str, *arguments: str) -> str:
        command = [*self._user, str(self.binaries / program), *arguments]
        # pg_ctl's server keeps what it inherits open: no pipes for it.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(command, cwd="/tmp", stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            output.seek(0)
            text = output.read().decode()
        assert done.returncode == 0, f"{' '.join(command)}: {text}"
        return text.strip()
