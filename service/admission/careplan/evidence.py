"""What the problems of a plan rest on: items of the same patient, their labels, and the law that comes with their words.

For acts on plans that are allowed already; what this caller may not use is no evidence.
"""

from uuid import UUID

from service.access.program import Regime
from service.admission.careplan import kept
from service.admission.careplan.content import Content
from service.admission.careplan.plan import CarePlan
from service.errors import Code, FieldError, Invalid
from service.labels import Label
from service.record import items
from service.record.item import NoteClass, regime_of
from service.record.records import StoredItem
from service.work import Work


def evidence_of(work: Work, patient_id: UUID, content: Content) -> tuple[frozenset[Label], bool]:
    """Labels of the items that the problems rest on, and whether words of a Part 2 record come with them (2.12(d)).

    A session note is no evidence here: its words would leave with the plan (2.31(b)).
    """
    labels: set[Label] = set()
    part2 = False
    faults: list[FieldError] = []
    for place, problem in enumerate(content.problems):
        for number, one in enumerate(problem.evidence):
            if one.item_id is None:
                continue
            stored = items.find(work, one.item_id, lock=False)
            mine = stored is not None and stored.patient_id == patient_id
            if stored is None or not mine or not _may_quote(work, stored):
                at = f"problems[{place}].evidence[{number}].item_id"
                faults.append(FieldError(at, "unknown", "Not an item of this patient that is open to you."))
                continue
            found = items.opened_classification(work, stored)
            labels |= found.labels
            regime = regime_of(work.program.units.get(stored.unit), found.provenance)
            part2 = part2 or regime is not Regime.HIPAA_ONLY
    if faults:
        raise Invalid(Code.CARE_PLAN_INVALID, "The plan rests on what is not there.", faults)
    return frozenset(labels), part2


def evidence_labels(work: Work, patient_id: UUID, content: Content) -> frozenset[Label]:
    """What the items the problems rest on are labelled with, now."""
    return evidence_of(work, patient_id, content)[0]


def same_regime(work: Work, plan: CarePlan, *, part2: bool) -> None:
    """A plan that begins to repeat a Part 2 record cannot become one afterwards: it is begun anew."""
    stored = items.find(work, plan.id, lock=True)
    if not part2 or stored is None:
        return
    provenance = items.opened_classification(work, stored).provenance
    if regime_of(work.program.units.get(stored.unit), provenance) is Regime.HIPAA_ONLY:
        fault = FieldError(
            "problems", "part2", "This rests on a Part 2 record: begin a new draft.", "42 CFR 2.12(d)"
        )
        raise Invalid(Code.CARE_PLAN_INVALID, "The plan would come under another law.", [fault])


def _may_quote(work: Work, stored: StoredItem) -> bool:
    return stored.note_class == NoteClass.ORDINARY.value and kept.may_use(work, stored)
