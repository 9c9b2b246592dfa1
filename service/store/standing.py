"""What the trail knows of a row: the version that its newest act gave it.

A row that was put back whole, with the code it once had, is a row of ours. But each act that changed it stands in the
trail with the row's id and its new version, under a code of its own and in a tree whose checkpoints lie outside the
database. So a decision asks the trail for the newest version, and refuses a row that is older. The two agree in one
transaction or not at all. (Who also takes the entry away is found by `consentry ledger verify`; who puts database and
trail back to one earlier moment, by the anchors.)
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Table, func, select

from service.errors import IntegrityError
from service.store.rowcodes import codes_of, values_of
from service.store.tables.ledger import audit_entry


def newest_version(object_id: ColumnElement[UUID]) -> ScalarSelect[Any]:
    """The newest version that an act gave the thing with this id; null when none did. One probe of an index."""
    return (
        select(func.max(audit_entry.c.object_version))
        .where(
            audit_entry.c.program_id == func.current_program(),
            audit_entry.c.object_id == object_id,
        )
        .scalar_subquery()
    )


def stands(db: Connection, table: Table, row: Row[Any], newest: int | None) -> bool:
    """Whether a row is as it was written, and the last that was: for rooms that say by themselves what a damaged one
    means.
    """
    return codes_of(db).fits(table, values_of(table, row)) and (newest is None or newest <= row.version)


def refuse_older(version: int, newest: int | None) -> None:
    """IntegrityError for a row that is older than the trail says."""
    if newest is not None and newest > version:
        raise IntegrityError
