"""Nothing a patient said or is turns up in a log, a refusal, a metric, an address or a file of the database.

Every field that takes text gets a canary over HTTP, the records are used, searched and asked for wrongly, and then every
place is searched. The searching itself is tried first: a canary put somewhere by hand is found.
"""

import contextlib
import io
import socket
from base64 import b64encode
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.custody.standing import record_restore
from service.edge.metrics import exposition
from service.identity.system import system_caller
from service.ledger.restores import Branch
from service.log import configure_logs
from tests.house import Account, Service
from tests.integration.canary_watch import (
    EGRESS,
    Canaries,
    Listener,
    dumped,
    server_logs,
    stored_files,
)
from tests.integration.custody.watchfulness import Watchfulness
from tests.integration.sealed_columns import opened, sealed_columns
from tests.integration.vault.test_restore import BINARIES
from tests.needing import needs
from tests.showing import Counted
from tests.unit.admission.careplan.plans import PLAN
from tests.unit.evidence.papers import PAPERS
from tests.unit.record.scans import png_with

#: Sealed columns that hold codes, hashes and the program's own words, and no word of anybody.
WORDLESS = {
    *("account.profile", "finding.particulars", "form_signature.document", "safety_flag.finding"),
    *("record_item.labels", "record_item_version.labels"),
}
#: So many sealed columns there are; who adds one adds a canary.
SEALED = 43
PHQ_9 = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 1}


