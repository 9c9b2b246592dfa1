"""An object store that speaks S3 and locks its objects: what was put there stays, for everybody, for a set time.

The key of an object sorts the newest head first, so that one request finds it however many there are:

    <prefix><tree>/<branch, counted down>/<size, counted down>-<size>.note

A branch is what is signed between two restores. Deleting in a versioned bucket only puts a marker in front, and writing
the same key again only a newer version: so versions are listed, and of several under one key the oldest counts.

Loaded only where a bucket is configured: boto3 is not needed otherwise.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from service.clock import Clock
from service.config import AnchorSettings
from service.ledger.anchors.anchor import AnchorFailed, AnchorUnfit
from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, parse

_BRANCHES, _SIZES = 10**6 - 1, 10**19 - 1
_KEY = re.compile(r"(?P<branch>[0-9]{6})/[0-9]{19}-(?P<size>[0-9]+)\.note")
_SECONDS = 5
#: What cannot get better by itself.
_MISTAKES = frozenset({"NoSuchBucket", "ObjectLockConfigurationNotFoundError", "AccessDenied", "403", "404"})


class ObjectStoreAnchor:
    """One bucket with object lock."""

    name = "s3"
    near = False
    confirms = True

    def __init__(self, settings: AnchorSettings, clock: Clock) -> None:
        self._bucket, self._prefix = settings.s3_bucket, settings.s3_prefix
        self._kept, self._clock = timedelta(days=settings.s3_days), clock
        config = Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"mode": "standard", "max_attempts": 2},
        )
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "s3", endpoint_url=settings.s3_endpoint, region_name=settings.s3_region, config=config
        )
        self._branches: dict[UUID, int] = {}

    def check(self) -> None:
        """The bucket is there and locks objects."""
        try:
            found = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as error:
            if _code(error) in _MISTAKES:
                raise AnchorUnfit(
                    f"the bucket of CONSENTRY_ANCHOR_S3_BUCKET is not there, not ours, or has no object lock "
                    f"({_code(error)})"
                ) from error
            raise AnchorFailed("the object store refuses") from error
        except BotoCoreError as error:
            raise AnchorFailed("the object store does not answer") from error
        if found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise AnchorUnfit("the bucket of CONSENTRY_ANCHOR_S3_BUCKET has no object lock")

    def trees(self) -> Sequence[UUID]:
        pages = self._pages("CommonPrefixes", Prefix=self._prefix, Delimiter="/")
        names = [one["Prefix"].removeprefix(self._prefix).strip("/") for page in pages for one in page]
        return [UUID(name) for name in names if re.fullmatch(r"[0-9a-f-]{36}", name)]

    def newest(self, tree: UUID) -> Checkpoint | None:
        found = self._newest(tree)
        return None if found is None else found[1]

    def notes(self, tree: UUID) -> Iterator[str]:
        start = f"{self._prefix}{tree}/"
        oldest: dict[str, Any] = {}
        for page in self._pages("Versions", Prefix=start):
            for one in page:
                known = oldest.get(one["Key"])
                if known is None or one["LastModified"] <= known["LastModified"]:
                    oldest[one["Key"]] = one
        for key in sorted(oldest, reverse=True):
            yield self._note(key, oldest[key]["VersionId"])

    def publish(self, tree: UUID, notes: Sequence[str], over: Checkpoint | None = None) -> None:
        note = notes[-1]
        found = self._newest(tree)
        branch, head = found or (0, None)
        checkpoint = parse(note).checkpoint
        if over is not None and head is not None and head == over:
            branch += 1
        elif head is not None and head.size >= checkpoint.size:
            return
        key = (
            f"{self._prefix}{tree}/{_BRANCHES - branch:06d}/{_SIZES - checkpoint.size:019d}"
            f"-{checkpoint.size}.note"
        )
        self._call(
            self._client.put_object,
            Key=key,
            Body=note.encode(),
            ContentType="text/plain; charset=utf-8",
            ChecksumAlgorithm="SHA256",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=self._until(),
        )

    def _until(self) -> datetime:
        return self._clock.now() + self._kept

    def _newest(self, tree: UUID) -> tuple[int, Checkpoint] | None:
        start = f"{self._prefix}{tree}/"
        listed = self._call(self._client.list_object_versions, Prefix=start, MaxKeys=50)
        versions = [one for one in listed.get("Versions", []) if _KEY.fullmatch(one["Key"][len(start) :])]
        if not versions:
            return None
        first = versions[0]["Key"]
        # versions come newest first, and their times are in whole seconds
        same = [one for one in reversed(versions) if one["Key"] == first]
        oldest = min(same, key=lambda one: one["LastModified"])
        named = _KEY.fullmatch(first[len(start) :])
        try:
            checkpoint = parse(self._note(first, oldest["VersionId"])).checkpoint
        except CheckpointInvalid as error:
            raise AnchorFailed("what the object store holds is no checkpoint") from error
        return _BRANCHES - int(named["branch"] if named else "0"), checkpoint

    def _note(self, key: str, version: str) -> str:
        answer = self._call(self._client.get_object, Key=key, VersionId=version)
        try:
            return str(answer["Body"].read(65536).decode("utf-8", "replace"))
        except (BotoCoreError, OSError) as error:
            raise AnchorFailed("the object store broke off") from error

    def _pages(self, what: str, **options: Any) -> Sequence[Sequence[Any]]:
        pages: list[Sequence[Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self._call(self._client.list_object_versions, **options, **more)
            pages.append(page.get(what, []))
            if not page.get("IsTruncated"):
                return pages
            more = {
                "KeyMarker": page["NextKeyMarker"],
                "VersionIdMarker": page.get("NextVersionIdMarker", ""),
            }

    def _call(self, method: Any, **options: Any) -> Any:
        try:
            return method(Bucket=self._bucket, **options)
        except (ClientError, BotoCoreError, OSError) as error:
            raise AnchorFailed("the object store did not do it") from error


def _code(error: ClientError) -> str:
    response: Any = error.response
    return str(response.get("Error", {}).get("Code", ""))
