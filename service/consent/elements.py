"""Which elements of 42 CFR 2.31 a consent lacks: all of them, never only the first.

The table (`policies/elements.yaml`) says when an element applies and what to tell the patient; the checks
here say whether it is missing, one per code. A check returns True when the element is missing or broken.
No check looks at another's result, so the answer does not depend on their order.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from service.consent.model import (
    PATIENT_REQUEST,
    TPO_PURPOSE,
    ConsentKind,
    ConsentTerms,
    ExpiryKind,
    Form,
    Initiator,
    Reason,
    Signature,
    SignatureMethod,
    SignerRole,
)
from service.consent.rulebook import Element, Rulebook
from service.people.recipient import RecipientType

#: Legal classes of purposes (policies/purposes.yaml) that together are TPO.
TPO_CLASSES = frozenset({"treatment", "payment", "operations"})
LEGAL_CLASS = "legal"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the elements of one consent are judged on: its terms, the purposes this program knows, the
    day.

    `classes` maps a purpose code to its legal class. `on` is the day the consent is given, in the
    program's zone.
    """

    terms: ConsentTerms
    classes: Mapping[str, str]
    events: frozenset[str]
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
    def listed_kinds(self) -> frozenset[str]:
        return frozenset() if self.terms.scope.kinds == "all" else frozenset(self.terms.scope.kinds)


@dataclass(frozen=True, slots=True)
class Signing:
    """What the signature elements are judged on. `drafted_on` and `today` are days in the program's zone.

    `of_age` is None when the birth date is not known: nobody is then taken to be of age. `text_sha256` is
    the hash of the text as rendered now; a signature under another text is not evidence for this one.
    """

    signatures: tuple[Signature, ...]
    drafted_on: date
    today: date
    of_age: bool | None
    text_sha256: str


def _no_scope(a: Assessment) -> bool:
    scope = a.terms.scope
    if scope.first_day and scope.last_day and scope.last_day < scope.first_day:
        return True
    return not scope.kinds or not scope.labels


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


def _event_unknown(a: Assessment) -> bool:
    expiry = a.terms.expiry
    return (
        expiry is not None
        and expiry.kind is ExpiryKind.EVENT
        and bool((expiry.event or "").strip())
        and expiry.event not in a.events
    )


def _expiry_past(a: Assessment) -> bool:
    expiry = a.terms.expiry
    return expiry is not None and expiry.on is not None and expiry.on < a.on


def _endless_beyond_tpo(a: Assessment) -> bool:
    expiry = a.terms.expiry
    if expiry is None or expiry.kind is not ExpiryKind.NONE or not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.tpo_any


def _class_beyond_tpo(a: Assessment) -> bool:
    if not any(r.type is RecipientType.CLASS for r in a.terms.recipients) or not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.tpo_any


def _counseling_notes_combined(a: Assessment) -> bool:
    """Counseling notes beside anything else, or reached for by a consent for all of TPO."""
    kinds = a.listed_kinds
    return "counseling_note" in kinds and (len(kinds) > 1 or a.terms.kind is ConsentKind.TPO)


def _counseling_notes_alone(a: Assessment) -> bool:
    return a.listed_kinds == frozenset({"counseling_note"}) and a.terms.kind is ConsentKind.SPECIFIC


def _purposes_not_tpo(a: Assessment) -> bool:
    if not a.terms.purposes:
        return False
    return a.beyond_tpo or not a.purpose_classes() >= TPO_CLASSES


