"""Whatever goes wrong with policies, schema, facts or evaluation: denied, or not started at all."""

import shutil
from pathlib import Path

import cedarpy
import pytest
import yaml

from service.access import engine as engine_module
from service.access.actions import Action
from service.access.caller import Role
from service.access.engine import Engine, hash_policies
from service.access.facts import Facts, ReleaseFacts, UseFacts
from service.access.groups import LEGAL_ACTIONS
from service.access.program import Regime
from service.consent.model import ConsentKind
from service.errors import StartRefused
from service.people.recipient import RecipientRole
from service.record.item import Kind, NoteClass
from tests.policies.callers import caller

POLICIES = Path(__file__).parents[2] / "policies"
CLINICIAN = caller(Role.CLINICIAN)
RELATED = Facts(relationship=True)

NOTES = '@id("x")\n@cite("c")\n@conf("law")\n'
#: Every ordinary act: what would permit the two legal ones would have to be a lawful basis.
PERMIT_ALL = '@id("open")\n@cite("none")\n@conf("policy")\npermit (principal, action in Action::"ordinary", resource);\n'
RELEASE = 'action == Action::"disclosure.release"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that a test may spoil."""
    copy = tmp_path / "policies"
    shutil.copytree(POLICIES, copy)
    return copy


def spoil(folder: Path, text: str, name: str = "extra.cedar") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_real_policies_load_and_permit() -> None:
    assert Engine.load(POLICIES).decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED).permitted


def test_a_forbid_that_errs_denies_instead_of_being_skipped(folder: Path) -> None:
    """Overflow validates and errs at evaluation; Cedar then skips the forbid and would allow."""
    erring = (
        '@id("errs")\n@cite("none")\n@conf("policy")\n'
        'forbid (principal, action == Action::"patient.read", resource)\n'
        "when { 9223372036854775807 + 1 > 0 && context.caller.administrator };\n"
    )
    engine = Engine.load(spoil(folder, erring))
    decision = engine.decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED)
    assert not decision.permitted
    assert decision.failed
    assert engine.decide(Action.PATIENT_UPDATE, CLINICIAN, "TREAT", RELATED).permitted


def test_a_permit_that_errs_beside_one_that_holds_denies_too(folder: Path) -> None:
    erring = (
        '@id("errs")\n@cite("none")\n@conf("policy")\n'
        'permit (principal, action == Action::"patient.read", resource)\n'
        "when { 9223372036854775807 + 1 > 0 };\n"
    )
    assert Engine.load(spoil(folder, erring)).decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED).failed


@pytest.mark.parametrize("action", [action for action in Action if action.is_event])
def test_an_event_cannot_be_permitted(folder: Path, action: Action) -> None:
    assert Engine.load(spoil(folder, PERMIT_ALL)).decide(action, CLINICIAN, "TREAT", RELATED).failed


def test_an_unknown_act_is_denied(folder: Path) -> None:
    engine = Engine.load(spoil(folder, PERMIT_ALL))
    assert engine.decide("patient.sell", CLINICIAN, "TREAT", RELATED).failed  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        (Action.RECORD_USE, RELATED),
        (Action.DISCLOSURE_RELEASE, RELATED),
        (Action.DISCLOSURE_RELEASE, UseFacts()),
        (Action.PATIENT_READ, UseFacts(relationship=True)),
        (Action.PATIENT_READ, ReleaseFacts()),
        (Action.PATIENT_READ, Facts(relationship="yes")),  # pyright: ignore[reportArgumentType]
        (Action.PATIENT_READ, Facts(relationship=1)),  # pyright: ignore[reportArgumentType]
        (Action.PATIENT_READ, Facts(relationship=True, kind=None)),  # pyright: ignore[reportArgumentType]
        (Action.PATIENT_READ, Facts(relationship=True, kind=["a"])),  # pyright: ignore[reportArgumentType]
        (Action.PATIENT_READ, None),
    ],
)
def test_facts_of_the_wrong_shape_are_denied(folder: Path, action: Action, facts: Facts) -> None:
    engine = Engine.load(spoil(folder, PERMIT_ALL))
    decision = engine.decide(action, CLINICIAN, "TREAT", facts)
    assert decision.failed
    assert not decision.permitted


@pytest.mark.parametrize(
    "answer",
    [
        {"decision": "NoDecision", "diagnostics": {"errors": []}},
        {"decision": "Allow", "diagnostics": {"reason": ["clinician-patients"], "errors": ["something"]}},
        {"decision": "Allow", "diagnostics": {"reason": [], "errors": []}},
        {"decision": "Allow", "diagnostics": {"reason": ["guard-program"], "errors": []}},
        {"decision": "Allow", "diagnostics": {"reason": ["nobody-knows"], "errors": []}},
        {"decision": "Perhaps", "diagnostics": {"reason": ["clinician-patients"], "errors": []}},
        {},
    ],
)
def test_only_a_clean_allow_counts(monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]) -> None:
    engine = Engine.load(POLICIES)
    monkeypatch.setattr(
        engine_module.cedarpy, "is_authorized", lambda *_given, **_named: cedarpy.AuthzResult(answer)
    )
    assert engine.decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED).failed


