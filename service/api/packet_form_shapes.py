"""A form and its signature events as the API shows them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.admission.packet.sealing import SignatureEvent
from service.admission.packet.texts import FormText
from service.edge.models import Instant, IsoDate, Uuid


class QuestionModel(BaseModel):
    key: str
    type: Literal["yes_no", "choice", "text"]
    words: str
    required: bool
    choices: dict[str, str]


class FormTextModel(BaseModel):
    key: str
    version: str
    language: str
    title: str
    text: str
    document: str = Field(description="Exactly what is shown, and what `sha256` is the hash of.")
    sha256: str
    questions: list[QuestionModel]


class SignatureModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    episode_id: Uuid | None
    form: str
    outcome: Literal["signed", "given", "declined"]
    text_version: str
    text_sha256: str
    language: str
    signed_at: Instant
    expires_on: IsoDate | None
    superseded_at: Instant | None
    recorded_by: Uuid
    signer: dict[str, str | None] | None
    reader: dict[str, str | None]
    device: str
    witness: str | None
    witness_account: str | None
    attestation: str | None
    reason: str | None
    answers: dict[str, bool | str | None]
    document: str


class SignaturesModel(BaseModel):
    items: list[SignatureModel]
    next_cursor: str | None


def text_view(text: FormText, key: str) -> dict[str, Any]:
    """The words of a form. No answer stands in them."""
    return {
        "key": key,
        "version": text.version,
        "language": text.language,
        "title": text.title,
        "text": text.text,
        "document": text.document,
        "sha256": text.sha256,
        "questions": [
            {
                "key": one.key,
                "type": one.type,
                "words": one.words,
                "required": one.required,
                "choices": dict(one.choices),
            }
            for one in text.questions
        ],
    }


def signature_view(event: SignatureEvent) -> dict[str, Any]:
    """A signature event, whole."""
    kept = event.particulars
    return {
        "id": event.id,
        "patient_id": event.patient_id,
        "episode_id": event.episode_id,
        "form": event.form,
        "outcome": event.outcome.value,
        "text_version": event.text_version,
        "text_sha256": event.text_sha256,
        "language": event.language,
        "signed_at": event.signed_at,
        "expires_on": event.expires_on,
        "superseded_at": event.superseded_at,
        "recorded_by": event.recorded_by,
        "document": event.document,
        **{
            name: kept[name]
            for name in (
                "signer", "reader", "device", "witness", "witness_account", "attestation", "reason", "answers"
            )
        },
    }  # fmt: skip
