"""Keys that lie outside, from the first to the last command of docs/keys.md: AWS KMS (moto) and a token (SoftHSM 2).

A small house with a record destroyed in it: `keys finish`, `keys rotate kek`, `keys rotate data`, `keys status`. What
was written reads as before, nothing is under an old key, and the old keys are gone from the key store itself.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import boto3
import pkcs11
import pytest
from moto.server import ThreadedMotoServer

from service.edge import deps
from service.store.engine import plain_engine
from service.vault import aws_kms, resealing, steady
from service.vault.epochfile import EpochFile
from service.vault.kms import epochs_path, init_at
from tests.house import Cluster, House, Service, open_program, verify_ledger
from tests.integration.custody.test_shredding import LONG, later, register
from tests.integration.custody.test_shredding import Office as Destroying
from tests.integration.disclosure.office import Office
from tests.keystores import soft_token
from tests.serving import command
from tests.showing import Counted

#: In `make test` with one of the two; in `make battery` with both. Both keep the contract of tests/unit/vault there.
pytestmark = [pytest.mark.battery, pytest.mark.shows("O-30")]
STORES = ["aws", "pkcs11"] if os.environ.get("CONSENTRY_BATTERY") == "1" else ["aws"]


@dataclass(frozen=True)
class Outside:
    """A key store: how a deployment names it, and whether it still works with a key, asked past our own code."""

    name: str
    settings: Mapping[str, str]
    works: Callable[[str], bool]


def aws(endpoint: str) -> Outside:
    settings = {"region": "us-east-1", "endpoint": endpoint}

    def works(reference: str) -> bool:
        client = boto3.client("kms", region_name="us-east-1", endpoint_url=endpoint)
        return client.describe_key(KeyId=reference)["KeyMetadata"]["KeyState"] == "Enabled"

    return Outside("aws", settings, works)


def token(folder: Path) -> Outside:
    settings = soft_token(folder)

    def works(reference: str) -> bool:
        opened = pkcs11.lib(settings["module"]).get_token(token_label=settings["token"]).open()
        return bool(list(opened.get_objects({pkcs11.Attribute.LABEL: reference})))

    return Outside("pkcs11", settings, works)


@pytest.fixture(params=STORES)
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outside]:
    with pytest.MonkeyPatch.context() as env:
        if request.param == "pkcs11":
            tmp_path.chmod(0o700)
            env.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
            yield token(tmp_path)
            return
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            env.setenv(name, "testing")
        env.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for seconds in ("CONNECT_SECONDS", "READ_SECONDS"):  # a busy machine is not what is shown here
            env.setattr(aws_kms, seconds, 30)
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        host, port = moto.get_host_and_port()
        yield aws(f"http://{host}:{port}")
        moto.stop()


@pytest.fixture
def house(cluster: Cluster, tmp_path: Path, outside: Outside) -> Iterator[House]:
    def make_keys(data: Path) -> None:
        init_at(data / "keys" / "keyring.json", outside.name, outside.settings, datetime.now(UTC))

    with pytest.MonkeyPatch.context() as patient_machine:
        patient_machine.setitem(steady.Steady.__init__.__kwdefaults__, "call_seconds", 30.0)
        patient_machine.setattr(steady, "DEADLINE_SECONDS", 60.0)
        patient_machine.setattr(deps, "UNIT_SECONDS", 30)
        built = House(cluster, f"consentry_{outside.name}", tmp_path / "house", make_keys)
        yield built
        built.close()


def another_process(service: Service) -> None:
    service.house.state.mechanisms.vault.forget()
    service.house.state.mechanisms.vault.forget_before(1 << 40)


def read(office: Office) -> dict[str, str]:
    """What is in the chart, as the clinician reads it."""
    answers = {item: office.clinician.get(f"/items/{item}") for item in office.items.values()}
    assert [one.status_code for one in answers.values()] == [200] * len(answers), answers[min(answers)].text
    return {item: one.json()["content"] for item, one in answers.items()}


@pytest.mark.long
def test_every_command_about_keys_with_a_key_store_outside(
    house: House, outside: Outside, counted: Counted
) -> None:
    house.clock.set(datetime.now(UTC) - LONG - timedelta(hours=1))
    service = open_program(house)
    doomed = register(service)
    later(service, LONG)
    office = Office(service)
    office.chart()
    items = read(office)
    compliance, administrator = service.account("compliance"), service.account("administrator")
    destroyed = Destroying(service, compliance, administrator, doomed).destroy()
    assert destroyed["state"] == "destroyed"
    file, settings = EpochFile(epochs_path(house.settings.keyring)), house.settings
    references = [file.plan.active.reference]
    commands = (("keys", "finish"), ("keys", "rotate", "kek"), ("keys", "rotate", "data"))
    with patch.dict(os.environ, settings.to_environment()):
        for given in commands:
            ended = command(*given, "--settled", "0")
            assert ended.returncode == 0, (given, ended)
            if file.plan.active.reference not in references:
                references.append(file.plan.active.reference)
            another_process(service)
            assert read(office) == items
        assert command("keys", "status").returncode == 0
        assert command("keys", "list").returncode == 0
    assert [outside.works(one) for one in references] == [False, False, True]
    assert [one.reference for one in file.plan.epochs] == references[-1:]
    assert settings.keeper_database_url
    assert resealing.left_in(plain_engine(settings.keeper_database_url)) == {}
    answer = service.client("intake").get(f"/patients/{doomed}")
    assert (answer.status_code, answer.json()["code"]) == (410, "record_destroyed")
    said = service.client(compliance).get(f"/keys/shreddings/{destroyed['id']}").json()
    assert said["state"] == "finished"
    office.item("progress_note", "written under the new keys")
    verify_ledger(service)
    counted("commands about keys outside", len(commands))
