"""What a sent form says as one signature event. Nothing is judged here but whether it can be read at all."""

from collections.abc import Iterator, Mapping
from typing import Final, cast, get_args

from service.admission.packet.model import Outcome
from service.admission.packet.signing import Answer, Device, How, NewSignature, Reader, Signer, SignerRole
from service.admission.packet.texts import FormText
from service.errors import Code, FieldError, Invalid
from service.web.words import words_in

#: What staff choose from at the desk; what a patient does has words in their language.
OUTCOMES: Final = {
    "signed": "Signed",
    "given": "Given to the patient, and noted",
    "declined": "The patient does not want to sign",
}
ROLES: Final = {
    "patient": "The patient",
    "parent": "A parent",
    "guardian": "A guardian",
    "personal_representative": "A personal representative",
}
READERS: Final = {
    "self": "The signer read it",
    "read_aloud": "It was read aloud",
    "interpreter": "With an interpreter",
}
DEVICES: Final = {
    "staff_device": "This device",
    "shared_tablet": "A tablet of the house",
    "paper": "Paper, kept in the file",
    "own_device": "The signer's own device",
}
_LENGTHS: Final = {"attestation": 2000}
_MOST: Final = 200
_MOST_OF_ANSWER: Final = 500


def event_in(sent: Mapping[str, str], text: FormText | None, *, own: bool) -> NewSignature:
    """What was sent as one event. Raises Invalid for what is no choice of ours or too long."""
    if faults := tuple(_unreadable(sent, own=own)):
        raise Invalid(Code.FORM_INVALID, "This form is not complete.", faults)
    role = sent.get("signer.role") or ("patient" if own or sent.get("signer.name") else "")
    outcome = Outcome(sent["outcome"])
    by_name = _said(sent, "signer.name")
    signs = outcome is Outcome.SIGNED or by_name is not None or (role and not own)
    language = sent.get("language", "")
    marked = sent.get("attestation") == "yes"
    return NewSignature(
        outcome=outcome,
        text_version=sent.get("text_version", ""),
        text_sha256=sent.get("text_sha256", ""),
        language=language,
        reader=Reader(
            cast("How", sent.get("reader.how") or "self"),
            _said(sent, "reader.interpreter_id"),
            _said(sent, "reader.interpreter_name"),
        ),
        device=cast("Device", "own_device" if own else sent["device"]),
        signer=Signer(cast("SignerRole", role or "patient"), by_name or "", _said(sent, "signer.authority"))
        if signs
        else None,
        witness=_said(sent, "witness"),
        attestation=words_in(language)["sign_mark"] if marked else None,
        reason=_said(sent, "reason"),
        answers={} if text is None else dict(_answers(sent, text)),
    )


def _unreadable(sent: Mapping[str, str], *, own: bool) -> Iterator[FieldError]:
    if sent.get("outcome") not in set(Outcome):
        yield FieldError("outcome", "missing", "Say what was done.")
    choices: dict[str, tuple[object, ...]] = {
        "signer.role": get_args(SignerRole),
        "reader.how": get_args(How),
    }
    if not own:
        choices["device"] = get_args(Device)
        for name, words in (("reader.how", "Say how it was read."), ("device", "Say on what it is signed.")):
            if not sent.get(name):
                yield FieldError(name, "missing", words)
    for name, allowed in choices.items():
        if sent.get(name) and sent[name] not in allowed:
            yield FieldError(name, "unknown_code", "One of those on the page.")
    for name, given in sent.items():
        if len(given) > (_MOST_OF_ANSWER if name.startswith("answers.") else _LENGTHS.get(name, _MOST)):
            yield FieldError(name, "too_long", f"At most {_MOST} characters.")


def _answers(sent: Mapping[str, str], text: FormText) -> Iterator[tuple[str, Answer]]:
    """What was answered; a question nobody answered is not there."""
    for one in text.questions:
        given = sent.get(f"answers.{one.key}", "").strip()
        if one.type == "yes_no" and given in ("yes", "no"):
            yield one.key, given == "yes"
        elif given:
            yield one.key, given


def _said(sent: Mapping[str, str], name: str) -> str | None:
    return sent.get(name, "").strip() or None
