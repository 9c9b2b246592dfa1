"""The words of v2026-11: every kind in both languages, every detail in words, and no two consents alike."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any, TypeAlias
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.access.purposes import read_purposes
from service.consent.by_kind import check_code
from service.consent.document import render, rendered_hash
from service.consent.model import (
    TPO_PURPOSE,
    ConsentKind,
    ConsentTerms,
    Discloser,
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
    Recipient,
    Scope,
    Statements,
)
from service.consent.wording import LANGUAGES, ConsentTextByKind, load_texts
from service.errors import StartRefused
from service.labels import Label
from service.people.patient import Event
from service.people.recipient import RecipientClass, RecipientType
from service.record.item import Kind
from tests.unit.consent.cases import BOOK, POLICIES

VERSION = "v2026-11"

Change: TypeAlias = Callable[[dict[str, Any]], object]


def text_of(language: str) -> ConsentTextByKind:
    text = BOOK.text(VERSION, language)
    assert isinstance(text, ConsentTextByKind)
    return text


MEMBER, OTHER = UUID(int=501), UUID(int=502)
EXCHANGE = Recipient(
    UUID(int=1),
    RecipientType.INTERMEDIARY,
    "Testville Exchange",
    roles=("qso",),
    participants=(MEMBER, OTHER),
    participant_names=("Elm Clinic", "Oak Clinic"),
)
REGISTRY = Recipient(
    UUID(int=2), RecipientType.ENTITY, "Test State Registry", covered_entity=True, address="1 Test Street"
)
#: Everything terms can say, said; no such consent would be accepted, and every word of it must show.
FULL = ConsentTerms(
    kind=ConsentKind.CRIMINAL_JUSTICE,
    program_name="Harbor Testprogram",
    patient_name="Pat Testperson",
    disclosers=(Discloser("U1", "Unit U1"), Discloser("U2", "Unit U2")),
    recipients=(EXCHANGE, REGISTRY),
    scope=Scope(
        ("attendance", "lab_result"), ("SUD", "HIV"), date(2026, 3, 1), date(2026, 6, 30), "my visits"
    ),
    purposes=("CJMON", "TREAT"),
    expiry=Expiry(ExpiryKind.EVENT, date(2027, 1, 31), "final_disposition"),
    statements=Statements(**{f.name: True for f in fields(Statements)}),
    form=Form.ELECTRONIC,
    initiated_by=Initiator.PATIENT,
    language="en",
    program_intends_fundraising=True,
    conditioned=True,
    justice_condition="probation in a test case",
    revocable_after="final_disposition",
    proceeding="Testperson v. Nobody, 26-1",
    within_200_miles=True,
)


def other_values(value: Any) -> Iterator[Any]:
    """The same thing with one thing about it changed: every leaf of a nest of dataclasses and tuples, in turn."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for changed in other_values(getattr(value, field.name)):
                yield replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        yield value[:-1] if value else ("x",)
        for place, one in enumerate(value):
            for changed in other_values(one):
                yield (*value[:place], changed, *value[place + 1 :])
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, date):
        yield value.replace(day=value.day % 28 + 1)
        yield None
    elif isinstance(value, UUID):
        yield UUID(int=value.int + 1000)
    elif type(value) is str:
        yield value + "x"
    elif value is None:
        yield RecipientClass.TREATING_PROVIDERS
    else:
        yield from (member for member in type(value) if member is not value)


CHANGED = list(other_values(FULL))


def test_every_leaf_of_the_terms_is_changed_by_these_tests() -> None:
    """A detail added to the model is reached by them, so it cannot stay out of the words."""
    assert len(CHANGED) > 80
    for field in fields(ConsentTerms):
        assert any(getattr(one, field.name) != getattr(FULL, field.name) for one in CHANGED), field.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_change_of_any_term_changes_the_hash(language: str) -> None:
    text = text_of(language)
    hashes = {rendered_hash(one, text) for one in CHANGED}
    assert len(hashes) == len(set(CHANGED))
    assert rendered_hash(FULL, text) not in hashes


#: What the law or the patient must be able to read: changing it changes the words, check code aside.
READABLE = [
    "kind",
    "program_name",
    "patient_name",
    "disclosers",
    "scope",
    "purposes",
    "statements",
    "form",
    "initiated_by",
    "proceeding",
    "conditioned",
    "justice_condition",
    "revocable_after",
    "within_200_miles",
    "program_intends_fundraising",
]


def words_alone(terms: ConsentTerms, language: str) -> str:
    return render(terms, text_of(language)).replace(check_code(terms), "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", READABLE)
