"""The documents that are written from the rules themselves: decision table, states of a consent, kinds of evidence.

A document beside the rules goes stale with the first change, and a lawyer who reads it then reviews a law we do not
apply. These are generated from the files a decision runs on, and `consentry policies check` fails when one differs.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from service.access.bases import Basis, Family, HipaaAccounting, Part2Accounting
from service.access.decision import Confidence
from service.access.engine import Engine, Rule
from service.cli.conditions import as_written, in_words, parts_of
from service.cli.safety_document import safety_document
from service.consent.lifecycle import TRANSITIONS
from service.consent.model import ConsentState
from service.evidence.rulebook import Condition, EvidenceBook, KindRule, Question, load_evidence

_GENERATED: Final = "Written by `consentry policies docs` from {source}; change those, never this file.\n"
_SURE: Final[Mapping[str, str]] = {
    Confidence.LAW: "law",
    Confidence.POLICY: "our policy",
    Confidence.UNSURE: "ask counsel",
}
_FAMILIES: Final[Mapping[Family, str]] = {
    Family.CONSENT: "With the patient's written consent",
    Family.NO_CONSENT: "Without consent",
    Family.HIPAA: "Items that 42 CFR Part 2 does not govern",
    Family.INTERNAL: "Inside the program: a use, not a disclosure",
}
_PART2: Final[Mapping[Part2Accounting, str]] = {
    Part2Accounting.ALWAYS: "2.25",
    Part2Accounting.EHR_ONLY_FOR_TPO: "2.25 (for treatment, payment, operations: only through an electronic record)",
    Part2Accounting.NEVER: "",
}
_HIPAA: Final[Mapping[HipaaAccounting, str]] = {
    HipaaAccounting.ALWAYS: "164.528",
    HipaaAccounting.UNLESS_AUTHORIZATION: "164.528 unless the consent is an authorization",
    HipaaAccounting.UNLESS_TPO_OR_AUTHORIZATION: (
        "164.528 unless for treatment, payment, operations or the consent is an authorization"
    ),
    HipaaAccounting.NEVER: "",
}


def documents(policies: Path) -> dict[str, str]:
    """Name and text of every generated document."""
    engine, evidence = Engine.load(policies), load_evidence(policies)
    return {
        "decision-table.md": decision_table(engine, _lines(policies)),
        "consent-states.md": consent_states(),
        "intake-safety.md": safety_document(policies, engine.safety),
        "evidence.md": evidence_document(evidence, engine.bases.by_id.values()),
    }


def write_documents(policies: Path, folder: Path) -> list[Path]:
    """Write those that changed; returns them."""
    changed: list[Path] = []
    for name, text in documents(policies).items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def stale_documents(policies: Path, folder: Path) -> list[str]:
    """Names of documents that are absent or not as the rules are now."""
    return [
        name
        for name, text in documents(policies).items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def decision_table(engine: Engine, lines: Mapping[str, int]) -> str:
    """Every basis and every gate: what it asks, in words and as written, on which paragraph, and where it stands."""
    parts = [
        "# Decision table\n",
        _GENERATED.format(source="`policies/*.cedar` and `policies/bases.yaml`"),
        "What no basis permits is denied (42 CFR 2.13(a)). A gate outweighs every basis. Each item is decided",
        "by itself; a disclosure has one basis, that of the lowest rank among those that permit its items.\n",
        "*How sure:* `law` = the text says so; `our policy` = our choice on top of it; `ask counsel` = not settled.",
    ]
    for family, title in _FAMILIES.items():
        rows = [
            (basis, rule)
            for basis in engine.bases.by_id.values()
            if basis.family is family
            for rule in _rules_of(basis, engine)
        ]
        parts += [f"\n## {title}\n", _overview(rows, lines)]
        parts += [_basis(basis, rule, lines[rule.citation.id]) for basis, rule in rows]
    closed = {name: rule for name, rule in engine.rules.items() if rule.forbids}
    parts.append("\n## Gates: what no basis opens, and what makes a consent no consent\n")
    parts += [
        _gate(name, rule, lines[name]) for name, rule in closed.items() if rule.file != "guardrails.cedar"
    ]
    parts.append("\n## Guardrails: what no role can be given\n")
    parts += [
        _gate(name, rule, lines[name]) for name, rule in closed.items() if rule.file == "guardrails.cedar"
    ]
    return _joined(parts)


def _rules_of(basis: Basis, engine: Engine) -> list[Rule]:
    """The rules that permit on a basis: the one with its id, and those recorded as it that are no row themselves."""
    return [
        rule
        for name, rule in engine.rules.items()
        if not rule.forbids
        and (name == basis.id or (rule.citation.basis == basis.id and name not in engine.bases.by_id))
    ]


def _overview(rows: Sequence[tuple[Basis, Rule]], lines: Mapping[str, int]) -> str:
    return _table(
        ("rank", "basis", "title", "citation", "how sure", "duties", "accounting", "time limit", "policy"),
        [
            (
                basis.rank,
                rule.citation.id,
                basis.title,
                rule.citation.cite,
                _SURE[rule.citation.conf],
                ", ".join(rule.obligations) or "none",
                "; ".join(filter(None, (_PART2[basis.part2], _HIPAA[basis.hipaa]))) or "none",
                basis.time_limit,
                _place(rule, lines[rule.citation.id]),
            )
            for basis, rule in rows
        ],
    )


def _basis(basis: Basis, rule: Rule, line: int) -> str:
    return "\n".join(
        (
            f"\n### {rule.citation.id} {basis.title}\n",
            f"{rule.citation.text}{_recorded_as(rule)} {_authority(rule, line)}\n",
            *_conditions(rule, "Permits"),
        )
    )


def _recorded_as(rule: Rule) -> str:
    said = rule.citation
    return f" Recorded as {said.basis}." if said.basis and said.basis != said.id else ""


def _gate(name: str, rule: Rule, line: int) -> str:
    said = rule.citation
    asks = {"always": " A person decides.", "if_permitted": " A person decides when all else permits."}
    return "\n".join(
        (
            f"\n### {name}\n",
            f"{said.text}{asks.get(said.review, '')} {_authority(rule, line)}\n",
            *_conditions(rule, "Refuses"),
        )
    )


def _conditions(rule: Rule, effect: str) -> list[str]:
    """Each `when` and each `unless` by itself: all of the one have to hold, and not all of the other."""
    shown: list[str] = []
    for n, condition in enumerate(rule.conditions):
        word = effect if n == 0 else "and"
        head = "when" if condition["kind"] == "when" else "unless"
        shown.append(
            f"{word} {head} all of this holds:\n" if n == 0 else f"\n{word} {head} all of this holds:\n"
        )
        shown += [f"- {in_words(part)}<br>`{as_written(part)}`" for part in parts_of(condition)]
    return shown or [f"{effect} always."]


def _authority(rule: Rule, line: int) -> str:
    return f"({rule.citation.cite}; {_SURE[rule.citation.conf]}; {_place(rule, line)})"


def _place(rule: Rule, line: int) -> str:
    return f"[{rule.file}:{line}](../policies/{rule.file}#L{line})"


def _lines(policies: Path) -> dict[str, int]:
    """Line on which each policy begins."""
    found: dict[str, int] = {}
    for path in sorted(policies.glob("*.cedar")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("@id("):
                found[line.split('"')[1]] = number
    return found


def consent_states() -> str:
    """The diagram and the table of a consent's states."""
    arrows = [
        f"    {start.value} --> {step.to.value}: {act.value}" for (start, act), step in TRANSITIONS.items()
    ]
    ends = [state for state in ConsentState if all(start is not state for start, _ in TRANSITIONS)]
    return _joined(
        [
            "# States of a consent\n",
            _GENERATED.format(source="`service/consent/lifecycle.py`"),
            "Only an *active* consent permits anything, and only while none of the gates of the",
            "[decision table](decision-table.md) stands against it. What is not in the table below is refused.\n",
            "```mermaid\nstateDiagram-v2",
            f"    [*] --> {ConsentState.DRAFT.value}",
            *arrows,
            *(f"    {state.value} --> [*]" for state in ends),
            "```\n",
            _table(
                ("from", "act", "to", "recorded as", "on the page"),
                [
                    (start.value, act.value, step.to.value, f"`{step.action.value}`", step.label)
                    for (start, act), step in TRANSITIONS.items()
                ],
            ),
        ]
    )


