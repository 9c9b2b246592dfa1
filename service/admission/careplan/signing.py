"""What puts a plan in force and keeps it there: signatures, activation, reviews, holds and the end.

Every instant is the service's: a plan or a review that is late is overdue and stays recorded as late; nothing is dated
back. All errors of the rules block activation together.
"""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from service.access.actions import Action
from service.access.caller import Role
from service.admission.careplan import kept, lifecycle, records
from service.admission.careplan.content import Content
from service.admission.careplan.evidence import evidence_labels
from service.admission.careplan.finding import Severity
from service.admission.careplan.gathering import Books, labels_of, plan_facts
from service.admission.careplan.lifecycle import Act
from service.admission.careplan.operations import Shown, changing, judged, keep_marks, record, refuse
from service.admission.careplan.parts import Decided, SignerKind, Status
from service.admission.careplan.plan import CarePlan, Review, Signature
from service.admission.careplan.rules import errors, validate
from service.errors import Code, Conflict, FieldError, Invalid
from service.intake.medical.reading import medical_facts
from service.people.facts import program_day
from service.work import Work

#: Rules that a review without a new text can break: the day, the taper, who is outside, what has become urgent.
_REVIEWED = frozenset({"CP-03", "CP-09", "CP-11", "CP-12"})


@dataclass(frozen=True, slots=True)
class NewSignature:
    kind: SignerKind
    name: str | None = None
    decision: Decided | None = None
    reason: str | None = None
    trainee: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class NewReview:
    """`content` None: the plan stays as it is, until `next_on`."""

    summary: str
    next_on: date
    patient_took_part: bool
    content: Content | None = None


def sign(work: Work, books: Books, plan_id: UUID, new: NewSignature, *, expected: int | None = None) -> Shown:
    """A signature on the content as it stands. The patient's is witnessed by the caller, or says why there is none."""
    second = new.kind is SignerKind.SUPERVISOR
    action = Action.CARE_PLAN_COSIGN if second else Action.CARE_PLAN_SIGN
    found = changing(work, action, plan_id, expected)
    lifecycle.after(found.plan.status, Act.SIGN)
    _check_signature(work, books, found.plan, new)
    plan = found.plan
    made = Signature(
        kind=new.kind,
        account_id=work.caller.account_id,
        at=work.now.isoformat(),
        content_version=plan.kept.content_version,
        name=new.name,
        decision=new.decision,
        reason=new.reason,
        trainee=new.trainee or (new.kind is SignerKind.CLINICIAN and work.caller.credential_supervised),
    )
    changed = plan.kept.model_copy(update={"signatures": (*plan.kept.signatures, made)})
    after = kept.change_plan(work, plan, changed)
    shown = judged(work, books, replace(found, plan=after))
    record(work, after, action, use=found.use, written=True, signer=new.kind.value)
    return shown


def activate(work: Work, books: Books, plan_id: UUID, *, expected: int | None = None) -> Shown:
    """Put a draft in force. A preliminary plan of the episode is completed by the full one; Conflict `care_plan_state`
    while another full plan is in force.
    """
    found = changing(work, Action.CARE_PLAN_SIGN, plan_id, expected)
    plan = found.plan
    to = lifecycle.after(plan.status, Act.ACTIVATE).to
    evidence = evidence_labels(work, plan.patient_id, plan.content)
    labels = plan.labels | evidence
    facts = plan_facts(
        work,
        books,
        found.episode,
        plan.content,
        labels=labels,
        evidence_labels=evidence,
        plan=plan,
        signatures=plan.signatures,
    )
    refuse(
        errors(validate(plan.content, facts, books.plans)), "The care plan cannot be put in force like this."
    )
    before = _make_room(work, plan)
    changed = plan.kept.model_copy(update={"activated_at": work.now.isoformat()})
    after = kept.change_plan(work, plan, changed, status=to, labels=labels)
    shown = judged(work, books, replace(found, plan=after))
    record(
        work,
        after,
        Action.CARE_PLAN_SIGN,
        use=found.use,
        written=True,
        completed=None if before is None else str(before),
    )
    return shown


def review(work: Work, books: Books, plan_id: UUID, new: NewReview, *, expected: int | None = None) -> Shown:
    """Gone through with the person today. A new text carries the reviewer's signature and asks for the others anew."""
    found = changing(work, Action.CARE_PLAN_SIGN, plan_id, expected)
    plan = found.plan
    lifecycle.after(plan.status, Act.REVIEW)
    today = program_day(work)
    rewritten = new.content is not None
    content = (new.content or plan.content).model_copy(update={"review_on": new.next_on})
    if rewritten and (content.starts_on, content.preliminary) != (
        plan.content.starts_on,
        plan.content.preliminary,
    ):
        fault = FieldError(
            "plan.starts_on", "fixed", "A review changes neither the first day nor what kind of plan."
        )
        raise Invalid(Code.CARE_PLAN_INVALID, "Begin a new plan for that.", [fault])
    version = plan.kept.content_version + rewritten
    evidence = evidence_labels(work, plan.patient_id, content)
    labels = plan.labels | labels_of(content, found.episode, evidence)
    facts = plan_facts(
        work,
        books,
        found.episode,
        content,
        labels=labels,
        evidence_labels=evidence,
        plan=plan,
        signatures=plan.signatures,
        reviewed_on=today,
    )
    blocking = [
        one
        for one in validate(content, facts, books.plans)
        if one.severity is Severity.ERROR and (one.rule in _REVIEWED or (rewritten and one.rule != "CP-10"))
    ]
    refuse(blocking, "The plan cannot go on like this.")
    done = Review(
        at=work.now.isoformat(),
        on=today,
        account_id=work.caller.account_id,
        summary=new.summary,
        next_on=new.next_on,
        patient_took_part=new.patient_took_part,
        content_version=version,
    )
    signed = Signature(
        kind=SignerKind.CLINICIAN,
        account_id=work.caller.account_id,
        at=work.now.isoformat(),
        content_version=version,
        trainee=work.caller.credential_supervised,
    )
    changed = plan.kept.model_copy(
        update={
            "content": content,
            "content_version": version,
            "reviews": (*plan.kept.reviews, done),
            "signatures": (*plan.kept.signatures, signed),
        }
    )
    after = kept.change_plan(work, plan, changed, labels=labels)
    if rewritten:
        keep_marks(work, books, after)
    shown = judged(work, books, replace(found, plan=after))
    late = today > plan.content.review_on
    record(work, after, Action.CARE_PLAN_SIGN, use=found.use, written=True, reviewed=True, late=late)
    return shown


