"""The application as a whole: health, headers, what an unauthenticated caller sees, strict bodies."""

from tests.house import House, Service


def test_health_and_readiness(house: House) -> None:
    assert house.http.get("/healthz").json() == {"status": "ok"}
    house.sequence()  # the tests' application has no task that does; a minute without a pass is not ready
    answer = house.http.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["checks"] == {
        "database": True,
        "migrations": True,
        "keys": True,
        "ledger": True,
        "policies": True,
    }


def test_every_answer_carries_the_security_headers(house: House) -> None:
    for path in ("/healthz", "/nothing-here", "/api/v1/audit/entries"):
        headers = house.http.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
        assert "server" not in headers


def test_what_is_not_there_is_a_problem_document(service: Service) -> None:
    answer = service.house.http.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_metrics_are_not_for_forwarded_requests(house: House) -> None:
    assert house.http.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
