"""From what was found to what happened to one item: acts in time, one function for each way of being done.

What happened before this episode was opened does not count, except a consent that is in force: somebody who comes back
is screened, told and asked anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from service.admission.deadlines import end_of_day
from service.admission.packet.catalogue import How, ItemRule
from service.admission.packet.lifecycle import Act, Happened
from service.admission.packet.model import Outcome, Source
from service.admission.packet.texts import TextBook
from service.admission.packet.traces import ITSELF, ConsentTrace, SignatureTrace, Timed, Traces

BIRTHDAY: Final = "Signed by a parent or guardian; the patient is 18 now and signs for themselves."
NEW_WORDS: Final = "The words have changed since it was signed."
NEW_LEVEL: Final = "The level of care has changed since it was signed."
NEW_FLAG: Final = "A suicide screen has found something since."
LAPSED: Final = "It was for a time, and that is over."
TAKEN_BACK: Final = "The patient took the consent back."


def happened_to(
    rule: ItemRule, traces: Traces, texts: TextBook, zone: ZoneInfo, now: datetime
) -> tuple[Happened, ...]:
    """Everything that happened to the item up to `now`."""
    acts = [
        *_sent(rule, traces),
        *_WAYS[rule.done_by.how](rule, traces, zone, now),
        *_asked_again(rule, traces, texts, zone),
        *_decided(rule, traces),
    ]
    lacking = [one for one in traces.unsaid if one in rule.entry]
    return tuple(_unless(lacking, one) for one in acts if one.at <= now)


def _unless(lacking: Iterable[str], one: Happened) -> Happened:
    """A signed form whose questions stand unanswered in the patient's entry is begun, not done."""
    words = ", ".join(lacking)
    return Happened(Act.START, one.at, f"Not said yet: {words}.") if words and one.act is Act.FINISH else one


def _sent(rule: ItemRule, traces: Traces) -> Iterator[Happened]:
    if rule.waits_for is Source.PATIENT:
        yield from (Happened(Act.SEND, at) for at in traces.sent_at if at >= traces.opened_at)


def _decided(rule: ItemRule, traces: Traces) -> Iterator[Happened]:
    decided = traces.decided.get((rule.key, ITSELF))
    if decided is None:
        return
    if decided.waived_at is not None:
        yield Happened(Act.WAIVE, decided.waived_at, f"Waived ({decided.waived_by}): {decided.waiver}")
    if decided.returned_at is not None:
        yield Happened(Act.RETURN, decided.returned_at, decided.returned)


# -- by the way an item is done