def test_what_must_be_read_stands_in_words(name: str, language: str) -> None:
    changed = [one for one in CHANGED if getattr(one, name) != getattr(FULL, name)]
    assert changed
    said = words_alone(FULL, language)
    if name in ("kind", "disclosers"):
        # Of a unit the text says the name; its key is for matching, and in the check code.
        changed = [
            one for one in changed if [d.name for d in one.disclosers] != [d.name for d in FULL.disclosers]
        ] or changed
    assert all(words_alone(one, language) != said for one in changed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipients_and_whom_they_may_tell_stand_in_words(language: str) -> None:
    said = words_alone(FULL, language)
    for word in ("Testville Exchange", "Elm Clinic, Oak Clinic", "Test State Registry, 1 Test Street"):
        assert word in said
    designated = replace(
        EXCHANGE, participants=(), participant_names=(), general_designation="treating_providers"
    )
    limited = words_alone(replace(FULL, recipients=(designated,)), language)
    assert text_of(language).named.treating_providers.format(name="Testville Exchange") in limited
    typed = replace(designated, general_designation="everybody\n- and all others")
    assert "\u201ceverybody - and all others\u201d" in words_alone(
        replace(FULL, recipients=(typed,)), language
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind.value for kind in ConsentKind])
def test_every_kind_says_what_it_is(kind: str, language: str) -> None:
    said = render(replace(FULL, kind=ConsentKind(kind)), text_of(language))
    words = text_of(language).consents[kind]
    assert said.startswith(words.title)
    assert all(f"- {paragraph}" in said for paragraph in words.about)
    assert "{" not in said
    titles = [one.title for one in text_of(language).consents.values()]
    assert titles.count(words.title) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_justice_consent_never_promises_to_be_revocable_at_any_time(language: str) -> None:
    """2.35(c): not before the time it states. The common words of 2.31(a)(6) would be untrue there."""
    text = text_of(language)
    said = render(FULL, text)
    assert text.statements.revocation not in said
    assert text.consents["criminal_justice"].statements["revocation"] in said
    assert text.statements.revocation in render(replace(FULL, kind=ConsentKind.SPECIFIC), text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["counseling_notes", "fundraising", "psychotherapy_notes"])
def test_nothing_depends_on_signing_is_said_where_the_law_says_so(kind: str, language: str) -> None:
    """2.31(b)(3), 45 CFR 164.514(f)(2), 164.508(b)(4): and never beside the opposite."""
    words = text_of(language).details
    terms = replace(FULL, kind=ConsentKind(kind))
    free = render(replace(terms, conditioned=False), text_of(language))
    bound = render(terms, text_of(language))
    assert words.free in free
    assert words.conditioned not in free
    assert words.conditioned in bound
    assert words.free not in bound


