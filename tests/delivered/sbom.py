"""The list of what a deployment consists of, in CycloneDX 1.6, from the lock files and nothing else.

    make sbom

Hashes stand in the lock files, several for each package; the list names them by version and package URL.
"""

import json
import sys
import tomllib
from typing import Any, Final

from service.config import ROOT
from tests.delivered.lock import KEY_STORES, RUN, Pin, locked

PATH: Final = ROOT / "sbom.cdx.json"


def bill() -> dict[str, Any]:
    """Required is what every deployment installs; optional, what a key store that is not a file needs beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = locked(RUN)
    everything = {**locked(KEY_STORES), **run}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [_component(everything[name], required=name in run) for name in sorted(everything)],
    }


def _component(pin: Pin, *, required: bool) -> dict[str, Any]:
    url = f"pkg:pypi/{pin.name}@{pin.version}"
    marker = [{"name": "python:marker", "value": pin.marker}] if pin.marker else []
    return {
        "type": "library",
        "bom-ref": url,
        "name": pin.name,
        "version": pin.version,
        "purl": url,
        "scope": "required" if required else "optional",
        **({"properties": marker} if marker else {}),
    }


def written() -> str:
    return json.dumps(bill(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
