"""The safety plan (F22): made with the patient, given to the patient, changed after every event; a record item.

Steps follow the order of the Stanley-Brown intervention (memory): from one's own signs to what others can do. It is
given when it is made: a plan that stays in the chart is none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.careplan import kept, records
from service.admission.careplan.operations import refuse_use
from service.admission.careplan.parts import Day, Few, Line, Part, Text
from service.errors import Code, FieldError, Invalid, Stale
from service.labels import Label
from service.people.episodes.operations import current_episode
from service.people.facts import load_patient, patient_facts, program_day
from service.record import items
from service.record.item import Item, ItemState, Kind, NewItem
from service.record.records import StoredItem
from service.work import Loaded, Work

KIND = "safety_plan"


class Helper(Part):
    """Somebody to turn to, as the patient names them."""

    name: Line
    phone: Line | None = None


class SafetyPlan(Part):
    warning_signs: Few[Line]
    coping: Few[Line]
    distraction: Few[Line] = ()
    people: Few[Helper] = ()
    professionals: Few[Helper]
    safer_surroundings: Text
    reason_to_live: Text | None = None
    overdose_plan: Text | None = None
    naloxone: Annotated[str, Field(pattern="^(given|has|declined|not_indicated)$")] | None = None
    given_on: Day
    after_event: Line | None = None


@dataclass(frozen=True, slots=True, repr=False)
class KeptSafetyPlan:
    id: UUID
    patient_id: UUID
    version: int
    plan: SafetyPlan
    author_id: UUID
    changed_at: str


def make(work: Work, patient_id: UUID, plan: SafetyPlan) -> tuple[UUID, KeptSafetyPlan]:
    """A new plan, for the unit of the patient's episode."""
    work.authorised(Action.CARE_PLAN_WRITE, lambda work: load_patient(work, patient_id))
    _check(work, plan)
    episode = current_episode(work, patient_id)
    unit = episode.unit if episode else min(work.caller.units & work.program.units.keys(), default="")
    if unit not in work.program.units:
        fault = FieldError("unit", "unknown", "The patient has no open episode here.")
        raise Invalid(Code.CARE_PLAN_INVALID, "A safety plan is made in a unit.", [fault])
    item = items.add(
        work,
        NewItem(
            patient_id=patient_id,
            kind=Kind.SAFETY_PLAN,
            unit=unit,
            content=plan.model_dump(mode="json"),
            labels=_labels(plan),
        ),
    )
    return item.id, _shown(work, Action.CARE_PLAN_WRITE, item, written=True)


def change(work: Work, item_id: UUID, plan: SafetyPlan, *, expected: int) -> KeptSafetyPlan:
    """The next version; the one before stays readable."""
    stored = _loaded(work, Action.CARE_PLAN_WRITE, item_id, lock=True)
    if stored.version != expected:
        raise Stale(Code.VERSION_STALE, "This safety plan has changed since you read it.")
    _check(work, plan)
    labels = items.opened_labels(work, stored) | _labels(plan)
    item = items.change(
        work, stored, content=plan.model_dump(mode="json"), labels=labels, state=ItemState.AMENDED
    )
    return _shown(work, Action.CARE_PLAN_WRITE, item, written=True)


def read(work: Work, item_id: UUID) -> KeptSafetyPlan:
    stored = _loaded(work, Action.CARE_PLAN_READ, item_id, lock=False)
    return _shown(work, Action.CARE_PLAN_READ, items.opened(work, stored))


def list_of(
    work: Work, patient_id: UUID, *, before: UUID | None, at_most: int
) -> tuple[tuple[KeptSafetyPlan, ...], UUID | None]:
    """Those this caller may use, newest first, and the last id of the page if there are more."""
    work.authorised(Action.CARE_PLAN_READ, lambda work: load_patient(work, patient_id))
    page = records.items_of_kind(work.db, patient_id, Kind.SAFETY_PLAN.value, before, at_most + 1)
    found: list[KeptSafetyPlan] = []
    for item_id in page[:at_most]:
        stored = items.find(work, item_id, lock=False)
        if stored is not None and kept.may_use(work, stored):
            found.append(_view(items.opened(work, stored)))
    work.record(
        action=Action.CARE_PLAN_READ,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.id) for one in found]},
    )
    return tuple(found), page[at_most - 1] if len(page) > at_most else None


def _loaded(work: Work, action: Action, item_id: UUID, *, lock: bool) -> StoredItem:
    stored = work.authorised(action, _loader(item_id, lock=lock))
    if work.caller.kind is not CallerKind.PATIENT:
        use = kept.use_of(work, stored)
        if not use.permitted:
            refuse_use(work, action, stored, use)
    return stored


def _loader(item_id: UUID, *, lock: bool) -> Callable[[Work], Loaded[StoredItem] | None]:
    def load(work: Work) -> Loaded[StoredItem] | None:
        stored = items.find(work, item_id, lock=lock)
        about = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or about is None or stored.kind != Kind.SAFETY_PLAN.value:
            return None
        return Loaded(stored, about, KIND, item_id, stored.patient_id)

    return load


def _check(work: Work, plan: SafetyPlan) -> None:
    faults = [
        FieldError(field, "missing", message)
        for field, given, message in (
            ("warning_signs", plan.warning_signs, "What the person notices first."),
            ("coping", plan.coping, "What the person can do alone."),
            ("professionals", plan.professionals, "Whom to call, day and night."),
        )
        if not given
    ]
    if plan.given_on > program_day(work):
        faults.append(FieldError("given_on", "future", "The day the patient was given it."))
    if faults:
        raise Invalid(Code.CARE_PLAN_INVALID, "This safety plan is not one yet.", faults)


def _labels(plan: SafetyPlan) -> frozenset[Label]:
    substances = plan.overdose_plan is not None or plan.naloxone not in (None, "not_indicated")
    return frozenset({Label.PSY, Label.SUD} if substances else {Label.PSY})


def _shown(work: Work, action: Action, item: Item, *, written: bool = False) -> KeptSafetyPlan:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=item.id,
        object_version=item.version,
        patient_id=item.patient_id,
        payload=item.content if written else None,
    )
    return _view(item)


def _view(item: Item) -> KeptSafetyPlan:
    content: Mapping[str, Any] = item.content
    return KeptSafetyPlan(
        item.id,
        item.patient_id,
        item.version,
        SafetyPlan.model_validate(content),
        item.author_id,
        item.changed_at.isoformat().replace("+00:00", "Z"),
    )
