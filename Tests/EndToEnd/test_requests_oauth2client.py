"""requests-oauth2client as a strict relying party (FAPI 2.0): pushed and signed requests, a key of its own, tokens bound to another."""

import pytest
import requests
from jwskate import Jwk, SignedJwt
from requests_oauth2client import AuthorizationResponseError, DPoPToken, InvalidClient, OAuth2Client, OAuth2Error, PrivateKeyJwt

REDIRECT = "https://127.0.0.1:9/callback"
SCOPE = "openid profile email asn offline_access"


def strict(gateway, slug: str, algorithm: str = "ES256", profile: str = "fapi2", **metadata: object) -> tuple[OAuth2Client, Jwk]:
    """A client of the profile fapi2, and the key with which it signs."""
    key = Jwk.generate(alg=algorithm).with_kid_thumbprint()
    gateway.add_client(
        slug, redirect_uris=[REDIRECT], grant_types=["authorization_code", "refresh_token"], scope=SCOPE, profile=profile,
        id_token_signed_response_alg="PS256",
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.public_jwk().to_dict()]}, **metadata,
    )  # fmt: skip
    session = requests.Session()
    session.verify = gateway.verify
    keys = session.get(gateway.metadata["jwks_uri"], timeout=10).json()
    client = OAuth2Client.from_discovery_document(
        gateway.metadata, auth=PrivateKeyJwt(slug, key, alg=algorithm, aud=gateway.issuer), redirect_uri=REDIRECT,
        dpop_bound_access_tokens=True, id_token_signed_response_alg="PS256", authorization_server_jwks=keys,
        session=session, testing=True,
    )  # fmt: skip
    return client, key


def signed_in(client: OAuth2Client, person, **parameters: str) -> DPoPToken:
    asked = client.authorization_request(scope=SCOPE, **parameters)
    pushed = client.pushed_authorization_request(asked)
    # Its own check of the ID token does not know tokens that are bound to a key.
    token = client.authorization_code(asked.validate_callback(person.authorize(pushed.uri)), validate=False)
    signed = SignedJwt(str(token.id_token))
    assert signed.verify_signature(client.authorization_server_jwks, alg="PS256") and signed.claims["nonce"] == asked.nonce
    return token


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_behaviours_72_to_77_the_whole_way_of_a_strict_client(gateway, person, slug, algorithm):
    client, _ = strict(gateway, slug, algorithm)
    token = signed_in(client, person)
    assert isinstance(token, DPoPToken) and token.token_type == "DPoP"
    userinfo = requests.get(gateway.metadata["userinfo_endpoint"], auth=token, verify=gateway.verify, timeout=10)
    assert userinfo.status_code == 200, userinfo.text
    assert userinfo.json()["nip"] == person.name
    # Stolen, it is worth nothing.
    stolen = requests.get(
        gateway.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {token.access_token}"},
        verify=gateway.verify, timeout=10,
    )  # fmt: skip
    assert stolen.status_code == 401 and 'error="invalid_token"' in stolen.headers["WWW-Authenticate"]


def test_behaviour_76_a_strict_client_refreshes_with_its_key_and_keeps_its_refresh_token(gateway, person, slug):
    client, _ = strict(gateway, slug)
    token = signed_in(client, person)
    renewed = client.refresh_token(token)
    assert renewed.token_type == "DPoP" and renewed.access_token != token.access_token
    assert renewed.refresh_token == token.refresh_token
    told = client.introspect_token(renewed.access_token)
    assert told["active"] is True and told["cnf"]["jkt"]


def test_behaviour_72_a_strict_client_that_does_not_push_is_refused(gateway, person, slug):
    client, _ = strict(gateway, slug)
    asked = client.authorization_request(scope="openid")
    with pytest.raises(AuthorizationResponseError) as refused:
        asked.validate_callback(person.authorize(asked.uri))
    assert refused.value.error == "invalid_request"


def test_attack_11_a_signed_request_is_the_request_and_one_of_another_key_is_none(gateway, person, slug):
    client, key = strict(gateway, slug, profile="standard", require_signed_request_object=True)
    asked = client.authorization_request(scope=SCOPE)
    signed = asked.sign(key, lifetime=60)
    assert client.authorization_code(asked.validate_callback(person.authorize(signed.uri)), validate=False).id_token
    forged = asked.sign(Jwk.generate(alg="ES256").with_kid_thumbprint(), lifetime=60)
    page = person.get(forged.uri, allow_redirects=False)
    assert page.status_code == 400 and "invalid_request_object" in page.text, page.text
    bare = person.get(asked.uri, allow_redirects=False)
    assert bare.status_code == 303 and "error=invalid_request" in bare.headers["Location"]


