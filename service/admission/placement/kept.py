"""A placement decision as it is kept: in the clear who and when, sealed what it rests on, frozen as it was.

The clear columns stand inside the sealed value as well: a row whose state or signer was changed by hand does not open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from service.admission.placement.decision import NewDecision
from service.admission.placement.gather import Reading
from service.admission.placement.lifecycle import DecisionState
from service.admission.placement.records import PLACEMENT_ROW, StoredPlacement
from service.admission.placement.rules import Outcome, Suggestion
from service.errors import IntegrityError
from service.vault.envelope import RowKey
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Basis:
    """What the rules said, of what, at that time, and everything the clinician gave with the decision."""

    suggestion: Suggestion
    readings: Mapping[str, Reading]
    stale: tuple[str, ...]
    computed_at: datetime
    given: NewDecision
    downwards: bool
    look_again_after_days: int
    second_note: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class PlacementDecision:
    """A decision, opened. `id` is the id of its record item."""

    id: UUID
    patient_id: UUID
    episode_id: UUID
    state: DecisionState
    version: int
    rule_set: str
    overridden: bool
    decided_at: datetime
    decided_by: UUID
    second_at: datetime | None
    second_by: UUID | None
    basis: Basis

    @property
    def level(self) -> str:
        return self.basis.given.level

    @property
    def outcome(self) -> Outcome:
        """The class the rules suggested when it was decided."""
        return self.basis.suggestion.outcome

    @property
    def expires(self) -> datetime:
        """From when on the placement is looked at again, whatever happens."""
        return self.decided_at + timedelta(days=self.basis.look_again_after_days)


_BASIS: Final = TypeAdapter(Basis)


def sealed(work: Work, one: PlacementDecision) -> StoredPlacement:
    """The decision as a row of its version."""
    key = RowKey(work.caller.program_id, one.id, one.version, one.patient_id)
    basis = _BASIS.dump_python(one.basis, mode="json")
    return StoredPlacement(
        item_id=one.id,
        program_id=work.caller.program_id,
        patient_id=one.patient_id,
        episode_id=one.episode_id,
        state=one.state.value,
        rule_set=one.rule_set,
        overridden=one.overridden,
        version=one.version,
        basis=work.seal(PLACEMENT_ROW, key, {"basis": {"of": _clear(one), "basis": basis}})["basis"],
        decided_at=one.decided_at,
        decided_by=one.decided_by,
        second_at=one.second_at,
        second_by=one.second_by,
    )


def opened(work: Work, stored: StoredPlacement) -> PlacementDecision:
    """The decision in the clear. IntegrityError when its basis or a clear column is not what was sealed."""
    value: Any = work.open(PLACEMENT_ROW, stored.key, {"basis": stored.basis})["basis"]
    try:
        if value["of"] != _clear(stored):
            raise IntegrityError
        basis = _BASIS.validate_python(value["basis"])
        state = DecisionState(stored.state)
    except (KeyError, TypeError, ValueError, ValidationError):
        raise IntegrityError from None
    return PlacementDecision(
        id=stored.item_id,
        patient_id=stored.patient_id,
        episode_id=stored.episode_id,
        state=state,
        version=stored.version,
        rule_set=stored.rule_set,
        overridden=stored.overridden,
        decided_at=stored.decided_at,
        decided_by=stored.decided_by,
        second_at=stored.second_at,
        second_by=stored.second_by,
        basis=basis,
    )


def _clear(one: PlacementDecision | StoredPlacement) -> list[str | bool | None]:
    """The clear columns, in one order; instants whatever the zone the database session speaks in."""
    return [
        str(one.episode_id),
        str(one.state),
        one.rule_set,
        one.overridden,
        str(one.decided_at.timestamp()),
        str(one.decided_by),
        None if one.second_at is None else str(one.second_at.timestamp()),
        None if one.second_by is None else str(one.second_by),
    ]
