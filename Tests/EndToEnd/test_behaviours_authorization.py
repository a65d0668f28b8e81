"""The authorization endpoint as a conformance suite looks at it: behaviours 1 and 3 to 30.

Left out by decision: implicit and hybrid (those halves of 6, 23 and 24), and objects by reference (27).
"""

import html
import json
import re
import secrets
import time
from urllib.parse import urlencode

import pytest

from harness import checks
from harness.browser import Browser
from harness.person import pkce
from harness.provider import REDIRECT, new_key, public_set, signed, unsigned, wait_for_next_second, wait_until

pytest_plugins = ["harness.one_provider"]

# What an application may be told instead of a sign-in that nobody sees.
UNSEEN = ("login_required", "interaction_required", "account_selection_required", "consent_required")
ODD_STATES = {
    "128 characters": secrets.token_urlsafe(96),
    "reserved": "a b+c%26&d=e;f/?:@g#h%00%zz\\\"'<>`{|}^~!$*(),[]",
    "letters": "é ü 漢字 😀 e\u0301",
    "one": "0",
}


# Preconditions


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_behaviour_1_the_code_flow_works_without_pkce(provider, visitor, method):
    client = provider.basic if method == "client_secret_basic" else provider.register(token_endpoint_auth_method=method)
    visit = visitor.visit(client)
    assert "code_challenge" not in visit.asked and visit.logins == 1
    assert client.tokens(visit).id["sub"]


def test_behaviour_1_a_valid_s256_challenge_works(provider, visitor):
    verifier, challenge = pkce()
    visit = visitor.visit(provider.basic, code_challenge=challenge, code_challenge_method="S256")
    assert provider.basic.tokens(visit, code_verifier=verifier).id["sub"]


def test_behaviour_3_unknown_parameters_are_ignored(provider, visitor):
    visit = visitor.visit(provider.basic, extra="foobar", **{"urn:x-unknown[]": "1"})
    assert provider.basic.tokens(visit).id["sub"]


def test_behaviour_4_the_order_of_parameters_and_of_scope_tokens_does_not_matter(provider, visitor):
    granted = []
    for scope, turned in [("openid email phone", False), ("phone openid email", True)]:
        asked = provider.basic.request(scope=scope)
        query = dict(reversed(asked.items())) if turned else asked
        visit = visitor.visit(provider.basic, only=query, sent=asked)
        tokens = provider.basic.tokens(visit)
        granted.append(set(checks.json_object(provider.userinfo(tokens.access_token))))
    assert granted[0] == granted[1] and {"email", "phone_number"} <= granted[0]


@pytest.mark.parametrize("signed_in", [False, True])
def test_behaviour_5_a_posted_request_works_like_one_in_the_query(provider, visitor, signed_in):
    if signed_in:
        visitor.visit(provider.basic)
    visit = visitor.visit(provider.basic, method="POST", state=ODD_STATES["reserved"])
    assert visit.logins == (0 if signed_in else 1)
    assert provider.basic.tokens(visit).id["sub"]


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("kind", ODD_STATES)
def test_behaviour_6_state_comes_back_byte_for_byte_in_the_right_place(provider, visitor, kind, mode):
    state = ODD_STATES[kind]
    refused = visitor.visit(provider.basic, prompt="none", state=state, response_mode=mode)
    assert refused.refused(*UNSEEN)["state"] == state
    granted = visitor.visit(provider.basic, state=state, response_mode=mode)
    assert granted.code and granted.response["state"] == state


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_behaviour_6_without_state_none_is_returned(provider, visitor, mode):
    refused = visitor.visit(provider.basic, prompt="none", state=None, response_mode=mode)
    assert "state" not in refused.refused(*UNSEEN)
    granted = visitor.visit(provider.basic, state=None, response_mode=mode)
    assert granted.code and "state" not in granted.response