def settle(
    work: Work, books: Books, plan_id: UUID, act: Act, reason: str, *, expected: int | None = None
) -> Shown:
    """Hold, resume, complete or revoke, with a reason."""
    found = changing(work, Action.CARE_PLAN_WRITE, plan_id, expected)
    transition = lifecycle.after(found.plan.status, act)
    changed = found.plan.kept.model_copy(update={"ended_reason": reason})
    after = kept.change_plan(work, found.plan, changed, status=transition.to)
    shown = judged(work, books, replace(found, plan=after))
    record(work, after, transition.action, use=found.use, written=True, act=act.value)
    return shown


def complete_plans(work: Work, episode_id: UUID, reason: str) -> tuple[UUID, ...]:
    """End what is in force in an episode that ends, inside the act that ends it; drafts are given up."""
    ended: list[UUID] = []
    for row in records.plans_of_episode(work.db, episode_id, lock=True):
        plan = kept.open_plan(work, row)
        if plan is None or plan.status in (Status.COMPLETED, Status.REVOKED):
            continue
        act = Act.REVOKE if plan.status is Status.DRAFT else Act.COMPLETE
        to = lifecycle.after(plan.status, act).to
        kept.change_plan(work, plan, plan.kept.model_copy(update={"ended_reason": reason}), status=to)
        ended.append(plan.id)
    return tuple(ended)


def _make_room(work: Work, plan: CarePlan) -> UUID | None:
    """The plan in force that this one takes the place of, completed; None when there is none."""
    for row in records.plans_of_episode(work.db, plan.episode_id, lock=True):
        if row.item_id == plan.id or row.status not in kept.STANDING:
            continue
        other = kept.open_plan(work, row)
        if other is None or not other.content.preliminary or plan.content.preliminary:
            raise Conflict(
                Code.CARE_PLAN_STATE,
                "Another plan of this episode is in force: review it, or complete it first.",
                status=row.status.value,
            )
        to = lifecycle.after(other.status, Act.COMPLETE).to
        note = other.kept.model_copy(update={"ended_reason": "The full plan took its place."})
        kept.change_plan(work, other, note, status=to)
        return other.id
    return None


def _check_signature(work: Work, books: Books, plan: CarePlan, new: NewSignature) -> None:
    faults: list[FieldError] = []
    clinician = Role.CLINICIAN in work.caller.roles
    present = new.decision in (Decided.AGREES, Decided.DISAGREES)
    match new.kind:
        case SignerKind.CLINICIAN | SignerKind.SUPERVISOR:
            if not clinician:
                faults.append(FieldError("kind", "not_you", "A clinician signs for the clinician."))
            if new.decision is not None:
                faults.append(FieldError("decision", "not_applicable", "The patient's word alone."))
        case SignerKind.PATIENT:
            if new.decision is None:
                faults.append(FieldError("decision", "missing", "agrees, disagrees, declined or unable."))
            if present and new.name is None:
                faults.append(FieldError("name", "missing", "The name the patient signed with."))
            if new.decision is not Decided.AGREES and new.decision is not None and new.reason is None:
                faults.append(FieldError("reason", "missing", "Write down why."))
        case SignerKind.GUARDIAN:
            if new.name is None:
                faults.append(FieldError("name", "missing", "The name the guardian signed with."))
    if new.kind is SignerKind.SUPERVISOR:
        trainees = {one.account_id for one in plan.signatures if one.trainee}
        if not trainees or work.caller.account_id in trainees:
            faults.append(FieldError("kind", "not_you", "A supervisor signs for a trainee who has signed."))
    if new.trainee and new.kind is not SignerKind.CLINICIAN:
        faults.append(FieldError("trainee", "not_applicable", "Said by the clinician who signs."))
    if new.kind is SignerKind.PATIENT and present and _intoxicated(work, books, plan.patient_id):
        faults.append(FieldError("kind", "not_now", "Nobody signs while intoxicated: offer it again."))
    if faults:
        raise Invalid(Code.CARE_PLAN_INVALID, "This signature cannot be taken like this.", faults)


def _intoxicated(work: Work, books: Books, patient_id: UUID) -> bool:
    reading = medical_facts(work, books.medical, patient_id).get("intoxicated_now")
    return reading is not None and reading.value is True
