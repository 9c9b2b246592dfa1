"""The trail as FHIR R4 AuditEvent, following IHE Basic Audit Log Patterns (BALP 1.1, https://profiles.ihe.net/ITI/BALP).

One entry gives one resource; one by which a disclosure was decided under a consent gives two, because BALP keeps the
decision (AuthZconsent) and the disclosure (PrivacyDisclosure.Source) apart. `meta.profile` names a profile only where
its demands are met: BALP's profiles are about what succeeded, so a refusal claims none but AuthZconsent. Nothing is
ever imported here, so PrivacyDisclosure.Recipient never occurs: a recipient of ours records it.

Ids only: no name of anybody, no address. The service keeps no network address of callers; where a profile asks for one,
it is marked as unknown (data-absent-reason), which is what it is.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from service.custody.entry import StoredEntry
from service.fhir.audit_codes import (
    ACTREASON,
    AUTHZ_SUBTYPES,
    DCM,
    DISCLOSING,
    ENTITY_TYPES,
    LOCAL_PURPOSES,
    PROFILES,
    RESTFUL,
    Interaction,
    interaction_of,
)
from service.fhir.vocabulary import ABSENT

Resource = dict[str, Any]

_OUTCOME: Final = {"permit": "0", "partial": "0", "deny": "8"}
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"
#: Agents of a RESTful act: DICOM roles of whoever asks and of the service. Data flows to the one who reads; with a
#: query, as BALP notes, it is the parameters that are taken to flow.
_CLIENT: Final[Mapping[Interaction, tuple[str, str]]] = {
    Interaction.READ: (DCM, "110152"),
    Interaction.DELETE: (DCM, "110150"),
}
_SERVER: Final[Mapping[Interaction, tuple[str, str]]] = {
    Interaction.READ: (DCM, "110153"),
    Interaction.DELETE: (f"{_TERMINOLOGY}provenance-participant-type", "custodian"),
}
_ASKING: Final = (DCM, "110153")
_ANSWERING: Final = (DCM, "110152")
#: A person who reads or asks receives information; one who writes is its author (BALP, value set DataSources).
_RECEIVING: Final = frozenset({Interaction.READ, Interaction.SEARCH, Interaction.EXECUTE})


def audit_events(entry: StoredEntry, deployment: str) -> tuple[Resource, ...]:
    """The resources of one entry; `deployment` names the service that observed it."""
    made: list[Resource] = []
    interaction = interaction_of(entry.action)
    disclosing = entry.action in DISCLOSING and entry.patient_id is not None
    if disclosing and entry.outcome != "deny":
        made.append(_disclosure(entry, deployment))
    elif not _is_decision(entry):
        made.append(_restful(entry, interaction, deployment))
    if _is_decision(entry):
        made.append(_decision(entry, deployment, suffix="-decision" if made else ""))
    return tuple(made)


def _is_decision(entry: StoredEntry) -> bool:
    """Decided under a consent: what AuthZconsent demands is there, the patient, the consent and who asked."""
    known = entry.patient_id is not None and entry.consent_id is not None and entry.actor_id is not None
    return known and (entry.action in DISCLOSING or entry.action == "disclosure.preview")


# -- three kinds of event ----------------------------------------------------------------------------------------


def _restful(entry: StoredEntry, interaction: Interaction, deployment: str) -> Resource:
    """An act on something kept here, or an event of the service (BALP: Read, Create, Update, Delete, Query)."""
    event = _base(entry, deployment)
    event["action"] = interaction.letter
    if interaction is Interaction.EXECUTE or entry.outcome == "deny":
        event["type"] = _coding(DCM, "110113", "Security Alert")
        event["subtype"] = [_own_subtype(entry)]
    else:
        event["type"] = _coding(f"{_TERMINOLOGY}audit-event-type", "rest", "Restful Operation")
        event["subtype"] = [_coding(RESTFUL, interaction.value), _own_subtype(entry)]
        if interaction is Interaction.SEARCH or entry.object_id is not None:
            event["meta"] = _profile(f"{'Patient' if entry.patient_id else ''}{interaction.profile}")
    client, server = _CLIENT.get(interaction, _ASKING), _SERVER.get(interaction, _ANSWERING)
    event["agent"] = [
        _agent(client, _session(entry), requestor=entry.actor_id is None, network=_unknown()),
        _agent(server, _service(deployment), network=_address(deployment)),
        *_user(entry, "IRCP" if interaction in _RECEIVING else "AUT"),
    ]
    event["entity"] = [_request(entry), *_subject(entry, interaction), *_patient(entry)]
    return event


def _disclosure(entry: StoredEntry, deployment: str) -> Resource:
    """Something left the program (BALP: PrivacyDisclosure.Source)."""
    event = _base(entry, deployment)
    event |= {
        "meta": _profile("PrivacyDisclosure.Source"),
        "type": _coding(DCM, "110106", "Export"),
        "subtype": [_coding(f"{_TERMINOLOGY}iso-21089-lifecycle", "disclose"), _own_subtype(entry)],
        "action": "R",
    }
    recipient = (
        _identified("recipient", entry.recipient_id) if entry.recipient_id is not None else _session(entry)
    )
    event["agent"] = [
        _agent(_ASKING, _service(deployment), network=_address(deployment)),
        _agent(_ANSWERING, recipient, requestor=entry.actor_id is None, network=_unknown()),
        *_user(entry, "IRCP"),
    ]
    event["entity"] = [*_patient(entry), *_subject(entry, Interaction.READ), _request(entry)]
    return event


def _decision(entry: StoredEntry, deployment: str, *, suffix: str) -> Resource:
    """What was decided under a consent (BALP: AuthZconsent; its entities are a closed list)."""
    event = _base(entry, deployment)
    event |= {
        "id": f"{entry.id}{suffix}",
        "meta": _profile("AuthZconsent"),
        "type": _coding(DCM, "110113", "Security Alert"),
        "subtype": [_coding(AUTHZ_SUBTYPES, "AuthZ-Consent")],
        "action": "E",
    }
    organisation = (
        _identified("recipient", entry.recipient_id)
        if entry.recipient_id is not None
        else _identified("program", entry.tree)
    )
    event["agent"] = [
        _agent((DCM, "110150"), _session(entry), network=_unknown()),
        *_user(entry, "IRCP", with_policies=False),
        _agent((f"{_TERMINOLOGY}v3-RoleClass", "PROV"), organisation),
        _agent((f"{_TERMINOLOGY}extra-security-role-type", "authserver"), _service(deployment)),
    ]
    event["entity"] = [
        *_patient(entry),
        {
            "type": _coding("http://hl7.org/fhir/resource-types", "Consent"),
            "what": {"reference": f"Consent/{entry.consent_id}"},
        },
    ]
    return event


# -- parts -------------------------------------------------------------------------------------------------------


def _base(entry: StoredEntry, deployment: str) -> Resource:
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": str(entry.id),
        "period": {"start": _instant(entry.occurred_at), "end": _instant(entry.occurred_at)},
        "recorded": _instant(entry.recorded_at),
        "outcome": _OUTCOME[entry.outcome],
        "source": {
            "site": deployment,
            "observer": _service(deployment),
            "type": [_coding(f"{_TERMINOLOGY}security-source-type", "4", "Application Server")],
        },
    }
    if described := _described(entry):
        event["outcomeDesc"] = described
    if entry.purpose is not None:
        event["purposeOfEvent"] = [{"coding": [_purpose(entry.purpose)]}]
    return event


def _described(entry: StoredEntry) -> str | None:
    """Codes, never words about a person: why it was refused, or that only part was permitted."""
    if entry.outcome == "permit":
        return None
    if entry.outcome == "partial":
        return "permitted in part"
    detail: dict[str, Any] = json.loads(entry.detail)
    return f"refused: {detail.get('reason') or detail.get('code') or 'not_permitted'}"


def _user(entry: StoredEntry, role: str, *, with_policies: bool = True) -> list[Resource]:
    if entry.actor_id is None:
        return []
    user = _agent(
        (f"{_TERMINOLOGY}v3-ParticipationType", role), _identified("account", entry.actor_id), requestor=True
    )
    if with_policies and (policies := json.loads(entry.policies)):
        user["policy"] = [f"urn:consentry:policy:{name}" for name in policies]
    if entry.purpose is not None:
        user["purposeOfUse"] = [{"coding": [_purpose(entry.purpose)]}]
    return [user]


def _subject(entry: StoredEntry, interaction: Interaction) -> list[Resource]:
    """What was acted on; of a query the question as the trail keeps it: which filters, and never their values."""
    system_object = _coding(f"{_TERMINOLOGY}audit-entity-type", "2", "System Object")
    if interaction is Interaction.SEARCH:
        return [
            {
                "type": system_object,
                "role": _coding(f"{_TERMINOLOGY}object-role", "24", "Query"),
                "query": b64encode(entry.detail.encode()).decode("ascii"),
            }
        ]
    if entry.object_id is None:
        return []
    what = _identified(entry.object_kind or "object", entry.object_id)
    if entry.object_version is not None:
        what["display"] = f"version {entry.object_version}"
    return [
        {
            "type": system_object,
            "role": _coding(f"{_TERMINOLOGY}object-role", "4", "Domain Resource"),
            "what": what,
        }
    ]


def _patient(entry: StoredEntry) -> list[Resource]:
    if entry.patient_id is None:
        return []
    return [
        {
            "type": _coding(f"{_TERMINOLOGY}audit-entity-type", "1", "Person"),
            "role": _coding(f"{_TERMINOLOGY}object-role", "1", "Patient"),
            "what": {"reference": f"Patient/{entry.patient_id}"},
        }
    ]


def _request(entry: StoredEntry) -> Resource:
    what = {"identifier": {"value": entry.request_id or str(entry.id)}}
    return {"type": _coding(ENTITY_TYPES, "XrequestId"), "what": what}


def _agent(
    kind: tuple[str, str], who: Resource, *, requestor: bool = False, network: Resource | None = None
) -> Resource:
    agent: Resource = {"type": {"coding": [_coding(*kind)]}, "who": who, "requestor": requestor}
    return agent if network is None else agent | {"network": network}


def _service(deployment: str) -> Resource:
    return {"identifier": {"system": "urn:consentry:deployment", "value": deployment}}


def _session(entry: StoredEntry) -> Resource:
    """The client as the trail knows it: the session, or the request where there was none."""
    if entry.session_id is not None:
        return _identified("session", entry.session_id)
    return {"identifier": {"system": "urn:consentry:request", "value": entry.request_id or str(entry.id)}}


def _identified(kind: str, value: UUID) -> Resource:
    return {"identifier": {"system": f"urn:consentry:{kind}", "value": str(value)}}


def _address(deployment: str) -> Resource:
    return {"address": f"urn:consentry:deployment:{deployment}", "type": "5"}


def _unknown() -> Resource:
    return {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}


def _own_subtype(entry: StoredEntry) -> Resource:
    return _coding("urn:consentry:action", entry.action)


def _purpose(code: str) -> Resource:
    return _coding("urn:consentry:purpose" if code in LOCAL_PURPOSES else ACTREASON, code)


def _profile(name: str) -> Resource:
    return {"profile": [f"{PROFILES}{name}"]}


def _coding(system: str, code: str, display: str | None = None) -> Resource:
    coding = {"system": system, "code": code}
    return coding if display is None else coding | {"display": display}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