def test_behaviour_7_every_answer_carries_the_issuer_and_the_metadata_say_so(provider, visitor):
    assert provider.metadata["authorization_response_iss_parameter_supported"] is True
    for changes in ({"prompt": "none"}, {"response_type": "token"}, {"scope": "openid admin"}, {}):
        for mode in ("query", "form_post"):
            visit = visitor.visit(provider.basic, response_mode=mode, **changes)
            assert visit.response["iss"] == provider.metadata["issuer"] == provider.issuer


# Authorization endpoint


def test_behaviour_9_without_a_response_type_the_error_is_in_the_query(provider, visitor):
    visit = visitor.visit(provider.basic, response_type=None)
    assert visit.refused("unsupported_response_type", "invalid_request")["state"] == visit.asked["state"]


OTHERS = {
    "not registered": f"{REDIRECT}2",
    "another segment": f"{REDIRECT}/extra",
    "slash": f"{REDIRECT}/",
    "query added": f"{REDIRECT}?foo=bar",
    "query changed": f"{REDIRECT}?dummy1=lorem&dummy2=DOLOR",
    "query longer": f"{REDIRECT}?dummy1=lorem&dummy2=ipsum&foo=bar",
    "query turned": f"{REDIRECT}?dummy2=ipsum&dummy1=lorem",
    "fragment": f"{REDIRECT}#x",
    "capitals": REDIRECT.replace("callback", "Callback"),
    "host in capitals": REDIRECT.replace("rp.", "RP."),
    "port": REDIRECT.replace(".invalid", ".invalid:443"),
    "http": REDIRECT.replace("https", "http"),
    "escape": REDIRECT.replace("callback", "c%61llback"),
    "dots": REDIRECT.replace("callback", "x/../callback"),
    "user": REDIRECT.replace("rp.", "a@rp."),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_behaviour_10_an_address_that_is_not_registered_gets_nothing(provider, visitor, kind):
    visitor.visit(provider.basic)
    visit = visitor.visit(provider.basic, redirect_uri=OTHERS[kind])
    assert visit.callback is None and len(visit.answers) == 1
    checks.error_page(visit.page, OTHERS[kind], html.escape(OTHERS[kind]), REDIRECT)


@pytest.mark.parametrize("addresses", [[REDIRECT], [REDIRECT, f"{REDIRECT}/2"]])
def test_behaviour_11_without_a_redirect_uri_an_error_page_is_shown(provider, visitor, addresses):
    client = provider.register(redirect_uris=addresses)
    visit = visitor.visit(client, redirect_uri=None)
    assert visit.callback is None and len(visit.answers) == 1
    checks.error_page(visit.page, *addresses)


def test_behaviour_12_a_redirect_uri_keeps_its_own_query(provider, visitor):
    own = f"{REDIRECT}?dummy1=lorem&dummy2=ipsum"
    visit = visitor.visit(provider.basic, redirect_uri=own)
    assert visit.callback.startswith(f"{own}&") and provider.basic.tokens(visit).id["sub"]
    refused = visitor.visit(provider.basic, redirect_uri=own, response_type="token")
    assert refused.callback.startswith(f"{own}&") and refused.refused("unsupported_response_type")


def test_behaviour_13_prompt_none_without_a_session_is_login_required_at_once(provider, visitor):
    visit = visitor.visit(provider.basic, prompt="none")
    assert len(visit.answers) == 1 and visit.logins == 0
    assert "code" not in visit.refused("login_required")


@pytest.mark.parametrize("trusted", [True, False])
def test_behaviour_14_prompt_none_with_a_session_and_consent_succeeds_at_once(provider, visitor, trusted):
    client = provider.register(trusted=trusted)
    first = visitor.visit(client)
    assert (first.logins, first.consents) == (1, 0 if trusted else 1)
    before = client.tokens(first).id
    again = visitor.visit(client, prompt="none")
    assert len(again.answers) == 1
    after = client.tokens(again).id
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])


def test_behaviour_14_prompt_none_without_consent_is_consent_required(provider, visitor):
    client = provider.register(trusted=False)
    visitor.visit(provider.basic)
    visit = visitor.visit(client, prompt="none")
    assert len(visit.answers) == 1 and visit.refused("consent_required", "interaction_required")


