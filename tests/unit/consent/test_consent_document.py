"""The words of a consent: they say what was selected and nothing else, and they never change."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.consent.document import one_line, render, rendered_hash, text_hash
from service.consent.elements import CHECKED
from service.consent.model import (
    ConsentKind,
    ConsentTerms,
    Discloser,
    Expiry,
    ExpiryKind,
    Form,
    Recipient,
    Scope,
)
from service.consent.rulebook import load_rulebook
from service.errors import StartRefused
from service.people.recipient import RecipientClass, RecipientType
from tests.unit.consent.cases import BOOK, POLICIES, TEXT, consent, known_as

#: SHA-256 of each version's file as it was when first used. A version that has been signed under never
#: changes: every consent signed with its words would stop being intact. To change words, add a version.
#: v2026-11 has been signed under by nobody yet; from its first release its lines stand as well.
ISSUED = {"v2026-02.yaml": "222387e3fe49874cd9d722e9c6bb85a5328599a1b30a6af568e27d8310508985"}

#: What two consents signed under v2026-02 render to: these hashes are under signatures.
SIGNED = {
    "C_SPEC": "fc5163925f8c39a4ea0e050fcbd781f0ec5dbf3347c710d4d5d2fc5cff9afbe9",
    "C_TPO": "1a5ea29f73d748afd48b9c949bd2154b03a6de99d9daf4849f2e0928b991d2e7",
}

Change: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], object]

STATEMENTS: dict[str, str] = TEXT.statements.model_dump()


def _program(paragraph: str) -> str:
    return paragraph.format(program="Harbor Testprogram")


def test_issued_versions_are_as_they_were() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (POLICIES / "consent_texts").iterdir()
    }
    assert {name: found.get(name) for name in ISSUED} == ISSUED


@pytest.mark.parametrize("fixture", sorted(SIGNED))
def test_what_was_signed_under_the_first_version_renders_to_the_same_bytes(fixture: str) -> None:
    terms = consent(fixture).terms
    assert rendered_hash(terms, TEXT) == SIGNED[fixture]
    if fixture == "C_SPEC":
        assert BOOK.text("v2026-02") is TEXT


def test_the_first_version_speaks_of_two_kinds_only() -> None:
    """Its words are those of a specific or tpo consent; under another kind they would say the wrong thing."""
    assert {kind for kind in ConsentKind if TEXT.speaks_of(kind)} == {ConsentKind.SPECIFIC, ConsentKind.TPO}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_is_in_the_text_exactly_when_it_is_selected(name: str) -> None:
    terms = consent("C_TPO").terms
    without = replace(terms, statements=replace(terms.statements, **{name: False}))
    assert _program(STATEMENTS[name]) in render(terms, TEXT)
    assert _program(STATEMENTS[name]) not in render(without, TEXT)


def test_the_same_terms_give_the_same_bytes() -> None:
    terms = consent("C_TPO").terms
    assert render(terms, TEXT).encode() == render(consent("C_TPO").terms, TEXT).encode()
    assert rendered_hash(terms, TEXT) == text_hash(render(terms, TEXT))


def test_order_of_what_was_entered_does_not_change_the_words() -> None:
    named = tuple(
        Recipient(known_as(n), RecipientType.PERSON, n) for n in ("Zoe Testperson", "Abe Testperson")
    )
    terms = replace(consent().terms, recipients=named, purposes=("HOUSING", "CHARITY"))
    turned = replace(terms, recipients=named[::-1], purposes=("CHARITY", "HOUSING"))
    assert render(terms, TEXT) == render(turned, TEXT)


WHOLE = """Consent to share health information
(v2026-02)

Whose information this is about
- Pat Testperson

Who may share it
- The unit Unit U1 of Harbor Testprogram.

Who may receive it
- Abe Testperson
- My treating providers
- Zoe Testperson

What may be shared
- Only these kinds of records: attendance, laboratory results.
- Records on a sensitive subject are included only for these subjects: HIV, alcohol and drug use.
- Only records dated March 1, 2026 or later.
- In my own words: \u201cmy visits\u201d

What it is for
- for treatment, payment, and health care operations
- support from a charity or welfare office
- a housing application

When this consent ends
- At the end of the day on December 31, 2026.

What you should know
- I may revoke this consent in writing at any time. What was already shared, or done because this consent was in \
force, cannot be undone by revoking it.

