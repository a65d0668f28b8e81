"""Clients that register themselves (RFC 7591, 7592) as a conformance suite does: behaviours 59 to 65, and 82."""

import json
import re
from urllib.parse import urljoin

import pytest
import requests

from harness import checks
from harness.gateway import Gateway
from harness.provider import APPLICATION, ASSERTION, REDIRECT, Client, new_key, public_set
from harness.stand_in import picture

pytest_plugins = ["harness.one_provider"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def read(provider, client: Client) -> requests.Response:
    return provider.get(
        client.told["registration_client_uri"], headers=bearer(client.told["registration_access_token"])
    )


def test_behaviour_59_a_registration_is_201_with_everything_that_belongs_to_it(provider, visitor):
    answer = provider.try_register()
    told = checks.json_object(answer, 201)
    checks.is_not_stored(answer)
    assert told["client_id"] and told["client_secret"]
    assert told["client_secret_expires_at"] == 0 and isinstance(told["client_secret_expires_at"], int)
    checks.is_unguessable(told["client_secret"])
    assert told["registration_client_uri"].startswith("https://") and told["registration_access_token"]
    checks.is_unguessable(told["registration_access_token"])
    assert told["redirect_uris"] == [REDIRECT] and told["token_endpoint_auth_method"] == "client_secret_basic"
    assert Client(provider, told).sign_in(visitor).id["sub"]


def test_behaviour_59_a_client_without_a_secret_is_told_of_none(provider):
    key = new_key("ES256")
    told = checks.json_object(
        provider.try_register(token_endpoint_auth_method="private_key_jwt", jwks=public_set(key)), 201
    )
    assert "client_secret" not in told and "client_secret_expires_at" not in told


@pytest.mark.parametrize("token", [None, "nobody's"])
def test_behaviour_59_without_an_initial_access_token_nothing_is_registered(provider, token):
    answer = provider.web.post(
        provider.metadata["registration_endpoint"],
        json={"redirect_uris": [REDIRECT]},
        headers=bearer(token) if token else {},
        timeout=20,
    )
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].split()[0].lower() == "bearer"


@pytest.mark.parametrize("keys", ["jwks", "jwks_uri"])
def test_behaviour_60_every_known_member_is_taken_and_unknown_ones_are_ignored(provider, keys):
    own, key = provider.stand_in.url, new_key("RS256")
    where = provider.stand_in.serve(f"/{provider.fresh('jwks')}", json.dumps(public_set(key)))
    sector = provider.stand_in.serve(f"/{provider.fresh('sector')}", json.dumps([REDIRECT, f"{own}/callback"]))
    logo = provider.stand_in.serve("/logo.png", picture(), "image/png")
    members = {
        "client_name": "Pihak Lengkap", "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [REDIRECT, f"{own}/callback"], "contacts": ["a@rp.invalid", "b@rp.invalid"],
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256",
        "id_token_signed_response_alg": "RS256", "userinfo_signed_response_alg": "RS256",
        "request_object_signing_alg": "RS256",
        "post_logout_redirect_uris": ["https://rp.invalid/out"], "backchannel_logout_uri": f"{own}/backchannel",
        "backchannel_logout_session_required": True, "frontchannel_logout_uri": f"{own}/frontchannel",
        "frontchannel_logout_session_required": True, "initiate_login_uri": "https://rp.invalid/start",
        "logo_uri": logo,
        "policy_uri": "https://rp.invalid/policy", "tos_uri": "https://rp.invalid/terms",
        "client_uri": "https://rp.invalid/",
        "subject_type": "pairwise", "sector_identifier_uri": sector, "default_max_age": 3600,
        **({"jwks": public_set(key)} if keys == "jwks" else {"jwks_uri": where}),
    }  # fmt: skip
    unknown = {
        "software_id": "x",
        "client_name#id-ID": "Pihak",
        "urn:x:unknown": {"deep": [1, None]},
        "require_auth_time": True,
    }
    told = checks.json_object(provider.try_register(**members, **unknown, request_uris=[f"{own}/o.jwt#x"]), 201)
    for name, value in members.items():
        assert told.get(name) == value, f"{name}: {told.get(name)!r}"


