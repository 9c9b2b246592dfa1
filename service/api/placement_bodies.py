"""Decisions on the level of care as the API takes them."""

from typing import Annotated, Literal

from pydantic import Field

from service.admission.placement.decision import (
    Ground,
    HandOff,
    NewDecision,
    Override,
    PatientView,
    Safeguard,
    Seen,
    ToolResult,
)
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid

_View = Annotated[PatientView, Field(strict=False)]
_Ground = Annotated[Ground, Field(strict=False)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Dimension = Annotated[int, Field(ge=1, le=6)]
_Rating = Annotated[int, Field(ge=0, le=4)]
_Edition = Literal[3, 4]


class SeenBody(StrictModel):
    """The suggestion on the screen, as it named itself."""

    computed_at: Instant
    hash: _Hash


class RatingBody(StrictModel):
    dimension: _Dimension
    rating: _Rating


class ToolBody(StrictModel):
    """The result of a licensed placement tool, with its own edition and dimensions: it is kept as it was given."""

    name: ShortText
    edition: _Edition
    level: ShortText
    ratings: Annotated[list[RatingBody], Field(max_length=6)]
    completed_on: IsoDate


class OverrideBody(StrictModel):
    """Why the decision is not what the rules suggest."""

    code: ShortText
    text: LongText
    interim_plan: LongText | None = None
    denial_id: ShortText | None = None
    appeal_offered: bool | None = None
    wrong_fact: ShortText | None = None


class SafeguardBody(StrictModel):
    """Asked for below an EMERGENCY or HIGHER: when the patient is seen again, and what was made sure."""

    follow_up_at: Instant
    safety_plan_id: Uuid | None = None
    clearance_id: Uuid | None = None


class HandOffBody(StrictModel):
    """Who takes over, when, on what ground, and what was sent and given."""

    facility: ShortText
    at: Instant
    ground: _Ground
    sent: Annotated[list[ShortText], Field(max_length=50)]
    consent_id: Uuid | None = None
    naloxone_given: bool = False
    crisis_card_given: bool = False


class DecisionBody(StrictModel):
    """The clinician's decision. `edition` is that of `level`."""

    level: ShortText
    edition: _Edition = 4
    start_date: IsoDate
    patient_view: _View
    suggestion: SeenBody
    rationale: LongText | None = None
    offered_alternatives: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list[ShortText]
    )
    arranged: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list[ShortText],
        description="What a rule asks for together with a level, such as safe_shelter or recovery_housing.",
    )
    tool: ToolBody | None = None
    override: OverrideBody | None = None
    safeguard: SafeguardBody | None = None
    hand_off: HandOffBody | None = None


class SecondBody(StrictModel):
    """What the second clinician says to it."""

    note: LongText


def decision_of(body: DecisionBody) -> NewDecision:
    """The decision a body gives."""
    tool, override = body.tool, body.override
    return NewDecision(
        level=body.level,
        edition=body.edition,
        start_date=body.start_date,
        patient_view=body.patient_view,
        seen=Seen(body.suggestion.computed_at, body.suggestion.hash),
        rationale=body.rationale or "",
        offered_alternatives=tuple(body.offered_alternatives),
        arranged=frozenset(body.arranged),
        tool=None
        if tool is None
        else ToolResult(
            tool.name,
            tool.edition,
            tool.level,
            {one.dimension: one.rating for one in tool.ratings},
            tool.completed_on,
        ),
        override=None if override is None else Override(**override.model_dump()),
        safeguard=None if body.safeguard is None else Safeguard(**body.safeguard.model_dump()),
        hand_off=None if body.hand_off is None else _hand_off(body.hand_off),
    )


def _hand_off(body: HandOffBody) -> HandOff:
    return HandOff(
        facility=body.facility,
        at=body.at,
        ground=body.ground,
        sent=tuple(body.sent),
        consent_id=body.consent_id,
        naloxone_given=body.naloxone_given,
        crisis_card_given=body.crisis_card_given,
    )
