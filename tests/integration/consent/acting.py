"""A row of tests/scenarios/consent_validity.yaml acted out over HTTP: who drafts, who signs, what happens then.

The clock stands where the row's consent was signed, the law of the state is the row's, and everybody the row knows of
is registered. What the API answers along the way are the codes of the row.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from service.people.state_rules import StateRule, StateRules
from tests.house import Client
from tests.integration.consent.desk import Desk, codes

_FILE = Path(__file__).parents[3] / "tests/scenarios/consent_validity.yaml"
_SCENARIOS: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
FIXTURES: dict[str, dict[str, Any]] = _SCENARIOS["fixtures"]
NOW: datetime = _SCENARIOS["now"]

#: What no request can say, because the service itself sees to it: the name comes from the register, the text from its
#: version, the moment from the clock. These rows are shown on the rules alone (tests/unit/consent).
BELOW_HTTP = frozenset({"patient_name", "signed_text", "drafted_on", "text_version", "active_from"})
ROWS: list[dict[str, Any]] = [
    row
    for row in _SCENARIOS["rows"]
    if not (BELOW_HTTP & row.get("change", {}).keys() and "http" not in row)
    and "state" not in row
    and row.get("http") != "rule"
]

SCAN = base64.b64encode(b"%PDF-1.7 a made-up scan").decode()
_RULE = {
    "state": "NY",
    "service": "sud_outpatient",
    "age_of_majority": 18,
    "minor_may_self_consent_from": None,
    "parental_consent_required": True,
    "effective_from": date(2020, 1, 1),
    "source": "made up for tests",
    "conf": "policy",
}
_NAMES = {"patient": "Pat Testperson", "program_director": "Dr Dana Director"}
_PARTICULARS = (
    "program_intends_fundraising",
    "conditioned",
    "justice_condition",
    "revocable_after",
    "proceeding",
    "within_200_miles",
    "initiated_by",
)


@contextmanager
def law_of_the_state(desk: Desk, given: Mapping[str, Any] | None) -> Iterator[None]:
    """The program's state has this rule, or none that anybody knows."""
    state = desk.service.house.state
    kept = state.rulebook
    rules = () if given is None else (StateRule(**(_RULE | given)),)
    state.rulebook = replace(kept, states=StateRules({("NY", "sud_outpatient"): rules}))
    try:
        yield
    finally:
        state.rulebook = kept


def act_out(desk: Desk, row: Mapping[str, Any]) -> set[str]:
    """Every code the service gave about the row's consent, from draft to the row's instant."""
    given = _given(row)
    with law_of_the_state(desk, row.get("state_rule")):
        desk.go_to(given["active_from"])
        patient_id = _patient(desk, row, given["active_from"].date())
        answer = desk.intake.post(f"/patients/{patient_id}/consents", _body(given))
        assert answer.status_code == 201, answer.text
        made = answer.json()
        found = codes(made["missing_elements"])
        if given["signer"] is None:
            return found | codes(made["not_in_force"])
        _happened_before(desk, patient_id, row)
        signed = _signed(desk, made["id"], given, row)
        if found or signed["state"] == "draft":
            assert not found or codes(signed["missing_elements"]) >= found
            return codes(signed["missing_elements"])
        desk.go_to(row.get("now", NOW))
        _happened_after(desk, patient_id, made["id"], row, given)
        read = desk.read(made["id"])
        assert read["in_force"] is (not read["not_in_force"])
        return codes(read["not_in_force"])


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(FIXTURES[row["base"]])
    given["statements"] = [s for s in given["statements"] if s not in row.get("without", [])]
    return given | row.get("change", {}) | (row["http"] if isinstance(row.get("http"), dict) else {})


def _recipient(given: Mapping[str, Any]) -> dict[str, Any]:
    if "class" in given:
        return {"type": "class", "class": given["class"]}
    body: dict[str, Any] = {"type": given.get("type", "entity"), "name": given["name"]}
    kept = ("covered_entity", "address", "general_designation")
    body |= {name: given[name] for name in kept if name in given}
    if "participants" in given:
        body["participants"] = [{"type": "entity", "name": name} for name in given["participants"]]
    return body


