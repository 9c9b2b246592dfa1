"""The worked example of docs/how-a-disclosure-is-decided.md is what the service answers.

Ids, instants and hashes differ with every run, so they have names in the page. With CONSENTRY_WRITE_EXAMPLE=1 the page
is written anew.
"""

import json
import os
import re
from datetime import timedelta
from typing import Any

from service.config import ROOT
from tests.house import Service
from tests.integration.disclosure.office import TPO, Office

PAGE = ROOT / "docs" / "how-a-disclosure-is-decided.md"
BEGIN, END = "<!-- example: begin -->\n", "<!-- example: end -->"

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def named(text: str, names: dict[str, str]) -> str:
    """Ids by what they are of, instants and hashes by what they are."""
    text = _ID.sub(lambda found: f"({names.get(found.group(), 'an id')})", text)
    return _HASH.sub("(SHA-256)", _INSTANT.sub("(instant)", text))


def block(body: Any) -> str:
    return f"```json\n{json.dumps(body, indent=2, ensure_ascii=False)}\n```\n"


def told(service: Service) -> str:
    """What happens, with the answers of the service."""
    office = Office(service)
    for kind in ("attendance", "medication_list", "counseling_note"):
        office.item(kind)
        service.clock.advance(timedelta(seconds=1))  # ids of one instant have no order among them
    consent = office.signed(TPO)
    clinic = office.clinic
    answer = office.disclose(clinic)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    package = office.clinician.get(f"/disclosures/{made['id']}/package").json()
    sent = package["items"][0]
    refused = office.request(office.outside(office.lawyer, "lawyer"))
    assert refused.status_code == 404
    entry = service.client("compliance", purpose="HOPERAT").get(
        f"/audit/entries/{answer.headers['Audit-Entry']}"
    )
    assert entry.status_code == 200, entry.text
    names = {
        consent["id"]: "id of the consent",
        clinic: "id of the clinic",
        made["id"]: "id of the disclosure",
    }
    names |= {item: f"id of the {kind.replace('_', ' ')}" for kind, item in office.items.items()}
    parts = [
        "The patient has signed one consent for all treatment, payment and health care operations. A clinician asks",
        "that the chart (attendance, a medication list, a counseling note kept apart) go to the family clinic that",
        "treats the patient, which is a covered entity. `POST /patients/{id}/disclosures` answers:\n",
        block(made["decision"]),
        f"With the records goes the notice `{package['notice']['id']}`, word for word. The package also tells the",
        "clinic what the consent covers, and what the clinic may do next:\n",
        "> " + package["scope_explanation"].replace("\n", "\n> ") + "\n",
        f"> {package['redisclosure']['text']} ({package['redisclosure']['citation']})\n",
        f"Each item carries its labels; the {sent['kind'].replace('_', ' ')} has",
        f"{', '.join('`' + label['code'] + '`' for label in sent['security_labels'])}.",
        "Nothing in the package says that something was withheld.\n",
        "The entry in the audit trail says it to the compliance officer, in sentences:\n",
        "\n".join(f"- {sentence}" for sentence in entry.json()["explanation"]["sentences"]) + "\n",
        "A lawyer whom no consent names asks from outside for the same patient. The answer is the one everybody gets",
        "for whom there is nothing, whether or not there is such a patient:\n",
        block({name: value for name, value in refused.json().items() if name != "request_id"}),
    ]  # fmt: skip
    return named("\n".join(parts), names)


def test_the_example_is_what_the_service_answers(service: Service) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    written, after = rest.split(END)
    now = told(service)
    if os.environ.get("CONSENTRY_WRITE_EXAMPLE"):
        PAGE.write_text(f"{before}{BEGIN}{now}{END}{after}", encoding="utf-8")
        written = now
    assert written == now, "run this test with CONSENTRY_WRITE_EXAMPLE=1 and read what changed"


def test_names_stand_for_what_differs() -> None:
    text = "019e830e-1a00-7228-abbb-d4eb968cc880 at 2026-11-22T19:51:24.694096Z, 019e830e-1a00-7228-abbb-d4eb968cc881"
    known = {"019e830e-1a00-7228-abbb-d4eb968cc880": "id of it"}
    assert named(text, known) == "(id of it) at (instant), (an id)"
    assert named("ab" * 32, {}) == "(SHA-256)"
