"""The package of a disclosure, fetched: what it was made under is asked again at that moment."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.disclosure import records
from service.disclosure.accounting import Channel
from service.disclosure.damage import report_damage
from service.disclosure.decide import Effect
from service.disclosure.gathering import Gathered, Only, Wanted, gather
from service.disclosure.package import digest
from service.disclosure.records import StoredDisclosure
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.shown import decision_document, entry_detail, rules_of
from service.errors import Code, ConsentryError, IntegrityError, Invalid, NotFound, Refused
from service.people.facts import patient_facts
from service.people.recipients.operations import recipient_facts
from service.work import Denial, Loaded, Work


def fetch(work: Work, rules: DisclosureRules, disclosure_id: UUID) -> dict[str, Any]:
    """The package of a disclosure, decided about again at this moment.

    What it was made under, the consent and the paper, must still permit every item in it on the same basis.
    Otherwise nothing is handed out: what was disclosed stays disclosed and stays in the accounting, but it does not
    leave a second time.
    """
    stored = work.authorised(Action.PACKAGE_FETCH, loading(disclosure_id))
    package, kept = records.opened(work, stored)
    if digest(package) != kept["sha256"] or stored.package_hash not in work.index_keys().hashes(package):
        raise IntegrityError
    found = again(work, rules, stored, kept)
    same = found is not None and found.decision.basis is not None and found.decision.basis.id == stored.basis
    if found is None or not same or found.decision.effect is not Effect.PERMIT:
        work.refuse(_not_again(work, rules, found), _denied_again(rules, stored, found))
    _check_units(work, stored, found)
    work.record(
        action=Action.PACKAGE_FETCH,
        object_kind="disclosure",
        object_id=stored.id,
        patient_id=stored.patient_id,
        consent_id=stored.consent_id,
        recipient_id=stored.recipient_id,
        basis=stored.basis,
        policies=rules_of(found.decision),
        detail={"effect": found.decision.effect.value},
    )
    return package


def again(
    work: Work, rules: DisclosureRules, stored: StoredDisclosure, kept: dict[str, Any]
) -> Gathered | None:
    """The same question under the same consent and paper, today; None when it cannot even be asked any more."""
    recipient = recipient_facts(work, stored.recipient_id)
    purpose = work.access.purposes.find(stored.purpose)
    if recipient is None or purpose is None:
        return None
    wanted = Wanted(
        patient_id=stored.patient_id,
        recipient=recipient,
        purpose=purpose,
        channel=Channel(stored.channel),
        ids=tuple(UUID(item) for item in kept["items"]),
        via=UUID(kept["via"]) if kept.get("via") else None,
        only=Only(stored.consent_id, stored.evidence_id),
    )
    try:
        return gather(work, rules, wanted)
    except Invalid:
        return None  # an item was taken back as entered in error


def loading(disclosure_id: UUID) -> Callable[[Work], Loaded[StoredDisclosure] | None]:
    """The loader of a disclosure, for whoever it is addressed to and for staff."""

    def load(work: Work) -> Loaded[StoredDisclosure] | None:
        stored = records.find(work, disclosure_id)
        facts = stored and patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        addressed = stored.recipient_id == work.caller.recipient_id
        return Loaded(
            stored,
            replace(facts, recipient_is_caller=addressed),
            "disclosure",
            stored.id,
            patient_id=stored.patient_id,
        )

    return load


def _denied_again(rules: DisclosureRules, stored: StoredDisclosure, found: Gathered | None) -> Denial:
    return Denial(
        action=Action.PACKAGE_FETCH,
        object_kind="disclosure",
        object_id=stored.id,
        patient_id=stored.patient_id,
        consent_id=stored.consent_id,
        recipient_id=stored.recipient_id,
        policies=() if found is None else tuple(rules_of(found.decision)),
        detail={
            "reason": "no_longer_permitted",
            **({} if found is None else entry_detail(found, rules.words)),
        },
        also=None if found is None else lambda work: report_damage(work, rules, found),
    )


def _check_units(work: Work, stored: StoredDisclosure, found: Gathered) -> None:
    """Staff see in a package only what comes from units they work in: that something may leave the program
    does not open it to another department (42 CFR 2.12(c)(3)).
    """
    elsewhere = {item.unit for item in found.situation.items} - work.caller.units
    if work.caller.kind is CallerKind.STAFF and elsewhere:
        work.refuse(
            Refused(Code.NOT_PERMITTED, "This package holds records of a unit you do not work in."),
            Denial(
                action=Action.PACKAGE_FETCH,
                object_kind="disclosure",
                object_id=stored.id,
                patient_id=stored.patient_id,
                recipient_id=stored.recipient_id,
                detail={"reason": "unit_not_assigned"},
            ),
        )


def _not_again(work: Work, rules: DisclosureRules, found: Gathered | None) -> ConsentryError:
    """Why the package stays: with the decision for staff, as nothing at all for anybody outside."""
    if work.caller.is_outside:
        return NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return Refused(
        Code.DISCLOSURE_DENIED,
        "What this package rests on no longer permits it.",
        decision=None if found is None else decision_document(found.decision, rules.words),
    )
