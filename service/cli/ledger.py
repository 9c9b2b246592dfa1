"""`consentry ledger`: verify the audit trail, export it, say which key signs it.

Verification trusts the log's public key and the checkpoints copied outside the database, nothing else. Keep
both where the owner of the database cannot write: `--public-key` and `--checkpoints` take them from there.
Exit status: 0 intact, 1 something is wrong, 2 it could not be verified.
"""

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.ledger_alone import errors, progress_of, verify_file, verify_folder
from service.cli.ledger_restored import restored_command
from service.config import Settings
from service.errors import ConsentryError
from service.ids import SERVICE_PROGRAM
from service.ledger.anchors.forks import branches_of
from service.ledger.checkpoint import CheckpointInvalid, VerifierKey, origin_of, split_notes
from service.ledger.copies import copy_of
from service.ledger.export import export
from service.ledger.reading import records
from service.ledger.records import tree_keys
from service.ledger.restores import explained
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.tiling.folder import write_tiles
from service.ledger.verify import Report, UnreadableError, verify
from service.ledger.walk import Finding
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import enter

app = typer.Typer(help="Verify, export and identify the audit trail.", no_args_is_help=True)
_out = Console(highlight=False, soft_wrap=True)

ProgramKey = Annotated[
    str | None,
    typer.Option("--program", help="Only the tree of this program (`service` for the service's own)."),
]
PublicKey = Annotated[
    str | None,
    typer.Option("--public-key", help="Verifier key (vkey) of the log, kept outside.", metavar="VKEY"),
]
Checkpoints = Annotated[
    Path | None,
    typer.Option("--checkpoints", help="Copied checkpoints: a file, or a folder of <tree>.notes."),
]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree and its name."""

    id: UUID
    origin: str


@app.command("verify")
def verify_command(
    data: Data = DEFAULT_DATA,
    program: ProgramKey = None,
    exported: Annotated[Path | None, typer.Option("--export", help="Verify this export instead.")] = None,
    tiles: Annotated[
        Path | None, typer.Option("--tiles", help="Verify this folder of tiles instead.")
    ] = None,
    checkpoints: Checkpoints = None,
    public_key: PublicKey = None,
    witnesses: Annotated[
        list[str] | None,
        typer.Option(
            "--witness", help="Key of a witness who must have signed (with --tiles).", metavar="KEY"
        ),
    ] = None,
) -> None:
    """Verify every tree, from the database, from an export or from tiles; names the first bad entry."""
    with _refusals():
        given = VerifierKey.parse(public_key) if public_key else None
        if checkpoints is not None and not checkpoints.exists():
            raise UnreadableError(f"there are no checkpoints at {checkpoints}")
        if tiles is not None:
            reports = [verify_folder(tiles, checkpoints, given, witnesses or [])]
        elif exported is not None:
            reports = [verify_file(exported, checkpoints, given)]
        else:
            with database_settings(data) as settings:
                reports = _verify_database(settings, program, checkpoints, given)
    for report in reports:
        _say(report)
    raise typer.Exit(0 if all(report.intact for report in reports) else 1)


app.command("restored")(restored_command)


@app.command("export")
def export_command(
    program: Annotated[str, typer.Option("--program", help="Program key, or `service`.")],
    data: Data = DEFAULT_DATA,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: stdout.")
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option("--tiles", help="Folder for a tlog-tiles log instead; gone on with if there."),
    ] = None,
) -> None:
    """Write one tree so that it can be verified without the database: as NDJSON, or as a folder of tiles."""

    def write(db: Connection, settings: Settings) -> None:
        begin_snapshot(db)
        tree = _chosen(db, settings, program)[0]
        if tiles is not None:
            with progress_of(tree.origin, records.signed_size(db, tree.id)) as progress:
                write_tiles(db, tree.id, tree.origin, tiles, progress)
            return
        lines = export(db, tree.id, tree.origin)
        if output is None:
            sys.stdout.buffer.writelines(lines)
            return
        with output.open("wb") as file:
            file.writelines(lines)

    with _refusals(), database_settings(data) as settings:
        in_unit_sync(plain_engine(settings.sequencer_database_url), lambda db: write(db, settings))


@app.command("public-key")
def public_key_command(data: Data = DEFAULT_DATA, program: ProgramKey = None) -> None:
    """Print the verifier key of each tree, for whoever is to check checkpoints elsewhere."""
    with _refusals(), database_settings(data) as settings:
        keys = _service_keys(settings)
        trees = in_unit_sync(
            plain_engine(settings.sequencer_database_url), lambda db: _chosen(db, settings, program)
        )
        for tree in trees:
            typer.echo(str(VerifierKey(tree.origin, keys.ledger_signer.public_key)))


def _verify_database(
    settings: Settings, program: str | None, checkpoints: Path | None, given: VerifierKey | None
) -> list[Report]:
    keys = _service_keys(settings)
    public_key = given.public_key if given else keys.ledger_signer.public_key
    mac_keys = (keys.ledger_mac, *keys.ledger_mac_retired)
    engine = plain_engine(settings.sequencer_database_url)
    every = in_unit_sync(engine, lambda db: _chosen(db, settings, None))
    chosen = in_unit_sync(engine, lambda db: _chosen(db, settings, program))
    reports: list[Report] = []
    for tree in chosen:
        copies = _Copies(_copy_file(checkpoints or settings.checkpoints, tree.id))
        # The service's tree also answers for entries and acts that belong to no tree at all.
        others = [other.id for other in every if other != tree] if tree.id == SERVICE_PROGRAM else None

        def unit(
            db: Connection, tree: Tree = tree, copies: _Copies = copies, others: list[UUID] | None = others
        ) -> Report:
            begin_snapshot(db)
            with progress_of(tree.origin, records.tree_size(db, tree.id)) as progress:
                branches = branches_of(db, mac_keys).get(tree.id, [])
                report = verify(
                    DatabaseSource(db, tree.id, others),
                    tree.origin,
                    public_key=public_key,
                    mac_keys=mac_keys,
                    copies=explained(copies.notes, branches),
                    progress=progress,
                )
                return replace(report, restores=len(branches))

        reports.append(in_unit_sync(engine, unit))
        copies.warn_if_none(tree)
    return reports


class _Copies:
    """The copied checkpoints of one tree, as long as the file was when this was made.

    Made before the database is read: a checkpoint is copied after it is committed, so whatever is in the
    copy by now must be in the database, and what a working sequencer adds meanwhile is looked at in
    neither.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path if path is not None and path.exists() else None
        self._length = self._path.stat().st_size if self._path else 0

    def notes(self) -> Iterator[str]:
        return split_notes(self._lines())

    def _lines(self) -> Iterator[str]:
        if self._path is None:
            return
        read = 0
        with self._path.open("rb") as file:
            for line in file:
                read += len(line)
                if read > self._length:
                    return
                yield line.decode("utf-8", "replace")

    def warn_if_none(self, tree: Tree) -> None:
        if self._path is None:
            errors.print(
                f"{tree.origin}: no checkpoint copy outside the database; a cut or a rewriting would not show."
            )


