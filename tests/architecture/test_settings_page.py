"""docs/settings.md names every setting there is, and none that there is not."""

import re

from tests.architecture.source import ROOT

NAME = r"CONSENTRY_[A-Z_0-9]+|DATABASE_URL"


def test_every_setting_is_on_the_page() -> None:
    read = set(re.findall(rf'"({NAME})"', (ROOT / "service" / "config.py").read_text()))
    named = set(re.findall(rf"`({NAME})`", (ROOT / "docs" / "settings.md").read_text()))
    assert named == read
