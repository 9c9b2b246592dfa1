"""One person in front of the API: signs in, asks, and says plainly when an answer is not the expected one.

The demo's people act through this (in-process), and so does the tour (over the network): neither has another way in.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

import httpx

API = "/api/v1"


class WrongAnswer(Exception):
    """The service answered something else than it should; the text says what, to whom, on which call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its JSON and the version of what it shows."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")


@dataclass(slots=True)
class Person:
    """Somebody with a session. `purpose` is stated on every call unless a call states another."""

    name: str
    client: httpx.AsyncClient
    purpose: str | None = "TREAT"
    key: str | None = None
    _token: str = field(default="", repr=False)

    async def sign_in(self, username: str, password: str) -> None:
        """With a user name and a password."""
        await self._grant({"grant_type": "password", "username": username, "password": password})

    async def sign_in_as_client(self, client_id: str, client_secret: str) -> None:
        """With the credentials of a system outside the program."""
        grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        await self._grant(grant)

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **how: Any) -> Answer:
        how.setdefault("expect", 201)
        return await self.ask("POST", path, body, **how)

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        expect: int = 200,
        purpose: str | None = None,
        version: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """One call; a repetition under the same `key` is answered like the first.

        Raises WrongAnswer when the status is not `expect`.
        """
        headers = self._headers(purpose)
        if version:
            headers["If-Match"] = version
        if method == "POST":
            headers["Idempotency-Key"] = key or self.key or str(uuid.uuid4())
        response = await self.client.request(method, API + path, json=body, headers=headers)
        return self._checked(f"{method} {path}", response, expect)

    async def upload(
        self, path: str, content: bytes, media_type: str, about: Mapping[str, str], *, title: str
    ) -> Answer:
        """A file as the body; what is said about it stands beside it."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": media_type,
            "Attachment-Title": quote(title),
            "Purpose-Of-Use": self.purpose or "",
            "Idempotency-Key": self.key or str(uuid.uuid4()),
        }
        response = await self.client.post(API + path, content=content, params=dict(about), headers=headers)
        return self._checked(f"POST {path}", response, 201)

    async def lines(self, path: str) -> list[dict[str, Any]]:
        """A GET whose answer is one JSON object a line; WrongAnswer when it is none."""
        response = await self.client.get(API + path, headers=self._headers())
        if response.status_code != 200:
            raise WrongAnswer(f"{self.name}: GET {path} was answered {response.status_code} instead of 200")
        return [cast("dict[str, Any]", json.loads(line)) for line in response.text.splitlines()]

    def _headers(self, purpose: str | None = None) -> dict[str, str]:
        stated = purpose or self.purpose
        return {"Authorization": f"Bearer {self._token}"} | ({"Purpose-Of-Use": stated} if stated else {})

    def _checked(self, call: str, response: httpx.Response, wanted: int) -> Answer:
        answer = Answer(response.status_code, _json(response), response.headers)
        if answer.status != wanted:
            raise WrongAnswer(
                f"{self.name}: {call} was answered {answer.status} {_why(answer.body)} instead of {wanted}"
            )
        return answer

    async def when_there(self, path: str, *, seconds: float = 15) -> dict[str, Any]:
        """What takes a moment to appear, such as a position in the ledger; WrongAnswer when it does not."""
        for _ in range(int(seconds * 4)):
            try:
                return (await self.get(path)).body
            except WrongAnswer:
                await asyncio.sleep(0.25)
        return (await self.get(path)).body

    async def _grant(self, form: Mapping[str, str]) -> None:
        response = await self.client.post(f"{API}/auth/token", data=dict(form))
        if response.status_code != 200:
            raise WrongAnswer(f"{self.name} cannot sign in: {response.status_code} {_why(_json(response))}")
        self._token = str(response.json()["access_token"])


def expect(fact: bool, otherwise: str) -> None:
    """Say what is wrong when `fact` does not hold."""
    if not fact:
        raise WrongAnswer(otherwise)


def _json(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    loaded: object = response.json()
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}


def _why(body: Mapping[str, Any]) -> str:
    faults = "; ".join(f"{fault.get('field')}: {fault.get('message')}" for fault in body.get("errors", ()))
    return f"({body.get('code', 'no code')}: {body.get('detail', '')}{' [' + faults + ']' if faults else ''})"
