"""The provider `fake`: the remote key store of a test within this process, found by name as any provider is."""

from collections.abc import Mapping

from tests.keystores import FakeKeys

STORE = FakeKeys()


def open_provider(settings: Mapping[str, str]) -> FakeKeys:
    """The one there is."""
    assert not settings
    return STORE