def test_behaviour_60_a_null_is_a_member_that_was_left_out(provider):
    answer = provider.web.post(
        provider.metadata["registration_endpoint"],
        json={"redirect_uris": [REDIRECT], "logo_uri": None, "jwks": None},
        headers=bearer(provider.right("legacy", True)),
        timeout=20,
    )
    assert checks.json_object(answer, 201).get("logo_uri") is None


@pytest.mark.parametrize("uris", [[f"{REDIRECT}#fragment"], [REDIRECT, f"{REDIRECT}#"]])
def test_behaviour_61_a_redirect_uri_with_a_fragment_is_refused(provider, uris):
    checks.refusal(provider.try_register(redirect_uris=uris), "invalid_redirect_uri", "invalid_client_metadata")


def test_behaviour_62_initiate_login_uri_has_to_be_https(provider):
    checks.refusal(provider.try_register(initiate_login_uri="http://rp.invalid/start"), "invalid_client_metadata")


def test_behaviour_62_initiate_login_uri_is_echoed_and_can_be_read_again(provider):
    client = provider.register(initiate_login_uri="https://rp.invalid/start")
    assert client.told["initiate_login_uri"] == "https://rp.invalid/start"
    answer = read(provider, client)
    told = checks.json_object(answer)
    checks.is_not_stored(answer)
    assert told["initiate_login_uri"] == "https://rp.invalid/start" and told["client_id"] == client.id
    assert "client_secret" not in told or told["client_secret"] == client.secret


@pytest.mark.parametrize("document", [["https://rp2.invalid/callback"], [], {"redirect_uris": [REDIRECT]}, "no JSON"])
def test_behaviour_63_a_sector_that_lacks_an_address_is_refused(provider, document):
    assert "pairwise" in provider.metadata["subject_types_supported"]
    uri = provider.stand_in.serve(
        f"/{provider.fresh('sector')}", document if document == "no JSON" else json.dumps(document)
    )
    answer = provider.try_register(
        subject_type="pairwise", sector_identifier_uri=uri, redirect_uris=[REDIRECT, "https://rp2.invalid/callback"]
    )
    checks.refusal(answer, "invalid_client_metadata")
    assert provider.stand_in.asked(uri.removeprefix(provider.stand_in.url)), "it was not looked at"


def test_behaviour_63_clients_of_a_sector_know_people_by_one_sub_and_others_by_another(provider, visitor):
    addresses = [REDIRECT, "https://rp2.invalid/callback"]
    uri = provider.stand_in.serve(f"/{provider.fresh('sector')}", json.dumps(addresses))
    pairwise = [
        provider.register(subject_type="pairwise", sector_identifier_uri=uri, redirect_uris=[address])
        for address in addresses
    ]
    other = provider.register(subject_type="pairwise", redirect_uris=["https://rp2.invalid/callback"])
    subs = [client.sign_in(visitor).id["sub"] for client in (*pairwise, other, provider.basic)]
    assert subs[0] == subs[1] and len(set(subs)) == 3
    tokens = pairwise[0].sign_in(visitor)
    assert checks.json_object(provider.userinfo(tokens.access_token))["sub"] == subs[0]


def test_behaviour_63_addresses_on_two_hosts_need_a_sector(provider):
    answer = provider.try_register(subject_type="pairwise", redirect_uris=[REDIRECT, "https://rp2.invalid/callback"])
    checks.refusal(answer, "invalid_client_metadata")


def test_behaviour_64_a_client_that_is_deleted_is_gone(provider, visitor):
    client = provider.register()
    tokens = client.sign_in(visitor)
    answer = provider.web.delete(
        client.told["registration_client_uri"], headers=bearer(client.told["registration_access_token"]), timeout=20
    )
    assert answer.status_code == 204 and not answer.content
    assert read(provider, client).status_code in (401, 403)
    checks.error_page(visitor.visit(client).page, REDIRECT)
    checks.refusal(client.refresh(tokens.refresh_token), "invalid_client", status=(400, 401))
    assert provider.userinfo(tokens.access_token).status_code == 401


@pytest.mark.parametrize("method", ["get", "delete"])
def test_behaviour_64_the_token_of_another_client_reaches_nothing(provider, method):
    client, other = provider.register(), provider.register()
    answer = getattr(provider.web, method)(
        client.told["registration_client_uri"], headers=bearer(other.told["registration_access_token"]), timeout=20
    )
    assert answer.status_code in (401, 403)
    assert checks.json_object(read(provider, client))["client_id"] == client.id


