"""What import-linter cannot say, over every module of the service; each rule shown able to fail."""

import tomllib
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import rules
from tests.architecture.source import ROOT, Module, modules, sample

Rule = Callable[[Module], Iterator[int]]

ALL = list(modules())

#: rule -> modules (or packages, with a dot at the end) in which it does not hold, and why.
EXCEPT: dict[Rule, tuple[str, ...]] = {
    rules.commits: ("service.store.session",),
    rules.clocks: (
        "service.clock",
        "service.edge.ready",  # asks whether the database answers
        "service.ledger.reading.records",  # the same for the verifier
        "service.ledger.records",  # how long entries wait, by the clock that stamped them: the database's
        "service.custody.records",  # where a span of the trail ends, by the same clock
    ),
    rules.statements: (
        "service.store.",  # engine, roles, migrations: below the concepts
        "service.setup",
        "service.edge.ready",  # asks whether the database answers
        "service.ledger.stored",  # isolation level of a verification's snapshot
        "service.cli.schema",
    ),
    rules.late_imports: (),
    rules.prints: ("service.cli.",),
    rules.vague_suppressions: (),
    rules.swallowed: (),
    rules.oversized: (),
    rules.undocumented: (),
}


def broken(rule: Rule, *, over: list[Module]) -> set[str]:
    """Where a rule is broken, as module:line."""
    return {
        f"{module.name}:{line}" for module in over if not _excepted(module, rule) for line in rule(module)
    }


def _excepted(module: Module, rule: Rule) -> bool:
    if rule is rules.statements and module.name.endswith(".records"):
        return True
    return any(
        module.name == place or (place.endswith(".") and module.name.startswith(place))
        for place in EXCEPT[rule]
    )


@pytest.mark.parametrize("rule", EXCEPT, ids=lambda rule: rule.__name__)
def test_rule(rule: Rule) -> None:
    assert broken(rule, over=ALL) == set()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.commits, "def f(work):\n    work.db.commit()\n"),
        (rules.commits, "def f(work):\n    work.db.rollback()\n"),
        (rules.clocks, "from datetime import UTC, datetime\nx = datetime.now(UTC)\n"),
        (rules.clocks, "import datetime\nx = datetime.datetime.utcnow()\n"),
        (rules.clocks, "from datetime import date\nx = date.today()\n"),
        (rules.clocks, "import time\nx = time.monotonic()\n"),
        (rules.clocks, "from time import perf_counter as now\nx = now()\n"),
        (rules.clocks, "from sqlalchemy import func\nx = func.now()\n"),
        (rules.statements, "def f(work):\n    return work.db.execute(_ONE).all()\n"),
        (rules.statements, "def f(db):\n    return db.scalar(_ONE)\n"),
        (rules.late_imports, "def f():\n    import os\n"),
        (rules.late_imports, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\n"),
        (rules.prints, "print(1)\n"),
        (rules.vague_suppressions, "x = 1  # type: " + "ignore\n"),
        (rules.vague_suppressions, "x = 1  # no" + "qa\n"),
        (rules.vague_suppressions, "x = 1  # pragma: " + "no cover\n"),
        (rules.vague_suppressions, "x = 1  # TO" + "DO later\n"),
        (rules.swallowed, "try:\n    f()\nexcept Exception:\n    pass\n"),
        (rules.swallowed, "try:\n    f()\nexcept:\n    pass\n"),
        (rules.oversized, "x = 1\n" * (rules.MODULE_LINES + 1)),
        (rules.oversized, "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES),
        (rules.undocumented, "x = 1\n"),
    ],
)
def test_a_planted_fault_is_found(rule: Rule, text: str) -> None:
    assert broken(rule, over=[sample(text)])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.clocks, "import time\ntime.sleep(1)\n"),
        (rules.clocks, "from datetime import date\nx = date.fromisoformat('2026-01-01')\n"),
        (rules.vague_suppressions, "x = 1  # type: " + "ignore[arg-type] -- why\n"),
        (rules.swallowed, "try:\n    f()\nexcept ValueError:\n    pass\n"),
        (rules.oversized, '"""Long.\n' + "word\n" * 500 + '"""\n'),
        (rules.oversized, "# word\n" * 500),
    ],
)
def test_what_is_right_is_left_alone(rule: Rule, text: str) -> None:
    assert not broken(rule, over=[sample(text)])


def test_records_alone_may_send_statements() -> None:
    text = "def f(db):\n    return db.execute(_ONE)\n"
    assert not broken(rules.statements, over=[sample(text, "service.planted.records")])
    assert broken(rules.commits, over=[sample("def f(db):\n    db.commit()\n", "service.planted.records")])


#: Silent modules that are no rules: mechanisms, descriptions, and the words of pages.
NO_RULES = frozenset(
    {
        "service.admission.library",  # puts books together
        "service.admission.packet.shown",  # what of a packet is shown to whom
        "service.admission.packet.tracing",  # from rows to traces
        "service.admission.placement.shown",  # the words of pages
        "service.custody.explanation",
        "service.custody.reindexed",  # where every keyed hash comes from, with the code that computes it
        "service.custody.shredding.finishing",  # begins and ends epochs of keys
        "service.ledger.anchors.anchor",  # what an anchor has to be able to do
        "service.ledger.anchors.file",  # anchors: they reach out
        "service.ledger.anchors.opening",
        "service.ledger.anchors.s3",
        "service.ledger.anchors.syslog",
        "service.ledger.standing",  # renewed as time goes on
        "service.identity.system",  # the caller that nobody signs in as
        "service.vault.blindindex",
        "service.vault.keyring",
        "service.vault.keys",
        "service.vault.signing",
    }
)
CONCEPTS = (
    "access",
    "admission",
    "consent",
    "custody",
    "disclosure",
    "identity",
    "intake",
    "ledger",
    "people",
    "record",
)


def test_every_silent_module_of_a_concept_is_held_to_be_a_rule() -> None:
    """The contract `rules` names its modules; a new one must be named too, or say what it is here."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = tuple(next(one for one in contracts if one["id"] == "rules")["source_modules"])
    silent = {
        module.name
        for module in ALL
        if module.name.split(".")[1:2] and module.name.split(".")[1] in CONCEPTS
        if not module.is_package and rules.is_silent(module) and module.name not in NO_RULES
    }
    assert {name for name in silent if not name.startswith(named)} == set()
    assert len(silent) > 30


def test_a_silent_module_is_told_from_one_that_acts() -> None:
    assert rules.is_silent(sample("from service.access.facts import Facts\n"))
    assert not rules.is_silent(sample("from service.work import Work\n"))
    assert not rules.is_silent(sample("import sqlalchemy.exc\n"))
