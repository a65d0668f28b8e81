"""A gateway in a folder of its own: its settings, its commands, its process."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from . import city
from .places import GAPURA, free_port


class CommandFailed(AssertionError):
    pass


class Gateway:
    """Use `with Gateway() as gateway`: set up, loaded with a small city, running."""

    def __init__(self, authority: "Authority | None" = None, database: str | None = None, people: int = 30, **settings: str) -> None:
        # Short: the command socket lies in it.
        self.folder = Path(tempfile.mkdtemp(prefix="gapura-e2e-", dir="/tmp"))
        self.port, self.metrics_port = free_port(), free_port()
        self.authority = authority
        self.issuer = f"{'https' if authority else 'http'}://localhost:{self.port}"
        self.ca_file = str(authority.certificate) if authority else None
        self.people = people
        self.process: subprocess.Popen | None = None
        # How commands reach the process where it sees other disks than we do.
        self.command_prefix: list[str] = []
        self.settings = {
            "issuer": self.issuer,
            "listen": f"127.0.0.1:{self.port}",
            "metrics_listen": f"127.0.0.1:{self.metrics_port}",
            "database": database or f"sqlite:{self.folder}/data/gapura.sqlite",
            "data_folder": f"{self.folder}/data",
            "keys_folder": f"{self.folder}/keys",
            "accepts_fixtures": "true",
            "test_hosts": "127.0.0.1",
            "outgoing_networks": "127.0.0.0/8",
            # A debug build hashes slowly; what a password costs is measured elsewhere.
            "password_memory": "8192",
            "password_passes": "1",
        }
        if authority:
            certificate, key = authority.issue(self.folder)
            self.settings |= {"tls_certificate": str(certificate), "tls_key": str(key), "outgoing_ca_file": self.ca_file}
        self.settings |= settings

    def __enter__(self) -> "Gateway":
        try:
            self.set_up()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    # Life

    def set_up(self) -> None:
        self.json("setup")
        if self.people:
            people, units = city.write(self.folder, self.people)
            self.run("personnel", "load", str(people), "--units", str(units), "--apply")

    def start(self, wrap: Callable[[list], list] = list) -> float:
        """Starts the process, wrapped where a test wants it; returns the seconds until it answered."""
        began = time.monotonic()
        self.log = open(self.folder / "gapura.log", "ab")
        self.output = open(self.folder / "gapura.out", "ab")
        self.process = subprocess.Popen(
            wrap([GAPURA, "serve"]), env=self.environment(), stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.log,
            cwd=self.folder,
        )  # fmt: skip
        self.wait_until_ready()
        return time.monotonic() - began

    def wait_until_ready(self, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process and self.process.poll() is None, f"the gateway ended: {self.log_text()[-2000:]}"
            try:
                if requests.get(f"{self.issuer}/livez", verify=self.verify, timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.02)
        raise AssertionError("the gateway does not answer")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 40) -> int:
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def remove(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # Commands

    def environment(self) -> dict[str, str]:
        variables = {f"GAPURA_{name.upper()}": value for name, value in self.settings.items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **variables}

    def try_run(self, *arguments: str, stdin: str = "", seconds: float = 120) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*self.command_prefix, GAPURA, *arguments], env=self.environment(), input=stdin, text=True, capture_output=True, timeout=seconds,
            cwd=self.folder,
        )  # fmt: skip

    def run(self, *arguments: str, stdin: str = "") -> str:
        done = self.try_run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise CommandFailed(f"gapura {' '.join(arguments)}: {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> dict:
        return json.loads(self.run(*arguments, "--json", stdin=stdin))

    def age_keys(self) -> None:
        """Lets ten minutes pass for the signing keys, in their list: until then none of them may follow another."""
        keyring = self.folder / "keys" / "keyring.json"
        text = re.sub(r'"made_at":(\d+)', lambda match: f'"made_at":{int(match[1]) - 600_000}', keyring.read_text())
        draft = keyring.with_suffix(".new")
        draft.touch(0o600)
        draft.write_text(text)
        # At once, as the program writes it: the gateway may be reading.
        draft.replace(keyring)

    def link(self, account: str) -> str:
        return self.json("account", "link", account)["link"]

    def add_application(self, slug: str, url: str | None = None, name: str | None = None) -> None:
        self.run(
            "application", "add", "--slug", slug, "--name", name or slug, "--agency", city.AGENCIES[0],
            "--contact", "uji@uji.invalid", "--url", url or f"http://127.0.0.1:1/{slug}", "--state", "aktif",
        )  # fmt: skip
        self.run("application", "access", slug, "--everyone")

    def add_client(self, slug: str, **metadata: object) -> dict:
        """An application with one client of the same name, registered with members of RFC 7591."""
        self.add_application(slug)
        members = {"client_name": slug, **metadata}
        return self.json("client", "add", "--application", slug, "--client-id", slug, "--metadata", "-", stdin=json.dumps(members))

    def add_feed(self, slug: str) -> str:
        """The personnel agency's application; returns a token of its own."""
        self.add_application(slug)
        client = self.json(
            "client", "add", "--application", slug, "--client-id", slug, "--client-name", slug, "--grant-types", "client_credentials",
            "--scope", "personnel", "--personnel-feed",
        )  # fmt: skip
        answer = requests.post(
            self.metadata["token_endpoint"], timeout=5, auth=(slug, client["client_secret"]), verify=self.verify,
            data={"grant_type": "client_credentials", "scope": "personnel"},
        )  # fmt: skip
        return answer.json()["access_token"]

    def audit(self, event: str) -> list[dict]:
        return self.json("audit", "list", "--event", event, "--limit", "100000")["events"]

    # Reading

    @property
    def verify(self) -> str | bool:
        return self.ca_file or True

    @property
    def metadata(self) -> dict:
        return requests.get(f"{self.issuer}/.well-known/openid-configuration", verify=self.verify, timeout=5).json()

    def log_text(self) -> str:
        return (self.folder / "gapura.log").read_text()


class Authority:
    """A certificate authority of this test run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self.key = folder / "ca.pem", folder / "ca.key"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
            "-out", self.certificate, "-days", "2", "-subj", "/CN=Gapura end-to-end tests",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def issue(self, folder: Path) -> tuple[Path, Path]:
        """A certificate and a key for this machine."""
        certificate, key, request, extensions = (folder / name for name in ("tls.pem", "tls.key", "tls.csr", "tls.ext"))
        self._openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", "/CN=localhost",
        )  # fmt: skip
        key.chmod(0o600)
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
            "-out", certificate, "-extfile", extensions,
        )  # fmt: skip
        return certificate, key

    @staticmethod
    def _openssl(*arguments: object) -> None:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
