"""What a network consists of, found in one walk over its modules."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch.nn.parameter import is_lazy

from automl.evaluators.ntk.gram.layers import LAYERS


@dataclass(frozen=True, slots=True)
class Survey:
    """Modules, parameters and buffers of a network, each once.

    Attributes:
        modules: all of them, the network first.
        parameters: those that require a gradient.
        modes: the values of the modules' ``training``.
        holders: the modules that say how to hold their own statistics constant (see `forward`).
        lazy: whether some parameter or buffer has no shape yet.
        hooked: whether a hook changes gradients, so that only autograd itself can tell them.
        foreign_buffers: whether a module that is not one of torch's known layers has buffers: it may write
            into them.
    """

    modules: tuple[nn.Module, ...]
    parameters: tuple[nn.Parameter, ...]
    modes: frozenset[bool]
    holders: tuple[nn.Module, ...]
    lazy: bool
    hooked: bool
    foreign_buffers: bool


def survey(network: nn.Module) -> Survey:
    """Walk over the network's modules. (It is done for every candidate: so by hand, in one loop.)"""
    modules: dict[nn.Module, None] = {network: None}
    parameters: dict[int, nn.Parameter] = {}
    modes: set[bool] = set()
    holders: list[nn.Module] = []
    lazy = hooked = foreign_buffers = False
    stack = [network]
    while stack:
        module = stack.pop()
        kind = type(module)
        modes.add(module.training)
        for child in module._modules.values():
            if child is not None and child not in modules:
                modules[child] = None
                stack.append(child)
        for parameter in module._parameters.values():
            if parameter is not None:
                parameters[id(parameter)] = parameter
        if kind not in LAYERS:
            if hasattr(kind, "frozen_statistics"):
                holders.append(module)
            for buffer in module._buffers.values():
                if buffer is not None:
                    foreign_buffers = True
                    lazy = lazy or is_lazy(buffer)
        if module._backward_hooks or module._backward_pre_hooks:
            hooked = True
    for parameter in parameters.values():
        lazy = lazy or is_lazy(parameter)
        hooked = hooked or bool(parameter._backward_hooks)
    return Survey(
        modules=tuple(modules),
        parameters=tuple(p for p in parameters.values() if p.requires_grad),
        modes=frozenset(modes),
        holders=tuple(holders),
        lazy=lazy,
        hooked=hooked,
        foreign_buffers=foreign_buffers,
    )
