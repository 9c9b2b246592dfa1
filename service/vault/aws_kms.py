"""AWS KMS (boto3): one symmetric key for each epoch, the place of every wrapping in the encryption context.

AWS authenticates the context and writes it to its own trail, so what goes there is a hash of the place, not the place:
which patient's key was used when is nobody's business outside. Credentials come the way boto3 finds them (role,
environment, file); they are not ours to store. The policy of the role needs kms:Encrypt and Decrypt to serve, and
CreateKey, TagResource, DisableKey and ScheduleKeyDeletion to rotate.

An ended key is disabled at once and deleted by AWS after its shortest waiting time, seven days; until then an
administrator of the account could bring it back.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import IntegrityError
from service.vault.epoch import KmsUnavailable, VaultSealed

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
_WAITING_DAYS: Final = 7
#: What AWS says of a ciphertext that is not this key's, or not for this context. Everything else may pass.
_NEVER: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "ValidationException"})
_GONE: Final = frozenset({"NotFoundException", "KMSInvalidStateException"})
_KNOWN: Final = frozenset({"region", "endpoint"})


class AwsKeys:
    """The keys of one region of one account."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        if unknown := set(settings) - _KNOWN:
            raise VaultSealed(f"AWS KMS has no setting {min(unknown)!r}; there are region and endpoint.")
        try:
            # tried again by `steady`, for all providers alike
            self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType] -- boto3 is untyped
                "kms",
                region_name=settings.get("region"),
                endpoint_url=settings.get("endpoint"),
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": 1},
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise VaultSealed(f"AWS KMS cannot be used as it is set up ({type(error).__name__}).") from None

    def encrypt(self, reference: str, secret: bytes, context: bytes) -> bytes:
        answer = self._ask("encrypt", KeyId=reference, Plaintext=secret, EncryptionContext=_context(context))
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, reference: str, sealed: bytes, context: bytes) -> bytes:
        answer = self._ask(
            "decrypt", KeyId=reference, CiphertextBlob=sealed, EncryptionContext=_context(context)
        )
        return bytes(answer["Plaintext"])

    def create_key(self, epoch_id: bytes) -> str:
        made = self._ask(
            "create_key",
            KeySpec="SYMMETRIC_DEFAULT",
            KeyUsage="ENCRYPT_DECRYPT",
            Description="Consentry key-encryption key",
            Tags=[{"TagKey": "consentry-epoch", "TagValue": epoch_id.hex()}],
        )
        return str(made["KeyMetadata"]["KeyId"])

    def destroy_key(self, reference: str) -> None:
        for operation, options in (
            ("disable_key", {}),
            ("schedule_key_deletion", {"PendingWindowInDays": _WAITING_DAYS}),
        ):
            try:
                getattr(self._client, operation)(KeyId=reference, **options)
            except ClientError as error:
                if _code(error) not in _GONE:
                    raise KmsUnavailable from None
            except BotoCoreError:
                raise KmsUnavailable from None

    def _ask(self, operation: str, **parameters: Any) -> Any:
        """The answer. A key that is disabled or waits for its deletion is "not now": that can be taken back."""
        try:
            return getattr(self._client, operation)(**parameters)
        except ClientError as error:
            if _code(error) in _NEVER:
                raise IntegrityError from None
            raise KmsUnavailable from None
        except BotoCoreError:
            raise KmsUnavailable from None


def open_provider(settings: Mapping[str, str]) -> AwsKeys:
    """The provider `aws`: settings `region` and, for a private endpoint, `endpoint`."""
    return AwsKeys(settings)


def _context(context: bytes) -> dict[str, str]:
    return {"consentry": hashlib.sha256(context).hexdigest()}


def _code(error: ClientError) -> str:
    answer: Any = error.response  # pyright: ignore[reportUnknownMemberType] -- botocore is untyped
    return str(answer.get("Error", {}).get("Code", ""))
