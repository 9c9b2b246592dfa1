"""The files of the medical intake: what ships is sound, nothing is asked twice, a fault names its line and field."""

import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.api.patient_shapes import NewPatientBody
from service.intake.medical.loading import concepts_of, load_book
from service.intake.medical.verhoeff import is_snomed_code
from service.intake.yamlfield import DefinitionError
from service.labels import Label
from tests.unit.intake.medical.intakes import POLICIES, book

#: One instrument that is the beginning of another: whoever gives the longer one has the shorter one answered.
SHORT_FORMS = {("audit", "audit-c"), ("phq-2", "phq-9")}
#: What the patient's own entry asks, as the medical intake would call it.
REGISTER = {"sex": "person.sex", "language": "person.language", "interpreter_needed": "person.interpreter_needed",
            "name_used": "person.name_used", "pronouns": "person.pronouns", "birth_date": "person.birth_date",
            "contacts": "contact.name", "representatives": "contact.legal_decider", "channels": "contact.channels",
            "phone": "contact.phone", "identifiers": "person.identifiers"}  # fmt: skip


def inputs() -> dict[str, set[str]]:
    """Every data element by concept id, or code, with the inputs that ask for it."""
    found: dict[str, set[str]] = defaultdict(set)
    for concept, where in concepts_of(book().sections.values()):
        found[concept].add(where)
    for section in book().sections.values():
        for one in section.questions:
            for code in one.codes:
                found[code.code].add(f"{section.key}.{one.key}")
    for field, concept in REGISTER.items():
        assert field in NewPatientBody.model_fields, field
        found[concept].add(f"patient.{field}")
    for path in sorted((POLICIES / "instruments").glob("*.yaml")):
        loaded: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem == "pins" or "@" in path.stem:
            continue
        for item in loaded["items"]:
            found[item.get("code") or item["key"]].add(f"{path.stem}:{item['key']}")
    for path in sorted((POLICIES / "packets").glob("texts/*.yaml")):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        for question in loaded.get("questions") or ():
            concept = question.get("concept") or f"{loaded['form']}.{question['key']}"
            found[concept].add(f"{path.name.partition('@')[0]}:{question['key']}")
    return found


def test_no_data_element_is_asked_twice() -> None:
    twice = {
        concept: sorted(where)
        for concept, where in inputs().items()
        if len(where) > 1 and tuple(sorted({one.partition(":")[0] for one in where})) not in SHORT_FORMS
    }
    assert twice == {}


def test_every_section_of_the_intake_is_there_and_says_why_it_asks() -> None:
    assert {one.number for one in book().sections.values()} == set(range(1, 9))
    assert all(one.why and one.label for section in book().sections.values() for one in section.questions)
    labels = {key: section.labels for key, section in book().sections.items()}
    assert labels["hiv"] == {Label.HIV} and labels["trauma"] == {Label.SDV, Label.PSY}
    assert labels["pregnancy"] == {Label.REPRO} and labels["infections"] == {Label.STD}
    assert all(
        Label.SUD in labels[key] for key in ("substances", "withdrawal", "treatment_episodes", "drug_screen")
    )


def test_the_facts_that_are_answers_have_their_names() -> None:
    named = {one.fact.name for section in book().sections.values() for one in section.questions if one.fact}
    assert named == {
        "pregnant", "homicidal_intent", "can_safety_plan", "intoxicated_now", "has_capacity", "needs_24h_medical",
        "medical_unstable",
        "psychosis_or_mania", "cannot_participate", "housing", "home_safe", "use_at_home", "support_person",
        "coming_from",
        "discharge_summary", "stable_at_transfer", "readiness", "mandated", "hours_available_week", "gap_closable",
        "childcare_ok", "transport_ok",
    }  # fmt: skip


