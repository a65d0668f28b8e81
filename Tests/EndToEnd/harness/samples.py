"""The sample applications, and a bare receiver of back-channel sign-outs."""

import queue
import os
import shutil
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import requests

from .gateway import Gateway
from .places import E_KINERJA, EXAMPLES, free_port


class Receiver:
    """Answers 200 to every POST and keeps its form."""

    def __enter__(self) -> "Receiver":
        forms: queue.Queue[dict[str, str]] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                forms.put(dict(parse_qsl(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._forms = forms
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keluar"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for_one(self, seconds: float = 15) -> dict[str, str]:
        return self._forms.get(timeout=seconds)


class Sample:
    """One of the sample applications, registered and running."""

    def __init__(self, gateway: Gateway, slug: str) -> None:
        self.gateway, self.slug = gateway, slug
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        is_swift = slug == "e-kinerja"
        self.sign_in_url = self.url + ("/login" if is_swift else "/login.php")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{slug}-", dir="/tmp"))
        secret = self._register(is_swift)
        (self.folder / "secret").write_text(secret + "\n")
        (self.folder / "secret").chmod(0o600)
        program = [str(E_KINERJA), "--port", str(self.port)] if is_swift else [
            "php", "-S", f"127.0.0.1:{self.port}", "-t", str(EXAMPLES / slug / "public")]  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "GAPURA_ISSUER": gateway.issuer, "CLIENT_ID": slug,
            "CLIENT_SECRET_FILE": str(self.folder / "secret"), "BASE_URL": self.url, "DATA_FOLDER": str(self.folder / "data"),
            "GAPURA_CA_FILE": gateway.ca_file or "",
        }  # fmt: skip
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(program, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self._wait()

    def _register(self, is_swift: bool) -> str:
        self.gateway.add_application(self.slug, self.sign_in_url, self.slug)
        callback, backchannel = ("/callback", "/backchannel-logout") if is_swift else ("/callback.php", "/backchannel.php")
        algorithm = {"e-absensi": "RS256", "e-surat": "HS256", "e-kinerja": "ES256"}[self.slug]
        return self.gateway.json(
            "client", "add", "--application", self.slug, "--client-id", self.slug, "--client-name", self.slug,
            "--redirect-uri", self.url + callback, "--post-logout-redirect-uri", self.url + "/",
            "--backchannel-logout-uri", self.url + backchannel, "--id-token-alg", algorithm, "--scope", "openid profile asn",
        )["client_secret"]  # fmt: skip

    def _wait(self) -> None:
        for _ in range(300):
            try:
                if requests.get(f"{self.url}/style.css", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"{self.slug} does not answer: {(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
