"""HTTP/1.1 byte for byte, over plain sockets and TLS: what no client library would send."""

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from .gateway import Gateway


@dataclass
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = self.headers.get(name.lower())
        return values[0] if values else None


class Line:
    """One connection."""

    def __init__(self, gateway: Gateway, seconds: float = 20, alpn: list[str] | None = None, receive_buffer: int | None = None) -> None:
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(seconds)
        plain.connect(("127.0.0.1", gateway.port))
        self.host = f"localhost:{gateway.port}"
        self.socket: socket.socket = plain
        self._kept = b""
        if gateway.authority:
            context = ssl.create_default_context(cafile=gateway.ca_file)
            if alpn:
                context.set_alpn_protocols(alpn)
            self.socket = context.wrap_socket(plain, server_hostname="localhost")

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Line":
        """Sends; that the other end already closed is for the reading to find."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass
        return self

    def request(self, method: str = "GET", path: str = "/livez", *lines: str, body: bytes = b"", host: bool = True) -> "Line":
        head = [f"{method} {path} HTTP/1.1", *([f"Host: {self.host}"] if host else []), *lines]
        if body:
            head.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def _more(self) -> bool:
        """Reads on; False where the other end closed."""
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError, BrokenPipeError):
            return False
        self._kept += data
        return bool(data)

    def answer(self, head_only: bool = False) -> Answer | None:
        """The next answer, or nothing where the connection was closed without one."""
        while b"\r\n\r\n" not in self._kept:
            if not self._more():
                return None
        head, self._kept = self._kept.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.lower(), []).append(value.strip())
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) ?.*", first)
        assert found, first
        status = int(found[1])
        if head_only or status in (204, 304) or status < 200:
            return Answer(status, headers, b"")
        if "chunked" in headers.get("transfer-encoding", []):
            return Answer(status, headers, self._chunks())
        length = int(headers.get("content-length", ["0"])[0])
        while len(self._kept) < length:
            if not self._more():
                break
        body, self._kept = self._kept[:length], self._kept[length:]
        return Answer(status, headers, body)

    def _chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._kept:
                assert self._more(), "the answer breaks off"
            size, self._kept = self._kept.split(b"\r\n", 1)
            length = int(size, 16)
            while len(self._kept) < length + 2:
                assert self._more(), "the answer breaks off"
            body, self._kept = body + self._kept[:length], self._kept[length + 2 :]
            if length == 0:
                return body

    def is_closed(self) -> bool:
        """Whether the other end closes now; nothing more may come. False where it stays open for the time of the socket."""
        try:
            while self._more():
                pass
            return True
        except TimeoutError:
            return False

    def all_answers(self) -> list[Answer]:
        """All that come until the other end closes or is silent for the time of the socket."""
        answers = []
        try:
            while (answer := self.answer()) is not None:
                answers.append(answer)
        except TimeoutError:
            pass
        return answers


def ask(gateway: Gateway, *arguments: str, body: bytes = b"", seconds: float = 20) -> Answer:
    with Line(gateway, seconds) as line:
        answer = line.request(*arguments, body=body).answer()
        assert answer is not None, "closed without an answer"
        return answer


def resident(gateway: Gateway) -> int:
    """Bytes of memory that the process of the gateway holds."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def processor_time(gateway: Gateway) -> float:
    """Ticks of the processor that the process has used."""
    fields = Path(f"/proc/{gateway.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def open_files(gateway: Gateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))
