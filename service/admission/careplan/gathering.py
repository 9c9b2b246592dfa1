"""Facts for the rules of plans, read inside an act that is allowed already.

What this caller may not use is absent, that is, unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from service.admission.careplan import records
from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.checks_standing import inherited
from service.admission.careplan.content import Content, TeamMember
from service.admission.careplan.facts import ConsentWord, FlagFact, PlanFacts
from service.admission.careplan.kept import open_plan
from service.admission.careplan.parts import Status
from service.admission.careplan.plan import CarePlan, Signature
from service.admission.careplan.visit import Outcome
from service.admission.deadlines import Deadlines
from service.admission.profile import Profile
from service.consent.match import Item as ScopedItem
from service.consent.match import Request, classes_of, match, standing
from service.consent.operations import consents_for_recipient, today_for
from service.consent.rulebook import Rulebook
from service.intake.assessment import Assessment
from service.intake.flags import Severity
from service.intake.latest import latest
from service.intake.medical.book import MedicalBook
from service.intake.medical.reading import diagnoses_of, medical_facts
from service.intake.safety.raising import open_flags
from service.labels import Label
from service.people.at_law import decided_for
from service.people.episodes.episode import Episode, Track
from service.people.facts import program_day
from service.people.operations import open_demographics
from service.people.records import patient_by_id
from service.people.relationships.standing import relationship_kinds
from service.people.standing import patient_at_law
from service.record.item import Kind, NoteClass
from service.work import Work

SCREENS: Final = ("asq", "c-ssrs")
ITEM9: Final = "phq9.9"
_TRACK: Final = {
    Track.SUD: frozenset({Label.SUD}),
    Track.MH: frozenset({Label.PSY}),
    Track.CO_OCCURRING: frozenset({Label.SUD, Label.PSY}),
}


@dataclass(frozen=True, slots=True)
class Books:
    """The tables a plan is judged by."""

    plans: CarePlanBook
    deadlines: Deadlines
    consents: Rulebook
    medical: MedicalBook


def profile_of(work: Work, episode: Episode) -> Profile:
    return Profile(
        state=work.program.state,
        payer=episode.payer or "",
        accreditor=work.program.accreditor,
        track=episode.track.value,
        closed_days=work.program.closed_days,
    )


def labels_of(content: Content, episode: Episode, evidence: frozenset[Label]) -> frozenset[Label]:
    """What a plan bears (CP-21); where nothing says more, what the episode is for."""
    return inherited(content) | evidence or _TRACK[episode.track]


def visit_labels(episode: Episode) -> frozenset[Label]:
    """That somebody comes here says what they come for."""
    return _TRACK[episode.track]


def plan_facts(
    work: Work,
    books: Books,
    episode: Episode,
    content: Content,
    *,
    labels: frozenset[Label],
    evidence_labels: frozenset[Label] = frozenset(),
    plan: CarePlan | None = None,
    signatures: tuple[Signature, ...] = (),
    reviewed_on: date | None = None,
) -> PlanFacts:
    """Everything the rules ask about one plan; `plan` None: it is being begun now."""
    patient_id, today = episode.patient_id, program_day(work)
    newest = latest(work, patient_id)
    known = medical_facts(work, books.medical, patient_id)
    review = books.deadlines.strictest("plan_review", profile_of(work, episode))
    last_review = plan.kept.reviews[-1].on if plan is not None and plan.kept.reviews else None
    facts = PlanFacts(
        now=work.now,
        today=today,
        created_on=(plan.created_at if plan else work.now).astimezone(work.program.zone).date(),
        born=None,
        state=work.program.state,
        review_days=review.amount,
        review_source=review.source,
        due_at=_due(work, books, episode, content, plan),
        reviewed_on=reviewed_on or last_review,
        transitions_used=_transitions(work, episode, plan),
        decided_level=episode.level,
        flags=_flags(work, patient_id),
        suicide_positive=suicide_positive(newest),
        safety_plans=frozenset(records.items_of_kind(work.db, patient_id, Kind.SAFETY_PLAN.value, None, 50)),
        diagnoses={one.code: one.substance for one in diagnoses_of(work, patient_id)},
        consents=consent_words(work, books, patient_id, content, episode.unit, labels),
        pregnant=_truth(known, "pregnant"),
        pcl5=_total(newest.get("pcl-5")),
        social_need=_need(newest.get("ahc-hrsn")),
        signatures=signatures,
        labels=labels,
        evidence_labels=evidence_labels,
    )
    return _with_person(work, books, facts, patient_id)


def _with_person(work: Work, books: Books, facts: PlanFacts, patient_id: UUID) -> PlanFacts:
    stored = patient_by_id(work.db, patient_id)
    document: Mapping[str, Any] = {} if stored is None else open_demographics(work, stored)
    states = books.consents.states
    at_law = patient_at_law(work, states, patient_id)
    named = [str(document.get("family_name", "")), str(document.get("given_name", ""))]
    named += [str(one.get("name", "")) for one in document.get("contacts", ())]
    born = str(document.get("birth_date", ""))
    return replace(
        facts,
        born=date.fromisoformat(born) if born else None,
        guardian_signs=decided_for(at_law, states.on(work.program.state, program_day(work))),
        names=frozenset(word for name in named for word in name.casefold().split()),
    )


def consent_words(
    work: Work, books: Books, patient_id: UUID, content: Content, unit: str, labels: frozenset[Label]
) -> dict[UUID, ConsentWord]:
    """By recipient on the team: whether a consent in force covers sharing this plan with them for their purpose."""
    return {
        one.recipient_id: _consent_word(work, books, patient_id, one, one.recipient_id, unit, labels)
        for one in content.team
        if one.recipient_id is not None
    }


def _consent_word(
    work: Work,
    books: Books,
    patient_id: UUID,
    member: TeamMember,
    recipient_id: UUID,
    unit: str,
    labels: frozenset[Label],
) -> ConsentWord:
    today = today_for(work, patient_id)
    classes = classes_of(work.access.purposes)
    request = Request(
        patient_id=patient_id,
        recipient_id=recipient_id,
        relationships=relationship_kinds(work, patient_id, recipient_id, program_day(work)),
        purpose=member.purpose,
    )
    item = ScopedItem(
        kind=Kind.CARE_PLAN.value,
        note_class=NoteClass.ORDINARY.value,
        labels=frozenset(label.value for label in labels),
        dated_on=program_day(work),
        unit=unit,
    )
    word: ConsentWord = "none"
    for record in consents_for_recipient(work, patient_id, recipient_id):
        found = match(standing(books.consents, classes, record, today), request, item)
        if found.covers:
            return "active"
        if not found.standing.state_active or found.standing.expired or found.reach.recipient_revoked:
            word = "ended"
    return word


def _due(
    work: Work, books: Books, episode: Episode, content: Content, plan: CarePlan | None
) -> datetime | None:
    """CP-22: the preliminary plan after admission, the first full plan after it. Later plans have reviews instead."""
    if episode.admitted_on is None or (plan is not None and plan.status is not Status.DRAFT):
        return None
    others = [
        row for row in records.plans_of_episode(work.db, episode.id) if plan is None or row.item_id != plan.id
    ]
    before = [
        one for one in (open_plan(work, row) for row in others if row.status is not Status.DRAFT) if one
    ]
    if any(one.content.preliminary is content.preliminary for one in before):
        return None
    what = "preliminary_plan" if content.preliminary else "treatment_plan"
    start = datetime.combine(episode.admitted_on, datetime.min.time(), work.program.zone)
    attended = [
        row.held_on
        for row in records.visits_of_episode(work.db, episode.id)
        if row.outcome is Outcome.ATTENDED
    ]
    return books.deadlines.earliest(what, profile_of(work, episode), start, work.program.zone, attended).at


def _transitions(work: Work, episode: Episode, plan: CarePlan | None) -> int:
    rows = records.plans_of_episode(work.db, episode.id)
    former = [
        open_plan(work, row)
        for row in rows
        if row.status not in (Status.DRAFT, Status.REVOKED) and (plan is None or row.item_id != plan.id)
    ]
    return sum(one is not None and one.content.transition is not None for one in former)


def _flags(work: Work, patient_id: UUID) -> tuple[FlagFact, ...]:
    """Open ones: what was acknowledged has had its answer."""
    zone = work.program.zone
    return tuple(
        FlagFact(
            id=one.id,
            urgent=one.flag.severity is Severity.URGENT,
            suicide=one.instrument in SCREENS,
            raised_on=one.raised_at.astimezone(zone).date(),
        )
        for one in open_flags(work, patient_id)
    )


def suicide_positive(newest: Mapping[str, Assessment]) -> bool | None:
    """The newest screen has a flag that asks for somebody, or item 9 was not 0; None when neither was asked."""
    words: list[bool] = []
    for key in SCREENS:
        if (one := newest.get(key)) is not None:
            words.append(
                any(flag.severity in (Severity.URGENT, Severity.SAME_DAY) for flag in one.content.flags)
            )
    item9 = answer(newest.get("phq-9"), ITEM9)
    if item9 is not None:
        words.append(item9 > 0)
    return any(words) if words else None


def answer(one: Assessment | None, key: str) -> int | None:
    value = None if one is None else one.content.answers.get(key)
    return value if isinstance(value, int) else None


def _total(one: Assessment | None) -> int | None:
    return None if one is None else one.content.result.get("total")


def _need(one: Assessment | None) -> bool | None:
    """The screen found something somebody has to follow up."""
    return None if one is None else any(flag.code.startswith("need_") for flag in one.content.flags)


def _truth(known: Mapping[str, Any], name: str) -> bool | None:
    reading = known.get(name)
    return reading.value if reading is not None and isinstance(reading.value, bool) else None
