"""What papers lack and what they establish, kind by kind; and that doubt establishes nothing."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.program import Regime
from service.evidence.establish import EvidenceFacts, establish, is_about, missing, reach_faults, said
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.evidence.rulebook import EvidenceBook, load_evidence
from service.record.item import ItemForDecision, ItemState, Kind, NoteClass
from tests.unit.evidence.papers import AGREEMENTS, CLINICIANS, DIRECTORS, PAPERS

BOOK = load_evidence(Path("policies"))
RECIPIENT, OTHER = UUID(int=1), UUID(int=2)
TODAY = date(2026, 6, 1)
ITEM = ItemForDecision(
    id=UUID(int=7),
    kind=Kind.ATTENDANCE,
    note_class=NoteClass.ORDINARY,
    unit="U1",
    regime=Regime.PART2,
    dated_on=date(2026, 5, 1),
    state=ItemState.FINAL,
    version=1,
    author_id=UUID(int=8),
    labels=frozenset(),
)
REQUIRED = [
    (kind, name)
    for kind, rule in sorted(BOOK.kinds.items())
    for name, question in rule.fields.items()
    if question.required
]


def paper(kind: str, /, particulars: Mapping[str, Any] | None = None, **changes: Any) -> Evidence:
    """A signed-off paper that names the recipient and covers the item."""
    directors = kind in DIRECTORS
    given: dict[str, Any] = {
        "id": UUID(int=3),
        "kind": EvidenceKind(kind),
        "patient_id": None if kind in AGREEMENTS else UUID(int=4),
        "state": EvidenceState.SIGNED_OFF,
        "recipients": frozenset({RECIPIENT}),
        "starts_on": TODAY,
        "ends_on": None,
        "items": frozenset(),
        "kinds": frozenset({"attendance"}),
        "particulars": PAPERS[kind].particulars if particulars is None else particulars,
        "recorded_by": UUID(int=5),
        "recorded_at": datetime(2026, 6, 1, 12, tzinfo=UTC),
        "signed_off_roles": frozenset({"director" if directors else "compliance"}),
    }
    return Evidence(**(given | changes))


def facts(evidence: Evidence, recipient: UUID = RECIPIENT, today: date = TODAY) -> EvidenceFacts:
    return establish(BOOK, evidence, recipient, ITEM, today)


def says(kind: str, **changed: Any) -> frozenset[str]:
    return facts(paper(kind, dict(PAPERS[kind].particulars) | changed)).says


# -- complete, or not


@pytest.mark.parametrize("kind", sorted(PAPERS))
def test_a_complete_paper_of_every_kind_establishes_what_it_should(kind: str) -> None:
    assert facts(paper(kind)) == EvidenceFacts(
        present=True,
        kind=kind,
        complete=True,
        signed_off=True,
        in_force=True,
        names_recipient=True,
        covers_item=True,
        says=PAPERS[kind].says,
    )


@pytest.mark.parametrize("kind", sorted(PAPERS))
def test_only_an_agreement_can_be_about_no_single_patient(kind: str) -> None:
    patient, other = UUID(int=4), UUID(int=9)
    about = [is_about(BOOK, paper(kind, patient_id=one), patient) for one in (patient, other, None)]
    assert about == [True, False, kind in AGREEMENTS]


def test_every_kind_there_is_has_a_paper() -> None:
    assert set(PAPERS) == set(EvidenceKind)


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
@pytest.mark.parametrize("answer", [None, "", "   ", "absent"])
def test_without_a_required_answer_exactly_that_is_missing_and_nothing_is_said(
    kind: str, name: str, answer: str | None
) -> None:
    particulars = dict(PAPERS[kind].particulars) | {name: answer}
    if answer == "absent":
        del particulars[name]
    faults = missing(BOOK, kind, particulars)
    assert [(fault.field, fault.code) for fault in faults] == [(name, "missing")]
    assert faults[0].citation and "CFR" in faults[0].citation
    shown = facts(paper(kind, particulars))
    assert (shown.present, shown.complete, shown.says) == (True, False, frozenset())


def test_o34_an_emergency_without_its_time_lacks_the_time() -> None:
    """42 CFR 2.51(c)(3)."""
    particulars = dict(PAPERS["emergency"].particulars) | {"time": None}
    (fault,) = missing(BOOK, "emergency", particulars)
    assert (fault.field, fault.code, fault.citation) == ("time", "missing", "42 CFR 2.51(c)(3)")


def test_all_that_is_missing_is_told_at_once() -> None:
    required = [
        name for name, question in BOOK.kinds[EvidenceKind.EMERGENCY].fields.items() if question.required
    ]
    assert [fault.field for fault in missing(BOOK, "emergency", {})] == required
    assert len(required) == 9


@pytest.mark.parametrize(
    ("kind", "name", "answer"),
    [
        ("emergency", "bona_fide", "true"),
        ("emergency", "bona_fide", 1),
        ("emergency", "consent_obtainable", 0),
        ("emergency", "consent_refused", "no"),
        ("emergency", "patient_state", "asleep"),
        ("emergency", "patient_state", ["unconscious"]),
        ("emergency", "date", "2026-02-30"),
        ("emergency", "date", "01.06.2026"),
        ("emergency", "date", 20260601),
        ("emergency", "time", "24:00"),
        ("emergency", "time", "9:30"),
        ("emergency", "time", "\u0661\u0664:05"),
        ("emergency", "nature", 7),
        ("emergency", "nature", "..."),
        ("emergency", "nature", "x" * 4001),
        ("research", "protections", "fda"),
        ("research", "protections", ["fda", "fda"]),
        ("research", "protections", ["fda", "trust"]),
        ("research", "protections", [["fda"]]),
        ("court_order", "order_type", "2.64"),
        ("court_order", "confidential_ground", "curiosity"),
    ],
)
def test_an_answer_that_cannot_be_one_is_not_an_answer(kind: str, name: str, answer: object) -> None:
    particulars = dict(PAPERS[kind].particulars) | {name: answer}
    assert [(fault.field, fault.code) for fault in missing(BOOK, kind, particulars)] == [
        (name, "not_acceptable")
    ]
    assert facts(paper(kind, particulars)).says == frozenset()


def test_an_answer_to_no_question_is_refused_without_repeating_its_name() -> None:
    particulars = dict(PAPERS["pdmp_law"].particulars) | {"Pat Testperson": True}
    (fault,) = missing(BOOK, "pdmp_law", particulars)
    assert (fault.field, fault.code) == ("?", "unknown")
    assert "Testperson" not in fault.message


def test_a_representative_shows_authority() -> None:
    """45 CFR 164.502(g): only who acts for another is asked for it."""
    particulars = dict(PAPERS["access_request"].particulars) | {"on_behalf": "representative"}
    assert [fault.field for fault in missing(BOOK, "access_request", particulars)] == ["authority"]
    assert missing(BOOK, "access_request", particulars | {"authority": "health care proxy"}) == ()


def test_a_kind_nobody_knows_establishes_nothing() -> None:
    assert [fault.field for fault in missing(BOOK, "rumour", {})] == ["kind"]
    empty = EvidenceBook({})
    assert establish(empty, paper("qsoa"), RECIPIENT, ITEM, TODAY) == EvidenceFacts(present=True)
    assert said(empty, paper("qsoa")) == frozenset()


@given(
    st.sampled_from(sorted(PAPERS)),
    st.dictionaries(
        st.text(max_size=8), st.none() | st.booleans() | st.text(max_size=8) | st.lists(st.text(max_size=8))
    ),
)
def test_nonsense_is_never_complete(kind: str, particulars: dict[str, Any]) -> None:
    assert missing(BOOK, kind, particulars)
    assert facts(paper(kind, particulars)).says == frozenset()


@given(st.sampled_from(sorted(PAPERS)), st.data())
def test_taking_an_answer_away_never_says_more(kind: str, data: st.DataObject) -> None:
    whole = dict(PAPERS[kind].particulars)
    taken = data.draw(st.sets(st.sampled_from(sorted(whole)), min_size=1))
    left = {name: answer for name, answer in whole.items() if name not in taken}
    assert facts(paper(kind, left)).says <= PAPERS[kind].says


# -- what it says


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"bona_fide", "consent_unobtainable"}),
        ({"bona_fide": False}, {"consent_unobtainable"}),
        ({"consent_obtainable": True}, {"bona_fide"}),
        ({"consent_refused": True}, {"bona_fide"}),
        ({"consent_refused": False}, {"bona_fide", "consent_unobtainable"}),
        ({"patient_state": "alert"}, {"bona_fide"}),
        ({"patient_state": "absent"}, {"bona_fide", "consent_unobtainable"}),
        (
            {"patient_state": "incapable", "disaster_closed": True},
            {"bona_fide", "consent_unobtainable", "disaster_closed"},
        ),
    ],
    ids=lambda value: ",".join(sorted(map(str, value))) or "none",
)
def test_an_emergency(changed: dict[str, Any], expected: set[str]) -> None:
    """42 CFR 2.51(a): a refusal, or a patient who could be asked, is not a consent that cannot be obtained."""
    assert says("emergency", **changed) == expected


@pytest.mark.parametrize("name", ["written", "acknowledges_bound", "resists_proceedings"])
def test_a_qsoa_needs_all_three_promises(name: str) -> None:
    """42 CFR 2.11."""
    assert says("qsoa", **{name: False}) == frozenset()


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("fda_notice", {"asserted_reason": False}, {"exclusive_purpose"}),
        ("fda_notice", {"exclusive_purpose": False}, {"fda_assertion"}),
        ("incident", {"place": "elsewhere"}, set()),
        ("incident", {"place": "against_personnel"}, {"on_premises_or_personnel"}),
        ("child_abuse_report", {"phase": "follow_up"}, {"state_law_requires"}),
        ("interchange", {"authority": "veterans_affairs"}, {"veterans_affairs"}),
        ("research", {"protections": []}, {"research_bound"}),
        ("research", {"no_redisclosure": False}, {"research_protected"}),
        ("research", {"aggregate_reports_only": False}, {"research_protected"}),
        ("research", {"retention_2_16": False}, {"research_protected"}),
        ("audit", {"on_premises": False}, {"audit_agreed"}),
        ("audit", {"copies": True}, {"audit_agreed"}),
        ("audit", {"copies": True, "promise_2_16": True}, {"audit_agreed", "copies_promised"}),
        ("audit", {"promise_2_16": True}, {"audit_agreed", "on_premises_no_copies"}),
        ("deidentification", {"no_reasonable_basis": False}, set()),
        ("access_request", {"identity_verified": False}, set()),
        ("minor_threat_finding", {"lacks_capacity": False}, {"substantial_threat", "may_reduce"}),
        ("minor_threat_finding", {"substantial_threat": False}, {"lacks_capacity", "may_reduce"}),
        ("minor_threat_finding", {"disclosure_may_reduce": False}, {"lacks_capacity", "substantial_threat"}),
        ("minor_application_finding", {"lacks_rational_choice": False}, set()),
        ("opportunity_to_agree", {"given": False}, set()),
        ("opportunity_to_agree", {"outcome": "objected"}, set()),
        ("opportunity_to_agree", {"outcome": "incapacitated_best_interest"}, {"agreed"}),
        ("public_interest", {"conditions_met": False}, set()),
        ("data_use_agreement", {"limited_data_set": False}, set()),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(sorted(map(str, value))) or "none",
)
def test_every_answer_counts(kind: str, changed: dict[str, Any], expected: set[str]) -> None:
    assert says(kind, **changed) == expected


FINDINGS = {
    "2_64": ("notice_given", "opportunity_heard", "good_cause"),
    "2_65": (
        "extremely_serious_crime",
        "substantial_value",
        "no_other_way",
        "public_interest_outweighs",
        "independent_counsel",
    ),
    "2_66": ("good_cause", "excludes_patient_identity"),
    "2_67": ("good_cause",),
}


def order(order_type: str, *findings: str, **changes: Any) -> frozenset[str]:
    particulars = {
        "court": "Test County Court",
        "order_type": order_type,
        "issued_on": "2026-05-20",
        "limits": "attendance",
        "subpoena": False,
        **dict.fromkeys(findings, True),
    }
    ends_on = changes.pop("ends_on", date(2026, 12, 1))
    return facts(paper("court_order", particulars | changes, ends_on=ends_on)).says


@pytest.mark.parametrize("order_type", sorted(FINDINGS))
def test_an_order_is_one_with_all_its_findings(order_type: str) -> None:
    """42 CFR 2.64-2.67."""
    found = FINDINGS[order_type]
    assert order(order_type, *found) == {f"order_{order_type}"}
    for left_out in found:
        assert order(order_type, *(name for name in found if name != left_out)) == frozenset()
    every = {name for names in FINDINGS.values() for name in names}
    assert order("none", *every) == frozenset()


def test_a_subpoena_is_no_order() -> None:
    """42 CFR 2.61(b), O25."""
    assert order("none", "good_cause", subpoena=True, confidential_ground="serious_crime") == {"subpoena"}


@pytest.mark.parametrize(
    ("ground", "reaches"),
    [("none", False), ("threat_to_life", True), ("serious_crime", True), ("patient_opened", True)],
)
def test_confidential_communications_need_a_ground_of_2_63(ground: str, reaches: bool) -> None:
    said_by_it = order("2_64", *FINDINGS["2_64"], confidential_ground=ground)
    assert said_by_it == {"order_2_64", *(["confidential_2_63"] if reaches else [])}


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "holds"),
    [
        (date(2026, 1, 15), date(2027, 1, 15), True),
        (date(2026, 1, 15), date(2027, 1, 16), False),
        (date(2026, 1, 15), None, False),
        (date(2024, 2, 29), date(2025, 2, 28), True),
        (date(2024, 2, 29), date(2025, 3, 1), False),
        (date(9999, 2, 1), date(9999, 12, 31), True),
    ],
    ids=str,
)
def test_a_placement_order_is_limited_to_twelve_months(
    starts_on: date, ends_on: date | None, holds: bool
) -> None:
    """42 CFR 2.67: placement no longer than 12 months unless extended."""
    particulars = dict(PAPERS["court_order"].particulars) | {"order_type": "2_67", "subpoena": False}
    given = paper("court_order", particulars, starts_on=starts_on, ends_on=ends_on)
    assert facts(given).says == ({"order_2_67"} if holds else frozenset())


# -- who, when, what


@pytest.mark.parametrize("kind", sorted(PAPERS))
@pytest.mark.parametrize("role", ["intake", "clinician", "compliance", "director", "administrator"])
def test_only_who_may_sign_a_kind_off_has_signed_it_off(kind: str, role: str) -> None:
    """Findings and research papers are the program director's alone (2.14, 2.52)."""
    directors = kind in DIRECTORS
    allowed = {"director"} if directors else {"compliance", *(["clinician"] if kind in CLINICIANS else [])}
    shown = facts(paper(kind, signed_off_roles=frozenset({role})))
    assert shown.signed_off is (role in allowed)
    unsigned = paper(kind, state=EvidenceState.RECORDED, signed_off_roles=frozenset({role}))
    assert not facts(unsigned).signed_off
    assert not facts(paper(kind, signed_off_roles=frozenset())).signed_off


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "state", "holds"),
    [
        (date(2026, 6, 1), None, "signed_off", True),
        (date(2026, 6, 2), None, "signed_off", False),
        (date(2026, 1, 1), date(2026, 6, 1), "signed_off", True),
        (date(2026, 1, 1), date(2026, 5, 31), "signed_off", False),
        (date(2026, 1, 1), None, "ended", False),
        (date(2026, 1, 1), None, "recorded", True),
    ],
    ids=str,
)
def test_in_force_from_the_first_day_to_the_last(
    starts_on: date, ends_on: date | None, state: str, holds: bool
) -> None:
    """O24: a QSOA that ended yesterday is not in force today."""
    given = paper("qsoa", starts_on=starts_on, ends_on=ends_on, state=EvidenceState(state))
    assert facts(given).in_force is holds


