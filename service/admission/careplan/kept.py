"""Plans and visits as they are kept: a record item each, with a clear row beside it, loaded, opened and changed.

For operations here and above, inside an act that is allowed already. What this caller may not use is absent: a plan is
an item of the record, and its use is decided item by item (42 CFR 2.12(c)(3), `record.use`) like that of any other.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from service.access.caller import CallerKind
from service.access.decision import Decision
from service.admission.careplan import records
from service.admission.careplan.parts import Status
from service.admission.careplan.plan import CarePlan, Kept
from service.admission.careplan.records import PlanRow, VisitRow
from service.admission.careplan.visit import Outcome, Visit
from service.errors import Code, Conflict, Stale
from service.intake.subject import decide_use, facts_about
from service.labels import Label
from service.record import items
from service.record.item import Item, ItemState, Kind, NewItem, Provenance
from service.record.records import StoredItem
from service.work import Work

#: What stands in force, or waits to.
STANDING: Final = frozenset({Status.ACTIVE, Status.ON_HOLD})


def plan_of(work: Work, episode_id: UUID) -> CarePlan | None:
    """The plan of an episode: the one in force, else the newest that was not revoked. None, too, when this caller may
    not use it.
    """
    rows = [row for row in records.plans_of_episode(work.db, episode_id) if row.status is not Status.REVOKED]
    row = next((one for one in rows if one.status in STANDING), rows[0] if rows else None)
    return None if row is None else open_plan(work, row)


def open_plan(work: Work, row: PlanRow) -> CarePlan | None:
    """The plan of a row; None when this caller may not use it."""
    stored = items.find(work, row.item_id, lock=False)
    if stored is None or not may_use(work, stored):
        return None
    return as_plan(row, items.opened(work, stored))


def may_use(work: Work, stored: StoredItem) -> bool:
    """Whether this caller may use the item for the stated purpose. Patients read what is theirs: their own act has
    been decided for them (45 CFR 164.524; 42 CFR 2.23).
    """
    if work.caller.kind is CallerKind.PATIENT:
        return work.caller.patient_id == stored.patient_id
    return use_of(work, stored).permitted


def use_of(work: Work, stored: StoredItem) -> Decision:
    """The decision itself, for the entry."""
    return decide_use(work, stored, facts_about(work, stored.patient_id))


def visits_of(work: Work, episode_id: UUID) -> tuple[Visit, ...]:
    """Every visit of an episode by day, as far as this caller may use them."""
    found: list[Visit] = []
    for row in records.visits_of_episode(work.db, episode_id):
        visit = open_visit(work, row)
        if visit is not None:
            found.append(visit)
    return tuple(found)


def open_visit(work: Work, row: VisitRow) -> Visit | None:
    stored = items.find(work, row.item_id, lock=False)
    if stored is None or not may_use(work, stored):
        return None
    return as_visit(row, items.opened(work, stored))


def as_plan(row: PlanRow, item: Item) -> CarePlan:
    return CarePlan(
        id=item.id,
        patient_id=item.patient_id,
        episode_id=row.episode_id,
        unit=item.unit,
        status=row.status,
        version=item.version,
        author_id=item.author_id,
        labels=item.labels,
        kept=Kept.from_json(item.content),
        created_at=item.created_at,
        changed_at=item.changed_at,
    )


def as_visit(row: VisitRow, item: Item) -> Visit:
    content: Mapping[str, Any] = item.content
    return Visit(
        id=item.id,
        patient_id=item.patient_id,
        episode_id=row.episode_id,
        held_on=row.held_on,
        minutes=row.minutes,
        outcome=row.outcome,
        format=content["format"],
        code=content["code"],
        reason=content["reason"],
        version=item.version,
        error=content.get("error"),
    )


def add_plan(
    work: Work,
    *,
    plan_id: UUID,
    patient_id: UUID,
    episode_id: UUID,
    unit: str,
    kept: Kept,
    labels: frozenset[Label],
    provenance: Provenance = Provenance.OWN,
) -> CarePlan:
    """A new draft."""
    item = items.add(
        work,
        NewItem(
            id=plan_id,
            patient_id=patient_id,
            kind=Kind.CARE_PLAN,
            unit=unit,
            content=kept.to_json(),
            labels=labels,
            state=ItemState.DRAFT,
            provenance=provenance,
        ),
    )
    row = PlanRow(
        item.id, patient_id, episode_id, Status.DRAFT, kept.content.starts_on, kept.content.review_on
    )
    records.add_plan(work.db, row, work.caller.program_id, work.entry_id)
    return as_plan(row, item)


def change_plan(
    work: Work,
    plan: CarePlan,
    kept: Kept,
    *,
    status: Status | None = None,
    labels: frozenset[Label] | None = None,
) -> CarePlan:
    """The next version; the one before stays readable. Raises Stale when the item changed since it was read."""
    stored = items.find(work, plan.id, lock=True)
    if stored is None or stored.version != plan.version:
        raise Stale(Code.VERSION_STALE, "This care plan has changed since you read it.")
    to = plan.status if status is None else status
    item = items.change(
        work, stored, content=kept.to_json(), labels=labels, state=_item_state(plan.status, to, stored.state)
    )
    row = PlanRow(
        plan.id, plan.patient_id, plan.episode_id, to, kept.content.starts_on, kept.content.review_on
    )
    records.move_plan(work.db, row, work.entry_id)
    return as_plan(row, item)


def _item_state(before: Status, after: Status, state: str) -> ItemState:
    """A draft leaves the program never; what has been in force is final, and amended by every change since. A draft
    that was given up stays a draft.
    """
    if before is Status.DRAFT:
        return ItemState.FINAL if after is Status.ACTIVE else ItemState.DRAFT
    return ItemState.AMENDED if state in ("final", "amended") else ItemState.DRAFT


def add_visit(work: Work, visit: Visit, unit: str, labels: frozenset[Label]) -> Visit:
    """A session held or missed. The item says nothing but that: it is what a consent to tell of attendance releases."""
    item = items.add(
        work,
        NewItem(
            id=visit.id,
            patient_id=visit.patient_id,
            kind=Kind.ATTENDANCE,
            unit=unit,
            content={
                "held_on": visit.held_on.isoformat(),
                "minutes": visit.minutes,
                "outcome": visit.outcome.value,
                "format": visit.format,
                "code": visit.code,
                "reason": visit.reason,
            },
            labels=labels,
            dated_on=visit.held_on,
        ),
    )
    row = VisitRow(
        item.id, visit.patient_id, visit.episode_id, visit.held_on, visit.minutes, Outcome(visit.outcome)
    )
    records.add_visit(work.db, row, work.caller.program_id, work.entry_id)
    return replace(visit, version=item.version)


def take_back_visit(work: Work, visit: Visit, reason: str) -> Visit:
    """Entered in error: it stays readable, and no hour and no deadline counts it. The day of the session, its length and
    its outcome stay what was written.
    """
    stored = items.find(work, visit.id, lock=True)
    if stored is None or stored.state == ItemState.ENTERED_IN_ERROR.value:
        raise Conflict(Code.VISIT_IN_ERROR, "This visit was entered in error already.")
    before = items.opened(work, stored)
    content = {**before.content, "error": reason}
    item = items.change(work, stored, content=content, state=ItemState.ENTERED_IN_ERROR)
    return replace(visit, version=item.version, error=reason)
