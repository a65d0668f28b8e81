"""The FAPI 2.0 Security Profile as a conformance suite looks at it: behaviours 72 to 78.

Message signing (79) is not offered.
"""

import json
import secrets
import socket
import ssl
import subprocess
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import httpx2
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import OctKey, RSAKey

from harness import checks
from harness.gateway import Gateway
from harness.person import pkce
from harness.provider import REDIRECT, StrictClient, bare, new_key, public_set, signed, unsigned

pytest_plugins = ["harness.one_provider"]

# What the profile may answer to a pushed request that it does not take.
BAD_CLIENT = ("invalid_client", "invalid_request")


@pytest.fixture(scope="module")
def strict(provider):
    return provider.strict()


@pytest.fixture(scope="module")
def other(provider):
    return provider.strict()


def redeem(client, visit, headers: dict[str, str] | None = None, **form: str):
    whole = {"grant_type": "authorization_code", "code": visit.code, "redirect_uri": visit.asked["redirect_uri"],
             "code_verifier": visit.verifier, **form}  # fmt: skip
    return client.token(whole, headers)


# Pushed requests


def test_behaviour_72_a_push_is_201_with_a_handle_that_cannot_be_guessed(provider, strict, visitor):
    answer = strict.push(strict.request())
    told = checks.json_object(answer, 201)
    checks.is_not_stored(answer)
    assert checks.entropy(told["request_uri"].rpartition(":")[2]) >= 96
    checks.is_unguessable(told["request_uri"].rpartition(":")[2])
    assert isinstance(told["expires_in"], int) and 5 < told["expires_in"] <= 600
    assert strict.tokens(strict.visit(visitor)).id["sub"]


def test_behaviour_72_nothing_is_pushed_by_get(provider, strict):
    _, members = strict.authentication()
    url = provider.metadata["pushed_authorization_request_endpoint"]
    answer = provider.get(url, params={**members, **strict.request()})
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("inside", ["form", "object"])
def test_behaviour_72_a_request_uri_is_not_pushed(provider, strict, inside):
    handle, asked, _ = strict.pushed()
    if inside == "form":
        answer = strict.push({**asked, "request_uri": handle})
    else:
        now = int(time.time())
        claims = {**asked, "request_uri": handle, "iss": strict.id, "aud": provider.issuer, "nbf": now, "exp": now + 60}
        token = signed({"alg": "ES256", "kid": strict.key.kid}, claims, strict.key)
        answer = strict.push({"client_id": strict.id, "request": token})
        # Without it the same object is good.
        del claims["request_uri"]
        good = signed({"alg": "ES256", "kid": strict.key.kid}, claims, strict.key)
        checks.json_object(strict.push({"client_id": strict.id, "request": good}), 201)
    checks.refusal(answer, "invalid_request", "invalid_request_object")


def test_behaviour_72_a_request_that_was_not_pushed_is_refused(provider, strict, visitor):
    asked = strict.request()
    visit = visitor.visit(strict, only=asked, sent=asked)
    assert visit.logins == 0
    if visit.callback:
        visit.refused("invalid_request", "invalid_request_object")
    else:
        checks.error_page(visit.page, REDIRECT)


def test_behaviour_72_a_handle_is_its_clients_alone(provider, strict, other, visitor):
    handle, asked, _ = strict.pushed()
    visit = visitor.visit(other, only={"client_id": other.id, "request_uri": handle}, sent=asked)
    checks.error_page(visit.page, REDIRECT)
    assert visit.logins == 0


def test_behaviour_72_a_handle_is_used_up_by_its_answer(provider, strict, visitor):
    handle, asked, verifier = strict.pushed()
    only = {"client_id": strict.id, "request_uri": handle}
    first = visitor.visit(strict, only=only, sent=asked)
    assert first.code
    again = visitor.visit(strict, only=only, sent=asked)
    assert "invalid_request_uri" in checks.error_page(again.page, REDIRECT)
    first.verifier = verifier
    assert strict.tokens(first)