def _copy_file(where: Path, tree: UUID) -> Path:
    if where.is_dir():
        return copy_of(where, tree)
    return where


def _chosen(db: Connection, settings: Settings, program: str | None) -> list[Tree]:
    """All trees, or the one of a program. Raises BadParameter for a program that has none."""
    keys = tree_keys(db)
    trees = [
        Tree(tree, origin_of(settings.deployment, keys.get(tree, str(tree))))
        for tree in records.trees_anywhere(db)
    ]
    if program is None:
        return trees
    chosen = [tree for tree in trees if keys.get(tree.id) == program]
    if not chosen:
        raise UnreadableError(f"there is no program {program!r} here")
    return chosen


def _service_keys(settings: Settings) -> ServiceKeys:
    vault = Vault(open_kms(settings))

    def load(db: Connection) -> ServiceKeys:
        enter(db, SERVICE_PROGRAM)
        return vault.load_service_keys(db)

    return run_unit_sync(plain_engine(settings.database_url), vault, load)


@contextmanager
def _refusals() -> Generator[None]:
    """What keeps us from verifying at all is said in one sentence, with exit status 2."""
    try:
        yield
    except ConsentryError as error:
        errors.print(error.detail)
    except (UnreadableError, CheckpointInvalid) as error:
        errors.print(f"Cannot be verified: {error}.")
    except (SQLAlchemyError, OSError) as error:
        errors.print(f"Cannot be verified: {type(error).__name__}.")
    else:
        return
    raise typer.Exit(2)


def _say(report: Report) -> None:
    counts = (
        f"{report.entries:,} entries, {report.checkpoints:,} checkpoints, {report.copies:,} copies outside"
    )
    if report.restores:
        counts += f", {report.restores:,} recorded restore(s)"
    if report.intact:
        unchecked = "" if report.macs_checked else " (without MACs: the key is not here)"
        _out.print(f"{report.origin}: intact. {counts}{unchecked}.")
        return
    _out.print(f"{report.origin}: NOT INTACT. {counts}. {report.wrong:,} finding(s).")
    first = report.findings[0]
    _out.print(f"  first bad entry: {_place(first)}: {first.kind.value}: {first.text}")
    for finding in report.findings[1:10]:
        _out.print(f"  also: {_place(finding)}: {finding.kind.value}: {finding.text}")


def _place(finding: Finding) -> str:
    position = "no position" if finding.position is None else f"position {finding.position}"
    return f"{position}, entry {finding.entry_id}" if finding.entry_id else position
