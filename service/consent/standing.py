"""One consent at one instant, before any request: what is cheap to know at once, what is dear when first asked.

Rendering and hashing the words and looking at every element costs a hundred times what the rest does, and a
consent that cannot permit anyway never needs it. Each is done once for a consent and an instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.consent.model import (
    ConsentRecord,
    ConsentState,
    Reason,
    SignerRole,
    Today,
)
from service.consent.rulebook import Rulebook
from service.consent.validity import (
    against,
    doubted,
    ended_on_record,
    endless,
    expired,
    intact,
    known_false,
    lacking,
    local_day,
    unevaluable,
)
from service.people.patient import Event

NOTES_COMBINED: Final = frozenset({"C-COMBINE-SCN", "C-SCN-KIND", "C-COMBINE-PSY"})
LEGAL_COMBINED: Final = frozenset({"C-COMBINE-LEGAL", "C-LEGAL-KIND"})

_PARENTS = frozenset({SignerRole.PARENT, SignerRole.GUARDIAN})
_REPRESENTATIVES = frozenset({SignerRole.PERSONAL_REPRESENTATIVE, SignerRole.GUARDIAN})


@dataclass(frozen=True, slots=True)
class Examined:
    """What rendering, hashing and the elements say."""

    complete: bool
    text_intact: bool
    combines_notes: bool
    combines_legal: bool
    lacking: tuple[Reason, ...]


_DRAFT: Final = Examined(False, False, False, False, ())


class Standing:
    """A consent judged at one instant: made once, used for every request and item of that instant."""

    __slots__ = ("_examined", "_void", "book", "classes", "effective", "ended", "record", "today")

    def __init__(
        self, book: Rulebook, classes: Mapping[str, str], record: ConsentRecord, today: Today
    ) -> None:
        self.book = book
        self.classes = classes
        self.record = record
        self.today = today
        self.ended: tuple[str, ...] = ended_on_record(record)
        self.effective = (
            record.state is not ConsentState.DRAFT
            and record.active_from is not None
            and record.active_from <= today.now
        )
        self._examined: Examined | None = None
        self._void: tuple[Reason, ...] | None = None

    # -- cheap ------------------------------------------------------------------------------------------------

    @property
    def drafted(self) -> bool:
        return self.record.state is ConsentState.DRAFT

    @property
    def state_active(self) -> bool:
        return self.record.state is ConsentState.ACTIVE and not self.ended

    @property
    def signed(self) -> bool:
        """Signed by a set of signers the law knows (2.14, 2.15, 2.31(a)(8)): a parent's or a stranger's name alone, or
        beside the patient's, is no signature of a consent, even if it got into the record.
        """
        return not self.drafted and bool(self.signer)

    @property
    def signer(self) -> str:
        """Who signed, in the words of the policies; "" for a set of signers no rule knows."""
        return signer_of(self.record)

    def given_since(self, day: date) -> bool:
        """Every signature bears this day or a later one: an authority over a living patient ends with that life, and
        the representative of the deceased signs anew (2.15(b)(2); our reading).
        """
        return all(s.signed_on is not None and s.signed_on >= day for s in self.record.signatures)

    @property
    def date_ok(self) -> bool:
        signatures = self.record.signatures
        if not signatures:
            return False
        day = local_day(self.today.now, self.today.timezone)
        return all(s.signed_on is not None and s.signed_on <= day for s in signatures)

    @property
    def expired(self) -> bool:
        return expired(self.record, self.today) or endless(self.record.terms.expiry)

    @property
    def expiry_unknown(self) -> bool:
        return unevaluable(self.record)

    @property
    def false(self) -> bool:
        return known_false(self.record)

    @property
    def doubted(self) -> bool:
        return doubted(self.record)

    @property
    def revoked(self) -> bool:
        return self.record.state is ConsentState.REVOKED or "C-REVOKED" in self.ended

    @property
    def opted_out(self) -> bool:
        """The patient has declined fundraising since the consent was given, or on that day."""
        since = self.record.active_from
        first = None if since is None else local_day(since, self.today.timezone)
        return any(
            name == Event.FUNDRAISING_OPT_OUT and (first is None or day >= first)
            for name, day in self.today.events
        )

    @property
    def lasts(self) -> bool:
        """Nothing cheap to know stands against it."""
        return (
            self.state_active
            and self.signed
            and self.effective
            and not self.expired
            and not self.false
            and self.date_ok
        )

    # -- dear -------------------------------------------------------------------------------------------------

    @property
    def examined(self) -> Examined:
        """Words and elements; a draft has neither."""
        if self._examined is None:
            self._examined = _DRAFT if self.drafted else self._examine()
        return self._examined

    @property
    def void(self) -> tuple[Reason, ...]:
        """Everything against the consent, in words."""
        if self._void is None:
            self._void = against(self.book, self.record, self.classes, self.today)
        return self._void

    def _examine(self) -> Examined:
        missing = lacking(self.book, self.record, self.classes, self.today.timezone)
        codes = {reason.code for reason in missing}
        return Examined(
            complete=not codes,
            text_intact=intact(self.book, self.record),
            combines_notes=bool(codes & NOTES_COMBINED),
            combines_legal=bool(codes & LEGAL_COMBINED),
            lacking=missing,
        )


def signer_of(record: ConsentRecord) -> str:
    """Who signed, as the policies ask: patient | patient_and_parent | personal_representative |
    program_director, or "".
    """
    roles = {s.role for s in record.signatures}
    if roles == {SignerRole.PATIENT}:
        return "patient"
    if SignerRole.PATIENT in roles and roles - {SignerRole.PATIENT} <= _PARENTS:
        return "patient_and_parent"
    if roles and roles <= _REPRESENTATIVES:
        return "personal_representative"
    if roles == {SignerRole.PROGRAM_DIRECTOR}:
        return "program_director"
    return ""
