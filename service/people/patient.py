"""A patient's demographics: what may stand in them.

Pure rules over one JSON document, the form in which demographics are sealed. A change is a merge patch (RFC
7396) of that document, judged as a whole afterwards: what creates a patient and what changes one pass the
same check.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final

from service.errors import Code, FieldError, Invalid
from service.people.contacts import contact_faults, entries, language_faults, reach_faults
from service.people.endangerment.mark import mark_faults
from service.people.finding import Term, identifier
from service.vault.blindindex import normalise_identifier, normalise_name

#: A JSON value inside a demographics document.
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Document = dict[str, Any]

EARLIEST_BIRTH: Final = date(1890, 1, 1)
REQUIRED: Final = ("given_name", "family_name", "birth_date")

_SEXES: Final = frozenset({"female", "male", "other", "unknown"})


class Event(StrEnum):
    """What can happen to a patient that a consent may end with (42 CFR 2.31(a)(7): "an event")."""

    ADMISSION = "admission"
    DISCHARGE = "discharge"
    TRANSFER = "transfer"
    END_OF_TREATMENT = "end_of_treatment"
    FINAL_DISPOSITION = "final_disposition"
    STUDY_END = "study_end"
    HOUSING_DECISION = "housing_decision"
    EMPLOYMENT_DECISION = "employment_decision"
    BENEFITS_DECISION = "benefits_decision"
    CASE_CLOSED = "case_closed"
    # what decides who signs for the patient (2.14, 2.15)
    DEATH = "death"
    INCAPACITY_ADJUDICATED = "incapacity_adjudicated"
    CAPACITY_RESTORED = "capacity_restored"
    EMANCIPATION = "emancipation"
    #: The patient declined fundraising (2.31(a)(5)(iii), 45 CFR 164.514(f)).
    FUNDRAISING_OPT_OUT = "fundraising_opt_out"


def merge(document: Json, patch: Json) -> Json:
    """RFC 7396 section 2: members given replace, objects merge, null removes."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, Json] = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def check(document: Mapping[str, Any], today: date, *, before: Mapping[str, Any] | None = None) -> None:
    """Raises Invalid with every fault of a demographics document. `today` is the program's day; `before`: the document
    that this one takes the place of.
    """
    faults = [
        *_missing(document),
        *_name_faults(document, ("given_name", "family_name", "name_used"), ""),
        *_birth_faults(document.get("birth_date"), today),
        *reach_faults(document, ""),
        *_identifier_faults(document.get("identifiers")),
        *_alias_faults(document.get("aliases")),
        *language_faults(document),
        *contact_faults(document),
        *mark_faults(before or {}, document),
    ]
    if document.get("sex", "unknown") not in _SEXES:
        faults.append(FieldError("sex", "unknown_code", "female, male, other or unknown."))
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "These details cannot be recorded as they are.", faults)


def _missing(document: Mapping[str, Any]) -> Iterable[FieldError]:
    return [
        FieldError(name, "missing", "This field is needed.") for name in REQUIRED if not document.get(name)
    ]


def _name_faults(document: Mapping[str, Any], names: Iterable[str], at: str) -> Iterable[FieldError]:
    return [
        FieldError(f"{at}{name}", "no_letters", "A name needs letters or digits.")
        for name in names
        if document.get(name) and not normalise_name(str(document[name]))
    ]


def _alias_faults(value: object) -> Iterable[FieldError]:
    for number, alias in enumerate(entries(value)):
        at = f"aliases[{number}]"
        if not alias.get("family_name") and not alias.get("given_name"):
            yield FieldError(at, "missing", "A former name is a family name, a given name or both.")
        yield from _name_faults(alias, ("family_name", "given_name"), f"{at}.")


def _birth_faults(value: object, today: date) -> Iterable[FieldError]:
    if not value:
        return []
    try:
        born = date.fromisoformat(str(value))
    except ValueError:
        return [FieldError("birth_date", "malformed", "A date is written YYYY-MM-DD.")]
    if not EARLIEST_BIRTH <= born <= today:
        return [FieldError("birth_date", "implausible", f"A day from {EARLIEST_BIRTH} to today.")]
    return []


def _identifier_faults(value: object) -> Iterable[FieldError]:
    seen: set[Term] = set()
    for number, entry in enumerate(entries(value)):
        term = identifier(str(entry["value"]), str(entry["system"]))
        if not normalise_identifier(str(entry["value"])):
            yield FieldError(
                f"identifiers[{number}].value", "no_letters", "An identifier needs letters or digits."
            )
        elif term in seen:
            yield FieldError(f"identifiers[{number}]", "duplicate", "Each identifier once.")
        seen.add(term)
