"""Places outside the database, as tests have them: an object store, a system log, and a sequencer that publishes."""

import socket
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

import boto3
from moto.server import ThreadedMotoServer
from sqlalchemy import Connection

from service.clock import Clock
from service.config import AnchorSettings, Settings
from service.ids import SERVICE_PROGRAM
from service.ledger.anchors.anchoring import Anchoring
from service.ledger.anchors.opening import open_anchors
from service.ledger.copies import CheckpointCopies
from service.ledger.sequencer import Sequencer
from service.ledger.standing import Standing
from service.store.engine import plain_engine, sequencer_engine
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import enter

BUCKET: Final = "anchors"


@contextmanager
def object_store() -> Generator[tuple[str, Any]]:
    """A server that speaks S3: its address and a client. `anchors` locks its objects, `unlocked` does not."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        names = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        with patch.dict("os.environ", names):
            sessions: Any = boto3
            client = sessions.client("s3", endpoint_url=endpoint, region_name="us-east-1")
            client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
            client.create_bucket(Bucket="unlocked")
            yield endpoint, client
    finally:
        server.stop()


class SystemLog:
    """A system log on this machine that keeps what it is sent, note by note."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = f"udp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._notes: dict[UUID, list[str]] = defaultdict(list)

    def messages(self) -> dict[UUID, list[str]]:
        """All notes so far, by tree."""
        while True:
            try:
                message = self._socket.recv(65536).decode()
            except BlockingIOError:
                return self._notes
            header, _, text = message.partition(" \ufeff")
            tree = UUID(header.partition('tree="')[2][:36])
            self._notes[tree].append(text.replace("|", "\n") + "\n")

    def close(self) -> None:
        self._socket.close()


def everywhere(endpoint: str, log: SystemLog, prefix: str) -> AnchorSettings:
    """All three anchors; the object store is the one that is required."""
    return AnchorSettings(
        names=("file", "s3", "syslog"),
        required=("s3",),
        s3_bucket=BUCKET,
        s3_endpoint=endpoint,
        s3_prefix=prefix,
        syslog=log.address,
    )


def service_keys(settings: Settings) -> ServiceKeys:
    """What a process of this deployment loads when it starts."""
    vault = Vault(open_kms(settings))

    def load(db: Connection) -> ServiceKeys:
        enter(db, SERVICE_PROGRAM)
        return vault.load_service_keys(db)

    return run_unit_sync(plain_engine(settings.database_url), vault, load)


def starting(settings: Settings, clock: Clock) -> tuple[Sequencer, Anchoring]:
    """The sequencer and the anchoring of a process that starts; their engine belongs to the loop that first uses it."""
    keys, engine = service_keys(settings), sequencer_engine(settings)
    anchoring = Anchoring(
        engine=engine,
        anchors=open_anchors(settings, clock),
        settings=settings.anchors,
        clock=clock,
        mac_keys=(keys.ledger_mac, *keys.ledger_mac_retired),
        standing=Standing(policy=settings.anchors.policy),
    )
    sequencer = Sequencer(
        engine=engine,
        signer=keys.ledger_signer,
        mac_key=keys.ledger_mac,
        copies=CheckpointCopies(settings.checkpoints),
        clock=clock,
        deployment=settings.deployment,
        anchoring=anchoring,
    )
    return sequencer, anchoring
