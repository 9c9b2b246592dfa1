"""Calls by nobody are counted, and the count is an entry, however many there were."""

import json

from tests.house import Service


def recorded(service: Service) -> list[dict[str, object]]:
    with service.house.superuser() as db:
        rows = db.execute(
            "SELECT detail FROM audit_entry WHERE action = 'call.unauthenticated' ORDER BY recorded_at"
        ).fetchall()
    return [json.loads(row[0]) for row in rows]


def write(service: Service) -> None:
    state, portal = service.house.state, service.house.http.portal
    assert portal is not None
    portal.call(state.strangers.write, state.engine, state.mechanisms, service.clock.now())


def test_many_calls_by_nobody_are_one_entry(service: Service) -> None:
    write(service)
    before = len(recorded(service))
    for token in range(25):
        answer = service.house.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    write(service)
    write(service)
    entries = recorded(service)[before:]
    assert entries == [{"calls": 25, "since": "2026-06-01T12:00:00Z"}]
