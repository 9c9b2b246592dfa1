"""What proves the trail to somebody who trusts nobody here: proofs, tiles, signed checkpoints and their witnesses.

Each reading is itself an entry. The tree of a program shows that program its entries; of the service's tree, which
holds those of every program, hashes and checkpoints are shown, and no entries of others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.custody import records
from service.custody.records import StoredEntry
from service.errors import Code, FieldError, IntegrityError, Invalid, NotFound, Unavailable
from service.ids import SERVICE_PROGRAM
from service.ledger import merkle
from service.ledger.checkpoint import CheckpointInvalid, parse
from service.ledger.cosignatures import Cosignature, WitnessKey, cosignatures, with_cosignatures
from service.ledger.entry import leaf_bytes
from service.ledger.proofs import TlogProof
from service.ledger.reading import records as ledger
from service.ledger.tiles import Tile, TileInvalid
from service.ledger.tiling import records as tiling
from service.ledger.tiling.reading import StoredTree
from service.ledger.verify import signature_is_right
from service.work import Loaded, Work

KIND: Final = "audit_entry"
CHECKPOINT: Final = "audit_checkpoint"
#: Seconds by which a witness's clock may be ahead of ours.
_AHEAD = 60


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry stands in the tree the checkpoint signs (RFC 6962 section 2.1.1)."""

    entry_id: UUID
    origin: str
    position: int
    size: int
    leaf: str
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    root: bytes
    checkpoint: str

    @property
    def as_text(self) -> str:
        """The same as a C2SP tlog-proof, the entry as its extra data."""
        return str(TlogProof(self.position, self.hashes, self.checkpoint, self.leaf.encode()))


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of `second` entries begins with the tree of `first` (RFC 6962 section 2.1.2)."""

    origin: str
    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint as it is after a witness's signature was accepted; `witnesses` by name."""

    size: int
    checkpoint: str
    witnesses: tuple[Cosignature, ...]


def prove_entry(work: Work, entry_id: UUID, size: int | None = None) -> InclusionProof:
    """The inclusion proof against the newest checkpoint, or the one of `size`.

    Unavailable until the entry has its position; IntegrityError where what is stored gives no proof that holds.
    """
    entry = work.authorised(Action.AUDIT_READ, entry_loader(entry_id))
    latest = records.latest_checkpoint(work.db, entry.tree)
    if entry.position is None or latest is None or entry.position >= latest[0]:
        text = "The entry gets its position within about a second. Ask again."
        raise Unavailable(Code.UNAVAILABLE, text, retry_after=1)
    against, note = latest if size is None else (size, _note(work, entry.tree, size))
    if entry.position >= against:
        fault = FieldError("size", "out_of_range", f"The entry stands at position {entry.position}.")
        raise Invalid(Code.INVALID_REQUEST, "The entry is not in a tree of this size.", [fault])
    leaf = leaf_bytes(ledger.stored_entry(work.db, entry_id))
    work.record(
        action=Action.AUDIT_READ,
        object_kind=KIND,
        object_id=entry.id,
        patient_id=entry.patient_id,
        detail={"proof": "inclusion", "size": against},
    )
    signed = parse(note).checkpoint
    root_of = StoredTree(work.db, entry.tree).root_of
    hashes = tuple(merkle.inclusion_proof(entry.position, against, root_of))
    if not merkle.verify_inclusion(merkle.leaf_hash(leaf), entry.position, against, hashes, signed.root):
        raise IntegrityError
    return InclusionProof(
        entry_id=entry.id,
        origin=signed.origin,
        position=entry.position,
        size=against,
        leaf=leaf.decode(),
        leaf_hash=merkle.leaf_hash(leaf),
        hashes=hashes,
        root=signed.root,
        checkpoint=_witnessed(work, entry.tree, against, note),
    )


def checkpoint(work: Work, size: int | None = None, *, service_tree: bool = False) -> str:
    """The newest signed note of the program's tree, or of the service's, with its witnesses; NotFound before the first.

    With `size`, the one of this size, where there is one.
    """
    work.require(Action.AUDIT_READ, object_kind=CHECKPOINT)
    tree = _tree(work, service_tree)
    found, note = latest_checkpoint(work, tree) if size is None else (size, _note(work, tree, size))
    work.record(action=Action.AUDIT_READ, object_kind=CHECKPOINT, object_id=None, detail={"size": found})
    return _witnessed(work, tree, found, note)


