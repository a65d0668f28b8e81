"""PyJWT, joserfc and jwcrypto as verifiers: every algorithm, and keys that change while applications hold old tokens."""

import json
import ssl

import jwt
import pytest
import requests
from joserfc import jwk
from joserfc import jwt as joserfc_jwt
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

from harness.city import nip
from harness.gateway import Gateway
from harness.person import Person

REDIRECT = "http://127.0.0.1:9/callback"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "HS256"]


def key_client(gateway: Gateway) -> jwt.PyJWKClient:
    context = ssl.create_default_context(cafile=gateway.ca_file) if gateway.ca_file else None
    return jwt.PyJWKClient(gateway.metadata["jwks_uri"], ssl_context=context)


def verify_with_pyjwt(gateway: Gateway, token: str, algorithm: str, audience: str, secret: str) -> dict:
    key = secret if algorithm.startswith("HS") else key_client(gateway).get_signing_key_from_jwt(token).key
    return jwt.decode(
        token, key, algorithms=[algorithm], audience=audience, issuer=gateway.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat", "auth_time"]},
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_id_token_verifies_in_three_libraries(gateway, person, slug, algorithm):
    client = gateway.add_client(slug, redirect_uris=[REDIRECT], scope="openid", id_token_signed_response_alg=algorithm)
    secret = client["client_secret"]
    token = person.tokens(slug, secret, REDIRECT, nonce="sekali")["id_token"]
    claims = verify_with_pyjwt(gateway, token, algorithm, slug, secret)
    assert claims["nonce"] == "sekali"

    published = requests.get(gateway.metadata["jwks_uri"], verify=gateway.verify, timeout=5).text
    if algorithm == "HS256":
        own, theirs = jwk.OctKey.import_key(secret), jwcrypto_jwk.JWK.from_password(secret)
    else:
        own, theirs = jwk.KeySet.import_key_set(json.loads(published)), jwcrypto_jwk.JWKSet.from_json(published)
    assert joserfc_jwt.decode(token, own, algorithms=[algorithm]).claims == claims
    assert json.loads(jwcrypto_jwt.JWT(jwt=token, key=theirs, algs=[algorithm]).claims) == claims

    with pytest.raises(jwt.InvalidTokenError):
        verify_with_pyjwt(gateway, token[:-8] + "AAAAAAAA", algorithm, slug, secret)


def test_the_gateway_checks_a_token_as_an_application_does(gateway, person, slug):
    client = gateway.add_client(slug, redirect_uris=[REDIRECT], scope="openid")
    token = person.tokens(slug, client["client_secret"], REDIRECT)["id_token"]
    (gateway.folder / "jwks.json").write_text(requests.get(gateway.metadata["jwks_uri"], verify=gateway.verify, timeout=5).text)
    arguments = ("token", "verify", "-", "--jwks", "jwks.json", "--issuer", gateway.issuer, "--audience")
    assert gateway.try_run(*arguments, slug, stdin=token).returncode == 0
    assert gateway.try_run(*arguments, "lain", stdin=token).returncode == 1


def test_old_tokens_verify_after_keys_rotate_while_the_gateway_runs():
    with Gateway() as gateway:
        client = gateway.add_client("rotasi", redirect_uris=[REDIRECT], scope="openid")
        person = Person(gateway, nip(0))
        person.set_password()
        tokens = [person.tokens("rotasi", client["client_secret"], REDIRECT)["id_token"]]
        for _ in range(2):
            gateway.age_keys()
            gateway.run("keys", "rotate")
            tokens.append(person.tokens("rotasi", client["client_secret"], REDIRECT)["id_token"])

        assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 3
        for token in tokens:
            assert verify_with_pyjwt(gateway, token, "RS256", "rotasi", "")["sub"]
        assert gateway.stop() == 0
        gateway.start()
        for token in tokens:
            assert verify_with_pyjwt(gateway, token, "RS256", "rotasi", "")["sub"]
