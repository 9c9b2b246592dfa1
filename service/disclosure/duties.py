"""The duties this service can discharge in the act that brings them; a permission with any other is a denial."""

from typing import Final

from service.access.decision import Obligation

DISCHARGEABLE: Final = frozenset(Obligation)
