"""First steps of a deployment, done once by an operator: schema and the service's own keys.

Serving processes never do this by themselves: a service that makes keys when it finds none would turn a lost keyring
into silent loss of every record.
"""

from sqlalchemy import Connection

from service.clock import Clock
from service.config import Settings
from service.errors import StartRefused
from service.ids import SERVICE_PROGRAM
from service.store.engine import plain_engine
from service.store.versions import migrate
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import enter


def prepare_database(settings: Settings, clock: Clock) -> ServiceKeys:
    """Migrate as the owner, then make the service's own keys where they are missing. Needs the keyring."""
    if settings.owner_database_url is None:
        raise StartRefused("CONSENTRY_OWNER_DATABASE_URL is not set: migrations run as the owner role")
    vault = Vault(open_kms(settings))
    migrate(plain_engine(settings.owner_database_url), settings.migrations)

    def make_keys(db: Connection) -> ServiceKeys:
        enter(db, SERVICE_PROGRAM)
        return vault.ensure_service_keys(db, clock.now())

    return run_unit_sync(plain_engine(settings.database_url, settings), vault, make_keys)
