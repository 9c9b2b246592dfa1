"""One complete intake over HTTP: who commits how often, and what an attempt to admit is refused with on the way."""

import pytest

from tests.house import Service
from tests.integration.journeys import stages
from tests.integration.journeys.people import Journey

#: Budgets of commits (U11): what the patient and staff do between the call and the first plan.
MOST_STAFF, MOST_PATIENT = 160, 60


def test_from_the_call_to_the_plan(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    one = Journey(service, stages.PERSON)
    stages.referral(one)
    missing = [
        "identity_missing", "f02_missing", "f03_missing", "f04_missing", "suicide_screen_missing",
        "withdrawal_check_missing", "f20_missing", "placement_missing", "f27_missing",
    ]  # fmt: skip
    assert one.refused() == missing

    def gone(*codes: str) -> None:
        """Exactly these are no longer missing."""
        for code in codes:
            missing.remove(code)
        assert one.refused() == missing
        one.later()

    message = stages.safe_contact(one)
    for word in (service.program.name, "recovery", "substance", "alcohol", "treatment", "Harbour"):
        assert word.lower() not in message.lower()
    assert one.refused() == missing, "nothing is in the way of writing, nor of anything else"
    one.sign("identity", one.intake, "given")
    gone("identity_missing")
    one.sign("F01", one.own, language="es")
    one.sign("F02", one.intake, "given", language="es")
    gone("f02_missing")
    one.sign("F03", one.intake, "given", language="es")
    gone("f03_missing")
    assert one.gate("SCREEN") == ["f04_missing"]
    one.sign("F04", one.own, language="es")
    gone("f04_missing")
    assert one.gate("SCREEN") == []
    stages.screens_of_safety(one)
    gone("suicide_screen_missing")
    stages.body_check(one)
    gone("withdrawal_check_missing")
    stages.medicines(one)
    gone("f20_missing")
    for stage in (
        stages.about_the_person,
        stages.screens_of_the_patient,
        stages.medical_history,
        stages.diagnosis,
        stages.sharing,
    ):
        stage(one)
        gone()
    decided = one.decide("2.1")
    assert (decided["suggested"], decided["state"], decided["overridden"]) == ("IOP", "signed", False)
    gone("placement_missing")
    one.sign("F14", one.own, language="es")
    one.sign("F19", one.own, language="es")
    stages.plan(one, preliminary=True)
    gone()
    assert one.gate("GROUP") == ["not_admitted"]
    stages.copies(one)
    one.later()
    admitted = one.intake.ok("POST", f"/episodes/{one.episode_id}/admission")
    assert (admitted["state"], admitted["admitted_on"], admitted["put_off"]) == (
        "admitted",
        one.today.isoformat(),
        [],
    )
    assert one.gate("GROUP") == [] == one.gate("ADMIT")
    one.later()
    plan = stages.plan(one, preliminary=False)
    assert (plan["status"], plan["level"] if "level" in plan else plan["plan"]["level"]) == ("active", "2.1")
    assert one.flags() == []
    counts = one.counter
    with capsys.disabled():
        print(f"\n  one intake: {counts.staff} commits of staff, {counts.patient} of the patient")
    assert counts.staff <= MOST_STAFF
    assert counts.patient <= MOST_PATIENT
