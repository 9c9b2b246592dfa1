"""What the patient may ask for and the director may find, in scenes."""

from datetime import timedelta

from service.cli.person import expect
from service.cli.tour_stage import Scene, Stage, reasons


async def paid_in_full(stage: Stage) -> None:
    """The patient paid in full: the plan does not hear of it"""
    item = {
        "kind": "claim",
        "unit": "IOP",
        "labels": ["SUD"],
        "content": "Synthetic: one session of group counseling.",
    }
    stage.ids["claim"] = (await stage["clinician"].post(f"{stage.patient}/items", item)).body["id"]
    await stage.sign(stage.terms("payer", "plan", "HPAYMT", ["claim", "attendance"]))
    claim = {"items": [stage.ids["claim"]]}
    made = await stage.disclose_to("clinician", "plan", "HPAYMT", status=201, **claim)
    expect(made.body["decision"]["basis"]["id"] == "B09", "A claim did not go to the payer on B09.")
    stage.saw("clinician", f"sent the claim: B09 ({made.body['decision']['basis']['citation']})")
    asked = {
        "items": [stage.ids["claim"]],
        "recipients": [stage.outsider("plan")],
        "classes": ["payment", "operations"],
        "paid_in_full": True,
    }
    wish = await stage["intake"].post(f"{stage.patient}/restrictions", asked)
    expect(wish.body["must_agree"] and wish.body["state"] == "agreed", "What must be agreed to was not.")
    stage.saw("intake", f"recorded that it was paid in full: agreed at once ({wish.body['citation']})")
    declining = {"answer": "declined", "reason": "We would rather not (synthetic)."}
    await stage["compliance"].post(f"/restrictions/{wish.body['id']}/answer", declining, expect=409)
    stage.saw("compliance", "tried to decline: refused")
    stopped = await stage.disclose_to("clinician", "plan", "HPAYMT", status=403, **claim)
    expect(reasons(stopped) == {"RESTRICTED"}, f"The claim stays for {reasons(stopped)}.")
    stage.saw("clinician", "sent the claim again: refused, RESTRICTED; the consent is still in force")


async def finding(stage: Stage) -> None:
    """A minor in danger: the director's finding, and nobody else's"""
    grown, family = stage.ids["patient"], stage.family_name
    person = {
        "family_name": f"Minor {family}",
        "given_name": "Tim",
        "birth_date": f"{stage.now.year - 15}-01-01",
    }
    stage.ids["patient"] = (await stage["intake"].post("/patients", person)).body["id"]
    since = {"starts_on": (stage.now - timedelta(days=1)).date().isoformat(), "evidence": "Seen (synthetic)."}
    me = await stage["clinician"].get("/auth/me")
    path = f"{stage.patient}/relationships"
    await stage["intake"].post(path, {"kind": "staff", "account_id": me.body["id"]} | since)
    await stage["intake"].post(path, {"kind": "parent", "recipient_id": stage.outsider("parent")} | since)
    item = {
        "kind": "threat_facts",
        "unit": "IOP",
        "labels": ["SUD"],
        "content": "Synthetic: has a plan for tonight.",
    }
    await stage["clinician"].post(f"{stage.patient}/items", item)
    paper = {
        "kind": "minor_threat_finding",
        "recipients": [{"recipient_id": stage.outsider("parent")}],
        "kinds": ["threat_facts"],
        "starts_on": (stage.now - timedelta(days=1)).date().isoformat(),
        "particulars": {
            "lacks_capacity": True,
            "substantial_threat": True,
            "disclosure_may_reduce": True,
            "facts": "A plan for tonight (synthetic).",
        },
    }
    papers = f"{stage.patient}/evidence"
    for who in ("clinician", "compliance"):
        await stage[who].post(papers, paper, expect=403)
    stage.saw("clinician, compliance", "tried to record the finding of 42 CFR 2.14(c): refused")
    found = await stage["director"].post(papers, paper)
    how = {"categories": ["threat_facts"], "evidence_id": found.body["id"]}
    early = await stage.disclose_to("director", "parent", "THREAT", status=403, **how)
    expect(bool(reasons(early)), "A finding nobody has signed off gives no reason.")
    stage.saw(
        "director", f"recorded it; before it is signed off: refused, {', '.join(sorted(reasons(early)))}"
    )
    await stage["director"].post(f"/evidence/{found.body['id']}/sign-off", expect=200)
    made = await stage.disclose_to("director", "parent", "THREAT", status=201, **how)
    decision = made.body["decision"]
    expect(decision["basis"]["id"] == "B38", f"The parent was told on {decision['basis']['id']}.")
    stage.saw("director", f"signed it off and told the parent: B38 ({decision['basis']['citation']})")
    stage.ids["patient"] = grown


RIGHTS: tuple[Scene, ...] = (paid_in_full, finding)
