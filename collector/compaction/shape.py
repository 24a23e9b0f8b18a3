"""A document's form apart from its values: a JSON tree goes in, a form and the values by path come out, and back.

The form is a tree as well, with marks where the values were. Two reports of one agent nearly always have the same
form, so that only values are left to keep, and the values of one path of many reports are one column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Form = Any
Path = str
ROW, ONE = 0, 1
"""Marks: a list of plain values, of which each report has its own number; a plain value."""
_PLAIN = frozenset({str, int, float, bool, type(None)})


def taken_apart(tree: Any, values: dict[Path, list[list[Any]]], path: Path = "") -> Form:
    """The form of ``tree``; its values are added to ``values``, one list for each mark of the form. The names of a path
    are divided by a character that stands in no name of the contract; where a document has it, its columns mix, and
    still each value comes back in its turn."""
    kind = type(tree)
    if kind is dict:
        return {key: taken_apart(one, values, f"{path}\0{key}") for key, one in tree.items()}
    if kind is not list:
        values.setdefault(path, []).append([tree])
        return ONE
    if _PLAIN.issuperset(map(type, tree)):
        values.setdefault(path, []).append(tree)
        return ROW
    return [taken_apart(one, values, path + "\0") for one in tree]


def put_together(form: Form, take: Callable[[Path], list[Any]], path: Path = "") -> Any:
    """The tree of ``form``; ``take`` gives the next values of a path. Raises ValueError for what is no form."""
    kind = type(form)
    if kind is dict:
        return {key: put_together(one, take, f"{path}\0{key}") for key, one in form.items()}
    if kind is list:
        return [put_together(one, take, path + "\0") for one in form]
    if form == ROW:
        return take(path)
    if form == ONE:
        (value,) = take(path)
        return value
    raise ValueError("a form that nobody writes")


def divides(form: Form) -> bool:
    """Whether no name in it has the character that divides names in a path."""
    if type(form) is dict:
        return not any("\0" in key for key in form) and all(map(divides, form.values()))
    return all(map(divides, form)) if type(form) is list else True
