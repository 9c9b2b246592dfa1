"""Small whole files of every type that may be attached, made here byte by byte."""

import struct
import zlib
from collections.abc import Mapping


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG = (
    PNG_START
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    + _chunk(b"IEND", b"")
)
JPEG = (
    b"\xff\xd8"
    + _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    + _segment(0xE1, b"Exif\x00\x00 with a thumbnail \xff\xd8\xff\xd9")
    + b"\xff"  # a fill byte, which the format allows before any marker
    + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    + b"scan data \xff\x00 and more\xff\xd9"
)
TIFF_LITTLE = b"II*\x00" + struct.pack("<IH", 8, 1) + b"\x00" * 12 + struct.pack("<I", 0)
TIFF_BIG = b"MM\x00*" + struct.pack(">IH", 8, 1) + b"\x00" * 12 + struct.pack(">I", 0)

SCANS: Mapping[str, tuple[str, bytes]] = {
    "pdf": ("application/pdf", PDF),
    "png": ("image/png", PNG),
    "jpeg": ("image/jpeg", JPEG),
    "tiff": ("image/tiff", TIFF_LITTLE),
    "tiff-big": ("image/tiff", TIFF_BIG),
}


def png_with(text: bytes) -> bytes:
    """A whole PNG with a text in it, of any length."""
    return PNG[:33] + _chunk(b"tEXt", b"Comment\x00" + text) + PNG[33:]
