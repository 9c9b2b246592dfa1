"""A demo's mail and texts: files in a folder instead of somebody's telephone, so that the link in one can be followed.

Never for real patients: the service takes this carrier in a demo only, and only where no other is configured.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.delivery.carriers import Outcome, Parcel, Sent

#: The folder in a demo's data.
OUTBOX: Final = "outbox"


@dataclass(frozen=True, slots=True, repr=False)
class Outbox:
    """One file for each message, readable by its owner only; a second attempt writes the same file."""

    folder: Path

    async def carry(self, parcel: Parcel) -> Outcome:
        await asyncio.to_thread(self._write, parcel)
        return Sent()

    def _write(self, parcel: Parcel) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / f"{parcel.message_id.strip('<>').partition('@')[0]}.txt"
        subject = f"Subject: {parcel.subject}\n" if parcel.subject else ""
        head = f"At: {parcel.at.isoformat(timespec='seconds')}\nTo: {parcel.to}\n{subject}"
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(f"{head}\n{parcel.body}\n", encoding="utf-8")
        fresh.replace(path)
