"""Raised safety flags as pages: what waits and for whom, a patient's own, and one of them: taken, handed over, ended.

Who may act, what counts as an action and whose a flag becomes is said by the operations of the API; a page offers what
the same rule permits, and shows every fault beside its field.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.access.safety import Duty
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.paging import read_cursor, write_cursor
from service.edge.problems import STATUS
from service.errors import Code, Conflict, ConsentryError, FieldError, Invalid, NotFound, Stale
from service.identity.credentials.model import CredentialBook
from service.intake.flags import Severity
from service.intake.safety import operations, worklist
from service.intake.safety.flag import Done, FlagState, RaisedFlag
from service.intake.safety.hands import Colleague, colleagues
from service.intake.safety.worklist import Listed, Whose
from service.intake.subject import facts_of_person
from service.people.operations import open_patient_name
from service.web import cookies
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    once_key,
    perform_on_page,
    perform_once_on_page,
    render,
    viewer_of,
)
from service.web.times import due_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
WHOSE: Final = {Whose.ALL: "All", Whose.ROLE: "For my role", Whose.ME: "Taken by me"}
SEVERITIES: Final = {"urgent": "Urgent", "same_day": "Today", "review": "Review", "form": "Form"}
_LAST: Final = (1 << 128) - 1


@dataclass(frozen=True, slots=True, repr=False)
class ShownFlag:
    """A flag with everything whoever sees it needs at once. `name`: the patient's, where the caller may read it;
    `closed`: only that it waits, and whom to call.
    """

    one: RaisedFlag
    severity: str
    due: str
    overdue: bool
    owner: str
    name: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class FlagPage:
    """One flag, and what this caller may do with it."""

    shown: ShownFlag
    raised: str
    source: str
    duty: Duty
    outcomes: tuple[tuple[str, str], ...]
    may_assign: bool
    may_acknowledge: bool
    colleagues: tuple[Colleague, ...]
    acknowledged: str
    by: str


def shown_flag(work: Work, one: RaisedFlag) -> ShownFlag:
    """A flag in the words of a page."""
    role = one.owner_role.value.capitalize()
    mine = one.owner_id == work.caller.account_id
    taken = "taken by nobody yet" if one.owner_id is None else f"taken by {'you' if mine else 'a colleague'}"
    severity = SEVERITIES[one.flag.severity.value]
    return ShownFlag(one, severity, due_of(work, one.due_at), one.due_at <= work.now, f"{role}, {taken}")


@router.get("/flags")
async def flags_page(request: Request) -> Response:
    try:
        whose = Whose(request.query_params.get("owner", Whose.ALL.value))
    except ValueError:
        raise Invalid(Code.INVALID_REQUEST, "There is no such list.") from None
    after = read_cursor(request.query_params.get("after"))

    def unit(work: Work) -> tuple[Viewer, tuple[ShownFlag, ...], UUID | None]:
        page = worklist.waiting(work, whose, after=after, at_most=PAGE)
        names: dict[UUID, str | None] = {}
        rows = tuple(_row(work, row, names) for row in page.rows)
        return viewer_of(request, work), rows, page.rows[-1].flag.id if page.more else None

    viewer, rows, last = await perform_on_page(request, unit)
    return render(
        "flags.html",
        200,
        viewer,
        overdue=[row for row in rows if row.overdue],
        waiting=[row for row in rows if not row.overdue],
        whose=whose,
        lists=WHOSE,
        more=None if last is None else write_cursor(last),
    )


@router.get("/patients/{patient_id}/flags")
async def patient_flags_page(request: Request, patient_id: Uuid) -> Response:
    before = read_cursor(request.query_params.get("after"))

    def unit(work: Work) -> tuple[Viewer, str | None, tuple[ShownFlag, ...]]:
        found = operations.list_of(work, patient_id, before=before, at_most=PAGE + 1)
        rows = tuple(shown_flag(work, one) for one in found)
        return viewer_of(request, work), _name(work, patient_id), rows

    viewer, name, rows = await perform_on_page(request, unit)
    shown = rows[:PAGE]
    return render(
        "patient_flags.html",
        200,
        viewer,
        patient_id=patient_id,
        name=name,
        waiting=sorted((row for row in shown if _waits(row)), key=lambda row: row.one.urgency),
        acknowledged=[row for row in shown if not _waits(row)],
        more=write_cursor(shown[-1].one.id) if len(rows) > PAGE else None,
    )


@router.get("/patients/{patient_id}/flags/{flag_id}")
async def flag_page(request: Request, patient_id: Uuid, flag_id: Uuid) -> Response:
    return await _one(request, patient_id, flag_id)


@router.post("/patients/{patient_id}/flags/{flag_id}/assignment")
async def assign_flag(request: Request, patient_id: Uuid, flag_id: Uuid) -> Response:
    """Take it, give it back, hand it over: from the state that was shown, so that two do not both have it."""
    form = await read_form(request)
    cookies.check_form(request, form, cookies.SESSION)
    act, version = form.get("act", ""), form.get("version", "")
    if act not in ("take", "release", "give") or not (version.isascii() and version.isdigit()):
        raise Invalid(Code.INVALID_REQUEST, "This form is not complete. Go back and try again.")
    to = _colleague(form) if act == "give" else None
    if act == "give" and to is None:
        nobody = FieldError("account_id", "missing", "Choose who takes it over.")
        fault = Invalid(Code.INVALID_REQUEST, _TO_WHOM, (nobody,))
        return await _one(request, patient_id, flag_id, form, fault)

    def unit(work: Work) -> RaisedFlag:
        whom = work.caller.account_id if act == "take" else to
        held = state_of(request).credentials
        return operations.assign(work, flag_id, whom, held, expected=int(version[:9]))

    try:
        await perform_on_page(request, unit)
    except (Invalid, Stale, Conflict) as error:
        return await _one(request, patient_id, flag_id, form, error)
    return go(f"/patients/{patient_id}/flags/{flag_id}")


@router.post("/patients/{patient_id}/flags/{flag_id}/acknowledgement")
async def acknowledge_flag(request: Request, patient_id: Uuid, flag_id: Uuid) -> Response:
    form = await read_form(request)
    cookies.check_form(request, form, cookies.SESSION)
    said = {name: form.get(name, "").strip() or None for name in ("code", "seen_by", "outcome")}
    done = Done(form.get("action", ""), **said)
    if faults := tuple(_too_long(form)):
        return await _one(
            request, patient_id, flag_id, form, Invalid(Code.INVALID_REQUEST, "This is too long.", faults)
        )
    try:
        await perform_once_on_page(
            request,
            form,
            lambda work: (flag_id, operations.acknowledge(work, flag_id, done)),
            lambda work, made: operations.acknowledge(work, made, done, replay=True),
        )
    except (Invalid, Conflict) as error:
        return await _one(request, patient_id, flag_id, form, error)
    return go(f"/patients/{patient_id}/flags/{flag_id}")


# -- inside -----------------------------------------------------------------------------------------------------------

_TO_WHOM: Final = "Say to whom."
#: What else the operation asks for before a flag of this severity ends.
_ENDING: Final = {Severity.URGENT: (Action.FLAG_ACKNOWLEDGE_URGENT,)}
_LENGTHS: Final = {"action": 2000, "code": 200, "seen_by": 200, "outcome": 200}


async def _one(
    request: Request,
    patient_id: UUID,
    flag_id: UUID,
    form: dict[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    instruments = state_of(request).instruments

    def unit(work: Work) -> tuple[Viewer, FlagPage]:
        found = _found(work, patient_id, flag_id)
        return viewer_of(request, work), _page(work, found, state_of(request).credentials)

    viewer, page = await perform_on_page(request, unit)
    instrument = instruments.find(page.shown.one.instrument)
    return render(
        "flag.html",
        200 if error is None else STATUS[error.code],
        viewer,
        page=page,
        patient_id=patient_id,
        source=page.source if instrument is None else instrument.title,
        error=error,
        listed=() if error is None else [(one.field, one.message) for one in error.errors],
        faults={} if error is None else {one.field: one.message for one in error.errors},
        given=form or {},
        once=once_key(),
    )


def _found(work: Work, patient_id: UUID, flag_id: UUID) -> RaisedFlag:
    """One flag by the way a patient's are listed: the first that comes from it on."""
    before = None if flag_id.int == _LAST else UUID(int=flag_id.int + 1)
    found = operations.list_of(work, patient_id, before=before, at_most=1)
    if not found or found[0].id != flag_id:
        raise NotFound(Code.NOT_FOUND, "There is no such flag here.")
    return found[0]


