import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def a_network():
    """A small 3D U-Net with random weights: 2 channels in, 2 logits out, sides divisible by 4."""
    from monai.networks.nets import UNet

    torch.manual_seed(3)
    return UNet(3, 2, 2, (4, 8, 12), (2, 2), num_res_units=1, norm="instance").eval()


@pytest.fixture
def a_pointwise_network():
    """A network whose logits depend on their own voxel alone, so that windows cannot matter."""
    network = torch.nn.Conv3d(2, 2, kernel_size=1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, -2.0], [0.5, 3.0]]).reshape(2, 2, 1, 1, 1))
        network.bias.copy_(torch.tensor([0.25, -1.0]))
    return network


@pytest.fixture
def an_image():
    return np.random.default_rng(11).normal(size=(2, 26, 35, 41)).astype(np.float32)


@pytest.fixture
def a_sparse_gate():
    """Hot voxels in two corners and near the middle."""
    gate = np.zeros((26, 35, 41), np.bool_)
    gate[1, 1, 2] = gate[12:14, 17, 20:22] = gate[25, 34, 40] = True
    return gate
