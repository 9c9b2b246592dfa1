"""Consents for situations: one that stands, of any kind, and one thing about it broken."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from service.consent.document import rendered_hash
from service.consent.model import (
    ConsentKind,
    ConsentRecord,
    ConsentState,
    ConsentTerms,
    Discloser,
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
    Recipient,
    Revocation,
    Scope,
    Signature,
    SignatureMethod,
    Statements,
    Today,
)
from service.people.recipient import RecipientClass, RecipientType
from tests.oracle import world
from tests.oracle.choosing import Choose
from tests.oracle.words import TEXT

_ALL_SAID = Statements(True, True, True, True, True, True)


@dataclass
class Plan:
    """A consent before it is signed: change anything, then `record()` signs what stands there."""

    terms: ConsentTerms
    today: Today
    signed_on: date | None
    number: int = 0
    roles: tuple[str, ...] = ("patient",)
    state: ConsentState = ConsentState.ACTIVE
    active_from: datetime | None = None
    patient: UUID = world.PATIENT
    text_version: str = TEXT.version
    revoked: tuple[UUID, ...] = ()
    rulings: tuple[str, ...] = ()
    #: What stands in the record once the signature is dry.
    changed_after: Callable[[ConsentTerms], ConsentTerms] | None = None
    signed_other_words: bool = False
    kept_other_words: bool = False
    events: list[tuple[str, date]] = field(default_factory=list[tuple[str, date]])

    def record(self) -> ConsentRecord:
        digest = rendered_hash(self.terms, TEXT)
        begun = datetime.combine(self.signed_on or date(2026, 1, 5), time(9), ZoneInfo(self.today.timezone))
        return ConsentRecord(
            consent_id=UUID(int=0xD0 + self.number),
            patient_id=self.patient,
            terms=self.changed_after(self.terms) if self.changed_after else self.terms,
            state=self.state,
            version=2,
            text_version=self.text_version,
            created_at=begun,
            text_sha256="e" * 64 if self.kept_other_words else digest,
            signatures=tuple(self._signature(role, begun, digest) for role in self.roles),
            active_from=begun if self.active_from is None else self.active_from,
            revocations=(
                (Revocation(begun, begun, "written", "patient", frozenset(self.revoked)),)
                if self.revoked
                else ()
            ),
            rulings=tuple((kind, begun + timedelta(minutes=n)) for n, kind in enumerate(self.rulings)),
        )

    def _signature(self, role: str, begun: datetime, digest: str) -> Signature:
        return Signature(
            role=role,
            name="Pat Testperson",
            method=SignatureMethod.TYPED,
            signed_on=self.signed_on,
            recorded_at=begun,
            attestation="I have read this and I agree.",
            text_sha256="f" * 64 if self.signed_other_words else digest,
            account_id=world.STAFF,
            authority=None if role == "patient" else "Letters of the Testcourt",
        )


def named(who: UUID, *, name: str = "Elm Testclinic", ce: bool = False) -> Recipient:
    return Recipient(who, RecipientType.ENTITY, name, covered_entity=ce, address="1 Test Street, Testville")


def a_class(which: str) -> Recipient:
    return Recipient(world.CLASS, RecipientType.CLASS, which, RecipientClass(which))


def an_intermediary(
    who: UUID, *, participants: tuple[UUID, ...] = (), designation: str | None = None
) -> Recipient:
    return Recipient(
        who,
        RecipientType.INTERMEDIARY,
        "Valley Testexchange",
        participants=participants,
        general_designation=designation,
    )


def terms(
    kind: str, recipients: tuple[Recipient, ...], purposes: tuple[str, ...], kinds: object = "all"
) -> ConsentTerms:
    """Terms with everything a consent of any kind must have."""
    return ConsentTerms(
        kind=ConsentKind(kind),
        program_name="Harbor Testprogram",
        patient_name="Pat Testperson",
        disclosers=(Discloser("*", "Harbor Testprogram"),),
        recipients=recipients,
        scope=Scope(kinds, "all"),  # type: ignore[arg-type]
        purposes=purposes,
        expiry=Expiry(ExpiryKind.DATE, date(2030, 12, 31)),
        statements=_ALL_SAID,
        form=Form.ELECTRONIC,
        initiated_by=Initiator.PATIENT,
        justice_condition="Condition of probation" if kind == "criminal_justice" else None,
        revocable_after="final_disposition" if kind == "criminal_justice" else None,
        proceeding="Test v. Example, No. 1" if kind == "legal_proceedings" else None,
    )


def signed(choose: Choose, today: Today, drafted: ConsentTerms, *roles: str) -> Plan:
    """Signed some day before, or today; sometimes in a lawful variant."""
    day = world.local_day(today)
    plan = Plan(
        drafted, today, day - timedelta(days=choose.one((10, 10, 100, 1))), roles=roles or ("patient",)
    )
    if choose.chance(35):
        vary(choose, plan, day)
    return plan


def vary(choose: Choose, plan: Plan, day: date) -> None:
    """Something else that the law allows as well."""
    tpo = plan.terms.purposes == ("TPO",)
    match choose.number(0, 6):
        case 0:
            expires(plan, ExpiryKind.DATE, on=day)  # the last day counts
        case 1 if tpo:
            expires(plan, ExpiryKind.NONE)
        case 2:
            expires(plan, ExpiryKind.EVENT, event="discharge")
            if choose.chance(50):
                # of an earlier episode, or entered for a day to come
                assert plan.signed_on is not None
                on = choose.one((plan.signed_on - timedelta(days=1), day + timedelta(days=1)))
                plan.events.append(("discharge", on))
        case 3:
            expires(plan, ExpiryKind.END_OF_TREATMENT)
        case 4:
            plan.rulings = ("doubted", "cleared")
        case 5:
            plan.terms = replace(plan.terms, form=Form.PAPER)
        case 6:
            if plan.roles == ("patient",):
                plan.roles = ("patient", choose.one(("parent", "guardian")))
        case _:
            plan.revoked = (world.OTHER,)


def expires(plan: Plan, kind: ExpiryKind, *, on: date | None = None, event: str | None = None) -> None:
    plan.terms = replace(plan.terms, expiry=Expiry(kind, on, event))
