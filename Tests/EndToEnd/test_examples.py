"""The sample applications as their READMEs tell to run them, and what they answer to the gateway's sign-outs."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness import documents
from harness.checkout import Checkout
from harness.gateway import Gateway
from harness.person import Person
from harness.places import E_KINERJA, EXAMPLES, free_port
from harness.samples import Sample

# MARK: The fifteen minutes


class SampleCity:
    """The gateway of a running bin/run, for people."""

    verify = True

    def __init__(self, checkout: Checkout) -> None:
        self.checkout, self.issuer = checkout, f"http://localhost:{checkout.port}"

    def json(self, *arguments: str) -> dict:
        done = self.checkout.run("gapura", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def link(self, account: str) -> str:
        return self.json("account", "link", account)["link"]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory):
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    (checkout.root / ".build-e-kinerja/release").mkdir()
    (checkout.root / ".build-e-kinerja/release/e-kinerja").symlink_to(E_KINERJA)
    try:
        checkout.start()
        yield SampleCity(checkout)
    finally:
        checkout.remove()


READMES = {"e-absensi": ("contoh-saya", 8090), "e-surat": ("contoh-surat", 8091), "e-kinerja": ("contoh-kinerja", 8092)}


@pytest.mark.parametrize("sample", READMES)
def test_the_commands_of_the_readme_connect_an_application(city, sample):
    slug, port = READMES[sample]
    checkout = city.checkout
    replaced = {
        f":{port}": f":{(own := free_port())}", f"--port {port}": f"--port {own}", "http://localhost:8080": city.issuer,
        # PHP's server works in another folder than it was started in: a path that the program gets has to be whole.
        '"$PWD/.run/': f'"{checkout.run_folder}/', "> .run/": f"> {checkout.run_folder}/",
    }  # fmt: skip
    texts = documents.blocks(f"examples/{sample}/README.md", "sh")
    for old, new in replaced.items():
        assert any(old in text for text in texts) or old.startswith("--port"), f"{old} is in no command"
        texts = [text.replace(old, new) for text in texts]
    assert not any("=.run/" in text for text in texts), texts

    def shell(text: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["bash", "-euc", text], env=checkout.environment, cwd=checkout.root, input=stdin, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout

    register, keep, *others = texts
    secret = re.search(r"^client_secret: (\S+)$", shell(register), re.M)[1]
    shell(keep, secret + "\n")
    *build, run = others
    for text in build:
        shell(text)
    environment = checkout.environment | {"TMPDIR": str(checkout.run_folder)}
    with open(checkout.run_folder / f"logs/{slug}.log", "wb") as log:
        process = subprocess.Popen(
            ["bash", "-euc", f"exec env {run.strip()}"], env=environment, cwd=checkout.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{own}"
        wait_until_answers(f"{base}/style.css")
        # One of those that bin/run names.
        person = Person(city, "189102091926021001")
        person.set_password()
        # Comes from the portal's tile, signs in once, and is known by name.
        tile = city.json("application", "show", slug)["url"]
        assert tile.startswith(base + "/login")
        answer = person.get(tile)
        if 'id="login-form"' in answer.text:
            answer = person.fill_in(answer)
        assert answer.url.startswith(base) and "Ahmad Rahman Tanjung" in answer.text, answer.text[:2000]
        assert slug in person.get("/portal").text or base in person.get("/portal").text
        # Out at the gateway is out here.
        assert "Ahmad Rahman Tanjung" in person.get(f"{base}/").text
        person.sign_out()
        deliveries = wait_until_told(city, slug)
        assert [delivery["state"] for delivery in deliveries] == ["answered"], deliveries
        assert 'id="login-form"' in person.get(f"{base}/").text
    finally:
        process.terminate()
        process.wait(20)


def wait_until_answers(url: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < end, f"{url} does not answer"
        time.sleep(0.05)


def wait_until_told(city: SampleCity, client: str, seconds: float = 30) -> list[dict]:
    end = time.monotonic() + seconds
    while True:
        deliveries = [entry for entry in city.json("logout", "list")["deliveries"] if entry["client_id"] == client]
        if deliveries and all(entry["state"] != "waiting" for entry in deliveries):
            return deliveries
        assert time.monotonic() < end, deliveries
        time.sleep(0.05)


# MARK: Back-channel sign-out


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Makes logout tokens that look right, under keys that the gateway never had."""

    def __init__(self, sample: Sample, algorithm: str) -> None:
        self.sample, self.algorithm = sample, algorithm
        self.key = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())

    def token(self, kid: str | None, **changes: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.sample.gateway.issuer, "aud": self.sample.slug, "iat": now, "exp": now + 120, "jti": "j-1", "sid": "s-1", "sub": "x",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **changes,
        }  # fmt: skip
        header = {"alg": self.algorithm, "typ": "logout+jwt"} | ({"kid": kid} if kid else {})
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        if self.algorithm == "RS256":
            signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return f"{signed}.{base64url(signature)}"

    def send(self, token: str) -> requests.Response:
        path = "/backchannel-logout" if self.sample.slug == "e-kinerja" else "/backchannel.php"
        return requests.post(self.sample.url + path, data={"logout_token": token}, timeout=20)


