"""Writes residual_micro_f32.json and .safetensors: the residual network by PyTorch's own layers and gradients.

Weights of convolutions are written (outputs, kernel, kernel, kernel, inputs). Run with torch, numpy and safetensors:
    python3 residual.py
"""
import json
import pathlib

import numpy
import torch
from safetensors.numpy import save_file
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
IMAGE, CHANNELS, CLASSES = 12, 2, 3
WIDTHS, BLOCKS = [8, 16], [1, 2]

torch.manual_seed(7)
weights: dict[str, torch.Tensor] = {}


def convolution(name: str, inputs: int, outputs: int, kernel: int):
    weights[f"{name}.weight"] = (0.2 * torch.randn(outputs, inputs, kernel, kernel, kernel)).requires_grad_()
    weights[f"{name}.norm.weight"] = (1 + 0.2 * torch.randn(outputs)).requires_grad_()
    weights[f"{name}.norm.bias"] = (0.2 * torch.randn(outputs)).requires_grad_()


def normalised(name: str, x: torch.Tensor, stride: int) -> torch.Tensor:
    weight = weights[f"{name}.weight"]
    x = functional.conv3d(x, weight, stride=stride, padding=weight.shape[2] // 2)
    return functional.group_norm(
        x, weight.shape[0] // 8, weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"])


convolution("stem", CHANNELS, WIDTHS[0], 3)
blocks = []
channels = WIDTHS[0]
for i, (width, count) in enumerate(zip(WIDTHS, BLOCKS)):
    for j in range(count):
        name, stride = f"stages.{i}.{j}", 2 if i > 0 and j == 0 else 1
        convolution(f"{name}.first", channels, width, 3)
        convolution(f"{name}.second", width, width, 3)
        if stride != 1 or channels != width:
            convolution(f"{name}.shortcut", channels, width, 1)
        blocks.append((name, stride))
        channels = width
weights["head.norm.weight"] = (1 + 0.2 * torch.randn(channels)).requires_grad_()
weights["head.norm.bias"] = (0.2 * torch.randn(channels)).requires_grad_()
weights["head.linear.weight"] = (0.5 * torch.randn(CLASSES, channels)).requires_grad_()
weights["head.linear.bias"] = (0.5 * torch.randn(CLASSES)).requires_grad_()

images = torch.rand(3, CHANNELS, IMAGE, IMAGE, IMAGE, requires_grad=True)
labels = torch.tensor([2, 0, 1])
x = functional.relu(normalised("stem", images, 2))
for name, stride in blocks:
    y = functional.relu(normalised(f"{name}.first", x, stride))
    y = normalised(f"{name}.second", y, 1)
    shortcut = normalised(f"{name}.shortcut", x, stride) if f"{name}.shortcut.weight" in weights else x
    x = functional.relu(y + shortcut)
pooled = x.flatten(2).mean(2)
pooled = functional.layer_norm(pooled, (channels,), weights["head.norm.weight"], weights["head.norm.bias"])
logits = functional.linear(pooled, weights["head.linear.weight"], weights["head.linear.bias"])
loss = functional.cross_entropy(logits, labels)
loss.backward()


def ours(value: torch.Tensor) -> numpy.ndarray:
    value = value.detach()
    return numpy.ascontiguousarray((value.permute(0, 2, 3, 4, 1) if value.dim() == 5 else value).numpy())


arrays = {"w/" + name: ours(value) for name, value in weights.items()}
arrays |= {"grad/" + name: ours(value.grad) for name, value in weights.items()}
arrays |= {"in/x": images.detach().numpy(), "grad_in/x": images.grad.numpy(), "out/logits": logits.detach().numpy()}
arrays["in/y"] = labels.numpy()
save_file(arrays, HERE / "residual_micro_f32.safetensors")
(HERE / "residual_micro_f32.json").write_text(json.dumps({
    "config": {"img": IMAGE, "in_ch": CHANNELS, "widths": WIDTHS, "blocks": BLOCKS},
    "loss": loss.item(), "tol": {"forward": 2e-5, "grad_rel": 1e-4},
}, indent=1) + "\n")
