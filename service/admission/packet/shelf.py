"""What others keep about some patients, read once for all of them: the rows by patient or episode, still sealed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from service.admission.found import records as found
from service.admission.packet import records
from service.admission.packet.intake import Library
from service.admission.placement.kept import opened
from service.consent.texts import records as adopted
from service.intake.safety.records import StoredFlag
from service.people.facts import program_day
from service.people.merging import records as merging
from service.work import Work

_KINDS = frozenset({"diagnosis", "progress_note"})


class _By(defaultdict[UUID, list[Any]]):
    """Rows by the patient or episode they belong to."""

    def __init__(self, rows: Iterable[tuple[UUID, Any]]) -> None:
        super().__init__(list)
        for owner, row in rows:
            self[owner].append(row)


class Shelf:
    """One read of each concept for all patients of a call."""

    def __init__(self, work: Work, library: Library, patients: list[UUID], episodes: list[UUID]) -> None:
        db = work.db
        self.work, self.library = work, library
        self.zone, self.today = work.program.zone, program_day(work)
        kinds = {
            name
            for rule in library.books.packet.items.values()
            if rule.done_by.how == "records"
            for name in rule.done_by.names
        }
        self.patients = {row.id: row for row in found.patients(db, patients)}
        self.consents = _By((row.patient_id, row) for row in found.consents(db, patients))
        self.assessments = _By((row.owner, row) for row in found.assessments(db, patients))
        self.sections = _By((row.owner, row) for row in found.sections(db, patients))
        self.items = _By((row.owner, row) for row in found.items(db, patients, kinds | _KINDS))
        self.attachments = _By((row.owner, row) for row in found.attachments(db, patients))
        self.sent = _By((row.owner, row) for row in found.sent(db, patients))
        self.flags = _By(self._flags(patients))
        self.signatures = _By((row.patient_id, row) for row in records.signatures(db, patients))
        self.placements = _By((row.episode_id, opened(work, row)) for row in found.placements(db, episodes))
        self.plans = _By((row.owner, row) for row in found.plans(db, episodes))
        self.visits = _By(found.visits(db, episodes))
        self.level_changes = _By(found.level_changes(db, episodes))
        self.decisions = _By((row.episode_id, row) for row in records.decisions(db, episodes))
        self.adoptions = adopted.adoptions(work)

    def _flags(self, patients: list[UUID]) -> Iterable[tuple[UUID, StoredFlag]]:
        """By person: a flag that stands open on a chart merged into this one keeps shut what it kept shut before."""
        absorbed = merging.absorbed(self.work.db, patients)
        charts: dict[UUID, UUID] = {one: survivor for survivor, many in absorbed.items() for one in many}
        for row in found.flags(self.work.db, {*patients, *charts}):
            if row.patient_id in self.patients:
                yield row.patient_id, row
            if row.patient_id in charts:
                yield charts[row.patient_id], row

    def instant(self, day: date) -> datetime:
        """The beginning of a day of the program's calendar."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)
