"""The states of an item: one table, asked in every cell; and what follows from any order of acts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.packet.lifecycle import TRANSITIONS, Act, Happened, acts_from, after, status_of
from service.admission.packet.model import Status
from service.errors import Code, Conflict

START = datetime(2026, 6, 1, tzinfo=UTC)
#: Every cell of the table; "." where the act leads nowhere.
#                send  start finish decline return waive expire reopen
CELLS = {
    "not_started": "sent  in_progress done declined . waived . .",
    "sent": ".     in_progress done declined needs_fix waived . .",
    "in_progress": ".     in_progress done declined needs_fix waived . .",
    "needs_fix": ".     in_progress done declined . waived . not_started",
    "declined": ".     in_progress done declined needs_fix waived expired not_started",
    "done": ".     . done declined needs_fix . expired not_started",
    "waived": ".     in_progress done declined . . . .",
    "expired": "sent  in_progress done declined . waived . not_started",
}


@pytest.mark.parametrize("status", list(Status))
def test_every_cell(status: Status) -> None:
    for act, expected in zip(Act, CELLS[status.value].split(), strict=True):
        if expected == ".":
            with pytest.raises(Conflict) as refused:
                after(status, act)
            assert (refused.value.code, refused.value.extra) == (
                Code.PACKET_ITEM_STATE,
                {"state": status.value, "act": act.value},
            )
        else:
            transition = after(status, act)
            assert transition.to.value == expected and transition.label and act in acts_from(status)
    assert len(TRANSITIONS) == sum(cell != "." for row in CELLS.values() for cell in row.split())


@given(
    acts=st.lists(st.tuples(st.sampled_from(Act), st.integers(0, 5)), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_it_is_told_does_not_matter(acts: list[tuple[Act, int]], order: object) -> None:
    happened = [Happened(act, START + timedelta(hours=hour), act.value) for act, hour in acts]
    shuffled = list(happened)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert status_of(happened) == status_of(shuffled)


@given(acts=st.lists(st.sampled_from([act for act in Act if act is not Act.FINISH]), max_size=8))
def test_nothing_is_done_that_nobody_finished(acts: list[Act]) -> None:
    happened = [Happened(act, START + timedelta(hours=hour)) for hour, act in enumerate(acts)]
    assert status_of(happened)[0] is not Status.DONE


@given(acts=st.lists(st.sampled_from([act for act in Act if act is not Act.WAIVE]), max_size=8))
def test_nothing_is_waived_that_nobody_waived(acts: list[Act]) -> None:
    happened = [Happened(act, START + timedelta(hours=hour)) for hour, act in enumerate(acts)]
    assert status_of(happened)[0] is not Status.WAIVED


def test_at_one_instant_what_takes_back_comes_last() -> None:
    both = [Happened(Act.REOPEN, START, "other words"), Happened(Act.FINISH, START)]
    assert status_of(both) == (Status.NOT_STARTED, "other words")
    assert status_of([]) == (Status.NOT_STARTED, "")
