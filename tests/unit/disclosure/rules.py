"""The real policies, tables and notices, loaded once, and callers to judge with."""

from pathlib import Path
from uuid import UUID

from service.access.actions import Action
from service.access.caller import Caller, CallerKind, Role
from service.access.decision import Decision, Obligation
from service.access.engine import Engine
from service.access.facts import ReleaseFacts, UseFacts
from service.disclosure.decide import Judge
from service.disclosure.duties import Discharge, undischarged
from service.disclosure.notice import Notice, read_notices
from service.disclosure.rulebook import load_rules
from service.ids import AccountId, ProgramId, SessionId
from tests.unit.consent.cases import BOOK, POLICIES

ENGINE = Engine.load(POLICIES)
CITATIONS = {name: rule.citation for name, rule in ENGINE.rules.items()}
RULES = load_rules(POLICIES, ENGINE, BOOK)
REASONS_TEXT = (POLICIES / "reasons.yaml").read_text(encoding="utf-8")
REASONS = RULES.reasons
NOTICE_TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in Path(POLICIES / "notices").iterdir()}
NOTICES = read_notices(NOTICE_TEXTS)


def staff(role: Role = Role.CLINICIAN) -> Caller:
    """A member of staff of one program."""
    return Caller(
        CallerKind.STAFF,
        AccountId(UUID(int=1)),
        ProgramId(UUID(int=2)),
        SessionId(UUID(int=3)),
        frozenset({role}),
        frozenset({"U1"}),
    )


def judge(purpose: str = "TREAT", caller: Caller | None = None) -> Judge:
    """The policies as this caller meets them, with `purpose` stated for the call."""

    def ask(facts: ReleaseFacts) -> Decision:
        return ENGINE.decide(Action.DISCLOSURE_RELEASE, caller or staff(), purpose, facts)

    return ask


def use(facts: UseFacts, role: Role, purpose: str = "TREAT") -> Decision:
    return ENGINE.decide(Action.RECORD_USE, staff(role), purpose, facts)


def missing_duty(*, notice_text: str | None, consent_copy: str | None, explanation: str | None) -> str | None:
    """The code of the first duty of 2.32 that an act with these texts would not discharge, or None."""
    notice = None if notice_text is None else Notice("as given", notice_text, "")
    texts = [text for text in (consent_copy, explanation) if (text or "").strip()]
    done = Discharge(notice=notice, explanation=texts[0] if texts else consent_copy or explanation)
    duties = (Obligation.NOTICE_2_32, Obligation.COPY_OR_EXPLANATION_OF_CONSENT)
    return next((code for _, code in undischarged(duties, done, RULES.standards)), None)
