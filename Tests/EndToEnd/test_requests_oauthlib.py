"""requests-oauthlib as a relying party: the library of many small Python applications."""

import requests
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

REDIRECT = "http://127.0.0.1:9/callback"


def test_code_with_pkce_userinfo_and_refresh(gateway, person, slug, monkeypatch):
    # The library refuses plain http unless told so; the gateway of the http run is on this machine.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client = gateway.add_client(
        slug, redirect_uris=[REDIRECT], grant_types=["authorization_code", "refresh_token"], scope="openid profile asn offline_access")
    metadata = gateway.metadata
    saved = []
    application = OAuth2Session(
        slug, redirect_uri=REDIRECT, scope=["openid", "profile", "asn", "offline_access"], pkce="S256",
        auto_refresh_url=metadata["token_endpoint"], token_updater=saved.append,
    )  # fmt: skip
    application.verify = gateway.verify
    url, _ = application.authorization_url(metadata["authorization_endpoint"], nonce="sekali")
    tokens = application.fetch_token(
        metadata["token_endpoint"], authorization_response=person.authorize(url), client_secret=client["client_secret"])
    assert tokens["id_token"] and tokens["refresh_token"] and 0 < tokens["expires_in"] <= 300

    told = application.get(metadata["userinfo_endpoint"]).json()
    assert told["nip"] == person.name and told["name"]

    # As if five minutes had passed: the library refreshes by itself.
    application.token = {**tokens, "expires_at": 1, "expires_in": -1}
    assert application.get(metadata["userinfo_endpoint"], client_id=slug, client_secret=client["client_secret"]).status_code == 200
    assert len(saved) == 1 and saved[0]["access_token"] != tokens["access_token"]


def test_client_credentials(gateway, slug, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client = gateway.add_client(slug, grant_types=["client_credentials"], scope="", audience=["e-arsip"])
    machine = OAuth2Session(client=BackendApplicationClient(client_id=slug))
    machine.verify = gateway.verify
    tokens = machine.fetch_token(gateway.metadata["token_endpoint"], client_id=slug, client_secret=client["client_secret"])
    assert tokens["access_token"]


def test_an_error_reaches_the_library_as_an_error(gateway, slug):
    gateway.add_client(slug, grant_types=["client_credentials"], scope="")
    answer = requests.post(
        gateway.metadata["token_endpoint"], data={"grant_type": "client_credentials"}, auth=(slug, "salah"), verify=gateway.verify,
        timeout=5,
    )  # fmt: skip
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.headers["Cache-Control"] == "no-store"
