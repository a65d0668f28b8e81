"""Authlib as a relying party: discovery, code with PKCE, refresh, client credentials, introspection, revocation, userinfo."""

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt

REDIRECT = "http://127.0.0.1:9/callback"


def session(gateway, client: dict, **options) -> OAuth2Session:
    made = OAuth2Session(
        client["client_id"], client["client_secret"], redirect_uri=REDIRECT, **{"scope": "openid profile email asn", **options})
    made.verify = gateway.verify
    return made


def signed_in(gateway, person, client: dict, **options) -> tuple[OAuth2Session, dict, str]:
    """A session with tokens, the tokens and the nonce."""
    metadata, application = gateway.metadata, session(gateway, client, **options)
    verifier, nonce = generate_token(64), generate_token(32)
    url, state = application.create_authorization_url(
        metadata["authorization_endpoint"], nonce=nonce, code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )  # fmt: skip
    callback = person.authorize(url)
    assert f"state={state}" in callback
    tokens = application.fetch_token(metadata["token_endpoint"], authorization_response=callback, code_verifier=verifier)
    return application, tokens, nonce


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_code_with_pkce_gives_an_id_token_that_authlib_verifies(gateway, person, slug, algorithm):
    client = gateway.add_client(slug, redirect_uris=[REDIRECT], scope="openid profile email asn", id_token_signed_response_alg=algorithm)
    application, tokens, nonce = signed_in(gateway, person, client)
    keys = requests.get(gateway.metadata["jwks_uri"], verify=gateway.verify, timeout=5).json()
    key = jwk.OctKey.import_key(client["client_secret"]) if algorithm == "HS256" else jwk.KeySet.import_key_set(keys)
    token = jwt.decode(tokens["id_token"], key, algorithms=[algorithm])
    claims = CodeIDToken(
        token.claims, token.header,
        options={"iss": {"essential": True, "value": gateway.issuer}, "aud": {"essential": True, "value": slug}},
        params={"nonce": nonce, "client_id": slug, "access_token": tokens["access_token"]},
    )  # fmt: skip
    claims.validate(leeway=10)
    assert claims["sid"]

    userinfo = application.get(gateway.metadata["userinfo_endpoint"]).json()
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["nip"] == person.name
    assert userinfo["unor"]["name"] and userinfo["opd"]["name"] and userinfo["position"]["name"]


def test_refresh_keeps_the_subject_and_gives_a_new_access_token(gateway, person, slug):
    client = gateway.add_client(
        slug, redirect_uris=[REDIRECT], grant_types=["authorization_code", "refresh_token"], scope="openid profile email asn")
    application, tokens, _ = signed_in(gateway, person, client)
    renewed = application.refresh_token(gateway.metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
    assert renewed["access_token"] != tokens["access_token"]
    assert application.get(gateway.metadata["userinfo_endpoint"]).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_client_credentials_introspection_and_revocation(gateway, slug, method):
    client = gateway.add_client(
        slug, grant_types=["client_credentials"], token_endpoint_auth_method=method, scope="", audience=[slug],
        resource_server=True,
    )  # fmt: skip
    metadata = gateway.metadata
    machine = session(gateway, client, scope=None, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method)
    tokens = machine.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert tokens["token_type"].lower() == "bearer" and "refresh_token" not in tokens

    def introspect() -> dict:
        return machine.introspect_token(metadata["introspection_endpoint"], token=tokens["access_token"]).json()

    seen = introspect()
    assert seen["active"] is True and seen["client_id"] == slug
    assert machine.revoke_token(metadata["revocation_endpoint"], token=tokens["access_token"]).status_code == 200
    assert introspect() == {"active": False}


def test_a_revoked_refresh_token_takes_its_access_token_with_it(gateway, person, slug):
    client = gateway.add_client(
        slug, redirect_uris=[REDIRECT], grant_types=["authorization_code", "refresh_token"], scope="openid profile email asn")
    application, tokens, _ = signed_in(gateway, person, client)
    metadata = gateway.metadata
    application.revoke_token(metadata["revocation_endpoint"], token=tokens["refresh_token"], token_type_hint="refresh_token")
    assert requests.get(
        metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}, verify=gateway.verify, timeout=5
    ).status_code == 401  # fmt: skip


def test_native_application_without_a_secret(gateway, person, slug):
    client = gateway.add_client(
        slug, redirect_uris=["http://127.0.0.1/cb"], application_type="native", token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"], scope="openid profile email asn",
    )  # fmt: skip
    assert "client_secret" not in client or client["client_secret"] is None
    application = OAuth2Session(slug, redirect_uri="http://127.0.0.1:51234/cb", scope="openid", token_endpoint_auth_method="none")
    application.verify = gateway.verify
    verifier = generate_token(64)
    url, _ = application.create_authorization_url(
        gateway.metadata["authorization_endpoint"], code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256")
    first = application.fetch_token(
        gateway.metadata["token_endpoint"], authorization_response=person.authorize(url), code_verifier=verifier)
    second = application.refresh_token(gateway.metadata["token_endpoint"], refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
