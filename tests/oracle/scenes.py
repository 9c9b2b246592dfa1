"""A situation for every lawful basis: what it takes, and nothing broken yet."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from service.access.program import Program
from service.consent.model import Recipient as NamedRecipient
from service.consent.model import Today
from service.disclosure.accounting import Channel
from service.disclosure.situation import Recipient, Situation
from service.evidence.model import Evidence
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision, Kind
from service.rights.restriction import Restriction
from tests.oracle import consenting, evidencing, world
from tests.oracle.choosing import Choose
from tests.oracle.consenting import Plan, a_class, an_intermediary, named
from tests.oracle.words import PURPOSES


@dataclass
class Scene:
    """A situation before it is frozen: change anything."""

    program: Program
    today: Today
    patient: PatientAtLaw
    recipient: Recipient
    code: str
    channel: Channel
    items: list[ItemForDecision] = field(default_factory=list[ItemForDecision])
    plans: list[Plan] = field(default_factory=list[Plan])
    papers: list[Evidence] = field(default_factory=list[Evidence])
    restrictions: list[Restriction] = field(default_factory=list[Restriction])
    via: UUID | None = None

    def situation(self) -> Situation:
        events = frozenset(event for plan in self.plans for event in plan.events)
        return Situation(
            program=self.program,
            patient=self.patient,
            recipient=self.recipient,
            purpose=PURPOSES.by_code[self.code],
            channel=self.channel,
            today=replace(self.today, events=events),
            items=tuple(self.items),
            consents=tuple(plan.record() for plan in self.plans),
            evidence=tuple(self.papers),
            restrictions=tuple(self.restrictions),
            via=self.via,
        )


CARE: Final = ("TREAT", "COC", "ETREAT", "BTG", "ERTREAT")
OPERATING: Final = ("HOPERAT", "CAREMGT", "POPHLTH")
TPO_CODES: Final = (*CARE, "HPAYMT", *OPERATING)
OTHER_CODES: Final = ("HOUSING", "EMPLOYMENT", "CHARITY", "SUPNWK", "FAMRQT", "PATRQT")
RESEARCH: Final = ("HRESCH", "CLINTRL")
LEGAL: Final = ("HLEGAL", "PROCEED", "PROSECUTE", "LEGALOTHER", "DEFENSE")

Set = Callable[[Choose, Scene], None]


def opened(choose: Choose, code: str) -> Scene:
    """An empty scene for this purpose."""
    program = world.program(choose)
    today = world.today(choose, program.timezone)
    return Scene(
        program,
        today,
        world.patient(choose),
        world.recipient(choose),
        code,
        choose.one((Channel.EHR, *Channel)),
    )


def fill(
    choose: Choose, scene: Scene, kinds: tuple[str, ...] = (), *, unit: str | None = None, notes: bool = False
) -> None:
    """One to three items within what the purpose can need."""
    if not kinds:
        ceiling = PURPOSES.by_code[scene.code].ceiling
        kinds = tuple(sorted(map(str, Kind) if ceiling is None else ceiling))
        if not notes:
            kinds = tuple(
                kind for kind in kinds if not kind.endswith("ng_note") and not kind.startswith("psy")
            )
    day = world.local_day(scene.today)
    for number in range(choose.one((2, 1, 3))):
        scene.items.append(world.item(choose, number, kinds, day, unit=unit))


def consent(choose: Choose, scene: Scene, kind: str, *recipients: NamedRecipient, **how: Any) -> None:
    """A consent of this kind, signed, that covers what is asked."""
    roles = how.pop("roles", ("patient",))
    purposes = how.pop("purposes", (scene.code,))
    drafted = consenting.terms(kind, recipients or (named(world.RECIPIENT),), purposes, **how)
    if choose.chance(25):
        drafted = replace(
            drafted, recipients=(*drafted.recipients, named(world.OTHER, name="Oak Testclinic"))
        )
    scene.plans.append(consenting.signed(choose, scene.today, drafted, *roles))


def paper(choose: Choose, scene: Scene, kind: str, **how: Any) -> None:
    """A whole paper of this kind."""
    scene.papers.append(evidencing.paper(choose, kind, scene.today, number=len(scene.papers), **how))


def to(scene: Scene, *roles: str, **more: Any) -> None:
    scene.recipient = replace(scene.recipient, roles=scene.recipient.roles | set(roles), **more)


def _class(choose: Choose, scene: Scene) -> tuple[NamedRecipient, ...]:
    """Named in person, or by a class and a relationship."""
    if choose.chance(50):
        return (named(world.RECIPIENT, ce=scene.recipient.covered_entity),)
    which, kind = choose.one(
        (
            ("tpo", "treating"),
            ("treating_providers", "treating"),
            ("health_plans", "health_plan"),
            ("tpo", "operations"),
        )
    )
    to(scene, relationships=frozenset({kind}))
    return (a_class(which),)


def b01(choose: Choose) -> Scene:
    kind = choose.one(("specific", "specific", "specific", "research"))
    scene = opened(choose, choose.one(RESEARCH if kind == "research" else (*OTHER_CODES, *TPO_CODES)))
    fill(choose, scene)
    who = _class(choose, scene) if scene.code in TPO_CODES else (named(world.RECIPIENT),)
    more = tuple(code for code in ("EMPLOYMENT",) if scene.code == "HOUSING")
    consent(choose, scene, kind, *who, purposes=(*more, scene.code))
    return scene


def b02(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(TPO_CODES))
    fill(choose, scene)
    _program_or_hipaa(choose, scene)
    purposes = choose.one((("TPO",), ("TPO",), (scene.code, "TREAT", "HPAYMT", "HOPERAT")))
    consent(choose, scene, "tpo", *_class(choose, scene), purposes=purposes)
    return scene


def _program_or_hipaa(choose: Choose, scene: Scene) -> None:
    flag = choose.one(("covered_entity", "business_associate", "program"))
    if flag == "program":
        to(scene, "part2_program")
    else:
        to(scene, **{flag: True})


def b03(choose: Choose) -> Scene:
    scene = opened(choose, choose.one((*TPO_CODES, "PATRQT")))
    fill(choose, scene)
    match choose.number(0, 3):
        case 0:
            middle = an_intermediary(world.RECIPIENT, designation="treating_providers")
        case 1:
            middle = an_intermediary(world.VIA, participants=(world.OTHER, world.RECIPIENT))
            scene.via = world.VIA
        case _:
            middle = an_intermediary(world.VIA, designation="treating_providers")
            scene.via = world.VIA
            to(scene, relationships=frozenset({"treating"}))
    drafted = consenting.terms("intermediary", (middle,), (scene.code,))
    scene.plans.append(consenting.signed(choose, scene.today, drafted))
    return scene


def b04(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(("TREAT", "COC", "PATRQT", "FAMRQT")))
    fill(choose, scene, ("counseling_note",))
    consent(choose, scene, "counseling_notes", kinds=("counseling_note",))
    return scene


def b05(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(LEGAL))
    fill(choose, scene)
    consent(choose, scene, "legal_proceedings")
    return scene


def b06(choose: Choose) -> Scene:
    scene = opened(choose, "REGISTRY")
    fill(choose, scene)
    to(scene, choose.one(("central_registry", "treatment_program")))
    consent(choose, scene, "registry", kinds=("registry_facts",))
    paper(choose, scene, "registry_event", event=choose.one(("accepted", "terminated")))
    return scene


def b07(choose: Choose) -> Scene:
    scene = opened(choose, "CJMON")
    fill(choose, scene)
    to(scene, "criminal_justice")
    consent(choose, scene, "criminal_justice")
    return scene


def b08(choose: Choose) -> Scene:
    scene = opened(choose, "PDMP")
    fill(choose, scene)
    to(scene, "pdmp")
    consent(choose, scene, "pdmp", kinds=choose.one(("all", ("dispensing_record",))))
    paper(choose, scene, "pdmp_law")
    return scene


def b09(choose: Choose) -> Scene:
    scene = opened(choose, "HPAYMT")
    fill(choose, scene)
    to(scene, choose.one(("third_party_payer", "health_plan")))
    consent(choose, scene, "payer")
    return scene


def b10(choose: Choose) -> Scene:
    scene = opened(choose, choose.one(("HOUSING", "SUPNWK", "FAMRQT")))
    fill(choose, scene, ("patient_status",), unit="U1")
    consent(choose, scene, "specific")
    return scene


def b11(choose: Choose) -> Scene:
    scene = opened(choose, "FUNDRAISE")
    fill(choose, scene)
    consent(choose, scene, "fundraising")
    return scene


def b12(choose: Choose) -> Scene:
    scene = choose.one((b01, b02, b09))(choose)
    scene.patient = world.deceased(choose, world.local_day(scene.today))
    plan, died = scene.plans[0], scene.patient.deceased_on
    plan.roles = ("personal_representative",)
    assert died is not None and plan.signed_on is not None
    plan.signed_on = max(plan.signed_on, died)  # an executor signs when there is something to execute
    return scene


def b29(choose: Choose) -> Scene:
    scene = opened(choose, "AUDIT")
    fill(choose, scene)
    _program_or_hipaa(choose, scene)
    consent(choose, scene, "tpo", *_class(choose, scene), purposes=("TPO",))
    return scene


def b39(choose: Choose) -> Scene:
    scene = b09(choose)
    scene.plans[0].roles = ("program_director",)
    return scene
