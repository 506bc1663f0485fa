"""Pickles read as structure: plain containers and symbols; nothing is imported, called or built.

The opcodes are those of `pickletools` (PEP 307, 574, 3154). A global is a name, a call stays what it
would call and with what, and whatever cannot be told so is refused.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from xt.compare import UnreadableError

#: Bytes of a pickle that is read, and its opcodes: some 20 000 tensors.
LARGEST = 32_000_000
MOST_OPCODES = 500_000


class Name(NamedTuple):
    """Something a pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        """As code has it."""
        return f"{self.module}.{self.name}"


class Stored(NamedTuple):
    """Something a pickle refers to outside itself (a persistent id)."""

    id: Any


class Pairs:
    """A dictionary whose keys may be anything, in order."""

    def __init__(self, items: list[tuple[Any, Any]] | None = None) -> None:
        """Begin with some items."""
        self.items = items or []


class Several:
    """A list, tuple, set or frozenset."""

    def __init__(self, kind: str, items: list[Any]) -> None:
        """Hold items of one kind of container."""
        self.kind = kind
        self.items = items


class Call:
    """An object by the call that would make it, and what would be done to it afterwards."""

    def __init__(self, function: Any, arguments: Any, options: Any = None) -> None:
        """Keep a call unmade."""
        self.function = function
        self.arguments = arguments
        self.options = options
        self.states: list[Any] = []
        self.items: list[Any] = []
        self.pairs: list[tuple[Any, Any]] = []


class _Mark:
    """Where a group of values begins on the stack."""


def read(data: bytes) -> Any:
    """Read a pickle.

    Args:
        data: the whole of it.

    Returns:
        None, bool, int, float, str, bytes, `Name`, `Stored`, `Pairs`, `Several` or `Call`. Values may be
        shared and may hold themselves.

    Raises:
        UnreadableError: it is damaged, too large, or uses buffers outside itself.
    """
    if len(data) > LARGEST:
        raise UnreadableError(f"its pickle is larger than {LARGEST} bytes")
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            # Escapes in old string opcodes can warn.
            warnings.simplefilter("ignore")
            for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
                if number >= MOST_OPCODES:
                    raise UnreadableError(f"its pickle has more than {MOST_OPCODES} opcodes")
                machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UnreadableError("its pickle is damaged") from error
    if len(machine.stack) != 1:
        raise UnreadableError("its pickle is damaged")
    return machine.stack[0]


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_LIST": lambda: Several("list", []),
    "EMPTY_TUPLE": lambda: Several("tuple", []),
    "EMPTY_SET": lambda: Several("set", []),
    "EMPTY_DICT": Pairs,
}
_GROUPS = {"LIST": "list", "TUPLE": "tuple", "FROZENSET": "frozenset"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """The stack and memo of a pickle, holding symbols."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, code: str, argument: Any) -> None:
        """Do one opcode; raises what damage leads to."""
        stack = self.stack
        if code in _LITERALS:
            stack.append(argument)
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code in _GROUPS:
            stack.append(Several(_GROUPS[code], self._group()))
        elif code in _TUPLES:
            count = _TUPLES[code]
            items = [self._pop() for _ in range(count)][::-1]
            stack.append(Several("tuple", items))
        elif code == "BYTEARRAY8":
            stack.append(bytes(argument))
        elif code in ("PROTO", "FRAME", "STOP"):
            pass
        elif code == "MARK":
            stack.append(_Mark)
        elif code == "POP":
            stack.pop()
        elif code == "POP_MARK":
            self._group()
        elif code == "DUP":
            stack.append(self._top())
        elif code in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._top()
        elif code == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif code in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        else:
            self._fill(code, argument)

    def _fill(self, code: str, argument: Any) -> None:
        """Opcodes that put values into containers."""
        if code in ("APPEND", "APPENDS", "ADDITEMS"):
            items = [self._pop()] if code == "APPEND" else self._group()
            self._top().items.extend(items)
        elif code in ("SETITEM", "SETITEMS", "DICT"):
            flat = [self._pop(), self._pop()][::-1] if code == "SETITEM" else self._group()
            pairs = list(zip(flat[::2], flat[1::2], strict=True))
            if code == "DICT":
                self.stack.append(Pairs(pairs))
            else:
                top = self._top()
                (top.items if isinstance(top, Pairs) else top.pairs).extend(pairs)
        else:
            self._call(code, argument)

    def _call(self, code: str, argument: Any) -> None:
        """Opcodes that would import, call or build."""
        stack = self.stack
        if code == "GLOBAL":
            stack.append(Name(*argument.split(" ", 1)))
        elif code == "STACK_GLOBAL":
            name, module = self._pop(), self._pop()
            stack.append(Name(str(module), str(name)))
        elif code in ("EXT1", "EXT2", "EXT4"):
            stack.append(Name("copyreg", f"extension {argument}"))
        elif code in ("REDUCE", "NEWOBJ"):
            arguments, function = self._pop(), self._pop()
            stack.append(Call(function, arguments))
        elif code == "NEWOBJ_EX":
            options, arguments, function = self._pop(), self._pop(), self._pop()
            stack.append(Call(function, arguments, options))
        elif code == "INST":
            stack.append(Call(Name(*argument.split(" ", 1)), Several("tuple", self._group())))
        elif code == "OBJ":
            group = self._group()
            stack.append(Call(group[0], Several("tuple", group[1:])))
        elif code == "BUILD":
            state = self._pop()
            top = self._top()
            if not isinstance(top, Call):
                raise TypeError(code)
            top.states.append(state)
        elif code == "PERSID":
            stack.append(Stored(argument))
        elif code == "BINPERSID":
            stack.append(Stored(self._pop()))
        else:
            raise UnreadableError(f"its pickle uses `{code}`, which is not read")

    def _top(self) -> Any:
        top = self.stack[-1]
        if top is _Mark:
            raise IndexError
        return top

    def _pop(self) -> Any:
        top = self._top()
        self.stack.pop()
        return top

    def _group(self) -> list[Any]:
        """Take everything above the last mark, and the mark."""
        group = []
        while (top := self.stack.pop()) is not _Mark:
            group.append(top)
        return group[::-1]
