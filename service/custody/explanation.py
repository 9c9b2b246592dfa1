"""One entry, explained: who did what, why it was permitted or refused, on what authority, and what was held back.

Everything is read from the entry itself, which holds ids, codes and rule ids only; the rules' words and paragraphs come
from the policy files. The sentences are for a compliance officer who has a minute ("who saw this record and why"), the
fields beside them for a program. Facts in, explanation out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from service.access.actions import Action
from service.access.decision import Citation
from service.access.purposes import Purpose
from service.custody.records import StoredEntry
from service.custody.words import ACTORS, DONE, DUTIES, REFUSED


@dataclass(frozen=True, slots=True)
class Authority:
    """A rule that took part in the decision; `text` and `cite` are empty when today's policies do not have it."""

    rule: str
    cite: str
    conf: str
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """What was withheld, and why: a reason code, its paragraph and how sure we are; `count` items."""

    reason: str
    cite: str
    count: int
    conf: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision rested on and what it looked at, by id: the papers are read where they are kept."""

    evidence: str | None
    consents: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an entry means. `paragraph` says a legal decision in plain words, as it was said when it was made."""

    sentences: tuple[str, ...]
    authorities: tuple[Authority, ...]
    withheld: tuple[Held, ...]
    obligations: tuple[str, ...]
    reason: str | None
    policy_set_is_current: bool
    detail: Mapping[str, Any]
    paragraph: str | None
    grounds: Grounds


def explain(
    entry: StoredEntry,
    rules: Mapping[str, Citation],
    purpose: Purpose | None,
    current_policy_set: str,
    actor_name: str | None = None,
    recipient_name: str | None = None,
) -> Explanation:
    """The explanation of `entry` with the words of today's `rules`."""
    detail = _object(entry.detail)
    authorities = tuple(_authority(rule, rules) for rule in _texts(_json(entry.policies)))
    withheld = tuple(_withheld(detail))
    obligations = tuple(_texts(detail.get("obligations")))
    reason = _reason(detail) if entry.outcome == "deny" else None
    current = entry.policy_set in ("", current_policy_set)
    sentences = [
        _act(entry, actor_name),
        *_why(entry, purpose),
        _outcome(entry, reason, _text(detail.get("effect"))),
        *(_rule_sentence(authority) for authority in authorities),
        *_basis(entry, detail, recipient_name),
        *(_held_sentence(held) for held in withheld),
    ]
    if obligations:
        sentences.append(f"Duties that came with it: {'; '.join(map(duty_words, obligations))}.")
    if not current:
        sentences.append(
            "It was decided under an earlier set of policies; the words of its rules are today's."
        )
    return Explanation(
        tuple(sentences),
        authorities,
        withheld,
        obligations,
        reason,
        current,
        detail,
        paragraph=_text(detail.get("explanation")),
        grounds=_grounds(detail),
    )


def duty_words(duty: str) -> str:
    """A duty in words, or its code when this version has none."""
    return DUTIES.get(duty, duty)


def summary(entry: StoredEntry, actor_name: str | None = None) -> str:
    """The act in one sentence."""
    return _act(entry, actor_name)


def _act(entry: StoredEntry, actor_name: str | None) -> str:
    who = ACTORS.get(entry.actor_kind, "Somebody")
    if actor_name:
        who = f"{actor_name} ({who[:1].lower()}{who[1:]})"
    try:
        done = DONE[Action(entry.action)]
    except ValueError:
        done = "did something this version has no word for"
    return f"{who} {done}." if entry.outcome != "deny" else f"{who} was refused: {done}."


def _why(entry: StoredEntry, purpose: Purpose | None) -> list[str]:
    if purpose is not None:
        return [f"The stated purpose was {purpose.display} ({purpose.code})."]
    return ["A purpose was stated that is not in the list of purposes."] if entry.purpose else []


def _outcome(entry: StoredEntry, reason: str | None, effect: str | None) -> str:
    """The outcome; `effect` is that of a legal decision, which knows more than yes and no."""
    match entry.outcome:
        case "permit" if effect != "partial":
            return "It was permitted."
        case "permit" | "partial":
            return "It was permitted in part."
        case _ if effect == "needs_review":
            return "It was not permitted: a person must look at it first."
        case _ if reason:
            return f"It was refused because {REFUSED.get(reason, f'of {reason}')}."
        case _:
            return "It was refused."


def _rule_sentence(authority: Authority) -> str:
    if not authority.cite:
        return f"Rule {authority.rule} took part in the decision; today's policies do not have it."
    said = f": {authority.text.rstrip('.')}" if authority.text else ""
    unsure = " (counsel should confirm this reading)" if authority.conf == "unsure" else ""
    return f"Rule {authority.rule} decided{said} [{authority.cite}]{unsure}."


def _grounds(detail: Mapping[str, Any]) -> Grounds:
    return Grounds(
        _text(detail.get("relied_on")),
        tuple(_texts(detail.get("consents"))),
        tuple(_texts(detail.get("evidence"))),
    )


def _basis(entry: StoredEntry, detail: Mapping[str, Any], recipient_name: str | None) -> list[str]:
    found: list[str] = []
    if entry.basis:
        found.append(f"The lawful basis was {entry.basis}.")
    if entry.consent_id:
        found.append(f"It relied on consent {entry.consent_id}.")
    if evidence := _text(detail.get("relied_on")):
        found.append(f"It relied on evidence {evidence}.")
    if entry.recipient_id:
        found.append(f"The recipient was {recipient_name or entry.recipient_id}.")
    return found


def _held_sentence(held: Held) -> str:
    items = "One item was" if held.count == 1 else f"{held.count} items were"
    cited = f" [{held.cite}]" if held.cite else ""
    return f"{items} withheld: {held.reason}{cited}."


def _authority(rule: str, rules: Mapping[str, Citation]) -> Authority:
    known = rules.get(rule)
    if known is None:
        return Authority(rule, "", "", "")
    return Authority(rule, known.cite, known.conf.value, known.text)


def _withheld(detail: Mapping[str, Any]) -> list[Held]:
    """From a disclosure's list of rulings, or from the counts a chart keeps."""
    counts: dict[str, int] = {}
    for ruling in _objects(detail.get("items")):
        if ruling.get("permitted") is False:
            reason = str(ruling.get("reason") or "no_basis")
            counts[reason] = counts.get(reason, 0) + 1
    counted = detail.get("withheld")
    if isinstance(counted, dict):
        for reason, count in cast("dict[str, Any]", counted).items():
            counts[reason] = counts.get(reason, 0) + (count if isinstance(count, int) else 1)
    cites, confs = _by_reason(detail, "citations"), _by_reason(detail, "confidence")
    return [
        Held(reason, str(cites.get(reason, "")), count, str(confs.get(reason, "")))
        for reason, count in sorted(counts.items())
    ]


def _by_reason(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = detail.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _reason(detail: Mapping[str, Any]) -> str | None:
    for name in ("reason", "code"):
        if isinstance(detail.get(name), str):
            return str(detail[name])
    return None


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _object(text: str) -> dict[str, Any]:
    found = _json(text)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _objects(found: object) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        return []
    members = cast("list[object]", found)
    return [cast("dict[str, Any]", one) for one in members if isinstance(one, dict)]


def _texts(found: object) -> Sequence[str]:
    if not isinstance(found, list):
        return ()
    return [one for one in cast("list[object]", found) if isinstance(one, str)]
