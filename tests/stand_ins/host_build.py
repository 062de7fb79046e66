"""Device sources built as host C++, so that what a GPU would compute can be looked at without one.

A shim defines the words of CUDA that the sources use. A launch runs the threads of a grid one after the
other; where they meet at barriers, those of a block are fibres that take turns.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

COMPILER = shutil.which("g++") or shutil.which("clang++")

needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler (g++ or clang++) to build device sources with"
)

SHIM = r"""
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>
#include <ucontext.h>

#define __device__
#define __forceinline__ inline
#define __constant__ const
#define __global__
#define __shared__ static
#define __launch_bounds__(...)

struct Place { unsigned x, y, z; };
static Place threadIdx, blockIdx, blockDim, gridDim;

template <class To, class From> static inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double __dsqrt_rn(double x) { return std::sqrt(x); }
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }
static inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return same_bits<double>(x); }
static inline unsigned __float_as_uint(float x) { return same_bits<unsigned>(x); }
static inline float __uint_as_float(unsigned x) { return same_bits<float>(x); }
template <class T> static inline T atomicAdd(T *to, T by) { T old = *to; *to = old + by; return old; }
template <class T> static inline T atomicMin(T *to, T by) { T old = *to; if (by < old) *to = by; return old; }
template <class T> static inline T atomicMax(T *to, T by) { T old = *to; if (by > old) *to = by; return old; }

static ucontext_t scheduler, *running;
static inline void __syncthreads() { swapcontext(running, &scheduler); }

static void (*work)(void *);
static void *argument;
static bool *finished;
static void fibre() { work(argument); *finished = true; swapcontext(running, &scheduler); }

template <class... A, size_t... I>
static void call(void (*kernel)(A...), void **values, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<A> *>(values[I])...);
}

template <class... A> struct Launch { void (*kernel)(A...); void **values; };

template <class... A> static void one_thread(void *given) {
    auto *launch = static_cast<Launch<A...> *>(given);
    call(launch->kernel, launch->values, std::index_sequence_for<A...>());
}

template <class... A>
static void launch(void (*kernel)(A...), unsigned grid, unsigned block, void **values, bool barriers) {
    Launch<A...> given{kernel, values};
    gridDim = {grid, 1, 1};
    blockDim = {block, 1, 1};
    for (unsigned b = 0; b < grid; b++) {
        blockIdx = {b, 0, 0};
        if (!barriers) {
            for (unsigned t = 0; t < block; t++) { threadIdx = {t, 0, 0}; one_thread<A...>(&given); }
            continue;
        }
        const size_t stack = 1 << 16;
        std::vector<char> stacks(stack * block);
        std::vector<ucontext_t> fibres(block);
        std::vector<char> over(block, 0);
        work = one_thread<A...>;
        argument = &given;
        for (unsigned t = 0; t < block; t++) {
            getcontext(&fibres[t]);
            fibres[t].uc_stack.ss_sp = &stacks[stack * t];
            fibres[t].uc_stack.ss_size = stack;
            fibres[t].uc_link = nullptr;
            makecontext(&fibres[t], fibre, 0);
        }
        for (unsigned left = block; left;) {
            for (unsigned t = 0; t < block; t++) {
                if (over[t]) continue;
                threadIdx = {t, 0, 0};
                running = &fibres[t];
                finished = reinterpret_cast<bool *>(&over[t]);
                swapcontext(&scheduler, &fibres[t]);
                left -= over[t];
            }
        }
    }
}
"""

_KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\(\w+\) )?(\w+)\(([^)]*)\)')


class HostModule:
    """A device source built for the host, with the calls of `cupy.RawModule` that engines make."""

    def __init__(self, source: str) -> None:
        self.kernels = [match[1] for match in _KERNEL.finditer(source)]
        barriers = "true" if "__syncthreads" in source else "false"
        launchers = "".join(
            f'extern "C" void launch_{name}(unsigned grid, unsigned block, void **values)'
            f" {{ launch({name}, grid, block, values, {barriers}); }}\n"
            for name in self.kernels
        )
        self._library = _built(f"{SHIM}\n{source}\n{launchers}")

    def get_function(self, name: str):
        """The kernel as a callable (grid, block, arguments): arrays, and scalars of NumPy's types."""
        assert name in self.kernels, f"no kernel {name} among {self.kernels}"
        function = self._library[f"launch_{name}"]

        def run(grid, block, arguments):
            held = [
                np.array(a.ctypes.data, dtype=np.uint64) if a.ndim else np.array(a)
                for a in map(np.asanyarray, arguments)
            ]
            values = (ctypes.c_void_p * len(held))(*(h.ctypes.data for h in held))
            function(ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]), values)

        return run


def _built(text: str) -> ctypes.CDLL:
    folder = Path(tempfile.gettempdir()) / f"simdyn-host-builds-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.so"
    if not path.exists():
        # One name for each process: several may build the same source at once.
        code, library = path.with_suffix(f".{os.getpid()}.cpp"), path.with_suffix(f".{os.getpid()}.so")
        code.write_text(text)
        options = ["-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-shared", "-fPIC"]
        done = subprocess.run(
            [COMPILER, *options, "-Wno-unknown-pragmas", str(code), "-o", str(library)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[:3000]
        os.replace(library, path)
        code.unlink()
    return ctypes.CDLL(str(path))
