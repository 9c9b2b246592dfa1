"""The packet as data: what ships is whole, and a fault is told with file, line and field."""

import re
from datetime import date
from pathlib import Path

import pytest

from service.admission.deadlines import load_deadlines
from service.admission.packet.catalogue import NEVER_WAIVED, PacketBook, load_packet, parse_packet
from service.admission.packet.model import Block, Status
from service.admission.packet.situation import CONDITIONS, Situation, any_of, birthday
from service.errors import StartRefused
from service.intake.definition import load_catalogue
from service.intake.medical.loading import load_book
from tests.unit.admission.packet.books import BOOKS, DEADLINES, PACKET, POLICIES

SHIPPED = (POLICIES / "packets" / "iop.yaml").read_text(encoding="utf-8")


def test_all_27_forms_are_there_in_an_order_that_puts_safety_before_money() -> None:
    assert {f"F{number:02}" for number in range(1, 28)} <= set(PACKET.items)
    order = list(PACKET.items)
    for safe in ("F16", "F02", "F04", "suicide_screen", "withdrawal_check", "vital_signs"):
        assert order.index(safe) < min(order.index(paid) for paid in ("F17", "F18", "F12", "F05"))


def test_who_can_never_be_waived() -> None:
    assert {"F02", "F04", "F22"} == NEVER_WAIVED
    assert not any(PACKET.items[key].waivable for key in NEVER_WAIVED)


def test_every_item_says_who_why_and_how_sure() -> None:
    for rule in PACKET.items.values():
        assert rule.title.keys() == {"en", "es"} and rule.completed_by and rule.hook.citation
        # from memory is never called law
        if "memory" in rule.hook.citation:
            assert rule.hook.conf == "unsure"


