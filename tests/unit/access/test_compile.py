"""The table of roles is strict, and what is generated from it is what it says."""

from pathlib import Path

import pytest

from service.access.compile import differences, read_role_table, roles_text, write_generated
from service.errors import StartRefused

POLICIES = Path(__file__).parents[3] / "policies"
ROW = "{id: x, may: [patient.read], cite: c, conf: policy}"


def table(row: str, conditions: str = "{}", role: str = "intake") -> str:
    return f"conditions: {conditions}\nroles: {{{role}: [{row}]}}\n"


def test_a_row_becomes_one_permit() -> None:
    text = roles_text(
        read_role_table(
            table(
                "{id: x, may: [patient.read], if: [near], cite: c, conf: law}",
                "{near: context.facts.relationship}",
            )
        )
    )
    assert '@id("x")\n@cite("c")\n@conf("law")\npermit (' in text
    assert 'action in [Action::"patient.read"]' in text
    assert "when { context.caller.intake && (context.facts.relationship) };" in text


def test_everyone_means_every_caller_whose_roles_fit() -> None:
    assert "when { context.caller.roles_fit_kind };" in roles_text(
        read_role_table(table(ROW, role="everyone"))
    )


@pytest.mark.parametrize(
    "document",
    [
        table(ROW, role="boss"),
        table("{id: x, may: [patient.sell], cite: c, conf: policy}"),
        table("{id: x, may: [], cite: c, conf: policy}"),
        table("{id: x, may: [sign_in.refused], cite: c, conf: policy}"),
        table("{id: x, may: [disclosure.release], cite: c, conf: policy}"),
        table("{id: x, may: [patient.read], if: [near], cite: c, conf: policy}"),
        table("{id: x, may: [patient.read], unless: [near], cite: c, conf: policy}"),
        table("{id: x, may: [patient.read], cite: c, conf: surely}"),
        table("{id: x, may: [patient.read], conf: law}"),
        table(f"{ROW}, {ROW}"),
        "roles: {}",
        "[]",
        "",
        "{",
    ],
)
def test_a_faulty_table_refuses_the_start(document: str) -> None:
    with pytest.raises(StartRefused):
        read_role_table(document)


def test_generated_files_are_written_once_and_then_current(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text((POLICIES / "roles.yaml").read_text())
    assert differences(tmp_path) == ["schema.cedarschema", "roles.cedar"]
    assert len(write_generated(tmp_path)) == 2
    assert differences(tmp_path) == []
    assert write_generated(tmp_path) == []
