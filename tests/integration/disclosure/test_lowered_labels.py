"""What a label taken away opens: the active consents that would newly cover the item, named to compliance."""

from typing import Any

from service.api.label_shapes import LabelsModel
from tests.house import Service
from tests.integration.consent.desk import LAWYER
from tests.integration.disclosure.office import CLINIC, CLINIC_ONLY, Office


def _to_clinic(kind: str = "lab_result", labels: Any = ("SUD",), **more: Any) -> dict[str, Any]:
    chosen = labels if isinstance(labels, str) else list(labels)
    return CLINIC_ONLY | {"scope": {"kinds": [kind], "labels": chosen, "description": "my results"}} | more


def test_the_consents_that_a_lowered_label_opens_are_named(service: Service) -> None:
    office = Office(service)
    compliance = service.client("compliance")
    item = office.item("lab_result", labels=["SUD", "HIV"])
    path = f"/items/{item}/labels"
    opened = office.signed(_to_clinic(recipients=[CLINIC, LAWYER]))["id"]
    taken_out = office.recipient(LAWYER)
    office.revoke(opened, recipients=[taken_out])
    for others in (
        _to_clinic(labels="all"),
        _to_clinic("attendance"),
        _to_clinic(labels=["PSY"]),
        _to_clinic(disclosers=["U2"]),
    ):
        office.signed(others)
    office.revoke(office.signed(_to_clinic())["id"])
    office.drafted(_to_clinic())

    shown = compliance.post(path, {"lower": ["HIV"], "preview": True})
    assert shown.status_code == 200, shown.text
    assert LabelsModel.model_validate(shown.json()).model_dump(mode="json") == shown.json()
    clinic = {"id": office.recipient(CLINIC)}
    assert shown.json()["opens"] == [
        {
            "consent_id": opened,
            "recipients": [clinic | {"type": "entity", "name": CLINIC["name"]}],
            "purposes": ["TREAT"],
        }
    ]
    assert shown.json()["effect"] == ["Consents that leave out HIV would reach this item."]
    assert service.entries(action="label.lower")[-1]["detail"]["opens"] == [opened]
    assert compliance.post(path, {"lower": ["HIV", "SUD"], "preview": True}).json()["opens"] == [], (
        "an item without labels is taken to bear every label"
    )

    lowered = compliance.post(path, {"lower": ["HIV"], "reason": "Of another sample"}).json()
    assert (lowered["changed"], [one["consent_id"] for one in lowered["opens"]]) == (True, [opened])
    assert compliance.post(path, {"lower": ["SUD"], "reason": "Of nothing"}).json()["after"] == []
    raised = office.clinician.post(path, {"raise": ["SUD"]}).json()
    assert (raised["changed"], raised["opens"]) == (True, []), "staff are told of no consent"
    assert office.clinician.post(path, {"lower": ["HIV"], "preview": True}).status_code == 403
