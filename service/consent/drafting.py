"""From what somebody typed to the terms of a consent: codes are resolved, names are taken from the
registers.

A draft may lack anything that 2.31 asks for (it is told what, `elements`); it may not hold a word nobody
can act on: a unit, a kind of record or a label that does not exist is refused here.
"""

from collections.abc import Iterable, Sequence

from service.access.program import Program
from service.consent.commands import Draft
from service.consent.model import (
    SUPPORTED_KINDS,
    WHOLE_PROGRAM,
    ConsentKind,
    ConsentTerms,
    Discloser,
    Expiry,
    Recipient,
    Scope,
    Selection,
)
from service.consent.rulebook import ConsentText
from service.errors import Code, FieldError, Invalid
from service.labels import UnknownLabel, read_labels
from service.people.patient import Event


def kind_of(typed: str) -> ConsentKind:
    """The kind, if there is such a kind; raises Invalid `consent_kind_unsupported`."""
    try:
        return ConsentKind(typed)
    except ValueError:
        offered = ", ".join(sorted(SUPPORTED_KINDS))
        raise Invalid(
            Code.CONSENT_KIND_UNSUPPORTED,
            f"A consent can be written as {offered}.",
            [FieldError("kind", "unsupported", "There is no such kind of consent.")],
        ) from None


def terms_of(
    draft: Draft, program: Program, text: ConsentText, patient_name: str, recipients: Sequence[Recipient]
) -> ConsentTerms:
    """The terms of a draft. Raises Invalid naming every field that cannot be understood."""
    faults: list[FieldError] = []
    kind = kind_of(draft.kind)
    terms = ConsentTerms(
        kind=kind,
        program_name=program.name,
        patient_name=patient_name,
        disclosers=_disclosers(draft.disclosers, program, faults),
        recipients=tuple({r.recipient_id: r for r in recipients}.values()),
        scope=Scope(
            kinds=_kinds(draft.kinds, text, faults),
            labels=_labels(draft.labels, faults),
            first_day=draft.first_day,
            last_day=draft.last_day,
            description=draft.description,
        ),
        purposes=tuple(dict.fromkeys(code.strip() for code in draft.purposes if code.strip())),
        expiry=_expiry(draft.expiry),
        statements=draft.statements,
        form=draft.form,
        initiated_by=draft.initiated_by,
        language=text.language,
        program_intends_fundraising=draft.program_intends_fundraising,
        conditioned=draft.conditioned,
        justice_condition=draft.justice_condition,
        revocable_after=_revocable_after(draft.revocable_after),
        proceeding=draft.proceeding,
        within_200_miles=draft.within_200_miles,
    )
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "This consent cannot be written as it is.", faults)
    return terms


def _disclosers(typed: Iterable[str], program: Program, faults: list[FieldError]) -> tuple[Discloser, ...]:
    """Units by key or name; the program itself, by key or name or as "program", stands for all its units."""
    whole = {program.key.casefold(), program.name.casefold(), "program"}
    units = {u.key.casefold(): u for u in program.units.values()}
    units |= {u.name.casefold(): u for u in program.units.values()}
    found: dict[str, Discloser] = {}
    for place, name in enumerate(typed):
        wanted = " ".join(name.split()).casefold()
        if wanted in whole:
            found[WHOLE_PROGRAM] = Discloser(WHOLE_PROGRAM, program.name)
        elif wanted in units:
            found[units[wanted].key] = Discloser(units[wanted].key, units[wanted].name)
        else:
            known = ", ".join(sorted(program.units))
            message = f'Name a unit of this program ({known}), or "program" for all of them.'
            faults.append(FieldError(f"disclosers[{place}]", "unknown_discloser", message))
    return tuple(found.values())


def _kinds(given: Selection, text: ConsentText, faults: list[FieldError]) -> Selection:
    if given == "all":
        return given
    for place, kind in enumerate(given):
        if kind != "all" and kind not in text.kinds:
            known = ", ".join(sorted(text.kinds))
            faults.append(FieldError(f"scope.kinds[{place}]", "unknown_kind", f'One of {known}, or "all".'))
    kinds = tuple(dict.fromkeys(given))
    return "all" if kinds == ("all",) else kinds


def _labels(given: Selection, faults: list[FieldError]) -> Selection:
    if given == "all" or given == ("all",):
        return "all"
    try:
        return tuple(sorted(label.value for label in read_labels(given)))
    except UnknownLabel:
        faults.append(FieldError("scope.labels", "unknown_label", "A sensitivity label is not known."))
        return ()


def _expiry(given: Expiry | None) -> Expiry | None:
    """An event is a code of the list of events; what is not in it is kept as typed, and nobody here can say when
    it has happened (C-EXPIRY-UNKNOWN).
    """
    if given is None or given.event is None:
        return given
    return Expiry(given.kind, given.on, _event_code(given.event))


def _revocable_after(given: str | None) -> str | None:
    """A day as typed, an event as its code; anything else is kept and reported as missing."""
    return None if given is None else _event_code(given)


def _event_code(typed: str) -> str:
    code = "_".join(typed.split()).casefold()
    return code if code in set(Event) else typed.strip()
