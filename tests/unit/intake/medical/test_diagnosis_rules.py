"""Diagnoses: the table of criteria, severities and codes, and everything that makes one unacceptable."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from service.intake.medical.diagnosis import (
    NewDiagnosis,
    Remission,
    labels_of,
    rule,
    severity_of,
    stands_beside,
)
from service.labels import Label
from tests.unit.intake.medical.intakes import TODAY, book

PLAIN = {
    "alcohol": "F10", "opioid": "F11", "cannabis": "F12", "sedative": "F13", "benzodiazepine": "F13", "cocaine": "F14",
    "stimulant": "F15", "hallucinogen": "F16", "inhalant": "F18", "other": "F19", "unknown_class": "F19",
}  # fmt: skip
NEW = NewDiagnosis(substance="alcohol", specific="wine", criteria=(1, 2), dated_on=TODAY)


def ruled(new: NewDiagnosis, *listed: str) -> tuple[str | None, list[str]]:
    found, faults = rule(book(), new, listed or tuple(PLAIN), TODAY)
    return (found.code.code if found else None), [fault.code for fault in faults]


def test_severity_is_the_count() -> None:
    assert [severity_of(met) for met in range(12)] == [
        None, None, "mild", "mild", "moderate", "moderate", *["severe"] * 6,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_the_code_is_the_class_and_the_severity(kind: str) -> None:
    for met, remission, ending in (
        (2, None, "10"), (3, None, "10"), (4, None, "20"), (6, None, "20"), (11, None, "20"),
        (3, Remission.EARLY, "11"), (5, Remission.SUSTAINED, "21"),
    ):  # fmt: skip
        new = replace(NEW, substance=kind, criteria=tuple(range(1, met + 1)), remission=remission)
        assert ruled(new) == (f"{PLAIN[kind]}.{ending}", [])


def test_tobacco_has_codes_of_its_own() -> None:
    tobacco = replace(NEW, substance="tobacco", specific="cigarettes")
    assert ruled(tobacco, "alcohol") == ("Z72.0", [])
    assert ruled(replace(tobacco, criteria=(1, 2, 3, 4))) == ("F17.200", [])
    assert ruled(replace(tobacco, remission=Remission.EARLY)) == (None, ["no_code"])


FAULTS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("none_of_the_list", {"substance": "opioid"}, ["not_listed"]),
    ("no_class", {"substance": "coffee"}, ["unknown"]),
    ("no_name", {"specific": None}, ["missing"]),
    ("too_few", {"criteria": (1,)}, ["too_few"]),
    ("no_such_criterion", {"criteria": (1, 12)}, ["unknown"]),
    ("another_severity", {"code": "F10.20"}, ["not_of_severity"]),
    ("another_class", {"code": "F11.23"}, ["not_of_severity"]),
    ("no_such_code", {"code": "F10.99"}, ["not_of_severity", "unknown"]),
    ("tomorrow", {"dated_on": TODAY + timedelta(days=1)}, ["future"]),
    ("before_the_code", {"dated_on": date(2015, 9, 30)}, ["not_in_force"]),
    ("no_substance", {"substance": None}, ["missing"]),
    ("code_alone", {"substance": None, "criteria": (), "code": "F10.20"}, ["missing"]),
    ("nothing", {"substance": None, "criteria": ()}, ["missing"]),
    ("after_the_code", {"substance": None, "criteria": (), "code": "F32.8"}, ["not_in_force"]),
]


@pytest.mark.parametrize(("change", "faults"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_what_is_no_diagnosis(change: dict[str, Any], faults: list[str]) -> None:
    code, found = ruled(replace(NEW, **change), "alcohol")
    assert code is None
    assert found == faults


def test_a_code_in_place_of_the_plain_one_replaces_it() -> None:
    assert ruled(replace(NEW, code="F10.230", criteria=(1, 2, 3, 4))) == ("F10.230", [])
    plain, depression = {"substance": "alcohol"}, {"substance": None}
    assert not stands_beside(book(), plain, [{"substance": "alcohol"}])
    assert not stands_beside(book(), {"substance": "sedative"}, [{"substance": "benzodiazepine"}])
    assert stands_beside(book(), plain, [{"substance": "opioid"}, depression])
    assert stands_beside(book(), depression, [depression])


def test_labels_of_codes() -> None:
    codes = book().codes
    assert labels_of(codes["F10.20"], "alcohol") == {Label.SUD}
    assert labels_of(codes["F41.1"], None) == {Label.PSY}
    assert labels_of(codes["B20"], None) == {Label.HIV}
    assert labels_of(codes["I10"], None) == set()
    assert labels_of(codes["I10"], "alcohol") == {Label.SUD}
    found, _ = rule(book(), NEW, ["alcohol"], TODAY)
    assert found is not None
    content = found.content(NEW, "v")
    assert (content["severity"], content["criteria_met"], content["specific"], content["remission"]) == (
        "mild", 2, "wine", None,
    )  # fmt: skip
