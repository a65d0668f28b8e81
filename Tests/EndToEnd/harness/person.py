"""Somebody who signs in without a browser: keeps cookies, fills in forms, follows redirects up to the application's door."""

import base64
import hashlib
import html
import re
import secrets
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from .gateway import Gateway

_INPUT = re.compile(r"<input\b[^>]*>")


def form_fields(page: str, form_id: str) -> tuple[str, dict[str, str]]:
    """Where a form is sent, and its fields as they stand on the page."""
    match = re.search(rf'<form id="{form_id}"[^>]*>(.*?)</form>', page, re.S)
    assert match, f"no form #{form_id} on: {re.sub(r'<[^>]+>', ' ', page)[:400]}"
    action = re.search(r'action="([^"]*)"', match[0])
    fields = {}
    for tag in _INPUT.findall(match[1]):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name[1]] = html.unescape(value[1]) if value else ""
    return html.unescape(action[1]) if action else "", fields


def pkce() -> tuple[str, str]:
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, challenge


class Person:
    def __init__(self, gateway: Gateway, name: str, password: str | None = None) -> None:
        self.gateway = gateway
        self.name = name
        self.password = password or f"uji {secrets.token_urlsafe(18)}"
        self.browser = requests.Session()
        self.browser.verify = gateway.verify
        self.browser.trust_env = False

    def get(self, url: str, **options: object) -> requests.Response:
        return self.browser.get(urljoin(self.gateway.issuer, url), timeout=20, **options)

    def set_password(self) -> None:
        page = self.get(self.gateway.link(self.name))
        action, fields = form_fields(page.text, "password-form")
        fields |= {"new-password": self.password, "repeat-password": self.password}
        answer = self.post(action, fields)
        assert answer.status_code == 200 and "password-form" not in answer.text, answer.text

    def post(self, url: str, fields: dict[str, str], **options: object) -> requests.Response:
        address = urljoin(self.gateway.issuer, url)
        return self.browser.post(address, data=fields, headers={"Origin": self.gateway.issuer}, timeout=20, **options)

    def sign_in(self) -> requests.Response:
        """Signs in at the front door and ends at the portal."""
        return self.fill_in(self.get("/masuk"))

    def sign_in_only(self) -> requests.Response:
        """The answer to the password itself: 303 where it was right."""
        return self.fill_in(self.get("/masuk"), allow_redirects=False)

    def fill_in(self, page: requests.Response, **options: object) -> requests.Response:
        action, fields = form_fields(page.text, "login-form")
        fields |= {"username": self.name, "password": self.password}
        return self.post(action, fields, **options)

    def authorize(self, url: str) -> str:
        """Follows an authorization request to the URL at which the application is called back, signing in and allowing it where asked."""
        answer = self.get(url, allow_redirects=False)
        for _ in range(10):
            if answer.status_code in (302, 303, 307):
                target = urljoin(answer.url, answer.headers["Location"])
                if not target.startswith(self.gateway.issuer + "/"):
                    return target
                answer = self.get(target, allow_redirects=False)
            elif answer.status_code == 200 and 'id="login-form"' in answer.text:
                answer = self.fill_in(answer, allow_redirects=False)
            elif answer.status_code == 200 and 'id="consent-form"' in answer.text:
                action, fields = form_fields(answer.text, "consent-form")
                answer = self.post(action, fields | {"jawaban": "izinkan"}, allow_redirects=False)
            else:
                raise AssertionError(f"{answer.status_code} {answer.url}: {re.sub(r'<[^>]+>', ' ', answer.text)[-900:]}")
        raise AssertionError("too many redirects")

    def code(self, client_id: str, redirect_uri: str, **parameters: str) -> dict[str, str]:
        """The parameters with which the application is called back."""
        query = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": "openid", **parameters}
        target = self.authorize(f"{self.gateway.issuer}/oauth2/authorize?{urlencode(query)}")
        assert target.startswith(redirect_uri), target
        return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}

    def tokens(self, client_id: str, secret: str, redirect_uri: str, scope: str = "openid", **parameters: str) -> dict:
        """The whole code flow by hand."""
        verifier, challenge = pkce()
        answer = self.code(
            client_id, redirect_uri, scope=scope, code_challenge=challenge, code_challenge_method="S256", **parameters)
        form = {
            "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        tokens = requests.post(
            f"{self.gateway.issuer}/oauth2/token", data=form, auth=(client_id, secret), verify=self.gateway.verify, timeout=10)
        assert tokens.status_code == 200, tokens.text
        return tokens.json()

    def sign_out(self) -> None:
        """Out at the gateway, and so everywhere."""
        action, fields = form_fields(self.get("/keluar").text, "logout-form")
        answer = self.post(action, fields)
        assert answer.status_code == 200, answer.status_code
