"""The gates: each thing that is missing is named, and taking any one away shuts the gate for exactly that."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.admission.packet.gate import GATES, Standing, gate_of, gates_of
from service.admission.packet.model import Block, Outcome, Status
from service.admission.packet.traces import SectionTrace, Timed, Traces
from tests.unit.admission.packet.books import (
    ADULT,
    BOOKS,
    NOW,
    OPENED,
    decided,
    everything_for_admission,
    items_of,
    signed,
)

READY = everything_for_admission()
CLEAR = Standing(admitted=True, diagnosed=True, note_signed=True)


def codes(block: str, traces: Traces, standing: Standing = CLEAR, **known: object) -> list[str]:
    items = tuple(items_of(traces, replace(ADULT, **known)).values())  # type: ignore[arg-type]
    gate = gate_of(Block(block), BOOKS.packet, items, standing)
    assert gate.open is not bool(gate.missing)
    for one in gate.missing:
        assert one.words and one.who in ("intake", "clinician", "compliance")
    return [one.code for one in gate.missing]


def test_who_has_everything_is_admitted() -> None:
    assert codes("ADMIT", READY) == []


def without(form: str) -> Traces:
    return replace(READY, signatures=tuple(one for one in READY.signatures if one.form != form))


@pytest.mark.parametrize("form", ["F02", "F03", "F04", "F17", "F27", "identity"])
def test_each_paper_is_missed_by_name(form: str) -> None:
    assert codes("ADMIT", without(form)) == [f"{form.lower()}_missing"]


def lacking(section: str) -> dict[str, SectionTrace]:
    return {key: one for key, one in READY.sections.items() if key != section}


@pytest.mark.parametrize(
    ("traces", "code"),
    [
        (replace(READY, assessments=()), "suicide_screen_missing"),
        (
            replace(READY, sections={k: v for k, v in READY.sections.items() if k != "withdrawal"}),
            "withdrawal_check_missing",
        ),
        (
            replace(READY, sections={k: v for k, v in READY.sections.items() if k != "allergies"}),
            "f20_incomplete",
        ),
        (replace(READY, placements=()), "placement_missing"),
        (replace(READY, placements=(Timed("placement", "awaiting_second", NOW),)), "placement_incomplete"),
    ],
    ids=["screen", "withdrawal", "allergies", "placement", "second"],
)
def test_each_check_is_missed_by_name(traces: Traces, code: str) -> None:
    assert codes("ADMIT", traces) == [code]


def test_everything_is_named_at_once_and_not_the_first_of_it() -> None:
    assert codes("ADMIT", Traces(opened_at=OPENED)) == [
        "identity_missing", "f02_missing", "f03_missing", "f04_missing", "suicide_screen_missing",
        "withdrawal_check_missing", "f20_missing", "f17_missing", "placement_missing", "f27_missing",
    ]  # fmt: skip


def test_a_declined_consent_to_care_says_so_and_a_declined_privacy_notice_says_nothing() -> None:
    refused = replace(without("F04"), signatures=(*without("F04").signatures, signed("F04", "declined")))
    assert codes("ADMIT", refused) == ["f04_declined"]
    notice = replace(READY, signatures=(*READY.signatures, signed("F01", "declined")))
    assert codes("ADMIT", notice) == []
    for form in ("F05", "F07", "F09", "F12", "F16"):
        no = replace(READY, signatures=(*READY.signatures, signed(form, "declined")))
        assert codes("ADMIT", no) == [], form


def test_a_minor_needs_to_know_who_decides() -> None:
    assert codes("ADMIT", READY, minor=True) == ["f25_missing"]


def test_who_must_not_wait_for_money_does_not() -> None:
    assert codes("ADMIT", without("F17"), priority_group=True) == []


def test_an_open_emergency_shuts_the_gate_of_admission() -> None:
    assert codes("ADMIT", READY, replace(CLEAR, emergencies=("Page the on-call clinician.",))) == [
        "open_emergency"
    ]


def test_screening_waits_for_consent_but_not_in_an_emergency() -> None:
    assert codes("SCREEN", without("F04")) == ["f04_missing"]
    assert codes("SCREEN", without("F04"), minor=True) == ["f25_missing", "f04_missing"]
    assert codes("SCREEN", without("F04"), replace(CLEAR, emergencies=("Stay with the patient.",))) == []


def test_a_placement_that_has_run_out_is_missing_until_it_is_decided_again() -> None:
    def placed(*hours: int) -> Traces:
        ends = [Timed("placement", "signed", NOW, NOW + timedelta(hours=one)) for one in hours]
        return replace(READY, placements=tuple(ends))

    assert codes("ADMIT", placed(1)) == []
    assert codes("ADMIT", placed(0)) == ["placement_expired"]
    late = replace(placed(-1), placements=(Timed("placement", "signed", OPENED, NOW - timedelta(hours=1)),))
    assert codes("ADMIT", late) == ["placement_expired"]
    again = replace(late, placements=(*late.placements, *placed(24).placements))
    assert codes("ADMIT", again) == []
    assert codes("ADMIT", replace(late, admitted_at=OPENED)) == [], (
        "a stay is looked at by what happens in it"
    )


def test_the_emergency_path_opens_what_it_skips_and_nothing_else() -> None:
    skipped = replace(without("F04"), decided=decided("F04", skipped_at=NOW, skipped="Unconscious"))
    assert codes("ADMIT", skipped) == []
    assert codes("ADMIT", replace(skipped, placements=())) == ["placement_missing"]


def test_the_first_group_needs_admission_rules_tb_and_a_plan() -> None:
    assert codes("GROUP", READY, Standing()) == [
        "f21_missing", "f14_missing", "f19_missing", "preliminary_plan_missing", "not_admitted",
    ]  # fmt: skip
    ready = replace(
        READY,
        signatures=(*READY.signatures, signed("F14"), signed("F19")),
        sections={**READY.sections, "tuberculosis_screen": READY.sections["withdrawal"]},
        plans=(Timed("plan", "active", NOW),),
    )
    assert codes("GROUP", ready) == []
    assert codes("GROUP", ready, replace(CLEAR, tb_suspected=True)) == ["tb_not_cleared"]
    assert codes("GROUP", ready, telehealth=True) == ["f15_missing"]


def test_a_bill_needs_one_of_two_consents_a_card_a_diagnosis_and_a_note() -> None:
    card = replace(READY, signatures=(*READY.signatures, signed("F18", "given")))
    assert codes("BILL", card) == ["payer_release_missing"]
    paid = items_of(card)
    for key in ("F05", "F12"):
        items = tuple(
            replace(item, status=Status.DONE, blocks=()) if item.key == key else item
            for item in paid.values()
        )
        assert gate_of(Block.BILL, BOOKS.packet, items, CLEAR).open, key
    assert codes("BILL", READY, Standing(), self_pay=True) == ["diagnosis_missing", "note_missing"]
    assert codes("BILL", READY, self_pay=True) == []


def test_who_is_found_at_risk_does_not_leave_without_a_plan() -> None:
    assert codes("LEAVE", READY) == []
    assert codes("LEAVE", READY, positive_suicide_screen=True) == ["f22_missing"]


def test_waiting_and_reasons_are_in_the_words() -> None:
    items = tuple(items_of(Traces(opened_at=OPENED)).values())
    gates = {gate.block: gate for gate in gates_of(BOOKS.packet, items, Standing())}
    assert tuple(gates) == GATES
    words = {one.item: one.words for one in gates[Block.ADMIT].missing}
    assert words["suicide_screen"].endswith("Needed first: F04.")
    assert words["F02"] == "How your records are protected (F02) has not been done."
    assert gates[Block.SCREEN].missing[0].item == "F04" and Outcome.GIVEN.value == "given"
