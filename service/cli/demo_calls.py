"""Acts of the demo as calls: the bodies go over the wire as they stand here, but for the `{names}` in them."""

from collections.abc import Iterator
from typing import Any

from service.cli.demo_steps import Step

_ALL_STATEMENTS = dict.fromkeys(
    ("revocation", "revocation_how", "hipaa_redisclosure", "redisclosure_potential", "refusal_consequences"), True
)  # fmt: skip
_IN_A_YEAR = {"kind": "date", "date": "{in_a_year}"}


def call(day: float, actor: str, path: str, body: Any = None, **how: Any) -> Step:
    return Step(day, actor, "call", {"path": path, "body": body, **how})


def item(day: float, kind: str, text: str, **more: Any) -> Step:
    body = {"kind": kind, "unit": "IOP", "labels": ["SUD"], "content": f"Synthetic: {text}"} | more
    return call(day, "clinician", "/patients/{patient}/items", body, keep=kind)


def consent(day: float, kind: str, to: str, purpose: str, kinds: Any, **more: Any) -> Iterator[Step]:
    recipient = {"recipient_id": f"{{{to}}}"} | more.pop("through", {})
    body = {
        "kind": kind,
        "disclosers": ["IOP"],
        "recipients": [recipient],
        "scope": {"kinds": kinds, "labels": "all", "description": more.pop("describe", "What they need")},
        "purposes": [purpose],
        "expiry": _IN_A_YEAR,
        "initiated_by": "patient",
        "statements": _ALL_STATEMENTS,
        "form": "electronic",
    }
    yield call(day, "intake", "/patients/{patient}/consents", body | more, keep="consent")
    yield Step(day, "intake", "sign")


def disclose(day: float, actor: str, to: str, purpose: str, basis: str, **more: Any) -> Step:
    """Made on this basis. With `in_vain` it is refused, whatever the basis."""
    refused = more.pop("in_vain", False)
    body = {"recipient": f"{{{to}}}", "purpose": purpose, "channel": "secure_email", **more}
    if not refused:
        body["basis"] = basis
    path = "/patients/{patient}/disclosures"
    return call(day, actor, path, body, purpose=purpose, expect=403 if refused else 201)


def paper(day: float, actor: str, kind: str, to: str, particulars: Any, **more: Any) -> Iterator[Step]:
    """Recorded and signed off by the same person."""
    body = {
        "kind": kind,
        "recipients": [{"recipient_id": f"{{{to}}}"}],
        "kinds": "all",
        "starts_on": "{today}",
        "particulars": particulars,
    } | more
    yield call(day, actor, "/patients/{patient}/evidence", body, keep="paper", purpose="HOPERAT")
    yield call(day, actor, "/evidence/{paper}/sign-off", expect=200, purpose="HOPERAT")


def related(day: float, kind: str, to: str, why: str) -> Step:
    body = {
        "kind": kind,
        "recipient_id": f"{{{to}}}",
        "starts_on": "{yesterday}",
        "evidence": f"{why} (synthetic).",
    }
    return call(day, "intake", "/patients/{patient}/relationships", body)
