"""A complete paper of every kind and what it must say; made up, written from the law, not from the policies."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Paper(NamedTuple):
    """Particulars that lack nothing, and the words they establish."""

    particulars: Mapping[str, Any]
    says: frozenset[str]


def _paper(*says: str, **particulars: Any) -> Paper:
    return Paper(particulars, frozenset(says))


PAPERS: Mapping[str, Paper] = {
    "emergency": _paper(
        "bona_fide",
        "consent_unobtainable",
        recipient_name="Dr Rowan Testdoctor",
        recipient_facility="St Ann Test ED",
        discloser_name="Nurse Nia Testnurse",
        date="2026-06-01",
        time="14:05",
        nature="overdose, unresponsive",
        bona_fide=True,
        patient_state="unconscious",
        consent_obtainable=False,
    ),
    "fda_notice": _paper(
        "fda_assertion",
        "exclusive_purpose",
        recipient_name="Dr Fay Testofficer",
        recipient_facility="FDA test office",
        discloser_name="Nurse Nia Testnurse",
        date="2026-06-01",
        time="09:30",
        nature_of_error="wrong strength on the label",
        error_in="labelling",
        asserted_reason=True,
        exclusive_purpose=True,
    ),
    "qsoa": _paper(
        "qsoa_written",
        services="urine screens",
        written=True,
        acknowledges_bound=True,
        resists_proceedings=True,
    ),
    "administrative_control": _paper("control", entity="Harbour Test Hospital", basis="owns the program"),
    "incident": _paper(
        "on_premises_or_personnel",
        incident="crime",
        place="premises",
        description="a window was broken",
        reported_to="Officer Olu Testofficer",
    ),
    "child_abuse_report": _paper(
        "state_law_requires",
        "initial_report",
        state_law="Test Social Services Law 1",
        phase="initial",
        authority="County test office",
    ),
    "interchange": _paper("armed_forces", component="Test Navy clinic", authority="armed_forces"),
    "research": _paper(
        "research_protected",
        "research_bound",
        protocol="T-1",
        protections=["common_rule"],
        reviewed_by="Test IRB",
        no_redisclosure=True,
        aggregate_reports_only=True,
        retention_2_16=True,
    ),
    "audit": _paper(
        "audit_agreed",
        "on_premises_no_copies",
        authority="funder",
        agreement="T-2",
        on_premises=True,
        copies=False,
        promise_2_16=False,
    ),
    "deidentification": _paper("deidentified", method="expert", no_reasonable_basis=True),
    "court_order": _paper(
        "subpoena",
        "order_2_64",
        court="Test County Court",
        order_type="2_64",
        issued_on="2026-05-20",
        limits="attendance in May 2026",
        subpoena=True,
        notice_given=True,
        opportunity_heard=True,
        good_cause=True,
    ),
    "access_request": _paper(
        "identity_verified",
        requested_on="2026-06-01",
        verified_by="Ina Testintake",
        identity_verified=True,
        on_behalf="patient",
    ),
    "cause_of_death_inquiry": _paper("law_requires", law="Test County Law 3", purpose="cause_of_death"),
    "minor_threat_finding": _paper(
        "lacks_capacity",
        "substantial_threat",
        "may_reduce",
        lacks_capacity=True,
        substantial_threat=True,
        disclosure_may_reduce=True,
        facts="a plan for tonight",
    ),
    "minor_application_finding": _paper(
        "lacks_rational_choice", lacks_rational_choice=True, reason="severe intoxication"
    ),
    "secretary_request": _paper("secretary", reference="T-4", scope="policies and ten charts"),
    "registry_event": _paper("registry_event", event="accepted"),
    "pdmp_law": _paper("state_law_requires", statute="Test Public Health Law 5"),
    "opportunity_to_agree": _paper("agreed", given=True, outcome="no_objection", relation="sister"),
    "public_interest": _paper("512", paragraph="a", conditions_met=True, law="Test Law 6"),
    "data_use_agreement": _paper("limited_data_set", agreement_on="2026-01-01", limited_data_set=True),
}

#: Agreements about no single patient.
AGREEMENTS = frozenset(
    {"qsoa", "administrative_control", "research", "audit", "pdmp_law", "data_use_agreement"}
)
#: Signed off by the program director and nobody else.
DIRECTORS = frozenset({"research", "minor_threat_finding", "minor_application_finding"})
#: A clinician who records one inside a disclosure signs it off by that.
CLINICIANS = frozenset(
    {"emergency", "fda_notice", "incident", "child_abuse_report", "registry_event", "opportunity_to_agree"}
)
