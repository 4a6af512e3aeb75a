"""Makes areas.json: binned areas of three sites, computed over all pairs of cases, as an independent reference.

python3 make_areas.py > areas.json   (numpy only)
"""

import json

import numpy as np


def logits(rng, labels, classes, signal, shift):
    x = rng.normal(size=(len(labels), classes))
    x[np.arange(len(labels)), labels] += signal
    return x + shift


def score(x, c):
    others = np.delete(x, c, axis=1)
    top = others.max(axis=1)
    return x[:, c] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))


def merged(scores, least):
    """Bins of 0.25 over -8…8, ends open, merged from the left; returns (first, last) of each and the bin of each case."""
    raw = np.clip(np.floor((scores + 8) / 0.25), 0, 63).astype(int)
    bins, first, held = [], 0, 0
    for b in range(64):
        held += int((raw == b).sum())
        if held >= least:
            bins.append([first, b])
            first, held = b + 1, 0
    bins[-1][1] = 63
    place = np.array([next(i for i, (f, l) in enumerate(bins) if f <= r <= l) for r in raw])
    return bins, place


def kernel(p, n):
    """1 where the positive case is above the negative one, 0.5 where their bins overlap, else 0; all pairs."""
    above = p[:, None, 0] > n[None, :, 1]
    below = p[:, None, 1] < n[None, :, 0]
    return np.where(above, 1.0, np.where(below, 0.0, 0.5))


def area(spans, positive):
    k = kernel(spans[positive], spans[~positive])
    m, n = k.shape
    value = k.mean()
    variance = k.mean(axis=1).var(ddof=1) / m + k.mean(axis=0).var(ddof=1) / n
    ties = (k == 0.5).mean()
    return {"area": value, "low": value - ties / 2, "high": value + ties / 2, "variance": variance, "pairs": m * n}


def study(seed, counts, signals):
    rng = np.random.default_rng(seed)
    classes = len(counts[0])
    sites = []
    for index, numbers in enumerate(counts):
        labels = rng.permutation(np.repeat(np.arange(classes), numbers))
        shift = rng.normal(size=classes) * 0.7
        models = [logits(rng, labels, classes, s, shift).round(6) for s in signals]
        sites.append({"site": f"site-{index}", "labels": labels, "models": models})
    chosen = [1] if classes == 2 else list(range(classes))
    result = {"sites": [], "stratified": [], "pooled": []}
    table = [[[None] * len(chosen) for _ in signals] for _ in sites]
    for s, site in enumerate(sites):
        result["sites"].append(
            {"site": site["site"], "labels": site["labels"].tolist(), "models": [m.tolist() for m in site["models"]],
             "areas": []})
        for m, x in enumerate(site["models"]):
            for i, c in enumerate(chosen):
                bins, place = merged(score(x, c), 10)
                table[s][m][i] = (np.array(bins)[place], site["labels"] == c)
            parts = [area(*table[s][m][i]) for i in range(len(chosen))]
            result["sites"][s]["areas"].append(
                {"area": float(np.mean([p["area"] for p in parts])),
                 "low": float(np.mean([p["low"] for p in parts])), "high": float(np.mean([p["high"] for p in parts])),
                 "variance": float(np.mean([p["variance"] ** 0.5 for p in parts]) ** 2)})
    for m in range(len(signals)):
        strata, pools = [], []
        for i in range(len(chosen)):
            parts = [area(*table[s][m][i]) for s in range(len(sites))]
            w = np.array([p["pairs"] for p in parts], float)
            w /= w.sum()
            strata.append({k: float((w * [p[k] for p in parts]).sum()) for k in ("area", "low", "high")}
                          | {"variance": float((w**2 * [p["variance"] for p in parts]).sum())})
            pools.append(area(np.concatenate([table[s][m][i][0] for s in range(len(sites))]),
                              np.concatenate([table[s][m][i][1] for s in range(len(sites))])))
        for name, parts in (("stratified", strata), ("pooled", pools)):
            result[name].append(
                {k: float(np.mean([p[k] for p in parts])) for k in ("area", "low", "high")}
                | {"variance": float(np.mean([p["variance"] ** 0.5 for p in parts]) ** 2)})
    return result


print(json.dumps([
    study(1, [[40, 25], [30, 90], [20, 21]], [1.2, 1.6]),
    study(2, [[25, 40, 30], [20, 20, 20]], [1.5, 0.4]),
]))
