"""Machine code of kernels, kept beside their sources and called without Numba.

To import Numba and to make its cache ready takes longer than many a run. So the machine code that it makes of
a kernel is kept in the cache folder, and a process that finds it there needs LLVM's loader alone. Every
kernel is called through this module, the first time as all later ones, and so is the same code each time.

Kept is the function that Numba makes of a kernel, before it is wrapped for Python, and an entry that takes
the arguments from one block of 64-bit words. Two things of Numba's inside are relied upon: how an array is
passed (as the fields of `_ARRAY`), and how the memory of an array made within a kernel is described
(`_MEMORY`). Whoever compiles checks both in the very text that is compiled; where they differ, as they may in
another version of Numba, kernels are called through Numba and its own cache.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import re
import struct
import threading
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from simdyn.lowering.cache import ANOTHER_CACHE, cache_folder, load_kernels, module_name
from simdyn.whole_files import write_atomically

_PROCESSORS = ("x86_64", "AMD64")
"""Elsewhere Numba loads its code in ways of its own."""

_ARRAY = ("meminfo", "parent", "nitems", "itemsize", "data", "shape", "strides")
_MEMORY = "{i64, i8*, i8*, i8*, i64}"
_RUNTIME = {
    "declare noalias ptr @NRT_MemInfo_alloc_aligned(i64, i32)": """
define internal noalias ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %alignment) {
  %asked = zext i32 %alignment to i64
  %short = icmp ult i64 %asked, 64
  %align = select i1 %short, i64 64, i64 %asked
  %fields = add i64 %align, 48
  %all = add i64 %fields, %size
  %memory = call noalias ptr @malloc(i64 %all)
  %failed = icmp eq ptr %memory, null
  br i1 %failed, label %end, label %describe
describe:
  %begin = ptrtoint ptr %memory to i64
  %after = add i64 %begin, %fields
  %back = sub i64 0, %align
  %aligned = and i64 %after, %back
  %data = inttoptr i64 %aligned to ptr
  store i64 1, ptr %memory
  %destructor = getelementptr i8, ptr %memory, i64 8
  store ptr null, ptr %destructor
  %information = getelementptr i8, ptr %memory, i64 16
  store ptr null, ptr %information
  %place = getelementptr i8, ptr %memory, i64 24
  store ptr %data, ptr %place
  %extent = getelementptr i8, ptr %memory, i64 32
  store i64 %size, ptr %extent
  br label %end
end:
  ret ptr %memory
}

declare noalias ptr @malloc(i64)
""",
    "declare void @NRT_MemInfo_call_dtor(ptr)": """
define internal void @NRT_MemInfo_call_dtor(ptr %memory) {
  call void @free(ptr %memory)
  ret void
}

declare void @free(ptr)
""",
}
"""The two functions of Numba's run-time library that kernels call, which count users of memory and give it
back after the last one; here they take it from the C library. Numba asks for arrays that begin at a multiple
of 32 bytes. Here it is 64, the length of a cache line and of the widest vectors: from elsewhere each of those
would lie on two lines."""

_C_LIBRARY = {"malloc", "free", "memset", "memcpy", "memmove", "sqrt", "sqrtf"}
_DONE = (0, -2)
"""What a function returns that has ended well, with a value or with None."""

_OTHER = "other"
"""Arguments that go through Numba."""

_KINDS = {int: "q", np.int64: "q", np.uint64: "Q", bool: "?", np.bool_: "?"}
_REALS = {float: "d", np.float64: "d", np.float32: "f"}
_SCALARS = {"q": "i64", "Q": "i64", "d": "double", "f": "float", "?": "i8"}
_WORD_OF = {
    "d": lambda value: struct.unpack("<Q", struct.pack("<d", value)),
    "f": lambda value: struct.unpack("<Q", struct.pack("<fxxxx", value)),
}
_WORD = (1 << 64) - 1


class MachineCode:
    """The kernels of one source as attributes, to be called with arrays, numbers and tuples of them."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __getattr__(self, name: str) -> _Kernel:
        if name.startswith("_"):
            raise AttributeError(name)
        kernel = _Kernel(self._source, name)
        setattr(self, name, kernel)
        return kernel


@lru_cache(maxsize=256)
def loaded_code(source: str) -> MachineCode:
    """The kernels of a source, loaded once in a process: the next engine of the same source, as the next cell
    of a study has it, need not read and link them again."""
    return MachineCode(source)


