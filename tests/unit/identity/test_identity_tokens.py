"""Hostile and malformed tokens against the one function that reads them, and ours against another library."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as second_jwt
from joserfc.jwk import ECKey, KeySet

from service.errors import StartRefused, Unauthenticated
from service.identity.tokens import LEEWAY, MAX_LIFETIME, MAX_TOKEN_CHARS, Tokens
from service.ids import AccountId, SessionId

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://consentry.test"
AUDIENCE = "consentry-api"
ACCOUNT = AccountId(UUID("01930000-0000-7000-8000-000000000001"))
SESSION = SessionId(UUID("01930000-0000-7000-8000-000000000002"))
TOKEN = UUID("01930000-0000-7000-8000-000000000003")

PRIVATE = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_ssh(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


TOKENS = Tokens(signing_key=pem(PRIVATE), issuer=ISSUER, audience=AUDIENCE)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def es256(message: bytes, key: ec.EllipticCurvePrivateKey = PRIVATE) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


HEADER: dict[str, object] = {"alg": "ES256", "kid": TOKENS.kid, "typ": "at+jwt"}
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": str(ACCOUNT),
    "sid": str(SESSION),
    "jti": str(TOKEN),
    "iat": SECONDS,
    "nbf": SECONDS,
    "exp": SECONDS + 600,
}


def signed(
    header: object = HEADER,
    claims: object = CLAIMS,
    sign: Callable[[bytes], bytes] = es256,
) -> str:
    """A token signed properly over whatever is given: only the wrapper's own checks can refuse it."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = f"{b64(head)}.{b64(body)}"
    return f"{message}.{b64(sign(message.encode()))}"


def header(**changes: object) -> dict[str, object]:
    return {**HEADER, **changes}


def claims(**changes: object) -> dict[str, object]:
    return {**CLAIMS, **changes}


def without(members: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in members.items() if key != name}


def keyed_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


GOOD = signed()
HEAD, BODY, SIGNATURE = GOOD.split(".")
JWK_TEXT = json.dumps(TOKENS.jwk_set()["keys"][0]).encode()


