"""One of everything a path can name, and somebody of every role: so that the fuzz does not end at 404."""

from collections.abc import Sequence
from random import Random
from typing import Any

from schemathesis import Case
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation

from tests.fuzz.charts import bodies_of_charts, charts_of
from tests.fuzz.intake import Stay
from tests.fuzz.keeping import bodies_of_keeping, keeping_of
from tests.house import Client, Service
from tests.integration.custody.watchfulness import Watchfulness
from tests.integration.disclosure.office import CLINIC_ONLY, PATIENT, SIGNATURE, SOUGHT, SPECIFIC, TPO, Office
from tests.unit.evidence.papers import PAPERS
from tests.unit.record.scans import PDF, PNG

STAFF = ("intake", "clinician", "compliance", "director", "administrator")
ROLES = (*STAFF, "patient", "requester")

#: Values that mean something, by the name of the member that holds them.
WORDS: dict[str, Sequence[Any]] = {
    "instrument": ("phq-9", "asq"),
    "unit": ("U1", "U2", "U9"),
    "disclosers": (["U1"], ["U1", "U2"]),
    "purpose": ("TREAT", "HPAYMT", "HOUSING"),
    "purposes": (["TREAT"], ["HOUSING", "TPO"]),
    "labels": (["SUD"], ["PSY", "HIV"], "all"),
    "categories": (["attendance"], ["SUD"]),
    "family_name": (PATIENT["family_name"],),
    "birth_date": (PATIENT["birth_date"],),
    "grant_type": ("password", "client_credentials"),
}


def _paper(recipient: str, kind: str) -> dict[str, Any]:
    """A complete paper of this kind."""
    return {
        "kind": kind,
        "recipients": [{"recipient_id": recipient}],
        "kinds": ["attendance"],
        "starts_on": "2026-02-01",
        "particulars": dict(PAPERS[kind].particulars),
    }


def _offered(kind: str) -> dict[str, Any]:
    """The same as part of a disclosure: what it leaves out is the question's."""
    return {"kind": kind, "particulars": dict(PAPERS[kind].particulars)}


_REASON = ({"reason": "recorded by mistake"},)
_ANSWERS = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 1}
_EMERGENCY = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}


