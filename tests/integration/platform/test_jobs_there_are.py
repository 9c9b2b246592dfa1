"""Everything a clock brings is registered, and runs: on a program with nothing in it, and on one with everything."""

from datetime import timedelta

from service.identity.system import PURPOSE, system_caller
from service.jobs.post import Post
from service.jobs.registered import all_jobs, post_of
from tests.fuzz.town import Town
from tests.house import House, Service, open_program, verify_ledger


def once(service: Service) -> dict[str, int]:
    """Each job, one transaction, in this program alone."""
    caller = system_caller(service.program.id)
    return {
        job.name: service.work(caller, job.unit, purpose=PURPOSE) for job in all_jobs(service.house.state)
    }


def test_each_runs_on_an_empty_and_on_a_filled_program(service: Service, house: House) -> None:
    registered = {"flag_escalation", "consent_expiry", "reminders", "reviews", "key_uses", "trail_months"}
    registered |= {"findings", "findings_later", "row_look", "former_indexes"}
    # attempts to sign in are of no program: other tests have left some
    assert once(service) | {"former_indexes": 0} == dict.fromkeys(registered, 0)
    assert isinstance(post_of(house.state), Post), "messages are sent by a task of their own"
    filled = open_program(house)
    Town(filled)
    assert once(filled)["flag_escalation"] == 0, "no clock has run out yet"
    filled.clock.advance(timedelta(days=2))
    done = once(filled)
    assert done["flag_escalation"] > 0
    assert done["reminders"] == 1
    assert once(filled) == dict.fromkeys(registered, 0), "what is done is no longer due"
    filled.clock.advance(timedelta(days=365))
    assert once(filled)["consent_expiry"] > 0
    verify_ledger(filled)
