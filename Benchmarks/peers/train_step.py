"""One fine-tuning or pretraining step, or one inference, of LaMIM in PyTorch + MONAI; prints JSON.

usage: train_step.py lamim|base|small|small96|resnet BATCH fp32|bf16 train|infer|pretrain RUNS [--encoder-only]

`resnet` is the residual network of our preset, layer by layer. Pretraining is as published: the autoencoder over two views, L1 of the first, MONAI's contrastive loss of both, Adam.

The model is MONAI's ViTAutoEnc with the published head; as in the published code its decoder runs too, unless
--encoder-only. MONAI refuses patches of 8 there, so `small` is its blocks put together without a decoder. AdamW is
PyTorch's fused one. Median of RUNS after one that is not counted.
"""
import contextlib
import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
from monai.losses import ContrastiveLoss
from monai.networks.blocks import PatchEmbeddingBlock, TransformerBlock
from monai.networks.nets import ViTAutoEnc

PRESETS = {
    "lamim": dict(img=96, patch=16, hidden_size=2048, mlp_dim=3072, num_layers=16, num_heads=32),
    "base": dict(img=96, patch=16, hidden_size=768, mlp_dim=3072, num_layers=12, num_heads=12),
    "small96": dict(img=96, patch=16, hidden_size=256, mlp_dim=1024, num_layers=6, num_heads=8),
    "small": dict(img=48, patch=8, hidden_size=256, mlp_dim=1024, num_layers=6, num_heads=8),
}


class Encoder(torch.nn.Module):
    """ViTAutoEnc without its decoder, for any patch."""

    def __init__(self, image, patch, hidden_size, mlp_dim, num_layers, num_heads):
        super().__init__()
        self.patch_embedding = PatchEmbeddingBlock(4, image, patch, hidden_size, num_heads, "conv")
        self.blocks = torch.nn.ModuleList(
            TransformerBlock(hidden_size, mlp_dim, num_heads) for _ in range(num_layers)
        )


class Classifier(torch.nn.Module):
    def __init__(self, preset, encoder_only):
        super().__init__()
        shape = dict(PRESETS[preset])
        image, patch = shape.pop("img"), shape.pop("patch")
        self.encoder_only = encoder_only or preset == "small"
        if self.encoder_only:
            self.model = Encoder(image, patch, **shape)
        else:
            self.model = ViTAutoEnc(
                in_channels=4, out_channels=4, img_size=(image,) * 3, patch_size=(patch,) * 3, proj_type="conv", **shape
            )
        features = 72 * (shape["hidden_size"] // 3)
        self.FC = torch.nn.Sequential(
            torch.nn.Linear(features, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU(),
            torch.nn.Linear(64, 2),
        )

    def forward(self, x):
        if self.encoder_only:
            h = self.model.patch_embedding(x)
            for block in self.model.blocks:
                h = block(h)
        else:
            h = self.model(x)[1][-1]
        return self.FC(torch.nn.functional.avg_pool2d(h, 3, 3).flatten(1))


class Residual(torch.nn.Module):
    """Two convolutions and a shortcut, each with a group norm of eight channels a group."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = Residual.normalised(inputs, outputs, 3, stride)
        self.second = Residual.normalised(outputs, outputs, 3, 1)
        same = stride == 1 and inputs == outputs
        self.shortcut = torch.nn.Identity() if same else Residual.normalised(inputs, outputs, 1, stride)

    @staticmethod
    def normalised(inputs, outputs, kernel, stride):
        return torch.nn.Sequential(
            torch.nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            torch.nn.GroupNorm(outputs // 8, outputs),
        )

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class ResidualClassifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        layers = [Residual.normalised(4, 32, 3, 2), torch.nn.ReLU()]
        channels = 32
        for stage, (width, blocks) in enumerate([(32, 2), (64, 2), (128, 3), (256, 2)]):
            for block in range(blocks):
                layers.append(Residual(channels, width, 2 if stage > 0 and block == 0 else 1))
                channels = width
        self.trunk = torch.nn.Sequential(*layers)
        self.norm = torch.nn.LayerNorm(channels)
        self.linear = torch.nn.Linear(channels, 2)

    def forward(self, x):
        return self.linear(self.norm(self.trunk(x).flatten(2).mean(2)))


def main():
    preset, batch, precision, mode, runs = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    torch.manual_seed(0)
    residual = preset == "resnet"
    network = ResidualClassifier() if residual else Classifier(preset, "--encoder-only" in sys.argv)
    size = 96 if residual else PRESETS[preset]["img"]
    images = torch.rand(batch, 4, size, size, size)
    labels = torch.zeros(batch, dtype=torch.long)
    cast = (
        (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if precision == "bf16" else contextlib.nullcontext
    )
    optimizer = None
    contrast = ContrastiveLoss(temperature=0.05)
    views = [images * (torch.rand_like(images) > 0.3) for _ in range(2)] if mode == "pretrain" else []
    if mode == "pretrain":
        network = network.model
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    if mode == "train":
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01, fused=True)

    def step():
        start = time.perf_counter()
        if mode == "infer":
            with torch.inference_mode(), cast():
                network(images)
        elif mode == "pretrain":
            with cast():
                first, second = (network(view)[0] for view in views)
                restored = torch.nn.functional.l1_loss(first, images)
                loss = restored + contrast(first.flatten(1), second.flatten(1)) * restored
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        else:
            with cast():
                loss = torch.nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - start

    step()
    seconds = sorted(step() for _ in range(runs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds[len(seconds) // 2], "peak_gib": peak}))


main()
