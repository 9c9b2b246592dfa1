"""Who carries a message: a mail server, a provider of text messages, or nobody.

A carrier tells one of three things and no more; what the other side wrote back is dropped, because it may hold the
address. Nothing here is called inside a transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """A message as a carrier takes it. `message_id` is the same in every attempt, so that a second copy can be known as
    one.
    """

    message_id: str
    to: str
    sender: str
    subject: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The carrier has taken it."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be delivered there. `why` is a code of ours."""

    why: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """Perhaps later."""

    why: str


Outcome = Sent | Refused | NotNow


class Carrier(Protocol):
    """Takes a message, or says why not; never raises for what the other side did."""

    async def carry(self, parcel: Parcel) -> Outcome: ...


class NoCarrier:
    """Nothing is configured for this channel, and that is said at once: a silent success would be a lie."""

    async def carry(self, parcel: Parcel) -> Outcome:
        del parcel
        return Refused("not_configured")


@dataclass(frozen=True, slots=True, repr=False)
class HttpTexts:
    """Text messages through a provider's HTTP interface: one POST, `{to, body, reference}`, with a bearer token.

    The reference is also the Idempotency-Key: providers that honour it make of a second attempt no second message.
    """

    url: str
    token: str
    timeout: float = 10.0
    transport: httpx.AsyncBaseTransport | None = None

    async def carry(self, parcel: Parcel) -> Outcome:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": parcel.message_id}
        body = {"to": parcel.to, "body": parcel.body, "reference": parcel.message_id}
        try:
            async with httpx.AsyncClient(timeout=self.timeout, transport=self.transport) as client:
                answer = await client.post(self.url, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return NotNow("no_answer")
        if answer.is_success:
            return Sent()
        # what concerns us, or the hour, is no verdict on the patient's number
        if answer.status_code in (401, 403, 404, 405, 408, 409, 425, 429) or not answer.is_client_error:
            return NotNow(f"status_{answer.status_code}")
        return Refused("rejected")
