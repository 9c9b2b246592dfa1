"""Key stores for tests: the real file and token, moto for AWS, and small servers where a stand-in is too lenient.

`AwsStub` knows the states of a key (moto decrypts with a key that waits for its deletion), `TransitStub` is transit's
encrypt, decrypt and key paths with AEAD keys. Both run in this process, on a port of their own.
"""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import IntegrityError
from service.vault import epochfile
from service.vault.epoch import KmsUnavailable
from service.vault.epochfile import EpochFile
from service.vault.kms import open_provider
from service.vault.remote import RemoteKms, first_plan
from tests.needing import needs

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def remote_store(folder: Path, name: str, settings: dict[str, str], now: datetime) -> RemoteKms:
    """A new deployment's key store of this provider; its file lies where a keyring would."""
    path = folder / "keys" / "kms.json"
    provider = open_provider(name, settings)
    epochfile.create(path, first_plan(provider, name, settings, now))
    return RemoteKms(provider, EpochFile(path))


def secret_file(folder: Path, content: str) -> Path:
    path = folder / "secret"
    path.write_text(content)
    path.chmod(0o400)
    folder.chmod(0o700)
    return path


@cache
def _token_of_this_process() -> list[dict[str, str]]:
    """Filled by who asks first: the module reads where tokens are once, when it is loaded."""
    return []


def soft_token(folder: Path) -> dict[str, str]:
    """The token of this process, made in `folder` by the first who asks; until then SOFTHSM2_CONF must name
    `folder / "softhsm2.conf"`.
    """
    known = _token_of_this_process()
    if not known:
        known.append(_make_token(folder))
    return known[0]


