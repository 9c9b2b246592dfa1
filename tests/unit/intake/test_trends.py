"""Results over time: like compared with like, and a change called reliable only where the file gives the figure."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.assessment import Assessment, AssessmentStatus, Content
from service.intake.instrument import Change
from service.intake.trends import figures_of, trends
from tests.unit.intake.instruments_of_record import CATALOGUE

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
FIGURE = Change(reliable=5, meaningful=10, source="a source")


def result(
    day: int,
    total: int | None,
    *,
    instrument: str = "pcl-5",
    version: int = 1,
    form: dict[str, str] | None = None,
    subscores: dict[str, int | None] | None = None,
    status: AssessmentStatus = AssessmentStatus.COMPLETED,
) -> Assessment:
    done = START + timedelta(days=day)
    return Assessment(
        id=UUID(int=day + 1),
        patient_id=UUID(int=9),
        unit="U1",
        author_id=UUID(int=8),
        status=status,
        version=1,
        labels=frozenset(),
        content=Content(
            instrument=instrument,
            instrument_version=version,
            answers={},
            context={},
            result={
                "total": total,
                "band": None if total is None else f"band {total // 10}",
                "subscores": subscores or {},
                "form": form or {},
            },
            flags=(),
        ),
        created_at=done,
        changed_at=done,
        completed_at=None if status is AssessmentStatus.DRAFT else done,
    )


def figure(instrument: str, version: int) -> Change | None:
    return FIGURE if (instrument, version) == ("pcl-5", 1) else None


def test_a_row_is_oldest_first_with_band_and_change() -> None:
    row = trends([result(7, 31), result(0, 40), result(14, 33)])["pcl-5"]
    assert [(one.total, one.band, one.change) for one in row] == [
        (40, "band 4", None),
        (31, "band 3", -9),
        (33, "band 3", 2),
    ]
    assert [one.assessment_id.int for one in row] == [1, 8, 15]


def test_drafts_and_forms_without_a_figure_are_left_out() -> None:
    draft = result(3, 9, status=AssessmentStatus.DRAFT)
    rows = trends([result(0, None), draft, result(1, None, subscores={"use": None})])
    assert rows == {}


@pytest.mark.parametrize(
    ("before", "after", "reliable", "says"),
    [
        (40, 36, False, "less than 5 points"),
        (40, 35, True, "A reliable change (5 points"),
        (35, 40, True, "A reliable change (5 points"),
        (40, 31, True, "A reliable change (5 points"),
        (40, 30, True, "clinically meaningful change (10 points"),
        (40, 40, False, "less than 5 points"),
    ],
)
def test_what_is_more_than_chance(before: int, after: int, reliable: bool, says: str) -> None:
    first, second = trends([result(0, before), result(7, after)], figure)["pcl-5"]
    assert (first.reliable, first.note) == (None, None)
    assert second.reliable is reliable
    assert second.note is not None
    assert says in second.note
    assert "a source" in second.note


def test_without_a_figure_nothing_is_said() -> None:
    rows = trends([result(0, 4, instrument="gad-7"), result(7, 20, instrument="gad-7")], figure)
    assert [(one.change, one.reliable, one.note) for one in rows["gad-7"]] == [
        (None, None, None),
        (16, None, None),
    ]


def test_forms_codings_and_versions_are_never_subtracted_from_each_other() -> None:
    week, month = {"period": "7 days"}, {"period": "30 days"}
    row = trends(
        [
            result(0, 10, form=month),
            result(7, 30, form=week),
            result(14, 13, form=month),
            result(21, 28, form=week),
            result(28, 40, form=week, version=2),
            result(35, 41, form=week, version=2),
        ],
        figure,
    )["pcl-5"]
    assert [one.change for one in row] == [None, None, 3, -2, None, 1]
    assert [one.form for one in row] == [f"period: {days} days" for days in (30, 7, 30, 7, 7, 7)]
    assert [one.reliable for one in row] == [None, None, False, False, None, None]


def test_an_instrument_without_a_total_is_followed_by_its_subscores() -> None:
    row = trends(
        [
            result(0, None, instrument="bam", subscores={"use": 4, "risk": None, "protective": 10}),
            result(7, None, instrument="bam", subscores={"use": 1, "risk": 12, "protective": 13}),
        ]
    )["bam"]
    assert [one.change for one in row] == [None, None]
    assert row[1].subscore_changes == {"use": -3, "protective": 3}
    assert row[0].subscores == {"use": 4, "protective": 10}


def test_the_figures_are_those_of_the_files() -> None:
    of_files = figures_of(CATALOGUE)
    for instrument in CATALOGUE.current():
        assert of_files(instrument.key, instrument.version) == instrument.change
    assert of_files("no such form", 1) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.sampled_from(["7 days", "30 days"]), st.integers(1, 2)), max_size=12
    ),
    st.randoms(),
)
def test_changes_add_up_within_each_kind_and_order_does_not_matter(
    given_results: list[tuple[int, str, int]], random: Any
) -> None:
    made = [
        result(day, total, form={"period": period}, version=version)
        for day, (total, period, version) in enumerate(given_results)
    ]
    row = trends(made, figure).get("pcl-5", ())
    random.shuffle(made)
    assert trends(made, figure).get("pcl-5", ()) == row
    for kind in {(one.form, one.instrument_version) for one in row}:
        like = [one for one in row if (one.form, one.instrument_version) == kind]
        totals = [one.total or 0 for one in like]
        assert like[0].change is None
        assert sum(one.change or 0 for one in like) == totals[-1] - totals[0]
