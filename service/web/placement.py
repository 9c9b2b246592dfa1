"""The programme admission check as pages: what the rules suggest with every reason, what is to be asked, who decides.

The suggestion, what a decision lacks and who signs as the second is said by the operations of the API. What is not
known is listed as questions, each with the way to where it is entered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.admission.placement import operations
from service.admission.placement.book import PlacementBook
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.reevaluation import Trigger
from service.admission.placement.rules import GUARDED, STATEMENT, Outcome
from service.admission.placement.shown import suggestion_then, suggestion_view
from service.consent import operations as consents
from service.consent.model import ConsentState
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.problems import STATUS
from service.edge.state import State
from service.errors import Code, Conflict, ConsentryError, Invalid, NotFound
from service.people.episodes.operations import episode_loader
from service.people.facts import patient_facts
from service.people.operations import open_patient_name
from service.record.item import Kind
from service.record.operations import read_record
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
from service.web.placement_form import decision_in, note_in
from service.web.placement_words import AGAIN, STATES, SUGGESTIONS, VIEWS, asked_at
from service.web.times import clock_of, day_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_CLEARANCES: Final = frozenset({"progress_note", "vital_signs", "lab_result", "health_history", "attachment"})
_LINKED: Final = 100
_KINDS: Final = {
    "safety_plan": "Safety plan",
    "progress_note": "Note",
    "vital_signs": "Vital signs",
    "lab_result": "Laboratory result",
    "health_history": "Health history",
    "attachment": "Attachment",
}


@dataclass(frozen=True, slots=True, repr=False)
class PlacementPage:
    """A suggestion of now, and what this caller may do with it. `linked`, `consents`: what a decision can name."""

    episode_id: UUID
    patient_id: UUID
    name: str | None
    said: Mapping[str, Any]
    outcome: Outcome
    again: tuple[Trigger, ...]
    decisions: tuple[tuple[PlacementDecision, str], ...]
    may_decide: bool
    computed: str
    expires: str
    plans: tuple[tuple[str, str], ...] = ()
    clearances: tuple[tuple[str, str], ...] = ()
    consents: tuple[tuple[str, str], ...] = ()

    @property
    def guarded(self) -> bool:
        """Going below it takes a second clinician."""
        return self.outcome in GUARDED

    @property
    def arrangements(self) -> tuple[str, ...]:
        """What levels are suggested together with."""
        return tuple(dict.fromkeys(one["given"] for one in self.said["target_levels"] if one["given"]))


@router.get("/episodes/{episode_id}/placement")
async def placement_page(request: Request, episode_id: Uuid) -> Response:
    return await _suggested(request, episode_id)


@router.post("/episodes/{episode_id}/placement")
async def decide(request: Request, episode_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    rules = state_of(request).placement

    def act(work: Work) -> tuple[UUID, UUID]:
        new = decision_in(sent, work.program.zone, work.now)
        made = operations.decide(work, rules, episode_id, new)
        return made.id, made.id

    try:
        made = await perform_once_on_page(
            request, sent, act, lambda work, made: operations.read_decision(work, made).id
        )
    except (Invalid, Conflict) as error:
        return await _suggested(request, episode_id, sent, error)
    except ConsentryError as error:
        if error.code is not Code.SUGGESTION_STALE:
            raise
        return await _suggested(request, episode_id, sent, error)
    return go(f"/placement-decisions/{made}")


@router.get("/placement-decisions/{decision_id}")
async def decision_page(request: Request, decision_id: Uuid) -> Response:
    return await _decided(request, decision_id)


@router.post("/placement-decisions/{decision_id}/second")
async def sign_second(request: Request, decision_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    try:
        note = note_in(sent)
        await perform_once_on_page(
            request,
            sent,
            lambda work: (decision_id, operations.sign_second(work, decision_id, note)),
            operations.read_decision,
        )
    except (Invalid, Conflict) as error:
        return await _decided(request, decision_id, sent, error)
    return go(f"/placement-decisions/{decision_id}")


# -- inside -----------------------------------------------------------------------------------------------------------


async def _suggested(
    request: Request,
    episode_id: UUID,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    state = state_of(request)

    def unit(work: Work) -> tuple[Viewer, PlacementPage]:
        page = _page(work, state, episode_id)
        return viewer_of(request, work), page

    viewer, page = await perform_on_page(request, unit)
    book = state.placement.book
    links = {name: asked_at(book, state.placement.medical, page.patient_id, name) for name in book.core.facts}
    return render(
        "placement.html",
        200 if error is None else STATUS[error.code],
        viewer,
        page=page,
        statement=STATEMENT,
        sentence=SUGGESTIONS[page.outcome],
        facts=book.core.facts,
        links=links,
        dimensions=book.dimensions,
        levels=_levels(book),
        views=VIEWS.items(),
        again=AGAIN,
        states=STATES,
        codes=[(one.code, one.title) for one in book.demands.override_codes.values()],
        wrong=[(one.name, one.title) for one in book.core.facts.values()],
        follow_up_hours=book.demands.follow_up_hours,
        once=once_key(),
        **_fault_words(error, sent or {}),
    )


async def _decided(
    request: Request,
    decision_id: UUID,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    state = state_of(request)
    book = state.placement.book

    def unit(work: Work) -> tuple[Viewer, PlacementDecision, str | None, bool, str]:
        one = operations.read_decision(work, decision_id)
        facts = patient_facts(work, one.patient_id)
        waits = one.state.value == "awaiting_second" and one.decided_by != work.caller.account_id
        second = waits and facts is not None and work.permits(Action.PLACEMENT_SECOND, facts)
        return viewer_of(request, work), one, _name(work, one.patient_id), second, _at(work, one.decided_at)

    viewer, one, name, may_sign, when = await perform_on_page(request, unit)
    basis = one.basis
    return render(
        "placement_decision.html",
        200 if error is None else STATUS[error.code],
        viewer,
        one=one,
        name=name,
        when=when,
        may_sign=may_sign,
        level=book.levels[one.level].title if one.level in book.levels else one.level,
        then=suggestion_then(book, basis.suggestion, basis.readings, basis.stale),
        sentence=SUGGESTIONS[one.outcome],
        facts=book.core.facts,
        dimensions=book.dimensions,
        codes=book.demands.override_codes,
        views=VIEWS,
        states=STATES,
        links={},
        statement=STATEMENT,
        once=once_key(),
        **_fault_words(error, sent or {}),
    )


def _page(work: Work, state: State, episode_id: UUID) -> PlacementPage:
    found, again = operations.read_suggestion(work, state.placement, episode_id)
    loaded = episode_loader(episode_id)(work)
    if loaded is None or loaded.patient_id is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    patient_id, outcome = loaded.patient_id, found.suggestion.outcome
    kept = operations.list_decisions(work, episode_id, before=None, at_most=20).decisions
    may_decide = work.permits(Action.PLACEMENT_DECIDE, loaded.facts)
    linked = _linked(work, patient_id) if may_decide and outcome in GUARDED else ((), ())
    return PlacementPage(
        episode_id=episode_id,
        patient_id=patient_id,
        name=_name(work, patient_id),
        said=suggestion_view(state.placement.book, found),
        outcome=outcome,
        again=again,
        decisions=tuple((one, _at(work, one.decided_at)) for one in kept),
        may_decide=may_decide,
        computed=_at(work, found.computed_at),
        expires=_at(work, found.expires_at),
        plans=linked[0],
        clearances=linked[1],
        consents=_consents(work, state, patient_id) if may_decide else (),
    )


def _linked(work: Work, patient_id: UUID) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Safety plans, and findings that can be a clearance, newest first, as far as this caller may use them."""
    items = read_record(work, patient_id, before=None, at_most=_LINKED).items
    named = [
        (one.kind, (str(one.id), f"{_KINDS.get(one.kind.value, one.kind.value)} of {one.dated_on}"))
        for one in items
    ]
    plans = tuple(words for kind, words in named if kind is Kind.SAFETY_PLAN)
    return plans, tuple(words for kind, words in named if kind.value in _CLEARANCES)


