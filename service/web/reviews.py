"""The compliance officer's queue as pages: what waits, why it is there, what it rests on, and a decision with a reason.

Both kinds stand in one list, as in the API; a page shows ids of patients and no name: the queue is about who looked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.custody.findings import queue
from service.custody.findings.lifecycle import WAITING, FindingDecision
from service.custody.findings.operations import Finding, Wanted
from service.custody.findings.queue import Waiting
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.paging import read_cursor, write_cursor
from service.edge.problems import STATUS
from service.errors import Code, Conflict, ConsentryError, FieldError, Invalid
from service.identity import records as identity
from service.identity.operations import open_account
from service.people.reviews import ReviewDecision, ReviewKind, ReviewState
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
from service.work import Work

router = APIRouter(prefix="/audit", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
LISTS: Final = {ReviewState.OPEN: "Waiting", ReviewState.CLOSED: "Decided"}
#: What opened a review that an act opened for itself.
OPENED: Final = {
    ReviewKind.EMERGENCY_ACCESS: "Somebody broke the glass",
    ReviewKind.EMERGENCY_DISCLOSURE: "Records left in a medical emergency",
    ReviewKind.INTEGRITY: "Something stored did not verify",
    ReviewKind.CONSENT_DOUBT: "Somebody doubts a consent",
    ReviewKind.FLAG_OVERDUE: "Nobody acted on a safety flag in time",
}
SEVERITIES: Final = {"high": "High", "medium": "Medium", "low": "Low"}
DECISIONS: Final = {
    FindingDecision.JUSTIFIED: "Justified: there was a task",
    FindingDecision.NOT_JUSTIFIED: "Not justified",
    FindingDecision.NEEDS_MORE: "Needs more: it goes on waiting",
}
CLOSINGS: Final = {
    ReviewDecision.APPROPRIATE: "Appropriate",
    ReviewDecision.INAPPROPRIATE: "Inappropriate",
    ReviewDecision.INCIDENT: "To be treated as an incident or breach",
}
_LONGEST: Final = 4000


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """One of the queue in the words of a page. `who`: whose acts it is about; `finding` None for a review."""

    id: UUID
    title: str
    waits: bool
    since: str
    who: str
    patient_id: UUID | None
    finding: Finding | None = None
    spell: str = ""
    facts: tuple[tuple[UUID, str], ...] = ()
    decisions: tuple[tuple[str, str, str, str], ...] = ()
    grant: tuple[str, str] | None = None
    choices: tuple[tuple[str, str], ...] = ()


@router.get("/reviews")
async def reviews_page(request: Request) -> Response:
    try:
        state = ReviewState(request.query_params.get("state", ReviewState.OPEN.value))
    except ValueError:
        raise Invalid(Code.INVALID_REQUEST, "There is no such list.") from None
    after = read_cursor(request.query_params.get("after"))
    wanted = Wanted(waiting=state is ReviewState.OPEN)

    def unit(work: Work) -> tuple[Viewer, tuple[Shown, ...]]:
        found = queue.list_queue(work, state, wanted, after=after, at_most=PAGE + 1)
        return viewer_of(request, work), tuple(_shown(work, one) for one in found)

    viewer, rows = await perform_on_page(request, unit)
    more = write_cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None
    return render(
        "reviews.html",
        200,
        viewer,
        rows=rows[:PAGE],
        state=state,
        lists=LISTS,
        severities=SEVERITIES,
        more=more,
    )


@router.get("/reviews/{review_id}")
async def review_page(request: Request, review_id: Uuid) -> Response:
    return await _one(request, review_id)


@router.post("/reviews/{review_id}")
async def decide_review(request: Request, review_id: Uuid) -> Response:
    form = await read_form(request)
    cookies.check_form(request, form, cookies.SESSION)
    decision, reason = form.get("decision", ""), form.get("reason", "").strip()
    if faults := tuple(_faults(decision, reason)):
        error = Invalid(Code.INVALID_REQUEST, "This is not decided yet.", faults)
        return await _one(request, review_id, form, error)
    try:
        await perform_once_on_page(
            request,
            form,
            lambda work: (review_id, queue.decide_one(work, review_id, decision, reason)),
            queue.read_one,
        )
    except (Invalid, Conflict) as error:
        return await _one(request, review_id, form, error)
    return go(f"/audit/reviews/{review_id}")


# -- inside -----------------------------------------------------------------------------------------------------------


async def _one(
    request: Request,
    review_id: UUID,
    form: dict[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    def unit(work: Work) -> tuple[Viewer, Shown]:
        found = queue.read_one(work, review_id)
        return viewer_of(request, work), _shown(work, found)

    viewer, shown = await perform_on_page(request, unit)
    return render(
        "review.html",
        200 if error is None else STATUS[error.code],
        viewer,
        shown=shown,
        severities=SEVERITIES,
        error=error,
        listed=() if error is None else [(one.field, one.message) for one in error.errors],
        faults={} if error is None else {one.field: one.message for one in error.errors},
        given=form or {},
        once=once_key(),
    )


def _faults(decision: str, reason: str) -> list[FieldError]:
    faults: list[FieldError] = []
    if not decision:
        faults.append(FieldError("decision", "missing", "Say what came of it."))
    if not reason:
        faults.append(FieldError("reason", "missing", "Say why."))
    if len(reason) > _LONGEST:
        faults.append(FieldError("reason", "too_long", f"At most {_LONGEST} characters."))
    return faults


def _shown(work: Work, one: Waiting) -> Shown:
    if isinstance(one, Finding):
        may_decide = work.permits(Action.FINDING_DECIDE) and one.actor_id != work.caller.account_id
        return Shown(
            id=one.id,
            title=one.explained.text,
            waits=one.state in WAITING,
            since=_clock(work, one.raised_at),
            who=one.actor_name or "An account that is gone",
            patient_id=one.patient_id,
            finding=one,
            spell=f"{_clock(work, one.begins_at)} to {_clock(work, one.ends_at)}",
            facts=tuple((fact.about_id, _clock(work, fact.occurred_at)) for fact in one.entries),
            decisions=tuple(
                (
                    DECISIONS[said.decision],
                    said.reason,
                    _name(work, said.decided_by),
                    _clock(work, said.decided_at),
                )
                for said in one.decisions
            ),
            choices=tuple((code.value, words) for code, words in DECISIONS.items()) if may_decide else (),
        )
    waits = one.state is ReviewState.OPEN
    may_close = waits and work.permits(Action.REVIEW_CLOSE) and one.account_id != work.caller.account_id
    decided: tuple[tuple[str, str, str, str], ...] = ()
    if one.decision is not None and one.closed_by is not None and one.closed_at is not None:
        by, at = _name(work, one.closed_by), _clock(work, one.closed_at)
        decided = ((CLOSINGS[one.decision], one.reason or "", by, at),)
    return Shown(
        id=one.id,
        title=OPENED[one.kind],
        waits=waits,
        since=_clock(work, one.opened_at),
        who="Nobody's act" if one.account_id is None else _name(work, one.account_id),
        patient_id=one.patient_id,
        decisions=decided,
        grant=None if one.grant is None else (one.grant.nature, one.grant.why_no_consent),
        choices=tuple((code.value, words) for code, words in CLOSINGS.items()) if may_close else (),
    )


def _name(work: Work, account_id: UUID) -> str:
    stored = identity.account_by_id(work.db, account_id)
    return "An account that is gone" if stored is None else open_account(work, stored).display_name


def _clock(work: Work, at: datetime) -> str:
    there = at.astimezone(work.program.zone)
    return f"{there:%b} {there.day}, {there.year}, {there:%H:%M}"
