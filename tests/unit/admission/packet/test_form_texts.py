"""The words of forms: readable, whole in both languages, silent about program and condition where a message may go."""

import re
from datetime import date
from pathlib import Path

import pytest

from service.admission.packet.texts import DECLINING, load_texts, parse_text
from service.errors import StartRefused
from tests.unit.admission.packet.books import BOOKS, FORMS, PACKET, POLICIES, words
from tests.unit.consent.reading import counted

#: Words that would tell a reader of a list, a message or a title what this place is for.
TELLING = re.compile(
    r"\b(drug|alcohol|substance|addict|rehab|detox|recovery|sober|mental|psych|suicid|overdose|treatment|clinic\b|"
    r"iop|intensive|outpatient|opioid|withdrawal|part 2|"
    r"droga|sustancia|adicci|mental|suicid|tratamiento|abstinencia|ambulatori)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("form", sorted(FORMS | {DECLINING}))
def test_a_form_is_read_in_the_sixth_grade_in_both_languages(form: str) -> None:
    english, spanish = words(form), words(form, "es")
    assert counted(english.document, "en").grade() <= 6.0
    assert counted(spanish.document, "es").ease() >= 70.0
    assert len(english.text.split("\n\n")) == len(spanish.text.split("\n\n"))
    assert [one.key for one in english.questions] == [one.key for one in spanish.questions]
    assert english.sha256 != spanish.sha256


def test_titles_name_neither_program_nor_condition() -> None:
    titles = [title for rule in PACKET.items.values() for title in rule.title.values()]
    titles += [words(form, language).title for form in FORMS for language in ("en", "es")]
    assert [title for title in titles if TELLING.search(title)] == []
    assert TELLING.search("Your treatment plan") and TELLING.search("Sustancias")


@pytest.mark.parametrize("path", sorted((POLICIES / "messages").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_message_names_program_or_condition(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert len(said) > 20
    assert [line for line in said if TELLING.search(line)] == []


def test_the_hash_is_of_exactly_what_is_shown() -> None:
    form = words("F24")
    for question in form.questions:
        assert question.words in form.document
    assert form.title in form.document and form.text in form.document and len(form.sha256) == 64


def test_the_notice_of_part_2_says_what_it_must() -> None:
    """42 CFR 2.22(b)-(c): that the law protects, when it lets share, that consent can be revoked, how to complain."""
    for said in (
        "42 CFR Part 2",
        "emergency",
        "court order",
        "child abuse",
        "take that back",
        "crime",
        "report it",
    ):
        assert said in words("F02").text.replace("\n", " "), said


def test_saying_no_changes_nothing_in_care() -> None:
    for form in ("F01", "F24", DECLINING):
        assert "same care" in words(form).text


GOOD = (POLICIES / "packets" / "texts" / "F17@2026-11.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            GOOD.replace("    required: true\n", "    required: true\n    default: true\n", 1),
            "default: unknown field",
        ),
        (GOOD.replace("type: yes_no", "type: choice", 1), "choices: needed if, and only if"),
        (GOOD.replace("key: lower_fee", "key: estimate_given"), "a key stands twice"),
        (
            GOOD.replace('effective_from: "2026-01-01"', 'effective_from: "soon"'),
            "effective_from: must be a date",
        ),
        (GOOD.replace('  es: "Costos', '  fr: "Costos'), "title.fr: unknown field"),
    ],
    ids=["pre-ticked", "no-choices", "twice", "date", "language"],
)
def test_a_fault_is_told_with_file_line_and_field(text: str, told: str) -> None:
    assert text != GOOD
    with pytest.raises(StartRefused) as refused:
        parse_text("F17.yaml", text)
    assert re.match(r"F17\.yaml:\d+: ", refused.value.detail) and told in refused.value.detail


def test_a_folder_that_lacks_words_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="no words for: F99"):
        load_texts(POLICIES, ["F99"])
    folder = tmp_path / "packets" / "texts"
    folder.mkdir(parents=True)
    (folder / "F99@2026-11.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(StartRefused, match="is not the name of the file"):
        load_texts(tmp_path, [])
    (folder / "F99@2026-11.yaml").write_bytes(b"\xff")
    with pytest.raises(StartRefused, match="cannot be read"):
        load_texts(tmp_path, [])


def test_words_hold_from_their_day_on() -> None:
    texts = BOOKS.texts
    assert texts.current("F02", "en", date(2025, 12, 31)) is None
    assert texts.current("F02", "fr", date(2026, 6, 1)) is None
    assert texts.newer_than("F02", "2026-11", date(2026, 6, 1)) is None
    newer = texts.newer_than("F02", "2020-01", date(2026, 6, 1))
    assert newer is not None and newer.version == "2026-11"
