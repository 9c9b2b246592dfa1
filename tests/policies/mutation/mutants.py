"""Every single change to a policy that a careless edit could make.

A policy is taken as Cedar's own syntax tree (JSON). For each boolean expression inside it: left out where it stands
in a chain of `&&` or `||`, or turned into its opposite. For each comparison `==`: turned into `!=` (which is its
opposite, so it is counted once). For each set of literals, and each list of acts in the scope: one member dropped.
And the policy as a whole: gone. Nothing else is changed, so each mutant is wrong in one place.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cedarpy

#: An expression, or a step towards one, in Cedar's JSON.
Node: TypeAlias = dict[str, Any]
#: Where in the tree: keys and places in lists.
Path_: TypeAlias = tuple[str | int, ...]

TRUE: Node = {"Value": True}
FALSE: Node = {"Value": False}
_BINARY = {"==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"}
#: Calls that answer true or false.
_TESTS = {"contains", "containsAll", "containsAny", "isEmpty", "has", "like", "is"}
_OPPOSITE = {"==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Source:
    """One hand-written policy: its id, the tree, and the lines it stands on."""

    id: str
    file: str
    first_line: int
    lines: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class Mutant:
    """One policy with one change; `body` None: the policy is gone. The name is stable as long as its condition is."""

    policy: str
    name: str
    place: str
    body: Node | None


def hand_written(policies: Path, generated: frozenset[str] = frozenset({"roles.cedar"})) -> list[Source]:
    """The policies of the folder that people edit."""
    found: list[Source] = []
    for path in sorted(policies.glob("*.cedar")):
        if path.name not in generated:
            found += _sources(path)
    return found


def _sources(path: Path) -> Iterator[Source]:
    text = path.read_text(encoding="utf-8")
    lines = [line.split("//")[0] if '"' not in line else line for line in text.splitlines()]
    starts = [n for n, line in enumerate(lines) if line.startswith("@id(")]
    bodies = {
        body["annotations"]["id"]: body
        for body in json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    }
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        name = lines[start].split('"')[1]
        yield Source(name, path.name, start + 1, tuple(lines[start:end]), bodies.pop(name))
    if bodies:
        raise ValueError(f"{path.name}: no line begins with @id for {', '.join(sorted(bodies))}")


def mutants_of(source: Source) -> list[Mutant]:
    """Every mutant of one policy, in the order of its text."""
    made = [Mutant(source.id, f"{source.id}: gone", f"{source.file}:{source.first_line}", None)]
    made += _without_acts(source)
    lines = _Lines(source)
    for n, condition in enumerate(source.body["conditions"]):
        where = ("conditions", n, "body")
        for path, change, words in _changes(condition["body"], where, whole=True):
            made.append(_mutant(source, lines, path, change, words))
    return _distinct(made)


def _without_acts(source: Source) -> Iterator[Mutant]:
    scope = source.body["action"]
    acts = scope.get("entities", [])
    for n, act in enumerate(acts if len(acts) > 1 else []):
        body = copy.deepcopy(source.body)
        del body["action"]["entities"][n]
        name = f"{source.id}: act {act['id']} dropped"
        yield Mutant(source.id, name, f"{source.file}:{source.first_line}", body)


def _changes(node: Node, path: Path_, *, whole: bool = False) -> Iterator[tuple[Path_, Any, str]]:
    """(where, what to put there, what was done) for an expression and everything in it. `whole`: it is the whole
    condition, which goes by putting `true`.
    """
    ((kind, inner),) = node.items()
    if whole:
        words = "the whole condition" if kind in ("&&", "||") else render(node)
        yield path, TRUE, f"{words} removed"
        yield path, _opposite(node), f"{words} negated"
    if kind in ("&&", "||"):
        neutral = TRUE if kind == "&&" else FALSE
        for side in ("left", "right"):
            part, at = inner[side], (*path, kind, side)
            if set(part) != {kind}:  # a longer chain: its members are met further down
                yield at, neutral, f"{render(part)} removed"
                yield at, _opposite(part), f"{render(part)} negated"
            yield from _changes(part, at)
    elif kind == "!":
        yield from _changes(inner["arg"], (*path, kind, "arg"))
    elif kind == "if-then-else":
        for part in ("if", "then", "else"):
            yield (*path, kind, part), _opposite(inner[part]), f"{render(inner[part])} negated"
            yield from _changes(inner[part], (*path, kind, part))
    elif kind in _BINARY or kind in _TESTS:
        for side in ("left", "right"):
            if isinstance(inner.get(side), dict) and "Set" in inner[side]:
                yield from _smaller_sets(node, inner[side]["Set"], (*path, kind, side, "Set"))


def _smaller_sets(node: Node, members: list[Node], path: Path_) -> Iterator[tuple[Path_, Any, str]]:
    if len(members) > 1:  # dropping the only one is leaving out the test
        for n, member in enumerate(members):
            rest = members[:n] + members[n + 1 :]
            yield path, rest, f"{render(member)} dropped from {render(node)}"


def _opposite(node: Node) -> Node:
    ((kind, inner),) = node.items()
    if kind == "!":
        return inner["arg"]
    return {_OPPOSITE[kind]: inner} if kind in _OPPOSITE else {"!": {"arg": node}}


def _mutant(source: Source, lines: "_Lines", path: Path_, change: Any, words: str) -> Mutant:
    body = copy.deepcopy(source.body)
    holder: Any = body
    for step in path[:-1]:
        holder = holder[step]
    place = f"{source.file}:{lines.of(path)}"
    holder[path[-1]] = change
    return Mutant(source.id, f"{source.id}: {words}", place, body)


def _distinct(made: list[Mutant]) -> list[Mutant]:
    """Each changed policy once; a name met again gets a number."""
    bodies: set[str] = set()
    names: dict[str, int] = {}
    kept: list[Mutant] = []
    for mutant in made:
        body = json.dumps(mutant.body, sort_keys=True)
        if body in bodies:
            continue
        bodies.add(body)
        names[mutant.name] = count = names.get(mutant.name, 0) + 1
        name = mutant.name if count == 1 else f"{mutant.name} #{count}"
        kept.append(Mutant(mutant.policy, name, mutant.place, mutant.body))
    return kept


class _Lines:
    """Line of each part of a policy: its leaves (names of facts and literals) are met in the text in their order."""

    def __init__(self, source: Source) -> None:
        self._line: dict[Path_, int] = {}
        text = "\n".join(source.lines)
        at = min((n for n in (text.find("when {"), text.find("unless {")) if n >= 0), default=0)
        for n, condition in enumerate(source.body["conditions"]):
            for path, token in _leaves(condition["body"], ("conditions", n, "body")):
                found = text.find(token, at)
                if found >= 0:
                    at = found + len(token)
                    self._line[path] = source.first_line + text.count("\n", 0, found)
        self._first = source.first_line

    def of(self, path: Path_) -> int:
        """The line of the first leaf under `path`."""
        return next((line for at, line in self._line.items() if at[: len(path)] == path), self._first)


def _leaves(node: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(node, list):
        for n, member in enumerate(node):
            yield from _leaves(member, (*path, n))
        return
    for kind, inner in node.items():
        at = (*path, kind)
        if kind == ".":
            yield at, f".{inner['attr']}"
        elif kind == "Value":
            yield at, json.dumps(inner) if not isinstance(inner, dict) else inner["__entity"]["id"]
        elif kind == "Var":
            continue
        elif kind in ("Set", "contains", "containsAny", "containsAll") or isinstance(inner, list | dict):
            yield from _leaves(inner, at)


def render(node: Node) -> str:
    """The expression as the file has it, nearly: facts without `context.facts`."""
    ((kind, inner),) = node.items()
    match kind:
        case "Value":
            return inner["__entity"]["id"] if isinstance(inner, dict) else json.dumps(inner)
        case "Var":
            return str(inner)
        case ".":
            left = render(inner["left"])
            return inner["attr"] if left in ("context", "facts") else f"{left}.{inner['attr']}"
        case "Set":
            return f"[{', '.join(map(render, inner))}]"
        case "!":
            return f"!{render(inner['arg'])}"
        case "&&" | "||":
            return f"({' '.join((_in_chain(inner['left'], kind), kind, _in_chain(inner['right'], kind)))})"
        case "if-then-else":
            return f"if {render(inner['if'])} then {render(inner['then'])} else {render(inner['else'])}"
        case "has":
            return f"{render(inner['left'])} has {inner['attr']}"
        case _ if kind in _BINARY:
            return f"{render(inner['left'])} {kind} {render(inner['right'])}"
        case _:
            return f"{render(inner['left'])}.{kind}({render(inner['right']) if 'right' in inner else ''})"


def _in_chain(node: Node, kind: str) -> str:
    """A member of a chain of the same kind, without parentheses of its own."""
    words = render(node)
    return words[1:-1] if kind in node else words
