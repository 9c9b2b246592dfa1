"""Which ground is relied on, what a person may settle, and how little of a thousand consents is looked at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from service.access.decision import Decision, Obligation
from service.access.facts import ReleaseFacts
from service.consent import validity
from service.consent.model import ConsentRecord, ConsentState, Today
from service.disclosure.decide import DisclosureDecision, Effect, Judge
from service.disclosure.judging import judge, only_on
from service.disclosure.situation import Recipient
from service.evidence.model import EvidenceKind, EvidenceState
from service.people.at_law import PatientAtLaw
from service.record.item import Provenance
from service.rights.restriction import Restriction, RestrictionState
from tests.unit.consent.cases import FIXTURES, NOW, PATIENT, ZONE, consent, known_as
from tests.unit.disclosure.rules import RULES
from tests.unit.disclosure.rules import judge as policies
from tests.unit.disclosure.situations import CLINIC, evidence, item, situation
from tests.unit.disclosure.test_duties import EMERGENCY

ATTENDANCE, SCREEN = item("attendance"), item("lab_result")
ED = Recipient(known_as("St Ann ED"), "St Ann ED", True, False, roles=frozenset({"medical_personnel"}))
LAB = Recipient(known_as("Lab One"), "Lab One", False, False, roles=frozenset({"qso"}))
OVERDOSE = evidence(EvidenceKind.EMERGENCY, EMERGENCY, recipients=frozenset({ED.id, CLINIC.id}))
QSOA = evidence(
    EvidenceKind.QSOA,
    {"services": "laboratory", "written": True, "acknowledges_bound": True, "resists_proceedings": True},
    patient_id=None,
    recipients=frozenset({LAB.id}),
)
#: For the clinic by name, for treatment, with every statement a treatment purpose needs.
NAMED: dict[str, Any] = {
    "recipients": [{"name": "Elm Family Clinic", "covered_entity": True}],
    "purposes": ["TREAT"],
    "statements": FIXTURES["C_TPO"]["statements"],
}


def for_clinic(name: str = "for the clinic", **change: Any) -> ConsentRecord:
    return replace(consent("C_SPEC", **(NAMED | change)), consent_id=known_as(name))


def decided(*args: Any, ask: Judge | None = None, **more: Any) -> DisclosureDecision:
    return judge(situation(*args, **more), ask or policies(), RULES)


def basis(decision: DisclosureDecision) -> tuple[str, UUID | None, UUID | None] | None:
    found = decision.basis
    return None if found is None else (found.id, found.consent_id, found.evidence_id)


def reasons(decision: DisclosureDecision) -> set[str]:
    return {ruling.reason for ruling in decision.rulings if not ruling.permitted}


# ---- the ground -------------------------------------------------------------------------------------


def test_an_emergency_is_not_relabelled_as_the_tpo_consent_and_a_specific_one_comes_first() -> None:
    tpo, narrow = consent("C_TPO"), for_clinic()
    clinic = replace(CLINIC, roles=frozenset({"medical_personnel"}))
    wide = decided([ATTENDANCE], [tpo], to=clinic, purpose="ETREAT", evidence=(OVERDOSE,))
    assert basis(wide) == ("B24", None, OVERDOSE.id)
    specific = replace(narrow, terms=narrow.terms)
    both = decided([ATTENDANCE], [tpo, specific], to=clinic, purpose="TREAT", evidence=(OVERDOSE,))
    assert basis(both) == ("B01", narrow.consent_id, None)
    assert Obligation.DOCUMENT_EMERGENCY_2_51C not in both.obligations


def test_the_ground_that_grants_most_is_relied_on_whatever_its_tier() -> None:
    decision = decided([ATTENDANCE, SCREEN], [for_clinic(), consent("C_TPO")])
    assert decision.effect is Effect.PERMIT
    assert decision.basis is not None and decision.basis.id == "B02"


def test_the_answer_does_not_depend_on_the_order_of_rows() -> None:
    consents = [
        for_clinic("one"),
        for_clinic("two"),
        consent("C_TPO"),
        for_clinic("gone", scope=_scope("lab_result")),
    ]
    answers = {basis(decided([ATTENDANCE], order)) for order in permutations(consents)}
    assert answers == {("B01", min(known_as("one"), known_as("two")), None)}


def _scope(*kinds: str) -> dict[str, Any]:
    return {"kinds": list(kinds), "labels": "all"}


def test_a_consent_on_which_nothing_rests_is_not_recorded_as_if_something_did() -> None:
    """What HIPAA allows without a consent is not the housing consent's doing."""
    summary = item("discharge_summary", unit="U2")
    decision = decided([summary], [for_clinic(purposes=["HOUSING"])])
    assert basis(decision) == ("164.506", None, None)
    assert decision.obligations == ()