def test_behaviour_15_prompt_login_signs_in_again_and_later(provider, visitor):
    before = provider.basic.sign_in(visitor).id
    wait_for_next_second()
    visit = visitor.visit(provider.basic, prompt="login")
    assert visit.logins == 1
    after = provider.basic.tokens(visit).id
    assert after["auth_time"] > before["auth_time"] and after["sub"] == before["sub"]


def test_behaviour_16_max_age_of_a_second_signs_in_again_after_two(provider, visitor):
    before = provider.basic.sign_in(visitor).id
    wait_until(before["auth_time"] + 2)
    visit = visitor.visit(provider.basic, max_age="1")
    assert visit.logins == 1
    after = provider.basic.tokens(visit).id
    assert after["auth_time"] > before["auth_time"] and time.time() - after["auth_time"] < 10


def test_behaviour_17_a_large_max_age_signs_nobody_in_again(provider, visitor):
    first = provider.basic.sign_in(visitor, max_age="15000").id
    visit = visitor.visit(provider.basic, max_age="10000")
    assert visit.logins == 0
    assert provider.basic.tokens(visit).id["auth_time"] == first["auth_time"]


def test_behaviour_18_auth_time_is_when_somebody_signed_in_and_not_when_tokens_were_made(provider, visitor):
    began = int(time.time())
    visit = visitor.visit(provider.basic)
    ended = time.time()
    wait_for_next_second()
    first = provider.basic.tokens(visit).id
    assert began <= first["auth_time"] <= ended < first["iat"]
    assert isinstance(first["auth_time"], int)
    later = provider.basic.sign_in(visitor).id
    assert later["auth_time"] == first["auth_time"]


def test_behaviour_19_a_hint_of_whoever_is_signed_in_succeeds_without_a_page(provider, visitor):
    before = provider.basic.sign_in(visitor)
    visit = visitor.visit(provider.basic, prompt="none", id_token_hint=before.id_token)
    after = provider.basic.tokens(visit).id
    assert (after["sub"], after["auth_time"]) == (before.id["sub"], before.id["auth_time"])


def test_behaviour_19_a_hint_of_somebody_else_is_login_required(provider, visitor):
    hint = provider.basic.sign_in(provider.another(visitor)).id_token
    visitor.visit(provider.basic)
    visit = visitor.visit(provider.basic, prompt="none", id_token_hint=hint)
    assert visit.refused("login_required")


@pytest.mark.parametrize("kind", ["unsigned", "another key", "another issuer"])
def test_behaviour_19_a_hint_that_the_provider_did_not_sign_names_nobody(provider, visitor, kind):
    claims = provider.basic.sign_in(visitor).id
    kid = provider.keys()["keys"][0]["kid"]
    key = new_key("RS256", kid=kid)
    forged = {
        "unsigned": unsigned(claims),
        "another key": signed({"alg": "RS256", "kid": kid}, claims, key),
        "another issuer": signed({"alg": "RS256", "kid": key.kid}, {**claims, "iss": "https://op.invalid"}, key),
    }[kind]
    visit = visitor.visit(provider.basic, prompt="none", id_token_hint=forged)
    assert visit.refused("login_required", "invalid_request")


@pytest.mark.parametrize("name, value", [
    ("login_hint", "bob@example.com"), ("login_hint", "\"><script>"), ("ui_locales", "se"),
    ("ui_locales", "se id-ID en fr-CA"), ("ui_locales", "!"), ("claims_locales", "se"), ("display", "page"),
    ("display", "popup"), ("display", "touch"),
])  # fmt: skip
def test_behaviour_20_hints_about_the_pages_never_cause_an_error(provider, visitor, name, value):
    asked = visitor.visit(provider.basic, sign_in=False, **{name: value})
    assert '"><script>' not in checks.own_page(asked.page, 200)
    assert provider.basic.sign_in(visitor, **{name: value}).id["sub"]


