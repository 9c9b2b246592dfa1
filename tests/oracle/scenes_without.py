"""Scenes for the bases without consent, and for records that are not Part 2's."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tests.oracle import evidencing, world
from tests.oracle.choosing import Choose
from tests.oracle.consenting import named
from tests.oracle.scenes import (
    CARE,
    OTHER_CODES,
    RESEARCH,
    TPO_CODES,
    Scene,
    b01,
    b02,
    b03,
    b04,
    b05,
    b06,
    b07,
    b08,
    b09,
    b10,
    b11,
    b12,
    b29,
    b39,
    consent,
    fill,
    opened,
    paper,
    to,
)

Make = Callable[[Choose], Scene]


def _with(
    choose: Choose,
    *,
    kind: str,
    roles: tuple[str, ...],
    codes: tuple[str, ...],
    unit: str | None = None,
    **particulars: Any,
) -> Scene:
    """A paper, a recipient of one of the roles, one of the purposes; items by id, by kind, or all."""
    scene = opened(choose, choose.one(codes))
    fill(choose, scene, unit=unit)
    if roles:
        to(scene, choose.one(roles))
    covered = choose.one(
        (
            {},
            {"items": frozenset(item.id for item in scene.items), "kinds": frozenset[str]()},
            {"kinds": frozenset(item.kind.value for item in scene.items)},
            {"kinds": frozenset({scene.items[0].kind.value})},
        )
    )
    paper(choose, scene, kind, **covered, **particulars)
    return scene


def ordered(choose: Choose, *, order_type: str, codes: tuple[str, ...], police: bool) -> Scene:
    scene = opened(choose, choose.one(codes))
    fill(choose, scene, choose.one(((), ("attendance", "counseling_note", "lab_result"))))
    if police:
        to(scene, "law_enforcement")
    covered = frozenset(item.id for item in scene.items)
    scene.papers.append(evidencing.order(choose, scene.today, order_type, covered))
    return scene


def b22(choose: Choose) -> Scene:
    scene = opened(choose, "INCIDENT")
    fill(choose, scene, choose.one(((), (), ("name", "diagnosis"))))
    to(scene, "law_enforcement")
    place = choose.one(("premises", "against_personnel"))
    paper(choose, scene, "incident", place=place)
    return scene


def b36(choose: Choose) -> Scene:
    scene = opened(choose, "PATRQT")
    fill(
        choose,
        scene,
        tuple(choose.one((("attendance", "claim", "progress_note"), ("counseling_note", "name")))),
    )
    if choose.chance(60):
        to(scene, "patient", relationships=frozenset({"self"}))
        paper(choose, scene, "access_request")
    else:
        to(scene, "personal_representative", relationships=frozenset({"personal_representative"}))
        paper(
            choose, scene, "access_request", on_behalf="representative", authority="Letters of the Testcourt"
        )
    return scene


def b37(choose: Choose) -> Scene:
    scene = opened(choose, "HDECD")
    fill(choose, scene, ("cause_of_death",))
    scene.patient = world.deceased(choose, world.local_day(scene.today))
    to(scene, choose.one(("medical_examiner", "public_health_authority")))
    paper(choose, scene, "cause_of_death_inquiry")
    return scene


def b38(choose: Choose) -> Scene:
    scene = opened(choose, "THREAT")
    fill(choose, scene, choose.one((("threat_facts",), ("threat_facts", "progress_note"))))
    scene.patient = world.minor(choose)
    to(scene, "parent_or_guardian")
    paper(choose, scene, "minor_threat_finding")
    return scene


def b38_application(choose: Choose) -> Scene:
    scene = opened(choose, "FAMRQT")
    fill(choose, scene, ("patient_status",))
    scene.patient = world.minor(choose)
    to(scene, "parent_or_guardian")
    paper(choose, scene, "minor_application_finding")
    return scene


def b41(choose: Choose) -> Scene:
    which = choose.one(("armed_forces", "veterans_affairs"))
    return _with(choose, kind="interchange", roles=(which,), codes=TPO_CODES, authority=which)


def h506(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(TPO_CODES))
    fill(choose, scene, unit=choose.one(("U2", "U2", None)))
    if choose.chance(30) and scene.code in CARE:
        to(scene, covered_entity=False, relationships=frozenset({"treating"}))
    else:
        to(scene, covered_entity=True)
    return scene


def h508(choose: Choose) -> Scene:
    scene = opened(choose, choose.one((*OTHER_CODES, *TPO_CODES)))
    fill(choose, scene, unit=choose.one(("U2", "U2", None)))
    consent(choose, scene, "specific")
    return scene


def h508_notes(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(("TREAT", "COC", "PATRQT")))
    fill(choose, scene, ("psychotherapy_note",), unit="U2")
    consent(choose, scene, "psychotherapy_notes", kinds=("psychotherapy_note",))
    return scene


def emergency_restricted(choose: Choose) -> Scene:
    """A consent, an emergency beside it, and a promise that gives way (R42)."""
    scene = choose.one((b01, b02))(choose)
    scene.code = choose.one(CARE)
    drafted = scene.plans[0].terms
    if drafted.purposes != ("TPO",):
        scene.plans[0].terms = replace(
            drafted, purposes=tuple(dict.fromkeys((*drafted.purposes, scene.code)))
        )
        scene.plans[0].terms = replace(scene.plans[0].terms, recipients=(named(world.RECIPIENT),))
    to(scene, "medical_personnel")
    paper(choose, scene, "emergency", consent_obtainable=True, patient_state="alert")
    return scene


SCENES: Final[dict[str, Make]] = {
    "B01": b01,
    "B02": b02,
    "B03": b03,
    "B04": b04,
    "B05": b05,
    "B06": b06,
    "B07": b07,
    "B08": b08,
    "B09": b09,
    "B10": b10,
    "B11": b11,
    "B12": b12,
    "B29": b29,
    "B39": b39,
    "B21": partial(_with, kind="qsoa", roles=("qso",), codes=TPO_CODES),
    "B22": b22,
    "B23": partial(_with, kind="child_abuse_report", roles=("child_protection",), codes=("ABUSERPT",)),
    "B24": partial(_with, kind="emergency", roles=("medical_personnel",), codes=CARE),
    "B25": partial(_with, kind="fda_notice", roles=("fda",), codes=("FDASAFETY",)),
    "B26": partial(_with, kind="research", roles=("researcher",), codes=RESEARCH),
    "B27": partial(_with, kind="audit", roles=("auditor",), codes=("AUDIT",)),
    "B28": partial(_with, kind="audit", roles=("auditor",), codes=("AUDIT",), copies=True, promise_2_16=True),
    "B30": partial(_with, kind="deidentification", roles=("public_health_authority",), codes=("PUBHLTH",)),
    "B31": partial(ordered, order_type="2_64", codes=("HLEGAL", "PROCEED"), police=False),
    "B32": partial(ordered, order_type="2_65", codes=("PROSECUTE", "HLEGAL"), police=True),
    "B33": partial(ordered, order_type="2_66", codes=("INVESTPGM",), police=True),
    "B34": partial(ordered, order_type="2_67", codes=("INVESTPGM",), police=True),
    "B36": b36,
    "B37": b37,
    "B38": b38,
    "B38-APPLICATION": b38_application,
    "B40": partial(_with, kind="secretary_request", roles=("hhs_secretary",), codes=("SECRETARY",)),
    "B41": b41,
    "164.506": h506,
    "164.508": h508,
    "164.508(a)(2)": h508_notes,
    "R42": emergency_restricted,
    "164.510": partial(
        _with, kind="opportunity_to_agree", roles=("family",), codes=("FAMRQT", "SUPNWK"), unit="U2"
    ),
    "164.512": partial(
        _with,
        kind="public_interest",
        roles=(),
        codes=("HLEGAL", "INCIDENT", "PUBHLTH", "THREAT", "HDECD"),
        unit="U2",
    ),
    "164.514(e)": partial(
        _with, kind="data_use_agreement", roles=("researcher",), codes=("HRESCH", "HOPERAT"), unit="U2"
    ),
}
