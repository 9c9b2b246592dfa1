"""Consents built from the rows of tests/scenarios/consent_validity.yaml, and from a few keywords."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

from service.access.purposes import read_purposes
from service.consent.document import rendered_hash
from service.consent.elements import CHECKED, Assessment, Signing, missing_at_signing
from service.consent.match import classes_of
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
    Reason,
    Recipient,
    Scope,
    Signature,
    SignatureMethod,
    Statements,
    Today,
)
from service.consent.rulebook import load_rulebook
from service.consent.signers import Authority, normal, signer_faults
from service.consent.validity import against, local_day
from service.people.at_law import PatientAtLaw
from service.people.recipient import RecipientClass, RecipientType
from service.people.state_rules import StateRule

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "policies"
BOOK = load_rulebook(POLICIES, CHECKED)
TEXT = BOOK.texts["v2026-02"]
CLASSES = classes_of(read_purposes((POLICIES / "purposes.yaml").read_text(encoding="utf-8")))
ZONE = "America/New_York"

_SCENARIOS = yaml.safe_load((ROOT / "tests/scenarios/consent_validity.yaml").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = _SCENARIOS["rows"]
FIXTURES: dict[str, dict[str, Any]] = _SCENARIOS["fixtures"]
NOW: datetime = _SCENARIOS["now"]

PATIENT = UUID("00000000-0000-7000-8000-00000000aaaa")
_NAMES = UUID("00000000-0000-7000-8000-00000000bbbb")


def known_as(name: str) -> UUID:
    """The register's id for a recipient of this name: the same name, the same id."""
    return uuid5(_NAMES, name)


def _selection(given: Any) -> Any:
    return given if given == "all" else tuple(given)


def _recipient(given: Mapping[str, Any]) -> Recipient:
    if "class" in given:
        code = RecipientClass(given["class"])
        return Recipient(known_as(code.value), RecipientType.CLASS, code.value, code)
    return Recipient(
        known_as(given["name"]),
        RecipientType(given.get("type", "entity")),
        given["name"],
        covered_entity=given.get("covered_entity", False),
        business_associate=given.get("business_associate", False),
        participants=tuple(known_as(name) for name in given.get("participants", [])),
        participant_names=tuple(given.get("participants", [])),
        general_designation=given.get("general_designation"),
        address=given.get("address"),
    )


_PARTICULARS = (
    "program_intends_fundraising",
    "conditioned",
    "justice_condition",
    "revocable_after",
    "proceeding",
    "within_200_miles",
)


def terms_of(given: Mapping[str, Any]) -> ConsentTerms:
    """Terms as a fixture of the scenario file writes them."""
    scope, expiry = given["scope"], given["expiry"]
    return ConsentTerms(
        kind=ConsentKind(given["kind"]),
        program_name="Harbor Testprogram",
        patient_name=given["patient_name"],
        disclosers=tuple(Discloser(unit, f"Unit {unit}") for unit in given["disclosers"]),
        recipients=tuple(_recipient(r) for r in given["recipients"]),
        scope=Scope(
            _selection(scope["kinds"]),
            _selection(scope["labels"]),
            scope.get("from"),
            scope.get("to"),
            scope.get("description", ""),
        ),
        purposes=tuple(given["purposes"]),
        expiry=None
        if expiry is None
        else Expiry(ExpiryKind(expiry["kind"]), expiry.get("date"), expiry.get("event")),
        statements=Statements(**dict.fromkeys(given["statements"], True)),
        form=None if given["form"] is None else Form(given["form"]),
        initiated_by=Initiator(given["initiated_by"]) if "initiated_by" in given else None,
        **{name: given[name] for name in _PARTICULARS if name in given},
    )


