"""A folder of instruments: versions beside each other, a clinic's own file and settings, and the pins."""

import shutil
from pathlib import Path

import pytest

from service.cli.policies import check, pin
from service.errors import StartRefused
from service.intake.definition import file_hashes, load_catalogue
from service.intake.pins import unpinned, write_pins
from service.intake.scoring import score
from service.intake.yamlfield import DefinitionError, read_fields
from tests.unit.intake.instruments_of_record import CATALOGUE, DATA, FOLDER, ROOT, shipped, text_of


def folder_with(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "loinc.yaml").write_bytes((FOLDER / "codes" / "loinc.yaml").read_bytes())
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_superseded_version_stays_readable(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "asq@1.yaml", text_of("asq"))
    (folder / "asq.yaml").write_text(text_of("asq").replace("version: 1", "version: 2"), encoding="utf-8")
    catalogue = load_catalogue(folder)
    versions = [catalogue.find("asq"), catalogue.find("asq", 1), catalogue.find("asq", 2)]
    assert [one.version for one in versions if one is not None] == [2, 1, 2]
    assert len(catalogue.current()) == 1


def test_a_version_is_defined_once(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "asq@1.yaml", text_of("asq"))
    (folder / "asq.yaml").write_text(text_of("asq"), encoding="utf-8")
    with pytest.raises(StartRefused, match="defined twice"):
        load_catalogue(folder)


def test_a_file_is_named_after_its_instrument(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is not the name of the file"):
        load_catalogue(folder_with(tmp_path, "phq-2.yaml", text_of("asq")))


def test_no_instruments_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no instrument"):
        load_catalogue(folder_with(tmp_path, "readme.txt", "nothing"))


WORRY = (DATA / "instruments" / "worry-3.yaml").read_text(encoding="utf-8")


def test_a_clinic_adds_an_instrument_by_adding_a_file(tmp_path: Path) -> None:
    """The worked example of policies/instruments/README.md: served and scored without any code."""
    catalogue = load_catalogue(folder_with(tmp_path, "worry-3.yaml", WORRY))
    added = catalogue.find("worry-3")
    assert added is not None
    high = score(added, {"worry3.1": 2, "worry3.2": 2, "worry3.3": 1})
    assert (high.total, high.band, [flag.code for flag in high.flags]) == (5, "high", ["worry_high"])
    assert score(added, {"worry3.1": 0, "worry3.2": 1, "worry3.3": 1}).band == "low"
    assert score(added, {"worry3.1": 3}).refused == ("worry3.1",)
    assert f"```yaml\n{WORRY}```" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("from: 3, to: 6", "from: 4, to: 6", r"^worry-3\.yaml:27: scoring\.bands\[1\]\.from: must be 3"),
        (
            "answers: often}\n  - {key: worry3.2",
            "answers: ofen}\n  - {key: worry3.2",
            r"^worry-3\.yaml:\d+: items\[0\]\.answers: must be one of often",
        ),
        ("at_least: 3}", "at_lest: 3}", r"^worry-3\.yaml:\d+: flags\[0\]\.when\.at_lest: unknown field"),
        ("key: worry-3", "key: worry", r"^worry-3\.yaml:1: key: is not the name of the file"),
    ],
)
def test_a_clinic_hears_file_line_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert WORRY.count(old) == 1
    with pytest.raises(DefinitionError, match=message):
        load_catalogue(folder_with(tmp_path, "worry-3.yaml", WORRY.replace(old, new)))


