"""An application's own web server under TLS on loopback: serves what a test gives it, keeps what it is asked."""

import ssl
import struct
import threading
import time
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from .gateway import Authority


@dataclass(frozen=True)
class Asked:
    """A request as it came, and the TLS that it came through."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    version: str
    cipher: str

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body, keep_blank_values=True, strict_parsing=True)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True, strict_parsing=True)


def picture() -> bytes:
    """A PNG of 64 by 64 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(64 * (b"\0" + 64 * b"\x1f\x6f\xb2"))
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class StandIn:
    def __init__(self, authority: Authority, folder: Path) -> None:
        stand_in = self
        self._documents: dict[str, tuple[str, bytes]] = {}
        self._asked: list[Asked] = []
        self._came = threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                # Here, in a thread of its own: browsers open connections that they say nothing on.
                self.request.settimeout(20)
                self.request.do_handshake()
                super().setup()

            def do_GET(self) -> None:
                self._answer("")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())

            def _answer(self, body: str) -> None:
                parts = urlsplit(self.path)
                kind, document = stand_in._documents.get(parts.path, ("text/html", b"<title>Application</title>"))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(document)))
                self.end_headers()
                self.wfile.write(document)
                stand_in._keep(
                    Asked(
                        self.command,
                        parts.path,
                        parts.query,
                        {name.lower(): value for name, value in self.headers.items()},
                        body,
                        self.connection.version(),
                        self.connection.cipher()[0],
                    )
                )

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # Handshakes that the other side gives up are its own affair.

        certificate, key = authority.issue(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, path: str, document: bytes | str, kind: str = "application/json") -> str:
        """Answers with it from now on; returns its address."""
        self._documents[path] = (kind, document.encode() if isinstance(document, str) else document)
        return self.url + path

    def asked(self, path: str) -> list[Asked]:
        with self._came:
            return [asked for asked in self._asked if asked.path == path]

    def all(self) -> list[Asked]:
        """In the order in which they came."""
        with self._came:
            return list(self._asked)

    def wait_for(self, path: str, seconds: float = 20) -> Asked:
        """The first request of that path, once it came."""
        end = time.monotonic() + seconds
        with self._came:
            while True:
                for asked in self._asked:
                    if asked.path == path:
                        return asked
                left = end - time.monotonic()
                assert left > 0, f"nobody asked for {path}; asked: {[asked.path for asked in self._asked]}"
                self._came.wait(left)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _keep(self, asked: Asked) -> None:
        with self._came:
            self._asked.append(asked)
            self._came.notify_all()
