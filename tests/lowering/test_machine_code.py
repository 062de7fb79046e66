"""Machine code that is kept, and called without Numba, does what the same kernel does through Numba."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.lowering import load_kernels, machine_code
from simdyn.lowering.machine_code import MachineCode

SOURCE = '''
import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill(x, offset, pair, flag, length):
    """Work with memory of its own, every kind of argument, and several results."""
    scale, table = pair
    room = np.empty(length)
    done = 0
    for j in range(x.shape[1]):
        room[j % length] = x[0, j]
        done += room[j % length] == x[0, j]
        for i in range(x.shape[0]):
            x[i, j] = scale * x[i, j] + table[i] + offset if flag else -x[i, j]
    return x.shape[1], done - 100
'''


def arguments(**changes):
    given = {
        "x": np.arange(10.0).reshape(2, 5),
        "offset": -3,
        "pair": (0.5, np.array([1.0, 2.0])),
        "flag": True,
    }
    given |= {"length": 3} | changes
    return tuple(given.values())


def called(kernel, **changes):
    x, *others = arguments(**changes)
    x = x.copy()
    return kernel(x, *others), x.tolist()


def expected(**changes):
    """What Python says."""
    return called(load_kernels(SOURCE).fill.py_func, **changes)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path))
    return tmp_path


def kept(folder):
    return sorted(folder.glob("simdyn_kernel_*.bin"))


VARIANTS = [
    {},
    {"flag": False},
    {"offset": np.int64(-(2**62))},
    {"offset": 2.5},
    {"offset": np.float32(2.5)},
    {"flag": np.True_, "length": 5},
    {"x": np.arange(10.0, dtype=np.float32).reshape(2, 5)},
    {"x": np.zeros((2, 0))},
]


def test_every_kind_of_argument_arrives(empty_cache):
    """And some do not change what was compiled for the others: seven kinds of calls."""
    own = MachineCode(SOURCE).fill
    for changes in VARIANTS:
        assert called(own, **changes) == expected(**changes)
    assert len(kept(empty_cache)) == 4


def test_arrays_of_another_layout_go_through_numba(empty_cache):
    whole = np.arange(40.0).reshape(4, 10)
    results = MachineCode(SOURCE).fill(*arguments(x=whole[::2, ::2]))
    assert results == (5, -95)
    assert whole[2, 4] == 0.5 * 24.0 + 2.0 - 3.0
    assert kept(empty_cache) == []


def test_arrays_that_may_not_be_written_can_be_read(empty_cache):
    table = np.array([1.0, 2.0])
    table.flags.writeable = False
    assert called(MachineCode(SOURCE).fill, pair=(0.5, table)) == expected()


def test_too_large_an_array_within_a_kernel_is_an_error_of_memory(empty_cache):
    with pytest.raises(MemoryError):
        MachineCode(SOURCE).fill(*arguments(length=2**58))


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: text[:50] + b"?" + text[51:], lambda text: b""]
)
def test_a_damaged_file_is_made_anew(empty_cache, spoil):
    called(MachineCode(SOURCE).fill)
    (path,) = kept(empty_cache)
    content = path.read_bytes()
    path.write_bytes(spoil(content))
    assert called(MachineCode(SOURCE).fill) == expected()
    # Numba numbers the functions that it makes, so that the bytes differ somewhat.
    assert machine_code._read(path) is not None


def test_the_name_covers_all_that_machine_code_depends_on(monkeypatch):
    def name(module="module", kernel="kernel", kinds=("q",)):
        return machine_code._digest(module, kernel, kinds)

    names = {name(), name(module="other"), name(kernel="other"), name(kinds=("Q",))}
    assert name() in names
    with monkeypatch.context() as patch:
        patch.setenv("NUMBA_OPT", "1")
        names.add(name())
    for package in ("numba", "llvmlite"):
        with monkeypatch.context() as patch:
            patch.setattr(machine_code, "version", lambda asked, package=package: str(asked == package))
            names.add(name())
    for k in range(3):
        with monkeypatch.context() as patch:
            host = list(machine_code._host())
            host[k] += "x"
            patch.setattr(machine_code, "_host", lambda host=host: tuple(host))
            names.add(name())
    assert len(names) == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_ARRAY", ("data", "shape", "strides")),
        ("_RUNTIME", {}),
        ("_SCALARS", {"q": "i32", "Q": "i64", "d": "double", "f": "float", "?": "i8"}),
        ("_PROCESSORS", ()),
    ],
)
def test_where_numba_works_otherwise_kernels_are_called_through_it(empty_cache, monkeypatch, name, value):
    monkeypatch.setattr(machine_code, name, value)
    assert called(MachineCode(SOURCE).fill) == expected()
    assert kept(empty_cache) == []


def test_threads_may_call_a_kernel_for_the_first_time_together(empty_cache):
    code = MachineCode(SOURCE)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: called(code.fill), range(8)))
    assert found == [expected()] * 8
    assert len(kept(empty_cache)) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_kernels_of_a_dynamics_give_the_same_bits_through_numba(dtype, monkeypatch):
    def ends():
        engine = CpuEngine(SGLD(0.01, 0.1).update(double_well()), dtype=dtype, threads=1)
        return engine.integrate(np.full((300, 1), -1.0), steps=101, seed=1).tobytes()

    kept_bits = ends()
    monkeypatch.setattr(machine_code, "_PROCESSORS", ())
    assert ends() == kept_bits


ONE_STEP = """
import sys
import numpy as np
from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
engine = CpuEngine(SGLD(0.01, 0.1).update(double_well()), threads=1)
print(engine.integrate(np.array([[-1.0]]), steps=4, seed=1)[0, 0].hex(), "numba" in sys.modules)
"""


@pytest.mark.skipif(not machine_code._storable(()), reason="kernels go through Numba on this processor")
def test_a_second_process_needs_no_numba(tmp_path):
    def run():
        environment = os.environ | {"SIMDYN_CACHE": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", ONE_STEP], env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    state, imported = run()
    assert imported == "True"
    assert run() == [state, "False"]


ALL_KINDS = """
import sys

