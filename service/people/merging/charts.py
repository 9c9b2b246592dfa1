"""The charts of one person, for operations above that list what belongs to a person and not to a chart."""

from uuid import UUID

from service.ids import PatientId
from service.people.merging import records
from service.work import Work


def chart_ids(work: Work, patient_id: UUID) -> tuple[PatientId, ...]:
    """This chart and those merged into it, for what must not be overlooked (an open safety flag), inside an act already
    allowed. An absorbed chart stands for itself: whoever opens it sees it as it is.

    Never for consents, restrictions, relationships or anything that a disclosure rests on: those stay with the chart
    they were given for.
    """
    found = records.absorbed(work.db, [patient_id])
    return (PatientId(patient_id), *found.get(PatientId(patient_id), ()))


def charts_of_person(work: Work, patient_id: UUID) -> tuple[PatientId, ...]:
    """Every chart of the person, whichever is asked about, for what happens to a person and ends something: ending never
    widens, so it may reach further than giving does. Inside an act already allowed.
    """
    return chart_ids(work, records.surviving(work.db, patient_id) or patient_id)
