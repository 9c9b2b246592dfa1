"""What the demo's program has before its first patient: whom it deals with, agreements, the words of consents."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from service.cli.demo_days import StoryClock
from service.cli.person import Person

#: The newest words installed, in English and Spanish.
_TEXT = "v2026-11"
_HOSPITAL = {"type": "entity", "name": "Mercy Test Hospital", "npi": "1234567893", "covered_entity": True}


def _entity(name: str, *roles: str, **more: Any) -> dict[str, Any]:
    return {"type": "entity", "name": name, "roles": list(roles)} | more


#: Name in the demo -> recipient of the register. What a role permits is the law's business, not the register's.
RECIPIENTS: Mapping[str, Mapping[str, Any]] = {
    "hospital": _HOSPITAL,
    "emergency_department": _entity(
        "Mercy Test Hospital, emergency department", "medical_personnel", covered_entity=True
    ),
    "laboratory": _entity("Bayside Test Laboratory", "qso"),
    "former_laboratory": _entity("Old Mill Test Laboratory", "qso"),
    "plan": _entity("Acorn Test Health Plan", "health_plan", covered_entity=True),
    "exchange": {"type": "intermediary", "name": "Valley Test Health Exchange"},
    "orthopedist": _entity("Pine Test Orthopedics", covered_entity=True),
    "police": _entity("Test City Police", "law_enforcement"),
    "court": _entity("Test County Court", "court"),
    "probation": _entity("Test County Probation", "criminal_justice"),
    "researchers": _entity("Recovery Test Study Group", "researcher"),
    "examiner": _entity("Test County Medical Examiner", "medical_examiner"),
    "lawyer": {"type": "person", "name": "Lee Testperson, attorney"},
    "parent": {"type": "person", "name": "Paula Testperson", "roles": ["parent_or_guardian"]},
}
_QSOA = {
    "services": "Laboratory testing (synthetic)",
    "written": True,
    "acknowledges_bound": True,
    "resists_proceedings": True,
}

SignIn = Callable[[str], Awaitable[Person]]


async def establish(sign_in: SignIn, clock: StoryClock, ids: dict[str, str], began: str) -> None:
    """Register, agree and adopt; every act has a key, so that doing it again changes nothing."""
    intake = await sign_in("intake")
    for name, body in RECIPIENTS.items():
        answer = await intake.post("/recipients", body, key=f"demo-{began}-{name}")
        ids[name] = str(answer.body["id"])
    compliance = await sign_in("compliance")
    compliance.purpose = "HOPERAT"
    today = clock.day.isoformat()
    adoption = {"version": _TEXT, "effective_from": today}
    await compliance.post("/consent-texts", adoption, key=f"demo-{began}-text")
    for name in ("former_laboratory", "laboratory"):
        clock.at += timedelta(minutes=1)
        key = f"demo-{began}-agreement-{name}"
        paper = {
            "kind": "qsoa",
            "recipients": [{"recipient_id": ids[name]}],
            "kinds": ["specimen_order"],
            "starts_on": today,
            "particulars": _QSOA,
        }
        recorded = await compliance.post("/agreements", paper, key=key)
        path = f"/agreements/{recorded.body['id']}"
        await compliance.post(f"{path}/sign-off", expect=200, key=f"{key}-signed")
        if name == "former_laboratory":
            over = {"reason": "The program changed its laboratory (synthetic)."}
            await compliance.post(f"{path}/end", over, expect=200, key=f"{key}-ended")
