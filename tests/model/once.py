"""Every act there is, once, in an order in which each of them means something: what chance may leave out."""

from typing import Any, Final

from hypothesis.stateful import RuleBasedStateMachine

#: Acts by the names of their rules; where a rule wants more than which of several things, that stands behind it.
ORDER: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("register", {}), ("register_again", {"pick": 0}), ("register_what_cannot_be", {}), ("write_item", {}),
    ("given_up_before_the_commit", {}), ("read_patient", {"pick": 1}), ("read_history", {"pick": 0}),
    ("read_item", {"pick": 0}), ("find_patient", {}), ("find_nobody", {}), ("list_caseload", {}),
    ("list_recipients", {}), ("change_patient", {"pick": 1, "sex": "other"}),
    ("change_what_changed_meanwhile", {"pick": 1}), ("change_without_saying_what", {"pick": 0}),
    ("hold_a_transaction_open", {}), ("sequence", {}), ("refused_for_the_purpose", {"pick": 0}),
    ("refused_for_the_role", {"pick": 0}), ("refused_without_a_relationship", {"pick": 0}),
    ("refused_in_another_program", {"pick": 0}), ("nothing_is_there", {}), ("no_such_way", {}), ("sign_in", {}),
    ("sequence", {}), ("let_the_transaction_end", {"kept": True}), ("sign_in_as_nobody", {}),
    ("sign_in_with_the_wrong_password", {}), ("who_am_i", {}), ("call_without_a_session", {}),
    ("preview", {}), ("request_from_outside", {}), ("disclose", {"partly": False}), ("draft", {}), ("sign", {}),
    ("sign_what_is_signed", {"pick": 0}), ("read_consent", {"pick": 0}), ("list_consents", {}), ("preview", {}),
    ("disclose", {"partly": False}), ("disclose", {"partly": True}), ("disclose_for_what_nobody_agreed_to", {}),
    ("read_disclosure", {"pick": 0}), ("fetch_package", {"pick": 0}), ("request_from_outside", {}),
    ("list_disclosures", {}), ("account_for_disclosures", {}), ("revoke", {"pick": 0}),
    ("revoke_what_is_over", {"pick": 0}), ("fetch_package", {"pick": 0}), ("read_in_an_emergency", {}),
    ("break_glass", {}), ("read_in_an_emergency", {}), ("end_emergency", {}), ("ask_for_a_restriction", {}),
    ("answer_a_restriction", {"agreed": True}), ("end_a_restriction", {}), ("list_restrictions", {}),
    ("hold_a_transaction_open", {}), ("search_trail", {"sort": "patient"}), ("read_entry", {"pick": 0}),
    ("prove_entry", {"pick": 3}), ("read_checkpoint", {}), ("refused_the_trail", {}),
    ("refused_an_entry_there_is_not", {}), ("sort_by_what_cannot_be", {}), ("export_trail", {"written": "csv"}),
    ("let_the_transaction_end", {"kept": False}), ("list_reviews", {}), ("place_hold", {}), ("lift_hold", {}),
    ("list_holds", {}), ("watch_patient", {}), ("end_watch", {}),
)  # fmt: skip


def everything_once(machine: RuleBasedStateMachine) -> None:
    for name, given in ORDER:
        getattr(machine, name)(**given)
