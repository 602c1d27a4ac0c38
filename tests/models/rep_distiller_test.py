import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle, torch_saving
from tests.models.rep_distiller_files import write_weights


def expected_logits(weights, images, blocks):
    """RepDistiller's forward pass in NumPy, from its own arrays and names."""

    def convolve(x, name, stride=1):
        return oracle.convolve(x, weights[f"{name}.weight"].transpose(2, 3, 1, 0), stride)

    def normalize_and_rectify(x, name):
        parts = [weights[f"{name}.{p}"] for p in ("weight", "bias", "running_mean", "running_var")]
        return oracle.rectify(oracle.normalize(x, parts))

    mean, deviation = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)
    x = convolve((images / 255.0 - np.array(mean)) / np.array(deviation), "conv1")
    for group in (1, 2, 3):
        for block in range(blocks):
            name, stride = f"block{group}.layer.{block}", 2 if group > 1 and block == 0 else 1
            activated = normalize_and_rectify(x, f"{name}.bn1")
            out = normalize_and_rectify(convolve(activated, f"{name}.conv1", stride), f"{name}.bn2")
            out = convolve(out, f"{name}.conv2")
            changes = f"{name}.convShortcut.weight" in weights
            x = out + (convolve(activated, f"{name}.convShortcut", stride) if changes else x)
    pooled = normalize_and_rectify(x, "bn1").mean(axis=(1, 2))
    return pooled @ weights["fc.weight"].T + weights["fc.bias"]


@pytest.mark.parametrize(("blocks", "width"), [(1, 1), (2, 2)])
def test_the_network_gives_the_logits_of_its_file(blocks, width, tmp_path):
    weights = write_weights(tmp_path / "a.pth", blocks=blocks, width=width, best_acc=np.array(75))
    network = models.read_rep_distiller(tmp_path / "a.pth")
    assert network.name == f"wide_resnet-{6 * blocks + 4}-{width}"
    images = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        network(images, training=False),
        expected_logits(weights, images, blocks),
        rtol=1e-5,
        atol=1e-2,  # of logits in the thousands
    )


def test_weights_alone_and_those_of_several_devices_are_read(tmp_path):
    weights = write_weights(tmp_path / "a.pth")
    torch_saving.save_legacy({f"module.{k}": v for k, v in weights.items()}, tmp_path / "b.pth")
    first, second = (models.read_rep_distiller(tmp_path / name) for name in ("a.pth", "b.pth"))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop("fc.bias"),
        lambda weights: weights.pop("block2.layer.0.bn1.weight"),
        lambda weights: weights.update({"linear.weight": np.zeros([2, 2], np.float32)}),
        lambda weights: weights.update({"conv1.weight": np.zeros([16, 1, 3, 3], np.float32)}),
        lambda weights: weights.clear(),
    ],
)
def test_another_network_is_refused(change, tmp_path):
    write_weights(tmp_path / "a.pth", change=change)
    with pytest.raises(ValueError, match=r"holds another network\. Expected the weights of a WRN"):
        models.read_rep_distiller(tmp_path / "a.pth")


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True])
def test_pytorch_gives_the_same_logits(legacy, tmp_path):
    torch = pytest.importorskip("torch")
    from tests.models.rep_distiller_torch import WideResNet

    torch.manual_seed(0)
    network = WideResNet(depth=16, width=2, classes=100)
    network.train()
    images = np.random.default_rng(1).uniform(0, 255, (64, 32, 32, 3)).astype(np.float32)
    standardized = WideResNet.standardize(torch.from_numpy(images))
    network(standardized)  # moves the statistics of batch normalisation
    network.eval()
    expected = network(standardized).detach().numpy()
    state = {"epoch": 1, "model": network.state_dict(), "best_acc": torch.tensor(75.6)}
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    found = models.read_rep_distiller(tmp_path / "a.pth")(images, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-4)
