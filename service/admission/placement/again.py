"""What happened since a placement was decided: whether it is looked at again, and the flag that asks a clinician to.

Days of use and tests speak through the care plan's own signs (admission/careplan/progress.py); here is what the
decision, the visits, the plan's review date and the patient's flags say. Inside an act already allowed.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from service.admission.placement import kept, records
from service.admission.placement.book import PlacementBook
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.lifecycle import DecisionState
from service.admission.placement.reevaluation import Course, Trigger, triggers
from service.intake.flags import Flag, Severity
from service.intake.safety import records as flag_records
from service.intake.safety.flag import FlagSource, FlagState, RaisedFlag
from service.intake.safety.kept import opened_flag
from service.intake.safety.raising import raise_flags
from service.people.episodes.episode import Episode
from service.people.facts import program_day
from service.people.merging.charts import chart_ids
from service.work import Work

_INSTRUMENT: Final = "placement"
#: How far back an acknowledged flag is looked for; a patient has few.
_FLAGS: Final = 200
#: What becomes a task: these have nobody else who would see them.
_SAYS: Final[Mapping[Trigger, str]] = {
    Trigger.URGENT_FLAG: "An urgent safety flag was raised since the placement was decided.",
    Trigger.MISSED_SESSIONS: "Sessions were missed in a row since the placement was decided.",
    Trigger.REVIEW_DATE: "The day on which the care plan is reviewed has come.",
}


def look_again(
    work: Work, book: PlacementBook, episode: Episode, fired: frozenset[str] = frozenset()
) -> tuple[Trigger, ...]:
    """Why the placement in force is looked at again; () while nothing is in force. `fired`: rules that fire now. Each
    reason in `_SAYS` raises its flag, once, and again only when it happened again since somebody acted on it.

    Called after the act itself was recorded.
    """
    decision = _in_force(work, episode.id)
    if decision is None or not episode.is_open:
        return ()
    flags = [
        opened_flag(work, one)
        for one in flag_records.flags_of(
            work.db, chart_ids(work, episode.patient_id), before=None, at_most=_FLAGS
        )
    ]
    decided_on = decision.decided_at.astimezone(work.program.zone).date()
    missed = _missed_in_a_row(records.visits_since(work.db, episode.id, decided_on))
    urgent = [one.raised_at for one in flags if _is_urgent(one, decision.decided_at)]
    review_on = records.review_day(work.db, episode.id)
    course = Course(
        decided_on=decided_on,
        today=program_day(work),
        new_urgent_flag=bool(urgent),
        missed_in_a_row=len(missed),
        missed_days_in_a_row=len(set(missed)),
        review_on=review_on,
        fired=fired,
    )
    found = triggers(book.demands.reevaluation, course)
    happened = {
        Trigger.URGENT_FLAG: max(urgent, default=decision.decided_at).astimezone(work.program.zone).date(),
        Trigger.MISSED_SESSIONS: max(missed, default=decided_on),
        Trigger.REVIEW_DATE: review_on or decided_on,
    }
    _raise(work, decision, {one: happened[one] for one in found if one in _SAYS}, flags)
    return found


def _raise(
    work: Work, decision: PlacementDecision, due: Mapping[Trigger, date], flags: Sequence[RaisedFlag]
) -> None:
    codes = {_code(trigger): day for trigger, day in due.items()}
    known = [
        one.flag
        for one in flags
        if (one.source, one.subject_id) == (FlagSource.PLACEMENT, decision.id)
        and one.state is FlagState.ACKNOWLEDGED
        and one.flag.code in codes
        and one.raised_at.astimezone(work.program.zone).date() >= codes[one.flag.code]
    ]
    raise_flags(
        work,
        patient_id=decision.patient_id,
        source=FlagSource.PLACEMENT,
        subject_id=decision.id,
        instrument=_INSTRUMENT,
        flags=[_flag(trigger) for trigger in due],
        known=known,
    )


def _code(trigger: Trigger) -> str:
    return f"placement_again_{trigger.value}"


def _flag(trigger: Trigger) -> Flag:
    return Flag(
        code=_code(trigger),
        severity=Severity.SAME_DAY if trigger.same_day else Severity.REVIEW,
        message=_SAYS[trigger],
        next_step="Look at the suggestion of now and decide on the placement again, or say why it stands.",
        task="clinician_review",
    )


def _in_force(work: Work, episode_id: UUID) -> PlacementDecision | None:
    for stored in records.placements_of(work.db, episode_id):
        if stored.state == DecisionState.SIGNED.value:
            return kept.opened(work, stored)
    return None


def _is_urgent(flag: RaisedFlag, since: datetime) -> bool:
    """An urgent flag raised after the decision; one the decision itself raised was seen by who decided."""
    return flag.flag.severity is Severity.URGENT and flag.raised_at > since


def _missed_in_a_row(visits: Sequence[tuple[date, str]]) -> list[date]:
    """The day of every visit missed since the newest day somebody attended on; an excused one is neither."""
    attended = max((day for day, outcome in visits if outcome == "attended"), default=None)
    return [day for day, outcome in visits if outcome == "missed" and (attended is None or day > attended)]