def test_a_clinic_sets_a_cut_off(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "pcl-5.yaml", text_of("pcl-5"))
    (folder / "site.yaml").write_text("pcl-5: {cutoff: 45}\n", encoding="utf-8")
    stricter = load_catalogue(folder).find("pcl-5")
    assert stricter is not None
    answers = [2] * 20
    assert score(shipped("pcl-5"), answers).band == "positive"
    assert score(stricter, answers).band == "negative"
    assert score(stricter, [3] * 15 + [0] * 5).band == "positive"
    assert dict(stricter.settings) == {"cutoff": 45}
    assert stricter.rule_version != shipped("pcl-5").rule_version, (
        "results name the cut-off they were banded by"
    )


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ("pcl-5: {cutoff: 60}", r"site\.yaml:1: pcl-5\.cutoff: outside what the instrument allows"),
        ("pcl-5: {cut: 45}", r"site\.yaml:1: pcl-5\.cut: not a setting"),
        ("pcl-6: {cutoff: 45}", r"site\.yaml:1: pcl-6: no such instrument"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, site: str, message: str) -> None:
    folder = folder_with(tmp_path, "pcl-5.yaml", text_of("pcl-5"))
    (folder / "site.yaml").write_text(site, encoding="utf-8")
    with pytest.raises(DefinitionError, match=message):
        load_catalogue(folder)


def test_shipped_instruments_are_pinned() -> None:
    hashes = file_hashes(FOLDER)
    assert unpinned(FOLDER, hashes) == []
    assert sorted(hashes) == sorted(f"{one.key}@{one.version}" for one in CATALOGUE.current())


def pinned_folder(tmp_path: Path) -> Path:
    folder = folder_with(tmp_path, "asq.yaml", text_of("asq"))
    assert write_pins(folder, file_hashes(folder)) == ["asq@1"]
    assert write_pins(folder, file_hashes(folder)) == []
    return folder


def test_a_changed_file_with_its_old_version_is_refused(tmp_path: Path) -> None:
    folder = pinned_folder(tmp_path)
    load_catalogue(folder)
    (folder / "asq.yaml").write_text(
        text_of("asq").replace("label: Negative", "label: No risk"), encoding="utf-8"
    )
    with pytest.raises(StartRefused, match=r"asq@1 is not the file that was pinned.*raise the version"):
        load_catalogue(folder)
    with pytest.raises(StartRefused, match="not the file that was pinned"):
        write_pins(folder, file_hashes(folder))


def test_a_new_version_beside_the_old_one_is_served_and_pinned(tmp_path: Path) -> None:
    folder = pinned_folder(tmp_path)
    newer = text_of("asq").replace("version: 1", "version: 2")
    (folder / "asq.yaml").write_text(newer, encoding="utf-8")
    with pytest.raises(StartRefused, match=r"asq@1 is pinned and not there"):
        load_catalogue(folder)
    (folder / "asq@1.yaml").write_text(text_of("asq"), encoding="utf-8")
    load_catalogue(folder)
    assert unpinned(folder, file_hashes(folder)) == ["asq@2"]
    assert write_pins(folder, file_hashes(folder)) == ["asq@2"]


def test_a_number_may_name_a_setting() -> None:
    field = read_fields("x.yaml", "a: cutoff\nb: cutoff - 1\nc: cutoff + 2\nd: 7\ne: cutoff-1\n").mapping()
    names = {"cutoff": 31}
    assert [field[key].number(names) for key in "abcd"] == [31, 30, 33, 7]
    with pytest.raises(DefinitionError, match=r"x\.yaml:5: e: must be a whole number"):
        field["e"].number(names)


def test_the_commands_pin_what_is_new_and_refuse_what_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    (policies / "instruments" / "worry-3.yaml").write_text(WORRY, encoding="utf-8")
    with pytest.raises(StartRefused, match=r"not pinned: worry-3@1\. Run: consentry policies pin"):
        check(policies)
    pin(policies)
    pin(policies)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "pinned worry-3@1"
    assert said[-1] == "Everything was pinned."
    (policies / "instruments" / "worry-3.yaml").write_text(
        WORRY.replace("Never", "Not once"), encoding="utf-8"
    )
    with pytest.raises(StartRefused, match="worry-3@1 is not the file that was pinned"):
        check(policies)
