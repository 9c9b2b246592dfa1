"""Idempotency keys: what a caller already asked for, so that a retry is not a second act."""

from sqlalchemy import Column, Integer, Table

from service.store.base import metadata
from service.store.columns import fingerprint, instant, program_column, uuid_column

idempotency = Table(
    "idempotency",
    metadata,
    uuid_column("account_id", primary_key=True),
    Column("key_hash", fingerprint("x").type, primary_key=True),
    program_column(),
    fingerprint("body_hash"),  # keyed hash of method, path and body
    Column("status", Integer, nullable=True),
    uuid_column("resource_id", nullable=True),
    instant("created_at"),
)
