"""Whether a change of Python code changes what it does: comments and layout do not."""

from __future__ import annotations

import ast
import warnings

#: Names of Python files.
SUFFIXES = (".py", ".pyw")
#: Bytes; a larger file is compared as bytes, for the parser's sake.
LARGEST = 2_000_000


def same_meaning(before: bytes, after: bytes) -> bool:
    """Whether two versions of a Python file are the same program.

    They are when their syntax trees are, positions left out: comments, blank lines, the kind of quotes,
    optional parentheses and line breaks are not in them. Docstrings are, for the sake of `__doc__`. What does
    not parse is the same only byte by byte.

    Args:
        before: content of one.
        after: content of the other.
    """
    if before == after:
        return True
    if max(len(before), len(after)) > LARGEST:
        return False
    trees = [_tree(data) for data in (before, after)]
    return None not in trees and trees[0] == trees[1]


def _tree(data: bytes) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, say
            return ast.dump(ast.parse(data))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
