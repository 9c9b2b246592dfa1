"""A program: the tenant, its units, and the facts about it that decisions rest on.

Whether 42 CFR Part 2 applies is a fact of the *unit* a record came from (2.11 "program"): a mixed clinic
has Part 2 and HIPAA-only records side by side. Whether a unit is publicly known to treat substance use only
decides what may be said about presence (2.13(c)(1)).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

import yaml

from service.errors import Code, FieldError, Invalid
from service.ids import ProgramId

_FIELDS = {
    *("key", "name", "timezone", "state", "director", "covered_entity", "units"),
    *("front_office", "on_call", "accreditor", "requires_credentials", "closed_days"),
}
_KEY = re.compile(r"[a-z][a-z0-9-]{1,40}")
_UNIT_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_STATE = re.compile(r"[A-Z]{2}")


class Regime(StrEnum):
    """Which law governs a record: from its provenance, never from what it is about."""

    PART2 = "part2"
    HIPAA_ONLY = "hipaa_only"


class Accreditor(StrEnum):
    """Whose standards, beside the law, set deadlines."""

    JOINT_COMMISSION = "joint_commission"
    CARF = "carf"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Unit:
    """One identified unit of a program."""

    key: str
    name: str
    regime: Regime
    publicly_sud_only: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call: what a flag's next step shows, and what a message may name."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Program:
    """Configuration of one program. `director`: whose findings 2.14(c) and 2.15(a)(2) ask for.

    `front_office` is what messages call the program: a name that tells neither program nor condition. `on_call` is who
    comes when a flag is urgent. `accreditor`: joint_commission | carf | none. `requires_credentials`: clinical acts take
    a credential in force, not merely none that has run out. `closed_days`: days beside weekends on which the site is
    closed; only deadlines counted in business days leave them out.
    """

    id: ProgramId
    key: str
    name: str
    timezone: str
    state: str
    director: str
    covered_entity: bool
    units: Mapping[str, Unit]
    front_office: Contact | None = None
    on_call: Contact | None = None
    accreditor: str = "none"
    requires_credentials: bool = False
    closed_days: frozenset[date] = frozenset()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the program's dates begin and end."""
        return ZoneInfo(self.timezone)


def read_program(program_id: ProgramId, document: str) -> Program:
    """The program described by one YAML document; every fault is reported, unknown fields included
    (Invalid).
    """
    try:
        loaded: object = yaml.safe_load(document)
    except yaml.YAMLError:
        raise Invalid(Code.PROGRAM_INVALID, "The program description is not valid YAML.") from None
    faults: list[FieldError] = []
    fields = _mapping(loaded, "", faults)
    _only(fields, _FIELDS, "", faults)
    key = _text(fields, "key", "", faults, _KEY)
    name = _text(fields, "name", "", faults)
    timezone = _text(fields, "timezone", "", faults)
    if timezone and timezone not in _timezones():
        faults.append(
            FieldError("timezone", "unknown_timezone", "Not a zone of the IANA time zone database.")
        )
    state = _text(fields, "state", "", faults, _STATE)
    director = _text(fields, "director", "", faults)
    covered_entity = _flag(fields, "covered_entity", "", faults, default=None)
    units = _units(fields.get("units"), faults)
    front_office, on_call = _contact(fields, "front_office", faults), _contact(fields, "on_call", faults)
    accreditor = fields.get("accreditor", "none")
    if accreditor not in set(Accreditor):
        faults.append(FieldError("accreditor", "unknown_code", f"One of: {', '.join(Accreditor)}."))
    requires_credentials = _flag(fields, "requires_credentials", "", faults, default=False)
    closed_days = _days(fields, "closed_days", faults)
    if faults:
        raise Invalid(Code.PROGRAM_INVALID, "The program description has faults.", faults)
    return Program(
        id=program_id,
        key=key,
        name=name,
        timezone=timezone,
        state=state,
        director=director,
        covered_entity=covered_entity,
        units=MappingProxyType(units),
        front_office=front_office,
        on_call=on_call,
        accreditor=str(accreditor),
        requires_credentials=requires_credentials,
        closed_days=closed_days,
    )


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _days(fields: Mapping[str, Any], name: str, faults: list[FieldError]) -> frozenset[date]:
    """A list of days, each once; YAML reads a day by itself, JSON has it as a text."""
    given = fields.get(name, [])
    days = [_day(one) for one in cast("list[object]", given)] if isinstance(given, list) else [None]
    known = frozenset(day for day in days if day is not None)
    if len(known) < len(days):
        faults.append(FieldError(name, "malformed", "A list of days (YYYY-MM-DD), each once, is needed."))
    return known


def _day(given: object) -> date | None:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return (
            date.fromisoformat(given) if isinstance(given, str) and len(given) == len("2026-01-01") else None
        )
    except ValueError:
        return None


def _contact(fields: Mapping[str, Any], name: str, faults: list[FieldError]) -> Contact | None:
    if name not in fields:
        return None
    given = _mapping(fields[name], name, faults)
    _only(given, {"name", "phone"}, name, faults)
    return Contact(_text(given, "name", f"{name}.", faults), _text(given, "phone", f"{name}.", faults))


def _units(given: object, faults: list[FieldError]) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    if not isinstance(given, list) or not given:
        faults.append(FieldError("units", "missing", "At least one unit is needed."))
        return units
    for number, entry in enumerate(cast("list[object]", given)):
        at = f"units[{number}]."
        fields = _mapping(entry, at, faults)
        _only(fields, {"key", "name", "regime", "publicly_sud_only"}, at, faults)
        key = _text(fields, "key", at, faults, _UNIT_KEY)
        name = _text(fields, "name", at, faults)
        regime = _text(fields, "regime", at, faults)
        sud_only = _flag(fields, "publicly_sud_only", at, faults, default=False)
        if regime not in set(Regime):
            faults.append(FieldError(f"{at}regime", "unknown_regime", "part2 or hipaa_only."))
            continue
        if key in units:
            faults.append(FieldError(f"{at}key", "duplicate", "Each unit has its own key."))
        units[key] = Unit(key, name, Regime(regime), sud_only)
    return units


def _mapping(given: object, at: str, faults: list[FieldError]) -> dict[str, Any]:
    if isinstance(given, dict) and all(isinstance(key, str) for key in cast("dict[object, object]", given)):
        return cast("dict[str, Any]", given)
    faults.append(FieldError(at.rstrip("."), "not_a_mapping", "Fields with names are expected here."))
    return {}


def _only(fields: Mapping[str, Any], known: set[str], at: str, faults: list[FieldError]) -> None:
    if set(fields) - known:
        faults.append(
            FieldError(at.rstrip("."), "unknown_field", f"Only these fields: {', '.join(sorted(known))}.")
        )


def _text(
    fields: Mapping[str, Any],
    name: str,
    at: str,
    faults: list[FieldError],
    shape: re.Pattern[str] | None = None,
) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        faults.append(FieldError(at + name, "missing", "A text is needed."))
        return ""
    if shape and not shape.fullmatch(value):
        faults.append(FieldError(at + name, "malformed", f"Expected {shape.pattern}."))
    return value


def _flag(
    fields: Mapping[str, Any], name: str, at: str, faults: list[FieldError], *, default: bool | None
) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        faults.append(FieldError(at + name, "missing", "true or false is needed."))
        return False
    return value
