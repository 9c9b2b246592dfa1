"""The shapes of what was and what would be disclosed: an accounting, and the reach of a consent."""

from typing import Any, Literal

from pydantic import BaseModel

from service.api.disclosure_shapes import GrantedModel, WithheldModel
from service.disclosure.foresight import Foresight, Reach
from service.disclosure.operations import Account
from service.disclosure.shown import decision_document
from service.disclosure.words import Words
from service.edge.models import Uuid


class PartyModel(BaseModel):
    id: Uuid | None
    name: str


class KindCountModel(BaseModel):
    kind: str
    count: int


class PurposeModel(BaseModel):
    code: str
    display: str


class AccountedModel(BaseModel):
    """One line: 45 CFR 164.528(b)(2)."""

    disclosure_id: Uuid
    disclosed_at: str
    disclosed_on: str
    recipient: PartyModel
    address: str | None
    description: list[KindCountModel]
    purpose: PurposeModel
    basis: str | None
    channel: str


class AccountModel(BaseModel):
    rule: Literal["part2", "hipaa"]
    since: str
    until: str
    items: list[AccountedModel]


class ReachModel(BaseModel):
    recipient: PartyModel
    by_class: bool
    via: Uuid | None
    purpose: PurposeModel
    items: list[GrantedModel]
    withheld: list[WithheldModel]
    words: str


class ForesightModel(BaseModel):
    """What a consent would do with today's items, in plain words of `language`."""

    consent_id: Uuid
    items_today: int
    language: Literal["en", "es"]
    words: str
    reaches: list[ReachModel]


def account_json(account: Account) -> dict[str, Any]:
    return {
        "rule": account.rule.value,
        "since": account.since,
        "until": account.until,
        "items": [
            {
                "disclosure_id": line.disclosure_id,
                "disclosed_at": line.disclosed_at,
                "disclosed_on": account.day_of(line.disclosed_at),
                **line.particulars,
            }
            for line in account.lines
        ],
    }


def foresight_json(found: Foresight, words: Words) -> dict[str, Any]:
    return {
        "consent_id": found.consent_id,
        "items_today": found.items,
        "language": found.language,
        "words": found.words,
        "reaches": [_reach(one, words) for one in found.reaches],
    }


def _reach(one: Reach, words: Words) -> dict[str, Any]:
    decision: dict[str, Any] = {"granted": [], "withheld": []}
    if one.decision is not None:
        decision = decision_document(one.decision, words)
    return {
        "recipient": {"id": one.recipient_id, "name": one.recipient},
        "by_class": one.by_class,
        "via": one.via,
        "purpose": {"code": one.purpose, "display": one.purpose_words},
        "items": decision["granted"],
        "withheld": decision["withheld"],
        "words": one.words,
    }
