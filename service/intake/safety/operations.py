"""What can be done with raised flags: listed for a patient, taken by somebody, acknowledged with what was done.

There is no way to end a flag but `acknowledge`: amending the form, or marking it in error, leaves the flag standing.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.identity.credentials.model import CredentialBook
from service.intake.flags import Severity
from service.intake.safety import records
from service.intake.safety.flag import Act, Done, FlagState, RaisedFlag, after, faults_of
from service.intake.safety.hands import can_act
from service.intake.safety.kept import opened_flag, sealed_flag
from service.intake.safety.records import StoredFlag
from service.intake.subject import facts_of_person, subject_loader
from service.people.merging.charts import chart_ids
from service.work import Loaded, Work


def list_of(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> tuple[RaisedFlag, ...]:
    """The patient's flags, newest first: those of refused forms, of charts merged into this one, and those already
    acknowledged too.
    """
    work.authorised(Action.ASSESSMENT_LIST, subject_loader(patient_id))
    stored = records.flags_of(work.db, chart_ids(work, patient_id), before=before, at_most=at_most)
    flags = tuple(opened_flag(work, one) for one in stored)
    work.record(
        action=Action.ASSESSMENT_LIST,
        object_kind="safety_flag",
        object_id=None,
        patient_id=patient_id,
        detail={"flags": [str(one.id) for one in flags]},
    )
    return flags


def assign(
    work: Work, flag_id: UUID, account_id: UUID | None, book: CredentialBook, *, expected: int | None = None
) -> RaisedFlag:
    """Give the flag to somebody who can act on it; `account_id` None: to nobody, it is open again.

    What somebody else has taken is taken from them only by who says which version they saw: two who reach for it at
    once do not both believe it is theirs. Raises Conflict `flag_closed`, Stale, or Invalid when that account cannot act
    on this patient's flag.
    """
    flag = opened_flag(work, work.authorised(Action.FLAG_ASSIGN, _loader(flag_id)))
    act = Act.TAKE if account_id is not None else Act.RELEASE
    state = after(flag.state, act)
    if flag.state is FlagState.ACKNOWLEDGED:
        raise _closed()
    elsewhere = flag.owner_id not in (None, work.caller.account_id)
    if (elsewhere and expected is None) or (expected is not None and expected != flag.version):
        raise Stale(Code.VERSION_STALE, "This flag has changed since you read it.", current=flag.version)
    if account_id is not None and not can_act(work, flag, account_id, book):
        nobody = FieldError("account_id", "cannot_act", "Not somebody who can act on this patient's flag.")
        raise Invalid(Code.INVALID_REQUEST, "The flag needs somebody who can act on it.", (nobody,))
    if state is not None:
        flag = replace(flag, state=state, owner_id=account_id, version=flag.version + 1)
        records.change_flag(work.db, sealed_flag(work, flag), work.entry_id)
    _record(work, Action.FLAG_ASSIGN, flag, replay=False)
    return flag


def read_assigned(work: Work, flag_id: UUID) -> RaisedFlag:
    """The flag as it is, for whoever repeats an assignment."""
    flag = opened_flag(work, work.authorised(Action.FLAG_ASSIGN, _loader(flag_id)))
    _record(work, Action.FLAG_ASSIGN, flag, replay=True)
    return flag


def acknowledge(work: Work, flag_id: UUID, done: Done, *, replay: bool = False) -> RaisedFlag:
    """Close a flag with what was done about it. Raises Conflict `flag_closed` when it is closed already, Invalid when
    what is said is no action.

    A `replay` of the same request shows the flag as the first one left it.
    """
    flag = opened_flag(work, work.authorised(Action.FLAG_ACKNOWLEDGE, _loader(flag_id)))
    if not replay:
        _may_end(work, flag)
        flag = _close(work, flag, done)
    _record(work, Action.FLAG_ACKNOWLEDGE, flag, replay=replay)
    return flag


def _may_end(work: Work, flag: RaisedFlag) -> None:
    """How urgent a flag is stands sealed in it, so what only an urgent one asks of its signer is asked now."""
    if flag.flag.severity is not Severity.URGENT:
        return
    work.require(
        Action.FLAG_ACKNOWLEDGE_URGENT,
        facts_of_person(work, flag.patient_id),
        object_kind="safety_flag",
        object_id=flag.id,
        patient_id=flag.patient_id,
    )


def _close(work: Work, flag: RaisedFlag, done: Done) -> RaisedFlag:
    state = after(flag.state, Act.ACKNOWLEDGE)
    if state is None:
        raise _closed()
    book = work.access.safety
    duty = book.duty(flag.flag.task, flag.flag.severity.value)
    if faults := faults_of(flag.flag, duty, book.outcomes, done):
        raise Invalid(Code.INVALID_REQUEST, "Say what was done about the flag.", faults)
    closed = replace(
        flag,
        state=state,
        version=flag.version + 1,
        acknowledged_at=work.now,
        done=replace(done, action=done.action.strip(), seen_by=(done.seen_by or "").strip() or None),
        acknowledged_by=work.caller.account_id,
    )
    records.change_flag(work.db, sealed_flag(work, closed), work.entry_id)
    return closed


def _loader(flag_id: UUID) -> Callable[[Work], Loaded[StoredFlag] | None]:
    def load(work: Work) -> Loaded[StoredFlag] | None:
        stored = records.flag_for_update(work.db, flag_id)
        if stored is None:
            return None
        facts = facts_of_person(work, stored.patient_id)
        return Loaded(stored, facts, "safety_flag", stored.id, stored.patient_id)

    return load


def _record(work: Work, action: Action, flag: RaisedFlag, *, replay: bool) -> None:
    detail = {"owner": str(flag.owner_id)} if action is Action.FLAG_ASSIGN else {}
    work.record(
        action=action,
        object_kind="safety_flag",
        object_id=flag.id,
        object_version=flag.version,
        patient_id=flag.patient_id,
        detail={**detail, "replay": True} if replay else detail,
    )


def _closed() -> Conflict:
    return Conflict(Code.FLAG_CLOSED, "This flag has been acknowledged already.")
