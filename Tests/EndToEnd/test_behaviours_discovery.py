"""Metadata, keys, other origins and headers as a conformance suite looks at them: behaviours 2, 54 to 58, 80 and 81.

Left out by decision: implicit and hybrid (that half of 55).
"""

import re
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import KeySet

from harness import checks
from harness.provider import REDIRECT

pytest_plugins = ["harness.one_provider"]

# RFC 8414, OpenID Connect Discovery, the three logout specifications, Prompt Create; RFC 7636, 8628, 8705, 9101, 9126,
# 9207, 9396, 9449, 9701, 9728; CIBA, JARM, Federation, Grant Management, Client ID Metadata Documents, Global Token
# Revocation.
KNOWN_MEMBERS = set(
    """
    issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint scopes_supported
    response_types_supported response_modes_supported grant_types_supported acr_values_supported
    subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
    id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
    userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
    request_object_signing_alg_values_supported request_object_encryption_alg_values_supported
    request_object_encryption_enc_values_supported token_endpoint_auth_methods_supported
    token_endpoint_auth_signing_alg_values_supported display_values_supported claim_types_supported claims_supported
    service_documentation claims_locales_supported ui_locales_supported claims_parameter_supported
    request_parameter_supported request_uri_parameter_supported require_request_uri_registration op_policy_uri
    op_tos_uri revocation_endpoint revocation_endpoint_auth_methods_supported
    revocation_endpoint_auth_signing_alg_values_supported introspection_endpoint
    introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
    introspection_signing_alg_values_supported introspection_encryption_alg_values_supported
    introspection_encryption_enc_values_supported code_challenge_methods_supported signed_metadata
    device_authorization_endpoint tls_client_certificate_bound_access_tokens mtls_endpoint_aliases
    pushed_authorization_request_endpoint require_pushed_authorization_requests require_signed_request_object
    authorization_response_iss_parameter_supported authorization_details_types_supported
    dpop_signing_alg_values_supported end_session_endpoint check_session_iframe frontchannel_logout_supported
    frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported
    prompt_values_supported authorization_signing_alg_values_supported authorization_encryption_alg_values_supported
    authorization_encryption_enc_values_supported backchannel_authentication_endpoint
    backchannel_token_delivery_modes_supported backchannel_authentication_request_signing_alg_values_supported
    backchannel_user_code_parameter_supported grant_management_endpoint grant_management_actions_supported
    grant_management_action_required client_registration_types_supported federation_registration_endpoint
    signed_jwks_uri jwks organization_name client_id_metadata_document_supported global_token_revocation_endpoint
    global_token_revocation_endpoint_auth_methods_supported protected_resources
""".split()
)
ADDRESSES = ("jwks_uri", "check_session_iframe")
# RFC 5646 in its canonical case: language, script, region, variants.
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-([a-z\d]{5,8}|\d[a-z\d]{3}))*")


def addresses(metadata: dict) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name.endswith("_endpoint") or name in ADDRESSES}


def test_behaviour_2_every_address_is_https_and_answers(provider):
    assert provider.metadata["issuer"].startswith("https://")
    told = addresses(provider.metadata)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
                 "registration_endpoint", "pushed_authorization_request_endpoint"):  # fmt: skip
        assert name in told
    for name, value in told.items():
        parts = urlsplit(value)
        assert parts.scheme == "https" and parts.netloc and not parts.fragment and not parts.username, (
            f"{name}: {value}"
        )
        assert provider.get(value).status_code not in (404, 500, 501, 503), f"{name}: {value}"


@pytest.mark.parametrize("path", ["openid-configuration", "oauth-authorization-server"])
def test_behaviour_54_the_issuer_is_where_the_metadata_come_from(provider, path):
    url = f"{provider.issuer}/.well-known/{path}"
    answer = provider.get(url)
    metadata = checks.json_object(answer)
    parts = urlsplit(metadata["issuer"])
    assert f"{metadata['issuer'].removesuffix('/')}/.well-known/{path}" == url
    assert parts.scheme == "https" and not (parts.query or parts.fragment or parts.username or parts.password)
    assert parts.port == provider.gateway.port
    assert metadata == provider.metadata


