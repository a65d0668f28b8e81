"""Signs and checks tokens with PyJWT, joserfc and jwcrypto. A question in JSON comes on standard input, the answer goes to standard output."""

import json
import sys

import jwt as pyjwt
from joserfc import jws as joserfc_jws
from joserfc import jwk as joserfc_jwk
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

ALGORITHMS = [
    f"{family}{size}" for family in ("HS", "RS", "PS", "ES") for size in (256, 384, 512)
] + ["EdDSA"]


def sign_pyjwt(key, header, claims):
    private = pyjwt.PyJWK(key, algorithm=header["alg"]).key
    more = {name: value for name, value in header.items() if name != "alg"}
    return pyjwt.encode(claims, private, algorithm=header["alg"], headers=more)


def sign_joserfc(key, header, claims):
    private = joserfc_jwk.import_key(key)
    return joserfc_jws.serialize_compact(header, json.dumps(claims), private, algorithms=ALGORITHMS)


def sign_jwcrypto(key, header, claims):
    token = jwcrypto_jws.JWS(json.dumps(claims))
    token.allowed_algs = ALGORITHMS
    token.add_signature(jwcrypto_jwk.JWK(**key), None, json.dumps(header), None)
    return token.serialize(compact=True)


def verify_pyjwt(key, alg, token):
    public = pyjwt.PyJWK(key, algorithm=alg).key
    off = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
    return pyjwt.decode(token, public, algorithms=[alg], options=off)


def verify_joserfc(key, alg, token):
    return json.loads(joserfc_jws.deserialize_compact(token, joserfc_jwk.import_key(key), algorithms=[alg]).payload)


def verify_jwcrypto(key, alg, token):
    read = jwcrypto_jws.JWS()
    read.allowed_algs = [alg]
    read.deserialize(token, jwcrypto_jwk.JWK(**key))
    return json.loads(read.payload)


SIGN = {"PyJWT": sign_pyjwt, "joserfc": sign_joserfc, "jwcrypto": sign_jwcrypto}
VERIFY = {"PyJWT": verify_pyjwt, "joserfc": verify_joserfc, "jwcrypto": verify_jwcrypto}


def sign(question):
    tokens = []
    for key in question["keys"]:
        for name, make in SIGN.items():
            header = {"alg": key["alg"], "kid": key["kid"], "typ": "at+jwt"}
            tokens.append({"library": name, "alg": key["alg"], "token": make(key, header, question["claims"])})
    return {"tokens": tokens}


def verify(question):
    results = []
    for item in question["items"]:
        for name, check in VERIFY.items():
            result = {"library": name, "alg": item["alg"]}
            try:
                result["sub"] = check(item["key"], item["alg"], item["token"])["sub"]
            except Exception as error:
                result["error"] = repr(error)
            try:
                check(item["key"], item["alg"], item["changed"])
                result["changed"] = "accepted"
            except Exception:
                result["changed"] = "refused"
            results.append(result)
    return {"results": results}


def thumbprint(question):
    def of(name):
        return [jwcrypto_jwk.JWK.from_pem(item[name].encode()).thumbprint() for item in question["items"]]

    return {"private": of("pem"), "public": of("public")}


def encrypt(question):
    key = jwcrypto_jwk.JWK.from_pem(question["pem"].encode())
    return {"pem": key.export_to_pem(private_key=True, password=b"a password").decode()}


ACTS = {"encrypt": encrypt, "sign": sign, "verify": verify, "thumbprint": thumbprint}

if __name__ == "__main__":
    question = json.load(sys.stdin)
    json.dump(ACTS[question["act"]](question), sys.stdout)
