"""The administration API as its users have it: a tool that an admin signs in with, a generated description, SIMPEG's own client."""

import json
import secrets
import uuid

import pytest
import requests
from openapi_spec_validator import validate

from harness import city
from harness.gateway import Gateway
from harness.person import Person, pkce

REDIRECT = "http://127.0.0.1:9/cb"


@pytest.fixture(scope="module")
def gateway():
    with Gateway(people=30) as running:
        running.add_client(
            "alat", redirect_uris=[REDIRECT], token_endpoint_auth_method="none", scope="openid admin", administration=True)
        yield running


class Tool:
    """What an admin of some role signs in with."""

    def __init__(self, gateway: Gateway, index: int, *role: str) -> None:
        self.gateway = gateway
        if role:
            gateway.run("account", "role", city.nip(index), *role)
        person = Person(gateway, city.nip(index))
        person.set_password()
        verifier, challenge = pkce()
        query = {
            "client_id": "alat", "response_type": "code", "redirect_uri": REDIRECT, "scope": "openid admin",
            "code_challenge": challenge, "code_challenge_method": "S256", "state": secrets.token_urlsafe(8),
        }  # fmt: skip
        url = requests.Request("GET", gateway.metadata["authorization_endpoint"], params=query).prepare().url
        answer = person.authorize(url)
        code = requests.utils.urlparse(answer).query.split("code=")[1].split("&")[0]
        tokens = requests.post(
            gateway.metadata["token_endpoint"], timeout=5,
            data={
                "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "alat", "code_verifier": verifier,
            },
        ).json()  # fmt: skip
        self.headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        return requests.request(
            method, f"{self.gateway.issuer}/api/v1{path}", json=body, headers=self.headers | headers, timeout=20)


@pytest.fixture(scope="module")
def root(gateway):
    return Tool(gateway, 0, "superadmin")


@pytest.fixture(scope="module")
def agency(gateway):
    return Tool(gateway, 2, "agency_admin", "--unit", city.AGENCIES[2])


def test_the_description_is_valid_and_the_command_prints_the_same(gateway, root):
    served = root.call("GET", "/openapi.json").json()
    validate(served)
    assert json.loads(gateway.run("api")) == served
    assert requests.get(f"{gateway.issuer}/api/v1/openapi.json", timeout=5).status_code == 401


def test_an_agency_admin_works_within_the_agency(gateway, agency):
    own = [city.nip(index) for index in range(gateway.people) if index % len(city.AGENCIES) == 2]
    listed = agency.call("GET", "/accounts?limit=1000&count=true").json()
    assert {account["nip"] for account in listed["accounts"]} == set(own) and listed["matching"] == len(own)

    answer = agency.call("POST", f"/accounts/{own[1]}/links", **{"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 200 and answer.json()["link"].startswith(gateway.issuer)
    assert requests.get(answer.json()["link"], timeout=5).status_code == 200

    outside = agency.call("GET", f"/accounts/{city.nip(3)}")
    never = agency.call("GET", "/accounts/187001011890011999")
    assert outside.status_code == never.status_code == 404
    assert outside.headers["Content-Type"] == "application/problem+json"
    assert outside.json() | {"request_id": ""} == never.json() | {"request_id": ""}


def test_pages_lead_through_all_accounts_by_their_links(gateway, root):
    url, numbers = f"{gateway.issuer}/api/v1/accounts?limit=7", []
    while url:
        answer = requests.get(url, headers=root.headers, timeout=5)
        numbers += [account["nip"] for account in answer.json()["accounts"] if account["nip"]]
        url = answer.links.get("next", {}).get("url")
    assert sorted(numbers) == sorted(city.nip(index) for index in range(gateway.people))


def test_what_an_admin_does_stands_in_the_audit_under_their_name(gateway, root):
    account = root.call("GET", f"/accounts/{city.nip(8)}")
    changed = root.call(
        "PUT", f"/accounts/{city.nip(8)}/state", {"state": "ditangguhkan"}, **{"If-Match": account.headers["ETag"]},
    )  # fmt: skip
    assert changed.status_code == 200 and changed.json()["state"] == "ditangguhkan"
    again = root.call("PUT", f"/accounts/{city.nip(8)}/state", {"state": "aktif"}, **{"If-Match": account.headers["ETag"]})
    assert again.status_code == 412
    me = root.call("GET", "/me").json()
    events = gateway.audit("account.state_changed")
    assert events[0]["actor"] == me["actor"] == f"account:{me['account']['id']}"
    assert events[0]["subject"] == account.json()["id"]


def test_simpeg_delivers_some_people_in_its_own_name(gateway, root):
    token = gateway.add_feed("simpeg")
    feed = {"Authorization": f"Bearer {token}"}
    loads = f"{gateway.issuer}/api/v1/personnel/loads"
    body = {"coverage": "listed", "name": "SIMPEG pagi", "people": [city.row(4) | {"nama": "NAMA BARU"}], "apply": True}
    applied = requests.post(loads, json=body, headers=feed, timeout=20)
    assert applied.status_code == 200 and applied.json()["applied"], applied.text
    assert root.call("GET", f"/accounts/{city.nip(4)}").json()["name"].upper().startswith("NAMA BARU")
    undone = requests.post(f"{loads}/{applied.json()['load']}/undo", headers=feed, timeout=20)
    assert undone.status_code == 200, undone.text
    assert not root.call("GET", f"/accounts/{city.nip(4)}").json()["name"].upper().startswith("NAMA BARU")
    assert requests.get(f"{gateway.issuer}/api/v1/accounts", headers=feed, timeout=5).status_code == 403