def evidence_document(book: EvidenceBook, bases: Iterable[Basis]) -> str:
    """Every kind of evidence: what is asked, who may say so, what it establishes, and which basis rests on it."""
    resting: dict[str, list[str]] = {}
    for basis in bases:
        resting.setdefault(basis.evidence_kind or "", []).append(basis.id)
    parts = [
        "# Evidence\n",
        _GENERATED.format(source="`policies/evidence.yaml`"),
        "What a basis without consent, or beside it, rests on. Evidence counts when it is complete, signed off",
        "by somebody who may, in force, and names the recipient and the item. What follows from it is in the",
        "[decision table](decision-table.md).",
    ]
    for kind, rule in book.kinds.items():
        parts += [f"\n## {kind.value}\n", *_evidence_kind(rule, resting.get(kind.value, []))]
    return _joined(parts)


def _evidence_kind(rule: KindRule, bases: Sequence[str]) -> list[str]:
    lasts = "until it is ended" if rule.lasts_days is None else f"{rule.lasts_days} days (our policy)"
    seen = "compared with a published copy" if rule.source == "seen" else "from memory, to be compared"
    return [
        f"{rule.cite} ({_SURE[rule.conf]}; {seen}). Bases: {', '.join(bases) or 'none'}.\n",
        f"- recorded by: {', '.join(rule.recorded_by)}",
        f"- signed off by: {', '.join(rule.signed_off_by)}{'; nobody else can' if rule.director_only else ''}",
        f"- {'about one patient' if rule.patient else 'an agreement with a recipient'},"
        f" {'stands for later disclosures' if rule.standing else 'made for one occasion'}; lasts {lasts}",
        f"- reaches {'everything unless limited' if rule.reach == 'all' else 'only what it lists'}\n",
        _table(
            ("asked", "answer", "required", "paragraph"),
            [(name, _answer(q), _required(q), q.cite or "") for name, q in rule.fields.items()],
        ),
        "",
        _table(
            ("establishes", "when"),
            [(word, _all_of(conditions)) for word, conditions in rule.says.items()],
        ),
    ]


def _answer(question: Question) -> str:
    return ", ".join(question.choices) if question.choices else question.type.replace("flag", "yes or no")


def _required(question: Question) -> str:
    if question.required_when is not None:
        return f"when {question.required_when.field} is {question.required_when.value}"
    return "yes" if question.required else "no"


def _all_of(conditions: Sequence[Condition]) -> str:
    return "; ".join(map(_condition, conditions)) or "always, once complete"


def _condition(condition: Condition) -> str:
    if condition.check is not None:
        return condition.check.replace("_", " ")
    if condition.some:
        return f"{condition.field} lists at least one"
    if condition.is_ is not None:
        return f"{condition.field} is {_value(condition.is_)}"
    return f"{condition.field} is not {_value(condition.is_not)}"


def _value(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body])


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(parts).rstrip() + "\n"
