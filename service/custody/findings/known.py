"""Who is like whom: where staff opened a patient's chart, both are opened and compared, in memory.

What cannot be opened stops nothing: the comparison is left out and an incident is on record. Otherwise one spoiled row
would hide everything behind it.
"""

from dataclasses import dataclass, field
from uuid import UUID

from service.custody.findings import likeness
from service.custody.findings.likeness import Person
from service.custody.findings.watching import records as watching
from service.custody.findings.watching.operations import staff_particulars
from service.errors import IntegrityError
from service.identity import records as identity
from service.identity.operations import open_account
from service.people import records as people
from service.people.operations import open_demographics
from service.work import Work


@dataclass(slots=True)
class Known:
    """Who is like whom: each account and each patient is opened once."""

    work: Work
    #: What could not be opened.
    closed: int = 0
    _staff: dict[UUID, Person] | None = None
    _said: dict[UUID, dict[str, object]] = field(default_factory=dict[UUID, dict[str, object]])
    _callers: dict[UUID, Person | None] = field(default_factory=dict[UUID, Person | None])
    _patients: dict[UUID, Person | None] = field(default_factory=dict[UUID, Person | None])

    def caller(self, account_id: UUID) -> Person | None:
        """The caller as likeness sees them; None where there is no such account or it cannot be opened."""
        if account_id not in self._callers:
            self._callers[account_id] = self._open_caller(account_id)
        return self._callers[account_id]

    def patient(self, patient_id: UUID) -> Person | None:
        """The patient as likeness sees them; None where the chart cannot be opened (its key was destroyed)."""
        if patient_id not in self._patients:
            self._patients[patient_id] = self._open_patient(patient_id)
        return self._patients[patient_id]

    def works_here(self, patient_id: UUID) -> bool:
        """Whether a member of staff has the patient's name and birth date."""
        who = self.patient(patient_id)
        if who is None or not who.identities:
            return False
        return any(who.identities & one.identities for one in self._everybody().values())

    def _open_caller(self, account_id: UUID) -> Person | None:
        stored = identity.account_by_id(self.work.db, account_id)
        if stored is None:
            return None
        self._everybody()
        try:
            name = open_account(self.work, stored).display_name
        except IntegrityError as error:
            return self._is_closed(error)
        return likeness.member_of_staff(name, self._said.get(account_id, {}))

    def _open_patient(self, patient_id: UUID) -> Person | None:
        stored = people.patient_by_id(self.work.db, patient_id)
        if stored is None or stored.state == people.DESTROYED:
            return None
        try:
            return likeness.patient_of(open_demographics(self.work, stored))
        except IntegrityError as error:
            return self._is_closed(error)

    def _everybody(self) -> dict[UUID, Person]:
        if self._staff is None:
            self._staff = {}
            for stored in watching.staff(self.work.db, self.work.caller.program_id):
                try:
                    said = dict(staff_particulars(self.work, stored))
                except IntegrityError as error:
                    self._is_closed(error)
                    continue
                self._said[stored.id] = said
                self._staff[stored.id] = likeness.member_of_staff("", said)
        return self._staff

    def _is_closed(self, error: IntegrityError) -> None:
        self.work.record_incident(error)
        self.closed += 1