@pytest.mark.parametrize("goes_on_with", ["first", "second"])
def test_behaviour_72_a_handle_may_be_opened_twice_before_somebody_signs_in(provider, strict, visitor, goes_on_with):
    handle, asked, verifier = strict.pushed()
    only = {"client_id": strict.id, "request_uri": handle}
    pages = [visitor.visit(strict, only=only, sent=asked, sign_in=False).page for _ in range(2)]
    answer = visitor.fill_in(pages[goes_on_with == "second"], allow_redirects=False)
    while answer.status_code == 303 and not answer.headers["Location"].startswith(REDIRECT):
        answer = visitor.get(answer.headers["Location"], allow_redirects=False)
    told = checks.parameters(answer.headers["Location"].removeprefix(f"{REDIRECT}?"))
    assert told["state"] == asked["state"] and told["iss"] == provider.issuer
    form = {
        "grant_type": "authorization_code",
        "code": told["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": verifier,
    }
    assert strict.checked(checks.json_object(strict.token(form)), asked["nonce"])


def test_behaviour_72_parameters_beside_a_handle_change_nothing(provider, strict, visitor):
    handle, asked, verifier = strict.pushed()
    beside = {"client_id": strict.id, "request_uri": handle, "state": "another", "scope": "openid email",
              "nonce": "another",
              "redirect_uri": "https://evil.invalid/", "prompt": "none", "response_mode": "form_post"}  # fmt: skip
    visit = visitor.visit(strict, only=beside, sent=asked)
    visit.verifier = verifier
    if visit.callback:
        tokens = strict.tokens(visit)
        assert "email" not in checks.json_object(strict.userinfo(tokens.access_token))
    else:
        checks.error_page(visit.page, "https://evil.invalid/", REDIRECT)


BAD_PUSHES = {
    "no address": {"redirect_uri": None},
    "another address": {"redirect_uri": f"{REDIRECT}?x=y"},
    "scope": {"scope": "openid admin"},
    "another client": {"client_id": "somebody"},
}


@pytest.mark.parametrize("kind", BAD_PUSHES)
def test_behaviour_72_what_is_wrong_is_told_at_the_push(provider, strict, kind):
    answer = strict.push(strict.request(**BAD_PUSHES[kind]))
    checks.refusal(
        answer, "invalid_request", "invalid_client", "invalid_scope", "invalid_redirect_uri", status=(400, 401)
    )


# PKCE and codes


CHALLENGES = {
    "none": {"code_challenge": None, "code_challenge_method": None},
    "plain": {"code_challenge_method": "plain"},
    "no method": {"code_challenge_method": None},
    "short": {"code_challenge": "abc"},
}


@pytest.mark.parametrize("kind", CHALLENGES)
def test_behaviour_73_a_push_needs_a_challenge_of_s256(provider, strict, kind):
    checks.refusal(strict.push(strict.request(**CHALLENGES[kind])), "invalid_request")


@pytest.mark.parametrize("verifier", [None, "wrong", "challenge"])
def test_behaviour_73_a_code_needs_its_verifier(provider, strict, visitor, verifier):
    visit = strict.visit(visitor)
    form = {"grant_type": "authorization_code", "code": visit.code, "redirect_uri": REDIRECT}
    if verifier == "wrong":
        form["code_verifier"] = pkce()[0]
    elif verifier == "challenge":
        form["code_verifier"] = visit.asked["code_challenge"]
    checks.refusal(strict.token(form), "invalid_grant")


def test_behaviour_74_a_code_is_its_clients_alone(provider, strict, other, visitor):
    visit = strict.visit(visitor)
    checks.refusal(redeem(other, visit), "invalid_grant")


# Client assertions


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
def test_behaviour_75_strong_algorithms_are_accepted(provider, visitor, algorithm):
    client = provider.strict(algorithm)
    assert client.tokens(client.visit(visitor)).id["sub"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "RS512"])
