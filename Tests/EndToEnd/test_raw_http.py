"""HTTP and TLS as an attacker writes them, byte by byte, against the program itself: attacks 278 to 293, 307."""

import json
import re
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness.gateway import Gateway
from harness.places import ROOT
from harness.raw import Answer, Line, ask, open_files

FORM = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"
SPA = "https://spa.uji.invalid"


@pytest.fixture(scope="module", params=["http", "https"])
def gateway(request, authority):
    with Gateway(authority if request.param == "https" else None, people=2, address_rate="0", client_rate="0", address_connections="100") as running:
        running.add_client("spa", redirect_uris=[f"{SPA}/cb"], token_endpoint_auth_method="none", scope="openid")
        running.feed = running.add_feed("simpeg")
        yield running
        assert running.process.poll() is None, "it did not outlive this"


@pytest.fixture(autouse=True)
def others_are_answered(gateway):
    """Whatever one client did, the next one is served."""
    yield
    assert ask(gateway, "GET", "/livez").status == 200


def refused_and_closed(gateway: Gateway, data: bytes, statuses: tuple[int, ...] = (400,)) -> Answer:
    """Sends bytes that hold one bad request and after it the start of another; only the first may be answered."""
    with Line(gateway, seconds=3) as line:
        answers = line.send(data).all_answers()
        assert [answer.status for answer in answers] in [[status] for status in statuses]
        return answers[0]


def post(gateway: Gateway, *lines: str, body: bytes = b"", path: str = "/oauth2/token") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: localhost:{gateway.port}", FORM, *lines, "", ""]).encode("latin-1") + body


def smuggled(gateway: Gateway) -> bytes:
    """An end of chunks and a request after it: two requests or one, depending on what the length is taken from."""
    return f"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost:{gateway.port}\r\n\r\n".encode()


# Attack 278


@pytest.mark.parametrize("lines", [
    ["Content-Length: 5", CHUNKED],
    [CHUNKED, "Content-Length: 5"],
    [CHUNKED, "Transfer-Encoding: identity"],
    ["Transfer-Encoding: identity", CHUNKED],
    [CHUNKED, CHUNKED],
    ["Transfer-Encoding : chunked"],
    ["Transfer-Encoding:\r\n chunked"],
    *([f"Transfer-Encoding: {value}"] for value in (
        "\x0bchunked", "\x00chunked", "xchunked", "chunked, identity", "chunked, chunked", "identity", "chunked;q=1", "chu nked",
        '"chunked"')),
])  # fmt: skip
def test_attack_278_two_lengths_or_an_obscured_one_are_refused_and_the_connection_is_closed(gateway, lines):
    refused_and_closed(gateway, post(gateway, *lines, body=smuggled(gateway)), (400, 501))


@pytest.mark.parametrize("value", ["identity, chunked", "gzip, chunked"])
def test_attack_278_an_encoding_that_is_not_spoken_is_refused_and_the_connection_is_closed(gateway, value):
    refused_and_closed(gateway, post(gateway, f"Transfer-Encoding: {value}", body=smuggled(gateway)), (400, 501))


@pytest.mark.parametrize("size", ["zz", "-1", "+5", "0x5", "5 ; a", "", " 5", "5\n", "10000000000000000", "f" * 18])
def test_attack_278_a_bad_chunk_size_is_refused_and_the_connection_is_closed(gateway, size):
    body = f"{size}\r\nhello\r\n".encode() + smuggled(gateway)
    refused_and_closed(gateway, post(gateway, CHUNKED, body=body))


