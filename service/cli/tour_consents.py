"""Consents of other kinds in scenes: through an exchange, an end that a person has to settle, and plain words."""

from datetime import timedelta

from service.cli.person import expect
from service.cli.tour_stage import Scene, Stage, reasons


async def exchange(stage: Stage) -> None:
    """An exchange passes records on, only to who treats the patient"""
    designation = {"general_designation": "treating_providers"}
    terms = stage.terms("intermediary", "exchange", "TREAT", ["medication_list"], through=designation)
    await stage.sign(terms)
    how = {"via": stage.outsider("exchange"), "categories": ["medication_list"]}
    refused = await stage.disclose_to("clinician", "orthopedist", "TREAT", status=403, **how)
    expect(
        reasons(refused) == {"NO_TREATING_PROVIDER_RELATIONSHIP"},
        f"The stranger is refused for {reasons(refused)}.",
    )
    stage.saw("clinician", "to an orthopedist on the exchange: refused, NO_TREATING_PROVIDER_RELATIONSHIP")
    treats = {
        "kind": "treating",
        "recipient_id": stage.outsider("orthopedist"),
        "starts_on": (stage.now - timedelta(days=1)).date().isoformat(),
        "evidence": "Named by the patient (synthetic).",
    }
    await stage["intake"].post(f"{stage.patient}/relationships", treats)
    made = await stage.disclose_to("clinician", "orthopedist", "TREAT", status=201, **how)
    expect(made.body["decision"]["basis"]["id"] == "B03", "Through the exchange on another basis than B03.")
    stage.saw("clinician", "once the patient has named it as treating: B03 (42 CFR 2.31(a)(4)(ii))")


async def ruling(stage: Stage) -> None:
    """A consent ends with an event nobody records: a person settles it"""
    until = {"kind": "event", "event": "when my lease begins"}
    terms = stage.terms("specific", "parent", "SUPNWK", ["attendance"], expiry=until)
    signed = await stage.sign(terms)
    how = {"categories": ["attendance"]}
    waiting = await stage.disclose_to("clinician", "parent", "SUPNWK", status=403, **how)
    effect = waiting.body["decision"]["effect"]
    expect(effect == "needs_review", f"An unknown end is answered {effect}.")
    stage.saw("clinician", f"asked: {effect}, {', '.join(sorted(reasons(waiting)))}")
    path = f"/consents/{signed.body['id']}/rulings"
    said = {
        "kind": "event_not_happened",
        "reason": "The patient says the lease begins in spring (synthetic).",
    }
    await stage["clinician"].post(path, said, expect=403)
    await stage["compliance"].post(path, said)
    stage.saw("compliance", "ruled that it has not happened; the clinician may not rule")
    made = await stage.disclose_to("clinician", "parent", "SUPNWK", status=201, **how)
    stage.saw("clinician", f"asked again: {made.body['decision']['effect']}")


async def words(stage: Stage) -> None:
    """The same decision in plain words, in English and in Spanish"""
    body = {
        "recipient": stage.outsider("hospital"),
        "purpose": "TREAT",
        "channel": "ehr",
        "categories": ["medication_list", "counseling_note"],
    }
    path = f"{stage.patient}/disclosures/preview"
    told: dict[str, str] = {}
    for language, opening in (("en", "Nothing may be shared."), ("es", "No se puede compartir nada.")):
        answer = await stage["clinician"].post(f"{path}?language={language}", body, expect=200)
        told[language] = answer.body["decision"]["explanation"]
        expect(
            told[language].startswith(opening), f"In {language} the decision begins: {told[language][:60]}"
        )
        stage.saw("clinician", told[language])
    terms = stage.terms("specific", "hospital", "TREAT", ["medication_list"], language="es")
    draft = (await stage["intake"].post(f"{stage.patient}/consents", terms)).body
    foreseen = (await stage["intake"].post(f"/consents/{draft['id']}/preview", expect=200)).body
    expect(foreseen["language"] == "es", "A Spanish consent is not previewed in Spanish.")
    stage.saw("patient", f"previewed a consent in Spanish: {foreseen['reaches'][0]['words']}")


CONSENTS: tuple[Scene, ...] = (exchange, ruling, words)
