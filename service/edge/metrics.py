"""Counts and times for Prometheus: route templates and statuses, no identifier of anybody."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from service.ledger.anchors.anchoring import Anchoring
from service.ledger.standing import LedgerState

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

_standing = Gauge(
    "consentry_ledger_standing",
    "How the ledger stands: 0 ok, 1 an anchor is late, 2 none keeps up, 3 forked.",
    registry=registry,
)
_behind = Gauge(
    "consentry_ledger_anchor_behind_seconds",
    "Age of the oldest head an anchor lacks.",
    ["anchor"],
    registry=registry,
)
_bad_rows = Counter(
    "consentry_bad_rows_total",
    "Rows that decide and were not as the service wrote them, by the nightly look.",
    registry=registry,
)


def watch_anchors(anchoring: Anchoring) -> None:
    """Show the standing of the ledger, and how far each anchor is behind."""
    states = list(LedgerState)
    _standing.set_function(lambda: states.index(anchoring.standing.state))
    for anchor in anchoring.anchors:
        if anchor.confirms:
            _behind.labels(anchor.name).set_function(lambda name=anchor.name: anchoring.behind.get(name, 0.0))


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request."""
    _requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


def count_job(job: str, outcome: str) -> None:
    """One run of a job in one program: done or failed."""
    _jobs.labels(job, outcome).inc()


def count_bad_rows(rows: int) -> None:
    """Rows that a look found not to be as the service wrote them; one that stays bad counts with every look."""
    _bad_rows.inc(rows)


def exposition() -> tuple[bytes, str]:
    """The text format and its media type. Figures are this worker's; scrape every worker or sum over scrapes."""
    return generate_latest(registry), CONTENT_TYPE_LATEST