def prove_consistency(
    work: Work, first: int, second: int | None, *, service_tree: bool = False
) -> ConsistencyProof:
    """The consistency proof between two sizes, the second by default the newest signed. Invalid for other sizes."""
    work.require(Action.AUDIT_READ, object_kind=CHECKPOINT)
    tree = _tree(work, service_tree)
    size, note = latest_checkpoint(work, tree)
    end = size if second is None else second
    if not 0 <= first <= end <= size:
        fault = FieldError("first", "out_of_range", f"0 <= first <= second <= {size}")
        raise Invalid(Code.INVALID_REQUEST, "There are no such two sizes of this tree.", [fault])
    root_of = StoredTree(work.db, tree).root_of
    work.record(
        action=Action.AUDIT_READ,
        object_kind=CHECKPOINT,
        object_id=None,
        detail={"proof": "consistency", "first": first, "second": end},
    )
    return ConsistencyProof(
        origin=parse(note).checkpoint.origin,
        first=first,
        second=end,
        first_root=root_of(0, first),
        second_root=root_of(0, end),
        hashes=tuple(merkle.consistency_proof(first, end, root_of)),
    )


def read_tile(work: Work, coordinates: str, *, service_tree: bool = False) -> bytes:
    """A tile, or a bundle of entries, of what is signed.

    NotFound for one that the tree does not have. The bundles of a tree are its export, and asked for as such; those of
    the service's tree hold entries of other programs, and are not given out.
    """
    bundle = coordinates.startswith("entries/")
    work.require(Action.AUDIT_EXPORT if bundle else Action.AUDIT_READ, object_kind="audit_tile")
    tree = _tree(work, service_tree)
    size, _ = latest_checkpoint(work, tree)
    try:
        tile = Tile.parse(coordinates)
        if not tile.in_tree(size) or (bundle and service_tree):
            raise TileInvalid("not in this tree")
        content = StoredTree(work.db, tree).tile(tile)
    except TileInvalid:
        raise NotFound(Code.NOT_FOUND, "This tree has no such tile.") from None
    work.record(
        action=Action.AUDIT_EXPORT if bundle else Action.AUDIT_READ,
        object_kind="audit_tile",
        object_id=None,
        detail={"tile": tile.coordinates, "size": size},
    )
    return content


def witness(
    work: Work, witnesses: Sequence[WitnessKey], note: str, *, service_tree: bool = False
) -> Witnessed:
    """Keep the cosignatures of a checkpoint that this log signed. Invalid when any of them is not a known witness's."""
    work.require(Action.LEDGER_WITNESS, object_kind=CHECKPOINT)
    tree = _tree(work, service_tree)
    try:
        given = parse(note)
        size = given.checkpoint.size
        own = tiling.note_of_size(work.db, tree, size)
        if own is None or parse(own).text != given.text:
            raise CheckpointInvalid("this log has not signed this checkpoint")
        found = cosignatures(
            given,
            parse(own).signatures[0][:2],
            witnesses,
            signature_is_right,
            int(work.now.timestamp()) + _AHEAD,
        )
    except CheckpointInvalid as error:
        fault = FieldError("checkpoint", "cosignature", str(error))
        raise Invalid(Code.COSIGNATURE_INVALID, "These cosignatures are not accepted.", [fault]) from None
    for one in found:
        tiling.add_cosignature(
            work.db,
            tree,
            size,
            one,
            program_id=work.caller.program_id,
            now=work.now,
            entry_id=work.entry_id,
        )
    work.record(
        action=Action.LEDGER_WITNESS,
        object_kind=CHECKPOINT,
        object_id=tree,
        detail={"size": size, "witnesses": sorted(one.name for one in found)},
    )
    kept = tiling.cosignatures_of(work.db, tree, size)
    return Witnessed(size, with_cosignatures(own, kept), tuple(kept))


# -- shared with reading the trail ------------------------------------------------------------------------------------


def entry_loader(entry_id: UUID) -> Callable[[Work], Loaded[StoredEntry] | None]:
    """The loader of one entry, for `Work.authorised`."""

    def load(work: Work) -> Loaded[StoredEntry] | None:
        entry = records.entry_by_id(work.db, entry_id)
        return None if entry is None else Loaded(entry, Facts(), KIND, entry.id, patient_id=entry.patient_id)

    return load


def latest_checkpoint(work: Work, tree: UUID) -> tuple[int, str]:
    """Size and note of the newest checkpoint; NotFound before the first."""
    latest = records.latest_checkpoint(work.db, tree)
    if latest is None:
        raise NotFound(Code.NOT_FOUND, "Nothing has been signed yet; ask again in a second.")
    return latest


# -- inside -----------------------------------------------------------------------------------------------------------


def _tree(work: Work, service_tree: bool) -> UUID:
    return SERVICE_PROGRAM if service_tree else work.caller.program_id


def _note(work: Work, tree: UUID, size: int) -> str:
    note = tiling.note_of_size(work.db, tree, size)
    if note is None:
        raise NotFound(Code.NOT_FOUND, "No checkpoint of this size was signed.")
    return note


def _witnessed(work: Work, tree: UUID, size: int, note: str) -> str:
    return with_cosignatures(note, tiling.cosignatures_of(work.db, tree, size))
