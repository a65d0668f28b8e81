"""What a stranger's conformance suite looks at in answers, tokens and keys."""

import base64
import collections
import hashlib
import json
import math
import re
import time
from urllib.parse import unquote_to_bytes

import requests
from joserfc import jws
from joserfc.jwk import KeySet

# RFC 6749 appendices A.7 and A.8.
_ERROR_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
KTY = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP", "HS": "oct"}
YEAR = 366 * 86_400

# Claims that an ID token may have without anybody asking.
PROTOCOL_CLAIMS = {
    "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash",
    "c_hash",
}  # fmt: skip


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    assert _BASE64URL.fullmatch(text), f"no base64url without padding: {text!r}"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def entropy(text: str) -> float:
    """Shannon's, of the whole text in bits."""
    counts = collections.Counter(text)
    return -sum(count * math.log2(count / len(text)) for count in counts.values())


def is_unguessable(text: str) -> None:
    assert len(text) * 6 >= 128, f"shorter than 128 bits: {len(text)} characters"
    assert entropy(text) > 96, f"{entropy(text)} bits of entropy"


def is_printable(text: str) -> None:
    assert isinstance(text, str) and re.fullmatch(r"[\x20-\x7e]+", text), text


def is_number(value: object) -> None:
    assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{value!r} is no JSON number"


# Answers


def essence(answer: requests.Response) -> str:
    return answer.headers.get("Content-Type", "").split(";")[0].strip().lower()


def json_object(answer: requests.Response, status: int = 200) -> dict:
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:600]}"
    assert essence(answer) == "application/json", answer.headers.get("Content-Type")
    value = json.loads(answer.content, object_pairs_hook=_distinct)
    assert isinstance(value, dict)
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict:
    members = dict(pairs)
    assert len(members) == len(pairs), f"a member twice: {[name for name, _ in pairs]}"
    return members


def is_not_stored(answer: requests.Response) -> None:
    directives = [part.strip().lower() for part in answer.headers.get("Cache-Control", "").split(",")]
    assert "no-store" in directives, answer.headers.get("Cache-Control")


def error_members(members: dict) -> None:
    """RFC 6749 sections 4.1.2.1 and 5.2: which characters an error may have."""
    assert _ERROR_TEXT.fullmatch(members["error"]), members["error"]
    if "error_description" in members:
        assert _ERROR_TEXT.fullmatch(members["error_description"]), members["error_description"]
    if "error_uri" in members:
        assert re.fullmatch(r"https?://[\x21\x23-\x5b\x5d-\x7e]+", members["error_uri"])


def refusal(answer: requests.Response, *codes: str, status: tuple[int, ...] = (400,)) -> dict:
    """An error of an endpoint for programs."""
    assert answer.status_code in status, f"{answer.status_code} {answer.text[:600]}"
    members = json_object(answer, answer.status_code)
    error_members(members)
    assert set(members) <= {"error", "error_description", "error_uri"}, members
    assert not codes or members["error"] in codes, f"{members} instead of {codes}"
    return members


def own_page(answer: requests.Response, *statuses: int) -> str:
    """A page of the provider's own from which nothing leads anywhere by itself."""
    assert answer.status_code in (statuses or (200,)), f"{answer.status_code} {answer.headers.get('Location')}"
    assert essence(answer) == "text/html", answer.headers.get("Content-Type")
    assert "Location" not in answer.headers and "Refresh" not in answer.headers, answer.headers
    assert not re.search(r"http-equiv\s*=\s*[\"']?refresh", answer.text, re.I), "the page goes elsewhere by itself"
    assert "data-onward" not in answer.text and "data-leave" not in answer.text, "the page goes elsewhere by itself"
    return answer.text


def error_page(answer: requests.Response, *addresses: str) -> str:
    """The same for an error, and none of the addresses is even a link on it."""
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.headers.get('Location')}"
    page = own_page(answer, answer.status_code)
    for address in addresses:
        assert f'href="{address}' not in page and f'action="{address}' not in page, f"the page leads to {address}"
    return page


def parameters(query: str) -> dict[str, str]:
    """A query or a form, decoded once and strictly."""
    pairs = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        assert equals and name, f"a parameter without a name or a value in {query!r}"
        assert not re.search(r"%(?![0-9A-Fa-f]{2})", part), part
        decode = lambda text: unquote_to_bytes(text.replace("+", "%20")).decode()
        pairs.append((decode(name), decode(value)))
    return _distinct(pairs)