@pytest.mark.parametrize("body", [b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"])
def test_attack_278_chunks_that_end_in_something_else_are_refused_and_the_connection_is_closed(gateway, body):
    refused_and_closed(gateway, post(gateway, CHUNKED, body=body + smuggled(gateway)))


@pytest.mark.parametrize("lines", [
    ["Content-Length: 5", "Content-Length: 6"],
    ["Content-Length: 5", "Content-Length: 5"],
    *([f"Content-Length: {value}"] for value in ("5, 5", "5, 6", "+5", "-5", "0x5", "5a", "", "5 5", "9" * 20)),
])  # fmt: skip
def test_attack_278_two_or_malformed_content_lengths_are_refused_and_the_connection_is_closed(gateway, lines):
    refused_and_closed(gateway, post(gateway, *lines, body=b"hello" + smuggled(gateway)))


@pytest.mark.parametrize("text", [
    "GET /livez HTTP/1.1\nHost: {host}\n\n",
    "GET /livez HTTP/1.1\r\nHost: {host}\nX-A: b\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: {host}\r\nX-A: b\rX-B: c\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: {host}\r\nX-A: a\r\n b\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: {host}\r\nX-A: a\x00b\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: {host}\r\nX A: b\r\n\r\n",
])  # fmt: skip
def test_attack_278_bare_line_ends_and_folded_headers_are_refused_and_the_connection_is_closed(gateway, text):
    refused_and_closed(gateway, text.format(host=f"localhost:{gateway.port}").encode("latin-1"))


@pytest.mark.parametrize("path", ["/livez", "/masuk", "/oauth2/jwks"])
@pytest.mark.parametrize("hosts", [[], ["{own}", "{own}"], ["{own}", "evil.invalid"], ["evil.invalid", "{own}"]])
def test_attack_278_two_hosts_or_none_are_refused(gateway, hosts, path):
    """RFC 9112 section 3.2."""
    lines = [f"Host: {host.format(own=f'localhost:{gateway.port}')}" for host in hosts]
    with Line(gateway) as line:
        assert line.request("GET", path, *lines, "Connection: close", host=False).answer().status == 400


def test_attack_278_what_is_answered_before_it_is_all_there_has_one_answer_and_ends_the_connection(gateway):
    """Else a proxy gives the second one to whoever uses the connection next."""
    with Line(gateway, seconds=3) as line:
        line.request("GET", "/livez", CHUNKED)
        answer = line.answer()
        assert answer.status == 200 and answer.header("connection") == "close"
        assert line.send(b"zz\r\n" + smuggled(gateway)).all_answers() == []


def test_an_upload_that_is_refused_at_once_goes_to_its_end_and_its_answer_is_read(gateway):
    """A line that ends while somebody sends takes the answer with it."""
    with Line(gateway) as line:
        line.send(post(gateway, "Content-Length: 3000000", path="/api/v1/people"))
        answer = line.answer()
        assert answer.status in (401, 404, 405) and answer.header("connection") == "close"
        for _ in range(10):
            # As over a slow line: longer than the half second for which a malformed request is read.
            time.sleep(0.2)
            line.socket.sendall(b"a" * 300_000)
        assert line.is_closed()


def test_an_upload_that_is_refused_and_stops_is_ended(gateway):
    with Line(gateway) as line:
        line.send(post(gateway, "Content-Length: 3000000", path="/api/v1/people"))
        assert line.answer().header("connection") == "close"
        assert line.is_closed()


def test_attack_278_requests_in_a_row_are_answered_one_by_one_and_in_order(gateway):
    with Line(gateway) as line:
        line.send(post(gateway, CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n") + smuggled(gateway)[5:])
        assert [line.answer().status, line.answer().status] == [400, 200]


# Attack 280


def trickle(gateway: Gateway, head: bytes, drop: bytes, seconds: float) -> str:
    """Sends a little at a time until the gateway has had enough; what it made of that."""
    with Line(gateway, seconds=1) as line:
        line.send(head)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                answer = line.answer()
                return "closed" if answer is None else str(answer.status)
            except TimeoutError:
                line.send(drop)
    return "never refused"


@pytest.mark.timeout(120)
def test_attack_280_slow_headers_and_slow_bodies_are_ended_and_others_are_answered_meanwhile(gateway):
    """The limits are 10 s for headers and 1 KB a second for bodies; here they have thrice that."""
    host = f"Host: localhost:{gateway.port}\r\n".encode()
    slow = {
        "headers": (b"GET /livez HTTP/1.1\r\n" + host + b"X-Slow: ", b"a"),
        "request line": (b"GET /", b"a"),
        "body": (post(gateway, "Content-Length: 60000"), b"a"),
        "chunks": (post(gateway, CHUNKED), b"1\r\na\r\n"),
    }
    with ThreadPoolExecutor(len(slow)) as pool:
        waiting = {name: pool.submit(trickle, gateway, head, drop, 30) for name, (head, drop) in slow.items()}
        while not all(each.done() for each in waiting.values()):
            assert ask(gateway, "GET", "/livez").status == 200
            time.sleep(0.2)
    outcomes = {name: each.result() for name, each in waiting.items()}
    assert set(outcomes.values()) <= {"408", "closed"}, outcomes


def test_attack_280_one_address_holds_as_many_connections_as_the_setting_says_and_others_are_answered(gateway):
    lines = []
    try:
        for _ in range(300):
            try:
                lines.append(Line(gateway, seconds=2))
            except OSError:
                pass
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=20, source_address=("127.0.0.2", 0)) as plain:
            other = plain
            if gateway.authority:
                context = ssl.create_default_context(cafile=gateway.ca_file)
                other = context.wrap_socket(plain, server_hostname="localhost")
            other.sendall(f"GET /livez HTTP/1.1\r\nHost: localhost:{gateway.port}\r\n\r\n".encode())
            assert other.recv(1000).startswith(b"HTTP/1.1 200")
        answered = 0
        for line in lines:
            try:
                answered += (found := line.request().answer()) is not None and found.status == 200
            except TimeoutError:
                pass
        assert 0 < answered <= 100
    finally:
        for line in lines:
            line.socket.close()


def test_attack_280_clients_that_do_not_read_hold_nobody_up(gateway):
    before = open_files(gateway)
    lines = [Line(gateway, receive_buffer=1024) for _ in range(20)]
    try:
        request = f"GET /masuk HTTP/1.1\r\nHost: localhost:{gateway.port}\r\n\r\n".encode()
        for line in lines:
            line.socket.settimeout(0.2)
            try:
                line.socket.sendall(request * 500)
            except TimeoutError:
                pass
        assert ask(gateway, "GET", "/masuk").status == 200
    finally:
        for line in lines:
            line.socket.close()
    end = time.monotonic() + 30
    while open_files(gateway) > before + 2:
        assert time.monotonic() < end, "connections that are gone stay open"
        time.sleep(0.05)


# Attack 281


@pytest.mark.parametrize("lines", [
    [f"X-{number}: a" for number in range(1000)],
    ["X-A: " + "a" * (1 << 20)],
    ["A" * 40_000 + ": a"],
    [f"Cookie: k{number}=v" for number in range(101)],
    [f"X-{number}: " + "a" * 2000 for number in range(50)],
], ids=["1000 headers", "1 MB header", "long name", "101 cookie headers", "100 KB in all"])  # fmt: skip
def test_attack_281_header_bombs_are_431(gateway, lines):
    with Line(gateway) as line:
        answer = line.request("GET", "/livez", *lines).answer()
        assert answer is not None and answer.status == 431
        assert line.is_closed()


@pytest.mark.parametrize("length", [64 << 10, 1 << 20])
def test_attack_281_a_long_url_is_414(gateway, length):
    with Line(gateway) as line:
        answer = line.request("GET", "/livez?" + "a" * length).answer()
        assert answer is not None and answer.status == 414
        assert line.is_closed()


def test_attack_281_a_hundred_cookies_in_one_header_change_nothing(gateway):
    cookies = "; ".join(f"k{number}=v" for number in range(100))
    assert ask(gateway, "GET", "/masuk", f"Cookie: {cookies}").status == 200


# Attacks 283 and 284


@pytest.mark.parametrize("gateway", ["https"], indirect=True)
@pytest.mark.parametrize("offered", [["h2"], ["h2", "http/1.1"], ["h2c", "spdy/3.1", "h3"]])
def test_attack_283_284_only_http_1_1_is_agreed_on(gateway, offered):
    context = ssl.create_default_context(cafile=gateway.ca_file)
    context.set_alpn_protocols(offered)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost") as line:
                agreed = line.selected_alpn_protocol()
        except ssl.SSLError:
            agreed = None
    assert agreed == ("http/1.1" if "http/1.1" in offered else None)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


@pytest.mark.parametrize("frames", [
    b"".join(frame(1, 5, 2 * number + 1, b"\x82\x84\x86") + frame(3, 0, 2 * number + 1, b"\0\0\0\x08") for number in range(1000)),
    frame(1, 0, 1, b"\x82") + b"".join(frame(9, 0, 1, b"\0" * 100) for _ in range(1000)),
    b"".join(frame(4, 0, 0) for _ in range(10_000)),
    b"".join(frame(6, 0, 0, b"\0" * 8) for _ in range(10_000)),
], ids=["rapid reset", "CONTINUATION", "SETTINGS", "PING"])  # fmt: skip
def test_attack_283_284_http_2_is_not_spoken_its_preface_is_refused_and_the_connection_closed(gateway, frames):
    refused_and_closed(gateway, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frames)


# Attacks 286 and 287


def token(gateway: Gateway, body: bytes) -> Answer:
    return ask(gateway, "POST", "/oauth2/token", FORM, body=body)


def test_attack_286_brackets_in_names_of_a_form_mean_nothing(gateway):
    plain = token(gateway, b"grant_type=x&a=1")
    nested = token(gateway, b"grant_type=x&a[_0]" + b"[a]" * 1100 + b"=1")
    assert (nested.status, nested.body) == (plain.status, plain.body) and plain.status in (400, 401)


@pytest.mark.parametrize("body", [
    b"&".join(b"a%d=1" % number for number in range(201)), b"grant_type=%", b"grant_type=%zz", b"grant_type=%4", b"%=1",
    b"grant_type=%ff",
])  # fmt: skip
def test_attack_286_too_many_keys_and_broken_escapes_are_400(gateway, body):
    answer = token(gateway, body)
    assert answer.status == 400 and json.loads(answer.body)["error"] == "invalid_request"


def test_attack_286_a_million_keys_are_not_even_read(gateway):
    assert token(gateway, b"&".join(b"a%d=1" % number for number in range(1_000_000))).status == 413


@pytest.mark.parametrize("body", [
    b"[" * 513 + b"]" * 513, b"[" * 100_000, b'{"a":' * 100_000, b'{"a":1.5}', b'{"userName":1.5}', b'{"schemas":1.5}',
    b'{"userName":"\\ud800"}', b'{"userName":"\xed\xa0\x80"}', b'{"a":1,"a":2}', b'{"a":1e999999999}', b"",
], ids=str)  # fmt: skip
def test_attack_287_json_that_is_deep_or_of_wrong_types_is_400(gateway, body):
    headers = (f"Authorization: Bearer {gateway.feed}", "Content-Type: application/scim+json", "Connection: close")
    assert ask(gateway, "POST", "/scim/v2/Users", *headers, body=body).status == 400


@pytest.mark.parametrize("body", [
    b'{"a":' + b"9" * 10_000_000 + b"}", b"{" + b",".join(b'"k%d":1' % number for number in range(1_000_000)) + b"}",
], ids=["10 MB number", "a million keys"])  # fmt: skip
def test_attack_287_json_of_megabytes_is_not_read(gateway, body):
    headers = (f"Authorization: Bearer {gateway.feed}", "Content-Type: application/scim+json", "Connection: close")
    assert ask(gateway, "POST", "/scim/v2/Users", *headers, body=body).status in (400, 413)


# Attack 289


@pytest.mark.parametrize("path", ["/livez", "/masuk", "/oauth2/token", "/api/v1/me", "/portal"])
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "TRACK", "FOO", "get"])
def test_attack_289_methods_that_nothing_here_has_are_405_or_501(gateway, method, path):
    answer = ask(gateway, method, path, "X-Echo: gema-uji")
    assert answer.status in (405, 501)
    assert b"gema-uji" not in answer.body


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_attack_289_a_header_does_not_change_the_method(gateway, name):
    assert ask(gateway, "GET", "/oauth2/token", f"{name}: POST").status == 405
    assert ask(gateway, "GET", "/livez", f"{name}: DELETE").status == 200


# Attack 290


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/userinfo", "/oauth2/authorize", "/masuk", "/portal", "/api/v1/me"])
@pytest.mark.parametrize("origin", [
    "null", "https://evil.invalid", f"{SPA}.evil.invalid", "https://evilspa.uji.invalid", "https://x.spa.uji.invalid",
    "http://spa.uji.invalid", f"{SPA}:444", f"{SPA}/", f"{SPA}, https://evil.invalid", "https://SPA.uji.invalid", "*", "",
])  # fmt: skip
def test_attack_290_no_other_origin_is_allowed_anything(gateway, origin, path):
    for method, more in (("GET", ()), ("OPTIONS", ("Access-Control-Request-Method: POST",))):
        answer = ask(gateway, method, path, f"Origin: {origin}", "Cookie: gapura-session=x", *more)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_attack_290_a_registered_origin_is_allowed_at_the_token_and_userinfo_endpoint_without_credentials(gateway):
    for path in ("/oauth2/token", "/oauth2/userinfo"):
        answer = ask(gateway, "POST", path, f"Origin: {SPA}", FORM, body=b"grant_type=x")
        assert answer.headers["access-control-allow-origin"] == [SPA] and "Origin" in answer.header("vary")
        assert "access-control-allow-credentials" not in answer.headers
    for path in ("/oauth2/authorize", "/masuk", "/portal", "/api/v1/me", "/scim/v2/Users"):
        assert "access-control-allow-origin" not in ask(gateway, "GET", path, f"Origin: {SPA}").headers


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/oauth2/jwks"])
def test_attack_290_what_is_open_to_all_is_open_without_credentials(gateway, path):
    answer = ask(gateway, "GET", path, "Origin: https://evil.invalid")
    assert answer.headers["access-control-allow-origin"] == ["*"] and "access-control-allow-credentials" not in answer.headers


# Attack 292; versions and ciphers are in test_tls.py


@pytest.mark.parametrize("gateway", ["https"], indirect=True)
def test_attack_292_tls_does_not_compress(gateway):
    context = ssl.create_default_context(cafile=gateway.ca_file)
    context.options &= ~ssl.OP_NO_COMPRESSION
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as line:
            assert line.compression() is None


@pytest.mark.parametrize("gateway", ["https"], indirect=True)
def test_attack_292_a_client_may_not_renegotiate(gateway):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-tls1_2", "-CAfile", gateway.ca_file],
        input="R\n", text=True, capture_output=True, timeout=30,
    )  # fmt: skip
    assert "RENEGOTIATING" in done.stdout + done.stderr, "it was not even tried"
    assert re.search("no.renegotiation|handshake failure|unexpected message|unexpected eof", done.stderr), done.stderr


