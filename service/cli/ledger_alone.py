"""`consentry ledger verify` over what was exported: by the verifier that knows nothing of this service."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.ledger.checkpoint import VerifierKey
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.trail import Trail
from service.ledger.offline.verifying import verify_export, verify_tiles
from service.ledger.verify import Report, UnreadableError
from service.ledger.walk import Finding, Kind

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def verify_file(path: Path, checkpoints: Path | None, given: VerifierKey | None) -> Report:
    """By the verifier that knows nothing of this service (`service/ledger/offline`)."""
    with _alone(given) as vkey, progress_of(Trail(path).origin, path.stat().st_size // 1100) as progress:
        return _report(verify_export(path, vkey=vkey, copies=checkpoints, progress=progress))


def verify_folder(
    folder: Path, checkpoints: Path | None, given: VerifierKey | None, witnesses: list[str]
) -> Report:
    """By the same verifier."""
    with _alone(given) as vkey, progress_of(str(folder), 0) as progress:
        return _report(
            verify_tiles(folder, vkey=vkey, copies=checkpoints, witnesses=witnesses, progress=progress)
        )


@contextmanager
def _alone(given: VerifierKey | None) -> Generator[str | None]:
    """Around the verifier that stands alone: its key as text, its refusals as ours."""
    if given is None:
        errors.print("No --public-key: signatures are not checked, only that the export agrees with itself.")
    try:
        yield str(given) if given else None
    except Unreadable as error:
        raise UnreadableError(str(error)) from error


def _report(found: Outcome) -> Report:
    return Report(
        origin=found.origin,
        entries=found.entries,
        checkpoints=found.checkpoints,
        copies=found.copies,
        findings=tuple(
            Finding(Kind(one.kind), one.text, one.position, one.entry_id) for one in found.findings
        ),
        wrong=found.wrong,
        signatures_checked=found.signed,
        macs_checked=False,
        restores=found.restores,
    )


@contextmanager
def progress_of(origin: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar on standard error while a tree is gone through."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(origin, total=total or None)
        yield lambda done: bar.update(task, completed=done, total=max(total, done))
