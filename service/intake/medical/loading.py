"""Reads the medical intake from `policies/intake`, strictly: a file with any fault stops the service from starting.

Checked here and nowhere else: no unknown field, each key and each concept once, every condition on a question that
stands before it, every value among the choices, LOINC and SNOMED codes with the right check digit, every code of a
class in the table of codes. The text of a fault names file, line and field.
"""

import hashlib
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from service.intake.loinc import is_numeric_code
from service.intake.medical.book import (
    Choice,
    Coding,
    Condition,
    Consequence,
    FactRule,
    Form,
    MedicalBook,
    Need,
    Question,
    Section,
    Span,
    Type,
    Value,
)
from service.intake.medical.tables import labels_in, read_diagnoses, read_medicines, read_urgent
from service.intake.medical.verhoeff import is_snomed_code
from service.intake.yamlfield import DefinitionError, Field, read_fields
from service.record.item import Kind

_HEAD_NONE = "none"
_KINDS = (
    Kind.DEMOGRAPHICS,
    Kind.HEALTH_HISTORY,
    Kind.MEDICATION_LIST,
    Kind.ALLERGY_LIST,
    Kind.VITAL_SIGNS,
    Kind.LAB_RESULT,
)
_RULES = ("recent_use",)
_OPTIONAL = (
    "why",
    "labels",
    "choices",
    "codes",
    "unit",
    "limits",
    "accept",
    "urgent",
    "when",
    "patient",
    "clinician",
    "certainty",
    "past",
    "fact",
    "then",
)


def load_book(policies: Path) -> MedicalBook:
    """The book of the folder `policies/intake`; raises DefinitionError with the place of the fault."""
    folder, seen = policies / "intake", hashlib.sha256()

    def read(path: Path) -> Field:
        try:
            content = path.read_bytes()
            seen.update(path.name.encode() + b"\0" + content)
            return read_fields(path.name, content.decode("utf-8"))
        except (OSError, UnicodeDecodeError):
            raise DefinitionError(f"{path.name}:1: file: cannot be read as UTF-8") from None

    sections: dict[str, Section] = {}
    concepts: set[str] = set()
    for path in sorted((folder / "sections").glob("*.yaml")):
        for one in read(path).members(("sections",))["sections"].sequence():
            section = _section(one, concepts)
            if section.key in sections:
                one.fault("a section of this key was given before")
            sections[section.key] = section
    if not sections:
        raise DefinitionError("sections:1: file: no section is defined")
    ingredients = read_medicines(read(folder / "medicines.yaml"))
    classes, codes = read_diagnoses(read(folder / "diagnoses.yaml"))
    urgent, words = read_urgent(read(folder / "urgent.yaml"))
    return MedicalBook(
        version=f"intake+{seen.hexdigest()[:12]}",
        sections=sections,
        ingredients=ingredients,
        classes=classes,
        codes=codes,
        urgent=urgent,
        telling_words=words,
    )


def _section(field: Field, concepts: set[str]) -> Section:
    given = field.members(
        ("key", "number", "title", "kind", "labels", "why", "questions"),
        ("entries", "entry_title", "patient", "required_when", "tells_nothing"),
    )
    key, labels = given["key"].text(), labels_in(given["labels"])
    why, patient = given["why"].text(), truth(given.get("patient"), default=True)
    questions = _questions(given["questions"], why, concepts, patient=patient)
    entries = None
    if "entries" in given:
        entries = Form(_questions(given["entries"], why, concepts, patient=patient))
        title = given["title"].text()
        questions = (_head(key, title, why, patient=patient), *questions)
        concepts.add(f"{key}.none")
    elif not questions:
        given["questions"].fault("a section that is no list asks something")
    rule = given.get("required_when")
    return Section(
        key=key,
        number=given["number"].integer(),
        title=given["title"].text(),
        kind=Kind(given["kind"].one_of(_KINDS)),
        labels=labels,
        form=Form(questions),
        entries=entries,
        entry_title=given["entry_title"].text() if "entry_title" in given else "",
        required_when=None if rule is None else rule.one_of(_RULES),
        tells_nothing=truth(given.get("tells_nothing"), default=False),
    )


def _head(key: str, title: str, why: str, *, patient: bool) -> Question:
    """Of every list it can be said that there is nothing to list: an empty list alone says nothing."""
    return Question(
        key=_HEAD_NONE,
        label=f"{title}: there is nothing to list",
        why=why,
        need=Need.REQUIRED,
        type=Type.YES_NO,
        concept=f"{key}.none",
        self_report=patient,
    )


def _questions(field: Field, why: str, concepts: set[str], *, patient: bool) -> tuple[Question, ...]:
    questions: list[Question] = []
    for one in field.sequence():
        questions.append(_question(one, why, questions, patient=patient))
        concept = questions[-1].concept
        if concept in concepts:
            one.fault(f"{concept} is asked already: no data element is asked twice")
        concepts.add(concept)
    return tuple(questions)


