"""The people of an intake, and what each of them commits: everything goes over HTTP and is counted there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from service.delivery.carriers import NoCarrier
from service.delivery.model import Channel
from service.jobs.post import Post
from tests.house import Account, Client, Service
from tests.integration.delivery.mailroom import OneProgram, Recorder

#: Ways of committing something; a search and a preview are counted too, which is strict.
COMMITS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
INTERPRETER = {"how": "interpreter", "interpreter_id": "synthetic-114", "interpreter_name": "Iris Testperson"}
STATEMENTS = dict.fromkeys(
    ("revocation", "revocation_how", "hipaa_redisclosure", "redisclosure_potential", "refusal_consequences"),
    True,
)


@dataclass
class Counter:
    """Committing requests that were answered with success."""

    staff: int = 0
    patient: int = 0


@dataclass
class Person(Client):
    """Somebody whose commits are counted. `ok` is a request that must succeed."""

    counter: Counter = field(default_factory=Counter)
    is_patient: bool = False

    def request(self, method: str, path: str, **options: Any) -> Any:
        answer = super().request(method, path, **options)
        if method in COMMITS and answer.is_success:
            if self.is_patient:
                self.counter.patient += 1
            else:
                self.counter.staff += 1
        return answer

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        sent: dict[str, Any] = {} if method == "GET" else {"json": {} if body is None else body}
        answer = self.request(method, path, **sent, **options)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return dict(answer.json())


@dataclass
class Journey:
    """One patient of one program, from the call to the plan."""

    service: Service
    person: Mapping[str, Any]
    counter: Counter = field(default_factory=Counter)
    patient_id: str = ""
    episode_id: str = ""
    patient: Person | None = None
    reader: Mapping[str, Any] = field(default_factory=lambda: {"how": "self"})

    def __post_init__(self) -> None:
        self.intake = self.of("intake")
        self.clinician = self.of("clinician")
        self.second = self.of("clinician", "second")

    def of(self, role: str, name: str | None = None, purpose: str = "TREAT") -> Person:
        return Person(self.service, self.service.account(role, name=name), purpose, self.counter)

    @property
    def own(self) -> Person:
        assert self.patient is not None, "the patient has not come in yet"
        return self.patient

    @property
    def today(self) -> date:
        return self.service.clock.now().astimezone(self.service.program.zone).date()

    @property
    def path(self) -> str:
        return f"/patients/{self.patient_id}"

    def later(self, minutes: float = 1) -> None:
        """Time goes by; nobody's session runs out, they are all at work."""
        self.service.clock.advance(timedelta(minutes=minutes))
        for who in (self.intake, self.clinician, self.second, self.patient):
            if who is not None:
                who.ok("GET", "/auth/me")

    # -- people come in

    def assign(self, who: Person) -> None:
        body = {
            "kind": "staff",
            "account_id": str(who.who.id),
            "starts_on": (self.today - timedelta(days=1)).isoformat(),
            "evidence": "On the team of this patient (synthetic).",
        }
        self.intake.ok("POST", f"{self.path}/relationships", body)

    def come_in(self) -> str:
        """The patient opens the link that the desk sent; what the message says is returned."""
        self.intake.ok("POST", f"{self.path}/packet-links")
        message = self._post()
        found = re.search(r"#([\w-]+)", message)
        assert found is not None, message
        body = {"token": found[1], "birth_date": self.person["birth_date"]}
        opened = self.service.house.http.post("/api/v1/auth/packet-link", json=body)
        assert opened.status_code == 200, opened.text
        self.counter.patient += 1
        known = self.intake.who
        who = Account(known.id, known.session_id, opened.json()["access_token"], known.caller)
        self.patient = Person(self.service, who, "PATRQT", self.counter, is_patient=True)
        return message

    def _post(self) -> str:
        """What the newest message brought: the post is outside of the service."""
        carrier, state = Recorder(), self.service.house.state
        itself = OneProgram(state.engine, state.mechanisms, state.clock, self.service)
        carriers = {Channel.EMAIL: carrier, Channel.TEXT: NoCarrier()}
        portal = self.service.house.http.portal
        assert portal is not None
        portal.call(Post(itself, state.desk, carriers, 20).run_once)
        return carrier.taken[-1].body

    # -- what is missing

    def refused(self) -> list[str]:
        """Codes of what an attempt to admit is refused with."""
        answer = self.intake.post(f"/episodes/{self.episode_id}/admission", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "admission_blocked"), answer.text
        assert all(one["words"] and one["who"] for one in answer.json()["missing"])
        return [one["code"] for one in answer.json()["missing"]]

    def gate(self, block: str) -> list[str]:
        packet = self.intake.ok("GET", f"{self.path}/intake")
        return [one["code"] for gate in packet["gates"] if gate["block"] == block for one in gate["missing"]]

    def task(self, key: str) -> str:
        packet = self.intake.ok("GET", f"{self.path}/intake")
        return next(one["status"] for one in packet["tasks"] if one["key"] == key)

    def flags(self) -> list[dict[str, Any]]:
        return list(self.clinician.ok("GET", f"{self.path}/flags")["items"])

    # -- forms, one at a time

    def sign(
        self, form: str, who: Person, outcome: str = "signed", language: str = "en", **answers: Any
    ) -> None:
        text = who.ok("GET", f"/forms/{form}", params={"language": language})
        asked = {one["key"]: one for one in text["questions"]}
        body = {
            "outcome": outcome,
            "text_version": text["version"],
            "text_sha256": text["sha256"],
            "language": language,
            "reader": self.reader,
            "device": "own_device" if who.is_patient else "staff_device",
            "answers": {}
            if outcome == "declined"
            else {key: _answer(one) for key, one in asked.items()} | answers,
        }
        if outcome == "signed":
            name = f"{self.person['given_name']} {self.person['family_name']}"
            body |= {"signer": {"role": "patient", "name": name}, "attestation": "This is my signature."}
        if outcome == "declined":
            body["reason"] = "Would rather not."
        who.ok("POST", f"{self.path}/forms/{form}", body)

    def consent(self, kind: str, to: Mapping[str, Any], purpose: str, kinds: Any, **more: Any) -> str:
        """Drafted at the desk, previewed and signed by the patient."""
        body: dict[str, Any] = {
            "kind": kind,
            "disclosers": ["U1"],
            "recipients": [to],
            "scope": {"kinds": kinds, "labels": "all", "description": "what they need"},
            "purposes": [purpose],
            "expiry": {"kind": "date", "date": (self.today + timedelta(days=300)).isoformat()},
            "statements": STATEMENTS,
            "form": "electronic",
        }
        made = self.intake.ok("POST", f"{self.path}/consents", body | more)
        name = f"{self.person['given_name']} {self.person['family_name']}"
        signature = {
            "signer": {"role": "patient", "name": name},
            "method": "typed",
            "attestation": "I have read this and I agree to it.",
            "interpreter_id": INTERPRETER["interpreter_id"],
        }
        signed = self.own.ok("POST", f"/consents/{made['id']}/signatures", signature)
        assert signed["state"] == "active", signed
        return str(made["id"])

    # -- questions

    def section(self, key: str, who: Person, *, close: bool = True, **values: Any) -> None:
        """A section of the medical intake, answered by somebody and closed by staff."""
        state = who.ok("GET", f"{self.path}/medical/{key}")
        answers = _said(values)
        if answers:
            path = f"{self.path}/medical/{key}"
            who.ok("PUT", path, {"answers": answers}, version=state["head"]["version"])
        if close and not who.is_patient:
            who.ok("POST", f"{self.path}/medical/{key}/completion")

    def close(self, who: Person, *keys: str) -> None:
        for key in keys:
            who.ok("POST", f"{self.path}/medical/{key}/completion")

    def entry(self, key: str, who: Person, **values: Any) -> None:
        answers = _said(values)
        who.ok("POST", f"{self.path}/medical/{key}/entries", {"answers": answers})

    def instrument(self, key: str, who: Person, answers: Mapping[str, Any], **context: Any) -> dict[str, Any]:
        """Answered in one go."""
        body = {"instrument": key, "status": "completed", "answers": answers, "context": context}
        return who.ok("POST", f"{self.path}/assessments", body)

    def bit_by_bit(self, key: str, who: Person, answers: Mapping[str, Any], **context: Any) -> dict[str, Any]:
        """Begun, saved on the way as the page saves it, and completed."""
        half = dict(list(answers.items())[: len(answers) // 2])
        draft = {"instrument": key, "status": "draft", "answers": half, "context": context}
        made = who.ok("POST", f"{self.path}/assessments", draft)
        saved = who.ok(
            "PUT",
            f"/assessments/{made['id']}",
            {"answers": dict(answers), "context": context},
            version=made["version"],
        )
        return who.ok("POST", f"/assessments/{made['id']}/completion", {}, version=saved["version"])

    # -- level of care

    def decide(self, level: str, **more: Any) -> dict[str, Any]:
        seen = self.clinician.ok("GET", f"/episodes/{self.episode_id}/placement")
        body = {
            "level": level,
            "start_date": self.today.isoformat(),
            "patient_view": "agrees",
            "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
        }
        made = self.clinician.ok("POST", f"/episodes/{self.episode_id}/placement-decisions", body | more)
        return made | {"suggested": seen["suggestion"], "rules": [one["id"] for one in seen["rules"]]}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Answers as they are sent: a value, or all that is said about one."""
    return {name: one if isinstance(one, dict) else {"value": one} for name, one in values.items()}


def _answer(question: Mapping[str, Any]) -> Any:
    by_type = {"yes_no": True, "text": "Synthetic answer"}
    return by_type.get(question["type"]) or next(iter(question["choices"]))


def scored(prefix: str, values: Iterable[int]) -> dict[str, int]:
    """Answers by number, from 1."""
    return {f"{prefix}.{number}": value for number, value in enumerate(values, start=1)}
