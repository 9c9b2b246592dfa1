"""Administration over HTTP: users, clients, roles, programs. None of it reads patient information."""

import asyncio
import json
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.access.caller import ROLES_OF_KIND, CallerKind, Role
from service.access.program import Accreditor, Regime
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, IsoDate, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.errors import Code, Invalid
from service.identity import accounts, passwords, programs
from service.identity.accounts import NewAccount
from service.identity.model import Account
from service.identity.tenants.records import StoredProgram
from service.ids import SERVICE_PROGRAM, RecipientId
from service.work import Work

router = APIRouter(tags=["administration"], route_class=StrictRoute)

StaffRole = Literal["intake", "clinician", "compliance", "administrator", "director"]


class NewUserModel(StrictModel):
    """A member of staff who will sign in with a password."""

    username: ShortText
    password: str = Field(min_length=1, max_length=4096)
    display_name: ShortText
    roles: list[StaffRole] = Field(min_length=1, max_length=5)
    units: list[ShortText] = Field(default_factory=list, max_length=50)


class NewClientModel(StrictModel):
    """A program that calls for an outside requester (named by its recipient) or for an inside system."""

    display_name: ShortText
    kind: Literal["requester", "system"]
    recipient_id: Uuid | None = None


class UserModel(BaseModel):
    """An account. Accounts of patients are not administered here."""

    id: Uuid
    kind: str
    username: str
    display_name: str
    roles: list[str]
    units: list[str]
    recipient_id: Uuid | None
    state: str
    version: int
    created_at: Instant


class UsersModel(BaseModel):
    """A page of accounts."""

    items: list[UserModel]
    next_cursor: str | None


class ClientModel(UserModel):
    """A new client; the secret is shown this once, null in a repetition, and kept only as a hash."""

    client_id: str
    client_secret: str | None


class RoleModel(BaseModel):
    """A role and the kind of account that can have it."""

    role: str
    kind: str


class RolesModel(BaseModel):
    """Every role."""

    items: list[RoleModel]


class UnitModel(StrictModel):
    """One unit of a program; its regime governs the records that come from it."""

    key: ShortText
    name: ShortText
    regime: Regime = Field(strict=False)
    publicly_sud_only: bool = False


class ContactModel(StrictModel):
    """Somebody to call."""

    name: ShortText
    phone: ShortText


class ProgramDescription(StrictModel):
    """A program as its file describes it; what is left out here is left out of the program."""

    key: ShortText
    name: ShortText
    timezone: ShortText
    state: ShortText
    director: ShortText
    covered_entity: bool
    units: list[UnitModel] = Field(min_length=1, max_length=50)
    front_office: ContactModel | None = None
    on_call: ContactModel | None = None
    accreditor: Accreditor = Field(default=Accreditor.NONE, strict=False)
    requires_credentials: bool = False
    closed_days: list[IsoDate] = Field(default_factory=list[IsoDate], max_length=400)


class ProgramModel(ProgramDescription):
    """A program in force."""

    id: Uuid
    version: int
    changed_at: Instant


class ProgramsModel(BaseModel):
    """A page of programs."""

    items: list[ProgramModel]
    next_cursor: str | None


@router.post("/users", summary="Add a member of staff", status_code=201, response_model=UserModel)
async def add_user(request: Request, body: NewUserModel) -> Response:
    # Who may add users is asked first: a stranger neither learns the rules for passwords nor costs a hash.
    await perform(request, accounts.may_manage_users)
    if faults := passwords.faults(body.password, (body.username, body.display_name)):
        raise Invalid(Code.PASSWORD_UNACCEPTABLE, "This password is not acceptable.", faults)
    password_hash = await asyncio.to_thread(passwords.hash_password, body.password)
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=body.username,
        display_name=body.display_name,
        password_hash=password_hash,
        roles=frozenset(map(Role, body.roles)),
        units=frozenset(body.units),
    )
    account = await _create(request, new)
    return reply(
        201, _user_view(account), etag=account.version, headers={"Location": f"/api/v1/users/{account.id}"}
    )


