"""The copy of a consent that a patient or a recipient is given: the signed words, who signed, and how it
stands.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from service.consent.commands import ConsentView
from service.consent.document import one_line
from service.consent.model import ConsentState

_BANNERS = {
    ConsentState.DRAFT: "DRAFT - NOT SIGNED",
    ConsentState.REVOKED: "REVOKED",
    ConsentState.EXPIRED: "EXPIRED",
    ConsentState.SUPERSEDED: "REPLACED BY A NEWER CONSENT",
    ConsentState.ENTERED_IN_ERROR: "ENTERED IN ERROR",
}


def copy_of(view: ConsentView) -> str:
    """Plain text: a banner unless the consent is in force, the words exactly as hashed, then what
    surrounds them.
    """
    return "\n".join([*_banner(view), view.text, *_signatures(view), *_revocations(view)])


def _banner(view: ConsentView) -> Iterator[str]:
    word = _BANNERS.get(view.state)
    if word is not None:
        yield f"*** {word} ***"
        yield ""
    elif not view.in_force:
        yield "*** NOT IN FORCE ***"
        yield ""


def _signatures(view: ConsentView) -> Iterator[str]:
    for signature in view.record.signatures:
        yield f"Signed: {one_line(signature.name)} ({signature.role})"
        if signature.signed_on is not None:
            yield f"Date: {signature.signed_on.isoformat()}"
        yield f"How: {signature.method.value.replace('_', ' ')}"
        if signature.witness_account_id is not None:
            yield "Witnessed by a member of staff who was signed in."
        if signature.interpreter_id is not None:
            yield f"Interpreter: {one_line(signature.interpreter_id)}"
        yield f"Statement: {one_line(signature.attestation)}"
    yield f"SHA-256 of the text above: {view.text_sha256}"


def _revocations(view: ConsentView) -> Iterator[str]:
    names = {r.recipient_id: one_line(r.name) for r in view.record.terms.recipients}
    for revocation in view.record.revocations:
        when = _local(revocation.received_at, view.timezone)
        if not revocation.recipients:
            yield f"Revoked ({revocation.form}), received {when}."
            continue
        whom = ", ".join(
            sorted(names.get(r, "a member of a class named above") for r in revocation.recipients)
        )
        yield f"Revoked for {whom} ({revocation.form}), received {when}."


def _local(instant: datetime, timezone: str) -> str:
    return instant.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")