@pytest.mark.parametrize("page", ["sign-in", "consent"])
def test_behaviour_65_logo_policy_and_terms_are_on_the_page(provider, visitor, page):
    path = f"/{provider.fresh('logo')}.png"
    client = provider.register(
        trusted=False,
        client_name="Absensi Vendor",
        policy_uri="https://rp.invalid/policy",
        tos_uri="https://rp.invalid/terms",
        logo_uri=provider.stand_in.serve(path, picture(), "image/png"),
    )
    if page == "consent":
        visitor.visit(provider.basic)
        visit = visitor.visit(client)
        shown = next(each for each in visit.answers if 'id="consent-form"' in each.text)
    else:
        shown = visitor.visit(client, sign_in=False).page
        assert 'id="login-form"' in shown.text
    # The name is the one that an admin entered, whatever a client calls itself.
    assert APPLICATION in shown.text and "Absensi Vendor" not in shown.text
    for address in ("https://rp.invalid/policy", "https://rp.invalid/terms"):
        assert re.search(rf'<a [^>]*href="{re.escape(address)}"', shown.text), f"no link to {address}"
    sources = [re.search(r'src="([^"]*)"', tag)[1] for tag in re.findall(r"<img\b[^>]*>", shown.text)]
    logos = [provider.get(urljoin(shown.url, source)) for source in sources]
    assert any(logo.status_code == 200 and checks.essence(logo) == "image/png" for logo in logos), sources


# Calls to applications


class Elsewhere:
    """A second provider, whose settings do not let it call this machine, or trust the authority of this run."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        gateway.add_application("perilaku")

    def registered(self, **members: object) -> requests.Response:
        words = ["registration", "add", "--application", "perilaku", "--host", "rp.invalid", "--host", "127.0.0.1"]
        right = self.gateway.json(*words)["initial_access_token"]
        return requests.post(
            self.gateway.metadata["registration_endpoint"],
            json={"redirect_uris": [REDIRECT], **members},
            headers=bearer(right),
            verify=self.gateway.ca_file,
            timeout=20,
        )


@pytest.mark.parametrize("setting", ["outgoing_networks", "outgoing_ca_file"])
def test_behaviour_82_without_the_settings_for_tests_nothing_on_loopback_is_called(
    authority, provider, stand_in, setting
):
    key = new_key("ES256")
    names = {name: f"/{provider.fresh(name)}" for name in ("sector", "jwks", "logo", "backchannel")}
    stand_in.serve(names["sector"], json.dumps([REDIRECT]))
    stand_in.serve(names["jwks"], json.dumps(public_set(key)))
    stand_in.serve(names["logo"], picture(), "image/png")
    with Gateway(authority, people=2, **{setting: ""}) as gateway:
        elsewhere = Elsewhere(gateway)
        answer = elsewhere.registered(subject_type="pairwise", sector_identifier_uri=stand_in.url + names["sector"])
        checks.refusal(answer, "invalid_client_metadata")
        told = checks.json_object(
            elsewhere.registered(
                token_endpoint_auth_method="private_key_jwt",
                jwks_uri=stand_in.url + names["jwks"],
                logo_uri=stand_in.url + names["logo"],
            ),
            201,
        )
        issuer = gateway.issuer
        client = Client(provider, told, key)
        form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": ASSERTION,
                "client_assertion": client.assertion(aud=issuer)}  # fmt: skip
        tried = requests.post(gateway.metadata["token_endpoint"], data=form, verify=gateway.ca_file, timeout=20)
        checks.refusal(tried, "invalid_client", status=(400, 401))
    for path in names.values():
        assert not stand_in.asked(path), f"{path} was asked for"


@pytest.mark.parametrize("address", [
    "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://10.0.0.1/", "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/",
])  # fmt: skip
def test_behaviour_82_addresses_inside_are_not_called_even_with_the_setting_for_loopback(provider, address):
    answer = provider.try_register(subject_type="pairwise", sector_identifier_uri=address)
    checks.refusal(answer, "invalid_client_metadata")