def _roles(given: Any) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def record_of(given: Mapping[str, Any], state: ConsentState = ConsentState.ACTIVE) -> ConsentRecord:
    """A signed consent as a fixture of the scenario file writes it."""
    terms = terms_of(given)
    digest = rendered_hash(terms, TEXT)
    signatures = tuple(
        Signature(
            role=role,
            name=given.get("signers", {}).get(role, given["patient_name"].strip() or "Pat Testperson"),
            method=SignatureMethod(given["method"]),
            signed_on=given["signed_on"],
            recorded_at=given["active_from"],
            attestation=given["attestation"],
            text_sha256=digest if "signed_text" not in given else "0" * 64,
            account_id=PATIENT,
            authority=given.get("authority"),
            image_sha256="1" * 64 if given.get("image") else None,
        )
        for role in _roles(given["signer"])
    )
    return ConsentRecord(
        consent_id=known_as("consent"),
        patient_id=PATIENT,
        terms=terms,
        state=state,
        version=2,
        text_version=given.get("text_version", TEXT.version),
        created_at=datetime.combine(given["drafted_on"], datetime.min.time(), UTC),
        text_sha256=digest,
        signatures=signatures,
        active_from=given["active_from"],
        rulings=tuple((kind, NOW) for kind in given.get("rulings", [])),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One row: a consent, an instant, and what else is known."""

    given: Mapping[str, Any]
    state: ConsentState
    today: Today
    by: Authority

    def record(self) -> ConsentRecord:
        return record_of(self.given, self.state)

    def reasons(self) -> tuple[Reason, ...]:
        """Everything against the consent: at its signing, and at the row's instant."""
        record = self.record()
        signing_day = local_day(min(self.given["active_from"], self.today.now), ZONE)
        assessment = Assessment(record.terms, CLASSES, self.given["signed_on"] or signing_day)
        payment_only = assessment.purpose_classes() == frozenset({"payment"})
        signing = Signing(
            signatures=record.signatures,
            fresh=record.signatures,
            drafted_on=self.given["drafted_on"],
            today=signing_day,
            signer_faults=signer_faults(record.terms, record.signatures, self.by, payment_only=payment_only),
            text_sha256=rendered_hash(record.terms, TEXT),
            esign_barred=self.by.rule is not None and self.by.rule.electronic_signature == "barred",
        )
        at_signing = missing_at_signing(BOOK, assessment, signing)
        now = against(BOOK, record, CLASSES, self.today)
        return at_signing + tuple(reason for reason in now if reason.code != "C-NOT-SIGNED")

    def codes(self) -> set[str]:
        return {reason.code for reason in self.reasons()}


def case_of(row: Mapping[str, Any]) -> Case:
    """The case a row of the scenario file describes."""
    given = dict(FIXTURES[row["base"]])
    given["statements"] = [s for s in given["statements"] if s not in row.get("without", [])]
    given |= row.get("change", {})
    events: frozenset[tuple[str, date]] = frozenset((name, day) for name, day in row.get("events", []))
    return Case(
        given=given,
        state=ConsentState(row.get("state", "active")),
        today=Today(row.get("now", NOW), ZONE, events),
        by=authority_of(row),
    )


#: State law of nowhere, for rows about minors and electronic signatures.
_RULE = {
    "state": "ZZ",
    "service": "sud_outpatient",
    "age_of_majority": 18,
    "minor_may_self_consent_from": None,
    "parental_consent_required": True,
    "effective_from": date(2020, 1, 1),
    "source": "made up for tests",
    "conf": "policy",
}


def authority_of(row: Mapping[str, Any]) -> Authority:
    """Who may sign in a row: `patient` {age, deceased_on, adjudicated, emancipated}, `state_rule`, `related`
    {kind: name}, `director`. Without a word about it an adult of 34.
    """
    given = {"age": 34} | row.get("patient", {})
    age, emancipated = given["age"], given.get("emancipated", False)
    rule = StateRule(**(_RULE | row["state_rule"])) if "state_rule" in row else None
    majority = 18 if rule is None else rule.age_of_majority
    return Authority(
        patient=PatientAtLaw(
            id=PATIENT,
            age=age,
            minor=None if age is None else age < majority and not emancipated,
            emancipated=emancipated,
            deceased_on=given.get("deceased_on"),
            adjudicated=given.get("adjudicated", False),
        ),
        rule=rule,
        related=frozenset((kind, normal(name)) for kind, name in row.get("related", {}).items()),
        director=row.get("director", False),
    )


def consent(on: str = "C_SPEC", /, state: ConsentState = ConsentState.ACTIVE, **change: Any) -> ConsentRecord:
    """A consent that stands, but for what `change` says (names as in the scenario file)."""
    return record_of(FIXTURES[on] | change, state)


def resigned(record: ConsentRecord, terms: ConsentTerms) -> ConsentRecord:
    """The record with other terms, signed again: the words are intact, whatever they say."""
    digest = rendered_hash(terms, TEXT)
    return replace(
        record,
        terms=terms,
        text_sha256=digest,
        signatures=tuple(replace(s, text_sha256=digest) for s in record.signatures),
    )
