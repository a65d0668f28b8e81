"""The walk: sign in once, go through the portal, e-absensi, e-surat and e-kinerja, sign out once, be out everywhere."""

import time
from urllib.parse import urlencode, urlsplit

import pytest

from harness import city
from harness.browser import Browser
from harness.gateway import Gateway
from harness.samples import Receiver, Sample

SLUGS = ["e-absensi", "e-surat", "e-kinerja"]
PASSWORD = "kuda baterai staples benar"


class Town:
    """A gateway and its three sample applications."""

    def __init__(self) -> None:
        self.gateway = Gateway(people=40)
        self.gateway.set_up()
        self.gateway.start()
        self.samples = {slug: Sample(self.gateway, slug) for slug in SLUGS}

    def remove(self) -> None:
        for sample in self.samples.values():
            sample.stop()
        self.gateway.remove()


@pytest.fixture(scope="module")
def town():
    made = Town()
    yield made
    made.remove()


def set_password(browser: Browser, gateway: Gateway, nip: str, looks: bool = False) -> None:
    browser.open(gateway.link(nip))
    assert "kode=" not in browser.url, "the secret of the link stays in no address bar"
    if looks:
        browser.look("set-password")
        browser.type("#new-password", "pendek")
        browser.type("#repeat-password", "lain")
        browser.press("#password-submit")
        assert browser.find("[role=alert]").text
        browser.look("set-password-refused")
    browser.type("#new-password", PASSWORD)
    browser.type("#repeat-password", PASSWORD)
    browser.press("#password-submit")
    if looks:
        browser.look("password-is-set")


def sign_in(browser: Browser, nip: str, password: str = PASSWORD) -> None:
    browser.type("#username", nip)
    browser.type("#password", password)
    browser.press("#login-submit")


def is_asked_to_sign_in(browser: Browser, gateway: Gateway) -> bool:
    return browser.url.startswith(f"{gateway.issuer}/masuk") and browser.has("#login-form")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_walk(town, size):
    gateway, index = town.gateway, 3 if size == "desktop" else 4
    nip = city.nip(index)
    with Browser(size) as browser:
        set_password(browser, gateway, nip, looks=True)
        browser.driver.delete_all_cookies()

        # Sign in once, coming from an application.
        browser.open(town.samples["e-absensi"].sign_in_url)
        assert is_asked_to_sign_in(browser, gateway)
        browser.look("sign-in")
        sign_in(browser, nip, "bukan kata sandinya")
        assert browser.find("[role=alert]").text
        browser.look("sign-in-refused")
        sign_in(browser, nip)
        assert browser.url.startswith(town.samples["e-absensi"].url), browser.url

        # Through everything without a second sign-in, by the tiles of the portal.
        browser.open(gateway.issuer)
        assert urlsplit(browser.url).path == "/portal"
        assert city.agency(index) in browser.text
        for slug in SLUGS:
            browser.open(f"{gateway.issuer}/portal")
            browser.press(f'#tiles a[href^="{town.samples[slug].url}"]')
            assert browser.url.startswith(town.samples[slug].url), browser.url
            assert f"Orang Uji {index}" in browser.text and city.agency(index) in browser.text
            assert f"Pengelola Layanan {index % 7}" in browser.text, "the post is shown"
            browser.look(slug)
        browser.open(f"{gateway.issuer}/portal")
        browser.look("portal")
        browser.open(f"{gateway.issuer}/akun")
        browser.look("account")
        browser.open(f"{gateway.issuer}/portal?bahasa=en")
        assert browser.url == f"{gateway.issuer}/portal"
        for path in ("portal", "akun", "keluar"):
            browser.open(f"{gateway.issuer}/{path}")
            assert browser.language == "en"
            browser.look(f"{path}-english")
        browser.open(f"{gateway.issuer}/keluar?bahasa=id")
        assert browser.language == "id"
        browser.look("sign-out")

        # Sign out once, at an application: out everywhere.
        before = sign_outs(gateway)
        browser.open(town.samples["e-surat"].url)
        browser.press("#logout-confirm")
        for _ in range(2):
            if browser.url.startswith(gateway.issuer) and browser.has("#logout-confirm"):
                browser.press("#logout-confirm")
        browser.look("signed-out")
        browser.open(f"{gateway.issuer}/portal")
        assert is_asked_to_sign_in(browser, gateway)
        wait_until_told(gateway, before)
        for slug in SLUGS:
            browser.open(town.samples[slug].url)
            assert is_asked_to_sign_in(browser, gateway), f"still signed in at {slug}: {browser.url}"


