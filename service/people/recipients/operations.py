"""The register of recipients.

The functions in the middle are for operations above (consent, disclosure) that are allowed to act already.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, FieldError, IntegrityError, Invalid
from service.ids import RecipientId, new_id
from service.people import recipient
from service.people.recipient import Party, Recipient, RecipientRole
from service.people.recipients import records
from service.people.recipients.records import StoredRecipient
from service.vault.blindindex import normalise_name
from service.vault.envelope import RowKey
from service.vault.indexing import IndexKeys
from service.work import Json, Loaded, Work

_TABLE: Final = "recipient"


def register_recipient(work: Work, party: Party) -> Recipient:
    """Add a recipient. A class stands in the register once; an NPI belongs to one recipient (Invalid)."""
    work.require(Action.RECIPIENT_REGISTER, object_kind="recipient")
    recipient.check(party)
    made = _known_class(work, party)
    registered = made is not None
    if made is None:
        if party.npi is not None and records.recipients_with_npi(work.db, _npi_indexes(work, party.npi)):
            raise _invalid("npi", "duplicate", "A recipient with this NPI is registered already.")
        made = _insert(work, party)
    work.record(
        action=Action.RECIPIENT_REGISTER,
        object_kind="recipient",
        object_id=made.id,
        object_version=made.version,
        recipient_id=made.id,
        detail={**_described(made), "was_registered": registered},
        payload=None if registered else _identity(party),
    )
    return made


def read_recipient(work: Work, recipient_id: UUID) -> Recipient:
    """One recipient."""

    def load(work: Work) -> Loaded[StoredRecipient] | None:
        stored = records.recipient_by_id(work.db, recipient_id)
        if stored is None:
            return None
        return Loaded(stored, Facts(program=stored.program_id), "recipient", stored.id)

    stored = work.authorised(Action.RECIPIENT_LIST, load)
    work.record(
        action=Action.RECIPIENT_LIST,
        object_kind="recipient",
        object_id=stored.id,
        object_version=stored.version,
        recipient_id=stored.id,
    )
    return _open(work, stored)


def list_recipients(
    work: Work, *, name: str | None, npi: str | None, after: UUID, limit: int
) -> list[Recipient]:
    """Recipients in the order they were registered: all, or those with exactly this name or NPI."""
    work.require(Action.RECIPIENT_LIST, object_kind="recipient")
    if npi is not None:
        stored = records.recipients_numbered(work.db, _npi_indexes(work, npi), after, limit)
    elif name is not None:
        stored = records.recipients_named(work.db, _name_indexes(work, name), after, limit)
    else:
        stored = records.recipients(work.db, after, limit)
    found = [_open(work, one) for one in stored]
    if npi is not None and name is not None:
        found = [one for one in found if normalise_name(one.name) == normalise_name(name)]
    work.record(
        action=Action.RECIPIENT_LIST, object_kind="recipient", object_id=None, detail={"listed": len(found)}
    )
    return found


# -- for operations above --------------------------------------------------------------------------


def recipient_facts(work: Work, recipient_id: UUID) -> Recipient | None:
    """The recipient, locked against change, inside an act that is allowed already; None when there is none."""
    stored = records.recipient_by_id(work.db, recipient_id)
    return None if stored is None else _open(work, stored)


def resolve_recipient(work: Work, party: Party, at: str = "") -> Recipient:
    """The registered recipient a consent or disclosure means, registered now if it is new.

    Inside an act that is allowed already and records itself: a row made here points to that act's entry. Who is said to
    have a role in law has an entry besides, because roles open bases. Invalid, with fields under `at`, when the
    description fits several recipients or contradicts the one it names.
    """
    if (known := find_recipient(work, party, at)) is not None:
        return known
    work.require(Action.RECIPIENT_REGISTER, object_kind="recipient")
    made = _insert(work, party)
    if made.roles:
        work.record(
            action=Action.RECIPIENT_REGISTER,
            object_kind="recipient",
            object_id=made.id,
            object_version=made.version,
            recipient_id=made.id,
            detail={**_described(made), "was_registered": False},
            payload=_identity(party),
            beside=True,
        )
    return made


def find_recipient(work: Work, party: Party, at: str = "") -> Recipient | None:
    """The registered recipient that is meant, or None; nothing is registered. Invalid as `resolve_recipient`."""
    recipient.check(party, at)
    if (known := _known_class(work, party)) is not None:
        return known
    if party.npi is not None:
        stored = records.recipients_with_npi(work.db, _npi_indexes(work, party.npi))
    else:
        stored = records.recipients_alike(work.db, party.type, _name_indexes(work, party.display_name))
    if len(stored) > 1:
        raise _invalid(f"{at}name", "ambiguous", "Several recipients have this name: say recipient_id.")
    if not stored:
        return None
    known = _open(work, stored[0])
    if (contradicted := recipient.conflict(party, known)) is not None:
        raise _invalid(
            f"{at}{contradicted}", "contradicts_register", "The register says otherwise: say recipient_id."
        )
    return known


def indexes_of(keys: IndexKeys, identity: Mapping[str, Any]) -> dict[str, bytes | None]:
    """What a recipient is found by, by column, from what is sealed of it."""
    npi = identity["npi"]
    return {
        "name_index": keys.value(_TABLE, "name", normalise_name(str(identity["name"]))),
        "npi_index": None if npi is None else keys.value(_TABLE, "npi", str(npi)),
    }


# -- inside ----------------------------------------------------------------------------------------


def _known_class(work: Work, party: Party) -> Recipient | None:
    if party.recipient_class is None:
        return None
    stored = records.recipients_of_class(work.db, party.recipient_class)
    return _open(work, stored[0]) if stored else None


def _insert(work: Work, party: Party) -> Recipient:
    recipient_id = RecipientId(new_id(work.now))
    row, keys, identity = (
        RowKey(work.caller.program_id, recipient_id, 1, None),
        work.index_keys(),
        _identity(party),
    )
    stored = StoredRecipient(
        id=recipient_id,
        program_id=work.caller.program_id,
        type=party.type,
        recipient_class=party.recipient_class,
        covered_entity=bool(party.covered_entity) or RecipientRole.HEALTH_PLAN in (party.roles or ()),
        business_associate=bool(party.business_associate),
        identity=work.seal(records.RECIPIENT_ROW, row, {"identity": identity})["identity"],
        state="active",
        version=1,
    )
    records.insert_recipient(
        work.db,
        stored,
        indexes={**indexes_of(keys, identity), "index_key": keys.id},
        now=work.now,
        entry_id=work.entry_id,
    )
    return _open(work, stored)


def _described(made: Recipient) -> dict[str, Json]:
    """What the ledger says of a recipient in the clear: codes, no name."""
    return {
        "type": made.type.value,
        "roles": sorted(role.value for role in made.roles),
        "covered_entity": made.covered_entity,
        "business_associate": made.business_associate,
    }


def _identity(party: Party) -> dict[str, str | list[str] | None]:
    return {
        "name": party.display_name,
        "npi": party.npi,
        "address": party.address,
        "phone": party.phone,
        "roles": sorted(party.roles or ()),
    }


def _open(work: Work, stored: StoredRecipient) -> Recipient:
    row = RowKey(stored.program_id, stored.id, stored.version, None)
    identity = work.open(records.RECIPIENT_ROW, row, {"identity": stored.identity})["identity"]
    if not isinstance(identity, Mapping):
        raise IntegrityError
    opened: Mapping[str, Any] = identity
    try:
        # a recipient registered before there were roles has none
        roles = frozenset(RecipientRole(role) for role in opened.get("roles", ()))
    except ValueError:
        raise IntegrityError from None
    return Recipient(
        id=stored.id,
        type=stored.type,
        name=str(opened["name"]),
        npi=opened["npi"],
        recipient_class=stored.recipient_class,
        covered_entity=stored.covered_entity,
        business_associate=stored.business_associate,
        address=opened["address"],
        phone=opened["phone"],
        state=stored.state,
        version=stored.version,
        roles=roles,
    )


def _name_indexes(work: Work, name: str) -> Sequence[bytes]:
    return work.index_keys().sought(_TABLE, "name", normalise_name(name))


def _npi_indexes(work: Work, npi: str) -> Sequence[bytes]:
    return work.index_keys().sought(_TABLE, "npi", npi)


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid(
        Code.RECIPIENT_INVALID,
        "This recipient cannot be recorded as it is.",
        [FieldError(field, code, message)],
    )
