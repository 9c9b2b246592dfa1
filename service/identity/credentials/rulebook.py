"""policies/credentials.yaml, read once and strictly: a kind that is not understood stops the start."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from service.access.strictyaml import load_strictly
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


def load_credentials(policies: Path) -> CredentialBook:
    """The book of the folder `policies`; raises StartRefused with the place."""
    file = load_strictly(FILE, policies / FILE, _File)
    kinds = {
        key: CredentialKind(
            key, row.clinical, row.independent, MappingProxyType({"en": row.en, "es": row.es})
        )
        for key, row in file.kinds.items()
    }
    if not any(kind.clinical for kind in kinds.values()):
        raise StartRefused(f"{FILE} has no clinical kind: nobody could ever act")
    return CredentialBook(MappingProxyType(kinds))
