"""Ways to ask the real policies about a generated situation."""

import os
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from hypothesis import HealthCheck, settings

from service.access.decision import Decision
from service.access.facts import ReleaseFacts
from service.disclosure.decide import DisclosureDecision, Judge
from service.disclosure.judging import judge
from service.disclosure.situation import Situation
from tests.unit.disclosure.rules import RULES
from tests.unit.disclosure.rules import judge as asking

ASK: Judge = asking()
#: Situations are large; how long one takes to draw says nothing about the property.
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
some_cases = settings(
    max_examples=80 if BATTERY else 20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
few_cases = settings(some_cases, max_examples=40 if BATTERY else 12)
more_cases = settings(some_cases, max_examples=300 if BATTERY else 50)

Changed = Callable[[Situation], Situation]


def decided(situation: Situation, ask: Judge = ASK) -> DisclosureDecision:
    return judge(situation, ask, RULES)


def reach(situation: Situation, ask: Judge = ASK) -> frozenset[UUID]:
    """Items that could go, each asked about alone: what any ground at all opens."""
    return frozenset(
        item.id for item in situation.items if decided(replace(situation, items=(item,)), ask).granted
    )


def with_facts(change: Callable[[ReleaseFacts], ReleaseFacts]) -> Judge:
    """The policies, told something else than what was established."""

    def ask(facts: ReleaseFacts) -> Decision:
        return ASK(change(facts))

    return ask
