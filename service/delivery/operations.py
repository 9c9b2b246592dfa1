"""Messages to patients: queued with the act that wants them, over a channel the patient called safe."""

from service.delivery.model import Outgoing, Queued, Reason, Unsendable
from service.work import Work


def queue(work: Work, wanted: Outgoing) -> Queued | Unsendable:
    """Write a message in this transaction, for an operation above whose act is allowed already. Unsendable writes
    nothing: the caller sees to it that somebody calls.
    """
    del work, wanted
    return Unsendable(Reason.NO_SAFE_CHANNEL)
