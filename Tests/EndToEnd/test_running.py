"""Running: signals, kill -9, backups, starts that must be refused, health, and logs that tell no secret."""

import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from harness import namespace
from harness.city import nip
from harness.gateway import Gateway
from harness.person import Person, form_fields
from harness.places import EXAMPLES, GAPURA, free_port
from harness.samples import Receiver

REDIRECT = "http://127.0.0.1:9/callback"


def ready_people(gateway: Gateway, count: int) -> list[Person]:
    people = [Person(gateway, nip(index)) for index in range(count)]
    for person in people:
        person.set_password()
        person.browser.cookies.clear()
    return people


def is_signed_in(person: Person) -> bool:
    return person.get("/portal", allow_redirects=False).status_code == 200


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def in_flight(gateway: Gateway) -> int:
    """Requests of the main address that are under way, by the gateway's own count."""
    metrics = requests.get(f"http://127.0.0.1:{gateway.metrics_port}/metrics", timeout=20).text
    return int(float(re.search(r"^gapura_http_requests_in_flight (\S+)$", metrics, re.M)[1]))


# Ends


def test_sigterm_finishes_sign_ins_that_are_under_way(database):
    # Passwords that take a while, so that the signal meets them half done.
    with Gateway(database=database, password_memory="131072", password_passes="2") as gateway:
        people = ready_people(gateway, 6)
        before = len(gateway.audit("session.started"))
        pages = [person.get("/masuk") for person in people]
        with ThreadPoolExecutor(len(people)) as pool:
            answers = [pool.submit(person.fill_in, page, allow_redirects=False) for person, page in zip(people, pages)]
            wait_until(lambda: sum(answer.done() for answer in answers) + in_flight(gateway) == len(people))
            assert not all(answer.done() for answer in answers), "nothing was under way: the test shows nothing"
            assert gateway.stop(signal.SIGTERM) == 0
            assert [answer.result().status_code for answer in answers] == [303] * len(people)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{gateway.issuer}/livez", timeout=2)
        gateway.start()
        assert len(gateway.audit("session.started")) == before + len(people)
        assert all(is_signed_in(person) for person in people)


def test_sigterm_under_load_fails_no_request_that_was_accepted(database):
    with Gateway(database=database) as gateway:
        client = gateway.add_client("beban", grant_types=["client_credentials"], scope="")
        token_endpoint, ended = gateway.metadata["token_endpoint"], threading.Event()
        granted: list[float] = []

        def ask_on_and_on() -> list[tuple[float, str]]:
            answers = []
            while not ended.is_set():
                began = time.monotonic()
                try:
                    answer = requests.post(
                        token_endpoint, data={"grant_type": "client_credentials"}, auth=("beban", client["client_secret"]),
                        headers={"Connection": "close"}, timeout=20,
                    )  # fmt: skip
                    answers.append((began, str(answer.status_code)))
                    granted.append(began)
                except requests.ConnectionError as error:
                    answers.append((began, f"connection: {error}"))
                    return answers
            return answers

        with ThreadPoolExecutor(8) as pool:
            workers = [pool.submit(ask_on_and_on) for _ in range(8)]
            # Enough that began well before the signal.
            wait_until(lambda: sum(began < time.monotonic() - 0.5 for began in list(granted)) > 50)
            signalled = time.monotonic()
            assert gateway.stop(signal.SIGTERM) == 0
            ended.set()
            answers = [answer for worker in workers for answer in worker.result()]
        # A connection that reached the machine after the signal may be refused; one that was there before may not.
        assert {what for began, what in answers if began < signalled - 0.5} == {"200"}


