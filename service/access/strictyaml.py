"""A YAML file of policies read strictly: each key once, and of the shape it must have. Anything else stops the start.

YAML readers keep the last of two equal keys: the first rule would be lost without a word, and a rule that is silently
not applied is the worst kind.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from service.errors import StartRefused

Shape = TypeVar("Shape", bound=BaseModel)


class _DoubledKey(Exception):
    """A key that stands twice in one mapping, with its place."""


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise _DoubledKey(f"{key.value!r} twice, line {key.start_mark.line + 1}")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_strictly(name: str, text: str, shape: type[Shape]) -> Shape:
    """The document as `shape`; raises StartRefused with `name` and the place for whoever edited it."""
    try:
        loaded = yaml.load(text, Loader=_StrictLoader)  # nosec B506 # noqa: S506 -- a SafeLoader, stricter
        return shape.model_validate(loaded)
    except _DoubledKey as error:
        raise StartRefused(f"{name} has {error}") from None
    except yaml.YAMLError as error:
        raise StartRefused(f"{name} is not valid YAML: {type(error).__name__}") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) or "top" for fault in error.errors())
        raise StartRefused(f"{name} is not as it should be at: {places}") from error


def load_strictly(name: str, path: Path, shape: type[Shape]) -> Shape:
    """The same for a file, which `name` names."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{name} cannot be read: {type(error).__name__}") from error
    return read_strictly(name, text, shape)
