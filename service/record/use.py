"""Use inside the program (42 CFR 2.12(c)(3)): the facts of one item and one member of staff, and why not.

The policies decide (B20 and the gates G3, G4, G6); here are only their facts, and the words for a denial.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from service.access.caller import Caller, CallerKind, Role
from service.access.decision import Decision
from service.access.facts import Facts, UseFacts
from service.access.purposes import Purpose
from service.record.item import ItemForDecision, Kind

#: Forbidding rule -> reason, in order of precedence; every denial by another rule, or by none, is a missing
#: need.
_REASONS: tuple[tuple[str, str], ...] = (
    ("G3-USE", "PROCEEDINGS_AGAINST_PATIENT"),
    ("G4-USE", "NOTE_OF_ITS_AUTHOR"),
    ("G-UNKNOWN-USE", "ITEM_NOT_CLASSIFIED"),
    ("G6-USE", "NOT_NEEDED_FOR_PURPOSE"),
)
_NO_NEED = "NOT_IN_PART2_UNIT_NEED"
_NO_NEED_CITATION = "42 CFR 2.12(c)(3)"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Items of one kind that stay closed for one reason. For staff of the program only."""

    category: Kind
    reason: str
    citation: str
    count: int = 1


def use_facts(item: ItemForDecision, about: Facts, caller: Caller, purpose: Purpose | None) -> UseFacts:
    """What the policies know about this caller using this item. `about`: the facts about caller and patient.

    Intake needs every patient's packet; a clinician needs what belongs to patients in their care.
    """
    staff = caller.kind is CallerKind.STAFF
    return UseFacts(
        internal=staff,
        relationship=about.relationship,
        unit_assigned=item.unit in caller.units,
        need_to_know=staff and (about.relationship or Role.INTAKE in caller.roles),
        author_is_caller=item.author_id == caller.account_id,
        kind=item.kind.value,
        note_class=item.note_class.value,
        regime=item.regime.value if item.regime else "",
        labels_known=item.labels is not None,
        purpose_class=purpose.legal_class.value if purpose else "",
        kind_within_ceiling=purpose is not None and purpose.can_need(item.kind.value),
        emergency_grant=about.emergency_grant,
    )


def why_withheld(item: ItemForDecision, decision: Decision) -> Withheld:
    """The first reason that applies, with the paragraph it rests on."""
    citations = {citation.id: citation for citation in decision.citations}
    for rule, reason in _REASONS:
        if rule in decision.refused_by:
            return Withheld(item.kind, reason, citations[rule].cite)
    return Withheld(item.kind, _NO_NEED, _NO_NEED_CITATION)


def summed(withheld: Iterable[Withheld]) -> tuple[Withheld, ...]:
    """One row for each kind and reason, with the number of items."""
    counts: dict[tuple[Kind, str, str], int] = {}
    for one in withheld:
        key = (one.category, one.reason, one.citation)
        counts[key] = counts.get(key, 0) + one.count
    return tuple(Withheld(*key, count) for key, count in sorted(counts.items()))
