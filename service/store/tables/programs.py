"""Programs: the tenants. Configuration only, nothing about a patient, therefore without row-level security."""

from sqlalchemy import Column, Integer, Table, Text

from service.store.base import metadata
from service.store.columns import code_column, entry_column, id_column, instant

program = Table(
    "program",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False),  # canonical JSON of the program file
    Column("version", Integer, nullable=False),
    instant("changed_at"),
    entry_column(),
    code_column(),
)
