"""One form of the packet to be read and signed: in the patient's language, by the patient or at the desk.

One page is one signature event on one form, and nothing is ticked beforehand. Who may sign, what is missing and whether
these are the words in force is said by the operation of the API; a refusal to sign is kept with its reason like a
signature.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.packet import forms
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.gathering import Library
from service.admission.packet.model import Outcome
from service.admission.packet.sealing import SignatureEvent
from service.admission.packet.texts import FormText
from service.delivery.wording import language_for
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.problems import STATUS
from service.errors import Code, Conflict, ConsentryError, Invalid, NotFound
from service.people.facts import patient_facts
from service.people.operations import open_demographics
from service.people.records import patient_by_id
from service.web import cookies
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    in_both_languages,
    once_key,
    perform_on_page,
    perform_once_on_page,
    render,
    viewer_of,
)
from service.web.signing_form import DEVICES, OUTCOMES, READERS, ROLES, event_in
from service.web.times import clock_of, day_of
from service.web.words import words_in
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LANGUAGES: Final = {"en": "English", "es": "Español"}


@dataclass(frozen=True, slots=True, repr=False)
class SigningPage:
    """A form with its words. `before`: the last event on it; `possible`: what it can be done with."""

    patient_id: UUID
    name: str | None
    form: str
    text: FormText
    possible: tuple[str, ...]
    before: SignatureEvent | None
    before_when: str

    @property
    def paragraphs(self) -> tuple[str, ...]:
        return tuple(part for part in self.text.text.split("\n\n") if part.strip())


@router.get("/patients/{patient_id}/signing/{key}")
async def signing_page(request: Request, patient_id: Uuid, key: str) -> Response:
    return cookies.keep_language(request, await _form(request, patient_id, key))


@router.post("/patients/{patient_id}/signing/{key}")
async def sign(request: Request, patient_id: Uuid, key: str) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    library = state_of(request).packet

    def act(work: Work) -> tuple[UUID, UUID | None]:
        own = work.caller.kind is CallerKind.PATIENT
        made = forms.sign(
            work, library, patient_id, key, event_in(sent, _questions(library, key, sent), own=own)
        )
        return (made, None) if isinstance(made, UUID) else (made.id, made.id)

    try:
        made = await perform_once_on_page(
            request, sent, act, lambda work, made: forms.signature_or_refusal(work, made).id
        )
    except (Invalid, Conflict) as error:
        return await _form(request, patient_id, key, sent, error)
    return go(f"/signatures/{made}")


@router.get("/signatures/{signature_id}")
async def signature_page(request: Request, signature_id: Uuid) -> Response:
    def unit(work: Work) -> tuple[Viewer, SignatureEvent, str, str | None]:
        event = forms.read_signature(work, signature_id)
        viewer = in_both_languages(viewer_of(request, work), request.url.path)
        return viewer, event, _when(work, event), _demographics(work, event.patient_id)[0]

    viewer, event, when, name = await perform_on_page(request, unit)
    page = render(
        "signature.html",
        200,
        viewer,
        event=event,
        kept=event.particulars,
        when=when,
        name=name,
        title=event.document.partition("\n")[0],
        roles=ROLES,
        readers=READERS,
        devices=DEVICES,
    )
    return cookies.keep_language(request, page)


# -- inside -----------------------------------------------------------------------------------------------------------


async def _form(
    request: Request,
    patient_id: UUID,
    key: str,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    library = state_of(request).packet
    chosen = (sent or {}).get("language") or request.query_params.get("lang")

    def unit(work: Work) -> tuple[Viewer, SigningPage]:
        return _shown(request, work, library, patient_id, key, chosen)

    viewer, page = await perform_on_page(request, unit)
    listed = tuple(_listed(error, viewer, page.text))
    return render(
        "signing.html",
        200 if error is None else STATUS[error.code],
        viewer,
        page=page,
        title=None if error is None else _title(error, viewer),
        listed=listed,
        faults=dict(listed),
        given=sent or {},
        once=once_key(),
        languages=_LANGUAGES,
        say_form=words_in(page.text.language),
        yes_no={code: (words_in(code)["yes"], words_in(code)["no"]) for code in _LANGUAGES},
        outcomes=[(one, OUTCOMES[one]) for one in page.possible],
        roles=ROLES.items(),
        readers=READERS.items(),
        devices=DEVICES.items(),
    )


def _shown(
    request: Request, work: Work, library: Library, patient_id: UUID, key: str, chosen: str | None
) -> tuple[Viewer, SigningPage]:
    last = forms.list_signatures(work, patient_id, form=key, before=None, at_most=1).events
    viewer = in_both_languages(viewer_of(request, work), request.url.path)
    name, spoken = _demographics(work, patient_id)
    language = viewer.language if viewer.patient_id else chosen if chosen in _LANGUAGES else spoken
    text = forms.read_text(work, library, key, language)
    rule = library.books.packet.items[key]
    before = last[0] if last else None
    page = SigningPage(
        patient_id=patient_id,
        name=name,
        form=key,
        text=text,
        possible=_possible(rule),
        before=before,
        before_when="" if before is None else _when(work, before),
    )
    return viewer, page


def _possible(rule: ItemRule) -> tuple[str, ...]:
    """What the item's own row allows, in the order of the page; saying no is always possible."""
    allowed = {*(rule.done_by.names if rule.is_form else ()), Outcome.DECLINED.value}
    return tuple(one for one in OUTCOMES if one in allowed)


def _demographics(work: Work, patient_id: UUID) -> tuple[str | None, str]:
    """The patient's name and language, for whoever may read them; inside an act already allowed."""
    facts, stored = patient_facts(work, patient_id), patient_by_id(work.db, patient_id)
    if facts is None or stored is None or not work.permits(Action.PATIENT_READ, facts):
        return None, language_for(None)
    about = open_demographics(work, stored)
    return f"{about['given_name']} {about['family_name']}", language_for(about.get("language"))


def _when(work: Work, event: SignatureEvent) -> str:
    return f"{day_of(work, event.signed_at)}, {clock_of(work, event.signed_at)}"


def _questions(library: Library, key: str, sent: Mapping[str, str]) -> FormText | None:
    """The words whose questions the form asked; None where nobody knows them, and the operation says so."""
    if key not in library.books.packet.items:
        raise NotFound(Code.NOT_FOUND, "There is no such form.")
    versions = library.books.texts.versions(key, sent.get("language", ""))
    return next((one for one in versions if one.version == sent.get("text_version")), None)


def _title(error: ConsentryError, viewer: Viewer) -> str:
    if viewer.patient_id is None:
        return error.detail
    names = {Code.FORM_TEXT_CHANGED: "sign_changed", Code.FORM_NOT_NOW: "sign_not_now"}
    return viewer.words[names.get(error.code, "sign_faults")]


def _listed(error: ConsentryError | None, viewer: Viewer, text: FormText) -> Iterable[tuple[str, str]]:
    """Every fault with its field, in the words of whoever reads the page."""
    numbers = {f"answers.{one.key}": number for number, one in enumerate(text.questions, 1)}
    for one in () if error is None else error.errors:
        words = one.message
        if viewer.patient_id is not None:
            name = "answers" if one.field in numbers else one.field
            said: Any = viewer.words.get(f"fault_{name}", viewer.words["fault_other"])
            words = said.format(number=numbers.get(one.field, ""))
        elif one.field in numbers:
            words = f"Question {numbers[one.field]}: {words}"
        yield {"signer": "signer.name"}.get(one.field, one.field), words
