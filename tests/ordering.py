"""The order of a run: files that take long begin first, so that no worker is left alone with one at the end.

Workers get whole files. Left to itself xdist hands out those with the most tests first, and those that take longest have
one or two: a run ended with one worker killing processes for two minutes while the other had nothing to do.
"""

from collections import Counter

import pytest

from service.config import ROOT

#: Longest first, as measured on two cores; what is not here follows, the files with most tests first.
LONG = (
    "tests/crash/test_race.py",
    "tests/crash/test_kill.py",
    "tests/integration/platform/test_serve.py",
    "tests/crash/test_autosave.py",
    "tests/crash/test_mixed_race.py",
    "tests/crash/test_matrix.py",
    "tests/integration/platform/test_demo.py",
    "tests/integration/delivery/test_jobs.py",
    "tests/crash/test_model.py",
    "tests/oracle/test_agreement.py",
    "tests/crash/test_rotation_load.py",
    "tests/pages/test_intake_pages.py",
    "tests/policies/test_documents.py",
    "tests/unit/disclosure/test_paragraph.py",
    "tests/crash/test_processes.py",
    "tests/policies/mutation/test_score.py",
    "tests/integration/journeys/test_complete_intake.py",
    "tests/integration/platform/test_commands.py",
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = {item: item.path.relative_to(ROOT).as_posix() for item in items}
    many = Counter(files.values())
    rank = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: (rank.get(files[item], len(LONG)), -many[files[item]], files[item]))
