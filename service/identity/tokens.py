"""Access tokens: the only place that knows JOSE, and the strict wrapper around it.

A token is a JWS in compact form (RFC 7515 section 3.1) signed with ES256 (RFC 7518 section 3.4), of type
`at+jwt` (RFC 9068). It says *which session*, never *what may be done*: roles, program and the state of the
session are read from the database on every call, so that ending a session takes effect on the next one.

python-jose checks the signature and nothing else. What it is lenient about is decided here before it sees
the token (RFC 8725, best current practice for JWT):

* segments: exactly three, base64url without padding, and only the one canonical spelling of their bytes, so
  that a token has one form and trailing bits cannot hide a second one;
* header: exactly the members `alg`, `kid`, `typ` with the values we issue. A closed list refuses `none`,
  every other algorithm, `crit`, `b64`, `zip`, `jku`, `jwk`, `x5u`, `x5c` and whatever comes next;
* key: chosen by `kid` from our own set, built once from PEM. Nothing in a token becomes a key or an address;
* claims: exactly those we issue, each with its type. `true` is not 1, `"1"` is not 1, a list is not our name.

The claim set is closed although RFC 7519 section 4 lets unknown claims be ignored: we are the only issuer,
and a claim we do not understand (`cnf`, say) may be a restriction. `client_id`, which RFC 9068 asks for, is
left out: the session knows it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, cast
from uuid import UUID

from jose import jwk, jws
from jose.backends.base import Key

from service.errors import Code, StartRefused, Unauthenticated
from service.ids import AccountId, SessionId

ALGORITHM: Final = "ES256"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 -- a media type
#: Ours are about 600 characters; a cookie ends at 4096.
MAX_TOKEN_CHARS: Final = 2048
#: How far the clocks of two workers may differ.
LEEWAY: Final = timedelta(seconds=5)
#: No token outlives the longest session (`sessions.ABSOLUTE_LIFETIME`).
MAX_LIFETIME: Final = timedelta(hours=12)

_SIGNATURE_BYTES: Final = 64
_HEADER_MEMBERS: Final[frozenset[str]] = frozenset({"alg", "kid", "typ"})
_CLAIMS: Final[frozenset[str]] = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"})
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
#: Seconds since 1970 that we are ready to turn into an instant: up to the year 2242.
_MAX_SECONDS: Final = 2**33


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; instants are UTC, to the second."""

    account_id: AccountId
    session_id: SessionId
    token_id: UUID
    issued_at: datetime
    expires_at: datetime


class _TokenError(Exception):
    """Some check failed; which one is nobody's business outside."""