@pytest.mark.parametrize("slug, algorithm", [("e-absensi", "RS256"), ("e-kinerja", "ES256")])
def test_a_sign_out_under_an_unknown_key_is_refused_only_where_the_gateway_was_asked(slug, algorithm):
    with Gateway(people=2) as gateway:
        sample = Sample(gateway, slug)
        try:
            forger = Forger(sample, algorithm)
            # The first question goes to the gateway, which has no such key: wrong for good.
            assert forger.send(forger.token("kunci-baru")).status_code == 400
            # Within the minute nobody asks again: it may be a key of a moment ago, so the gateway shall come back.
            again = forger.send(forger.token("kunci-baru"))
            assert again.status_code == 503 and again.json() == {"error": "temporarily_unavailable"}
            # What is wrong whatever the keys are stays wrong.
            known = next(
                key["kid"] for key in requests.get(gateway.metadata["jwks_uri"], timeout=5).json()["keys"] if key.get("alg") == algorithm)
            for token in ("", "x.y.z", forger.token(None), forger.token(known), forger.token("kunci-baru").replace(".", "", 1)):
                answer = forger.send(token)
                assert answer.status_code == 400 and answer.json() == {"error": "invalid_request"}, token
        finally:
            sample.stop()


def test_a_sign_out_while_the_gateway_is_down_shall_come_again():
    with Gateway(people=2) as gateway:
        samples = [Sample(gateway, slug) for slug in ("e-absensi", "e-kinerja")]
        try:
            gateway.stop()
            for sample, algorithm in zip(samples, ("RS256", "ES256")):
                forger = Forger(sample, algorithm)
                assert forger.send(forger.token("kunci-baru")).status_code == 503
        finally:
            for sample in samples:
                sample.stop()


# MARK: PHP 5.6 and the guard's two copies


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    for name in ("e-absensi", "e-surat"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    return tmp_path


def check(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["php", EXAMPLES / "check-php56.php", folder], capture_output=True, text=True, timeout=60)


def test_the_examples_pass_the_check_of_php_5_6(copies):
    done = check(copies)
    assert done.returncode == 0 and done.stdout.endswith(", 0 failed\n"), done.stdout


@pytest.mark.parametrize("sample", ["e-absensi", "e-surat"])
@pytest.mark.parametrize("file", ["gapura.php", "tests/check.php"])
def test_a_guard_that_was_mended_in_one_place_only_fails_the_check(copies, sample, file):
    with (copies / sample / file).open("a") as opened:
        opened.write("\n")
    done = check(copies)
    assert done.returncode == 1 and f"FAILED e-absensi/{file} and e-surat/{file} differ" in done.stdout, done.stdout
    os.unlink(copies / sample / file)
    assert f"e-surat/{file} differ" in check(copies).stdout


@pytest.mark.parametrize("code", ["$a = $b ?? 1;", "function f(int $x) {}", "random_bytes(3);", "$f = fn() => 1;"])
def test_what_php_5_6_lacks_fails_the_check(copies, code):
    (copies / "e-surat/letters.php").open("a").write(f"\n{code}\n")
    done = check(copies)
    assert done.returncode == 1 and "letters.php" in done.stdout, done.stdout
