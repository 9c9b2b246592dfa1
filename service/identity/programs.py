"""Programs: the tenants' own description, as one YAML document each (`access/program.py` reads it).

A new description replaces the old one and raises the version; every worker sees the change on its next call,
because the version comes with the caller. The first description of a program also makes its keys.
"""

from typing import Final
from uuid import UUID

import rfc8785

from service.access.actions import Action
from service.access.facts import Facts
from service.access.program import Contact, Program, read_program
from service.errors import Code, FieldError, Invalid, Stale
from service.identity.tenants import records
from service.identity.tenants.records import StoredProgram
from service.ids import SERVICE_PROGRAM, ProgramId, new_id
from service.work import Loaded, Work, enter

#: The service as a program of its own: what operators act in when no clinic's program is meant.
SERVICE: Final = Program(
    id=SERVICE_PROGRAM,
    key="service",
    name="The service itself",
    timezone="UTC",
    state="",
    director="",
    covered_entity=False,
    units={},
)


def apply_program(work: Work, document: str, *, expected: tuple[UUID, int] | None = None) -> StoredProgram:
    """Put a program's description into force; a new key makes a new program with its keys.

    `expected` is the id and version the caller says it changes. Raises Invalid with every fault of the
    description, Stale when somebody else changed it since. An administrator changes their own program and no
    other; only the operator of the service makes new ones.
    """
    work.require(Action.PROGRAM_MANAGE, object_kind="program")
    described = read_program(SERVICE_PROGRAM, document)
    stored = records.program_by_key(work.db, described.key)
    _check_reach(work, stored, expected)
    program_id = stored.id if stored else ProgramId(new_id(work.now))
    applied = StoredProgram(
        id=program_id,
        key=described.key,
        name=described.name,
        config=canonical_document(described),
        version=stored.version + 1 if stored else 1,
        changed_at=work.now,
    )
    if stored is None:
        records.insert_program(work.db, applied, work.entry_id)
        _make_keys(work, program_id)
    elif stored.config == applied.config:
        applied = stored
    else:
        records.change_program(work.db, applied, work.entry_id)
    work.record(
        action=Action.PROGRAM_MANAGE,
        object_kind="program",
        object_id=program_id,
        object_version=applied.version,
        detail={"change": "none" if applied is stored else "applied", "key": applied.key},
        payload=applied.config,
    )
    return applied


def show_program(work: Work, program_id: UUID) -> StoredProgram:
    """One program's description: the caller's own, or any for the operator of the service."""

    def load(work: Work) -> Loaded[StoredProgram] | None:
        if program_id != work.caller.program_id and work.caller.program_id != SERVICE_PROGRAM:
            return None
        stored = records.program_by_id(work.db, program_id)
        return None if stored is None else Loaded(stored, Facts(), "program", stored.id)

    stored = work.authorised(Action.PROGRAM_READ, load)
    work.record(action=Action.PROGRAM_READ, object_kind="program", object_id=stored.id)
    return stored


def list_programs(work: Work, after: UUID, limit: int) -> list[StoredProgram]:
    """The programs the caller may know of, in the order they were made."""
    work.require(Action.PROGRAM_READ)
    if work.caller.program_id == SERVICE_PROGRAM:
        found = records.programs(work.db, after, limit)
    else:
        own = records.program_by_id(work.db, work.caller.program_id)
        found = [own] if own and own.id > after else []
    work.record(
        action=Action.PROGRAM_READ, object_kind="program", object_id=None, detail={"listed": len(found)}
    )
    return found


def canonical_document(program: Program) -> str:
    """The description as canonical JSON (RFC 8785), as stored; reading it gives the same program."""
    document = rfc8785.dumps(
        {
            "key": program.key,
            "name": program.name,
            "timezone": program.timezone,
            "state": program.state,
            "director": program.director,
            "covered_entity": program.covered_entity,
            "units": [
                {
                    "key": unit.key,
                    "name": unit.name,
                    "regime": unit.regime.value,
                    "publicly_sud_only": unit.publicly_sud_only,
                }
                for unit in program.units.values()
            ],
            "accreditor": program.accreditor,
            "requires_credentials": program.requires_credentials,
            **({"closed_days": sorted(map(str, program.closed_days))} if program.closed_days else {}),
            **_contact("front_office", program.front_office),
            **_contact("on_call", program.on_call),
        }
    ).decode()
    # A text that only YAML's escapes can write would be stored and then never be readable again.
    if read_program(program.id, document) != program:
        raise Invalid(Code.PROGRAM_INVALID, "The description contains characters that cannot be kept.")
    return document


def _contact(name: str, contact: Contact | None) -> dict[str, dict[str, str]]:
    return {} if contact is None else {name: {"name": contact.name, "phone": contact.phone}}


def canonical_config(stored: StoredProgram) -> str:
    """A stored description in the canonical form, whatever form it was stored in."""
    return canonical_document(read_program(stored.id, stored.config))


def _check_reach(work: Work, stored: StoredProgram | None, expected: tuple[UUID, int] | None) -> None:
    operator = work.caller.program_id == SERVICE_PROGRAM
    found = stored.id if stored else None
    if (not operator and found != work.caller.program_id) or (expected and found != expected[0]):
        fault = FieldError(
            "key", "key_of_another_program", "A program keeps its key; the operator makes new ones."
        )
        raise Invalid(
            Code.PROGRAM_INVALID, "This description is not of the program it is meant for.", [fault]
        )
    if stored and expected and stored.version != expected[1]:
        raise Stale(Code.VERSION_STALE, "The program was changed since you read it.")


def _make_keys(work: Work, program_id: ProgramId) -> None:
    """The program's first keys, in its own tenancy; then back to the caller's for the entry."""
    enter(work.db, program_id)
    work.vault.ensure_program_keys(work.db, program_id, work.now)
    enter(work.db, work.caller.program_id)