class _Kernel:
    """One kernel, for every kind of arguments that it is called with."""

    def __init__(self, source: str, name: str) -> None:
        self._source, self._name = source, name
        self._entries: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        kinds: list[Any] = []
        words: list[int] = []
        _flatten(arguments, kinds, words)
        key = tuple(kinds)
        entry = self._entries.get(key)
        if entry is None:
            with self._lock:
                entry = self._entries.get(key) or self._find(_spelt(key), len(words))
                self._entries[key] = entry
        return entry(arguments, words)

    def _find(self, kinds: tuple[str, ...], count: int) -> Callable[..., Any]:
        """From the cache folder, or compiled and kept there."""
        if not _storable(kinds):
            return self._through_numba
        digest = _digest(module_name(self._source), self._name, kinds)
        path = cache_folder() / f"simdyn_kernel_{digest}.bin"
        found = _read(path)
        if found is None:
            made = _compiled(getattr(load_kernels(self._source), self._name), kinds, digest)
            if made is None:
                return self._through_numba
            write_atomically(path, _with_checksum(made), ANOTHER_CACHE)
            found = made
        return _loaded(found, digest, count)

    def _through_numba(self, arguments: tuple[Any, ...], words: list[int]) -> Any:
        return getattr(load_kernels(self._source), self._name)(*arguments)


def _flatten(arguments: tuple[Any, ...], kinds: list[Any], words: list[int]) -> None:
    """The kinds of all arguments, and the words in which they are passed.

    This is done at every call, of which there may be one a step, and so in the ways that take least time.
    """
    for value in arguments:
        kind = type(value)
        if kind is np.ndarray:
            flags = value.flags
            kinds.append((value.dtype, value.ndim, flags.c_contiguous and flags.aligned))
            words += (0, 0, value.size, value.itemsize, _address(value), *value.shape, *value.strides)
        elif kind is tuple:
            kinds.append("(")
            _flatten(value, kinds, words)
            kinds.append(")")
        elif kind in _REALS:
            kinds.append(_REALS[kind])
            words += _WORD_OF[_REALS[kind]](value)
        else:
            kinds.append(_KINDS.get(kind, _OTHER))
            words.append(int(value) & _WORD if kind in _KINDS else 0)


def _address(array: np.ndarray) -> int:
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    except (TypeError, ValueError, BufferError):
        # Arrays that may not be written, or are empty.
        return int(array.__array_interface__["data"][0])


def _spelt(kinds: tuple[Any, ...]) -> tuple[str, ...]:
    """The kinds in words: an array of two dimensions is <f82."""
    return tuple(
        kind if isinstance(kind, str) else f"{kind[0].str}{kind[1]}" if kind[2] else _OTHER for kind in kinds
    )


def _storable(kinds: tuple[str, ...]) -> bool:
    """Whether calls of this kind, in this process, can do without Numba."""
    return (
        platform.machine() in _PROCESSORS
        and "NUMBA_DISABLE_JIT" not in os.environ
        and not any(kind == _OTHER or kind.startswith(">") for kind in kinds)
    )


def _digest(module: str, name: str, kinds: tuple[str, ...]) -> str:
    """A name for machine code: what was compiled, by what, for which processor, with which settings."""
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    versions = [version(package) for package in ("numba", "llvmlite")]
    text = json.dumps([module, name, kinds, _RUNTIME, versions, _host(), settings])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@cache
