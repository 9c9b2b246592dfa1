"""A finding in words: what the rule says, what was counted against it, where to look, and who asks for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.access.review_rules import Counts


@dataclass(frozen=True, slots=True)
class Explained:
    """`text`: the rule; `counted`: the figures against its threshold; `look`: what to look at."""

    text: str
    counted: str
    look: str
    cite: str
    conf: str
    count: int
    threshold: int


#: Of a finding about a patient whose record was destroyed.
GONE: Final = Explained("The record that this was about was destroyed.", "", "", "", "policy", 0, 0)

#: What was counted: of one, and of several.
_NOUNS: Final[Mapping[Counts, tuple[str, str]]] = {
    Counts.EMERGENCIES: ("use of break-glass", "uses of break-glass"),
    Counts.DENIALS: ("refusal", "refusals"),
    Counts.SAME_SURNAME: ("access", "accesses"),
    Counts.SAME_ADDRESS: ("access", "accesses"),
    Counts.COWORKER: ("access", "accesses"),
    Counts.VIP: ("access", "accesses"),
    Counts.OFF_HOURS: ("patient", "patients"),
    Counts.NO_CARE: ("access", "accesses"),
}
_DAY, _HOUR = 24 * 60, 60


def explain(particulars: Mapping[str, Any]) -> Explained:
    """From what was kept with the finding: the rule as it was then, not as the file has it now."""
    counts, count = Counts(particulars["counts"]), int(particulars["count"])
    threshold, window = int(particulars["threshold"]), int(particulars["window_minutes"])
    one, several = _NOUNS[counts]
    noun = one if count == 1 else several
    counted = f"{count} {noun}; the rule asks somebody to look from {threshold} within {_span(window)} on."
    if counts is Counts.NO_CARE:
        days = int(particulars["care_days"])
        counted += f" Looked for something done for the patient {days} days before and after."
    return Explained(
        text=str(particulars["text"]),
        counted=counted,
        look=str(particulars["look"]),
        cite=str(particulars["cite"]),
        conf=str(particulars["conf"]),
        count=count,
        threshold=threshold,
    )


def _span(minutes: int) -> str:
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (1, "minute")):
        if minutes % unit == 0:
            many = minutes // unit
            return f"{many} {name}{'' if many == 1 else 's'}"
    raise ValueError("a span has whole minutes")
