"""Sign-out as a conformance suite looks at it: behaviours 66 to 70, and 81 of its pages.

Left out by decision: session management by iframe (71).
"""

import html
import re
import secrets
import time
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import pytest
import requests

from harness import checks
from harness.browser import Browser
from harness.person import form_fields
from harness.provider import REDIRECT, STEPS, new_key, signed, unsigned
from harness.stand_in import Asked

pytest_plugins = ["harness.one_provider"]

OUT = "https://rp.invalid/signed-out"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture(scope="module")
def client(provider):
    return provider.register(post_logout_redirect_uris=[OUT, f"{OUT}?own=1"])


def sign_out(visitor, client, **parameters: str | None) -> tuple[str | None, list[requests.Response]]:
    """Sign-out as an application asks for it, confirmed where somebody is asked.

    Returns where it leads, and the answers on the way.
    """
    query = {name: value for name, value in parameters.items() if value is not None}
    answers = [
        visitor.get(
            f"{client.provider.metadata['end_session_endpoint']}?{urlencode(query, quote_via=quote)}",
            allow_redirects=False,
        )
    ]
    for _ in range(STEPS):
        answer = answers[-1]
        checks.is_not_stored(answer)
        if "Location" in answer.headers:
            assert answer.status_code == 303
            target = urljoin(answer.url, answer.headers["Location"])
            if not target.startswith(client.provider.issuer + "/"):
                return target, answers
            answers.append(visitor.get(target, allow_redirects=False))
        elif 'id="logout-form"' in answer.text:
            checks.own_page(answer, 200)
            action, fields = form_fields(answer.text, "logout-form")
            answers.append(visitor.post(action, fields, allow_redirects=False))
        else:
            return None, answers
    raise AssertionError(f"too many redirects: {[answer.url for answer in answers]}")


def is_signed_out(visitor, client) -> None:
    assert visitor.visit(client, prompt="none").refused("login_required")


def is_signed_in(visitor, client) -> None:
    assert visitor.visit(client, prompt="none").code


# Started by an application


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("state", [secrets.token_urlsafe(96), 'a b+c%26&d=e#f"é', None])
def test_behaviour_66_a_sign_out_leads_back_with_state_and_nothing_else(provider, visitor, client, state, method):
    tokens = client.sign_in(visitor)
    query = {
        "id_token_hint": tokens.id_token,
        "post_logout_redirect_uri": OUT,
        **({} if state is None else {"state": state}),
    }
    if method == "get":
        target, answers = sign_out(visitor, client, **query)
        assert len(answers) == 1, "somebody was asked although the application's hint names the session"
    else:
        # As an application's form would be sent: without the cookie that SameSite keeps back.
        answer = requests.post(
            provider.metadata["end_session_endpoint"],
            data=query,
            headers={"Origin": "https://rp.invalid"},
            verify=provider.gateway.ca_file,
            allow_redirects=False,
            timeout=20,
        )
        assert answer.status_code == 303
        target = answer.headers["Location"]
    address, _, rest = target.partition("?")
    assert address == OUT and (checks.parameters(rest) if rest else {}) == ({} if state is None else {"state": state})
    is_signed_out(visitor, client)


def test_behaviour_66_an_address_keeps_its_own_query(visitor, client):
    tokens = client.sign_in(visitor)
    target, _ = sign_out(
        visitor,
        client,
        id_token_hint=tokens.id_token,
        post_logout_redirect_uri=f"{OUT}?own=1",
        state="s",
        client_id=client.id,
    )
    assert target == f"{OUT}?own=1&state=s"
    is_signed_out(visitor, client)


def test_behaviour_66_the_tokens_of_the_session_end_with_it(provider, visitor, client):
    tokens = client.sign_in(visitor)
    sign_out(visitor, client, id_token_hint=tokens.id_token, post_logout_redirect_uri=OUT)
    assert provider.userinfo(tokens.access_token).status_code == 401
    checks.refusal(client.refresh(tokens.refresh_token), "invalid_grant")


BAD = {
    "not registered": lambda tokens, provider: (tokens.id_token, "https://rp.invalid/elsewhere"),
    "another's": lambda tokens, provider: (tokens.id_token, "https://evil.invalid/"),
    "query added": lambda tokens, provider: (tokens.id_token, f"{OUT}?foo=bar"),
    "query longer": lambda tokens, provider: (tokens.id_token, f"{OUT}?own=1&foo=bar"),
    "redirect_uri": lambda tokens, provider: (tokens.id_token, "https://rp.invalid/callback"),
    "unsigned hint": lambda tokens, provider: (unsigned(tokens.id), OUT),
    "hint of another": lambda tokens, provider: (foreign(tokens.id, provider), OUT),
    "hint of another under our kid": lambda tokens, provider: (
        foreign(tokens.id, provider, checks.header_of(tokens.id_token)["kid"]),
        OUT,
    ),
    "changed hint": lambda tokens, provider: (tokens.id_token[:-6] + "AAAAAA", OUT),
    "no hint": lambda tokens, provider: (None, OUT),
}


