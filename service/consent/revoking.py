"""Taking a consent back: the next decision says no, what was lawfully done stays done."""

from dataclasses import replace
from uuid import UUID

from service.access.actions import Action
from service.consent import ending, records
from service.consent.acts import KIND, changing, done, today_for
from service.consent.commands import ConsentView, Revoking
from service.consent.lifecycle import Act, after
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent
from service.errors import Code, Refused
from service.work import Denial, Json, Work


def revoke(
    work: Work, book: Rulebook, consent_id: UUID, given: Revoking, *, version: int | None = None
) -> ConsentView:
    """Revoke, wholly or for some recipients; the answer names the intermediaries that have to be told.

    A spoken revocation stops the sharing as a written one does. A criminal justice consent before its day or event:
    refused, and the attempt recorded (2.35(c)).
    """
    opened = changing(work, Action.CONSENT_REVOKE, consent_id, version)
    before = opened.record
    today = today_for(work, before.patient_id)
    record, act = ending.revoked(before, given, work.now, today)
    if not ending.revocable(before, today):
        words = book.reasons["C-NOT-REVOCABLE-YET"]
        work.refuse(
            Refused(Code.CONSENT_NOT_REVOCABLE_YET, words.message, legal_code=words.code),
            Denial(
                action=Action.CONSENT_REVOKE,
                object_kind=KIND,
                object_id=before.consent_id,
                patient_id=before.patient_id,
                consent_id=before.consent_id,
                detail={"reason": words.code, "form": given.form},
            ),
        )
    records.change(work, record, opened.signed_text)
    whole = act is Act.REVOKE
    affected = [r.recipient_id for r in record.terms.recipients] if whole else given.recipients
    records.revoke_recipients(work, record, affected)
    notify = ending.to_notify(record, () if whole else given.recipients)
    detail: dict[str, Json] = {
        "form": given.form,
        "recipients": [str(r) for r in sorted(given.recipients)],
        "notify": [str(one.recipient_id) for one in notify],
    }
    transition = after(before.state, act)
    shown = done(work, book, transition.action, OpenedConsent(record, opened.signed_text, work.now), detail)
    return replace(shown, notify=notify)
