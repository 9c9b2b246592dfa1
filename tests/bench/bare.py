"""The bare stack P1 and P2 are measured against: never part of the service.

The same framework, driver and unit, token verified, one prebuilt SELECT, one INSERT of an entry-sized row, commit. No
session, no policy, no consent, no opening, no ledger.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy import Connection, LargeBinary, MetaData, Table, Uuid, bindparam, column, insert, select
from sqlalchemy import table as table_of

from service.app import AUDIENCE
from service.clock import SystemClock
from service.config import read_settings
from service.edge.deps import reply
from service.identity.tokens import Tokens
from service.ids import SERVICE_PROGRAM, new_id
from service.ledger.entry import MAC_COLUMNS
from service.store.engine import application_engine
from service.store.session import in_unit
from service.store.tables.ledger import audit_entry
from service.vault import keyring
from service.vault.vault import Vault
from service.work import enter

_ROWS = table_of("bench_rows", column("id", Uuid()), column("content", LargeBinary))
_SELECT = select(_ROWS.c.id, _ROWS.c.content).where(_ROWS.c.id == bindparam("id"))
_LOG: Table = audit_entry.to_metadata(MetaData(), name="bench_log")
_INSERT = insert(_LOG).values({name: bindparam(name) for name in (*MAC_COLUMNS, "mac")})
_BLANK = dict.fromkeys(MAC_COLUMNS)


def create() -> FastAPI:
    """The application, from the same environment as the service's."""
    settings = read_settings()
    clock = SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.engine = application_engine(settings)
        vault = Vault(keyring.load(settings.keyring))

        def load(db: Connection) -> Tokens:
            enter(db, SERVICE_PROGRAM)
            keys = vault.load_service_keys(db)
            return Tokens(signing_key=keys.token_signing_pem, issuer=settings.issuer, audience=AUDIENCE)

        app.state.tokens = await in_unit(app.state.engine, load)
        yield
        await app.state.engine.dispose()

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> Response:
        return reply(200, {"ready": True})

    @app.post("/bare/{item_id}")
    async def bare_form(request: Request, item_id: UUID) -> Response:
        await request.json()
        return await bare(request, item_id)

    @app.get("/bare/{item_id}")
    async def bare(request: Request, item_id: UUID) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        now = clock.now()
        claims = request.app.state.tokens.verify(token, now)

        def unit(db: Connection) -> int:
            row = db.execute(_SELECT, {"id": item_id}).one()
            values = _BLANK | {
                "id": new_id(now),
                "tree": SERVICE_PROGRAM,
                "program_id": SERVICE_PROGRAM,
                "occurred_at": now,
                "actor_kind": "staff",
                "actor_id": claims.account_id,
                "session_id": claims.session_id,
                "action": "item.read",
                "outcome": "permit",
                "object_id": item_id,
                "policy_set": "",
                "policies": "[]",
                "detail": "{}",
                "request_id": "bench",
                "mac": b"0" * 32,
            }
            db.execute(_INSERT, values)
            return len(row.content)

        return reply(200, {"id": item_id, "bytes": await in_unit(request.app.state.engine, unit)})

    return app
