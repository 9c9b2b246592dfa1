"""What the town needs of an intake: one of everything its paths name, and bodies that do something."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.people.episodes import operations as episodes
from service.people.episodes.episode import Step
from service.work import Work
from tests.house import Client
from tests.integration.disclosure.office import Office
from tests.unit.admission.careplan.plans import PLAN

#: Keys of forms, instruments, sections, items and goals: data, and therefore the same in every town.
KEYS = ("phq-9", "F16", "home", "asq", "F02", "substances")
ITEMS = ("F16", "F13", "F04", "F09", "F19")
SECTIONS = ("home", "substances", "vitals", "psychiatric")
GOALS = ("g1", "g2")

WHY = "The patient has a bed at home and a nurse in the family."
SAFETY_PLAN: dict[str, Any] = {
    "warning_signs": ["No sleep"],
    "coping": ["A walk"],
    "professionals": [{"name": "Dr Olu Testperson", "phone": "+1-555-0143"}],
    "safer_surroundings": "Nothing at home.",
    "given_on": "2026-06-01",
}


def made(answer: Any, status: int = 201) -> dict[str, Any]:
    assert answer.status_code == status, (answer.request.url.path, answer.text)
    return dict(answer.json())


class Stay:
    """The patient of an office in an episode, with one of everything that an intake makes."""

    def __init__(self, office: Office) -> None:
        self.office, self.service = office, office.service
        self.intake, self.clinician = office.intake, office.clinician
        self.patient = f"/patients/{office.patient_id}"
        self.today = self.service.clock.now().astimezone(self.service.program.zone).date()
        version = self.intake.get(self.patient).json()["version"]
        channel = {"channel": "email", "address": "pat@example.org", "safe": True}
        made(self.intake.patch(self.patient, {"channels": [channel]}, version=version), 200)

    # -- one of each

    def episode(self, unit: str = "U1") -> str:
        """The patient's open episode of a unit, opened if there is none."""
        for one in self.intake.get(f"{self.patient}/episodes").json()["items"]:
            if one["unit"] == unit and one["ended_on"] is None:
                return str(one["id"])
        body = {"unit": unit, "opened_on": self.today.isoformat(), "track": "sud"}
        return str(made(self.intake.post(f"{self.patient}/episodes", body))["id"])

    def admitted(self, unit: str = "U1") -> str:
        """The same, admitted whatever the packet lacks."""
        episode_id = self.episode(unit)

        def act(work: Work) -> None:
            one = episodes.authorised_episode(work, Action.EPISODE_ADMIT, UUID(episode_id), changing=True)
            if one.admitted_on is None:
                episodes.move(work, one, Step.ADMIT, self.today, {})
            work.record(
                action=Action.EPISODE_ADMIT,
                object_kind="episode",
                object_id=one.id,
                patient_id=one.patient_id,
            )

        self.service.work(self.clinician.who.caller, act)
        return episode_id

    def plan(self, **parts: Any) -> dict[str, Any]:
        """A plan that can be begun; problems have no codes, because nobody made a diagnosis."""
        plan = deepcopy(PLAN)
        for problem in plan["problems"]:
            problem.pop("code", None)
        return plan | {"starts_on": self.today.isoformat()} | parts

    def begun(self) -> str:
        return str(made(self.clinician.post(f"{self.patient}/care-plans", self.plan()))["id"])

    def decision(self, episode_id: str, level: str = "2.1") -> dict[str, Any]:
        """A body that decides on the suggestion of now."""
        seen = made(self.clinician.get(f"/episodes/{episode_id}/placement"), 200)
        return {
            "level": level,
            "start_date": self.today.isoformat(),
            "patient_view": "agrees",
            "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
            "override": {"code": "clinical_judgment", "text": WHY},
        }

    def decided(self, episode_id: str) -> str:
        self.signed("F04")
        body = self.decision(episode_id)
        return str(made(self.clinician.post(f"/episodes/{episode_id}/placement-decisions", body))["id"])

    def form(self, key: str, outcome: str = "signed", **more: Any) -> dict[str, Any]:
        """What a form is signed with, every question answered."""
        text = made(self.intake.get(f"/forms/{key}"), 200)
        by_type = {"yes_no": True, "text": "Synthetic answer"}
        body = {
            "outcome": outcome,
            "text_version": text["version"],
            "text_sha256": text["sha256"],
            "language": "en",
            "reader": {"how": "self"},
            "device": "staff_device",
            "signer": {"role": "patient", "name": "Pat Testperson"},
            "attestation": "This is my signature.",
            "answers": {
                one["key"]: by_type.get(one["type"]) or next(iter(one["choices"]))
                for one in text["questions"]
            },
        }
        return body | more

    def signed(self, key: str, **more: Any) -> str:
        return str(made(self.intake.post(f"{self.patient}/forms/{key}", self.form(key, **more)))["id"])

    def discharge_body(self) -> dict[str, Any]:
        return {"type": "administrative", "on": self.today.isoformat(), "reason": "rules of the house"}

    def discharged(self) -> str:
        episode_id = self.admitted("U2")
        body = self.discharge_body()
        return str(made(self.clinician.post(f"/episodes/{episode_id}/discharge", body))["id"])

    def credential_body(self) -> dict[str, Any]:
        return {
            "kind": next(iter(self.service.house.state.credentials.kinds)),
            "starts_on": "2026-01-01",
            "number": "T-0001",
            "issuer": "State of Test",
            "verified_with": "the register",
        }

    def credential(self, administrator: Client) -> str:
        user = self.service.account("intake", name="somebody else").id
        return str(made(administrator.post(f"/users/{user}/credentials", self.credential_body()))["id"])

    def section(self, name: str, who: Client | None = None, **answers: Any) -> str:
        path = f"{self.patient}/medical/{name}"
        version = int((who or self.intake).get(path).headers["etag"].strip('"'))
        saved = made((who or self.intake).put(path, said(**answers), version=version), 200)
        return str(saved["head"]["item_id"])

    def entry(self, section: str, **answers: Any) -> str:
        body = said(**answers) | {"completed": False}
        return str(made(self.intake.post(f"{self.patient}/medical/{section}/entries", body))["item_id"])

    def visit(self, episode_id: str) -> str:
        body = {"held_on": self.today.isoformat(), "minutes": 60, "outcome": "attended", "format": "group"}
        return str(made(self.clinician.post(f"/episodes/{episode_id}/visits", body))["id"])

    def pack_body(self) -> dict[str, Any]:
        document = {"instrument": "cage-aid", "version": 1, "licence_id": "T-0001", "holder": "Test House",
                    "wording": {}, "attestation": "We hold this licence."}  # fmt: skip
        return {"pack": document, "starts_on": "2026-01-01", "expires_on": "2026-12-31"}

    def pack(self) -> str:
        compliance = self.service.client("compliance", purpose="HOPERAT")
        return str(made(compliance.post("/instruments/cage-aid/packs", self.pack_body()))["id"])

    def diagnosis_body(self) -> dict[str, Any]:
        return {
            "substance": "alcohol",
            "specific": "beer",
            "criteria": [1, 2, 3, 4],
            "dated_on": self.today.isoformat(),
        }

    # -- all of it

    def known(self, administrator: Client) -> dict[str, list[str]]:
        """Ids by the names paths have for them."""
        episode_id = self.admitted()
        home = self.section("home", housing="stable")
        drink = self.entry("substances", **{"class": "alcohol", "name": "beer", "ever": True})
        diagnosis = made(self.clinician.post(f"{self.patient}/diagnoses", self.diagnosis_body()))
        return {
            "episode_id": [episode_id],
            "decision_id": [self.decided(episode_id)],
            "plan_id": [self.begun()],
            "safety_plan_id": [
                str(made(self.clinician.post(f"{self.patient}/safety-plans", SAFETY_PLAN))["id"])
            ],
            "visit_id": [self.visit(episode_id)],
            "pack_id": [self.pack()],
            "discharge_id": [self.discharged()],
            "link_id": [str(made(self.intake.post(f"{self.patient}/packet-links"))["id"])],
            "signature_id": [self.signed("F16")],
            "credential_id": [self.credential(administrator)],
            "item_id": [str(diagnosis["item_id"]), home, drink],
            "key": list(KEYS),
            "item": list(ITEMS),
            "goal": list(GOALS),
            "section": list(SECTIONS),
        }

    def bodies(self) -> dict[str, Sequence[Any]]:
        """Good bodies by operation."""
        today, reason = self.today.isoformat(), {"reason": "looked into"}
        decision = self.decision(self.episode())
        agrees = {"kind": "patient", "name": "Pat Testperson", "decision": "agrees"}
        value = {"code": "use_day", "value": 1, "on": today}
        return {
            "decide_placement": (decision,),
            "decide_level_of_care": (decision,),
            "sign_second": ({"note": "Seen together on the ward."},),
            "waive_item": (reason,),
            "assign_item": ({"role": "intake"}, {"role": "clinician"}),
            "send_item_back": (reason,),
            "skip_item": (reason,),
            "admit_patient": ({}, {"on": today}),
            "sign_form": (self.form("F16"), self.form("F13", "declined")),
            "begin_care_plan": (self.plan(),),
            "save_care_plan": (self.plan(),),
            "sign_care_plan": ({"kind": "clinician"}, agrees),
            "review_care_plan": (
                {"summary": "Goes on.", "next_on": "2026-07-01", "patient_took_part": True},
            ),
            "settle_care_plan": ({"act": "hold", **reason}, {"act": "revoke", **reason}),
            "measure_care_plan": (value,),
            "step_goal": ({"state": "active"}, {"state": "on_hold", "note": "waits"}),
            "record_visit": [
                {"held_on": today, "minutes": 60, "outcome": outcome, "format": "group"}
                for outcome in ("attended", "missed")
            ],
            "make_safety_plan": (SAFETY_PLAN,),
            "change_safety_plan": (SAFETY_PLAN,),
            "discharge_patient": (self.discharge_body(),),
            "write_discharge_summary": ({"summary": "Twelve weeks."},),
            "save_medical_section": (said(housing="stable"), said(systolic=300)),
            "add_medical_entry": (said(**{"class": "alcohol", "ever": True}) | {"completed": False},),
            "change_medical_entry": (said(name="wine") | reason,),
            "record_diagnosis": (self.diagnosis_body(),),
            "change_diagnosis": (self.diagnosis_body() | reason,),
            "relabel_item": ({"raise": ["HIV"]}, {"lower": ["SUD"], **reason}),
            "attest_pack": (self.pack_body(),),
            "withdraw_pack": (reason,),
            "record_credential": (self.credential_body(),),
            "change_credential": ({"state": "suspended"},),
            "assign_flag": ({"account_id": str(self.service.account("clinician").id)},),
            "acknowledge_flag": (
                {"action": "Spoke with the patient at length", "seen_by": "Dr Olu", "outcome": "safe_now"},
            ),
        }


def said(**values: Any) -> dict[str, Any]:
    """Answers as they are sent."""
    answers = {name: value if isinstance(value, dict) else {"value": value} for name, value in values.items()}
    return {"answers": answers}
