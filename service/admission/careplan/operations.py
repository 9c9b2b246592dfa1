"""Care plans: begun, saved, read, listed. What puts one in force and what comes after stands in signing and goals.

A plan is begun from what is known: the placement decision and the assessments it rests on are noted with their versions
(FHIR CarePlan.supportingInfo). A draft may lack anything; the rules say what at every save, and block at activation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.decision import Decision
from service.access.facts import Facts
from service.admission.careplan import kept, lifecycle, records
from service.admission.careplan.content import Content
from service.admission.careplan.evidence import evidence_of, same_regime
from service.admission.careplan.facts import ConsentWord
from service.admission.careplan.finding import Finding
from service.admission.careplan.gathering import Books, consent_words, labels_of, plan_facts
from service.admission.careplan.lifecycle import Act
from service.admission.careplan.paragraphs import paragraphs
from service.admission.careplan.parts import Status
from service.admission.careplan.plan import Basis, CarePlan, Kept, Used
from service.admission.careplan.records import PlanRow
from service.admission.careplan.rules import validate
from service.admission.likeness.marks import Likeness, Marked, keep, likeness
from service.errors import Code, FieldError, Invalid, NotFound, Refused, Stale
from service.ids import new_id
from service.intake.latest import latest
from service.labels import Label
from service.people.episodes import operations as episodes
from service.people.episodes.episode import Episode
from service.people.facts import load_patient, patient_facts, program_day
from service.people.records import patient_for_share
from service.record import items
from service.record.item import NoteClass, Provenance
from service.record.records import StoredItem
from service.work import Denial, Json, Loaded, Work

#: What a patient may see of a plan: never a draft somebody is still writing.
_SHOWN_TO_PATIENTS = frozenset({Status.ACTIVE, Status.ON_HOLD, Status.COMPLETED})
KIND = "care_plan"


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A plan as it stands for this caller: what the rules say of it, and with whom outside it may be shared."""

    plan: CarePlan
    findings: tuple[Finding, ...] = ()
    sharing: dict[UUID, ConsentWord] = field(default_factory=dict[UUID, ConsentWord])
    overdue: bool = False
    #: Places whose text an earlier plan or version of this patient's said.
    carried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A plan loaded for an act: opened, with its episode and the decision that let it be opened."""

    plan: CarePlan
    episode: Episode
    use: Decision | None


def begin(
    work: Work, books: Books, patient_id: UUID, episode_id: UUID | None, content: Content
) -> tuple[UUID, Shown]:
    """A draft for the episode named, or for the one the patient is in."""
    work.authorised(Action.CARE_PLAN_WRITE, lambda work: load_patient(work, patient_id))
    episode = _episode(work, patient_id, episode_id)
    evidence, part2 = evidence_of(work, patient_id, content)
    labels = labels_of(content, episode, evidence)
    basis = Basis(
        assessments=tuple(
            Used(item_id=one.id, instrument=key, version=one.version)
            for key, one in sorted(latest(work, patient_id).items())
        ),
        placement=next(iter(records.items_of_kind(work.db, patient_id, "level_of_care", None, 1)), None),
    )
    plan = kept.add_plan(
        work,
        plan_id=new_id(work.now),
        patient_id=patient_id,
        episode_id=episode.id,
        unit=episode.unit,
        kept=Kept(content=content, basis=basis),
        labels=labels,
        provenance=Provenance.QUOTES_PART2 if part2 else Provenance.OWN,
    )
    keep_marks(work, books, plan)
    shown = judged(work, books, Found(plan, episode, None), evidence)
    record(work, plan, Action.CARE_PLAN_WRITE, written=True)
    return plan.id, shown


def save(work: Work, books: Books, plan_id: UUID, content: Content, *, expected: int) -> Shown:
    """The draft with this content. What was signed was another text: signatures are given anew."""
    found = changing(work, Action.CARE_PLAN_WRITE, plan_id, expected)
    transition = lifecycle.after(found.plan.status, Act.EDIT)
    before = found.plan.kept
    evidence, part2 = evidence_of(work, found.plan.patient_id, content)
    same_regime(work, found.plan, part2=part2)
    labels = labels_of(content, found.episode, evidence)
    now = before.model_copy(update={"content": content, "content_version": before.content_version + 1})
    plan = kept.change_plan(work, found.plan, now, labels=labels)
    keep_marks(work, books, plan)
    shown = judged(work, books, replace(found, plan=plan), evidence)
    record(work, plan, transition.action, use=found.use, written=True)
    return shown


def read(work: Work, books: Books, plan_id: UUID) -> Shown:
    """One plan; a patient reads what is in force or was."""
    found = _found(work, Action.CARE_PLAN_READ, plan_id, lock=False)
    shown = judged(work, books, found)
    record(work, found.plan, Action.CARE_PLAN_READ, use=found.use)
    return shown


def list_of(
    work: Work, patient_id: UUID, *, before: UUID | None, at_most: int
) -> tuple[tuple[CarePlan, ...], UUID | None]:
    """Plans of a patient that this caller may use, newest first, and the last id of the page if there are more."""
    work.authorised(Action.CARE_PLAN_READ, lambda work: load_patient(work, patient_id))
    page = records.plans_of_patient(work.db, patient_id, before, at_most + 1)
    own = work.caller.kind is CallerKind.PATIENT
    rows = [row for row in page[:at_most] if not own or row.status in _SHOWN_TO_PATIENTS]
    plans = tuple(one for one in (kept.open_plan(work, row) for row in rows) if one is not None)
    work.record(
        action=Action.CARE_PLAN_READ,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.id) for one in plans]},
    )
    return plans, page[at_most - 1].item_id if len(page) > at_most else None


# -- the frame of every act on a plan


def changing(work: Work, action: Action, plan_id: UUID, expected: int | None) -> Found:
    """The plan locked for a change; Stale when the caller read another version."""
    found = _found(work, action, plan_id, lock=True)
    if expected is not None and found.plan.version != expected:
        raise Stale(Code.VERSION_STALE, "This care plan has changed since you read it.")
    return found


def judged(work: Work, books: Books, found: Found, evidence: frozenset[Label] = frozenset()) -> Shown:
    """The plan with what the rules say now. A patient is shown the plan, not its faults; what has ended has none."""
    plan = found.plan
    if work.caller.kind is CallerKind.PATIENT:
        return Shown(plan)
    overdue = plan.status is Status.ACTIVE and plan.content.review_on < program_day(work)
    if plan.status in (Status.COMPLETED, Status.REVOKED):
        words = consent_words(work, books, plan.patient_id, plan.content, plan.unit, plan.labels)
        return Shown(plan, sharing=words)
    alike = _likeness(work, books, plan)
    facts = plan_facts(
        work,
        books,
        found.episode,
        plan.content,
        labels=plan.labels,
        evidence_labels=evidence,
        plan=plan,
        signatures=plan.signatures,
    )
    found_now = validate(plan.content, replace(facts, elsewhere=alike.elsewhere), books.plans)
    return Shown(plan, found_now, dict(facts.consents), overdue, alike.carried)


def keep_marks(work: Work, books: Books, plan: CarePlan) -> None:
    """What is compared of the plan's text, as it stands now (CP-20)."""
    keep(work, _marked(plan), paragraphs(plan.content, books.plans))