def foreign(claims: dict, provider, kid: str | None = None) -> str:
    """Signed by somebody else, with iss and aud changed for each other where it does not even pretend."""
    key = new_key("RS256", **({"kid": kid} if kid else {}))
    told = claims if kid else {**claims, "iss": claims["aud"], "aud": claims["iss"]}
    return signed({"alg": "RS256", "kid": key.kid}, told, key)


@pytest.mark.parametrize("state", [None, secrets.token_urlsafe(96)])
@pytest.mark.parametrize("kind", BAD)
def test_behaviour_67_a_bad_address_or_hint_leads_nowhere(provider, visitor, client, kind, state):
    tokens = client.sign_in(visitor)
    hint, uri = BAD[kind](tokens, provider)
    target, answers = sign_out(visitor, client, id_token_hint=hint, post_logout_redirect_uri=uri, state=state)
    assert target is None, f"redirected to {target}"
    page = answers[-1].text
    for address in {uri, html.escape(uri), OUT}:
        assert f'href="{address}' not in page and f'action="{address}' not in page


@pytest.mark.parametrize("kind", ["no parameters", "only state", "only the hint", "only the client"])
def test_behaviour_68_without_an_address_one_signs_out_and_is_told_so(visitor, client, kind):
    tokens = client.sign_in(visitor)
    is_signed_in(visitor, client)
    query = {"no parameters": {}, "only state": {"state": secrets.token_urlsafe(96)},
             "only the hint": {"id_token_hint": tokens.id_token},
             "only the client": {"client_id": client.id}}[kind]  # fmt: skip
    target, answers = sign_out(visitor, client, **query)
    assert target is None
    checks.own_page(answers[-1], 200)
    assert 'id="logout-form"' not in answers[-1].text and 'id="login-form"' not in answers[-1].text
    is_signed_out(visitor, client)


def test_behaviour_68_signing_out_twice_is_no_error(visitor, client):
    tokens = client.sign_in(visitor)
    for _ in range(2):
        target, _ = sign_out(visitor, client, id_token_hint=tokens.id_token, post_logout_redirect_uri=OUT, state="s")
        assert target == f"{OUT}?state=s"


# Back-channel


def logout_claims(provider, client, asked: Asked) -> dict:
    """A logout token as a suite looks at it (OpenID Connect Back-Channel Logout section 2.4)."""
    assert asked.method == "POST" and asked.query == ""
    assert asked.headers["content-type"].split(";")[0] == "application/x-www-form-urlencoded"
    assert [name for name, _ in asked.form] == ["logout_token"]
    assert asked.version == "TLSv1.3" or (asked.version == "TLSv1.2" and asked.cipher.startswith("ECDHE-")), (
        asked.version
    )
    token = asked.form[0][1]
    claims = checks.verified(token, provider.keys(), client.algorithm)
    assert checks.header_of(token).get("typ", "logout+jwt") == "logout+jwt"
    now = time.time()
    assert claims["iss"] == provider.issuer and claims["aud"] in (client.id, [client.id])
    checks.is_number(claims["iat"])
    assert now - 86_400 < claims["iat"] <= now
    assert claims.get("exp", now + 1) > now
    assert isinstance(claims["jti"], str) and claims["jti"].strip()
    assert claims["events"] == {EVENT: {}}
    assert "nonce" not in claims and ("sub" in claims or "sid" in claims)
    return claims


def test_behaviour_69_the_metadata_offer_back_channel_sign_out_with_sessions(provider):
    assert provider.metadata["backchannel_logout_supported"] is True
    assert provider.metadata["backchannel_logout_session_supported"] is True


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("session_required", [True, False])
def test_behaviour_69_an_application_is_told_by_a_logout_token(
    provider, visitor, stand_in, algorithm, session_required
):
    path = f"/{provider.fresh('backchannel')}"
    client = provider.register(
        id_token_signed_response_alg=algorithm,
        backchannel_logout_uri=stand_in.url + path,
        backchannel_logout_session_required=session_required,
        post_logout_redirect_uris=[OUT],
    )
    tokens = client.sign_in(visitor)
    assert isinstance(tokens.id["sid"], str) and tokens.id["sid"].strip()
    target, _ = sign_out(visitor, client, id_token_hint=tokens.id_token, post_logout_redirect_uri=OUT, state="s")
    assert target == f"{OUT}?state=s"
    claims = logout_claims(provider, client, stand_in.wait_for(path))
    assert claims.get("sub", tokens.id["sub"]) == tokens.id["sub"]
    assert claims.get("sid", tokens.id["sid"]) == tokens.id["sid"] and ("sid" in claims or not session_required)
    assert len(stand_in.asked(path)) == 1


