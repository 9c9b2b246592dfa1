"""The open scenarios O18-O42 by id, through the public operations (tests/scenarios/disclosures.yaml).

O01-O17 and the mutation matrix are tests/integration/consent (consent_validity.yaml), O30-O32 the rule of the notice
(decisions.yaml), O43 tests/integration/disclosure/test_record_requests.py.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.house import Service
from tests.integration.scenarios.stage import BOOK, SCENARIOS, Stage


def _id(row: Mapping[str, Any]) -> str:
    """The id, and how sure we are where the text of the law does not say it outright."""
    return row["id"] if row["conf"] == "law" else f"{row['id']}-conf-{row['conf']}"


@pytest.mark.parametrize("row", SCENARIOS, ids=_id)
def test_scenario(service: Service, row: dict[str, Any]) -> None:
    stage = Stage(service)
    stage.play(row["given"])
    when, then = row["when"], row["then"]
    stage.at(when.get("at", BOOK["now"]))
    if "read" in when:
        _read(stage, when["read"], then)
    else:
        _disclosed(stage, when["disclose"], then)
    if "accounting" in then:
        listed = {rule: bool(stage.accounting(rule)) for rule in ("part2", "hipaa")}
        assert listed == then["accounting"]


def _read(stage: Stage, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    answer = stage.read(given)
    assert answer.status_code == then["status"], answer.text
    entry = stage.service.entries(action="item.read")[-1]
    if then["status"] == 200:
        assert entry["action"] == then["recorded"]
        assert then["basis"] in {policy.split("-")[0] for policy in entry["policies"]}
    else:
        assert "content of" not in answer.text
        assert then["reason"] in (answer.text + str(entry["detail"]))


def _disclosed(stage: Stage, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    answer = stage.disclose(given)
    if "errors" in then:
        assert answer.status_code == then["status"], answer.text
        fields = [error["field"].rpartition(".")[2] for error in answer.json()["errors"]]
        assert fields == then["errors"]
        assert stage.service.entries(action="disclosure.make") == []
        return
    permitted = then["effect"] in ("permit", "partial")
    assert answer.status_code == (201 if permitted else 403), answer.text
    body = answer.json()
    decision = body["decision"]
    assert decision["effect"] == then["effect"]
    names = {stage.items[name]: name for name in given["items"]}
    granted = {names[one["item"]] for one in decision["granted"]}
    assert granted == set(then.get("granted", []))
    _withheld(given, then, decision)
    if permitted:
        assert decision["basis"]["id"] == then["basis"]
        if "obligations" in then:
            assert sorted(decision["obligations"]) == sorted(then["obligations"])
        if "notice" in then:
            assert (body["notice"] is not None) is then["notice"]
        assert stage.service.entries(action="disclosure.make")[-1]["basis"] == then["basis"]
    else:
        assert "content of" not in answer.text
        assert body["code"] == "disclosure_denied"


def _withheld(given: Mapping[str, Any], then: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
    """Kinds of item stand for the items: a scenario has one of each."""
    kinds = {BOOK["items"][name]["kind"]: name for name in given["items"]}
    found = {kinds[one["category"]]: one["reason"] for one in decision["withheld"]}
    expected = then.get("withheld", {})
    assert found.keys() == expected.keys()
    assert all(reason in ("ANY", found[name]) for name, reason in expected.items())
