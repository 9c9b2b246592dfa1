"""What goes with the records instead of a copy of the consent tells nothing of other recipients (42 CFR 2.32(b))."""

from dataclasses import replace
from datetime import date

import pytest

from service.consent.document import render
from service.consent.model import ConsentKind, Expiry, ExpiryKind
from service.disclosure.explanation import Explainable, Words, scope_explanation
from tests.unit.consent.test_consent_words import FULL, text_of

TEXT = text_of("en")
WORDS = Words(TEXT.kinds, TEXT.labels, TEXT.events)
#: Everything in the consent that is not this recipient's to know.
NOT_THEIRS = (
    "Testville Exchange",
    "Elm Clinic",
    "Oak Clinic",
    "1 Test Street",
    "my visits",
    "Pat Testperson",
    "Testperson v. Nobody",
    "probation in a test case",
)


def explained(kind: ConsentKind) -> str:
    return scope_explanation(
        Explainable(
            kind=kind,
            recipient="Test State Registry",
            purpose="Treatment",
            scope=FULL.scope,
            signed_on=date(2026, 3, 1),
            expiry=Expiry(ExpiryKind.DATE, date(2026, 12, 31)),
        ),
        WORDS,
    )


@pytest.mark.parametrize("kind", list(ConsentKind), ids=str)
def test_other_recipients_and_the_patients_own_words_are_not_in_it(kind: ConsentKind) -> None:
    """The copy of the same consent has all of them: that is why the explanation goes and the copy does not."""
    said, copy = explained(kind), render(replace(FULL, kind=kind), TEXT)
    assert "Test State Registry" in said
    for secret in NOT_THEIRS:
        assert secret in copy
        assert secret not in said


@pytest.mark.parametrize("kind", list(ConsentKind), ids=str)
def test_revoking_is_explained_as_the_law_has_it(kind: ConsentKind) -> None:
    """2.35(c): a justice consent cannot be revoked at any time."""
    later = kind is ConsentKind.CRIMINAL_JUSTICE
    assert ("only from the time it states" in explained(kind)) is later
    assert ("in writing at any time" in explained(kind)) is not later


@pytest.mark.parametrize(
    ("kind", "notes"),
    [
        (ConsentKind.COUNSELING_NOTES, "SUD counseling notes"),
        (ConsentKind.PSYCHOTHERAPY_NOTES, "psychotherapy notes"),
    ],
    ids=str,
)
def test_consents_for_notes_are_explained_as_such(kind: ConsentKind, notes: str) -> None:
    assert f"covers {notes} and no other records" in explained(kind)
    assert "laboratory" not in explained(kind)
    assert "lab results" in explained(ConsentKind.SPECIFIC)
    assert "single consent" in explained(ConsentKind.TPO)
