"""What a patient is found by, and what makes two patients look like one: index terms over one demographics document.

Pure. Terms are compound, because a name, a date or a telephone number by itself tells too much when it is guessed; the
one exception is a telephone number or an address by itself, asked only of duplicates: families share one, and people
who give another name keep theirs. Former names and names in use stand in indexes of their own: staff find a patient by
them, an outside requester only by the name that is on record (answers to requesters match exactly).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import jellyfish

from service.errors import Code, Invalid
from service.people.contacts import entries
from service.vault.blindindex import compound, normalise_identifier, normalise_name


class Index(StrEnum):
    """The blind indexes of a patient."""

    FAMILY_BIRTH = "family_birth"
    GIVEN_BIRTH = "given_birth"
    NAME_BIRTH = "name_birth"
    OTHER_FAMILY_BIRTH = "other_family_birth"
    OTHER_GIVEN_BIRTH = "other_given_birth"
    OTHER_NAME_BIRTH = "other_name_birth"
    PHONETIC_BIRTH = "phonetic_birth"
    IDENTIFIER = "identifier"
    SYSTEM_IDENTIFIER = "system_identifier"
    PHONE_YEAR = "phone_year"
    EMAIL_YEAR = "email_year"
    PHONE = "phone"
    EMAIL = "email"
    #: Which of the others a patient has; see SCHEME.
    SCHEME = "scheme"


class Resemblance(StrEnum):
    """Why a registered patient may be the one at hand; strongest first."""

    SAME_IDENTIFIER = "same_identifier"
    SAME_NAME_AND_BIRTH_DATE = "same_name_and_birth_date"
    #: A former name or a name in use of the one is a name of the other.
    SAME_OTHER_NAME_AND_BIRTH_DATE = "same_other_name_and_birth_date"
    NAMES_EXCHANGED = "names_exchanged_same_birth_date"
    SAME_PHONE_AND_BIRTH_YEAR = "same_phone_and_birth_year"
    SAME_EMAIL_AND_BIRTH_YEAR = "same_email_and_birth_year"
    SAME_GIVEN_NAME_AND_BIRTH_DATE = "same_given_name_and_birth_date"
    SIMILAR_FAMILY_NAME_AND_BIRTH_DATE = "similar_family_name_and_birth_date"
    SAME_PHONE = "same_phone"
    SAME_EMAIL = "same_email"


#: Reasons from the strongest to the weakest.
STRENGTH: Mapping[Resemblance, int] = {reason: place for place, reason in enumerate(Resemblance)}


@dataclass(frozen=True, slots=True)
class Term:
    """One value to look for in one index, normalised. Never printed: it is what was searched for."""

    index: Index
    value: str

    def __repr__(self) -> str:
        return f"<Term {self.index.value}>"


#: The same in everybody's terms, so it tells nobody from anybody: says that a patient has all that `terms` makes now.
#: Raise it with every index that is added; `people/reindexing` then writes the terms of whoever came before.
SCHEME: Final = Term(Index.SCHEME, "2")


def terms(document: Mapping[str, Any]) -> frozenset[Term]:
    """All index terms of a patient: what makes the patient findable."""
    family, given = str(document["family_name"]), str(document["given_name"])
    born = str(document["birth_date"])
    found = {
        family_birth(family, born),
        given_birth(given, born),
        name_birth(family, given, born),
        phonetic_birth(family, born),
        SCHEME,
    }
    for other_family, other_given in other_names(document):
        found |= {
            Term(Index.OTHER_FAMILY_BIRTH, family_birth(other_family, born).value),
            Term(Index.OTHER_GIVEN_BIRTH, given_birth(other_given, born).value),
            _other_name(other_family, other_given, born),
            phonetic_birth(other_family, born),
        }
    for entry in entries(document.get("identifiers")):
        found.add(identifier(str(entry["value"])))
        found.add(identifier(str(entry["value"]), str(entry["system"])))
    return frozenset(found | {term for term, _ in _reached_by(document)})


def resemblances(document: Mapping[str, Any]) -> Sequence[tuple[Term, Resemblance]]:
    """What to look for before registering somebody, and what finding it would mean; strongest first."""
    family, given = str(document["family_name"]), str(document["given_name"])
    born = str(document["birth_date"])
    looked_for = [
        (identifier(str(entry["value"]), str(entry["system"])), Resemblance.SAME_IDENTIFIER)
        for entry in entries(document.get("identifiers"))
    ]
    looked_for += [
        (name_birth(family, given, born), Resemblance.SAME_NAME_AND_BIRTH_DATE),
        (_other_name(family, given, born), Resemblance.SAME_OTHER_NAME_AND_BIRTH_DATE),
        (name_birth(given, family, born), Resemblance.NAMES_EXCHANGED),
        (given_birth(given, born), Resemblance.SAME_GIVEN_NAME_AND_BIRTH_DATE),
        (phonetic_birth(family, born), Resemblance.SIMILAR_FAMILY_NAME_AND_BIRTH_DATE),
    ]
    for other_family, other_given in other_names(document):
        looked_for += [
            (name_birth(other_family, other_given, born), Resemblance.SAME_OTHER_NAME_AND_BIRTH_DATE),
            (_other_name(other_family, other_given, born), Resemblance.SAME_OTHER_NAME_AND_BIRTH_DATE),
            (phonetic_birth(other_family, born), Resemblance.SIMILAR_FAMILY_NAME_AND_BIRTH_DATE),
        ]
    looked_for += _reached_by(document)
    return sorted(looked_for, key=lambda one: STRENGTH[one[1]])


def search_terms(
    *,
    family_name: str | None,
    given_name: str | None,
    birth_date: date | None,
    number: tuple[str | None, str] | None,
) -> tuple[tuple[Term, ...], ...]:
    """Groups of terms: of each group one must match (`number`: system or None, and value); Invalid `search_too_broad`
    below a name with a birth date, or an identifier.

    A search that could be run through a list of names or dates would show who is a patient here (42 CFR
    2.13(c)).
    """
    sought = number is not None and bool(normalise_identifier(number[1]))
    found: list[tuple[Term, ...]] = []
    if number is not None and sought:
        found.append((identifier(number[1], number[0]),))
    born = birth_date.isoformat() if birth_date else None
    family, given = _given(family_name), _given(given_name)
    if born and family and given:
        found.append((name_birth(family, given, born), _other_name(family, given, born)))
    elif born and family:
        term = family_birth(family, born)
        found.append((term, Term(Index.OTHER_FAMILY_BIRTH, term.value)))
    elif born and given:
        term = given_birth(given, born)
        found.append((term, Term(Index.OTHER_GIVEN_BIRTH, term.value)))
    elif not sought or family or given or born:
        raise Invalid(
            Code.SEARCH_TOO_BROAD,
            "Search by a family or given name together with the birth date, or by an identifier.",
        )
    return tuple(found)


def other_names(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(family, given) of every name but the one on record: former ones, and the name in use."""
    family, given = str(document["family_name"]), str(document["given_name"])
    used = document.get("name_used")
    if used and normalise_name(str(used)) != normalise_name(given):
        yield family, str(used)
    for alias in entries(document.get("aliases")):
        yield str(alias.get("family_name") or family), str(alias.get("given_name") or given)


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