FAULTS = [
    ("sections/8-life.yaml", "key: mandated,", "kee: mandated,", "kee: unknown field"),
    ("sections/8-life.yaml", "concept: legal.officer", "concept: legal.next_date", "asked already"),
    ("sections/8-life.yaml", "need: R, type: yes_no, concept: legal.mandated",
     "need: X, type: yes_no, concept: q", "need"),
    ("sections/8-life.yaml", "type: date, concept: legal.next_date", "type: day, concept: legal.next_date", "type"),
    ("sections/8-life.yaml", "kind: health_history", "kind: assessment", "kind"),
    ("sections/8-life.yaml", "key: legal\n", "key: home\n", "given before"),
    ("sections/8-life.yaml", "is: [false]", "is: []", "at least one value"),
    ("sections/8-life.yaml", "is: [false]", 'is: ["no"]', "true or false"),
    ("sections/8-life.yaml", ", notice: unsafe_home", "", "a notice has a text"),
    ("sections/4-measures.yaml", "code: 8480-6", "code: 8480-7", "check digit"),
    ("sections/4-measures.yaml", "is: [pregnant], notice", "is: [perhaps], notice", "must be one of"),
    ("sections/4-measures.yaml", 'unit: "%", ', "", "unit if, and only if"),
    ("sections/4-measures.yaml", "{question: could_be, is: [true]}", "{question: later, is: [true]}", "must be one of"),
    ("sections/4-measures.yaml", "{question: could_be, is: [true]}", "{question: could_be}", "says either"),
    ("sections/4-measures.yaml", "urgent: [{from: 180}]", "urgent: [{}]", "needs a bound"),
    ("sections/4-measures.yaml", 'urgent: [{from: "38.5"}]', 'urgent: [{from: "hot"}]', "decimal"),
    ("sections/4-measures.yaml", "values: {pregnant: true,", "values: {expecting: true,", "not one of the choices"),
    ("sections/3-health.yaml", 'code: "38341003"', 'code: "38341004"', "check digit"),
    ("sections/7-history.yaml", "need: C, type: date, past: true, concept: suicide.last_attempt",
     "need: O, type: date, past: true, concept: suicide.last_attempt", "says when"),
    ("sections/7-history.yaml", "choices: {parent: A parent", "limits: {parent: A parent", "choices if, and only if"),
    ("sections/6-withdrawal.yaml", "required_when: recent_use", "required_when: often", "recent_use"),
    ("medicines.yaml", "name: aspirin", "name: Aspirin", "lower case"),
    ("medicines.yaml", 'rxcui: "1191"', 'rxcui: "1a"', "RxNorm"),
    ("medicines.yaml", "group: benzodiazepine", "group: benzo", "group"),
    ("diagnoses.yaml", "mild: F10.10", "mild: F10.19", "must be one of"),
    ("diagnoses.yaml", "code: F20.9", "code: F209.X", "ICD-10-CM"),
    ("diagnoses.yaml", 'to: "2016-09-30"', 'to: "2014-09-30"', "before the first day"),
    ("diagnoses.yaml", 'to: "2016-09-30"', 'to: "soon"', "a date in quotes"),
    ("diagnoses.yaml", "code: F25.9", "code: F20.9", "a code stands once"),
    ("diagnoses.yaml", "family: F11", "family: G11", "F10 to F19"),
    ("urgent.yaml", "code: homicidal_intent", "code: vitals_urgent", "a finding stands once"),
    ("urgent.yaml", "severity: same_day", "severity: later", "severity"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "said"), FAULTS, ids=[f"{row[0]}-{row[3]}-{n}" for n, row in enumerate(FAULTS)]
)
def test_a_fault_names_file_line_and_field(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    shutil.copytree(POLICIES / "intake", tmp_path / "intake")
    path = tmp_path / "intake" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as fault:
        load_book(tmp_path)
    assert said in str(fault.value)
    assert re.match(rf"{re.escape(path.name)}:\d+: \S", str(fault.value)), str(fault.value)


def test_a_missing_file_an_empty_folder_and_a_list_without_a_question_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError):
        load_book(tmp_path)
    shutil.copytree(POLICIES / "intake", tmp_path / "intake")
    (tmp_path / "intake" / "medicines.yaml").write_bytes(b"\xff")
    with pytest.raises(DefinitionError, match="UTF-8"):
        load_book(tmp_path)
    before, path = book().version, tmp_path / "intake" / "medicines.yaml"
    path.write_text(
        (POLICIES / "intake" / "medicines.yaml").read_text(encoding="utf-8") + "# more\n", encoding="utf-8"
    )
    assert load_book(tmp_path).version != before


def test_verhoeff() -> None:
    assert is_snomed_code("73211009") and is_snomed_code("716186003")
    assert not any(is_snomed_code(code) for code in ("73211008", "72311009", "1", "x3211009", ""))
