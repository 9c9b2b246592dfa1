"""The service's own keys: made once at set-up, read at every start, never replaced by themselves.

They seal what is about no program, sign tokens and the ledger, and stand under the codes of entries and rows. Where one
of them does not unwrap, the key store is another deployment's and nothing is served.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from service.errors import IntegrityError
from service.ids import SERVICE_PROGRAM
from service.vault import records, signing
from service.vault.epoch import VaultSealed
from service.vault.keys import KeyState, Owner, Purpose, new_secret
from service.vault.source import Source

_MADE_BY: Final[Mapping[Purpose, Callable[[], bytes]]] = {
    Purpose.SERVICE: new_secret,
    Purpose.INDEX: new_secret,
    Purpose.LEDGER_MAC: new_secret,
    Purpose.ROW_MAC: new_secret,
    Purpose.LEDGER_SIGNING: new_secret,
    Purpose.TOKEN_SIGNING: signing.new_token_key,
}


@dataclass(frozen=True, slots=True, repr=False)
class ServiceKeys:
    """The service's own secrets, unwrapped for the life of the process."""

    ledger_mac: bytes
    #: MAC keys of former times, for verifying older entries; newest last.
    ledger_mac_retired: tuple[bytes, ...]
    ledger_signer: signing.Signer
    #: The key under the codes of rows that decide.
    row_mac: bytes
    #: P-256 private key in PEM, and the public halves of retired ones.
    token_signing_pem: bytes
    token_retired_pems: tuple[bytes, ...]

    def __repr__(self) -> str:
        return "<ServiceKeys>"


class OwnKeys:
    """Makes and reads them; `db` always in the service's tenancy."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def ensure(self, db: Connection, now: datetime) -> None:
        """Make those that are missing. Keys that exist but do not unwrap are never replaced."""
        new = not records.keys_of(db, _owner(Purpose.SERVICE))
        for purpose, make in _MADE_BY.items():
            if purpose is Purpose.ROW_MAC and not new:
                continue  # rows may be here already: who vouches for them is the operator (`adopt_rows`)
            if not records.keys_of(db, _owner(purpose)):
                self._create(db, purpose, make(), now)

    def load(self, db: Connection) -> ServiceKeys:
        """All of them; VaultSealed when one is missing or was wrapped by another keyring."""
        mac_retired, mac = self._secrets(db, Purpose.LEDGER_MAC)
        _, ledger = self._secrets(db, Purpose.LEDGER_SIGNING)
        row_mac = self._row_secret(db)
        tokens_retired, tokens = self._secrets(db, Purpose.TOKEN_SIGNING)
        for purpose in (Purpose.SERVICE, Purpose.INDEX):
            self._secrets(db, purpose)
        return ServiceKeys(
            ledger_mac=mac,
            ledger_mac_retired=mac_retired,
            ledger_signer=signing.Signer(ledger),
            row_mac=row_mac,
            token_signing_pem=tokens,
            token_retired_pems=tuple(signing.public_pem(pem) for pem in tokens_retired),
        )

    def make_row_key(self, db: Connection, now: datetime) -> bytes | None:
        """The key of the codes of rows for a database that is older than they are; None when it has one.

        Only an adoption by the operator calls this: from then on a row without a code is refused.
        """
        known = records.keys_of(db, _owner(Purpose.ROW_MAC))
        if known or not self._create(db, Purpose.ROW_MAC, new_secret(), now):
            return None
        return self._row_secret(db)

    def _row_secret(self, db: Connection) -> bytes:
        if not records.keys_of(db, _owner(Purpose.ROW_MAC)):
            raise VaultSealed(
                "The rows of this database have no codes, or the key of their codes was removed: "
                "with the service stopped, look at the database and run `consentry integrity adopt`."
            )
        return self._secrets(db, Purpose.ROW_MAC)[1]

    def _secrets(self, db: Connection, purpose: Purpose) -> tuple[tuple[bytes, ...], bytes]:
        """(retired, active) secrets of one purpose."""
        owner = _owner(purpose)
        stored = records.keys_of(db, owner)
        active = [key for key in stored if key.state is KeyState.ACTIVE]
        if len(active) != 1:
            raise VaultSealed(
                f"The service has no {purpose.value} key in this database; it was never set up."
            )
        unwrap = self._source.unwrap
        try:
            retired = tuple(unwrap(owner, key) for key in stored if key.state is KeyState.RETIRED)
            return retired, unwrap(owner, active[0])
        except IntegrityError:
            raise VaultSealed(
                f"This keyring does not open the {purpose.value} key of this database; "
                "one of the two belongs to another deployment."
            ) from None

    def _create(self, db: Connection, purpose: Purpose, secret: bytes, now: datetime) -> bool:
        made = self._source.make(_owner(purpose), secret)
        return records.add_key(
            db, _owner(purpose), key_id=made.key_id, kek_id=made.kek_id, wrapped=made.wrapped, now=now
        )


def _owner(purpose: Purpose) -> Owner:
    return Owner(purpose, SERVICE_PROGRAM)
