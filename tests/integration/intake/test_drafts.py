"""Drafts: saved as they are, resumed on another device, never silently overwritten, and no pile of former autosaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.access.actions import Action
from service.intake.instrument import Instrument
from service.intake.latest import latest
from service.intake.subject import subject_loader
from service.labels import Label
from service.work import Work
from tests.house import Service
from tests.integration.intake.asking import PHQ_9, form, own_client, patient
from tests.unit.intake.instruments_of_record import CATALOGUE


def kept_versions(service: Service, assessment_id: str) -> int:
    with service.house.superuser() as db:
        row = db.execute(
            "SELECT count(*) FROM record_item_version WHERE item_id = %s", [assessment_id]
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_two_devices_racing_for_one_draft(service: Service) -> None:
    """Every save but one is refused with the version that won; what won is what is there."""
    subject = patient(service)
    mine = own_client(service, subject)
    draft = mine.post(f"/patients/{subject}/assessments", form("phq-9", {}, "draft")).json()
    path, devices = f"/assessments/{draft['id']}", 4
    for version in range(1, 4):
        start = Barrier(devices)

        def save(device: int, version: int = version, start: Barrier = start) -> Any:
            start.wait()
            return device, mine.put(path, {"answers": {"phq9.1": device % 4}}, version=version)

        with ThreadPoolExecutor(devices) as pool:
            answers = list(pool.map(save, range(devices)))
        won = [(device, answer) for device, answer in answers if answer.status_code == 200]
        lost = [answer for _, answer in answers if answer.status_code == 412]
        assert (len(won), len(lost)) == (1, devices - 1), [answer.status_code for _, answer in answers]
        assert {(one.json()["code"], one.json()["current"]) for one in lost} == {
            ("version_stale", version + 1)
        }
        device, answer = won[0]
        now = mine.get(path).json()
        assert (now["version"], now["answers"]) == (version + 1, {"phq9.1": device % 4})
        assert now == answer.json()
    # the one who lost fetches the current one and shows both; then saves on top of it
    assert mine.put(path, {"answers": PHQ_9}, version=4).status_code == 200
    assert len(service.entries(action="assessment.save", outcome="permit")) == 5


def test_autosaves_leave_no_versions_and_completed_ones_are_kept(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", {}, "draft")).json()
    path = f"/assessments/{draft['id']}"
    for version in range(1, 6):
        client.put(path, {"answers": {"phq9.1": version % 4}}, version=version)
    assert kept_versions(service, draft["id"]) == 0
    assert client.get(f"{path}?version=3").status_code == 404
    # somebody else goes on with it: what the first one had saved last is kept
    second = service.client(service.account("intake", name="second"))
    assert second.put(path, {"answers": PHQ_9}, version=6).status_code == 200
    assert (kept_versions(service, draft["id"]), client.get(f"{path}?version=6").json()["answers"]) == (
        1,
        {"phq9.1": 1},
    )
    second.post(f"{path}/completion")
    second.post(f"{path}/amendments", {"answers": {**PHQ_9, "phq9.1": 3}, "reason": "Misheard"})
    assert [client.get(f"{path}?version={number}").json()["status"] for number in (6, 7, 8, 9)] == [
        "draft",
        "draft",
        "completed",
        "amended",
    ]
    assert len(service.entries(action="assessment.save", outcome="permit")) == 7


def test_drafts_are_offered_for_thirty_days_to_whoever_can_go_on(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    path = f"/patients/{subject}/assessments"
    first = client.post(path, form("phq-9", {"phq9.1": 1}, "draft")).json()
    client.post(path, form("gad-7", {f"gad7.{number}": 1 for number in range(1, 8)}))
    service.clock.advance(timedelta(minutes=1))
    second = client.post(path, form("gad-7", {}, "draft")).json()
    rows = client.get(f"/patients/{subject}/drafts").json()["items"]
    assert [(row["id"], row["instrument"], row["answered"]) for row in rows] == [
        (second["id"], "gad-7", 0),
        (first["id"], "phq-9", 1),
    ]
    assert "answers" not in rows[0]
    stranger = service.client(service.account("clinician", name="stranger"))
    assert stranger.get(f"/patients/{subject}/drafts").status_code == 403
    elsewhere = service.account("clinician", name="elsewhere", units=["U2"], related_to=[subject])
    assert service.client(elsewhere).get(f"/patients/{subject}/drafts").json()["items"] == []
    assert own_client(service, subject).get(f"/patients/{subject}/drafts").json()["items"] == []
    service.clock.advance(timedelta(days=30))
    back = service.client(service.account("intake", name="a month later"))
    assert [row["id"] for row in back.get(f"/patients/{subject}/drafts").json()["items"]] == [second["id"]]


def test_no_screening_answer_is_filled_in_beforehand(service: Service) -> None:
    """A new form begins empty, whatever the last one of the same instrument said; there is no route that fills it."""
    subject = patient(service)
    client, path = service.client("intake"), f"/patients/{subject}/assessments"
    client.post(path, form("phq-9", PHQ_9))
    fresh = client.post(path, form("phq-9", {}, "draft")).json()
    assert (fresh["answers"], fresh["result"]["answered"]) == ({}, 0)
    assert own_client(service, subject).post(path, form("phq-9", {}, "draft")).json()["answers"] == {}
    routes = service.house.app.openapi()["paths"]
    assert not [name for name in routes if "assessments" in name and "prefill" in name]


def test_the_latest_of_each_instrument(service: Service) -> None:
    subject = patient(service)
    client, path = service.client("intake"), f"/patients/{subject}/assessments"
    for points in (1, 2):
        client.post(path, form("gad-7", {f"gad7.{number}": points for number in range(1, 8)}))
        service.clock.advance(timedelta(seconds=1))
    client.post(path, form("phq-9", {"phq9.1": 1}, "draft"))
    client.post(path, form("asq", {f"asq.{number}": 0 for number in range(1, 5)}))

    def found(work: Work) -> dict[str, Any]:
        work.authorised(Action.ASSESSMENT_LIST, subject_loader(UUID(subject)))
        work.record(action=Action.ASSESSMENT_LIST, object_kind="assessment", object_id=None)
        return {key: one.content.result["total"] for key, one in latest(work, UUID(subject)).items()}

    assert service.work(service.account("intake").caller, found) == {"gad-7": 14, "asq": None}
    elsewhere = service.account("clinician", name="elsewhere", units=["U2"], related_to=[subject])
    assert service.work(elsewhere.caller, found) == {}


def test_answers_make_a_form_more_sensitive_never_less(service: Service) -> None:
    """The label of violence stands from the first answer to a safety item, on a draft too, and outlasts its taking
    back; the screen shows it with the form.
    """
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("ahc-hrsn", {}, "draft")).json()
    instrument = next(one for one in CATALOGUE.current() if one.key == "ahc-hrsn")
    safety = next(rule for rule in instrument.label_rules if rule.label is Label.SDV)
    assert safety
    assert "SDV" not in draft["labels"]
    path, last = f"/assessments/{draft['id']}", instrument.items[-1]
    answered = client.put(path, {"answers": {last.key: last.options[0].value}}, version=1).json()
    assert "SDV" in answered["labels"]
    emptied = client.put(path, {"answers": {}}, version=2).json()
    assert emptied["labels"] == answered["labels"]
    assert client.get(path).json()["labels"] == answered["labels"]


# -- properties -------------------------------------------------------------------------------------------------------


@st.composite
def partial(draw: st.DrawFn) -> tuple[Instrument, dict[str, Any]]:
    """Any partial valid answers to any shipped instrument."""
    instrument = draw(st.sampled_from(CATALOGUE.current()))
    answers: dict[str, Any] = {}
    for item in instrument.items:
        values = [option.value for option in item.options]
        one = st.lists(st.sampled_from(values), max_size=1) if item.multiple else st.sampled_from(values)
        given = draw(st.one_of(st.just("absent"), st.none(), st.just("declined"), one))
        if given != "absent":
            answers[item.key] = given
    return instrument, answers


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forms=st.lists(partial(), min_size=1, max_size=3))
def test_a_draft_round_trips_any_valid_partial_answer(
    service: Service, forms: list[tuple[Instrument, dict[str, Any]]]
) -> None:
    subject = _shared_patient(service)
    client = service.client("intake")
    for instrument, answers in forms:
        made = client.post(f"/patients/{subject}/assessments", form(instrument.key, answers, "draft"))
        assert made.status_code == 201, made.text
        again = client.get(f"/assessments/{made.json()['id']}").json()
        assert again["answers"] == made.json()["answers"] == answers


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from(sorted(PHQ_9)), st.integers(-1, 4), max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_no_sequence_of_amendments_loses_a_version(service: Service, changes: list[dict[str, int]]) -> None:
    subject = _shared_patient(service)
    client = service.client("intake")
    made = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()
    path, versions = f"/assessments/{made['id']}", {1: PHQ_9}
    for change in changes:
        answers = versions[len(versions)] | change
        amended = client.post(f"{path}/amendments", {"answers": answers, "reason": "Read again"})
        valid = all(0 <= value <= 3 for value in answers.values())
        assert amended.status_code == (201 if valid else 422)
        if valid:
            versions[amended.json()["version"]] = answers
    for number, answers in versions.items():
        assert client.get(f"{path}?version={number}").json()["answers"] == answers
    assert list(versions) == list(range(1, len(versions) + 1))


def _shared_patient(service: Service) -> str:
    """One patient for all examples of a property."""
    known = getattr(service, "_subject", None)
    if known is None:
        known = patient(service)
        service._subject = known  # type: ignore[attr-defined]
    return known
