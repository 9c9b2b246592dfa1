"""House rules as functions: a module in, the lines that break the rule out."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import Module, code_lines, dotted, functions

#: What our modules and functions may measure, in lines of code (blank lines, comments, docstrings not counted).
#: The advice is 300 and 50; beyond this a concept is missing its name.
MODULE_LINES = 400
FUNCTION_LINES = 66

_CLOCK = re.compile(
    r"(datetime\.)?datetime\.(now|utcnow|today)|(datetime\.)?date\.today|time\.\w+|(func|sqlalchemy\.func)\.(now|clock_timestamp)"
)
_CLOCK_NAMES = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime"}
)
_SUPPRESSION = re.compile(
    r"#\s*(type:\s*ignore(?!\[)|noqa(?!:)|pyright:\s*ignore(?!\[)|pragma:\s*no\s*cover|nosec(?!\s+B))"
)
_MATTER_OF = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")


def commits(module: Module) -> Iterator[int]:
    """Ends of transactions: `store/session.py` alone decides when something has happened."""
    for call in _calls(module):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback", "begin_nested"}:
            yield call.lineno


def clocks(module: Module) -> Iterator[int]:
    """Readings of the time: a decision must be repeatable, and a test must be able to stand at any moment."""
    from_time = {
        alias.asname or alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if alias.name in _CLOCK_NAMES
    }
    for call in _calls(module):
        name = dotted(call.func)
        if name in from_time or (_CLOCK.fullmatch(name) and name != "time.sleep"):
            yield call.lineno


def statements(module: Module) -> Iterator[int]:
    """Statements sent to the database."""
    for call in _calls(module):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {
            "execute",
            "exec_driver_sql",
            "scalars",
            "scalar",
        }:
            yield call.lineno


def late_imports(module: Module) -> Iterator[int]:
    """Imports inside functions or under TYPE_CHECKING: they hide a ring."""
    for function in functions(module.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno
    for node in ast.walk(module.tree):
        if isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
            yield node.lineno


def prints(module: Module) -> Iterator[int]:
    """Output that is neither a response nor a log line."""
    for call in _calls(module):
        if dotted(call.func) in {"print", "pprint", "breakpoint"}:
            yield call.lineno


def vague_suppressions(module: Module) -> Iterator[int]:
    """Suppressions that do not say of what, and notes of unfinished work."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if _SUPPRESSION.search(line) or _MATTER_OF.search(line):
            yield number


def swallowed(module: Module) -> Iterator[int]:
    """Whatever goes wrong, dropped: `except Exception: pass`. A named error may be left to what follows."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler) or not all(
            isinstance(line, ast.Pass) for line in node.body
        ):
            continue
        if node.type is None or dotted(node.type) in {"Exception", "BaseException", "ConsentryError"}:
            yield node.lineno


def oversized(module: Module) -> Iterator[int]:
    """Modules and functions too long to be one thing."""
    lines = code_lines(module.text)
    if len(lines) > MODULE_LINES:
        yield 1
    for function in functions(module.tree):
        if sum(function.lineno <= line <= (function.end_lineno or 0) for line in lines) > FUNCTION_LINES:
            yield function.lineno


def undocumented(module: Module) -> Iterator[int]:
    """Modules that do not say what they are for."""
    if module.text.strip() and not ast.get_docstring(module.tree):
        yield 1


def is_silent(module: Module) -> bool:
    """True for a module that names no unit of work, no database and no web: by our reading, a rule."""
    worldly = ("service.work", "service.store", "sqlalchemy", "psycopg", "fastapi", "starlette", "asyncio")
    named = [
        name
        for node in ast.walk(module.tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    return not any(name == world or name.startswith(world + ".") for name in named for world in worldly)


def _calls(module: Module) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node
