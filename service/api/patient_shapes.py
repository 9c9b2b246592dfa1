"""Shapes of patients over HTTP: what is sent, what is shown."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid
from service.people.duplicates import Duplicate
from service.people.operations import FormerVersion, Patient

#: A time of day, as a clock shows it.
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class AddressModel(StrictModel):
    """A postal address by its lines."""

    line1: ShortText | None = None
    line2: ShortText | None = None
    city: ShortText | None = None
    state: ShortText | None = None
    postal_code: ShortText | None = None
    country: ShortText | None = None


class IdentifierModel(StrictModel):
    """A number somebody gave the patient: `system` says who, such as an insurer or a hospital."""

    system: ShortText
    value: ShortText


class ContactModel(StrictModel):
    """Somebody to call. Not a consent: what may be said to them is decided by consents alone."""

    name: ShortText
    relationship: ShortText | None = None
    phone: ShortText | None = None
    email: ShortText | None = None
    emergency: bool | None = None
    note: ShortText | None = None
    may_say: Literal["yes", "no", "emergency_only"] | None = Field(
        default=None, description="The patient's answer: may this person hear that the patient attends here?"
    )
    script: LongText | None = Field(default=None, description="What to say to this person, in these words.")


class RepresentativeModel(StrictModel):
    """Somebody who decides for the patient; `papers` is an attachment. Who signs follows from relationships."""

    kind: Literal["health_care_proxy", "guardian", "conservator"]
    name: ShortText
    phone: ShortText | None = None
    email: ShortText | None = None
    papers: Uuid | None = None
    until: IsoDate | None = None


class ChannelModel(StrictModel):
    """A way to reach the patient. Not safe unless it says so; times are those of the program's clock."""

    channel: Literal["email", "text", "voice", "mail"]
    address: ShortText
    safe: bool
    voicemail: bool | None = None
    starts: ClockTime | None = Field(default=None, alias="from")
    ends: ClockTime | None = Field(default=None, alias="to")
    code_word: ShortText | None = None


class AliasModel(StrictModel):
    """A former name, or another one the patient is known by."""

    family_name: ShortText | None = None
    given_name: ShortText | None = None
    kind: Literal["former", "also_known_as"] | None = None


class InterpreterModel(StrictModel):
    """Whether an interpreter is needed; `asl`: American Sign Language."""

    needed: bool | None = None
    language: ShortText | None = None
    asl: bool | None = None


class _Details(StrictModel):
    sex: Literal["female", "male", "other", "unknown"] | None = None
    phone: ShortText | None = None
    email: ShortText | None = None
    address: ShortText | AddressModel | None = None
    language: ShortText | None = None
    interpreter_needed: bool | None = None
    interpreter: InterpreterModel | None = None
    name_used: ShortText | None = None
    pronouns: ShortText | None = None
    sdv: bool | None = Field(
        default=None,
        description="Endangered at home: nothing by mail, no message on a voicemail. What a screen set stays.",
    )


class NewPatientBody(_Details):
    given_name: ShortText
    family_name: ShortText
    birth_date: IsoDate
    identifiers: list[IdentifierModel] = Field(default_factory=list[IdentifierModel], max_length=50)
    contacts: list[ContactModel] = Field(default_factory=list[ContactModel], max_length=50)
    aliases: list[AliasModel] = Field(default_factory=list[AliasModel], max_length=20)
    channels: list[ChannelModel] = Field(default_factory=list[ChannelModel], max_length=20)
    representatives: list[RepresentativeModel] = Field(
        default_factory=list[RepresentativeModel], max_length=20
    )


class PatientPatchBody(_Details):
    """A JSON merge patch (RFC 7396): what is left out stays, null removes."""

    given_name: ShortText | None = None
    family_name: ShortText | None = None
    birth_date: IsoDate | None = None
    identifiers: list[IdentifierModel] | None = Field(default=None, max_length=50)
    contacts: list[ContactModel] | None = Field(default=None, max_length=50)
    aliases: list[AliasModel] | None = Field(default=None, max_length=20)
    channels: list[ChannelModel] | None = Field(default=None, max_length=20)
    representatives: list[RepresentativeModel] | None = Field(default=None, max_length=20)


