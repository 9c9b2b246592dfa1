"""Settings of one process, read once from the environment by the composition root and passed on.

Nothing else reads the environment. A setting that would weaken a protection does not exist: the audit has no switch.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import StartRefused

ROOT = Path(__file__).resolve().parent.parent


_ANCHORS = ("file", "s3", "syslog")
_BY_HAND = "operator"


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """Where checkpoints go outside the database, which of these places must keep up, and what follows if none does."""

    names: tuple[str, ...] = ("file",)
    required: tuple[str, ...] = ("file",)
    policy: str = "refuse"  # or "alert": goes on without; a fork refuses writing under either
    grace: int = 5  # minutes without a required anchor before the policy acts
    s3_bucket: str = ""
    s3_prefix: str = "consentry/"
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_days: int = 2192  # six years: 45 CFR 164.316(b)(2)(i)
    syslog: str = ""

    def to_environment(self) -> dict[str, str]:
        """The variables that `read_anchors` reads this from."""
        variables = {
            "CONSENTRY_ANCHORS": ",".join(self.names),
            "CONSENTRY_ANCHORS_REQUIRED": ",".join(self.required),
            "CONSENTRY_ANCHOR_POLICY": self.policy,
            "CONSENTRY_ANCHOR_GRACE": str(self.grace),
            "CONSENTRY_ANCHOR_S3_BUCKET": self.s3_bucket,
            "CONSENTRY_ANCHOR_S3_PREFIX": self.s3_prefix,
            "CONSENTRY_ANCHOR_S3_ENDPOINT": self.s3_endpoint or "",
            "CONSENTRY_ANCHOR_S3_REGION": self.s3_region,
            "CONSENTRY_ANCHOR_S3_DAYS": str(self.s3_days),
            "CONSENTRY_ANCHOR_SYSLOG": self.syslog,
        }
        return {name: value for name, value in variables.items() if value}


def read_anchors(env: Mapping[str, str]) -> AnchorSettings:
    """Anchors from the environment. There is no word for none: an unknown one, `off` among them, refuses the start."""
    names = _names(env.get("CONSENTRY_ANCHORS") or "file", _ANCHORS, "CONSENTRY_ANCHORS")
    # a disk of our own machine is no witness where there is a better one
    usual = "s3" if "s3" in names else "file"
    required = _names(env.get("CONSENTRY_ANCHORS_REQUIRED") or usual, names, "CONSENTRY_ANCHORS_REQUIRED")
    policy, bucket = (
        env.get("CONSENTRY_ANCHOR_POLICY") or "refuse",
        env.get("CONSENTRY_ANCHOR_S3_BUCKET", ""),
    )
    if policy not in ("refuse", "alert"):
        raise StartRefused("CONSENTRY_ANCHOR_POLICY is refuse or alert")
    if "s3" in names and not bucket:
        raise StartRefused("CONSENTRY_ANCHORS names s3: CONSENTRY_ANCHOR_S3_BUCKET says which bucket")
    return AnchorSettings(
        names=names,
        required=required,
        policy=policy,
        grace=_between(env, "CONSENTRY_ANCHOR_GRACE", 5, 1, 60),
        s3_bucket=bucket,
        s3_prefix=env.get("CONSENTRY_ANCHOR_S3_PREFIX") or "consentry/",
        s3_endpoint=env.get("CONSENTRY_ANCHOR_S3_ENDPOINT") or None,
        s3_region=env.get("CONSENTRY_ANCHOR_S3_REGION") or "us-east-1",
        s3_days=_between(env, "CONSENTRY_ANCHOR_S3_DAYS", 2192, 1, 36525),
        syslog=env.get("CONSENTRY_ANCHOR_SYSLOG", ""),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Where things are and how long we wait. Times are seconds."""

    data: Path
    database_url: str  # application role
    owner_database_url: str | None  # migrations; not needed to serve
    sequencer_database_url: str
    keeper_database_url: str | None = None  # rotation of keys; not needed to serve
    deployment: str = "local"
    issuer: str = "consentry"
    public_url: str = "http://127.0.0.1:8000"
    demo: bool = False
    policies: Path = ROOT / "policies"
    migrations: Path = ROOT / "migrations"
    pool_size: int = 16
    pool_timeout: float = 1.0
    connect_timeout: int = 3
    statement_timeout: float = 4.0
    lock_timeout: float = 3.0
    idle_in_transaction_timeout: float = 10.0
    sequencer_interval: float = 1.0
    anchors: AnchorSettings = field(default_factory=AnchorSettings)
    metrics_token: str | None = None
    smtp_host: str | None = None  # without one no e-mail is sent
    smtp_port: int = 587
    smtp_username: str = ""
    smtp_password: str = ""
    mail_from: str = ""  # an address that tells neither program nor condition
    texts_url: str | None = None  # a provider of text messages; without one none is sent
    texts_token: str = ""
    kms: str = ""  # the key store that is expected: file, aws, pkcs11, transit; "": whichever is set up
    finish_destructions: int | None = 0  # hours until the service ends them by itself; None: an operator does
    bounce_token: str | None = None  # what the mail provider shows when it reports a bounce
    witnesses: tuple[str, ...] = ()  # verifier keys of those whose cosignatures are accepted

    @property
    def secure_cookies(self) -> bool:
        """True where the pages are reached over TLS: cookies then carry the `__Host-` prefix."""
        return self.public_url.startswith("https://")

    @property
    def keyring(self) -> Path:
        return self.data / "keys" / "keyring.json"

    @property
    def checkpoints(self) -> Path:
        """Checkpoint copies outside the database: the witness against its owner."""
        return self.data / "checkpoints"

    def to_environment(self) -> dict[str, str]:
        """The variables that make a worker process read the same settings."""
        variables = {
            "CONSENTRY_DATA": str(self.data),
            "DATABASE_URL": self.database_url,
            "CONSENTRY_SEQUENCER_DATABASE_URL": self.sequencer_database_url,
            "CONSENTRY_DEPLOYMENT": self.deployment,
            "CONSENTRY_PUBLIC_URL": self.public_url,
            "CONSENTRY_DEMO": "1" if self.demo else "0",
            "CONSENTRY_POLICIES": str(self.policies),
            "CONSENTRY_MIGRATIONS": str(self.migrations),
            "CONSENTRY_POOL_SIZE": str(self.pool_size),
        }
        if self.owner_database_url:
            variables["CONSENTRY_OWNER_DATABASE_URL"] = self.owner_database_url
        if self.keeper_database_url:
            variables["CONSENTRY_KEEPER_DATABASE_URL"] = self.keeper_database_url
        if self.metrics_token:
            variables["CONSENTRY_METRICS_TOKEN"] = self.metrics_token
        delivery = {
            "CONSENTRY_SMTP_HOST": self.smtp_host,
            "CONSENTRY_SMTP_PORT": str(self.smtp_port),
            "CONSENTRY_SMTP_USERNAME": self.smtp_username,
            "CONSENTRY_SMTP_PASSWORD": self.smtp_password,
            "CONSENTRY_MAIL_FROM": self.mail_from,
            "CONSENTRY_TEXTS_URL": self.texts_url,
            "CONSENTRY_TEXTS_TOKEN": self.texts_token,
            "CONSENTRY_BOUNCE_TOKEN": self.bounce_token,
            "CONSENTRY_KMS": self.kms,
            "CONSENTRY_WITNESSES": " ".join(self.witnesses),
            "CONSENTRY_FINISH_DESTRUCTIONS": (
                _BY_HAND if self.finish_destructions is None else str(self.finish_destructions)
            ),
        }
        variables |= self.anchors.to_environment()
        return variables | {name: value for name, value in delivery.items() if value}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; StartRefused names the variable that is missing or wrong."""
    env = os.environ if environment is None else environment
    url = env.get("DATABASE_URL")
    if not url:
        raise StartRefused("DATABASE_URL is not set (consentry serve starts the embedded database by itself)")
    sequencer = env.get("CONSENTRY_SEQUENCER_DATABASE_URL")
    if not sequencer:
        raise StartRefused(
            "CONSENTRY_SEQUENCER_DATABASE_URL is not set: the ledger cannot be sequenced without it"
        )
    owner = env.get("CONSENTRY_OWNER_DATABASE_URL")
    keeper = env.get("CONSENTRY_KEEPER_DATABASE_URL")
    host, sender = env.get("CONSENTRY_SMTP_HOST") or None, env.get("CONSENTRY_MAIL_FROM", "")
    if host and "@" not in sender:
        raise StartRefused("CONSENTRY_MAIL_FROM must be the address that CONSENTRY_SMTP_HOST sends from")
    return Settings(
        data=Path(env.get("CONSENTRY_DATA", ".consentry")).resolve(),
        database_url=_driver(url),
        owner_database_url=_driver(owner) if owner else None,
        sequencer_database_url=_driver(sequencer),
        keeper_database_url=_driver(keeper) if keeper else None,
        deployment=env.get("CONSENTRY_DEPLOYMENT", "local"),
        public_url=env.get("CONSENTRY_PUBLIC_URL", "http://127.0.0.1:8000"),
        demo=env.get("CONSENTRY_DEMO") == "1",
        policies=Path(env.get("CONSENTRY_POLICIES", str(ROOT / "policies"))),
        migrations=Path(env.get("CONSENTRY_MIGRATIONS", str(ROOT / "migrations"))),
        pool_size=_number(env, "CONSENTRY_POOL_SIZE", 16),
        metrics_token=env.get("CONSENTRY_METRICS_TOKEN"),
        anchors=read_anchors(env),
        smtp_host=host,
        smtp_port=_number(env, "CONSENTRY_SMTP_PORT", 587),
        smtp_username=env.get("CONSENTRY_SMTP_USERNAME", ""),
        smtp_password=env.get("CONSENTRY_SMTP_PASSWORD", ""),
        mail_from=sender,
        texts_url=env.get("CONSENTRY_TEXTS_URL") or None,
        texts_token=env.get("CONSENTRY_TEXTS_TOKEN", ""),
        bounce_token=env.get("CONSENTRY_BOUNCE_TOKEN") or None,
        kms=env.get("CONSENTRY_KMS", ""),
        witnesses=tuple(env.get("CONSENTRY_WITNESSES", "").split()),
        finish_destructions=_hours(env, "CONSENTRY_FINISH_DESTRUCTIONS"),
    )


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name, str(default)))
    except ValueError:
        raise StartRefused(f"{name} must be a whole number") from None


def _between(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    number = _number(env, name, default)
    if not least <= number <= most:
        raise StartRefused(f"{name} is a whole number from {least} to {most}")
    return number


def _hours(env: Mapping[str, str], name: str) -> int | None:
    """Hours, at most thirty days of them, or None for the word that leaves it to an operator."""
    if env.get(name) == _BY_HAND:
        return None
    try:
        return _between(env, name, 0, 0, 720)
    except StartRefused:
        raise StartRefused(f"{name} is a number of hours from 0 to 720, or {_BY_HAND}") from None


def _names(given: str, known: tuple[str, ...], variable: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(","))
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise StartRefused(f"{variable} is a list of some of: {', '.join(known)}")
    return names


def _driver(url: str) -> str:
    """The URL with our driver named; anything but PostgreSQL is refused (no other dialect has the protections)."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise StartRefused("the database must be PostgreSQL (a postgresql:// URL)")
