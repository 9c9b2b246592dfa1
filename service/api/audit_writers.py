"""How a span of the trail is written: media type, first line, and the lines of a page."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.custody import tabular
from service.custody.exporting import SpanPage
from service.fhir.audit_event import audit_events

NDJSON: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Writer:
    """`lines` gets a page and the deployment's name; `with_lines` asks for the entries as the ledger exports them."""

    media: str
    suffix: str
    lines: Callable[[SpanPage, str], bytes]
    header: bytes = b""
    with_lines: bool = False


def _ledger_lines(page: SpanPage, _: str) -> bytes:
    return b"".join(page.lines[entry.id] for entry in page.entries if entry.id in page.lines)


def _rows(page: SpanPage, _: str) -> bytes:
    return tabular.rows(page.entries)


def _resources(page: SpanPage, deployment: str) -> bytes:
    events = (event for entry in page.entries for event in audit_events(entry, deployment))
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in events)


WRITERS: Final = {
    "ndjson": Writer(NDJSON, "ndjson", _ledger_lines, with_lines=True),
    "csv": Writer("text/csv; charset=utf-8", "csv", _rows, tabular.header()),
    "fhir": Writer("application/fhir+ndjson", "fhir.ndjson", _resources),
}
