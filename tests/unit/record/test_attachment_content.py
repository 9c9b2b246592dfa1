"""What may be attached: whole files of four types that are what they say, and nothing that hides something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest, Code
from service.record.attachments.content import MOST_BYTES, MediaType, media_type_of
from tests.unit.record.scans import JPEG, PDF, PNG, SCANS, TIFF_BIG, TIFF_LITTLE, png_with

ZIP_END = b"PK\x05\x06" + b"\x00" * 18
PAGE = b"<html><body>hello</body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'


def refused(claimed: str, content: bytes) -> Code:
    with pytest.raises(BadRequest) as error:
        media_type_of(claimed, content)
    return error.value.code


@pytest.mark.parametrize("name", sorted(SCANS))
def test_whole_files_pass(name: str) -> None:
    claimed, content = SCANS[name]
    assert media_type_of(claimed, content) == MediaType(claimed)
    assert media_type_of(f"{claimed.upper()}; name=x", content) == MediaType(claimed)


@pytest.mark.parametrize("name", sorted(SCANS))
@pytest.mark.parametrize(
    "claimed", [*sorted({claimed for claimed, _ in SCANS.values()}), "", "text/html", "image/svg+xml"]
)
def test_the_content_has_to_be_what_is_claimed(name: str, claimed: str) -> None:
    true, content = SCANS[name]
    if claimed != true:
        assert refused(claimed, content) is Code.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    ("claimed", "content"),
    [
        ("text/html", PAGE),
        ("image/svg+xml", SVG),
        ("application/pdf", PAGE),
        ("application/pdf", SVG),
        ("image/png", b""),
        ("application/zip", b"PK\x03\x04" + ZIP_END),
        ("application/x-msdownload", b"MZ" + b"\x00" * 100),
        ("image/gif", b"GIF89a" + b"\x00" * 20),
        ("application/javascript", b"alert(1)"),
    ],
    ids=["html", "svg", "html-as-pdf", "svg-as-pdf", "nothing", "zip", "exe", "gif", "script"],
)
def test_other_types_are_refused(claimed: str, content: bytes) -> None:
    assert refused(claimed, content) is Code.UNSUPPORTED_MEDIA_TYPE


POLYGLOTS = {
    "pdf-then-zip": ("application/pdf", PDF + b"PK\x03\x04" + ZIP_END),
    "pdf-around-zip": ("application/pdf", PDF[:-7] + b"PK\x03\x04" + ZIP_END + b"\n%%EOF\n"),
    "pdf-then-page": ("application/pdf", PDF + PAGE),
    "pdf-with-a-page-first": ("application/pdf", b"%PDF-1.7\n" + PAGE + PDF),
    "page-then-pdf": ("application/pdf", PAGE + PDF),
    "pdf-later": ("application/pdf", b"\n" * 10 + PDF),
    "pdf-with-script": (
        "application/pdf",
        PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript >>"),
    ),
    "pdf-that-launches": ("application/pdf", PDF.replace(b"/Catalog", b"/Catalog /AA << /S /Launch >>")),
    "pdf-that-carries": ("application/pdf", PDF.replace(b"/Catalog", b"/Catalog /Type /EmbeddedFile")),
    "pdf-with-html-script": (
        "application/pdf",
        PDF.replace(b"endobj", b"x" * 4000 + b"<ScRiPt >" + b"endobj"),
    ),
    "pdf-cut": ("application/pdf", PDF[:-8]),
    "png-then-zip": ("image/png", PNG + b"PK\x03\x04" + ZIP_END),
    "png-around-zip": ("image/png", png_with(b"PK\x03\x04" + ZIP_END)),
    "png-then-page": ("image/png", PNG + PAGE),
    "png-then-script": ("image/png", png_with(b"<script>alert(1)</script>")),
    "png-with-a-page": ("image/png", png_with(PAGE)),
    "png-with-svg": ("image/png", png_with(SVG)),
    "png-then-a-byte": ("image/png", PNG + b"\x00"),
    "png-cut": ("image/png", PNG[:-1]),
    "png-two-ends": ("image/png", PNG + PNG[-12:]),
    "jpeg-then-zip": ("image/jpeg", JPEG + b"PK\x03\x04" + ZIP_END),
    "jpeg-then-jpeg": ("image/jpeg", JPEG + JPEG),
    "jpeg-then-page-then-end": ("image/jpeg", JPEG + PAGE + b"\xff\xd9"),
    "jpeg-cut": ("image/jpeg", JPEG[:-2]),
    "jpeg-no-scan": ("image/jpeg", JPEG[:20] + b"\xff\xd9"),
    "jpeg-bad-segment": ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x00" + JPEG[2:]),
    "program-as-jpeg": ("image/jpeg", b"MZ" + JPEG[2:]),
    "program-as-tiff": ("image/tiff", b"MZ" + TIFF_BIG[2:]),
    "tiff-cut": ("image/tiff", TIFF_LITTLE[:-1]),
    "tiff-elsewhere": ("image/tiff", TIFF_BIG[:4] + b"\x00\x00\xff\xff" + TIFF_BIG[8:]),
    "tiff-without-entries": ("image/tiff", TIFF_LITTLE[:8] + b"\x00" * 20),
    "tiff-then-zip": ("image/tiff", TIFF_LITTLE + b"PK\x03\x04" + ZIP_END),
    "tiff-with-a-page": ("image/tiff", TIFF_LITTLE + PAGE),
}


@pytest.mark.parametrize("name", sorted(POLYGLOTS))
def test_files_that_are_two_things_or_half_a_thing_are_refused(name: str) -> None:
    claimed, content = POLYGLOTS[name]
    assert refused(claimed, content) is Code.UNSUPPORTED_MEDIA_TYPE


def test_a_word_of_the_same_letters_is_no_script() -> None:
    assert media_type_of("image/png", png_with(b"the scripture, <scripted>, a manuscript")) is MediaType.PNG
    assert media_type_of("application/pdf", PDF.replace(b"/Catalog", b"/Catalog /Launcher")) is MediaType.PDF


def test_ten_mebibytes_and_no_more() -> None:
    empty = len(png_with(b""))
    assert media_type_of("image/png", png_with(b"x" * (MOST_BYTES - empty))) is MediaType.PNG
    assert refused("image/png", png_with(b"x" * (MOST_BYTES - empty + 1))) is Code.BODY_TOO_LARGE


@given(st.sampled_from(sorted(SCANS)), st.binary(min_size=1, max_size=64))
def test_nothing_passes_behind_a_file_that_has_an_end(name: str, more: bytes) -> None:
    claimed, content = SCANS[name]
    if claimed == "image/tiff" or (name == "pdf" and not more.strip(b"\r\n\t \x00")):
        return
    assert refused(claimed, content + more) is Code.UNSUPPORTED_MEDIA_TYPE


@given(st.sampled_from(sorted(SCANS)), st.data())
def test_a_file_cut_anywhere_is_refused_and_never_an_error_of_ours(name: str, data: st.DataObject) -> None:
    claimed, content = SCANS[name]
    kept = data.draw(st.integers(0, len(content) - (2 if name == "pdf" else 1)))
    assert refused(claimed, content[:kept]) is Code.UNSUPPORTED_MEDIA_TYPE


@given(st.sampled_from(sorted({claimed for claimed, _ in SCANS.values()})), st.binary(max_size=300))
def test_noise_is_refused(claimed: str, content: bytes) -> None:
    assert refused(claimed, content) is Code.UNSUPPORTED_MEDIA_TYPE
