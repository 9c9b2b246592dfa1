"""The words of messages: strictly read, and telling nothing, for every program, language and template there is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from service.access.program import Contact, Program, read_program
from service.delivery.carriers import Parcel
from service.delivery.discretion import revealing
from service.delivery.model import PARAMETERS, Template
from service.delivery.smtp import Mail
from service.delivery.wording import LANGUAGES, compose, language_for, load_messages
from service.errors import StartRefused
from service.ids import ProgramId
from tests.house import PROGRAM_FILE

POLICIES = Path(__file__).parents[3] / "policies"
BOOK = load_messages(POLICIES)
TOLD = {"link": "https://office.example/packet#c3VkLWlvcA", "date": "June 9", "time": "10:30"}
#: Written here a second time, in full words: what a reader over a shoulder must not see.
NEVER = """
addiction substance alcohol opioid drug recovery rehab treatment therapy therapist counseling counselor mental health
psychiatric clinic clinical clinician patient outpatient program consent assessment screening diagnosis intake admission
medication doctor nurse depression anxiety suicide crisis disorder adicción alcohol drogas tratamiento terapia consejería
salud clínica paciente programa consentimiento evaluación diagnóstico ingreso medicamento depresión ansiedad trastorno
"""


def programs() -> Iterator[Program]:
    for path in sorted((POLICIES / "programs").glob("*.yaml")):
        yield read_program(ProgramId(UUID(int=1)), path.read_text())
    yield read_program(ProgramId(UUID(int=2)), PROGRAM_FILE.format(key="test-house"))


PROGRAMS = list(programs())


def titles() -> list[str]:
    """Titles and short names of every form and instrument there is a file for."""
    found: list[str] = []
    for path in [*(POLICIES / "instruments").glob("*.yaml"), *(POLICIES / "packets").rglob("*.yaml")]:
        document: Any = yaml.safe_load(path.read_text())
        found += [path.stem, *_titles(document)]
    return sorted({one.casefold() for one in found if len(one) > 2})


def _titles(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():  # pyright: ignore[reportUnknownVariableType]
            if name in ("title", "name") and isinstance(value, str):
                yield value
            yield from _titles(value)
    elif isinstance(node, list):
        for member in node:  # pyright: ignore[reportUnknownVariableType]
            yield from _titles(member)


def written(program: Program, language: str, template: Template) -> str:
    """Everything a reader of this message can see, headers and all, as e-mail and as text."""
    assert program.front_office is not None
    told = {name: TOLD[name] for name in PARAMETERS[template]}
    said = compose(BOOK, language, template, program.front_office, told)
    mail = Mail("mail.example", 587, "office@example.org", tls=True)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    letter = mail.letter(
        Parcel(str(UUID(int=3)), "ann@example.net", said.sender, said.subject, said.email, at)
    )
    assert letter.get_content_type() == "text/plain" and not letter.is_multipart()
    headers = [f"{name}: {value}" for name, value in letter.items()]
    return "\n".join([*headers, letter.get_content(), said.text])


@pytest.mark.parametrize("template", Template)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.key)
def test_no_message_names_program_condition_or_form(
    program: Program, language: str, template: Template
) -> None:
    text = written(program, language, template)
    around = text.replace(TOLD["link"], "")
    assert revealing(around, program) == ()
    words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in around.casefold()).split())} "
    assert [word for word in NEVER.split() if f" {word} " in words] == []
    named = [program.name, program.director, program.key, *(unit.name for unit in program.units.values())]
    assert [name for name in named if name.casefold() in around.casefold()] == []
    assert [title for title in TITLES if f" {title} " in words] == []
    assert "<" not in around.replace("<office@example.org>", "").replace(f"<{UUID(int=3)}@example.org>", "")
    assert program.front_office is not None and program.front_office.phone in text


TITLES = titles()


def test_there_is_something_to_look_for() -> None:
    assert {"phq-9", "gad-7"} <= set(TITLES)
    assert len(PROGRAMS) >= 3 and len(NEVER.split()) > 50


@pytest.mark.parametrize(
    "text",
    [
        "Your appointment at the Mental Health unit",
        "Your substance use questionnaire",
        "Harbour Steps IOP (synthetic)",
        "harbour front desk",
        "Dr Dana",
        "SUD intensive outpatient",
        "office@recovery.example",
        "su TRATAMIÉNTO continúa",
        "test-house",
    ],
)
def test_a_revealing_text_is_found(text: str) -> None:
    house = PROGRAMS[-1]
    assert revealing(text, house)
    assert revealing("Front Desk on Test Street, +1-555-0142", house) == ()


@pytest.mark.parametrize("template", Template)
def test_a_message_is_told_exactly_what_it_lists(template: Template) -> None:
    told = {name: TOLD[name] for name in PARAMETERS[template]}
    office = Contact("Front Desk", "+1-555-0100")
    for wrong in (told | {"name": "Ann"}, {"link": "x", "date": "y"}):
        with pytest.raises(ValueError, match="exactly"):
            compose(BOOK, "en", template, office, wrong)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("es", "es"), ("es-MX", "es"), ("ES", "es"), ("en-US", "en"), ("fr", "en"), (None, "en"), ("", "en")],
)
def test_languages(tag: str | None, language: str) -> None:
    assert language_for(tag) == language


def _without(part: str) -> Any:
    document: Any = yaml.safe_load((POLICIES / "messages" / "en.yaml").read_text())
    document["templates"].pop(part)
    return document


def _with(template: str, part: str, text: str) -> Any:
    document: Any = yaml.safe_load((POLICIES / "messages" / "en.yaml").read_text())
    document["templates"][template][part] = text
    return document


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_without("notice"), id="one is missing"),
        pytest.param(_with("notice", "text", "{office} {phone} {name}"), id="a name"),
        pytest.param(_with("notice", "text", "{office} {phone!r}"), id="a conversion"),
        pytest.param(_with("notice", "text", "{office.name} {phone}"), id="an attribute"),
        pytest.param(_with("notice", "text", "{office}"), id="no telephone"),
        pytest.param(_with("packet_link", "email", "{office} {phone}"), id="no link"),
        pytest.param(_with("notice", "text", "{office} {phone} {"), id="half a brace"),
        pytest.param(_with("notice", "subject", "two\nlines"), id="two lines of subject"),
        pytest.param(_with("notice", "html", "<b>"), id="an unknown part"),
        pytest.param({"language": "es", "templates": {}}, id="the wrong language"),
        pytest.param([], id="no mapping"),
    ],
)
def test_a_file_with_a_fault_stops_the_start(tmp_path: Path, document: Any) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    (folder / "es.yaml").write_text((POLICIES / "messages" / "es.yaml").read_text())
    (folder / "en.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(StartRefused, match=r"messages/en\.yaml"):
        load_messages(tmp_path)


def test_a_key_that_stands_twice_stops_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    for text in ("language: en\nlanguage: en\n", "["):
        (folder / "en.yaml").write_text(text)
        with pytest.raises(StartRefused):
            load_messages(tmp_path)