import numpy as np
from numba.core.dispatcher import Dispatcher

import simdyn as sd
from potentials import FiniteSum, coupled_chain, double_well, muller_brown

few = {"paths": 20, "max_steps": 200, "exact": False, "threads": 1}
beyond = {"start": "x=-1", "exit": "x >= 0", **few}
sd.escape_time(double_well(), sd.SGLD(0.01, 0.1), **beyond)
sd.escape_time(double_well(), sd.SDE(0.1, 0.01, crossing="bridge"), dtype="float32", **beyond)
sd.escape_time(double_well(), sd.SGD(0.01, 1, noise=sd.AlphaStable(1.5)), **beyond)
rooted = sd.SGD(1e-4, 1, noise="hessian", floor=0.1)
sd.simulate(muller_brown(), rooted, start="x=-0.5,y=1.4", paths=20, steps=7, threads=1)
chain = coupled_chain(dim=50)
sd.escape_time(chain, sd.SGLD(0.01, 0.1), start=[-1.0] * 50, exit="x1 >= 0", **few)
a = np.random.default_rng(0).normal(size=(30, 20))
columns = {f"a{i}": column for i, column in enumerate(a.T)}
line = " + ".join(f"a{i}*w{i}" for i in range(20))
for loss, exit in (("(a0*w - a1)**2/2", "w >= 9"), (f"({line} - 1)**2/2", "w0 >= 9")):
    for rule in (sd.SGD(0.1, 3), sd.SGD(0.1, 3, sampling="epoch_shuffle", momentum=0.5)):
        sd.escape_time(FiniteSum(loss, columns), rule, start="0", exit=exit, **few)
for name, module in sorted(sys.modules.items()):
    if name.startswith("simdyn_kernels_"):
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                print(name, function.py_func.__name__, len(function.overloads))
"""


def test_no_function_of_a_kernel_is_compiled_twice(tmp_path):
    """Numba compiles a function twice that is called with a number written out and with a variable."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_KINDS],
        env=os.environ | {"SIMDYN_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    compiled = [line.split() for line in done.stdout.splitlines()]
    assert {name for _, name, count in compiled if int(count) == 1} >= {
        "draw_normals",
        "replay_group",
        "watch",
        "advance",
        "take_step",
        "draw_batches",
    }
    assert [line for line in compiled if int(line[2]) > 1] == []
