"""What people allow, in a real browser: an application that is not the city's own, with its logo and front-channel sign-out; a device without a browser."""

import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from requests_oauth2client import DeviceAuthorizationPoolingJob, OAuth2Client

from harness import city
from harness.browser import Browser
from harness.gateway import Gateway

PASSWORD = "kuda baterai staples benar"


def picture() -> bytes:
    """A PNG of 96 by 32 pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x1f\x6f\xb2" * 96 for _ in range(32))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 32, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Vendor:
    """An application of somebody else's: notes what it is asked."""

    def __init__(self) -> None:
        vendor = self
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vendor.asked.append(self.path)
                body, kind = (picture(), "image/png") if self.path == "/logo.png" else (b"<title>Vendor</title><p>Vendor", "text/html")
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def told(self, path: str) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(asked).query) for asked in self.asked if urlsplit(asked).path == path]


@pytest.fixture(scope="module")
def gateway():
    with Gateway(people=12) as running:
        yield running


@pytest.fixture
def vendor():
    made = Vendor()
    yield made
    made.stop()


@pytest.mark.parametrize("size, script", [("desktop", True), ("phone", True), ("phone", False)])
def test_behaviours_65_and_70_consent_logo_and_sign_out_in_a_browser(gateway, vendor, number, size, script):
    slug = f"vendor-{number}"
    gateway.add_client(
        slug, client_name="Absensi Vendor", redirect_uris=[f"{vendor.url}/callback"], scope="openid profile asn email", trusted=False,
        logo_uri=f"{vendor.url}/logo.png", policy_uri=f"https://vendor.contoh.go.id/privasi", frontchannel_logout_uri=f"{vendor.url}/keluar",
        require_pkce=False,
    )  # fmt: skip
    asking = f"{gateway.issuer}/oauth2/authorize?" + urlencode(
        {"client_id": slug, "response_type": "code", "redirect_uri": f"{vendor.url}/callback", "scope": "openid profile asn", "state": "s"})
    with Browser(size, script=script) as browser:
        browser.open(gateway.link(city.nip(number % 12)))
        browser.type("#new-password", PASSWORD)
        browser.type("#repeat-password", PASSWORD)
        browser.press("#password-submit")
        browser.driver.delete_all_cookies()

        browser.open(asking)
        assert "Absensi Vendor" in browser.text
        assert browser.find(".app-logo").get_attribute("src").startswith(gateway.issuer)
        browser.look("sign-in-with-logo")
        browser.type("#username", city.nip(number % 12))
        browser.type("#password", PASSWORD)
        browser.press("#login-submit")

        assert browser.has("#consent-form")
        browser.look("consent")
        browser.press("#consent-deny")
        assert "error=access_denied" in browser.url
        browser.open(asking)
        browser.press("#consent-allow")
        assert "code=" in browser.url and "state=s" in browser.url
        # Remembered.
        browser.open(asking)
        assert "code=" in browser.url

        browser.open(f"{gateway.issuer}/akun")
        assert browser.has("#consents")
        browser.look("account-with-consents")

        browser.open(f"{gateway.issuer}/keluar")
        browser.press("#logout-confirm")
        browser.wait_for('a[href="/masuk"]')
        assert urlsplit(browser.url).path == "/keluar/selesai"
        (told,) = vendor.told("/keluar")
        assert set(told) == {"iss", "sid"} and told["iss"] == [gateway.issuer]
        browser.open(f"{gateway.issuer}/portal")
        assert browser.has("#login-form")
    assert vendor.asked.count("/logo.png") == 1


def test_a_device_shows_a_code_and_somebody_allows_it_on_a_phone(gateway, number):
    slug = f"layar-{number}"
    gateway.add_client(
        slug, client_name="Layar Antrean", grant_types=["urn:ietf:params:oauth:grant-type:device_code"], scope="openid profile",
        token_endpoint_auth_method="none",
    )  # fmt: skip
    device = OAuth2Client.from_discovery_document(
        gateway.metadata, client_id=slug, device_authorization_endpoint=gateway.metadata["device_authorization_endpoint"], testing=True)
    waiting = device.authorize_device(scope="openid profile")
    with Browser("phone") as browser:
        browser.open(gateway.link(city.nip(number % 12)))
        browser.type("#new-password", PASSWORD)
        browser.type("#repeat-password", PASSWORD)
        browser.press("#password-submit")
        browser.driver.delete_all_cookies()

        browser.open(waiting.verification_uri)
        browser.type("#username", city.nip(number % 12))
        browser.type("#password", PASSWORD)
        browser.press("#login-submit")
        browser.look("device-code")
        browser.type("#user-code", "BBBB-BBBB")
        browser.press("#device-submit")
        assert browser.has("[role=alert]")
        browser.look("device-code-wrong")
        browser.type("#user-code", waiting.user_code.lower())
        browser.press("#device-submit")
        assert "Layar Antrean" in browser.text and waiting.user_code in browser.text
        browser.look("device-question")
        browser.press("#device-allow")
        assert browser.has("#device-outcome")
        browser.look("device-allowed")
    token = DeviceAuthorizationPoolingJob(device, waiting)()
    assert token and token.access_token
