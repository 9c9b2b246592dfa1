"""The oracle against the open scenarios about consents, and the rows that break one thing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from service.consent.model import (
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
)
from tests.oracle import consenting
from tests.oracle.consenting import Plan, a_class
from tests.oracle.consents import standing
from tests.oracle.parts_of_scenarios import (
    NOW,
    Change,
    c_spec,
    c_tpo,
    nothing,
    plan,
    scope,
    terms,
    unsaid,
)

VALIDITY: list[tuple[str, Callable[[], Plan], Change, bool]] = [
    ("O01", c_tpo, nothing, True),
    ("O02", c_tpo, unsaid("revocation_how"), False),
    ("O03", c_tpo, unsaid("refusal_consequences"), False),
    ("O04", c_tpo, unsaid("hipaa_redisclosure"), False),
    ("O05", c_spec, terms(expiry=Expiry(ExpiryKind.NONE)), False),
    ("O06", c_spec, terms(purposes=("PATRQT",), initiated_by=Initiator.STAFF), False),
    ("O07", c_spec, terms(purposes=("PATRQT",), initiated_by=Initiator.PATIENT), True),
    ("O08", c_spec, terms(form=Form.ORAL), False),
    ("O10", c_tpo, scope(kinds=("attendance", "counseling_note")), False),
    ("O11", c_tpo, terms(purposes=("TPO", "HLEGAL")), False),
    (
        "O12",
        c_tpo,
        lambda given: (unsaid("fundraising_optout")(given), terms(program_intends_fundraising=True)(given)),
        False,
    ),
    ("O13", c_spec, lambda given: (scope(kinds=())(given), terms(recipients=())(given)), False),
    ("O14", c_spec, plan(roles=("parent",)), False),
    ("O16", c_spec, plan(roles=("parent", "patient")), True),
    ("O17", c_tpo, plan(roles=("personal_representative",)), True),
    ("M01", c_tpo, terms(patient_name=""), False),
    ("M02", c_tpo, terms(disclosers=()), False),
    ("M03", c_spec, terms(purposes=()), False),
    ("M04", c_spec, terms(expiry=None), False),
    ("M05", c_tpo, plan(roles=()), False),
    ("M06", c_tpo, plan(signed_on=None), False),
    ("M07", c_tpo, plan(signed_on=date(2026, 6, 2), active_from=NOW.now), False),
    ("M08", c_tpo, unsaid("revocation"), False),
    ("M09", c_tpo, unsaid("redisclosure_potential"), False),
    ("M12", c_spec, terms(recipients=(a_class("tpo"),)), False),
    ("M13", c_spec, plan(roles=("neighbour",)), False),
]


@pytest.mark.parametrize("row", VALIDITY, ids=lambda row: row[0])
def test_validity(row: tuple[str, Callable[[], Plan], Change, bool]) -> None:
    _, base, change, valid = row
    given = base()
    change(given)
    assert standing(given.record(), NOW).valid is valid


def test_o09_the_event_has_happened() -> None:
    given = c_spec()
    consenting.expires(given, ExpiryKind.EVENT, event="discharge")
    assert standing(given.record(), NOW).valid
    assert not standing(
        given.record(), replace(NOW, events=frozenset({("discharge", date(2026, 5, 20))}))
    ).valid