@router.get("/users", summary="Staff and clients of the program", response_model=UsersModel)
async def list_users(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM
    found = await perform(request, lambda work: accounts.list_accounts(work, after, limit + 1))
    return reply(200, _page([_user_view(account) for account in found], limit))


@router.get("/users/{user_id}", summary="One account", response_model=UserModel)
async def show_user(request: Request, user_id: Uuid) -> Response:
    account = await perform(request, lambda work: accounts.show_account(work, user_id))
    return reply(200, _user_view(account), etag=account.version)


@router.post(
    "/users/{user_id}/disable", summary="Disable an account and end its sessions", response_model=UserModel
)
async def disable_user(request: Request, user_id: Uuid) -> Response:
    account = await perform(request, lambda work: accounts.disable_account(work, user_id))
    return reply(200, _user_view(account), etag=account.version)


@router.post(
    "/clients", summary="Add a client; its secret is shown once", status_code=201, response_model=ClientModel
)
async def add_client(request: Request, body: NewClientModel) -> Response:
    await perform(request, accounts.may_manage_clients)
    secret = passwords.new_secret()
    kind = CallerKind(body.kind)
    new = NewAccount(
        kind=kind,
        username=None,
        display_name=body.display_name,
        password_hash=await asyncio.to_thread(passwords.hash_password, secret),
        roles=ROLES_OF_KIND[kind],
        recipient_id=None if body.recipient_id is None else RecipientId(body.recipient_id),
    )
    made: list[UUID] = []
    account = await _create(request, new, made)
    # A repetition under the same Idempotency-Key finds the client, but nobody can say its secret again.
    view = _user_view(account) | {"client_id": account.username, "client_secret": secret if made else None}
    return reply(201, view, headers={"Location": f"/api/v1/users/{account.id}"})


async def _create(request: Request, new: NewAccount, made: list[UUID] | None = None) -> Account:
    """The account, made now (then its id goes into `made`) or by an earlier request with the same key."""

    def create(work: Work) -> tuple[UUID, Account]:
        account = accounts.create_account(work, new)
        if made is not None:
            made.append(account.id)
        return account.id, account

    return await perform_once(request, create, accounts.show_account)


@router.get("/roles", summary="Roles there are", response_model=RolesModel)
async def list_roles(request: Request) -> Response:
    await perform(request, accounts.may_manage_users)
    rows = [
        {"role": role.value, "kind": kind.value}
        for kind, roles in ROLES_OF_KIND.items()
        for role in sorted(roles)
    ]
    return reply(200, {"items": rows})


@router.get("/programs", summary="Programs the caller may know of", response_model=ProgramsModel)
async def list_programs(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor) or UUID(int=0)
    found = await perform(request, lambda work: programs.list_programs(work, after, limit + 1))
    return reply(200, _page([_program_view(program) for program in found], limit))


@router.get("/programs/{program_id}", summary="One program's description", response_model=ProgramModel)
async def show_program(request: Request, program_id: Uuid) -> Response:
    found = await perform(request, lambda work: programs.show_program(work, program_id))
    return reply(200, _program_view(found), etag=found.version)


@router.put("/programs/{program_id}", summary="Replace a program's description", response_model=ProgramModel)
async def replace_program(request: Request, program_id: Uuid, body: ProgramDescription) -> Response:
    version = if_match(request)

    def unit(work: Work) -> StoredProgram:
        return programs.apply_program(
            work, body.model_dump_json(exclude_none=True), expected=(program_id, version)
        )

    applied = await perform(request, unit)
    return reply(200, _program_view(applied), etag=applied.version)


def _user_view(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "kind": account.kind.value,
        "username": account.username,
        "display_name": account.display_name,
        "roles": sorted(account.roles),
        "units": sorted(account.units),
        "recipient_id": account.recipient_id,
        "state": account.state.value,
        "version": account.version,
        "created_at": account.created_at,
    }


def _program_view(program: StoredProgram) -> dict[str, Any]:
    described = json.loads(programs.canonical_config(program))
    return {
        "front_office": None,
        "on_call": None,
        **described,
        "id": program.id,
        "version": program.version,
        "changed_at": program.changed_at,
    }


def _page(views: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    page = views[:limit]
    return {"items": page, "next_cursor": write_cursor(page[-1]["id"]) if len(views) > limit else None}