# Attack 293


def test_attack_293_ranges_are_ignored(gateway):
    for value in ("bytes=0-0", "bytes=" + ",".join(["0-"] * 1000)):
        answer = ask(gateway, "GET", "/livez", f"Range: {value}")
        assert (answer.status, answer.body) == (200, b"ok\n") and "content-range" not in answer.headers


def test_attack_293_a_body_that_waits_for_100_continue_is_answered_when_it_comes(gateway):
    """Ignored or answered with 100: either way the request ends, and the next one on the line is a request of its own."""
    with Line(gateway) as line:
        line.send(post(gateway, "Content-Length: 12", "Expect: 100-continue"))
        assert ask(gateway, "GET", "/livez").status == 200
        line.send(b"grant_type=x")
        answers = [line.answer()]
        if answers[0].status == 100:
            answers.append(line.answer())
        assert answers[-1].status in (400, 401)
        assert line.request().answer().status == 200


def test_attack_293_another_expectation_is_417_or_ignored(gateway):
    assert ask(gateway, "POST", "/oauth2/token", FORM, "Expect: 200-maybe", body=b"grant_type=x").status in (417, 400, 401)


@pytest.mark.parametrize("lines", [
    ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    ["Connection: Upgrade", "Upgrade: h2c"],
    ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    ["Connection: Upgrade", "Upgrade: TLS/1.3, HTTP/1.1"],
], ids=["h2c", "h2c without settings", "websocket", "TLS"])  # fmt: skip
def test_attack_293_an_upgrade_is_ignored_and_nothing_that_follows_is_read(gateway, lines):
    with Line(gateway) as line:
        answer = line.request("GET", "/livez", *lines).answer()
        assert (answer.status, answer.body) == (200, b"ok\n") and "upgrade" not in answer.headers
        line.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        assert line.all_answers() == []


