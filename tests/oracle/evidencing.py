"""Papers that are whole and establish everything their kind can establish for a basis."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from service.consent.model import Today
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from tests.oracle import world
from tests.oracle.choosing import Choose
from tests.oracle.papers import AGREEMENTS, signers

WHOLE: Final[dict[str, dict[str, Any]]] = {
    "emergency": {
        "nature": "Overdose",
        "date": "2026-06-01",
        "time": "12:05",
        "recipient_name": "Dr. Roe Testperson",
        "recipient_facility": "St. Test ED",
        "discloser_name": "Nurse Testperson",
        "bona_fide": True,
        "patient_state": "unconscious",
        "consent_obtainable": False,
    },
    "fda_notice": {
        "recipient_name": "Dr. Roe Testperson",
        "recipient_facility": "Test Agency",
        "discloser_name": "Nurse Testperson",
        "date": "2026-06-01",
        "time": "12:05",
        "nature_of_error": "Wrong strength on the label",
        "error_in": "labelling",
        "asserted_reason": True,
        "exclusive_purpose": True,
    },
    "qsoa": {
        "services": "Billing",
        "written": True,
        "acknowledges_bound": True,
        "resists_proceedings": True,
    },
    "incident": {
        "incident": "threat",
        "place": "premises",
        "description": "A threat at the desk",
        "reported_to": "Test Police",
    },
    "child_abuse_report": {"state_law": "Test Law 413", "phase": "initial", "authority": "Test Agency"},
    "interchange": {"component": "Test Component", "authority": "armed_forces"},
    "research": {
        "protocol": "TP-1",
        "protections": ["common_rule"],
        "reviewed_by": "Test Board",
        "no_redisclosure": True,
        "aggregate_reports_only": True,
        "retention_2_16": True,
    },
    "audit": {
        "authority": "regulator",
        "agreement": "Letter of agreement",
        "on_premises": True,
        "copies": False,
        "promise_2_16": False,
    },
    "deidentification": {"method": "expert", "no_reasonable_basis": True},
    "court_order": {
        "court": "Test Court",
        "order_type": "2_64",
        "issued_on": "2026-01-02",
        "limits": "Attendance",
        "subpoena": False,
    },
    "access_request": {
        "requested_on": "2026-01-02",
        "verified_by": "Desk",
        "identity_verified": True,
        "on_behalf": "patient",
    },
    "cause_of_death_inquiry": {"law": "Test Law 4170", "purpose": "cause_of_death"},
    "minor_threat_finding": {
        "lacks_capacity": True,
        "substantial_threat": True,
        "disclosure_may_reduce": True,
        "facts": "As told",
    },
    "minor_application_finding": {"lacks_rational_choice": True, "reason": "As seen"},
    "secretary_request": {"reference": "R-1", "scope": "Records of May"},
    "registry_event": {"event": "accepted"},
    "pdmp_law": {"statute": "Test Law 3343"},
    "opportunity_to_agree": {"given": True, "outcome": "agreed", "relation": "Sister"},
    "public_interest": {"paragraph": "f", "conditions_met": True, "law": "Test Law 1"},
    "data_use_agreement": {"agreement_on": "2026-01-02", "limited_data_set": True},
}

#: The findings each order needs (2.64-2.67).
FINDINGS: Final = {
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


def paper(
    choose: Choose,
    kind: str,
    now: Today,
    *,
    items: frozenset[UUID] = frozenset(),
    kinds: Any = "all",
    number: int = 0,
    **particulars: Any,
) -> Evidence:
    """A paper in force, signed off by whom it takes, naming the recipient."""
    day = world.local_day(now)
    start, end = choose.one(
        (
            (day, None),
            (day - timedelta(days=1), day),
            (day - timedelta(days=1), day + timedelta(days=300)),
        )
    )
    if particulars.get("order_type") == "2_67" and end is None:
        end = _a_year_after(start)
    return Evidence(
        id=UUID(int=0xF0 + number),
        kind=EvidenceKind(kind),
        patient_id=None if kind in AGREEMENTS else world.PATIENT,
        state=EvidenceState.SIGNED_OFF,
        recipients=frozenset({world.RECIPIENT}),
        starts_on=start,
        ends_on=end,
        items=items,
        kinds=kinds,
        particulars=WHOLE[kind] | particulars,
        recorded_by=world.STAFF,
        recorded_at=now.now - timedelta(minutes=5),
        signed_off_roles=frozenset({choose.one(sorted(signers(kind)))}),
    )


def order(choose: Choose, now: Today, order_type: str, items: frozenset[UUID]) -> Evidence:
    """An order of subpart E with every finding its section asks for; mostly with those of 2.63 too."""
    findings = dict.fromkeys(FINDINGS[order_type], True)
    ground = choose.one(("threat_to_life", "serious_crime", "patient_opened", "none"))
    return paper(
        choose,
        "court_order",
        now,
        items=items,
        kinds=frozenset[str](),
        order_type=order_type,
        confidential_ground=ground,
        subpoena=choose.chance(50),
        **findings,
    )


def _a_year_after(start: date) -> date:
    return date(start.year + 1, start.month, 28 if (start.month, start.day) == (2, 29) else start.day)
