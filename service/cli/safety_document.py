"""One page for whoever answers for safety in a clinic: how a flag lives, whose it is, by when, and what raises it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from service.access.safety import SafetyBook, SeverityName
from service.intake.definition import load_catalogue
from service.intake.flags import Flag, FlagRule
from service.intake.medical.loading import load_book
from service.intake.safety.flag import SHORTEST_ACTION, TRANSITIONS, FlagState

_SEVERITIES: Final[tuple[SeverityName, ...]] = ("urgent", "same_day", "review", "form")
_LIFE: Final = """
1. **Heard.** Every save of a form is scored, drafts too. An answer that is itself in range raises its flag even when
   the form is incomplete, contradicts itself or is refused whole: the refusal is answered, the flag is kept.
2. **Kept.** The flag and its ledger entry stand in the transaction of the answer. What it says about the patient is
   sealed; the ledger knows that one was raised, for which role.
3. **Owned.** It belongs to a role at once and to a person as soon as somebody takes it. What another person has taken
   is taken from them only by who says which version they saw.
4. **Timed.** When the clock runs out it goes to {overdue}, the on-call contact of the program is named, and a review is
   opened. Escalation happens once and needs no permission to read about the patient.
5. **Acted on.** It ends only with what was done, in words ({shortest} characters or more, not the flag's own), and where
   the task asks for it with who saw the patient and the outcome. That nobody was reached is no outcome.
6. **Never taken back.** Amending the form, marking it as entered in error, merging the chart, discharging the patient:
   none of them ends a flag. A merged chart's flags are shown with the chart that survives.

**Danger at home.** Answers that raise one of {endangered} mark the patient's entry, whether the form is accepted or not:
nothing goes by mail or onto a voicemail from then on, and the patient's own sign-in does not show it. No change of the
patient's details takes the mark away. Compliance does, with a reason; the next such answers set it again.

**Who can end one.** The front desk any flag, with a licence or without, since it hands over: it writes down who saw the
patient. A clinician of this patient while their licence holds, and an urgent one not under supervision alone: a trainee
takes it, and somebody who signs alone ends it. So when the only clinician's licence has run out, the front desk ends it
with what the on-call clinician or the emergency services did; whoever has both roles does so as the front desk. The flag
stays on everybody's list meanwhile, the clock runs, and an administrator records the licence that was renewed: it counts
from the next call on.

A patient who raises a flag on a form of their own sees neutral words and whom to call ({line}), never a result."""


def safety_document(policies: Path, book: SafetyBook) -> str:
    """The page, from safety.yaml, the instruments and the urgent findings of the medical intake."""
    life = _LIFE.format(
        overdue=f"the role {book.overdue_owner.value}",
        shortest=SHORTEST_ACTION,
        endangered=", ".join(f"`{name}`" for name in book.tasks if book.endangers(name)),
        line=f"{book.crisis_line[0]}, {book.crisis_line[1]}, and the front office",
    )
    arrows = [
        f"    {before.value} --> {step.after.value}: {act.value}"
        for (before, act), step in TRANSITIONS.items()
    ]
    sources = "`policies/safety.yaml`, `policies/instruments` and `policies/intake/urgent.yaml`"
    parts = [
        "# How a safety flag lives\n",
        f"Written by `consentry policies docs` from {sources}; change those, never this file.\n",
        "Clocks and owners are rules of the program (our policy), not of the instruments' authors.",
        life,
        "\n```mermaid\nstateDiagram-v2",
        f"    [*] --> {FlagState.OPEN.value}",
        *arrows,
        f"    {FlagState.ACKNOWLEDGED.value} --> [*]",
        "```\n",
        "## Tasks\n",
        _table(("task", "whose", "minutes", "an urgent one asks", "what counts as an action"), _tasks(book)),
        "\nA task that no row names falls to the row `otherwise`; nothing shipped does.\n",
        "## What raises a flag\n",
        "Beside these: rules of placement that say EMERGENCY, three missed days in a row and use on three days of a",
        "week (care plan), a placement that has to be looked at again, and answers that contradict each other.\n",
        _table(("where", "flag", "severity", "task", "next step"), _raised(policies)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _tasks(book: SafetyBook) -> Iterable[Sequence[str]]:
    for name, task in (*book.tasks.items(), ("otherwise", book.otherwise)):
        minutes = {one: task.minutes.get(one, book.clocks[one]) for one in _SEVERITIES}
        yield (
            f"`{name}`",
            task.owner.value,
            ", ".join(f"{one} {given}" for one, given in minutes.items()),
            ", ".join(task.asks.get("urgent", ())) or "-",
            "; ".join(task.actions.values()),
        )


def _raised(policies: Path) -> Iterable[Sequence[str]]:
    for one in load_catalogue(policies / "instruments").current():
        yield from (_row(one.key, flag) for flag in one.flags if flag.task is not None)
    yield from (_row("medical intake", flag) for flag in load_book(policies).urgent.values())


def _row(where: str, flag: Flag | FlagRule) -> Sequence[str]:
    return where, f"`{flag.code}`", flag.severity.value, f"`{flag.task}`", flag.next_step


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body])
