"""The packet of one patient and the list of today, as pages; for a patient their own to-do list.

The pages show what the operations work out, in their order, and decide nothing. Names stand only where the caller may
read the patient; a suggestion only for those it is meant for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.packet import operations, worklist
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.model import Block, PacketItem, Status
from service.admission.packet.suggested import suggested
from service.admission.packet.whole import Packet
from service.admission.packet.worklist import View
from service.admission.placement.rules import STATEMENT, Fired, Suggestion
from service.edge.context import state_of
from service.edge.models import Uuid
from service.edge.paging import read_cursor, write_cursor
from service.edge.state import State
from service.errors import Code, Invalid
from service.intake.instrument import Instrument
from service.intake.latest import drafts_of
from service.intake.own import is_self_report
from service.people.facts import patient_facts
from service.web import cookies
from service.web.flags import SEVERITIES, ShownFlag, shown_flag
from service.web.pages import PageRoute, Viewer, in_both_languages, perform_on_page, render, viewer_of
from service.web.placement_words import SUGGESTIONS
from service.web.times import clock_of, day_of, due_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 25
_DRAFTS: Final = 20
VIEWS: Final = {
    View.MINE: "For me",
    View.OVERDUE: "Overdue",
    View.WAITING_PATIENT: "Waits for the patient",
    View.WAITING_OUTSIDE: "Waits for somebody outside",
    View.EXPIRING: "Runs out soon",
}
#: What a gate keeps shut, in words.
BLOCKS: Final = {
    Block.SCREEN: "Going on with the screening",
    Block.LEAVE: "Leaving the building",
    Block.ADMIT: "Admission",
    Block.GROUP: "First group",
    Block.MESSAGES: "Messages",
    Block.SHARE: "Sharing records",
    Block.BILL: "Billing",
}
STATES: Final = {
    "referred": "Referred",
    "admitted": "Admitted",
    "stepped_down": "Stepped down",
    "discharged": "Discharged",
    "not_admitted": "Not admitted",
}


@dataclass(frozen=True, slots=True, repr=False)
class Task:
    """A packet item with the page's words for it."""

    item: PacketItem
    title: str
    due: str
    overdue: bool
    blocks: str
    forms: tuple[Instrument, ...]
    #: A form to be read and signed here.
    signing: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Resumable:
    id: UUID
    title: str
    saved: str
    answered: int


@dataclass(frozen=True, slots=True, repr=False)
class PacketPage:
    """All of it; of a patient's own the flags, gates and the suggestion are empty."""

    patient_id: UUID
    episode_id: UUID | None
    name: str | None
    state: str | None
    flags: tuple[ShownFlag, ...]
    gates: tuple[tuple[str, tuple[str, ...]], ...]
    open_gates: tuple[str, ...]
    to_do: tuple[Task, ...]
    finished: tuple[Task, ...]
    drafts: tuple[Resumable, ...]
    suggestion: str | None
    fired: tuple[Fired, ...]
    forms: tuple[Instrument, ...]
    reads_medical: bool
    reads_plans: bool


@router.get("/patients/{patient_id}/intake")
async def packet_page(request: Request, patient_id: Uuid) -> Response:
    state = state_of(request)

    def unit(work: Work) -> tuple[Viewer, PacketPage]:
        packet = operations.read_packet(work, state.packet, patient_id)
        viewer = in_both_languages(viewer_of(request, work), request.url.path)
        return viewer, _page(work, state, packet, patient_id, viewer)

    viewer, page = await perform_on_page(request, unit)
    template = "to_do.html" if viewer.patient_id else "packet.html"
    shown = render(template, 200, viewer, page=page, statement=STATEMENT)
    return cookies.keep_language(request, shown)


@router.get("/work-list")
async def work_list_page(request: Request) -> Response:
    library = state_of(request).packet
    try:
        view = View(request.query_params.get("view", View.MINE.value))
    except ValueError:
        raise Invalid(Code.INVALID_REQUEST, "There is no such list.") from None
    after = read_cursor(request.query_params.get("after"))

    def unit(work: Work) -> tuple[Viewer, worklist.Page, dict[UUID, str], dict[UUID, tuple[Task, ...]]]:
        page = worklist.work_list(work, library, view, after=after, at_most=PAGE)
        flags = {
            entry.patient_id: due_of(work, entry.flag_due_at) for entry in page.entries if entry.flag_due_at
        }
        tasks = {
            entry.patient_id: tuple(_task(work, state_of(request), item, "en") for item in entry.items)
            for entry in page.entries
        }
        return viewer_of(request, work), page, flags, tasks

    viewer, page, flags, tasks = await perform_on_page(request, unit)
    return render(
        "work_list.html",
        200,
        viewer,
        entries=page.entries,
        more=None if page.last is None else write_cursor(page.last),
        view=view,
        views=VIEWS,
        flags=flags,
        tasks=tasks,
        states=STATES,
        severities=SEVERITIES,
        blocks=BLOCKS,
    )


