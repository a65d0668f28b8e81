"""What has to grow old before a conformance suite looks at it: parts of behaviours 19, 44, 50, 52, 72 and 74.

`Provider.early` was made when the provider started, and these tests run after all others: they wait for what is left of
a minute and a half.
"""

import json
import time

from harness import checks
from harness.provider import new_key, public_set, wait_until

pytest_plugins = ["harness.one_provider"]


def test_behaviour_44_a_code_is_refused_after_30_seconds_and_what_it_gave_is_worth_nothing(provider):
    early = provider.early
    wait_until(early.used_at + 31)
    before = early.client.refresh(early.used_tokens.refresh_token)
    assert checks.json_object(before)["access_token"], "it has to be good until then"
    checks.refusal(early.client.redeem(early.used), "invalid_grant")
    answer = provider.userinfo(early.used_tokens.access_token)
    assert 400 <= answer.status_code < 500
    checks.refusal(early.client.refresh(early.used_tokens.refresh_token), "invalid_grant")
    assert provider.userinfo(checks.json_object(before)["access_token"]).status_code == 401


def test_behaviour_50_a_new_key_at_jwks_uri_is_found_within_a_minute(provider):
    early, key = provider.early, new_key("ES256")
    client = early.rotating
    client.key = key
    provider.stand_in.serve(early.rotating_path, json.dumps(public_set(key)))
    asked = len(provider.stand_in.asked(early.rotating_path))
    wait_until(early.rotating_at + 60)
    # The key is good, the grant is not: nothing has to be signed in for it.
    checks.refusal(client.refresh("nobody's"), "invalid_grant")
    assert len(provider.stand_in.asked(early.rotating_path)) == asked + 1
    # And its predecessor is nobody's any more.
    old = new_key("ES256")
    client.key = old
    checks.refusal(client.refresh("nobody's"), "invalid_client", status=(400, 401))


def test_behaviour_19_a_hint_that_ended_still_names_whom_it_is_about(provider):
    early = provider.early
    wait_until(early.tokens.id["exp"] + 1)
    visit = early.visitor.visit(early.client, prompt="none", id_token_hint=early.tokens.id_token)
    again = early.client.tokens(visit).id
    assert (again["sub"], again["auth_time"]) == (early.tokens.id["sub"], early.tokens.id["auth_time"])
    somebody = provider.another(early.visitor)
    somebody.visit(early.client)
    other = somebody.visit(early.client, prompt="none", id_token_hint=early.tokens.id_token)
    assert other.refused("login_required")


def test_behaviour_52_a_token_that_ended_is_invalid_token(provider):
    early = provider.early
    wait_until(early.tokens.id["exp"] + 1)
    answer = provider.userinfo(early.tokens.access_token)
    assert answer.status_code == 401 and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["WWW-Authenticate"].split()[0].lower() == "bearer"


def test_behaviour_74_a_code_of_62_seconds_is_refused(provider):
    early = provider.early
    wait_until(early.unused_at + 62)
    checks.refusal(early.strict.redeem(early.unused), "invalid_grant")


def test_behaviour_72_a_handle_that_ended_is_refused(provider):
    early = provider.early
    wait_until(early.handle_at + early.handle_lifetime + 1)
    only = {"client_id": early.strict.id, "request_uri": early.handle}
    visit = provider.visitor().visit(early.strict, only=only, sent=early.unused.asked)
    assert visit.logins == 0
    assert "invalid_request_uri" in checks.error_page(visit.page, early.strict.redirect_uri)
    assert time.time() > early.handle_at + early.handle_lifetime