class Session:
    """The people of one program, working, with a canary in everything they type."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.canaries = Canaries()
        self.listener = Listener(self.canaries)
        self.patient_id = ""

    def call(
        self,
        who: str | Account,
        method: str,
        path: str,
        body: Any = None,
        expect: int | None = None,
        **more: Any,
    ) -> Any:
        purpose = more.pop("purpose", "TREAT")
        options = more if body is None else {"json": body, **more}
        answer = self.listener.hear(self.service.client(who, purpose).request(method, path, **options))
        assert expect is None or answer.status_code == expect, (method, path, answer.status_code, answer.text)
        assert answer.status_code != 500, (method, path, answer.text)
        return answer

    # -- planting ---------------------------------------------------------------------------------

    def register(self) -> None:
        word, shape = self.canaries.word, self.canaries.shape
        body = {
            "given_name": word("given"),
            "family_name": word("family"),
            "birth_date": shape("1931-07-19"),
            "phone": shape("+1 555 0173 9264 481"),
            "email": f"{word('mail')}@example.org",
            "address": {
                name: word(name) for name in ("line1", "line2", "city", "state", "postal_code", "country")
            },
            "identifiers": [{"system": word("system"), "value": word("identifier")}],
            "language": shape("en-zq4711xk"),
            "contacts": [
                {
                    "name": word("contact"),
                    "relationship": word("kinship"),
                    "phone": shape("+1 555 0184 7731 902"),
                    "email": f"{word('contact_mail')}@example.org",
                    "note": word("contact_note"),
                }
            ],
        }
        self.patient = body
        self.patient_id = self.call("intake", "POST", "/patients", body, 201).json()["id"]
        again = self.call("intake", "POST", "/patients", body, 201).json()
        assert again["possible_duplicates"], "the second registration must look at the first"
        patch = {"family_name": word("married"), "address": word("new_address")}
        self.call("intake", "PATCH", f"/patients/{self.patient_id}", patch, 200, version=1)
        clinician = self.service.account("clinician", related_to=[self.patient_id])
        self.clinician = clinician

    def assess(self) -> None:
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/assessments"
        form = {"instrument": "phq-9", "status": "draft", "answers": PHQ_9}
        draft = self.call(
            "intake", "POST", path, form | {"context": {word("key"): word("context")}}, 201
        ).json()
        self.call("intake", "POST", f"/assessments/{draft['id']}/completion", {}, 200)
        change = {"answers": PHQ_9, "reason": word("reason"), "context": {"note": word("amended")}}
        self.call(self.clinician, "POST", f"/assessments/{draft['id']}/amendments", change, 201)
        for answers in (PHQ_9 | {"phq9.1": word("answer")}, PHQ_9 | {word("item"): 1}):
            self.call("intake", "POST", path, form | {"answers": answers}, 422)
        flags = self.call("intake", "GET", f"/patients/{self.patient_id}/flags", expect=200).json()["items"]
        assert flags
        for flag in flags:
            action = {"action": word("action"), "seen_by": word("seen_by"), "outcome": "safe_now"}
            self.call("intake", "POST", f"/flags/{flag['id']}/acknowledgement", action, 200)
            self.call("intake", "POST", f"/flags/{flag['id']}/acknowledgement", action, 409)
        for version in ("", "?version=1"):
            self.call(self.clinician, "GET", f"/assessments/{draft['id']}{version}", expect=200)

    def chart(self) -> None:
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/items"
        for kind, content in (
            ("attendance", {"present": True, "remark": word("remark")}),
            ("medication_list", {"medications": [{"name": word("medicine"), word("name_of_field"): 1}]}),
            ("progress_note", word("note") * 40),
            ("counseling_note", word("counseling")),
        ):
            body = {"kind": kind, "unit": "U1", "labels": ["SUD"], "content": content}
            item = self.call(self.clinician, "POST", path, body, 201).json()
            self.call(self.clinician, "GET", f"/items/{item['id']}", expect=200)
        self.call(self.clinician, "GET", f"/patients/{self.patient_id}/record", expect=200)

    def consent(self) -> None:
        word = self.canaries.word
        recipient = {
            "type": "entity",
            "name": word("recipient"),
            "covered_entity": True,
            "address": word("recipient_address"),
            "phone": self.canaries.shape("+1 555 0199 3340 226"),
        }
        register = {**recipient, "name": word("registered")}
        known = self.call("intake", "POST", "/recipients", register, 201).json()["id"]
        self.call("intake", "GET", "/recipients", expect=200)
        treating = {
            "kind": "treating",
            "recipient_id": known,
            "starts_on": "2026-01-01",
            "evidence": word("evidence"),
        }
        self.call("intake", "POST", f"/patients/{self.patient_id}/relationships", treating, 201)
        body = {
            "kind": "specific",
            "disclosers": ["U1"],
            "recipients": [recipient],
            "scope": {"kinds": ["attendance"], "labels": "all", "description": word("description")},
            "purposes": ["HOUSING"],
            "expiry": {"kind": "date", "date": "2026-12-31"},
            "statements": {"revocation": True, "revocation_how": True},
            "form": "electronic",
        }
        path = f"/patients/{self.patient_id}/consents"
        drafts = [self.call("intake", "POST", path, body, 201).json() for _ in range(3)]
        consents = [draft["id"] for draft in drafts]
        self.recipient_id = drafts[0]["recipients"][0]["recipient_id"]
        signature = {
            "signer": {"role": "patient", "name": word("signer"), "authority": word("authority")},
            "method": "typed",
            "attestation": word("attestation"),
        }
        signature["signer"].pop("authority")
        for consent in consents[:2]:
            self.call("intake", "POST", f"/consents/{consent}/signatures", signature, 201)
            self.call("intake", "POST", f"/consents/{consent}/signatures", signature)
            self.call(self.clinician, "GET", f"/consents/{consent}", expect=200)
            self.call(self.clinician, "GET", f"/consents/{consent}/document", expect=200)
        self.service.clock.advance(timedelta(minutes=1))
        now = self.service.clock.now().isoformat().replace("+00:00", "Z")
        revocation = {"received_at": now, "form": "written", "by": word("revoker")}
        self.call("intake", "POST", f"/consents/{consents[0]}/revocation", revocation, 200)
        error = {"reason": word("error_reason")}
        self.call(self.clinician, "POST", f"/consents/{consents[2]}/error", error)
        broken = body | {"kind": word("kind"), "purposes": [word("purpose")], "disclosers": [word("unit")]}
        self.call("intake", "POST", path, broken)
        self.call(self.clinician, "GET", path, expect=200)

    def disclose(self) -> None:
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/disclosures"
        ask = {"recipient": self.recipient_id, "purpose": "HOUSING", "channel": "mail"}
        self.call(self.clinician, "POST", f"{path}/preview", ask, 200)
        made = self.call(self.clinician, "POST", path, ask, 201).json()
        package = self.call(self.clinician, "GET", f"/disclosures/{made['id']}/package", expect=200)
        assert self.canaries.seen_in(package.content), "what is disclosed is in the clear for the recipient"
        self.call(self.clinician, "POST", path, ask | {"purpose": "TREAT"}, 403)
        self.call(self.clinician, "POST", path, ask | {"purpose": word("why")})
        stranger = {"type": "entity", "name": word("stranger"), "covered_entity": False}
        self.call(self.clinician, "POST", path, ask | {"recipient": stranger})
        self.call("compliance", "GET", f"/patients/{self.patient_id}/accounting", expect=200)
        outside = self.service.account("requester", recipient_id=self.recipient_id)
        sought = {
            "family_name": self.canaries.stem + "Married",
            "given_name": self.patient["given_name"],
            "birth_date": self.patient["birth_date"],
        }
        request = {"patient": sought, "purpose": "HOUSING"}
        self.call(outside, "POST", "/record-requests", request, 200, purpose="HOUSING")
        for other in (
            request | {"purpose": "TREAT"},
            request | {"patient": sought | {"family_name": word("unknown")}},
            request | {"patient": sought | {"identifier": word("number")}},
            request | {"purpose": word("wish")},
        ):
            self.call(outside, "POST", "/record-requests", other, 404, purpose="HOUSING")

    def papers(self) -> None:
        """Evidence, agreements and attachments: recorded, refused, signed off, ended, marked as errors."""
        word = self.canaries.word
        papers = f"/patients/{self.patient_id}/evidence"
        party = {"type": "entity", "name": word("recipient_of_paper"), "covered_entity": True}
        of_emergency = dict(PAPERS["emergency"].particulars)
        for name in ("recipient_name", "recipient_facility", "discloser_name", "nature"):
            of_emergency[name] = word(name)
        body: dict[str, Any] = {"recipients": [party], "kinds": ["attendance"], "starts_on": "2026-06-01"}
        for where, kind, particulars in (
            (papers, "emergency", of_emergency),
            ("/agreements", "qsoa", dict(PAPERS["qsoa"].particulars) | {"services": word("services")}),
        ):
            paper = body | {"kind": kind, "particulars": particulars}
            made = self.call("compliance", "POST", where, paper, 201, purpose="HOPERAT").json()
            path = f"{where if kind == 'qsoa' else '/evidence'}/{made['id']}"
            self.call("compliance", "POST", f"{path}/sign-off", {}, 200, purpose="HOPERAT")
            self.call("compliance", "POST", f"{path}/end", {"reason": word("ended")}, 200, purpose="HOPERAT")
            for wrong in ({word("question"): "x"}, particulars | {word("more"): True}, {"date": word("day")}):
                self.call("compliance", "POST", where, paper | {"particulars": wrong}, 422, purpose="HOPERAT")
            self.call("compliance", "POST", where, paper | {"kind": word("kind")}, 422, purpose="HOPERAT")
            self.call("compliance", "GET", where, expect=200, purpose="HOPERAT")
        place = f"/patients/{self.patient_id}/attachments?kind=other"
        scan = png_with(word("scan").encode())
        for content, claimed, status in (
            (scan, "image/png", 201),
            (scan, "text/html", 415),
            (scan + b"x", "image/png", 415),
        ):
            headers = {"Content-Type": claimed, "Attachment-Title": word("title")}
            made = self.call(self.clinician, "POST", place, expect=status, content=content, headers=headers)
            if status == 201:
                path = f"/attachments/{made.json()['id']}"
        assert self.call(self.clinician, "GET", f"{path}/content", expect=200).content == scan
        self.call(self.clinician, "POST", f"{path}/error", {"reason": word("mistake")}, 200)
        self.call(self.clinician, "GET", f"/patients/{self.patient_id}/attachments", expect=200)

    def consents_of_other_kinds(self) -> None:
        """What only some kinds of consent say: intermediaries, proceedings, justice, registries; and rulings."""
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/consents"
        person = {"type": "person", "name": word("attorney"), "covered_entity": False}
        participant = {"type": "entity", "name": word("participant"), "covered_entity": True}
        exchange = {"type": "intermediary", "name": word("exchange"), "participants": [participant]}
        registry = {"type": "entity", "name": word("registry"), "address": word("registry_address")}
        usual: dict[str, Any] = {
            "disclosers": ["U1"],
            "scope": {"kinds": ["attendance"], "labels": "all", "description": word("scope")},
            "purposes": ["HOUSING"],
            "expiry": {"kind": "event", "event": word("event")},
            "statements": {"revocation": True, "revocation_how": True},
            "form": "electronic",
        }
        for changes in (
            {"kind": "intermediary", "recipients": [exchange]},
            {"kind": "legal_proceedings", "recipients": [person], "proceeding": word("proceeding")},
            {
                "kind": "criminal_justice",
                "recipients": [person],
                "justice_condition": word("condition"),
                "revocable_after": word("revocable"),
            },
            {"kind": "registry", "recipients": [registry | {"covered_entity": False}]},
            {"kind": "specific", "recipients": [person], "initiated_by": "patient"},
        ):
            made = self.call("intake", "POST", path, usual | changes, 201).json()
            self.call("intake", "POST", f"/consents/{made['id']}/preview", {}, 200)
            self.call(self.clinician, "GET", f"/consents/{made['id']}/document", expect=200)
        image = b64encode(png_with(word("drawn").encode())).decode()
        signature = {
            "signer": {"role": "patient", "name": word("hand")},
            "method": "drawn",
            "attestation": word("agreed"),
            "image": image,
        }
        self.call("intake", "POST", f"/consents/{made['id']}/signatures", signature, 201)
        of_other = signature | {
            "signer": {"role": "guardian", "name": word("guardian"), "authority": word("by")}
        }
        self.call("intake", "POST", f"/consents/{made['id']}/signatures", of_other)
        rulings = f"/consents/{made['id']}/rulings"
        for kind, status in (("doubted", 201), ("doubted", 409), ("cleared", 201), (word("ruling"), 422)):
            body = {"kind": kind, "reason": word("why_ruled")}
            self.call("compliance", "POST", rulings, body, status, purpose="HOPERAT")
        now = self.service.clock.now().isoformat().replace("+00:00", "Z")
        oral = {"received_at": now, "form": "oral", "by": word("by_phone")}
        self.call(self.clinician, "POST", f"/consents/{made['id']}/revocation", oral, 200)

    def rights(self) -> None:
        """Restrictions, break-glass, reviews, an emergency with its paper; and who works here."""
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/restrictions"
        asked = {
            "kinds": "all",
            "recipients": [self.recipient_id],
            "classes": ["treatment"],
            "reason": word("plea"),
        }
        made = self.call("intake", "POST", path, asked, 201).json()
        answer = {"answer": "agreed", "reason": word("because")}
        place = f"/restrictions/{made['id']}"
        self.call("compliance", "POST", f"{place}/answer", answer, 200, purpose="HOPERAT")
        self.call("compliance", "POST", f"{place}/answer", answer, 409, purpose="HOPERAT")
        ending = {"by": "patient_oral_documented", "note": word("said")}
        self.call("compliance", "POST", f"{place}/ending", ending, 200, purpose="HOPERAT")
        self.call("intake", "POST", path, asked | {"classes": [word("class")]}, 422)
        self.call(self.clinician, "GET", path, expect=200)
        party = {
            "type": "entity",
            "name": word("hospital"),
            "covered_entity": True,
            "roles": ["medical_personnel"],
        }
        hospital = self.call(
            "intake", "POST", "/recipients", party | {"address": word("street")}, 201
        ).json()["id"]
        particulars = dict(PAPERS["emergency"].particulars) | {"nature": word("collapse")}
        emergency = {
            "recipient": {"recipient_id": hospital},
            "purpose": "BTG",
            "channel": "phone",
            "categories": ["medication_list"],
            "evidence": {"kind": "emergency", "particulars": particulars},
        }
        disclosures = f"/patients/{self.patient_id}/disclosures"
        self.call(self.clinician, "POST", f"{disclosures}/preview", emergency, 200)
        self.call(self.clinician, "POST", disclosures, emergency, 201)
        told = {"kind": "emergency", "particulars": {"date": word("when")}}
        self.call(self.clinician, "POST", disclosures, emergency | {"evidence": told}, 422)
        on_call = self.service.account("clinician", name="on call")
        texts = {"nature": word("danger"), "why_no_consent": word("unreachable")}
        place = f"/patients/{self.patient_id}/emergency-access"
        grant = self.call(on_call, "POST", place, texts, 201).json()["id"]
        self.call(on_call, "GET", f"/emergency-access/{grant}", expect=200)
        self.call(on_call, "POST", f"/emergency-access/{grant}/ending", {}, 200)
        self.call(on_call, "POST", place, texts | {"nature": " "}, 422)
        reviews = self.call("compliance", "GET", "/audit/reviews", expect=200, purpose="HOPERAT").json()[
            "items"
        ]
        assert {one["kind"] for one in reviews} >= {
            "emergency_access",
            "emergency_disclosure",
            "consent_doubt",
        }
        finding = {"decision": "incident", "reason": word("finding")}
        for one in reviews:
            self.call("compliance", "POST", f"/audit/reviews/{one['id']}", finding, 200, purpose="HOPERAT")
            self.call("compliance", "POST", f"/audit/reviews/{one['id']}", finding, 409, purpose="HOPERAT")

    def keep(self) -> None:
        """A legal hold; a record asked to be destroyed when its periods are over; a database brought back."""
        word, service = self.canaries.word, self.service
        held = {"owner_id": str(service.account("compliance").id), "reason": word("sued")}
        placed = self.call("compliance", "POST", "/legal-holds", held, 201, purpose="HOPERAT").json()
        path = f"/legal-holds/{placed['id']}"
        self.call("compliance", "GET", path, expect=200, purpose="HOPERAT")
        self.call(
            "compliance", "POST", f"{path}/lifting", {"reason": word("settled")}, 200, purpose="HOPERAT"
        )
        named = {name: word(f"gone_{name}") for name in ("given_name", "family_name")}
        gone = self.call("intake", "POST", "/patients", {**named, "birth_date": "1940-01-02"}, 201).json()
        service.clock.advance(timedelta(days=366 * 8))
        service.accounts.clear()
        asked = {"patient_id": gone["id"], "basis": "retention_over", "reason": word("over")}
        made = self.call("compliance", "POST", "/keys/shreddings", asked, 201, purpose="HOPERAT").json()
        self.call("compliance", "GET", f"/keys/shreddings/{made['id']}", expect=200, purpose="HOPERAT")
        back, said = Branch((0, bytes(32)), frozenset()), word("restored")
        service.work(
            system_caller(service.program_id),
            lambda work: record_restore(
                work, service.program_id, back, backup_time=service.clock.now(), reason=said
            ),
        )

    def watch(self) -> None:
        """A watched chart, what is known of staff, and what a rule of review finds and somebody decides."""
        word, watch = self.canaries.word, Watchfulness(self.service)
        path = f"/patients/{self.patient_id}/watches"
        body = {"kind": "vip", "reason": word("famous")}
        made = self.call("compliance", "POST", path, body, 201, purpose="HOPERAT").json()
        self.call("compliance", "POST", path, body, 409, purpose="HOPERAT")
        self.call("compliance", "GET", path, expect=200, purpose="HOPERAT")
        ending = {"reason": word("no_longer")}
        self.call("compliance", "POST", f"/watches/{made['id']}/end", ending, 200, purpose="HOPERAT")
        reader = self.service.account("clinician", name="reader")
        said = {"family_name": word("own_name"), "address": {"line1": word("home"), "city": word("town")}}
        self.call("administrator", "POST", f"/users/{reader.id}/particulars", said, 200, purpose=None)
        for _ in range(5):
            watch.entry(reader, "patient.read", self.patient_id, outcome="deny")
        watch.look()
        (one,) = watch.findings(actor=str(reader.id))
        place, why = f"/audit/reviews/{one['id']}", word("looked_into")
        for decision, status in (("needs_more", 200), ("justified", 200), ("incident", 422)):
            decided = {"decision": decision, "reason": why}
            self.call("compliance", "POST", place, decided, status, purpose="HOPERAT")
        self.call("compliance", "GET", place, expect=200, purpose="HOPERAT")

    def stay(self) -> None:
        """An intake: episode, forms, medical sections, placement, plans, visits, messages, discharge, credentials."""
        word, shape, path = self.canaries.word, self.canaries.shape, f"/patients/{self.patient_id}"
        version = self.call("intake", "GET", path, expect=200).json()["version"]
        reach = {"channel": "email", "address": f"{word('channel')}@example.org", "safe": True}
        reach["code_word"] = word("code_word")
        self.call("intake", "PATCH", path, {"channels": [reach]}, 200, version=version)
        day = self.service.clock.now().astimezone(self.service.program.zone).date().isoformat()
        body = {"unit": "U1", "opened_on": day, "track": "sud", "referral": word("referral")}
        self.episode_id = self.call("intake", "POST", f"{path}/episodes", body, 201).json()["id"]
        self.call("intake", "POST", f"{path}/packet-links", expect=201)
        text = self.call("intake", "GET", "/forms/F16", expect=200).json()
        signed = {"outcome": "signed", "text_version": text["version"], "text_sha256": text["sha256"],
                  "language": "en", "device": "staff_device", "witness": word("form_witness"),
                  "reader": {"how": "interpreter", "interpreter_name": word("interpreter"),
                             "interpreter_id": word("interpreter_id")},
                  "signer": {"role": "patient", "name": word("form_signer")},
                  "attestation": word("form_attestation"), "answers": {}}  # fmt: skip
        for question in text["questions"]:
            kinds = {"yes_no": True, "text": word("form_answer")}
            value = kinds.get(question["type"]) or next(iter(question["choices"]))
            signed["answers"][question["key"]] = value
        made = self.call("intake", "POST", f"{path}/forms/F16", signed, 201).json()
        self.call("intake", "GET", f"/form-signatures/{made['id']}", expect=200)
        self.call("intake", "POST", f"{path}/forms/F16", signed | {"answers": {word("q"): word("a")}}, 422)
        declined = signed | {"outcome": "declined", "reason": word("declined"), "answers": {}}
        self.call("intake", "POST", f"{path}/forms/F13", declined)
        for what in ("waiver", "needs-fix", "emergency-skip"):
            self.call("intake", "POST", f"{path}/packet/F16/{what}", {"reason": word(what.replace("-", "_"))})
        self.call("intake", "POST", f"{path}/packet/{word('item')}/waiver", {"reason": word("no_item")})
        for place in (f"{path}/intake", f"{path}/prefill", "/work-list", f"{path}/forms", "/flags"):
            self.call("intake", "GET", place, expect=200)
        self.call("intake", "POST", f"/episodes/{self.episode_id}/admission", {}, 409)
        self.agree(path, signed)
        self.medical(path)
        self.decide(day)
        self.plan(path, day)
        self.leave(path, day, shape)

    def agree(self, path: str, signed: dict[str, Any]) -> None:
        """The consent to care, without which no level of care is decided."""
        text = self.call("intake", "GET", "/forms/F04", expect=200).json()
        words = {"text_version": text["version"], "text_sha256": text["sha256"]}
        answers = {one["key"]: True for one in text["questions"]}
        self.call("intake", "POST", f"{path}/forms/F04", signed | words | {"answers": answers}, 201)

    def medical(self, path: str) -> None:
        word = self.canaries.word

        def said(**values: Any) -> dict[str, Any]:
            return {"answers": {name: {"value": value} for name, value in values.items()}}

        home = said(housing="stable", lives_with=word("lives_with"))
        self.call("intake", "PUT", f"{path}/medical/home", home, 200, version=0)
        changed = home | {"reason": word("changed")}
        self.call("intake", "PUT", f"{path}/medical/home", changed, version=1)
        row = said(**{"class": "alcohol", "name": word("drink"), "ever": True, "amount": word("amount")})
        entry = self.call(
            "intake", "POST", f"{path}/medical/substances/entries", row | {"completed": False}, 201
        ).json()
        wrong = said(**{word("question"): word("answer"), "last_use": word("when")})
        self.call("intake", "POST", f"{path}/medical/substances/entries", wrong, 422)
        self.call("intake", "PUT", f"{path}/medical/vitals", said(systolic=word("pressure")), 422, version=0)
        self.call("intake", "GET", f"{path}/medical/{word('section')}", expect=404)
        found = {"substance": "alcohol", "specific": word("specific"), "criteria": [1, 2, 3, 4],
                 "dated_on": "2026-06-01", "reason": word("found")}  # fmt: skip
        self.call(self.clinician, "POST", f"{path}/diagnoses", found)
        self.call(self.clinician, "POST", f"{path}/diagnoses", found | {"code": word("code")[:8]}, 422)
        labels = {"raise": ["HIV"], "reason": word("label_reason")}
        self.call("intake", "POST", f"/items/{entry['item_id']}/labels", labels)
        mistaken = {"reason": word("mistaken")}
        self.call("intake", "POST", f"/medical/{entry['item_id']}/error", mistaken)
        self.call(self.clinician, "GET", f"{path}/medical", expect=200)

    def decide(self, day: str) -> None:
        word, path = self.canaries.word, f"/episodes/{self.episode_id}"
        for level, code in (("2.1", "other"), (word("level"), word("override"))):
            seen = self.call(self.clinician, "GET", f"{path}/placement", expect=200).json()
            body = {"level": level, "start_date": day, "patient_view": "agrees",
                    "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
                    "rationale": word("rationale"),
                    "override": {"code": code, "text": f"Because {word('because')} is so."}}  # fmt: skip
            status = 201 if level == "2.1" else 422
            made = self.call(self.clinician, "POST", f"{path}/placement-decisions", body, status).json()
            if status == 201:
                decision = made["id"]
        self.call(self.clinician, "GET", f"/placement-decisions/{decision}", expect=200)
        second = {"note": word("second_note")}
        self.call(self.clinician, "POST", f"/placement-decisions/{decision}/second", second)

    def plan(self, path: str, day: str) -> None:
        word = self.canaries.word
        plan = deepcopy(PLAN) | {"starts_on": day, "person": {"strengths": [{"text": word("strength")}]}}
        plan["goals"][0]["own_words"] = word("own_words")
        for problem in plan["problems"]:
            problem.pop("code", None)
            problem["statement"] = word("problem")
        made = self.call(self.clinician, "POST", f"{path}/care-plans", plan, 201).json()["id"]
        here = f"/care-plans/{made}"
        agrees = {"kind": "patient", "name": word("agrees"), "decision": "agrees"}
        self.call(self.clinician, "POST", f"{here}/signatures", agrees, 201)
        value = {"code": "use_day", "value": 1, "on": day, "note": word("value_note")}
        self.call(self.clinician, "POST", f"{here}/values", value)
        self.call(self.clinician, "POST", f"{here}/status", {"act": "revoke", "reason": word("revoked")})
        self.call(self.clinician, "POST", f"{here}/goals/{word('goal')}/status", {"state": "active"})
        self.call(self.clinician, "POST", f"{path}/care-plans", plan | {word("part"): word("whole")}, 422)
        for place in (here, f"{here}/fhir"):
            self.call(self.clinician, "GET", place, expect=200)
        safety = {"warning_signs": [word("sign")], "coping": [word("coping")],
                  "professionals": [{"name": word("helper"), "phone": word("helper_phone")}],
                  "safer_surroundings": word("safer"), "given_on": day}  # fmt: skip
        self.call(self.clinician, "POST", f"{path}/safety-plans", safety, 201)

    def leave(self, path: str, day: str, shape: Any) -> None:
        """Visits, a step, a discharge; then the doubled chart is merged, and the merge undone."""
        word, here = self.canaries.word, f"/episodes/{self.episode_id}"
        for outcome in ("attended", "excused"):
            visit = {
                "held_on": day,
                "minutes": 61,
                "outcome": outcome,
                "format": "group",
                "reason": word("v"),
            }
            self.call(self.clinician, "POST", f"{here}/visits", visit, 201)
        late = {"type": "administrative", "on": day, "reason": word("left"), "summary": word("summary")}
        self.call(self.clinician, "POST", f"{here}/discharge", late)
        step = {"kind": "not_admit", "on": day, "reason": word("not_admitted")}
        self.call("intake", "POST", f"{here}/steps", step, 201)
        self.call("intake", "POST", f"{here}/steps", step, 409)
        other = {"given_name": word("twin"), "family_name": word("twins"), "birth_date": shape("1932-08-21")}
        double = self.call("intake", "POST", "/patients", other, 201).json()["id"]
        why = {"merged_id": double, "reason": word("same"), "evidence": word("passport")}
        differences = ("birth_date", "identifiers", "open_episodes", "family_name", "given_name", "language")
        why["confirm_differences"] = [
            {"difference": one, "reason": word("confirmed")} for one in differences[:3]
        ]
        merge = self.call("intake", "POST", f"{path}/merges", why, 201).json()["id"]
        form = {"instrument": "phq-9", "status": "draft", "answers": PHQ_9 | {"phq9.1": word("absorbed")}}
        self.call("intake", "POST", f"/patients/{double}/assessments", form, 409)
        self.call("intake", "POST", f"/merges/{merge}/undoing", {"reason": word("two_people")}, 200)
        held = {"kind": next(iter(self.service.house.state.credentials.kinds)), "starts_on": "2026-01-01",
                "number": word("licence"), "issuer": word("issuer"), "verified_with": word("register")}  # fmt: skip
        user = self.service.account("intake", name="licensed").id
        place = f"/users/{user}/credentials"
        self.call("administrator", "POST", place, held, 201)
        self.call("administrator", "POST", place, held | {"kind": word("diploma")}, 422)
        pack = {"instrument": "cage-aid", "version": 1, "licence_id": word("licence_id"),
                "holder": word("holder"), "wording": {}, "attestation": word("pack_attestation")}  # fmt: skip
        attested = {"pack": pack, "starts_on": "2026-01-01", "expires_on": "2026-12-31"}
        licensed = "/instruments/cage-aid/packs"
        self.call("compliance", "POST", licensed, attested, 201, purpose="HOPERAT")
        wrong = attested | {"pack": pack | {"wording": {word("item_key"): {"text": word("item_text")}}}}
        self.call("compliance", "POST", licensed, wrong, 422, purpose="HOPERAT")
        for address in (place, "/credentials", f"/messages?patient={self.patient_id}"):
            who = "intake" if "messages" in address else "administrator"
            self.call(who, "GET", address, expect=200)

    def review(self) -> None:
        """The officer's trail shows every one of these acts and nothing of what was in them."""
        trail = self.call("compliance", "GET", "/audit/entries?limit=200", expect=200)
        assert len(trail.json()["items"]) > 50
        assert self.canaries.seen_in(trail.content) == []

    # -- asking, rightly and wrongly --------------------------------------------------------------

    def search(self) -> None:
        known = {"family_name": self.patient["family_name"], "birth_date": self.patient["birth_date"]}
        self.call("intake", "POST", "/patients/search", known, 200)
        self.call("intake", "POST", "/patients/search", {"identifier": self.canaries.word("sought")}, 200)
        self.call("intake", "POST", "/patients/search", {"family_name": self.canaries.word("alone")}, 422)
        self.call("administrator", "POST", "/patients/search", known, 403)
        self.call("compliance", "GET", f"/patients/{self.patient_id}", expect=403)

    def err(self) -> None:
        word = self.canaries.word
        path = f"/patients/{self.patient_id}/assessments"
        text = {"content-type": "application/json"}
        for content in (
            f'{{"a": "{word("open")}',
            f'{{"{word("twice")}": 1, "{self.canaries.stem}Twice": 2}}',
            f'{{"{word("nan")}": NaN}}',
            f'["{word("nul")}\\u0000"]',
            f'["{word("surrogate")}\\ud800"]',
        ):
            for place in ("/patients", path, "/patients/search"):
                self.call("intake", "POST", place, expect=422, content=content, headers=text)
        for body in (
            {word("field"): word("value")},
            {"given_name": [word("listed")], "family_name": {word("mapped"): 1}, "birth_date": word("date")},
            [word("array")],
            word("bare"),
        ):
            for place in ("/patients", path, f"/patients/{self.patient_id}/items", "/patients/search"):
                self.call("intake", "POST", place, body, 422)
        form = {"instrument": word("instrument"), "status": "draft", "answers": {}}
        self.call("intake", "POST", path, form, 422)
        self.call("intake", "POST", path, form | {"instrument": "asq", "status": word("status")}, 422)
        for context in ({word("context_key"): 1.5}, {word("context_key") * 20: 1}, {"x": {word("deep"): 1}}):
            self.call("intake", "POST", path, form | {"instrument": "asq", "context": context}, 422)
        headers = {"Idempotency-Key": word("idempotency")}
        self.call("intake", "POST", path, form | {"instrument": "asq"}, 201, headers=headers)
        self.call("intake", "POST", path, form | {"context": {"n": word("n")}}, 409, headers=headers)
        for header in ("If-Match", "Purpose-Of-Use", "Authorization", "Accept", "User-Agent", "Content-Type"):
            self.call("intake", "POST", path, form, headers={header: word("header")[:30]})
        for place in (f"/patients/{word('path')}", f"/{word('route')}", f"/instruments/{word('key')}"):
            self.call("intake", "GET", place)
        for query in ("cursor", "limit", "instrument", "unknown"):
            self.call("intake", "GET", f"{path}?{query}={word('query')}")
        self.call("intake", self.canaries.stem.upper(), path)

    def sign_in(self) -> None:
        http = self.service.house.http
        form = {
            "grant_type": "password",
            "username": self.canaries.word("username"),
            "password": self.canaries.word("password"),
        }
        self.listener.hear(http.post("/api/v1/auth/token", data=form))
        self.listener.hear(http.post("/api/v1/auth/token", data={"grant_type": self.canaries.word("grant")}))