def test_behaviour_21_acr_values_never_cause_an_error_and_the_acr_is_one_of_those_offered(provider, visitor):
    offered = provider.metadata["acr_values_supported"]
    assert provider.basic.sign_in(visitor, acr_values=" ".join(offered)).id["acr"] in offered
    acr = provider.basic.sign_in(provider.visitor(), acr_values="1 2").id.get("acr", "none")
    assert isinstance(acr, str) and acr.strip()


@pytest.mark.parametrize("member", ["value", "values"])
@pytest.mark.parametrize("essential", [True, False])
def test_behaviour_22_an_acr_that_is_asked_for_by_claims_is_in_the_id_token(provider, visitor, member, essential):
    offered = provider.metadata["acr_values_supported"]
    wanted = {"essential": essential, member: offered[0] if member == "value" else ["urn:nobody", *offered]}
    tokens = provider.basic.sign_in(visitor, claims=json.dumps({"id_token": {"acr": wanted}}))
    assert tokens.id["acr"] in offered


# One that is not essential is a wish (OpenID Connect Core section 5.5.1.1), and no reason to fail.
@pytest.mark.parametrize("wanted", [{"value": "urn:nobody"}, {"values": ["urn:nobody", "urn:either"]}])
def test_behaviour_22_an_acr_that_cannot_be_reached_fails_the_request(provider, visitor, wanted):
    claims = json.dumps({"id_token": {"acr": {"essential": True, **wanted}}})
    visit = visitor.visit(provider.basic, claims=claims)
    assert visit.refused("unmet_authentication_requirements", "access_denied", "login_required", "invalid_request")


