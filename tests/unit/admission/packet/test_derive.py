"""The packet that follows from what was found: statuses, dates, what comes back and why."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.packet.derive import Books
from service.admission.packet.happened import BIRTHDAY, NEW_FLAG, NEW_LEVEL, NEW_WORDS, TAKEN_BACK
from service.admission.packet.model import Block, Status
from service.admission.packet.situation import Situation
from service.admission.packet.texts import TextBook
from service.admission.packet.traces import AssessmentTrace, ConsentTrace, SectionTrace, Timed, Traces
from tests.unit.admission.packet.books import (
    ADULT,
    BOOKS,
    FORMS,
    NOW,
    OPENED,
    decided,
    items_of,
    signed,
    words,
)

FRESH = Traces(opened_at=OPENED)
LATER = NOW + timedelta(days=40)


def consent(kind: str = "tpo", state: str = "active", **more: object) -> ConsentTrace:
    base = ConsentTrace(
        kind, state, NOW, NOW if state != "draft" else None, None, None, frozenset({"entity"})
    )
    return replace(base, **more)  # type: ignore[arg-type]


def status(key: str, traces: Traces, **more: object) -> str:
    return items_of(traces, **more)[key].status.value  # type: ignore[arg-type]


def test_a_fresh_intake_has_everything_to_do_and_nothing_done() -> None:
    items = items_of(FRESH)
    assert {one.status for one in items.values()} == {Status.NOT_STARTED}
    assert items["F04"].blocks == (Block.SCREEN, Block.ADMIT)
    assert items["suicide_screen"].waiting_for == ("F04",)
    # nobody under 18, no video, no court, no positive screen
    assert {"F25", "F15", "F10", "F22"} & set(items) == set()


@pytest.mark.parametrize(
    ("known", "key"),
    [("minor", "F25"), ("telehealth", "F15"), ("court_mandated", "F10"), ("positive_suicide_screen", "F22")],
)
def test_what_is_there_only_for_some(known: str, key: str) -> None:
    assert key in items_of(FRESH, replace(ADULT, **{known: True}))
    assert key not in items_of(FRESH, replace(ADULT, **{known: False}))


def test_whoever_pays_alone_needs_no_insurer() -> None:
    items = items_of(FRESH, replace(ADULT, self_pay=True))
    assert {"F12", "F18"} & set(items) == set() and Block.BILL not in items["F05"].blocks


@pytest.mark.parametrize(("priority", "blocked"), [(True, False), (None, False), (False, True)])
def test_the_paper_about_money_never_keeps_out_who_must_not_wait(
    priority: bool | None, blocked: bool
) -> None:
    item = items_of(FRESH, replace(ADULT, priority_group=priority))["F17"]
    assert (Block.ADMIT in item.blocks) is blocked and Block.BILL in item.blocks


def test_withdrawal_that_is_not_ruled_out_keeps_the_medicine_list_before_the_group() -> None:
    for risk, blocked in ((True, True), (None, True), (False, False)):
        assert (Block.GROUP in items_of(FRESH, replace(ADULT, withdrawal_risk=risk))["F20"].blocks) is blocked


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_is_done_by_what_the_packet_says_and_else_only_begun(form: str) -> None:
    situation = replace(ADULT, minor=True, telehealth=True)
    allowed = BOOKS.packet.items[form].done_by.names
    for outcome in ("signed", "given"):
        expected = "done" if outcome in allowed else "in_progress"
        assert (
            status(form, replace(FRESH, signatures=(signed(form, outcome),)), situation=situation) == expected
        )
    declined = items_of(replace(FRESH, signatures=(signed(form, "declined", reason="No."),)), situation)[form]
    assert (declined.status, declined.why) == (Status.DECLINED, "No.")
    assert bool(declined.blocks) is (
        bool(items_of(FRESH, situation)[form].blocks) and not BOOKS.packet.items[form].declining_lifts
    )


def test_what_was_done_in_another_stay_is_done_anew_but_a_consent_stays() -> None:
    before = OPENED - timedelta(days=1)
    traces = replace(
        FRESH,
        signatures=(signed("F04", at=before),),
        assessments=(AssessmentTrace("asq", before, before),),
        sections={"vitals": SectionTrace(before, before)},
        records=(Timed("safety_plan", "final", before),),
        consents=(consent(activated_at=before, created_at=before),),
    )
    items = items_of(traces, replace(ADULT, positive_suicide_screen=True))
    for key in ("F04", "suicide_screen", "vital_signs", "F22"):
        assert items[key].status is Status.NOT_STARTED, key
    assert items["F05"].status is Status.DONE


# -- what comes back, and why


def with_new_words(form: str) -> Books:
    """The books, with other words of one form from June 20 on."""
    newer = [
        replace(words(form, language), version="2026-12", effective_from=date(2026, 6, 20))
        for language in ("en", "es")
    ]
    every = [text for key in FORMS for lang in ("en", "es") for text in BOOKS.texts.versions(key, lang)]
    return replace(BOOKS, texts=TextBook([*every, *newer]))


def test_new_words_ask_again_from_their_day_on_and_signing_them_settles_it() -> None:
    books, first = with_new_words("F02"), replace(FRESH, signatures=(signed("F02", "given"),))
    day_before = datetime(2026, 6, 20, 3, 59, tzinfo=UTC)
    assert items_of(first, books=books, now=day_before)["F02"].status is Status.DONE
    again = items_of(first, books=books, now=day_before + timedelta(minutes=1))["F02"]
    assert (again.status, again.why) == (Status.NOT_STARTED, f"{NEW_WORDS} Version 2026-12.")
    assert Block.ADMIT in again.blocks
    renewed = replace(FRESH, signatures=(signed("F02", "given", at=LATER, text_version="2026-12"),))
    assert items_of(renewed, books=books, now=LATER)["F02"].status is Status.DONE
    unknown = replace(FRESH, signatures=(signed("F02", "given", text_version="1999-01"),))
    assert items_of(unknown)["F02"].why == NEW_WORDS


def test_the_18th_birthday_asks_for_what_a_parent_signed() -> None:
    birthday = datetime(2026, 6, 10, 4, tzinfo=UTC)
    by_parent = replace(
        FRESH,
        birthday_18=birthday,
        signatures=(signed("F04", by_parent=True),),
        consents=(consent(by_parent=True),),
    )
    before, on = birthday - timedelta(seconds=1), birthday
    for key in ("F04", "F05"):
        assert items_of(by_parent, now=before)[key].status is Status.DONE
        again = items_of(by_parent, now=on)[key]
        assert (again.status, again.why) == (Status.NOT_STARTED, BIRTHDAY), key
    own = replace(
        by_parent, signatures=(signed("F04", by_parent=False),), consents=(consent(by_parent=False),)
    )
    assert [items_of(own, now=on)[key].status for key in ("F04", "F05")] == [Status.DONE] * 2
    renewed = replace(by_parent, signatures=(signed("F04", at=on, by_parent=False),))
    assert items_of(renewed, now=on)["F04"].status is Status.DONE


def test_another_level_of_care_asks_for_consent_to_care_again() -> None:
    moved = replace(FRESH, signatures=(signed("F04"),), level_changes=(NOW + timedelta(days=3),))
    assert items_of(moved, now=LATER)["F04"].why == NEW_LEVEL
    assert items_of(moved, now=NOW + timedelta(days=2))["F04"].status is Status.DONE


def test_a_safety_plan_is_older_than_no_screen() -> None:
    situation = replace(ADULT, positive_suicide_screen=True)
    planned = replace(
        FRESH, suicide_flags=(NOW,), records=(Timed("safety_plan", "final", NOW + timedelta(hours=1)),)
    )
    assert items_of(planned, situation, now=LATER)["F22"].status is Status.DONE
    again = replace(planned, suicide_flags=(NOW, NOW + timedelta(hours=2)))
    item = items_of(again, situation, now=LATER)["F22"]
    assert (item.status, item.why, item.blocks) == (Status.NOT_STARTED, NEW_FLAG, (Block.LEAVE,))
    assert item.due is not None and item.due.at == datetime(2026, 6, 2, 4, tzinfo=UTC)


def test_what_is_for_a_time_lapses_and_what_was_renewed_does_not() -> None:
    lasting = signed("F03", "given", expires_on=date(2026, 6, 30))
    once = replace(FRESH, signatures=(lasting,))
    assert items_of(once)["F03"].expires_on == date(2026, 6, 30)
    assert items_of(once, now=datetime(2026, 7, 1, 3, 59, tzinfo=UTC))["F03"].status is Status.DONE
    assert items_of(once, now=datetime(2026, 7, 1, 4, tzinfo=UTC))["F03"].status is Status.EXPIRED
    twice = replace(once, signatures=(lasting, signed("F03", "given", at=NOW + timedelta(days=20))))
    assert items_of(twice, now=LATER)["F03"].status is Status.DONE
    screened = replace(FRESH, sections={"tuberculosis_screen": SectionTrace(NOW, NOW)})
    assert items_of(screened, now=NOW + timedelta(days=364))["F21"].status is Status.DONE
    assert items_of(screened, now=NOW + timedelta(days=365))["F21"].status is Status.EXPIRED


# -- consents, instruments, sections, placement, plan


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        ((), "not_started", ""),
        ((consent(state="draft"),), "in_progress", "Drafted, not signed by everybody who must."),
        ((consent(),), "done", ""),
        ((consent(state="revoked", ended_at=NOW),), "declined", TAKEN_BACK),
        ((consent(state="expired", ended_at=NOW),), "expired", "It was for a time, and that is over."),
        ((consent(expires_on=date(2026, 5, 31)),), "expired", "It was for a time, and that is over."),
        ((consent(state="superseded", ended_at=NOW),), "not_started", ""),
        ((consent(state="revoked", ended_at=LATER), consent()), "done", ""),
        ((consent("payer"),), "not_started", ""),
        (
            (consent(recollect_by=date(2026, 7, 1)),),
            "not_started",
            f"{NEW_WORDS} Collect it again by 2026-07-01.",
        ),
    ],
    ids=[
        "none",
        "draft",
        "active",
        "revoked",
        "expired",
        "past",
        "superseded",
        "another",
        "kind",
        "recollect",
    ],
)
def test_a_consent_is_done_while_it_is_in_force(
    found: tuple[ConsentTrace, ...], expected: str, why: str
) -> None:
    item = items_of(replace(FRESH, consents=found))["F05"]
    assert (item.status.value, item.why) == (expected, why)


def test_a_consent_for_one_recipient_is_not_one_for_another() -> None:
    mother = replace(FRESH, consents=(consent("specific", recipients=frozenset({"person"})),))
    assert [status(key, mother) for key in ("F07", "F09")] == ["done", "not_started"]
    clinic = replace(FRESH, consents=(consent("specific"),))
    assert [status(key, clinic) for key in ("F07", "F09", "F11", "F08")] == [
        "not_started", "done", "not_started", "not_started",
    ]  # fmt: skip
    work = replace(FRESH, consents=(consent("specific", purposes=frozenset({"EMPLOYMENT"})),))
    assert [status(key, work) for key in ("F11", "F08")] == ["done", "not_started"]
    assert status("F11", work, now=NOW + timedelta(days=90)) == "expired"


def test_saying_no_to_a_consent_is_kept_until_it_is_given() -> None:
    no = replace(FRESH, signatures=(signed("F05", "declined", reason="Not now."),))
    assert (status("F05", no), items_of(no)["F05"].why) == ("declined", "Not now.")
    yes = replace(no, consents=(consent(activated_at=NOW + timedelta(days=1)),))
    assert status("F05", yes, now=LATER) == "done"


def test_a_screen_is_done_when_it_is_completed_and_not_before() -> None:
    begun = replace(FRESH, assessments=(AssessmentTrace("asq", NOW, None),))
    assert items_of(begun)["suicide_screen"].why == "Begun, not complete."
    other = replace(FRESH, assessments=(AssessmentTrace("gad-7", NOW, NOW),))
    assert [status("suicide_screen", one) for one in (begun, other)] == ["in_progress", "not_started"]
    assert (
        status("suicide_screen", replace(FRESH, assessments=(AssessmentTrace("c-ssrs", NOW, NOW),))) == "done"
    )


def test_a_section_that_lacks_something_is_not_done_and_says_what() -> None:
    half = replace(
        FRESH, sections={"medicines": SectionTrace(NOW, NOW), "allergies": SectionTrace(NOW, NOW, ("none",))}
    )
    assert items_of(half)["F20"].why == "Not answered: none."
    only = replace(FRESH, sections={"medicines": SectionTrace(NOW, NOW)})
    assert items_of(only)["F20"].why == "Not answered: allergies."
    assert [status("F20", one) for one in (half, only)] == ["in_progress"] * 2


def test_a_placement_waits_for_its_second_signature_and_a_plan_for_its_first() -> None:
    for state, expected in (
        ("awaiting_second", "in_progress"),
        ("signed", "done"),
        ("superseded", "not_started"),
    ):
        assert status("placement", replace(FRESH, placements=(Timed("placement", state, NOW),))) == expected
    for state, expected in (("draft", "in_progress"), ("active", "done"), ("revoked", "not_started")):
        assert status("preliminary_plan", replace(FRESH, plans=(Timed("plan", state, NOW),))) == expected


# -- what people decided


def test_a_link_that_was_sent_shows_on_what_waits_for_the_patient() -> None:
    sent = replace(FRESH, sent_at=(NOW,))
    assert [status(key, sent) for key in ("F16", "identity")] == ["sent", "not_started"]


def test_waived_and_sent_back() -> None:
    waived = replace(FRESH, decided=decided("F13", waived_at=NOW, waived_by="clinician", waiver="Has nobody"))
    item = items_of(waived)["F13"]
    assert (item.status, item.why) == (Status.WAIVED, "Waived (clinician): Has nobody")
    back = replace(
        FRESH,
        signatures=(signed("F04"),),
        decided=decided("F04", returned_at=NOW + timedelta(hours=1), returned="Wrong date"),
    )
    item = items_of(back, now=LATER)["F04"]
    assert (item.status, item.why, Block.ADMIT in item.blocks) == (Status.NEEDS_FIX, "Wrong date", True)
    again = replace(back, signatures=(signed("F04", at=NOW + timedelta(hours=2)),))
    assert items_of(again, now=LATER)["F04"].status is Status.DONE


def test_what_is_skipped_in_an_emergency_blocks_nothing_and_comes_back_as_a_follow_up() -> None:
    rows = decided("F04", skipped_at=NOW, skipped="Unconscious") | decided(
        "F04", "after_emergency", opened_at=NOW, reason="Skipped in an emergency: Unconscious",
        due_at=NOW + timedelta(hours=24),
    )  # fmt: skip
    items = items_of(replace(FRESH, decided=rows))
    assert "F04" not in items
    follow_up = items["F04:after_emergency"]
    assert (follow_up.status, follow_up.blocks, follow_up.waivable) == (Status.NOT_STARTED, (), False)
    assert follow_up.due is not None and follow_up.due.at == NOW + timedelta(hours=24)
    assert "Unconscious" in follow_up.why and items["suicide_screen"].waiting_for == ()
    done = replace(FRESH, decided=rows, signatures=(signed("F04", at=LATER),))
    assert items_of(done, now=LATER)["F04:after_emergency"].status is Status.DONE


def test_what_is_to_be_offered_again_stands_beside_the_item_that_still_blocks() -> None:
    rows = decided("F02", "re_offer", opened_at=NOW, reason="Under the influence", due_at=LATER)
    items = items_of(replace(FRESH, decided=rows))
    assert items["F02"].blocks and items["F02:re_offer"].why == "Under the influence"


def test_due_dates_follow_the_profile_and_show_their_source() -> None:
    for state, within, source in (
        ("NY", "14 days", "design"),
        ("NJ", "14 days", "design"),
        ("DC", "7 days", "DC 22-A"),
    ):
        due = items_of(FRESH, state=state)["placement"].due
        assert due is not None and due.within == within and due.source.startswith(source)
    visited = replace(FRESH, visits=(date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 3)))
    due = items_of(visited, state="NJ")["placement"].due
    assert due is not None and (due.at, due.within) == (datetime(2026, 6, 4, 4, tzinfo=UTC), "3 visits")
    assert items_of(FRESH)["F14"].due is None
    planned = items_of(FRESH)["preliminary_plan"].due
    assert planned is not None and planned.at is None
    admitted = items_of(replace(FRESH, admitted_at=NOW))["preliminary_plan"].due
    assert admitted is not None and admitted.at == NOW + timedelta(hours=24)
    counted = items_of(replace(FRESH, started_at=NOW))["F18"].due
    assert counted is not None and counted.at == NOW + timedelta(hours=24)


@given(
    values=st.lists(st.sampled_from([True, False, None]), min_size=7, max_size=7),
    which=st.integers(0, 6),
)
def test_not_knowing_never_takes_away_more_than_a_no(values: list[bool | None], which: int) -> None:
    """Whatever else holds: what blocks care for safety while something is unknown also blocks while it is true."""
    names = list(BOOKS.packet.conditions)
    known = Situation(**dict(zip(names, values, strict=True)))
    careful = {name for name, one in BOOKS.packet.conditions.items() if one.if_unknown} - {"priority_group"}
    name = names[which]
    if name not in careful:
        return
    unknown = items_of(FRESH, replace(known, **{name: None}))
    no = items_of(FRESH, replace(known, **{name: False}))
    assert set(no) <= set(unknown)
    assert all(set(no[key].blocks) <= set(unknown[key].blocks) for key in no)


@given(days=st.integers(0, 400), offset=st.integers(0, 400))
def test_time_alone_completes_nothing(days: int, offset: int) -> None:
    traces = replace(FRESH, signatures=(signed("F03", "given", expires_on=date(2026, 6, 30)),))
    first, second = (NOW + timedelta(days=count) for count in (days, days + offset))
    done = [
        {key for key, one in items_of(traces, now=at).items() if one.status is Status.DONE}
        for at in (first, second)
    ]
    assert done[1] <= done[0]
