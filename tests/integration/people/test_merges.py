"""Two charts of one person: found once, nothing widened, nothing new in the absorbed one, undone without a trace."""

from threading import Barrier, Thread
from typing import Any

import pytest

from service.access.actions import Action
from service.people.episodes.operations import UUID
from service.people.merging.charts import chart_ids
from service.work import Work
from tests.house import Account, Client, Service, open_program
from tests.integration.disclosure.office import CLINIC_ONLY, PATIENT, SIGNATURE, SPECIFIC, TPO, Office
from tests.unit.record.scans import PNG

WHY = {"reason": "registered twice at the desk", "evidence": "the same passport was seen for both"}


class Chart(Office):
    """An office about one of two charts, each with an account of its own for the patient."""

    def patient_account(self) -> Account:
        name = f"patient of {self.patient_id}"
        return self.service.account("patient", name=name, patient_id=self.patient_id)


class Two:
    """One person registered twice: `kept` is to survive, `other` to be absorbed."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.kept, self.other = Chart(service), Chart(service)
        self.a, self.b = self.kept.patient_id, self.other.patient_id
        service.account("clinician", related_to=[self.a, self.b])
        self.intake, self.clinician = service.client("intake"), self.kept.clinician

    def merge(self, into: str | None = None, absorbed: str | None = None, **more: Any) -> Any:
        body = {"merged_id": absorbed or self.b, **WHY, **more}
        return self.intake.post(f"/patients/{into or self.a}/merges", body)

    def merged(self, **more: Any) -> dict[str, Any]:
        answer = self.merge(**more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def undo(self, merge_id: str, who: Client | None = None, **more: Any) -> Any:
        return (who or self.intake).post(f"/merges/{merge_id}/undoing", {"reason": "two people"}, **more)

    def readable(self) -> dict[str, Any]:
        """Every answer about either chart, but for the history of merges."""
        found: dict[str, Any] = {}
        for one in (self.a, self.b):
            for path in (
                "",
                "/history",
                "/events",
                "/relationships",
                "/episodes",
                "/record",
                "/consents",
                "/assessments",
                "/flags",
                "/restrictions",
                "/attachments",
                "/disclosures",
            ):
                answer = self.clinician.get(f"/patients/{one}{path}")
                assert answer.status_code == 200, (path, answer.text)
                found[f"{one}{path}"] = (answer.json(), answer.headers.get("etag"))
            found[f"{one} alike"] = self.intake.post(f"/patients/{one}/duplicates").json()
        found["found"] = self.found()
        return found

    def found(self) -> list[str]:
        sought = {"family_name": PATIENT["family_name"], "birth_date": PATIENT["birth_date"]}
        answer = self.intake.post("/patients/search", sought)
        return [one["id"] for one in answer.json()["items"]]


@pytest.fixture
def two(service: Service) -> Two:
    return Two(service)


def test_merged_charts_are_one_person_and_unmerged_ones_are_as_they_were(two: Two) -> None:
    two.kept.item("progress_note")
    two.other.item("medication_list")
    two.other.signed(SPECIFIC)
    assert two.intake.post(f"/patients/{two.b}/episodes", _referral()).status_code == 201
    before = two.readable()
    assert before["found"] == sorted([two.a, two.b])
    refused = two.merge()  # in care there: merged the other way round, or on purpose
    assert [error["code"] for error in refused.json()["errors"]] == ["open_episodes"]
    ended = [{"difference": "open_episodes", "reason": "the referral is being closed"}]
    merge = two.merged(confirm_differences=ended)
    differences = {"open_episodes": "the referral is being closed"}
    assert (merge["state"], merge["differences"], merge["undone"]) == ("merged", differences, None)
    kept, other = (two.intake.get(f"/patients/{one}").json() for one in (two.a, two.b))
    assert (kept["merged_charts"], kept["merged_into"], kept["state"]) == ([two.b], None, "registered")
    assert (other["merged_charts"], other["merged_into"], other["state"]) == ([], two.a, "merged")
    assert two.found() == [two.a]
    assert two.intake.post(f"/patients/{two.a}/duplicates").json()["possible_duplicates"] == []
    assert two.intake.post(f"/patients/{two.b}/duplicates").json()["possible_duplicates"] == []
    again = two.intake.post("/patients", PATIENT).json()["possible_duplicates"]
    assert [one["id"] for one in again] == [two.a]
    assert _charts(two, two.a) == [two.a, two.b]
    assert _charts(two, two.b) == [two.b]
    # both acts stand in the history of both charts, and in the ledger for both
    compliance = two.service.client("compliance", purpose="HOPERAT")
    undone = two.undo(merge["id"], compliance, headers={"If-Match": '"1"'})
    assert undone.status_code == 200, undone.text
    for one in (two.a, two.b):
        (kept_merge,) = two.intake.get(f"/patients/{one}/merges").json()["items"]
        assert (kept_merge["state"], kept_merge["undone"]["reason"]) == ("undone", "two people")
        assert kept_merge["undone"]["by"] == str(two.service.account("compliance").id)
        acts = [
            entry["action"]
            for entry in two.service.entries(patient_id=UUID(one), object_kind="merge")
            if entry["action"] != "patient.read"
        ]
        assert acts == ["patient.merge", "patient.unmerge"]
    assert two.undo(merge["id"]).json()["code"] == "merge_state"
    # the third registration above is another patient: set aside, everything reads as before
    after = two.readable()
    third = next(one for one in after["found"] if one not in (two.a, two.b))
    after["found"].remove(third)
    for one in (two.a, two.b):
        alike = after[f"{one} alike"]["possible_duplicates"]
        after[f"{one} alike"]["possible_duplicates"] = [found for found in alike if found["id"] != third]
    assert after == before


def _referral(unit: str = "U1") -> dict[str, Any]:
    return {"unit": unit, "opened_on": "2026-05-01"}


def _charts(two: Two, patient_id: str) -> list[str]:
    def act(work: Work) -> list[str]:
        work.require(Action.PATIENT_SEARCH)
        work.record(action=Action.PATIENT_SEARCH, object_kind="patient", object_id=None)
        return [str(one) for one in chart_ids(work, UUID(patient_id))]

    return two.service.work(two.service.account("intake").caller, act)


def test_nothing_new_goes_into_the_absorbed_chart(two: Two) -> None:
    consent = two.other.signed(SPECIFIC)["id"]
    draft = two.other.drafted(SPECIFIC)["id"]
    form = {"instrument": "phq-9", "status": "draft", "answers": {}}
    assessment = two.intake.post(f"/patients/{two.b}/assessments", form).json()["id"]
    two.merged()
    item = {"kind": "attendance", "unit": "U1", "labels": ["SUD"], "content": "came"}
    png = {"Content-Type": "image/png"}
    refused = [
        two.intake.patch(f"/patients/{two.b}", {"sex": "male"}, version=1),
        two.intake.post(f"/patients/{two.b}/episodes", _referral()),
        two.intake.post(f"/patients/{two.b}/assessments", form),
        two.intake.put(f"/assessments/{assessment}", {"answers": {}}, version=1),
        two.clinician.post(f"/patients/{two.b}/items", item),
        two.intake.post(f"/patients/{two.b}/consents", TPO),
        two.intake.post(f"/consents/{draft}/signatures", SIGNATURE),
        two.intake.request("POST", f"/patients/{two.b}/attachments?kind=other", content=PNG, headers=png),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (409, "patient_merged"), answer.text
        assert answer.json()["surviving_id"] == two.a
    assert {entry["outcome"] for entry in two.service.entries(action="item.write")} == {"deny"}
    # the patient, whose own chart it is, is not told another one's id
    own = two.other.patient
    told = own.post(f"/patients/{two.b}/assessments", form)
    assert (told.status_code, "surviving_id" in told.json()) == (409, False), told.text
    assert own.get(f"/patients/{two.b}").json()["merged_into"] is None
    # what narrows or ends is never refused
    now = two.service.clock.now().isoformat().replace("+00:00", "Z")
    ended = {"received_at": now, "form": "written", "by": "patient"}
    assert two.intake.post(f"/consents/{consent}/revocation", ended).status_code == 200
    wish = {
        "kinds": ["lab_result"],
        "recipients": [two.kept.lawyer],
        "classes": ["payment"],
        "reason": "private",
    }
    assert two.intake.post(f"/patients/{two.b}/restrictions", wish).status_code == 201
    gone = two.intake.post(f"/patients/{two.b}/events", {"kind": "discharge", "occurred_on": "2026-05-01"})
    assert gone.status_code == 201
    # and the surviving chart takes everything
    assert two.clinician.post(f"/patients/{two.a}/items", item).status_code == 201


@pytest.mark.parametrize("merged_away", [True, False])
def test_a_discharge_ends_what_was_to_end_with_it_in_every_chart_of_the_person(
    two: Two, merged_away: bool
) -> None:
    until = SPECIFIC | {"expiry": {"kind": "event", "event": "Discharge"}}
    ends = [two.kept.signed(until)["id"], two.other.signed(until)["id"]]
    stays = two.other.signed(SPECIFIC)["id"]
    merge = two.merged()
    gone = {"kind": "discharge", "occurred_on": two.service.clock.now().date().isoformat()}
    where = two.b if merged_away else two.a
    assert two.intake.post(f"/patients/{where}/events", gone).status_code == 201

    def state(consent: str) -> str:
        return two.intake.get(f"/consents/{consent}").json()["state"]

    assert [state(one) for one in (*ends, stays)] == ["expired", "expired", "active"]
    noted = two.service.entries(action="consent.expire")
    assert {(str(one["patient_id"]), str(one["consent_id"])) for one in noted} == {
        (two.a, ends[0]),
        (two.b, ends[1]),
    }
    assert len({one["request_id"] for one in noted}) == 1, "one act"
    assert two.undo(merge["id"]).status_code == 200
    assert [state(one) for one in ends] == ["expired", "expired"], "signed again, not revived"


def test_a_merge_releases_nothing_to_anybody(two: Two) -> None:
    clinic = two.kept.clinic
    related = {"kind": "treating", "recipient_id": clinic, "starts_on": "2026-01-01", "evidence": "said so"}
    assert two.intake.post(f"/patients/{two.b}/relationships", related).status_code == 201
    mine, theirs = two.kept.item("attendance"), two.other.item("attendance", content="of the other chart")
    two.other.signed(CLINIC_ONLY)
    assert two.kept.request().status_code == 404  # two people of that name
    merge = two.merged()
    # one person now, but the consent was signed in the other chart
    assert two.kept.request().status_code == 404
    assert two.kept.disclose(clinic).status_code == 403
    kept = two.other.disclose(clinic)
    assert kept.status_code == 201, kept.text
    assert [one["item"] for one in kept.json()["decision"]["granted"]] == [theirs]
    two.kept.signed(CLINIC_ONLY)
    answer = two.kept.request()
    assert answer.status_code == 200, answer.text
    assert "of the other chart" not in answer.text
    released = two.kept.disclose(clinic).json()["decision"]["granted"]
    assert [one["item"] for one in released] == [mine]
    assert two.undo(merge["id"]).status_code == 200
    assert two.kept.request().status_code == 404


def test_the_absorbed_chart_never_answers_a_requester(two: Two) -> None:
    """The one that matches was absorbed, whatever was consented there: its name finds nobody any more."""
    changed = two.intake.patch(f"/patients/{two.a}", {"family_name": "Otherwise"}, version=1)
    assert changed.status_code == 200
    two.other.item("attendance")
    two.other.signed(CLINIC_ONLY)
    assert two.other.request().status_code == 200
    two.merged()
    assert two.other.request().status_code == 404
    assert two.found() == [two.a]  # staff find the person by the name of either chart


def test_what_differs_is_confirmed_each_with_its_reason(two: Two) -> None:
    number = {"identifiers": [{"system": "mrn", "value": "1"}], "birth_date": "1990-05-04"}
    assert two.intake.patch(f"/patients/{two.b}", number, version=1).status_code == 200
    other = {"identifiers": [{"system": "mrn", "value": "2"}]}
    assert two.intake.patch(f"/patients/{two.a}", other, version=1).status_code == 200
    for one in (two.a, two.b):
        assert two.intake.post(f"/patients/{one}/episodes", _referral()).status_code == 201
    codes = ["birth_date", "identifiers", "open_episodes"]
    refused = two.merge()
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == codes
    some = [{"difference": code, "reason": f"looked into {code}"} for code in codes]
    left = two.merge(confirm_differences=some[:2]).json()["errors"]
    assert [error["code"] for error in left] == ["open_episodes"]
    merge = two.merged(confirm_differences=some)
    assert merge["differences"] == {one["difference"]: one["reason"] for one in some}
    # in care once: a unit that the absorbed chart is in takes the person no second time
    taken = two.intake.post(f"/patients/{two.a}/episodes", _referral())
    assert taken.json()["code"] == "episode_open"


def test_merges_are_no_chains_and_no_rings(two: Two) -> None:
    third = two.intake.post("/patients", PATIENT).json()["id"]
    assert two.merge(two.a, two.a).json()["errors"][0]["code"] == "itself"
    assert two.merge(two.a, str(two.service.program_id)).json()["errors"][0]["code"] == "unknown"
    assert two.merge(str(two.service.program_id), two.a).status_code == 404
    merge = two.merged()
    for into, absorbed, code in (
        (two.a, two.b, "merge_state"),
        (third, two.b, "merge_state"),
        (third, two.a, "merge_state"),
        (two.b, third, "patient_merged"),
        (two.b, two.a, "patient_merged"),
    ):
        answer = two.merge(into, absorbed)
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
    assert two.merge(two.a, third).status_code == 201
    shown = two.intake.get(f"/patients/{two.a}").json()["merged_charts"]
    assert sorted(shown) == sorted([two.b, third])
    assert two.undo(merge["id"], headers={"If-Match": '"2"'}).status_code == 412
    assert two.undo(merge["id"]).status_code == 200
    assert two.intake.get(f"/patients/{two.a}").json()["merged_charts"] == [third]
    pages = two.intake.get(f"/patients/{two.a}/merges?limit=1").json()
    rest = two.intake.get(f"/patients/{two.a}/merges?limit=1&cursor={pages['next_cursor']}").json()
    assert len({one["id"] for one in (*pages["items"], *rest["items"])}) == 2


def test_who_may_merge_and_who_may_see_it(two: Two) -> None:
    body = {"merged_id": two.b, **WHY}
    path = f"/patients/{two.a}/merges"
    patient = two.kept.patient
    elsewhere = open_program(two.service.house).client("intake")
    refusals = [two.clinician.post(path, body), patient.post(path, body), elsewhere.post(path, body)]
    assert [answer.status_code for answer in refusals] == [403, 404, 404]
    key = {"Idempotency-Key": "once"}
    first, second = (two.intake.post(path, body, headers=key) for _ in range(2))
    assert (first.status_code, second.json()) == (201, first.json())
    assert two.undo(first.json()["id"], two.clinician).status_code == 403
    assert two.undo(first.json()["id"], elsewhere).status_code == 404
    assert patient.get(path).status_code == 404
    assert patient.get(f"/patients/{two.a}").json()["merged_charts"] == []
    once = [
        two.intake.post(f"/merges/{first.json()['id']}/undoing", {"reason": "two people"}, headers=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in once] == [409, 409]  # the key was for another body
    again = {"Idempotency-Key": "undone"}
    undone = [two.undo(first.json()["id"], headers=again) for _ in range(2)]
    assert [answer.status_code for answer in undone] == [200, 200]
    assert undone[0].json() == undone[1].json()


def test_two_merges_at_once_make_no_ring(two: Two) -> None:
    start, answers = Barrier(2), list[int]()

    def merge(into: str, absorbed: str) -> None:
        start.wait()
        answers.append(two.merge(into, absorbed).status_code)

    both = [Thread(target=merge, args=pair) for pair in ((two.a, two.b), (two.b, two.a))]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert sorted(answers) == [201, 409]