_DRAFT: Mapping[str, Callable[[Assessment], bool]] = {
    "C-PATIENT-NAME": lambda a: not a.terms.patient_name.strip(),
    "C-DISCLOSER": lambda a: not a.terms.disclosers,
    "C-SCOPE": _no_scope,
    "C-RECIPIENT": lambda a: not any(r.name.strip() or r.recipient_class for r in a.terms.recipients),
    "C-RECIPIENT-CLASS-NONTPO": _class_beyond_tpo,
    "C-RECIPIENT-INTERMEDIARY": lambda a: any(
        r.type is RecipientType.INTERMEDIARY for r in a.terms.recipients
    ),
    "C-STMT-HIPAA-REDISC": lambda a: not a.terms.statements.hipaa_redisclosure,
    "C-PURPOSE": lambda a: not a.terms.purposes,
    "C-PURPOSE-UNKNOWN": lambda a: any(c != TPO_PURPOSE and c not in a.classes for c in a.terms.purposes),
    "C-PURPOSE-NOT-PATIENT-INITIATED": lambda a: a.terms.initiated_by is not Initiator.PATIENT,
    "C-PURPOSE-NOT-TPO": _purposes_not_tpo,
    "C-STMT-REVOCATION": lambda a: not a.terms.statements.revocation,
    "C-STMT-REVOCATION-HOW": lambda a: not a.terms.statements.revocation_how,
    "C-EXPIRY-MISSING": _no_expiry,
    "C-EXPIRY-EVENT-UNKNOWN": _event_unknown,
    "C-EXPIRY-PAST": _expiry_past,
    "C-EXPIRY-NONE-NOT-TPO": _endless_beyond_tpo,
    "C-STMT-REDISC-POTENTIAL": lambda a: not a.terms.statements.redisclosure_potential,
    "C-STMT-REFUSAL": lambda a: not a.terms.statements.refusal_consequences,
    "C-NOT-WRITTEN": lambda a: a.terms.form not in (Form.ELECTRONIC, Form.PAPER),
    "C-COMBINE-SCN": _counseling_notes_combined,
    "C-SCN-KIND": _counseling_notes_alone,
    "C-COMBINE-PSY": lambda a: "psychotherapy_note" in a.listed_kinds,
    "C-COMBINE-LEGAL": lambda a: a.legal and len(set(a.terms.purposes)) > 1,
    "C-LEGAL-KIND": lambda a: a.legal and len(set(a.terms.purposes)) == 1,
}


def _no_evidence(s: Signing) -> bool:
    return any(
        signature.text_sha256 != s.text_sha256
        or not signature.attestation.strip()
        or not signature.name.strip()
        or (signature.method is not SignatureMethod.TYPED and not signature.image_sha256)
        for signature in s.signatures
    )


def _backdated(s: Signing) -> bool:
    for signature in s.signatures:
        if signature.signed_on is None:
            continue
        if signature.signed_on < s.drafted_on:
            return True
        if signature.method is not SignatureMethod.PAPER_SCAN and signature.signed_on < s.today:
            return True
    return False


_SIGNATURE: Mapping[str, Callable[[Signing], bool]] = {
    "C-SIGNATURE": lambda s: not s.signatures,
    "C-SIGNER": lambda s: any(g.role != SignerRole.PATIENT for g in s.signatures),
    "C-SIGNER-MINOR": lambda s: bool(s.signatures) and s.of_age is not True,
    "C-ESIGN-EVIDENCE": _no_evidence,
    "C-DATE": lambda s: any(g.signed_on is None for g in s.signatures),
    "C-DATE-FUTURE": lambda s: any(g.signed_on is not None and g.signed_on > s.today for g in s.signatures),
    "C-DATE-BACKDATED": _backdated,
}

#: Every code that has a check; the loader compares it with the table.
CHECKED = frozenset({*_DRAFT, *_SIGNATURE})

_APPLIES: Mapping[str, Callable[[Assessment], bool]] = {
    "all": lambda a: True,
    "tpo": lambda a: a.terms.kind is ConsentKind.TPO,
    "tpo_any": lambda a: a.tpo_any,
    "tpo_any_hipaa": lambda a: a.tpo_any and any(r.under_hipaa for r in a.terms.recipients),
    "patient_request": lambda a: PATIENT_REQUEST in a.terms.purposes,
}


def _missing(rows: Iterable[Element], a: Assessment) -> tuple[Reason, ...]:
    return tuple(row.reason() for row in rows if _APPLIES[row.applies](a) and _DRAFT[row.code](a))


def missing_elements(book: Rulebook, a: Assessment) -> tuple[Reason, ...]:
    """Everything a draft still lacks, signature and date aside, in the order of the table."""
    return _missing((row for row in book.elements if row.stage == "draft"), a)


def missing_at_signing(book: Rulebook, a: Assessment, s: Signing) -> tuple[Reason, ...]:
    """Everything that stands between this consent, with these signatures, and being in force."""
    unsigned = tuple(
        row.reason() for row in book.elements if row.stage == "signature" and _SIGNATURE[row.code](s)
    )
    return missing_elements(book, a) + unsigned
