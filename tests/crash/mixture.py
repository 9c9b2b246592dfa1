"""One patient, six grounds to disclose on, and for each the act that ends it: all at once, over several processes.

What came first is asked of the database afterwards (`broken_order`): by the instants at which it committed, and by the
positions the ledger gave.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from tests.house import Client, Service
from tests.integration.disclosure.office import CLINIC_ONLY, SPECIFIC, Office
from tests.processes import Worker
from tests.unit.evidence.papers import PAPERS

#: Disclosures on each ground before its end is asked for, and after.
EACH_SIDE: Final = 3
#: Within this time everything is sent.
SPREAD_SECONDS: Final = 0.3
#: A round with more answers than this is not going to end.
MOST_ANSWERS: Final = 500
#: What no request may be answered with; 503 is documented, and asks to come again.
FAULTS: Final = frozenset(range(500, 600)) - {503}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: by whom, where to, with what; `ends` marks the act that has to succeed."""

    who: Client
    path: str
    body: dict[str, Any]
    ends: bool = False


@dataclass(slots=True)
class Ground:
    """A recipient, what a disclosure to it rests on, and what ends that: the acts in their order."""

    name: str
    asked: Sent
    ending: Sequence[Sent]


@dataclass(slots=True)
class Tally:
    """What was answered."""

    statuses: list[int] = field(default_factory=list[int])
    faults: list[str] = field(default_factory=list[str])
    made: dict[str, int] = field(default_factory=dict[str, int])
    refused: dict[str, int] = field(default_factory=dict[str, int])


