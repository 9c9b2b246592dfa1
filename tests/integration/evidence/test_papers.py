"""Papers over HTTP: recorded whole or not at all, signed off by who may, ended, and never changed."""

from typing import Any

import pytest

from service.evidence.model import EvidenceKind
from tests.integration.evidence.registry import Registry
from tests.unit.evidence.papers import AGREEMENTS, DIRECTORS, PAPERS

KINDS = sorted(kind.value for kind in EvidenceKind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_recorded_signed_off_read_and_ended(registry: Registry, kind: str) -> None:
    recorded = registry.recorded(kind)
    assert (recorded["state"], recorded["version"], recorded["signed_off_by"]) == ("recorded", 1, None)
    assert recorded["patient_id"] == (None if kind in AGREEMENTS else registry.patient_id)
    assert set(recorded["says"]) == PAPERS[kind].says
    assert recorded["particulars"] == PAPERS[kind].particulars
    assert "CFR" in recorded["citation"]
    path, signer = registry.path(recorded), registry.recorder(kind)
    signed = registry.made(signer.post(f"{path}/sign-off"), 200)
    assert (signed["state"], signed["version"]) == ("signed_off", 2)
    assert signed["signed_off_by"] == str(signer.who.id)
    assert signed["signed_off_roles"] == ["director" if kind in DIRECTORS else "compliance"]
    unchanged = set(recorded) - {"state", "version", "signed_off_by", "signed_off_at", "signed_off_roles"}
    assert {name: signed[name] for name in unchanged} == {name: recorded[name] for name in unchanged}
    reader = registry.by("compliance")
    assert reader.get(path).json() == signed
    again = signer.post(f"{path}/sign-off")
    assert (again.status_code, again.json()["code"]) == (409, "transition_refused")
    ended = registry.made(reader.post(f"{path}/end", {"reason": "replaced by a newer one"}), 200)
    assert (ended["state"], ended["version"], ended["ended_because"]) == (
        "ended",
        3,
        "replaced by a newer one",
    )
    for act, body in (("sign-off", None), ("end", {"reason": "twice"})):
        assert signer.post(f"{path}/{act}", body).status_code in (403, 409)
    assert reader.get(path).json() == ended


def test_an_incomplete_paper_is_refused_whole_with_every_paragraph(registry: Registry) -> None:
    """42 CFR 2.51(c): complete documentation, or none."""
    body = registry.body(
        "emergency", particulars={"nature": "overdose", "time": "25:00"}, recipients=[], kinds=[]
    )
    answer = registry.by("clinician").post(registry.papers, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "evidence_incomplete")
    told = {error["field"]: error for error in answer.json()["errors"]}
    assert set(told) == {
        *(f"particulars.{name}" for name in ("recipient_name", "recipient_facility", "discloser_name")),
        *(f"particulars.{name}" for name in ("date", "time", "bona_fide", "patient_state")),
        "particulars.consent_obtainable",
        "kinds",
        "recipients",
    }
    assert told["particulars.time"]["citation"] == "42 CFR 2.51(c)(3)"
    assert "25:00" not in answer.text and "overdose" not in answer.text
    assert registry.by("compliance").get(registry.papers).json()["items"] == []
    assert [entry["action"] for entry in registry.service.entries(object_kind="evidence")] == [
        "evidence.list"
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "fault"),
    [
        ("emergency", {"kind": "rumour"}, ("kind", "unknown")),
        ("emergency", {"kinds": ["gossip"]}, ("kinds", "unknown")),
        ("emergency", {"kinds": [], "items": ["00000000-0000-0000-0000-000000000001"]}, ("items", "unknown")),
        ("emergency", {"ends_on": "2026-05-31"}, ("ends_on", "before_start")),
        ("emergency", {"ends_on": "2026-06-04"}, ("ends_on", "too_long")),
        ("emergency", {"starts_on": "2026-06-02"}, ("starts_on", "in_the_future")),
        ("court_order", {"kinds": "all"}, ("kinds", "not_all")),
        (
            "incident",
            {"particulars": {**PAPERS["incident"].particulars, "gossip": "x"}},
            ("particulars.?", "unknown"),
        ),
    ],
    ids=["kind", "kind-of-item", "item", "dates", "too-long", "to-come", "order-about-all", "extra"],
)
def test_what_does_not_fit_is_named(
    registry: Registry, kind: str, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    answer = registry.by("compliance").post(registry.papers, registry.body(kind) | changes)
    assert answer.status_code == 422, answer.text
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [fault]


def test_agreements_and_papers_about_a_patient_have_their_own_places(registry: Registry) -> None:
    compliance = registry.by("compliance")
    for kind, path in (("qsoa", registry.papers), ("incident", "/agreements")):
        answer = compliance.post(path, registry.body(kind))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "elsewhere")
    agreement, paper = registry.recorded("qsoa"), registry.recorded("incident")
    for path in (f"/evidence/{agreement['id']}", f"/agreements/{paper['id']}"):
        assert compliance.get(path).status_code == 404
        assert compliance.post(f"{path}/sign-off").status_code == 404
        assert compliance.post(f"{path}/end", {"reason": "x"}).status_code == 404