def test_it_is_for_those_it_names() -> None:
    assert not facts(paper("qsoa"), recipient=OTHER).names_recipient


@pytest.mark.parametrize(
    ("items", "kinds", "covered"),
    [
        (set(), {"attendance"}, True),
        (set(), {"diagnosis"}, False),
        ({ITEM.id}, set(), True),
        ({uuid4()}, set(), False),
        ({ITEM.id}, {"diagnosis"}, True),
        (set(), set(), False),
        (set(), "all", True),
        (set(), "everything", False),
    ],
    ids=["kind", "other-kind", "item", "other-item", "item-beside-kind", "nothing", "all", "no-word-of-ours"],
)
def test_it_covers_what_it_speaks_of(items: set[UUID], kinds: Any, covered: bool) -> None:
    reach = kinds if isinstance(kinds, str) else frozenset(kinds)
    shown = facts(paper("qsoa", items=frozenset(items), kinds=reach))
    assert shown.covers_item is covered


def test_an_order_is_never_about_everything() -> None:
    """42 CFR 2.64(e): an order limits itself; the parts are listed."""
    assert not facts(paper("court_order", kinds="all")).covers_item
    assert [fault.code for fault in reach_faults(BOOK, "court_order", frozenset(), "all")] == ["not_all"]
    assert reach_faults(BOOK, "qsoa", frozenset(), "all") == ()


def test_a_paper_about_nothing_is_not_recorded() -> None:
    assert [fault.code for fault in reach_faults(BOOK, "qsoa", frozenset(), frozenset())] == ["missing"]
    assert reach_faults(BOOK, "qsoa", frozenset({ITEM.id}), frozenset()) == ()