def test_a_consent_or_paper_about_another_patient_is_none() -> None:
    stranger = UUID(int=77)
    other = replace(consent("C_TPO"), patient_id=stranger)
    paper = replace(OVERDOSE, patient_id=stranger)
    decision = decided([ATTENDANCE], [other], to=ED, purpose="ETREAT", evidence=(paper,))
    assert (decision.effect, decision.basis) == (Effect.DENY, None)
    summary = item("discharge_summary", unit="U2")
    assert basis(decided([summary], [other])) == ("164.506", None, None)


def test_an_agreement_in_force_is_cited() -> None:
    asked: dict[str, Any] = {"to": LAB, "purpose": "HOPERAT", "evidence": (QSOA,)}
    decision = decided([item("specimen_order")], **asked)
    assert basis(decision) == ("B21", None, QSOA.id)
    assert decision.obligations == (Obligation.CITE_EVIDENCE,)
    for change in ({"state": EvidenceState.ENDED}, {"state": EvidenceState.RECORDED}, {"kinds": frozenset()}):
        asked["evidence"] = (replace(QSOA, **change),)
        assert decided([item("specimen_order")], **asked).effect is Effect.DENY


def test_quoted_part_2_text_is_part_2_in_a_unit_that_is_not() -> None:
    own = item("discharge_summary", unit="U2")
    for provenance in (Provenance.QUOTES_PART2, Provenance.RECEIVED_PART2):
        assert decided([replace(own, provenance=provenance)]).effect is Effect.DENY
    assert decided([own]).effect is Effect.PERMIT
    unknown = replace(own, regime=None, provenance=Provenance.QUOTES_PART2)
    assert reasons(decided([unknown])) == {"ITEM_NOT_CLASSIFIED"}


def test_a_patients_own_consent_ends_with_the_patient() -> None:
    dead = PatientAtLaw(PATIENT, age=34, minor=False, deceased_on=NOW.date())
    for one in (consent("C_TPO"), for_clinic()):
        assert decided([ATTENDANCE], [one]).effect is Effect.PERMIT
        assert decided([ATTENDANCE], [one], patient=dead).effect is Effect.DENY


# ---- restrictions -----------------------------------------------------------------------------------

RESTRICTED = Restriction(
    UUID(int=8),
    PATIENT,
    RestrictionState.AGREED,
    kinds="all",
    items=frozenset(),
    recipients="all",
    classes=frozenset({"treatment"}),
    agreed_at=NOW,
)


def test_a_restriction_stands_against_a_consent_and_yields_to_an_emergency() -> None:
    clinic = replace(CLINIC, roles=frozenset({"medical_personnel"}))
    asked: dict[str, Any] = {"to": clinic, "restrictions": (RESTRICTED,)}
    held = decided([ATTENDANCE], [consent("C_TPO")], **asked)
    assert (held.effect, reasons(held)) == (Effect.DENY, {"RESTRICTED"})
    went = decided([ATTENDANCE], [consent("C_TPO")], evidence=(OVERDOSE,), **asked)
    assert went.effect is Effect.PERMIT
    assert Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26 in went.obligations
    assert went.basis is not None and went.basis.evidence_id == OVERDOSE.id


# ---- what a person may settle -----------------------------------------------------------------------


def test_an_event_nobody_records_needs_review_until_somebody_rules() -> None:
    open_ended = for_clinic(expiry={"kind": "event", "event": "the lease is signed"})
    decision = decided([ATTENDANCE], [open_ended])
    assert (decision.effect, reasons(decision)) == (Effect.NEEDS_REVIEW, {"C-EXPIRY-UNKNOWN"})
    ruled = replace(open_ended, rulings=(("event_not_happened", NOW),))
    assert decided([ATTENDANCE], [ruled]).effect is Effect.PERMIT
    over = replace(open_ended, rulings=(("event_happened", NOW),))
    assert decided([ATTENDANCE], [over]).effect is Effect.DENY


def test_a_doubt_that_is_not_settled_needs_review() -> None:
    doubted = replace(for_clinic(), rulings=(("doubted", NOW),))
    decision = decided([ATTENDANCE], [doubted])
    assert (decision.effect, decision.basis, decision.granted) == (Effect.NEEDS_REVIEW, None, ())
    assert [ruling.review for ruling in decision.rulings] == [True]
    cleared = replace(doubted, rulings=(("doubted", NOW), ("cleared", NOW)))
    assert decided([ATTENDANCE], [cleared]).effect is Effect.PERMIT
    false = replace(doubted, rulings=(("doubted", NOW), ("false", NOW)))
    assert decided([ATTENDANCE], [false]).effect is Effect.DENY


def test_a_doubt_is_no_review_where_something_else_stands_in_the_way() -> None:
    doubted = replace(for_clinic(), rulings=(("doubted", NOW),))
    assert decided([SCREEN], [doubted]).effect is Effect.DENY
    late = decided([ATTENDANCE], [doubted], at=NOW.replace(year=2028))
    assert (late.effect, reasons(late)) == (Effect.DENY, {"C-EXPIRED"})


