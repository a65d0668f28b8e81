"""The provider under test, with relying parties and people as strangers would write them."""

import base64
import functools
import hashlib
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlencode, urljoin

import requests
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from . import checks, city
from .gateway import Gateway
from .person import Person, form_fields, pkce
from .stand_in import StandIn

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
APPLICATION = "perilaku"
SCOPES = "openid profile email phone asn offline_access"
REDIRECT = "https://rp.invalid/callback"
# Redirects to be followed, at most.
STEPS = 12


def new_key(algorithm: str, **members: str) -> RSAKey | ECKey | OKPKey:
    """A key pair for an algorithm, with a kid."""
    parameters = {"kid": secrets.token_urlsafe(8), "alg": algorithm, "use": "sig", **members}
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", parameters)
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm], parameters)
    return RSAKey.generate_key(2048, parameters)


def signed(header: dict, claims: dict, key: object) -> str:
    """A JWS whatever its header says: a library would not make the bad ones."""
    text = ".".join(checks.base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{checks.base64url(JWSRegistry.algorithms[header['alg']].sign(text.encode(), key))}"


def unsigned(claims: dict) -> str:
    """A JWT of `alg: none`."""
    parts = [checks.base64url(json.dumps(part).encode()) for part in ({"alg": "none"}, claims)]
    return ".".join([*parts, ""])


def public_set(*keys: RSAKey | ECKey | OKPKey) -> dict:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def wait_until(moment: float) -> None:
    """Until the clock passed a moment."""
    while (left := moment - time.time()) > 0:
        time.sleep(min(left + 0.005, 1))


def wait_for_next_second() -> None:
    wait_until(int(time.time()) + 1)


class Provider:
    def __init__(self, gateway: Gateway, stand_in: StandIn) -> None:
        self.gateway, self.stand_in = gateway, stand_in
        self.issuer = gateway.issuer
        self.web = self.session()
        self.metadata = checks.json_object(self.get(f"{self.issuer}/.well-known/openid-configuration"))
        gateway.add_application(APPLICATION)
        self._numbers = itertools.count()
        self._people: list[tuple[str, str]] = []
        self.early = Early.begin(self)

    # Talking

    def session(self) -> requests.Session:
        web = requests.Session()
        web.verify, web.trust_env = self.gateway.ca_file, False
        return web

    def get(self, url: str, **options: object) -> requests.Response:
        return self.web.get(url, timeout=20, allow_redirects=False, **options)

    def post(self, url: str, form: dict[str, str] | None = None, **options: object) -> requests.Response:
        return self.web.post(url, data=form, timeout=20, allow_redirects=False, **options)

    def userinfo(self, token: str, scheme: str = "Bearer", **headers: str) -> requests.Response:
        return self.get(self.metadata["userinfo_endpoint"], headers={"Authorization": f"{scheme} {token}", **headers})

    def keys(self) -> dict:
        return checks.json_object(self.get(self.metadata["jwks_uri"]))

    def fresh(self, what: str) -> str:
        """A name that nothing else in this run has."""
        return f"{what}-{next(self._numbers)}"

    # People

    def visitor(self) -> "Visitor":
        """Somebody with a password, in a browser without cookies. People are few and each comes again."""
        if len(self._people) < 4:
            person = Visitor(self.gateway, city.nip(len(self._people)))
            person.set_password()
            self._people.append((person.name, person.password))
        name, password = self._people[next(self._numbers) % len(self._people)]
        return Visitor(self.gateway, name, password)

    def alone(self) -> "Visitor":
        """Somebody whom no other test signs in: an account has fifty sessions at most, and the oldest makes room."""
        person = Visitor(self.gateway, city.nip(7))
        person.set_password()
        return Visitor(self.gateway, person.name, person.password)

    def another(self, than: "Visitor") -> "Visitor":
        while (somebody := self.visitor()).name == than.name:
            pass
        return somebody

    # Clients

    def add(self, **members: object) -> "Client":
        """A client that an admin registers by command."""
        client_id = members.pop("client_id", None) or self.fresh("klien")
        whole = {
            "client_name": client_id, "redirect_uris": [REDIRECT], "scope": SCOPES, "require_pkce": False,
            "grant_types": ["authorization_code", "refresh_token"], **members,
        }  # fmt: skip
        told = self.gateway.json(
            "client",
            "add",
            "--application",
            APPLICATION,
            "--client-id",
            client_id,
            "--metadata",
            "-",
            stdin=json.dumps(whole),
        )
        return Client(self, told)

    def register(
        self, profile: str = "legacy", trusted: bool = True, key: object = None, **members: object
    ) -> "Client":
        """A client that registers itself (RFC 7591). `legacy` does not insist on PKCE."""
        answer = self.try_register(profile, trusted, **members)
        return Client(self, checks.json_object(answer, 201), key)

    def try_register(self, profile: str = "legacy", trusted: bool = True, **members: object) -> requests.Response:
        whole = {
            "client_name": "Pihak Uji", "redirect_uris": [REDIRECT], "grant_types": ["authorization_code",
            "refresh_token"],
            **members,
        }  # fmt: skip
        return self.web.post(
            self.metadata["registration_endpoint"],
            json={name: value for name, value in whole.items() if value is not None},
            headers={"Authorization": f"Bearer {self.right(profile, trusted)}"},
            timeout=20,
            allow_redirects=False,
        )

    def strict(self, algorithm: str = "ES256", **members: object) -> "StrictClient":
        """A client of FAPI 2.0."""
        key = new_key(algorithm)
        answer = self.try_register(
            "fapi2", token_endpoint_auth_method="private_key_jwt", jwks=public_set(key), **members
        )
        return StrictClient(self, checks.json_object(answer, 201), key)

    @functools.cache
    def right(self, profile: str, trusted: bool) -> str:
        """An initial access token."""
        told = self.gateway.json(
            "registration", "add", "--application", APPLICATION, "--profile", profile, "--scope", SCOPES, "--uses",
            "900",
            *(["--trusted"] if trusted else []),
            *(word for host in ("rp.invalid", "rp2.invalid", "127.0.0.1") for word in ("--host", host)))  # fmt: skip
        return told["initial_access_token"]

    @functools.cached_property
    def basic(self) -> "Client":
        """The confidential client that most tests use; its second address has a query of its own."""
        return self.add(redirect_uris=[REDIRECT, f"{REDIRECT}?dummy1=lorem&dummy2=ipsum"])


class Client:
    def __init__(self, provider: Provider, told: dict, key: object = None) -> None:
        self.provider, self.told, self.key = provider, told, key
        self.id, self.secret = told["client_id"], told.get("client_secret")
        self.redirect_uri = (told.get("redirect_uris") or [None])[0]
        self.method = told["token_endpoint_auth_method"]
        self.algorithm = told["id_token_signed_response_alg"]

    # Asking

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request with fresh state and nonce; None takes a parameter out."""
        whole = {
            "response_type": "code", "client_id": self.id, "redirect_uri": self.redirect_uri, "scope": "openid",
            "state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16), **changes,
        }  # fmt: skip
        return {name: value for name, value in whole.items() if value is not None}

    # Tokens

    def authentication(self, **claims: object) -> tuple[dict[str, str], dict[str, str]]:
        """Header and form members with which the client says who it is."""
        if self.method == "client_secret_basic":
            pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}"
            return {"Authorization": "Basic " + base64_text(pair)}, {}
        if self.method == "client_secret_post":
            return {}, {"client_id": self.id, "client_secret": self.secret}
        if self.method == "none":
            return {}, {"client_id": self.id}
        return {}, {"client_assertion_type": ASSERTION, "client_assertion": self.assertion(**claims)}

    def assertion(
        self, algorithm: str | None = None, key: object = None, header: dict | None = None, **changes: object
    ) -> str:
        """A client assertion; None takes a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.id, "sub": self.id, "aud": self.provider.issuer, "jti": secrets.token_urlsafe(16), "iat": now,
            "nbf": now, "exp": now + 60, **changes,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.method == "client_secret_jwt":
            return signed({"alg": "HS256", **(header or {})}, claims, key or OctKey.import_key(self.secret))
        key = key or self.key
        return signed({"alg": algorithm or key.get("alg"), "kid": key.kid, **(header or {})}, claims, key)

    def token(self, form: dict[str, str], headers: dict[str, str] | None = None) -> requests.Response:
        """The answer of the token endpoint."""
        told, members = self.authentication()
        return self.provider.post(
            self.provider.metadata["token_endpoint"], {**members, **form}, headers={**told, **(headers or {})}
        )

    def redeem(self, visit: "Visit", **form: str) -> requests.Response:
        whole = {
            "grant_type": "authorization_code",
            "code": visit.code,
            "redirect_uri": visit.asked["redirect_uri"],
            **form,
        }
        if visit.verifier:
            whole.setdefault("code_verifier", visit.verifier)
        return self.token(whole)

    def refresh(self, token: str, **form: str) -> requests.Response:
        return self.token({"grant_type": "refresh_token", "refresh_token": token, **form})

    def tokens(self, visit: "Visit", asked: set[str] = frozenset(), **form: str) -> "Tokens":
        return self.checked(checks.json_object(self.redeem(visit, **form)), visit.asked.get("nonce"), asked)

    def checked(self, answer: dict, nonce: str | None, asked: set[str] = frozenset()) -> "Tokens":
        """Tokens whose ID token passed every check."""
        claims = checks.verified(answer["id_token"], self.provider.keys(), self.algorithm)
        checks.id_token_claims(
            claims,
            self.provider.issuer,
            self.id,
            nonce,
            algorithm=self.algorithm,
            access_token=answer["access_token"],
            asked=asked,
        )
        return Tokens(answer, claims)

    def sign_in(self, visitor: "Visitor", **parameters: str | None) -> "Tokens":
        """The whole code flow."""
        return self.tokens(visitor.visit(self, **parameters))


class StrictClient(Client):
    """A client of FAPI 2.0: pushes, signs, and proves a key of its own."""

    def __init__(self, provider: Provider, told: dict, key: object) -> None:
        super().__init__(provider, told, key)
        self.proof_key = new_key("ES256")

    def proof(
        self, method: str, url: str, token: str | None = None, key: object = None, header: dict | None = None,
        **changes: object,
    ) -> str:  # fmt: skip
        """A DPoP proof; None takes a claim or a member of the header out."""
        key = key or self.proof_key
        claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            claims["ath"] = checks.base64url(_sha256(token))
        members = {"typ": "dpop+jwt", "alg": key.get("alg"), "jwk": bare(key)}
        whole = {**members, **(header or {})}
        kept = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return signed({name: value for name, value in whole.items() if value is not None}, kept, key)

    def request(self, **changes: str | None) -> dict[str, str]:
        verifier, challenge = pkce()
        self.verifier = verifier
        return super().request(**{"code_challenge": challenge, "code_challenge_method": "S256", **changes})

    def push(
        self, asked: dict[str, str], headers: dict[str, str] | None = None, **assertion: object
    ) -> requests.Response:
        told, members = self.authentication(**assertion)
        url = self.provider.metadata["pushed_authorization_request_endpoint"]
        return self.provider.post(url, {**members, **asked}, headers={**told, **(headers or {})})

    def pushed(self, **changes: str | None) -> tuple[str, dict[str, str], str]:
        """request_uri, what was asked, and the verifier."""
        asked = self.request(**changes)
        return checks.json_object(self.push(asked), 201)["request_uri"], asked, self.verifier

    def visit(self, visitor: "Visitor", **changes: str | None) -> "Visit":
        handle, asked, verifier = self.pushed(**changes)
        visit = visitor.visit(self, only={"client_id": self.id, "request_uri": handle}, sent=asked)
        visit.verifier = verifier
        return visit

    def token(self, form: dict[str, str], headers: dict[str, str] | None = None) -> requests.Response:
        """With a proof, unless the headers say otherwise."""
        if headers is None:
            headers = {"DPoP": self.proof("POST", self.provider.metadata["token_endpoint"])}
        return super().token(form, headers)

    def userinfo(self, token: str, scheme: str = "DPoP", proof: str | None = None) -> requests.Response:
        return self.provider.userinfo(
            token, scheme, DPoP=proof or self.proof("GET", self.provider.metadata["userinfo_endpoint"], token)
        )


@dataclass
class Tokens:
    answer: dict
    id: dict

    def __getattr__(self, name: str) -> str:
        """`access_token`, `id_token`, `refresh_token`."""
        try:
            return self.answer[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Visit:
    """One authorization request walked to where it ends."""

    asked: dict[str, str]
    issuer: str
    answers: list[requests.Response] = field(default_factory=list)
    logins: int = 0
    consents: int = 0
    # Where it left us for, or the page of ours on which it stopped.
    callback: str | None = None
    page: requests.Response | None = None
    verifier: str | None = None

    @functools.cached_property
    def response(self) -> dict[str, str]:
        """What the application was told, wherever it belongs: items 6, 7 and 28 of any answer."""
        uri = self.asked["redirect_uri"]
        if self.asked.get("response_mode") == "form_post":
            assert self.callback is None, f"a form was asked for: {self.callback}"
            assert self.page.status_code == 200 and checks.essence(self.page) == "text/html", self.page.text
            action, told = form_fields(self.page.text, "form-post")
            assert action == uri, f"the form is posted to {action}"
        else:
            assert self.page is None, f"stopped at {self.page.status_code} {self.page.url}: {self.page.text[-900:]}"
            joint = "&" if "?" in uri else "?"
            assert self.callback.startswith(uri + joint) and "#" not in self.callback, self.callback
            told = checks.parameters(self.callback[len(uri + joint) :])
        assert told.get("iss") == self.issuer
        assert told.get("state") == self.asked.get("state"), f"state {told.get('state')!r}"
        return told

    @property
    def code(self) -> str:
        assert set(self.response) - {"session_state"} == {"code", "iss"} | ({"state"} & set(self.asked)), self.response
        return self.response["code"]

    def refused(self, *codes: str) -> dict[str, str]:
        """The error that the application was told."""
        told = self.response
        assert set(told) <= {"error", "error_description", "error_uri", "state", "iss", "session_state"}, told
        checks.error_members(told)
        assert told["error"] in codes, f"{told} instead of {codes}"
        return told


class Visitor(Person):
    """A person whose browser looks closely."""

    def visit(
        self, client: Client, method: str = "GET", allow: bool = True, only: dict[str, str] | None = None,
        sent: dict[str, str] | None = None, sign_in: bool = True, **parameters: str | None,
    ) -> Visit:  # fmt: skip
        """Walks an authorization request until it leaves for the application or stops at a page of ours.

        - only: the parameters of the URL, where they are not the request itself.
        - sent: the request, where it was pushed or signed before.
        """
        asked = sent or client.request(**parameters)
        visit = Visit(asked, self.gateway.issuer)
        endpoint = client.provider.metadata["authorization_endpoint"]
        query = only or asked
        if method == "POST":
            # As another site's form would be sent.
            answer = self.browser.post(
                endpoint, data=query, headers={"Origin": "https://rp.invalid"}, timeout=20, allow_redirects=False
            )
        else:
            answer = self.get(f"{endpoint}?{urlencode(query, quote_via=quote)}", allow_redirects=False)
        for _ in range(STEPS):
            visit.answers.append(answer)
            checks.is_not_stored(answer)
            if "Location" in answer.headers:
                assert answer.status_code == 303, f"{answer.status_code} to {answer.headers['Location']}"
                target = urljoin(answer.url, answer.headers["Location"])
                if not target.startswith(self.gateway.issuer + "/"):
                    visit.callback = target
                    return visit
                answer = self.get(target, allow_redirects=False)
            elif 'id="login-form"' in answer.text and sign_in:
                assert answer.status_code == 200
                visit.logins += 1
                answer = self.fill_in(answer, allow_redirects=False)
            elif 'id="consent-form"' in answer.text:
                assert answer.status_code == 200
                visit.consents += 1
                action, fields = form_fields(answer.text, "consent-form")
                answer = self.post(action, fields | {"jawaban": "izinkan" if allow else "tolak"}, allow_redirects=False)
            else:
                visit.page = answer
                return visit
        raise AssertionError(f"too many redirects: {[answer.url for answer in visit.answers]}")


@dataclass
class Early:
    """What has to grow old: made when the provider starts, looked at by the tests of the last file."""

    visitor: Visitor
    client: Client
    # Their ID token and access token end after `token_lifetime`.
    tokens: Tokens
    # Redeemed once at that moment.
    used: Visit
    used_tokens: Tokens
    used_at: float
    strict: StrictClient
    # Not redeemed.
    unused: Visit
    unused_at: float
    handle: str
    handle_at: float
    handle_lifetime: int
    # A client whose keys are at an address of its own; asked for once at that moment.
    rotating: Client
    rotating_path: str
    rotating_at: float

    @classmethod
    def begin(cls, provider: Provider) -> "Early":
        visitor, client, strict = provider.alone(), provider.basic, provider.strict()
        pushed = checks.json_object(strict.push(strict.request()), 201)
        handle_at = time.time()
        unused = strict.visit(visitor)
        assert unused.code
        unused_at = time.time()
        tokens = client.sign_in(visitor)
        used = visitor.visit(client)
        used_tokens, used_at = client.tokens(used), time.time()
        path, key = f"/{provider.fresh('kunci')}.json", new_key("ES256")
        rotating = provider.register(
            token_endpoint_auth_method="private_key_jwt",
            key=key,
            jwks_uri=provider.stand_in.serve(path, json.dumps(public_set(key))),
        )
        rotating.tokens(visitor.visit(rotating))
        return cls(
            visitor, client, tokens, used, used_tokens, used_at, strict, unused, unused_at, pushed["request_uri"],
            handle_at,
            pushed["expires_in"], rotating, path, time.time())  # fmt: skip


def bare(key: RSAKey | ECKey | OKPKey) -> dict:
    """The public members that a thumbprint is made of."""
    return {
        name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y", "n", "e")
    }


def base64_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