def test_behaviour_75_other_algorithms_are_invalid_client(provider, algorithm):
    # A key that says nothing of what it is for, so that the algorithm alone is wrong.
    key = RSAKey.generate_key(2048, {"kid": secrets.token_urlsafe(8)})
    client = provider.register("fapi2", key=key, token_endpoint_auth_method="private_key_jwt", jwks=public_set(key))
    url = provider.metadata["pushed_authorization_request_endpoint"]
    asked = client.request(code_challenge=pkce()[1], code_challenge_method="S256")
    for used, is_good in (("PS256", True), (algorithm, False)):
        form = {**asked, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": client.assertion(used)}  # fmt: skip
        answer = provider.post(url, form)
        if is_good:
            checks.json_object(answer, 201)
        else:
            checks.refusal(answer, "invalid_client", status=(400, 401))


AUDIENCES = {
    "list of the issuer": lambda provider: [provider.issuer],
    "list of the issuer and another": lambda provider: [provider.issuer, "https://op.invalid"],
    "token endpoint": lambda provider: provider.metadata["token_endpoint"],
    "push endpoint": lambda provider: provider.metadata["pushed_authorization_request_endpoint"],
    "slash": lambda provider: provider.issuer + "/",
    "another": lambda provider: "https://op.invalid",
    "none": lambda provider: None,
}


@pytest.mark.parametrize("endpoint", ["push", "token"])
@pytest.mark.parametrize("kind", AUDIENCES)
def test_behaviour_75_the_audience_is_the_issuer_as_text_alone(provider, strict, kind, endpoint):
    checks.refusal(asked_with(strict, endpoint, aud=AUDIENCES[kind](provider)), "invalid_client", status=(400, 401))


def asked_with(client, endpoint: str, **assertion: object):
    """The answer to an assertion with something changed."""
    if endpoint == "push":
        return client.push(client.request(), **assertion)
    url = client.provider.metadata["token_endpoint"]
    _, members = client.authentication(**assertion)
    form = {**members, "grant_type": "refresh_token", "refresh_token": "x"}
    return client.provider.post(url, form, headers={"DPoP": client.proof("POST", url)})


TIMES = {
    "expired": lambda now: {"exp": now - 300, "iat": now - 360, "nbf": None},
    "not yet": lambda now: {"nbf": now + 75, "exp": now + 120},
    "no exp": lambda now: {"exp": None},
    "no sub": lambda now: {"sub": None},
    "another sub": lambda now: {"sub": "somebody"},
    "no iss": lambda now: {"iss": None},
    "no jti": lambda now: {"jti": None},
    "exp as text": lambda now: {"exp": str(now + 60)},
}


@pytest.mark.parametrize("endpoint", ["push", "token"])
@pytest.mark.parametrize("kind", TIMES)
def test_behaviour_75_a_bad_claim_is_invalid_client(provider, strict, kind, endpoint):
    checks.refusal(asked_with(strict, endpoint, **TIMES[kind](int(time.time()))), "invalid_client", status=(400, 401))


@pytest.mark.parametrize("claims", [{"nbf": 8}, {"iat": 8}, {"nbf": 8, "iat": 8}])
def test_behaviour_75_clocks_may_differ_by_eight_seconds(provider, strict, claims):
    now = int(time.time())
    changes = {name: now + ahead for name, ahead in claims.items()}
    checks.json_object(strict.push(strict.request(), **changes), 201)


@pytest.mark.parametrize("endpoint", ["pushed_authorization_request_endpoint", "token_endpoint"])
@pytest.mark.parametrize("kind", ["nothing", "no assertion", "no type", "unsigned", "another key", "secret"])
def test_behaviour_75_without_a_good_assertion_nobody_is_let_in(provider, strict, kind, endpoint):
    kind_of = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    now = int(time.time())
    claims = {
        "iss": strict.id,
        "sub": strict.id,
        "aud": provider.issuer,
        "jti": secrets.token_urlsafe(8),
        "exp": now + 60,
    }
    members = {
        "nothing": {},
        "no assertion": kind_of,
        "no type": {"client_assertion": strict.assertion()},
        "unsigned": {**kind_of, "client_assertion": unsigned(claims)},
        "another key": {**kind_of, "client_assertion": strict.assertion(key=new_key("ES256", kid=strict.key.kid))},
        # HMAC under the public key: a classic.
        "secret": {**kind_of, "client_assertion": signed(
            {"alg": "HS256", "kid": strict.key.kid}, claims, OctKey.import_key(json.dumps(bare(strict.key))))},
    }[kind]  # fmt: skip
    url = provider.metadata[endpoint]
    form = {**strict.request(), "grant_type": "refresh_token", "refresh_token": "x", **members}
    answer = provider.post(url, form, headers={"DPoP": strict.proof("POST", url)})
    checks.refusal(answer, *BAD_CLIENT, status=(400, 401))


def test_behaviour_75_an_assertion_is_good_once(provider, strict):
    url = provider.metadata["pushed_authorization_request_endpoint"]
    form = {**strict.request(), "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": strict.assertion()}  # fmt: skip
    checks.json_object(provider.post(url, form), 201)
    checks.refusal(provider.post(url, form), "invalid_client", status=(400, 401))


# Bound tokens


def test_behaviour_76_a_token_request_without_a_proof_is_refused(provider, strict, visitor):
    visit = strict.visit(visitor)
    checks.refusal(redeem(strict, visit, headers={}), "invalid_dpop_proof", "invalid_request", "invalid_grant")


def test_behaviour_76_tokens_are_bound_and_the_answer_says_so(provider, strict, visitor):
    answer = redeem(strict, strict.visit(visitor, scope="openid offline_access", prompt="consent"))
    told = checks.json_object(answer)
    checks.is_not_stored(answer)
    assert told["token_type"].lower() == "dpop" and isinstance(told["expires_in"], int)
    assert checks.entropy(told["access_token"]) > 96
    assert (
        json.loads(checks.unbase64url(told["access_token"].split(".")[1]))["cnf"]["jkt"]
        == strict.proof_key.thumbprint()
    )
    renewed = checks.json_object(strict.refresh(told["refresh_token"]))
    assert renewed["access_token"] != told["access_token"] and renewed["token_type"].lower() == "dpop"
    # A confidential client keeps its refresh token (section 5.3.2.1).
    assert renewed.get("refresh_token", told["refresh_token"]) == told["refresh_token"]


@pytest.mark.parametrize("changes", [{}, {"prompt": "none"}])
def test_behaviour_76_every_authorization_response_names_the_issuer(provider, strict, changes):
    visit = strict.visit(provider.visitor(), **changes)
    assert visit.response["iss"] == provider.issuer and ("code" in visit.response) == (not changes)


@pytest.mark.parametrize("response_type", ["code id_token", "token", "id_token", "none", "Code", None])
def test_behaviour_76_a_response_type_other_than_code_is_refused(provider, strict, response_type):
    answer = strict.push(strict.request(response_type=response_type))
    checks.refusal(answer, "unsupported_response_type", "invalid_request", "unauthorized_client")


def weak_rsa() -> dict:
    number = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    return {"kty": "RSA", "kid": "w", "n": checks.base64url(number.to_bytes(128, "big")), "e": "AQAB"}


@pytest.mark.parametrize("kind", ["RSA of 1024 bits", "P-192", "a point on no curve", "private", "symmetric"])
@pytest.mark.parametrize("profile", ["fapi2", "legacy"])
def test_behaviour_76_weak_and_private_keys_are_not_registered(provider, kind, profile):
    good = new_key("ES256").as_dict(private=False)
    jwk = {
        "RSA of 1024 bits": weak_rsa,
        "P-192": lambda: {
            "kty": "EC",
            "crv": "P-192",
            "kid": "w",
            "x": checks.base64url(b"\1" * 24),
            "y": checks.base64url(b"\2" * 24),
        },
        "a point on no curve": lambda: {**good, "y": good["x"]},
        "private": lambda: new_key("ES256").as_dict(private=True),
        "symmetric": lambda: {"kty": "oct", "kid": "s", "k": secrets.token_urlsafe(32)},
    }[kind]()
    answer = provider.try_register(profile, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [jwk]})
    checks.refusal(answer, "invalid_client_metadata")


