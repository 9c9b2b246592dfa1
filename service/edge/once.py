"""Idempotency keys: a retry of the same request by the same caller is not a second act.

Kept: the caller, a hash of the key, a keyed hash of method, path, query and body, and the id of what was made; never a
response. The claim is inserted first, so that of many equal requests at once one acts and the others wait for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import Request

from service.edge import records
from service.errors import BadRequest, Code, Conflict
from service.work import Work

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Claim:
    """What identifies a request under a key."""

    key_hash: bytes
    request_digest: str

    @dataclass(frozen=True, slots=True)
    class Made:
        """What the first request with this key made."""

        resource_id: UUID


async def read_claim(request: Request) -> Claim | None:
    """The claim of a request with an Idempotency-Key header, None without; a malformed key is refused."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if (
        len(given) > 1
        or not 1 <= len(given[0]) <= 200
        or not given[0].isascii()
        or not given[0].isprintable()
    ):
        raise BadRequest(
            Code.IDEMPOTENCY_KEY_INVALID,
            "Idempotency-Key is one text of 1 to 200 printable ASCII characters.",
        )
    return await claim_under(request, given[0])


async def claim_under(request: Request, key: str) -> Claim:
    """The claim of a request under a key it carries elsewhere: a form of a page has it in a hidden field."""
    digest = hashlib.sha256()
    query: bytes = request.scope["query_string"]
    for part in (request.method.encode(), request.url.path.encode(), query, await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return Claim(hashlib.sha256(key.encode()).digest(), digest.hexdigest())


def claim_key(work: Work, claim: Claim) -> Claim.Made | None:
    """Claim the key for this unit: None when it is ours now, else what the first request made.

    Raises Conflict `idempotency_mismatch` when the key belongs to another request.
    """
    body_hash, *former = work.index_keys().hashes(claim.request_digest)
    account_id = work.caller.account_id
    records.forget_before(work.db, account_id, work.now - LIFETIME)
    if records.claim(work.db, account_id, claim.key_hash, work.caller.program_id, body_hash, work.now):
        return None
    row = records.find(work.db, account_id, claim.key_hash)
    if row is None or row.body_hash not in (body_hash, *former):
        raise Conflict(Code.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another request.")
    if row.resource_id is None:
        raise Conflict(Code.IDEMPOTENCY_MISMATCH, "The first request with this Idempotency-Key was refused.")
    return Claim.Made(row.resource_id)


def finish_key(work: Work, claim: Claim, resource_id: UUID) -> None:
    """Note what was made."""
    records.finish(work.db, work.caller.account_id, claim.key_hash, resource_id)
