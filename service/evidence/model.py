"""A piece of evidence: what kind it is, about whom, naming whom, from when to when, and what it says.

Which particulars each kind requires, what they establish and who may sign it off is data
(policies/evidence.yaml); nothing here decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias
from uuid import UUID


class EvidenceKind(StrEnum):
    """Kinds, each with the paragraph that asks for it."""

    #: Medical emergency, 2.51(a), (c).
    EMERGENCY = "emergency"
    #: Notice of FDA medical personnel, 2.51(b), (c).
    FDA_NOTICE = "fda_notice"
    #: Qualified service organization agreement, 2.11, 2.12(c)(4).
    QSOA = "qsoa"
    #: Entity with direct administrative control, 2.12(c)(3)(ii).
    ADMINISTRATIVE_CONTROL = "administrative_control"
    #: Crime on premises or against personnel, 2.12(c)(5).
    INCIDENT = "incident"
    #: Child abuse or neglect report, 2.12(c)(6).
    CHILD_ABUSE_REPORT = "child_abuse_report"
    #: Armed forces and VA, 2.12(c)(1)-(2).
    INTERCHANGE = "interchange"
    #: Research papers, 2.52.
    RESEARCH = "research"
    #: Audit or evaluation agreement, 2.53.
    AUDIT = "audit"
    #: Release of data de-identified by 164.514(b), 2.54.
    DEIDENTIFICATION = "deidentification"
    #: Order of subpart E, 2.61-2.67, or a subpoena without one.
    COURT_ORDER = "court_order"
    #: Verified request of the patient or representative, 2.23, 164.524.
    ACCESS_REQUEST = "access_request"
    #: Death statistics or inquiry into the cause of death, 2.15(b)(1).
    CAUSE_OF_DEATH_INQUIRY = "cause_of_death_inquiry"
    #: Director's finding about a minor and a threat to life, 2.14(c).
    MINOR_THREAT_FINDING = "minor_threat_finding"
    #: Director's finding that a minor cannot choose rationally, 2.14(b)(2).
    MINOR_APPLICATION_FINDING = "minor_application_finding"
    #: Investigation of compliance by the Secretary, 2.2(b), 2.3(c).
    SECRETARY_REQUEST = "secretary_request"
    #: Event that a registry consent speaks of, 2.34(a).
    REGISTRY_EVENT = "registry_event"
    #: State law that requires reporting to the monitoring program, 2.36.
    PDMP_LAW = "pdmp_law"
    #: Opportunity to agree or object, 45 CFR 164.510 (HIPAA-only items).
    OPPORTUNITY_TO_AGREE = "opportunity_to_agree"
    #: A paragraph of 45 CFR 164.512 (HIPAA-only items).
    PUBLIC_INTEREST = "public_interest"
    #: Data use agreement, 45 CFR 164.514(e) (HIPAA-only items).
    DATA_USE_AGREEMENT = "data_use_agreement"


class EvidenceState(StrEnum):
    RECORDED = "recorded"
    SIGNED_OFF = "signed_off"
    ENDED = "ended"


#: What the evidence speaks of: items by id, kinds of item, or "all" where its kind allows that.
Reach: TypeAlias = Literal["all"] | frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """One piece of evidence, opened. `patient_id` None: an agreement about no single patient.

    `items` are ids, `kinds` kinds of item; an item is covered when its id or its kind is there. `particulars`
    are the answers to the questions of its kind, checked for shape when recorded. `signed_off_roles` are the
    roles its signer held when signing off, empty while nobody has.
    """

    id: UUID
    kind: EvidenceKind
    patient_id: UUID | None
    state: EvidenceState
    recipients: frozenset[UUID]
    starts_on: date
    ends_on: date | None
    items: frozenset[UUID]
    kinds: Reach
    particulars: Mapping[str, Any]
    recorded_by: UUID
    recorded_at: datetime
    signed_off_roles: frozenset[str] = frozenset()
    version: int = 1
    signed_off_by: UUID | None = None
    signed_off_at: datetime | None = None
    #: Why it was ended, in the words of whoever ended it.
    ended_because: str = ""
