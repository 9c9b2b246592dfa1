"""Which disclosures an agreed restriction covers, and which one the program has to agree to: one change at a time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.purposes import PurposeClass
from service.record.item import ItemForDecision, ItemState, Kind, NoteClass
from service.rights.restricting import CLASSES, must_agree, restricts
from service.rights.restriction import Restriction, RestrictionState

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(days=3), NOW + timedelta(days=3)
ITEM, OTHER, PLAN, CLINIC = (UUID(int=number) for number in range(1, 5))


def item(**changes: Any) -> ItemForDecision:
    base = ItemForDecision(
        id=ITEM,
        kind=Kind.CLAIM,
        note_class=NoteClass.ORDINARY,
        unit="U1",
        regime=None,
        dated_on=date(2026, 5, 1),
        state=ItemState.FINAL,
        version=1,
        author_id=UUID(int=9),
        labels=frozenset(),
        created_at=EARLIER,
    )
    return replace(base, **changes)


def restriction(**changes: Any) -> Restriction:
    base = Restriction(
        id=UUID(int=7),
        patient_id=UUID(int=8),
        state=RestrictionState.AGREED,
        kinds=frozenset(),
        items=frozenset({ITEM}),
        recipients=frozenset({PLAN}),
        classes=frozenset({"payment"}),
        paid_in_full=True,
        requested_at=EARLIER,
        agreed_at=EARLIER,
    )
    return replace(base, **changes)


def _named(change: dict[str, Any]) -> str:
    return "-".join(f"{name}={_plain(value)}" for name, value in sorted(change.items()))


def _plain(value: object) -> str:
    """The same on every run: sets have no order, and a time is long."""
    if isinstance(value, frozenset):
        return str(len(value))  # pyright: ignore[reportUnknownArgumentType]
    return "time" if isinstance(value, datetime) else str(value)


def asked(one: Restriction, purpose: str = "payment", recipient: UUID = PLAN, **of_item: Any) -> bool:
    return restricts([one], item(**of_item), recipient, purpose, NOW)


def test_the_base_case_is_covered() -> None:
    assert asked(restriction())
    assert not restricts([], item(), PLAN, "payment", NOW)


NARROWER: list[dict[str, Any]] = [
    {"state": RestrictionState.REQUESTED},
    {"state": RestrictionState.DECLINED},
    {"state": RestrictionState.ENDED, "ended_at": NOW},
    {"items": frozenset({OTHER})},
    {"items": frozenset(), "kinds": frozenset({"diagnosis"})},
    {"recipients": frozenset({CLINIC})},
    {"classes": frozenset({"treatment", "operations"})},
    {"only_until": EARLIER - timedelta(seconds=1)},
]


@pytest.mark.parametrize("change", NARROWER, ids=_named)
def test_one_thing_changed_is_not_covered(change: dict[str, Any]) -> None:
    assert not asked(restriction(**change))


WIDER: list[dict[str, Any]] = [
    {"kinds": "all", "items": frozenset()},
    {"kinds": frozenset({"claim"}), "items": frozenset({OTHER})},
    {"recipients": "all"},
    {"state": RestrictionState.ENDED, "ended_at": LATER},
    {"only_until": EARLIER},
    # what cannot be read
    {"state": RestrictionState.ENDED, "ended_at": None},
    {"kinds": frozenset(), "items": frozenset()},
    {"recipients": frozenset()},
    {"classes": frozenset()},
    {"classes": frozenset({"treatment", "astrology"})},
    {"state": RestrictionState.DECLINED, "readable": False},
]


@pytest.mark.parametrize("change", WIDER, ids=_named)
def test_what_is_wider_or_cannot_be_read_is_covered(change: dict[str, Any]) -> None:
    assert asked(restriction(**change))


def test_a_record_whose_age_nobody_knows_is_covered_after_a_notice() -> None:
    assert asked(restriction(only_until=EARLIER - timedelta(days=9)), created_at=None)


@pytest.mark.parametrize("purpose", [*PurposeClass, "", "something"])
def test_only_treatment_payment_and_operations_can_be_restricted(purpose: str) -> None:
    """A class nobody knows is not one of the others: it counts as covered."""
    everything = restriction(kinds="all", recipients="all", classes=frozenset(CLASSES))
    expected = purpose in CLASSES or purpose not in set(PurposeClass)
    assert asked(everything, purpose) is expected


@given(
    st.lists(
        st.builds(
            restriction,
            state=st.sampled_from(RestrictionState),
            items=st.sampled_from([frozenset(), frozenset({ITEM}), frozenset({OTHER})]),
            kinds=st.sampled_from(["all", frozenset(), frozenset({"claim"}), frozenset({"diagnosis"})]),
            recipients=st.sampled_from(["all", frozenset(), frozenset({PLAN}), frozenset({CLINIC})]),
            classes=st.frozensets(st.sampled_from(sorted(CLASSES))),
            ended_at=st.sampled_from([None, EARLIER, LATER]),
            readable=st.booleans(),
        ),
        max_size=4,
    ),
    st.sampled_from([*PurposeClass, "unknown"]),
    st.sampled_from([PLAN, CLINIC]),
)
def test_another_restriction_never_opens_anything(
    several: Iterable[Restriction], purpose: str, recipient: UUID
) -> None:
    """Monotone: a list is covered exactly when one of its members is; order does not matter."""
    many = list(several)
    alone = [restricts([one], item(), recipient, purpose, NOW) for one in many]
    assert restricts(many, item(), recipient, purpose, NOW) is any(alone)
    assert restricts(reversed(many), item(), recipient, purpose, NOW) is any(alone)


MUST: dict[str, Any] = {"state": RestrictionState.REQUESTED, "classes": frozenset({"payment", "operations"})}


def test_a_service_paid_in_full_must_be_agreed_to() -> None:
    assert must_agree(restriction(**MUST), True)
    assert must_agree(restriction(**MUST, items=frozenset(), kinds=frozenset({"claim"})), True)


NO_DUTY: list[dict[str, Any]] = [
    {"paid_in_full": False},
    {"required_by_law": True},
    {"recipients": "all"},
    {"kinds": "all"},
    {"items": frozenset(), "kinds": frozenset()},
    {"classes": frozenset({"payment", "treatment"})},
    {"classes": frozenset()},
]


@pytest.mark.parametrize("change", NO_DUTY, ids=_named)
def test_each_condition_of_the_duty_counts(change: dict[str, Any]) -> None:
    assert not must_agree(restriction(**(MUST | change)), True)


def test_only_a_health_plan_makes_it_a_duty() -> None:
    assert not must_agree(restriction(**MUST), False)
