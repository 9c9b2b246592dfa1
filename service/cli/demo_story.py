"""The demo's people act: each step of the caseload is a call to the API, at its own day.

The application runs in this process on a clock that the story moves, so that consents have expired and trends have a
past. Nothing is written any other way; the ledger verifies like that of a real program.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import httpx

from service.cli.demo_acts import care_plan, decide, sign_form
from service.cli.demo_days import Act, StoryClock
from service.cli.demo_steps import Case
from service.cli.person import Answer, Person

_STATEMENTS = {
    "revocation": True,
    "revocation_how": True,
    "hipaa_redisclosure": True,
    "redisclosure_potential": True,
    "refusal_consequences": True,
}
#: The smallest paper: one page with nothing on it.
_PDF = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\n"
    b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
)
#: A session ends when it is idle; after this long somebody signs in again.
_SESSION = timedelta(minutes=10)


class Story:
    """Performs steps as the demo's people. `known` holds what a case has so far: ids by name."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: StoryClock,
        credentials: Mapping[str, Mapping[str, str]],
        ids: Mapping[str, str],
    ) -> None:
        self._client = client
        self._clock = clock
        self._credentials = credentials
        self._ids = ids
        self._people: dict[str, tuple[Person, datetime]] = {}

    async def perform(self, act: Act, known: dict[str, str]) -> None:
        """One step; raises WrongAnswer when the service does not do as the story says."""
        self._clock.at = act.at
        actor = await self._actor(act.step.actor)
        actor.key = act.key
        case, step = act.case, act.step
        await getattr(self, f"_{step.act}")(actor, case, step.with_, known)

    async def _actor(self, name: str) -> Person:
        person, used = self._people.get(name, (None, self._clock.at))
        if person is None or self._clock.at - used > _SESSION:
            person = Person(f"the demo's {name}", self._client)
            given = self._credentials[name]
            if name == "requester":
                await person.sign_in_as_client(given["client_id"], given["client_secret"])
            else:
                await person.sign_in(given["username"], given["password"])
        self._people[name] = (person, self._clock.at)
        return person

    @property
    def _today(self) -> str:
        return self._clock.at.astimezone(UTC).date().isoformat()

    def _born(self, case: Case) -> date:
        if case.years is None:
            return case.birth_date
        return date(self._clock.at.year - case.years, 1, 1)

    async def _register(self, actor: Person, case: Case, _: Mapping[str, Any], known: dict[str, str]) -> None:
        person = {
            "given_name": case.given_name,
            "family_name": case.family_name,
            "birth_date": self._born(case).isoformat(),
            "phone": f"555-01{case.number:02d}",
            "identifiers": [{"system": "demo", "value": f"DEMO-{case.number:04d}"}],
        }
        known["patient"] = (await actor.post("/patients", person)).body["id"]

    async def _assign(self, actor: Person, _c: Case, _w: Mapping[str, Any], known: dict[str, str]) -> None:
        body = {
            "kind": "staff",
            "account_id": self._ids["clinician"],
            "starts_on": (self._clock.at - timedelta(days=1)).date().isoformat(),
            "evidence": "Assigned at intake (synthetic).",
        }
        await actor.post(f"/patients/{known['patient']}/relationships", body)

    async def _assess(self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        await actor.post(f"/patients/{known['patient']}/assessments", with_)

    async def _acknowledge(
        self, actor: Person, _c: Case, _w: Mapping[str, Any], known: dict[str, str]
    ) -> None:
        flags = (await actor.get(f"/patients/{known['patient']}/flags")).body["items"]
        for flag in flags[:1]:
            done = {
                "action": "Seen together, safety plan written (synthetic).",
                "seen_by": "Dr Tess Testperson",
                "outcome": "safe_now",
            }
            await actor.post(f"/flags/{flag['id']}/acknowledgement", done, expect=200)

    async def _write(self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        await actor.post(f"/patients/{known['patient']}/items", with_)

    async def _draft(self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        days = with_.get("expires_in")
        until = self._clock.at.date() + timedelta(days=days or 0)
        body = {
            "kind": with_["kind"],
            "disclosers": ["IOP"],
            "recipients": [{"recipient_id": self._ids["hospital"]}],
            "scope": {
                "kinds": with_.get("kinds", []),
                "labels": "all",
                "description": "What the hospital needs to treat me",
            },
            "purposes": with_["purposes"],
            "expiry": {"kind": "date", "date": until.isoformat()} if days else {"kind": "none"},
            "initiated_by": "patient",
            "statements": _STATEMENTS,
            "form": "electronic",
        }
        drafted = await actor.post(f"/patients/{known['patient']}/consents", body)
        known["consent"] = drafted.body["id"]

    async def _sign(self, actor: Person, case: Case, _: Mapping[str, Any], known: dict[str, str]) -> None:
        signature = {
            "signer": {"role": "patient", "name": f"{case.given_name} {case.family_name}"},
            "method": "typed",
            "attestation": "I read the text and sign by typing my name (synthetic).",
        }
        await actor.post(f"/consents/{known['consent']}/signatures", signature)

    async def _revoke(self, actor: Person, case: Case, _: Mapping[str, Any], known: dict[str, str]) -> None:
        body = {
            "received_at": self._clock.at.isoformat().replace("+00:00", "Z"),
            "form": "written",
            "by": f"{case.given_name} {case.family_name}",
        }
        await actor.post(f"/consents/{known['consent']}/revocation", body, expect=200)

    async def _disclose(
        self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]
    ) -> None:
        made = await self._ask(actor, with_, known, expect=201)
        known["disclosure"] = made.body["id"]

    async def _disclose_in_vain(
        self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]
    ) -> None:
        await self._ask(actor, with_, known, expect=403)

    async def _ask(
        self, actor: Person, with_: Mapping[str, Any], known: Mapping[str, str], *, expect: int
    ) -> Answer:
        body = {
            "recipient": {"recipient_id": self._ids["hospital"]},
            "purpose": with_["purpose"],
            "channel": "ehr",
        }
        path = f"/patients/{known['patient']}/disclosures"
        return await actor.post(path, body, expect=expect, purpose=with_["purpose"])

    async def _form(self, actor: Person, case: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        name = f"{case.given_name} {case.family_name}"
        await sign_form(actor, name, known["patient"], with_["form"], with_["outcome"])

    async def _decide(
        self, actor: Person, case: Case, with_: Mapping[str, Any], known: dict[str, str]
    ) -> None:
        how = _filled(dict(with_), self._values(case, known))
        known["decision"] = await decide(actor, known["episode"], self._clock.day.isoformat(), how)

    async def _plan(self, actor: Person, _c: Case, _w: Mapping[str, Any], known: dict[str, str]) -> None:
        body = care_plan(self._clock.day.isoformat())
        made = await actor.post(f"/patients/{known['patient']}/care-plans", body)
        known["plan"] = made.body["id"]

    async def _call(self, actor: Person, case: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        """A call as the story has it, with the ids, names and days it names."""
        values = self._values(case, known)
        answer = await actor.ask(
            with_.get("method", "POST"),
            with_["path"].format_map(values),
            _filled(with_["body"], values),
            expect=with_.get("expect", 201),
            purpose=with_.get("purpose"),
            version=with_.get("version"),
        )
        if "keep" in with_:
            known[with_["keep"]] = answer.body["id"]

    async def _attach(self, actor: Person, _: Case, with_: Mapping[str, Any], known: dict[str, str]) -> None:
        """The paper of what stands on record, as a file."""
        path = f"/patients/{known['patient']}/attachments"
        about = {"kind": with_["kind"], "subject_kind": "evidence", "subject_id": known["paper"]}
        await actor.upload(path, _PDF, "application/pdf", about, title=with_["title"])

    def _values(self, case: Case, known: Mapping[str, str]) -> dict[str, str]:
        today = self._clock.day
        days = {
            "today": today,
            "yesterday": today - timedelta(days=1),
            "in_a_year": today + timedelta(days=365),
        }
        written = {name: day.isoformat() for name, day in days.items()}
        moments = {
            "now": self._clock.at,
            "ten_days_ago": self._clock.at - timedelta(days=10),
            "in_20_hours": self._clock.at + timedelta(hours=20),
        }
        names = {
            "given": case.given_name,
            "family": case.family_name,
            "name": f"{case.given_name} {case.family_name}",
            "born": self._born(case).isoformat(),
            "number": f"{case.number:02d}",
        }
        at = {name: one.isoformat().replace("+00:00", "Z") for name, one in moments.items()}
        return {**self._ids, **written, **at, **names, **known}

    async def _request(self, actor: Person, case: Case, with_: Mapping[str, Any], _: dict[str, str]) -> None:
        await actor.post("/record-requests", _asked(case, with_["purpose"]), expect=200)

    async def _ask_in_vain(
        self, actor: Person, case: Case, with_: Mapping[str, Any], _: dict[str, str]
    ) -> None:
        await actor.post("/record-requests", _asked(case, with_["purpose"]), expect=404)


def _filled(body: Any, values: Mapping[str, str]) -> Any:
    """The body with every `{name}` in its texts replaced; a name nobody knows is a KeyError."""
    match body:
        case str():
            return body.format_map(values)
        case list():
            return [_filled(one, values) for one in cast("list[Any]", body)]
        case dict():
            return {name: _filled(one, values) for name, one in cast("dict[str, Any]", body).items()}
        case _:
            return body


def _asked(case: Case, purpose: str) -> dict[str, Any]:
    return {
        "patient": {
            "family_name": case.family_name,
            "given_name": case.given_name,
            "birth_date": case.birth_date.isoformat(),
        },
        "purpose": purpose,
    }
