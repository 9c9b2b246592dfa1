"""P2: a completed PHQ-9 submitted over HTTP (validated, scored, a flag raised, sealed, in the ledger) against the bare
stack, at concurrency 1, 16 and 64.

The bare stack takes the same body and does what it does for P1: token verified, one SELECT, one INSERT, commit. Every
form has a positive item 9: the dearest kind, a flag is raised or found raised.
"""

from tests.bench.against_bare import COLUMNS, Asked, measured
from tests.bench.harness import Outcome
from tests.house import Service

BAR = 1.8
#: Charts the forms go to in turn: a chart has dozens of forms, not thousands.
_PATIENTS = 150
_FORM = {
    "instrument": "phq-9",
    "status": "completed",
    "answers": {f"phq9.{number}": 1 for number in range(1, 10)},
}


def run() -> Outcome:
    """Measure and report."""
    what = "a completed PHQ-9 with a positive item 9 submitted over HTTP against the bare stack"
    return measured(Outcome("P2", what, COLUMNS), BAR, _prepare)


def _prepare(service: Service) -> Asked:
    intake = service.client("intake")
    patients = [
        intake.post(
            "/patients",
            {"given_name": "Bench", "family_name": f"Testperson-{number}", "birth_date": "1980-01-01"},
        ).json()["id"]
        for number in range(_PATIENTS)
    ]
    paths = [f"/patients/{patient}/assessments" for patient in patients]
    return Asked(service.account("intake"), "POST", paths, patients[0], body=_FORM, status=201)