def test_behaviour_55_what_has_to_be_said_is_said(provider):
    metadata = provider.metadata
    assert "code" in metadata["response_types_supported"]
    assert metadata["subject_types_supported"] and set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert (
        metadata["userinfo_endpoint"]
        and "openid" in metadata["scopes_supported"]
        and "sub" in metadata["claims_supported"]
    )
    assert "authorization_code" in metadata["grant_types_supported"]
    assert "RS256" in metadata["request_object_signing_alg_values_supported"]
    assert (
        "S256" in metadata["code_challenge_methods_supported"]
        and "plain" not in metadata["code_challenge_methods_supported"]
    )
    for name in ("request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"):
        assert isinstance(metadata[name], bool), name


def test_behaviour_55_lists_are_lists_of_distinct_texts_and_never_empty(provider):
    for name, value in provider.metadata.items():
        assert value is not None and value != "" and value != {}, name
        if name.endswith("_supported") and not isinstance(value, bool):
            assert isinstance(value, list) and value, f"{name} is {value!r}"
            assert all(isinstance(text, str) and text.strip() for text in value) and len(set(value)) == len(value), name
        if name.endswith(("_alg_values_supported",)) and "encryption" not in name:
            # RFC 8414 section 2: never for authentication.
            assert "none" not in value, name
    for scope in provider.metadata["scopes_supported"]:
        assert re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", scope), scope
    for name in ("ui_locales_supported", "claims_locales_supported"):
        for locale in provider.metadata.get(name, []):
            assert LOCALE.fullmatch(locale), f"{name}: {locale}"
    # RFC 8414 section 2: algorithms have to be said for methods with a signature.
    for endpoint in ("token", "introspection", "revocation"):
        if {"private_key_jwt", "client_secret_jwt"} & set(
            provider.metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        ):
            assert provider.metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]


def test_behaviour_56_no_member_of_the_metadata_is_an_invention(provider):
    assert set(provider.metadata) <= KNOWN_MEMBERS, set(provider.metadata) - KNOWN_MEMBERS


PUBLIC = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
SIZES = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32, "Ed448": 57}


def test_behaviour_57_keys_are_public_distinct_and_usable(provider):
    keys = provider.keys()["keys"]
    kids = [key["kid"] for key in keys]
    assert keys and len(set(kids)) == len(kids) and all(isinstance(kid, str) and kid.strip() for kid in kids)
    materials = {key.get("n") or key["x"] for key in keys}
    assert len(materials) == len(keys), "two kids for one key"
    for key in keys:
        described = {"kty", "kid", "use", "alg", "key_ops", "x5c", "x5t", "x5t#S256", "x5u"}
        assert set(key) - described == PUBLIC[key["kty"]], set(key)
        for name in PUBLIC[key["kty"]] - {"crv"}:
            data = checks.unbase64url(key[name])
            if "crv" in key:
                assert len(data) == SIZES[key["crv"]], f"{name} of {key['crv']} has {len(data)} bytes"
        if key["kty"] == "RSA":
            assert len(checks.unbase64url(key["n"])) * 8 >= 2048 and checks.unbase64url(key["n"])[0] != 0
        assert key.get("use") == "sig" and key["alg"] in provider.metadata["id_token_signing_alg_values_supported"]
        assert KeySet.import_key_set({"keys": [key]}).keys[0].as_dict(private=False)["kid"] == key["kid"]


def test_behaviour_57_the_key_set_is_json_that_may_be_kept_for_a_while(provider):
    answer = provider.get(provider.metadata["jwks_uri"])
    checks.json_object(answer)
    directives = dict(part.strip().partition("=")[::2] for part in answer.headers["Cache-Control"].split(","))
    assert 0 < int(directives["max-age"]) <= 3600


def test_behaviour_58_after_a_rotation_old_tokens_verify_and_new_ones_have_a_new_key(provider, visitor):
    client = provider.register()
    before, old = provider.keys(), client.sign_in(visitor)
    provider.gateway.age_keys()
    provider.gateway.run("keys", "rotate", "--algorithm", "RS256")
    after = provider.keys()
    known = {key["kid"]: key for key in before["keys"]}
    now = {key["kid"]: key for key in after["keys"]}
    assert all(now.get(kid) == key for kid, key in known.items()), "a key that signed is gone"
    added = [key for kid, key in now.items() if kid not in known]
    materials = {key.get("n") or key["x"] for key in before["keys"]}
    assert added and all((key.get("n") or key["x"]) not in materials for key in added), "no new key"
    checks.verified(old.id_token, after, "RS256")
    assert checks.json_object(provider.userinfo(old.access_token))["sub"] == old.id["sub"]
    new = client.sign_in(visitor)
    assert checks.header_of(new.id_token)["kid"] != checks.header_of(old.id_token)["kid"]
    # A hint that the old key signed is still one.
    hinted = visitor.visit(client, prompt="none", id_token_hint=old.id_token)
    assert client.tokens(hinted).id["sub"] == old.id["sub"]


