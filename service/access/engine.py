"""The only evaluator of policies: Cedar, with the schema always given and every doubt a denial.

Cedar skips a policy that errs. For a permit that is harmless; a *forbid* that is skipped would open what it
guards, so a permission counts only when nothing erred. No decision, an unknown act, facts of the wrong
shape, an exception from the evaluator: all are denials with `failed` set, which the caller records like any
other.

Policies are parsed once, at load, each under its own @id (Cedar's positional ids would change with every
edit), and kept as one set per act: a policy whose scope does not include the act can never apply to it, and
evaluation costs time for each policy looked at.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import cedarpy

from service.access.actions import Action
from service.access.bases import BASES_FILE, Bases, read_bases
from service.access.caller import ROLES_OF_KIND, Caller, CallerKind, Role
from service.access.compile import GROUPS, SCHEMA_FILE, differences, facts_type
from service.access.decision import Decision
from service.access.facts import NO_CONTEXT, CallerFacts, Facts, PurposeFacts, ReleaseFacts, UseFacts
from service.access.purposes import Purposes, read_purposes
from service.access.review_rules import FILE as REVIEWS_FILE
from service.access.review_rules import ReviewBook, read_reviews
from service.access.rules import Rule, hash_policies, read_rule
from service.access.safety import FILE as SAFETY_FILE
from service.access.safety import SafetyBook, read_safety
from service.access.vocabulary import (
    EVIDENCE_FILE,
    VOCABULARY_FILE,
    check_bases,
    check_words,
    read_vocabulary,
)
from service.errors import StartRefused

_NO_ENTITIES = "[]"
_HOME = '{"type":"Program","id":"home"}'
#: Distinct questions kept; a busy program asks a few hundred.
_REMEMBERED = 4096
_FAILED = Decision(permitted=False, failed=True)


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a decision can depend on. `home`: the thing belongs to the caller's program, or is being
    made.
    """

    action: Action
    kind: CallerKind
    roles: frozenset[Role]
    assurance: str
    credential_in_force: bool
    credential_lapsed: bool
    credential_required: bool
    credential_supervised: bool
    purpose: PurposeFacts
    home: bool
    facts: Facts | UseFacts | ReleaseFacts


class UndecidedError(Exception):
    """The evaluator gave no answer that can be relied on."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Policies, schema, purposes, bases and duties as they were when the service started; immutable.

    `policy_set_hash` is the SHA-256, in hexadecimal, that every audit entry carries.
    """

    policy_set_hash: str
    purposes: Purposes
    bases: Bases
    safety: SafetyBook
    reviews: ReviewBook
    rules: Mapping[str, Rule]
    _evaluate: Callable[[Question], Decision]

    @staticmethod
    def load(policies: Path) -> "Engine":
        """Read, check and parse everything under `policies`; raises StartRefused and never loads a part."""
        if stale := differences(policies):
            raise StartRefused(f"{', '.join(stale)}: out of date; run `consentry policies generate`")
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(policies.glob("*.cedar"))}
        rules, bodies = _read_rules(texts)
        schema = _read_schema((policies / SCHEMA_FILE).read_text(encoding="utf-8"), "\n".join(texts.values()))
        purposes = read_purposes(_text(policies, "purposes.yaml"))
        bases = read_bases(_text(policies, BASES_FILE))
        vocabulary = read_vocabulary(
            _text(policies, VOCABULARY_FILE), _text(policies, EVIDENCE_FILE), purposes
        )
        for name, body in bodies.items():
            check_words(f"{rules[name].file}: {name}", body, vocabulary)
        releases, uses = (
            _permits(rules, bodies, act) for act in (Action.DISCLOSURE_RELEASE, Action.RECORD_USE)
        )
        check_bases(bodies, releases, uses, bases)
        evaluator = Evaluator(rules, schema, bodies)
        return Engine(
            policy_set_hash=hash_policies(policies),
            purposes=purposes,
            bases=bases,
            safety=read_safety(_text(policies, SAFETY_FILE)),
            reviews=read_reviews(_text(policies, REVIEWS_FILE)),
            rules=MappingProxyType(rules),
            _evaluate=lru_cache(maxsize=_REMEMBERED)(evaluator.evaluate),
        )

    def decide(
        self, action: Action, caller: Caller, purpose: str | None, facts: Facts | UseFacts | ReleaseFacts
    ) -> Decision:
        """The decision on one act. Never raises: what cannot be evaluated is denied with `failed`."""
        home = True
        if isinstance(facts, Facts) and facts.program is not None:
            home = facts.program == caller.program_id
            facts = replace(facts, program=None, surviving=None, destroyed=None)
        try:
            return self._evaluate(
                Question(
                    action=action,
                    kind=caller.kind,
                    roles=caller.roles,
                    assurance=caller.assurance,
                    credential_in_force=caller.credential_in_force,
                    credential_lapsed=caller.credential_lapsed,
                    credential_required=caller.credential_required,
                    credential_supervised=caller.credential_supervised,
                    purpose=self.purposes.facts(caller, purpose),
                    home=home,
                    facts=facts,
                )
            )
        except Exception:  # whatever went wrong, the answer is no (and an exception is not remembered)
            return _FAILED


