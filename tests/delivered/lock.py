"""The lock files, read: what is pinned, under how many hashes, and where it applies.

Only the form that `make requirements` writes is understood; any other line is an error, because a line nobody
understood would be a package nobody looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.config import ROOT

RUN: Final = ROOT / "requirements.txt"
KEY_STORES: Final = ROOT / "requirements-kms.txt"
DEVELOPMENT: Final = ROOT / "requirements-dev.txt"

_PIN: Final = re.compile(r"([a-z0-9][a-z0-9.-]*)==([0-9][A-Za-z0-9.+!]*)(?: ; ([^\\]+?))? \\")
_HASH: Final = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")


@dataclass(frozen=True, slots=True)
class Pin:
    """A package at one version; `marker` says on which systems it is installed at all."""

    name: str
    version: str
    marker: str | None
    hashes: int


def locked(path: Path) -> dict[str, Pin]:
    """The pins of a lock file by name. ValueError for a line that is neither a pin nor one of its hashes."""
    return read(path.read_text())


def read(text: str) -> dict[str, Pin]:
    pins: dict[str, Pin] = {}
    open_pin: Pin | None = None
    for line in text.splitlines():
        if found := _PIN.fullmatch(line):
            if open_pin is not None and not open_pin.hashes:
                raise ValueError(f"{open_pin.name} is pinned under no hash")
            open_pin = Pin(found[1], found[2], found[3], 0)
        elif _HASH.fullmatch(line) and open_pin is not None:
            open_pin = Pin(open_pin.name, open_pin.version, open_pin.marker, open_pin.hashes + 1)
        else:
            raise ValueError(f"not a pin and not a hash: {line}")
        pins[open_pin.name] = open_pin
    if open_pin is not None and not open_pin.hashes:
        raise ValueError(f"{open_pin.name} is pinned under no hash")
    return pins


def asked_for(path: Path) -> set[str]:
    """Names that a `.in` file asks for, those of the files it includes not among them."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return {re.split(r"[\[=<>~ ]", line)[0].lower() for line in lines if line and line[0] not in "-#"}
