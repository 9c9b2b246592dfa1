"""P1: an authorised read of one record over HTTP against the bare stack, at concurrency 1, 16 and 64."""

from tests.bench.against_bare import COLUMNS, Asked, measured
from tests.bench.harness import Outcome
from tests.house import Service

BAR = 1.5


def run() -> Outcome:
    """Measure and report."""
    what = "authorised read of one record over HTTP against the bare stack"
    return measured(Outcome("P1", what, COLUMNS), BAR, _prepare)


def _prepare(service: Service) -> Asked:
    intake = service.client("intake")
    patient = intake.post(
        "/patients", {"given_name": "Bench", "family_name": "Testperson", "birth_date": "1980-01-01"}
    ).json()
    who = service.account("clinician", related_to=[patient["id"]])
    body = {
        "kind": "progress_note",
        "note_class": "ordinary",
        "unit": "U1",
        "content": {"text": "Calm. " * 160},
    }
    made = service.client(who).post(f"/patients/{patient['id']}/items", body)
    item_id = made.json()["id"]
    return Asked(who, "GET", [f"/items/{item_id}"], item_id)
