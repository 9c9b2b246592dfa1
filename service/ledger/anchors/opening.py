"""The anchors a deployment has, from its settings. A name that is not known here refuses the start."""

from importlib import import_module
from typing import cast

from service.clock import Clock
from service.config import Settings
from service.errors import StartRefused
from service.ledger.anchors.anchor import Anchor, AnchorFailed, AnchorUnfit
from service.ledger.anchors.file import FileAnchor
from service.ledger.anchors.syslog import SyslogAnchor


def open_anchors(settings: Settings, clock: Clock) -> tuple[Anchor, ...]:
    """All of them, each fit to be written to as far as it answers; raises StartRefused."""
    opened = tuple(_opened(name, settings, clock) for name in settings.anchors.names)
    for anchor in opened:
        if anchor.name in settings.anchors.required and not anchor.confirms:
            raise StartRefused(f"{anchor.name} cannot be the anchor that is required: it confirms nothing")
        try:
            anchor.check()
        except AnchorUnfit as error:
            raise StartRefused(f"The ledger has no place outside the database: {error}.") from error
        except AnchorFailed:
            continue  # it may come back; until then it counts as late
    return opened


def _opened(name: str, settings: Settings, clock: Clock) -> Anchor:
    if name == "file":
        return FileAnchor(settings.checkpoints)
    if name == "syslog":
        try:
            return SyslogAnchor(settings.anchors.syslog, clock)
        except (AnchorUnfit, ValueError) as error:
            raise StartRefused(str(error)) from error
    try:
        module = import_module("service.ledger.anchors.s3")
    except ModuleNotFoundError:
        raise StartRefused(
            "CONSENTRY_ANCHORS names s3: install requirements-kms.txt, which has boto3"
        ) from None
    return cast("Anchor", module.ObjectStoreAnchor(settings.anchors, clock))
