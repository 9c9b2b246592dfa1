"""Statements about a table whose rows stand beside record items, keyed by `item_id`: written once for all of them."""

from typing import Any

from sqlalchemy import Select, Table, Uuid, bindparam, or_, select


def one(table: Table) -> Select[Any]:
    """The row beside `item_id`."""
    return select(table).where(table.c.item_id == bindparam("item_id"))


def newest_of(table: Table, owner: str) -> Select[Any]:
    """The rows of what the column `owner` names (an episode, a patient), newest first."""
    return select(table).where(table.c[owner] == bindparam(owner)).order_by(table.c.item_id.desc())


def page_of(table: Table, owner: str) -> Select[Any]:
    """`at_most` of them from the one before `before`; None: from the newest."""
    before = bindparam("before", type_=Uuid())
    return (
        newest_of(table, owner)
        .where(or_(before.is_(None), table.c.item_id < before))
        .limit(bindparam("at_most"))
    )