def _other_name(family: str, given: str, born: str) -> Term:
    return Term(Index.OTHER_NAME_BIRTH, name_birth(family, given, born).value)


def _reached_by(document: Mapping[str, Any]) -> list[tuple[Term, Resemblance]]:
    """The patient's own telephone numbers and e-mail addresses; those of contacts are other people's."""
    year = str(document["birth_date"])[:4]
    phones = {_digits(document.get("phone"))}
    emails = {_address(document.get("email"))}
    for channel in entries(document.get("channels")):
        match channel.get("channel"):
            case "text" | "voice":
                phones.add(_digits(channel.get("address")))
            case "email":
                emails.add(_address(channel.get("address")))
            case _:
                pass
    found: list[tuple[Term, Resemblance]] = []
    for phone in sorted(phones - {""}):
        both = Term(Index.PHONE_YEAR, compound(phone, year))
        found.append((both, Resemblance.SAME_PHONE_AND_BIRTH_YEAR))
        found.append((Term(Index.PHONE, phone), Resemblance.SAME_PHONE))
    for email in sorted(emails - {""}):
        both = Term(Index.EMAIL_YEAR, compound(email, year))
        found.append((both, Resemblance.SAME_EMAIL_AND_BIRTH_YEAR))
        found.append((Term(Index.EMAIL, email), Resemblance.SAME_EMAIL))
    return found


def _digits(phone: object) -> str:
    """A telephone number as it is compared: digits only, without the country code of North America."""
    digits = "".join(letter for letter in str(phone or "") if letter in "0123456789")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def _address(email: object) -> str:
    return str(email or "").strip().casefold()


def _given(name: str | None) -> str | None:
    """A name to search by, or None when there is nothing in it to compare."""
    return name if name is not None and normalise_name(name) else None
