"""Who may record, sign off, end and read papers; other programs, strangers to the patient; what the ledger holds."""

import json

import pytest

from service.access.actions import Action
from tests.house import open_program
from tests.integration.evidence.registry import Registry
from tests.unit.evidence.papers import AGREEMENTS, CLINICIANS, DIRECTORS, PAPERS

ROLES = ("clinician", "compliance", "director", "intake", "administrator", "patient", "requester")
OUTSIDE = ("patient", "requester")

#: What a clinician may record beside the kinds a clinician may sign off.
RECEIVED = {"access_request"}


def may_record(role: str, kind: str) -> bool:
    """Written from the law's words and the brief of each role, not from policies/evidence.yaml."""
    if kind in AGREEMENTS:
        return role in ("compliance", "director")
    if kind in DIRECTORS:
        return role == "director"
    return role == "compliance" or (role == "clinician" and kind in CLINICIANS | RECEIVED)


def refusal(role: str) -> int:
    """Who may not know of existence hears of none."""
    return 404 if role in OUTSIDE else 403


@pytest.mark.parametrize("role", ROLES)
def test_who_may_record_which_kind(registry: Registry, role: str) -> None:
    who = registry.by(role)
    for kind in sorted(PAPERS):
        answer = who.post(registry.place(kind), registry.body(kind))
        expected = 201 if may_record(role, kind) else refusal(role)
        assert answer.status_code == expected, (kind, answer.text)
        if expected == 201:
            assert answer.json()["state"] == "recorded"


@pytest.mark.parametrize("role", ROLES)
def test_who_may_sign_off_which_kind(registry: Registry, role: str) -> None:
    """A finding is the program director's alone (2.14, 2.52); everything else is compliance's."""
    who = registry.by(role)
    for kind in sorted(PAPERS):
        paper = registry.recorded(kind)
        answer = who.post(f"{registry.path(paper)}/sign-off")
        allowed = role == ("director" if kind in DIRECTORS else "compliance")
        assert answer.status_code == (200 if allowed else refusal(role)), (kind, answer.text)
        kept = registry.by("compliance").get(registry.path(paper)).json()
        assert kept["state"] == ("signed_off" if allowed else "recorded")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_read_and_end(registry: Registry, role: str) -> None:
    who, refused = registry.by(role), refusal(role)
    for kind in ("incident", "qsoa"):
        paper = registry.recorded(kind)
        path = registry.path(paper)
        reads = role in ("clinician", "compliance", "director")
        assert who.get(path).status_code == (200 if reads else refused)
        assert who.get(registry.place(kind)).status_code == (200 if reads else refused)
        ends = role == "compliance" or (kind == "qsoa" and role == "director")
        assert who.post(f"{path}/end", {"reason": "x"}).status_code == (200 if ends else refused)


def test_a_clinician_who_does_not_work_with_the_patient(registry: Registry) -> None:
    paper = registry.recorded("incident")
    stranger = registry.service.client(registry.service.account("clinician", name="works elsewhere"))
    assert stranger.post(registry.papers, registry.body("incident")).status_code == 403
    assert stranger.get(registry.papers).status_code == 403
    assert stranger.get(registry.path(paper)).status_code == 403


def test_a_patients_paper_needs_a_purpose_and_an_agreement_does_not(registry: Registry) -> None:
    silent = registry.by("compliance", purpose=None)
    answer = silent.post(registry.papers, registry.body("incident"))
    assert (answer.status_code, answer.json()["code"]) == (400, "purpose_required")
    assert silent.post("/agreements", registry.body("qsoa")).status_code == 201


@pytest.mark.parametrize("kind", ["incident", "qsoa"])
def test_another_program_has_none_of_it(registry: Registry, kind: str) -> None:
    paper = registry.signed_off(kind)
    foreign = open_program(registry.service.house).client("compliance", "HOPERAT")
    path = registry.path(paper)
    for answer in (
        foreign.get(path),
        foreign.post(f"{path}/sign-off"),
        foreign.post(f"{path}/end", {"reason": "x"}),
        foreign.get(registry.papers),
        foreign.post(registry.papers, registry.body("incident")),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert foreign.get("/agreements").json()["items"] == []
    assert foreign.get("/agreements", params={"recipient": registry.recipient_id}).json()["items"] == []
    assert foreign.post("/agreements", registry.body("qsoa")).status_code == 422, (
        "its recipients are not ours"
    )


@pytest.mark.parametrize("kind", sorted(PAPERS))
def test_the_ledger_says_who_did_what_and_not_what_is_in_it(registry: Registry, kind: str) -> None:
    paper = registry.signed_off(kind)
    registry.made(registry.by("compliance").get(registry.path(paper)), 200)
    registry.made(registry.by("compliance").post(f"{registry.path(paper)}/end", {"reason": "Pat moved"}), 200)
    entries = registry.service.entries(object_id=paper["id"])
    agreement, directors = kind in AGREEMENTS, kind in DIRECTORS
    find = Action.EVIDENCE_FIND.value
    recorded = "agreement.record" if agreement else find if directors else "evidence.record"
    signed = find if directors else "agreement.record" if agreement else "evidence.sign_off"
    prefix = "agreement" if agreement else "evidence"
    assert [entry["action"] for entry in entries] == [
        recorded,
        signed,
        f"{prefix}.read",
        "agreement.record" if agreement else "evidence.end",
    ]
    assert [entry["detail"]["state"] for entry in entries] == [
        "recorded",
        "signed_off",
        "signed_off",
        "ended",
    ]
    assert [entry["object_version"] for entry in entries] == [1, 2, 2, 3]
    assert {str(entry["patient_id"]) for entry in entries} == {
        str(None if agreement else registry.patient_id)
    }
    assert len({entry["payload_hash"] for entry in entries}) == 1, "what a paper says never changes"
    written = json.dumps([entry["detail"] for entry in entries])
    texts = [one for one in PAPERS[kind].particulars.values() if isinstance(one, str) and " " in one]
    assert not [one for one in (*texts, "Pat moved") if one in written]


def test_a_refused_attempt_is_recorded(registry: Registry) -> None:
    registry.by("clinician").post(registry.papers, registry.body("court_order"))
    (denied,) = registry.service.entries(outcome="deny")
    assert (denied["action"], denied["detail"]["reason"]) == ("evidence.record", "not_this_kind")
    assert str(denied["patient_id"]) == registry.patient_id
