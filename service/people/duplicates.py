"""Looking patients up by their blind indexes: for operations that are allowed to act already.

Charts that were merged count as one person, the surviving one: staff are shown it whichever chart matched. An outside
requester is answered from the surviving chart alone, and only if that chart itself bears the name asked for: what a
merge absorbed answers nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from service.ids import PatientId
from service.people import finding, records
from service.people.finding import STRENGTH, Resemblance, Term
from service.work import Work

MOST_DUPLICATES: Final = 10
#: The table of the index values, which the key of each is derived for.
TABLE: Final = "patient_index"


@dataclass(frozen=True, slots=True, repr=False)
class Duplicate:
    """A registered patient who may be the same person; reasons from the strongest to the weakest."""

    patient_id: PatientId
    reasons: tuple[Resemblance, ...]


def duplicates_of(work: Work, document: Mapping[str, Any], *, of: UUID | None = None) -> list[Duplicate]:
    """Who may be the person of this document, best reasons first; not `of` itself, whose document it is."""
    sought = finding.resemblances(document)
    matches = _matches(work, [term for term, _ in sought])
    reasons: dict[PatientId, set[Resemblance]] = {}
    for term, resemblance in sought:
        for match in matches[term]:
            reasons.setdefault(match.person, set()).add(resemblance)
    if of is not None:
        own = {match.person for found in matches.values() for match in found if match.chart == of}
        reasons = {person: noted for person, noted in reasons.items() if person not in own | {of}}
    found = [
        Duplicate(person, tuple(sorted(noted, key=STRENGTH.__getitem__))) for person, noted in reasons.items()
    ]
    found.sort(key=lambda one: ([STRENGTH[reason] for reason in one.reasons], one.patient_id))
    return found[:MOST_DUPLICATES]


def people_with(work: Work, groups: Sequence[Sequence[Term]]) -> list[PatientId]:
    """The people of whom one term of every group is known, in any of their charts, oldest first."""
    matches = _matches(work, [term for group in groups for term in group])
    people = [{match.person for term in group for match in matches[term]} for group in groups]
    return sorted(set[PatientId].intersection(*people))


def find_exact(
    work: Work, family_name: str, given_name: str, birth_date: date, identifier: str | None = None
) -> list[PatientId]:
    """Patients with exactly this name and birth date (and identifier, in any system) after normalisation.

    For outside requesters: nothing is opened, and the same queries run whoever is or is not there. More than
    one match is a refusal for the caller to make.
    """
    terms = [finding.name_birth(family_name, given_name, birth_date.isoformat())]
    if identifier is not None:
        terms.append(finding.identifier(identifier))
    matches = _matches(work, terms)
    standing = [{match.chart for match in matches[term] if match.surviving is None} for term in terms]
    return sorted(set[PatientId].intersection(*standing))


def indexed(work: Work, terms: Iterable[Term]) -> list[records.IndexedTerm]:
    """The index values of terms to be written, under the program's key of today."""
    keys = work.index_keys()
    return [
        records.IndexedTerm(term.index, keys.value(TABLE, term.index.value, term.value), keys.id)
        for term in terms
    ]


def _matches(work: Work, terms: Sequence[Term]) -> dict[Term, list[records.Match]]:
    """Under every key that a term may be under, in one statement: a term that goes from one key to another meanwhile is
    found under one of them.
    """
    keys = work.index_keys()
    places: dict[Term, list[records.Sought]] = {
        term: [(term.index, value) for value in keys.sought(TABLE, term.index.value, term.value)]
        for term in terms
    }
    every = [place for found in places.values() for place in found]
    found = records.patients_with_terms(work.db, work.caller.program_id, every)
    return {term: [match for place in under for match in found[place]] for term, under in places.items()}
