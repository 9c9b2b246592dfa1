"""What evidence has to contain, who may sign it off, and what it establishes, read from the law it answers to.

Sections are those of 42 CFR Part 2 unless said; the particulars are the agreed questions of each kind of paper.
"""

from datetime import date
from typing import Any, Final
from uuid import UUID

from service.consent.model import Today
from service.evidence.model import Evidence
from service.record.item import ItemForDecision
from tests.oracle.consents import local

_QUESTIONS: Final = {
    # 2.51(c): recipient and facility, discloser, date and time, nature
    "emergency": "nature date time recipient_name recipient_facility discloser_name bona_fide patient_state "
    "consent_obtainable",
    # 2.51(b), (c)
    "fda_notice": "recipient_name recipient_facility discloser_name date time nature_of_error error_in "
    "asserted_reason exclusive_purpose",
    "qsoa": "services written acknowledges_bound resists_proceedings",  # 2.11
    "administrative_control": "entity basis",  # 2.12(c)(3)
    "incident": "incident place description reported_to",  # 2.12(c)(5)
    "child_abuse_report": "state_law phase authority",  # 2.12(c)(6)
    "interchange": "component authority",  # 2.12(c)(1)-(2)
    "research": "protocol protections reviewed_by no_redisclosure aggregate_reports_only retention_2_16",  # 2.52
    "audit": "authority agreement on_premises copies promise_2_16",  # 2.53
    "deidentification": "method no_reasonable_basis",  # 2.54
    "court_order": "court order_type issued_on limits subpoena",  # 2.61-2.67
    "access_request": "requested_on verified_by identity_verified on_behalf",  # 2.23
    "cause_of_death_inquiry": "law purpose",  # 2.15(b)(1)
    "minor_threat_finding": "lacks_capacity substantial_threat disclosure_may_reduce facts",  # 2.14(c)
    "minor_application_finding": "lacks_rational_choice reason",  # 2.14(b)(2)
    "secretary_request": "reference scope",  # 2.2(b)
    "registry_event": "event",  # 2.34(a)
    "pdmp_law": "statute",  # 2.36
    "opportunity_to_agree": "given outcome relation",  # 45 CFR 164.510
    "public_interest": "paragraph conditions_met law",  # 45 CFR 164.512
    "data_use_agreement": "agreement_on limited_data_set",  # 45 CFR 164.514(e)
}
REQUIRED: Final = {kind: tuple(names.split()) for kind, names in _QUESTIONS.items()}

#: Recorded in the act of treatment or duty: the clinician who records it signs it off by that (policy).
IN_THE_ACT: Final = frozenset(
    {"emergency", "fda_notice", "incident", "child_abuse_report", "registry_event", "opportunity_to_agree"}
)
#: 2.14(b)(2), (c), 2.52(a): these are the program director's own findings, nobody else's.
DIRECTORS_OWN: Final = frozenset({"minor_threat_finding", "minor_application_finding", "research"})
#: About no single patient; every other paper is about one, and serves no other.
AGREEMENTS: Final = frozenset(
    {"qsoa", "administrative_control", "research", "audit", "pdmp_law", "data_use_agreement"}
)


def signers(kind: str) -> frozenset[str]:
    """The roles of which one has to sign the paper off."""
    if kind in DIRECTORS_OWN:
        return frozenset({"director"})
    return frozenset({"clinician", "compliance"}) if kind in IN_THE_ACT else frozenset({"compliance"})


def counts(paper: Evidence, today: Today, patient: UUID, recipient: UUID) -> bool:
    """Complete, signed off, in force today, about this patient, naming this recipient."""
    day = local(today)
    return all(
        (
            complete(paper),
            paper.state.value == "signed_off",
            bool(signers(paper.kind.value) & paper.signed_off_roles),
            paper.starts_on <= day and (paper.ends_on is None or day <= paper.ends_on),
            paper.patient_id == patient or (paper.patient_id is None and paper.kind.value in AGREEMENTS),
            recipient in paper.recipients,
        )
    )


def complete(paper: Evidence) -> bool:
    """No particular missing: 2.51(c) in full or not at all, and likewise the others."""
    kind, given = paper.kind.value, paper.particulars
    required = REQUIRED[kind]
    if kind == "access_request" and given.get("on_behalf") == "representative":
        required = (*required, "authority")
    return all(_answered(given.get(name)) for name in required)


def _answered(answer: Any) -> bool:
    return any(c.isalnum() for c in answer) if isinstance(answer, str) else answer is not None


