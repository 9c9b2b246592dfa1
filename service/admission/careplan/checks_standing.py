"""Rules about how a plan stands: reviews, signatures, flags, team, words, labels, its day (CP-09 to 12, 20 to 22)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.careplan.facts import PlanFacts
from service.admission.careplan.finding import Fault
from service.admission.careplan.paragraphs import texts
from service.admission.careplan.parts import Area, Decided, SignerKind
from service.labels import Label

#: What nobody would leave in a plan on purpose.
_PLACEHOLDER: Final = re.compile(r"[{}]|\[\[|\]\]|<[a-z _-]+>|_{3,}|\bX{3,}\b|lorem ipsum", re.IGNORECASE)
#: A person by title and family name: the only form in which a name can be told from other words.
_TITLED: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Miss)\.?\s+([^\W\d_][\w'’-]+)")
#: The least a plan bears for a problem of an area (CP-21): what an item rests on may add more.
LABEL_OF: Final = {
    Area.SUBSTANCE_USE: Label.SUD,
    Area.CRAVING: Label.SUD,
    Area.PROTECTION: Label.SUD,
    Area.WITHDRAWAL: Label.SUD,
    Area.DEPRESSION: Label.PSY,
    Area.ANXIETY: Label.PSY,
    Area.TRAUMA: Label.PSY,
    Area.SELF_HARM: Label.PSY,
    Area.PARTNER_VIOLENCE: Label.SDV,
    Area.PREGNANCY: Label.REPRO,
}


def inherited(content: Content) -> frozenset[Label]:
    """Labels a plan takes from its problems: what they are about, what they are coded as, what was put on them."""
    labels: set[Label] = set()
    for one in content.problems:
        labels.update(one.labels)
        if one.area in LABEL_OF:
            labels.add(LABEL_OF[one.area])
        if one.code is not None and one.code.startswith("F1"):
            labels.add(Label.SUD)
        elif one.code is not None and one.code.startswith("F"):
            labels.add(Label.PSY)
    if any(one.purpose in ("moud", "maud") for one in content.medicines):
        labels.add(Label.SUD)
    return frozenset(labels)


def review_day(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-09: within the days of the profile, from the start and from each review."""
    since = max(content.starts_on, facts.reviewed_on or content.starts_on)
    last = since + timedelta(days=facts.review_days)
    if content.review_on <= since:
        yield Fault("review_on", "A review lies ahead.")
    elif content.review_on > last:
        yield Fault("review_on", f"On {last.isoformat()} at the latest ({facts.review_source}).")


def signed(_content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-10: a clinician's word, and the patient's or why there is none; a guardian's where one decides."""
    by = {kind: [one for one in facts.signatures if one.kind is kind] for kind in SignerKind}
    if not by[SignerKind.CLINICIAN]:
        yield Fault("signatures", "A clinician has not signed.")
    if not by[SignerKind.PATIENT]:
        yield Fault("signatures", "The patient has not signed, and no refusal or inability is written down.")
    if facts.guardian_signs and not by[SignerKind.GUARDIAN]:
        yield Fault("signatures", "The guardian has not signed.")
    hours = book.values["cosign_hours"]
    for one in by[SignerKind.CLINICIAN]:
        if one.trainee and not by[SignerKind.SUPERVISOR] and _past(one.at, hours, facts.now):
            yield Fault(
                "signatures", f"A trainee's signature waits for the supervisor's; {hours} hours are over."
            )


def cosigning(_content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-10, while there is time: the supervisor still has to sign; a disagreement is talked about."""
    supervised = any(one.kind is SignerKind.SUPERVISOR for one in facts.signatures)
    hours = book.values["cosign_hours"]
    for one in facts.signatures:
        if one.trainee and not supervised and not _past(one.at, hours, facts.now):
            yield Fault("signatures", f"A trainee signed: the supervisor co-signs within {hours} hours.")
        if one.decision is Decided.DISAGREES:
            yield Fault("signatures", "The patient disagrees: say in the plan with what.")


def flags(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-11: what was urgent in the last days has an answer in the plan."""
    since = facts.today - timedelta(days=book.values["flag_days"])
    answered = {flag for one in content.problems for flag in one.flags}
    noted = {name for name, note in content.safety.flag_notes.items() if note.strip()}
    for flag in facts.flags:
        if flag.urgent and flag.raised_on >= since and flag.id not in answered and str(flag.id) not in noted:
            yield Fault("problems", f"The urgent flag {flag.id} has neither a problem nor a note.")
    suicidal = facts.suicide_positive or any(one.suicide and one.raised_on >= since for one in facts.flags)
    if suicidal and content.safety.safety_plan not in facts.safety_plans:
        yield Fault("safety.safety_plan", "A suicide screen is positive: link the safety plan.")


def team(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-12: nobody outside the program is on the team without a consent that reaches them (42 CFR 2.31, 2.33)."""
    for place, one in enumerate(content.team):
        if one.recipient_id is None:
            continue
        word = facts.consents.get(one.recipient_id, "none")
        if word == "ended":
            yield Fault(
                f"team[{place}]", "The consent that covered this member has ended: nothing is shared."
            )
        elif word == "none":
            yield Fault(f"team[{place}]", "No consent covers sharing this plan with this member.")


def words(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-20: nothing left of a form, nobody who does not belong here.

    Other charts are not opened to look for names. What is looked for: placeholders; and a title with a family name that
    is neither the patient's, nor of somebody the patient named, nor of the team or a prescriber.
    """
    known = set(facts.names)
    for named in (
        *(one.name for one in content.team),
        *(one.prescriber for one in content.medicines),
        content.reviewer or "",
        content.safety.emergency_contact or "",
        content.leaving.aftercare.provider or "",
    ):
        known.update(re.findall(r"[\w'’-]+", named.casefold()))
    for field, text in texts(content):
        if _PLACEHOLDER.search(text):
            yield Fault(field, "A placeholder of the template is still here.")
        if any(name.casefold() not in known for name in _TITLED.findall(text)):
            yield Fault(field, "A person is named who is not in this plan.")


def cloned(_content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-20: the same paragraph in the plans of many people is about none of them. How many is said, never whose; and
    nothing is said below the limit, so that nobody learns by trying what one other chart says.
    """
    for field, others in facts.elsewhere.items():
        if others + 1 > book.values["cloned_patients"]:
            yield Fault(field, f"This paragraph stands in the plans of {others} other patients too.")


def labelled(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-21: a plan is never less sensitive than what it speaks of."""
    lacking = (inherited(content) | facts.evidence_labels) - facts.labels
    if lacking:
        codes = ", ".join(sorted(label.value for label in lacking))
        yield Fault("labels", f"The plan has to bear: {codes}.")


def back_dated(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-22: what is late is late; the service's clock says when a plan was begun."""
    if content.starts_on < facts.created_on:
        yield Fault(
            "starts_on", f"This plan was begun on {facts.created_on.isoformat()}: it starts then or later."
        )


def late(_content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-22: the first plan has its day; afterwards it is overdue."""
    if facts.due_at is not None and facts.now > facts.due_at:
        yield Fault("starts_on", f"Overdue since {facts.due_at.isoformat()}.")


def _past(at: str, hours: int, now: datetime) -> bool:
    return now > datetime.fromisoformat(at) + timedelta(hours=hours)
