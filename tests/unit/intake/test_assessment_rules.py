"""States, refusals and trends of assessments, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from service.access.actions import Action
from service.errors import Code
from service.intake.assessment import (
    TRANSITIONS,
    Assessment,
    AssessmentStatus,
    Content,
    Source,
    after,
    can_be_taken_back,
    fault_of,
    result_to_json,
)
from service.intake.scoring import score
from service.intake.trends import trends
from service.labels import Label
from tests.unit.intake.instruments_of_record import shipped

PHQ_9: dict[str, object] = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 0}
ACTS = (Action.ASSESSMENT_SAVE, Action.ASSESSMENT_COMPLETE, Action.ASSESSMENT_AMEND)


def test_every_act_in_every_status() -> None:
    """Exhaustive: nothing outside this list is possible, and a completed form is never a draft again."""
    possible = {
        (action.value, before and before.value): found.value
        for action, before in product(ACTS, (None, *AssessmentStatus))
        if (found := after(action, before)) is not None
    }
    assert possible == {
        ("assessment.save", None): "draft",
        ("assessment.save", "draft"): "draft",
        ("assessment.complete", None): "completed",
        ("assessment.complete", "draft"): "completed",
        ("assessment.amend", "completed"): "amended",
        ("assessment.amend", "amended"): "amended",
    }
    taken_back = {step.before for step in TRANSITIONS if step.takes_back}
    assert taken_back == set(AssessmentStatus) - {AssessmentStatus.ENTERED_IN_ERROR}
    assert {one for one in AssessmentStatus if can_be_taken_back(one)} == taken_back
    assert len(TRANSITIONS) == len(possible) + len(taken_back)


def test_a_good_form_has_no_fault() -> None:
    result = score(shipped("phq-9"), PHQ_9)
    assert fault_of(result, completing=True, claimed_total=None) is None
    assert fault_of(result, completing=True, claimed_total=8) is None


def test_an_estimate_can_be_completed_and_a_draft_may_have_gaps() -> None:
    result = score(shipped("phq-9"), PHQ_9 | {"phq9.1": None})
    assert fault_of(result, completing=True, claimed_total=None) is None
    nothing = score(shipped("phq-9"), {})
    assert fault_of(nothing, completing=False, claimed_total=None) is None


@pytest.mark.parametrize(
    ("answers", "claimed", "code"),
    [
        (PHQ_9 | {"phq9.9": 3, "phq9.1": "1"}, None, Code.ASSESSMENT_REJECTED),
        (PHQ_9 | {"phq9.9": 3, "phq9.10": 1}, None, Code.ASSESSMENT_REJECTED),
        ({"phq9.9": 3}, None, Code.ASSESSMENT_INCOMPLETE),
        (PHQ_9 | {"phq9.9": 3}, 3, Code.TOTAL_MISMATCH),
        (PHQ_9 | {"phq9.9": 3}, 0, Code.TOTAL_MISMATCH),
    ],
)
def test_every_refusal_shows_the_urgent_flag_and_no_answer(
    answers: dict[str, object], claimed: int | None, code: Code
) -> None:
    fault = fault_of(score(shipped("phq-9"), answers), completing=True, claimed_total=claimed)
    assert fault is not None
    assert fault.code is code
    flags = fault.extra["flags"]
    assert isinstance(flags, list)
    assert "suicide_item_daily" in [flag["code"] for flag in flags]
    assert fault.errors
    assert all("phq9.10" not in error.field for error in fault.errors), "an invented key is not echoed"


def test_content_survives_its_json() -> None:
    result = score(shipped("phq-9"), PHQ_9 | {"phq9.9": 1})
    content = Content("phq-9", 1, PHQ_9, {"language": "en"}, result_to_json(result), result.flags, "why")
    assert Content.from_json(content.to_json()) == content
    own = replace(content, source=Source.PATIENT, typed_by=Source.PATIENT)
    assert Content.from_json(own.to_json()) == own != content
    before = {key: value for key, value in own.to_json().items() if key not in ("source", "typed_by")}
    assert Content.from_json(before).source is Source.STAFF, "a form of before there were patients' own"
    assert "language" not in repr(content), "opened values do not print"


def test_a_patient_is_told_where_help_is_and_nothing_of_the_result() -> None:
    result = score(shipped("phq-9"), {"phq9.9": 3, "phq9.1": 9})
    fault = fault_of(result, completing=True, claimed_total=None, along={"help": {"words": "x"}})
    assert fault is not None
    assert fault.extra == {"help": {"words": "x"}}
    assert "flag" not in fault.detail


def completed(instrument: str, total: int | None, at: datetime | None, id_: UUID | None = None) -> Assessment:
    result = {"status": "complete", "total": total, "band": "mild"}
    now = at or datetime(2026, 1, 1, tzinfo=UTC)
    return Assessment(
        id=id_ or uuid4(),
        patient_id=uuid4(),
        unit="U1",
        author_id=uuid4(),
        status=AssessmentStatus.DRAFT if at is None else AssessmentStatus.COMPLETED,
        version=1,
        labels=frozenset({Label.PSY}),
        content=Content(instrument, 1, {}, {}, result, ()),
        created_at=now,
        changed_at=now,
        completed_at=at,
    )


def test_trends_are_oldest_first_and_leave_out_what_has_no_total() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    forms = [
        completed("gad-7", 4, start + timedelta(days=14)),
        completed("gad-7", 12, start),
        completed("gad-7", 9, None),
        completed("asq", None, start),
        completed("gad-7", 12, start + timedelta(days=30)),
    ]
    found = trends(forms)
    assert list(found) == ["gad-7"]
    assert [(point.total, point.change) for point in found["gad-7"]] == [(12, None), (4, -8), (12, 8)]