def test_behaviour_76_the_profile_signs_with_strong_algorithms_only(provider, strict, visitor):
    tokens = strict.tokens(strict.visit(visitor))
    for token in (tokens.id_token, tokens.access_token):
        header = checks.header_of(token)
        assert header["alg"] in ("PS256", "ES256", "EdDSA")
        key = checks.published_key(header, provider.keys())
        assert key["kty"] != "RSA" or len(checks.unbase64url(key["n"])) * 8 >= 2048


# DPoP


def test_behaviour_77_a_proof_at_the_push_binds_the_code(provider, strict, visitor):
    url = provider.metadata["pushed_authorization_request_endpoint"]
    asked = strict.request()
    verifier = strict.verifier
    told = checks.json_object(strict.push(asked, {"DPoP": strict.proof("POST", url)}), 201)
    for key, is_good in ((new_key("ES256"), False), (None, True)):
        if is_good:
            told = checks.json_object(strict.push(asked, {"DPoP": strict.proof("POST", url)}), 201)
        visit = visitor.visit(strict, only={"client_id": strict.id, "request_uri": told["request_uri"]}, sent=asked)
        visit.verifier = verifier
        proof = strict.proof("POST", provider.metadata["token_endpoint"], key=key)
        answer = redeem(strict, visit, {"DPoP": proof})
        if is_good:
            assert checks.json_object(answer)["token_type"].lower() == "dpop"
        else:
            checks.refusal(answer, "invalid_grant", "invalid_dpop_proof")