@pytest.fixture
def heard(service: Service) -> Iterator[io.StringIO]:
    """Everything the process prints or logs during one test."""
    lines = io.StringIO()
    with contextlib.redirect_stderr(lines), contextlib.redirect_stdout(lines):
        configure_logs()
        yield lines
    configure_logs()


@pytest.mark.shows("O-27", "T9")
def test_canaries_stay_inside(service: Service, heard: io.StringIO, counted: Counted) -> None:
    session = Session(service)
    with EGRESS.heard() as asked:
        _everybody_works(session)
    assert asked == [], "the service asked for a connection"
    canaries, listener = session.canaries, session.listener
    assert canaries.planted > 120
    assert listener.answers > 80
    held = {place for place, value in opened(service) if canaries.seen_in(value)}
    every = {f"{table}.{column}" for table, columns in sealed_columns().items() for column in columns}
    assert len(every) == SEALED
    assert every - held == WORDLESS, "a sealed column no canary was put into was not looked for"
    assert listener.leaks == []
    assert heard.getvalue().count('"event": "request"') >= listener.answers, "the log was not listened to"
    searched = 0
    found: dict[str, list[bytes]] = {}
    for name, raw in _everywhere(session, heard):
        searched += len(raw)
        if seen := canaries.seen_in(raw):
            found[name] = seen
    assert found == {}
    counted("canaries", canaries.planted)
    counted("bytes searched", searched)


