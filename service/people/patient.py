"""A patient's demographics: what may stand in them, what is searched, what makes two patients look like one.

Pure rules over one JSON document, the form in which demographics are sealed. A change is a merge patch (RFC
7396) of that document, judged as a whole afterwards: what creates a patient and what changes one pass the
same check.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, cast

import jellyfish

from service.errors import Code, FieldError, Invalid
from service.vault.blindindex import compound, normalise_identifier, normalise_name

#: A JSON value inside a demographics document.
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Document = dict[str, Any]

EARLIEST_BIRTH: Final = date(1890, 1, 1)
REQUIRED: Final = ("given_name", "family_name", "birth_date")

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_DIGITS = re.compile(r"\d")
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


class Index(StrEnum):
    """The blind indexes of a patient. Compound, because a name or a date alone tells too much."""

    FAMILY_BIRTH = "family_birth"
    GIVEN_BIRTH = "given_birth"
    NAME_BIRTH = "name_birth"
    PHONETIC_BIRTH = "phonetic_birth"
    IDENTIFIER = "identifier"
    SYSTEM_IDENTIFIER = "system_identifier"


class Resemblance(StrEnum):
    """Why a registered patient may be the one at hand; strongest first."""

    SAME_IDENTIFIER = "same_identifier"
    SAME_NAME_AND_BIRTH_DATE = "same_name_and_birth_date"
    NAMES_EXCHANGED = "names_exchanged_same_birth_date"
    SAME_GIVEN_NAME_AND_BIRTH_DATE = "same_given_name_and_birth_date"
    SIMILAR_FAMILY_NAME_AND_BIRTH_DATE = "similar_family_name_and_birth_date"


@dataclass(frozen=True, slots=True)
class Term:
    """One value to look for in one index, normalised. Never printed: it is what was searched for."""

    index: Index
    value: str

    def __repr__(self) -> str:
        return f"<Term {self.index.value}>"


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


def check(document: Mapping[str, Any], today: date) -> None:
    """Raises Invalid with every fault of a demographics document. `today` is the program's day."""
    faults = [
        *_missing(document),
        *_name_faults(document),
        *_birth_faults(document.get("birth_date"), today),
        *_reach_faults(document, ""),
        *_identifier_faults(document.get("identifiers")),
    ]
    if document.get("sex", "unknown") not in _SEXES:
        faults.append(FieldError("sex", "unknown_code", "female, male, other or unknown."))
    language = document.get("language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        faults.append(FieldError("language", "malformed", "A language tag such as en or es-MX (BCP 47)."))
    for number, contact in enumerate(_objects(document.get("contacts"))):
        at = f"contacts[{number}]."
        if not normalise_name(str(contact.get("name", ""))):
            faults.append(FieldError(f"{at}name", "no_letters", "A name needs letters or digits."))
        faults.extend(_reach_faults(contact, at))
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "These details cannot be recorded as they are.", faults)


def terms(document: Mapping[str, Any]) -> frozenset[Term]:
    """All index terms of a patient: what makes the patient findable."""
    family, given = str(document["family_name"]), str(document["given_name"])
    born = str(document["birth_date"])
    found = {
        family_birth(family, born),
        given_birth(given, born),
        name_birth(family, given, born),
        phonetic_birth(family, born),
    }
    for entry in _objects(document.get("identifiers")):
        found.add(identifier(str(entry["value"])))
        found.add(identifier(str(entry["value"]), str(entry["system"])))
    return frozenset(found)


def resemblances(document: Mapping[str, Any]) -> Sequence[tuple[Term, Resemblance]]:
    """What to look for before registering somebody, and what finding it would mean."""
    family, given = str(document["family_name"]), str(document["given_name"])
    born = str(document["birth_date"])
    looked_for = [
        (identifier(str(entry["value"]), str(entry["system"])), Resemblance.SAME_IDENTIFIER)
        for entry in _objects(document.get("identifiers"))
    ]
    return [
        *looked_for,
        (name_birth(family, given, born), Resemblance.SAME_NAME_AND_BIRTH_DATE),
        (name_birth(given, family, born), Resemblance.NAMES_EXCHANGED),
        (given_birth(given, born), Resemblance.SAME_GIVEN_NAME_AND_BIRTH_DATE),
        (phonetic_birth(family, born), Resemblance.SIMILAR_FAMILY_NAME_AND_BIRTH_DATE),
    ]


