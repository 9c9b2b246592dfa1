"""Reads the tables the answers are read with: ingredients, diagnosis codes, urgent findings; as strictly."""

import re
from datetime import date

from service.intake.flags import Flag, Severity
from service.intake.medical.book import DiagnosisCode, Ingredient, SubstanceClass
from service.intake.yamlfield import Field
from service.labels import Label

#: A category of three characters and up to four more (ICD-10-CM guidelines, section I.A).
ICD_10_CM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
_F1 = re.compile(r"F1[0-9]")
_GROUPS = ("opioid", "benzodiazepine")


def read_medicines(field: Field) -> dict[str, Ingredient]:
    """Ingredients by name, in lower case."""
    given = field.members(("version", "ingredients"))
    given["version"].integer()
    found: dict[str, Ingredient] = {}
    for one in given["ingredients"].sequence():
        members = one.members(("name", "labels"), ("rxcui", "group"))
        name, rxcui = members["name"].text(), members.get("rxcui")
        if name != name.lower() or name in found:
            members["name"].fault("in lower case, and once")
        if rxcui is not None and not re.fullmatch(r"[1-9][0-9]{0,7}", rxcui.text()):
            rxcui.fault("an RxNorm code is a number in quotes")
        found[name] = Ingredient(
            name=name,
            rxcui=None if rxcui is None else rxcui.text(),
            labels=labels_in(members["labels"]),
            group=members["group"].one_of(_GROUPS) if "group" in members else None,
        )
    return found


def read_diagnoses(field: Field) -> tuple[dict[str, SubstanceClass], dict[str, DiagnosisCode]]:
    """Substance classes by key and codes by code; every code a class names is one of the codes."""
    given = field.members(("version", "classes", "codes"))
    given["version"].integer()
    codes: dict[str, DiagnosisCode] = {}
    for one in given["codes"].sequence():
        code = _code(one)
        if code.code in codes:
            one.fault("a code stands once")
        codes[code.code] = code
    classes: dict[str, SubstanceClass] = {}
    for one in given["classes"].sequence():
        members = one.members(
            ("key", "label", "family", "mild", "severe"), ("mild_remission", "severe_remission")
        )
        key, family = members["key"].text(), members["family"].text()
        if key in classes or not _F1.fullmatch(family):
            one.fault("a class stands once, with a family F10 to F19")
        named = {
            name: members[name].one_of(codes) for name in members if name not in ("key", "label", "family")
        }
        classes[key] = SubstanceClass(
            key=key,
            label=members["label"].text(),
            family=family,
            mild=named["mild"],
            severe=named["severe"],
            mild_remission=named.get("mild_remission"),
            severe_remission=named.get("severe_remission"),
        )
    return classes, codes


def _code(field: Field) -> DiagnosisCode:
    given = field.members(("code", "title", "from"), ("to", "replaces", "labels"))
    code = given["code"].text()
    if ICD_10_CM.fullmatch(code) is None:
        given["code"].fault("does not have the form of an ICD-10-CM code")
    start, end = _day(given["from"]), _day(given["to"]) if "to" in given else None
    if end is not None and end < start:
        given["to"].fault("before the first day")
    labels = labels_in(given.get("labels"))
    return DiagnosisCode(
        code=code,
        title=given["title"].text(),
        valid_from=start,
        valid_to=end,
        replaces=given["replaces"].truth() if "replaces" in given else False,
        # whatever else is said of it: a code of the F1 families, and tobacco's, tells of substance use
        labels=labels | {Label.SUD} if code.startswith("F1") or code == "Z72.0" else labels,
    )


def read_urgent(field: Field) -> tuple[dict[str, Flag], frozenset[str]]:
    """The flags of urgent findings by code, and the telling words in lower case."""
    given = field.members(("version", "findings", "telling_words"))
    given["version"].integer()
    found: dict[str, Flag] = {}
    for one in given["findings"].sequence():
        members = one.members(("code", "severity", "message", "next_step", "task"))
        code = members["code"].text()
        if code in found:
            one.fault("a finding stands once")
        found[code] = Flag(
            code=code,
            severity=Severity(
                members["severity"].one_of((Severity.URGENT, Severity.SAME_DAY, Severity.REVIEW))
            ),
            message=members["message"].text(),
            next_step=members["next_step"].text(),
            task=members["task"].text(),
        )
    return found, frozenset(one.text().lower() for one in given["telling_words"].sequence())


def labels_in(field: Field | None) -> frozenset[Label]:
    """The labels listed; none when the field is left out."""
    return frozenset(Label(one.one_of(list(Label))) for one in field.sequence()) if field else frozenset()


def _day(field: Field) -> date:
    try:
        return date.fromisoformat(field.text())
    except ValueError:
        field.fault("a date in quotes, YYYY-MM-DD")