class Town(Office):
    """An office with a chart, forms, consents, a disclosure and the people who may ask for them."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.chart()
        recipient = self.clinic
        roles = ["medical_personnel", "law_enforcement"]
        self._ed = self.recipient(
            {"type": "entity", "name": "St Ann Test ED", "covered_entity": True, "roles": roles}
        )
        self._bodies = self._good_bodies(service, recipient)
        self._bodies |= bodies_of_charts(self.intake, service.account("clinician").id)
        self._bodies |= bodies_of_keeping(self.intake, self.caller("compliance"))
        self.known: dict[str, list[str]] = {}
        self._stocked: set[str] = set()
        self.restock("disclosing")
        disclosed = self.disclose(recipient)
        assert disclosed.status_code == 201, disclosed.text
        self.known |= {
            "patient_id": [self.patient_id],
            "recipient_id": [recipient, self.lawyer, self._ed],
            "item_id": list(self.items.values()),
            "disclosure_id": [disclosed.json()["id"]],
            "program_id": [str(service.program_id)],
            "user_id": [str(service.account(role, name="somebody else").id) for role in ("intake",)],
            "session_id": [str(service.account("intake", name="signed in elsewhere").session_id)],
            "entry_id": [str(entry["id"]) for entry in service.entries()[-5:]],
            "version": sorted(service.house.state.rulebook.versions),
            "restriction_id": [self._restriction(recipient) for _ in range(2)],
            "grant_id": [self._grant()],
            "watch_id": self._watches(),
            "review_id": self._reviews(),
        } | charts_of(self.intake, self.patient_id)
        self.known |= keeping_of(self.intake, *map(self.caller, ("compliance", "administrator")))
        self.stay = Stay(self)
        stay = self.stay.known(self.caller("administrator"))
        stay["item_id"] += self.known["item_id"]
        self.known |= stay
        self._bodies |= self.stay.bodies()

    def good(self, name: str) -> Sequence[Any]:
        """Bodies that do something, of one operation."""
        return self._bodies.get(name, ())

    def restock_stay(self) -> None:
        """An episode that is open and a plan that is a draft: what acts on them may end."""
        episode_id = self.stay.admitted()
        self.known["episode_id"] = [episode_id]
        (plan,) = self.known["plan_id"]
        if self.clinician.get(f"/care-plans/{plan}").json().get("status") != "draft":
            self.known["plan_id"] = [self.stay.begun()]

    def restock(self, name: str) -> None:
        """Consents, forms and flags nobody has ended yet, once for each operation."""
        if name not in self._stocked:
            self._stocked.add(name)
            forms, flags = self._forms()
            signed = [self.signed(TPO)["id"], self.signed(CLINIC_ONLY)["id"]]
            self.known |= {
                "consent_id": [*signed, self.drafted(SPECIFIC)["id"]],
                "replaced_by": signed,
                "assessment_id": forms,
                "flag_id": flags,
                "relationship_id": [self._relationship()],
            }
            self.known |= self._papers()

    def _good_bodies(self, service: Service, recipient: str) -> dict[str, Sequence[Any]]:
        """Bodies that do something, by operation: chance alone writes no consent that can be signed."""
        asked = (
            self.asked(recipient),
            self.asked(recipient, items=[self.items["attendance"]]),
            self.asked(self._ed, "BTG", categories=["medication_list"], evidence=_offered("emergency")),
            self.asked(self._ed, "INCIDENT", evidence=_offered("incident")),
            self.asked(recipient, via=self.recipient({"type": "intermediary", "name": "Valley HIE"})),
        )
        today = service.clock.now().date().isoformat()
        now = service.clock.now().isoformat()
        program = {
            name: value
            for name, value in service.client("administrator")
            .get(f"/programs/{service.program_id}")
            .json()
            .items()
            if name not in ("id", "version", "changed_at")
        }
        evidence = {"recipient_id": recipient, "starts_on": "2026-02-01", "evidence": "said so at intake"}
        return {
            "create_consent": (TPO, CLINIC_ONLY, SPECIFIC),
            "edit_consent": (TPO, SPECIFIC),
            "sign_consent": (SIGNATURE,),
            "rule_on_consent": [
                {"kind": kind, "reason": "looked into"} for kind in ("doubted", "cleared", "false", "formal")
            ],
            "mark_consent_as_error": ({"reason": "of another patient"},),
            "adopt_text": [
                {"version": version, "effective_from": today, "recollect_by": "2027-01-31"}
                for version in service.house.state.rulebook.versions
            ],
            "record_event": [
                {"kind": kind, "occurred_on": "2026-05-01"} for kind in ("discharge", "admission")
            ],
            "end_evidence": _REASON,
            "end_agreement": _REASON,
            "mark_attachment_as_error": _REASON,
            "revoke_consent": ({"received_at": now, "form": "written", "by": "patient"},),
            "preview_disclosure": asked,
            "make_disclosure": asked,
            "request_package": ({"patient": SOUGHT, "purpose": "TREAT"},),
            "record_relationship": ({"kind": "treating", **evidence},),
            "end_relationship": ({"ends_on": "2026-05-01"},),
            "update_draft": ({"answers": _ANSWERS},),
            "amend_assessment": ({"answers": _ANSWERS, "reason": "copied wrongly"},),
            "replace_program": (program,),
            "request_restriction": (self._restricted(recipient),),
            "answer_restriction": ({"answer": "agreed", "reason": "we can"},),
            "end_restriction": ({"by": "patient_written"}, {"by": "program_notice", "note": "letter"}),
            "open_emergency_access": (_EMERGENCY,),
            "close_review": [
                {"decision": decision, "reason": "looked at it"} for decision in ("appropriate", "justified")
            ],
            "watch_patient": ({"kind": "vip", "reason": "in the public eye"},),
            "end_watch": _REASON,
            "keep_particulars": ({"family_name": "Testperson", "address": {"line1": "1 Example Street"}},),
            "record_evidence": (_paper(recipient, "incident"), _paper(recipient, "minor_threat_finding")),
            "record_agreement": (_paper(recipient, "qsoa"), _paper(recipient, "research")),
            "add_attachment": (PDF, PNG),
        }

    def _papers(self) -> dict[str, list[str]]:
        """Papers nobody has signed off or ended yet, and a file."""
        compliance, made = self.caller("compliance"), dict[str, list[str]]()
        for name, path, kind in (
            ("evidence_id", f"/patients/{self.patient_id}/evidence", "incident"),
            ("agreement_id", "/agreements", "research"),
        ):
            answers = [compliance.post(path, _paper(self.clinic, kind)) for _ in range(2)]
            assert all(answer.status_code == 201 for answer in answers), answers[0].text
            made[name] = [answer.json()["id"] for answer in answers]
        path, headers = f"/patients/{self.patient_id}/attachments", {"Content-Type": "image/png"}
        file = self.intake.request("POST", path, params={"kind": "other"}, content=PNG, headers=headers)
        assert file.status_code == 201, file.text
        return made | {"attachment_id": [file.json()["id"]]}

    def _restriction(self, recipient: str) -> str:
        answer = self.intake.post(f"/patients/{self.patient_id}/restrictions", self._restricted(recipient))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def _restricted(self, recipient: str) -> dict[str, Any]:
        return {
            "kinds": ["lab_result"],
            "recipients": [recipient],
            "purposes": ["HPAYMT"],
            "reason": "private",
        }

    def _grant(self) -> str:
        answer = self.clinician.post(f"/patients/{self.patient_id}/emergency-access", _EMERGENCY)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def _watches(self) -> list[str]:
        """A watched chart, and a finding in the queue."""
        watch = Watchfulness(self.service)
        for _ in range(5):
            watch.entry(self.service.account("clinician", name="curious"), "patient.read", outcome="deny")
        watch.look()
        body = {"kind": "coworker", "reason": "works in the kitchen"}
        made = self.caller("compliance").post(f"/patients/{self.patient_id}/watches", body)
        assert made.status_code == 201, made.text
        return [made.json()["id"]]

    def _reviews(self) -> list[str]:
        found = self.caller("compliance").get("/audit/reviews").json()["items"]
        assert found
        return [review["id"] for review in found]

    def _forms(self) -> tuple[list[str], list[str]]:
        """A completed form that raised a flag, and a draft."""
        made: list[str] = []
        for status in ("completed", "draft"):
            body = {"instrument": "phq-9", "status": status, "answers": _ANSWERS}
            answer = self.intake.post(f"/patients/{self.patient_id}/assessments", body)
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["id"])
        flags = self.intake.get(f"/patients/{self.patient_id}/flags").json()["items"]
        assert flags
        return made, [flag["id"] for flag in flags]

    def _relationship(self) -> str:
        body = {
            "kind": "third_party_payer",
            "recipient_id": self.lawyer,
            "starts_on": "2026-01-01",
            "evidence": "bills",
        }
        answer = self.intake.post(f"/patients/{self.patient_id}/relationships", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def caller(self, role: str) -> Client:
        """HTTP as this role, with the purpose it usually states."""
        if role == "patient":
            return self.patient
        if role == "requester":
            return self.outside()
        if role == "clinician":
            return self.clinician
        return self.service.client(role, purpose="HOPERAT" if role in ("compliance", "director") else "TREAT")

    def inhabit(self, case: Case, chosen: Random) -> None:
        """Point most of a generated request at things that exist, and use words that mean something here."""
        astray = case.meta is not None and case.meta.is_negative_at(ParameterLocation.PATH)
        if not astray and chosen.random() < 0.9:
            for name in case.path_parameters:
                case.path_parameters[name] = chosen.choice(
                    self.known.get(name) or [case.path_parameters[name]]
                )
        if "If-Match" in case.headers and chosen.random() < 0.7:
            case.headers["If-Match"] = f'"{chosen.randint(1, 3)}"'
        good = self._bodies.get(case.operation.definition.raw["operationId"])
        if good and chosen.random() < 0.3:
            case.body = chosen.choice(good)
        elif not isinstance(case.body, NotSet) and chosen.random() < 0.7:
            case.body = self._meant(case.body, chosen)

    def _meant(self, value: Any, chosen: Random) -> Any:
        """A copy of a body in which names of things are mostly names of things there are."""
        if isinstance(value, list):
            return [self._meant(one, chosen) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: chosen.choice(self._words(name))
            if self._words(name) and isinstance(member, str | list) and chosen.random() < 0.7
            else self._meant(member, chosen)
            for name, member in value.items()
        }

    def _words(self, name: str) -> Sequence[Any]:
        return self.known.get(name) or WORDS.get(name, ())