def test_an_evaluator_that_raises_denies_once_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine.load(POLICIES)

    def broken(*_given: object, **_named: object) -> cedarpy.AuthzResult:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(engine_module.cedarpy, "is_authorized", broken)
        assert engine.decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED).failed
    assert engine.decide(Action.PATIENT_READ, CLINICIAN, "TREAT", RELATED).permitted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('@cite("c")\n@conf("law")\npermit (principal, action, resource);', "@id"),
        ('@id("x")\n@conf("law")\npermit (principal, action, resource);', "@cite"),
        ('@id("x")\n@cite("c")\npermit (principal, action, resource);', "@conf"),
        ('@id("")\n@cite("c")\n@conf("law")\npermit (principal, action, resource);', "@id"),
        ('@id("x")\n@cite("c")\n@conf("sure")\npermit (principal, action, resource);', "sure"),
        ('@id("B01")\n@cite("c")\n@conf("law")\npermit (principal, action, resource);', "twice"),
        (NOTES + '@advice("be nice")\npermit (principal, action, resource);', "advice"),
        (NOTES + '@obligation("SMILE")\npermit (principal, action, resource);', "SMILE"),
        (NOTES + '@obligation("NOTICE_2_32")\nforbid (principal, action, resource);', "duties"),
        (NOTES + '@review("always")\npermit (principal, action, resource);', "review"),
        (NOTES + '@review("")\nforbid (principal, action, resource);', "review"),
        (NOTES + '@review("perhaps")\nforbid (principal, action, resource);', "review"),
        (NOTES + '@basis("B01")\nforbid (principal, action, resource);', "basis"),
        (NOTES + '@basis("")\npermit (principal, action, resource);', "basis"),
        (NOTES + '@basis("B99")\npermit (principal, action in Action::"ordinary", resource);', "B99"),
        (NOTES + 'permit (principal, action, resource);', "not on both sides"),
        (NOTES + f'permit (principal, {RELEASE}, resource);', "not on both sides"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ context.facts.kind == "counselling_note" }};',
         "kind is never 'counselling_note'"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ ["part3"].contains(context.facts.regime) }};',
         "regime is never 'part3'"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ context.facts.recipient_roles.contains("ce") }};',
         "recipient_roles is never 'ce'"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ context.facts.purpose_code == "FUN" }};',
         "purpose_code is never 'FUN'"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ "x" == "y" }};', "no fact"),
        (NOTES + f'forbid (principal, {RELEASE}, resource) when {{ context.facts.evidence_kind == "audit" &&'
         ' context.facts.evidence_says.contains("bona_fide") };', "audit never says bona_fide"),
        (NOTES + 'forbid (principal, action, resource) when { context.purpose.code == "TREAT" };', "no fact"),
        (NOTES + 'permit (principal == ?principal, action, resource);', "templates"),
        (NOTES + 'permit (principal, action, resource) when { context.caller.clinican };', "validate"),
        (NOTES + 'permit (principal, action == Action::"patient.sell", resource);', "validate"),
        (NOTES + 'permit (principal, action, resource) when { context.facts.kind > 3 };', "validate"),
        ("permit (principal, action", "parsed"),
    ],
)  # fmt: skip
def test_a_policy_that_says_too_little_or_the_wrong_thing_stops_the_start(
    folder: Path, text: str, says: str
) -> None:
    with pytest.raises(StartRefused) as refused:
        Engine.load(spoil(folder, text))
    assert says in refused.value.detail


def test_a_schema_that_is_not_what_the_facts_say_stops_the_start(folder: Path) -> None:
    schema = folder / "schema.cedarschema"
    schema.write_text(schema.read_text().replace("  relationship: Bool,\n", "", 1))
    with pytest.raises(StartRefused, match="generate"):
        Engine.load(folder)


def test_role_policies_edited_by_hand_stop_the_start(folder: Path) -> None:
    roles = folder / "roles.cedar"
    roles.write_text(roles.read_text().replace("context.caller.clinician && ", "", 1))
    with pytest.raises(StartRefused, match="generate"):
        Engine.load(folder)


def test_an_empty_folder_stops_the_start(folder: Path) -> None:
    for path in folder.glob("*.cedar"):
        if path.name != "roles.cedar":
            path.unlink()
    (folder / "roles.yaml").write_text("conditions: {}\nroles: {}\n")
    (folder / "roles.cedar").write_text(
        "// Generated from policies/roles.yaml by `consentry policies generate`.\n"
    )
    with pytest.raises(StartRefused, match="no policies"):
        Engine.load(folder)