@pytest.mark.timeout(400)
def test_kill_9_loses_nothing_that_was_acknowledged(database):
    with Gateway(database=database) as gateway:
        people = ready_people(gateway, 4)
        client = gateway.add_client("mesin", grant_types=["client_credentials"], scope="", access_token_format="opaque", audience=["mesin"],
                                    resource_server=True)  # fmt: skip
        metadata, secret = gateway.metadata, client["client_secret"]
        cookies: list[tuple[Person, dict]] = []
        tokens: list[str] = []

        def sign_in_on_and_on(person: Person, killed: threading.Event) -> None:
            try:
                while not killed.is_set():
                    person.browser.cookies.clear()
                    if person.sign_in_only().status_code == 303:
                        cookies.append((person, person.browser.cookies.get_dict()))
            except (requests.ConnectionError, requests.Timeout):
                pass

        def take_tokens_on_and_on(killed: threading.Event) -> None:
            try:
                while not killed.is_set():
                    answer = requests.post(
                        metadata["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("mesin", secret), timeout=20)
                    if answer.status_code == 200:
                        tokens.append(answer.json()["access_token"])
            except (requests.ConnectionError, requests.Timeout):
                pass

        for _ in range(3):
            killed = threading.Event()
            threads = [threading.Thread(target=sign_in_on_and_on, args=(person, killed)) for person in people]
            threads.append(threading.Thread(target=take_tokens_on_and_on, args=(killed,)))
            before = len(cookies)
            for thread in threads:
                thread.start()
            wait_until(lambda: len(cookies) > before)
            # Anywhere within what follows.
            time.sleep(random.uniform(0, 1))
            gateway.stop(signal.SIGKILL)
            killed.set()
            for thread in threads:
                thread.join()
            gateway.start()

        assert len(gateway.audit("session.started")) >= len(cookies)
        gateway.run("audit", "verify")
        for person in people:
            # An account has fifty sessions, and some of the newest may not have been acknowledged.
            for kept in [kept for owner, kept in cookies if owner is person][-40:]:
                person.browser.cookies.clear()
                person.browser.cookies.update(kept)
                assert is_signed_in(person), "an acknowledged sign-in is gone"
        for token in tokens:
            seen = requests.post(metadata["introspection_endpoint"], data={"token": token}, auth=("mesin", secret), timeout=10)
            assert seen.json()["active"], "an acknowledged token is gone"


def test_a_second_start_beside_a_running_gateway_is_refused(database):
    with Gateway(database=database) as gateway:
        gateway.settings |= {"listen": f"127.0.0.1:{free_port()}", "metrics_listen": f"127.0.0.1:{free_port()}"}
        assert_refused(gateway.try_run("serve", seconds=20))
        gateway.settings |= {"listen": f"127.0.0.1:{gateway.port}"}
        gateway.json("account", "list")


def test_the_start_is_quick(database, capsys):
    with Gateway(database=database) as gateway:
        gateway.stop()
        seconds = gateway.start()
    with capsys.disabled():
        print(f"\nstart to first answer, debug build, {'PostgreSQL' if database else 'SQLite'}: {seconds:.2f} s")


# Backups


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_backup_made_while_running_is_restored_and_started(database, target, postgres):
    with Gateway(database=database) as gateway:
        (person,) = ready_people(gateway, 1)
        client = gateway.add_client("arsip", redirect_uris=[REDIRECT], scope="openid", id_token_signed_response_alg="HS256")
        old = person.tokens("arsip", client["client_secret"], REDIRECT)
        backup = gateway.folder / "cadangan.db"
        gateway.run("backup", str(backup))
        assert backup.stat().st_mode & 0o777 == 0o600
        assert_refused(gateway.try_run("backup", str(backup)), code=1)

        url = postgres.new_database() if target == "postgres" else None
        other = Gateway(database=url, people=0, issuer=gateway.issuer)
        try:
            # The same address, as after the loss of a machine.
            gateway.stop()
            other.issuer, other.port = gateway.issuer, gateway.port
            other.settings["listen"] = gateway.settings["listen"]
            shutil.copytree(gateway.folder / "keys", other.folder / "keys")
            other.run("restore", str(backup))
            other.start()
            assert not is_signed_in(person), "sessions of a backup are dead"
            assert userinfo(other, old["access_token"]).status_code == 401, "tokens of a backup are dead"
            person.gateway = other
            assert person.sign_in().url.endswith("/portal")
            new = person.tokens("arsip", client["client_secret"], REDIRECT)
            assert userinfo(other, new["access_token"]).json()["sub"] == userinfo_sub(new)
            other.run("audit", "verify")
            assert_refused(other.try_run("restore", str(backup)))
        finally:
            other.remove()


def userinfo(gateway: Gateway, token: str) -> requests.Response:
    return requests.get(gateway.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {token}"}, timeout=10)


def userinfo_sub(tokens: dict) -> str:
    import jwt

    return jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"]


# Starts that are refused


def assert_refused(done: subprocess.CompletedProcess, code: int | None = None) -> None:
    """One line in Indonesian, one in English, an exit code that is not 0, and no crash."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode > 0, (done.returncode, done.stdout, done.stderr)
    assert code is None or done.returncode == code
    assert len(lines) == 2 and lines[0].startswith("Galat: ") and lines[1].startswith("Error: "), done.stderr
    assert "rror(" not in done.stderr and "Unexpected" not in done.stderr, done.stderr


@pytest.fixture
def stopped():
    """A gateway that is set up and does not run."""
    gateway = Gateway()
    try:
        gateway.set_up()
        yield gateway
    finally:
        gateway.remove()


@pytest.mark.parametrize("pattern", ["secrets.key", "RS256-*.pem", "keyring.json"])
def test_a_key_file_that_others_can_read_stops_the_start(stopped, pattern):
    key = next((stopped.folder / "keys").glob(pattern))
    key.chmod(0o644)
    done = stopped.try_run("serve", seconds=20)
    assert_refused(done)
    assert key.name in done.stderr
    key.chmod(0o600)
    stopped.start()


@pytest.mark.parametrize("pattern", ["secrets.key", "RS256-*.pem", "*"])
def test_a_missing_key_file_stops_the_start_and_is_not_made_anew(stopped, pattern):
    for key in (stopped.folder / "keys").glob(pattern):
        key.unlink()
    assert_refused(stopped.try_run("serve", seconds=20))
    assert not list((stopped.folder / "keys").glob(pattern if pattern != "*" else "*.pem"))


def test_a_tls_key_that_others_can_read_stops_the_start(authority):
    gateway = Gateway(authority)
    try:
        gateway.set_up()
        (gateway.folder / "tls.key").chmod(0o640)
        done = gateway.try_run("serve", seconds=20)
        assert_refused(done)
        assert "tls.key" in done.stderr
    finally:
        gateway.remove()


def test_a_newer_schema_stops_the_start(stopped):
    database = sqlite3.connect(stopped.folder / "data/gapura.sqlite")
    columns = [row[1] for row in database.execute("PRAGMA table_info(schema_migrations)")]
    newest = dict(zip(columns, database.execute("SELECT * FROM schema_migrations ORDER BY version DESC").fetchone()))
    newest |= {"version": newest["version"] + 1000, "name": "from the future"}
    marks = ", ".join("?" * len(newest))
    database.execute(f"INSERT INTO schema_migrations ({', '.join(newest)}) VALUES ({marks})", list(newest.values()))
    database.commit()
    database.close()
    assert_refused(stopped.try_run("serve", seconds=20))
    assert_refused(stopped.try_run("account", "list"))


def test_a_database_that_is_none_stops_the_start(stopped):
    file = stopped.folder / "data/gapura.sqlite"
    file.write_bytes(b"bukan basis data " * 4096)
    assert_refused(stopped.try_run("serve", seconds=20))
    assert file.read_bytes().startswith(b"bukan basis data")


@pytest.mark.parametrize("url", ["postgres:///tidak_ada?host=/tmp/tidak-ada", "postgres://gapura@127.0.0.1:9/gapura?connect_timeout=2"])
def test_an_unreachable_postgresql_stops_the_start(stopped, url):
    stopped.settings["database"] = url
    done = stopped.try_run("serve", seconds=60)
    assert_refused(done, code=4)
    assert_refused(stopped.try_run("account", "list"), code=4)


def test_a_postgresql_database_that_does_not_exist_stops_the_start(stopped, postgres):
    stopped.settings["database"] = f"postgres:///tidak_ada?host={postgres.folder}&user=gapura"
    assert_refused(stopped.try_run("serve", seconds=60))


def run_inside(wrapper, gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess:
    command = wrapper(gateway.folder / "data", [GAPURA, *arguments])
    return subprocess.run(
        command, env=gateway.environment() | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, text=True, capture_output=True, timeout=60,
        cwd=gateway.folder,
    )  # fmt: skip


def test_a_read_only_database_stops_the_start(stopped):
    assert_refused(run_inside(namespace.read_only_disk, stopped, "serve"))
    assert_refused(run_inside(namespace.read_only_disk, stopped, "account", "state", nip(0), "ditangguhkan"))


def test_a_full_disk_stops_the_start_and_loses_nothing(stopped):
    people = str(EXAMPLES / "kota-contoh/siasn-2026-09.xlsx")
    units = str(EXAMPLES / "kota-contoh/ref-unor-2026-09.csv")
    assert_refused(run_inside(namespace.full_disk, stopped, "personnel", "load", people, "--units", units, "--apply"))
    assert_refused(run_inside(namespace.full_disk, stopped, "serve"))
    stopped.start()
    assert stopped.json("account", "list", "--limit", "0")["matching"] == stopped.people + 1


def test_a_disk_that_fills_up_refuses_sign_ins_and_recovers_without_a_restart(stopped):
    data = stopped.folder / "data"
    stopped.start(lambda command: namespace.small_disk(data, command))
    stopped.command_prefix = namespace.beside(stopped.process.pid)
    person, other = ready_people(stopped, 2)
    client = stopped.add_client("penuh", grant_types=["client_credentials"], scope="", access_token_format="opaque", audience=["penuh"],
                                resource_server=True)  # fmt: skip

    def token() -> requests.Response:
        return requests.post(
            stopped.metadata["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("penuh", client["client_secret"]),
            timeout=20,
        )  # fmt: skip

    before = token().json()["access_token"]
    signed_in_before = len(stopped.audit("session.started"))
    namespace.fill(stopped.process.pid, data)
    # What fits into pages that SQLite already has may still go well; the disk itself takes nothing more.
    answers = []
    for _ in range(5000):
        answers.append(token())
        if answers[-1].status_code != 200:
            break
    assert answers[-1].status_code == 503 and "Retry-After" in answers[-1].headers, answers[-1].text
    refused = person.get("/masuk", allow_redirects=False)
    if refused.status_code == 200:
        refused = person.sign_in_only()
    assert refused.status_code == 503, refused.status_code
    for path in ("/livez", "/oauth2/jwks", "/.well-known/openid-configuration"):
        assert requests.get(f"{stopped.issuer}{path}", timeout=10).status_code == 200
    namespace.empty(stopped.process.pid, data)
    wait_until(lambda: token().status_code == 200)
    assert other.sign_in().url.endswith("/portal")
    kept = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
    for value in [before, *kept]:
        seen = requests.post(
            stopped.metadata["introspection_endpoint"], data={"token": value}, auth=("penuh", client["client_secret"]), timeout=10)
        assert seen.json()["active"], "an acknowledged token is gone"
    assert len(stopped.audit("session.started")) == signed_in_before + 1
    stopped.run("audit", "verify")
    assert "database is corrupt" not in stopped.log_text()


@pytest.mark.parametrize("kind", ["cut off", "no zip", "1 GB of CSV", "empty", "a folder"])
def test_a_personnel_file_that_is_broken_changes_nothing(stopped, kind):
    whole = (EXAMPLES / "kota-contoh/siasn-2026-09.xlsx").read_bytes()
    file = stopped.folder / ("export.csv" if "CSV" in kind else "export.xlsx")
    if kind == "a folder":
        file.mkdir()
    else:
        file.write_bytes({"cut off": whole[: len(whole) // 2], "no zip": b"PK\x03\x04" + b"x" * 5000, "empty": b""}.get(kind, b"pns_id;nip_baru\n"))
    if "CSV" in kind:
        with file.open("r+b") as opened:
            opened.truncate(1 << 30)
    done = stopped.try_run("personnel", "load", str(file), "--units", str(EXAMPLES / "kota-contoh/ref-unor-2026-09.csv"), "--apply")
    assert_refused(done)
    assert stopped.json("account", "list", "--limit", "0")["matching"] == stopped.people + 1


def test_an_unknown_setting_stops_the_start_and_names_the_nearest(stopped):
    stopped.settings["isuer"] = "http://localhost:1"
    done = stopped.try_run("serve", seconds=20)
    assert_refused(done)
    assert "GAPURA_ISSUER" in done.stderr


def test_the_whole_sample_city_loads_and_runs(capsys):
    with Gateway(people=0) as gateway:
        began = time.monotonic()
        contoh = EXAMPLES / "kota-contoh"
        done = gateway.json(
            "personnel", "load", str(contoh / "siasn-2026-09.xlsx"), "--units", str(contoh / "ref-unor-2026-09.csv"), "--apply")
        with capsys.disabled():
            print(f"\n10,000 people loaded by a running gateway, debug build: {time.monotonic() - began:.1f} s")
        counts = {name: done["counts"][name] for name in ("rows", "accepted", "rejected", "warned", "new", "units_added")}
        assert counts == {"rows": 10021, "accepted": 10009, "rejected": 12, "warned": 9, "new": 10009, "units_added": 440}
        # And the first admin, who is nobody's civil servant.
        assert gateway.json("account", "list", "--limit", "1")["matching"] == 10009 + 1
        assert gateway.json("account", "list", "--state", "aktif", "--limit", "1")["matching"] == 9542 + 1
        person = Person(gateway, "189102091926021001")
        person.set_password()
        portal = person.sign_in()
        assert portal.url.endswith("/portal") and "Dinas Komunikasi dan Informatika" in portal.text


# Health, metrics, logs


def test_health_and_metrics(gateway):
    second = f"http://127.0.0.1:{gateway.metrics_port}"
    assert requests.get(f"{gateway.issuer}/livez", verify=gateway.verify, timeout=5).status_code == 200
    ready = requests.get(f"{gateway.issuer}/readyz", verify=gateway.verify, timeout=5)
    assert ready.status_code == 200 and "engine" not in ready.text
    detail = requests.get(f"{second}/readyz", timeout=5).json()
    assert detail["status"] == "ok" and detail["checks"]["database"]["ok"]
    metrics = requests.get(f"{second}/metrics", timeout=5)
    assert metrics.status_code == 200 and "gapura_http_request_duration_seconds_bucket" in metrics.text
    assert requests.get(f"{gateway.issuer}/metrics", verify=gateway.verify, timeout=5).status_code == 404


def test_ready_says_no_while_postgresql_is_down_and_recovers(postgres):
    with Gateway(database=postgres.new_database()) as gateway:
        (person,) = ready_people(gateway, 1)
        person.sign_in_only()
        assert is_signed_in(person)
        postgres.stop()
        try:
            assert requests.get(f"{gateway.issuer}/livez", timeout=10).status_code == 200
            assert requests.get(f"{gateway.issuer}/oauth2/jwks", timeout=10).status_code == 200
            for address in (gateway.issuer, f"http://127.0.0.1:{gateway.metrics_port}"):
                assert requests.get(f"{address}/readyz", timeout=30).status_code == 503
            for path in ("/portal", "/masuk", "/akun"):
                answer = person.get(path, allow_redirects=False)
                assert answer.status_code == 503 and "Retry-After" in answer.headers, (path, answer.status_code)
        finally:
            postgres.start()
        wait_until(lambda: requests.get(f"http://127.0.0.1:{gateway.metrics_port}/readyz", timeout=30).status_code == 200)
        assert is_signed_in(person), "sessions outlive the outage"
        person.browser.cookies.clear()
        assert person.sign_in().url.endswith("/portal")


def test_attack_304_no_secret_in_logs_output_or_metrics_at_trace_level(database):
    """attack 304: seeded secrets, every flow, all outputs searched."""
    seeded: dict[str, str] = {}
    with Receiver() as receiver, Gateway(database=database, log_level="trace") as gateway:
        client = gateway.add_client(
            "rahasia", redirect_uris=[REDIRECT], post_logout_redirect_uris=["http://127.0.0.1:9/"],
            backchannel_logout_uri=receiver.url, grant_types=["authorization_code", "refresh_token", "client_credentials"],
            scope="openid profile asn", audience=["rahasia"], resource_server=True,
        )  # fmt: skip
        secret, metadata = client["client_secret"], gateway.metadata
        person = Person(gateway, nip(3), password="rahasia sekali kata sandi ini 3141592")
        link = gateway.link(person.name)
        seeded |= {"client secret": secret, "password": person.password, "NIP": person.name, "link": link.split("kode=")[1]}
        person.set_password()
        seeded |= {f"cookie {name}": value for name, value in person.browser.cookies.items()}
        person.browser.cookies.clear()

        wrong = Person(gateway, nip(4), password="salah tetapi tetap rahasia 2718281")
        page = wrong.sign_in()
        assert 'role="alert"' in page.text
        seeded |= {"wrong password": wrong.password, "other NIP": wrong.name, "form token": form_fields(page.text, "login-form")[1]["csrf"]}

        tokens = person.tokens("rahasia", secret, REDIRECT, "openid profile asn", nonce="nonce-rahasia-1", state="state-rahasia-1")
        seeded |= {f"cookie {name}": value for name, value in person.browser.cookies.items()}
        seeded |= {name: tokens[name] for name in ("access_token", "refresh_token", "id_token")}
        answer = person.code("rahasia", REDIRECT, code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method="S256")
        seeded["code"] = answer["code"]

        def token_request(**form: str) -> requests.Response:
            return requests.post(metadata["token_endpoint"], data=form, auth=("rahasia", secret), timeout=10)

        for verifier in ("salah-" * 10, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"):
            token_request(grant_type="authorization_code", code=answer["code"], redirect_uri=REDIRECT, code_verifier=verifier)
        seeded["code verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        renewed = token_request(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
        machine = token_request(grant_type="client_credentials").json()
        seeded |= {"renewed": renewed["access_token"], "machine": machine["access_token"]}
        bearer = {"Authorization": f"Bearer {renewed['access_token']}"}
        assert requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=10).status_code == 200
        for token in (machine["access_token"], tokens["refresh_token"], "token-asal-rahasia"):
            for endpoint in ("introspection_endpoint", "revocation_endpoint"):
                requests.post(metadata[endpoint], data={"token": token}, auth=("rahasia", secret), timeout=10)
        seeded["nonsense token"] = "token-asal-rahasia"
        # Secrets where they do not belong.
        requests.post(metadata["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("rahasia", "rahasia-salah-1"), timeout=10)
        requests.get(f"{gateway.issuer}/tidak-ada?code=kode-di-url-1&access_token=token-di-url-1", timeout=10)
        requests.get(f"{metadata['userinfo_endpoint']}?access_token=token-di-url-1", timeout=10)
        requests.get(f"{gateway.issuer}/portal", headers={"Cookie": "gapura-session=kue-palsu-1", **bearer}, timeout=10)
        requests.post(metadata["token_endpoint"], data=b"client_secret=rahasia-rusak-1&%zz", timeout=10,
                      headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        seeded |= {"wrong secret": "rahasia-salah-1", "code in URL": "kode-di-url-1", "token in URL": "token-di-url-1",
                   "forged cookie": "kue-palsu-1", "secret in a broken form": "rahasia-rusak-1"}  # fmt: skip

        again = person.tokens("rahasia", secret, REDIRECT)
        out = person.get(f"{metadata['end_session_endpoint']}?id_token_hint={again['id_token']}&post_logout_redirect_uri=http://127.0.0.1:9/",
                         allow_redirects=False)  # fmt: skip
        assert out.status_code == 303, out.text
        seeded |= {"hint": again["id_token"], "logout token": receiver.wait_for_one()["logout_token"]}
        metrics = requests.get(f"http://127.0.0.1:{gateway.metrics_port}/metrics", timeout=5).text
        assert gateway.stop() == 0

        log = gateway.log_text()
        assert len(log.splitlines()) > 20
        for line in log.splitlines():
            assert json.loads(line)["level"]
        everything = log + (gateway.folder / "gapura.out").read_text() + metrics
        found = {name for name, value in seeded.items() if value and value in everything}
        # The signature alone is no token, but its first half would still be too much.
        found |= {f"part of {name}" for name, value in seeded.items() if len(value) > 80 and value[-43:] in everything}
        assert not found, [line for line in everything.splitlines() if any(seeded.get(name, "\0") in line for name in found)][:5]
        assert not re.search(r"\b18\d{16}\b", everything), "a NIP in the log"
