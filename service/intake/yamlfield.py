"""A YAML file read with its places: whoever finds a fault can name the file, the line and the field.

Strict on purpose. An unknown field, a field given twice, a number where a text belongs (YAML reads an
unquoted `No` as a boolean) are faults, because a typing error in a cut-off must stop the service from
starting, not change a score.
"""

import re
from collections.abc import Collection, Mapping
from typing import Never

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from service.errors import StartRefused

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NAMED = re.compile(r"([a-z_]+)(?: ([+-]) ([1-9][0-9]*))?")
_TAG = "tag:yaml.org,2002:"


class DefinitionError(StartRefused):
    """A file of definitions that must not be used; the text names the file, the line and the field."""


class Field:
    """One value in the file: what it is, where it stands, and how it must look."""

    def __init__(self, source: str, path: str, node: Node) -> None:
        self.source = source
        self.path = path
        self._node = node

    def fault(self, message: str) -> Never:
        line = self._node.start_mark.line + 1
        raise DefinitionError(f"{self.source}:{line}: {self.path or 'file'}: {message}")

    @property
    def is_mapping(self) -> bool:
        """Whether fields with names stand here, where a file may give either."""
        return isinstance(self._node, MappingNode)

    @property
    def is_text(self) -> bool:
        """Whether a text stands here, where a file may give a number either way."""
        return isinstance(self._node, ScalarNode) and self._node.tag == _TAG + "str"

    def members(self, required: Collection[str], optional: Collection[str] = ()) -> "dict[str, Field]":
        """The members of a mapping; every required one, nothing outside the two lists."""
        members = self.mapping()
        for name, member in members.items():
            if name not in required and name not in optional:
                member.fault("unknown field")
        for name in required:
            if name not in members:
                self.fault(f"field {name} is missing")
        return members

    def mapping(self) -> "dict[str, Field]":
        """The members of a mapping with free names, in file order."""
        if not isinstance(self._node, MappingNode):
            self.fault("must be a mapping")
        members: dict[str, Field] = {}
        for key_node, value_node in self._node.value:
            name = Field(self.source, self.path, key_node).text()
            member = Field(self.source, f"{self.path}.{name}" if self.path else name, value_node)
            if name in members:
                member.fault("given twice")
            members[name] = member
        return members

    def sequence(self) -> "list[Field]":
        if not isinstance(self._node, SequenceNode):
            self.fault("must be a list")
        return [
            Field(self.source, f"{self.path}[{place}]", node) for place, node in enumerate(self._node.value)
        ]

    def text(self) -> str:
        value = self._scalar("str", "a text (quote it if it is one)")
        if not value.strip():
            self.fault("must not be empty")
        return value.strip()

    def integer(self) -> int:
        value = self._scalar("int", "a whole number")
        if _INTEGER.fullmatch(value) is None:
            self.fault("must be a plain decimal number")
        return int(value)

    def number(self, names: Mapping[str, int]) -> int:
        """A whole number, or one of the named ones, with a number added or taken away: `cutoff - 1`."""
        if not isinstance(self._node, ScalarNode) or self._node.tag != _TAG + "str":
            return self.integer()
        found = _NAMED.fullmatch(self._node.value)
        if found is None or found[1] not in names:
            self.fault("must be a whole number, or a setting of this instrument")
        by = int(found[3] or 0)
        return names[found[1]] + (by if found[2] == "+" else -by)

    @property
    def is_number(self) -> bool:
        return isinstance(self._node, ScalarNode) and self._node.tag == _TAG + "int"

    def truth(self) -> bool:
        value = self._scalar("bool", "true or false")
        if value not in ("true", "false"):
            self.fault("must be true or false")
        return value == "true"

    def one_of(self, choices: Collection[str]) -> str:
        value = self.text()
        if value not in choices:
            self.fault(f"must be one of {', '.join(sorted(choices))}")
        return value

    def _scalar(self, kind: str, expected: str) -> str:
        if not isinstance(self._node, ScalarNode) or self._node.tag != _TAG + kind:
            self.fault(f"must be {expected}")
        return self._node.value


def read_fields(source: str, text: str) -> Field:
    """The whole file as one field; raises DefinitionError when it is not one YAML document."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise DefinitionError(f"{source}:{line}: file: not valid YAML") from None
    except yaml.YAMLError:
        raise DefinitionError(f"{source}:1: file: not valid YAML") from None
    if node is None:
        raise DefinitionError(f"{source}:1: file: is empty")
    return Field(source, "", node)