def test_behaviour_23_a_claim_for_userinfo_is_there_and_not_in_the_id_token(provider, visitor):
    tokens = provider.basic.sign_in(visitor, claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    assert "name" not in tokens.id
    told = checks.json_object(provider.userinfo(tokens.access_token))
    assert told["name"].strip() and "preferred_username" not in told


@pytest.mark.parametrize("nonce", [secrets.token_urlsafe(32), secrets.token_urlsafe(48), 'a b+c%26&"é', None])
def test_behaviour_24_nonce_is_in_every_id_token_exactly_if_it_was_sent(provider, visitor, nonce):
    tokens = provider.basic.sign_in(visitor, nonce=nonce)
    assert tokens.id.get("nonce") == nonce and ("nonce" in tokens.id) == (nonce is not None)


def object_client(provider, algorithm: str = "RS256"):
    key = new_key(algorithm)
    return provider.register(key=key, jwks=public_set(key), redirect_uris=[REDIRECT, f"{REDIRECT}/2"])


def request_object(client, inside: dict, algorithm: str = "RS256", key: object = None) -> str:
    now = int(time.time())
    claims = {"iss": client.id, "aud": client.provider.issuer, "iat": now, "nbf": now, "exp": now + 300, **inside}
    return signed({"alg": algorithm, "kid": client.key.kid}, claims, key or client.key)


@pytest.mark.parametrize("has_keys", [False, True])
def test_behaviour_25_an_unsigned_request_object_is_refused_and_never_passed_over(provider, visitor, has_keys):
    client = object_client(provider) if has_keys else provider.basic
    inside = client.request()
    outside = {name: inside[name] for name in ("client_id", "response_type", "scope", "redirect_uri")}
    visit = visitor.visit(client, only={**outside, "request": unsigned(inside)}, sent=outside)
    assert visit.logins == 0
    # "The object is not usable" is what the discovered algorithms, which lack `none`, lead one to expect.
    assert visit.refused("request_not_supported", "invalid_request_object", "invalid_request")


def test_behaviour_25_the_metadata_say_what_happens_to_request_and_request_uri(provider, visitor):
    metadata = provider.metadata
    assert metadata["request_parameter_supported"] is True and metadata["request_uri_parameter_supported"] is False
    algorithms = metadata["request_object_signing_alg_values_supported"]
    assert algorithms and "none" not in algorithms and not [name for name in algorithms if name.startswith("HS")]
    visit = visitor.visit(provider.basic, request_uri=f"{provider.stand_in.url}/object.jwt")
    assert visit.logins == 0 and visit.refused("request_uri_not_supported")
    assert not provider.stand_in.asked("/object.jwt")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_behaviour_25_a_signed_request_object_is_processed_in_full(provider, visitor, algorithm):
    client = object_client(provider, algorithm)
    inside = client.request(scope="openid email", max_age="10000")
    outside = {name: inside[name] for name in ("client_id", "response_type", "scope")}
    visit = visitor.visit(client, only={**outside, "request": request_object(client, inside, algorithm)}, sent=inside)
    tokens = client.tokens(visit)
    assert tokens.id["nonce"] == inside["nonce"] and tokens.id["auth_time"]


def test_behaviour_26_values_of_the_object_win_over_those_of_the_query(provider, visitor):
    client = object_client(provider)
    inside, beside = client.request(), client.request(redirect_uri=f"{REDIRECT}/2", scope="openid email")
    visit = visitor.visit(client, only={**beside, "request": request_object(client, inside)}, sent=inside)
    assert visit.response["state"] == inside["state"] != beside["state"]
    tokens = client.tokens(visit)
    assert "email" not in checks.json_object(provider.userinfo(tokens.access_token))


def test_behaviour_26_a_bad_address_beside_a_good_object_is_not_where_anything_goes(provider, visitor):
    client = object_client(provider)
    inside = client.request()
    query = {**inside, "redirect_uri": "https://evil.invalid/callback", "request": request_object(client, inside)}
    visit = visitor.visit(client, only=query, sent=inside)
    if visit.callback:
        assert client.tokens(visit).id["nonce"] == inside["nonce"]
    else:
        checks.error_page(visit.page, "https://evil.invalid", REDIRECT)


def test_behaviour_26_an_object_of_another_key_is_refused(provider, visitor):
    client = object_client(provider)
    inside = client.request()
    forged = request_object(client, inside, key=new_key("RS256", kid=client.key.kid))
    bad = visitor.visit(
        client, only={**inside, "redirect_uri": "https://evil.invalid/cb", "request": forged}, sent=inside
    )
    checks.error_page(bad.page, "https://evil.invalid", REDIRECT)
    good = visitor.visit(client, only={**inside, "request": forged}, sent=inside)
    assert good.logins == 0 and good.refused("invalid_request_object")


ERRORS = {
    "prompt": ({"prompt": 'nonsense\t"\\\r\n'}, ["invalid_request"]),
    "prompt none and login": ({"prompt": "none login"}, ["invalid_request"]),
    "max_age": ({"max_age": '"soon"'}, ["invalid_request"]),
    "response_type": ({"response_type": 'tok"en'}, ["unsupported_response_type", "invalid_request"]),
    "response_mode": ({"response_mode": "smoke\tsignals"}, ["invalid_request"]),
    "scope": ({"scope": "openid admin"}, ["invalid_scope"]),
    "scope with quotes": ({"scope": 'openid "\\'}, ["invalid_scope"]),
    "claims": ({"claims": '{"\\'}, ["invalid_request"]),
    "plain challenge": ({"code_challenge": "a" * 43, "code_challenge_method": "plain"}, ["invalid_request"]),
    "challenge": ({"code_challenge": "\r\n", "code_challenge_method": "S256"}, ["invalid_request"]),
    "registration": ({"registration": "{}"}, ["registration_not_supported"]),
    "request": ({"request": '"\\\r\n'}, ["request_not_supported", "invalid_request_object"]),
    "request_uri": ({"request_uri": 'https://rp.invalid/"o"'}, ["request_uri_not_supported"]),
    "nobody": ({"prompt": "none"}, list(UNSEEN)),
    "resource": ({"resource": 'https://nobody.invalid/"'}, ["invalid_target", "invalid_request"]),
}


@pytest.mark.parametrize("mode", [None, "form_post"])
@pytest.mark.parametrize("kind", ERRORS)
def test_behaviour_28_errors_have_known_members_and_plain_ascii_texts(provider, visitor, kind, mode):
    changes, codes = ERRORS[kind]
    if mode and "response_mode" not in changes:
        changes = {**changes, "response_mode": mode}
    visit = visitor.visit(provider.basic, **changes)
    if "response_mode" in changes and changes["response_mode"] != "form_post":
        visit.asked.pop("response_mode")  # An unknown one has no way but the query.
    assert visit.logins == 0
    assert visit.refused(*codes)["state"] == visit.asked["state"]


def test_behaviour_28_somebody_who_does_not_allow_it_is_access_denied(provider, visitor):
    visit = visitor.visit(provider.register(trusted=False), allow=False)
    assert visit.consents == 1 and visit.refused("access_denied")


def test_behaviour_29_form_post_is_a_page_that_posts_itself_and_has_a_button(provider, visitor):
    visit = visitor.visit(provider.basic, response_mode="form_post")
    assert visit.code and provider.basic.tokens(visit).id["sub"]
    page = visit.page
    form = re.search(r'<form id="form-post"[^>]*>.*?</form>', page.text, re.S)[0]
    assert re.search(r'\bmethod="post"', form, re.I)
    assert "enctype" not in form.lower(), "a form is x-www-form-urlencoded if it says nothing"
    assert re.search(r'<(button|input)[^>]*type="submit"', form), "nothing to press without script"
    scripts = re.findall(r"<script\b([^>]*)>", page.text)
    nonce = re.search(r"script-src[^;]*'nonce-([^']+)'", page.headers["Content-Security-Policy"])[1]
    assert any(f'nonce="{nonce}"' in attributes for attributes in scripts), "no script that may run"
    assert visit.code not in page.url


@pytest.mark.parametrize("script", [True, False])
def test_behaviours_29_and_81_a_browser_posts_the_answer_to_the_application(provider, visitor, stand_in, script):
    path = f"/{provider.fresh('form-post')}"
    client = provider.register(redirect_uris=[stand_in.url + path])
    asked = client.request(response_mode="form_post")
    with Browser(script=script) as browser:
        browser.open(f"{provider.metadata['authorization_endpoint']}?{urlencode(asked)}")
        browser.type("#username", visitor.name)
        browser.type("#password", visitor.password)
        browser.press("#login-submit")
        if not script:
            browser.press("#form-post-submit")
        posted = stand_in.wait_for(path)
        assert posted.method == "POST" and posted.query == ""
        assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
        told = dict(posted.form)
        assert len(told) == len(posted.form) and set(told) == {"code", "state", "iss"}
        assert told["state"] == asked["state"] and told["iss"] == provider.issuer
        form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": asked["redirect_uri"]}
        assert client.checked(checks.json_object(client.token(form)), asked["nonce"])


def test_behaviours_5_and_81_another_sites_form_and_a_sign_in_end_at_the_application(provider, visitor, stand_in):
    path, start = f"/{provider.fresh('callback')}", f"/{provider.fresh('start')}"
    client = provider.register(redirect_uris=[stand_in.url + path])
    asked = client.request()
    fields = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in asked.items())
    form = (
        f'<form method="post" action="{provider.metadata["authorization_endpoint"]}">{fields}<button>Go</button></form>'
    )
    begin = stand_in.serve(start, form, "text/html")
    with Browser() as browser:
        browser.open(begin)
        browser.press("button")
        browser.type("#username", visitor.name)
        browser.type("#password", visitor.password)
        # The form goes to the provider, which redirects to the application: a policy of form actions would forbid it.
        browser.press("#login-submit")
        first = stand_in.wait_for(path)
        assert first.method == "GET" and dict(first.parameters)["state"] == asked["state"]
        # The session is found although the form comes from another site.
        browser.open(begin)
        browser.press("button")
        assert len(stand_in.asked(path)) == 2


def test_behaviour_30_codes_cannot_be_guessed(provider, visitor):
    codes = [visitor.visit(provider.basic).code for _ in range(4)]
    assert len(set(codes)) == len(codes)
    for code in codes:
        checks.is_unguessable(code)
        assert len(checks.unbase64url(code)) >= 32
