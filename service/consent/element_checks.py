"""The checks of the element table that look at the terms alone: one function per code, True when broken.

No check looks at another's result, so the answer does not depend on their order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.consent.model import (
    TPO_PURPOSE,
    TREATING_DESIGNATION,
    ConsentKind,
    ConsentTerms,
    ExpiryKind,
    Form,
    Initiator,
    Recipient,
)
from service.people.patient import Event
from service.people.recipient import RecipientType

#: Legal classes of purposes (policies/purposes.yaml) that together are TPO.
TPO_CLASSES: Final = frozenset({"treatment", "payment", "operations"})
LEGAL_CLASS: Final = "legal"

#: Kinds that are for session notes and for nothing else (2.31(b), 45 CFR 164.508(b)(3)(ii)).
_NOTES = {
    ConsentKind.COUNSELING_NOTES: "counseling_note",
    ConsentKind.PSYCHOTHERAPY_NOTES: "psychotherapy_note",
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the elements of one consent are judged on: its terms, the purposes this program knows, the
    day.

    `classes` maps a purpose code to its legal class. `on` is the day the consent is given, in the
    program's zone.
    """

    terms: ConsentTerms
    classes: Mapping[str, str]
    on: date

    def purpose_classes(self) -> frozenset[str]:
        """Legal classes of the stated purposes; TPO stands for three, a code nobody knows for none."""
        found: set[str] = set()
        for code in self.terms.purposes:
            if code == TPO_PURPOSE:
                found |= TPO_CLASSES
            elif code in self.classes:
                found.add(self.classes[code])
        return frozenset(found)

    @property
    def tpo_any(self) -> bool:
        return bool(self.purpose_classes() & TPO_CLASSES)

    @property
    def legal(self) -> bool:
        return LEGAL_CLASS in self.purpose_classes()

    @property
    def beyond_tpo(self) -> bool:
        """A purpose other than TPO is stated; legal ones are left to K2, which names them in its own
        words.
        """
        return any(
            code != TPO_PURPOSE and self.classes.get(code) not in TPO_CLASSES | {LEGAL_CLASS}
            for code in self.terms.purposes
        )

    @property
    def beyond_legal(self) -> bool:
        return any(self.classes.get(code) != LEGAL_CLASS for code in self.terms.purposes)

    @property
    def raises_funds(self) -> bool:
        """The records may be used to raise funds for the program (2.31(a)(5)(iii))."""
        terms = self.terms
        return (
            terms.program_intends_fundraising
            or terms.kind is ConsentKind.FUNDRAISING
            or "fundraising" in self.purpose_classes()
        )

    @property
    def listed_kinds(self) -> frozenset[str]:
        return frozenset() if self.terms.scope.kinds == "all" else frozenset(self.terms.scope.kinds)

    @property
    def intermediaries(self) -> tuple[Recipient, ...]:
        return tuple(r for r in self.terms.recipients if r.type is RecipientType.INTERMEDIARY)


def _no_scope(a: Assessment) -> bool:
    scope = a.terms.scope
    if scope.first_day and scope.last_day and scope.last_day < scope.first_day:
        return True
    return not scope.kinds or not scope.labels


def _no_recipient(a: Assessment) -> bool:
    """An intermediary without a name is left to E06, which says what is wrong with it."""
    return not any(
        r.name.strip() or r.recipient_class or r.type is RecipientType.INTERMEDIARY
        for r in a.terms.recipients
    )


def _no_expiry(a: Assessment) -> bool:
    expiry = a.terms.expiry
    match expiry.kind if expiry else None:
        case ExpiryKind.DATE:
            return expiry is None or expiry.on is None
        case ExpiryKind.EVENT:
            return expiry is None or not (expiry.event or "").strip()
        case ExpiryKind.NONE | ExpiryKind.END_OF_TREATMENT:
            return False
        case None:
            return True


def _expiry_past(a: Assessment) -> bool:
    expiry = a.terms.expiry
    return expiry is not None and expiry.on is not None and expiry.on < a.on


def _endless_beyond_tpo(a: Assessment) -> bool:
    """Any purpose beside treatment, payment and operations, a proceeding too, needs an end."""
    expiry = a.terms.expiry
    if expiry is None or expiry.kind is not ExpiryKind.NONE or not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.tpo_any


def _class_beyond_tpo(a: Assessment) -> bool:
    if not any(r.type is RecipientType.CLASS for r in a.terms.recipients) or not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.tpo_any


def _intermediary_elsewhere(a: Assessment) -> bool:
    return a.terms.kind is not ConsentKind.INTERMEDIARY and bool(a.intermediaries)


def _intermediary_unnamed(a: Assessment) -> bool:
    named = a.intermediaries
    return not named or any(not r.name.strip() for r in named)


def _no_participants(a: Assessment) -> bool:
    return any(not r.participants and not (r.general_designation or "").strip() for r in a.intermediaries)


def _unlimited_designation(a: Assessment) -> bool:
    return any(
        (r.general_designation or "").strip() not in ("", TREATING_DESIGNATION) for r in a.intermediaries
    )


def _counseling_notes_combined(a: Assessment) -> bool:
    """Counseling notes beside anything else, or reached for by a consent for all of TPO."""
    kinds, kind = a.listed_kinds, a.terms.kind
    if kind is ConsentKind.COUNSELING_NOTES:
        return bool(a.terms.scope.kinds) and kinds != frozenset({"counseling_note"})
    return "counseling_note" in kinds and (len(kinds) > 1 or kind is ConsentKind.TPO or kind in _NOTES)