def _by_form(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del now
    found = _signatures(rule, traces)
    for one in found:
        if one.outcome is Outcome.DECLINED:
            yield Happened(Act.DECLINE, one.signed_at, one.reason or "Declined.")
        elif one.outcome.value in rule.done_by.names:
            yield Happened(Act.FINISH, one.signed_at)
        else:
            yield Happened(Act.START, one.signed_at)
    # the time of one that was done again before it was over does not matter any more
    if found and (last := found[-1].expires_on) is not None:
        yield Happened(Act.EXPIRE, end_of_day(last, zone), LAPSED)


def _by_consent(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    yield from (
        Happened(Act.DECLINE, one.signed_at, one.reason or "Declined.")
        for one in _signatures(rule, traces)
        if one.outcome is Outcome.DECLINED
    )
    fitting = [one for one in traces.consents if _fits(rule, one)]
    counting = [one for one in fitting if _in_force(one, zone, now)] or fitting
    newest = max((one.activated_at for one in counting if one.activated_at is not None), default=None)
    for one in counting:
        if one.activated_at is None:
            if one.state == "draft":
                yield Happened(Act.START, one.created_at, "Drafted, not signed by everybody who must.")
            continue
        yield Happened(Act.FINISH, one.activated_at)
        if one.activated_at == newest:
            yield from _after_consent(rule, one, one.activated_at, traces, zone)


def _fits(rule: ItemRule, consent: ConsentTrace) -> bool:
    wanted = rule.done_by
    if consent.kind not in wanted.names or consent.state in ("superseded", "entered_in_error"):
        return False
    if wanted.recipients and not wanted.recipients & consent.recipients:
        return False
    return not wanted.purposes or bool(consent.purposes and wanted.purposes & consent.purposes)


def _in_force(consent: ConsentTrace, zone: ZoneInfo, now: datetime) -> bool:
    if consent.state != "active" or consent.activated_at is None:
        return False
    return consent.expires_on is None or now < end_of_day(consent.expires_on, zone)


def _after_consent(
    rule: ItemRule, one: ConsentTrace, since: datetime, traces: Traces, zone: ZoneInfo
) -> Iterator[Happened]:
    """What ends the newest consent, or makes it come back."""
    if one.state == "revoked":
        yield Happened(Act.DECLINE, one.ended_at or since, TAKEN_BACK)
    elif one.state == "expired":
        yield Happened(Act.EXPIRE, one.ended_at or since, LAPSED)
    if one.expires_on is not None:
        yield Happened(Act.EXPIRE, max(end_of_day(one.expires_on, zone), since), LAPSED)
    if rule.renew_days is not None:
        yield Happened(Act.EXPIRE, since + timedelta(days=rule.renew_days), LAPSED)
    born = traces.birthday_18
    if one.by_parent and born is not None and since < born:
        yield Happened(Act.REOPEN, born, BIRTHDAY)
    if one.recollect_by is not None:
        yield Happened(Act.REOPEN, since, f"{NEW_WORDS} Collect it again by {one.recollect_by}.")


def _by_instrument(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del zone, now
    fitting = [
        one
        for one in traces.assessments
        if one.instrument in rule.done_by.names and one.started_at >= traces.opened_at
    ]
    yield from (Happened(Act.START, one.started_at, "Begun, not complete.") for one in fitting)
    completed = [one.completed_at for one in fitting if one.completed_at is not None]
    if completed:
        yield Happened(Act.FINISH, max(completed))
        yield from _renewed(rule, max(completed))


def _by_section(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del zone, now
    there = {
        key: one
        for key, one in traces.sections.items()
        if key in rule.done_by.names and one.changed_at >= traces.opened_at
    }
    if not there:
        return
    missing = sorted(
        [name for one in there.values() for name in one.missing] + [*(rule.done_by.names - set(there))]
    )
    changed = max(one.changed_at for one in there.values())
    if missing:
        yield Happened(Act.START, changed, f"Not answered: {', '.join(missing)}.")
    else:
        yield Happened(Act.FINISH, changed)
        yield from _renewed(rule, changed)


def _by_record(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    """All kinds that are named, whichever came last; when there are several of a kind, the newest of it."""
    del zone, now
    newest = _newest(traces.records, rule.done_by.names, traces.opened_at)
    if not newest:
        return
    if missing := sorted(rule.done_by.names - set(newest)):
        yield Happened(Act.START, max(newest.values()), f"Not there: {', '.join(missing)}.")
    else:
        yield Happened(Act.FINISH, max(newest.values()))


def _newest(found: Iterable[Timed], kinds: frozenset[str], since: datetime) -> Mapping[str, datetime]:
    newest: dict[str, datetime] = {}
    for one in found:
        if one.kind in kinds and one.at >= since:
            newest[one.kind] = max(one.at, newest.get(one.kind, one.at))
    return newest


def _by_attachment(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del zone, now
    yield from (
        Happened(Act.FINISH, one.at)
        for one in traces.attachments
        if one.kind in rule.done_by.names and one.at >= traces.opened_at
    )


def _by_placement(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del zone, now
    for one in traces.placements:
        if one.state in rule.done_by.names:
            yield Happened(Act.FINISH, one.at)
            if one.until is not None and not _admitted_by(traces, one.until):
                yield Happened(Act.EXPIRE, one.until, LAPSED)
        elif one.state == "awaiting_second":
            yield Happened(Act.START, one.at, "A second clinician has to sign.")


def _admitted_by(traces: Traces, at: datetime) -> bool:
    """Whom a decision has brought in is looked at again by what happens in the stay, not by the gate."""
    return traces.admitted_at is not None and traces.admitted_at <= at


def _by_plan(rule: ItemRule, traces: Traces, zone: ZoneInfo, now: datetime) -> Iterator[Happened]:
    del zone, now
    for one in traces.plans:
        if one.state in rule.done_by.names:
            yield Happened(Act.FINISH, one.at)
        elif one.state == "draft":
            yield Happened(Act.START, one.at, "Drafted, not signed.")


def _renewed(rule: ItemRule, since: datetime) -> Iterator[Happened]:
    if rule.renew_days is not None:
        yield Happened(Act.EXPIRE, since + timedelta(days=rule.renew_days), LAPSED)


_Way = Callable[[ItemRule, Traces, ZoneInfo, datetime], Iterator[Happened]]
_WAYS: Final[Mapping[How, _Way]] = {
    "form": _by_form,
    "consent": _by_consent,
    "instruments": _by_instrument,
    "sections": _by_section,
    "records": _by_record,
    "attachments": _by_attachment,
    "placement": _by_placement,
    "plan": _by_plan,
}


# -- what makes an item come back


def _asked_again(rule: ItemRule, traces: Traces, texts: TextBook, zone: ZoneInfo) -> Iterator[Happened]:
    signatures = [one for one in _signatures(rule, traces) if rule.is_form]
    last = signatures[-1] if signatures else None
    if last is not None and "new_text" in rule.again_on:
        yield from _by_new_words(last, texts, zone)
    born = traces.birthday_18
    grown_up = "birthday_18" in rule.again_on and last is not None and bool(last.by_parent)
    if grown_up and born is not None and last is not None and last.signed_at < born:
        yield Happened(Act.REOPEN, born, BIRTHDAY)
    if "level_change" in rule.again_on:
        yield from (Happened(Act.REOPEN, at, NEW_LEVEL) for at in traces.level_changes)
    if "suicide_flag" in rule.again_on:
        yield from (Happened(Act.REOPEN, at, NEW_FLAG) for at in traces.suicide_flags)


def _by_new_words(last: SignatureTrace, texts: TextBook, zone: ZoneInfo) -> Iterator[Happened]:
    """Every version that began after the one that was signed asks anew; the last of them is the one shown."""
    begun = False
    for text in texts.versions(last.form, "en"):
        if begun:
            from_then = end_of_day(text.effective_from - timedelta(days=1), zone)
            why = f"{NEW_WORDS} Version {text.version}."
            yield Happened(Act.REOPEN, max(from_then, last.signed_at), why)
        begun = begun or text.version == last.text_version
    if not begun:
        yield Happened(Act.REOPEN, last.signed_at, NEW_WORDS)


def _signatures(rule: ItemRule, traces: Traces) -> list[SignatureTrace]:
    """Of this episode, oldest first."""
    found = (one for one in traces.signatures if one.form == rule.key and one.signed_at >= traces.opened_at)
    return sorted(found, key=lambda one: one.signed_at)
