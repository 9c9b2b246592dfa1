"""The shape of a package over HTTP: what leaves."""

from typing import Any, Literal

from pydantic import BaseModel

from service.edge.models import Uuid


class PackagedNoticeModel(BaseModel):
    id: str
    text: str
    sha256: str


class SecurityLabelModel(BaseModel):
    """HL7 codes, and the local one HL7 lacks: no use in proceedings."""

    system: str
    code: str


class PackagedItemModel(BaseModel):
    id: Uuid
    kind: str
    dated_on: str
    unit: str
    security_labels: list[SecurityLabelModel]
    content: str | dict[str, Any]


class PackageRecipientModel(BaseModel):
    id: Uuid
    name: str


class PackagePatientModel(BaseModel):
    id: Uuid
    family_name: str
    given_name: str
    birth_date: str


class PackageBasisModel(BaseModel):
    id: str
    citation: str


class RedisclosureModel(BaseModel):
    """What the recipient may do with the records next (42 CFR 2.33)."""

    id: str
    text: str
    citation: str


class PackageModel(BaseModel):
    """What leaves: items, and with a consent the statement of 42 CFR 2.32(a) and its scope in plain words (2.32(b)).

    `restriction_request`: what the recipient is asked about restricted records (2.26(a)(4)). It never says that anything
    was withheld.
    """

    format: Literal["consentry-package/1"]
    disclosure_id: Uuid
    disclosed_at: str
    program: str
    recipient: PackageRecipientModel
    patient: PackagePatientModel
    purpose: str
    channel: str
    basis: PackageBasisModel
    notice: PackagedNoticeModel | None
    scope_explanation: str | None
    restriction_request: str | None
    redisclosure: RedisclosureModel
    items: list[PackagedItemModel]
