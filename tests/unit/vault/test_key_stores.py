"""One contract, every key store: what wraps a data key may be a file, a cloud, a token or a server, and nobody notices.

The cloud is moto and a stub with the states of a key; the token is SoftHSM; transit is a stub of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

from service.errors import IntegrityError
from service.vault import aws_kms, keyring, wrapping
from service.vault.epoch import Kms, KmsUnavailable, VaultSealed
from service.vault.keys import KeyState, Owner, Purpose, new_key_id, new_secret
from service.vault.records import WrappedKey
from tests.keystores import AwsStub, FakeKeys, TransitStub, remote_store, soft_token

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Make = Callable[[Path], Kms]


@dataclass
class Stores:
    """How to make each key store anew, and the stand-ins behind them."""

    moto: str
    aws: AwsStub
    transit: TransitStub
    token_folder: Path
    _token: dict[str, str] | None = None

    def file(self, folder: Path) -> Kms:
        path = keyring.keyring_path(folder)
        keyring.init(path, NOW)
        return keyring.load(path)

    def make(self, kind: str, folder: Path) -> Kms:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        match kind:
            case "file":
                return self.file(folder)
            case "aws-moto":
                return remote_store(folder, "aws", {"region": "us-east-1", "endpoint": self.moto}, NOW)
            case "aws-states":
                return remote_store(folder, "aws", {"region": "us-east-1", "endpoint": self.aws.url}, NOW)
            case "transit":
                return remote_store(folder, "transit", self.transit_settings(folder), NOW)
            case _:
                return remote_store(folder, "pkcs11", self.token(), NOW)

    def token(self) -> dict[str, str]:
        """The one token of this process: the module reads where tokens are when it is loaded."""
        if self._token is None:
            self._token = soft_token(self.token_folder)
        return self._token

    def transit_settings(self, folder: Path) -> dict[str, str]:
        token = folder / "token"
        token.write_text(self.transit.token + "\n")
        token.chmod(0o400)
        return {"url": self.transit.url, "token_file": str(token)}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    aws, transit = AwsStub(), TransitStub()
    folder = tmp_path_factory.mktemp("token")
    with pytest.MonkeyPatch.context() as patch:
        for seconds in ("CONNECT_SECONDS", "READ_SECONDS"):  # a busy machine is not what is shown here
            patch.setattr(aws_kms, seconds, 30)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield Stores(f"http://{host}:{port}", aws, transit, folder)
    for server in (moto, aws, transit):
        server.stop()


KINDS = ["file", "aws-moto", "aws-states", "transit", "pkcs11"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_store_keeps_the_one_contract(stores: Stores, tmp_path: Path, kind: str) -> None:
    kms = stores.make(kind, tmp_path)
    kms.check()
    first, secret = kms.active_id, new_secret()
    kek_id, wrapped = kms.wrap(secret, b"patient 1")
    assert (kek_id, len(kek_id)) == (first, 16)
    assert secret not in wrapped
    assert kms.wrap(secret, b"patient 1")[1] != wrapped
    assert kms.unwrap(first, wrapped, b"patient 1") == secret

    wrong: list[tuple[bytes, bytes, bytes]] = [
        (first, wrapped, b"patient 2"),
        (first, wrapped, b""),
        (first, wrapped[:-1], b"patient 1"),
        (first, b"", b"patient 1"),
        (first, b"\x09" + wrapped[1:], b"patient 1"),
        (first, wrapped[:-1] + bytes((wrapped[-1] ^ 1,)), b"patient 1"),
        (new_key_id(), wrapped, b"patient 1"),
    ]
    for given in wrong:
        with pytest.raises(IntegrityError):
            kms.unwrap(*given)

    second = kms.begin_epoch(NOW + timedelta(days=1))
    assert (kms.active_id, kms.knows(first), kms.knows(new_key_id())) == (second, True, False)
    assert [(one.id, one.active) for one in kms.epochs()] == [(first, False), (second, True)]
    assert kms.unwrap(first, wrapped, b"patient 1") == secret
    kek_id, again = kms.wrap(secret, b"patient 1")
    assert kek_id == second
    with pytest.raises(IntegrityError):  # the id of the epoch is part of what is authenticated
        kms.unwrap(second, wrapped, b"patient 1")

    with pytest.raises(ValueError, match="active"):
        kms.end_epoch(second)
    for _ in range(2):
        kms.end_epoch(first)
    assert not kms.knows(first)
    with pytest.raises(IntegrityError):
        kms.unwrap(first, wrapped, b"patient 1")
    assert kms.unwrap(second, again, b"patient 1") == secret
    kms.check()


# not moto: it decrypts with a key that waits for its deletion, AWS does not
@pytest.mark.parametrize("kind", ["aws-states", "transit", "pkcs11"])
def test_an_ended_key_is_gone_from_the_store_and_not_only_from_our_file(
    stores: Stores, tmp_path: Path, kind: str
) -> None:
    kms = stores.make(kind, tmp_path)
    file = tmp_path / "keys" / "kms.json"
    kek_id, wrapped = kms.wrap(b"s" * 32, b"place")
    kms.begin_epoch(NOW)
    kept = file.read_bytes()
    kms.end_epoch(kek_id)
    file.unlink()
    file.write_bytes(kept)  # somebody puts the old file back
    file.chmod(0o400)
    assert kms.knows(kek_id)
    with pytest.raises(KmsUnavailable):
        kms.unwrap(kek_id, wrapped, b"place")


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_key_that_somebody_disabled_is_not_now_and_serves_again_when_enabled(
    stores: Stores, tmp_path: Path, state: str
) -> None:
    kms = stores.make("aws-states", tmp_path)
    kek_id, wrapped = kms.wrap(b"s" * 32, b"place")
    reference = kms.epochs()[0].reference
    stores.aws.set_state(reference, state)
    for call in (kms.check, lambda: kms.wrap(b"s" * 32, b"x"), lambda: kms.unwrap(kek_id, wrapped, b"place")):
        with pytest.raises(KmsUnavailable):
            call()
    stores.aws.set_state(reference, "Enabled")
    kms.check()
    assert kms.unwrap(kek_id, wrapped, b"place") == b"s" * 32


def test_what_the_cloud_writes_to_its_own_trail_names_no_patient(stores: Stores, tmp_path: Path) -> None:
    kms = stores.make("aws-states", tmp_path)
    stores.aws.seen.clear()
    patient = uuid4()
    kms.wrap(b"s" * 32, patient.bytes)
    contexts = [body["EncryptionContext"]["consentry"] for _, body in stores.aws.seen]
    assert len(contexts) == 1
    assert patient.hex not in contexts[0]
    assert len(bytes.fromhex(contexts[0])) == 32


def test_a_transit_too_old_to_authenticate_a_place_is_refused(stores: Stores, tmp_path: Path) -> None:
    kms = stores.make("transit", tmp_path)
    kms.check()
    stores.transit.ignores_place = True
    try:
        with pytest.raises(KmsUnavailable):
            kms.check()
    finally:
        stores.transit.ignores_place = False


def test_a_sealed_transit_or_a_changed_token_is_not_now(stores: Stores, tmp_path: Path) -> None:
    kms = stores.make("transit", tmp_path)
    kek_id, wrapped = kms.wrap(b"s" * 32, b"place")
    stores.transit.sealed = True
    with pytest.raises(KmsUnavailable):
        kms.unwrap(kek_id, wrapped, b"place")
    stores.transit.sealed = False
    token = tmp_path / "token"
    token.unlink()
    token.write_text("another")
    token.chmod(0o400)
    with pytest.raises(KmsUnavailable):
        kms.unwrap(kek_id, wrapped, b"place")
    token.unlink()
    stores.transit_settings(tmp_path)
    assert kms.unwrap(kek_id, wrapped, b"place") == b"s" * 32


def test_a_token_that_is_away_is_not_now_and_serves_again(stores: Stores, tmp_path: Path) -> None:
    kms = stores.make("pkcs11", tmp_path)
    kek_id, wrapped = kms.wrap(b"s" * 32, b"place")
    reference = kms.epochs()[0].reference
    file = tmp_path / "keys" / "kms.json"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content.replace(reference.encode(), b"another-label"))
    file.chmod(0o400)
    with pytest.raises(KmsUnavailable):
        kms.unwrap(kek_id, wrapped, b"place")
    file.unlink()
    file.write_bytes(content)
    file.chmod(0o400)
    assert kms.unwrap(kek_id, wrapped, b"place") == b"s" * 32


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_row_moved_to_somebody_else_gives_no_key_of_theirs(
    stores: Stores, tmp_path: Path, kind: str
) -> None:
    kms = stores.make(kind, tmp_path)
    program = uuid4()
    mine, other = Owner(Purpose.PATIENT, program, uuid4()), Owner(Purpose.PATIENT, program, uuid4())
    key_id, secret = new_key_id(), new_secret()

    direct = WrappedKey(key_id, *wrapping.wrap(kms, mine, key_id, secret), KeyState.ACTIVE, False)
    assert wrapping.unwrap(kms, mine, direct) == secret
    with pytest.raises(IntegrityError):
        wrapping.unwrap(kms, other, direct)

    ahead = WrappedKey(
        key_id,
        *wrapping.wrap_ahead(kms, wrapping.scope_of(mine), key_id, secret),
        KeyState.ACTIVE,
        False,
    )
    key = wrapping.unwrap(kms, mine, ahead)
    assert key == wrapping.derived(secret, mine, key_id)
    assert key not in (secret, wrapping.unwrap(kms, other, ahead))
    for stranger in (
        Owner(Purpose.PATIENT, uuid4(), mine.patient_id),
        Owner(Purpose.PROGRAM, program),
        Owner(Purpose.LEDGER_MAC, program),
    ):
        with pytest.raises(IntegrityError):
            wrapping.unwrap(kms, stranger, ahead)
    # moto calls a ciphertext that names no key of its own a want of permission; AWS says that it is invalid
    refused = (IntegrityError, KmsUnavailable) if kind == "aws-moto" else IntegrityError
    for row in (direct, ahead):
        other_form = wrapping.DIRECT + row.wrapped[1:] if row is ahead else wrapping.AHEAD + row.wrapped
        with pytest.raises(refused):
            wrapping.unwrap(kms, mine, WrappedKey(key_id, row.kek_id, other_form, KeyState.ACTIVE, False))

    kms.begin_epoch(NOW)
    for row in (direct, ahead):
        before = wrapping.unwrap(kms, mine, row)
        moved = WrappedKey(key_id, *wrapping.rewrap(kms, mine, row), KeyState.ACTIVE, False)
        assert moved.kek_id == kms.active_id
        assert wrapping.unwrap(kms, mine, moved) == before


def test_processes_that_share_a_file_see_each_others_epochs(stores: Stores, tmp_path: Path) -> None:
    one = stores.file(tmp_path)
    another = keyring.load(keyring.keyring_path(tmp_path))
    first, wrapped = one.wrap(b"s" * 32, b"place")
    second = one.begin_epoch(NOW)
    assert another.knows(second)
    assert another.wrap(b"t" * 32, b"place")[0] == second
    another.end_epoch(first)
    with pytest.raises(IntegrityError):
        one.unwrap(first, wrapped, b"place")


def test_a_keyring_that_is_away_still_opens_and_wraps_nothing_new(stores: Stores, tmp_path: Path) -> None:
    kms = stores.file(tmp_path)
    path = keyring.keyring_path(tmp_path)
    kek_id, wrapped = kms.wrap(b"s" * 32, b"place")
    content = path.read_bytes()
    for fault in (b"", None):
        path.unlink()
        if fault is not None:
            path.write_bytes(fault)
            path.chmod(0o400)
        assert kms.unwrap(kek_id, wrapped, b"place") == b"s" * 32
        for call in (kms.check, lambda: kms.wrap(b"s" * 32, b"x")):
            with pytest.raises(KmsUnavailable):
                call()
    with pytest.raises(VaultSealed):
        kms.begin_epoch(NOW)
    path.write_bytes(content)
    path.chmod(0o400)
    kms.check()


def test_a_crash_around_the_change_of_a_key_store_leaves_one_whole_state(tmp_path: Path) -> None:
    """Each outer step fails once before and once after it took effect; doing it again ends in the same state."""
    fake = FakeKeys()
    kms = fake.store(tmp_path, NOW)
    first, wrapped = kms.wrap(b"s" * 32, b"place")
    second = kms.begin_epoch(NOW)

    fake.gone = True  # before: nothing of it happened
    with pytest.raises(KmsUnavailable):
        kms.begin_epoch(NOW)
    with pytest.raises(KmsUnavailable):
        kms.end_epoch(first)
    fake.gone = False
    assert (kms.active_id, kms.unwrap(first, wrapped, b"place")) == (second, b"s" * 32)

    fake.destroy_key(kms.epochs()[0].reference)  # after: the key is gone, its line is not
    assert kms.knows(first)
    kms.end_epoch(first)
    assert not kms.knows(first)
