"""Labels of an item, raised or lowered, with the active consents that would newly cover it once one is taken away.

Only compliance lowers a label, and only that act is shown them. What is told is scope: a consent that would cover the
item for those it names. Each disclosure is decided by itself when it is asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from service.consent.match import Item, Reach, classes_of, match_item, standing
from service.consent.model import Recipient
from service.consent.operations import active_consents, today_for
from service.consent.rulebook import Rulebook
from service.intake.medical.labelling import Relabelled, Relabelling, Weighed, carry_out, weigh
from service.labels import Label
from service.work import Work

#: Whoever the consent names, for what it states: the rest is what the item makes of it.
_THOSE_NAMED: Final = Reach(
    patient_named=True,
    recipient_named=True,
    recipient_in_class=False,
    recipient_revoked=False,
    intermediary_named=False,
    participant_named=False,
    participant_designated=False,
    purpose_matches=True,
    via=False,
    outlived=False,
)


@dataclass(frozen=True, slots=True, repr=False)
class Opens:
    """A consent that would cover the item, and did not. `recipients` without those taken out one by one."""

    consent_id: UUID
    recipients: tuple[Recipient, ...]
    purposes: tuple[str, ...]


def relabel(
    work: Work,
    book: Rulebook,
    item_id: UUID,
    asked: Relabelling,
    *,
    expected: int | None = None,
    replay: bool = False,
) -> tuple[Relabelled, tuple[Opens, ...]]:
    """Add or take away labels, or preview it, with the consents that a lowering opens the item to."""
    weighed = weigh(work, item_id, asked, expected=expected, replay=replay)
    opens = tuple(_opens(work, book, weighed)) if asked.lowered else ()
    done = carry_out(work, weighed, {"opens": [str(one.consent_id) for one in opens]} if opens else None)
    return done, opens


def _opens(work: Work, book: Rulebook, weighed: Weighed) -> Iterator[Opens]:
    stored = weighed.stored
    before = Item(
        kind=stored.kind,
        note_class=stored.note_class,
        labels=_codes(weighed.before),
        dated_on=stored.dated_on,
        unit=stored.unit,
    )
    after = replace(before, labels=_codes(weighed.after))
    classes, today = classes_of(work.access.purposes), today_for(work, stored.patient_id)
    for record in active_consents(work, stored.patient_id):
        stands = standing(book, classes, record, today)
        if (
            match_item(stands, _THOSE_NAMED, before).reaches
            or not match_item(stands, _THOSE_NAMED, after).covers
        ):
            continue
        named = (one for one in record.terms.recipients if one.recipient_id not in record.revoked_recipients)
        yield Opens(record.consent_id, tuple(named), record.terms.purposes)


def _codes(labels: frozenset[Label]) -> frozenset[str]:
    return frozenset(label.value for label in labels)
