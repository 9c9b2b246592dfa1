"""The list of sealed places is complete: a sealed column or table that it does not name turns this red."""

import importlib
import pkgutil

import pytest
from sqlalchemy import Table

import service
from service.custody.reindexed import AGAIN
from service.store.base import metadata
from service.store.types import SealedBytes
from service.vault.envelope import SealedTable
from service.vault.places import PLACES
from tests.house import House
from tests.integration.sealed_columns import sealed_columns

LISTED = {place.table.name: place for place in PLACES}
KEEPER_MAY = """
select table_name, column_name from information_schema.column_privileges
where grantee = 'consentry_keeper' and privilege_type = 'UPDATE'
"""
KEEPER_BOUND = """
select tgrelid::regclass::text, string_to_array(encode(tgargs, 'escape'), '\\000') from pg_trigger
where tgname = 'keeper_seals_again'
"""


def _used() -> dict[str, SealedTable]:
    """Every `SealedTable` of the service's modules, by table."""
    found: dict[str, SealedTable] = {}
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if module.name.endswith(("records", "sealing")):
            values = vars(importlib.import_module(module.name)).values()
            found |= {one.name: one for one in values if isinstance(one, SealedTable)}
    return found


def test_every_sealed_column_is_listed() -> None:
    assert {name: set(place.table.columns) for name, place in LISTED.items()} == {
        name: set(columns) for name, columns in sealed_columns().items()
    }


def test_what_the_code_seals_is_what_is_listed() -> None:
    used = _used()
    assert len(used) >= 28
    assert {name: set(one.columns) for name, one in used.items()} == {
        name: set(LISTED[name].table.columns) for name in used if name in LISTED
    }


def test_a_row_is_named_by_columns_that_are_there() -> None:
    for name, place in LISTED.items():
        table: Table = metadata.tables[name]
        wanted = {place.row, place.version or place.row, place.patient or place.row}
        assert wanted <= set(table.c.keys()), name
        assert (place.version is None) == ("version" not in table.c), name
        assert place.table.name == name


def test_a_column_that_is_not_listed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    column = metadata.tables["visit"].c.outcome
    monkeypatch.setattr(column, "type", SealedBytes())
    with pytest.raises(AssertionError):
        test_every_sealed_column_is_listed()


def test_the_keeper_may_change_sealed_columns_and_is_bound_in_all_of_them(house: House) -> None:
    with house.superuser() as root:
        may = {(row[0], row[1]) for row in root.execute(KEEPER_MAY).fetchall()}
        bound = {row[0]: {name for name in row[1] if name} for row in root.execute(KEEPER_BOUND).fetchall()}
    wanted = {name: set(place.table.columns) for name, place in LISTED.items()}
    again = {(name, column) for name, columns in wanted.items() for column in columns}
    assert may == again | AGAIN.keys() | {(name, "index_key") for name, _ in AGAIN} | {
        ("vault_key", "emptied_at")
    }
    assert bound == wanted
