"""Whom and what an intake act is about: the facts the policies get, and the law's word on one assessment.

A role lets somebody try. Whether one assessment may then be used inside the program is decided for that
item, as for every other item of the record (`record.use`, B20: 42 CFR 2.12(c)(3)), before its content is
opened. That decision is about staff. A patient has access to what they wrote themselves because it is
theirs (42 CFR 2.23): there the row of roles.yaml decides alone, and it reaches their own forms only.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.decision import Decision
from service.access.facts import Facts
from service.errors import Code, Conflict, NotFound, Refused
from service.intake.assessment import Source
from service.people.facts import patient_facts
from service.record import items
from service.record.item import ItemForDecision, ItemState, Kind, NoteClass
from service.record.records import StoredItem
from service.record.use import use_facts, why_withheld
from service.work import Denial, Loaded, Work


def subject_loader(patient_id: UUID) -> Callable[[Work], Loaded[Facts] | None]:
    """Loads what may be known about the patient; None when there is none in the caller's program."""

    def load(work: Work) -> Loaded[Facts] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(facts, facts, "patient", patient_id, patient_id)

    return load


def hearing_loader(patient_id: UUID) -> Callable[[Work], Loaded[Facts] | None]:
    """The same for a form that may say something urgent: of a chart merged into another one it is heard, and then
    refused (`chart_fault`), because what it says is of a person and not of a chart.
    """

    def load(work: Work) -> Loaded[Facts] | None:
        facts = patient_facts(work, patient_id)
        if facts is None:
            return None
        return Loaded(facts, replace(facts, surviving=None), "patient", patient_id, patient_id)

    return load


def chart_fault(work: Work, about: Facts) -> Conflict | None:
    """Why a form about these facts' patient is kept nowhere, or None."""
    return None if about.surviving is None else work.chart_merged(about.surviving)


def facts_about(work: Work, patient_id: UUID) -> Facts:
    """Facts for something that belongs to this patient; unfavourable ones when there is no such patient."""
    return patient_facts(work, patient_id) or Facts()


def facts_of_person(work: Work, patient_id: UUID) -> Facts:
    """The same, where a chart was merged into another for the person of both: whoever treats them under the one that
    survives is no stranger to what the other one left open.
    """
    facts = facts_about(work, patient_id)
    if facts.surviving is None:
        return facts
    person = facts_about(work, facts.surviving)
    return replace(facts, relationship=facts.relationship or person.relationship)


def source_of(work: Work) -> Source:
    """Whose answers this caller types."""
    return Source.PATIENT if work.caller.kind is CallerKind.PATIENT else Source.STAFF


def refuse_not_own(work: Work, action: Action, stored: StoredItem) -> NoReturn:
    """A form about the patient that they did not write: for them it is not there, and the attempt is recorded."""
    work.refuse(
        NotFound(Code.NOT_FOUND, "There is nothing here for you."),
        Denial(
            action=action,
            object_kind="assessment",
            object_id=stored.id,
            patient_id=stored.patient_id,
            detail={"reason": "not_own_form"},
        ),
    )


def decide_use(work: Work, stored: StoredItem, about: Facts) -> Decision:
    """May this caller use this assessment for the stated purpose? Labels are opened for it, content is not."""
    return work.decide(use_facts(_for_decision(work, stored), about, work.caller, work.purpose_of_use))


def refuse_use(work: Work, action: Action, stored: StoredItem, decision: Decision) -> None:
    """Refuse one assessment to a member of staff, with the rule, and keep the denial."""
    withheld = why_withheld(_for_decision(work, stored), decision)
    work.refuse(
        Refused(
            Code.NOT_PERMITTED,
            "This assessment may not be used for this purpose.",
            reasons=[{"rule": withheld.reason, "citation": withheld.citation}],
        ),
        Denial(
            action=action,
            object_kind="assessment",
            object_id=stored.id,
            patient_id=stored.patient_id,
            policies=decision.policies,
            detail={"reason": withheld.reason, "refused_by": list(decision.refused_by)},
        ),
    )


def _for_decision(work: Work, stored: StoredItem) -> ItemForDecision:
    unit = work.program.units.get(stored.unit)
    return ItemForDecision(
        id=stored.id,
        kind=Kind(stored.kind),
        note_class=NoteClass(stored.note_class),
        unit=stored.unit,
        regime=unit.regime if unit else None,
        dated_on=stored.dated_on,
        state=ItemState(stored.state),
        version=stored.version,
        author_id=stored.author_id,
        labels=items.opened_labels(work, stored),
    )
