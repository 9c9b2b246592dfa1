"""What a member of staff can show on a day: by dates, states and kinds."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import StartRefused
from service.identity.credentials.model import TRANSITIONS, CredentialState, Held, Standing, standing
from service.identity.credentials.rulebook import FILE, load_credentials

POLICIES = Path(__file__).parents[3] / "policies"
BOOK = load_credentials(POLICIES)
DAY = date(2026, 6, 1)
ACTIVE, SUSPENDED, WITHDRAWN = CredentialState


def held(
    kind: str = "nurse", state: CredentialState = ACTIVE, first: int = -10, last: int | None = 10
) -> Held:
    return Held(
        kind, state, DAY + timedelta(days=first), None if last is None else DAY + timedelta(days=last)
    )


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        pytest.param([], Standing(), id="nothing recorded"),
        pytest.param([held()], Standing(frozenset({"nurse"}), True, False), id="in force"),
        pytest.param([held(last=None)], Standing(frozenset({"nurse"}), True, False), id="without an end"),
        pytest.param([held(last=0)], Standing(frozenset({"nurse"}), True, False), id="on its last day"),
        pytest.param([held(last=-1)], Standing(lapsed=True), id="the day after"),
        pytest.param([held(first=0)], Standing(frozenset({"nurse"}), True, False), id="on its first day"),
        pytest.param([held(first=1)], Standing(lapsed=True), id="the day before"),
        pytest.param([held(state=SUSPENDED)], Standing(lapsed=True), id="suspended"),
        pytest.param([held(state=WITHDRAWN)], Standing(lapsed=True), id="withdrawn"),
        pytest.param([held("peer")], Standing(frozenset({"peer"}), False, True), id="not a clinical one"),
        pytest.param([held("astrologer")], Standing(lapsed=True), id="a kind the book does not know"),
        pytest.param(
            [held(last=-1), held("trainee")],
            Standing(frozenset({"trainee"}), True, False, supervised=True),
            id="one of two",
        ),
        pytest.param(
            [held(), held("trainee")],
            Standing(frozenset({"nurse", "trainee"}), True, False),
            id="one that needs nobody beside one that does",
        ),
        pytest.param(
            [held("peer"), held("trainee")],
            Standing(frozenset({"peer", "trainee"}), True, False, supervised=True),
            id="what is not clinical makes nobody independent",
        ),
    ],
)
def test_standing(credentials: list[Held], expected: Standing) -> None:
    assert standing(credentials, BOOK, DAY) == expected


_HELD = st.builds(
    held,
    st.sampled_from([*BOOK.kinds, "other"]),
    st.sampled_from(CredentialState),
    st.integers(-20, 20),
    st.none() | st.integers(-20, 20),
)


@given(st.lists(_HELD, max_size=5), _HELD)
def test_suspending_never_gives_anything(credentials: list[Held], one: Held) -> None:
    suspended = Held(one.kind, SUSPENDED, one.starts_on, one.ends_on)
    before, after = standing([*credentials, one], BOOK, DAY), standing([*credentials, suspended], BOOK, DAY)
    assert after.kinds <= before.kinds
    assert before.in_force or not after.in_force
    assert after.lapsed or not before.lapsed
    assert not (after.lapsed and after.in_force)


def test_what_was_withdrawn_stays_withdrawn() -> None:
    assert set(TRANSITIONS) == set(CredentialState)
    assert TRANSITIONS[WITHDRAWN] == frozenset()
    assert all(state not in TRANSITIONS[state] for state in CredentialState)


def test_the_kinds_we_ship() -> None:
    assert set(BOOK.kinds) == {"licensed_clinician", "prescriber", "nurse", "trainee", "peer"}
    assert {key for key, kind in BOOK.kinds.items() if not kind.independent} == {"trainee", "peer"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kinds: {}", id="empty"),
        pytest.param("kinds: {a: {clinical: false, independent: false, en: A, es: A}}", id="none clinical"),
        pytest.param("kinds: {a: {clinical: 1, independent: false, en: A, es: A}}", id="no truth value"),
        pytest.param("kinds: {a: {clinical: true, independent: true, en: A}}", id="one language"),
        pytest.param("kinds: {}\nkinds: {}", id="twice"),
        pytest.param("[", id="not yaml"),
    ],
)
def test_a_file_with_a_fault_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StartRefused, match=FILE):
        load_credentials(tmp_path)
