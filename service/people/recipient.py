"""Recipients: whom a consent may name and a disclosure may reach (42 CFR 2.31(a)(4)).

A register, so that a decision matches ids and never spellings. A class of recipients ("my treating providers,
health plans ...", 2.31(a)(4)(i)) is an entry of its own; who belongs to it *for this patient* follows from
recorded relationships.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from service.errors import Code, FieldError, Invalid
from service.vault.blindindex import normalise_name

_NPI = re.compile(r"\d{10}", re.ASCII)


class RecipientType(StrEnum):
    PERSON = "person"
    ENTITY = "entity"
    CLASS = "class"
    INTERMEDIARY = "intermediary"


class RecipientRole(StrEnum):
    """What a recipient is in law, as the register has it: who may receive on which basis, and what it may do with
    the records then (42 CFR 2.33, 2.12(c)-(d)). Covered entity and business associate are flags of their own.
    """

    PART2_PROGRAM = "part2_program"
    HEALTH_PLAN = "health_plan"
    #: A payer that is no HIPAA health plan (2.11).
    THIRD_PARTY_PAYER = "third_party_payer"
    MEDICAL_PERSONNEL = "medical_personnel"
    FDA = "fda"
    QSO = "qso"
    ADMINISTRATIVE_CONTROL = "administrative_control"
    LAW_ENFORCEMENT = "law_enforcement"
    #: Court, prosecutor holding the charges, probation or parole: monitors a conditional release (2.35).
    CRIMINAL_JUSTICE = "criminal_justice"
    COURT = "court"
    CHILD_PROTECTION = "child_protection"
    PUBLIC_HEALTH_AUTHORITY = "public_health_authority"
    MEDICAL_EXAMINER = "medical_examiner"
    CENTRAL_REGISTRY = "central_registry"
    #: Withdrawal management or maintenance treatment program (2.34).
    TREATMENT_PROGRAM = "treatment_program"
    PDMP = "pdmp"
    RESEARCHER = "researcher"
    AUDITOR = "auditor"
    HHS_SECRETARY = "hhs_secretary"
    ARMED_FORCES = "armed_forces"
    VETERANS_AFFAIRS = "veterans_affairs"
    PARENT_OR_GUARDIAN = "parent_or_guardian"
    PERSONAL_REPRESENTATIVE = "personal_representative"
    PATIENT = "patient"
    FAMILY = "family"


class RecipientClass(StrEnum):
    """Classes of recipients that can be named for treatment, payment and operations; TPO is the others
    together.
    """

    TPO = "tpo"
    TREATING_PROVIDERS = "treating_providers"
    HEALTH_PLANS = "health_plans"
    THIRD_PARTY_PAYERS = "third_party_payers"
    PROGRAM_OPERATIONS = "program_operations"


class RelationshipKind(StrEnum):
    """What can stand between a patient and somebody. `third_party_payer` is a payer that is no health plan
    (2.11).
    """

    STAFF = "staff"
    PARENT = "parent"
    GUARDIAN = "guardian"
    #: Legal authority to act for the patient in health care, or for the estate (2.11, 45 CFR 164.502(g)).
    PERSONAL_REPRESENTATIVE = "personal_representative"
    #: The recipient is the patient in person.
    SELF = "self"
    TREATING = "treating"
    HEALTH_PLAN = "health_plan"
    THIRD_PARTY_PAYER = "third_party_payer"
    OPERATIONS = "operations"


_PERSONAL_ROLES: Final = frozenset(
    {
        RecipientRole.PATIENT,
        RecipientRole.FAMILY,
        RecipientRole.PARENT_OR_GUARDIAN,
        RecipientRole.PERSONAL_REPRESENTATIVE,
    }
)

#: What recipients each kind of relationship with a person can name.
PEOPLE_OF: Final[Mapping[RelationshipKind, frozenset[RecipientType]]] = {
    RelationshipKind.SELF: frozenset({RecipientType.PERSON}),
    RelationshipKind.PARENT: frozenset({RecipientType.PERSON}),
    # an office or an agency can be appointed
    RelationshipKind.GUARDIAN: frozenset({RecipientType.PERSON, RecipientType.ENTITY}),
    RelationshipKind.PERSONAL_REPRESENTATIVE: frozenset({RecipientType.PERSON, RecipientType.ENTITY}),
}

#: The relationships that put a recipient into a class.
CLASS_RELATIONSHIPS: Final[Mapping[RecipientClass, frozenset[RelationshipKind]]] = {
    RecipientClass.TREATING_PROVIDERS: frozenset({RelationshipKind.TREATING}),
    RecipientClass.HEALTH_PLANS: frozenset({RelationshipKind.HEALTH_PLAN}),
    RecipientClass.THIRD_PARTY_PAYERS: frozenset({RelationshipKind.THIRD_PARTY_PAYER}),
    RecipientClass.PROGRAM_OPERATIONS: frozenset({RelationshipKind.OPERATIONS}),
    RecipientClass.TPO: frozenset(
        {
            RelationshipKind.TREATING,
            RelationshipKind.HEALTH_PLAN,
            RelationshipKind.THIRD_PARTY_PAYER,
            RelationshipKind.OPERATIONS,
        }
    ),
}

CLASS_NAMES: Final[Mapping[RecipientClass, str]] = {
    RecipientClass.TPO: (
        "Treating providers, health plans, third-party payers and people helping to operate this program"
    ),
    RecipientClass.TREATING_PROVIDERS: "Treating providers",
    RecipientClass.HEALTH_PLANS: "Health plans",
    RecipientClass.THIRD_PARTY_PAYERS: "Third-party payers",
    RecipientClass.PROGRAM_OPERATIONS: "People helping to operate this program",
}


@dataclass(frozen=True, slots=True)
class Party:
    """A recipient as somebody describes it. `covered_entity` and `business_associate` None: not said."""

    type: RecipientType
    name: str | None = None
    npi: str | None = None
    recipient_class: RecipientClass | None = None
    covered_entity: bool | None = None
    business_associate: bool | None = None
    address: str | None = None
    phone: str | None = None
    #: None: not said.
    roles: frozenset[RecipientRole] | None = None

    @property
    def display_name(self) -> str:
        """The name; a class has a standing one."""
        if self.name is None and self.recipient_class is not None:
            return CLASS_NAMES[self.recipient_class]
        return self.name or ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A registered recipient, as decisions and pages see it."""

    id: UUID
    type: RecipientType
    name: str
    npi: str | None
    recipient_class: RecipientClass | None
    covered_entity: bool
    business_associate: bool
    address: str | None
    phone: str | None
    state: str
    version: int
    roles: frozenset[RecipientRole] = frozenset()


