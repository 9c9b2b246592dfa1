"""Counts and times for Prometheus: route templates and statuses, no identifier of anybody."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

registry = CollectorRegistry()
_requests = Counter(
    "consentry_requests_total",
    "Requests by route and status.",
    ["method", "route", "status"],
    registry=registry,
)
_seconds = Histogram(
    "consentry_request_seconds", "Time to the end of the answer.", ["route"], registry=registry
)
_jobs = Counter("consentry_job_runs_total", "Runs of jobs by outcome.", ["job", "outcome"], registry=registry)
sequencer_lag = Gauge(
    "consentry_ledger_lag_seconds", "Age of the oldest entry without a position.", registry=registry
)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request."""
    _requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


def count_job(job: str, outcome: str) -> None:
    """One run of a job in one program: done or failed."""
    _jobs.labels(job, outcome).inc()


def exposition() -> tuple[bytes, str]:
    """The text format and its media type. Figures are this worker's; scrape every worker or sum over scrapes."""
    return generate_latest(registry), CONTENT_TYPE_LATEST
