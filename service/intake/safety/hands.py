"""In whose hands a flag can be: staff in service whose roles reach it, clinicians with the licence that clinical acts
ask for. A task with somebody who may not open it, or may not end it, would be a task of nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.caller import CallerKind, Role
from service.identity.credentials.model import CredentialBook, Held, standing
from service.identity.credentials.records import credentials_of
from service.identity.model import AccountState
from service.identity.operations import open_account
from service.identity.records import StoredAccount, account_for_share, accounts
from service.intake.safety.flag import RaisedFlag
from service.intake.subject import facts_about
from service.people.facts import program_day
from service.people.relationships.records import staff_related
from service.work import Work

#: More staff than this are found in a directory, not in a list to choose from.
MOST_NAMED: Final = 200
#: More credentials than this nobody has.
MOST_CREDENTIALS: Final = 200
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody a flag can be given to."""

    id: UUID
    name: str


def can_act(work: Work, flag: RaisedFlag, account_id: UUID, book: CredentialBook) -> bool:
    """Whether this account is the role that owns the flag, or a clinician of this patient; it stays as it is until the
    act is committed.
    """
    account = account_for_share(work.db, account_id)
    return account is not None and _reaches(work, flag, account, book)


def colleagues(work: Work, flag: RaisedFlag, book: CredentialBook) -> tuple[Colleague, ...]:
    """Everybody who can act on a flag, by name, inside an act about it that is allowed already."""
    return tuple(sorted(_named(work, flag, book), key=lambda one: (one.name, one.id)))


def _named(work: Work, flag: RaisedFlag, book: CredentialBook) -> Iterator[Colleague]:
    for account in accounts(work.db, _FIRST, MOST_NAMED):
        if _reaches(work, flag, account, book):
            yield Colleague(account.id, open_account(work, account).display_name)


def _reaches(work: Work, flag: RaisedFlag, account: StoredAccount, book: CredentialBook) -> bool:
    if account.kind is not CallerKind.STAFF or account.state is not AccountState.ACTIVE:
        return False
    if Role.INTAKE in account.roles and flag.owner_role is Role.INTAKE:
        return True
    if Role.CLINICIAN not in account.roles or not _may_practise(work, account.id, book):
        return False
    charts = (flag.patient_id, facts_about(work, flag.patient_id).surviving or flag.patient_id)
    return any(staff_related(work.db, chart, account.id, program_day(work)) for chart in charts)


def _may_practise(work: Work, account_id: UUID, book: CredentialBook) -> bool:
    """What the guardrails ask of a clinician for clinical acts: nothing that has lapsed, and where the program asks for
    a credential, one in force (policies/guardrails.cedar: credential-lapsed, credential-required).
    """
    held = credentials_of(work.db, account_id, _FIRST, MOST_CREDENTIALS)
    shown = standing(
        (Held(one.kind, one.state, one.starts_on, one.ends_on) for one in held), book, program_day(work)
    )
    return not shown.lapsed and (shown.in_force or not work.program.requires_credentials)
