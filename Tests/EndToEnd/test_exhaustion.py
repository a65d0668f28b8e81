"""Floods and fillings against the program itself: attacks 313 to 323. What needs no socket is in the Swift tests."""

import base64
import itertools
import json
import re
import secrets
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import city
from harness.gateway import Gateway
from harness.person import Person, form_fields
from harness.places import ROOT, free_port
from harness.raw import Line, ask, open_files, processor_time, resident

FORM = "Content-Type: application/x-www-form-urlencoded"
REDIRECT = "http://127.0.0.1:9/callback"
REGULAR_EXPRESSION = re.compile(
    r"NSRegularExpression|NSPredicate|\bRegex\b|RegexBuilder|RegexComponent|\.regularExpression\b|\breg(?:comp|exec)\b"
    r"|#/|[=(,:]\s*/[^/*\s]"
)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def gateway():
    """Behind a trusted proxy, so that each request may come from somewhere else; on stacks of 512 KB."""
    settings = {"trusted_proxies": "127.0.0.0/8", "address_rate": "0", "client_rate": "0", "flow_limit": "1000"}
    gateway = Gateway(people=30, **settings)
    try:
        gateway.set_up()
        gateway.start(lambda command: ["sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *command])
        gateway.feed = gateway.add_feed("simpeg")
        gateway.web = gateway.add_client("web", redirect_uris=[REDIRECT], scope="openid profile asn")
        yield gateway
        assert gateway.process.poll() is None, "it did not outlive this"
    finally:
        gateway.remove()


def wait_until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def assertion(client: str, number: int) -> bytes:
    """What would be a client's, of a key and with a `jti` that no other has."""
    head = encoded({"alg": "ES256", "kid": f"kid-{number}", "typ": "JWT"})
    body = encoded({"iss": client, "sub": client, "jti": f"jti-{number}", "aud": "x", "exp": 4_000_000_000})
    return f"grant_type=x&client_assertion_type={ASSERTION}&client_assertion={head}.{body}.{'A' * 86}".encode()


def novelties(gateway: Gateway, numbers: range) -> int:
    """Requests that differ in all that could be remembered, a few kinds in turn; how many were answered."""
    answered = 0
    with Line(gateway) as line:
        for number in numbers:
            source = f"X-Forwarded-For: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            more = (source, f"Accept-Language: x-{number:06}", f"Cookie: gapura-session=s{number}; lang=l{number}", "DPoP: x.y.z")
            form = (*more, FORM)
            match number % 6:
                case 0:
                    query = f"response_type=code&client_id=web&redirect_uri={REDIRECT}&scope=openid&state=s{number}&ui_locales=x{number}"
                    line.request("GET", f"/oauth2/authorize?{query}", *more)
                case 1:
                    line.request("POST", "/oauth2/token", *form, body=assertion(f"client-{number}", number))
                case 2:
                    line.request("POST", "/oauth2/token", *form, body=assertion("web", number))
                case 3:
                    line.request("POST", "/oauth2/revoke", *form, body=f"client_id=c{number}&token=t{number}".encode())
                case 4:
                    line.request("GET", "/oauth2/userinfo", *more, f"Authorization: Bearer b{number}")
                case _:
                    line.request("GET", f"/tidak-ada-{number}", *more, f"Origin: https://o{number}.invalid")
            answer = line.answer()
            assert answer is not None and answer.status < 500, answer
            answered += 1
    return answered


@pytest.mark.timeout(120)
def test_attack_313_many_distinct_clients_kids_addresses_jtis_locales_and_flows_leave_memory_as_it_was(gateway):
    def flood(first: int, count: int) -> int:
        share = count // 4
        with ThreadPoolExecutor(4) as pool:
            starts = [first + share * index for index in range(4)]
            return sum(pool.map(lambda start: novelties(gateway, range(start, start + share)), starts))

    # What is allocated once is there after these.
    flood(0, 1200)
    before = resident(gateway)
    assert flood(1200, 6000) == 6000
    growth = resident(gateway) - before
    assert growth <= 50 << 20, f"{growth >> 20} MB"


@pytest.mark.timeout(120)
def test_attack_314_sign_ins_that_nobody_goes_on_with_are_a_table_of_a_bounded_size(gateway):
    database = sqlite3.connect(f"file:{gateway.folder}/data/gapura.sqlite?mode=ro", uri=True)
    try:
        with Line(gateway) as line:
            for number in range(1500):
                query = f"response_type=code&client_id=web&redirect_uri={REDIRECT}&scope=openid&state=s{number}"
                line.request("GET", f"/oauth2/authorize?{query}", f"X-Forwarded-For: 11.{number % 250}.{number // 250}.7")
                answer = line.answer()
                assert answer.status in (302, 303, 200, 429)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%flow%'")]
        assert tables
        for table in tables:
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= 1000
    finally:
        database.close()


def test_attack_316_no_regular_expression_is_in_the_sources():
    """None is run over what others wrote because none is there."""
    found, files = [], sorted((ROOT / "Sources").rglob("*.swift"))
    assert len(files) > 100
    for file in files:
        in_text = False
        for number, line in enumerate(file.read_text().splitlines(), 1):
            # Texts hold slashes; only code can hold a literal.
            code = re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]
            if in_text is not (line.count('"""') % 2 == 1):
                in_text = True
                continue
            in_text = False
            if REGULAR_EXPRESSION.search(code):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found


def test_attack_317_passwords_beyond_the_queue_are_503_with_retry_after_and_the_rest_is_served():
    settings = {"password_threads": "1", "password_queue": "1", "password_memory": "65536", "password_passes": "3"}
    with Gateway(people=12, **settings) as gateway:
        people = [Person(gateway, city.nip(index)) for index in range(12)]
        pages = [person.get("/masuk") for person in people]
        with ThreadPoolExecutor(len(people)) as pool:
            answers = list(pool.map(lambda pair: pair[0].fill_in(pair[1], allow_redirects=False), zip(people, pages)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused and len(refused) < len(answers)
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert {answer.status_code for answer in answers} <= {200, 401, 422, 503}
        assert ask(gateway, "GET", "/oauth2/jwks").status == 200
        assert people[0].sign_in_only().status_code != 503


def scim(gateway: Gateway, method: str, path: str, body: object = None, raw: bytes | None = None) -> requests.Response:
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    return requests.request(
        method, f"{gateway.issuer}/scim/v2{path}", data=data, timeout=20,
        headers={"Authorization": f"Bearer {gateway.feed}", "Content-Type": "application/scim+json"},
    )  # fmt: skip


def user(**more: object) -> dict:
    own = "urn:gapura:scim:schemas:1.0:Pegawai"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", own], "userName": "186501012019201099", "displayName": "Baru Sekali",
        own: {"pns_id": "BESAR1", "nip": "186501012019201099", "status": "01", "unit_id": "A2", "post_id": "J1", "birth_date": "01-01-1865"},
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("size", [5_000, 100_000, 900_000])
@pytest.mark.parametrize("name", ["displayName", "userName", "title", "externalId"])
def test_attack_319_a_huge_attribute_is_400(gateway, name, size):
    answer = scim(gateway, "POST", "/Users", user(**{name: "a" * size}))
    assert answer.status_code == 400, answer.text[:300]


def test_attack_319_an_attribute_of_10_mb_is_413(gateway):
    with Line(gateway) as line:
        body = json.dumps(user(displayName="a" * 10_000_000)).encode()
        line.request("POST", "/scim/v2/Users", f"Authorization: Bearer {gateway.feed}", "Content-Type: application/scim+json", body=body)
        assert line.answer().status == 413


@pytest.mark.timeout(150)
def test_attack_319_an_account_has_a_bounded_number_of_sessions_and_the_oldest_end(gateway):
    person = Person(gateway, city.nip(1))
    person.set_password()
    person.browser.cookies.clear()
    assert person.sign_in_only().status_code == 303
    first = person.browser.cookies.copy()

    def sign_in_again(_: int) -> int:
        other = Person(gateway, person.name, person.password)
        return other.sign_in_only().status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(sign_in_again, range(1000)))
    assert statuses.count(303) > 0 and set(statuses) <= {303, 429}
    with sqlite3.connect(f"file:{gateway.folder}/data/gapura.sqlite?mode=ro", uri=True) as database:
        live = database.execute("SELECT count(*) FROM sessions WHERE ended_at IS NULL").fetchone()[0]
    assert live <= 50, f"{live} sessions live"
    person.browser.cookies = first
    assert person.get("/portal", allow_redirects=False).status_code != 200, "the oldest one lives"


@pytest.mark.parametrize("body", [b"[" * 500_000, b'{"a":' * 150_000, b"[" * 400_000 + b"]" * 400_000])
def test_attack_320_deep_json_ends_no_program_on_small_stacks(gateway, body):
    assert scim(gateway, "POST", "/Users", raw=body).status_code == 400
    assert ask(gateway, "GET", "/livez").status == 200


@pytest.mark.parametrize("text", ["(" * 9000, "not (" * 5000, "(" * 4000 + 'userName eq "x"' + ")" * 4000, "a[" * 8000,
                                  " and ".join(['userName eq "x"'] * 1500)])  # fmt: skip
def test_attack_320_deep_filters_are_400_on_small_stacks(gateway, text):
    answer = scim(gateway, "GET", "/Users?filter=" + requests.utils.quote(text, safe="()"))
    assert answer.status_code in (400, 414, 431), answer.text[:300]
    assert ask(gateway, "GET", "/livez").status == 200


@pytest.mark.parametrize("place", ["header", "claims"])
def test_attack_320_a_deep_token_is_refused_on_small_stacks(gateway, place):
    deep = base64.urlsafe_b64encode(b'{"a":' * 8000).rstrip(b"=").decode()
    plain = encoded({"alg": "ES256", "iss": "web", "sub": "web"})
    token = f"{deep if place == 'header' else plain}.{deep}.{'A' * 86}"
    body = f"grant_type=x&client_id=web&client_assertion_type={ASSERTION}&client_assertion={token}".encode()
    # Longer than a form may be is another refusal, and proves nothing here.
    body = body[:60_000]
    assert ask(gateway, "POST", "/oauth2/token", FORM, body=body).status in (400, 401)
    assert ask(gateway, "GET", "/livez").status == 200


def test_attack_320_a_deep_claims_parameter_is_refused_on_small_stacks(gateway):
    claims = requests.utils.quote('{"id_token":' * 1500)
    query = f"response_type=code&client_id=web&redirect_uri={REDIRECT}&scope=openid&claims={claims}"
    assert ask(gateway, "GET", f"/oauth2/authorize?{query}").status in (302, 303, 400)
    assert ask(gateway, "GET", "/livez").status == 200


@pytest.mark.timeout(120)
def test_attack_322_with_256_files_it_neither_crashes_nor_spins_and_recovers():
    gateway = Gateway(people=2, address_rate="0")
    lines = []
    try:
        gateway.set_up()
        gateway.start(lambda command: ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *command])
        before = open_files(gateway)
        for _ in range(300):
            try:
                lines.append(Line(gateway, seconds=1))
            except OSError:
                pass
        for line in lines:
            line.request()
        assert gateway.process.poll() is None
        # A loop over a failing accept would use a whole core of the two seconds: 200 ticks.
        wait_until(lambda: len(lines) < 300 or open_files(gateway) > before + 50)
        ticks = processor_time(gateway)
        time.sleep(2)
        used = processor_time(gateway) - ticks
        assert used < 100, f"it spins: {used} ticks"
        for line in lines:
            line.socket.close()
        lines.clear()
        wait_until(lambda: open_files(gateway) <= before + 5)
        assert gateway.process.poll() is None
        assert ask(gateway, "GET", "/masuk").status == 200
        person = Person(gateway, city.nip(0))
        person.set_password()
        assert person.sign_in().url.endswith("/portal")
        gateway.run("audit", "verify")
    finally:
        for line in lines:
            line.socket.close()
        gateway.remove()


@pytest.mark.timeout(120)
def test_attack_323_with_the_receiver_of_sign_outs_down_what_waits_is_on_disk_and_bounded_and_the_audit_is_whole(gateway):
    client = gateway.add_client(
        "padam", redirect_uris=[REDIRECT], scope="openid", backchannel_logout_uri=f"http://127.0.0.1:{free_port()}/keluar")
    count = 8
    started, ended = len(gateway.audit("session.started")), len(gateway.audit("session.ended"))
    person = Person(gateway, city.nip(5))
    person.set_password()
    ended_by_password = len(gateway.audit("session.ended")) - ended
    for _ in range(count):
        person.browser.cookies.clear()
        person.tokens("padam", client["client_secret"], REDIRECT)
        person.tokens("padam", client["client_secret"], REDIRECT)
        person.sign_out()

    def waiting() -> int:
        with sqlite3.connect(f"file:{gateway.folder}/data/gapura.sqlite?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM logout_deliveries WHERE client_id = 'padam'").fetchone()[0]

    # One for each session, however often the client was used in it and however often it was tried.
    assert waiting() == count
    gateway.stop(signal.SIGKILL)
    assert waiting() == count
    gateway.start(lambda command: ["sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *command])
    assert waiting() == count
    assert len(gateway.audit("session.started")) >= started + count
    assert len(gateway.audit("session.ended")) == ended + ended_by_password + count
    gateway.run("audit", "verify")
