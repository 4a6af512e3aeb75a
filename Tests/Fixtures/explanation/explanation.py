"""Writes explanation.json: relevance, Grad-CAM and integrated gradients of the golden classifier, by PyTorch's gradients.

The network is written out with PyTorch's layers and the golden weights; its attention and the gradients of it must agree
with the golden ones before anything is written. Run with torch, numpy and safetensors:
    python3 explanation.py
"""
import json
import pathlib

import numpy
import torch
from safetensors.numpy import load_file
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "golden"
config = json.loads((GOLDEN / "classifier_micro_f32.json").read_text())["config"]
raw = load_file(GOLDEN / "classifier_micro_f32.safetensors")
golden = {k: torch.tensor(v) for k, v in raw.items()}
HIDDEN, HEADS, LAYERS, PATCH = config["hidden"], config["heads"], config["layers"], config["patch"]


def weight(name: str) -> torch.Tensor:
    return golden["w/model." + name] if "w/model." + name in golden else golden["w/" + name]


def forward(x: torch.Tensor):
    """Logits, the last tokens, and each block's attention (heads, tokens, tokens)."""
    h = functional.conv3d(
        x, weight("patch_embedding.patch_embeddings.weight"), weight("patch_embedding.patch_embeddings.bias"),
        stride=PATCH)
    h = h.flatten(2).transpose(1, 2) + weight("patch_embedding.position_embeddings")
    attention = []
    for i in range(LAYERS):
        block = f"blocks.{i}."
        n = functional.layer_norm(h, (HIDDEN,), weight(block + "norm1.weight"), weight(block + "norm1.bias"))
        qkv = (n @ weight(block + "attn.qkv.weight").T).unflatten(-1, (3, HEADS, HIDDEN // HEADS))
        q, k, v = (qkv[:, :, j].transpose(1, 2) for j in range(3))
        a = (q @ k.transpose(-1, -2) * (HIDDEN // HEADS) ** -0.5).softmax(-1)
        if a.requires_grad:
            a.retain_grad()
        attention.append(a)
        o = (a @ v).transpose(1, 2).flatten(2)
        h = h + o @ weight(block + "attn.out_proj.weight").T + weight(block + "attn.out_proj.bias")
        n = functional.layer_norm(h, (HIDDEN,), weight(block + "norm2.weight"), weight(block + "norm2.bias"))
        n = functional.gelu(n @ weight(block + "mlp.linear1.weight").T + weight(block + "mlp.linear1.bias"))
        h = h + n @ weight(block + "mlp.linear2.weight").T + weight(block + "mlp.linear2.bias")
    tokens = h
    if tokens.requires_grad:
        tokens.retain_grad()
    y = functional.avg_pool2d(tokens.unsqueeze(1), 3).flatten(1)
    layers = sorted({k for k in golden if k.startswith("w/FC.") and k.endswith("weight")})
    for j, name in enumerate(layers):
        y = y @ golden[name].T + golden[name.replace("weight", "bias")]
        if j + 1 < len(layers):
            y = y.relu()
    return y, tokens, attention


images = golden["in/x"]
cases = []
for i in range(len(images)):
    x = images[i : i + 1].clone().requires_grad_()
    logits, tokens, attention = forward(x)
    logits[0, 1].backward()
    for j, a in enumerate(attention):
        assert (a[0] - golden[f"out/attn{j}"][i]).abs().max() < 1e-5
        expected = golden[f"grad_attn_logit1/{j}"][i]
        assert (a.grad[0] - expected).norm() / expected.norm() < 1e-4
    lengths = tokens.grad[0].abs().sum(-1)
    weights = lengths / lengths.sum()
    relevance = torch.eye(tokens.shape[1])
    for a in attention:
        relevance = relevance + (a.grad[0] * a[0]).clamp(min=0).mean(0) @ relevance
    last = attention[-1]
    mean = last.grad[0].mean((1, 2))
    gradcam = (mean[:, None] * (weights @ last[0])).mean(0).clamp(min=0)

    # Log-odds of the second class from half the volume to the volume.
    def score(v: torch.Tensor) -> torch.Tensor:
        z = forward(v)[0]
        return z[:, 1] - z[:, 0]

    start = 0.5 * images[i]
    nodes, parts = numpy.polynomial.legendre.leggauss(64)
    total = torch.zeros_like(start)
    for node, part in zip((nodes + 1) / 2, parts / 2):
        v = (start + float(node) * (images[i] - start))[None].clone().requires_grad_()
        score(v).sum().backward()
        total += float(part) * v.grad[0]
    attribution = (total * (images[i] - start)).sum(0)
    with torch.no_grad():
        change = (score(images[i : i + 1]) - score(start[None])).item()
    grid = attribution.shape[0] // PATCH
    by_token = attribution.reshape(grid, PATCH, grid, PATCH, grid, PATCH).sum((1, 3, 5)).flatten()
    cases.append({
        "relevance": (weights @ relevance).tolist(), "gradcam": gradcam.tolist(),
        "integrated": by_token.tolist(), "change": change,
    })
(HERE / "explanation.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
