"""Compliance adopts the words of consents; drafts are written in the words in force today.

A file is adopted by its hash. Words that were changed under a program that has adopted them are an incident, not a
new version: no draft is written in them (IntegrityError, which the runner records). Consents signed before are
judged by what they render to, each by itself.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from service.access.actions import Action
from service.consent.model import ConsentKind
from service.consent.rulebook import Rulebook
from service.consent.texts import records
from service.consent.texts.adoption import Adoption, in_force, needs_recollection, versions_that_stay
from service.consent.wording import ConsentText, TextVersion
from service.errors import Code, Conflict, FieldError, IntegrityError, Invalid, NotFound
from service.ids import new_id
from service.people.facts import program_day
from service.work import Json, Work

KIND = "consent_text"


@dataclass(frozen=True, slots=True)
class Adopting:
    """What compliance decides."""

    version: str
    effective_from: date
    recollect_by: date | None = None


@dataclass(frozen=True, slots=True)
class TextView:
    """A version as it stands with this program. `adoption` None: installed, not adopted. `intact`: its files are
    those that were adopted.
    """

    installed: TextVersion
    adoption: Adoption | None
    in_force: bool

    @property
    def intact(self) -> bool:
        return self.adoption is None or self.adoption.text_hash == self.installed.sha256


@dataclass(frozen=True, slots=True)
class Recollection:
    """A consent to be signed again, by whom and by when: ids only."""

    consent_id: UUID
    patient_id: UUID
    text_version: str | None
    recollect_by: date


def adopt(work: Work, book: Rulebook, given: Adopting) -> TextView:
    """Use a version from a day on. Once, and not for the past: what was drafted until now keeps its words."""
    work.require(Action.CONSENT_TEXT_ADOPT, object_kind=KIND)
    today = program_day(work)
    known = records.adoptions(work)
    installed = _checked(book, given, today)
    adoption = Adoption(
        id=new_id(work.now),
        program_id=work.caller.program_id,
        version=given.version,
        text_hash=installed.sha256,
        effective_from=given.effective_from,
        recollect_by=given.recollect_by,
        adopted_by=work.caller.account_id,
        adopted_at=work.now,
    )
    if not records.add(work, adoption):
        raise Conflict(
            Code.CONSENT_TEXT_ADOPTED, "This version has been adopted already; words once adopted stay."
        )
    work.record(
        action=Action.CONSENT_TEXT_ADOPT,
        object_kind=KIND,
        object_id=adoption.id,
        detail={
            "version": adoption.version,
            "sha256": adoption.text_hash,
            "effective_from": adoption.effective_from.isoformat(),
            "recollect_by": None if adoption.recollect_by is None else adoption.recollect_by.isoformat(),
        },
    )
    return _view(book, installed, [*known, adoption], today)


def list_texts(work: Work, book: Rulebook) -> list[TextView]:
    """Every version that is installed, newest first, with its adoption by this program."""
    work.require(Action.CONSENT_TEXT_READ, object_kind=KIND)
    known, today = records.adoptions(work), program_day(work)
    found = [_view(book, book.versions[name], known, today) for name in sorted(book.versions, reverse=True)]
    _record_read(work, None, {"listed": [one.installed.version for one in found]})
    return found


def read_text(work: Work, book: Rulebook, version: str) -> TextView:
    """One version. NotFound when no such version is installed."""
    work.require(Action.CONSENT_TEXT_READ, object_kind=KIND)
    installed = book.versions.get(version)
    if installed is None:
        raise NotFound(Code.NOT_FOUND, "There is no such version of the text.")
    view = _view(book, installed, records.adoptions(work), program_day(work))
    _record_read(work, None if view.adoption is None else view.adoption.id, {"version": version})
    return view


def adoption_made(work: Work, book: Rulebook, adoption_id: UUID) -> TextView:
    """What an adoption made before looks like now (a repeated request)."""
    work.require(Action.CONSENT_TEXT_READ, object_kind=KIND)
    known = records.adoptions(work)
    made = next((one for one in known if one.id == adoption_id), None)
    installed = None if made is None else book.versions.get(made.version)
    if made is None or installed is None:
        raise NotFound(Code.NOT_FOUND, "There is no such version of the text.")
    _record_read(work, made.id, {"version": made.version})
    return _view(book, installed, known, program_day(work))


def to_recollect(work: Work, *, after: UUID, at_most: int) -> list[Recollection]:
    """Active consents in words that were replaced and are to be signed again, by id. Nothing of them is opened."""
    work.require(Action.CONSENT_TEXT_RECOLLECT, object_kind=KIND)
    known, today = records.adoptions(work), program_day(work)
    newer = versions_that_stay(known, today)
    rows = [] if newer is None else records.in_older_words(work, newer, after=after, at_most=at_most)
    found = [
        Recollection(consent_id, patient_id, version, due)
        for consent_id, patient_id, version in rows
        if (due := needs_recollection(version, known, today)) is not None
    ]
    work.record(
        action=Action.CONSENT_TEXT_RECOLLECT,
        object_kind=KIND,
        object_id=None,
        detail={"listed": [str(one.consent_id) for one in found]},
    )
    return found


# -- for operations on consents: inside an act that is allowed already --------------------------------


def words_in_force(work: Work, book: Rulebook, language: str, kind: ConsentKind) -> ConsentText:
    """The words a draft of this kind is written in today: of the version adopted, or where the program has adopted
    none, of the newest installed. Invalid where that version has no words in the language or for the kind.

    Raises IntegrityError when the files adopted are not there, or no longer the same.
    """
    adoption = in_force(records.adoptions(work), program_day(work))
    installed = book.versions.get(book.current if adoption is None else adoption.version)
    if installed is None or (adoption is not None and adoption.text_hash != installed.sha256):
        raise IntegrityError
    text = installed.of(language)
    if text is None:
        raise _no_words("language", "The words in force are not written in this language.")
    if not text.speaks_of(kind):
        raise _no_words("kind", "The words in force are older and do not speak of this kind of consent.")
    return text


def refuse_changed_words(work: Work, book: Rulebook, version: str) -> None:
    """IntegrityError when this program has adopted the version and its files have changed since."""
    installed = book.versions.get(version)
    for adoption in records.adoptions(work):
        if adoption.version == version and (installed is None or installed.sha256 != adoption.text_hash):
            raise IntegrityError


# -- inside ----------------------------------------------------------------------------------------


def _checked(book: Rulebook, given: Adopting, today: date) -> TextVersion:
    installed = book.versions.get(given.version)
    faults: list[FieldError] = []
    if installed is None:
        faults.append(FieldError("version", "unknown", "No such version is installed."))
    if given.effective_from < today:
        faults.append(FieldError("effective_from", "past", "Words are adopted from today or a later day on."))
    if given.recollect_by is not None and given.recollect_by < given.effective_from:
        faults.append(FieldError("recollect_by", "too_early", "This is before the new words are in force."))
    if installed is None or faults:
        raise Invalid(Code.INVALID_REQUEST, "This text cannot be adopted like this.", faults)
    return installed


def _view(book: Rulebook, installed: TextVersion, known: list[Adoption], today: date) -> TextView:
    adoption = next((one for one in known if one.version == installed.version), None)
    current = in_force(known, today)
    using = book.current if current is None else current.version
    return TextView(installed, adoption, using == installed.version)


def _record_read(work: Work, object_id: UUID | None, detail: dict[str, Json]) -> None:
    work.record(action=Action.CONSENT_TEXT_READ, object_kind=KIND, object_id=object_id, detail=detail)


def _no_words(field: str, message: str) -> Invalid:
    fault = FieldError(field, "no_words", message)
    return Invalid(
        Code.CONSENT_KIND_UNSUPPORTED, "This consent cannot be written in the words in force.", [fault]
    )
