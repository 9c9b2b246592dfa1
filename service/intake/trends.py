"""Results over time, per instrument: each point with its band and the change from the point before. Pure.

Only like is compared with like. A seven-day form and a thirty-day form, two codings of the same items, two versions of
the rules: each stands in the row, and none is subtracted from another. Whether a change is more than chance is said
only where the instrument's file gives the figure and its source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.intake.assessment import Assessment, AssessmentStatus
from service.intake.instrument import Catalogue, Change

#: The figure of an instrument at a version; None where its file has none.
Figures = Callable[[str, int], Change | None]


@dataclass(frozen=True, slots=True, repr=False)
class TrendPoint:
    """One completed result. `change` and `subscore_changes` are from the last point that can be compared: None and
    empty for the first of its kind. `reliable` None: nobody gives a figure, or there is no change to judge.
    """

    assessment_id: UUID
    completed_at: datetime
    instrument_version: int
    form: str | None
    total: int | None
    band: str | None
    change: int | None
    subscores: Mapping[str, int]
    subscore_changes: Mapping[str, int]
    reliable: bool | None = None
    note: str | None = None


def no_figures(instrument: str, version: int) -> None:
    """For callers without a catalogue: no note is made."""
    del instrument, version


def figures_of(catalogue: Catalogue) -> Figures:
    """The figures the instruments' files give."""

    def figure(instrument: str, version: int) -> Change | None:
        found = catalogue.find(instrument, version)
        return None if found is None else found.change

    return figure


def trends(
    assessments: Sequence[Assessment], figures: Figures = no_figures
) -> dict[str, tuple[TrendPoint, ...]]:
    """One row for each instrument, oldest first. Only completed forms that have a total or a subscore count."""
    rows: dict[str, list[TrendPoint]] = {}
    last: dict[tuple[str, int, str | None], TrendPoint] = {}
    finished = [
        one
        for one in assessments
        if one.completed_at is not None and one.status is not AssessmentStatus.ENTERED_IN_ERROR
    ]
    for one in sorted(finished, key=lambda one: (one.completed_at or one.created_at, one.id)):
        if (measured := _measured(one)) is None:
            continue
        key = (one.content.instrument, one.content.instrument_version, measured.form)
        point = _compared(measured, last.get(key), figures(*key[:2]))
        last[key] = point
        rows.setdefault(one.content.instrument, []).append(point)
    return {instrument: tuple(row) for instrument, row in rows.items()}


def _measured(one: Assessment) -> TrendPoint | None:
    """The result by itself, not yet compared; None when it has no figure at all."""
    result = one.content.result
    given: Mapping[str, Any] = result.get("subscores") or {}
    subscores = {name: value for name, value in given.items() if value is not None}
    if one.completed_at is None or (result["total"] is None and not subscores):
        return None
    return TrendPoint(
        assessment_id=one.id,
        completed_at=one.completed_at,
        instrument_version=one.content.instrument_version,
        form=_form_of(one),
        total=result["total"],
        band=result["band"],
        change=None,
        subscores=subscores,
        subscore_changes={},
    )


def _form_of(one: Assessment) -> str | None:
    """What keeps this result apart from others of the instrument, as the result itself says it."""
    separating: Mapping[str, str] = one.content.result.get("form") or {}
    return "; ".join(f"{name}: {value}" for name, value in sorted(separating.items())) or None


def _compared(point: TrendPoint, before: TrendPoint | None, figure: Change | None) -> TrendPoint:
    if before is None:
        return point
    change = None if point.total is None or before.total is None else point.total - before.total
    reliable, note = _judged(change, figure)
    return TrendPoint(
        assessment_id=point.assessment_id,
        completed_at=point.completed_at,
        instrument_version=point.instrument_version,
        form=point.form,
        total=point.total,
        band=point.band,
        change=change,
        subscores=point.subscores,
        subscore_changes={
            name: value - before.subscores[name]
            for name, value in point.subscores.items()
            if name in before.subscores
        },
        reliable=reliable,
        note=note,
    )


def _judged(change: int | None, figure: Change | None) -> tuple[bool | None, str | None]:
    if change is None or figure is None:
        return None, None
    if abs(change) < figure.reliable:
        return False, f"Within what chance can do (less than {figure.reliable} points; {figure.source})."
    if figure.meaningful is not None and abs(change) >= figure.meaningful:
        return True, f"A clinically meaningful change ({figure.meaningful} points or more; {figure.source})."
    return True, f"A reliable change ({figure.reliable} points or more; {figure.source})."