def trailing_bits(segment: str) -> str:
    """The same bytes in another spelling: the unused low bits of the last character are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4 in (2, 3)
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) | 1]


def hostile() -> dict[str, str]:
    tokens: dict[str, str] = {
        "empty": "",
        "one character": "x",
        "dots": ".",
        "three dots": "...",
        "two dots": "..",
    }
    # no signature at all, in the spellings that have worked elsewhere
    for name in ("none", "None", "NONE", "nOnE"):
        tokens[f"alg {name}, no signature"] = signed(header(alg=name), sign=lambda _: b"")
        tokens[f"alg {name}, our signature"] = signed(header(alg=name))
    # the public key used as a secret
    for form, secret in {
        "PEM": public_pem(PRIVATE),
        "PEM without line end": public_pem(PRIVATE).strip(),
        "DER": public_der(PRIVATE),
        "SSH": public_ssh(PRIVATE),
        "JWK": JWK_TEXT,
        "empty": b"",
        "one byte": b"x",
    }.items():
        tokens[f"HS256 keyed with {form}"] = signed(header(alg="HS256"), sign=keyed_with(secret))
        tokens[f"HS256 signature of {form} said to be ES256"] = signed(sign=keyed_with(secret))
    for alg in ("HS384", "RS256", "PS256", "ES384", "ES512", "EdDSA", "es256", "ES256 ", "", "ES256K", "dir"):
        tokens[f"alg {alg!r}"] = signed(header(alg=alg))
    for value in (None, 1, True, ["ES256"], {"alg": "ES256"}):
        tokens[f"alg of type {type(value).__name__}"] = signed(header(alg=value))
    # header members that change the meaning or point elsewhere
    for name, value in {
        "b64": False,
        "crit": ["exp"],
        "zip": "DEF",
        "jku": "http://127.0.0.1:9/keys",
        "x5u": "http://127.0.0.1:9/chain",
        "x5c": ["MAA="],
        "x5t": "x",
        "jwk": {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"},
        "cty": "JWT",
        "enc": "A256GCM",
        "x": 1,
    }.items():
        tokens[f"header {name}"] = signed(header(**{name: value}))
    tokens["crit and b64"] = signed(header(crit=["b64"], b64=False))
    tokens["embedded key of a stranger"] = signed(
        header(jwk=dict(ECKey.import_key(public_pem(STRANGER)).as_dict())), sign=lambda m: es256(m, STRANGER)
    )
    for kid in (
        "",
        "../../etc/passwd",
        "' OR '1'='1",
        "x" * 1000,
        "x" * 10_000,
        TOKENS.kid + " ",
        1,
        None,
        [TOKENS.kid],
    ):
        tokens[f"kid {str(kid)[:20]!r} {type(kid).__name__}"] = signed(header(kid=kid))
    for typ in ("JWT", "jwt", "AT+JWT", "application/at+jwt", "", None, 1, "dpop+jwt", "logout+jwt"):
        tokens[f"typ {typ!r}"] = signed(header(typ=typ))
    for name in HEADER:
        tokens[f"header without {name}"] = signed(without(HEADER, name))
    # claims
    for name in CLAIMS:
        tokens[f"without {name}"] = signed(claims=without(CLAIMS, name))
        for wrong in (
            None,
            True,
            [],
            {},
            "",
            "x",
            1.5,
            -1,
            0,
            2**70,
            [CLAIMS[name]],
            str(CLAIMS[name]) + " ",
        ):
            tokens[f"{name} = {wrong!r}"] = signed(claims=claims(**{name: wrong}))
    for name in ("iat", "nbf", "exp"):
        tokens[f"{name} as float"] = signed(claims=claims(**{name: float(SECONDS)}))
        tokens[f"{name} as string"] = signed(claims=claims(**{name: str(CLAIMS[name])}))
    tokens["unknown claim"] = signed(claims=claims(cnf={"jkt": "x"}))
    tokens["foreign audience"] = signed(claims=claims(aud="somebody-else"))
    tokens["audience among others"] = signed(claims=claims(aud=[AUDIENCE, "somebody-else"]))
    tokens["foreign issuer"] = signed(claims=claims(iss="https://elsewhere.test"))
    tokens["issuer with slash"] = signed(claims=claims(iss=ISSUER + "/"))
    tokens["sub in upper case"] = signed(claims=claims(sub=str(ACCOUNT).replace("-8000-", "-800A-")))
    tokens["sub in braces"] = signed(claims=claims(sub="{" + str(ACCOUNT) + "}"))
    tokens["expired"] = signed(claims=claims(iat=SECONDS - 700, nbf=SECONDS - 700, exp=SECONDS - 100))
    tokens["expires now"] = signed(claims=claims(iat=SECONDS - 700, nbf=SECONDS - 700, exp=SECONDS))
    tokens["not before in an hour"] = signed(claims=claims(nbf=SECONDS + 3600, exp=SECONDS + 7200))
    tokens["issued tomorrow"] = signed(claims=claims(iat=SECONDS + 86_400, nbf=SECONDS, exp=SECONDS + 90_000))
    tokens["issued six seconds ahead"] = signed(claims=claims(iat=SECONDS + 6))
    tokens["too long a life"] = signed(claims=claims(exp=SECONDS + int(MAX_LIFETIME.total_seconds()) + 1))
    tokens["ends before it starts"] = signed(claims=claims(iat=SECONDS + 3, nbf=SECONDS + 4, exp=SECONDS + 2))
    # JSON that two parsers read differently
    duplicate = json.dumps(CLAIMS)[:-1] + f', "exp": {SECONDS + 900}' + "}"
    tokens["claim twice"] = signed(claims=duplicate.encode())
    tokens["alg twice"] = signed((json.dumps(HEADER)[:-1] + ', "alg": "ES256"}').encode())
    tokens["NaN"] = signed(claims=json.dumps(claims(exp=float("nan"))).encode())
    tokens["byte order mark"] = signed(b"\xef\xbb\xbf" + json.dumps(HEADER).encode())
    tokens["UTF-16"] = signed(json.dumps(HEADER).encode("utf-16"))
    tokens["invalid UTF-8"] = signed(b'{"alg":"ES256\xff"}')
    tokens["header is a list"] = signed([HEADER])
    tokens["header is a string"] = signed("ES256")
    tokens["claims are a list"] = signed(claims=[CLAIMS])
    tokens["claims are empty"] = signed(claims=b"")
    tokens["deeply nested"] = signed(b"[" * 1000)
    # segments
    tokens["one segment"] = HEAD
    tokens["two segments"] = f"{HEAD}.{BODY}"
    tokens["four segments"] = f"{GOOD}.x"
    tokens["five segments, a JWE"] = f"{GOOD}.AAAA.AAAA"
    tokens["six segments"] = f"{GOOD}.a.b.c"
    tokens["empty signature"] = f"{HEAD}.{BODY}."
    tokens["empty payload"] = f"{HEAD}..{SIGNATURE}"
    tokens["empty header"] = f".{BODY}.{SIGNATURE}"
    tokens["JWE header"] = (
        f"{b64(json.dumps({'alg': 'dir', 'enc': 'A256GCM', 'zip': 'DEF'}).encode())}..AA.AA.AA"
    )
    tokens["JSON serialisation"] = json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE})
    # base64url
    tokens["padded"] = f"{HEAD}.{BODY}.{SIGNATURE}=="
    tokens["padded header"] = f"{HEAD}=.{BODY}.{SIGNATURE}"
    tokens["trailing bits in the signature"] = f"{HEAD}.{BODY}.{trailing_bits(SIGNATURE)}"
    tokens["standard alphabet"] = f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}"
    tokens["line end"] = GOOD + "\n"
    tokens["space in front"] = " " + GOOD
    tokens["space inside"] = f"{HEAD}. {BODY}.{SIGNATURE}"
    tokens["NUL"] = GOOD + "\0"
    tokens["full-width letter"] = "\uff41" + GOOD[1:]
    tokens["length that no bytes have"] = f"{HEAD}.{BODY}.{SIGNATURE}AAA"
    # signatures
    tokens["a stranger's signature"] = signed(sign=lambda m: es256(m, STRANGER))
    tokens["DER signature"] = signed(sign=lambda m: PRIVATE.sign(m, ec.ECDSA(hashes.SHA256())))
    tokens["zero signature"] = signed(sign=lambda _: bytes(64))
    tokens["63 bytes"] = signed(sign=lambda m: es256(m)[:-1])
    tokens["65 bytes"] = signed(sign=lambda m: es256(m) + b"\0")
    tokens["signature of another payload"] = (
        f"{HEAD}.{b64(json.dumps(claims(exp=SECONDS + 601)).encode())}.{SIGNATURE}"
    )
    tokens["huge"] = signed(claims=claims(sub="x" * 100_000))
    tokens["ours with blanks, too long"] = signed(claims=json.dumps(CLAIMS).encode() + b" " * MAX_TOKEN_CHARS)
    tokens["just too long"] = "A" * (MAX_TOKEN_CHARS + 1)
    return tokens


HOSTILE = hostile()


def test_the_matrix_is_as_large_as_promised() -> None:
    assert len(HOSTILE) >= 60


def test_the_token_all_variants_are_made_from_is_accepted() -> None:
    """Without this, everything below could be refused for one trivial reason."""
    assert TOKENS.verify(GOOD, NOW).session_id == SESSION


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_token_is_refused_in_one_way(name: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        TOKENS.verify(HOSTILE[name], NOW)
    assert refusal.value.detail == "Sign in to continue."
    assert refusal.value.errors == ()
    assert refusal.value.__cause__ is None


def test_every_single_bit_of_a_token_matters() -> None:
    raw = GOOD.encode()
    for position in range(len(raw)):
        for bit in range(7):
            flipped = bytearray(raw)
            flipped[position] ^= 1 << bit
            with pytest.raises(Unauthenticated):
                TOKENS.verify(flipped.decode(), NOW)


@given(st.text(max_size=400))
def test_any_text_is_refused_without_another_exception(text: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.verify(text, NOW)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_signed_json_but_ours_is_refused(value: object) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.verify(signed(claims=value), NOW)
    with pytest.raises(Unauthenticated):
        TOKENS.verify(signed(header=value), NOW)


def issue(now: datetime = NOW, until: datetime = NOW + timedelta(minutes=10)) -> str:
    return TOKENS.issue(account_id=ACCOUNT, session_id=SESSION, token_id=TOKEN, now=now, until=until)


def test_what_is_issued_is_verified_until_it_expires() -> None:
    token = issue()
    found = TOKENS.verify(token, NOW)
    assert (found.account_id, found.session_id, found.token_id) == (ACCOUNT, SESSION, TOKEN)
    assert found.issued_at == NOW
    assert found.expires_at == NOW + timedelta(minutes=10)
    assert TOKENS.verify(token, NOW + timedelta(minutes=10) - timedelta(seconds=1)) == found
    with pytest.raises(Unauthenticated):
        TOKENS.verify(token, NOW + timedelta(minutes=10))


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    assert TOKENS.verify(issue(), NOW - LEEWAY)
    with pytest.raises(Unauthenticated):
        TOKENS.verify(issue(), NOW - LEEWAY - timedelta(seconds=1))


def test_no_token_outlives_the_longest_session() -> None:
    found = TOKENS.verify(issue(until=NOW + timedelta(days=400)), NOW)
    assert found.expires_at == NOW + MAX_LIFETIME


def test_another_library_accepts_our_token_with_our_published_keys() -> None:
    keys = KeySet.import_key_set({"keys": TOKENS.jwk_set()["keys"]})
    read = second_jwt.decode(issue(), keys, algorithms=["ES256"])
    assert read.header == HEADER
    assert read.claims == {**CLAIMS}


def test_we_accept_a_token_another_library_made_with_our_key() -> None:
    token = second_jwt.encode(HEADER, CLAIMS, ECKey.import_key(pem(PRIVATE)), algorithms=["ES256"])
    assert TOKENS.verify(token, NOW).account_id == ACCOUNT


def test_the_published_keys_hold_nothing_private_and_their_names_are_thumbprints() -> None:
    retired = Tokens(
        signing_key=pem(PRIVATE), retired_keys=[public_pem(STRANGER)], issuer=ISSUER, audience=AUDIENCE
    )
    published = retired.jwk_set()["keys"]
    assert [key["kid"] for key in published] == [
        ECKey.import_key(public_pem(key)).thumbprint() for key in (PRIVATE, STRANGER)
    ]
    for key in published:
        assert set(key) == {"kty", "crv", "x", "y", "alg", "use", "kid"}


def test_a_retired_key_still_verifies_and_a_removed_one_does_not() -> None:
    token = issue()
    successor = Tokens(
        signing_key=pem(STRANGER), retired_keys=[public_pem(PRIVATE)], issuer=ISSUER, audience=AUDIENCE
    )
    assert successor.verify(token, NOW).session_id == SESSION
    alone = Tokens(signing_key=pem(STRANGER), issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(Unauthenticated):
        alone.verify(token, NOW)


@pytest.mark.parametrize(
    "unusable",
    [
        b"",
        b"secret",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        public_pem(PRIVATE),
        pem(ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["empty", "text", "damaged", "public", "P-384"],
)
def test_a_key_that_cannot_sign_es256_refuses_the_start(unusable: bytes) -> None:
    with pytest.raises(StartRefused) as refusal:
        Tokens(signing_key=unusable, issuer=ISSUER, audience=AUDIENCE)
    assert "BEGIN" not in refusal.value.detail
