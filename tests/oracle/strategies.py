"""Situations: a scene that some basis carries, none to three things made otherwise, and what else lies around."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from service.consent.model import ConsentState
from service.disclosure.situation import Situation
from service.rights.restriction import Restriction, RestrictionState
from tests.oracle import consenting, evidencing, world
from tests.oracle.breaking import break_consent, break_paper
from tests.oracle.choosing import Choose
from tests.oracle.consenting import Plan, a_class, named
from tests.oracle.scenes import Scene
from tests.oracle.scenes_without import SCENES
from tests.oracle.words import PURPOSES


@st.composite
def traced(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[Situation, int]:
    """Any situation, and a number by which the same one is known again."""
    choose = Choose(draw)
    return _situation(choose), hash(tuple(choose.made))


def situations() -> st.SearchStrategy[Situation]:
    """Any situation."""
    return traced().map(lambda each: each[0])


def _situation(choose: Choose) -> Situation:
    scene = choose.one(SCENES.values())(choose)
    for _ in range(choose.one((0, 0, 1, 1, 1, 2, 3))):
        twist(choose, scene)
    if choose.chance(25):
        unrelated_consent(choose, scene)
    if choose.chance(15):
        unrelated_paper(choose, scene)
    if choose.chance(20):
        restrict(choose, scene)
    if choose.chance(20):
        day = world.local_day(scene.today)
        scene.items.append(
            world.item(choose, 9, tuple(sorted(map(str, world.Kind))), day, unit=choose.one((None, "U2")))
        )
    return scene.situation()


def twist(choose: Choose, scene: Scene) -> None:
    """One thing made otherwise, mostly where it matters."""
    what = [_recipient, _item, _purpose, _patient]
    if scene.plans:
        what += [_consent] * 5
    if scene.papers:
        what += [_paper] * 4
    if scene.via is not None or choose.chance(8):
        what.append(_via)
    choose.one(what)(choose, scene)


def _consent(choose: Choose, scene: Scene) -> None:
    break_consent(choose, scene.plans[0])


def _paper(choose: Choose, scene: Scene) -> None:
    scene.papers[0] = break_paper(choose, scene.papers[0], world.local_day(scene.today))


def _recipient(choose: Choose, scene: Scene) -> None:
    to = scene.recipient
    scene.recipient = choose.one(
        (
            lambda: replace(to, roles=frozenset()),
            lambda: replace(to, roles=to.roles | {choose.one(world.ROLES)}),
            lambda: replace(to, roles=frozenset({choose.one(world.ROLES)})),
            lambda: replace(to, relationships=frozenset()),
            lambda: replace(to, relationships=to.relationships | {choose.one(world.RELATIONSHIPS)}),
            lambda: replace(to, covered_entity=not to.covered_entity),
            lambda: replace(to, covered_entity=False, business_associate=False),
            lambda: replace(to, id=world.OTHER),
            lambda: replace(to, known=False),
        )
    )()


def _item(choose: Choose, scene: Scene) -> None:
    scene.items[0] = world.spoil_item(choose, scene.items[0])


def _purpose(choose: Choose, scene: Scene) -> None:
    if choose.chance(50):
        same = PURPOSES.by_code[scene.code].legal_class
        scene.code = choose.one(code for code, p in PURPOSES.by_code.items() if p.legal_class is same)
    else:
        scene.code = choose.one(PURPOSES.by_code)


def _patient(choose: Choose, scene: Scene) -> None:
    patient, day = scene.patient, world.local_day(scene.today)
    scene.patient = choose.one(
        (
            lambda: world.deceased(choose, day),
            lambda: replace(patient, deceased_on=None),
            lambda: world.minor(choose),
            lambda: replace(patient, minor=None, age=None),
            lambda: replace(patient, minor=False, age=16, emancipated=True),
            lambda: replace(patient, fundraising_opt_out=True),
            lambda: replace(patient, adjudicated=True),
        )
    )()


def _via(choose: Choose, scene: Scene) -> None:
    scene.via = choose.one((None, world.VIA, world.OTHER_VIA))


def unrelated_consent(choose: Choose, scene: Scene, number: int = 7) -> None:
    """Newer, for somebody or something else; or the same once more, revoked."""
    plan = choose.one(
        (
            lambda: _other_consent(
                choose, scene, "specific", (named(world.OTHER, name="Oak Testclinic"),), scene.code
            ),
            lambda: _other_consent(choose, scene, "specific", (named(world.RECIPIENT),), "CHARITY"),
            lambda: _other_consent(choose, scene, "tpo", (a_class("tpo"),), "TPO"),
            lambda: _other_consent(choose, scene, "specific", (named(world.RECIPIENT),), scene.code),
        )
    )()
    plan.number = number
    if choose.chance(40):
        plan.state = choose.one((ConsentState.REVOKED, ConsentState.SUPERSEDED, ConsentState.EXPIRED))
    elif choose.chance(30):
        break_consent(choose, plan)
    if choose.chance(50):
        scene.plans.append(plan)
    else:
        scene.plans.insert(0, plan)


def _other_consent(choose: Choose, scene: Scene, kind: str, recipients: Any, code: str) -> Plan:
    drafted = consenting.terms(kind, recipients, (code,))
    if PURPOSES.by_code.get(code) and PURPOSES.by_code[code].legal_class.value in {"legal", "reporting"}:
        drafted = replace(drafted, purposes=("HOUSING",))
    if code in {"CJMON", "FUNDRAISE", "SECRETARY"}:
        drafted = replace(drafted, purposes=("HOUSING",))
    return Plan(drafted, scene.today, world.local_day(scene.today) - timedelta(days=choose.one((0, 1))))


def unrelated_paper(choose: Choose, scene: Scene) -> None:
    """Some paper or other."""
    kind = choose.one(sorted(evidencing.WHOLE))
    scene.papers.append(evidencing.paper(choose, kind, scene.today, number=7))


def restrict(choose: Choose, scene: Scene) -> None:
    """A restriction, asked for, agreed to or ended, that is about this or about something else."""
    now = scene.today.now
    state = choose.one((RestrictionState.AGREED, RestrictionState.AGREED, *RestrictionState))
    one = scene.items[0] if scene.items else None
    scene.restrictions.append(
        Restriction(
            id=UUID(int=0x51),
            patient_id=world.PATIENT,
            state=state,
            kinds=choose.one(
                ("all", frozenset({one.kind.value}) if one else "all", frozenset({"attendance"}))
            ),
            items=frozenset({one.id}) if one and choose.chance(30) else frozenset(),
            recipients=choose.one(("all", frozenset({world.RECIPIENT}), frozenset({world.OTHER}))),
            classes=choose.one(
                (
                    frozenset({"treatment", "payment", "operations"}),
                    frozenset({"payment", "operations"}),
                    frozenset({"treatment"}),
                )
            ),
            requested_at=now - timedelta(days=30),
            agreed_at=now - timedelta(days=29),
            ended_at=now - timedelta(days=1) if state is RestrictionState.ENDED else None,
            only_until=choose.one((None, None, now - timedelta(days=10)))
            if state is RestrictionState.AGREED
            else None,
        )
    )
