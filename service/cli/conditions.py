"""A policy's condition, from Cedar's syntax tree: once as the file has it, once in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from service.cli.fact_words import NAMED, VALUES, YES_NO
from service.errors import StartRefused

Node: TypeAlias = Mapping[str, Any]

_HOLDS, _FAILS = 0, 1
_INFIX: Final = frozenset({"&&", "||", "==", "!=", "in"})
#: Facts whose values are codes, shown as they are.
_CODES: Final = frozenset({"purpose_code", "purpose.code", "evidence_says"})


def parts_of(condition: Node) -> list[Node]:
    """What has to hold: the members of the outermost `&&`."""
    body = cast("Node", condition["body"])
    return _chain(body, "&&")


def as_written(node: Node) -> str:
    """One expression as Cedar, without the `context.facts.` in front of every fact."""
    kind, inner = _only(node)
    match kind:
        case "Value":
            return _literal(inner)
        case "Var" | ".":
            return _fact(node)
        case "Set":
            return f"[{', '.join(as_written(member) for member in inner)}]"
        case "!":
            return f"!{_grouped(inner['arg'], _INFIX)}"
        case "&&" | "||":
            return f" {kind} ".join(_grouped(member) for member in _chain(node, kind))
        case "==" | "!=" | "in":
            return f"{as_written(inner['left'])} {kind} {as_written(inner['right'])}"
        case "contains" | "containsAny" | "containsAll":
            return f"{as_written(inner['left'])}.{kind}({as_written(inner['right'])})"
        case _:
            raise StartRefused(f"the documents have no words for `{kind}` in a policy")


def in_words(node: Node, *, negated: bool = False) -> str:
    """One expression in words. A fact nobody has put in words is refused: the document would hide it."""
    kind, inner = _only(node)
    match kind:
        case "!":
            return in_words(inner["arg"], negated=not negated)
        case ".":
            return _yes_no(_fact(node))[_FAILS if negated else _HOLDS]
        case "&&" | "||":
            any_one = (kind == "||") != negated
            members = [_nested(member, negated=negated) for member in _chain(node, kind)]
            return (", or " if any_one else ", and ").join(members)
        case "==" | "!=":
            return _equal(inner, negated=negated != (kind == "!="))
        case "in":
            return f"the act is {'not ' if negated else ''}one of “{_literal(inner['right']['Value'])}”"
        case "contains" | "containsAny":
            return _member(inner, negated=negated)
        case _:
            raise StartRefused(f"the documents have no words for `{kind}` in a policy")


def _nested(node: Node, *, negated: bool) -> str:
    """A member of a chain; one that is a chain itself stands in parentheses."""
    words = in_words(node, negated=negated)
    bare = node["!"]["arg"] if "!" in node else node
    return f"({words})" if "&&" in bare or "||" in bare else words


def _member(inner: Node, *, negated: bool) -> str:
    """`["a", "b"].contains(fact)`, `fact.contains("a")` or `fact.containsAny(["a", "b"])`."""
    left, right = cast("Node", inner["left"]), cast("Node", inner["right"])
    fact, values = (_fact(right), left["Set"]) if "Set" in left else (_fact(left), right.get("Set", [right]))
    words = _values(fact, values)
    if len(words) == 1:
        return f"{_named(fact)} is {'not ' if negated else ''}{words[0]}"
    return f"{_named(fact)} is {'none' if negated else 'one'} of: {', '.join(words)}"


def _equal(inner: Node, *, negated: bool) -> str:
    left, right = cast("Node", inner["left"]), cast("Node", inner["right"])
    if "Value" not in right:
        return f"`{as_written(left)} {'!=' if negated else '=='} {as_written(right)}`"
    fact = _fact(left)
    (word,) = _values(fact, [right])
    return f"{_named(fact)} is {'not ' if negated else ''}{word}"


def _values(fact: str, values: Sequence[Node]) -> list[str]:
    words = [str(value["Value"]) for value in values]
    return words if fact in _CODES else [VALUES.get(word, word.replace("_", " ")) for word in words]


def _only(node: Node) -> tuple[str, Any]:
    ((kind, inner),) = node.items()
    return kind, inner


def _chain(node: Node, kind: str) -> list[Node]:
    """The members of a chain of one operator, from left to right."""
    if kind not in node:
        return [node]
    return [*_chain(node[kind]["left"], kind), *_chain(node[kind]["right"], kind)]


def _grouped(node: Node, weaker: frozenset[str] = frozenset({"&&", "||"})) -> str:
    """In parentheses where the operator binds less than what stands around it."""
    text = as_written(node)
    return f"({text})" if weaker & node.keys() else text


def _literal(value: object) -> str:
    if isinstance(value, dict):
        return str(cast("Mapping[str, Any]", value)["__entity"]["id"])
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _fact(node: Node) -> str:
    """The name of a fact: `consent_kind`, `caller.staff`, `purpose.stated`."""
    kind, inner = _only(node)
    if kind == "Var":
        return str(inner)
    left = _fact(inner["left"])
    return str(inner["attr"]) if left in ("context", "facts") else f"{left}.{inner['attr']}"


def _yes_no(fact: str) -> tuple[str, str]:
    if fact not in YES_NO:
        raise StartRefused(f"service/cli/fact_words.py has no words for the fact {fact}")
    return YES_NO[fact]


def _named(fact: str) -> str:
    if fact not in NAMED:
        raise StartRefused(f"service/cli/fact_words.py has no words for the fact {fact}")
    return NAMED[fact]
