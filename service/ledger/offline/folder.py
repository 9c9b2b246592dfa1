"""A folder of tiles: checkpoint, tiles of hashes, bundles of entries; every file of it is held against the others.

The signed root covers the leaf hashes, these the entries, and the tiles above are worked out anew from those below. A
file that belongs to nothing of this is said to be there.
"""

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from service.ledger.merkle import RunningTree
from service.ledger.offline.notes import Branch, read_note
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.source import LONGEST_RUN, RESTORE, Odd, branches_in

_WIDTH, _HASH = 256, 32
_ENTRIES = "entries"
_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


class Folder:
    """The files of a tlog-tiles log. Raises Unreadable when there is no checkpoint that could be read."""

    def __init__(self, path: Path) -> None:
        self._path, self._outcome = path, Outcome()
        try:
            self.note = (path / "checkpoint").read_bytes().decode()
            self.origin, self.head, *_ = read_note(self.note)
        except FileNotFoundError:
            raise Unreadable("the folder has no checkpoint") from None
        except UnicodeDecodeError:
            raise Unreadable("the checkpoint is no text") from None

    def report_to(self, outcome: Outcome) -> None:
        """Where things that are wrong with a whole file are said."""
        self._outcome = outcome

    def checkpoints(self) -> Iterator[str]:
        yield self.note

    def steps(self) -> Iterator[list[bytes] | Odd]:
        size, above, run = self.head.size, _Above(self._path, self._outcome), list[bytes]()
        for number in range(-(-size // _WIDTH)):
            first = number * _WIDTH
            width = min(_WIDTH, size - first)
            hashes, entries = self._hashes(number, width), self._bundle(number, width)
            if hashes is None:
                hashes = [sha256(b"\x00" + entry).digest() for entry in entries or ()]
            if len(hashes) != width:
                text = f"nothing that could be read is here up to position {size - 1}"
                self._outcome.add("missing", text, first)
                break
            for at, hashed in enumerate(hashes):
                entry = entries[at] if entries is not None and at < len(entries) else None
                if entry is not None and sha256(b"\x00" + entry).digest() == hashed:
                    run.append(hashed)
                else:
                    yield run
                    run = []
                    yield Odd(first + at, hashed, entry)
            above.add(hashes)
            if len(run) >= LONGEST_RUN:
                yield run
                run = []
        else:
            above.finish()
        yield run
        self._strangers()

    def entries(self) -> Iterator[tuple[int, bytes]]:
        for number in range(-(-self.head.size // _WIDTH)):
            first = number * _WIDTH
            try:
                width = min(_WIDTH, self.head.size - first)
                content = _file(self._path, _ENTRIES, number, width).read_bytes()
            except OSError:
                return
            for at, entry in enumerate(_unbundled(content)[0]):
                yield first + at, entry

    def branches(self) -> Iterator[Branch]:
        """What its entries say of restores."""
        return branches_in(entry for _, entry in self.entries() if entry.startswith(RESTORE))

    def _hashes(self, number: int, width: int) -> list[bytes] | None:
        path = _file(self._path, 0, number, width)
        content = _content(path)
        if content is None or len(content) != width * _HASH:
            what = "is not there" if content is None else f"is not {width} hashes long"
            self._outcome.add("missing", f"{path.relative_to(self._path)} {what}", number * _WIDTH)
            return None
        return [content[at : at + _HASH] for at in range(0, len(content), _HASH)]

    def _bundle(self, number: int, width: int) -> list[bytes] | None:
        path = _file(self._path, _ENTRIES, number, width)
        content = _content(path)
        if content is None:
            self._outcome.add("missing", f"{path.relative_to(self._path)} is not there", number * _WIDTH)
            return None
        entries, rest = _unbundled(content)
        if rest and len(entries) < width:
            entries.append(rest)  # its length was changed, or its end is gone: it does not give its hash
        elif rest or len(entries) > width:
            text = f"{path.relative_to(self._path)} holds more than its {width} entries"
            self._outcome.add("inserted", text, number * _WIDTH + min(len(entries), width))
        return entries

    def _strangers(self) -> None:
        """Files that belong to no tree of this size; an older partial tile must be the beginning of what was proven."""
        for folder, folders, names in os.walk(self._path):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                told = path.relative_to(self._path)
                if str(told) != "checkpoint" and not self._belongs(path):
                    text = f"{told} belongs to no tree of {self.head.size} entries"
                    self._outcome.add("inserted", text, None)

    def _belongs(self, path: Path) -> bool:
        told = _coordinates(path.relative_to(self._path))
        if told is None:
            return False
        level, number, width = told
        count = self.head.size >> 8 * (0 if level == _ENTRIES else int(level))
        now = min(_WIDTH, count - number * _WIDTH)
        if width >= now or now < 1:
            return width == now > 0
        proven, older = _content(_file(self._path, level, number, now)), path.read_bytes()
        whole = len(_unbundled(older)[0]) == width if level == _ENTRIES else len(older) == width * _HASH
        return whole and proven is not None and proven.startswith(older)


class _Above:
    """The tiles above level 0, worked out from leaf hashes as they come and held against the files."""

    def __init__(self, path: Path, outcome: Outcome) -> None:
        self._path, self._outcome = path, outcome
        self._levels: list[list[bytes]] = []
        self._full: list[int] = []

    def add(self, hashes: list[bytes], level: int = 0) -> None:
        """The hashes of one tile of this level; a full one has its root in the tile above."""
        if level:
            self._compare(level, hashes)
        if len(hashes) < _WIDTH:
            return
        if len(self._levels) == level:
            self._levels.append([])
            self._full.append(0)
        running = RunningTree()
        running.extend(hashes)
        self._levels[level].append(running.root())
        if len(self._levels[level]) == _WIDTH:
            roots, self._levels[level] = self._levels[level], []
            self.add(roots, level + 1)
            self._full[level] += 1

    def finish(self) -> None:
        """The partial tiles at the right edge."""
        for level, hashes in enumerate(self._levels, 1):
            if hashes:
                self._compare(level, hashes)

    def _compare(self, level: int, roots: list[bytes]) -> None:
        number = self._full[level - 1]
        path = _file(self._path, level, number, len(roots))
        content, first = _content(path), number * _WIDTH
        if content is None:
            position = first << 8 * level
            self._outcome.add("missing", f"{path.relative_to(self._path)} is not there", position)
        elif content != b"".join(roots):
            held = (content[at * _HASH : (at + 1) * _HASH] for at in range(len(roots)))
            both = enumerate(zip(roots, held, strict=True))
            wrong = next((at for at, (one, other) in both if one != other), len(roots) - 1)
            position = (first + wrong) << 8 * level
            # where a leaf below is wrong, it is that which changed this root
            if not self._outcome.within(position, position + (1 << 8 * level)):
                text = f"{path.relative_to(self._path)} does not hold the roots of the tiles below it"
                self._outcome.add("altered", text, position)


def _unbundled(content: bytes) -> tuple[list[bytes], bytes]:
    """The whole entries of a bundle, and what is left behind them."""
    entries: list[bytes] = []
    at = 0
    while at + 2 <= len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if end > len(content):
            break
        entries.append(content[at + 2 : end])
        at = end
    return entries, content[at:]


def _file(folder: Path, level: int | str, number: int, width: int) -> Path:
    """Where a tile lies: groups of three digits, all but the last with an x before them."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = folder.joinpath("tile", str(level), *(f"x{group}" for group in groups[:-1]), groups[-1])
    return path if width == _WIDTH else path.with_name(f"{path.name}.p") / str(width)


def _coordinates(path: Path) -> tuple[int | str, int, int] | None:
    """Level, number and width of the tile that lies there; None for what is no tile."""
    found = _TILE.fullmatch(path.as_posix())
    if found is None:
        return None
    level = _ENTRIES if found[1] == _ENTRIES else int(found[1])
    told = level, int(re.sub("[x/]", "", found[2])), int(found[3] or _WIDTH)
    return told if told[2] and _file(Path(), *told) == path else None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
