"""A raised flag as a task: the table of what can happen to it, what counts as an action, the book of duties."""

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from service.access.caller import Role
from service.access.program import Contact, Program
from service.access.safety import Duty, SafetyBook, read_safety
from service.errors import StartRefused
from service.ids import ProgramId
from service.intake.flags import Flag, Severity
from service.intake.own import own_to_json, seen_by_patient
from service.intake.safety.flag import (
    TRANSITIONS,
    Act,
    Done,
    FlagSource,
    FlagState,
    RaisedFlag,
    after,
    faults_of,
)
from tests.unit.intake.instruments_of_record import CATALOGUE

TEXT = (Path(__file__).parents[3] / "policies" / "safety.yaml").read_text(encoding="utf-8")
BOOK = read_safety(TEXT)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAGE = Flag(
    code="suicide_item_daily",
    severity=Severity.URGENT,
    message='Item 9 was answered "Nearly every day".',
    next_step="Page the on-call clinician now and stay with the patient.",
    task="page_clinician",
)
ON_CALL = Contact("Dr Olu Testperson", "+1-555-0143")


def raised(flag: Flag = PAGE, **more: object) -> RaisedFlag:
    values = {
        "id": UUID(int=1),
        "patient_id": UUID(int=2),
        "source": FlagSource.ASSESSMENT,
        "subject_id": None,
        "instrument": "phq-9",
        "flag": flag,
        "state": FlagState.OPEN,
        "version": 1,
        "raised_at": NOW,
        "due_at": NOW,
        "owner_role": Role.CLINICIAN,
    }
    return RaisedFlag(**(values | more))  # type: ignore[arg-type]


# -- the table --------------------------------------------------------------------------------------------------------

EXPECTED = {
    (FlagState.OPEN, Act.TAKE): FlagState.TAKEN,
    (FlagState.TAKEN, Act.TAKE): FlagState.TAKEN,
    (FlagState.TAKEN, Act.RELEASE): FlagState.OPEN,
    (FlagState.OPEN, Act.ESCALATE): FlagState.OPEN,
    (FlagState.TAKEN, Act.ESCALATE): FlagState.OPEN,
    (FlagState.OPEN, Act.ACKNOWLEDGE): FlagState.ACKNOWLEDGED,
    (FlagState.TAKEN, Act.ACKNOWLEDGE): FlagState.ACKNOWLEDGED,
}


@pytest.mark.parametrize(("state", "act"), list(product(FlagState, Act)), ids=lambda value: value.value)
def test_every_act_in_every_state(state: FlagState, act: Act) -> None:
    assert after(state, act) is EXPECTED.get((state, act))


def test_nothing_but_an_acknowledgement_ends_a_flag() -> None:
    ends = {act for (_, act), step in TRANSITIONS.items() if step.after is FlagState.ACKNOWLEDGED}
    assert ends == {Act.ACKNOWLEDGE}
    assert not [act for act in Act if after(FlagState.ACKNOWLEDGED, act)]


# -- what counts as an action -----------------------------------------------------------------------------------------

ASKED = Duty(Role.CLINICIAN, 15, {"clinician_saw": "A clinician saw the patient"}, ("seen_by", "outcome"))
PLAIN = Duty(Role.CLINICIAN, 15, {"clinician_saw": "A clinician saw the patient"}, ())
SAID = Done("Spoke with the patient at length", seen_by="Dr Testperson", outcome="safe_now")


def codes(duty: Duty, done: Done) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in faults_of(PAGE, duty, BOOK.outcomes, done)]


@pytest.mark.parametrize(
    ("duty", "done", "faults"),
    [
        (PLAIN, Done("Spoke with the patient"), []),
        (PLAIN, Done("0123456789"), []),
        (PLAIN, Done("012345678"), [("action", "missing")]),
        (PLAIN, Done(" . . . . . . "), [("action", "missing")]),
        (PLAIN, Done(PAGE.next_step), [("action", "own_words")]),
        (PLAIN, Done("page the ON-CALL clinician now, and stay with the patient"), [("action", "own_words")]),
        (PLAIN, Done(PAGE.message), [("action", "own_words")]),
        (PLAIN, Done("Suicide item daily"), [("action", "own_words")]),
        (PLAIN, Done("Spoke with them", code="clinician_saw"), []),
        (PLAIN, Done("Spoke with them", code="dismissed"), [("code", "unknown")]),
        (PLAIN, Done("Spoke with them", outcome="fine"), [("outcome", "unknown")]),
        (ASKED, SAID, []),
        (ASKED, Done("Spoke with the patient"), [("seen_by", "missing"), ("outcome", "missing")]),
        (ASKED, Done("Spoke with the patient", seen_by="  ", outcome="stays"), [("seen_by", "missing")]),
        (ASKED, Done("Seen", seen_by="Dr T", outcome="stays"), [("action", "missing")]),
    ],
    ids=range(15),
)
def test_what_is_an_action(duty: Duty, done: Done, faults: list[tuple[str, str]]) -> None:
    assert codes(duty, done) == faults


# -- a flag and its step ----------------------------------------------------------------------------------------------


