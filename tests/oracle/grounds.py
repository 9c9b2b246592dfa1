"""One ground, one item: which gate stands in the way and which basis carries it (rules G1-G8, B01-B41, 3.4).

A ground is at most one consent and at most one paper. Nothing is put together from two of either: together they would
be a consent nobody signed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from service.access.purposes import PurposeClass
from service.consent.model import ConsentRecord
from service.disclosure.situation import Situation
from service.evidence.model import Evidence
from service.record.item import ItemForDecision
from tests.oracle import consents, papers
from tests.oracle.consents import TPO
from tests.oracle.words import PURPOSES

#: Purposes against the patient (G3, L1-L5).
AGAINST = {"HLEGAL", "PROCEED", "PROSECUTE"}
#: Nobody but a person can say (L7, L8).
FOR_A_PERSON = {"LEGALOTHER", "DEFENSE"}
#: Bases whose own kinds of item, or whose order or request, set the limit of what is necessary (G6).
OWN_LIMIT = {
    "B22",
    "B23",
    "B25",
    "B30",
    "B31",
    "B32",
    "B33",
    "B34",
    "B36",
    "B37",
    "B38",
    "B38-APPLICATION",
    "B40",
}
LIMITING_PAPERS = {
    *("incident", "child_abuse_report", "fda_notice", "deidentification", "court_order", "access_request"),
    *("cause_of_death_inquiry", "minor_threat_finding", "minor_application_finding", "secretary_request"),
}
INCIDENT_KINDS = {"name", "address", "last_whereabouts", "patient_status", "incident_facts"}


@dataclass(frozen=True)
class Ground:
    """A situation seen with one consent, one paper, both or neither."""

    situation: Situation
    consent: ConsentRecord | None = None
    paper: Evidence | None = None

    @cached_property
    def bare(self) -> bool:
        return self.consent is None and self.paper is None

    @cached_property
    def code(self) -> str:
        return self.situation.purpose.code

    @cached_property
    def legal_class(self) -> PurposeClass | None:
        purpose = PURPOSES.by_code.get(self.code)
        return None if purpose is None else purpose.legal_class

    def is_a(self, *roles: str) -> bool:
        return bool(self.situation.recipient.roles & set(roles))

    @cached_property
    def treats(self) -> bool:
        return "treating" in self.situation.recipient.relationships

    @cached_property
    def program_or_hipaa(self) -> bool:
        """2.33(a)(2): a program, covered entity or business associate."""
        to = self.situation.recipient
        return to.covered_entity or to.business_associate or self.is_a("part2_program")

    @cached_property
    def standing(self) -> consents.Standing:
        assert self.consent is not None
        if self.consent.patient_id != self.situation.patient.id:  # E01: somebody else's consent
            return consents.Standing(False)
        return consents.standing(self.consent, self.situation.today)

    @cached_property
    def paper_counts(self) -> bool:
        paper, s = self.paper, self.situation
        return paper is not None and papers.counts(paper, s.today, s.patient.id, s.recipient.id)

    def paper_is(self, item: ItemForDecision, kind: str, *words: str) -> bool:
        """The paper is of this kind, counts, speaks of the item, and says all of these."""
        paper = self.paper
        return (
            paper is not None
            and self.paper_counts
            and paper.kind.value == kind
            and papers.reaches(paper, item)
            and all(papers.says(paper, word) for word in words)
        )


def part2(item: ItemForDecision) -> bool | None:
    """G1: from where the words come; None when nobody can say, and then no path is open."""
    if item.provenance.value != "own":
        return True
    return None if item.regime is None else item.regime.value == "part2"


def gate(ground: Ground, item: ItemForDecision, basis: str | None) -> bool:
    """Whether a gate stands before this item, whatever the basis would be. `basis` None: no basis is claimed."""
    s = ground.situation
    known = (
        (s.recipient.known or basis is None)  # a person who reviews can register the recipient (policy)
        and item.labels is not None
        and part2(item) is not None
        and item.state.value in {"final", "amended"}
        and ground.code in PURPOSES.by_code
    )
    return (
        not known
        or _on_the_way(ground, item)
        or _g3(ground, item, basis)
        or _g4(ground, item, basis)
        or (restricted(s, item) and not emergency_carve_out(ground, item))  # G5
        or not (_own_limit(ground, basis) or _needed(ground, item))  # G6
    )


def _on_the_way(ground: Ground, item: ItemForDecision) -> bool:
    """2.31(a)(4)(ii): only the consent that names the intermediary lets a Part 2 record pass through it (policy)."""
    if ground.situation.via is None or (ground.consent is None and not part2(item)):
        return False
    return ground.consent is None or ground.consent.terms.kind.value != "intermediary"


def _own_limit(ground: Ground, basis: str | None) -> bool:
    """The basis, or while none is claimed the paper, says itself what is necessary."""
    if basis is not None:
        return basis in OWN_LIMIT
    return ground.paper is not None and ground.paper.kind.value in LIMITING_PAPERS


def _needed(ground: Ground, item: ItemForDecision) -> bool:
    ceiling = PURPOSES.by_code[ground.code].ceiling
    return ceiling is None or item.kind.value in ceiling


def _g3(ground: Ground, item: ItemForDecision, basis: str | None) -> bool:
    """Against the patient: only the stand-alone consent or an order of 2.64 or 2.65; whoever holds it."""
    return bool(part2(item)) and ground.code in AGAINST and basis not in {"B05", "B31", "B32"}


def _g4(ground: Ground, item: ItemForDecision, basis: str | None) -> bool:
    """Session notes: their own consent or authorization, or an order with the findings of 2.63."""
    if item.note_class.value == "ordinary":
        return False
    ordered = basis in {None, "B31", "B32", "B33", "B34"} and ground.paper_is(
        item, "court_order", "confidential_2_63"
    )
    return basis not in {"B04", "164.508(a)(2)"} and not ordered


def restricted(s: Situation, item: ItemForDecision) -> bool:
    """2.26: an agreed restriction, in force, about this item, recipient and purpose; only for T, P and O (R44)."""
    purpose = PURPOSES.by_code.get(s.purpose.code)
    if purpose is None or purpose.legal_class not in TPO:
        return False
    for one in s.restrictions:
        if not one.readable:
            return True  # a promise nobody can read is still a promise
        in_force = one.state.value == "agreed" or (
            one.state.value == "ended" and (one.ended_at is None or s.today.now < one.ended_at)
        )
        item_meant = one.kinds == "all" or item.kind.value in one.kinds or item.id in one.items
        recipient_meant = one.recipients == "all" or s.recipient.id in one.recipients
        # 164.522(a)(2)(iii); of an item of which nobody knows since when we have it, the promise holds
        earlier = one.only_until is None or item.created_at is None or item.created_at <= one.only_until
        if (
            in_force
            and item_meant
            and recipient_meant
            and earlier
            and purpose.legal_class.value in one.classes
        ):
            return True
    return False


def emergency_carve_out(ground: Ground, item: ItemForDecision) -> bool:
    """R42: emergency treatment by somebody who gives it; not the payment or the operations after it."""
    gives = ground.is_a("medical_personnel") or ground.treats
    for_it = ground.legal_class is PurposeClass.TREATMENT
    return gives and for_it and ground.paper_is(item, "emergency", "bona_fide")


def by_consent(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    """Section 3.1: bases whose preconditions this consent meets."""
    consent, s = ground.consent, ground.situation
    if consent is None or not ground.standing.valid or not consents.covers(consent, item, ground.code):
        return
    kind, dead = consent.terms.kind.value, s.patient.deceased_on is not None
    signer = consents.signer_of(consent)
    if dead and (signer != "personal_representative" or not _given_since_death(consent, s)):
        return  # S1: what was signed for the living patient, by whomever, permits nothing after death (unsure)
    by_name = s.via is None and consents.named(consent, s.recipient.id)
    reached = by_name or (
        s.via is None and consents.in_class(consent, s.recipient.id, s.recipient.relationships)
    )
    if not part2(item):
        if reached and item.note_class.value == "ordinary" and signer != "program_director":
            yield "164.508"
        if by_name and kind == "psychotherapy_notes" and item.note_class.value == "psychotherapy_note":
            yield "164.508(a)(2)"
        return
    if kind == "intermediary":
        if not dead and (by_name or _by_way(ground)):
            yield "B03"
        return
    yield from _living_or_dead(ground, item, kind, signer or "", by_name, reached)
    yield from _single_purpose(ground, item, kind, by_name)


def _given_since_death(consent: ConsentRecord, s: Situation) -> bool:
    """The authority of an executor begins when that of a representative of the living ends (2.15(b))."""
    died = s.patient.deceased_on
    return died is None or all(
        one.signed_on is not None and one.signed_on >= died for one in consent.signatures
    )


def _by_way(ground: Ground) -> bool:
    s = ground.situation
    assert ground.consent is not None
    return s.via is not None and consents.through(ground.consent, s.via, s.recipient.id, ground.treats)


def _living_or_dead(
    ground: Ground, item: ItemForDecision, kind: str, signer: str, by_name: bool, reached: bool
) -> Iterator[str]:
    """B01, B02, B09, B39 of the living; B12 of the deceased, on the terms of the kind."""
    dead = ground.situation.patient.deceased_on is not None
    payer = (
        by_name
        and ground.is_a("third_party_payer", "health_plan")
        and ground.legal_class is PurposeClass.PAYMENT
    )
    match kind:
        case "specific" | "research":
            if kind == "specific" and by_name and _tells_presence(ground.situation, item):
                yield "B10"
            elif reached and not _tells_presence(ground.situation, item):
                yield "B12" if dead else "B01"
        case "tpo":
            if reached and ground.program_or_hipaa and ground.legal_class in TPO:
                if ground.code == "AUDIT":
                    yield "B29"
                else:
                    yield "B12" if dead else "B02"
        case "payer":
            if payer and signer == "program_director":
                yield "B39"
            elif payer:
                yield "B12" if dead else "B09"
        case _:
            return


def _tells_presence(s: Situation, item: ItemForDecision) -> bool:
    """2.13(c)(1): to say that somebody is a patient of a unit known for substance use only says everything."""
    unit = s.program.units.get(item.unit)
    return item.kind.value == "patient_status" and (unit is None or unit.publicly_sud_only)


def _single_purpose(ground: Ground, item: ItemForDecision, kind: str, by_name: bool) -> Iterator[str]:
    """Kinds made for one thing."""
    if not by_name:
        return
    match kind:
        case "counseling_notes" if item.note_class.value == "sud_counseling_note":
            yield "B04"
        case "legal_proceedings" if ground.legal_class is PurposeClass.LEGAL and ground.code != "INVESTPGM":
            yield "B05"
        case "registry" if (
            ground.is_a("central_registry", "treatment_program")
            and item.kind.value == "registry_facts"
            and ground.code == "REGISTRY"
            and ground.paper_is(item, "registry_event", "registry_event")
        ):
            yield "B06"
        case "criminal_justice" if ground.is_a("criminal_justice") and ground.code == "CJMON":
            yield "B07"
        case "pdmp" if (
            ground.is_a("pdmp")
            and item.kind.value == "dispensing_record"
            and ground.code == "PDMP"
            and ground.paper_is(item, "pdmp_law", "state_law_requires")
        ):
            yield "B08"
        case "fundraising" if ground.code == "FUNDRAISE" and not ground.situation.patient.fundraising_opt_out:
            yield "B11"
        case _:
            return
