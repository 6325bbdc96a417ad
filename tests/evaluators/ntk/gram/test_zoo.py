"""Every network of the zoo has the kernel that the loop gives, and gets it in the way that is expected."""

from __future__ import annotations

import pytest
import torch

from automl.evaluators.ntk.options import BatchNorm, Output
from tests.evaluators.ntk.gram.comparison import same_as_loop
from tests.evaluators.ntk.gram.zoo import ZOO

SAMPLES = 6
SETTINGS: list[BatchNorm] = ["frozen", "train", "eval"]
OUTPUTS: list[Output] = ["sum", "trace", "full"]

# That it may copy its input, torch says once a process.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


@pytest.mark.parametrize("name", ZOO)
def test_the_kernel_is_the_loops_and_the_way_the_expected_one(name: str) -> None:
    odd = ZOO[name]
    found = same_as_loop(odd.network(), odd.inputs(SAMPLES), way=odd.way)
    assert torch.equal(found.values, found.values.T)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("batchnorm", SETTINGS)
@pytest.mark.parametrize("name", ZOO)
def test_so_it_is_in_all_settings(name: str, batchnorm: BatchNorm, output: Output) -> None:
    odd = ZOO[name]
    same_as_loop(odd.network(), odd.inputs(SAMPLES), batchnorm=batchnorm, output=output)


@pytest.mark.parametrize("name", ZOO)
def test_nothing_of_the_network_changes(name: str) -> None:
    from automl.evaluators.ntk.gram import tangent_kernel

    odd = ZOO[name]
    if name == "an embedding that renormalises":
        pytest.skip("torch changes the table itself, in every forward pass")
    network, inputs = odd.network(), odd.inputs(SAMPLES)
    for module in list(network.modules())[1::2]:
        module.training = False  # modes that differ
    state = {key: (value, value.clone()) for key, value in network.state_dict(keep_vars=True).items()}
    modes = [module.training for module in network.modules()]
    attributes = [set(vars(module)) for module in network.modules()]
    given, generator = inputs.clone(), torch.get_rng_state()

    tangent_kernel(network, inputs)

    for key, value in network.state_dict(keep_vars=True).items():
        same, before = state[key]
        assert value is same, key
        assert torch.equal(value, before), key
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [module.training for module in network.modules()] == modes
    assert [set(vars(module)) for module in network.modules()] == attributes
    assert torch.equal(inputs, given)
    assert torch.equal(torch.get_rng_state(), generator)
