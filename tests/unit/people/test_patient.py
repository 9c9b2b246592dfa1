"""Demographics: merge patches, what may stand in the document."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.people import patient

TODAY = date(2026, 6, 1)
ANA: dict[str, Any] = {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "e"]), inner, max_size=4)
    ),
    max_leaves=8,
)

#: RFC 7396, appendix A: original, patch, result.
APPENDIX_A = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX_A)
def test_merging_is_rfc_7396(original: str, patch: str, result: str) -> None:
    assert patient.merge(json.loads(original), json.loads(patch)) == json.loads(result)


@given(document=documents, patch=documents)
def test_a_patch_applied_twice_changes_nothing_more(document: Any, patch: Any) -> None:
    before = json.dumps(document)
    once = patient.merge(document, patch)
    assert patient.merge(once, patch) == once
    assert json.dumps(document) == before


def test_a_plain_patient_is_acceptable() -> None:
    patient.check(ANA, TODAY)
    patient.check(ANA | {"birth_date": "2026-06-01"}, TODAY)


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(Invalid) as refusal:
        patient.check({"given_name": "-", "birth_date": "2026-06-02", "sex": "m", "phone": "1"}, TODAY)
    assert {error.field for error in refusal.value.errors} == {
        "family_name",
        "given_name",
        "birth_date",
        "sex",
        "phone",
    }


@pytest.mark.parametrize("born", ["2026-13-01", "yesterday", "1990-02-30", "1889-12-31"])
def test_a_day_that_cannot_be_a_birth_is_refused(born: str) -> None:
    with pytest.raises(Invalid):
        patient.check(ANA | {"birth_date": born}, TODAY)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name_used": "..."}, "name_used"),
        ({"aliases": [{"kind": "former"}]}, "aliases[0]"),
        ({"aliases": [{"family_name": "Old"}, {"given_name": "-"}]}, "aliases[1].given_name"),
        ({"channels": [{"channel": "email", "address": "x", "safe": True}]}, "channels[0].address"),
        ({"channels": [{"channel": "text", "address": "12", "safe": True}]}, "channels[0].address"),
        ({"channels": [{"channel": "mail", "address": "--", "safe": True}]}, "channels[0].address"),
        (
            {"channels": [{"channel": "text", "address": "555 0101", "safe": True, "voicemail": True}]},
            "channels[0].voicemail",
        ),
        (
            {"channels": [{"channel": "voice", "address": "555 0101", "safe": True, "from": "9:00"}]},
            "channels[0].from",
        ),
        (
            {
                "channels": [
                    {
                        "channel": "voice",
                        "address": "555 0101",
                        "safe": True,
                        "from": "09:00",
                        "to": "09:00",
                    }
                ]
            },
            "channels[0].to",
        ),
        ({"representatives": [{"kind": "guardian", "name": "!"}]}, "representatives[0].name"),
        (
            {"representatives": [{"kind": "guardian", "name": "G", "email": "g"}]},
            "representatives[0].email",
        ),
        ({"interpreter": {"needed": True}}, "interpreter.language"),
        ({"interpreter": {"language": "es"}}, "interpreter.needed"),
        ({"interpreter": {"needed": True, "language": "in Spanish"}}, "interpreter.language"),
        ({"interpreter": {"needed": False}, "interpreter_needed": True}, "interpreter_needed"),
    ],
)
def test_each_fault_names_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        patient.check(ANA | given, TODAY)
    assert [error.field for error in refusal.value.errors] == [field]


def test_everything_that_may_stand_in_the_document_may() -> None:
    patient.check(
        ANA
        | {
            "name_used": "Annie",
            "pronouns": "they/them",
            "sdv": True,
            "aliases": [{"family_name": "Formerly"}, {"given_name": "Anja", "kind": "also_known_as"}],
            "interpreter": {"needed": True, "asl": True},
            "interpreter_needed": True,
            "channels": [
                {"channel": "voice", "address": "555 0101", "safe": True, "from": "22:00", "to": "06:00"},
                {"channel": "mail", "address": "1 Example Street", "safe": False},
            ],
            "contacts": [{"name": "Bo Testperson", "may_say": "no", "script": "A friend calls."}],
            "representatives": [{"kind": "guardian", "name": "Gil Testperson", "phone": "555 0102"}],
        },
        TODAY,
    )
