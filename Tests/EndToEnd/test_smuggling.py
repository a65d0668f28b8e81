"""Attack 278 behind proxies: a message that proxy and gateway could read in two ways carries a second request, which pushes
an authorization request. Where the gateway did what it says, the proxy must have seen it as a request of its own too."""

import base64
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.gateway import Gateway
from harness.places import free_port
from harness.raw import Line

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format asked '$request';
    access_log {folder}/asked.log asked;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ignore_invalid_headers off;
    underscores_in_headers on;
    upstream gapura {{ server 127.0.0.1:{upstream}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://gapura;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

# Everybody shares the connections to the gateway, and what is doubtful is let through: the worst neighbour there is.
HAPROXY = """
global
    log stdout format raw local0
defaults
    mode http
    log global
    log-format %r
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    option accept-invalid-http-request
    http-reuse always
frontend everybody
    bind 127.0.0.1:{port}
    default_backend gapura
backend gapura
    option accept-invalid-http-response
    server gapura 127.0.0.1:{upstream} pool-max-conn 1
"""


class Proxy:
    """A real proxy before a gateway; `Line` connects to it as to a gateway."""

    authority = None

    def __init__(self, kind: str, gateway: Gateway) -> None:
        self.kind, self.gateway, self.port = kind, gateway, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="gapura-proxy-", dir="/tmp"))

    def __enter__(self) -> "Proxy":
        user = "user root;" if os.geteuid() == 0 else ""
        text = (NGINX if self.kind == "nginx" else HAPROXY).format(folder=self.folder, port=self.port, upstream=self.gateway.port, user=user)
        settings = self.folder / "settings"
        settings.write_text(text)
        program = shutil.which(self.kind, path=f"{os.environ['PATH']}:/usr/sbin")
        command = [program, "-c", settings, "-e", self.folder / "error.log"] if self.kind == "nginx" else [program, "-db", "-f", settings]
        self.log = open(self.folder / ("out.log" if self.kind == "nginx" else "asked.log"), "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + 20
        while True:
            try:
                assert self.ask("/livez").status == 200
                return self
            except ConnectionRefusedError:
                if time.monotonic() > end or self.process.poll() is not None:
                    said = Path(self.log.name).read_text()
                    self.__exit__()
                    raise AssertionError(f"{self.kind} does not start: {said}") from None
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder)

    def line(self, seconds: float = 5) -> Line:
        line = Line(self, seconds)
        line.host = f"localhost:{self.gateway.port}"
        return line

    def ask(self, path: str) -> SimpleNamespace:
        with self.line() as line:
            return line.request("GET", path, "Connection: close").answer()

    def saw(self, mark: str, seconds: float = 5) -> bool:
        """Whether the proxy wrote that it was asked this; it writes when it has answered."""
        end = time.monotonic() + seconds
        while mark not in (self.folder / "asked.log").read_text(errors="replace"):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True


@pytest.fixture(scope="module")
def gateway():
    with Gateway(people=2, address_rate="0", client_rate="0", address_connections="0") as running:
        client = running.add_client("dorong", redirect_uris=["https://dorong.invalid/cb"], scope="openid")
        running.basic = base64.b64encode(f"dorong:{client['client_secret']}".encode()).decode()
        yield running


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, gateway):
    with Proxy(request.param, gateway) as running:
        yield running


marks = count(1)

