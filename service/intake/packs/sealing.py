"""Sealing and opening packs inside an act that is already authorised.

The envelope is the keyed proof that a row is what was attested: it is bound to the row and its version, and it holds the
clear columns again, so that a licence cannot be prolonged, or a withdrawn one revived, by whoever has the database.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

import rfc8785

from service.errors import IntegrityError
from service.intake.packs.pack import Pack
from service.intake.packs.records import PACK_ROW, StoredPack
from service.store.types import Sealed
from service.work import Json, Work


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the pack's canonical JSON (RFC 8785), in hexadecimal."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def sealed(work: Work, pack: Pack) -> StoredPack:
    """The row of this pack at its version."""
    stored = StoredPack(
        id=pack.id,
        program_id=work.caller.program_id,
        instrument=pack.instrument,
        state=pack.state,
        version=pack.version,
        content=Sealed(b""),
        sha256=pack.sha256,
        starts_on=pack.starts_on,
        expires_on=pack.expires_on,
        attested_by=pack.attested_by,
        attested_at=pack.attested_at,
    )
    content: Mapping[str, Json] = {
        "of": _clear(stored),
        "pack": pack.document,
        "withdrawn_because": pack.withdrawn_because,
    }
    return replace(stored, **work.seal(PACK_ROW, stored.key, {"content": content}))


def opened(work: Work, stored: StoredPack) -> Pack:
    """Raises IntegrityError when the content or a clear column is not what was sealed."""
    content: Any = work.open(PACK_ROW, stored.key, {"content": stored.content})["content"]
    if content["of"] != _clear(stored) or digest_of(content["pack"]) != stored.sha256:
        raise IntegrityError
    return Pack(
        id=stored.id,
        document=content["pack"],
        sha256=stored.sha256,
        state=stored.state,
        starts_on=stored.starts_on,
        expires_on=stored.expires_on,
        attested_by=stored.attested_by,
        attested_at=stored.attested_at,
        version=stored.version,
        withdrawn_because=content["withdrawn_because"],
    )


def _clear(stored: StoredPack) -> list[Json]:
    """The clear columns, in one order."""
    return [
        stored.instrument,
        stored.state.value,
        stored.sha256,
        stored.starts_on.isoformat(),
        stored.expires_on.isoformat(),
        str(stored.attested_by),
        stored.attested_at.astimezone(UTC).isoformat(),
    ]
