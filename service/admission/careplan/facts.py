"""What rules about a plan may know beside the plan: gathered above, so that a rule never looks anything up.

None is unknown, and unknown never counts as favourable: a rule that needs the fact fails, or warns that it is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from service.admission.careplan.plan import Signature
from service.labels import Label
from service.people.at_law import years

#: What a consent says of sharing the plan with somebody outside.
ConsentWord = Literal["active", "ended", "none"]


@dataclass(frozen=True, slots=True)
class FlagFact:
    """A safety flag raised for this patient."""

    id: UUID
    urgent: bool
    suicide: bool
    raised_on: date


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PlanFacts:
    """One patient, one episode, one instant. Days are days of the program's calendar."""

    now: datetime
    today: date
    #: The day the draft was first kept, by the service's clock.
    created_on: date
    born: date | None
    state: str
    #: Days a review may be away, by the strictest deadline, and where that is written.
    review_days: int
    review_source: str
    #: When this plan is due, if it is the first of its kind; None: it is not, or the episode is not admitted.
    due_at: datetime | None = None
    reviewed_on: date | None = None
    #: Tapers of earlier plans of this episode.
    transitions_used: int = 0
    decided_level: str | None = None
    flags: tuple[FlagFact, ...] = ()
    #: True when the newest suicide screen or PHQ-9 item 9 is positive; None when there is none.
    suicide_positive: bool | None = None
    safety_plans: frozenset[UUID] = frozenset()
    #: Current diagnoses with their substance, if they have one.
    diagnoses: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    #: By recipient.
    consents: Mapping[UUID, ConsentWord] = field(default_factory=dict[UUID, ConsentWord])
    pregnant: bool | None = None
    pcl5: int | None = None
    social_need: bool | None = None
    guardian_signs: bool = False
    #: By place of the text: how many other patients of the program have this paragraph in a plan kept lately.
    elsewhere: Mapping[str, int] = field(default_factory=dict[str, int])
    signatures: tuple[Signature, ...] = ()
    #: Labels the item will bear, and those of the items that the problems rest on.
    labels: frozenset[Label] = frozenset()
    evidence_labels: frozenset[Label] = frozenset()
    #: Names that may stand in the plan after a title: the patient's own and those the patient gave. Casefolded words.
    names: frozenset[str] = frozenset()

    def age_on(self, day: date) -> int | None:
        """Completed years of life on a day; None when the birth date is not known."""
        return None if self.born is None else years(self.born, day)