@pytest.mark.parametrize(
    "name",
    [
        "guardrails.cedar",
        "roles.yaml",
        "purposes.yaml",
        "schema.cedarschema",
        "legal_gates.cedar",
        "bases.yaml",
        "vocabulary.yaml",
        "evidence.yaml",
    ],
)
def test_any_change_of_a_file_changes_the_hash(folder: Path, name: str) -> None:
    before = hash_policies(folder)
    assert before == hash_policies(POLICIES)
    with (folder / name).open("a") as file:
        file.write("\n")
    assert hash_policies(folder) != before


def test_moving_bytes_between_files_changes_the_hash(folder: Path) -> None:
    (folder / "one.txt").write_text("ab")
    (folder / "two.txt").write_text("c")
    before = hash_policies(folder)
    (folder / "one.txt").write_text("a")
    (folder / "two.txt").write_text("bc")
    assert hash_policies(folder) != before
    (folder / "one.txt").rename(folder / "three.txt")
    assert hash_policies(folder) != before


def test_programs_do_not_change_the_hash(folder: Path) -> None:
    before = hash_policies(folder)
    (folder / "programs" / "another.yaml").write_text("key: another\n")
    assert hash_policies(folder) == before


def test_one_set_per_act_decides_like_the_whole_set() -> None:
    """The slice is an optimisation: every policy it leaves out could not have applied."""
    engine = Engine.load(POLICIES)
    whole = Engine.load(POLICIES)
    everything = cedarpy.PolicySet.from_str(
        "\n".join(path.read_text() for path in sorted(POLICIES.glob("*.cedar")))
    )
    evaluator = whole._evaluate.__wrapped__.__self__  # pyright: ignore
    evaluator._rules = {f"policy{n}": rule for n, rule in enumerate(_rules_in_order(whole))}
    evaluator._policies = dict.fromkeys(evaluator._policies, everything)
    for action in Action:
        if action.is_event:
            continue
        for role in Role:
            if action in LEGAL_ACTIONS:
                facts = UseFacts(internal=True) if action is Action.RECORD_USE else ReleaseFacts()
            else:
                facts = RELATED
            sliced = engine.decide(action, caller(role), "TREAT", facts)
            complete = whole.decide(action, caller(role), "TREAT", facts)
            assert not sliced.failed
            assert (sliced.permitted, set(sliced.citations)) == (complete.permitted, set(complete.citations))


def _rules_in_order(engine: Engine) -> list[object]:
    return list(engine.rules.values())


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("bases.yaml", "  B22:", "  B99:", "B22, B99"),
        ("bases.yaml", "evidence_kind: qsoa", "evidence_kind: audit", "B21: evidence_kind differs"),
        ("bases.yaml", "consent_kinds: [pdmp]", "consent_kinds: [pdmp, payer]", "B08: consent_kind differs"),
        ("bases.yaml", "    family: internal", "    family: hipaa", "B04-AUTHOR: internal use"),
        ("vocabulary.yaml", "regime: [part2, hipaa_only]", "regime: [part2]", "regime is never 'hipaa_only'"),
        ("vocabulary.yaml", "regime: [part2, hipaa_only]", "", "the lists are"),
        ("vocabulary.yaml", ", claim", "", "no such kind: claim"),
        ("evidence.yaml", "  qsoa:", "  qsoas:", "evidence_kind is never 'qsoa'"),
        ("no_consent_bases.cedar", '"qsoa_written"', '"qsoa_writen"', "evidence_says is never 'qsoa_writen'"),
    ],
)
def test_tables_and_policies_that_do_not_agree_stop_the_start(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StartRefused) as refused:
        Engine.load(folder)
    assert says in refused.value.detail


@pytest.mark.parametrize(
    "name", ["bases.yaml", "vocabulary.yaml", "evidence.yaml", "purposes.yaml", "safety.yaml"]
)
def test_a_table_that_is_missing_stops_the_start(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(StartRefused, match=name):
        Engine.load(folder)


def test_the_words_are_those_of_the_service() -> None:
    """vocabulary.yaml says again what other packages define, because the engine knows none of them."""
    said = yaml.safe_load((POLICIES / "vocabulary.yaml").read_text(encoding="utf-8"))
    assert {name: set(words) for name, words in said.items()} == {
        "recipient_roles": set(RecipientRole),
        "consent_kind": set(ConsentKind),
        "consent_signer": {"patient", "patient_and_parent", "personal_representative", "program_director"},
        "patient_life": {"living", "deceased"},
        "kind": set(Kind),
        "note_class": set(NoteClass),
        "regime": set(Regime),
    }


def test_a_rule_recorded_under_another_basis_says_so() -> None:
    own_note = UseFacts(
        internal=True,
        relationship=True,
        unit_assigned=True,
        need_to_know=True,
        author_is_caller=True,
        kind="counseling_note",
        note_class="sud_counseling_note",
        regime="part2",
        labels_known=True,
        purpose_class="treatment",
        kind_within_ceiling=True,
    )
    decision = Engine.load(POLICIES).decide(Action.RECORD_USE, CLINICIAN, "TREAT", own_note)
    assert (decision.policies, decision.basis) == (("B04-AUTHOR",), "B04")
