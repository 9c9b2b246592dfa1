"""Nothing is unsealed or written before `work.authorised` or `work.require`, whichever door somebody comes through."""

import pytest

from tests.architecture.guarding import Guarding, Way
from tests.architecture.source import modules, sample

DOORS = ("service.api", "service.web", "service.cli")


@pytest.fixture(scope="module")
def guarding() -> Guarding:
    return Guarding(modules())


def test_every_unit_started_from_outside_guards_first(guarding: Guarding) -> None:
    doors = guarding.doors(DOORS)
    assert len(doors) >= 40
    assert {door: way for door, way in doors.items() if way is not Way.GUARDING} == {}


def test_what_the_analysis_rests_on_is_there(guarding: Guarding) -> None:
    """Known functions are seen for what they are; a renamed mechanism must not make everything neutral."""
    assert guarding.way_of("service.record.operations", "read_item") is Way.GUARDING
    assert guarding.way_of("service.record.operations", "items_opened") is Way.REACHING
    assert guarding.way_of("service.people.operations", "register_patient") is Way.GUARDING
    assert guarding.way_of("service.record.records", "insert_item") is Way.REACHING
    assert guarding.way_of("service.record.records", "item_by_id") is Way.NEUTRAL


HEAD = "from service.planted import records\nfrom service.work import Loaded, Work\n"
RECORDS = (
    "_ADD = insert(t)\n_ONE = select(t)\n\n"
    "def add(db):\n    db.execute(_ADD)\n\ndef one(db):\n    db.execute(_ONE)\n"
)


@pytest.mark.parametrize(
    "body",
    [
        "    work.open(T, row, sealed)\n    work.authorised(A, load)",
        "    x = work.seal(T, row, {})\n    work.require(A)",
        "    records.add(work.db)\n    work.require(A)",
        "    work.record(action=A)\n    work.require(A)",
        "    work.vault.create_patient_key(work.db)\n    work.require(A)",
        "    if given:\n        work.require(A)\n    work.open(T, row, sealed)",
        "    for one in given:\n        work.require(A)\n    work.open(T, row, sealed)",
        "    try:\n        work.require(A)\n    except Denied:\n        pass\n    work.open(T, row, sealed)",
        "    work.authorised(A, lambda work: Loaded(work.open(T, row, sealed)))",
        "    def load(work):\n        return work.open(T, row, sealed)\n    work.authorised(A, load)",
        "    work.authorised(A, loader(1))",
        "    opened(work)\n    work.require(A)",
        "    return [work.open(T, row, one) for one in given]",
        "    x = work.require(A) if given else None\n    work.open(T, row, x)",
        "    match given:\n        case 1:\n            work.require(A)\n    work.open(T, row, x)",
        "    with lock(work.open(T, row, x)):\n        work.require(A)",
        "    while given:\n        work.require(A)\n    records.add(work.db)",
    ],
)
def test_a_planted_operation_that_touches_first_is_seen(body: str) -> None:
    assert way_of(body) is Way.REACHING


@pytest.mark.parametrize(
    "body",
    [
        "    work.authorised(A, load_it)\n    work.open(T, row, sealed)\n    records.add(work.db)",
        "    records.one(work.db)\n    work.require(A)\n    records.add(work.db)",
        "    if given:\n        work.require(A)\n    else:\n        work.require(B)\n    work.open(T, row, sealed)",
        "    if given:\n        return allowed(work)\n    work.require(A)\n    work.open(T, row, sealed)",
        "    if given:\n        raise ValueError\n    work.require(A)\n    work.open(T, row, sealed)",
        "    allowed(work)\n    opened(work)",
        "    return opened(work, work.require(A))",
    ],
)
def test_a_planted_operation_that_guards_first_is_seen(body: str) -> None:
    assert way_of(body) is Way.GUARDING


def test_a_door_without_any_guard_is_seen() -> None:
    api = sample(
        "from service.planted import operations\n\n"
        "async def route(request):\n"
        "    return await perform(request, lambda work: operations.listed(work))\n\n"
        "async def other(request):\n"
        "    return await perform_once(request, made, again())\n\n"
        "def made(work):\n    work.require(A)\n\n"
        "def again():\n    def render(work):\n        return work.open(T, row, x)\n    return render\n",
        "service.api.planted",
    )
    operations = sample("def listed(work):\n    return [1]\n")
    ways = list(Guarding([api, operations]).doors(DOORS).values())
    assert ways == [Way.NEUTRAL, Way.GUARDING, Way.REACHING]


def way_of(body: str) -> Way:
    text = (
        f"{HEAD}\ndef act(work, given):\n{body}\n\n"
        "def opened(work, *more):\n    return work.open(T, row, x)\n\n"
        "def allowed(work):\n    work.require(A)\n\n"
        "def load_it(work):\n    return Loaded(records.one(work.db))\n\n"
        "def loader(given):\n    def load(work):\n        return records.add(work.db)\n    return load\n"
    )
    planted = [sample(text), sample(RECORDS, "service.planted.records")]
    return Guarding(planted).way_of("service.planted.operations", "act")
