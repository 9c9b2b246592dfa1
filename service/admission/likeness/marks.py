"""Marks of a text: kept with it and compared with those of other charts, none of which is opened.

A mark is an HMAC under the program's index key of the form in which a paragraph is compared, so it tells whether two
texts say the same and nothing else. What the patient's own earlier texts said is carried over, which is as it should
be: it is told apart and never counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from service.admission.likeness import records
from service.admission.likeness.paragraph import Paragraph
from service.admission.likeness.records import ParagraphRow
from service.ids import new_id
from service.work import Work

_TABLE: Final = "care_plan_paragraph"


@dataclass(frozen=True, slots=True)
class Marked:
    """The text that marks are of: the item, whose it is, and its version. A draft's versions are nobody's yet."""

    item_id: UUID
    patient_id: UUID
    version: int
    draft: bool


@dataclass(frozen=True, slots=True)
class Likeness:
    """By place: how many other patients have the text there in theirs; and the places that say what an earlier text, or
    an earlier version of this one, said.
    """

    elsewhere: Mapping[str, int]
    carried: tuple[str, ...]


def keep(work: Work, text: Marked, paragraphs: Iterable[Paragraph]) -> None:
    """The marks of a text as it stands now, inside the act that writes it and has locked it; those of what stood there
    before are kept as gone.
    """
    every = [_marks(work, one) for one in paragraphs]
    marks = sorted({one[0] for one in every})
    former = [(one, today) for today, *before in every for one in before]
    records.renew_marks(work.db, former, item_id=text.item_id, entry_id=work.entry_id)
    rows = [ParagraphRow(new_id(work.now), text.patient_id, text.item_id, one, text.version) for one in marks]
    records.keep_paragraphs(
        work.db,
        rows,
        item_id=text.item_id,
        anew=text.draft,
        program_id=work.caller.program_id,
        now=work.now,
        entry_id=work.entry_id,
    )


def likeness(work: Work, text: Marked, paragraphs: Sequence[Paragraph], *, since: datetime) -> Likeness:
    """A text against those of the program that were kept since then and not given up."""
    marks = [(one.field, _marks(work, one)) for one in paragraphs]
    if not marks:
        return Likeness({}, ())
    wanted = sorted({mark for _, under in marks for mark in under})
    others = records.charts_with(
        work.db, [under for _, under in marks], patient_id=text.patient_id, since=since
    )
    before = records.said_before(
        work.db, wanted, patient_id=text.patient_id, item_id=text.item_id, version=text.version
    )
    elsewhere: dict[str, int] = {}
    for (field, _), charts in zip(marks, others, strict=True):
        if charts:
            elsewhere[field] = max(elsewhere.get(field, 0), charts)
    return Likeness(
        elsewhere, tuple(dict.fromkeys(field for field, under in marks if not before.isdisjoint(under)))
    )


def _marks(work: Work, one: Paragraph) -> Sequence[bytes]:
    """The mark to write, and those under former keys: nobody opens a plan only because a key changed."""
    return work.index_keys().ever(_TABLE, "mark", one.form)
