"""The documents written from the rules: true to them, complete, and in words for every condition."""

import re
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from service.access.engine import Engine
from service.access.facts import NO_CONTEXT, CallerFacts, Facts, PurposeFacts, ReleaseFacts, UseFacts
from service.cli.conditions import as_written, in_words, parts_of
from service.cli.fact_words import NAMED, YES_NO
from service.cli.policies import check, docs
from service.cli.rule_documents import documents, stale_documents
from service.config import ROOT
from service.consent.lifecycle import TRANSITIONS
from service.consent.model import ConsentState
from service.errors import StartRefused
from service.evidence.model import EvidenceKind

POLICIES = ROOT / "policies"
ENGINE = Engine.load(POLICIES)
WRITTEN = documents(POLICIES)
TABLE = WRITTEN["decision-table.md"]


def test_the_documents_in_the_repository_are_those_of_the_rules() -> None:
    assert stale_documents(POLICIES, ROOT / "docs") == [], "run: consentry policies docs"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A copy of policies and documents, to be changed."""
    shutil.copytree(POLICIES, tmp_path / "policies")
    (tmp_path / "docs").mkdir()
    docs(tmp_path / "policies")
    return tmp_path / "policies"


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_document_somebody_edited_fails_the_check(beside: Path, name: str) -> None:
    check(beside)
    path = beside.parent / "docs" / name
    path.write_text(path.read_text(encoding="utf-8").replace("42", "43", 1) + " ", encoding="utf-8")
    with pytest.raises(StartRefused, match=name):
        check(beside)
    docs(beside)
    check(beside)


def test_a_rule_that_moved_a_line_fails_the_check(beside: Path) -> None:
    path = next(path for path in sorted(beside.glob("*.cedar")) if path.name not in ("roles.cedar",))
    path.write_text("// one more line\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(StartRefused, match=re.escape("decision-table.md")):
        check(beside)


def test_policies_without_documents_beside_them_are_checked_by_themselves(tmp_path: Path) -> None:
    shutil.copytree(POLICIES, tmp_path / "policies")
    check(tmp_path / "policies")


@pytest.mark.parametrize("name", sorted(n for n, rule in ENGINE.rules.items() if rule.file != "roles.cedar"))
def test_every_rule_is_in_the_table_with_its_place_and_citation(name: str) -> None:
    rule = ENGINE.rules[name]
    if not rule.forbids and not {name, rule.citation.basis} & set(ENGINE.bases.by_id):
        pytest.fail(f"{name} permits and is no basis")
    found = re.search(rf"### {re.escape(name)}[ \n].*?(?=\n### |\n## |\Z)", TABLE, re.DOTALL)
    assert found is not None
    section = found.group()
    assert rule.citation.cite in section
    assert rule.citation.text in section
    place = re.search(rf"\[{re.escape(rule.file)}:(\d+)\]", section)
    assert place is not None
    line = (POLICIES / rule.file).read_text(encoding="utf-8").splitlines()[int(place.group(1)) - 1]
    assert line == f'@id("{name}")'
    for condition in rule.conditions:
        for part in parts_of(condition):
            assert f"<br>`{as_written(part)}`" in section


def test_every_basis_has_its_duties_accounting_and_time_limit() -> None:
    for name, basis in ENGINE.bases.by_id.items():
        if name in ENGINE.rules:
            row = next(line for line in TABLE.splitlines() if line.startswith(f"| {basis.rank} | {name} |"))
            for duty in ENGINE.rules[name].obligations:
                assert duty.value in row
            assert f"| {basis.time_limit} |" in row


def _facts() -> dict[str, Any]:
    prefixes = {CallerFacts: "caller.", PurposeFacts: "purpose.", Facts: "", UseFacts: "", ReleaseFacts: ""}
    return {
        f"{prefix}{field.name}": field.type
        for kind, prefix in prefixes.items()
        for field in fields(kind)
        if field.name not in NO_CONTEXT
    }


def test_every_fact_has_words_and_no_words_are_left_over() -> None:
    known = _facts()
    assert set(YES_NO) == {name for name, kind in known.items() if kind is bool}
    assert set(NAMED) == {name for name, kind in known.items() if kind is not bool}
    assert len({said for pair in YES_NO.values() for said in pair}) == 2 * len(YES_NO)


def fact(name: str) -> dict[str, Any]:
    return {".": {"left": {".": {"left": {"Var": "context"}, "attr": "facts"}}, "attr": name}}


def both(kind: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"left": left, "right": right}}


def no(inner: dict[str, Any]) -> dict[str, Any]:
    return {"!": {"arg": inner}}


SIGNED, LIVING = fact("consent_signed"), both("==", fact("patient_life"), {"Value": "living"})
OF = {"Set": [{"Value": "patient_status"}, {"Value": "claim"}]}


@pytest.mark.parametrize(
    ("node", "words", "written"),
    [
        (SIGNED, "the consent is signed", "consent_signed"),
        (no(SIGNED), "the consent is not signed", "!consent_signed"),
        (LIVING, "the patient is living", 'patient_life == "living"'),
        (no(LIVING), "the patient is not living", '!(patient_life == "living")'),
        (both("!=", fact("purpose_code"), {"Value": "AUDIT"}), "the purpose is not AUDIT",
         'purpose_code != "AUDIT"'),
        (both("&&", SIGNED, LIVING), "the consent is signed, and the patient is living",
         'consent_signed && patient_life == "living"'),
        (no(both("&&", SIGNED, LIVING)), "the consent is not signed, or the patient is not living",
         '!(consent_signed && patient_life == "living")'),
        (both("||", LIVING, no(both("||", SIGNED, LIVING))),
         "the patient is living, or (the consent is not signed, and the patient is not living)",
         'patient_life == "living" || !(consent_signed || patient_life == "living")'),
        (both("contains", OF, fact("kind")), "the kind of item is one of: patient status, claim",
         '["patient_status", "claim"].contains(kind)'),
        (no(both("contains", OF, fact("kind"))), "the kind of item is none of: patient status, claim",
         '!["patient_status", "claim"].contains(kind)'),
        (both("contains", fact("recipient_roles"), {"Value": "fda"}),
         "the recipient's role in the register is FDA", 'recipient_roles.contains("fda")'),
        (no(both("containsAny", fact("recipient_roles"), OF)),
         "the recipient's role in the register is none of: patient status, claim",
         '!recipient_roles.containsAny(["patient_status", "claim"])'),
    ],
    ids=["fact", "not", "value", "not-value", "unequal", "and", "not-and", "or-not-or", "one-of", "none-of",
         "has", "has-none"],
)  # fmt: skip
def test_conditions_in_words(node: dict[str, Any], words: str, written: str) -> None:
    assert in_words(node) == words
    assert as_written(node) == written


def test_a_condition_without_words_is_refused() -> None:
    for node in (fact("the_weather"), {"like": {"left": SIGNED, "pattern": ["x"]}}):
        with pytest.raises(StartRefused, match="words"):
            in_words(node)


def test_every_transition_is_an_arrow_and_a_row() -> None:
    text = WRITTEN["consent-states.md"]
    for (start, act), step in TRANSITIONS.items():
        assert f"    {start.value} --> {step.to.value}: {act.value}\n" in text
        assert (
            f"| {start.value} | {act.value} | {step.to.value} | `{step.action.value}` | {step.label} |"
            in text
        )
    for state in ConsentState:
        last = all(start is not state for start, _ in TRANSITIONS)
        assert (f"    {state.value} --> [*]" in text) == last


def test_every_kind_of_evidence_is_described() -> None:
    text = WRITTEN["evidence.md"]
    for kind in EvidenceKind:
        assert f"\n## {kind.value}\n" in text
