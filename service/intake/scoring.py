"""Scoring: answers in, result out. Pure, total over any input, and said once for every instrument.

The rules that hold for all instruments (those about single answers are in `answers.py`, about sums in
`scales.py`):

1. A bad form is refused whole, and an item that is itself in range still raises its flag: a refusal that
   swallowed a positive suicide item would be the worst thing this module could do.
2. Nothing is dropped to make a form fit: answers that contradict the skip logic are for a person to resolve.
3. A flag rests on what is certain (`conditions.py`): a partial sum that has reached its threshold counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from service.intake.answers import Form, read_form
from service.intake.conditions import Situation, Span, Word
from service.intake.flags import MEASURE_CONFLICT, OUT_OF_RANGE, SKIP_CONFLICT, Finding, Flag, Status
from service.intake.instrument import TOTAL, Band, Instrument, Item, Method, Prorating
from service.intake.scales import amounts_of, half_up, is_value, scales_of, span_of, value_of
from service.labels import Label

_WITH_TOTAL = (Status.COMPLETE, Status.PRORATED)


@dataclass(frozen=True, slots=True)
class Result:
    """What the answers amount to. Without a rule that gives one, `total`, `band` and a subscore are None,
    never an estimate.

    `answered` counts required items that have an answer, `missing` names those that should have one and have
    not (what is skipped by rule is not missing), `refused` those whose answer is not acceptable. `flags` are
    sorted by code. `form` holds what keeps results apart that must not be compared (period, coding).
    """

    status: Status
    total: int | None
    band: str | None
    subscores: Mapping[str, int | None]
    answered: int
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    flags: tuple[Flag, ...]
    findings: tuple[Finding, ...]
    labels: frozenset[Label]
    form: Mapping[str, str]
    rule_version: str
    #: What must be known beside the answers before the form is completed, and is not.
    unknown: tuple[str, ...] = ()
    #: Context that names a form the instrument has not; the answers are then refused whole.
    unread: tuple[str, ...] = ()


def score(instrument: Instrument, answers: object, context: object = None) -> Result:
    """Score answers given by item key (a mapping) or in item order (a sequence), with what is known beside
    them; anything else is a rejected form.
    """
    form = read_form(instrument, answers, context)
    situation = Situation(form.readings, form.context, _spans(instrument, form))
    refused = tuple(key for key, reading in form.readings.items() if reading is Word.OUT_OF_RANGE)
    missing = tuple(item.key for item in instrument.items if _is_missing(item, situation))
    status = _status(instrument, form, rejected=bool(refused) or not form.sound, missing=missing)
    total = _total(instrument, form, status)
    if total is not None:
        situation = replace(situation, span=_spans(instrument, form, Span(total, total)))
    band = _band(instrument, situation, total, status)
    situation = replace(situation, band=band)
    return Result(
        status=status,
        total=total,
        band=band,
        subscores=_subscores(instrument, form, status),
        answered=sum(item.required and _is_answered(item, situation) for item in instrument.items),
        missing=missing,
        refused=refused,
        flags=_flags(instrument, form, situation, status),
        findings=_findings(instrument, situation, status),
        labels=instrument.labels
        | {rule.label for rule in instrument.label_rules if rule.when.truth(situation)},
        form={
            one.key: form.context[one.key]
            for one in instrument.context
            if one.separates and one.key in form.context
        },
        rule_version=instrument.rule_version,
        unread=form.unread,
        unknown=tuple(one.key for one in instrument.context if one.required and one.key not in form.context),
    )


def _spans(instrument: Instrument, form: Form, total: Span | None = None) -> Callable[[str], Span]:
    """The span of each scale; `total` in place of the total's own, once there is one. A span is worked out when a rule
    first asks for it, and once: a dozen findings rest on the same scale.
    """
    scales = scales_of(instrument)
    known: dict[str, Span] = {} if total is None else {TOTAL: total}

    def span(key: str) -> Span:
        if key not in known:
            known[key] = span_of(scales[key], form.items, form.readings)
        return known[key]

    return span


def _is_answered(item: Item, situation: Situation) -> bool:
    reading = situation.readings[item.key]
    return is_value(reading) or (reading is Word.DECLINED and item.declined_answers)


def _is_missing(item: Item, situation: Situation) -> bool:
    """Should have an answer and has none. An item whose turn is not yet known is not missing before those
    it hangs on.
    """
    reading = situation.readings[item.key]
    if not item.required or _is_answered(item, situation) or reading in (Word.OUT_OF_RANGE, Word.NOT_ASKED):
        return False
    return item.asked_when is None or item.asked_when.truth(situation) is True


def _status(instrument: Instrument, form: Form, *, rejected: bool, missing: tuple[str, ...]) -> Status:
    if rejected:
        return Status.REJECTED
    if form.conflicts or form.mismatches:
        return Status.NEEDS_REVIEW
    if not missing:
        return Status.COMPLETE
    match instrument.scoring.prorating:
        case Prorating() as prorating if _may_prorate(prorating, missing):
            return Status.PRORATED
        case _:
            return Status.INCOMPLETE


def _may_prorate(prorating: Prorating, missing: tuple[str, ...]) -> bool:
    return len(missing) <= prorating.max_missing and prorating.never.isdisjoint(missing)


def _total(instrument: Instrument, form: Form, status: Status) -> int | None:
    """The sum of a complete form, the estimate of one that may be estimated. A refusal that counts as an
    answer still leaves the sum without one of its parts, and then there is none.
    """
    scale = instrument.scoring.total
    if scale is None or status not in _WITH_TOTAL:
        return None
    if status is Status.COMPLETE:
        return value_of(scale, form.items, form.readings)
    known = amounts_of(scale, form.items, form.readings)
    return half_up(sum(known) * len(scale.items), len(known))


def _subscores(instrument: Instrument, form: Form, status: Status) -> dict[str, int | None]:
    """Of a refused form none. Of contradictory answers only the highest place, which is never lowered while
    somebody works out what was meant.
    """
    return {
        scale.key: None
        if status is Status.REJECTED or (status is Status.NEEDS_REVIEW and scale.method is not Method.HIGHEST)
        else value_of(scale, form.items, form.readings)
        for scale in instrument.scoring.scales
    }


def _band(instrument: Instrument, situation: Situation, total: int | None, status: Status) -> str | None:
    bands = _bands(instrument, situation)
    if any(band.by_total for band in bands):
        return None if total is None else next(band.key for band in bands if band.holds(total))
    if instrument.scoring.total is not None and total is None:
        return None
    # contradictory answers keep their band: it is never lowered while somebody works out what was meant
    settled = status in (*_WITH_TOTAL, Status.NEEDS_REVIEW)
    for band in bands:
        if band.when is None or band.when.truth(situation):
            return band.key if settled or (band.kept and status is Status.INCOMPLETE) else None
    return None


def _bands(instrument: Instrument, situation: Situation) -> tuple[Band, ...]:
    for bands in instrument.scoring.band_sets:
        if bands.when is None or bands.when.truth(situation):
            return bands.bands
    return ()


def _flags(instrument: Instrument, form: Form, situation: Situation, status: Status) -> tuple[Flag, ...]:
    flags = [Flag.from_rule(rule) for rule in instrument.flags if rule.raised(situation, status)]
    if status is Status.REJECTED:
        flags.append(OUT_OF_RANGE)
    if form.conflicts:
        flags.append(SKIP_CONFLICT)
    if form.mismatches:
        flags.append(MEASURE_CONFLICT)
    return tuple(sorted(flags, key=lambda flag: flag.code))


def _findings(instrument: Instrument, situation: Situation, status: Status) -> tuple[Finding, ...]:
    if status is not Status.COMPLETE:
        return ()
    return tuple(Finding(rule.code, rule.text) for rule in instrument.findings if rule.when.truth(situation))
