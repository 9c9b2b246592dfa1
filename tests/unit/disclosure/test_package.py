"""A package carries the notice, the explanation and the labels, and its hash covers all of it."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.decision import Confidence
from service.disclosure.package import Envelope, Package, PackagedItem, build, digest
from service.disclosure.redisclosure import MayRedisclose, SecurityLabel
from tests.unit.disclosure.rules import NOTICES

LABELS = (SecurityLabel("urn:one", "R", "restricted"), SecurityLabel("urn:two", "SUD", "substance use"))
ITEM = PackagedItem(UUID(int=1), "attendance", date(2026, 5, 1), "U1", LABELS, {"days": 3, "note": "é"})
ENVELOPE = Envelope(
    disclosure_id=UUID(int=2),
    disclosed_at=datetime(2026, 6, 1, 16, 0, tzinfo=UTC),
    program="Harbor Testprogram",
    recipient_id=UUID(int=3),
    recipient="Elm Family Clinic",
    patient={"given_name": "Pat", "family_name": "Testperson", "birth_date": "1990-01-01"},
    purpose="TREAT",
    channel="ehr",
    basis="B02",
    citation="42 CFR 2.33(a)(2)",
    notice=NOTICES.full,
    explanation="a single consent",
    asked="no further use, please",
    may_redisclose=MayRedisclose("under-hipaa", "As HIPAA allows.", "2.33(b)(1)", Confidence.LAW, "seen"),
)


def package() -> Package:
    return build(ENVELOPE, [ITEM])


def test_the_labels_travel_with_their_item_in_their_order() -> None:
    (item,) = package().document["items"]
    assert item["security_labels"] == [
        {"system": "urn:one", "code": "R"},
        {"system": "urn:two", "code": "SUD"},
    ]


def test_what_the_recipient_may_do_and_is_asked_travels() -> None:
    document = package().document
    assert document["redisclosure"]["text"] == "As HIPAA allows."
    assert document["restriction_request"] == "no further use, please"


def test_without_a_consent_there_is_no_notice_and_no_scope() -> None:
    bare = replace(ENVELOPE, notice=None, explanation=None, asked=None)
    document = build(bare, [ITEM]).document
    assert (document["notice"], document["scope_explanation"], document["restriction_request"]) == (
        None,
        None,
        None,
    )


def test_notice_and_explanation_travel_in_full() -> None:
    document = package().document
    assert document["notice"]["text"] == NOTICES.full.text
    assert document["scope_explanation"] == "a single consent"
    assert document["items"][0]["content"] == ITEM.content


def test_nothing_tells_of_what_was_withheld() -> None:
    assert "withheld" not in str(package().document)


def test_a_package_of_nothing_does_not_exist() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        build(ENVELOPE, [])


def test_the_hash_is_of_canonical_bytes() -> None:
    document = dict(package().document)
    assert digest(dict(reversed(document.items()))) == package().sha256
    assert len(package().sha256) == 64


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for n, inner in enumerate(value) for leaf in _leaves(inner, (*path, n))]
    return [path]


@given(st.sampled_from(_leaves(dict(package().document))))
def test_any_changed_value_changes_the_hash(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(dict(package().document))
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = f"{inner[path[-1]]}x"
    assert digest(changed) != package().sha256
