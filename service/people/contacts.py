"""Whom and how the program may reach: safe channels, and what may be said to whom. Pure, over demographics.

A channel nobody said to be safe is not safe. A contact person is not a consent: whether somebody may hear that the
patient comes here at all is the patient's own answer, and nothing beyond that is said without a consent (42 CFR 2.13).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast

from service.errors import FieldError
from service.people.endangerment.mark import is_endangered
from service.vault.blindindex import normalise_name

#: What staff say to somebody who may not hear more: it names neither the program nor why.
DEFAULT_SCRIPT: Final = (
    "I have a message for them. Please ask them to call back the number I am calling from."
)


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_DIGITS = re.compile(r"\d")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class Channel(StrEnum):
    EMAIL = "email"
    TEXT = "text"
    VOICE = "voice"
    MAIL = "mail"


class MaySay(StrEnum):
    """The patient's answer to: may we tell this person that you attend here?"""

    YES = "yes"
    NO = "no"
    EMERGENCY_ONLY = "emergency_only"


class Authority(StrEnum):
    """In what capacity somebody decides for the patient, as their papers have it. Who signs a consent is decided by
    recorded relationships (42 CFR 2.14, 2.15), not by this entry.
    """

    HEALTH_CARE_PROXY = "health_care_proxy"
    GUARDIAN = "guardian"
    CONSERVATOR = "conservator"


@dataclass(frozen=True, slots=True, repr=False)
class Telling:
    """What may be said to one person: whether the patient attends here at all, and the words to use."""

    attendance: bool
    script: str


@dataclass(frozen=True, slots=True, repr=False)
class SafeChannel:
    """A channel that may be used now. `code_word`: what the caller says so that the patient knows who it is."""

    channel: Channel
    address: str
    code_word: str | None
    #: A message may be left (voice only).
    voicemail: bool = False


def safe_channels(document: Mapping[str, Any], at: datetime) -> tuple[SafeChannel, ...]:
    """Channels that are safe at `at`, which is told in the zone of the patient's times (the program's).

    Times are those of the wall clock: in the hour that comes twice a window holds twice, in the one that is left out
    never. `from` belongs to the window, `to` does not; a window may cross midnight. Where the patient is in danger at
    home (`is_endangered`) nothing goes by mail and no message is left.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    endangered = is_endangered(document)
    found: list[SafeChannel] = []
    for given in entries(document.get("channels")):
        channel = Channel(str(given["channel"]))
        if given.get("safe") is not True or (endangered and channel is Channel.MAIL):
            continue
        if not _within(given.get("from"), given.get("to"), at.strftime("%H:%M")):
            continue
        voicemail = channel is Channel.VOICE and given.get("voicemail") is True and not endangered
        found.append(SafeChannel(channel, str(given["address"]), given.get("code_word"), voicemail))
    return tuple(found)


def may_tell(document: Mapping[str, Any], contact: Mapping[str, Any], emergency: bool) -> Telling:
    """What may be said to `contact`, an entry of the patient's contacts as it stands in the document.

    Somebody who is not (or no longer) an entry of it hears nothing, and neither does one about whom nothing was
    answered: nobody asked is not yes. The patient's own script is used where there is one.
    """
    answer = contact.get("may_say") if contact in entries(document.get("contacts")) else None
    told = answer == MaySay.YES or (answer == MaySay.EMERGENCY_ONLY and emergency)
    script = contact.get("script") if told or answer == MaySay.NO else None
    return Telling(told, str(script or DEFAULT_SCRIPT))


# -- what is wrong with a document ---------------------------------------------------------------------


def reach_faults(document: Mapping[str, Any], at: str) -> Iterable[FieldError]:
    """Faults of `phone` and `email` of a patient or a contact; `at` is the path of the object."""
    if document.get("phone") is not None and not _is_phone(document["phone"]):
        yield FieldError(f"{at}phone", "malformed", "A telephone number has 5 to 20 digits.")
    if document.get("email") is not None and not _is_email(document["email"]):
        yield FieldError(f"{at}email", "malformed", "An e-mail address has one @.")


def contact_faults(document: Mapping[str, Any]) -> Iterable[FieldError]:
    """Faults of channels, contacts and representatives."""
    for number, channel in enumerate(entries(document.get("channels"))):
        yield from _channel_faults(channel, f"channels[{number}].")
    for member in ("contacts", "representatives"):
        for number, contact in enumerate(entries(document.get(member))):
            at = f"{member}[{number}]."
            if not normalise_name(str(contact.get("name", ""))):
                yield FieldError(f"{at}name", "no_letters", "A name needs letters or digits.")
            yield from reach_faults(contact, at)


def language_faults(document: Mapping[str, Any]) -> Iterable[FieldError]:
    """Faults of the language and of the interpreter: who needs one says for which language, or sign language."""
    language, interpreter = document.get("language"), document.get("interpreter")
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        yield FieldError("language", "malformed", "A language tag such as en or es-MX (BCP 47).")
    if not isinstance(interpreter, Mapping):
        return
    given = cast("Mapping[str, Any]", interpreter)
    spoken, needed = given.get("language"), given.get("needed")
    if spoken is not None and not _LANGUAGE.fullmatch(str(spoken)):
        yield FieldError("interpreter.language", "malformed", "A language tag such as en or es-MX (BCP 47).")
    if needed is None:
        yield FieldError("interpreter.needed", "missing", "Say whether an interpreter is needed.")
    if needed is True and not (spoken or language or given.get("asl")):
        yield FieldError("interpreter.language", "missing", "Say for which language, or asl.")
    if document.get("interpreter_needed") not in (None, needed):
        yield FieldError("interpreter_needed", "contradictory", "Say the same here as in interpreter.")


def needs_interpreter(document: Mapping[str, Any]) -> bool:
    """Whether somebody has to interpret, wherever in the patient's entry it is said."""
    interpreter = document.get("interpreter")
    said = cast("Mapping[str, Any]", interpreter).get("needed") if isinstance(interpreter, Mapping) else None
    return said is True or document.get("interpreter_needed") is True