# Tokens


def header_of(token: str) -> dict:
    return json.loads(unbase64url(token.split(".")[0]), object_pairs_hook=_distinct)


def published_key(header: dict, keys: dict) -> dict:
    """The one key of a published set that a token's header names (item 32)."""
    assert isinstance(header.get("kid"), str) and header["kid"].strip(), f"no kid: {header}"
    found = [key for key in keys["keys"] if key["kid"] == header["kid"]]
    assert len(found) == 1, f"{len(found)} published keys have the kid {header['kid']!r}"
    assert found[0]["kty"] == KTY[header["alg"][:2]]
    assert found[0].get("alg", header["alg"]) == header["alg"] and found[0].get("use", "sig") == "sig", found[0]
    return found[0]


def verified(token: str, keys: dict, algorithm: str) -> dict:
    """The claims of a token that one of the published keys signed."""
    header = header_of(token)
    assert header["alg"] == algorithm, header
    key = published_key(header, keys)
    content = jws.deserialize_compact(token, KeySet.import_key_set({"keys": [key]}), algorithms=[algorithm])
    claims = json.loads(content.payload, object_pairs_hook=_distinct)
    assert isinstance(claims, dict)
    return claims


def left_half(text: str, algorithm: str) -> str:
    """`at_hash` and its kin (OpenID Connect Core section 3.1.3.6)."""
    size = "512" if algorithm == "EdDSA" else algorithm[2:]
    digest = hashlib.new(f"sha{size}", text.encode()).digest()
    return base64url(digest[: len(digest) // 2])


def id_token_claims(
    claims: dict, issuer: str, client_id: str, nonce: str | None, *, algorithm: str, access_token: str | None = None,
    asked: set[str] = frozenset(),
) -> dict:  # fmt: skip
    """Items 18, 24, 31, 34, 35 and 36 of any ID token."""
    now = time.time()
    assert claims["iss"] == issuer
    assert claims["aud"] == client_id or claims["aud"] == [client_id], claims["aud"]
    assert claims.get("azp", client_id) == client_id
    for name in ("exp", "iat"):
        is_number(claims[name])
    assert abs(now - claims["iat"]) < 300, "iat is not within five minutes, in seconds"
    assert now - 1 < claims["exp"] < now + 50 * YEAR
    assert isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255 and claims["sub"].isascii()
    if nonce is None:
        assert "nonce" not in claims
    else:
        assert claims["nonce"] == nonce
    if "auth_time" in claims:
        is_number(claims["auth_time"])
        assert now - YEAR < claims["auth_time"] <= now, "auth_time is not seconds of the past year"
    if "acr" in claims:
        assert isinstance(claims["acr"], str) and claims["acr"].strip()
    if "at_hash" in claims and access_token is not None:
        assert claims["at_hash"] == left_half(access_token, algorithm)
    assert set(claims) <= PROTOCOL_CLAIMS | asked, (
        f"claims that nobody asked for: {set(claims) - PROTOCOL_CLAIMS - asked}"
    )
    no_empty_claims(claims)
    return claims


_STRINGS = {
    "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "email", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
}  # fmt: skip


def no_empty_claims(claims: dict) -> None:
    """A claim without a value is left out."""
    for name, value in claims.items():
        assert value is not None and value != "" and value != {}, f"{name} is {value!r}"


def standard_claims(claims: dict) -> None:
    """Item 34: types of the standard claims that are there."""
    no_empty_claims(claims)
    for name in _STRINGS & set(claims):
        value = claims[name]
        assert isinstance(value, str) and value.strip() and value.lower() != "null", f"{name} is {value!r}"
    for name in {"email_verified", "phone_number_verified"} & set(claims):
        assert isinstance(claims[name], bool), f"{name} is {claims[name]!r}"
    if "updated_at" in claims:
        is_number(claims["updated_at"])
        assert 631_152_000 <= claims["updated_at"] <= time.time(), "updated_at is not seconds from 1990 to now"
    if "birthdate" in claims:
        assert re.fullmatch(r"(\d{4})(-\d{2}-\d{2})?", claims["birthdate"])
    if "address" in claims:
        assert claims["address"] and all(isinstance(value, str) for value in claims["address"].values())
    if "email" in claims:
        assert re.fullmatch(r"[^@\s]+@[^@\s]+", claims["email"])