def test_a_doubt_is_no_review_where_something_goes_on_another_ground() -> None:
    doubted = replace(for_clinic(), rulings=(("doubted", NOW),))
    assert decided([ATTENDANCE], [doubted, consent("C_TPO")]).effect is Effect.PERMIT


@pytest.mark.parametrize("purpose", ["LEGALOTHER", "DEFENSE"])
def test_a_proceeding_not_against_the_patient_is_for_a_person(purpose: str) -> None:
    decision = decided([ATTENDANCE], [consent("C_TPO")], purpose=purpose)
    assert decision.effect is Effect.NEEDS_REVIEW


# ---- one basis asked for ----------------------------------------------------------------------------


def test_a_basis_that_is_asked_for_is_that_one_or_none() -> None:
    both = [for_clinic(), consent("C_TPO")]
    assert basis(decided([ATTENDANCE], both, ask=only_on(policies(), {"B02"})))[0] == "B02"  # type: ignore[index]
    assert decided([ATTENDANCE], both, ask=only_on(policies(), {"B24"})).effect is Effect.DENY
    summary = item("discharge_summary", unit="U2")
    assert decided([summary], both, ask=only_on(policies(), {"B01"})).effect is Effect.DENY


# ---- how little is looked at ------------------------------------------------------------------------


class Counting:
    """The policies, and how often they were asked; how often words were rendered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        real, self._policies = validity.rendered_hash, policies()

        def rendered(*args: Any) -> str:
            self.counts["rendered"] += 1
            return real(*args)

        monkeypatch.setattr(validity, "rendered_hash", rendered)

    def ask(self, facts: ReleaseFacts) -> Decision:
        self.counts["asked"] += 1
        return self._policies(facts)


def thousand(variants: Iterable[ConsentRecord]) -> list[ConsentRecord]:
    kinds = list(variants)
    return [replace(kinds[n % len(kinds)], consent_id=UUID(int=n + 1)) for n in range(1_000)]


def test_a_thousand_consents_for_other_purposes_and_scopes_are_not_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [for_clinic(purposes=[code]) for code in ("HPAYMT", "HOPERAT", "HOUSING", "PATRQT", "COC")]
    others += [for_clinic(scope=_scope(kind)) for kind in ("lab_result", "care_plan", "diagnosis")]
    crowd, counting = [*thousand(others), for_clinic()], Counting(monkeypatch)
    decision = decided([ATTENDANCE], crowd, ask=counting.ask)
    assert basis(decision) == ("B01", known_as("for the clinic"), None)
    assert counting.counts["rendered"] == 1
    assert counting.counts["asked"] < 12


def test_of_a_thousand_consents_that_all_match_one_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    decision = decided([ATTENDANCE], thousand([for_clinic()]), ask=counting.ask)
    assert basis(decision) == ("B01", UUID(int=1), None)
    assert counting.counts["rendered"] == 1
    assert counting.counts["asked"] < 8


def test_a_refusal_by_a_thousand_revoked_consents_renders_none(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    revoked = replace(for_clinic(), state=ConsentState.REVOKED)
    decision = decided([ATTENDANCE], thousand([revoked]), ask=counting.ask)
    assert reasons(decision) == {"C-REVOKED"}
    assert counting.counts["rendered"] == 0
    assert counting.counts["asked"] < 8


def test_the_search_finds_what_looking_at_everything_finds() -> None:
    """The one valid consent among many that look as good until their words are compared."""
    bad = replace(for_clinic(), text_sha256="0" * 64)
    crowd = [*thousand([bad])[:40], for_clinic("the good one")]
    assert basis(decided([ATTENDANCE], crowd)) == ("B01", known_as("the good one"), None)
    assert reasons(decided([ATTENDANCE], crowd[:-1])) == {"C-TEXT-CHANGED"}


def test_nothing_rests_on_words_nobody_compared() -> None:
    """Policies that permit anything still get the facts of a consent in full."""
    seen: list[ReleaseFacts] = []

    def permissive(facts: ReleaseFacts) -> Decision:
        seen.append(facts)
        return policies()(replace(facts, kind_in_scope=True))

    changed = replace(for_clinic(scope=_scope("lab_result")), text_sha256="0" * 64)
    decision = decided([ATTENDANCE], [changed], ask=permissive)
    assert decision.effect is Effect.DENY
    assert any(not facts.consent_text_intact for facts in seen if facts.consent_present)


def test_events_of_the_patient_end_a_consent() -> None:
    until = for_clinic(expiry={"kind": "event", "event": "discharge"})
    happened = Today(NOW, ZONE, frozenset({("discharge", NOW.date())}))
    assert decided([ATTENDANCE], [until]).effect is Effect.PERMIT
    assert reasons(decided([ATTENDANCE], [until], today=happened)) == {"C-EXPIRED"}