class Evaluator:
    """Cedar, asked one question at a time."""

    def __init__(
        self, rules: Mapping[str, Rule], schema: cedarpy.Schema, bodies: Mapping[str, dict[str, Any]]
    ) -> None:
        self._rules = rules
        self._schema = schema
        self._policies = {action: _slice(action, bodies) for action in Action if not action.is_event}

    def evaluate(self, question: Question) -> Decision:
        """Permit or deny; raises UndecidedError (or whatever the library raises) when there is no clean
        answer.
        """
        if type(question.facts) is not facts_type(question.action):
            raise UndecidedError("these facts are not those of this act")
        context = (
            f'{{"caller":{_facts_json(_caller_facts(question))},"purpose":{_facts_json(question.purpose)},'
            f'"home":{_HOME},"facts":{_facts_json(question.facts)}}}'
        )
        request = {
            "principal": {"type": "Caller", "id": "caller"},
            "action": {"type": "Action", "id": question.action.value},
            "resource": {"type": "Program", "id": "home" if question.home else "elsewhere"},
            "context": context,
        }
        answer = cedarpy.is_authorized(  # pyright: ignore[reportUnknownMemberType] -- a bare dict in its stub
            request, self._policies[question.action], _NO_ENTITIES, self._schema
        )
        if answer.diagnostics.errors:
            raise UndecidedError("a policy or the request erred")
        ids = tuple(sorted(answer.diagnostics.reasons))
        rules = [self._rules[name] for name in ids]
        citations = tuple(rule.citation for rule in rules)
        if answer.decision is cedarpy.Decision.Deny:
            return Decision(False, ids, citations, refused_by=ids)
        if answer.decision is not cedarpy.Decision.Allow or not rules or any(rule.forbids for rule in rules):
            raise UndecidedError("neither a clean permission nor a denial")
        duties = {duty for rule in rules for duty in rule.obligations}
        return Decision(True, ids, citations, tuple(sorted(duties)))


def _read_schema(text: str, policies: str) -> cedarpy.Schema:
    """The parsed schema, after every policy was validated against it."""
    try:
        schema = cedarpy.Schema.from_str(text)
        verdict = cedarpy.validate_policies(  # pyright: ignore[reportUnknownMemberType] -- a bare dict again
            policies, schema
        )
    except ValueError as error:
        raise StartRefused(f"the schema cannot be parsed: {error}") from None
    if not verdict.validation_passed:
        faults = sorted({str(error) for error in verdict.errors})
        raise StartRefused(f"the policies do not validate: {'; '.join(faults[:5])}")
    return schema


