"""The table of reasons is read strictly: a denial without words would be a denial nobody can contest."""

from dataclasses import replace

import pytest
import yaml

from service.access.decision import Decision
from service.access.facts import ReleaseFacts
from service.disclosure.reasons import NEEDED, read_reasons
from service.errors import StartRefused
from tests.unit.consent.cases import BOOK
from tests.unit.disclosure.rules import CITATIONS, ENGINE, REASONS, REASONS_TEXT


def changed(**parts: object) -> str:
    return yaml.safe_dump(yaml.safe_load(REASONS_TEXT) | parts)


def read(document: str) -> None:
    read_reasons(document, CITATIONS, BOOK.reasons, ENGINE.bases.release)


def test_every_reason_has_a_paragraph_and_words() -> None:
    assert set(REASONS.by_code) >= NEEDED
    assert tuple(REASONS.bases) == ENGINE.bases.release
    for reason in (*REASONS.by_code.values(), *REASONS.bases.values()):
        assert reason.text.endswith(".") and "CFR" in reason.citation, reason.code


def test_every_gate_on_a_release_has_its_place_in_the_order() -> None:
    gates = {
        n for n, rule in ENGINE.rules.items() if rule.file == "legal_gates.cedar" and not n.endswith("-USE")
    }
    placed = {cause.rule for cause in (*REASONS.paper, *REASONS.always, *REASONS.consent)} - {None}
    assert placed == gates


@pytest.mark.parametrize(
    "document",
    [
        "not: [closed",
        "[]",
        changed(always=[{"rule": "G99"}]),
        changed(always=[{"rule": "G3", "code": "TWICE"}]),
        changed(always=[{"rule": "guard-program"}]),
        changed(evidence=[{"code": "X", "needs": {"no_such_fact": ["a"]}, "citation": "c", "text": "t"}]),
        changed(evidence=[{"code": "X", "only_evidence": ["qsoa"], "citation": "c", "text": "t"}]),
        changed(paper=[{"rule": "G7", "only_evidence": ["court_order"]}]),
        changed(consent=[{"code": "X", "fact": ["no_such_fact"], "citation": "c", "text": "t"}]),
        changed(consent=[{"code": "X", "citation": "c", "text": "t"}]),
        changed(consent=[{"code": "X", "fact": ["purpose_matches"]}]),
        changed(
            consent=[
                {"code": "PURPOSE_NOT_COVERED", "fact": ["purpose_matches"], "citation": "c", "text": "t"}
            ]
        ),
        changed(other=[]),
        changed(
            other=[*yaml.safe_load(REASONS_TEXT)["other"], {"code": "NO_BASIS", "citation": "c", "text": "t"}]
        ),
        changed(extra=[]),
    ],
)
def test_a_table_with_a_fault_stops_the_start(document: str) -> None:
    with pytest.raises(StartRefused, match=r"reasons\.yaml"):
        read(document)


def test_the_table_as_it_is_is_read() -> None:
    read(changed())


EMERGENCY = ReleaseFacts(
    evidence_present=True,
    evidence_kind="emergency",
    evidence_complete=True,
    evidence_signed_off=True,
    evidence_in_force=True,
    evidence_names_recipient=True,
    evidence_covers_item=True,
    evidence_says=frozenset({"bona_fide"}),
)
DENIED = Decision(permitted=False)


@pytest.mark.parametrize(
    ("facts", "refused_by", "code", "closed"),
    [
        (EMERGENCY, (), "CONSENT_OBTAINABLE", False),
        (replace(EMERGENCY, evidence_complete=False), (), "EVIDENCE_INCOMPLETE", False),
        (replace(EMERGENCY, evidence_kind="qsoa", evidence_in_force=False), (), "QSOA_NOT_IN_FORCE", False),
        (replace(EMERGENCY, evidence_in_force=False), (), "EVIDENCE_NOT_IN_FORCE", False),
        (replace(EMERGENCY, evidence_kind="deidentification"), (), "NOT_DEIDENTIFIED", False),
        (
            replace(
                EMERGENCY,
                evidence_kind="child_abuse_report",
                evidence_says=frozenset({"state_law_requires", "initial_report"}),
                kind="progress_note",
            ),
            (),
            "REPORT_EXCEPTION_DOES_NOT_COVER_RECORDS",
            False,
        ),
        (replace(EMERGENCY, evidence_kind="court_order"), ("G3", "G7"), "NO_SUBPART_E_ORDER", False),
        (EMERGENCY, ("G4",), "SCN_CONSENT_REQUIRED", True),
        (EMERGENCY, ("G5",), "RESTRICTED", True),
        (ReleaseFacts(), ("G3",), "PROCEEDINGS_AGAINST_PATIENT", True),
        (ReleaseFacts(), (), "NO_CONSENT", False),
    ],
)
def test_what_is_wrong_with_a_paper_is_said(
    facts: ReleaseFacts, refused_by: tuple[str, ...], code: str, closed: bool
) -> None:
    stage, reason = REASONS.why(facts, replace(DENIED, refused_by=refused_by))
    assert (reason.code, stage < 0) == (code, closed)


def test_a_paper_says_more_than_a_consent_for_something_else_and_less_than_one_that_ended() -> None:
    paper, _ = REASONS.why(EMERGENCY, DENIED)
    other = ReleaseFacts(consent_present=True)
    ended = replace(
        other, purpose_matches=True, recipient_known=True, recipient_named=True, discloser_covered=True
    )
    assert (
        REASONS.why(other, DENIED)[0]
        < paper
        < REASONS.why(ended, replace(DENIED, refused_by=("C-EXPIRED",)))[0]
    )
