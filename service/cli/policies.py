"""Policy files: compiled and validated exactly as a serving process does it, and what is generated kept true."""

from pathlib import Path
from typing import Annotated

import typer

from service.access.compile import differences, write_generated
from service.access.engine import Engine
from service.cli.rule_documents import stale_documents, write_documents
from service.config import ROOT
from service.errors import StartRefused
from service.intake.definition import file_hashes, load_catalogue
from service.intake.pins import unpinned, write_pins

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--policies", envvar="CONSENTRY_POLICIES", help="Folder of policy files.")
]
DEFAULT_FOLDER = ROOT / "policies"
#: The documents that describe a folder of policies stand beside it.
DOCUMENTS = "docs"
INSTRUMENTS = "instruments"


@app.command("check")
def check(policies: Folder = DEFAULT_FOLDER) -> None:
    """Refuse policies that do not validate, and generated files and documents that do not match their source."""
    stale = differences(policies)
    if stale:
        raise StartRefused(f"Not as generated: {', '.join(stale)}. Run: consentry policies generate")
    instruments = policies / INSTRUMENTS
    load_catalogue(instruments)
    if new := unpinned(instruments, file_hashes(instruments)):
        raise StartRefused(f"Instruments not pinned: {', '.join(new)}. Run: consentry policies pin")
    engine = Engine.load(policies)
    folder = policies.resolve().parent / DOCUMENTS
    # a clinic that keeps policies of its own elsewhere need not keep documents about them
    if folder.is_dir() and (old := stale_documents(policies, folder)):
        raise StartRefused(f"Not as the policies are: {', '.join(old)}. Run: consentry policies docs")
    typer.echo(f"Policies are valid; policy set {engine.policy_set_hash[:16]}")


@app.command("pin")
def pin(policies: Folder = DEFAULT_FOLDER) -> None:
    """Pin the instruments that are new, by the hash of their files; refuses where a pinned one was changed."""
    instruments = policies / INSTRUMENTS
    load_catalogue(instruments)
    new = write_pins(instruments, file_hashes(instruments))
    typer.echo("\n".join(f"pinned {name}" for name in new) or "Everything was pinned.")


@app.command("generate")
def generate(policies: Folder = DEFAULT_FOLDER) -> None:
    """Write the schema and the role policies from their sources."""
    changed = write_generated(policies)
    typer.echo("\n".join(f"wrote {path}" for path in changed) or "Everything was up to date.")


@app.command("docs")
def docs(policies: Folder = DEFAULT_FOLDER) -> None:
    """Write decision table, states of a consent, kinds of evidence and safety page, beside the policies."""
    folder = policies.resolve().parent / DOCUMENTS
    folder.mkdir(exist_ok=True)
    changed = write_documents(policies, folder)
    typer.echo("\n".join(f"wrote {path}" for path in changed) or "Everything was up to date.")
