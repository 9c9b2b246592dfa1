"""Which functions touch something before an act is authorised.

A function that takes `work` is walked in the order it runs. Touching is: opening or sealing, asking for a legal
decision, making an entry, using the vault, or calling a function of a `records` module that writes. Guarding is
`work.authorised` or `work.require`. Calls to our own functions are followed, so a function is

    neutral    it neither touches nor guards,
    guarding   it guards before it touches,
    reaching   it touches first: only for callers whose own act is authorised already.

Where ways part, a path that did not guard counts: an `if` guards only when both ways do (or the other one leaves),
a loop may not run at all. What a loader does happens *before* the decision, so it must be neutral.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.architecture.source import Module, dotted

_GUARDS = frozenset({"authorised", "require"})
_TOUCHES = frozenset({"open", "seal", "decide", "record"})
_WRITING_STATEMENTS = frozenset({"insert", "update", "delete"})

#: How the edge starts a unit of work, and after how many arguments the units come.
_RUNNERS = {"perform": 1, "perform_once": 1, "perform_as": 2, "perform_on_page": 1, "perform_once_on_page": 2}

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Stands for a unit that is handed on: guarding here, because each caller's own is looked at.
_GUARDED = ast.parse("def given(work): work.require()").body[0]


class Way(Enum):
    """How a function behaves toward the guard."""

    NEUTRAL = auto()
    GUARDING = auto()
    REACHING = auto()


@dataclass
class Walk:
    """One function being walked: did it guard yet, and where did it touch first."""

    guarded: bool = False
    touched: list[int] = field(default_factory=list[int])
    ended: bool = False


class Guarding:
    """The analysis over a set of modules."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.trees = {module.name: module.tree for module in modules}
        self.functions = {
            (name, node.name): node
            for name, tree in self.trees.items()
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self.imports = {name: self._imports(tree) for name, tree in self.trees.items()}
        self.writers = {name: _writers(tree) for name, tree in self.trees.items() if _is_records(name)}
        self._known: dict[tuple[str, str], Way] = {}

    # -- doors --------------------------------------------------------------------------------------------

    def doors(self, packages: tuple[str, ...]) -> dict[str, Way]:
        """Every unit of work started from outside, "module:line" -> how it behaves.

        A unit is what is handed to `perform`, `perform_once` (first the creating, then the repeating one) or
        `perform_as`: a lambda, an inner function or an operation by name. A function of the module that takes one as
        a parameter hands it on: what its callers give it is looked at as a unit, and the parameter taken for guarding.
        """
        found: dict[str, Way] = {}
        for module, tree in self.trees.items():
            if not module.startswith(packages):
                continue
            handing = _handing(tree)
            for scope in [
                node
                for node in tree.body
                # a runner hands on what it was given: its callers' units are looked at where they call it
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in _RUNNERS
            ]:
                local = {node.name: node for node in ast.walk(scope) if isinstance(node, ast.FunctionDef)}
                local |= dict.fromkeys(handing.get(scope.name, ()), _GUARDED)
                for call in [node for node in ast.walk(scope) if isinstance(node, ast.Call)]:
                    units = call.args[_RUNNERS.get(dotted(call.func), len(call.args)) :]
                    units += [call.args[at] for at in handing.get(dotted(call.func), {}).values()]
                    for unit in units:
                        found[f"{module}:{unit.lineno}:{unit.col_offset}"] = self._way_of_unit(
                            module, unit, local
                        )
        return found

    def _way_of_unit(self, module: str, unit: ast.expr, local: Mapping[str, Function]) -> Way:
        if isinstance(unit, ast.Lambda):
            return self.judge(module, unit, local)
        if isinstance(unit, ast.Call):
            return self._made_by(module, unit)
        return self._way_of_name(module, dotted(unit), local)

    # -- what a function is -----------------------------------------------------------------------------

    def way_of(self, module: str, name: str) -> Way:
        """The way of a module-level function; a function that calls itself counts as neutral inside."""
        key = (module, name)
        if name in self.writers.get(module, frozenset()):
            return Way.REACHING
        if key not in self._known:
            self._known[key] = Way.NEUTRAL
            self._known[key] = self.judge(module, self.functions[key])
        return self._known[key]

    def judge(self, module: str, function: Function, outer: Mapping[str, Function] | None = None) -> Way:
        """The way of one function body, named or not."""
        walk = self.walk(module, function, outer)
        if walk.touched:
            return Way.REACHING
        return Way.GUARDING if walk.guarded else Way.NEUTRAL

    def walk(self, module: str, function: Function, outer: Mapping[str, Function] | None = None) -> Walk:
        walk = Walk()
        if isinstance(function, ast.Lambda):
            self._expression(module, function.body, walk, outer or {})
            return walk
        local = dict(outer or {}) | {
            node.name: node
            for node in ast.walk(function)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node is not function
        }
        self._block(module, function.body, walk, local)
        return walk

    # -- statements ---------------------------------------------------------------------------------------

    def _block(
        self, module: str, body: Sequence[ast.stmt], walk: Walk, local: Mapping[str, Function]
    ) -> None:
        for statement in body:
            if walk.ended:
                return
            self._statement(module, statement, walk, local)

    def _statement(self, module: str, node: ast.stmt, walk: Walk, local: Mapping[str, Function]) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return
            case ast.If():
                self._expression(module, node.test, walk, local)
                self._fork(module, [node.body, node.orelse], walk, local)
            case ast.For() | ast.AsyncFor():
                self._expression(module, node.iter, walk, local)
                self._fork(module, [[*node.body], []], walk, local)
                self._block(module, node.orelse, walk, local)
            case ast.While():
                self._expression(module, node.test, walk, local)
                self._fork(module, [[*node.body], []], walk, local)
            case ast.Try():
                handlers = [handler.body for handler in node.handlers]
                self._fork(module, [[*node.body, *node.orelse], *handlers], walk, local)
                self._block(module, node.finalbody, walk, local)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._expression(module, item.context_expr, walk, local)
                self._block(module, node.body, walk, local)
            case ast.Match():
                self._expression(module, node.subject, walk, local)
                self._fork(module, [*(case.body for case in node.cases), []], walk, local)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._expression(module, child, walk, local)
                walk.ended = walk.ended or isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break)

    def _fork(
        self, module: str, ways: Sequence[Sequence[ast.stmt]], walk: Walk, local: Mapping[str, Function]
    ) -> None:
        """Guarded afterwards only if every way that goes on guarded."""
        going_on: list[bool] = []
        for body in ways:
            branch = Walk(guarded=walk.guarded)
            self._block(module, body, branch, local)
            walk.touched += branch.touched
            if not branch.ended:
                going_on.append(branch.guarded)
        walk.ended = not going_on
        walk.guarded = all(going_on) if going_on else walk.guarded

    # -- expressions --------------------------------------------------------------------------------------

    def _expression(self, module: str, node: ast.AST, walk: Walk, local: Mapping[str, Function]) -> None:
        if isinstance(node, ast.Call):
            self._call(module, node, walk, local)
        elif isinstance(node, ast.IfExp):
            self._expression(module, node.test, walk, local)
            before = walk.guarded
            self._expression(module, node.body, walk, local)
            after_body, walk.guarded = walk.guarded, before
            self._expression(module, node.orelse, walk, local)
            walk.guarded = walk.guarded and after_body
        elif isinstance(node, ast.Lambda):
            if self.judge(module, node, local) is Way.REACHING and not walk.guarded:
                walk.touched.append(node.lineno)
        else:
            for child in ast.iter_child_nodes(node):
                self._expression(module, child, walk, local)

    def _call(self, module: str, call: ast.Call, walk: Walk, local: Mapping[str, Function]) -> None:
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            self._expression(module, argument, walk, local)
            if isinstance(argument, ast.Name) and not walk.guarded:
                way = self._way_of_name(module, argument.id, local)
                if way is Way.REACHING:
                    walk.touched.append(argument.lineno)
        name = dotted(call.func)
        head, _, tail = name.partition(".")
        if head == "work" and tail in _GUARDS:
            if any(self._made_by(module, argument) is Way.REACHING for argument in call.args):
                walk.touched.append(call.lineno)
            walk.guarded = True
        elif head == "work" and (tail in _TOUCHES or tail.startswith("vault.")):
            self._touch(walk, call.lineno)
        elif not name:
            self._expression(module, call.func, walk, local)
        else:
            self._follow(self._way_of_name(module, name, local), walk, call.lineno)

    def _follow(self, way: Way, walk: Walk, line: int) -> None:
        if way is Way.REACHING:
            self._touch(walk, line)
        elif way is Way.GUARDING:
            walk.guarded = True

    @staticmethod
    def _touch(walk: Walk, line: int) -> None:
        if not walk.guarded:
            walk.touched.append(line)

    def _made_by(self, module: str, argument: ast.expr) -> Way:
        """The way of what a call makes, when it makes a function: its inner functions run later."""
        target = self._resolve(module, dotted(argument.func)) if isinstance(argument, ast.Call) else None
        maker = self.functions.get(target) if target else None
        if maker is None or target is None:
            return Way.NEUTRAL
        inner = [node for node in ast.walk(maker) if isinstance(node, Function) and node is not maker]
        ways = {self.judge(target[0], node) for node in inner}
        if Way.REACHING in ways:
            return Way.REACHING
        return Way.GUARDING if ways == {Way.GUARDING} else Way.NEUTRAL

    # -- names --------------------------------------------------------------------------------------------

    def _way_of_name(self, module: str, name: str, local: Mapping[str, Function]) -> Way:
        if name in local:
            others = {key: value for key, value in local.items() if key != name}
            return self.judge(module, local[name], others)
        target = self._resolve(module, name)
        return self.way_of(*target) if target in self.functions and target is not None else Way.NEUTRAL

    def _resolve(self, module: str, name: str) -> tuple[str, str] | None:
        head, _, tail = name.partition(".")
        if not head:
            return None
        if not tail and (module, head) in self.functions:
            return module, head
        target = self.imports[module].get(head)
        if target is None:
            return None
        if tail:
            return (target, tail) if target in self.trees else None
        owner, _, function = target.rpartition(".")
        return owner, function

    @staticmethod
    def _imports(tree: ast.Module) -> dict[str, str]:
        return {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }


def _handing(tree: ast.Module) -> dict[str, dict[str, int]]:
    """Function -> parameter -> place, for the parameters that are units of work."""
    found: dict[str, dict[str, int]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in _RUNNERS:
            units = {
                parameter.arg: at
                for at, parameter in enumerate(node.args.args)
                if parameter.annotation and ast.unparse(parameter.annotation).startswith("Callable[[Work")
            }
            if units:
                found[node.name] = units
    return found


def _is_records(module: str) -> bool:
    return module.rpartition(".")[2] == "records"


def _writers(tree: ast.Module) -> frozenset[str]:
    """Functions of a records module that use a statement which writes."""
    writing = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(call, ast.Call) and dotted(call.func) in _WRITING_STATEMENTS
            for call in ast.walk(node.value)
        )
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    direct = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            (isinstance(name, ast.Name) and name.id in writing)
            or (isinstance(name, ast.Call) and dotted(name.func) in _WRITING_STATEMENTS)
            for name in ast.walk(node)
        )
    }
    return frozenset(direct)