def _host() -> tuple[str, str, str]:
    from llvmlite import binding

    return (
        binding.get_process_triple(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
    )


# --- the file ----------------------------------------------------------------------------------------------


def _with_checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest() + content


def _read(path: Path) -> bytes | None:
    """What was kept; None if nothing was, or if it is damaged."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    checksum, content = text[:32], text[32:]
    return content if hashlib.sha256(content).digest() == checksum else None


# --- loading -----------------------------------------------------------------------------------------------


def _loaded(content: bytes, digest: str, count: int) -> Callable[..., Any]:
    """The entry of stored machine code, as a function of arguments and their `count` words."""
    from llvmlite import binding

    results, code = content[0], content[1:]
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(_entry_name(digest))
    entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(address)
    room, found = [0] * (1 + max(1, results)), struct.Struct(f"<{results}q")
    block = struct.Struct(f"<{len(room) + count}Q")
    memory = ctypes.c_char * block.size

    def call(arguments: tuple[Any, ...], words: list[int]) -> tuple[int, ...] | None:
        # The arguments are named so that their memory stays until the end.
        passed = memory.from_buffer_copy(block.pack(*room, *words))
        if entry(passed) not in _DONE:
            raise MemoryError("A kernel found no memory for its arrays.")
        return found.unpack_from(passed, 8) if results else None

    # The machine code lives as long as its engine.
    call.__dict__["engine"] = engine
    return call


def _entry_name(digest: str) -> str:
    return f"simdyn_kernel_{digest}"


# --- compiling ---------------------------------------------------------------------------------------------


def _compiled(kernel: Any, kinds: tuple[str, ...], digest: str) -> bytes | None:
    """Number of results and machine code; None if Numba does not work as this module believes."""
    from llvmlite import binding
    from numba import types
    from numba.core.datamodel import default_manager
    from numba.core.registry import cpu_target
    from numba.core.runtime import nrtdynmod

    from simdyn.noise.device import inner

    # Numba shows the text of what it compiles, and not of what it finds in its cache.
    fresh = inner(kernel.py_func)
    signature = _types_of(iter(kinds))
    fresh.compile(signature)
    made = fresh.overloads[signature]
    results = _count_results(made.signature.return_type, types)
    arrays = [kind for kind in signature if isinstance(kind, types.Array)]
    if (
        results is None
        or made.library.has_dynamic_globals
        or str(nrtdynmod._meminfo_struct_type) != _MEMORY
        or any(tuple(default_manager[kind]._fields) != _ARRAY for kind in arrays)
    ):
        return None
    text = _standing_alone(fresh.inspect_llvm(signature))
    if text is None:
        return None
    entry = _entry(text, made.fndesc.llvm_func_name, kinds, results, digest)
    if entry is None:
        return None
    triple, processor, features = cpu_target.target_context.codegen().magic_tuple()
    module = binding.parse_assembly(text + entry)
    module.verify()
    machine = binding.Target.from_triple(triple).create_target_machine(
        cpu=processor, features=features, opt=3, reloc="static", codemodel="jitdefault", jit=True
    )
    return bytes([results]) + machine.emit_object(module)


def _types_of(kinds: Iterator[str]) -> tuple[Any, ...]:
    """What Numba calls these kinds, up to the end or to a closing bracket."""
    from numba import types
    from numba.np.numpy_support import from_dtype

    scalars = {"q": types.int64, "Q": types.uint64, "d": types.float64, "f": types.float32}
    scalars["?"] = types.boolean
    found: list[Any] = []
    for kind in kinds:
        if kind == ")":
            break
        if kind == "(":
            found.append(types.BaseTuple.from_types(_types_of(kinds)))
        elif kind in scalars:
            found.append(scalars[kind])
        else:
            found.append(types.Array(from_dtype(np.dtype(kind[:-1])), int(kind[-1]), "C"))
    return tuple(found)


def _count_results(kind: Any, types: Any) -> int | None:
    """How many whole numbers a kernel returns; None if it returns something else."""
    if kind == types.none:
        return 0
    if isinstance(kind, types.UniTuple) and kind.dtype == types.int64:
        return int(kind.count)
    return None


def _standing_alone(text: str) -> str | None:
    """Numba's text of a kernel, with what it needs of Numba's library; None if it needs something else."""
    for line, definition in _RUNTIME.items():
        # Attributes, which other lines define, are not needed.
        text = re.sub(rf"^{re.escape(line)}[^\n]*$", definition, text, flags=re.M)
    outside = re.findall(r'^(?:declare [^\n]*?|(?=@))@"?([^"(\s]+)"?(?:\(| = external)', text, flags=re.M)
    for needed in outside:
        used = len(re.findall(rf'@"?{re.escape(needed)}(?![\w.$-])', text)) > 1
        if used and needed not in _C_LIBRARY and not needed.startswith("llvm."):
            return None
    return text


def _entry(text: str, name: str, kinds: tuple[str, ...], results: int, digest: str) -> str | None:
    """A function that calls the kernel with what stands in a block of words: room for an exception, for the
    results, and the arguments. None if the kernel takes its arguments in another form."""
    head = re.search(rf'^define [^\n@]*@"?{re.escape(name)}"?\(([^\n]*)$', text, flags=re.M)
    expected = ["ptr", "ptr"]
    for kind in kinds:
        if kind in _SCALARS:
            expected.append(_SCALARS[kind])
        elif kind not in "()":
            expected += ["ptr", "ptr", "i64", "i64", "ptr", *["i64"] * (2 * int(kind[-1]))]
    if head is None or _parameters(head[1]) != expected:
        return None
    lines = ["%results = getelementptr i64, ptr %block, i64 1"]
    passed = ["ptr %results", "ptr %block"]
    for k, kind in enumerate(expected[2:]):
        lines.append(f"%p{k} = getelementptr i64, ptr %block, i64 {1 + max(1, results) + k}")
        lines.append(f"%a{k} = load {kind}, ptr %p{k}")
        passed.append(f"{kind} %a{k}")
    lines.append(f'%status = call i32 @"{name}"({", ".join(passed)})')
    lines.append("ret i32 %status")
    body = "".join(f"  {line}\n" for line in lines)
    return f"\ndefine i32 @{_entry_name(digest)}(ptr %block) {{\n{body}}}\n"


def _parameters(text: str) -> list[str]:
    """The types of parameters, given what follows the opening bracket."""
    found, depth, word = [], 0, ""
    for letter in text:
        if letter == "," and depth == 0:
            found.append(word.split()[0])
            word = ""
            continue
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        word += letter
    return [*found, word.split()[0]]
