"""The file of evidence stops the start when it is not exactly what it must be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.access.caller import Role
from service.errors import StartRefused
from service.evidence.model import EvidenceKind
from service.evidence.rulebook import load_evidence
from tests.unit.evidence.papers import AGREEMENTS, CLINICIANS, DIRECTORS

POLICIES = Path("policies")
Change = Callable[[dict[str, Any]], object]


def written(folder: Path, change: Change) -> Path:
    """A copy of the real file with one change."""
    document = yaml.safe_load((POLICIES / "evidence.yaml").read_text())
    change(document["kinds"])
    (folder / "evidence.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder


def question(kinds: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return kinds[kind]["fields"][name]


FAULTS: dict[str, tuple[Change, str]] = {
    "a kind too few": (lambda kinds: kinds.pop("audit"), "audit"),
    "a kind too many": (lambda kinds: kinds.update(rumour=kinds["audit"]), "rumour"),
    "an unknown key": (lambda kinds: kinds["audit"].update(remark="x"), "audit.remark"),
    "a key missing": (lambda kinds: kinds["audit"].pop("cite"), "audit.cite"),
    "an unknown role": (lambda kinds: kinds["audit"].update(signed_off_by=["friend"]), "signed_off_by"),
    "nobody to sign it off": (lambda kinds: kinds["audit"].update(signed_off_by=[]), "signed_off_by"),
    "a word instead of a flag": (lambda kinds: kinds["audit"].update(standing="true"), "audit.standing"),
    "an agreement about a patient": (lambda kinds: kinds["audit"].update(patient=True), "audit"),
    "an unknown type of field": (
        lambda k: question(k, "audit", "copies").update(type="number"),
        "copies.type",
    ),
    "a misspelt key of a field": (lambda k: question(k, "audit", "copies").update(requird=True), "copies"),
    "a choice without choices": (lambda k: question(k, "incident", "place").pop("choices"), "place"),
    "a text with choices": (
        lambda k: question(k, "incident", "description").update(choices=["x"]),
        "incident",
    ),
    "a default that is none of the choices": (
        lambda k: question(k, "court_order", "confidential_ground").update(default="maybe"),
        "confidential_ground",
    ),
    "dependence on a field that is not there": (
        lambda k: question(k, "access_request", "authority").update(required_when={"field": "x", "is": "y"}),
        "authority",
    ),
    "a condition on a field that is not there": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"field": "y", "is": True}]),
        "audit",
    ),
    "a condition on a value that cannot be": (
        lambda kinds: kinds["incident"]["says"].update(x=[{"field": "place", "is_not": "elswhere"}]),
        "incident",
    ),
    "a flag compared with a word": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"field": "copies", "is": "true"}]),
        "audit",
    ),
    "a condition without a form": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"field": "copies"}]),
        "audit",
    ),
    "a condition with two forms": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"field": "copies", "is": True, "is_not": False}]),
        "audit",
    ),
    "some of what is no list": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"field": "copies", "some": True}]),
        "audit",
    ),
    "a check there is not": (
        lambda kinds: kinds["audit"]["says"].update(x=[{"check": "luck"}]),
        "audit.says.x",
    ),
    "a kind that says nothing": (lambda kinds: kinds["audit"].update(says={}), "audit.says"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_stops_the_start_and_is_named(fault: str, tmp_path: Path) -> None:
    change, place = FAULTS[fault]
    with pytest.raises(StartRefused) as refused:
        load_evidence(written(tmp_path, change))
    assert place in refused.value.detail


def test_the_copy_without_a_change_starts(tmp_path: Path) -> None:
    assert load_evidence(written(tmp_path, lambda _: None)) == load_evidence(POLICIES)


def test_a_kind_or_a_field_that_stands_twice_stops_the_start(tmp_path: Path) -> None:
    """YAML readers keep the last of two equal keys: the first rule would be lost without a word."""
    text = (POLICIES / "evidence.yaml").read_text()
    first = text[text.index("  qsoa:") : text.index("  administrative_control:")]
    for doubled in (text + first, text.replace("written: {type: flag,", "written: {type: flag, type: text,")):
        assert doubled != text
        (tmp_path / "evidence.yaml").write_text(doubled)
        with pytest.raises(StartRefused, match="twice"):
            load_evidence(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "kinds: 3", "kinds: {", "\x00"], ids=repr)
def test_what_is_no_such_file_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "evidence.yaml").write_text(text)
    with pytest.raises(StartRefused):
        load_evidence(tmp_path)


def test_no_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused):
        load_evidence(tmp_path)


@pytest.mark.parametrize("kind", sorted(EvidenceKind))
def test_who_may_and_where(kind: EvidenceKind) -> None:
    rule = load_evidence(POLICIES).kinds[kind]
    assert rule.director_only is (kind in DIRECTORS)
    assert rule.patient is (kind not in AGREEMENTS)
    assert rule.standing is (kind in AGREEMENTS)
    signers = {Role.DIRECTOR} if kind in DIRECTORS else {Role.COMPLIANCE}
    assert set(rule.signed_off_by) == signers | ({Role.CLINICIAN} if kind in CLINICIANS else set())
    assert "CFR" in rule.cite


def test_only_a_kind_there_is_is_found() -> None:
    book = load_evidence(POLICIES)
    assert book.find("qsoa") is book.kinds[EvidenceKind.QSOA]
    assert book.find("rumour") is None
    assert book.find("") is None
