"""Every route of the description, as everybody who has no business there: another program, the patient of another chart,
the administrator, compliance, a requester from outside.

One town with one of everything that a path can name; a route that is added is asked by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from service.api import record_requests
from tests.fuzz.town import Town
from tests.house import Client, House, open_program, verify_ledger

#: Names in paths that are ids of this program's things, not keys of files everybody has.
KEYS = {"key", "version", "section", "goal", "item", "size", "tile"}
#: What names no patient and no content: descriptions, registers, the caller's own account.
NO_PATIENT = {"health", "sign-in", "administration", "recipients", "agreements", "audit", "packs"}
#: Routes of other tags that are about no patient: words of forms and instruments, figures without people.
WORDS = {
    "list_keys",
    "ask_for_rotation",
    "read_rotation",
    "list_instruments",
    "read_instrument",
    "read_questionnaire",
    "list_sections",
    "read_section_definition",
} | {
    *("read_form", "list_texts", "read_text", "adopt_text", "list_recollections", "placement_report"),
    *("attest_pack", "list_packs"),
}
#: Scores, flags, worries and lists of the staff: not even of their own chart.
STAFF_ONLY = {
    *(
        "list_flags",
        "list_waiting_flags",
        "assign_flag",
        "acknowledge_flag",
        "read_work_list",
        "read_suggestion",
    ),
    *(
        "list_placement_decisions",
        "read_placement_decision",
        "show_caseload",
        "show_unassigned",
    ),
    *("read_hours", "read_gates", "list_merges", "list_messages"),
    *("record_visit", "begin_care_plan", "admit_patient", "waive_item", "decide_placement", "relabel_item"),
}
#: The second person of a destruction is an administrator: whose record, on what ground, and why; nothing of the record.
SECOND_PERSON = {"read_shredding", "decide_shredding"}
#: One's own session, and rotations, which are the deployment's: kind, times and a number.
OF_NO_PROGRAM = {"end_session", "read_rotation"}
#: What compliance reads of charts: who decided what, never what was said.
CONTENT = {
    *("read_assessment", "list_assessments", "read_medical_section", "read_medical_form", "list_diagnoses"),
    *("read_care_plan", "list_care_plans", "read_care_plan_fhir", "list_safety_plans", "read_safety_plan"),
    *("read_suggestion", "read_placement_decision", "list_placement_decisions", "read_item", "read_record"),
    *(
        "read_discharge",
        "list_visits",
        "read_gates",
        "read_hours",
        "show_patient",
        "list_flags",
        "read_medical_intake",
    ),
}


@dataclass(frozen=True)
class Route:
    name: str
    method: str
    path: str
    tag: str
    names: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        return self.names - KEYS

    @property
    def about_patients(self) -> bool:
        return self.tag not in NO_PATIENT and self.name not in WORDS


@pytest.fixture(scope="module")
def town(house: House) -> Iterator[Town]:
    house.clock.set(house.clock.beginning)
    service = open_program(house)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_requests, "FLOOR_SECONDS", 0.0)
        yield Town(service)
    verify_ledger(service)


@pytest.fixture(scope="module")
def routes(house: House) -> list[Route]:
    described = house.http.get("/openapi.json").json()["paths"]
    found = [
        Route(
            operation["operationId"],
            method.upper(),
            path,
            operation["tags"][0],
            frozenset(part[1:-1] for part in path.split("/") if part.startswith("{")),
        )
        for path, methods in described.items()
        for method, operation in methods.items()
        if operation.get("security") != []
    ]
    assert len(found) > 140
    names = {one.name for one in found}
    assert names >= WORDS | STAFF_ONLY | CONTENT, (WORDS | STAFF_ONLY | CONTENT) - names
    return found


def ask(town: Town, who: Client, route: Route) -> Any:
    """The route with ids of the town, and a body that would do something if it could."""
    path = route.path
    for name in route.names:
        path = path.replace("{" + name + "}", town.known.get(name, ["1"])[0])
    options: dict[str, Any] = {"version": 1}
    if route.method != "GET":
        body = next(iter(town.good(route.name)), {})
        options |= {"content": body} if isinstance(body, bytes) else {"json": body}
    return who.request(route.method, path, **options)


def answers(town: Town, who: Client, routes: list[Route]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for route in routes:
        answer = ask(town, who, route)
        found[route.name] = (answer.status_code, answer.text)
    return found


#: Refused before anything is looked at: the body, the header, the purpose.
SHAPE = {400, 409, 412, 413, 415, 422}


@pytest.mark.parametrize("role", ["intake", "clinician", "compliance"])
def test_ids_of_another_program_are_nothing(town: Town, routes: list[Route], role: str) -> None:
    other = open_program(town.service.house)
    purpose = "HOPERAT" if role == "compliance" else "TREAT"
    who = other.client(other.account(role), purpose=purpose)
    with_ids = [one for one in routes if one.ids and one.name not in OF_NO_PROGRAM]
    seen = answers(town, who, with_ids)
    let_in = {
        name: status for name, (status, _) in seen.items() if status not in {403, 404} | SHAPE - {409, 412}
    }
    assert let_in == {}
    assert sum(status == 404 for status, _ in seen.values()) > (40 if role == "compliance" else 60)
    _says_nothing(town, seen)


def test_a_patient_of_another_chart_finds_nothing(town: Town, routes: list[Route]) -> None:
    service = town.service
    person = {"given_name": "Other", "family_name": "Testperson", "birth_date": "1970-01-01"}
    other = town.intake.post("/patients", person).json()["id"]
    who = service.client(service.account("patient", name="other", patient_id=other), purpose="PATRQT")
    about = [one for one in routes if one.ids and one.about_patients]
    seen = answers(town, who, about)
    assert {
        name: status for name, (status, _) in seen.items() if status not in {404} | SHAPE - {409, 412}
    } == {}
    _says_nothing(town, seen)


def test_a_patient_reaches_no_view_of_the_staff(town: Town, routes: list[Route]) -> None:
    seen = answers(town, town.patient, [one for one in routes if one.name in STAFF_ONLY])
    assert {name: status for name, (status, _) in seen.items() if status not in {404, 422}} == {}
    form = town.patient.get(f"/assessments/{town.known['assessment_id'][0]}")
    assert form.status_code == 404, "what staff typed is not theirs to read here"


def test_an_administrator_reaches_no_patient(town: Town, routes: list[Route]) -> None:
    who = town.service.client("administrator")
    about = [one for one in routes if one.about_patients and one.name not in SECOND_PERSON]
    seen = answers(town, who, about)
    assert {name: status for name, (status, _) in seen.items() if status not in {403, 404, 400, 422}} == {}
    _says_nothing(town, seen)


def test_compliance_reads_no_content(town: Town, routes: list[Route]) -> None:
    who = town.service.client("compliance", purpose="HOPERAT")
    seen = answers(town, who, [one for one in routes if one.name in CONTENT])
    assert {name: status for name, (status, _) in seen.items() if status not in {403, 404}} == {}


def test_a_requester_from_outside_reaches_none_of_it(town: Town, routes: list[Route]) -> None:
    asked = {"request_package", "read_disclosure", "fetch_package", "list_instruments", "read_instrument"}
    about = [one for one in routes if one.about_patients and one.name not in asked]
    seen = answers(town, town.outside(), about)
    assert {name: status for name, (status, _) in seen.items() if status not in {400, 404, 422}} == {}
    _says_nothing(town, seen)


def _says_nothing(town: Town, seen: dict[str, tuple[int, str]]) -> None:
    """No refusal names the patient or an id that was not asked with."""
    for name, (_, text) in seen.items():
        assert "Testperson" not in text, name
