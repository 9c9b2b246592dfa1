"""The composition root: settings in, application out. Nothing is built at import time.

A process that cannot audit, unseal or decide does not serve: keys, policies, schema version and the database role are
checked here, and StartRefused ends the start with a sentence for the operator.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service import __version__
from service.access.engine import Engine
from service.admission.careplan.book import load_care_plans
from service.admission.careplan.gathering import Books
from service.admission.deadlines import load_deadlines
from service.admission.library import load_library
from service.admission.placement.considering import PlacementRules
from service.admission.placement.loading import load_placement
from service.api.description import describe
from service.api.router import root, router
from service.clock import Clock, SystemClock
from service.config import Settings, read_settings
from service.consent.elements import CHECKED
from service.consent.rulebook import load_rulebook
from service.custody.shredding.retention import load_retention
from service.custody.standing import note_standing
from service.delivery.sending import Desk
from service.delivery.wording import load_messages
from service.disclosure.rulebook import load_rules
from service.edge import problems
from service.edge.headers import Edge
from service.edge.metrics import sequencer_lag, watch_anchors
from service.edge.state import State
from service.errors import StartRefused
from service.evidence.rulebook import load_evidence
from service.identity.credentials.rulebook import load_credentials
from service.identity.programs import SERVICE
from service.identity.system import PURPOSE, system_caller
from service.identity.tokens import Tokens
from service.ids import SERVICE_PROGRAM
from service.intake.definition import load_catalogue
from service.intake.medical.loading import load_book
from service.jobs.calling import call_instead
from service.jobs.registered import jobs_of, keeping_of, post_of
from service.ledger.anchors.anchor import Anchor
from service.ledger.anchors.anchoring import Anchoring
from service.ledger.anchors.opening import open_anchors
from service.ledger.checkpoint import CheckpointInvalid
from service.ledger.copies import CheckpointCopies
from service.ledger.cosignatures import WitnessKey
from service.ledger.sequencer import Sequencer
from service.ledger.standing import LATE, LedgerState, Standing
from service.log import configure_logs
from service.store.engine import application_engine, sequencer_engine
from service.store.roles import refuse_unsafe_role
from service.store.rowcodes import OPTION, RowCodes
from service.store.versions import database_version, expected_version
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit
from service.vault.vault import Vault
from service.web.router import router as pages
from service.work import Mechanisms, Work, enter

AUDIENCE = "consentry-api"


@dataclass(slots=True)
class Options:
    """What a test may replace: the clock, and whether the sequencer and the jobs (as it, unless said) run by
    themselves.
    """

    clock: Clock = field(default_factory=SystemClock)
    sequence: bool = True
    jobs: bool | None = None


def create() -> FastAPI:
    """The application of one worker, from the environment (uvicorn's factory)."""
    configure_logs()
    return build(read_settings())


def build(settings: Settings, options: Options | None = None) -> FastAPI:
    """The application for `settings`. Connecting and checking happen when it starts."""
    chosen = options or Options()
    app = FastAPI(
        title="Consentry",
        version=__version__,
        summary="Intake, consent and disclosure under 42 CFR Part 2 and HIPAA.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=_lifespan(settings, chosen),
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.include_router(root)
    router.join(app)
    app.include_router(pages)
    problems.install(app)
    app.openapi = partial(describe, app)
    app.add_middleware(Edge, now=chosen.clock.now)
    return app


def _operation_id(route: APIRoute) -> str:
    """What a generated client calls the operation: the route's function."""
    return route.name


def _lifespan(
    settings: Settings, options: Options
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        state = await open_state(settings, options.clock)
        app.state.consentry = state
        counting = state.strangers.run_forever(state.engine, state.mechanisms, state.clock)
        tasks = [asyncio.create_task(counting)]
        if options.sequence:
            tasks.append(asyncio.create_task(state.sequencer.run_forever()))
            tasks.append(asyncio.create_task(state.anchoring.run_forever()))
        else:
            # Nobody here looks by the clock, so that nobody has looked for minutes says nothing about the ledger.
            state.mechanisms.standing.grace = inf
        if options.jobs if options.jobs is not None else options.sequence:
            tasks.append(asyncio.create_task(jobs_of(state).run_forever()))
            tasks.append(asyncio.create_task(post_of(state).run_forever()))
            tasks.append(asyncio.create_task(keeping_of(state).run_forever()))
        sequencer_lag.set_function(lambda: state.sequencer.lag_seconds)
        watch_anchors(state.anchoring)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await state.sequencer.engine.dispose()
            await state.engine.dispose()

    return lifespan


async def open_state(settings: Settings, clock: Clock) -> State:
    """Connect, check everything a serving process needs, and put it together; raises StartRefused."""
    access = Engine.load(settings.policies)
    instruments = load_catalogue(settings.policies / "instruments")
    rulebook = load_rulebook(settings.policies, CHECKED)
    disclosure = load_rules(settings.policies, access, rulebook)
    evidence = load_evidence(settings.policies)
    credentials = load_credentials(settings.policies)
    witnesses = _witnesses(settings)
    desk = Desk(load_messages(settings.policies), settings.mail_from, call_instead)
    medical = load_book(settings.policies)
    placement = PlacementRules(load_placement(settings.policies), medical)
    packet = load_library(settings.policies, rulebook, medical)
    retention = load_retention(settings.policies)
    vault = Vault(open_kms(settings))
    anchors = open_anchors(settings, clock)
    engine = application_engine(settings)

    def check(db: Connection) -> ServiceKeys:
        refuse_unsafe_role(db)
        if database_version(db) != expected_version(settings.migrations):
            raise StartRefused("the database schema is not at this version: run `consentry migrate`")
        enter(db, SERVICE_PROGRAM)
        return vault.load_service_keys(db)

    try:
        keys = await run_unit(engine, vault, check)
    except BaseException:
        await engine.dispose()
        raise
    mechanisms = Mechanisms(
        access=access,
        vault=vault,
        ledger_mac_key=keys.ledger_mac,
        standing=Standing(policy=settings.anchors.policy, grace=settings.anchors.grace * LATE),
    )
    anchoring = _anchoring(settings, clock, keys, mechanisms, engine, anchors)
    await anchoring.look()  # a fork is known before anybody is served
    return State(
        settings=settings,
        clock=clock,
        engine=engine.execution_options(**{OPTION: RowCodes(keys.row_mac)}),
        mechanisms=mechanisms,
        rulebook=rulebook,
        disclosure=disclosure,
        evidence=evidence,
        tokens=Tokens(
            signing_key=keys.token_signing_pem,
            retired_keys=keys.token_retired_pems,
            issuer=settings.issuer,
            audience=AUDIENCE,
        ),
        anchoring=anchoring,
        sequencer=_sequencer(settings, clock, keys, anchoring),
        instruments=instruments,
        medical=medical,
        credentials=credentials,
        desk=desk,
        placement=placement,
        packet=packet,
        retention=retention,
        witnesses=witnesses,
        care_plans=Books(
            plans=load_care_plans(settings.policies),
            deadlines=load_deadlines(settings.policies),
            consents=rulebook,
            medical=placement.medical,
        ),
    )


def _anchoring(
    settings: Settings,
    clock: Clock,
    keys: ServiceKeys,
    mechanisms: Mechanisms,
    engine: AsyncEngine,
    anchors: Sequence[Anchor],
) -> Anchoring:
    return Anchoring(
        engine=sequencer_engine(settings),
        anchors=anchors,
        settings=settings.anchors,
        clock=clock,
        mac_keys=(keys.ledger_mac, *keys.ledger_mac_retired),
        standing=mechanisms.standing,
        notice=partial(_note_standing, engine, mechanisms, clock),
    )


def _sequencer(settings: Settings, clock: Clock, keys: ServiceKeys, anchoring: Anchoring) -> Sequencer:
    return Sequencer(
        engine=anchoring.engine,
        signer=keys.ledger_signer,
        mac_key=keys.ledger_mac,
        copies=CheckpointCopies(settings.checkpoints),
        clock=clock,
        deployment=settings.deployment,
        interval=settings.sequencer_interval,
        anchoring=anchoring,
    )


async def _note_standing(
    engine: AsyncEngine, mechanisms: Mechanisms, clock: Clock, state: LedgerState
) -> None:
    """A change of the ledger's standing, as an act of the service."""

    def unit(db: Connection) -> None:
        enter(db, SERVICE_PROGRAM)
        caller = system_caller(SERVICE.id)
        work = Work(mechanisms, db, caller, SERVICE, clock.now(), purpose=PURPOSE, request_id="sequencer")
        note_standing(work, state)

    await run_unit(engine, mechanisms.vault, unit)


def _witnesses(settings: Settings) -> tuple[WitnessKey, ...]:
    try:
        return tuple(WitnessKey.parse(key) for key in settings.witnesses)
    except CheckpointInvalid as error:
        raise StartRefused(f"CONSENTRY_WITNESSES holds no verifier key of a witness: {error}") from None