def check(party: Party, at: str = "") -> None:
    """Raises Invalid `recipient_invalid` with every fault; `at` is the path of the party in the request."""
    faults: list[FieldError] = []
    classed = party.type is RecipientType.CLASS
    if classed and party.recipient_class is None:
        faults.append(FieldError(f"{at}class", "missing", "Say which class of recipients is meant."))
    if not classed and party.recipient_class is not None:
        faults.append(FieldError(f"{at}class", "not_a_class", "Only a recipient of type class has a class."))
    if not classed and not normalise_name(party.name or ""):
        faults.append(FieldError(f"{at}name", "missing", "A recipient needs a name with letters or digits."))
    if classed and party.npi is not None:
        faults.append(FieldError(f"{at}npi", "not_for_a_class", "A class of recipients has no NPI."))
    elif party.npi is not None and not is_npi(party.npi):
        faults.append(FieldError(f"{at}npi", "malformed", "An NPI has ten digits, the last a check digit."))
    faults.extend(_role_faults(party, at))
    if faults:
        raise Invalid(Code.RECIPIENT_INVALID, "This recipient cannot be recorded as it is.", faults)


def _role_faults(party: Party, at: str) -> Iterable[FieldError]:
    """Roles that no recipient has, or not beside what else is said of it."""
    roles = party.roles or frozenset()
    if roles and party.type is RecipientType.CLASS:
        yield FieldError(
            f"{at}roles", "not_for_a_class", "A class of recipients has no role; its members have."
        )
    if {RecipientRole.HEALTH_PLAN, RecipientRole.THIRD_PARTY_PAYER} <= roles:
        yield FieldError(
            f"{at}roles", "contradictory", "A third-party payer is one that is no health plan.", "42 CFR 2.11"
        )
    if RecipientRole.HEALTH_PLAN in roles and party.covered_entity is False:
        yield FieldError(
            f"{at}covered_entity", "contradictory", "A health plan is a covered entity.", "45 CFR 160.103"
        )
    if len(roles & _PERSONAL_ROLES) > 0 and party.type is RecipientType.INTERMEDIARY:
        yield FieldError(f"{at}roles", "not_a_person", "An intermediary is nobody's parent, kin or patient.")


def is_npi(number: str) -> bool:
    """45 CFR 162.406: ten digits, the last a Luhn check digit over the card issuer prefix 80840 and the rest."""
    if not _NPI.fullmatch(number):
        return False
    total = 0
    for place, digit in enumerate(reversed("80840" + number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def conflict(party: Party, known: Recipient) -> str | None:
    """The field in which a description contradicts the registered recipient it seems to mean; None when it does not.

    To leave out a role is no contradiction; to claim one that the register does not have is.
    """
    if normalise_name(party.display_name) != normalise_name(known.name):
        return "name"
    if party.npi is not None and known.npi is not None and party.npi != known.npi:
        return "npi"
    if party.covered_entity is not None and party.covered_entity != known.covered_entity:
        return "covered_entity"
    if party.business_associate is not None and party.business_associate != known.business_associate:
        return "business_associate"
    if party.roles is not None and not party.roles <= known.roles:
        return "roles"
    return None


def in_class(kinds: frozenset[RelationshipKind], recipient_class: RecipientClass) -> bool:
    """Whether relationships of these kinds, in force, put a recipient into the class for that patient."""
    return bool(kinds & CLASS_RELATIONSHIPS[recipient_class])


def in_force(starts_on: date, ends_on: date | None, on: date) -> bool:
    """Whether a relationship holds on a day; its last day is part of it."""
    return starts_on <= on and (ends_on is None or on <= ends_on)
