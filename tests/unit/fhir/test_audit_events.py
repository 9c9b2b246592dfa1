"""The trail as AuditEvents: valid R4, and what IHE's profiles demand is there (BALP, https://profiles.ihe.net/ITI/BALP)."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from service.access.actions import Action
from service.config import ROOT
from service.custody.entry import StoredEntry
from service.fhir.audit_codes import LOCAL_PURPOSES, known
from service.fhir.audit_event import audit_events

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
DCM = "http://dicom.nema.org/resources/ontology/DCM#"
REST = "http://hl7.org/fhir/restful-interaction#"
AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ENTRY = StoredEntry(
    id=UUID(int=1), tree=UUID(int=2), occurred_at=AT, recorded_at=AT, actor_kind="staff", actor_id=UUID(int=3),
    session_id=UUID(int=4), action="patient.read", outcome="permit", purpose="TREAT", object_kind="patient",
    object_id=UUID(int=5), object_version=2, patient_id=UUID(int=5), consent_id=None, recipient_id=None, basis=None,
    policy_set="a" * 64, policies='["roles.read"]', detail="{}", request_id="request-1",
)  # fmt: skip

#: From the profiles: type, a subtype, action, agents (type: must have a network), entities (type, role).
_CLIENT_WRITES = {f"{DCM}110153": True, f"{DCM}110152": True}
_PATIENT = (f"{TERMINOLOGY}audit-entity-type#1", f"{TERMINOLOGY}object-role#1")
_DATA = (f"{TERMINOLOGY}audit-entity-type#2", f"{TERMINOLOGY}object-role#4")
_QUERY = (f"{TERMINOLOGY}audit-entity-type#2", f"{TERMINOLOGY}object-role#24")
_REST_TYPE = f"{TERMINOLOGY}audit-event-type#rest"
_IRCP = f"{TERMINOLOGY}v3-ParticipationType#IRCP"
_AUT = f"{TERMINOLOGY}v3-ParticipationType#AUT"
PROFILES: dict[str, tuple[str, str, str, dict[str, bool], set[tuple[str, str]]]] = {
    "PatientRead": (_REST_TYPE, f"{REST}read", "R", {**_CLIENT_WRITES, _IRCP: False}, {_PATIENT, _DATA}),
    "Read": (_REST_TYPE, f"{REST}read", "R", {**_CLIENT_WRITES, _IRCP: False}, {_DATA}),
    "PatientCreate": (_REST_TYPE, f"{REST}create", "C", {**_CLIENT_WRITES, _AUT: False}, {_PATIENT, _DATA}),
    "Create": (_REST_TYPE, f"{REST}create", "C", {**_CLIENT_WRITES, _AUT: False}, {_DATA}),
    "PatientUpdate": (_REST_TYPE, f"{REST}update", "U", {**_CLIENT_WRITES, _AUT: False}, {_PATIENT, _DATA}),
    "Update": (_REST_TYPE, f"{REST}update", "U", {**_CLIENT_WRITES, _AUT: False}, {_DATA}),
    "PatientDelete": (
        _REST_TYPE, f"{REST}delete", "D",
        {f"{DCM}110150": True, f"{TERMINOLOGY}provenance-participant-type#custodian": True, _AUT: False},
        {_PATIENT, _DATA},
    ),
    "PatientQuery": (_REST_TYPE, f"{REST}search", "E", {**_CLIENT_WRITES, _IRCP: False}, {_PATIENT, _QUERY}),
    "Query": (_REST_TYPE, f"{REST}search", "E", {**_CLIENT_WRITES, _IRCP: False}, {_QUERY}),
    "PrivacyDisclosure.Source": (
        f"{DCM}110106", f"{TERMINOLOGY}iso-21089-lifecycle#disclose", "R", _CLIENT_WRITES, {_PATIENT},
    ),
    "AuthZconsent": (
        f"{DCM}110113", "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType#AuthZ-Consent", "E",
        {
            f"{DCM}110150": True, _IRCP: False, f"{TERMINOLOGY}v3-RoleClass#PROV": False,
            f"{TERMINOLOGY}extra-security-role-type#authserver": False,
        },
        {_PATIENT, ("http://hl7.org/fhir/resource-types#Consent", "")},
    ),
}  # fmt: skip


def _code(coding: dict[str, Any] | None) -> str:
    return f"{coding['system']}#{coding['code']}" if coding else ""


def _demanded(event: dict[str, Any], profile: str) -> None:
    kind, subtype, letter, agents, entities = PROFILES[profile]
    assert event["meta"]["profile"] == [
        f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{profile}"
    ]
    assert _code(event["type"]) == kind
    assert subtype in [_code(one) for one in event["subtype"]]
    assert event["action"] == letter
    assert event["recorded"]
    found = {_code(one["type"]["coding"][0]): one for one in event["agent"]}
    assert len(found) == len(event["agent"])
    for role, networked in agents.items():
        assert found[role]["who"], role
        assert ("network" in found[role]) is networked, role
    assert found.get(_IRCP, found.get(_AUT, {"requestor": True}))["requestor"] is True
    seen = {(_code(one["type"]), _code(one.get("role"))) for one in event["entity"]}
    assert entities <= seen
    for one in event["entity"]:
        if (_code(one["type"]), _code(one.get("role"))) == _QUERY:
            assert one["query"]
            assert not {"what", "lifecycle", "detail"} & set(one)
        else:
            assert one["what"]
    if profile == "AuthZconsent":
        assert {role for role, _ in seen} == {role for role, _ in entities}, "the list of entities is closed"
        server = found[f"{TERMINOLOGY}extra-security-role-type#authserver"]
        assert server["who"] == event["source"]["observer"]
        assert not any(one["requestor"] for role, one in found.items() if role != _IRCP)
    elif profile == "PrivacyDisclosure.Source":
        assert found[f"{DCM}110153"]["who"] == event["source"]["observer"]
    else:
        assert event["outcome"] == "0", "the profiles are about what succeeded"


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["PatientRead"]),
    ({"action": "program.read", "patient_id": None}, ["Read"]),
    ({"action": "patient.register"}, ["PatientCreate"]),
    ({"action": "recipient.register", "patient_id": None}, ["Create"]),
    ({"action": "patient.update"}, ["PatientUpdate"]),
    ({"action": "user.manage", "patient_id": None}, ["Update"]),
    ({"action": "key.shred_approve"}, ["PatientDelete"]),
    ({"action": "consent.list", "object_id": None}, ["PatientQuery"]),
    ({"action": "patient.search", "patient_id": None, "object_id": None, "detail": '{"found":0}'}, ["Query"]),
    ({"action": "disclosure.make", "recipient_id": UUID(int=8)}, ["PrivacyDisclosure.Source"]),
    (
        {"action": "disclosure.make", "recipient_id": UUID(int=8), "consent_id": UUID(int=7), "outcome": "partial"},
        ["PrivacyDisclosure.Source", "AuthZconsent"],
    ),
    ({"action": "package.fetch", "consent_id": UUID(int=7)}, ["PrivacyDisclosure.Source", "AuthZconsent"]),
    ({"action": "disclosure.preview", "consent_id": UUID(int=7)}, ["AuthZconsent"]),
    ({"action": "disclosure.make", "consent_id": UUID(int=7), "outcome": "deny"}, ["AuthZconsent"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "profiles"), CASES, ids=[f"{n}-{c[1][0]}" for n, c in enumerate(CASES)])
def test_what_the_profile_demands_is_there(changes: dict[str, Any], profiles: list[str]) -> None:
    events = audit_events(replace(ENTRY, **changes), "test")
    assert len(events) == len(profiles)
    for event, profile in zip(events, profiles, strict=True):
        AuditEvent.model_validate(event)
        _demanded(event, profile)


def test_a_refusal_is_a_failure_with_its_code_and_claims_no_success() -> None:
    (event,) = audit_events(replace(ENTRY, outcome="deny", detail='{"reason":"not_permitted"}'), "test")
    AuditEvent.model_validate(event)
    assert event["outcome"] == "8"
    assert event["outcomeDesc"] == "refused: not_permitted"
    assert "meta" not in event
    assert _code(event["type"]) == f"{DCM}110113"


@pytest.mark.parametrize("action", Action, ids=str)
@pytest.mark.parametrize("outcome", ["permit", "partial", "deny"])
def test_every_act_is_a_valid_resource_with_ids_only(action: Action, outcome: str) -> None:
    assert known(action.value), "audit_codes does not say what kind of act this is"
    bare = replace(
        ENTRY, action=action.value, outcome=outcome, actor_id=None, session_id=None, object_id=None, patient_id=None,
        purpose=None, request_id="",
    )  # fmt: skip
    for entry in (bare, replace(ENTRY, action=action.value, outcome=outcome, consent_id=UUID(int=7))):
        for event in audit_events(entry, "test"):
            AuditEvent.model_validate(event)
            assert len(event["id"]) <= 64
            assert '"name"' not in json.dumps(event)
            assert '"display": "version' not in json.dumps({**event, "entity": []})


def test_codes_that_are_not_hl7s_are_not_said_to_be() -> None:
    """The list in the file of purposes is the one here."""
    text = (Path(ROOT) / "policies" / "purposes.yaml").read_text()
    said = text[text.index("where HL7 has none, our own:") : text.index("HL7's hierarchy")]
    assert set(re.findall(r"\b[A-Z]{4,}\b", said.partition("our own:")[2])) == LOCAL_PURPOSES
    (event,) = audit_events(replace(ENTRY, purpose="HOUSING"), "test")
    assert event["purposeOfEvent"][0]["coding"][0]["system"] == "urn:consentry:purpose"