def sign_outs(gateway: Gateway) -> dict[str, str]:
    """The sign-outs that applications were told of, or are to be told of, with their states."""
    return {entry["id"]: entry["state"] for entry in gateway.json("logout", "list")["deliveries"]}


def wait_until_told(gateway: Gateway, before: dict[str, str]) -> None:
    """Waits until every application has answered the sign-outs that were not there before."""
    end = time.monotonic() + 10
    while True:
        states = {name: state for name, state in sign_outs(gateway).items() if name not in before}
        if states and all(state == "answered" for state in states.values()):
            return
        assert time.monotonic() < end, states
        time.sleep(0.1)


def test_out_everywhere_from_the_portal(town):
    gateway, nip = town.gateway, city.nip(5)
    with Browser() as browser:
        set_password(browser, gateway, nip)
        browser.driver.delete_all_cookies()
        browser.open(town.samples["e-kinerja"].sign_in_url)
        sign_in(browser, nip)
        browser.open(town.samples["e-absensi"].sign_in_url)
        before = sign_outs(gateway)
        browser.open(f"{gateway.issuer}/keluar")
        browser.press("#logout-confirm")
        browser.look("signed-out-at-the-gateway")
        wait_until_told(gateway, before)
        for slug in ("e-kinerja", "e-absensi"):
            browser.open(town.samples[slug].url)
            assert is_asked_to_sign_in(browser, gateway), f"still signed in at {slug}"


def test_walk_under_tls(authority):
    """Two PHP applications behind a gateway with TLS of its own, under an authority that only this run knows."""
    with Gateway(authority, people=6) as gateway:
        samples = [Sample(gateway, slug) for slug in ("e-absensi", "e-surat")]
        try:
            with Browser() as browser:
                set_password(browser, gateway, city.nip(1))
                browser.driver.delete_all_cookies()
                browser.open(samples[0].sign_in_url)
                sign_in(browser, city.nip(1))
                assert browser.url.startswith(samples[0].url)
                browser.open(samples[1].sign_in_url)
                assert browser.url.startswith(samples[1].url)
                browser.open(f"{gateway.issuer}/portal")
                for cookie in browser.driver.get_cookies():
                    assert cookie["name"].startswith("__Host-") and cookie["secure"], cookie
                    assert cookie["sameSite"] == "Lax", cookie
                session = browser.driver.get_cookie("__Host-gapura-session")
                assert session and session["httpOnly"]
                before = sign_outs(gateway)
                browser.open(f"{gateway.issuer}/keluar")
                browser.press("#logout-confirm")
                wait_until_told(gateway, before)
                browser.open(samples[0].url)
                assert is_asked_to_sign_in(browser, gateway)
        finally:
            for sample in samples:
                sample.stop()