def _page(work: Work, flag: RaisedFlag, held: CredentialBook) -> FlagPage:
    facts, book = facts_of_person(work, flag.patient_id), work.access.safety
    waits = flag.state is not FlagState.ACKNOWLEDGED
    ending = (Action.FLAG_ACKNOWLEDGE, *_ENDING.get(flag.flag.severity, ()))
    able = colleagues(work, flag, held)
    names = {one.id: one.name for one in able}
    shown = replace(shown_flag(work, flag), name=_name(work, flag.patient_id))
    if flag.owner_id is not None and flag.owner_id in names and flag.owner_id != work.caller.account_id:
        shown = replace(shown, owner=f"{flag.owner_role.value.capitalize()}, taken by {names[flag.owner_id]}")
    return FlagPage(
        shown=shown,
        raised=_day_and_clock(work, flag.raised_at),
        source=flag.instrument.replace("_", " ").capitalize(),
        duty=book.duty(flag.flag.task, flag.flag.severity.value),
        outcomes=tuple(book.outcomes.items()),
        may_assign=waits and work.permits(Action.FLAG_ASSIGN, facts),
        may_acknowledge=waits and all(work.permits(action, facts) for action in ending),
        colleagues=tuple(one for one in able if one.id not in (flag.owner_id, work.caller.account_id)),
        acknowledged="" if flag.acknowledged_at is None else _day_and_clock(work, flag.acknowledged_at),
        by="" if flag.acknowledged_by is None else names.get(flag.acknowledged_by, "a colleague"),
    )


def _row(work: Work, row: Listed, names: dict[UUID, str | None]) -> ShownFlag:
    patient_id = row.flag.patient_id
    if not row.closed and patient_id not in names:
        names[patient_id] = _name(work, patient_id)
    return replace(shown_flag(work, row.flag), name=names.get(patient_id), closed=row.closed)


def _name(work: Work, patient_id: UUID) -> str | None:
    """The patient's name for whoever may read it; None for others."""
    if not work.permits(Action.PATIENT_READ, facts_of_person(work, patient_id)):
        return None
    name = open_patient_name(work, patient_id)
    return f"{name['given_name']} {name['family_name']}"


def _waits(row: ShownFlag) -> bool:
    return row.one.state is not FlagState.ACKNOWLEDGED


def _day_and_clock(work: Work, at: datetime) -> str:
    there = at.astimezone(work.program.zone)
    return f"{there:%b} {there.day}, {there.year}, {int(f'{there:%I}')}:{there:%M %p}"


def _colleague(form: dict[str, str]) -> UUID | None:
    try:
        return UUID(form.get("account_id", ""))
    except ValueError:
        return None


def _too_long(form: dict[str, str]) -> list[FieldError]:
    return [
        FieldError(name, "too_long", f"At most {most} characters.")
        for name, most in _LENGTHS.items()
        if len(form.get(name, "")) > most
    ]