def _likeness(work: Work, books: Books, plan: CarePlan) -> Likeness:
    since = work.now - timedelta(days=books.plans.values["cloned_days"])
    return likeness(work, _marked(plan), paragraphs(plan.content, books.plans), since=since)


def _marked(plan: CarePlan) -> Marked:
    return Marked(plan.id, plan.patient_id, plan.kept.content_version, plan.status is Status.DRAFT)


def record(
    work: Work,
    plan: CarePlan,
    action: Action,
    *,
    use: Decision | None = None,
    written: bool = False,
    **detail: Json,
) -> None:
    """The entry of an act on a plan: states and keys of parts in it, no word of what the plan says."""
    work.record(
        action=action,
        object_kind=KIND,
        object_id=plan.id,
        object_version=plan.version,
        patient_id=plan.patient_id,
        basis=None if use is None else use.basis,
        policies=() if use is None else use.policies,
        detail={"status": plan.status.value, **detail},
        payload=plan.kept.to_json() if written else None,
    )


def refuse(findings: Iterable[Finding], message: str) -> None:
    """Raises Invalid with every error, if there is one."""
    wrong = [FieldError(one.field, one.rule, one.message, one.source) for one in findings]
    if wrong:
        raise Invalid(Code.CARE_PLAN_INVALID, message, wrong)