How this consent is given
- I give this consent in writing, by signing electronically.
"""


def test_the_whole_text_word_for_word() -> None:
    named = [{"name": "Zoe Testperson"}, {"name": "Abe Testperson"}, {"class": "treating_providers"}]
    scope = {
        "kinds": ["lab_result", "attendance"],
        "labels": ["SUD", "HIV"],
        "from": date(2026, 3, 1),
        "description": " my\nvisits ",
    }
    record = consent(
        recipients=named, scope=scope, purposes=["HOUSING", "CHARITY", "TPO"], statements=["revocation"]
    )
    assert render(record.terms, TEXT) == WHOLE


def _terms_for_all_words() -> list[ConsentTerms]:
    base = consent("C_TPO").terms
    day, other = date(2026, 3, 1), date(2026, 4, 30)
    return [
        base,
        consent().terms,
        replace(base, disclosers=(Discloser("*", "all"),)),
        *(
            replace(base, recipients=(Recipient(known_as(c), RecipientType.CLASS, c, c),))
            for c in RecipientClass
        ),
        replace(base, scope=Scope("all", ("SUD",), day, other, "my visits")),
        replace(base, scope=Scope(("attendance",), "all", day, None)),
        replace(base, scope=Scope("all", "all", None, other)),
        *(replace(base, expiry=Expiry(k, day, "discharge")) for k in ExpiryKind),
        *(replace(base, form=form) for form in Form),
    ]


def test_every_place_in_the_words_is_filled() -> None:
    """No template of the file asks for something the renderer does not give."""
    for terms in _terms_for_all_words():
        rendered = render(terms, TEXT)
        assert "{" not in rendered
        assert "}" not in rendered


def test_a_date_reads_one_way_only() -> None:
    assert "on December 31, 2026" in render(consent().terms, TEXT)


# ---- what people type


@given(st.text(max_size=200))
def test_nobody_types_a_paragraph_into_the_text(typed: str) -> None:
    """Whatever is typed into a free field adds no line, so it can pass for no heading and no statement."""
    base = consent().terms
    terms = replace(
        base,
        patient_name="Pat " + typed,
        scope=replace(base.scope, description="visits " + typed),
        recipients=(replace(base.recipients[0], name="Lee " + typed),),
    )
    plain = replace(
        base,
        patient_name="Pat",
        scope=replace(base.scope, description="visits"),
        recipients=(replace(base.recipients[0], name="Lee"),),
    )
    assert len(render(terms, TEXT).splitlines()) == len(render(plain, TEXT).splitlines())


def test_a_typed_statement_stays_between_its_quotation_marks() -> None:
    base = consent().terms
    forged = "x\u201d\n- " + _program(STATEMENTS["hipaa_redisclosure"])
    rendered = render(replace(base, scope=replace(base.scope, description=forged)), TEXT)
    line = next(line for line in rendered.splitlines() if "In my own words" in line)
    assert line.endswith("\u201d")
    assert line.count("\u201d") == 1
    assert forged.split("- ")[1][:40] in line


def test_braces_in_a_name_stay_braces() -> None:
    terms = replace(consent().terms, patient_name="Pat {program} {0}")
    assert "- Pat {program} {0}" in render(terms, TEXT)


@given(st.text())
def test_one_line_is_one_line_and_settled(typed: str) -> None:
    once = one_line(typed)
    assert len(once.splitlines()) <= 1
    assert one_line(once) == once


# ---- the files


def _copy(folder: Path, change: Change) -> None:
    elements = yaml.safe_load((POLICIES / "elements.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_load((POLICIES / "consent_texts/v2026-02.yaml").read_text(encoding="utf-8"))
    change(elements, text)
    (folder / "consent_texts").mkdir()
    (folder / "elements.yaml").write_text(yaml.safe_dump(elements), encoding="utf-8")
    (folder / "consent_texts/v2026-02.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    (folder / "state_rules.yaml").write_bytes((POLICIES / "state_rules.yaml").read_bytes())


def test_an_unchanged_copy_loads(tmp_path: Path) -> None:
    _copy(tmp_path, lambda elements, text: None)
    loaded = load_rulebook(tmp_path, CHECKED)
    assert loaded.text("v2026-02") == TEXT
    assert (loaded.elements, loaded.reasons, loaded.states) == (BOOK.elements, BOOK.reasons, BOOK.states)
    assert loaded.current == "v2026-02"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e, t: e["elements"].pop(), id="element without a row"),
        pytest.param(
            lambda e, t: e["elements"].append(e["elements"][0] | {"code": "C-NEW"}), id="row without a check"
        ),
        pytest.param(lambda e, t: e["elements"].append(e["elements"][0]), id="row twice"),
        pytest.param(lambda e, t: e["elements"][0].update(applies="sometimes"), id="unknown condition"),
        pytest.param(lambda e, t: e["elements"][0].update(comment="x"), id="unknown key"),
        pytest.param(lambda e, t: e["elements"][0].update(conf="sure"), id="unknown confidence"),
        pytest.param(lambda e, t: t["statements"].pop("revocation"), id="statement without words"),
        pytest.param(lambda e, t: t.update(version="v2"), id="version and file name differ"),
    ],
)
def test_a_file_that_is_not_right_stops_the_start(tmp_path: Path, change: Change) -> None:
    _copy(tmp_path, change)
    with pytest.raises(StartRefused):
        load_rulebook(tmp_path, CHECKED)


def test_no_words_at_all_stop_the_start(tmp_path: Path) -> None:
    _copy(tmp_path, lambda elements, text: None)
    for path in (tmp_path / "consent_texts").iterdir():
        path.unlink()
    with pytest.raises(StartRefused):
        load_rulebook(tmp_path, CHECKED)
