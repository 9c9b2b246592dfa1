"""What proofs of the ledger are made of beside its leaves: roots of whole tiles, and what witnesses signed."""

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Table, Text

from service.store.base import metadata
from service.store.columns import entry_column, fingerprint, instant, program_column, uuid_column

#: The hashes of tiles above level 0: number n of level l is the root of leaves n * 256^l up to (n + 1) * 256^l. Written
#: once by the sequencer, so that a proof does not read every leaf. Nothing is trusted because it stands here: a wrong
#: root gives a proof that does not verify.
audit_tile_root = Table(
    "audit_tile_root",
    metadata,
    uuid_column("tree", primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    fingerprint("root"),
)

#: A witness's signature on a checkpoint, as it was handed in (C2SP tlog-cosignature).
audit_cosignature = Table(
    "audit_cosignature",
    metadata,
    uuid_column("tree", primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("key_id", LargeBinary, primary_key=True),
    program_column(),
    Column("signature", LargeBinary, nullable=False),  # 8-byte time, 64-byte Ed25519 signature
    instant("accepted_at"),
    entry_column(),
)
