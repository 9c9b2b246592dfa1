"""The tour."""


def tour() -> None:
    pass