def _body(given: Mapping[str, Any]) -> dict[str, Any]:
    expiry = given["expiry"]
    return {
        "kind": given["kind"],
        "disclosers": given["disclosers"],
        "recipients": [_recipient(r) for r in given["recipients"]],
        "scope": _plain(given["scope"]),
        "purposes": given["purposes"],
        "expiry": None if expiry is None else _plain(expiry),
        "statements": dict.fromkeys(given["statements"], True),
        "form": given["form"],
        **{name: given[name] for name in _PARTICULARS if name in given},
    }


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}


def _patient(desk: Desk, row: Mapping[str, Any], on: date) -> str:
    """Somebody of the row's age, with everybody who is on record around them."""
    age = row.get("patient", {}).get("age", 34)
    born = date(on.year - age, 1, 2)
    made = desk.intake.post(
        "/patients",
        {"given_name": "Pat", "family_name": "Testperson", "birth_date": born.isoformat()},
    )
    assert made.status_code == 201, made.text
    patient_id: str = made.json()["id"]
    for kind, name in row.get("related", {}).items():
        known = desk.intake.post("/recipients", {"type": "person", "name": name})
        assert known.status_code == 201, known.text
        related = desk.intake.post(
            f"/patients/{patient_id}/relationships",
            {
                "kind": kind,
                "recipient_id": known.json()["id"],
                "starts_on": "2020-01-01",
                "evidence": "papers seen",
            },
        )
        assert related.status_code == 201, related.text
    return patient_id


def _record(desk: Desk, patient_id: str, kind: str, on: date) -> None:
    answer = desk.service.client("compliance").post(
        f"/patients/{patient_id}/events", {"kind": kind, "occurred_on": on.isoformat()}
    )
    assert answer.status_code == 201, answer.text


def _happened_before(desk: Desk, patient_id: str, row: Mapping[str, Any]) -> None:
    patient = row.get("patient", {})
    today = desk.service.clock.now().date()
    if patient.get("deceased_on"):
        _record(desk, patient_id, "death", patient["deceased_on"])
    if patient.get("adjudicated"):
        _record(desk, patient_id, "incapacity_adjudicated", today)
    if patient.get("emancipated"):
        _record(desk, patient_id, "emancipation", today)
    for kind, day in row.get("events", []):
        if day <= today:
            _record(desk, patient_id, kind, day)


def _happened_after(
    desk: Desk, patient_id: str, consent_id: str, row: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    signed = given["active_from"].date()
    for kind, day in row.get("events", []):
        if day > signed:
            _record(desk, patient_id, kind, day)
    for ruling in given.get("rulings", []):
        body = {"kind": ruling, "reason": "what was found out"}
        answer = desk.service.client("compliance").post(f"/consents/{consent_id}/rulings", body)
        assert answer.status_code == 201, answer.text


def _signed(desk: Desk, consent_id: str, given: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The consent after everybody signed; a refusal in the same shape, its errors as what is missing."""
    roles = [given["signer"]] if isinstance(given["signer"], str) else given["signer"]
    answer = None
    for role in roles:
        answer = _at(desk, row, role).post(f"/consents/{consent_id}/signatures", _signature(given, role))
        if answer.status_code != 201:
            assert answer.status_code == 422, answer.text
            return {"state": "draft", "missing_elements": answer.json()["errors"]}
    assert answer is not None
    return answer.json()


def _at(desk: Desk, row: Mapping[str, Any], role: str) -> Client:
    director = role == "program_director" and row.get("director", False)
    return desk.service.client("director") if director else desk.intake


def _signature(given: Mapping[str, Any], role: str) -> dict[str, Any]:
    scanned = given["method"] == "paper_scan"
    name = given.get("signers", {}).get(role, _NAMES.get(role, "Nell Neighbour"))
    signer: dict[str, Any] = {"role": role, "name": name}
    if given.get("authority"):
        signer["authority"] = given["authority"]
    body: dict[str, Any] = {
        "signer": signer,
        "method": given["method"],
        "attestation": given["attestation"],
    }
    if scanned:
        body |= {"image": SCAN}
    if given["signed_on"] is not None and (scanned or given["signed_on"] > given["active_from"].date()):
        body["signed_on"] = given["signed_on"].isoformat()
    return body
