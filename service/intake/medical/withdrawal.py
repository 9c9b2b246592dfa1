"""How likely a withdrawal is and how bad it may get: a reading of facts, for a nurse to confirm.

Facts of alcohol, sedatives and opioids used within seven days. The cut-offs of the scales are those the placement rules
use (CIWA-Ar 10 and 19, COWS 13 and 25); the rest is this program's.
"""

from dataclasses import dataclass
from typing import Final

from service.intake.medical.chart import SEDATIVES, WITHDRAWING, Chart

WEEK: Final = 7 * 24
_THREE_DAYS: Final = 72
_ORDER: Final = ("none", "low", "moderate", "severe")


@dataclass(frozen=True, slots=True)
class Risk:
    """`level`: none | low | moderate | severe, or None when nobody knows. `facts`: what made it so."""

    level: str | None
    facts: tuple[str, ...]


def recent_use(chart: Chart) -> bool | None:
    """Whether anything a withdrawal can come from was used within seven days; None when it is not known."""
    if chart.recent(WITHDRAWING, WEEK):
        return True
    known = all(chart.hours_since(one) is not None for one in chart.used(WITHDRAWING))
    return False if known and chart.complete("substances") else None


def risk_of(chart: Chart, *, ciwa: int | None = None, cows: int | None = None) -> Risk:
    """The strongest level any fact gives, with every fact of that level."""
    found: dict[str, list[str]] = {level: [] for level in _ORDER}
    if ciwa is not None and ciwa >= 10:
        found["severe" if ciwa >= 19 else "moderate"].append("ciwa")
    if cows is not None and cows >= 13:
        found["severe" if cows >= 25 else "moderate"].append("cows")
    recent = recent_use(chart)
    if recent:
        found["low"].append("recent_use")
        _weigh_sedation(chart, found)
        _weigh_opioids(chart, found)
        _weigh_person(chart, found)
    for level in reversed(_ORDER[1:]):
        if found[level]:
            return Risk(level, tuple(found[level]))
    return Risk("none", ("no_recent_use",)) if recent is False else Risk(None, ())


def history_of_seizure(chart: Chart) -> bool | None:
    """A seizure in withdrawal or a delirium, ever; None when neither is known to have been and one is not known."""
    said = [chart.value("withdrawal_history", key) for key in ("seizure_ever", "delirium_ever")]
    if True in said:
        return True
    return False if said == [False, False] else None


def _weigh_sedation(chart: Chart, found: dict[str, list[str]]) -> None:
    sedating = ("alcohol", *SEDATIVES)
    if chart.recent(sedating, _THREE_DAYS) and history_of_seizure(chart):
        found["severe"].append("seizure_or_delirium_history")
    alcohol, benzodiazepine = chart.daily(("alcohol",)), chart.daily(SEDATIVES)
    if alcohol and benzodiazepine:
        found["severe"].append("sedative_and_alcohol_daily")
    elif benzodiazepine:
        found["moderate"].append("sedative_daily")
    elif alcohol and chart.recent(("alcohol",), _THREE_DAYS):
        found["moderate"].append("alcohol_daily")


def _weigh_opioids(chart: Chart, found: dict[str, list[str]]) -> None:
    if chart.daily(("opioid",)) and chart.recent(("opioid",), _THREE_DAYS):
        found["moderate"].append("opioid_daily")


def _weigh_person(chart: Chart, found: dict[str, list[str]]) -> None:
    if chart.value("withdrawal_history", "complicated_ever") is True:
        found["moderate"].append("complicated_before")
    if chart.value("withdrawal", "other_illness") is True:
        found["moderate"].append("other_illness")
    if chart.value("pregnancy", "status") == "pregnant":
        found["moderate"].append("pregnant")
    if chart.age > 65:
        found["moderate"].append("age_over_65")