# Attack 307


@pytest.mark.parametrize("path", [
    "/metrics", "/debug", "/debug/pprof", "/openapi", "/openapi.json", "/swagger", "/actuator", "/server-status", "/status", "/version",
    "/.git/config", "/.env",
])  # fmt: skip
def test_attack_307_the_main_address_has_no_such_page(gateway, path):
    answer = ask(gateway, "GET", path)
    assert answer.status == 404


def test_attack_307_no_answer_says_what_program_or_version_it_is(gateway):
    answers = [ask(gateway, method, path) for method in ("GET", "POST", "TRACE") for path in ("/livez", "/masuk", "/oauth2/token", "/x")]
    answers.append(refused_and_closed(gateway, b"kacau\r\n\r\n", (400, 501)))
    for answer in answers:
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        assert not re.search(rb"hummingbird|swift|\bnio\b", answer.body, re.I)


def test_attack_307_the_second_address_is_for_this_machine_alone(gateway):
    assert requests.get(f"http://127.0.0.1:{gateway.metrics_port}/metrics", timeout=20).status_code == 200
    # Port and address as the kernel has them: nothing but 127.0.0.1.
    with open(f"/proc/{gateway.process.pid}/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == gateway.metrics_port]
    assert listening == [f"0100007F:{gateway.metrics_port:04X}"]
    # And so it is where nothing is said.
    settings = (ROOT / "docs/settings.md").read_text()
    assert "| `metrics_listen` | `GAPURA_METRICS_LISTEN` | `127.0.0.1:9090` |" in settings