# -- inside -----------------------------------------------------------------------------------------------------------


def _page(work: Work, state: State, packet: Packet, patient_id: UUID, viewer: Viewer) -> PacketPage:
    own = work.caller.kind is CallerKind.PATIENT
    facts = patient_facts(work, patient_id)
    about = packet.gathered.demographics
    named = facts is not None and work.permits(Action.PATIENT_READ, facts)
    drafting = own or (facts is not None and work.permits(Action.ASSESSMENT_LIST, facts))
    found = None if own else suggested(work, state.placement, packet)
    tasks = [_task(work, state, item, viewer.language) for item in packet.items if item.required]
    forms = state.instruments.current() if drafting else ()
    return PacketPage(
        patient_id=patient_id,
        episode_id=None if packet.episode is None else packet.episode.id,
        name=f"{about.get('given_name', '')} {about.get('family_name', '')}".strip() if named else None,
        state=None if packet.episode is None else STATES[packet.episode.state.value],
        flags=() if own else _flags(work, packet),
        gates=tuple(
            (BLOCKS[gate.block], tuple(one.words for one in gate.missing))
            for gate in packet.gates
            if not gate.open
        ),
        open_gates=tuple(BLOCKS[gate.block] for gate in packet.gates if gate.open),
        to_do=tuple(task for task in tasks if not task.item.settled),
        finished=tuple(task for task in tasks if task.item.settled),
        drafts=_drafts(work, state, patient_id) if drafting else (),
        suggestion=_sentence(found),
        fired=() if found is None else found.fired,
        forms=tuple(one for one in forms if not own or is_self_report(one)),
        reads_medical=facts is not None and work.permits(Action.MEDICAL_READ, facts),
        reads_plans=facts is not None and work.permits(Action.CARE_PLAN_READ, facts),
    )


def _flags(work: Work, packet: Packet) -> tuple[ShownFlag, ...]:
    waiting = [one for one in packet.gathered.flags if one.state.value != "acknowledged"]
    return tuple(shown_flag(work, one) for one in sorted(waiting, key=lambda flag: flag.urgency))


def _task(work: Work, state: State, item: PacketItem, language: str) -> Task:
    rule = state.packet.books.packet.items.get(item.key)
    due: datetime | None = None if item.due is None else item.due.at
    names = () if rule is None or rule.done_by.how != "instruments" else rule.done_by.names
    forms = [state.instruments.find(name) for name in names]
    return Task(
        item=item,
        title=item.title if rule is None else rule.title.get(language, item.title),
        due="" if due is None else due_of(work, due, language),
        overdue=due is not None and due < work.now and item.status is not Status.DONE,
        blocks=", ".join(BLOCKS[block] for block in item.blocks),
        forms=tuple(one for one in forms if one is not None),
        signing=rule is not None and _signed_here(work, rule),
    )


def _signed_here(work: Work, rule: ItemRule) -> bool:
    """A patient signs the forms that are signed; at the desk a notice is noted as given too, and a refusal is kept."""
    own = work.caller.kind is CallerKind.PATIENT
    return rule.is_form and "signed" in rule.done_by.names if own else rule.can_be_declined


def _drafts(work: Work, state: State, patient_id: UUID) -> tuple[Resumable, ...]:
    return tuple(
        Resumable(
            id=one.id,
            title=instrument.title,
            saved=f"{day_of(work, one.changed_at)}, {clock_of(work, one.changed_at)}",
            answered=one.answered,
        )
        for one in drafts_of(work, patient_id, at_most=_DRAFTS)
        if (instrument := state.instruments.find(one.instrument, one.instrument_version)) is not None
    )


def _sentence(found: Suggestion | None) -> str | None:
    return None if found is None else SUGGESTIONS[found.outcome]