CHUNKED = "Transfer-Encoding: chunked"
LINES = [
    [CHUNKED],
    ["Content-Length: 5", CHUNKED],
    [CHUNKED, "Content-Length: 5"],
    [CHUNKED, "Content-Length: {all}"],
    ["Content-Length: {all}", CHUNKED],
    [CHUNKED, CHUNKED],
    [CHUNKED, "Transfer-Encoding: identity"],
    ["Transfer-Encoding: identity", CHUNKED],
    ["Transfer-Encoding : chunked", "Content-Length: 5"],
    ["Transfer-Encoding:\r\n chunked", "Content-Length: 5"],
    ["X: y\nTransfer-Encoding: chunked", "Content-Length: 5"],
    ["X: y\rTransfer-Encoding: chunked", "Content-Length: 5"],
    ["Transfer_Encoding: chunked", "Content-Length: 5"],
    *(
        [f"Transfer-Encoding: {value}", "Content-Length: " + length]
        for value in ("\x0bchunked", "\x00chunked", "xchunked", "chunked, identity", "identity, chunked", "chunked;q=1", '"chunked"', "CHUNKED")
        for length in ("5", "{all}")
    ),
    ["Content-Length: 5", "Content-Length: {all}"],
    ["Content-Length: {all}", "Content-Length: 5"],
    ["Content-Length: 5"],
    ["Content-Length: {all}"],
    *([f"Content-Length: {value}"] for value in ("5, {all}", "+5", "-5", "0x5", "5 5", "5\x0b", "0{all}", "")),
    [],
]  # fmt: skip
BODIES = [
    b"0\r\n\r\n", b"0\r\n", b"0\n\n", b"zz\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhelloXX0\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n", b"fffffffffffffffff0\r\n\r\n", b"0x0\r\n\r\n",
]  # fmt: skip


FORM = "Content-Type: application/x-www-form-urlencoded"


def pushing(mark: str) -> str:
    return (
        f"response_type=code&client_id=dorong&redirect_uri=https%3A%2F%2Fdorong.invalid%2Fcb&scope=openid&state={mark}"
        f"&code_challenge={'A' * 43}&code_challenge_method=S256"
    )


def send(proxy: Proxy, method: str, lines: list[str], body: bytes) -> str:
    """Sends a doubtful message with a request hidden in it, and looks whether the next one is answered with its own; the mark."""
    mark, host = f"kanari-{proxy.kind}-{next(marks)}", f"Host: localhost:{proxy.gateway.port}"
    form = pushing(mark)
    hidden = [
        f"POST /oauth2/par?{mark} HTTP/1.1", host, f"Authorization: Basic {proxy.gateway.basic}", FORM, f"Content-Length: {len(form)}", "",
        form,
    ]  # fmt: skip
    whole = body + "\r\n".join(hidden).encode()
    head = [f"{method} /livez?{mark}-luar HTTP/1.1", host, *(line.format(all=len(whole)) for line in lines), "", ""]
    with proxy.line(seconds=0.3) as line:
        line.send("\r\n".join(head).encode("latin-1") + whole).all_answers()
    keys = proxy.ask("/oauth2/jwks")
    assert keys.status == 200 and b'"keys"' in keys.body, keys
    return mark


def pushed(gateway: Gateway) -> list[str]:
    database = sqlite3.connect(f"file:{gateway.folder}/data/gapura.sqlite?mode=ro", uri=True)
    try:
        return [request for (request,) in database.execute("SELECT request FROM pushed_requests")]
    finally:
        database.close()


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("lines", LINES)
def test_attack_278_nobody_is_answered_for_what_a_proxy_did_not_see(proxy, gateway, lines, method):
    with ThreadPoolExecutor(len(BODIES)) as pool:
        sent = list(pool.map(lambda body: send(proxy, method, lines, body), BODIES))
    kept = pushed(gateway)
    done = [mark for mark in sent if any(f"state={mark}&" in request for request in kept)]
    assert not [mark for mark in done if not proxy.saw(f"/oauth2/par?{mark} ")]


def test_attack_278_the_hidden_request_is_one_that_works(proxy, gateway):
    """Sent openly it is answered: where it was not, above, it was not reached."""
    with proxy.line() as line:
        line.request("POST", "/oauth2/par?terbuka", f"Authorization: Basic {gateway.basic}", FORM, body=pushing("terbuka").encode())
        assert line.answer().status == 201
    assert proxy.saw("/oauth2/par?terbuka ") and any("state=terbuka&" in request for request in pushed(gateway))
