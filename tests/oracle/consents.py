"""What makes a consent valid on a day, and what it covers, read from 42 CFR 2.31 and its sisters, not from the service.

Letters and numbers in the comments are those of the rules: E01-E23 elements, S1-S8 signers, V1-V4 validity, K1-K6
combination. Where the text leaves a choice, the one made is a policy of the project and is marked (policy).
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from service.access.purposes import PurposeClass
from service.consent.document import rendered_hash
from service.consent.model import ConsentRecord, ConsentTerms, Recipient, Today
from service.record.item import ItemForDecision
from tests.oracle.words import PURPOSES, RECORDED_EVENTS, TEXTS

TPO = {PurposeClass.TREATMENT, PurposeClass.PAYMENT, PurposeClass.OPERATIONS}
SESSION_NOTES = {"counseling_note", "psychotherapy_note"}
#: Relationships that put somebody into a class of recipients (2.31(a)(4)(i)).
IN_CLASS = {
    "treating_providers": {"treating"},
    "health_plans": {"health_plan"},
    "third_party_payers": {"third_party_payer"},
    "program_operations": {"operations"},
    "tpo": {"treating", "health_plan", "third_party_payer", "operations"},
}


def local(today: Today) -> date:
    """The day where the program is."""
    return today.now.astimezone(ZoneInfo(today.timezone)).date()


def classes_of(purposes: tuple[str, ...]) -> set[PurposeClass | None]:
    """Legal classes by the explicit table alone; HL7 subsumption is not asked. None: a code that is nothing."""
    classes: set[PurposeClass | None] = set()
    for code in purposes:
        if code == "TPO":
            classes |= TPO
        else:
            purpose = PURPOSES.by_code.get(code)
            classes.add(None if purpose is None else purpose.legal_class)
    return classes


def _elements(terms: ConsentTerms) -> bool:
    """2.31(a): every element that a consent of this kind must have."""
    kind, says, classes = terms.kind.value, terms.statements, classes_of(terms.purposes)
    any_tpo = bool(classes & TPO)
    required = [
        bool(terms.patient_name.strip()),  # E01
        bool(terms.disclosers),  # E02
        bool(terms.recipients),  # E04
        bool(terms.purposes),  # E09
        None not in classes,  # E09 (policy): a code nobody knows describes no purpose
        terms.form is not None and terms.form.value in {"electronic", "paper"},  # E23
        _scope(terms),  # E03
        _expiry(terms, classes),  # E14-E16
    ]
    if any(recipient.recipient_class for recipient in terms.recipients):
        required.append(classes <= TPO)  # E05 (policy)
    if any_tpo and any(_hipaa(recipient) for recipient in terms.recipients):
        required.append(says.hipaa_redisclosure)  # E08
    if "PATRQT" in terms.purposes:
        required.append(terms.initiated_by is not None and terms.initiated_by.value == "patient")  # E10
    if kind == "fundraising" or terms.program_intends_fundraising:
        required.append(says.fundraising_optout)  # E12
    if kind != "criminal_justice":
        required += [says.revocation, says.revocation_how]  # E13
    if any_tpo:
        required += [says.redisclosure_potential, says.refusal_consequences]  # E21, E22
    return all(required)


def _hipaa(recipient: Recipient) -> bool:
    return (
        recipient.covered_entity
        or recipient.business_associate
        or (recipient.recipient_class is not None)  # a class of providers and plans may hold covered entities
    )


def _scope(terms: ConsentTerms) -> bool:
    scope = terms.scope
    ordered = scope.first_day is None or scope.last_day is None or scope.first_day <= scope.last_day
    return bool(scope.kinds) and bool(scope.labels) and ordered


def _expiry(terms: ConsentTerms, classes: set[PurposeClass | None]) -> bool:
    expiry = terms.expiry
    if expiry is None:
        return False
    match expiry.kind.value:
        case "date":
            return expiry.on is not None
        case "event":
            return bool(expiry.event and expiry.event.strip())
        case "none":
            return bool(classes) and classes <= TPO  # E15, E16
        case _:
            return True  # the end of treatment is an event relating to the patient


def _kind(terms: ConsentTerms) -> bool:
    """2.2 and 2.6 of the rules: what the kind demands beyond (a), and what it may not be combined with."""
    kind, classes = terms.kind.value, classes_of(terms.purposes)
    kinds = set(terms.scope.kinds) if terms.scope.kinds != "all" else {"all"}
    legal = PurposeClass.LEGAL in classes
    middle = [r for r in terms.recipients if r.type.value == "intermediary"]
    required = [
        legal == (kind == "legal_proceedings"),  # K2: stand-alone, and no other kind speaks of proceedings
        not (kinds & SESSION_NOTES) or kind in {"counseling_notes", "psychotherapy_notes"},  # K1
        bool(middle) == (kind == "intermediary"),  # E06 (policy)
    ]
    match kind:
        case "tpo":
            required.append(TPO.issubset(classes))  # E11 (policy)
        case "counseling_notes":
            required += [kinds == {"counseling_note"}, not terms.conditioned]  # K1, K3
        case "psychotherapy_notes":
            required += [kinds == {"psychotherapy_note"}, not terms.conditioned]  # 164.508(b)(3)(ii), (b)(4)
        case "legal_proceedings":
            required += [classes == {PurposeClass.LEGAL}, bool((terms.proceeding or "").strip())]
        case "intermediary":
            required += [_intermediary(each) for each in middle]
        case "fundraising":
            required.append(not terms.conditioned)  # K6
        case "criminal_justice":  # 2.35
            required += [
                bool((terms.justice_condition or "").strip()),
                bool((terms.revocable_after or "").strip()),
            ]
        case "registry":  # 2.34(a)
            required += [
                kinds == {"registry_facts"},
                all((r.address or "").strip() for r in terms.recipients),
            ]
        case "payer":
            required.append(classes == {PurposeClass.PAYMENT})
        case _:
            pass
    return all(required)


def _intermediary(each: Recipient) -> bool:
    """E06, E07: named; and exactly named participants, or a designation limited to treating providers."""
    designated = each.general_designation is not None
    return (
        bool(each.name.strip())
        and designated != bool(each.participants)
        and each.general_designation in {None, "treating_providers"}
    )


def signer_of(record: ConsentRecord) -> str | None:
    """Who signed, in one word; None when nobody did who could (E17, E18). A parent alone never suffices (S4, S5)."""
    roles = frozenset(str(signature.role) for signature in record.signatures)
    signers = {
        frozenset({"patient"}): "patient",
        frozenset({"patient", "parent"}): "patient_and_parent",
        frozenset({"patient", "guardian"}): "patient_and_parent",
        frozenset({"personal_representative"}): "personal_representative",
    }
    if roles == {"program_director"}:
        return "program_director" if record.terms.kind.value == "payer" else None  # S3
    return signers.get(roles)


def _signed(record: ConsentRecord, day: date) -> bool:
    """E17-E20 and the unchanged text: what was signed, what was kept and what the terms say are one (policy)."""
    text = TEXTS.get(record.text_version)
    if text is None or record.text_sha256 is None or rendered_hash(record.terms, text) != record.text_sha256:
        return False
    return signer_of(record) is not None and all(
        s.signed_on is not None and s.signed_on <= day and s.text_sha256 == record.text_sha256
        for s in record.signatures
    )


@dataclass(frozen=True)
class Standing:
    """How a consent stands today. `doubtful`: only a person can say (V1 unevaluable event, V4 unsettled doubt)."""

    valid: bool
    doubtful: bool = False


def standing(record: ConsentRecord, today: Today) -> Standing:
    """V1-V4 at this instant."""
    day = local(today)
    sound = (
        record.state.value == "active"  # V3; superseded, expired and in error are not in force either
        and record.active_from is not None
        and record.active_from <= today.now
        and _elements(record.terms)  # V2
        and _kind(record.terms)
        and _signed(record, day)
    )
    rulings = [kind for kind, _ in record.rulings]
    if not sound or "false" in rulings:  # V4
        return Standing(False)
    ended, unknown = _ended(record, today, day, rulings)
    truth = [kind for kind in rulings if kind in {"doubted", "cleared"}]
    return Standing(not ended, doubtful=unknown or truth[-1:] == ["doubted"])


def _ended(record: ConsentRecord, today: Today, day: date, rulings: list[str]) -> tuple[bool, bool]:
    """V1: has it ended, and is that unknown?"""
    expiry = record.terms.expiry
    assert expiry is not None
    match expiry.kind.value:
        case "date":
            assert expiry.on is not None
            return day > expiry.on, False
        case "event":
            names = {expiry.event}
        case "end_of_treatment":
            names = {"discharge", "end_of_treatment"}
        case _:
            return False, False
    ruled = [kind for kind in rulings if kind.startswith("event_")]
    if ruled:
        return ruled[-1] == "event_happened", False
    signed = max(s.signed_on for s in record.signatures if s.signed_on)
    # an event of an earlier episode ended nothing; one entered for a day to come has not happened
    happened = any(name in names and signed <= on <= day for name, on in today.events)
    return happened, not happened and not names & RECORDED_EVENTS


def covers(record: ConsentRecord, item: ItemForDecision, code: str) -> bool:
    """Discloser, item and purpose: what is not said is not covered."""
    terms, scope = record.terms, record.terms.scope
    purpose = PURPOSES.by_code.get(code)
    if purpose is None:
        return False
    return all(
        (
            any(d.unit in {"*", item.unit} for d in terms.disclosers),  # E02
            item.kind.value not in SESSION_NOTES if scope.kinds == "all" else item.kind.value in scope.kinds,
            _labels(item, scope.labels),
            scope.first_day is None or scope.first_day <= item.dated_on,
            scope.last_day is None or item.dated_on <= scope.last_day,
            code in terms.purposes or any(_names(one, purpose.legal_class) for one in terms.purposes),
        )
    )


def _names(stated: str, legal_class: PurposeClass) -> bool:
    """A purpose that names a whole class in the words of 45 CFR 164.501, by the explicit table (E11, codes 7.2)."""
    if stated == "TPO":
        return legal_class in TPO
    return {
        "TREAT": PurposeClass.TREATMENT,
        "HPAYMT": PurposeClass.PAYMENT,
        "HOPERAT": PurposeClass.OPERATIONS,
    }.get(stated) is legal_class


def _labels(item: ItemForDecision, allowed: object) -> bool:
    """Every label has to be allowed; without labels an item is sensitive, and only "all" reaches it (policy)."""
    if item.labels is None:
        return False
    if allowed == "all":
        return True
    assert isinstance(allowed, tuple)
    return bool(item.labels) and {label.value for label in item.labels} <= set(allowed)


def _out(record: ConsentRecord) -> frozenset[UUID]:
    return frozenset(r for revocation in record.revocations for r in revocation.recipients)


def named(record: ConsentRecord, recipient: UUID) -> bool:
    """E04: named in person, and not taken out since (V3, partial)."""
    return recipient not in _out(record) and any(
        r.recipient_id == recipient and r.recipient_class is None for r in record.terms.recipients
    )


def in_class(record: ConsentRecord, recipient: UUID, relationships: frozenset[str]) -> bool:
    """E05: in a class that is named, by a recorded relationship; neither the class nor the recipient taken out."""
    out = _out(record)
    return recipient not in out and any(
        r.recipient_class is not None
        and r.recipient_id not in out
        and bool(relationships & IN_CLASS[r.recipient_class.value])
        for r in record.terms.recipients
    )


def through(record: ConsentRecord, via: UUID, recipient: UUID, treats: bool) -> bool:
    """E06, E07: a participant named, or one of the designation who treats this patient."""
    out = _out(record)
    return not {via, recipient} & out and any(
        r.recipient_id == via
        and r.type.value == "intermediary"
        and (recipient in r.participants or (r.general_designation == "treating_providers" and treats))
        for r in record.terms.recipients
    )


def is_authorization(terms: ConsentTerms) -> bool:
    """45 CFR 164.508(c)(2): with these statements a consent of 2.31 is an authorization as well."""
    says = terms.statements
    return (
        says.revocation and says.revocation_how and says.refusal_consequences and says.redisclosure_potential
    )
