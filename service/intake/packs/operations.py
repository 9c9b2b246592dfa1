"""What is done with content packs: attested, read, withdrawn; and what of them an instrument is shown with.

A licence is a matter of the program, not of a patient: everything is sealed with the program's key. Copyright decides
here (17 U.S.C. 106), so attesting is compliance's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, Conflict, FieldError, Invalid, NotFound
from service.ids import new_id
from service.intake.instrument import Catalogue, Instrument, WordingState
from service.intake.packs import records
from service.intake.packs.pack import Pack, PackState, Standing, faults_of, standing, withdrawn, worded
from service.intake.packs.records import StoredPack
from service.intake.packs.sealing import digest_of, opened, sealed
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True)
class NewPack:
    """A pack as it is attested: the document as given, and the days it holds."""

    document: Mapping[str, Any]
    starts_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class Shown:
    """An instrument in the words this program may use today."""

    instrument: Instrument
    standing: Standing
    pack: Pack | None


@dataclass(frozen=True, slots=True)
class PackPage:
    packs: tuple[Pack, ...]
    more: bool


def attest(work: Work, catalogue: Catalogue, key: str, new: NewPack) -> Pack:
    """Keep a pack on the caller's word that the program is licensed. Raises Invalid with everything that is wrong."""
    work.require(Action.PACK_ATTEST, object_kind="content_pack")
    instrument = catalogue.find(key)
    if instrument is None:
        raise NotFound(Code.NOT_FOUND, "There is no such instrument.")
    faults = faults_of(new.document, instrument)
    if new.document["instrument"] != key:
        faults.append(FieldError("pack.instrument", "another", "The pack is for another instrument."))
    if new.expires_on < max(new.starts_on, _today(work)):
        faults.append(FieldError("expires_on", "too_early", "The licence would have run out already."))
    if faults:
        raise Invalid(Code.PACK_INVALID, "This pack does not fit the instrument.", faults)
    pack = Pack(
        id=new_id(work.now),
        document=new.document,
        sha256=digest_of(new.document),
        state=PackState.ACTIVE,
        starts_on=new.starts_on,
        expires_on=new.expires_on,
        attested_by=work.caller.account_id,
        attested_at=work.now,
    )
    records.add_pack(work.db, sealed(work, pack), work.entry_id)
    _record(work, Action.PACK_ATTEST, pack, {"instrument": key, "sha256": pack.sha256}, written=True)
    return pack


def withdraw(work: Work, pack_id: UUID, reason: str) -> Pack:
    """Nothing new rests on the pack from now on. Raises Conflict when it is withdrawn already."""
    stored = work.authorised(Action.PACK_ATTEST, _loader(pack_id, lock=True))
    pack = withdrawn(opened(work, stored), reason)
    if not records.change_pack(work.db, sealed(work, pack), work.entry_id):
        raise Conflict(Code.PACK_STATE, "This pack has changed meanwhile.")
    _record(work, Action.PACK_ATTEST, pack, {"state": pack.state.value}, written=True)
    return pack


def read_pack(work: Work, pack_id: UUID) -> Pack:
    pack = opened(work, work.authorised(Action.PACK_READ, _loader(pack_id, lock=False)))
    _record(work, Action.PACK_READ, pack, {"state": pack.state.value})
    return pack


def list_packs(work: Work, *, before: UUID | None, at_most: int) -> PackPage:
    """The program's packs, newest first."""
    work.require(Action.PACK_READ, object_kind="content_pack")
    found = [opened(work, one) for one in records.page_of_packs(work.db, before, at_most + 1)]
    packs = tuple(found[:at_most])
    work.record(
        action=Action.PACK_READ,
        object_kind="content_pack",
        object_id=None,
        detail={"packs": [str(pack.id) for pack in packs]},
    )
    return PackPage(packs, more=len(found) > at_most)


def shown_instruments(work: Work, instruments: Iterable[Instrument]) -> tuple[Shown, ...]:
    """Instruments as they are shown here today, inside an act already allowed."""
    wanted = tuple(instruments)
    licensed = any(one.wording.state is WordingState.LICENSED for one in wanted)
    packs = [opened(work, one) for one in records.every_pack(work.db)] if licensed else []
    return tuple(_shown(work, one, packs) for one in wanted)


def licence_fault(work: Work, instrument: Instrument, along: Mapping[str, Any]) -> Conflict | None:
    """Why no new form of this instrument is begun, with what goes along when a form is refused; None when one may be.

    Inside an act already allowed. A fault and not an exception: what the answers raise has to be kept all the same.
    Instruments whose wording ships are never asked about.
    """
    if instrument.wording.state is WordingState.FULL:
        return None
    packs = [opened(work, one) for one in records.packs_of(work.db, instrument.key)]
    if standing(instrument, packs, _today(work))[0] is not Standing.EXPIRED:
        return None
    lapsed = "The licence for this instrument has run out or was withdrawn. Old forms stay readable."
    return Conflict(Code.LICENCE_EXPIRED, lapsed, **along)


def _shown(work: Work, instrument: Instrument, packs: Iterable[Pack]) -> Shown:
    state, pack = standing(instrument, packs, _today(work))
    return Shown(worded(instrument, pack), state, pack)


def _today(work: Work) -> date:
    return work.now.astimezone(work.program.zone).date()


def _loader(pack_id: UUID, *, lock: bool) -> Callable[[Work], Loaded[StoredPack] | None]:
    def find(work: Work) -> Loaded[StoredPack] | None:
        stored = records.pack_by_id(work.db, pack_id, lock=lock)
        return None if stored is None else Loaded(stored, Facts(), "content_pack", stored.id)

    return find


def _record(
    work: Work, action: Action, pack: Pack, detail: Mapping[str, str], *, written: bool = False
) -> None:
    work.record(
        action=action,
        object_kind="content_pack",
        object_id=pack.id,
        object_version=pack.version,
        detail=detail,
        payload=dict(pack.document) if written else None,
    )