def _found(work: Work, action: Action, plan_id: UUID, *, lock: bool) -> Found:
    row, stored = work.authorised(action, _loader(plan_id, lock=lock))
    use = None
    if work.caller.kind is not CallerKind.PATIENT:
        use = kept.use_of(work, stored)
        if not use.permitted:
            refuse_use(work, action, stored, use)
    plan = kept.as_plan(row, items.opened(work, stored))
    return Found(plan, _episode(work, plan.patient_id, plan.episode_id, ended=True), use)


def _loader(plan_id: UUID, *, lock: bool) -> Callable[[Work], Loaded[tuple[PlanRow, StoredItem]] | None]:
    """The patient is locked before the plan, as by every decision about consents: none waits for the other in a ring."""

    def load(work: Work) -> Loaded[tuple[PlanRow, StoredItem]] | None:
        row = records.plan_row(work.db, plan_id)
        if row is not None and lock:
            patient_for_share(work.db, row.patient_id)
            row = records.plan_row(work.db, plan_id, lock=True)
        stored = None if row is None else items.find(work, plan_id, lock=lock)
        about = None if row is None else patient_facts(work, row.patient_id)
        if row is None or stored is None or about is None:
            return None
        if work.caller.kind is CallerKind.PATIENT and row.status not in _SHOWN_TO_PATIENTS:
            return None
        return Loaded((row, stored), _named(work, about, stored, row), KIND, plan_id, row.patient_id)

    return load


def _named(work: Work, about: Facts, stored: StoredItem, row: PlanRow) -> Facts:
    return replace(
        about,
        unit_assigned=stored.unit in work.caller.units,
        author_is_caller=stored.author_id == work.caller.account_id,
        kind=stored.kind,
        note_class=NoteClass.ORDINARY.value,
        state=row.status.value,
    )


def refuse_use(work: Work, action: Action, stored: StoredItem, use: Decision) -> None:
    work.refuse(
        Refused(Code.NOT_PERMITTED, "This care plan may not be used for this purpose."),
        Denial(
            action=action,
            object_kind=KIND,
            object_id=stored.id,
            patient_id=stored.patient_id,
            policies=use.policies,
            detail={"reason": "not_in_use", "refused_by": list(use.refused_by)},
        ),
    )


def _episode(work: Work, patient_id: UUID, episode_id: UUID | None, *, ended: bool = False) -> Episode:
    """The episode a plan is of; Invalid when it is another patient's, or over."""
    if episode_id is None:
        episode = episodes.current_episode(work, patient_id)
    else:
        loaded = episodes.episode_loader(episode_id)(work)
        episode = None if loaded is None else episodes.opened(work, loaded.thing[0])
    if episode is None or episode.patient_id != patient_id:
        if ended:
            raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
        fault = FieldError("episode_id", "unknown", "This patient has no such episode, or none that is open.")
        raise Invalid(Code.CARE_PLAN_INVALID, "A care plan belongs to an episode.", [fault])
    if episode.ended_on is not None and not ended:
        fault = FieldError("episode_id", "ended", "This episode has ended.")
        raise Invalid(Code.CARE_PLAN_INVALID, "A care plan belongs to an episode that is open.", [fault])
    return episode
