"""When a signature event on a form may be kept: everything that is wrong with it, at once (K1-K6). Pure.

One form, one event: there is no way to sign several. Nothing is ticked beforehand, because an answer that was not given
is missing. The words signed are those in force, by their hash. Who cannot decide now does not sign now.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.admission.packet.catalogue import ItemRule
from service.admission.packet.model import Outcome
from service.admission.packet.texts import FormText, Question
from service.errors import FieldError

SignerRole = Literal["patient", "parent", "guardian", "personal_representative"]
How = Literal["self", "read_aloud", "interpreter"]
Device = Literal["staff_device", "shared_tablet", "own_device", "paper"]
Answer = bool | str | None

_STATE_LAW = "42 CFR 2.14"
_REPRESENTATIVES = ("guardian", "personal_representative")


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Who signs. `authority`: what it rests on, where somebody signs for the patient."""

    role: SignerRole
    name: str
    authority: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Reader:
    """How the words reached the signer. `interpreter`: name and id of a professional, never of a relative."""

    how: How
    interpreter_id: str | None = None
    interpreter_name: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NewSignature:
    """One event as it was given."""

    outcome: Outcome
    text_version: str
    text_sha256: str
    language: str
    reader: Reader
    device: Device
    signer: Signer | None = None
    witness: str | None = None
    attestation: str | None = None
    reason: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])


@dataclass(frozen=True, slots=True)
class Signatory:
    """What decides who may sign today. None: nobody knows, and the careful reading counts."""

    minor: bool | None
    may_sign_alone: bool
    adjudicated: bool = False
    interpreter_needed: bool = False
    caller_is_patient: bool = False
    intoxicated: bool = False
    incapable: bool = False
    deceased: bool = False


def not_now(rule: ItemRule, new: NewSignature, who: Signatory) -> str | None:
    """Why this patient cannot sign, refuse or take notice at this time, in words; None when they can (K6; 42 CFR 2.22: a
    notice may follow when capacity returns). Somebody who signs for the patient is not the one who cannot, and what
    staff note of their own work waits for nobody.
    """
    if new.signer is not None and new.signer.role != "patient":
        return None
    if new.outcome is Outcome.GIVEN and "new_text" not in rule.again_on:
        return None
    if who.intoxicated:
        return "The patient is under the influence now. Offer it again when that has passed."
    if who.incapable:
        return "The patient cannot decide at this time. Offer it again when that has passed."
    return None


def faults_of(rule: ItemRule, text: FormText, new: NewSignature, who: Signatory) -> tuple[FieldError, ...]:
    """Everything that keeps this event from being kept; empty when it is whole."""
    return (
        *_outcome_faults(rule, new, who),
        *_signer_faults(rule, new, who),
        *_reader_faults(new, who),
        *(_answer_faults(text, new) if new.outcome is not Outcome.DECLINED else ()),
    )


def _outcome_faults(rule: ItemRule, new: NewSignature, who: Signatory) -> Iterator[FieldError]:
    allowed = set(rule.done_by.names if rule.is_form else ())
    if rule.can_be_declined:
        allowed.add(Outcome.DECLINED.value)
    if new.outcome.value not in allowed:
        yield FieldError("outcome", "not_possible", f"Possible here: {', '.join(sorted(allowed))}.")
    if new.outcome is Outcome.GIVEN and who.caller_is_patient:
        yield FieldError("outcome", "not_yours", "Staff note what they gave.")
    if new.outcome is Outcome.DECLINED and _blank(new.reason):
        yield FieldError("reason", "missing", "Say why, in the patient's words or yours.")


def _signer_faults(rule: ItemRule, new: NewSignature, who: Signatory) -> Iterator[FieldError]:
    signer = new.signer
    if signer is None:
        if new.outcome is Outcome.SIGNED:
            yield FieldError("signer", "missing", "Say who signs.")
        return
    if _blank(signer.name):
        yield FieldError("signer.name", "missing", "A signature has a name.")
    if new.outcome is Outcome.SIGNED and _blank(new.attestation):
        yield FieldError("attestation", "missing", "The signer says that this is their signature.")
    if signer.role != "patient" and _blank(signer.authority):
        yield FieldError(
            "signer.authority", "missing", "Say what the authority to sign rests on.", _STATE_LAW
        )
    if who.caller_is_patient and signer.role != "patient":
        yield FieldError("signer.role", "not_yours", "You sign for yourself here.")
    if new.outcome is Outcome.SIGNED and (words := _wrong_signer(rule, signer.role, who)):
        yield FieldError("signer.role", "not_allowed", words, _STATE_LAW)


def _wrong_signer(rule: ItemRule, role: SignerRole, who: Signatory) -> str | None:
    """Who signs: an adult in person; for a minor whom state law does not let decide, a parent or guardian, wherever the
    form is one that comes back on the 18th birthday; for somebody a court found unable, their representative.
    """
    if who.adjudicated:
        return None if role in _REPRESENTATIVES else "A court has named somebody who signs for this patient."
    if who.minor is False:
        return None if role == "patient" else "An adult signs in person."
    if role == "personal_representative":
        return "A parent or guardian signs for a minor."
    if role == "patient" and "birthday_18" in rule.again_on and not who.may_sign_alone:
        return "By the law of the state, as far as it is known here, a parent or guardian signs."
    return None


def _reader_faults(new: NewSignature, who: Signatory) -> Iterator[FieldError]:
    reader = new.reader
    if who.interpreter_needed and reader.how != "interpreter":
        yield FieldError("reader.how", "interpreter_needed", "This patient needs an interpreter.")
    if reader.how == "interpreter" and (_blank(reader.interpreter_id) or _blank(reader.interpreter_name)):
        yield FieldError("reader.interpreter_id", "missing", "Name the interpreter, with their id.")


def _answer_faults(text: FormText, new: NewSignature) -> Iterator[FieldError]:
    asked = {question.key: question for question in text.questions}
    if set(new.answers) - set(
        asked
    ):  # a key nobody wrote a form with is not given back: it could be anything
        yield FieldError("answers", "unknown", "The form does not ask all of this.")
    for key, question in asked.items():
        given = new.answers.get(key)
        if given is None:
            if _needed(question, new.answers):
                yield FieldError(
                    f"answers.{key}", "missing", "This answer is needed; nothing is ticked for anybody."
                )
        elif fault := _unfit(question, given):
            yield FieldError(f"answers.{key}", *fault)


def _needed(question: Question, answers: Mapping[str, Answer]) -> bool:
    if question.required_if is None:
        return question.required
    other, value = question.required_if
    return answers.get(other) is value


def _unfit(question: Question, given: bool | str) -> tuple[str, str] | None:
    match question.type:
        case "yes_no":
            if not isinstance(given, bool):
                return "wrong_type", "true or false is expected."
            if question.must is not None and given is not question.must:
                return "not_complete", "With this answer the form is not complete."
        case "choice":
            if given not in question.choices:
                return "unknown_code", f"One of: {', '.join(question.choices)}."
        case "text":
            if not isinstance(given, str) or not 0 < len(given.strip()) <= 500:
                return "wrong_type", "A text of up to 500 characters is expected."
    return None


def _blank(text: str | None) -> bool:
    return text is None or not text.strip()