def test_behaviour_69_every_application_of_the_session_is_told_and_no_other(provider, visitor, stand_in):
    paths = [f"/{provider.fresh('backchannel')}" for _ in range(3)]
    clients = [
        provider.register(backchannel_logout_uri=stand_in.url + path, post_logout_redirect_uris=[OUT]) for path in paths
    ]
    tokens = [client.sign_in(visitor) for client in clients[:2]]
    # Somebody else's session at the third goes on.
    other = provider.another(visitor)
    clients[2].sign_in(other)
    sign_out(visitor, clients[0], id_token_hint=tokens[0].id_token, post_logout_redirect_uri=OUT)
    for client, path, known in zip(clients, paths, tokens):
        claims = logout_claims(provider, client, stand_in.wait_for(path))
        assert claims["sid"] == known.id["sid"]
    assert tokens[0].id["sid"] != tokens[1].id["sid"] or tokens[0].id["sub"] == tokens[1].id["sub"]
    assert not stand_in.asked(paths[2])
    is_signed_in(other, clients[2])


# Front-channel


def front_channel(provider, stand_in, **members: object):
    path = f"/{provider.fresh('frontchannel')}"
    # It has to be where a redirect URI is.
    addresses = {"redirect_uris": [REDIRECT, stand_in.url + "/callback"], **members}
    client = provider.register(
        frontchannel_logout_uri=f"{stand_in.url}{path}", frontchannel_logout_session_required=True, **addresses
    )
    return client, path


def test_behaviours_70_and_81_a_page_frames_the_application_and_goes_on(provider, visitor, stand_in):
    assert provider.metadata["frontchannel_logout_supported"] is True
    assert provider.metadata["frontchannel_logout_session_supported"] is True
    client, path = front_channel(provider, stand_in, post_logout_redirect_uris=[OUT])
    tokens = client.sign_in(visitor)
    target, answers = sign_out(visitor, client, id_token_hint=tokens.id_token, post_logout_redirect_uri=OUT, state="s")
    assert target is None and len(answers) == 1
    page = answers[0]
    (tag,) = re.findall(r"<iframe\b[^>]*>", page.text)
    frame = urlsplit(html.unescape(re.search(r'src="([^"]*)"', tag)[1]))
    assert f"{frame.scheme}://{frame.netloc}{frame.path}" == stand_in.url + path
    assert sorted(parse_qsl(frame.query, strict_parsing=True)) == [("iss", provider.issuer), ("sid", tokens.id["sid"])]
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";"))
    assert stand_in.url in policy["frame-src"].split(), policy
    # Without script it goes on all the same.
    assert page.headers["Refresh"].partition(";url=")[2] == f"{OUT}?state=s"
    assert f'href="{OUT}?state=s"' in html.unescape(page.text)
    is_signed_out(visitor, client)


def test_behaviour_70_a_browser_tells_the_application_and_then_goes_back_to_it(provider, visitor, stand_in):
    callback, out = f"/{provider.fresh('callback')}", f"/{provider.fresh('out')}"
    client, path = front_channel(
        provider, stand_in, redirect_uris=[stand_in.url + callback], post_logout_redirect_uris=[stand_in.url + out]
    )
    asked = client.request()
    with Browser() as browser:
        browser.open(f"{provider.metadata['authorization_endpoint']}?{urlencode(asked)}")
        browser.type("#username", visitor.name)
        browser.type("#password", visitor.password)
        browser.press("#login-submit")
        code = dict(stand_in.wait_for(callback).parameters)["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"]}
        tokens = client.checked(checks.json_object(client.token(form)), asked["nonce"])
        query = urlencode(
            {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": stand_in.url + out, "state": "s"}
        )
        browser.open(f"{provider.metadata['end_session_endpoint']}?{query}")
        told = stand_in.wait_for(path)
        assert told.method == "GET" and dict(told.parameters) == {"iss": provider.issuer, "sid": tokens.id["sid"]}
        back = stand_in.wait_for(out)
        assert back.parameters == [("state", "s")]
        everything = [asked.path for asked in stand_in.all() if asked.path in (path, out)]
        assert everything == [path, out], "back before the application was told"