class SoughtIdentifier(StrictModel):
    """An identifier to look for; without `system`, in any system."""

    value: ShortText
    system: ShortText | None = None


class SearchBody(StrictModel):
    """A family or given name with the birth date, or an identifier; all that is given must match."""

    family_name: ShortText | None = None
    given_name: ShortText | None = None
    birth_date: IsoDate | None = None
    identifier: ShortText | SoughtIdentifier | None = None


class DuplicateModel(BaseModel):
    """A registered patient who may be the same person, and why."""

    id: Uuid
    reasons: list[str]


class DemographicsModel(BaseModel):
    given_name: str
    family_name: str
    birth_date: IsoDate
    sex: str | None
    phone: str | None
    email: str | None
    address: str | dict[str, str | None] | None
    identifiers: list[IdentifierModel]
    language: str | None
    interpreter_needed: bool | None
    interpreter: InterpreterModel | None
    name_used: str | None
    pronouns: str | None
    sdv: bool | None
    contacts: list[ContactModel]
    aliases: list[AliasModel]
    channels: list[ChannelModel]
    representatives: list[RepresentativeModel]


class PatientModel(DemographicsModel):
    id: Uuid
    version: int
    state: str
    created_at: Instant
    changed_at: Instant
    merged_charts: list[Uuid] = Field(
        description="Charts of the same person merged into this one; staff only."
    )
    merged_into: Uuid | None = Field(description="The chart this one was merged into: write there.")


class SignatoryModel(BaseModel):
    """Somebody whose recorded relationship lets them sign for the patient."""

    relationship_id: Uuid
    kind: str
    recipient_id: Uuid
    name: str
    starts_on: IsoDate
    ends_on: IsoDate | None


class MaySignModel(BaseModel):
    """Who has to sign a consent today: each of `required`, by one of the `signatories` where it is not the patient."""

    required: list[str]
    signatories: list[SignatoryModel]


class PatientViewModel(PatientModel):
    may_sign: MaySignModel


class ContactMarkBody(StrictModel):
    """Why the mark is taken away."""

    reason: LongText


class ContactMarkModel(BaseModel):
    id: Uuid
    version: int
    sdv: bool


class DuplicatesModel(BaseModel):
    """Others who may be the same person, best reasons first."""

    id: Uuid
    possible_duplicates: list[DuplicateModel]


class RegisteredPatientModel(PatientModel):
    possible_duplicates: list[DuplicateModel]


class PatientsModel(BaseModel):
    items: list[PatientModel]
    next_cursor: str | None


class FormerVersionModel(DemographicsModel):
    version: int
    replaced_at: Instant


class HistoryModel(BaseModel):
    """Former versions, newest first."""

    current_version: int
    items: list[FormerVersionModel]
    next_cursor: str | None


_DETAILS = (
    "given_name",
    "family_name",
    "birth_date",
    "sex",
    "phone",
    "email",
    "address",
    "language",
    "interpreter_needed",
    "interpreter",
    "name_used",
    "pronouns",
    "sdv",
)
_LISTS = ("identifiers", "contacts", "aliases", "channels", "representatives")


def _details_view(document: Any) -> dict[str, Any]:
    details = {name: document.get(name) for name in _DETAILS}
    return details | {name: document.get(name, []) for name in _LISTS}


def patient_view(read: Patient) -> dict[str, Any]:
    """A patient as the API shows one."""
    return {
        "id": read.id,
        "version": read.version,
        "state": read.state,
        **_details_view(read.demographics),
        "created_at": read.created_at,
        "changed_at": read.changed_at,
        "merged_charts": list(read.merged_charts),
        "merged_into": read.merged_into,
    }


def duplicates_view(found: tuple[Duplicate, ...]) -> list[dict[str, Any]]:
    """Possible duplicates with their reasons, strongest first."""
    return [{"id": one.patient_id, "reasons": [reason.value for reason in one.reasons]} for one in found]


def former_view(former: FormerVersion) -> dict[str, Any]:
    """Former details."""
    return {
        "version": former.version,
        **_details_view(former.demographics),
        "replaced_at": former.replaced_at,
    }