def test_an_urgent_or_overdue_flag_names_whom_to_call() -> None:
    review = Flag("severe_review", Severity.REVIEW, "High.", "A clinician reviews it.", "clinician_review")
    named = f"{PAGE.next_step} On call: Dr Olu Testperson, +1-555-0143."
    assert raised(contact=ON_CALL).next_step == named
    assert raised().next_step == PAGE.next_step
    assert raised(review, contact=ON_CALL).next_step == review.next_step
    assert "On call: Dr Olu" in raised(review, contact=ON_CALL, escalated_at=NOW).next_step


def test_a_list_is_sorted_by_severity_then_by_the_clock() -> None:
    later, flags = NOW + timedelta(hours=1), [Flag("x", severity, "m", "n", "t") for severity in Severity]
    rows = [raised(flag, due_at=due) for flag in reversed(flags) for due in (later, NOW)]
    order = [(row.flag.severity, row.due_at) for row in sorted(rows, key=lambda row: row.urgency)]
    assert order == [(severity, due) for severity in Severity for due in (NOW, later)]


def test_only_a_form_has_an_assessment() -> None:
    assert raised(subject_id=UUID(int=7)).assessment_id == UUID(int=7)
    assert raised(subject_id=UUID(int=7), source=FlagSource.MEDICAL).assessment_id is None


# -- the book ---------------------------------------------------------------------------------------------------------


def test_duties_of_the_book() -> None:
    screen = BOOK.duty("suicide_screen", "urgent")
    assert (screen.owner, screen.minutes, screen.asks) == (Role.INTAKE, 15, ("seen_by", "outcome"))
    assert BOOK.duty("suicide_screen", "same_day").asks == ()
    assert BOOK.duty("suicide_screen", "same_day").minutes == 480
    unknown = BOOK.duty("a task of a file somebody added", "urgent")
    assert (unknown.owner, unknown.minutes) == (Role.CLINICIAN, 30)
    assert BOOK.duty(None, "review").minutes == 4320
    assert BOOK.overdue_owner is Role.CLINICIAN


def test_every_urgent_suicide_task_of_the_shipped_forms_asks_who_saw_the_patient() -> None:
    urgent = {
        flag.task
        for instrument in CATALOGUE.current()
        for flag in instrument.flags
        if flag.severity is Severity.URGENT and instrument.key in ("phq-9", "asq", "c-ssrs")
    }
    assert urgent
    for task in urgent:
        assert BOOK.duty(task, "urgent").asks == ("seen_by", "outcome"), task


def test_every_task_of_the_shipped_forms_is_in_the_book() -> None:
    tasks = {flag.task for instrument in CATALOGUE.current() for flag in instrument.flags if flag.task}
    assert not tasks - set(BOOK.tasks)


def test_a_flag_is_not_closed_by_not_having_reached_anybody() -> None:
    assert set(BOOK.outcomes) == {"safe_now", "stays", "higher_care", "emergency_services"}


def test_a_patient_reads_neutral_words_and_whom_to_call() -> None:
    program = Program(
        id=ProgramId(UUID(int=1)),
        key="test",
        name="Test",
        timezone="America/New_York",
        state="NY",
        director="Dr Dana Director",
        covered_entity=True,
        units={},
        front_office=Contact("Front Desk", "+1-555-0142"),
    )
    own = seen_by_patient(BOOK, program, (PAGE,), {"language": "en"})
    assert own.words is not None
    assert "988" in own.words
    assert not [word for word in ("suicid", "risk", "score", "daily", "severe") if word in own.words.lower()]
    assert [one["phone"] for one in own_to_json(own)["contacts"]] == ["988", "+1-555-0142"]
    assert "Gracias" in (seen_by_patient(BOOK, program, (PAGE,), {"language": "es"}).words or "")
    assert seen_by_patient(BOOK, program, (PAGE,), {"language": "xx"}).words == own.words
    form_only = Flag("item9_unanswered", Severity.FORM, "m", "n", None)
    assert own_to_json(seen_by_patient(BOOK, program, (form_only,), {})) == {"words": None, "contacts": []}


def without(*path: str) -> str:
    document = yaml.safe_load(TEXT)
    place = document
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tasks: [", "not valid YAML"),
        (TEXT + "\nclocks: {urgent: 1}\n", "'clocks' twice"),
        (TEXT + "\nextra: 1\n", "extra"),
        (without("clocks", "urgent"), "top"),
        (without("patient_words", "en"), "top"),
        (without("tasks", "page_clinician", "owner"), "tasks.page_clinician.owner"),
        (TEXT.replace("owner: intake", "owner: compliance", 1), "tasks.suicide_screen"),
        (TEXT.replace("owner: intake", "owner: nobody", 1), "tasks.suicide_screen.owner"),
        (TEXT.replace("[seen_by, outcome]", "[signature]", 1), "asks"),
        (TEXT.replace("minutes: {urgent: 15}", "minutes: {urgent: 0}", 1), "minutes.urgent"),
        (TEXT.replace("minutes: {urgent: 15}", "minutes: {urgent: 1.5}", 1), "minutes.urgent"),
        (TEXT.replace("overdue: {owner: clinician", "overdue: {owner: director", 1), "top"),
    ],
    ids=range(12),
)
def test_a_book_with_a_fault_stops_the_start(text: str, says: str) -> None:
    with pytest.raises(StartRefused) as refused:
        read_safety(text)
    assert says in refused.value.detail


def test_the_book_is_read_as_it_stands() -> None:
    assert isinstance(BOOK, SafetyBook)
    assert BOOK.crisis_line[1] == "988"
