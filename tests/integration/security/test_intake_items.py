"""What the generic way of writing items must not be a way around."""

import pytest

from tests.house import Service
from tests.integration.intake.asking import patient

KINDS = ("diagnosis", "level_of_care", "care_plan", "safety_plan", "discharge_summary")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_clinician_finds_is_not_written_by_the_front_desk(service: Service, kind: str) -> None:
    subject = patient(service)
    body = {"kind": kind, "unit": "U1", "content": {"text": "Synthetic."}, "labels": ["SUD"]}
    assert service.client("intake").post(f"/patients/{subject}/items", body).status_code == 403
    denied = service.entries(action="item.write")[-1]
    assert (denied["outcome"], denied["policies"]) == ("deny", ["guard-clinical-kinds"])
    treats = service.account("clinician", related_to=[subject])
    assert service.client(treats).post(f"/patients/{subject}/items", body).status_code == 201
