"""The medical intake over HTTP on the real service: drafts, entries, labels, urgent findings, diagnoses, the review."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.intake.medical.book import MedicalBook, Question, Type
from service.intake.medical.facts import FactReading
from service.intake.medical.reading import Diagnosis, SectionState, diagnoses_of, medical_facts, sections_of
from service.intake.medical.writing import opened
from service.work import Work
from tests.house import Client, Service

NO: Mapping[str, Any] = {"absent": "declined"}


def patient(service: Service, **more: Any) -> str:
    body = {"given_name": "Alex", "family_name": "Testperson", "birth_date": "1988-03-04", **more}
    answer = service.client("intake").post("/patients", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def said(**values: Any) -> dict[str, Any]:
    """Answers as they are sent: a value, or what says why there is none."""
    return {key: value if isinstance(value, dict) else {"value": value} for key, value in values.items()}


def save(
    client: Client, subject: str, section: str, answers: dict[str, Any], version: int, **more: Any
) -> Any:
    return client.put(f"/patients/{subject}/medical/{section}", {"answers": answers, **more}, version=version)


def entry(client: Client, subject: str, section: str, answers: dict[str, Any], **more: Any) -> Any:
    return client.post(f"/patients/{subject}/medical/{section}/entries", {"answers": answers, **more})


def hours_ago(service: Service, hours: float) -> str:
    return (service.clock.now() - timedelta(hours=hours)).isoformat()


def alcohol(service: Service, **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "class": "alcohol",
        "name": "beer",
        "ever": True,
        "rank": "primary",
        "first_age": 16,
        "last_use": {"value": hours_ago(service, 10), "certainty": "about"},
        "days_30": 30,
        "amount": "six cans",
        "route": "oral",
        "withdrawal": ["shaking"],
    }
    return said(**(values | more))


def flags(client: Client, subject: str) -> list[dict[str, Any]]:
    return client.get(f"/patients/{subject}/flags").json()["items"]


def test_a_draft_is_saved_bit_by_bit_completed_changed_with_a_reason_and_every_version_stays(
    service: Service,
) -> None:
    subject, client = patient(service), service.client("intake")
    path = f"/patients/{subject}/medical/supports"
    empty = client.get(path)
    assert (empty.headers["etag"], empty.json()["head"]["state"]) == ('"0"', "not_begun")
    assert empty.json()["missing"] == ["kinds", "support_person"]
    first = save(client, subject, "supports", said(kinds=["sponsor"]), 0)
    assert (first.status_code, first.headers["etag"]) == (200, '"1"'), first.text
    assert first.json()["missing"] == ["support_person"]
    assert save(client, subject, "supports", said(support_person=True), 0).json()["code"] == "version_stale"
    assert client.put(path, {"answers": {}}).status_code == 428
    early = client.post(f"{path}/completion")
    assert (early.json()["code"], early.json()["missing"]) == ("medical_incomplete", ["support_person"])
    second = save(client, subject, "supports", said(support_person={"absent": "not_asked"}), 1)
    assert second.json()["missing"] == []
    headers = {"Idempotency-Key": "close-1"}
    closed, again = (client.post(f"{path}/completion", headers=headers) for _ in range(2))
    assert (closed.status_code, closed.json()["head"]["state"]) == (200, "current"), closed.text
    assert again.json()["head"]["version"] == closed.json()["head"]["version"] == 3
    assert (
        save(client, subject, "supports", said(support_person=False), 3).json()["errors"][0]["field"]
        == "reason"
    )
    changed = save(client, subject, "supports", said(support_person=False), 3, reason="Called back")
    item = changed.json()["head"]["item_id"]
    now = client.get(f"/medical/{item}").json()
    then = client.get(f"/medical/{item}?version=3").json()
    assert now["answers"]["support_person"]["staff"]["value"] is False
    assert then["answers"]["support_person"]["staff"]["absent"] == "not_asked"
    assert client.get(f"/medical/{item}?version=9").status_code == 404
    assert client.get(f"/patients/{subject}/medical/nothing").status_code == 404
    assert service.client("intake").get(f"/items/{item}").json()["categories"] == ["SUD"]


def test_what_the_patient_typed_stays_beside_what_staff_say(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    person = service.client(service.account("patient", patient_id=subject), purpose="PATRQT")
    typed = save(person, subject, "home", said(home_safe=False, housing="stable"), 0)
    assert typed.status_code == 200, typed.text
    assert typed.json()["own"] is not None and typed.json()["flags"] == []
    answered = save(client, subject, "home", said(home_safe=True, housing={"absent": "not_asked"}), 1)
    assert answered.status_code == 200, answered.text
    kept = answered.json()["head"]["answers"]
    assert {source: one["value"] for source, one in kept["home_safe"].items()} == {
        "patient": False,
        "staff": True,
    }
    assert "SDV" in answered.json()["head"]["labels"]
    seen = person.get(f"/patients/{subject}/medical/home").json()
    assert seen["head"]["answers"].keys() == {"home_safe", "housing"}
    assert seen["head"]["answers"]["home_safe"].keys() == {"patient"}
    assert (seen["head"]["labels"], seen["notices"]) == ([], [])
    assert save(person, subject, "vitals", said(systolic=120), 0).status_code == 404
    wrong = save(person, subject, "hiv", said(offered=True), 0)
    assert wrong.json()["errors"][0]["code"] == "not_self_reported"
    forged = save(person, subject, "home", {"lives_with": {"value": "x", "source": "staff"}}, 2)
    assert forged.json()["errors"][0]["code"] == "not_yours"
    other = patient(service, family_name="Otherperson")
    assert person.get(f"/patients/{other}/medical/home").status_code == 404
    assert [
        one["head"]["section"] for one in person.get(f"/patients/{subject}/medical").json()["sections"]
    ].count("vitals") == 0


def test_an_urgent_finding_is_raised_also_from_a_form_that_is_refused(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    bad = said(systolic=200, diastolic="high", heart_rate=400)
    refused = save(client, subject, "vitals", bad, 0)
    assert refused.json()["code"] == "medical_invalid", refused.text
    assert {one["code"] for one in refused.json()["errors"]} == {"wrong_type", "confirm"}
    assert [one["code"] for one in refused.json()["flags"]] == ["vitals_urgent"]
    raised = flags(client, subject)
    assert [(one["code"], one["source"], one["severity"]) for one in raised] == [
        ("vitals_urgent", "medical", "urgent")
    ]
    assert client.get(f"/patients/{subject}/medical/vitals").json()["head"]["state"] == "not_begun"
    assert save(client, subject, "vitals", said(systolic=201), 0).status_code == 200
    assert len(flags(client, subject)) == 1
    assert save(client, subject, "psychiatric", said(homicidal_intent=True), 0).status_code == 200
    assert save(client, subject, "pregnancy", said(could_be=True, status="pregnant"), 0).status_code == 200
    assert entry(client, subject, "substances", alcohol(service)).status_code == 201
    codes = {one["code"] for one in flags(client, subject)}
    assert codes == {"vitals_urgent", "homicidal_intent", "pregnancy_with_use", "withdrawal_risk_moderate"}
    overview = client.get(f"/patients/{subject}/medical").json()
    assert overview["withdrawal_risk"]["level"] == "moderate"
    assert "priority_admission" in {one["code"] for one in overview["notices"]}
    cows = service.client("intake").get("/instruments/cows").json()
    worst = {item["key"]: item["options"][-1]["value"] for item in cows["items"] if item["options"]}
    scale = {"instrument": "cows", "status": "completed", "answers": worst}
    assert client.post(f"/patients/{subject}/assessments", scale).status_code == 201
    risk = client.get(f"/patients/{subject}/medical").json()["withdrawal_risk"]
    assert risk == {"level": "severe", "facts": ["cows"]}


def test_entries_have_labels_of_their_own_and_cannot_contradict_each_other(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    medicine = {
        "strength": "8 mg",
        "dose": "1",
        "route": "under_tongue",
        "frequency": "daily",
        "status": "active",
    }
    labels: dict[str, list[str]] = {}
    for product, ingredient in (
        ("Film", "buprenorphine / naloxone"),
        ("Pain pill", "aspirin"),
        ("New", "testozumab"),
    ):
        made = entry(client, subject, "medicines", said(product=product, ingredient=ingredient, **medicine))
        assert made.status_code == 201, made.text
        labels[product] = made.json()["labels"]
    assert labels == {"Film": ["SUD"], "Pain pill": [], "New": []}
    state = client.get(f"/patients/{subject}/medical/medicines").json()
    assert [one["code"] for one in state["notices"]] == ["ingredient_unknown"]
    assert (
        save(client, subject, "medicines", said(none=True), 0).json()["errors"][0]["code"]
        == "none_and_entries"
    )
    again = entry(client, subject, "medicines", said(product="Aspirin", ingredient="Aspirin", **medicine))
    assert again.status_code == 201
    codes = [one["code"] for one in client.get(f"/patients/{subject}/medical/medicines").json()["notices"]]
    assert "duplicate_medicine" in codes
    assert save(client, subject, "allergies", said(none=True), 0).status_code == 200
    nut = said(substance="nuts", reaction="swelling", severity="anaphylaxis")
    assert entry(client, subject, "allergies", nut).json()["errors"][0]["code"] == "none_and_entries"
    assert entry(client, subject, "home", {}).status_code == 404
    first = entry(client, subject, "substances", alcohol(service))
    assert first.json()["derived"] == {"teds_frequency": 5}
    assert entry(client, subject, "substances", alcohol(service)).json()["errors"][0]["code"] == "taken"
    late = alcohol(
        service, rank="secondary", last_use={"value": hours_ago(service, -1), "certainty": "exact"}
    )
    assert entry(client, subject, "substances", late).json()["errors"][0]["code"] == "future"
    draft = entry(client, subject, "substances", said(name="unsure"), completed=False)
    assert (draft.status_code, draft.json()["state"]) == (201, "draft")
    item = draft.json()["item_id"]
    removed = client.post(
        f"/medical/{item}/error", {"reason": "Wrong patient"}, headers={"Idempotency-Key": "x-1"}
    )
    assert removed.json() == {"id": item, "state": "entered_in_error"}, removed.text
    repeated = client.post(
        f"/medical/{item}/error", {"reason": "Wrong patient"}, headers={"Idempotency-Key": "x-1"}
    )
    assert repeated.status_code == 200
    changed = client.put(
        f"/medical/{first.json()['item_id']}",
        {"answers": said(days_30=3), "reason": "Asked again"},
        version=1,
    )
    assert changed.json()["derived"] == {"teds_frequency": 2}, changed.text
    closed = client.post(f"/patients/{subject}/medical/substances/completion")
    assert closed.status_code == 200, closed.text
    assert len(closed.json()["entries"]) == 1


def test_a_clinician_finds_and_intake_reads(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    doctor = service.client(service.account("clinician", related_to=[subject]))
    path, today = f"/patients/{subject}/diagnoses", service.clock.now().date().isoformat()
    body = {"substance": "alcohol", "specific": "beer", "criteria": [1, 2, 3, 4], "dated_on": today}
    assert client.post(path, body).status_code == 403
    assert doctor.post(path, body).json()["errors"][0]["code"] == "not_listed"
    assert entry(client, subject, "substances", alcohol(service)).status_code == 201
    made = doctor.post(path, body)
    assert made.status_code == 201, made.text
    content = made.json()["answers"]
    assert (content["code"], content["severity"], content["criteria_met"]) == ("F10.20", "moderate", 4)
    assert made.json()["labels"] == ["SUD"]
    withdrawal = body | {"code": "F10.230"}
    assert doctor.post(path, withdrawal).json()["code"] == "diagnosis_stands"
    item = made.json()["item_id"]
    assert doctor.put(f"/diagnoses/{item}", withdrawal, version=1).json()["code"] == "diagnosis_invalid"
    assert (
        doctor.put(f"/diagnoses/{item}", withdrawal | {"reason": "x"}, version=7).json()["code"]
        == "version_stale"
    )
    changed = doctor.put(f"/diagnoses/{item}", withdrawal | {"reason": "In withdrawal"}, version=1)
    assert changed.json()["answers"]["code"] == "F10.230", changed.text
    listed = client.get(path).json()["items"]
    assert [(one["item_id"], one["version"]) for one in listed] == [(item, 2)]
    service.clock.advance(timedelta(seconds=1))
    other = doctor.post(path, {"code": "F41.1", "dated_on": today})
    assert other.status_code == 201, other.text
    first = client.get(f"{path}?limit=1").json()
    assert [one["item_id"] for one in first["items"]] == [item]
    rest = client.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert ([one["item_id"] for one in rest["items"]], rest["next_cursor"]) == (
        [other.json()["item_id"]],
        None,
    )
    old = doctor.post(path, {"code": "F32.8", "dated_on": today})
    assert old.json()["errors"][0]["code"] == "not_in_force"


def test_labels_are_raised_by_staff_and_lowered_by_compliance_with_a_reason(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    item = save(client, subject, "trauma", said(abuse=NO), 0).json()["head"]["item_id"]
    path, compliance = f"/items/{item}/labels", service.client("compliance")
    raised = client.post(path, {"raise": ["STD"]})
    assert (raised.json()["before"], raised.json()["after"]) == (["PSY", "SDV"], ["PSY", "SDV", "STD"]), (
        raised.text
    )
    assert client.post(path, {"lower": ["SDV"], "reason": "x"}).status_code == 403
    shown = compliance.post(path, {"lower": ["SDV"], "preview": True})
    assert (shown.json()["changed"], shown.json()["effect"]) == (
        False,
        ["Consents that leave out SDV would reach this item."],
    )
    assert compliance.post(path, {"lower": ["SDV"]}).json()["code"] == "labels_invalid"
    lowered = compliance.post(path, {"lower": ["SDV"], "reason": "Of the sister, not the patient"})
    assert (lowered.json()["after"], lowered.json()["version"]) == (["PSY", "STD"], 3)
    assert client.get(f"/medical/{item}?version=2").json()["labels"] == ["PSY", "SDV", "STD"]
    assert client.post(path, {"raise": ["NEW"]}).json()["code"] == "labels_invalid"
    assert client.post(path, {}).json()["errors"][0]["code"] == "one_of"


def test_danger_that_is_said_again_after_it_was_dealt_with_waits_for_somebody_again(service: Service) -> None:
    subject, client = patient(service), service.client("intake")

    def deal_with() -> list[str]:
        """The codes of what stood open, acknowledged now."""
        done = {"action": "Seen in person today", "seen_by": "Dr Testperson", "outcome": "safe_now"}
        waiting = [one for one in flags(client, subject) if one["state"] == "open"]
        for one in waiting:
            assert client.post(f"/flags/{one['id']}/acknowledgement", done).status_code == 200
        return sorted(one["code"] for one in waiting)

    threat = said(homicidal_intent=True)
    assert save(client, subject, "psychiatric", threat, 0).status_code == 200
    assert save(client, subject, "psychiatric", threat, 1).status_code == 200
    assert deal_with() == ["homicidal_intent"], "while it waits it is one task"
    assert save(client, subject, "psychiatric", said(attempts=0), 2).status_code == 200
    assert deal_with() == [], "what was said before is not said again by saying something else"
    assert save(client, subject, "psychiatric", threat, 3).status_code == 200
    assert deal_with() == ["homicidal_intent"]
    # by the slower of two devices, and in a form that is refused: heard all the same
    assert save(client, subject, "psychiatric", threat, 3).status_code == 412
    assert deal_with() == ["homicidal_intent"]
    assert save(client, subject, "psychiatric", threat | said(attempts="x"), 4).status_code == 422
    assert deal_with() == ["homicidal_intent"]
    # one that shows only between two sections, said again in either
    assert save(client, subject, "pregnancy", said(could_be=True, status="pregnant"), 0).status_code == 200
    made = entry(client, subject, "substances", alcohol(service))
    why = "Asked again in person"
    both = ["pregnancy_with_use", "withdrawal_risk_moderate"]
    assert (made.status_code, deal_with()) == (201, both)
    last = said(last_use={"value": hours_ago(service, 9), "certainty": "about"})
    path = f"/medical/{made.json()['item_id']}"
    assert client.put(path, {"answers": last, "reason": why}, version=1).status_code == 200
    assert deal_with() == both
    assert client.put(path, {"answers": said(name="wine"), "reason": why}, version=2).status_code == 200
    assert deal_with() == []
    assert save(client, subject, "pregnancy", said(status="pregnant"), 1).status_code == 200
    assert deal_with() == ["pregnancy_with_use"]


def test_a_reviewer_signs_for_what_is_complete_and_acknowledged(service: Service) -> None:
    """Every section answered, here mostly with explicit non-answers, an urgent one among them."""
    subject, client = patient(service), service.client("intake")
    doctor = service.client(service.account("clinician", related_to=[subject]))
    refused = doctor.post(f"/patients/{subject}/medical-review")
    assert refused.json()["code"] == "medical_incomplete"
    assert {"vitals.systolic", "hiv.offered", "substances.none"} <= set(refused.json()["missing"])
    book: MedicalBook = service.house.state.medical
    for key, section in book.sections.items():
        answers = {one.key: answer_to(one) for one in section.form.questions}
        assert save(doctor, subject, key, answers, 0).status_code == 200, key
        closed = doctor.post(f"/patients/{subject}/medical/{key}/completion")
        assert closed.status_code == 200, (key, closed.text)
    waiting = doctor.post(f"/patients/{subject}/medical-review")
    assert waiting.json()["code"] == "medical_flags_open", waiting.text
    for flag in flags(doctor, subject):
        done = {"action": "Seen in person today", "seen_by": "Dr Testperson", "outcome": "safe_now"}
        answer = doctor.post(f"/flags/{flag['id']}/acknowledgement", done)
        assert answer.status_code == 200, answer.text
    signed = doctor.post(f"/patients/{subject}/medical-review")
    assert signed.status_code == 200, signed.text
    assert all(one["head"]["reviewed_by"] == str(doctor.who.id) for one in signed.json()["sections"])
    assert client.post(f"/patients/{subject}/medical-review").status_code == 403
    changed = save(client, subject, "home", said(use_at_home=True), 2, reason="Told on the telephone")
    assert changed.json()["head"]["reviewed_at"] is None
    entries = service.entries(action="medical.review", outcome="permit")
    assert len(entries[-1]["detail"]["items"]) == len(book.sections)


def answer_to(one: Question) -> dict[str, Any]:
    """A non-answer to everything but lists (nothing to list) and one urgent answer."""
    if one.key == "homicidal_intent":
        return {"value": True}
    if one.concept.endswith(".none") and one.type is Type.YES_NO:
        return {"value": True}
    return {"absent": "declined"}


def test_what_is_asked_is_described_and_strangers_see_nothing(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    listed = service.client("clinician", purpose=None).get("/intake/sections").json()
    assert {"declined", "not_asked", "unknown", "not_applicable"} == set(listed["non_answers"])
    substances = client.get("/intake/sections/substances").json()
    assert substances["is_list"] and substances["questions"][0]["key"] == "none"
    assert client.get("/intake/sections/nothing").status_code == 404
    save(client, subject, "home", said(housing="stable"), 0)
    stranger = service.client(service.account("clinician", name="stranger"))
    for answer in (
        stranger.get(f"/patients/{subject}/medical"),
        stranger.get(f"/patients/{subject}/diagnoses"),
    ):
        assert answer.status_code == 403
    elsewhere = service.client(
        service.account("clinician", name="elsewhere", units=["U2"], related_to=[subject])
    )
    seen = elsewhere.get(f"/patients/{subject}/medical/home").json()
    assert (seen["head"]["state"], seen["withheld"]) == ("not_begun", True)
    assert save(elsewhere, subject, "home", said(housing="homeless"), 0).status_code == 403
    assert elsewhere.post(f"/patients/{subject}/medical-review").status_code == 403
    telling = save(client, subject, "insurance", said(covered="plan", plan="County drug plan"), 0)
    assert [one["code"] for one in telling.json()["errors"]] == ["tells_why"]


def test_what_others_read_is_what_they_may_use(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    doctor = service.account("clinician", related_to=[subject])
    state = service.house.state
    assert entry(client, subject, "substances", alcohol(service)).status_code == 201
    assert save(client, subject, "home", said(housing="homeless", home_safe=NO), 0).status_code == 200
    today = service.clock.now().date().isoformat()
    found = {"substance": "alcohol", "specific": "beer", "criteria": [1, 2, 3], "dated_on": today}
    assert service.client(doctor).post(f"/patients/{subject}/diagnoses", found).status_code == 201

    def read(
        work: Work,
    ) -> tuple[Mapping[str, FactReading], Mapping[str, SectionState], tuple[Diagnosis, ...]]:
        opened(work, Action.MEDICAL_READ, UUID(subject), changing=False)
        record(work)
        of = UUID(subject)
        return (
            medical_facts(work, state.medical, of),
            sections_of(work, state.medical, of),
            diagnoses_of(work, of),
        )

    def record(work: Work) -> None:
        work.record(action=Action.MEDICAL_READ, object_kind="test", object_id=None, patient_id=UUID(subject))

    facts, sections, diagnoses = service.work(doctor.caller, read)
    values = {name: one.value for name, one in facts.items()}
    assert values == {
        "age": 37, "housing": "homeless", "last_use_h_alcohol_sedative": 10, "last_use_d_any": 0, "alcohol_daily": True,
        "sud_severity": "mild",
    } | {"age": values["age"]}  # fmt: skip
    assert facts["housing"].author_id == service.account("intake").id
    assert [(one.code, one.severity, one.author_id) for one in diagnoses] == [("F10.10", "mild", doctor.id)]
    assert sections["home"].missing == ("lives_with", "use_at_home") and not sections["home"].reviewed
    assert sections["home"].changed_at == service.clock.now() and sections["hiv"].item_id is None
    elsewhere = service.account("clinician", name="elsewhere", units=["U2"], related_to=[subject])
    facts, sections, diagnoses = service.work(elsewhere.caller, read)
    assert (facts.keys(), diagnoses) == ({"age"}, ())
    assert "withheld" in sections["home"].missing and "withheld" in sections["substances"].missing


def test_a_patient_in_danger_hears_where_help_is_and_takes_back_only_their_own(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    person = service.client(service.account("patient", patient_id=subject), purpose="PATRQT")
    typed = save(person, subject, "psychiatric", said(homicidal_intent=True), 0)
    assert (typed.json()["flags"], typed.json()["own"]["contacts"][0]["phone"]) == ([], "988"), typed.text
    refused = save(person, subject, "psychiatric", said(homicidal_intent=True, attempts="x"), 1)
    assert "flags" not in refused.json() and refused.json()["own"]["words"]
    assert [one["code"] for one in flags(client, subject)] == ["homicidal_intent"]
    own = entry(person, subject, "allergies", said(substance="nuts", reaction="rash", severity="mild"))
    staffs = entry(client, subject, "allergies", said(substance="dust", reaction="cough", severity="mild"))
    assert own.json()["answers"]["substance"].keys() == {"patient"}
    error = {"reason": "Not mine"}
    assert person.post(f"/medical/{staffs.json()['item_id']}/error", error).status_code in (403, 404)
    assert person.post(f"/medical/{own.json()['item_id']}/error", error).status_code == 200
    assert person.get(f"/patients/{subject}/diagnoses").json()["items"] == []
    assert person.post(f"/patients/{subject}/medical-review").status_code == 404


def test_what_is_repeated_is_done_once_and_where_it_is_filed(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    nut = {"answers": said(substance="nuts", reaction="rash", severity="mild"), "unit": "U2"}
    path = f"/patients/{subject}/medical/allergies/entries"
    first, again = (client.post(path, nut, headers={"Idempotency-Key": "n-1"}) for _ in range(2))
    assert first.json() == again.json() and first.status_code == 201, first.text
    item = first.json()["item_id"]
    assert client.get(f"/items/{item}").json()["unit"] == "U2"
    assert client.post(path, nut | {"unit": "U9"}).json()["code"] == "item_invalid"
    labels = [
        client.post(f"/items/{item}/labels", {"raise": ["HIV"]}, headers={"Idempotency-Key": "l-1"})
        for _ in range(2)
    ]
    assert [one.json()["version"] for one in labels] == [2, 2]
    stale = client.post(f"/items/{item}/labels", {"raise": ["STD"]}, version=1)
    assert stale.json()["code"] == "version_stale"
    written = client.put(f"/medical/{item}", {"answers": said(reaction="cough"), "reason": "x"}, version=2)
    assert written.json()["labels"] == ["HIV"], "what was raised stays"
    missing = client.put(f"/medical/{item}", {"answers": {"severity": {}}, "reason": "x"}, version=3)
    assert missing.json()["code"] == "medical_incomplete"
    head = save(client, subject, "home", said(housing="stable"), 0).json()["head"]["item_id"]
    assert client.put(f"/medical/{head}", {"answers": {}}, version=1).status_code == 404
    other = patient(service, family_name="Otherperson")
    assert client.get(f"/patients/{other}/medical/home").json()["head"]["state"] == "not_begun"
    text = json.dumps([one["detail"] for one in service.entries()])
    for telling in ("nuts", "allergies", "home", "stable", "HIV", "Testperson"):
        assert telling not in text