@pytest.mark.parametrize("place", ["push", "token"])
def test_behaviour_77_dpop_jkt_binds_the_code(provider, strict, visitor, place):
    another = new_key("ES256")
    if place == "push":
        url = provider.metadata["pushed_authorization_request_endpoint"]
        answer = strict.push(strict.request(dpop_jkt=another.thumbprint()), {"DPoP": strict.proof("POST", url)})
        checks.refusal(answer, "invalid_dpop_proof", "invalid_request")
        return
    visit = strict.visit(visitor, dpop_jkt=another.thumbprint())
    checks.refusal(redeem(strict, visit), "invalid_grant", "invalid_dpop_proof")
    visit = strict.visit(visitor, dpop_jkt=another.thumbprint())
    good = strict.proof("POST", provider.metadata["token_endpoint"], key=another)
    assert checks.json_object(redeem(strict, visit, {"DPoP": good}))["access_token"]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_behaviour_77_proofs_of_strong_algorithms_are_accepted(provider, strict, algorithm):
    assert algorithm in provider.metadata["dpop_signing_alg_values_supported"]
    assert not {"none", "RS256", "HS256"} & set(provider.metadata["dpop_signing_alg_values_supported"])
    url = provider.metadata["pushed_authorization_request_endpoint"]
    proof = strict.proof("POST", url, key=new_key(algorithm))
    checks.json_object(strict.push(strict.request(), {"DPoP": proof}), 201)


def address(url: str, **changes: str) -> str:
    parts = httpx2.URL(url)
    return str(parts.copy_with(**changes))


GOOD_PROOFS = {
    "ten seconds old": lambda client, url: {"iat": int(time.time()) - 10},
    "ten seconds ahead": lambda client, url: {"iat": int(time.time()) + 10},
    "query": lambda client, url: {"htu": f"{url}?a=b"},
    "fragment": lambda client, url: {"htu": f"{url}#a"},
    "scheme and host in capitals": lambda client, url: {
        "htu": url.replace("https", "HTTPS").replace("localhost", "LOCALHOST")
    },
    "more claims": lambda client, url: {"extra": {"deep": [1]}, "nbf": 1, "exp": 4_000_000_000},
    "more in the header": lambda client, url: {"header": {"extra": "x", "kid": "k"}},
}

