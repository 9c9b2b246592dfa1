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
from service.consent.validity import against, local_day
from service.people.recipient import RecipientClass, RecipientType

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
    )


def record_of(given: Mapping[str, Any], state: ConsentState = ConsentState.ACTIVE) -> ConsentRecord:
    """A signed consent as a fixture of the scenario file writes it."""
    terms = terms_of(given)
    digest = rendered_hash(terms, TEXT)
    signatures: tuple[Signature, ...] = ()
    if given["signer"] is not None:
        signatures = (
            Signature(
                role=given["signer"],
                name=given["patient_name"].strip() or "Pat Testperson",
                method=SignatureMethod(given["method"]),
                signed_on=given["signed_on"],
                recorded_at=given["active_from"],
                attestation=given["attestation"],
                text_sha256=digest if "signed_text" not in given else "0" * 64,
                account_id=PATIENT,
                image_sha256="1" * 64 if given.get("image") else None,
            ),
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
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One row: a consent, an instant, and what else is known."""

    given: Mapping[str, Any]
    state: ConsentState
    today: Today
    of_age: bool | None

    def record(self) -> ConsentRecord:
        return record_of(self.given, self.state)

    def reasons(self) -> tuple[Reason, ...]:
        """Everything against the consent: at its signing, and at the row's instant."""
        record = self.record()
        signing_day = local_day(min(self.given["active_from"], self.today.now), ZONE)
        signing = Signing(
            signatures=record.signatures,
            drafted_on=self.given["drafted_on"],
            today=signing_day,
            of_age=self.of_age,
            text_sha256=rendered_hash(record.terms, TEXT),
        )
        events = frozenset(TEXT.events)
        at_signing = missing_at_signing(
            BOOK, Assessment(record.terms, CLASSES, events, self.given["signed_on"] or signing_day), signing
        )
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
        of_age=row.get("adult", True),
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
