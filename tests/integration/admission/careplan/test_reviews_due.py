"""A review that falls due becomes a clinician's task by the clock alone, once for each day of review."""

from datetime import timedelta

from service.admission.reviews import due_reviews
from service.identity.system import PURPOSE, system_caller
from tests.fuzz.intake import Stay
from tests.house import Service
from tests.integration.admission.careplan.ward import Ward


def night(service: Service) -> int:
    book, caller = service.house.state.placement.book, system_caller(service.program.id)
    return service.work(caller, lambda work: due_reviews(work, book), purpose=PURPOSE)


def test_the_day_of_review_is_raised_by_the_clock_once(service: Service) -> None:
    ward = Ward(service)
    ward.admit()
    ward.in_force()
    Stay(ward).decided(ward.episode_id)
    raised = len(service.entries(action="flag.raise"))
    assert night(service) == 0 and service.entries(object_kind="placement", actor_kind="system") == []
    service.clock.advance(timedelta(days=29))
    assert night(service) == 0, "it is not due yet"
    service.clock.advance(timedelta(days=1))
    assert [night(service), night(service)] == [1, 0]
    service.clock.advance(timedelta(days=1))
    assert night(service) == 0, "nobody acted on it yet: it stands"
    (entry,) = service.entries(action="flag.raise")[raised:]
    assert (entry["detail"]["source"], str(entry["patient_id"])) == ("placement", ward.patient_id)

    service.accounts.clear()
    service.account("clinician", related_to=[ward.patient_id])
    who = service.client("clinician")
    (flag,) = [
        one
        for one in who.get(f"/patients/{ward.patient_id}/flags").json()["items"]
        if one["code"] == "placement_again_review_date"
    ]
    done = {"action": "Spoke with the patient about it", "seen_by": "Dr Olu", "outcome": "safe_now"}
    assert who.post(f"/flags/{flag['id']}/acknowledgement", done).status_code == 200
    assert night(service) == 0, "somebody looked again"
