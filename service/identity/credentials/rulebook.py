"""policies/credentials.yaml, read once and strictly: a kind that is not understood stops the start."""

from collections.abc import Hashable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import StartRefused
from service.identity.credentials.model import CredentialBook, CredentialKind

FILE: Final = "credentials.yaml"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Kind(_Row):
    clinical: bool
    independent: bool
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)


class _File(_Row):
    kinds: dict[str, _Kind] = Field(min_length=1)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise StartRefused(f"{FILE} has a key twice, from line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)


def load_credentials(policies: Path) -> CredentialBook:
    """The book of the folder `policies`; raises StartRefused with the place."""
    try:
        text = (policies / FILE).read_text(encoding="utf-8")
        loaded = yaml.load(text, Loader=_StrictLoader)  # nosec B506 # noqa: S506 -- a SafeLoader, stricter
        file = _File.model_validate(loaded)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartRefused(f"{FILE} cannot be read: {type(error).__name__}") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in error.errors())
        raise StartRefused(f"{FILE} is not as it should be at: {places}") from error
    kinds = {
        key: CredentialKind(
            key, row.clinical, row.independent, MappingProxyType({"en": row.en, "es": row.es})
        )
        for key, row in file.kinds.items()
    }
    if not any(kind.clinical for kind in kinds.values()):
        raise StartRefused(f"{FILE} has no clinical kind: nobody could ever act")
    return CredentialBook(MappingProxyType(kinds))
