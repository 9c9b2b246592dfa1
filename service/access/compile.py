"""What is generated from Python and from the table of roles: the Cedar schema and policies/roles.cedar.

The dataclasses of facts.py are the source of the schema's context types and roles.yaml the source of the role
policies. Generated files are kept in the repository so that a reviewer (and a lawyer) reads the policies that
run; `differences` names those that no longer match their source, and a service does not start with one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import yaml

from service.access.actions import Action
from service.access.caller import Role
from service.access.decision import Confidence
from service.access.facts import CallerFacts, Facts, PurposeFacts, ReleaseFacts, UseFacts
from service.access.groups import (
    CLINICAL_ACTIONS,
    CONTENT_ACTIONS,
    FLAG_ENDINGS,
    LEGAL_ACTIONS,
    OUTSIDE_ACTIONS,
    SECOND_SIGNATURES,
    TOUCHING_PATIENT,
)
from service.errors import StartRefused

SCHEMA_FILE = "schema.cedarschema"
ROLES_FILE = "roles.cedar"
ROLES_TABLE = "roles.yaml"
#: Key in the table for what every caller may, whatever the role.
EVERYONE = "everyone"

_CEDAR_TYPES: Mapping[object, str] = {bool: "Bool", str: "String", frozenset[str]: "Set<String>"}
_FACTS_OF: Mapping[Action, type] = {Action.RECORD_USE: UseFacts, Action.DISCLOSURE_RELEASE: ReleaseFacts}
#: Groups a policy can name as `action in Action::"group"`.
GROUPS: Mapping[str, frozenset[Action]] = {
    "touches_patient": TOUCHING_PATIENT,
    "ordinary": frozenset(Action) - LEGAL_ACTIONS,
    "content": CONTENT_ACTIONS,
    "clinical": CLINICAL_ACTIONS,
    "second_signature": SECOND_SIGNATURES,
    "flag_ending": FLAG_ENDINGS,
    "outside": OUTSIDE_ACTIONS,
}


def facts_type(action: Action) -> type:
    """The dataclass of facts an act is decided on."""
    return _FACTS_OF.get(action, Facts)


def schema_text() -> str:
    """The Cedar schema: context types from the dataclasses, one action for every act we can permit."""
    parts = ["// Generated from service/access/facts.py and actions.py by `consentry policies generate`.\n"]
    parts.extend(_record_type(facts) for facts in (CallerFacts, PurposeFacts, Facts, UseFacts, ReleaseFacts))
    parts.append("entity Program;\nentity Caller;\n")
    parts.append("".join(f'action "{group}";\n' for group in GROUPS))
    parts.extend(_action(action) for action in Action if not action.is_event)
    return "\n".join(parts)


def _record_type(facts: type) -> str:
    # A program is an entity (the resource), compared by identity; every other fact is an attribute.
    attributes = [(field.name, field.type) for field in fields(facts) if field.type != UUID | None]
    body = "".join(f"  {name}: {_CEDAR_TYPES[kind]},\n" for name, kind in attributes)
    return f"type {facts.__name__} = {{\n{body}}};\n"


def _action(action: Action) -> str:
    groups = ", ".join(f'"{name}"' for name, members in GROUPS.items() if action in members)
    context = (
        f"caller: CallerFacts, purpose: PurposeFacts, home: Program, facts: {facts_type(action).__name__}"
    )
    return (
        f'action "{action}" in [{groups}] appliesTo {{\n'
        f"  principal: [Caller], resource: [Program],\n  context: {{ {context} }},\n}};\n"
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of the table of roles: these acts, for this role (None = every caller), under these
    conditions.
    """

    id: str
    role: Role | None
    actions: tuple[Action, ...]
    conditions: tuple[str, ...]
    cite: str
    conf: Confidence


@dataclass(frozen=True, slots=True)
class RoleTable:
    """roles.yaml: named conditions (Cedar expressions over the facts) and grants."""

    conditions: Mapping[str, str]
    grants: tuple[Grant, ...]


def read_role_table(document: str) -> RoleTable:
    """The table from the text of roles.yaml; an unknown role, act, condition or field refuses the start."""
    try:
        loaded = cast("Mapping[str, Any]", yaml.safe_load(document))
        if set(loaded) != {"conditions", "roles"}:
            raise ValueError("the parts are `conditions` and `roles`")
        conditions = {str(name): str(expression) for name, expression in loaded["conditions"].items()}
        grants = tuple(
            _grant(None if role == EVERYONE else Role(role), row, conditions)
            for role, rows in loaded["roles"].items()
            for row in rows
        )
    except (yaml.YAMLError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise StartRefused(f"policies/{ROLES_TABLE}: {error}") from None
    ids = [grant.id for grant in grants]
    if len(ids) != len(set(ids)):
        raise StartRefused(f"policies/{ROLES_TABLE}: an id is used twice")
    return RoleTable(conditions, grants)


def _grant(role: Role | None, row: Mapping[str, Any], conditions: Mapping[str, str]) -> Grant:
    if set(row) - {"id", "may", "if", "cite", "conf"}:
        raise ValueError(f"{row.get('id')}: unknown field")
    needed = tuple(str(name) for name in row.get("if", ()))
    if set(needed) - set(conditions):
        raise ValueError(f"{row['id']}: unknown condition")
    actions = tuple(Action(name) for name in row["may"])
    if not actions or any(action.is_event or action in LEGAL_ACTIONS for action in actions):
        raise ValueError(f"{row['id']}: only ordinary acts can be granted to a role")
    return Grant(str(row["id"]), role, actions, needed, str(row["cite"]), Confidence(row["conf"]))


def roles_text(table: RoleTable) -> str:
    """The role policies, one permit for each grant."""
    head = f"// Generated from policies/{ROLES_TABLE} by `consentry policies generate`.\n"
    return "\n".join([head, *(_permit(grant, table.conditions) for grant in table.grants)])


def _permit(grant: Grant, conditions: Mapping[str, str]) -> str:
    actions = ", ".join(f'Action::"{action}"' for action in grant.actions)
    who = f"context.caller.{grant.role}" if grant.role else "context.caller.roles_fit_kind"
    tests = [who, *(f"({conditions[name]})" for name in grant.conditions)]
    return (
        f'@id("{grant.id}")\n@cite("{grant.cite}")\n@conf("{grant.conf}")\n'
        f"permit (\n  principal,\n  action in [{actions}],\n  resource\n)\n"
        f"when {{ {' && '.join(tests)} }};\n"
    )


def generated(policies: Path) -> dict[Path, str]:
    """Path and content of every generated file."""
    table = read_role_table((policies / ROLES_TABLE).read_text(encoding="utf-8"))
    return {policies / SCHEMA_FILE: schema_text(), policies / ROLES_FILE: roles_text(table)}


def write_generated(policies: Path) -> Sequence[Path]:
    """Write the generated files; returns those that changed."""
    changed: list[Path] = []
    for path, content in generated(policies).items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            changed.append(path)
    return changed


def differences(policies: Path) -> Sequence[str]:
    """Names of generated files that are absent or do not match their source."""
    return [
        path.name
        for path, content in generated(policies).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]
