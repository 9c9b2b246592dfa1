"""What the checks say of a care plan, each with the place on the pages where it is mended."""

import re
from dataclasses import dataclass
from typing import Final

from service.admission.careplan.content import Content
from service.admission.careplan.finding import Finding

_PLACE: Final = re.compile(r"(problems|goals|interventions|slots)\[(\d+)\](?:\.objectives\[(\d+)\])?")
_SINGULAR: Final = {
    "problems": "problem",
    "goals": "goal",
    "interventions": "intervention",
    "slots": "slot",
}
_FRAME: Final = {"person": "person", "safety": "safety", "medicines": "safety", "leaving": "leaving"}


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """What a rule says, and where that is mended."""

    rule: str
    blocks: bool
    message: str
    source: str
    where: str


def shown_finding(content: Content, one: Finding) -> ShownFinding:
    where = where_of(content, one.field)
    return ShownFinding(one.rule, one.severity.value == "E", one.message, one.source, where)


def where_of(content: Content, field: str) -> str:
    """Where on the pages a finding is mended: the path below the plan's own address, or a place on its page."""
    found = _PLACE.match(field)
    head = field.partition(".")[0].partition("[")[0]
    if found is None:
        if head in ("signatures", "problems", "goals", "interventions", "slots", "team", "labels"):
            return f"#{head}"
        return f"/parts/{_FRAME.get(head, 'frame')}#f-{field.partition('[')[0]}"
    listed = getattr(content, found[1])
    place = int(found[2])
    if place >= len(listed):
        return f"#{found[1]}"
    rest = field[found.end() :].lstrip(".").partition("[")[0]
    anchor = f"#f-{rest}" if rest else ""
    key = listed[place].key
    if found[3] is None:
        if rest == "objectives":
            return f"/parts/objective/{key}/new"
        return f"/parts/{_SINGULAR[found[1]]}/{key}{anchor}"
    objectives = content.goals[place].objectives
    number = int(found[3])
    if number >= len(objectives):
        return "#goals"
    return f"/parts/objective/{key}/{objectives[number].key}{anchor}"