def test_an_item_named_is_an_item_of_this_patient(registry: Registry) -> None:
    item = registry.item()
    paper = registry.recorded("emergency", kinds=[], items=[item])
    assert (paper["items"], paper["kinds"]) == ([item], [])


def test_an_emergency_lasts_two_days_by_itself(registry: Registry) -> None:
    """A policy of ours: what was said of one night opens nothing a week later."""
    assert registry.recorded("emergency")["ends_on"] == "2026-06-03"
    assert registry.recorded("emergency", ends_on="2026-06-01")["ends_on"] == "2026-06-01"
    assert registry.recorded("incident")["ends_on"] is None


def test_a_recipient_may_be_described(registry: Registry) -> None:
    described = {"type": "entity", "name": "Second Test Lab", "covered_entity": False}
    paper = registry.recorded("qsoa", recipients=[described, {"recipient_id": registry.recipient_id}])
    found = registry.intake.get("/recipients", params={"name": "Second Test Lab"}).json()["items"]
    assert paper["recipients"] == sorted([found[0]["id"], registry.recipient_id])


def test_the_register_is_found_by_recipient(registry: Registry) -> None:
    other = registry.made(registry.intake.post("/recipients", {"type": "entity", "name": "Other Test Lab"}))[
        "id"
    ]
    first = registry.recorded("qsoa")
    second = registry.recorded("audit", recipients=[{"recipient_id": other}])
    third = registry.recorded("research")
    registry.recorded("incident")
    compliance = registry.by("compliance")

    def listed(**asked: Any) -> list[str]:
        answer = registry.made(compliance.get("/agreements", params=asked), 200)
        return [one["id"] for one in answer["items"]]

    assert listed() == [third["id"], second["id"], first["id"]]
    assert listed(recipient=registry.recipient_id) == [third["id"], first["id"]]
    assert listed(recipient=other) == [second["id"]]
    assert listed(recipient="00000000-0000-0000-0000-000000000001") == []
    page = compliance.get("/agreements", params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == [third["id"], second["id"]]
    rest = compliance.get("/agreements", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)


def test_a_patients_papers_are_listed_newest_first(registry: Registry) -> None:
    made = [registry.recorded(kind)["id"] for kind in ("incident", "emergency", "court_order")]
    registry.recorded("qsoa")
    page = registry.by("clinician").get(registry.papers, params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == made[:0:-1]
    rest = registry.by("clinician").get(registry.papers, params={"cursor": page["next_cursor"]}).json()
    assert [one["id"] for one in rest["items"]] == made[:1]


@pytest.mark.parametrize("kind", ["incident", "qsoa"])
def test_a_repeated_request_is_one_act(registry: Registry, kind: str) -> None:
    compliance, key = registry.by("compliance"), {"Idempotency-Key": "once"}
    answers = [compliance.post(registry.place(kind), registry.body(kind), headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    path = registry.path(answers[0].json())
    signed = [compliance.post(f"{path}/sign-off", headers={"Idempotency-Key": "again"}) for _ in range(2)]
    assert [answer.status_code for answer in signed] == [200, 200]
    assert len(compliance.get(registry.place(kind)).json()["items"]) == 1