def _read_rules(texts: Mapping[str, str]) -> tuple[dict[str, Rule], dict[str, dict[str, Any]]]:
    """Rules and their Cedar JSON bodies by @id; strict about annotations, templates and double ids."""
    rules: dict[str, Rule] = {}
    bodies: dict[str, dict[str, Any]] = {}
    for file, text in texts.items():
        try:
            parsed = cast("dict[str, Any]", json.loads(cedarpy.policies_to_json_str(text)))
        except ValueError as error:
            raise StartRefused(f"{file} cannot be parsed: {error}") from None
        if parsed.get("templates") or parsed.get("templateLinks"):
            raise StartRefused(f"{file}: templates are not used here")
        for body in cast("dict[str, dict[str, Any]]", parsed["staticPolicies"]).values():
            rule = read_rule(file, body)
            if rule.citation.id in rules:
                raise StartRefused(f"{file}: id {rule.citation.id} is used twice")
            rules[rule.citation.id] = rule
            bodies[rule.citation.id] = body
    if not rules:
        raise StartRefused("there are no policies; nothing could be decided")
    return rules, bodies


def _text(policies: Path, name: str) -> str:
    try:
        return (policies / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise StartRefused(f"policies/{name} cannot be read") from None


def _permits(
    rules: Mapping[str, Rule], bodies: Mapping[str, dict[str, Any]], action: Action
) -> frozenset[str]:
    """The ids of the rules that can permit the act."""
    return frozenset(
        name for name, body in bodies.items() if not rules[name].forbids and _reaches(action, body)
    )


def _slice(action: Action, bodies: Mapping[str, dict[str, Any]]) -> cedarpy.PolicySet:
    """The policies whose scope includes the act."""
    kept = {name: body for name, body in bodies.items() if _reaches(action, body)}
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": kept, "templates": {}, "templateLinks": []})
    )


def _reaches(action: Action, body: Mapping[str, Any]) -> bool:
    names = {action.value} | {group for group, members in GROUPS.items() if action in members}
    return _in_scope(body["action"], names)


def _in_scope(scope: Mapping[str, Any], names: set[str]) -> bool:
    match scope:
        case {"op": "All"}:
            return True
        case {"op": "==" | "in", "entity": {"id": name}}:
            return name in names
        case {"op": "in", "entities": entities}:
            return any(entity["id"] in names for entity in entities)
        case _:  # a form we do not know: Cedar itself decides whether it applies
            return True


def _caller_facts(question: Question) -> CallerFacts:
    kind, roles = question.kind, question.roles
    return CallerFacts(
        staff=kind is CallerKind.STAFF,
        outside=kind is CallerKind.REQUESTER,
        intake=Role.INTAKE in roles,
        clinician=Role.CLINICIAN in roles,
        compliance=Role.COMPLIANCE in roles,
        administrator=Role.ADMINISTRATOR in roles,
        director=Role.DIRECTOR in roles,
        patient=kind is CallerKind.PATIENT or Role.PATIENT in roles,
        requester=Role.REQUESTER in roles,
        system=Role.SYSTEM in roles,
        roles_fit_kind=bool(roles) and roles <= ROLES_OF_KIND[kind],
        credential_in_force=question.credential_in_force,
        credential_lapsed=question.credential_lapsed,
        credential_required=question.credential_required,
        credential_supervised=question.credential_supervised,
        assurance=question.assurance,
    )


def _facts_json(facts: CallerFacts | PurposeFacts | Facts | UseFacts | ReleaseFacts) -> str:
    names, values = _attributes(type(facts))
    return json.dumps(dict(zip(names, values(facts), strict=True)), default=sorted, separators=(",", ":"))


@lru_cache(maxsize=8)
def _attributes(kind: type) -> tuple[tuple[str, ...], Any]:
    names = tuple(field.name for field in fields(kind) if field.name not in NO_CONTEXT)
    return names, attrgetter(*names)