@pytest.mark.parametrize("language", LANGUAGES)
def test_statements_are_there_exactly_when_selected(language: str) -> None:
    text = text_of(language)
    none = replace(FULL, kind=ConsentKind.SPECIFIC, statements=Statements())
    common = text.statements.model_dump() | {"fundraising_optout": text.fundraising_optout}
    assert set(common) == {f.name for f in fields(Statements)}
    for name, paragraph in common.items():
        said = paragraph.format(program=FULL.program_name)
        assert said not in render(none, text)
        one = replace(none, statements=replace(Statements(), **{name: True}))
        assert said in render(one, text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("2027-01-31", {"en": "from January 31, 2027 on", "es": "desde el 31 de enero de 2027"}),
        ("final_disposition", {"en": "are finally decided.", "es": "se deciden del todo."}),
        (
            "the drug court ends",
            {"en": "\u201cthe drug court ends\u201d", "es": "\u201cthe drug court ends\u201d"},
        ),
    ],
)
def test_from_when_a_justice_consent_can_be_revoked(after: str, said: dict[str, str], language: str) -> None:
    assert said[language] in render(replace(FULL, revocable_after=after), text_of(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_order_of_what_was_entered_changes_nothing(language: str) -> None:
    turned = replace(
        FULL,
        disclosers=FULL.disclosers[::-1],
        recipients=(
            REGISTRY,
            replace(EXCHANGE, participants=(OTHER, MEMBER), participant_names=("Oak Clinic", "Elm Clinic")),
        ),
        purposes=FULL.purposes[::-1],
        scope=replace(FULL.scope, kinds=("lab_result", "attendance"), labels=("HIV", "SUD")),
    )
    assert render(turned, text_of(language)) == render(FULL, text_of(language))


#: A consent in each language as it is signed; from the first release on it stands under signatures.
GOLDEN = {
    "en": "333858b8fbb3041dc693aad2cb098d56a0ce0192788b4cf9678fc6d0d4900143",
    "es": "43115774a2715d35143f3ef237653f08ec17f85cf4af6a854b915afe6934738b",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_terms_render_to_the_same_bytes_for_ever(language: str) -> None:
    assert rendered_hash(replace(FULL, language=language), text_of(language)) == GOLDEN[language]


@given(st.text(max_size=200))
def test_nobody_types_a_paragraph_into_the_text(typed: str) -> None:
    """Whatever is typed into a free field adds no line: it passes for no heading, no statement, no check code."""

    def with_typed(extra: str) -> ConsentTerms:
        return replace(
            FULL,
            patient_name="Pat" + extra,
            proceeding="case" + extra,
            justice_condition="parole" + extra,
            revocable_after="one day" + extra,
            scope=replace(FULL.scope, description="visits" + extra),
            recipients=(
                replace(EXCHANGE, name="Ex" + extra, participant_names=("Elm" + extra, "Oak")),
                replace(REGISTRY, address="Street" + extra),
            ),
        )

    plain = render(with_typed(""), text_of("en")).splitlines()
    assert len(render(with_typed(typed), text_of("en")).splitlines()) == len(plain)


# ---- the files


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words(language: str) -> None:
    text = text_of(language)
    purposes = read_purposes((POLICIES / "purposes.yaml").read_text(encoding="utf-8"))
    assert {*purposes.by_code, TPO_PURPOSE} - text.purposes.keys() == set()
    assert set(text.labels) == {label.value for label in Label}
    assert set(text.kinds) == {kind.value for kind in Kind}
    assert set(text.recipients.classes) == {c.value for c in RecipientClass}
    assert set(text.events) <= {event.value for event in Event}
    ends = {
        Event.DISCHARGE,
        Event.END_OF_TREATMENT,
        Event.FINAL_DISPOSITION,
        Event.STUDY_END,
        Event.CASE_CLOSED,
    }
    assert {event.value for event in ends} <= set(text.events)


def _leaves(document: Any, at: str = "") -> dict[str, str]:
    if isinstance(document, dict):
        return {k: v for key, value in document.items() for k, v in _leaves(value, f"{at}/{key}").items()}
    if isinstance(document, list):
        return {
            k: v for place, value in enumerate(document) for k, v in _leaves(value, f"{at}/{place}").items()
        }
    return {at: str(document)}


def test_both_languages_say_the_same_things_in_the_same_places() -> None:
    """The same keys, the same places to fill; and nothing was left in English."""
    read = {
        language: _leaves(
            yaml.safe_load((POLICIES / f"consent_texts/{VERSION}.{language}.yaml").read_text("utf-8"))
        )
        for language in LANGUAGES
    }
    places = {
        language: {
            key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in leaves.items()
        }
        for language, leaves in read.items()
    }
    assert places["en"] == places["es"]
    same = {key for key, text in read["en"].items() if read["es"][key] == text}
    assert same <= {
        "/version",
        "/patient",
        "/recipients/named",
        "/named/address",
        *(f"/consents/{kind}/free" for kind in ("counseling_notes", "fundraising", "psychotherapy_notes")),
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d["consents"].pop("registry"), id="a kind without words"),
        pytest.param(lambda d: d["consents"].update(other=d["consents"]["tpo"]), id="a kind too many"),
        pytest.param(lambda d: d["consents"]["tpo"]["about"].append(1), id="not a text"),
        pytest.param(lambda d: d["consents"]["tpo"].update(statements={"x": "y"}), id="no such statement"),
        pytest.param(lambda d: d["months"].pop(), id="eleven months"),
        pytest.param(lambda d: d.pop("fundraising_optout"), id="a statement missing"),
        pytest.param(lambda d: d.update(comment="x"), id="unknown key"),
        pytest.param(lambda d: d.update(language="es"), id="another language than the file name"),
        pytest.param(lambda d: d.update(version="v2026-12"), id="another version than the file name"),
    ],
)
def test_words_that_are_not_right_stop_the_start(tmp_path: Path, change: Change) -> None:
    document = yaml.safe_load((POLICIES / f"consent_texts/{VERSION}.en.yaml").read_text(encoding="utf-8"))
    change(document)
    (tmp_path / f"{VERSION}.en.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(StartRefused):
        load_texts(tmp_path)


def test_the_hash_of_a_version_is_over_all_its_files(tmp_path: Path) -> None:
    """An adoption is bound to it: a changed comma in any language is another text."""
    shutil.copytree(POLICIES / "consent_texts", tmp_path / "texts")
    before = load_texts(tmp_path / "texts")
    for language in LANGUAGES:
        path = tmp_path / f"texts/{VERSION}.{language}.yaml"
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"24", b"24") + b"\n")
        assert load_texts(tmp_path / "texts")[VERSION].sha256 != before[VERSION].sha256
        path.write_bytes(kept)
    assert load_texts(tmp_path / "texts") == before