def _everybody_works(session: Session) -> None:
    for act in (
        session.register, session.assess, session.chart, session.consent, session.disclose, session.papers,
        session.consents_of_other_kinds, session.rights, session.watch, session.stay,
        session.search, session.err, session.sign_in, session.review, session.keep,
    ):  # fmt: skip
        act()


def _everywhere(session: Session, heard: io.StringIO) -> Iterator[tuple[str, bytes]]:
    """Every place that must be clean: logs, metrics, what leaves of the trail and of keys, files, a backup."""
    house = session.service.house
    house.sequence()
    yield "log", heard.getvalue().encode()
    yield "metrics", exposition()[0]
    yield "environment", Path("/proc/self/environ").read_bytes()
    pages = ["/keys", *(f"/audit/export?format={form}" for form in ("ndjson", "csv", "fhir"))]
    for page in pages:
        who = "administrator" if page == "/keys" else "compliance"
        answer = session.service.client(who, "HOPERAT").get(page)
        assert answer.status_code == 200, (page, answer.text)
        yield page, answer.content
    yield "backup", dumped(house, needs(str(BINARIES / "pg_dump"), "a backup is searched for words"))
    logs = list(server_logs(house))
    assert logs, "the database keeps a log"
    yield from logs
    yield from stored_files(house)


