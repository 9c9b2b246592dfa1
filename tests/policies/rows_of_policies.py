"""Rows of the policies as data (tests/policies/rows): facts, and which rules permit or refuse them.

One file for each file of policies. A rule has a base of facts (`from`: names of facts.yaml, then `with`), and rows that
change something: `permit` or `deny` names exactly the rules that decide; nothing named under `deny` means that no rule
permits. `each` is a row for every single change in it, or in the list of facts.yaml it names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.access.actions import Action
from service.access.caller import Caller, CallerKind, Role
from service.access.compile import facts_type
from service.access.engine import Engine
from tests.policies.callers import ELSEWHERE, HOME, caller

ROWS = Path(__file__).parent / "rows"
_FACTS = "facts.yaml"
#: Who calls, to do what, and why.
_CALL = ("act", "roles", "kind", "purpose", "elsewhere", "credential")
#: What a caller can show for clinical acts.
_CREDENTIAL: Mapping[str, Mapping[str, bool]] = {
    "unrecorded": {},
    "in_force": {"credential_in_force": True},
    "lapsed": {"credential_lapsed": True},
    "packet_link": {"assurance": "link"},
    "supervised": {"credential_in_force": True, "credential_supervised": True},
    "required": {"credential_required": True},
    "required_and_in_force": {"credential_required": True, "credential_in_force": True},
}
_ROW = {"with", "each", "permit", "deny", *_CALL}


@dataclass(frozen=True)
class PolicyRow:
    """One question to the policies and its answer. `about` is the rule whose row it is."""

    id: str
    about: str
    action: Action
    caller: Caller
    purpose: str | None
    facts: Any
    permitted: bool
    decided_by: frozenset[str]

    @property
    def rules(self) -> frozenset[str]:
        return self.decided_by | {self.about}

    def holds(self, engine: Engine) -> bool:
        """Whether this engine answers so, by exactly these rules."""
        decision = engine.decide(self.action, self.caller, self.purpose, self.facts)
        return not decision.failed and (decision.permitted, set(decision.policies)) == (
            self.permitted,
            self.decided_by,
        )


@cache
def read_rows() -> tuple[PolicyRow, ...]:
    """Every row of every file, with an id that stays the same as long as the row does."""
    named = _load(ROWS / _FACTS)
    found = [
        row
        for path in sorted(ROWS.glob("*.yaml"))
        if path.name != _FACTS
        for rule, entry in _load(path).items()
        for row in _rows(str(rule), entry, named)
    ]
    ids = [row.id for row in found]
    assert len(ids) == len(set(ids)), sorted(one for one in set(ids) if ids.count(one) > 1)
    return tuple(found)


def _load(path: Path) -> Mapping[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _rows(rule: str, entry: Mapping[str, Any], named: Mapping[str, Any]) -> Iterator[PolicyRow]:
    assert set(entry) <= {"from", "rows"} | (_ROW - {"each", "permit", "deny"}), (rule, set(entry))
    base: dict[str, Any] = {}
    for name in entry["from"]:
        base |= named[name]
    base |= entry.get("with", {})
    for row in entry["rows"]:
        assert set(row) <= _ROW and ("permit" in row) != ("deny" in row), (rule, row)
        each = row.get("each", {})
        changes = named[each] if isinstance(each, str) else each
        singles: list[dict[str, Any]] = [{name: value} for name, value in changes.items()] or [{}]
        for single in singles:
            change = row.get("with", {}) | single
            yield _row(rule, entry | {k: v for k, v in row.items() if k != "with"}, base, change)


def _row(rule: str, said: Mapping[str, Any], base: Mapping[str, Any], change: Mapping[str, Any]) -> PolicyRow:
    action = Action(said.get("act", Action.DISCLOSURE_RELEASE))
    roles = [Role(role) for role in said.get("roles", ["clinician"])]
    kind = CallerKind(said["kind"]) if "kind" in said else None
    who = (
        caller(*roles, kind=kind)
        if roles
        else Caller(CallerKind.STAFF, caller(Role.INTAKE).account_id, HOME, None, frozenset())
    )
    who = replace(who, **_CREDENTIAL[said.get("credential", "unrecorded")])
    made = facts_type(action)
    known = {field.name for field in fields(made)}
    given = {**base, **change}
    assert set(given) <= known, (rule, set(given) - known)
    values = {name: frozenset(value) if isinstance(value, list) else value for name, value in given.items()}
    if "elsewhere" in said:
        values["program"] = ELSEWHERE if said["elsewhere"] else HOME
    permitted = "permit" in said
    decided = frozenset(map(str, said["permit"] if permitted else said["deny"]))
    parts = [f"{name}={_short(value)}" for name, value in change.items()]
    parts += [f"{name}={_short(said[name])}" for name in _CALL if name in said]
    return PolicyRow(
        id=f"{rule}[{' '.join(parts) or 'as it is'}]",
        about=rule,
        action=action,
        caller=who,
        purpose=said.get("purpose", "TREAT"),
        facts=made(**values),
        permitted=permitted,
        decided_by=decided,
    )


def _short(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
