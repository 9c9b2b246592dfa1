"""One thing about a consent, or about a paper, made otherwise: mostly broken, sometimes only different."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from service.consent.model import (
    ConsentState,
    Discloser,
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
)
from service.evidence.model import Evidence, EvidenceState
from tests.oracle import world
from tests.oracle.choosing import Choose
from tests.oracle.consenting import Plan, a_class, an_intermediary, expires, named
from tests.oracle.papers import REQUIRED

STATEMENTS = (
    *("revocation", "revocation_how", "hipaa_redisclosure", "redisclosure_potential", "refusal_consequences"),
    "fundraising_optout",
)

Break = Callable[[Choose, Plan, date], None]


def _terms(**change: object) -> Break:
    def change_terms(choose: Choose, plan: Plan, day: date) -> None:
        plan.terms = replace(plan.terms, **change)  # type: ignore[arg-type]

    return change_terms


def _scope(**change: object) -> Break:
    def change_scope(choose: Choose, plan: Plan, day: date) -> None:
        plan.terms = replace(plan.terms, scope=replace(plan.terms.scope, **change))  # type: ignore[arg-type]

    return change_scope


def _plan(**change: object) -> Break:
    def change_plan(choose: Choose, plan: Plan, day: date) -> None:
        for name, value in change.items():
            setattr(plan, name, value)

    return change_plan


def unsay(choose: Choose, plan: Plan, day: date) -> None:
    """A statement the text does not make."""
    left_out = replace(plan.terms.statements, **{choose.one(STATEMENTS): False})
    plan.terms = replace(plan.terms, statements=left_out)


def _dates(choose: Choose, plan: Plan, day: date) -> None:
    first, last = choose.one(
        ((day - timedelta(days=50), None), (None, day - timedelta(days=50)), (day, day - timedelta(days=1)))
    )
    plan.terms = replace(plan.terms, scope=replace(plan.terms.scope, first_day=first, last_day=last))


def _ended(choose: Choose, plan: Plan, day: date) -> None:
    """The last day passed, or the event happened."""
    match choose.number(0, 3):
        case 0:
            expires(plan, ExpiryKind.DATE, on=day - timedelta(days=1))
        case 1:
            expires(plan, ExpiryKind.EVENT, event="discharge")
            plan.events.append(("discharge", day))
        case 2:
            expires(plan, ExpiryKind.END_OF_TREATMENT)
            plan.events.append((choose.one(("discharge", "end_of_treatment")), day))
        case _:
            expires(plan, ExpiryKind.EVENT, event="study_end")
            plan.rulings = ("event_happened",)


def _unknown_event(choose: Choose, plan: Plan, day: date) -> None:
    expires(plan, ExpiryKind.EVENT, event="when the tides turn")
    plan.rulings = choose.one(((), (), ("event_not_happened",), ("event_happened",)))


def _not_yet(choose: Choose, plan: Plan, day: date) -> None:
    plan.active_from = plan.today.now + timedelta(seconds=1)


def _revoked_here(choose: Choose, plan: Plan, day: date) -> None:
    plan.revoked = (choose.one((world.RECIPIENT, world.CLASS, world.VIA, world.OTHER)),)


def _other_purpose(choose: Choose, plan: Plan, day: date) -> None:
    plan.terms = replace(
        plan.terms, purposes=(choose.one(("CHARITY", "TREAT", "HPAYMT", "SUPNWK", "HLEGAL")),)
    )


def _other_recipients(choose: Choose, plan: Plan, day: date) -> None:
    plan.terms = replace(
        plan.terms,
        recipients=choose.one(
            (
                (),
                (named(world.OTHER, name="Oak Testclinic"),),
                (a_class("treating_providers"),),
                (a_class("tpo"),),
                (an_intermediary(world.VIA, designation="treating_providers"),),
                (named(world.RECIPIENT), named(world.OTHER, name="Oak Testclinic")),
            )
        ),
    )


def _other_way(choose: Choose, plan: Plan, day: date) -> None:
    """The intermediary unnamed, open to everybody, with nobody behind it, or another one."""
    plan.terms = replace(
        plan.terms,
        recipients=(
            choose.one(
                (
                    an_intermediary(world.VIA, designation="all_participants"),
                    an_intermediary(world.VIA),
                    an_intermediary(world.OTHER_VIA, designation="treating_providers"),
                    an_intermediary(world.VIA, participants=(world.OTHER,)),
                    replace(an_intermediary(world.VIA, designation="treating_providers"), name=" "),
                )
            ),
        ),
    )


def _after_signing(choose: Choose, plan: Plan, day: date) -> None:
    plan.changed_after = lambda terms: replace(terms, patient_name="Sam Testperson")


BREAKS: tuple[Break, ...] = (
    unsay,
    unsay,
    _terms(patient_name=" "),
    _terms(disclosers=()),
    _terms(disclosers=(Discloser("U3", "Test Dual Diagnosis IOP"),)),
    _terms(disclosers=(Discloser("U2", "Test Mental Health IOP"),)),
    _terms(purposes=()),
    _terms(purposes=("SORCERY",)),
    _other_purpose,
    _terms(form=Form.ORAL),
    _terms(form=None),
    _terms(expiry=None),
    _terms(expiry=Expiry(ExpiryKind.DATE)),
    _terms(expiry=Expiry(ExpiryKind.EVENT, event=" ")),
    _terms(expiry=Expiry(ExpiryKind.NONE)),
    _terms(initiated_by=Initiator.STAFF),
    _terms(initiated_by=None),
    _terms(program_intends_fundraising=True),
    _terms(conditioned=True),
    _terms(justice_condition=None),
    _terms(revocable_after=None),
    _terms(proceeding=" "),
    _other_recipients,
    _other_way,
    _scope(kinds=()),
    _scope(labels=()),
    _scope(labels=("SUD",)),
    _scope(labels=("SUD", "HIV")),
    _scope(kinds=("attendance",)),
    _scope(kinds=("attendance", "counseling_note")),
    _scope(kinds=("counseling_note",)),
    _scope(kinds=("psychotherapy_note",)),
    _scope(kinds="all"),
    _dates,
    _dates,
    _ended,
    _ended,
    _unknown_event,
    _unknown_event,
    _not_yet,
    _revoked_here,
    _revoked_here,
    _after_signing,
    _plan(state=ConsentState.DRAFT),
    _plan(state=ConsentState.REVOKED),
    _plan(state=ConsentState.EXPIRED),
    _plan(state=ConsentState.SUPERSEDED),
    _plan(state=ConsentState.ENTERED_IN_ERROR),
    _plan(roles=()),
    _plan(roles=("parent",)),
    _plan(roles=("neighbour",)),
    _plan(roles=("patient", "neighbour")),
    _plan(roles=("personal_representative",)),
    _plan(roles=("program_director",)),
    _plan(signed_on=None),
    lambda choose, plan, day: setattr(plan, "signed_on", day + timedelta(days=1)),
    lambda choose, plan, day: setattr(plan, "signed_on", day),
    _plan(patient=world.OTHER_PATIENT),
    _plan(rulings=("doubted",)),
    _plan(rulings=("doubted",)),
    _plan(rulings=("false",)),
    _plan(rulings=("doubted", "false")),
    _plan(text_version="v1999-01"),
    _plan(signed_other_words=True),
    _plan(kept_other_words=True),
)


def break_consent(choose: Choose, plan: Plan) -> None:
    """One thing about the consent made otherwise."""
    choose.one(BREAKS)(choose, plan, world.local_day(plan.today))


def break_paper(choose: Choose, paper: Evidence, day: date) -> Evidence:
    """One thing about the paper made otherwise."""
    given = dict(paper.particulars)
    match choose.number(0, 11):
        case 0:
            given[choose.one(REQUIRED[paper.kind.value])] = choose.one((None, None, " "))
            return replace(paper, particulars=given)
        case 1 | 2 | 3:
            flags = sorted(name for name, value in given.items() if isinstance(value, bool))
            if flags:
                name = choose.one(flags)
                given[name] = not given[name]
            elif given:
                given.pop(choose.one(sorted(given)))
            return replace(paper, particulars=given)
        case 4:
            return replace(paper, state=choose.one((EvidenceState.RECORDED, EvidenceState.ENDED)))
        case 5:
            roles = choose.one((frozenset[str](), frozenset({"intake"}), frozenset({"clinician"})))
            return replace(paper, signed_off_roles=roles)
        case 6:
            return replace(paper, starts_on=day - timedelta(days=30), ends_on=day - timedelta(days=1))
        case 7:
            return replace(
                paper, starts_on=day - timedelta(days=choose.one((3, 2))), ends_on=choose.one((None, day))
            )
        case 8:
            return replace(paper, starts_on=day + timedelta(days=1), ends_on=day + timedelta(days=20))
        case 9:
            return replace(paper, recipients=frozenset({world.OTHER}))
        case 10:
            other = None if paper.patient_id else world.PATIENT
            return replace(paper, patient_id=choose.one((world.OTHER_PATIENT, other)))
        case _:
            kinds = choose.one(("all", frozenset[str](), frozenset({"attendance"})))
            return replace(paper, kinds=kinds, items=frozenset())
