"""A clinician's decision on the level of care: what it says, and what it must say when it is not what the rules suggest.

The rules suggest and never decide. Who decides otherwise says why, in a code and in words; who goes below an EMERGENCY
or HIGHER has a second clinician, a safety plan or a medical clearance, and a time within a day at which the patient is
seen again; who refers out hands over warmly. Nobody is only told "not suitable".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from service.admission.placement.book import PlacementBook
from service.admission.placement.rules import GUARDED, Outcome, Suggestion
from service.errors import FieldError
from service.record.item import Kind

#: The profile for which another instrument than this table places the patient.
_OTHER_LADDER: Final = "mental_health"
#: What a physician's word that somebody is medically fit can stand in.
_CLEARANCES: Final = frozenset(
    {
        Kind.PROGRESS_NOTE,
        Kind.VITAL_SIGNS,
        Kind.LAB_RESULT,
        Kind.HEALTH_HISTORY,
        Kind.DISCHARGE_SUMMARY,
        Kind.ATTACHMENT,
    }
)
#: Ratings of risk go from none to the highest.
_HIGHEST_RATING: Final = 4


class PatientView(StrEnum):
    """What the patient says to it."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    OTHER_WISH = "other_wish"
    NOT_ASKED = "not_asked"


class Ground(StrEnum):
    """What a hand-over to another facility rests on."""

    CONSENT = "consent"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, repr=False)
class ToolResult:
    """The result of a licensed placement tool, as the clinician copies it: its own edition, its own dimensions."""

    name: str
    edition: int
    level: str
    ratings: Mapping[int, int]
    completed_on: date


@dataclass(frozen=True, slots=True, repr=False)
class Override:
    """Why the decision is another one."""

    code: str
    text: str
    interim_plan: str | None = None
    denial_id: str | None = None
    appeal_offered: bool | None = None
    wrong_fact: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Safeguard:
    """What stands beside an override downwards of EMERGENCY or HIGHER."""

    follow_up_at: datetime
    safety_plan_id: UUID | None = None
    clearance_id: UUID | None = None

    @property
    def linked(self) -> frozenset[UUID]:
        return frozenset(one for one in (self.safety_plan_id, self.clearance_id) if one is not None)