BAD_PROOFS = {
    "an hour old": lambda client, url: {"iat": int(time.time()) - 3600},
    "an hour ahead": lambda client, url: {"iat": int(time.time()) + 3600},
    "no typ": lambda client, url: {"header": {"typ": None}},
    "typ": lambda client, url: {"header": {"typ": "JWT"}},
    "no jwk": lambda client, url: {"header": {"jwk": None}},
    "another jwk": lambda client, url: {"header": {"jwk": bare(new_key("ES256"))}},
    "private jwk": lambda client, url: {"header": {"jwk": client.proof_key.as_dict(private=True)}},
    "no jti": lambda client, url: {"jti": None},
    "jti": lambda client, url: {"jti": 7},
    "empty jti": lambda client, url: {"jti": ""},
    "no htm": lambda client, url: {"htm": None},
    "htm": lambda client, url: {"htm": "PUT"},
    "htm in small letters": lambda client, url: {"htm": "post"},
    "no htu": lambda client, url: {"htu": None},
    "htu": lambda client, url: {"htu": "https://op.invalid/token"},
    "htu of http": lambda client, url: {"htu": url.replace("https", "http")},
    "htu without port": lambda client, url: {"htu": address(url, port=None)},
    "htu of another endpoint": lambda client, url: {"htu": f"{url}/x"},
    "path in capitals": lambda client, url: {"htu": address(url, path=httpx2.URL(url).path.upper())},
    "no iat": lambda client, url: {"iat": None},
    "iat": lambda client, url: {"iat": "now"},
    "RS256": lambda client, url: {"key": new_key("RS256")},
    "crit": lambda client, url: {"header": {"crit": ["x"], "x": 1}},
}


@pytest.mark.parametrize("endpoint", ["token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint"])
@pytest.mark.parametrize("kind", GOOD_PROOFS)
def test_behaviour_77_an_unusual_proof_is_a_proof(provider, strict, visitor, kind, endpoint):
    url = provider.metadata[endpoint]
    changes = GOOD_PROOFS[kind](strict, url)
    answer = with_proof(strict, visitor, endpoint, lambda method, token: strict.proof(method, url, token, **changes))
    assert answer.status_code == (201 if endpoint.startswith("pushed") else 200), answer.text


@pytest.mark.parametrize("endpoint", ["token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint"])
@pytest.mark.parametrize("kind", [*BAD_PROOFS, "none", "HS256", "two headers", "no JWS", "signature"])
def test_behaviour_77_a_proof_with_a_flaw_is_refused(provider, strict, visitor, kind, endpoint):
    url = provider.metadata[endpoint]

    def proof(method: str, token: str | None) -> str | list[str]:
        if kind in BAD_PROOFS:
            return strict.proof(method, url, token, **BAD_PROOFS[kind](strict, url))
        good = strict.proof(method, url, token)
        head, body, signature = good.split(".")
        if kind == "two headers":
            return [good, strict.proof(method, url, token)]
        if kind == "none":
            header = {**json.loads(checks.unbase64url(head)), "alg": "none"}
            return f"{checks.base64url(json.dumps(header).encode())}.{body}."
        if kind == "HS256":
            header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": bare(strict.proof_key)}
            return signed(
                header, json.loads(checks.unbase64url(body)), OctKey.import_key(json.dumps(bare(strict.proof_key)))
            )
        if kind == "signature":
            return f"{head}.{body}.{checks.base64url(bytes(64))}"
        return "no proof at all"

    answer = with_proof(strict, visitor, endpoint, proof)
    if endpoint == "userinfo_endpoint":
        assert answer.status_code in (400, 401), answer.text
        assert "sub" not in answer.text and answer.headers["WWW-Authenticate"].split()[0].lower() == "dpop"
    else:
        checks.refusal(answer, "invalid_dpop_proof", "invalid_request")


