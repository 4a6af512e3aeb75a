"""Writes masked_micro_f32.json and .safetensors: masked pretraining by PyTorch's own layers and gradients.

The second case lacks a contrast. Run with torch, numpy and safetensors:
    python3 masked.py
"""
import json
import pathlib

import numpy
import torch
from safetensors.numpy import save_file
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
IMAGE, PATCH, CHANNELS = 16, 4, 2
HIDDEN, HEADS, LAYERS, MLP = 12, 3, 2, 20
WIDTH, NARROW_MLP = 6, 10
GRID = IMAGE // PATCH
TOKENS, VALUES, SHOWN = GRID**3, CHANNELS * PATCH**3, 16

torch.manual_seed(11)
weights: dict[str, torch.Tensor] = {}


def parameter(name: str, *shape: int, scale: float = 0.3, middle: float = 0.0) -> torch.Tensor:
    weights[name] = (middle + scale * torch.randn(*shape)).requires_grad_()
    return weights[name]


def block(name: str, width: int, inner: int):
    for norm in ("norm1", "norm2"):
        parameter(f"{name}.{norm}.weight", width, middle=1.0, scale=0.1)
        parameter(f"{name}.{norm}.bias", width)
    parameter(f"{name}.mlp.linear1.weight", inner, width)
    parameter(f"{name}.mlp.linear1.bias", inner)
    parameter(f"{name}.mlp.linear2.weight", width, inner)
    parameter(f"{name}.mlp.linear2.bias", width)
    parameter(f"{name}.attn.qkv.weight", 3 * width, width)
    parameter(f"{name}.attn.out_proj.weight", width, width)
    parameter(f"{name}.attn.out_proj.bias", width)


def run_block(name: str, x: torch.Tensor) -> torch.Tensor:
    w = {key.removeprefix(name + "."): value for key, value in weights.items() if key.startswith(name + ".")}
    batch, tokens, width = x.shape
    y = functional.layer_norm(x, (width,), w["norm1.weight"], w["norm1.bias"])
    q, k, v = functional.linear(y, w["attn.qkv.weight"]).view(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
    x = x + functional.linear(y, w["attn.out_proj.weight"], w["attn.out_proj.bias"])
    y = functional.layer_norm(x, (width,), w["norm2.weight"], w["norm2.bias"])
    y = functional.gelu(functional.linear(y, w["mlp.linear1.weight"], w["mlp.linear1.bias"]))
    return x + functional.linear(y, w["mlp.linear2.weight"], w["mlp.linear2.bias"])


position = parameter("patch_embedding.position_embeddings", 1, TOKENS, HIDDEN)
embed = parameter("patch_embedding.patch_embeddings.weight", HIDDEN, CHANNELS, PATCH, PATCH, PATCH, scale=0.1)
embed_bias = parameter("patch_embedding.patch_embeddings.bias", HIDDEN)
absent = parameter("absent_contrasts", CHANNELS, HIDDEN)
for i in range(LAYERS):
    block(f"blocks.{i}", HIDDEN, MLP)
parameter("norm.weight", HIDDEN, middle=1.0, scale=0.1)
parameter("norm.bias", HIDDEN)
to_decoder = parameter("mask_decoder.embed.weight", WIDTH, HIDDEN)
to_decoder_bias = parameter("mask_decoder.embed.bias", WIDTH)
mask_token = parameter("mask_decoder.mask_token", WIDTH)
decoder_position = parameter("mask_decoder.position_embeddings", 1, TOKENS, WIDTH)
for i in range(2):
    block(f"mask_decoder.blocks.{i}", WIDTH, NARROW_MLP)
parameter("mask_decoder.norm.weight", WIDTH, middle=1.0, scale=0.1)
parameter("mask_decoder.norm.bias", WIDTH)
parameter("mask_decoder.predict.weight", VALUES, WIDTH)
parameter("mask_decoder.predict.bias", VALUES)

present = torch.tensor([[True, True], [True, False]])
images = torch.rand(2, CHANNELS, IMAGE, IMAGE, IMAGE)
# A third of the voxels are outside the brain.
images = images * (torch.rand(2, 1, IMAGE, IMAGE, IMAGE) > 1 / 3) * present[:, :, None, None, None]
visible = torch.stack([torch.randperm(TOKENS)[:SHOWN].sort().values for _ in range(2)])


def patches(x: torch.Tensor) -> torch.Tensor:
    x = x.view(2, CHANNELS, GRID, PATCH, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 6, 1, 3, 5, 7)
    return x.reshape(2, TOKENS, VALUES)


tokens = functional.conv3d(images, embed, embed_bias, stride=PATCH).flatten(2).transpose(1, 2) + position
tokens = tokens + ((~present).float() @ absent)[:, None]
rows = torch.arange(2)[:, None]
x = tokens[rows, visible]
for i in range(LAYERS):
    x = run_block(f"blocks.{i}", x)
x = functional.layer_norm(x, (HIDDEN,), weights["norm.weight"], weights["norm.bias"])
x = functional.linear(x, to_decoder, to_decoder_bias)
full = mask_token.expand(2, TOKENS, WIDTH).clone()
full[rows, visible] = x
full = full + decoder_position
for i in range(2):
    full = run_block(f"mask_decoder.blocks.{i}", full)
full = functional.layer_norm(full, (WIDTH,), weights["mask_decoder.norm.weight"], weights["mask_decoder.norm.bias"])
predicted = functional.linear(full, weights["mask_decoder.predict.weight"], weights["mask_decoder.predict.bias"])

hidden = torch.ones(2, TOKENS, dtype=torch.bool)
hidden[rows, visible] = False
target = patches(images)
brain = patches((images != 0).any(1, keepdim=True).expand_as(images).float()) > 0
counted = hidden[..., None] & brain & patches(present[:, :, None, None, None].expand_as(images).float()).bool()
loss = (predicted - target).abs()[counted].mean()
loss.backward()

tensors = {"w/" + name: value.detach() for name, value in weights.items()}
tensors |= {"grad/" + name: value.grad for name, value in weights.items()}
tensors |= {"in/x": images, "out/predicted": predicted[hidden].detach()}
arrays = {name: numpy.ascontiguousarray(value.numpy()) for name, value in tensors.items()}
arrays["in/visible"] = visible.numpy().astype(numpy.int64)
save_file(arrays, HERE / "masked_micro_f32.safetensors")
(HERE / "masked_micro_f32.json").write_text(json.dumps({
    "config": {"img": IMAGE, "patch": PATCH, "hidden": HIDDEN, "mlp": MLP, "layers": LAYERS, "heads": HEADS,
               "in_ch": CHANNELS, "out_ch": CHANNELS},
    "loss": loss.item(), "tol": {"forward": 2e-5, "grad_rel": 1e-4},
}, indent=1) + "\n")
