"""Sensitivity labels of an item as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from service.disclosure.lowering import Opens
from service.edge.models import LongText, StrictModel, Uuid
from service.intake.medical.labelling import Relabelled

LabelCode = Annotated[str, Field(min_length=2, max_length=16)]


class LabelsBody(StrictModel):
    """Labels to raise (staff) or to lower (compliance, with a reason)."""

    raised: Annotated[list[LabelCode], Field(max_length=10, alias="raise")] = Field(default_factory=list[str])
    lower: Annotated[list[LabelCode], Field(max_length=10)] = Field(default_factory=list[str])
    reason: LongText | None = None
    preview: bool = False


class OpenedToModel(BaseModel):
    id: Uuid
    type: str
    name: str


class OpensModel(BaseModel):
    """An active consent that covers the item without the label, and does not with it."""

    consent_id: Uuid
    recipients: list[OpenedToModel]
    purposes: list[str]


class LabelsModel(BaseModel):
    id: Uuid
    version: int
    before: list[str]
    after: list[str]
    effect: list[str]
    opens: list[OpensModel] = Field(description="Where labels are lowered: what that opens, by scope alone.")
    changed: bool


def labels_shape(one: Relabelled, opens: tuple[Opens, ...]) -> dict[str, Any]:
    return {
        "id": one.item_id,
        "version": one.version,
        "before": sorted(label.value for label in one.before),
        "after": sorted(label.value for label in one.after),
        "effect": list(one.effect),
        "opens": [
            {
                "consent_id": opened.consent_id,
                "recipients": [
                    {"id": to.recipient_id, "type": to.type.value, "name": to.name}
                    for to in opened.recipients
                ],
                "purposes": list(opened.purposes),
            }
            for opened in opens
        ],
        "changed": one.changed,
    }
