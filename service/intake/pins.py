"""Pins: the reviewed files by hash, so that a rule cannot change while its version stays the same.

`pins.yaml` holds one line for each instrument and version: `phq-9@1` and the SHA-256 of the file, in groups
of eight for the eye. A file that is not the pinned one, or a pinned one that is gone, stops the start; a file
nobody has pinned yet is served (that is how a clinic adds its own) and named by `consentry policies check`.
"""

from collections.abc import Mapping
from pathlib import Path

from service.errors import StartRefused
from service.intake.yamlfield import read_fields

PINS = "pins.yaml"
_HEADING = (
    "# The instruments as reviewed: key@version and the SHA-256 of the file. Written by `consentry policies pin`;\n"
    "# a line is added for a new version and never changed, because results name the rules they were scored with.\n"
)


def read_pins(directory: Path) -> dict[str, str]:
    """The pinned hashes by `key@version`; none where nothing is pinned."""
    path = directory / PINS
    if not path.is_file():
        return {}
    fields = read_fields(PINS, path.read_text(encoding="utf-8")).mapping()
    return {name: field.text() for name, field in fields.items()}


def check_pins(directory: Path, files: Mapping[str, str]) -> None:
    """Refuse files (hash by `key@version`) that are not as they were pinned."""
    for name, pinned in read_pins(directory).items():
        key = name.partition("@")[0]
        if name not in files:
            raise StartRefused(
                f"{PINS}: {name} is pinned and not there: a version that results name must stay, as {name}.yaml"
            )
        if files[name] != pinned.replace(" ", ""):
            raise StartRefused(
                f"{key}.yaml: {name} is not the file that was pinned. Put it back, or keep it as {name}.yaml "
                f"and raise the version in {key}.yaml; then run: consentry policies pin"
            )


def unpinned(directory: Path, files: Mapping[str, str]) -> list[str]:
    return sorted(files.keys() - read_pins(directory).keys())


def write_pins(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Pin what is not pinned yet, and say what. Never changes a pin: `check_pins` comes first."""
    check_pins(directory, files)
    new = unpinned(directory, files)
    if new:
        pins = {**read_pins(directory), **{name: _in_groups(files[name]) for name in new}}
        lines = "".join(f"{name}: {pins[name]}\n" for name in sorted(pins))
        (directory / PINS).write_text(_HEADING + lines, encoding="utf-8")
    return new


def _in_groups(digest: str) -> str:
    return " ".join(digest[place : place + 8] for place in range(0, len(digest), 8))