def test_an_account_that_is_suspended_is_out_everywhere(town):
    gateway, nip = town.gateway, city.nip(6)
    with Browser() as browser:
        set_password(browser, gateway, nip)
        browser.driver.delete_all_cookies()
        browser.open(town.samples["e-absensi"].sign_in_url)
        sign_in(browser, nip)
        before = sign_outs(gateway)
        gateway.run("account", "state", nip, "ditangguhkan")
        wait_until_told(gateway, before)
        browser.open(town.samples["e-absensi"].url)
        assert is_asked_to_sign_in(browser, gateway)
        sign_in(browser, nip)
        assert browser.has("[role=alert]") and not browser.url.startswith(town.samples["e-absensi"].url)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_error_pages(town, size):
    with Browser(size) as browser:
        browser.open(f"{town.gateway.issuer}/tidak-ada")
        assert browser.has("#error-code")
        browser.look("not-found")
        query = {"response_type": "code", "client_id": "e-absensi", "redirect_uri": "http://127.0.0.1:1/lain", "scope": "openid"}
        browser.open(f"{town.gateway.issuer}/oauth2/authorize?{urlencode(query)}")
        assert browser.has("#error-code") and browser.url.startswith(town.gateway.issuer)
        browser.look("redirect-uri-refused")
        browser.open(f"{town.gateway.issuer}/akun/tautan?kode={'x' * 43}")
        browser.look("link-is-dead")
        browser.open(f"{town.samples['e-absensi'].url}/callback.php?code=x&state=y")
        browser.look("e-absensi-refuses")
        browser.open(f"{town.samples['e-kinerja'].url}/callback?code=x&state=y")
        browser.look("e-kinerja-refuses")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_english_pages_of_somebody_who_is_not_signed_in(town, size):
    issuer = town.gateway.issuer
    refused = {"response_type": "code", "client_id": "e-absensi", "redirect_uri": "http://127.0.0.1:1/lain", "scope": "openid"}
    with Browser(size) as browser:

        def look(name: str) -> None:
            assert browser.language == "en", name
            browser.look(f"{name}-english")

        browser.open(f"{issuer}/masuk?bahasa=en")
        look("sign-in")
        sign_in(browser, city.nip(11), "not this password")
        assert browser.find("[role=alert]").text
        look("sign-in-refused")
        browser.open(town.gateway.link(city.nip(11)))
        look("set-password")
        for name, path in {
            "not-found": "/tidak-ada", "redirect-uri-refused": f"/oauth2/authorize?{urlencode(refused)}",
            "link-is-dead": f"/akun/tautan?kode={'x' * 43}",
        }.items():  # fmt: skip
            browser.open(issuer + path)
            assert browser.has("#error-code"), name
            look(name)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_everything_works_without_script(town, size):
    gateway, index = town.gateway, 7 if size == "desktop" else 8
    nip = city.nip(index)
    with Browser(size, script=False) as browser:
        set_password(browser, gateway, nip, looks=True)
        browser.driver.delete_all_cookies()
        browser.open(town.samples["e-surat"].sign_in_url)
        sign_in(browser, nip)
        assert browser.url.startswith(town.samples["e-surat"].url)
        browser.open(f"{gateway.issuer}/portal")
        browser.look("portal")
        browser.press(f'#tiles a[href^="{town.samples["e-kinerja"].url}"]')
        assert f"Orang Uji {index}" in browser.text
        browser.open(f"{gateway.issuer}/keluar")
        browser.press("#logout-confirm")
        browser.open(f"{gateway.issuer}/portal")
        assert is_asked_to_sign_in(browser, gateway)


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_form_post_by_script_or_by_its_button(town, script):
    """behaviour 29: the answer travels in a form that sends itself, or by a real button."""
    gateway, nip, slug = town.gateway, city.nip(9 if script else 10), f"form-{'post' if script else 'button'}"
    with Receiver() as receiver, Browser(script=script) as browser:
        gateway.add_client(slug, redirect_uris=[receiver.url], scope="openid")
        set_password(browser, gateway, nip)
        browser.driver.delete_all_cookies()
        query = {
            "response_type": "code", "client_id": slug, "redirect_uri": receiver.url, "scope": "openid", "state": "keadaan",
            "response_mode": "form_post", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
        }  # fmt: skip
        browser.open(f"{gateway.issuer}/oauth2/authorize?{urlencode(query)}")
        sign_in(browser, nip)
        if not script:
            assert browser.has("#form-post-submit")
            browser.look("form-post")
            browser.press("#form-post-submit")
        answer = receiver.wait_for_one()
        assert answer["code"] and answer["state"] == "keadaan" and answer["iss"] == gateway.issuer
        assert "code=" not in browser.url