@pytest.mark.parametrize(
    ("block", "keys"),
    [
        ("SCREEN", {"F04", "F25"}),
        ("LEAVE", {"F22"}),
        (
            "ADMIT",
            {"F02", "F03", "F04", "F17", "F20", "F25", "F27", "identity", "suicide_screen", "withdrawal_check",
             "placement"},
        ),
        ("GROUP", {"F14", "F15", "F19", "F20", "F21", "preliminary_plan"}),
        ("BILL", {"F05", "F12", "F17", "F18"}),
        ("MESSAGES", {"F16"}),
        ("SHARE", {"F05", "F06", "F07", "F08", "F09", "F10", "F11", "F26"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_what_each_step_waits_for(block: str, keys: set[str]) -> None:
    found = {key for key, rule in PACKET.items.items() if Block(block) in {one.block for one in rule.blocks}}
    assert found == keys


def test_a_refused_privacy_notice_and_a_refused_consent_to_share_never_block_admission() -> None:
    for key in ("F01", "F05", "F07", "F08", "F09", "F10", "F11", "F12", "F16"):
        assert Block.ADMIT not in {one.block for one in PACKET.items[key].blocks}


def test_what_it_names_of_others_exists() -> None:
    instruments = {"asq", "c-ssrs"}  # c-ssrs is an engine a site switches on
    known = {one.key for one in load_catalogue(POLICIES / "instruments").current()} | {"c-ssrs"}
    sections = set(load_book(POLICIES).sections)
    for rule in PACKET.items.values():
        if rule.done_by.how == "instruments":
            assert rule.done_by.names == instruments and instruments <= known
        if rule.done_by.how == "sections":
            assert rule.done_by.names <= sections, rule.key


ITEM = SHIPPED[SHIPPED.index("\n  F02:\n") : SHIPPED.index("\n  F03:\n")]
LINE = SHIPPED[: SHIPPED.index("\n  F02:\n")].count("\n") + 2


def changed(before: str, after: str) -> str:
    """The shipped file with one thing of F02 bent."""
    assert before in ITEM
    return SHIPPED.replace(ITEM, ITEM.replace(before, after))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed("blocks: [ADMIT]", "blocks: [LUNCH]"), "items.F02.blocks[0]: must be one of"),
        (changed("within: before_admission", "within: soon"), "items.F02.due.within: is no deadline"),
        (changed("from: opened", "from: birth"), "items.F02.due.from"),
        (changed("owner: intake", "owner: mother"), "items.F02.owner"),
        (changed("waivable: false", "waivable: true"), "this item can never be waived"),
        (changed("    waivable: false\n", ""), "this item can never be waived"),
        (changed("again_on: [new_text]", "again_on: [full_moon]"), "items.F02.again_on[0]"),
        (
            changed("again_on: [new_text]", "again_on: [new_text, new_text]"),
            "names nothing, or something twice",
        ),
        (changed("again_on: [new_text]", "depends_on: [F27]"), "depends_on: F27 comes later"),
        (changed("again_on: [new_text]", "depends_on: [F99]"), "items.F02.depends_on[0]"),
        (changed("again_on: [new_text]", "renew_days: 0"), "items.F02.renew_days: must be 1"),
        (changed("again_on: [new_text]", "ticked: true"), "items.F02.ticked: unknown field"),
        (changed("{form: {outcomes: [signed, given]}}", "{}"), "needs exactly one way to be done"),
        (changed("{form: {outcomes: [signed, given]}}", "{placement: maybe}"), "items.F02.done_by.placement"),
        (
            changed("{form: {outcomes: [signed, given]}}", "{consent: {kinds: [verbal]}}"),
            "done_by.consent.kinds[0]",
        ),
        (changed("{form: {outcomes: [signed, given]}}", "{records: [napkin]}"), "done_by.records[0]"),
        (changed("{form: {outcomes: [signed, given]}}", "{sections: []}"), "names nothing"),
        (changed("{form: {outcomes: [signed, given]}}", "{attachments: [napkin]}"), "done_by.attachments[0]"),
        (changed("blocks: [ADMIT]", "blocks: [{block: ADMIT}]"), "needs when or unless"),
        (SHIPPED.replace("  minor: {unknown", "  major: {unknown"), "conditions.major: unknown condition"),
        (re.sub(r"  minor: .*\n", "", SHIPPED), "conditions: field minor is missing"),
        (SHIPPED[: SHIPPED.index("\nitems:")] + "\nitems: {}\n", "items: names no item"),
    ],
    ids=lambda value: None if "\n" in value else re.sub(r"\W+", "-", value)[:50],
)
def test_a_fault_is_told_with_file_line_and_field(text: str, told: str) -> None:
    with pytest.raises(StartRefused) as refused:
        parse_packet("iop.yaml", text, DEADLINES)
    assert re.match(r"iop\.yaml:\d+: ", refused.value.detail) and told in refused.value.detail


def test_the_line_is_the_line() -> None:
    with pytest.raises(StartRefused) as refused:
        parse_packet("iop.yaml", changed("blocks: [ADMIT]", "blocks: [LUNCH]"), DEADLINES)
    at = ITEM[: ITEM.index("blocks:")].count("\n") - 1
    assert refused.value.detail.startswith(f"iop.yaml:{LINE + at}: ")


def test_a_folder_without_a_packet_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=r"iop\.yaml cannot be read"):
        load_packet(tmp_path, load_deadlines(POLICIES))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_nobody_knows_counts_as_the_file_says(condition: str) -> None:
    rule = PACKET.conditions[condition]
    assert rule.holds(Situation()) is rule.if_unknown
    assert rule.holds(Situation(**{condition: True})) is True
    assert rule.holds(Situation(**{condition: False})) is False


def test_three_valued_or_and_birthdays() -> None:
    assert [any_of(one) for one in ([True, None], [False, False], [False, None], [])] == [
        True,
        False,
        None,
        None,
    ]
    with pytest.raises(KeyError):
        Situation().knows("weather")
    born = [birthday(one) for one in (date(2008, 6, 1), date(2008, 2, 29))]
    assert [one.isoformat() for one in born] == ["2026-06-01", "2026-03-01"]


def test_attachments_and_records_can_make_an_item_done() -> None:
    bent = changed("{form: {outcomes: [signed, given]}}", "{attachments: [identity_paper]}")
    book: PacketBook = parse_packet("iop.yaml", bent, DEADLINES)
    assert book.items["F02"].done_by.names == {"identity_paper"} and not book.items["F02"].can_be_declined
    assert BOOKS.packet.items["F22"].done_by.how == "records" and Status.DONE in set(Status)