def _consents(work: Work, state: State, patient_id: UUID) -> tuple[tuple[str, str], ...]:
    page = consents.list_of(work, state.rulebook, patient_id, before=None, at_most=_LINKED)
    return tuple(
        (str(one.record.consent_id), ", ".join(to.name for to in one.record.terms.recipients) or "Consent")
        for one in page.consents
        if one.state is ConsentState.ACTIVE
    )


def _levels(book: PlacementBook) -> Iterable[tuple[str, str]]:
    return [
        (
            f"{edition}:{level.code}",
            f"{level.code} {level.title} ({'4th' if edition == 4 else '3rd'} edition)",
        )
        for edition in sorted(book.dimensions, reverse=True)
        for level in book.levels.values()
        if edition in level.editions
    ]


def _fault_words(error: ConsentryError | None, given: Mapping[str, str]) -> dict[str, Any]:
    listed = [] if error is None else [(one.field, one.message) for one in error.errors]
    return {"error": error, "listed": listed, "faults": dict(listed), "given": given}


def _name(work: Work, patient_id: UUID) -> str | None:
    facts = patient_facts(work, patient_id)
    if facts is None or not work.permits(Action.PATIENT_READ, facts):
        return None
    name = open_patient_name(work, patient_id)
    return f"{name['given_name']} {name['family_name']}"


def _at(work: Work, instant: datetime) -> str:
    return f"{day_of(work, instant)}, {clock_of(work, instant)}"