class Town(Office):
    """A patient with a chart and a ground for each of six recipients."""

    def __init__(self, service: Service, number: int) -> None:
        service.clock.set(datetime.now(UTC))
        service.accounts.clear()
        super().__init__(service)
        self.number = number
        self.item("attendance", f"round {number}")
        self.compliance = service.client("compliance", purpose="HOPERAT")

    def grounds(self, wanted: frozenset[str] | None = None) -> list[Ground]:
        """Those of the grounds that are wanted: all by default."""
        builders: dict[str, Callable[[], Ground]] = {
            "revoked": self._revoked,
            "event": self._event,
            "ruled": self._ruled,
            "restricted": self._restricted,
            "evidence": self._evidence,
            "agreement": self._agreement,
        }
        return [build() for name, build in builders.items() if wanted is None or name in wanted]

    def others(self) -> list[Sent]:
        """What else goes on around a patient, and takes locks."""
        draft = self.drafted(SPECIFIC)["id"]
        signature = {
            "signer": {"role": "patient", "name": "Pat Testperson"},
            "method": "typed",
            "attestation": "I have read this and I agree to it.",
        }
        stranger = self.service.client(self.service.account("clinician", name="on call"))
        emergency = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}
        asked = {"kinds": "all", "recipients": "all", "classes": ["operations"], "reason": "private"}
        return [
            Sent(self.patient, f"/consents/{draft}/signatures", signature),
            Sent(self.intake, f"/consents/{draft}/preview", {}),
            Sent(stranger, f"/patients/{self.patient_id}/emergency-access", emergency),
            Sent(self.intake, f"/patients/{self.patient_id}/restrictions", asked),
            Sent(self.intake, f"/patients/{self.patient_id}/events", self._event_body("admission")),
            Sent(self.clinician, f"/patients/{self.patient_id}/items", _item()),
        ]

    # -- the grounds --------------------------------------------------------------------------------------

    def _revoked(self) -> Ground:
        recipient, consent = self._consent("Elm")
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        body = {"received_at": now, "form": "written", "by": "patient"}
        return self._ground("revoked", recipient, Sent(self.patient, f"/consents/{consent}/revocation", body))

    def _event(self) -> Ground:
        """Two consents end with the event: it locks both, while others lock one of them first."""
        expiry = {"kind": "event", "event": "discharge"}
        recipient, _ = self._consent("Oak", expiry=expiry)
        self._consent("Ash", expiry=expiry)
        path = f"/patients/{self.patient_id}/events"
        return self._ground("event", recipient, Sent(self.intake, path, self._event_body("discharge")))

    def _ruled(self) -> Ground:
        recipient, consent = self._consent("Yew")
        ruling = {"kind": "doubted" if self.number % 2 else "false", "reason": "the signature looks copied"}
        return self._ground("ruled", recipient, Sent(self.compliance, f"/consents/{consent}/rulings", ruling))

    def _restricted(self) -> Ground:
        """Agreed while disclosures go out; the patient ends it again a little later."""
        recipient, _ = self._consent("Fir")
        body = {"kinds": "all", "recipients": [recipient], "classes": ["treatment"], "reason": "a neighbour"}
        path = f"/patients/{self.patient_id}/restrictions"
        made = _ok(self.intake.post(path, body))
        answered = {"answer": "agreed", "reason": "we can"}
        return self._ground(
            "restricted",
            recipient,
            Sent(self.compliance, f"/restrictions/{made['id']}/answer", answered),
            Sent(self.patient, f"/restrictions/{made['id']}/ending", {"by": "patient_written"}),
        )

    def _evidence(self) -> Ground:
        name = "St Ann Test ED"
        recipient = self.recipient(
            {"type": "entity", "name": name, "covered_entity": True, "roles": ["medical_personnel"]}
        )
        paper = self._paper("emergency", f"/patients/{self.patient_id}/evidence", recipient)
        ending = Sent(self.compliance, f"{paper}/end", {"reason": "recorded by mistake"})
        more = {"channel": "phone", "evidence_id": paper.rpartition("/")[2]}
        return self._ground("evidence", recipient, ending, purpose="BTG", **more)

    def _agreement(self) -> Ground:
        """An agreement of its own for every patient: the laboratory is another one each time."""
        lab = {"type": "entity", "name": f"Test Lab {self.number}", "covered_entity": False, "roles": ["qso"]}
        recipient = self.recipient(lab)
        paper = self._paper("qsoa", "/agreements", recipient)
        return self._ground("agreement", recipient, Sent(self.compliance, f"{paper}/end", {"reason": "over"}))

    # -- inside -------------------------------------------------------------------------------------------

    def _ground(
        self, name: str, recipient: str, *ending: Sent, purpose: str = "TREAT", **more: Any
    ) -> Ground:
        body = self.asked(recipient, purpose, items=[self.items["attendance"]], **more)
        asked = Sent(self.clinician, f"/patients/{self.patient_id}/disclosures", body)
        return Ground(name, asked, [Sent(one.who, one.path, one.body, ends=True) for one in ending])

    def _consent(self, name: str, **changes: Any) -> tuple[str, str]:
        """A clinic that treats the patient, and a consent that names it alone."""
        party = {"type": "entity", "name": f"{name} Test Clinic", "covered_entity": True}
        recipient = self.recipient(party)
        return recipient, self.signed(CLINIC_ONLY | {"recipients": [{"recipient_id": recipient}]} | changes)[
            "id"
        ]

    def _paper(self, kind: str, path: str, recipient: str) -> str:
        """Where a signed-off paper of this kind is."""
        today = self._today()
        body = {
            "kind": kind,
            "recipients": [{"recipient_id": recipient}],
            "kinds": ["attendance"],
            "starts_on": today,
            "particulars": dict(PAPERS[kind].particulars),
        }
        made = _ok(self.compliance.post(path, body))
        place = f"{'/agreements' if path == '/agreements' else '/evidence'}/{made['id']}"
        _ok(self.compliance.post(f"{place}/sign-off"))
        return place

    def _event_body(self, kind: str) -> dict[str, Any]:
        return {"kind": kind, "occurred_on": self._today()}

    def _today(self) -> str:
        return datetime.now(UTC).astimezone(self.service.program.zone).date().isoformat()


