"""Asking for a rotation. Whoever may rotate keys asks; the service carries it out by itself (`custody/upkeep`)."""

from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.custody.rotating import OBJECT, begin
from service.custody.rotations import records
from service.errors import Code, NotFound
from service.vault.rotating.records import Rotation
from service.work import Work


def ask_for_rotation(work: Work, kind: str) -> Rotation:
    """A rotation of this kind, to be carried out: the one that is under way, or a new one."""
    return begin(work, kind)


def read_rotation(work: Work, rotation_id: UUID) -> Rotation:
    """How far a rotation is. Keys are the deployment's: so is what is said about them, and it names no program."""
    work.require(
        Action.KEY_READ, Facts(program=work.caller.program_id), object_kind=OBJECT, object_id=rotation_id
    )
    found = records.rotation_by_id(work.db, rotation_id)
    if found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such rotation.")
    work.record(action=Action.KEY_READ, object_kind=OBJECT, object_id=rotation_id)
    return found
