"""What is an answer, what labels it carries, whose word counts. Labels never shrink by answering more."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from service.intake.medical.answer import Answer, Given, Sheet
from service.intake.medical.book import Absent, Form, Question, Section, Source, Type
from service.intake.medical.checks import (
    Circumstances,
    faults_of,
    interpreter_missing,
    missing_in,
    sound,
    urgent_in,
)
from service.intake.medical.labels import groups_of, labels_of, unknown_ingredients
from service.labels import Label
from tests.unit.intake.medical.intakes import NOW, SOMEBODY, TODAY, ago, book, given, sheet

STAFF = Circumstances(
    now=NOW, today=TODAY, age=38, clinician=False, patient=False, names=("Harbour Steps", "SUD unit")
)
LATER = (NOW + timedelta(hours=1)).isoformat()


def codes(
    section: str, key: str, one: Given, *, entry: bool = False, about: Circumstances = STAFF
) -> list[str]:
    place = book().sections[section]
    form = place.entries if entry else place.form
    assert form is not None
    return [fault.code for fault in faults_of(book(), place, form, {key: one}, about)]


CASES: list[tuple[str, str, Any, list[str]]] = [
    ("vitals", "systolic", 120, []),
    ("vitals", "systolic", 59, ["confirm"]),
    ("vitals", "systolic", 251, ["confirm"]),
    ("vitals", "temperature", 37.5, []),
    ("vitals", "temperature", "37", ["wrong_type"]),
    ("vitals", "temperature", True, ["wrong_type"]),
    ("vitals", "weight", 0, ["out_of_range"]),
    ("vitals", "weight", 10**7, ["wrong_type"]),
    ("vitals", "pulse", 80, ["unknown_question"]),
    ("health", "pain", 10, []),
    ("health", "pain", 11, ["out_of_range"]),
    ("health", "pain", 3.0, ["wrong_type"]),
    ("health", "heart", 1, ["wrong_type"]),
    ("health", "heart", False, []),
    ("health", "tobacco", "never", []),
    ("health", "tobacco", ["never"], ["wrong_type"]),
    ("health", "last_exam", "2026-11-20", []),
    ("health", "last_exam", "2026-11-21", ["future"]),
    ("health", "last_exam", "2026-02-30", ["wrong_type"]),
    ("health", "last_exam", "20.11.2026", ["wrong_type"]),
    ("health", "vaccines", ["flu", "covid"], []),
    ("health", "vaccines", ["flu", "flu"], ["wrong_type"]),
    ("health", "vaccines", ["flu", 1], ["wrong_type"]),
    ("health", "vaccines", [], ["wrong_type"]),
    ("health", "vaccines", "flu", ["wrong_type"]),
    ("health", "doctor", "  ", ["wrong_type"]),
    ("health", "doctor", "x" * 2001, ["wrong_type"]),
    ("legal", "status", ["none", "parole"], ["wrong_type"]),
    ("legal", "next_date", "2027-01-05", []),
    ("drug_screen", "collected_at", LATER, ["future"]),
    ("drug_screen", "collected_at", "2026-11-20T10:00", ["wrong_type"]),
    ("insurance", "plan", "Blue plan", []),
    ("insurance", "plan", "for my  Drug problem", ["tells_why"]),
    ("insurance", "plan", "harbour   steps", ["tells_why"]),
    ("insurance", "covered", "plan", []),
    ("mental_status", "findings", "calm", ["clinician_only"]),
]


@pytest.mark.parametrize(
    ("section", "key", "value", "faults"), CASES, ids=[f"{c[0]}-{c[1]}-{n}" for n, c in enumerate(CASES)]
)
def test_an_answer_is_one_of_its_type_and_range(
    section: str, key: str, value: Any, faults: list[str]
) -> None:
    assert codes(section, key, Given(value=value)) == faults


def test_a_blank_is_no_answer_and_every_question_takes_the_four_non_answers() -> None:
    for section in book().sections.values():
        for form in (section.form, section.entries):
            if form is None:
                continue
            for one in form.questions:
                for absent in Absent:
                    asked = {one.key: Given(absent=absent)}
                    about = Circumstances(NOW, TODAY, 38, clinician=True, patient=False, names=())
                    assert faults_of(book(), section, form, asked, about) == (), one.key
    assert codes("health", "heart", Given()) == ["missing"]
    assert codes("health", "heart", Given(value=True, absent=Absent.UNKNOWN)) == ["missing"]
    assert codes("health", "heart", Given(withdrawn=True)) == []


def test_confirmed_certain_and_within_the_patients_age() -> None:
    assert codes("vitals", "systolic", Given(value=255, confirmed=True)) == []
    assert codes("vitals", "weight", Given(value=0, confirmed=True)) == ["out_of_range"]
    assert codes("substances", "last_use", Given(value=ago(3)), entry=True) == ["missing"]
    assert codes("substances", "last_use", Given(value=ago(3), certainty="guess"), entry=True) == []
    assert codes("substances", "last_use", Given(value=LATER, certainty="exact"), entry=True) == ["future"]
    assert codes("substances", "first_age", Given(value=38), entry=True) == []
    assert codes("substances", "first_age", Given(value=39), entry=True) == ["beyond_age"]
    assert codes("substances", "days_30", Given(value=31), entry=True) == ["out_of_range"]
    person = Circumstances(NOW, TODAY, 38, clinician=False, patient=True, names=())
    assert codes("health", "heart", Given(value=True, source=Source.PATIENT), about=person) == []
    assert codes("health", "heart", Given(value=True), about=person) == ["not_yours"]
    assert codes("vitals", "systolic", Given(value=120, source=Source.PATIENT), about=person) == [
        "not_self_reported"
    ]
    kept = sound(
        book().sections["vitals"].form, {"systolic": Given(value=190), "diastolic": Given(value="x")}, STAFF
    )
    assert kept.keys() == {"systolic"}


def test_the_strongest_word_counts_and_none_replaces_another() -> None:
    form = book().sections["home"].form
    typed = Sheet().with_given({"home_safe": Given(value=False, source=Source.PATIENT)}, SOMEBODY, NOW)
    both = typed.with_given({"home_safe": given(Absent.NOT_ASKED)}, SOMEBODY, NOW)
    assert both.value("home_safe") is False
    said = both.with_given({"home_safe": given(True)}, SOMEBODY, NOW)
    assert said.value("home_safe") is True
    assert said.answers["home_safe"][Source.PATIENT].value is False
    measured = said.with_given({"home_safe": Given(value=False, source=Source.MEASURED)}, SOMEBODY, NOW)
    assert measured.value("home_safe") is False
    assert Sheet.from_json(measured.to_json()).to_json() == measured.to_json()
    again = said.with_given({"home_safe": given(True)}, SOMEBODY, NOW + timedelta(days=1))
    assert again.current("home_safe") == said.current("home_safe")
    blank = said.with_given({"home_safe": Given(withdrawn=True)}, SOMEBODY, NOW)
    assert blank.value("home_safe") is False and "lives_with" in missing_in(form, blank)
    assert isinstance(said.current("home_safe"), Answer) and said.current("other") is None


def test_a_conditional_question_is_missing_only_once_its_condition_holds() -> None:
    form = book().sections["psychiatric"].form
    assert "last_attempt" not in missing_in(form, sheet({}))
    assert "last_attempt" not in missing_in(form, sheet({"attempts": 0}))
    assert "last_attempt" not in missing_in(form, sheet({"attempts": Absent.DECLINED}))
    assert "last_attempt" in missing_in(form, sheet({"attempts": 1}))
    assert missing_in(form, sheet({one.key: Absent.UNKNOWN for one in form.questions})) == ()


URGENT = [("systolic", 179, 180), ("diastolic", 119, 120), ("heart_rate", 120, 121), ("respiration", 10, 9),
          ("temperature", 38.4, 38.5), ("oxygen", 92, 91)]  # fmt: skip


@pytest.mark.parametrize(("key", "ordinary", "urgent"), URGENT, ids=[row[0] for row in URGENT])
def test_the_urgent_ranges(key: str, ordinary: float, urgent: float) -> None:
    form = book().sections["vitals"].form
    assert urgent_in(form, sheet({key: ordinary})) == ()
    assert urgent_in(form, sheet({key: urgent})) == (key,)
    beside = sheet({key: urgent}).with_given(
        {key: Given(value=ordinary, source=Source.MEASURED)}, SOMEBODY, NOW
    )
    assert urgent_in(form, beside) == (key,), "in anybody's words"


def test_labels_follow_section_code_and_answer() -> None:
    def of(section: str, values: dict[str, Any], *, entry: bool = False) -> set[Label]:
        place = book().sections[section]
        return set(
            labels_of(book(), place, place.entries if entry and place.entries else place.form, sheet(values))
        )

    assert of("hiv", {"accepted": Absent.DECLINED}) == {Label.HIV}
    assert of("home", {"housing": "stable", "home_safe": True}) == set()
    assert of("home", {"home_safe": False}) == of("home", {"home_safe": Absent.DECLINED}) == {Label.SDV}
    assert of("home", {"home_safe": Absent.NOT_ASKED}) == set()
    assert of("home", {"use_at_home": Absent.DECLINED}) == {Label.SUD}
    assert of("medicines", {"ingredient": "Emtricitabine and tenofovir alafenamide"}, entry=True) == {
        Label.HIV
    }
    assert of("medicines", {"ingredient": "sertraline HCl"}, entry=True) == {Label.PSY}
    assert of("medicines", {"ingredient": "ibuprofen"}, entry=True) == set()
    assert of("mental_status", {"disorder_found": False}) == {Label.PSY, Label.SUD}
    assert unknown_ingredients(book(), sheet({"ingredient": "aspirin + testozumab"}))
    assert not unknown_ingredients(book(), sheet({"ingredient": "aspirin"}))
    assert not unknown_ingredients(book(), sheet({"ingredient": Absent.UNKNOWN}))
    assert groups_of(book(), sheet({"ingredient": "lorazepam"})) == {"benzodiazepine"}


def values_for(one: Question) -> st.SearchStrategy[Given]:
    """Any answer or non-answer this question takes, of any source."""
    match one.type:
        case Type.YES_NO:
            value: st.SearchStrategy[Any] = st.booleans()
        case Type.CHOICE:
            value = st.sampled_from([choice.code for choice in one.choices])
        case Type.CHOICES:
            value = st.sampled_from([[choice.code] for choice in one.choices])
        case _ if one.key == "ingredient":
            value = st.sampled_from(["buprenorphine", "aspirin", "lithium", "dolutegravir"])
        case _:
            value = st.just("some words")
    valued = st.builds(Given, value=value, source=st.sampled_from(list(Source)))
    unsaid = st.builds(Given, absent=st.sampled_from(list(Absent)), source=st.sampled_from(list(Source)))
    return valued | unsaid


@st.composite
def answered(draw: st.DrawFn) -> tuple[Section, Form, dict[str, Given], dict[str, Given]]:
    section = draw(st.sampled_from(list(book().sections.values())))
    form = draw(st.sampled_from([one for one in (section.form, section.entries) if one and one.questions]))
    some = st.lists(st.sampled_from(form.questions), max_size=4)
    first, more = ({one.key: draw(values_for(one)) for one in draw(some)} for _ in range(2))
    return section, form, first, more


@examples(answered())
def test_labels_never_shrink_by_answering_more(
    case: tuple[Section, Form, dict[str, Given], dict[str, Given]],
) -> None:
    """More questions, and more words on the same question by somebody else."""
    section, form, first, more = case
    before = Sheet().with_given(first, SOMEBODY, NOW)
    new = {key: one for key, one in more.items() if one.source not in before.answers.get(key, {})}
    after = before.with_given(new, SOMEBODY, NOW)
    assert (
        section.labels <= labels_of(book(), section, form, before) <= labels_of(book(), section, form, after)
    )


def test_who_signs_in_another_language_has_an_interpreter() -> None:
    assert not interpreter_missing(needed=False, interpreter=None)
    assert interpreter_missing(needed=True, interpreter=None)
    assert interpreter_missing(needed=True, interpreter="  ")
    assert interpreter_missing(needed=None, interpreter=None)
    assert interpreter_missing(needed=True, interpreter="Sister", is_relative=True)
    assert not interpreter_missing(needed=True, interpreter="Interpreter 4711")
