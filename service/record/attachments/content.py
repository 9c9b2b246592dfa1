"""What may be attached: a whole PDF, PNG, JPEG or TIFF, which is what it says it is and nothing else besides.

The type is found in the content (with the `filetype` library), never believed; then the file has to end where its
format says it ends. What hides a second file behind the first (an archive behind a picture, a page in front of a
document) does not pass, nor do PDFs that say in the clear that they run or carry something.

This is no virus scan. A file that is all it should be can still attack the program that opens it; that is for the
scanner in front of the service and for the reader's own machine.
"""

import re
import struct
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import filetype

from service.errors import BadRequest, Code

MOST_BYTES: Final = 10 * 1024 * 1024


class AttachmentKind(StrEnum):
    """What the paper is."""

    SCANNED_CONSENT = "scanned_consent"
    COURT_ORDER = "court_order"
    IDENTITY_PAPER = "identity_paper"
    OTHER = "other"


class SubjectKind(StrEnum):
    """What a paper can belong to."""

    CONSENT = "consent"
    EVIDENCE = "evidence"


class AttachmentState(StrEnum):
    KEPT = "kept"
    ENTERED_IN_ERROR = "entered_in_error"


class MediaType(StrEnum):
    """The types there are, none of which a browser runs."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"


SUFFIXES: Final[Mapping[MediaType, str]] = {
    MediaType.PDF: "pdf",
    MediaType.PNG: "png",
    MediaType.JPEG: "jpg",
    MediaType.TIFF: "tiff",
}

#: What makes a browser that sniffs take a file for a page; browsers look at the first kilobyte or so.
_PAGE: Final = re.compile(
    rb"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|style|title)\b", re.IGNORECASE
)
_SCRIPT: Final = re.compile(rb"<\s*/?\s*script[\s>/]", re.IGNORECASE)
#: PDF names of what runs, launches or carries another file (ISO 32000-1, 12.6.4 and 7.11.4).
_ACTIVE_PDF: Final = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|XFA)\b")
#: End of a ZIP archive, which may be followed by a comment of up to 65,535 bytes: its readers start from the end.
_ARCHIVE_END: Final = b"PK\x05\x06"
_ARCHIVE_TAIL: Final = 22 + 65_535
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"


def media_type_of(claimed: str, content: bytes) -> MediaType:
    """The type of an acceptable file; raises BadRequest `unsupported_media_type` or `body_too_large`.

    `claimed` is what the sender says, which has to be true.
    """
    if len(content) > MOST_BYTES:
        raise BadRequest(Code.BODY_TOO_LARGE, "An attachment has at most 10 MiB.")
    kind = claimed.split(";")[0].strip().lower()
    if kind not in set(MediaType):
        raise _refused(f"Send one of {', '.join(MediaType)}.")
    found = filetype.guess_mime(content[:8192])  # pyright: ignore[reportUnknownMemberType] -- it has no stubs
    if found != kind:
        raise _refused("The file is not what its Content-Type says.")
    media_type = MediaType(kind)
    if not _WHOLE[media_type](content):
        raise _refused("The file is cut, or holds something besides.")
    if _PAGE.search(content[:2048]) or _SCRIPT.search(content) or _ARCHIVE_END in content[-_ARCHIVE_TAIL:]:
        raise _refused("The file holds something besides.")
    return media_type


def _refused(detail: str) -> BadRequest:
    return BadRequest(Code.UNSUPPORTED_MEDIA_TYPE, detail)


def _whole_pdf(content: bytes) -> bool:
    """Begins with its header, ends with its marker, and names nothing active in the clear."""
    end = content.rstrip(b"\r\n\t \x00")
    return content.startswith(b"%PDF-") and end.endswith(b"%%EOF") and not _ACTIVE_PDF.search(content)


def _whole_png(content: bytes) -> bool:
    """Chunk by chunk from the signature to IEND, and nothing behind it (PNG, section 5)."""
    at = len(_PNG_START)
    if not content.startswith(_PNG_START):
        return False
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        at += 12 + length
        if name == b"IEND":
            return length == 0 and at == len(content)
    return False


def _whole_jpeg(content: bytes) -> bool:
    """Segment by segment to the first scan; from there on data, up to the end-of-image marker that ends the file."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte before the marker
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2:
            return False
        at += 2 + length
        if marker == 0xDA:
            return _ends_once(content, at)
    return False


def _ends_once(content: bytes, at: int) -> bool:
    """The first end-of-image marker ends the file. In scan data 0xFF never stands before 0xD9 (T.81, B.1.1.5)."""
    return content.find(b"\xff\xd9", at) == len(content) - 2


def _whole_tiff(content: bytes) -> bool:
    """The first directory lies in the file, with its entries; TIFF has no mark at its end (TIFF 6.0, section 2)."""
    order = "<" if content.startswith(b"II") else ">"
    if len(content) < 8:
        return False
    (first,) = struct.unpack_from(f"{order}I", content, 4)
    if first < 8 or first + 2 > len(content):
        return False
    (entries,) = struct.unpack_from(f"{order}H", content, first)
    return entries > 0 and first + 2 + 12 * entries + 4 <= len(content)


_WHOLE: Final[Mapping[MediaType, Callable[[bytes], bool]]] = {
    MediaType.PDF: _whole_pdf,
    MediaType.PNG: _whole_png,
    MediaType.JPEG: _whole_jpeg,
    MediaType.TIFF: _whole_tiff,
}