def with_proof(client, visitor, endpoint: str, proof):
    """The answer of an endpoint to otherwise good requests."""
    provider = client.provider
    if endpoint == "userinfo_endpoint":
        token = client.tokens(client.visit(visitor)).access_token
        return sent(provider, "GET", endpoint, {}, proof("GET", token), {"Authorization": f"DPoP {token}"})
    _, members = client.authentication()
    if endpoint.startswith("pushed"):
        return sent(provider, "POST", endpoint, {**members, **client.request()}, proof("POST", None))
    visit = client.visit(visitor)
    form = {
        **members,
        "grant_type": "authorization_code",
        "code": visit.code,
        "redirect_uri": REDIRECT,
        "code_verifier": visit.verifier,
    }
    return sent(provider, "POST", endpoint, form, proof("POST", None))


def sent(provider, method: str, endpoint: str, form: dict, proofs: str | list[str], headers: dict[str, str] = {}):
    """By a client that sends a header twice where it is told to."""
    whole = [*headers.items(), *(("DPoP", proof) for proof in ([proofs] if isinstance(proofs, str) else proofs))]
    context = ssl.create_default_context(cafile=provider.gateway.ca_file)
    with httpx2.Client(verify=context, trust_env=False, timeout=20) as web:
        return web.request(method, provider.metadata[endpoint], data=form or None, headers=whole)


@pytest.mark.parametrize("htu", [
    "https://localhost/oauth2/par", "https://localhost:443/oauth2/par", "HTTPS://LocalHost:443/oauth2/par?a=b#c",
])  # fmt: skip
def test_behaviour_77_the_usual_port_is_as_none(without_port, htu):
    checks.json_object(pushed_without_port(without_port, htu), 201)


@pytest.mark.parametrize("htu", ["https://localhost:444/oauth2/par", "http://localhost:443/oauth2/par"])
def test_behaviour_77_another_port_is_another_address(without_port, htu):
    checks.refusal(pushed_without_port(without_port, htu), "invalid_dpop_proof")


@pytest.fixture(scope="module")
def without_port(authority):
    """A gateway as behind a proxy at the usual port, and a client of it."""
    gateway = Gateway(authority, people=2)
    gateway.settings["issuer"] = "https://localhost"
    with gateway:
        key = new_key("ES256")
        told = gateway.add_client(
            "perilaku", redirect_uris=[REDIRECT], profile="fapi2", token_endpoint_auth_method="private_key_jwt",
            jwks=public_set(key))  # fmt: skip
        known = SimpleNamespace(issuer="https://localhost", gateway=gateway)
        yield StrictClient(known, told, key)


def pushed_without_port(client, htu: str):
    _, members = client.authentication()
    gateway = client.provider.gateway
    headers = {"Host": "localhost", "DPoP": client.proof("POST", htu)}
    return requests.post(
        f"{gateway.issuer}/oauth2/par", data={**members, **client.request()}, headers=headers, verify=gateway.ca_file,
        timeout=20)  # fmt: skip


@pytest.mark.parametrize("kind", ["none", "of another token"])
def test_behaviour_77_a_proof_beside_a_token_names_it(provider, strict, visitor, kind):
    token = strict.tokens(strict.visit(visitor)).access_token
    url = provider.metadata["userinfo_endpoint"]
    proof = strict.proof("GET", url) if kind == "none" else strict.proof("GET", url, token + "x")
    answer = strict.userinfo(token, proof=proof)
    assert answer.status_code in (400, 401) and "sub" not in answer.text
    assert checks.json_object(strict.userinfo(token))["sub"]


@pytest.mark.parametrize("endpoint", ["token_endpoint", "pushed_authorization_request_endpoint", "userinfo_endpoint"])
def test_behaviour_77_a_proof_is_good_once(provider, strict, visitor, endpoint):
    url = provider.metadata[endpoint]
    token = strict.tokens(strict.visit(visitor)).access_token
    once = strict.proof(
        "GET" if endpoint == "userinfo_endpoint" else "POST", url, token if endpoint == "userinfo_endpoint" else None
    )
    for is_good in (True, False):
        if endpoint == "userinfo_endpoint":
            answer = strict.userinfo(token, proof=once)
        else:
            answer = with_proof(strict, visitor, endpoint, lambda method, token: once)
        if is_good:
            assert answer.status_code in (200, 201), answer.text
        else:
            assert answer.status_code in (400, 401), answer.text