def test_the_search_finds_what_is_there(service: Service) -> None:
    """The other half of the proof: a canary in a table, in the log of writes and in base64 is found."""
    canaries = Canaries()
    with service.house.superuser() as db:
        db.execute("CREATE TABLE planted (word text)")
        db.execute("INSERT INTO planted VALUES (%s)", [canaries.word("plain")])
    try:
        found = {name for name, raw in stored_files(service.house) if canaries.seen_in(raw)}
    finally:
        with service.house.superuser() as db:
            db.execute("DROP TABLE planted")
    assert any("/base/" in name for name in found)
    assert any("/pg_wal/" in name for name in found)
    for text in (canaries.stem.lower(), canaries.stem.encode().hex(), f"x{canaries.stem}y"):
        assert canaries.seen_in(text)


def test_no_address_takes_patient_information(service: Service) -> None:
    """Queries and paths of the API carry ids, cursors and codes; what describes a patient is sent in a body."""
    described = service.house.http.get("/openapi.json").json()
    names = {
        (parameter["in"], parameter["name"])
        for path in described["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", [])
    }
    queries = {name for place, name in names if place == "query"}
    forbidden = {"given_name", "family_name", "birth_date", "phone", "email", "address", "identifier", "q"}
    assert queries.isdisjoint(forbidden), queries & forbidden
    paths = {name for place, name in names if place == "path"}
    codes = {"coordinates", "goal", "item", "key", "section", "size", "tile", "version"}
    assert all(name.endswith("_id") or name in codes for name in paths), paths


def test_a_connection_asked_for_is_heard() -> None:
    """The other half of the proof about routes out."""
    with EGRESS.heard() as asked, contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
    assert any(one.startswith("socket.connect") for one in asked)