def _counseling_notes_elsewhere(a: Assessment) -> bool:
    kind = a.terms.kind
    return (
        a.listed_kinds == frozenset({"counseling_note"})
        and kind is not ConsentKind.TPO
        and kind not in _NOTES
    )


def _psychotherapy_notes_combined(a: Assessment) -> bool:
    if a.terms.kind is ConsentKind.PSYCHOTHERAPY_NOTES:
        return bool(a.terms.scope.kinds) and a.listed_kinds != frozenset({"psychotherapy_note"})
    return "psychotherapy_note" in a.listed_kinds


def _purposes_not_tpo(a: Assessment) -> bool:
    if not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.purpose_classes() >= TPO_CLASSES


def _proceeding_elsewhere(a: Assessment) -> bool:
    return a.legal and not a.beyond_legal and a.terms.kind is not ConsentKind.LEGAL_PROCEEDINGS


def _proceeding_combined(a: Assessment) -> bool:
    """2.31(d): a proceeding and anything else in one instrument; or the instrument, and no proceeding in it."""
    if a.legal:
        return a.beyond_legal
    return a.terms.kind is ConsentKind.LEGAL_PROCEEDINGS and bool(a.terms.purposes)


def _revocable_never(a: Assessment) -> bool:
    """2.35(c): a stated time, or an event that can be ascertained; here, one that is recorded."""
    return not ascertainable(a.terms.revocable_after)


def ascertainable(after: str | None) -> bool:
    """A day, or an event the program records."""
    return as_day(after) is not None or (after or "").strip() in set(Event)


def as_day(written: str | None) -> date | None:
    """The day an ISO date says, None for anything else."""
    try:
        return date.fromisoformat((written or "").strip())
    except ValueError:
        return None


def _address_missing(a: Assessment) -> bool:
    return any(
        r.type is not RecipientType.CLASS and not (r.address or "").strip() for r in a.terms.recipients
    )


def _beyond_registry_facts(a: Assessment) -> bool:
    return bool(a.terms.scope.kinds) and a.listed_kinds != frozenset({"registry_facts"})


DRAFT_CHECKS: Mapping[str, Callable[[Assessment], bool]] = {
    "C-PATIENT-NAME": lambda a: not a.terms.patient_name.strip(),
    "C-DISCLOSER": lambda a: not a.terms.disclosers,
    "C-SCOPE": _no_scope,
    "C-RECIPIENT": _no_recipient,
    "C-RECIPIENT-CLASS-NONTPO": _class_beyond_tpo,
    "C-RECIPIENT-INTERMEDIARY": _intermediary_elsewhere,
    "C-INT-NAME": _intermediary_unnamed,
    "C-INT-PARTICIPANTS": _no_participants,
    "C-INT-DESIGNATION-UNLIMITED": _unlimited_designation,
    "C-STMT-HIPAA-REDISC": lambda a: not a.terms.statements.hipaa_redisclosure,
    "C-PURPOSE": lambda a: not a.terms.purposes,
    "C-PURPOSE-UNKNOWN": lambda a: any(c != TPO_PURPOSE and c not in a.classes for c in a.terms.purposes),
    "C-PURPOSE-NOT-PATIENT-INITIATED": lambda a: a.terms.initiated_by is not Initiator.PATIENT,
    "C-PURPOSE-NOT-TPO": _purposes_not_tpo,
    "C-STMT-FUNDRAISING": lambda a: not a.terms.statements.fundraising_optout,
    "C-STMT-REVOCATION": lambda a: not a.terms.statements.revocation,
    "C-STMT-REVOCATION-HOW": lambda a: not a.terms.statements.revocation_how,
    "C-EXPIRY-MISSING": _no_expiry,
    "C-EXPIRY-PAST": _expiry_past,
    "C-EXPIRY-NONE-NOT-TPO": _endless_beyond_tpo,
    "C-STMT-REDISC-POTENTIAL": lambda a: not a.terms.statements.redisclosure_potential,
    "C-STMT-REFUSAL": lambda a: not a.terms.statements.refusal_consequences,
    "C-NOT-WRITTEN": lambda a: a.terms.form not in (Form.ELECTRONIC, Form.PAPER),
    "C-COMBINE-SCN": _counseling_notes_combined,
    "C-SCN-KIND": _counseling_notes_elsewhere,
    "C-COMBINE-PSY": _psychotherapy_notes_combined,
    "C-COMBINE-LEGAL": _proceeding_combined,
    "C-LEGAL-KIND": _proceeding_elsewhere,
    "C-LEGAL-PROCEEDING": lambda a: not (a.terms.proceeding or "").strip(),
    "C-CONDITION-SCN": lambda a: a.terms.conditioned,
    "C-CONDITION-PSY": lambda a: a.terms.conditioned,
    "C-CONDITION-FUND": lambda a: a.terms.conditioned,
    "C-CJ-CONDITION": lambda a: not (a.terms.justice_condition or "").strip(),
    "C-CJ-REVOCABLE": _revocable_never,
    "C-REG-ADDRESS": _address_missing,
    "C-REG-SCOPE": _beyond_registry_facts,
}