@dataclass(frozen=True, slots=True, repr=False)
class HandOff:
    """A warm hand-off to a named facility."""

    facility: str
    at: datetime
    ground: Ground
    sent: tuple[str, ...]
    consent_id: UUID | None = None
    naloxone_given: bool = False
    crisis_card_given: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The suggestion the clinician had on the screen."""

    computed_at: datetime
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewDecision:
    """A decision as it is given."""

    level: str
    start_date: date
    patient_view: PatientView
    seen: Seen
    edition: int = 4
    rationale: str = ""
    offered_alternatives: tuple[str, ...] = ()
    #: What was arranged that a rule asks for together with a level (a shelter, a recovery house).
    arranged: frozenset[str] = frozenset()
    tool: ToolResult | None = None
    override: Override | None = None
    safeguard: Safeguard | None = None
    hand_off: HandOff | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a decision stands to the suggestion. `downwards`: below an EMERGENCY or HIGHER, so that a second signs."""

    overridden: bool
    downwards: bool
    faults: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision is judged against. `linked`: kinds of the items it names, those that are final items of this
    patient. `consents`: consents of this patient in force now.
    """

    now: datetime
    today: date
    opened_on: date
    linked: Mapping[UUID, Kind] = field(default_factory=dict[UUID, Kind])
    consents: frozenset[UUID] = frozenset()


def judged(book: PlacementBook, suggestion: Suggestion, new: NewDecision, about: Circumstances) -> Verdict:
    """Whether the decision can stand, with everything that is wrong with it at once."""
    level = book.levels.get(new.level)
    if level is None or new.edition not in level.editions:
        fault = FieldError("level", "unknown", "Not a level of this edition.")
        return Verdict(overridden=True, downwards=False, faults=(fault,))
    overridden = not accords(suggestion, new)
    downwards = overridden and is_downwards(book, suggestion, new.level)
    faults = [
        *_day_faults(new, about),
        *_override_faults(book, new.override, overridden=overridden),
        *_tool_faults(book, new.tool, about.today),
        *_hand_off_faults(book, new, about),
        *_safeguard_faults(book, new.safeguard, about, downwards=downwards),
    ]
    return Verdict(overridden, downwards, tuple(faults))


def accords(suggestion: Suggestion, new: NewDecision) -> bool:
    """Whether the decision is one of the levels the suggestion names, with what it names beside them.

    Where the ladder for substance use does not apply and no rule speaks, the tool for that patient does (P-31).
    """
    if any(one.key == _OTHER_LADDER for one in suggestion.profiles):
        nothing_missing = suggestion.outcome is Outcome.INCOMPLETE and not suggestion.insisted
        if nothing_missing and new.tool is not None and new.tool.level == new.level:
            return True
    return any(
        one.level == new.level and (one.given is None or one.given in new.arranged)
        for one in suggestion.levels
    )


def is_downwards(book: PlacementBook, suggestion: Suggestion, level: str) -> bool:
    """Whether a level lies below what an EMERGENCY or HIGHER asks for."""
    if suggestion.outcome not in GUARDED:
        return False
    by_itself = [book.place(one.level) for one in suggestion.levels if one.given is None]
    return not by_itself or book.place(level) < min(by_itself)


# -- inside


def _day_faults(new: NewDecision, about: Circumstances) -> Iterable[FieldError]:
    if new.start_date < about.opened_on:
        yield FieldError("start_date", "before_the_episode", "Not before the episode was opened.")
    if new.start_date > about.today + timedelta(days=366):
        yield FieldError("start_date", "too_far", "Within a year.")


def _override_faults(
    book: PlacementBook, override: Override | None, *, overridden: bool
) -> Iterable[FieldError]:
    if override is None:
        if overridden:
            yield FieldError("override", "missing", "The decision is not what the rules suggest: say why.")
        return
    if not overridden:
        yield FieldError("override", "not_applicable", "The decision is what the rules suggest.")
        return
    code = book.demands.override_codes.get(override.code)
    if code is None:
        known = ", ".join(book.demands.override_codes)
        yield FieldError("override.code", "unknown", f"One of: {known}.")
    if len(" ".join(override.text.split())) < book.demands.least_characters:
        least = book.demands.least_characters
        yield FieldError("override.text", "too_short", f"Say why, in at least {least} characters.")
    given = {
        "interim_plan": bool((override.interim_plan or "").strip()),
        "denial_id": bool((override.denial_id or "").strip()),
        "appeal_offered": override.appeal_offered is True,
        "wrong_fact": override.wrong_fact in book.core.facts,
    }
    for name in code.needs if code else ():
        if not given[name]:
            yield FieldError(f"override.{name}", "missing", _NEEDED[name])


_NEEDED: Final = {
    "interim_plan": "Say what holds until there is a bed or a slot.",
    "denial_id": "Give the payer's number of the denial.",
    "appeal_offered": "The appeal has to be offered first.",
    "wrong_fact": "Name the fact that is wrong, so that it is corrected.",
}


def _tool_faults(book: PlacementBook, tool: ToolResult | None, today: date) -> Iterable[FieldError]:
    if tool is None:
        return
    dimensions = book.dimensions.get(tool.edition)
    level = book.levels.get(tool.level)
    if dimensions is None:
        yield FieldError("tool.edition", "unknown", "Editions 3 and 4 are known.")
        return
    if level is None or tool.edition not in level.editions:
        yield FieldError("tool.level", "unknown", "Not a level of the tool's edition.")
    if not dimensions.rated >= tool.ratings.keys():
        yield FieldError("tool.ratings", "unknown", "Not all of these dimensions are rated in that edition.")
    if not all(0 <= rating <= _HIGHEST_RATING for rating in tool.ratings.values()):
        yield FieldError("tool.ratings", "out_of_range", f"Ratings go from 0 to {_HIGHEST_RATING}.")
    if tool.completed_on > today:
        yield FieldError("tool.completed_on", "in_the_future", "It is entered once it is complete.")


def _hand_off_faults(book: PlacementBook, new: NewDecision, about: Circumstances) -> Iterable[FieldError]:
    if new.hand_off is None:
        if new.level not in book.offered:
            yield FieldError(
                "hand_off", "missing", "This level is given elsewhere: say who takes over, and when."
            )
        return
    given = new.hand_off
    if given.at < about.now - timedelta(days=1):
        yield FieldError("hand_off.at", "in_the_past", "Give the time at which they take over.")
    if not given.facility.strip():
        yield FieldError("hand_off.facility", "missing", "Name the facility.")
    if not given.sent or not all(one.strip() for one in given.sent):
        yield FieldError("hand_off.sent", "missing", "Say what was sent.")
    if given.ground is Ground.CONSENT and given.consent_id not in about.consents:
        yield FieldError(
            "hand_off.consent_id",
            "unknown",
            "Name a consent of this patient that is in force.",
            "42 CFR 2.31",
        )
    if not given.naloxone_given:
        yield FieldError("hand_off.naloxone_given", "missing", "Give naloxone before the patient leaves.")
    if not given.crisis_card_given:
        yield FieldError("hand_off.crisis_card_given", "missing", "Give the card with 988 on it.")


def _safeguard_faults(
    book: PlacementBook, given: Safeguard | None, about: Circumstances, *, downwards: bool
) -> Iterable[FieldError]:
    if given is None:
        if downwards:
            said = "Below an EMERGENCY or HIGHER: link a safety plan or a clearance, and say when the patient is seen."
            yield FieldError("safeguard", "missing", said)
        return
    if not downwards:
        yield FieldError("safeguard", "not_applicable", "Nothing stronger is overridden here.")
        return
    if given.safety_plan_id is None and given.clearance_id is None:
        yield FieldError("safeguard", "missing", "Link a safety plan or a medical clearance.")
    if given.safety_plan_id is not None and about.linked.get(given.safety_plan_id) is not Kind.SAFETY_PLAN:
        yield FieldError("safeguard.safety_plan_id", "unknown", "Not a safety plan of this patient.")
    if given.clearance_id is not None and about.linked.get(given.clearance_id) not in _CLEARANCES:
        yield FieldError("safeguard.clearance_id", "unknown", "Not a medical finding of this patient.")
    hours = book.demands.follow_up_hours
    if not about.now < given.follow_up_at <= about.now + timedelta(hours=hours):
        yield FieldError("safeguard.follow_up_at", "not_within", f"Within {hours} hours from now.")
