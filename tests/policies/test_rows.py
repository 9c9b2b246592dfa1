"""Every rule of the hand-written policies, row by row (tests/policies/rows), and that none is without rows."""

from dataclasses import replace
from itertools import groupby

import pytest

from service.access.actions import Action
from service.access.caller import Role
from service.access.decision import Obligation
from service.access.engine import Engine
from service.access.facts import ReleaseFacts, UseFacts
from service.config import ROOT
from tests.policies.callers import PURPOSE_OF, caller
from tests.policies.rows_of_policies import PolicyRow, read_rows

ENGINE = Engine.load(ROOT / "policies")
ROWS = read_rows()
HAND_WRITTEN = sorted(name for name, rule in ENGINE.rules.items() if rule.file != "roles.cedar")

_NOTICE = {Obligation.NOTICE_2_32, Obligation.COPY_OR_EXPLANATION_OF_CONSENT}
_ON_CONSENT = {
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B09",
    "B10",
    "B11",
    "B12",
    "B29",
    "B39",
}
_FINDING = {"B26", "B38", "B38-APPLICATION"}
_FREE = {"164.506", "164.508", "164.508(a)(2)", "B20", "B20-INTAKE", "B20-EMERGENCY", "B04-AUTHOR"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(row: PolicyRow) -> None:
    decision = ENGINE.decide(row.action, row.caller, row.purpose, row.facts)
    assert not decision.failed
    assert (decision.permitted, set(decision.policies)) == (row.permitted, row.decided_by)


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_a_rule_has_rows_in_which_it_decides_and_rows_in_which_it_does_not(name: str) -> None:
    own = [row for row in ROWS if row.about == name]
    assert any(name in row.decided_by for row in own)
    assert any(name not in row.decided_by for row in own)
    effects = {row.permitted for row in own if name in row.decided_by}
    assert effects == {not ENGINE.rules[name].forbids}


def test_rows_are_about_rules_that_exist() -> None:
    assert {name for name, _ in groupby(ROWS, key=lambda row: row.about)} == set(HAND_WRITTEN)


def test_rows_are_in_the_file_of_their_rule() -> None:
    """A reviewer finds the rows of consent_bases.cedar in consent_bases.yaml."""
    by_file = {
        rule.file.removesuffix(".cedar") for name, rule in ENGINE.rules.items() if name in HAND_WRITTEN
    }
    assert {path.stem for path in (ROOT / "tests/policies/rows").glob("*.yaml")} == by_file | {"facts"}


@pytest.mark.parametrize("name", sorted(ENGINE.bases.by_id))
def test_duties_of_a_basis(name: str) -> None:
    """The columns "document" and "notice" of the decision table, written a second time."""
    if name in _ON_CONSENT:
        expected = _NOTICE | ({Obligation.DIRECTOR_FINDING} if name == "B39" else set())
    elif name in ("B24", "B25"):
        expected = {Obligation.DOCUMENT_EMERGENCY_2_51C}
    elif name in _FINDING:
        expected = {Obligation.DIRECTOR_FINDING}
    elif name in _FREE:
        expected = set[Obligation]()
    else:
        expected = {Obligation.CITE_EVIDENCE}
    assert set(ENGINE.rules[name].obligations) == expected
    row = next(row for row in ROWS if row.decided_by == {name} and row.permitted)
    assert set(ENGINE.decide(row.action, row.caller, row.purpose, row.facts).obligations) == expected


def test_what_a_person_decides() -> None:
    reviews = {name: rule.citation.review for name, rule in ENGINE.rules.items() if rule.citation.review}
    assert reviews == {
        "L7": "always",
        "L8": "always",
        "C-DOUBTED": "if_permitted",
        "C-EXPIRY-UNKNOWN": "if_permitted",
    }


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_a_rule_says_what_it_rests_on_in_words(name: str) -> None:
    citation = ENGINE.rules[name].citation
    assert "CFR" in citation.cite
    assert citation.text.endswith(".") and len(citation.text) <= 122


def test_no_facts_at_all_open_nothing() -> None:
    """Every default is the unfavourable one."""
    for role in Role:
        for action, facts in ((Action.DISCLOSURE_RELEASE, ReleaseFacts()), (Action.RECORD_USE, UseFacts())):
            decision = ENGINE.decide(action, caller(role), PURPOSE_OF[role], facts)
            assert not decision.permitted and not decision.failed


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.permitted and row.action is Action.DISCLOSURE_RELEASE],
    ids=lambda row: row.id,
)
def test_a_bad_consent_never_spoils_a_paper_and_a_good_one_never_helps_it(row: PolicyRow) -> None:
    """Each ground is judged by itself: the consents are silent where none is held against the item."""
    bad = {
        "consent_revoked": True,
        "consent_expired": True,
        "consent_false": True,
        "consent_complete": False,
        "consent_signed": False,
        "scope_combines_notes": True,
        "consent_doubted": True,
    }
    decision = ENGINE.decide(row.action, row.caller, row.purpose, replace(row.facts, **bad))
    assert decision.permitted is not row.facts.consent_present
