"""Policy files: compiled and validated exactly as a serving process does it, and the generated ones kept true."""

from pathlib import Path
from typing import Annotated

import typer

from service.access.compile import differences, write_generated
from service.access.engine import Engine
from service.config import ROOT
from service.errors import StartRefused

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--policies", envvar="CONSENTRY_POLICIES", help="Folder of policy files.")
]
DEFAULT_FOLDER = ROOT / "policies"


@app.command("check")
def check(policies: Folder = DEFAULT_FOLDER) -> None:
    """Refuse policies that do not validate, or generated files that do not match their source."""
    stale = differences(policies)
    if stale:
        raise StartRefused(f"Not as generated: {', '.join(stale)}. Run: consentry policies generate")
    engine = Engine.load(policies)
    typer.echo(f"Policies are valid; policy set {engine.policy_set_hash[:16]}")


@app.command("generate")
def generate(policies: Folder = DEFAULT_FOLDER) -> None:
    """Write the schema and the role policies from their sources."""
    changed = write_generated(policies)
    typer.echo("\n".join(f"wrote {path}" for path in changed) or "Everything was up to date.")