def _make_token(folder: Path) -> dict[str, str]:
    tool = needs("softhsm2-util", "a key store behind PKCS#11")
    module = needs(MODULE, "a key store behind PKCS#11")
    tokens = folder / "tokens"
    tokens.mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    label, pin = f"consentry-{os.urandom(4).hex()}", "4321"
    subprocess.run(
        [tool, "--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", pin],
        check=True,
        capture_output=True,
        env={**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf")},
    )
    return {"module": module, "token": label, "pin_file": str(secret_file(folder, pin))}


class _Server:
    """An HTTP server of this process that answers POST, GET and DELETE with JSON."""

    def __init__(self) -> None:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def _respond(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                status, document = answer(self.command, self.path, dict(self.headers), body)
                content = json.dumps(document).encode() if document is not None else b""
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PUT = _respond

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, dict[str, Any] | None]:
        raise NotImplementedError


class AwsStub(_Server):
    """AWS KMS with the states of its keys: Enabled, Disabled, PendingDeletion, and gone."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[AESGCM, str]] = {}
        self.seen: list[tuple[str, Any]] = []
        super().__init__()

    def set_state(self, reference: str, state: str) -> None:
        self.keys[reference] = (self.keys[reference][0], state)

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, dict[str, Any] | None]:
        operation = {name.lower(): value for name, value in headers.items()}["x-amz-target"].split(".")[1]
        self.seen.append((operation, body))
        if operation == "CreateKey":
            arn = f"arn:aws:kms:us-east-1:000000000000:key/{os.urandom(8).hex()}"
            self.keys[arn] = (AESGCM(os.urandom(32)), "Enabled")
            return 200, {"KeyMetadata": {"Arn": arn, "KeyId": arn}}
        reference = body["KeyId"]
        if reference not in self.keys:
            return _aws_error("NotFoundException")
        cipher, state = self.keys[reference]
        if operation == "DisableKey":
            if state == "PendingDeletion":
                return _aws_error("KMSInvalidStateException")
            self.set_state(reference, "Disabled")
            return 200, None
        if operation == "ScheduleKeyDeletion":
            if state == "PendingDeletion":
                return _aws_error("KMSInvalidStateException")
            self.set_state(reference, "PendingDeletion")
            return 200, {"KeyId": reference}
        if state == "PendingDeletion":
            return _aws_error("KMSInvalidStateException")
        if state == "Disabled":
            return _aws_error("DisabledException")
        context = json.dumps(body["EncryptionContext"], sort_keys=True).encode()
        if operation == "Encrypt":
            nonce = os.urandom(12)
            sealed = nonce + cipher.encrypt(nonce, base64.b64decode(body["Plaintext"]), context)
            return 200, {"CiphertextBlob": base64.b64encode(sealed).decode(), "KeyId": reference}
        sealed = base64.b64decode(body["CiphertextBlob"])
        try:
            opened = cipher.decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            return _aws_error("InvalidCiphertextException")
        return 200, {"Plaintext": base64.b64encode(opened).decode(), "KeyId": reference}


def _aws_error(kind: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": kind, "message": "no"}


class TransitStub(_Server):
    """Transit of one mount. `ignores_place`: a server too old to know `associated_data`."""

    token = "test"

    def __init__(self) -> None:
        self.keys: dict[str, AESGCM] = {}
        self.deletable: set[str] = set()
        self.ignores_place = False
        self.sealed = False
        super().__init__()

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, dict[str, Any] | None]:
        shown = {name.lower(): value for name, value in headers.items()}.get("x-vault-token")
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if shown != self.token:
            return 403, {"errors": ["permission denied"]}
        _, _, mount, kind, name, *rest = path.split("/")
        if mount != "transit":
            return 404, {"errors": ["no handler for route"]}
        if kind == "keys":
            return self._keys(method, name, rest, body)
        if name not in self.keys:
            return 400, {"errors": ["encryption key not found"]}
        place = b"" if self.ignores_place else base64.b64decode(body.get("associated_data", ""))
        if kind == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + self.keys[name].encrypt(nonce, base64.b64decode(body["plaintext"]), place)
            return 200, {"data": {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode()}}
        sealed_text: str = body["ciphertext"]
        if not sealed_text.startswith("vault:v1:"):
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        try:
            sealed = base64.b64decode(sealed_text.removeprefix("vault:v1:"), validate=True)
            opened = self.keys[name].decrypt(sealed[:12], sealed[12:], place)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(opened).decode()}}

    def _keys(
        self, method: str, name: str, rest: list[str], body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any] | None]:
        if rest == ["config"]:
            if name not in self.keys:
                return 400, {"errors": ["no existing key named x could be found: not found"]}
            if body.get("deletion_allowed"):
                self.deletable.add(name)
            return 204, None
        if method == "DELETE":
            if name not in self.keys or name not in self.deletable:
                return 400, {"errors": ["could not delete key; not found"]}
            del self.keys[name]
            return 204, None
        if (body["type"], body["derived"], body["exportable"]) != ("aes256-gcm96", False, False):
            return 400, {"errors": ["not what is asked for"]}
        self.keys[name] = AESGCM(os.urandom(32))
        return 204, None


@dataclass
class FakeKeys:
    """A remote provider within the process that a test can take away, hold up, count and look at."""

    gone: bool = False
    calls: list[str] = field(default_factory=list[str])
    opened: list[bytes] = field(default_factory=list[bytes])
    #: Run before each call: a test asserts here what must hold whenever the key store is asked.
    before: Callable[[], None] = lambda: None
    keys: dict[str, AESGCM] = field(default_factory=dict[str, AESGCM])

    def encrypt(self, reference: str, secret: bytes, context: bytes) -> bytes:
        self._ask("encrypt")
        nonce = os.urandom(12)
        return nonce + self.keys[reference].encrypt(nonce, secret, context)

    def decrypt(self, reference: str, sealed: bytes, context: bytes) -> bytes:
        self.opened.append(sealed)
        self._ask("decrypt")
        try:
            return self.keys[reference].decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            raise IntegrityError from None

    def create_key(self, epoch_id: bytes) -> str:
        self._ask("create")
        self.keys[epoch_id.hex()] = AESGCM(os.urandom(32))
        return epoch_id.hex()

    def destroy_key(self, reference: str) -> None:
        self._ask("destroy")
        self.keys.pop(reference, None)

    def store(self, folder: Path, now: datetime) -> RemoteKms:
        path = folder / "keys" / "kms.json"
        epochfile.create(path, first_plan(self, "fake", {}, now))
        return RemoteKms(self, EpochFile(path))

    def _ask(self, what: str) -> None:
        self.calls.append(what)
        self.before()
        if self.gone:
            raise KmsUnavailable