def reaches(paper: Evidence, item: ItemForDecision) -> bool:
    """The paper speaks of this item, by id or by kind; an order never of everything (2.64(e), 2.65(e))."""
    if item.id in paper.items:
        return True
    if paper.kinds == "all":
        return paper.kind.value != "court_order"
    return item.kind.value in paper.kinds


def says(paper: Evidence, word: str) -> bool:
    """Whether the answers establish what a basis asks for; one word a precondition."""
    return word in _established(paper.kind.value, paper.particulars, paper)


def _established(kind: str, given: Any, paper: Evidence) -> set[str]:
    def yes(*names: str) -> bool:
        return all(given.get(name) is True for name in names)

    match kind:
        case "emergency":  # a refusal of an alert, capable patient is a refusal (3.6)
            unobtainable = (
                given.get("consent_obtainable") is False
                and not given.get("consent_refused")
                and given.get("patient_state") != "alert"
            )
            found = {
                "bona_fide": yes("bona_fide"),
                "consent_unobtainable": unobtainable,
                "disaster_closed": yes("disaster_closed"),
            }
        case "fda_notice":
            found = {"fda_assertion": yes("asserted_reason"), "exclusive_purpose": yes("exclusive_purpose")}
        case "qsoa":
            found = {"qsoa_written": yes("written", "acknowledges_bound", "resists_proceedings")}
        case "incident":
            found = {"on_premises_or_personnel": given.get("place") in {"premises", "against_personnel"}}
        case "child_abuse_report":
            found = {
                "state_law_requires": _answered(given.get("state_law")),
                "initial_report": given.get("phase") == "initial",
            }
        case "interchange":
            found = {name: given.get("authority") == name for name in ("armed_forces", "veterans_affairs")}
        case "research":
            found = {
                "research_protected": bool(given.get("protections")),
                "research_bound": yes("no_redisclosure", "aggregate_reports_only", "retention_2_16"),
            }
        case "audit":
            found = {
                "audit_agreed": _answered(given.get("agreement")),
                "on_premises_no_copies": yes("on_premises") and given.get("copies") is False,
                "copies_promised": yes("copies", "promise_2_16"),
            }
        case "deidentification":
            found = {"deidentified": yes("no_reasonable_basis")}
        case "court_order":
            found = _ordered(given, paper, yes)
        case "access_request":
            found = {"identity_verified": yes("identity_verified")}
        case "cause_of_death_inquiry":
            found = {"law_requires": _answered(given.get("law"))}
        case "minor_threat_finding":
            found = {
                "lacks_capacity": yes("lacks_capacity"),
                "substantial_threat": yes("substantial_threat"),
                "may_reduce": yes("disclosure_may_reduce"),
            }
        case "minor_application_finding":
            found = {"lacks_rational_choice": yes("lacks_rational_choice")}
        case "secretary_request":
            found = {"secretary": True}
        case "registry_event":
            found = {"registry_event": _answered(given.get("event"))}
        case "pdmp_law":
            found = {"state_law_requires": _answered(given.get("statute"))}
        case "opportunity_to_agree":
            found = {"agreed": yes("given") and given.get("outcome") != "objected"}
        case "public_interest":
            found = {"512": yes("conditions_met")}
        case "data_use_agreement":
            found = {"limited_data_set": yes("limited_data_set")}
        case _:
            found = {}
    return {word for word, holds in found.items() if holds}


def _ordered(given: Any, paper: Evidence, yes: Any) -> dict[str, bool]:
    """2.64-2.67 with their findings; a subpoena by itself establishes nothing here (2.61(b))."""
    kind = given.get("order_type")
    return {
        "order_2_64": kind == "2_64" and yes("notice_given", "opportunity_heard", "good_cause"),
        "order_2_65": kind == "2_65"
        and yes(
            "extremely_serious_crime",
            "substantial_value",
            "no_other_way",
            "public_interest_outweighs",
            "independent_counsel",
        ),
        "order_2_66": kind == "2_66" and yes("good_cause", "excludes_patient_identity"),
        "order_2_67": kind == "2_67" and yes("good_cause") and _within_a_year(paper.starts_on, paper.ends_on),
        # 2.63 is an order's finding: a subpoena cannot make it
        "confidential_2_63": kind != "none"
        and given.get("confidential_ground") in {"threat_to_life", "serious_crime", "patient_opened"},
    }


def _within_a_year(start: date, end: date | None) -> bool:
    """2.67(d): placement for no more than 12 months."""
    if end is None:
        return False
    last = date(start.year + 1, start.month, 28 if (start.month, start.day) == (2, 29) else start.day)
    return end <= last
