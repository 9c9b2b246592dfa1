"""The receipt of a destruction: canonical JSON (RFC 8785), and a signed note (C2SP signed-note, Ed25519) over its hash.

The receipt names ids, times and hashes and nothing about the patient, so it can be kept and shown. The note is apart
from it, so that any tool that reads signed notes checks it: its text is two lines, the kind of receipt and the SHA-256
of the receipt in base64. That is no checkpoint (whose second line is a number), so one can never pass for the other,
although the ledger's key signs both.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import rfc8785

from service.ledger.checkpoint import Signer, VerifierKey

KIND: Final = "consentry-destruction-1"


def receipt_of(
    *,
    shredding_id: UUID,
    program_id: UUID,
    patient_id: UUID,
    basis: str,
    asked: tuple[UUID, datetime],
    approved: tuple[UUID, datetime],
    key_ids: Sequence[bytes],
    removed: Mapping[str, int],
    request_hash: bytes,
    entry_id: UUID,
) -> str:
    """The receipt as canonical JSON. `removed`: rows whose search values were taken, by table."""
    document = {
        "format": KIND,
        "shredding": str(shredding_id),
        "program": str(program_id),
        "patient": str(patient_id),
        "basis": basis,
        "asked": {"by": str(asked[0]), "at": _instant(asked[1])},
        "approved": {"by": str(approved[0]), "at": _instant(approved[1])},
        "keys": [key_id.hex() for key_id in key_ids],
        "removed": dict(removed),
        "request": request_hash.hex(),
        "entry": str(entry_id),
    }
    return rfc8785.dumps(document).decode()


def note_over(receipt: str, name: str, signer: Signer) -> str:
    """The signed note over a receipt; `name` is that of the key, as in the checkpoints of the service's tree."""
    text = f"{KIND}\n{base64.b64encode(hashlib.sha256(receipt.encode()).digest()).decode('ascii')}\n"
    key = VerifierKey(name, signer.public_key)
    signature = base64.b64encode(key.key_id + signer.sign(text.encode())).decode("ascii")
    return f"{text}\n— {key.name} {signature}\n"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
