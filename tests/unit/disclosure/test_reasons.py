"""The table of reasons is read strictly: a denial without words would be a denial nobody can contest."""

import pytest
import yaml

from service.disclosure.reasons import NEEDED, RELEASE_BASES, read_reasons
from service.errors import StartRefused
from tests.unit.consent.cases import BOOK
from tests.unit.disclosure.rules import CITATIONS, ENGINE, REASONS, REASONS_TEXT


def changed(**parts: object) -> str:
    return yaml.safe_dump(yaml.safe_load(REASONS_TEXT) | parts)


def read(document: str) -> None:
    read_reasons(document, CITATIONS, BOOK.reasons)


def test_every_reason_has_a_paragraph_and_words() -> None:
    assert set(REASONS.by_code) >= NEEDED
    assert set(REASONS.bases) == set(RELEASE_BASES)
    for reason in (*REASONS.by_code.values(), *REASONS.bases.values()):
        assert reason.text.endswith(".") and "CFR" in reason.citation, reason.code


def test_every_gate_on_a_release_has_its_place_in_the_order() -> None:
    gates = {
        n for n, rule in ENGINE.rules.items() if rule.file == "legal_gates.cedar" and not n.endswith("-USE")
    }
    placed = {cause.rule for cause in (*REASONS.always, *REASONS.consent)} - {None}
    assert placed == gates


@pytest.mark.parametrize(
    "document",
    [
        "not: [closed",
        "[]",
        changed(always=[{"rule": "G99"}]),
        changed(always=[{"rule": "G3", "code": "TWICE"}]),
        changed(always=[{"rule": "guard-program"}]),
        changed(consent=[{"code": "X", "fact": ["no_such_fact"], "citation": "c", "text": "t"}]),
        changed(consent=[{"code": "X", "citation": "c", "text": "t"}]),
        changed(consent=[{"code": "X", "fact": ["purpose_matches"]}]),
        changed(
            consent=[
                {"code": "PURPOSE_NOT_COVERED", "fact": ["purpose_matches"], "citation": "c", "text": "t"}
            ]
        ),
        changed(other=[]),
        changed(
            other=[*yaml.safe_load(REASONS_TEXT)["other"], {"code": "NO_BASIS", "citation": "c", "text": "t"}]
        ),
        changed(extra=[]),
    ],
)
def test_a_table_with_a_fault_stops_the_start(document: str) -> None:
    with pytest.raises(StartRefused, match=r"reasons\.yaml"):
        read(document)


def test_the_table_as_it_is_is_read() -> None:
    read(changed())