def _question(field: Field, why: str, before: list[Question], *, patient: bool) -> Question:
    given = field.members(("key", "label", "need", "type", "concept"), _OPTIONAL)
    key, kind = given["key"].text(), Type(given["type"].one_of(list(Type)))
    need = Need(given["need"].one_of(list(Need)))
    if key in {one.key for one in before} | {_HEAD_NONE}:
        given["key"].fault("given twice")
    choices = (
        tuple(Choice(code, one.text()) for code, one in given["choices"].mapping().items())
        if "choices" in given
        else ()
    )
    if bool(choices) != (kind in (Type.CHOICE, Type.CHOICES)):
        field.fault("has choices if, and only if, it is a choice")
    if ("unit" in given) != (kind is Type.QUANTITY):
        field.fault("has a unit if, and only if, it is a quantity")
    when = given.get("when")
    if (when is None) == (need is Need.CONDITIONAL):
        field.fault("is C if, and only if, it says when")
    clinician = truth(given.get("clinician"), default=False)
    values = frozenset(choice.code for choice in choices)
    return Question(
        key=key,
        label=given["label"].text(),
        why=given["why"].text() if "why" in given else why,
        need=need,
        type=kind,
        concept=given["concept"].text(),
        labels=labels_in(given.get("labels")),
        consequences=_consequences(given.get("then"), kind, values),
        choices=choices,
        codes=_codes(given.get("codes")),
        unit=given["unit"].text() if "unit" in given else None,
        limits=_span(given.get("limits")),
        accept=_span(given.get("accept")),
        urgent=tuple(span for one in given["urgent"].sequence() if (span := _span(one)))
        if "urgent" in given
        else (),
        when=None if when is None else _condition(when, {one.key: one for one in before}),
        self_report=patient and not clinician and truth(given.get("patient"), default=True),
        clinician_only=clinician,
        certainty=truth(given.get("certainty"), default=False),
        past=truth(given.get("past"), default=False),
        fact=_fact(given.get("fact"), kind, values),
    )


def _condition(field: Field, known: Mapping[str, Question]) -> Condition:
    given = field.members(("question",), ("is", "is_not"))
    question = known[given["question"].one_of(known)]
    if ("is" in given) == ("is_not" in given):
        field.fault("says either what it is or what it is not")
    listed = given.get("is") or given["is_not"]
    codes = frozenset(choice.code for choice in question.choices)
    return Condition(question.key, _values(listed, question.type, codes), negated="is_not" in given)


def _consequences(field: Field | None, kind: Type, choices: frozenset[str]) -> tuple[Consequence, ...]:
    found: list[Consequence] = []
    for one in field.sequence() if field else ():
        given = one.members(("is",), ("labels", "notice", "text"))
        if ("notice" in given) != ("text" in given):
            one.fault("a notice has a text")
        found.append(
            Consequence(
                values=_values(given["is"], kind, choices),
                labels=labels_in(given.get("labels")),
                notice=given["notice"].text() if "notice" in given else None,
                text=given["text"].text() if "text" in given else None,
            )
        )
    return tuple(found)


def _values(field: Field, kind: Type, choices: frozenset[str]) -> tuple[Value, ...]:
    """The values listed, as an answer of this type has them; a value that nobody can give is a fault."""
    values = tuple(_value(one, kind, choices) for one in field.sequence())
    if not values:
        field.fault("at least one value is needed")
    return values


def _value(field: Field, kind: Type, choices: frozenset[str]) -> Value:
    match kind:
        case Type.YES_NO:
            return field.truth()
        case Type.INTEGER:
            return field.integer()
        case Type.CHOICE | Type.CHOICES:
            return field.one_of(choices)
        case _:
            return field.fault("only yes_no, choice and integer are compared")


def _fact(field: Field | None, kind: Type, choices: frozenset[str]) -> FactRule | None:
    if field is None:
        return None
    if not field.is_mapping:
        return FactRule(field.text())
    given = field.members(("name", "values"))
    values: dict[Value, Value] = {}
    for code, read_as in given["values"].mapping().items():
        if kind is not Type.CHOICE or code not in choices:
            read_as.fault("not one of the choices")
        values[code] = read_as.truth()
    return FactRule(given["name"].text(), values)


def _codes(field: Field | None) -> tuple[Coding, ...]:
    codes: list[Coding] = []
    for one in field.sequence() if field else ():
        given = one.members(("system", "code", "source"))
        coding = Coding(
            given["system"].one_of(("loinc", "snomed")),
            given["code"].text(),
            given["source"].one_of(("seen", "memory")),
        )
        right = is_numeric_code if coding.system == "loinc" else is_snomed_code
        if not right(coding.code):
            given["code"].fault("form or check digit is wrong")
        codes.append(coding)
    return tuple(codes)


def _span(field: Field | None) -> Span | None:
    if field is None:
        return None
    given = field.members((), ("from", "to", "above", "below"))
    if not given:
        field.fault("needs a bound")
    bounds = {name: _number(one) for name, one in given.items()}
    return Span(bounds.get("from"), bounds.get("to"), bounds.get("above"), bounds.get("below"))


def _number(field: Field) -> Decimal:
    """A whole number, or a decimal one in quotes: YAML would read it as binary."""
    try:
        return Decimal(field.text() if field.is_text else field.integer())
    except InvalidOperation:
        field.fault("must be a decimal number")


def truth(field: Field | None, *, default: bool) -> bool:
    return default if field is None else field.truth()


def concepts_of(sections: Collection[Section]) -> list[tuple[str, str]]:
    """Every concept with the input that asks for it."""
    return [(one.concept, f"{section.key}.{one.key}") for section in sections for one in section.questions]
