"""A fixed number of threads for numerical libraries, whatever the process is set to.

A sum over more threads is taken in another order: torch's gradients, numpy's matrix products and the inverses
of both differ in their last bits between one thread and two. torch carries a BLAS of its own that only it can
tell; threadpoolctl tells all others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What a library reads once, when it is loaded: an evaluator may import it in its first evaluation."""


class FixedThreads:
    """Blocks in which torch, BLAS and OpenMP compute with ``count`` threads.

    A library that was loaded before a block has its own number back afterwards; one that is loaded in it
    keeps ``count``.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._variables = dict.fromkeys(_VARIABLES, str(count))
        self._controller = ThreadpoolController()
        self._modules = len(sys.modules)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Such a block."""
        variables = {name: os.environ.get(name) for name in _VARIABLES}
        torch = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch else self._count
        try:
            if torch:  # even if it says that it has as many: its BLAS may have others
                torch.set_num_threads(self._count)
            os.environ.update(self._variables)
            with self._libraries().limit(limits=self._count):
                yield
        finally:
            for name, value in variables.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            if torch:
                torch.set_num_threads(threads)

    def _libraries(self) -> ThreadpoolController:
        """The libraries there are. To look for them takes a while, and an import is what brings new ones."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._controller = ThreadpoolController()
        return self._controller
