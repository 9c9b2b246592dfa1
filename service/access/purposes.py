"""Purposes of use: HL7 v3 ActReason codes and our own, read as the *law* reads them (policies/purposes.yaml).

HL7's hierarchy is not the law's: HLEGAL sits under health care operations there and CLINTRL under
treatment, and a service that decided by subsumption would grant both. So the table is explicit, and a code
outside it is nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast

import yaml

from service.access.actions import Action
from service.access.caller import Caller, Role
from service.access.facts import PurposeFacts
from service.access.groups import TOUCHING_PATIENT
from service.errors import BadRequest, Code, Refused, StartRefused


class PurposeClass(StrEnum):
    """What a purpose is in law, however HL7 files it. A class, not a permission: what follows from it is said in
    the policies alone.
    """

    TREATMENT = "treatment"
    PAYMENT = "payment"
    OPERATIONS = "operations"
    RESEARCH = "research"
    LEGAL = "legal"
    PUBLIC_HEALTH = "public_health"
    #: Monitoring of a conditional release or sentence (42 CFR 2.35).
    CRIMINAL_JUSTICE = "criminal_justice"
    FUNDRAISING = "fundraising"
    #: Reports that a law asks for or an incident calls for (2.12(c)(5)-(6), 2.15(b)(1), 2.34, 2.36, 2.51(b)).
    REPORTING = "reporting"
    #: Investigation of compliance by the Secretary (2.3(c)).
    OVERSIGHT = "oversight"
    OTHER = "other"

    @property
    def is_tpo(self) -> bool:
        """Treatment, payment or health care operations (45 CFR 164.501)."""
        return self in (PurposeClass.TREATMENT, PurposeClass.PAYMENT, PurposeClass.OPERATIONS)


@dataclass(frozen=True, slots=True)
class Purpose:
    """One code. `ceiling` are the kinds of item it can ever need (gate G6, 2.13(a)); None = not limited by
    kind.

    `proceedings`: use against the patient in a proceeding (gate G3, 2.12(d)(1)).
    """

    code: str
    display: str
    legal_class: PurposeClass
    stated_by: frozenset[Role]
    ceiling: frozenset[str] | None
    proceedings: bool

    def can_need(self, kind: str) -> bool:
        """True when an item of this kind is within what the purpose can need."""
        return self.ceiling is None or kind in self.ceiling


@dataclass(frozen=True, slots=True)
class Purposes:
    """The table."""

    by_code: Mapping[str, Purpose]

    def find(self, code: str | None) -> Purpose | None:
        """The purpose with exactly this code, or None."""
        return None if code is None else self.by_code.get(code)

    def facts(self, caller: Caller, code: str | None) -> PurposeFacts:
        """What the policies see; an unknown code is stated but neither classed nor allowed."""
        purpose = self.find(code)
        if purpose is None:
            return PurposeFacts(stated=code is not None)
        return PurposeFacts(
            stated=True,
            code=purpose.code,
            legal_class=purpose.legal_class.value,
            allowed=bool(purpose.stated_by & caller.roles),
            proceedings=purpose.proceedings,
        )

    def check(self, action: Action, caller: Caller, code: str | None) -> Purpose | None:
        """The stated purpose, or None for an act that touches no patient.

        Raises BadRequest `purpose_required` when none is stated, Refused `purpose_not_allowed` when the
        code is unknown or none of the caller's roles may state it (a denial: the caller of this records
        it).
        """
        if action not in TOUCHING_PATIENT:
            return self.find(code)
        if code is None:
            raise BadRequest(Code.PURPOSE_REQUIRED, "State the purpose of use: header Purpose-Of-Use.")
        purpose = self.find(code)
        if purpose is None or not purpose.stated_by & caller.roles:
            raise Refused(Code.PURPOSE_NOT_ALLOWED, "This purpose of use is not open to this caller.")
        return purpose


def read_purposes(document: str) -> Purposes:
    """The table from the text of purposes.yaml. Strict: an unknown field, class or role refuses the start."""
    try:
        loaded: object = yaml.safe_load(document)
    except yaml.YAMLError:
        raise StartRefused("policies/purposes.yaml is not valid YAML") from None
    if not isinstance(loaded, dict):
        raise StartRefused("policies/purposes.yaml is not a table of purposes")
    table = cast("dict[str, Any]", loaded)
    if set(table) != {"ceilings", "purposes"}:
        raise StartRefused("policies/purposes.yaml has the two parts `ceilings` and `purposes`")
    try:
        ceilings = {name: frozenset(map(str, kinds)) for name, kinds in table["ceilings"].items()}
        purposes = [_purpose(str(code), row, ceilings) for code, row in table["purposes"].items()]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StartRefused(f"policies/purposes.yaml: {error}") from None
    return Purposes(MappingProxyType({purpose.code: purpose for purpose in purposes}))


def _purpose(code: str, row: Mapping[str, Any], ceilings: Mapping[str, frozenset[str]]) -> Purpose:
    unknown = set(row) - {"display", "class", "stated_by", "ceiling", "proceedings"}
    if unknown:
        raise ValueError(f"{code}: unknown field")
    proceedings = row.get("proceedings", False)
    if not isinstance(proceedings, bool):
        raise ValueError(f"{code}: proceedings is true or false")
    ceiling = row["ceiling"]
    return Purpose(
        code=code,
        display=str(row["display"]),
        legal_class=PurposeClass(row["class"]),
        stated_by=frozenset(Role(role) for role in row["stated_by"]),
        ceiling=None if ceiling == "none" else ceilings[ceiling],
        proceedings=proceedings,
    )
