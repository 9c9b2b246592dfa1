"""Whether somebody has an account cannot be told from how long a refusal takes (T8: abs(AUC - 0.5) at most 0.03)."""

import os
import time
from itertools import chain
from uuid import uuid4

import pytest

from service.access.caller import CallerKind, Role
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from tests.house import Service

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = pytest.mark.battery
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
SAMPLES = 2000 if BATTERY else 120
#: With 120 samples of each, chance alone gives a standard deviation of 0.037.
BOUND = 0.03 if BATTERY else 0.2


def refusal(service: Service, username: str) -> float:
    form = {"grant_type": "password", "username": username, "password": "not the right password"}
    started = time.perf_counter()
    answer = service.house.http.post("/api/v1/auth/token", data=form)
    elapsed = time.perf_counter() - started
    assert answer.status_code == 401
    return elapsed


def area_under_curve(first: list[float], second: list[float]) -> float:
    """Chance that a sample of `first` is larger than one of `second` (Mann and Whitney): 0.5 says nothing."""
    ranked = sorted(chain(((value, 1) for value in first), ((value, 0) for value in second)))
    ranks = sum(rank for rank, (_, of_first) in enumerate(ranked, start=1) if of_first)
    return (ranks - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


@pytest.mark.battery
def test_a_known_and_an_unknown_name_are_refused_in_the_same_time(service: Service) -> None:
    secret = passwords.hash_password("seven quiet herons over slate")
    known: list[float] = []
    unknown: list[float] = []
    names: list[str] = []
    for number in range(SAMPLES // 10):
        new = NewAccount(
            kind=CallerKind.STAFF,
            username=f"timing-{number}-{uuid4().hex[:12]}",
            display_name="Tia Testperson",
            password_hash=secret,
            roles=frozenset({Role.INTAKE}),
        )
        names.append(
            service.work(
                service.account("administrator").caller,
                lambda work, new=new: accounts.create_account(work, new),
            ).username
        )
    for turn in range(SAMPLES):
        known.append(refusal(service, names[turn % len(names)]))
        # as often tried as the known one, so that its slot is as old
        unknown.append(refusal(service, names[turn % len(names)].replace("timing", "nobody")))
    assert abs(area_under_curve(known, unknown) - 0.5) <= BOUND
