"""Content packs as rules: words and nothing else, the licence's days, and what follows when it lapses."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Code, Conflict
from service.intake.instrument import Instrument, WordingState
from service.intake.packs.pack import (
    TRANSITIONS,
    Pack,
    PackState,
    Standing,
    faults_of,
    standing,
    withdrawn,
    worded,
)
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import BASE, CATALOGUE, shipped

LICENSED = ("audit", "c-ssrs", "cage-aid", "dast-10", "whodas-12")
TODAY = date(2026, 3, 10)


def document(key: str = "audit", **more: Any) -> dict[str, Any]:
    return {
        "instrument": key,
        "version": 1,
        "licence_id": "L-1 on test",
        "holder": "A holder on test",
        "wording": {},
        "attestation": "We are licensed, on test.",
        **more,
    }


def pack(key: str = "audit", number: int = 1, **more: Any) -> Pack:
    usual = Pack(
        id=UUID(int=number),
        document=document(key),
        sha256="",
        state=PackState.ACTIVE,
        starts_on=TODAY,
        expires_on=date(2027, 3, 9),
        attested_by=UUID(int=99),
        attested_at=datetime(2026, 3, 1, number, tzinfo=UTC),
    )
    return replace(usual, **more)


def where(key: str, *packs: Pack, today: date = TODAY) -> tuple[Standing, int | None]:
    state, found = standing(shipped(key), packs, today)
    return state, None if found is None else found.id.int


def test_a_screen_for_suicide_risk_is_always_there() -> None:
    """One of ASQ and C-SSRS must be: the ASQ ships whole, and no pack and no licence can take it away."""
    asq = CATALOGUE.find("asq")
    assert asq is not None and asq.wording.state is WordingState.FULL
    lapsed = pack("asq", state=PackState.WITHDRAWN)
    assert standing(asq, [lapsed], TODAY) == (Standing.FULL, None)
    assert [fault.code for fault in faults_of(document("asq"), asq)] == ["not_licensed"]


@pytest.mark.parametrize("key", LICENSED)
def test_licensed_instruments_follow_their_licence(key: str) -> None:
    """Paper before any attestation; the pack from its first to its last day; refused once it has lapsed."""
    own = pack(key)
    assert where(key) == (Standing.PAPER_FORM, None)
    assert where(key, pack("cage-aid" if key != "cage-aid" else "audit")) == (Standing.PAPER_FORM, None)
    assert where(key, own, today=date(2026, 3, 9)) == (Standing.PAPER_FORM, None)
    assert where(key, own, today=TODAY) == (Standing.PACK, 1)
    assert where(key, own, today=date(2027, 3, 9)) == (Standing.PACK, 1)
    assert where(key, own, today=date(2027, 3, 10)) == (Standing.EXPIRED, None)
    assert where(key, withdrawn(own, "given back")) == (Standing.EXPIRED, None)


def test_a_new_licence_follows_a_lapsed_one_and_the_last_word_counts() -> None:
    old = pack(expires_on=date(2026, 3, 9), starts_on=date(2025, 3, 10))
    new, newer = pack(number=2), pack(number=3)
    assert where("audit", old) == (Standing.EXPIRED, None)
    assert where("audit", old, new) == (Standing.PACK, 2)
    assert where("audit", newer, old, new) == (Standing.PACK, 3)
    assert where("audit", withdrawn(newer, "wrong words"), new) == (Standing.PACK, 2)
    to_come = pack(number=4, starts_on=date(2026, 4, 1))
    assert where("audit", old, to_come) == (Standing.EXPIRED, None), "a licence to come is none yet"


def test_only_an_active_pack_is_withdrawn_and_once() -> None:
    assert TRANSITIONS.keys() == {PackState.ACTIVE}
    gone = withdrawn(pack(), "given back")
    assert (gone.state, gone.version, gone.withdrawn_because) == (PackState.WITHDRAWN, 2, "given back")
    with pytest.raises(Conflict) as refused:
        withdrawn(gone, "again")
    assert refused.value.code is Code.PACK_STATE


def test_a_pack_words_what_it_names_and_nothing_else() -> None:
    whodas = shipped("whodas-12")
    wording = {
        "whodas12.1": {
            "text": "First",
            "options": {"1": "none at all"},
            "variants": [{"options": {"0": "nil"}}],
        },
        "whodas12.2": {"variants": [{"text": "Second, other coding"}]},
    }
    shown = worded(
        whodas, pack("whodas-12", document=document("whodas-12", wording=wording, instruction="Ask."))
    )
    first, second, *others = shown.items
    assert (shown.instruction, first.text) == ("Ask.", "First")
    assert [option.label for option in first.options][:2] == ["none at all", "A little"]
    assert first.variants[0].options is not None
    assert [option.label for option in first.variants[0].options][:2] == ["nil", "A little"]
    assert (second.text, second.variants[0].text) == (whodas.items[1].text, "Second, other coding")
    assert others == list(whodas.items[2:])
    assert worded(whodas, None) is whodas
    other_version = pack("whodas-12", document=document("whodas-12", wording=wording, version=2))
    assert worded(whodas, other_version) is whodas, "words of another version may not fit"


def bare(instrument: Instrument) -> Instrument:
    """The instrument without any word a pack may bring."""
    items = tuple(
        replace(
            item,
            text="",
            options=tuple(replace(option, label="") for option in item.options),
            variants=tuple(
                replace(
                    one,
                    text=None,
                    options=None if one.options is None else tuple(replace(o, label="") for o in one.options),
                )
                for one in item.variants
            ),
        )
        for item in instrument.items
    )
    return replace(instrument, instruction="", items=items)


@given(st.sampled_from(LICENSED), st.data())
def test_no_pack_changes_what_a_form_amounts_to(key: str, data: st.DataObject) -> None:
    """Whatever it words: values, points, order, skip rules and scoring stay the file's."""
    instrument = shipped(key)
    words = st.text("abc ", min_size=1, max_size=9)
    wording = {
        item.key: {
            "text": data.draw(words),
            "options": {str(option.value): data.draw(words) for option in item.options},
            "variants": [{"text": data.draw(words)} for _ in item.variants],
        }
        for item in data.draw(
            st.lists(st.sampled_from(instrument.items), unique_by=lambda one: one.key, max_size=3)
        )
    }
    given_here = document(key, wording=wording, instruction="Other words.")
    assert faults_of(given_here, instrument) == []
    shown = worded(instrument, pack(key, document=given_here))
    assert bare(shown) == bare(instrument)
    answers = BASE.get(key, [0] * len(instrument.items))
    assert score(shown, answers) == score(instrument, answers)


FAULTS = {
    "another version": ({"version": 2}, "unknown"),
    "an item that is none": ({"wording": {"audit.11": {"text": "More"}}}, "unknown_item"),
    "an option that is none": ({"wording": {"audit.9": {"options": {"1": "No"}}}}, "unknown_option"),
    "a variant that is none": ({"wording": {"audit.1": {"variants": [{"text": "So"}]}}}, "unknown_variant"),
}


@pytest.mark.parametrize(("change", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_a_pack_that_does_not_fit_is_refused(change: dict[str, Any], code: str) -> None:
    faults = faults_of(document(**change), shipped("audit"))
    assert [fault.code for fault in faults] == [code]
    assert faults_of(document(), shipped("audit")) == []