class Tokens:
    """Issues and verifies the tokens of one deployment. Key objects are built once, here."""

    def __init__(
        self, *, signing_key: bytes, retired_keys: Sequence[bytes] = (), issuer: str, audience: str
    ) -> None:
        """`signing_key` is a P-256 private key, `retired_keys` public ones still honoured, all in PEM."""
        self._issuer = issuer
        self._audience = audience
        self._signing = _build(signing_key)
        if "d" not in self._signing.to_dict():
            raise StartRefused("The token signing key is not a private key.")
        self._kid = _thumbprint(self._signing)
        keys = [self._signing.public_key(), *(_build(pem).public_key() for pem in retired_keys)]
        self._keys = {_thumbprint(key): key for key in keys}

    @property
    def kid(self) -> str:
        """Name of the key in use: its RFC 7638 thumbprint."""
        return self._kid

    def issue(
        self, *, account_id: AccountId, session_id: SessionId, token_id: UUID, now: datetime, until: datetime
    ) -> str:
        """A signed token for a session, valid from `now` to `until`, at most MAX_LIFETIME."""
        issued = int(now.timestamp())
        expires = min(int(until.timestamp()), issued + int(MAX_LIFETIME.total_seconds()))
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(account_id),
            "sid": str(session_id),
            "jti": str(token_id),
            "iat": issued,
            "nbf": issued,
            "exp": expires,
        }
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return jws.sign(
            payload, self._signing, headers={"kid": self._kid, "typ": TOKEN_TYPE}, algorithm=ALGORITHM
        )

    def verify(self, token: str, now: datetime) -> Claims:
        """The claims of a token that is ours, intact and in its time; else raises Unauthenticated."""
        try:
            header, signature = _segments(token)
            key = self._key(_strict_object(header))
            if len(signature) != _SIGNATURE_BYTES:
                _refuse("signature length")
            return self._claims(_strict_object(jws.verify(token, key, algorithms=[ALGORITHM])), now)
        except Exception:  # whatever a library does with hostile bytes, the answer is the same
            raise Unauthenticated(Code.UNAUTHENTICATED, "Sign in to continue.") from None

    def jwk_set(self) -> dict[str, list[dict[str, object]]]:
        """The public keys as an RFC 7517 section 5 set, the one in use first."""
        return {"keys": [{**key.to_dict(), "kid": kid, "use": "sig"} for kid, key in self._keys.items()]}

    def _key(self, header: Mapping[str, object]) -> Key:
        if frozenset(header) != _HEADER_MEMBERS:
            _refuse("header members")
        if header["alg"] != ALGORITHM or header["typ"] != TOKEN_TYPE:
            _refuse("header values")
        kid = header["kid"]
        if not isinstance(kid, str) or kid not in self._keys:
            _refuse("unknown key")
        return self._keys[kid]

    def _claims(self, claims: Mapping[str, object], now: datetime) -> Claims:
        if frozenset(claims) != _CLAIMS:
            _refuse("claims")
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            _refuse("issuer or audience")
        issued, not_before, expires = (_instant(claims[name]) for name in ("iat", "nbf", "exp"))
        if issued > now + LEEWAY or not_before > now + LEEWAY:
            _refuse("from the future")
        if not_before > expires or issued >= expires or expires - issued > MAX_LIFETIME:
            _refuse("impossible period")
        if now >= expires:
            _refuse("expired")
        return Claims(
            account_id=AccountId(_uuid(claims["sub"])),
            session_id=SessionId(_uuid(claims["sid"])),
            token_id=_uuid(claims["jti"]),
            issued_at=issued,
            expires_at=expires,
        )


def _refuse(reason: str) -> NoReturn:
    raise _TokenError(reason)


def _build(pem: bytes) -> Key:
    try:
        key = jwk.construct(pem, ALGORITHM)
        curve = key.to_dict()["crv"]
    except Exception:  # python-jose and cryptography raise a dozen kinds; none may carry key text onward
        raise StartRefused("A token key is not a PEM encoded elliptic curve key.") from None
    if curve != "P-256":
        raise StartRefused("A token key is not on curve P-256, which ES256 requires (RFC 7518 section 3.4).")
    return key


def _thumbprint(key: Key) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order, without spaces."""
    public = key.to_dict()
    members = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return _encode(hashlib.sha256(members.encode()).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _segments(token: str) -> tuple[bytes, bytes]:
    """Header and signature of a token whose three segments are all well formed."""
    if len(token) > MAX_TOKEN_CHARS:
        _refuse("too long")
    parts = token.split(".")
    if len(parts) != 3:
        _refuse("segments")
    header, _payload, signature = (_decode(part) for part in parts)
    return header, signature


def _decode(segment: str) -> bytes:
    """Bytes of one segment, only from their canonical spelling (RFC 7515 section 2, RFC 4648 section 3.5)."""
    if _SEGMENT.fullmatch(segment) is None:
        _refuse("alphabet")
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if _encode(raw) != segment:
        _refuse("not canonical")
    return raw


def _strict_object(raw: bytes) -> dict[str, object]:
    """One JSON object in UTF-8, without a repeated member, NaN or Infinity."""
    parsed: object = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    if not isinstance(parsed, dict):
        _refuse("not an object")
    return cast("dict[str, object]", parsed)


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            _refuse("repeated member")
        members[name] = value
    return members


def _instant(value: object) -> datetime:
    # bool is a subclass of int in Python, and a float would be rounded by somebody
    if type(value) is not int or not 0 < value < _MAX_SECONDS:
        _refuse("not a time")
    return datetime.fromtimestamp(value, UTC)


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        _refuse("not an id")
    parsed = UUID(value)
    if str(parsed) != value:
        _refuse("not the canonical form of an id")
    return parsed
