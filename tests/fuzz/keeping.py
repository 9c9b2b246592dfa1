"""What the town needs of keeping and destroying: a hold, records that may go, and the log as tiles."""

from collections.abc import Sequence
from typing import Any

from tests.house import Client

_REASON = "asked for by counsel"
#: A log of any size has its first tile and bundle; the widths are those of some size it once had.
_TILES = ["0/000", "0/000.p/7", "1/000", "entries/000", "entries/000.p/7", "entries/000.p/1"]


def keeping_of(intake: Client, compliance: Client, administrator: Client) -> dict[str, list[str]]:
    """Ids by the names paths have for them. Who is destroyed here is nobody else in the town."""
    held = intake.post("/patients", _person("Held")).json()["id"]
    hold = compliance.post("/legal-holds", _hold(compliance, held))
    assert hold.status_code == 201, hold.text
    asked = [compliance.post("/keys/shreddings", _asked(intake, name)) for name in ("Gone", "Going")]
    assert all(one.status_code == 201 for one in asked), asked[0].text
    rotation = administrator.post("/keys/rotations", {"kind": "kek"})
    assert rotation.status_code == 202, rotation.text
    return {
        "rotation_id": [rotation.json()["id"]],
        "hold_id": [hold.json()["id"]],
        "shredding_id": [one.json()["id"] for one in asked],
        "coordinates": _TILES,
    }


def bodies_of_keeping(intake: Client, compliance: Client) -> dict[str, Sequence[Any]]:
    """Good bodies by operation."""
    held = intake.post("/patients", _person("Again")).json()["id"]
    return {
        "place_hold": (_hold(compliance, held),),
        "lift_hold": ({"reason": "counsel released it"},),
        "ask_for_shredding": (_asked(intake, "Later"),),
        "decide_shredding": ({"decision": "approved"}, {"decision": "declined"}),
    }


def _asked(intake: Client, name: str) -> dict[str, str]:
    patient = intake.post("/patients", _person(name)).json()["id"]
    return {"patient_id": patient, "basis": "court_order", "reason": "an order of the county court"}


def _person(name: str) -> dict[str, str]:
    return {"given_name": name, "family_name": "Tobedestroyed", "birth_date": "1979-03-04"}


def _hold(owner: Client, patient_id: str) -> dict[str, str]:
    return {"patient_id": patient_id, "owner_id": owner.get("/auth/me").json()["id"], "reason": _REASON}
