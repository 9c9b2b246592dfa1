"""What the town needs for acts on charts: an episode, a merge that holds, and bodies that do something."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tests.house import Client

_REASON = {"reason": "recorded twice at the desk"}


def charts_of(intake: Client, patient_id: str) -> dict[str, list[str]]:
    """Ids by the names paths have for them; the patient of the town is merged with nobody."""
    opened = intake.post(f"/patients/{patient_id}/episodes", {"unit": "U2", "opened_on": "2026-05-01"})
    assert opened.status_code == 201, opened.text
    person = {"given_name": "Twice", "family_name": "Registered", "birth_date": "1980-02-29"}
    kept, *absorbed = (intake.post("/patients", person).json()["id"] for _ in range(3))
    body = {"evidence": "the same passport", **_REASON}
    merges = [intake.post(f"/patients/{kept}/merges", {"merged_id": one, **body}) for one in absorbed]
    assert all(merge.status_code == 201 for merge in merges), merges[0].text
    return {"episode_id": [opened.json()["id"]], "merge_id": [merge.json()["id"] for merge in merges]}


def bodies_of_charts(intake: Client, account_id: UUID) -> dict[str, Sequence[Any]]:
    """Good bodies by operation."""
    other = {"given_name": "Once", "family_name": "Registered", "birth_date": "1980-02-28"}
    merged = intake.post("/patients", other).json()["id"]
    everything = [
        {"difference": difference, "reason": "looked into"}
        for difference in ("birth_date", "identifiers", "open_episodes")
    ]
    return {
        "open_episode": ({"unit": "U1", "opened_on": "2026-05-01", "payer": "medicaid"},),
        "take_step": ({"kind": "not_admit", "on": "2026-05-02", **_REASON},),
        "merge_charts": (
            {"merged_id": merged, "evidence": "asked", "confirm_differences": everything, **_REASON},
        ),
        "unmerge_charts": (_REASON,),
        "hand_over": ({"account_id": str(account_id), "on": "2026-05-02", "evidence": "leaves"},),
    }
