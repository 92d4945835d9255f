"""Mutants of a module: one condition, comparison, limit or set operation of a function changed, the rest as it was."""

from __future__ import annotations
import __future__

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import CodeType
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
SETS: dict[type[ast.operator], type[ast.operator]] = {ast.Sub: ast.BitOr, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}

Edit = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """A function of a module, by name, with one thing changed at `line`; `code` is the function's new code.

    `change` tells it from the function's other mutants: the second of a kind ends in ``#2``.
    """

    function: str
    line: int
    change: str
    code: CodeType


def mutants(source: str, file: str, *, halves: bool = False) -> Iterator[Mutant]:
    """Every mutant of the top-level functions of a module, in order. What only makes words stays as it is.

    With ``halves`` also those in which one part of a condition is left out, or `any` and `all` take each other's place.
    """
    tree = ast.parse(source)
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        changes = [change for _, change, _ in _places(function, halves)]
        for number, change in enumerate(changes):
            before = changes[:number].count(change)
            name = f"{change} #{before + 1}" if before else change
            changed = copy.deepcopy(function)
            node, _, edit = next(islice(_places(changed, halves), number, None))
            edit()
            yield Mutant(function.name, node.lineno, name, _code(changed, file))


def _code(function: ast.FunctionDef, file: str) -> CodeType:
    """The code of the function without its decorators, as its module would compile it."""
    function.decorator_list = []
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    code = compile(module, file, "exec", flags=__future__.annotations.compiler_flag)
    return next(each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == function.name)


def _places(function: ast.FunctionDef, halves: bool) -> Iterator[tuple[ast.expr, str, Edit]]:
    """What can be changed in a function: the node, what the change is, and a function that makes it."""
    spoken = _spoken(function)
    for node in ast.walk(function):
        if id(node) in spoken:
            continue
        if halves:
            yield from _halves(node)
        if isinstance(node, ast.If | ast.IfExp):
            yield node.test, f"not ({ast.unparse(node.test)})", _negation(node, "test")
        elif isinstance(node, ast.comprehension):
            for number, test in enumerate(node.ifs):
                yield test, f"without if {ast.unparse(test)}", _removal(node.ifs, number)
        elif isinstance(node, ast.BoolOp):
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield node, f"{other.__name__.lower()} in {ast.unparse(node)}", _setting(node, "op", other())
        elif isinstance(node, ast.Compare):
            for number, operator in enumerate(node.ops):
                new = COMPARISONS[type(operator)]
                yield node, f"{new.__name__} in {ast.unparse(node)}", _item(node.ops, number, new())
        elif isinstance(node, ast.BinOp) and type(node.op) in SETS and _is_of_sets(node):
            new_op = SETS[type(node.op)]
            yield node, f"{new_op.__name__} in {ast.unparse(node)}", _setting(node, "op", new_op())


def _halves(node: ast.AST) -> Iterator[tuple[ast.expr, str, Edit]]:
    """A condition of several parts without one of them, and a question to all of them that is asked to any."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            rest = [each for each in node.values if each is not part]
            rest = rest if len(rest) > 1 else rest * 2
            yield node, f"without {ast.unparse(part)} in {ast.unparse(node)}", _setting(node, "values", rest)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("any", "all"):
        other = "all" if node.func.id == "any" else "any"
        yield node, f"{other} in {ast.unparse(node)}", _setting(node.func, "id", other)


def _is_of_sets(node: ast.BinOp) -> bool:
    """Whether the operands look like sets: numbers are subtracted too, and then the mutant only raises."""
    return not any(isinstance(side, ast.Constant) for side in (node.left, node.right))


def _spoken(function: ast.FunctionDef) -> set[int]:
    """The nodes that only decide how a finding is worded: words, and what is computed for words alone."""
    placing = {id(inner) for node in ast.walk(function) for where in _places_told(node) for inner in ast.walk(where)}
    spoken = {id(inner) for node in ast.walk(function) for inner in _words(node)} - placing
    for _ in range(3):  # words of words of words
        spoken |= {id(inner) for value in _for_words(function, spoken) for inner in ast.walk(value)}
    return spoken


def _words(node: ast.AST) -> Iterator[ast.AST]:
    """The words of a finding: the arguments of `Hit` but for its place, and f-strings. Types are words as well."""
    if isinstance(node, ast.JoinedStr):
        yield from ast.walk(node)
    if isinstance(node, ast.arg) and node.annotation is not None:
        yield from ast.walk(node.annotation)
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield from ast.walk(node.returns)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Hit":
        for keyword in node.keywords:
            yield from ast.walk(keyword)


def _places_told(node: ast.AST) -> Iterator[ast.AST]:
    """The place of a finding, which decides what silences it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Hit":
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "where")


def _for_words(function: ast.FunctionDef, spoken: set[int]) -> Iterator[ast.expr]:
    """The values of variables that nothing but words reads."""
    read: dict[str, list[ast.Name]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.setdefault(node.id, []).append(node)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and (names := _names(node.targets)):
            uses = [use for name in names for use in read.get(name, [])]
            if uses and all(id(use) in spoken for use in uses):
                yield node.value


def _names(targets: list[ast.expr]) -> list[str]:
    """The variables of a plain assignment, of one or of several at once; none of any other."""
    inner = [name for each in targets for name in (each.elts if isinstance(each, ast.Tuple) else [each])]
    names = [each.id for each in inner if isinstance(each, ast.Name)]
    return names if len(targets) == 1 and len(names) == len(inner) else []


def _negation(node: ast.If | ast.IfExp, name: str) -> Edit:
    return _setting(node, name, ast.UnaryOp(op=ast.Not(), operand=node.test))


def _setting(node: ast.AST, name: str, value: object) -> Edit:
    return lambda: setattr(node, name, value)


def _item(items: list[Any], number: int, value: ast.AST) -> Edit:
    return lambda: items.__setitem__(number, value)


def _removal(items: list[Any], number: int) -> Edit:
    return lambda: items.__delitem__(number)
