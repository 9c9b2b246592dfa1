"""The only SQL of marks: which paragraphs a plan has, and in how many other patients' plans they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from service.store.tables.admission import care_plan, care_plan_paragraph
from service.store.tables.people_care import patient_merge

_mark = care_plan_paragraph.c
_PARAGRAPH: Final = insert(care_plan_paragraph)
_STANDS: Final = {
    "standing": True,
    "kept_at": _PARAGRAPH.excluded.kept_at,
    "entry_id": _PARAGRAPH.excluded.entry_id,
}
_KEEP_PARAGRAPH: Final = _PARAGRAPH.on_conflict_do_update(index_elements=["item_id", "mark"], set_=_STANDS)
#: Versions of a draft are nobody's yet: its text is new until it is in force.
_KEEP_PARAGRAPH_ANEW: Final = _PARAGRAPH.on_conflict_do_update(
    index_elements=["item_id", "mark"], set_=_STANDS | {"first_version": _PARAGRAPH.excluded.first_version}
)
_PARAGRAPHS_GONE: Final = (
    update(care_plan_paragraph)
    .where(
        _mark.item_id == bindparam("the_item"),
        _mark.standing,
        _mark.mark.not_in(bindparam("marks", expanding=True)),
    )
    .values(standing=False, entry_id=bindparam("new_entry"))
)
#: A merged chart and the one it went into are one patient's.
_MERGED: Final = and_(patient_merge.c.merged_id == _mark.patient_id, patient_merge.c.state == "merged")
_WHOSE: Final = func.coalesce(patient_merge.c.patient_id, _mark.patient_id)
_own_merge = patient_merge.alias()
_OWN: Final = func.coalesce(
    select(_own_merge.c.patient_id)
    .where(_own_merge.c.merged_id == bindparam("patient_id", type_=Uuid()), _own_merge.c.state == "merged")
    .scalar_subquery(),
    bindparam("patient_id", type_=Uuid()),
)
#: A paragraph whose mark is under a former key of the indexes, put under the one of today.
_RENEW: Final = (
    update(care_plan_paragraph)
    .where(_mark.item_id == bindparam("the_item"), _mark.mark == bindparam("former"))
    .values(mark=bindparam("today"), entry_id=bindparam("new_entry"))
)
_CHARTS_WITH: Final = (
    select(_mark.mark, _WHOSE.label("whose"))
    .join(care_plan, care_plan.c.item_id == _mark.item_id)
    .outerjoin(patient_merge, _MERGED)
    .where(
        _mark.mark.in_(bindparam("marks", expanding=True)),
        _mark.standing,
        _mark.kept_at >= bindparam("since"),
        care_plan.c.status != "revoked",
        _WHOSE != _OWN,
    )
    .distinct()
)
_SAID_BEFORE: Final = (
    select(_mark.mark)
    .outerjoin(patient_merge, _MERGED)
    .where(
        _mark.mark.in_(bindparam("marks", expanding=True)),
        _WHOSE == _OWN,
        or_(
            _mark.item_id < bindparam("item_id"),
            and_(_mark.item_id == bindparam("item_id"), _mark.first_version < bindparam("version")),
        ),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class ParagraphRow:
    """A paragraph of a plan as its mark; `first_version` of the content."""

    id: UUID
    patient_id: UUID
    item_id: UUID
    mark: bytes
    first_version: int


def keep_paragraphs(
    db: Connection,
    rows: Sequence[ParagraphRow],
    *,
    item_id: UUID,
    anew: bool,
    program_id: UUID,
    now: datetime,
    entry_id: UUID,
) -> None:
    """The marks of a plan's text as it stands; what stood there before stays, as gone. `anew`: of a draft."""
    marks = [row.mark for row in rows]
    db.execute(_PARAGRAPHS_GONE, {"the_item": item_id, "marks": marks, "new_entry": entry_id})
    if not rows:
        return
    values = [
        {
            "id": row.id,
            "program_id": program_id,
            "patient_id": row.patient_id,
            "item_id": row.item_id,
            "mark": row.mark,
            "standing": True,
            "first_version": row.first_version,
            "kept_at": now,
            "entry_id": entry_id,
        }
        for row in rows
    ]
    db.execute(_KEEP_PARAGRAPH_ANEW if anew else _KEEP_PARAGRAPH, values)


def renew_marks(
    db: Connection, pairs: Sequence[tuple[bytes, bytes]], *, item_id: UUID, entry_id: UUID
) -> None:
    """Put marks of a plan, each given as (former, today's), under the key of today."""
    if pairs:
        given = {"the_item": item_id, "new_entry": entry_id}
        db.execute(_RENEW, [{**given, "former": former, "today": today} for former, today in pairs])


def charts_with(
    db: Connection, paragraphs: Sequence[Sequence[bytes]], *, patient_id: UUID, since: datetime
) -> list[int]:
    """For each paragraph, given as its marks under every key: how many other patients have it in a plan kept since, none
    of whom this tells.
    """
    given = {
        "marks": [one for marks in paragraphs for one in marks],
        "patient_id": patient_id,
        "since": since,
    }
    whose: dict[bytes, set[UUID]] = {}
    for row in db.execute(_CHARTS_WITH, given).all():
        whose.setdefault(bytes(row.mark), set()).add(row.whose)
    return [len(set[UUID]().union(*(whose.get(one, ()) for one in marks))) for marks in paragraphs]


def said_before(
    db: Connection, marks: Sequence[bytes], *, patient_id: UUID, item_id: UUID, version: int
) -> frozenset[bytes]:
    """Those that an earlier plan of this patient said, or an earlier version of this plan."""
    given = {"marks": list(marks), "patient_id": patient_id, "item_id": item_id, "version": version}
    return frozenset(row.mark for row in db.execute(_SAID_BEFORE, given).all())