def search_terms(
    *,
    family_name: str | None,
    given_name: str | None,
    birth_date: date | None,
    number: tuple[str | None, str] | None,
) -> tuple[Term, ...]:
    """The terms that all must match (`number`: system or None, and value); Invalid `search_too_broad` below a
    name with a birth date, or an identifier.

    A search that could be run through a list of names or dates would show who is a patient here (42 CFR
    2.13(c)).
    """
    sought = number is not None and bool(normalise_identifier(number[1]))
    found = [identifier(number[1], number[0])] if number is not None and sought else []
    born = birth_date.isoformat() if birth_date else None
    family, given = _given(family_name), _given(given_name)
    if born and family and given:
        found.append(name_birth(family, given, born))
    elif born and family:
        found.append(family_birth(family, born))
    elif born and given:
        found.append(given_birth(given, born))
    elif not sought or family or given or born:
        raise Invalid(
            Code.SEARCH_TOO_BROAD,
            "Search by a family or given name together with the birth date, or by an identifier.",
        )
    return tuple(found)


def family_birth(family: str, born: str) -> Term:
    return Term(Index.FAMILY_BIRTH, compound(normalise_name(family), born))


def given_birth(given: str, born: str) -> Term:
    return Term(Index.GIVEN_BIRTH, compound(normalise_name(given), born))


def name_birth(family: str, given: str, born: str) -> Term:
    return Term(Index.NAME_BIRTH, compound(normalise_name(family), normalise_name(given), born))


def phonetic_birth(family: str, born: str) -> Term:
    """Sound of the family name (Metaphone) with the birth date. Names it cannot hear stand for themselves."""
    name = normalise_name(family).replace(" ", "")
    return Term(Index.PHONETIC_BIRTH, compound(jellyfish.metaphone(name) or name, born))


def identifier(value: str, system: str | None = None) -> Term:
    """An identifier by its value alone, or within its system (a medical record number of this hospital)."""
    normal = normalise_identifier(value)
    if system is None:
        return Term(Index.IDENTIFIER, normal)
    return Term(Index.SYSTEM_IDENTIFIER, compound(system.strip().casefold(), normal))


def _given(name: str | None) -> str | None:
    """A name to search by, or None when there is nothing in it to compare."""
    return name if name is not None and normalise_name(name) else None


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", value) if isinstance(value, list | tuple) else ()


def _missing(document: Mapping[str, Any]) -> Iterable[FieldError]:
    return [
        FieldError(name, "missing", "This field is needed.") for name in REQUIRED if not document.get(name)
    ]


def _name_faults(document: Mapping[str, Any]) -> Iterable[FieldError]:
    return [
        FieldError(name, "no_letters", "A name needs letters or digits.")
        for name in ("given_name", "family_name")
        if document.get(name) and not normalise_name(str(document[name]))
    ]


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


def _reach_faults(document: Mapping[str, Any], at: str) -> Iterable[FieldError]:
    phone, email = document.get("phone"), document.get("email")
    if phone is not None and not 5 <= len(_DIGITS.findall(str(phone))) <= 20:
        yield FieldError(f"{at}phone", "malformed", "A telephone number has 5 to 20 digits.")
    if email is not None and not _EMAIL.fullmatch(str(email)):
        yield FieldError(f"{at}email", "malformed", "An e-mail address has one @.")


def _identifier_faults(value: object) -> Iterable[FieldError]:
    seen: set[Term] = set()
    for number, entry in enumerate(_objects(value)):
        term = identifier(str(entry["value"]), str(entry["system"]))
        if not normalise_identifier(str(entry["value"])):
            yield FieldError(
                f"identifiers[{number}].value", "no_letters", "An identifier needs letters or digits."
            )
        elif term in seen:
            yield FieldError(f"identifiers[{number}]", "duplicate", "Each identifier once.")
        seen.add(term)