# Scripts of other origins

ORIGIN = "https://spa.rp.invalid"
OPEN = ["jwks_uri", "metadata"]
REGISTERED = ["token_endpoint", "userinfo_endpoint", "revocation_endpoint"]


def endpoint(provider, name: str) -> str:
    return f"{provider.issuer}/.well-known/openid-configuration" if name == "metadata" else provider.metadata[name]


def preflight(provider, url: str, origin: str, method: str = "POST"):
    return provider.web.options(
        url,
        timeout=20,
        allow_redirects=False,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


@pytest.fixture(scope="module")
def public(provider):
    """A public client whose script is at `ORIGIN`."""
    return provider.add(redirect_uris=[f"{ORIGIN}/callback"], token_endpoint_auth_method="none", require_pkce=True)


@pytest.mark.parametrize("name", OPEN + REGISTERED)
def test_behaviour_80_a_registered_origin_may_ask(provider, public, name):
    url = endpoint(provider, name)
    method = "GET" if name in OPEN else "POST"
    asked = preflight(provider, url, ORIGIN, method)
    assert asked.status_code in (200, 204), asked.status_code
    assert asked.headers["Access-Control-Allow-Origin"] in (ORIGIN, "*")
    assert method in [word.strip() for word in asked.headers["Access-Control-Allow-Methods"].split(",")]
    allowed = [word.strip().lower() for word in asked.headers["Access-Control-Allow-Headers"].split(",")]
    assert {"authorization", "content-type"} <= set(allowed)
    answer = provider.web.request(method, url, headers={"Origin": ORIGIN}, timeout=20)
    assert answer.headers["Access-Control-Allow-Origin"] in (ORIGIN, "*"), "the answer itself is hidden from the script"
    for each in (asked, answer):
        assert "Access-Control-Allow-Credentials" not in each.headers
        if each.headers["Access-Control-Allow-Origin"] == ORIGIN:
            assert "origin" in each.headers["Vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.invalid", "null", f"{ORIGIN}.evil.invalid", "http://spa.rp.invalid", REDIRECT]
)
@pytest.mark.parametrize("name", REGISTERED)
def test_behaviour_80_another_origin_is_told_nothing(provider, public, name, origin):
    url = endpoint(provider, name)
    for answer in (preflight(provider, url, origin), provider.post(url, {}, headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.invalid"])
def test_behaviour_80_the_authorization_endpoint_says_nothing_to_scripts(provider, public, origin):
    url = provider.metadata["authorization_endpoint"]
    asked = provider.get(url, params=public.request(), headers={"Origin": origin})
    for answer in (preflight(provider, url, origin, "GET"), asked):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")], answer.headers


# Headers of pages


@pytest.mark.parametrize("page", ["sign-in", "consent", "error", "sign-out", "portal", "form_post", "nowhere"])
def test_behaviour_81_pages_are_not_framed_and_no_form_action_is_forbidden(provider, visitor, page):
    client = provider.register(trusted=False)
    if page == "sign-in":
        answer = visitor.visit(client, sign_in=False).page
    elif page == "error":
        answer = visitor.visit(client, redirect_uri="https://evil.invalid").page
    elif page == "nowhere":
        answer = visitor.get("/nowhere")
    else:
        visit = visitor.visit(client, response_mode="form_post")
        found = {"consent": lambda: next(each for each in visit.answers if 'id="consent-form"' in each.text),
                 "form_post": lambda: visit.page,
                 "sign-out": lambda: visitor.get(provider.metadata["end_session_endpoint"]),
                 "portal": lambda: visitor.get("/portal")}  # fmt: skip
        answer = found[page]()
    assert checks.essence(answer) == "text/html"
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'" and "form-action" not in policy, policy
    assert answer.headers["X-Frame-Options"].upper() == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Strict-Transport-Security"]
    checks.is_not_stored(answer)