def unsaid(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be said in the patient's entry before anybody is written to, and is not: of every telephone number and
    e-mail address whether it is safe (`channels`), and whether an interpreter is needed (`interpreter`).
    """
    said = {str(given.get("address")).strip().casefold() for given in entries(document.get("channels"))}
    given = [str(document[name]).strip().casefold() for name in ("phone", "email") if document.get(name)]
    interpreter = document.get("interpreter")
    needed = (
        cast("Mapping[str, Any]", interpreter).get("needed") if isinstance(interpreter, Mapping) else None
    )
    asked = isinstance(needed, bool) or isinstance(document.get("interpreter_needed"), bool)
    lacking = (("channels", any(one not in said for one in given)), ("interpreter", not asked))
    return tuple(name for name, absent in lacking if absent)


def _channel_faults(channel: Mapping[str, Any], at: str) -> Iterable[FieldError]:
    kind, address = channel.get("channel"), channel.get("address")
    match kind:
        case "email":
            fits, words = _is_email(address), "An e-mail address has one @."
        case "mail":
            fits, words = bool(normalise_name(str(address))), "A postal address needs letters or digits."
        case _:
            fits, words = _is_phone(address), "A telephone number has 5 to 20 digits."
    if not fits:
        yield FieldError(f"{at}address", "malformed", words)
    if channel.get("voicemail") is True and kind != "voice":
        yield FieldError(f"{at}voicemail", "not_applicable", "Only a telephone has a voicemail.")
    window = {name: channel[name] for name in ("from", "to") if channel.get(name) is not None}
    unreadable = [name for name, written in window.items() if not is_clock_time(written)]
    for name in unreadable:
        yield FieldError(f"{at}{name}", "malformed", "A time of day is written HH:MM.")
    if not unreadable and len(window) == 2 and window["from"] == window["to"]:
        yield FieldError(f"{at}to", "contradictory", "Leave both out for any time of day.")


def _is_phone(value: object) -> bool:
    return 5 <= len(_DIGITS.findall(str(value))) <= 20


def _is_email(value: object) -> bool:
    return _EMAIL.fullmatch(str(value)) is not None


# -- reading a document --------------------------------------------------------------------------------


def entries(value: object) -> Sequence[Mapping[str, Any]]:
    """A list of objects in a document, or none."""
    return cast("Sequence[Mapping[str, Any]]", value) if isinstance(value, list | tuple) else ()


def is_clock_time(written: object) -> bool:
    """Whether this is a time of day written HH:MM."""
    return isinstance(written, str) and _CLOCK_TIME.fullmatch(written) is not None


def _within(begins: object, ends: object, now: str) -> bool:
    """Whether a time of day (HH:MM, so compared as text) lies in a window; without a beginning or an end it is open on
    that side. An unreadable window is no permission.
    """
    if any(one is not None and not is_clock_time(one) for one in (begins, ends)):
        return False
    first, last = str(begins or "00:00"), str(ends or "24:00")
    if first <= last:
        return first <= now < last
    return now >= first or now < last