def test_behaviour_59_a_vendor_registers_a_client_and_removes_it(gateway, person, slug):
    gateway.add_application(slug)
    right = gateway.json("registration", "add", "--application", slug, "--host", "127.0.0.1", "--trusted", "--profile", "legacy")
    endpoint = gateway.metadata["registration_endpoint"]
    made = requests.post(
        endpoint, json={"client_name": "Vendor", "redirect_uris": [REDIRECT], "grant_types": ["authorization_code"],
              "token_endpoint_auth_method": "client_secret_post"},
        headers={"Authorization": f"Bearer {right['initial_access_token']}"}, verify=gateway.verify, timeout=10,
    )  # fmt: skip
    assert made.status_code == 201, made.text
    client = made.json()
    session = requests.Session()
    session.verify = gateway.verify
    vendor = OAuth2Client.from_discovery_document(
        gateway.metadata, client_id=client["client_id"], client_secret=client["client_secret"], redirect_uri=REDIRECT, session=session,
        testing=True,
    )  # fmt: skip
    asked = vendor.authorization_request(scope="openid")
    assert vendor.authorization_code(asked.validate_callback(person.authorize(asked.uri)), validate=False).id_token
    access = {"Authorization": f"Bearer {client['registration_access_token']}"}
    assert requests.get(client["registration_client_uri"], headers=access, verify=gateway.verify, timeout=10).status_code == 200
    assert requests.delete(client["registration_client_uri"], headers=access, verify=gateway.verify, timeout=10).status_code == 204
    gone = requests.get(client["registration_client_uri"], headers=access, verify=gateway.verify, timeout=10)
    assert gone.status_code == 401
    with pytest.raises(InvalidClient):
        vendor.client_credentials()


def test_token_exchange_gives_a_service_a_narrower_token_of_the_person(gateway, person, slug):
    api = f"https://{slug}.contoh.invalid/api"
    gateway.add_client(f"{slug}-api", grant_types=["client_credentials"], resource_server=True, audience=[api])
    service = gateway.add_client(
        f"{slug}-service", grant_types=["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"], scope="profile email",
        resource_server=True, audience=[f"urn:{slug}:service"], may_exchange=[slug], token_endpoint_auth_method="client_secret_post",
    )  # fmt: skip
    front = gateway.add_client(
        slug, redirect_uris=[REDIRECT], grant_types=["authorization_code"], scope="openid profile email",
        token_endpoint_auth_method="client_secret_post",
    )  # fmt: skip
    session = requests.Session()
    session.verify = gateway.verify

    def client(made) -> OAuth2Client:
        return OAuth2Client.from_discovery_document(
            gateway.metadata, client_id=made["client_id"], client_secret=made["client_secret"], redirect_uri=REDIRECT,
            authorization_server_jwks=session.get(gateway.metadata["jwks_uri"], timeout=10).json(), session=session, testing=True,
        )  # fmt: skip

    asked = client(front).authorization_request(scope="openid profile email", resource=f"urn:{slug}:service")
    token = client(front).authorization_code(asked.validate_callback(person.authorize(asked.uri)), validate=False)
    narrower = client(service).token_exchange(subject_token=token, scope="profile", resource=api)
    assert narrower.issued_token_type == "urn:ietf:params:oauth:token-type:access_token" and narrower.scope == "profile"
    keys = client(front).authorization_server_jwks
    first, second = SignedJwt(token.access_token), SignedJwt(narrower.access_token)
    assert second.verify_signature(keys, alg="RS256")
    assert second.claims["sub"] == first.claims["sub"] and second.claims["act"] == {"sub": service["client_id"]}
    assert second.claims["aud"] == api and second.claims["exp"] <= first.claims["exp"]
    # Nobody whom the service did not name, and nothing that the first token did not hold.
    with pytest.raises(OAuth2Error):
        client(front).token_exchange(subject_token=token, scope="profile", resource=api)
    with pytest.raises(OAuth2Error):
        client(service).token_exchange(subject_token=token, scope="profile asn", resource=api)
