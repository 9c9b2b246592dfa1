"""The command: one line for the outcome, and the first findings. Exit status: 0 intact, 1 not, 2 unreadable."""

import argparse
import sys
from pathlib import Path

from service.ledger.offline.outcome import Unreadable, say
from service.ledger.offline.verifying import verify_export, verify_tiles


def main(arguments: list[str] | None = None) -> int:
    """Verify what the arguments name; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m service.ledger.offline", description="Verify an export.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("export", type=Path, nargs="?", help="an export as NDJSON")
    what.add_argument("--tiles", type=Path, help="a folder of tiles instead")
    parser.add_argument("--vkey", help="verifier key of the log, kept outside")
    parser.add_argument(
        "--checkpoints", type=Path, help="copies kept outside: a file, or a folder of <tree>.notes"
    )
    parser.add_argument(
        "--witness", action="append", default=[], help="key of a witness who must have signed (with --tiles)"
    )
    given = parser.parse_args(arguments)
    try:
        if given.tiles is not None:
            outcome = verify_tiles(
                given.tiles,
                vkey=given.vkey,
                copies=given.checkpoints,
                witnesses=given.witness,
                progress=_progress,
            )
        else:
            outcome = verify_export(
                given.export, vkey=given.vkey, copies=given.checkpoints, progress=_progress
            )
    except (Unreadable, OSError) as error:
        sys.stderr.write(f"Cannot be verified: {error}\n")
        return 2
    sys.stdout.write("\n".join(say(outcome)) + "\n")
    return 1 if outcome.wrong else 0


def _progress(entries: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{entries:,} entries")


if __name__ == "__main__":
    sys.exit(main())