async def happen(
    grounds: Sequence[Ground], others: Sequence[Sent], workers: Sequence[Worker], seed: int
) -> Tally:
    """Everything at once, with jitter; an ending act that hears 503 is sent again."""
    chance, tally, place = random.Random(seed), Tally(), 0
    async with httpx2.AsyncClient(timeout=30) as client:

        async def send(one: Sent, worker: Worker, wait: float, name: str) -> None:
            await asyncio.sleep(wait)
            url = f"{worker.base_url}/api/v1{one.path}"
            answer = await client.post(url, json=one.body, headers=one.who.headers)
            fine = {200, 201}
            while one.ends and answer.status_code == 503 and len(tally.statuses) < MOST_ANSWERS:
                tally.statuses.append(503)
                fine.add(409)  # it may have happened after all, too late to say so
                answer = await client.post(url, json=one.body, headers=one.who.headers)
            tally.statuses.append(answer.status_code)
            if answer.status_code in FAULTS:
                tally.faults.append(f"{answer.status_code} {one.path} {answer.text}")
            if one.ends:
                assert answer.status_code in fine, (one.path, answer.text)
            elif name and answer.status_code in (201, 403):
                counted = tally.made if answer.status_code == 201 else tally.refused
                counted[name] = counted.get(name, 0) + 1

        async def end(ground: Ground, worker: Worker, wait: float) -> None:
            for act in ground.ending:
                await send(act, worker, wait, "")
                # whatever the others' luck, somebody asks once it is known to have happened
                await send(ground.asked, workers[chance.randrange(len(workers))], 0, ground.name)
                wait = SPREAD_SECONDS / 3

        running: list[Any] = []
        for ground in grounds:
            for _ in range(2 * EACH_SIDE):
                place += 1
                wait = chance.random() * SPREAD_SECONDS
                running.append(send(ground.asked, workers[place % len(workers)], wait, ground.name))
            wait = SPREAD_SECONDS * (0.2 + 0.4 * chance.random())
            running.append(end(ground, workers[chance.randrange(len(workers))], wait))
        for other in others:
            worker = workers[chance.randrange(len(workers))]
            running.append(send(other, worker, chance.random() * SPREAD_SECONDS, ""))
        await asyncio.gather(*running)
    return tally


#: What ended something, and which disclosures rest on that: `ended` and `made` are aliases of audit_entry, `d` is the
#: disclosure. A restriction counts while it was agreed.
_RESTED: Final = {
    "revoked": "ended.action = 'consent.revoke' AND d.consent_id = ended.consent_id",
    "event": "ended.action = 'consent.expire' AND d.consent_id = ended.consent_id",
    "ruled": "ended.action = 'consent.rule' AND d.consent_id = ended.consent_id",
    "evidence": "ended.action = 'evidence.end' AND d.evidence_id = ended.object_id",
    "agreement": "ended.action = 'agreement.record' AND ended.detail::jsonb ->> 'state' = 'ended' "
    "AND d.evidence_id = ended.object_id",
    "restricted": "ended.action = 'restriction.answer' AND ended.detail::jsonb ->> 'state' = 'agreed' "
    "AND ended.patient_id = d.patient_id AND d.recipient_id = ANY(%(restricted)s) AND NOT EXISTS ("
    "SELECT FROM audit_entry over WHERE over.action = 'restriction.end' AND over.outcome = 'permit' "
    "AND over.object_id = ended.object_id AND {over} < {made})",
}
_ORDER: Final = {
    "commit": "pg_xact_commit_timestamp({entry}.xid::xid)",
    "position": "(SELECT position FROM audit_leaf WHERE entry_id = {entry}.id)",
}


def broken_order(service: Service, by: str, restricted: Sequence[str] = ()) -> dict[str, int]:
    """Disclosures made after what they rest on had ended, by ground; `by` "commit" or, once sequenced, "position"."""
    at = {name: _ORDER[by].format(entry=name) for name in ("made", "ended", "over")}
    found: dict[str, int] = {}
    with service.house.superuser() as db:
        for ground, rests in _RESTED.items():
            condition = rests.format(**at) if "{" in rests else rests
            row = db.execute(
                "SELECT count(*) FROM disclosure d JOIN audit_entry made ON made.id = d.entry_id, audit_entry ended "  # type: ignore[arg-type]
                f"WHERE d.program_id = %(program)s AND ended.program_id = %(program)s AND ended.outcome = 'permit' "
                f"AND {condition} AND {at['made']} > {at['ended']}",
                {"program": service.program_id, "restricted": list(restricted)},
            ).fetchone()
            assert row is not None
            if row[0]:
                found[ground] = row[0]
    return found


def deadlocks(service: Service) -> int:
    """How many the server has seen in this database."""
    with service.house.superuser() as db:
        db.execute("SELECT pg_stat_force_next_flush()")
        row = db.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return row[0]


def _item() -> dict[str, Any]:
    return {"kind": "attendance", "unit": "U1", "labels": ["SUD"], "content": "came"}


def _ok(answer: Any) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()
