"""A paper made of what was given: checked whole, put into the register, signed off where its recorder may.

Inside an act that is authorised already. What is incomplete is never kept: a paper cannot be changed afterwards, so an
unfinished one would stay unfinished.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from service.errors import Code, FieldError, Invalid
from service.evidence import records
from service.evidence.commands import GivenRecipient, NewEvidence
from service.evidence.establish import missing, reach_faults
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.evidence.rulebook import EvidenceBook, KindRule
from service.evidence.sealing import paper, sealed_evidence
from service.ids import new_id
from service.people.facts import program_day
from service.people.recipients.operations import find_recipient, recipient_facts, resolve_recipient
from service.record.item import Kind
from service.record.operations import settled_ids
from service.work import Json, Work


def evidence_of(
    work: Work, book: EvidenceBook, patient_id: UUID | None, new: NewEvidence, *, at: str = "", keep: bool
) -> Evidence:
    """The paper as it would be recorded now, by this caller; Invalid `evidence_incomplete` names everything it lacks.

    `at` is the path of the paper in the request. `keep` False only looks recipients up, for a preview.
    """
    rule = book.find(new.kind)
    faults = tuple(_faults(work, book, rule, patient_id, new))
    if faults or rule is None:
        placed = [replace(fault, field=f"{at}{fault.field}") for fault in faults]
        raise Invalid(Code.EVIDENCE_INCOMPLETE, "This evidence is not complete.", placed)
    return Evidence(
        id=new_id(work.now),
        kind=EvidenceKind(new.kind),
        patient_id=patient_id,
        state=EvidenceState.RECORDED,
        recipients=_recipients(work, new.recipients, at, keep=keep),
        starts_on=new.starts_on,
        ends_on=new.ends_on or _own_end(rule, new.starts_on),
        items=new.items,
        kinds=new.kinds,
        particulars=dict(new.particulars),
        recorded_by=work.caller.account_id,
        recorded_at=work.now,
    )


def signed_off_by_recorder(work: Work, rule: KindRule, evidence: Evidence) -> Evidence:
    """The paper, signed off by the caller if one of the caller's roles may sign its kind off."""
    if not work.caller.roles & frozenset(rule.signed_off_by):
        return evidence
    return replace(
        evidence,
        state=EvidenceState.SIGNED_OFF,
        signed_off_roles=frozenset(role.value for role in work.caller.roles),
        signed_off_by=work.caller.account_id,
        signed_off_at=work.now,
    )


def keep(work: Work, evidence: Evidence, entry_id: UUID) -> None:
    """Seal and insert a new paper."""
    records.insert_evidence(work.db, sealed_evidence(work, evidence), entry_id)


def described(evidence: Evidence) -> dict[str, Json]:
    """What the ledger says of a paper: codes and ids. Its words are in the entry as a keyed hash (`hashed`) only."""
    return {
        "kind": evidence.kind.value,
        "state": evidence.state.value,
        "recipients": sorted(str(one) for one in evidence.recipients),
    }


def hashed(evidence: Evidence) -> Json:
    """What the keyed hash of an entry is taken over."""
    return paper(evidence)


def _faults(
    work: Work, book: EvidenceBook, rule: KindRule | None, patient_id: UUID | None, new: NewEvidence
) -> Iterator[FieldError]:
    for fault in missing(book, new.kind, new.particulars):
        yield fault if fault.field == "kind" else replace(fault, field=f"particulars.{fault.field}")
    if rule is None:
        return
    if rule.patient != (patient_id is not None):
        where = "with the patient it is about" if rule.patient else "as an agreement of the program"
        yield FieldError("kind", "elsewhere", f"This kind is recorded {where}.", rule.cite)
    yield from reach_faults(book, new.kind, new.items, new.kinds)
    if new.kinds != "all" and new.kinds - {kind.value for kind in Kind}:
        yield FieldError("kinds", "unknown", f"Known kinds: {', '.join(Kind)}.")
    if new.items and (patient_id is None or new.items - settled_ids(work, patient_id, new.items)):
        yield FieldError("items", "unknown", "Not all of these are final items of this patient.")
    if not new.recipients:
        yield FieldError("recipients", "missing", "Say who may receive on this evidence.", rule.cite)
    if new.ends_on is not None and new.ends_on < new.starts_on:
        yield FieldError("ends_on", "before_start", "It cannot end before it begins.")
    yield from _beyond_the_occasion(rule, new, program_day(work))


def _beyond_the_occasion(rule: KindRule, new: NewEvidence, today: date) -> Iterator[FieldError]:
    """A kind that lasts so many days by itself is about an occasion: nobody makes one last, or records one to come."""
    if (longest := _own_end(rule, new.starts_on)) is None:
        return
    if new.starts_on > today:
        yield FieldError("starts_on", "in_the_future", "It is recorded once it has happened.", rule.cite)
    if new.ends_on is not None and new.ends_on > longest:
        yield FieldError("ends_on", "too_long", f"It holds for {rule.lasts_days} days at most.", rule.cite)


def _own_end(rule: KindRule, first: date) -> date | None:
    if rule.lasts_days is None:
        return None
    left = (date.max - first).days
    return first + timedelta(days=min(rule.lasts_days, left))


def _recipients(work: Work, given: Sequence[GivenRecipient], at: str, *, keep: bool) -> frozenset[UUID]:
    """Ids of the register; whom it does not have is registered by this act, or left out of a preview."""
    found: set[UUID] = set()
    for place, one in enumerate(given):
        path = f"{at}recipients[{place}]."
        if isinstance(one, UUID):
            known = recipient_facts(work, one)
            if known is None or known.state != "active":
                fault = FieldError(f"{path}recipient_id", "unknown", "This recipient is not in the register.")
                raise Invalid(Code.RECIPIENT_INVALID, "A recipient is not known.", [fault])
        else:
            known = resolve_recipient(work, one, path) if keep else find_recipient(work, one, path)
        if known is not None:
            found.add(known.id)
    return frozenset(found)