@pytest.mark.parametrize(
    "way", ["Bearer without proof", "Bearer with proof", "DPoP without proof", "another key", "body"]
)
def test_behaviour_77_a_bound_token_is_no_bearer_token(provider, strict, visitor, way):
    token = strict.tokens(strict.visit(visitor)).access_token
    url = provider.metadata["userinfo_endpoint"]
    answer = {
        "Bearer without proof": lambda: provider.userinfo(token),
        "Bearer with proof": lambda: strict.userinfo(token, "Bearer"),
        "DPoP without proof": lambda: provider.userinfo(token, "DPoP"),
        "another key": lambda: strict.userinfo(token, proof=strict.proof("GET", url, token, key=new_key("ES256"))),
        "body": lambda: provider.post(url, {"access_token": token}),
    }[way]()
    assert answer.status_code in (400, 401) and "sub" not in answer.text, answer.text
    assert answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_behaviour_77_the_scheme_has_no_case(provider, strict, visitor, scheme):
    tokens = strict.tokens(strict.visit(visitor))
    answer = strict.userinfo(tokens.access_token, scheme)
    assert checks.json_object(answer)["sub"] == tokens.id["sub"]


# TLS


# Key exchange and the rest of what RFC 9325 section 4.2 and the registry of IANA recommend.
BCP_195 = {
    f"ECDHE-{key}-{rest}"
    for key in ("ECDSA", "RSA")
    for rest in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
}


def handshake(gateway, version: ssl.TLSVersion, ciphers: str = "ALL:COMPLEMENTOFALL") -> str | None:
    """The cipher that one version of TLS ends in; nothing where it is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(gateway.ca_file)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection(("localhost", gateway.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as line:
                return line.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


def accepted(gateway) -> set[str]:
    """Every cipher of TLS 1.2 that the gateway takes, each tried alone."""
    everything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    everything.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    names = {cipher["name"] for cipher in everything.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert len(names) > 40 and BCP_195 <= names
    return {name for name in names if handshake(gateway, ssl.TLSVersion.TLSv1_2, name)}


@pytest.fixture(scope="module")
def with_rsa(authority):
    """A gateway whose certificate has an RSA key: it opens other ciphers than one of a curve."""
    gateway = Gateway(authority, people=2)
    key, request, certificate, extensions = (
        gateway.folder / f"tls.{ending}" for ending in ("key", "csr", "pem", "ext")
    )
    for arguments in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial",
         "-days", "2", "-out", certificate, "-extfile", extensions],
    ):  # fmt: skip
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    key.chmod(0o600)
    with gateway:
        yield gateway


@pytest.mark.parametrize("key", ["ECDSA", "RSA"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_behaviour_78_of_1_2_only_recommended_ciphers_are_accepted_and_of_1_1_none(request, provider, key):
    gateway = provider.gateway if key == "ECDSA" else request.getfixturevalue("with_rsa")
    assert not handshake(gateway, ssl.TLSVersion.TLSv1) and not handshake(gateway, ssl.TLSVersion.TLSv1_1)
    taken = accepted(gateway)
    assert {name for name in taken if name.startswith(f"ECDHE-{key}-AES") and "GCM" in name}, taken
    assert taken <= BCP_195, f"taken besides: {taken - BCP_195}"


def test_behaviour_78_tls_1_3_is_there_and_preferred(provider):
    context = ssl.create_default_context(cafile=provider.gateway.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("localhost", provider.gateway.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as line:
            assert line.version() == "TLSv1.3"


def test_behaviour_78_the_resource_answers_with_a_date(provider, strict, visitor):
    answer = strict.userinfo(strict.tokens(strict.visit(visitor)).access_token)
    assert answer.status_code == 200 and parsedate_to_datetime(answer.headers["Date"]).timestamp() > time.time() - 60
