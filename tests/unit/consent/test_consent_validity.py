"""Every row of tests/scenarios/consent_validity.yaml: exactly the codes it names, no more and no fewer."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.consent.elements import CHECKED, Assessment, missing_elements
from service.consent.model import ConsentKind, ConsentTerms, Recipient, Scope
from service.consent.validity import against, ended, intact, local_day
from tests.unit.consent.cases import (
    BOOK,
    CLASSES,
    FIXTURES,
    NOW,
    ROWS,
    ZONE,
    case_of,
    consent,
    terms_of,
)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']} {row['conf']}" for row in ROWS])
def test_row(row: dict[str, Any]) -> None:
    assert case_of(row).codes() == set(row["codes"])


def test_every_element_has_a_row_that_fails_it() -> None:
    shown = {code for row in ROWS for code in row["codes"]}
    assert shown >= CHECKED


def test_ids_of_rows_are_unique() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)


def test_every_reason_says_where_it_stands_and_in_what_words() -> None:
    for element in BOOK.elements:
        assert element.citation.startswith(("42 CFR 2.", "45 CFR 164.")), element.code
        assert element.message.endswith("."), element.code
    for reason in BOOK.reasons.values():
        assert reason.citation.startswith(("42 CFR 2.", "45 CFR 164.")), reason.code


# ---- properties


def _barer(recipients: tuple[Recipient, ...]) -> list[tuple[Recipient, ...]]:
    """The recipients without names, without addresses, without participants or designation."""
    return [
        tuple(replace(r, name="", recipient_class=None) for r in recipients),
        tuple(replace(r, address=None) for r in recipients),
        tuple(replace(r, participants=(), general_designation=None) for r in recipients),
    ]


def _removals(terms: ConsentTerms) -> list[ConsentTerms]:
    """The terms with one element gone, for each element there is."""
    gone = [
        replace(terms, patient_name=""),
        replace(terms, disclosers=()),
        replace(terms, recipients=()),
        replace(terms, scope=Scope()),
        replace(terms, purposes=()),
        replace(terms, expiry=None),
        replace(terms, form=None),
        replace(terms, initiated_by=None),
        replace(terms, justice_condition=None),
        replace(terms, revocable_after=None),
        replace(terms, proceeding=None),
        *(replace(terms, recipients=less) for less in _barer(terms.recipients)),
    ]
    names = (
        "revocation",
        "revocation_how",
        "hipaa_redisclosure",
        "redisclosure_potential",
        "refusal_consequences",
        "fundraising_optout",
    )
    return gone + [replace(terms, statements=replace(terms.statements, **{name: False})) for name in names]


def _missing(terms: ConsentTerms) -> set[str]:
    return {r.code for r in missing_elements(BOOK, Assessment(terms, CLASSES, local_day(NOW, ZONE)))}


_SOME_PURPOSES = [
    "TPO",
    "TREAT",
    "HPAYMT",
    "HOUSING",
    "HLEGAL",
    "DEFENSE",
    "PATRQT",
    "FUNDRAISE",
    "CJMON",
    "SORCERY",
]

_any_terms = st.builds(
    lambda base, kind, recipients, kinds, labels, purposes, expiry, form, by, said: terms_of(
        FIXTURES[base]
        | {
            "kind": kind,
            "recipients": recipients,
            "scope": {"kinds": kinds, "labels": labels},
            "purposes": purposes,
            "expiry": expiry,
            "form": form,
            "statements": sorted(said),
        }
        | ({"initiated_by": by} if by else {})
    ),
    base=st.sampled_from(sorted(FIXTURES)),
    kind=st.sampled_from(sorted(kind.value for kind in ConsentKind)),
    recipients=st.lists(
        st.sampled_from(
            [
                {"class": "tpo"},
                {"name": "A"},
                {"name": "B", "covered_entity": True},
                {"name": "C", "type": "intermediary"},
                {"name": "D", "type": "intermediary", "general_designation": "treating_providers"},
                {"name": "E", "type": "intermediary", "participants": ["F"]},
                {"name": "G", "address": "1 Test Street"},
            ]
        ),
        max_size=3,
    ),
    kinds=st.one_of(
        st.just("all"),
        st.lists(
            st.sampled_from(
                ["attendance", "counseling_note", "psychotherapy_note", "lab_result", "registry_facts"]
            ),
            max_size=3,
        ),
    ),
    labels=st.one_of(st.just("all"), st.lists(st.sampled_from(["SUD", "HIV"]), max_size=2)),
    purposes=st.lists(
        st.sampled_from(
            [
                "TPO",
                "TREAT",
                "HPAYMT",
                "HOUSING",
                "HLEGAL",
                "DEFENSE",
                "PATRQT",
                "FUNDRAISE",
                "CJMON",
                "SORCERY",
            ]
        ),
        max_size=3,
    ),
    expiry=st.sampled_from(
        [
            None,
            {"kind": "none"},
            {"kind": "end_of_treatment"},
            {"kind": "event", "event": "discharge"},
            {"kind": "date"},
        ]
    ),
    form=st.sampled_from(["electronic", "paper", "oral", None]),
    by=st.sampled_from(["patient", "staff", None]),
    said=st.sets(
        st.sampled_from(
            [
                "revocation",
                "revocation_how",
                "hipaa_redisclosure",
                "redisclosure_potential",
                "refusal_consequences",
                "fundraising_optout",
            ]
        )
    ),
)


@given(_any_terms)
def test_taking_an_element_away_never_makes_an_invalid_consent_valid(terms: ConsentTerms) -> None:
    if not _missing(terms):
        return
    for less in _removals(terms):
        assert _missing(less), less


@pytest.mark.parametrize("base", sorted(FIXTURES))
def test_every_removal_of_something_needed_is_noticed(base: str) -> None:
    """From a whole consent of each kind: what is taken away is missed, or was not needed by that kind."""
    whole = terms_of(FIXTURES[base])
    assert not _missing(whole)
    noticed = [bool(_missing(less)) for less in _removals(whole)]
    assert sum(noticed) >= 7


@given(_any_terms, st.randoms(use_true_random=False))
def test_order_of_lists_changes_nothing(terms: ConsentTerms, chance: random.Random) -> None:
    def mixed(things: Any) -> Any:
        return things if things == "all" else tuple(chance.sample(things, len(things)))

    other = replace(
        terms,
        recipients=mixed(terms.recipients),
        purposes=mixed(terms.purposes),
        scope=replace(terms.scope, kinds=mixed(terms.scope.kinds), labels=mixed(terms.scope.labels)),
    )
    assert _missing(other) == _missing(terms)


@given(_any_terms)
def test_what_applies_to_nobody_is_never_asked(terms: ConsentTerms) -> None:
    """No treatment, payment or operations purpose, no TPO statement is missing."""
    if not set(terms.purposes) & {"TPO", "TREAT", "HPAYMT"}:
        assert not _missing(terms) & {"C-STMT-HIPAA-REDISC", "C-STMT-REDISC-POTENTIAL", "C-STMT-REFUSAL"}


@given(st.sampled_from(["C_TPO", "C_SPEC"]), st.integers(-400, 400))
def test_a_consent_never_comes_back(on: str, days: int) -> None:
    """Void by date at one instant, void at every later one."""
    record = consent(on, expiry={"kind": "date", "date": local_day(NOW, ZONE) + timedelta(days=days)})
    earlier = replace(case_of({"base": on}).today)
    later = replace(earlier, now=earlier.now + timedelta(days=1))
    if ended(record.terms, record.active_from, earlier):
        assert ended(record.terms, record.active_from, later)


# ---- time and text


@pytest.mark.parametrize(
    ("last_day", "holds", "ended_at"),
    [
        ("2026-03-08", "2026-03-09T03:59:59+00:00", "2026-03-09T04:00:00+00:00"),
        ("2026-11-01", "2026-11-02T04:59:59+00:00", "2026-11-02T05:00:00+00:00"),
        ("9999-12-31", "9999-12-31T23:59:59+00:00", None),
    ],
    ids=["23 hours", "25 hours", "the last day there is"],
)
def test_the_last_day_has_the_length_it_has_there(last_day: str, holds: str, ended_at: str | None) -> None:
    """The clocks change in New York on 2026-03-08 and 2026-11-01."""
    record = consent(expiry={"kind": "date", "date": date.fromisoformat(last_day)})
    today = case_of({"base": "C_SPEC"}).today
    assert not ended(record.terms, None, replace(today, now=datetime.fromisoformat(holds)))
    if ended_at:
        assert ended(record.terms, None, replace(today, now=datetime.fromisoformat(ended_at)))


def test_a_day_is_a_day_of_the_program_not_of_utc() -> None:
    record = consent(expiry={"kind": "date", "date": local_day(NOW, ZONE)})
    late = NOW.replace(hour=23, minute=30)
    assert late.utctimetuple().tm_mday != late.day
    assert not against(BOOK, record, CLASSES, replace(case_of({"base": "C_SPEC"}).today, now=late))


def test_changed_terms_are_not_the_words_that_were_signed() -> None:
    record = consent()
    assert intact(BOOK, record)
    assert not intact(BOOK, replace(record, terms=replace(record.terms, purposes=("EMPLOYMENT",))))
    assert not intact(BOOK, replace(record, text_sha256="0" * 64))
    assert not intact(BOOK, replace(record, signatures=()))
