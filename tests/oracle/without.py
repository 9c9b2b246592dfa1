"""Bases without consent (rules 3.2, B21-B41), and those of HIPAA alone for what is no Part 2 record (3.4)."""

from collections.abc import Iterator
from typing import Final

from service.access.purposes import PurposeClass
from service.record.item import ItemForDecision
from tests.oracle.consents import TPO
from tests.oracle.grounds import INCIDENT_KINDS, Ground, part2

#: G1 sends what is no Part 2 record down the path of 3.4. These reach the whole chart (policy, R59), because HIPAA asks
#: for no more: emergency care (164.506), the patient (164.524), the Secretary
#: (164.502(a)(2)(ii)).
WHOLE_CHART: Final = {"B24", "B36", "B40"}


def without_consent(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    """Bases whose preconditions the paper of this ground, or nothing but the request, meets."""
    if ground.consent is not None:
        return  # a paper beside a consent serves that consent
    of_part2 = part2(item)
    for basis in (
        *_care_and_agreements(ground, item),
        *_reports(ground, item),
        *_courts(ground, item),
        *_patient_and_family(ground, item),
    ):
        if of_part2 or basis in WHOLE_CHART:
            yield basis
    if of_part2 is False:
        yield from _hipaa(ground, item)


def _care_and_agreements(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    legal_class, paper = ground.legal_class, ground.paper_is
    if paper(item, "qsoa", "qsoa_written") and ground.is_a("qso") and legal_class in TPO:
        yield "B21"
    if (
        paper(item, "emergency", "bona_fide")
        and (paper(item, "emergency", "consent_unobtainable") or paper(item, "emergency", "disaster_closed"))
        and ground.is_a("medical_personnel")
        and legal_class is PurposeClass.TREATMENT
    ):
        yield "B24"
    if (
        paper(item, "research", "research_protected", "research_bound")
        and ground.is_a("researcher")
        and legal_class is PurposeClass.RESEARCH
    ):
        yield "B26"
    if paper(item, "audit", "audit_agreed") and ground.is_a("auditor") and ground.code == "AUDIT":
        if paper(item, "audit", "on_premises_no_copies"):
            yield "B27"
        if paper(item, "audit", "copies_promised"):
            yield "B28"
    if (
        (paper(item, "interchange", "armed_forces") or paper(item, "interchange", "veterans_affairs"))
        and ground.is_a("armed_forces", "veterans_affairs")
        and legal_class in TPO
    ):
        yield "B41"


def _reports(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    kind, code, paper = item.kind.value, ground.code, ground.paper_is
    if (
        paper(item, "incident", "on_premises_or_personnel")
        and ground.is_a("law_enforcement")
        and kind in INCIDENT_KINDS
        and code == "INCIDENT"
    ):
        yield "B22"
    if (
        paper(item, "child_abuse_report", "state_law_requires", "initial_report")
        and ground.is_a("child_protection")
        and kind == "abuse_report"
        and code == "ABUSERPT"
    ):
        yield "B23"
    if (
        paper(item, "fda_notice", "fda_assertion", "exclusive_purpose")
        and ground.is_a("fda")
        and code == "FDASAFETY"
    ):
        yield "B25"
    if (
        paper(item, "deidentification", "deidentified")
        and ground.is_a("public_health_authority")
        and kind == "deidentified_report"
        and code == "PUBHLTH"
    ):
        yield "B30"
    if (
        paper(item, "cause_of_death_inquiry", "law_requires")
        and ground.is_a("medical_examiner", "public_health_authority")
        and kind == "cause_of_death"
        and ground.situation.patient.deceased_on is not None
        and code == "HDECD"
    ):
        yield "B37"
    if paper(item, "secretary_request", "secretary") and ground.is_a("hhs_secretary") and code == "SECRETARY":
        yield "B40"


def _courts(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    """B31-B34; what the patient confided needs the findings of 2.63 as well (B35)."""
    code, paper = ground.code, ground.paper_is
    if (
        part2(item)
        and item.confidential_communication
        and not paper(item, "court_order", "confidential_2_63")
    ):
        return
    police = ground.is_a("law_enforcement")
    if paper(item, "court_order", "order_2_64") and code in {"HLEGAL", "PROCEED"}:
        yield "B31"
    if paper(item, "court_order", "order_2_65") and police and code in {"PROSECUTE", "HLEGAL"}:
        yield "B32"
    if paper(item, "court_order", "order_2_66") and police and code == "INVESTPGM":
        yield "B33"
    if paper(item, "court_order", "order_2_67") and police and code == "INVESTPGM":
        yield "B34"


def _patient_and_family(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    s, paper = ground.situation, ground.paper_is
    in_person = bool(s.recipient.relationships & {"self", "personal_representative"})
    if (
        paper(item, "access_request", "identity_verified")
        and ground.is_a("patient", "personal_representative")
        and in_person
        and ground.code == "PATRQT"
    ):
        yield "B36"
    minor = s.patient.minor is True  # the bases about minors need a minor, not a doubt about the age
    if not (minor and ground.is_a("parent_or_guardian")):
        return
    if (
        paper(item, "minor_threat_finding", "lacks_capacity", "substantial_threat", "may_reduce")
        and item.kind.value == "threat_facts"
        and ground.code == "THREAT"
    ):
        yield "B38"
    if (
        paper(item, "minor_application_finding", "lacks_rational_choice")
        and item.kind.value == "patient_status"
        and ground.code == "FAMRQT"
    ):
        yield "B38-APPLICATION"


def _hipaa(ground: Ground, item: ItemForDecision) -> Iterator[str]:
    to, paper = ground.situation.recipient, ground.paper_is
    if ground.bare:
        match ground.legal_class:
            case PurposeClass.TREATMENT if to.covered_entity or ground.treats:
                yield "164.506"
            case PurposeClass.PAYMENT | PurposeClass.OPERATIONS if to.covered_entity or to.business_associate:
                yield "164.506"
            case _:
                pass
    if paper(item, "opportunity_to_agree", "agreed"):
        yield "164.510"
    if paper(item, "public_interest", "512"):
        yield "164.512"
    # 164.514(e)(3)(i): for research, public health or health care operations only
    for_a_data_set = {PurposeClass.RESEARCH, PurposeClass.PUBLIC_HEALTH, PurposeClass.OPERATIONS}
    if paper(item, "data_use_agreement", "limited_data_set") and ground.legal_class in for_a_data_set:
        yield "164.514(e)"
