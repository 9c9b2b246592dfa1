"""`consentry keys rotate` as an operator gives it: the lock outlives every wait, and two do not rotate at once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.cli.keys import app
from service.vault import rotation
from tests.house import Cluster, House

_HOLDERS = """select a.state from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.classid = x'636F6E73'::int and a.datname = current_database()"""


@pytest.fixture(scope="module")
def rotating(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: its key-encryption key is every program's."""
    built = House(cluster, "consentry_keys_command", tmp_path_factory.mktemp("command"))
    try:
        yield built
    finally:
        built.close()


def rotate(house: House, settled: str = "0") -> Result:
    arguments = ["rotate", "kek", "--data", str(house.data), "--settled", settled]
    return CliRunner().invoke(app, arguments, env=house.settings.to_environment())


def during(monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]) -> None:
    """Have `look` called in the middle of the next rotation."""
    roll: Callable[..., Any] = rotation.roll

    def watched(*given: Any, **named: Any) -> Any:
        look()
        return roll(*given, **named)

    monkeypatch.setattr(rotation, "roll", watched)


def test_nothing_waits_in_a_transaction_that_the_database_would_end(
    rotating: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []

    def look() -> None:
        with rotating.superuser() as db:
            states.extend(str(row[0]) for row in db.execute(_HOLDERS).fetchall())

    during(monkeypatch, look)
    done = rotate(rotating)
    assert done.exit_code == 0, done.output
    assert "1 old epoch(s) destroyed" in done.output
    assert states == ["idle"]


def test_a_second_rotation_is_told_to_wait(rotating: House, monkeypatch: pytest.MonkeyPatch) -> None:
    second: list[Result] = []
    with monkeypatch.context() as patched:
        during(patched, lambda: second or second.append(rotate(rotating)))
        assert rotate(rotating).exit_code == 0
    (refused,) = second
    assert refused.exit_code == 1
    assert "Another process is rotating keys" in str(refused.exception)
