"""The copy people are given, the draft taken as signed for a preview, and what a revocation takes away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.consent.commands import ConsentView, Revoking
from service.consent.copy import copy_of
from service.consent.document import render, text_hash
from service.consent.ending import revoked
from service.consent.lifecycle import Act
from service.consent.match import standing
from service.consent.model import ConsentRecord, ConsentState, Reason, Revocation, Today
from service.consent.signing import as_if_signed
from service.errors import Conflict, Invalid
from tests.unit.consent.cases import BOOK, CLASSES, NOW, TEXT, ZONE, consent, known_as

LAWYER, OFFICE = known_as("Lee Attorney"), known_as("Harbor Housing Office")
TODAY = Today(NOW, ZONE)
BOTH = consent(recipients=[{"name": "Lee Attorney"}, {"name": "Harbor Housing Office"}])


def shown(record: ConsentRecord, *, against: tuple[Reason, ...] = ()) -> str:
    text = render(record.terms, TEXT)
    return copy_of(
        ConsentView(record, record.state, (), against, text, text_hash(text), ZONE, record.created_at)
    )


def test_a_consent_in_force_has_no_banner_and_ends_with_its_hash() -> None:
    text = shown(consent())
    assert text.startswith(TEXT.title)
    assert text.endswith(consent().text_sha256 or "")


def test_every_other_state_says_so_first() -> None:
    for state in set(ConsentState) - {ConsentState.ACTIVE}:
        assert shown(consent(state=state)).startswith("*** ")
    void = (BOOK.reasons["C-TEXT-CHANGED"],)
    assert shown(consent(), against=void).startswith("*** NOT IN FORCE ***")


def test_a_partial_revocation_names_who_is_out() -> None:
    at = datetime(2026, 5, 2, 2, 30, tzinfo=UTC)
    member = known_as("a clinic in the class")
    partly = replace(BOTH, revocations=(Revocation(at, at, "oral", "patient", frozenset({LAWYER, member})),))
    line = shown(partly).splitlines()[-1]
    assert (
        line == "Revoked for Lee Attorney, a member of a class named above (oral), received 2026-05-01 22:30."
    )


def test_nobody_signs_a_paragraph_into_the_copy() -> None:
    forged = replace(consent().signatures[0], name="Pat\nWitnessed by a member of staff who was signed in.")
    lines = shown(replace(consent(), signatures=(forged,))).splitlines()
    assert not any(line.startswith("Witnessed") for line in lines)


def test_a_draft_taken_as_signed_stands_if_nothing_is_missing() -> None:
    today = Today(NOW, ZONE)
    draft = replace(consent(), state=ConsentState.DRAFT, signatures=(), text_sha256=None, active_from=None)
    assert standing(BOOK, CLASSES, draft, today).void
    as_signed = as_if_signed(draft, TEXT, NOW.date(), NOW)
    assert not standing(BOOK, CLASSES, as_signed, today).void
    lacking = as_if_signed(replace(draft, terms=replace(draft.terms, purposes=())), TEXT, NOW.date(), NOW)
    assert [r.code for r in standing(BOOK, CLASSES, lacking, today).void] == ["C-PURPOSE"]


def asking(*recipients: object, at: datetime = NOW) -> Revoking:
    return Revoking(received_at=at, form="written", by="patient", recipients=recipients)  # type: ignore[arg-type]


def test_taking_out_the_last_recipient_revokes_the_whole() -> None:
    partly, act = revoked(BOTH, asking(LAWYER), NOW, TODAY)
    assert (partly.state, act) == (ConsentState.ACTIVE, Act.REVOKE_IN_PART)
    whole, act = revoked(partly, asking(OFFICE), NOW, TODAY)
    assert (whole.state, act) == (ConsentState.REVOKED, Act.REVOKE)
    assert whole.version == BOTH.version + 2
    assert len(whole.revocations) == 2


def test_a_member_of_a_class_is_taken_out_alone() -> None:
    partly, act = revoked(consent("C_TPO"), asking(LAWYER), NOW, TODAY)
    assert act is Act.REVOKE_IN_PART
    assert partly.revoked_recipients == {LAWYER}
    with pytest.raises(Conflict):
        revoked(partly, asking(LAWYER), NOW, TODAY)


def test_what_cannot_be_revoked() -> None:
    with pytest.raises(Invalid):
        revoked(BOTH, asking(known_as("a stranger")), NOW, TODAY)
    with pytest.raises(Invalid):
        revoked(BOTH, asking(at=NOW + timedelta(seconds=1)), NOW, TODAY)
    with pytest.raises(Invalid):
        revoked(BOTH, asking(at=datetime(2025, 1, 1, tzinfo=UTC)), NOW, TODAY)
    for state in set(ConsentState) - {ConsentState.ACTIVE}:
        with pytest.raises(Conflict):
            revoked(replace(BOTH, state=state), asking(), NOW, TODAY)
