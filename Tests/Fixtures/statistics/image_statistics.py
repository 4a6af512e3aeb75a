"""Prints what ImageStatisticsTests expects of enhancement, grain and noise, with NumPy.

    python3 image_statistics.py
"""

import numpy as np

SIZE = 24
x, y, z = np.meshgrid(*[np.arange(SIZE, dtype=np.float64)] * 3, indexing="ij")
a, b, c = x - 11.5, y - 11.5, z - 11.5
brain = a * a / 64 + b * b / 121 + c * c / 81 < 1
vessel = ((x + y) % 7 == 0) & (z % 5 == 0)


def contrast(share, bright):
    texture = share * np.sin(a / 2) + (1 - abs(share)) * np.cos(b / 2)
    return 0.5 + 0.2 * texture + 0.03 * np.sin(1.7 * a + 0.9 * b + 2.3 * c) + bright * vessel


t1w, t1c, t2w = contrast(0.9, 0), contrast(0.7, 0.3), contrast(0.2, 0)


def inner(volume):
    """Values before, at and after each voxel of the brain with both neighbours in it, along the three axes."""
    rows = []
    for axis in range(3):
        v, m = np.moveaxis(volume, axis, 0), np.moveaxis(brain, axis, 0)
        ok = m[:-2] & m[1:-1] & m[2:]
        rows.append(np.stack([v[:-2][ok], v[1:-1][ok], v[2:][ok]]))
    return np.concatenate(rows, axis=1)


def standardised(volume):
    low, middle, high = np.percentile(volume[brain], [25, 50, 75], method="lower")
    return (volume - middle) / (high - low + 1e-4)


def enhancement(one, other):
    before, at, after = inner(standardised(one) - standardised(other))
    low, middle, high = np.percentile(2 * at - before - after, [0.1, 50, 99.9], method="lower")
    return np.log((high - middle + 0.01) / (middle - low + 0.01))


before, at, after = inner(t2w)
noise = np.log(np.percentile(abs(2 * at - before - after), 20))
grain = noise - np.log(np.percentile(abs(after - at), 50))
print("enhancement", enhancement(t1c, t1w), "exchanged", enhancement(t1w, t1c), "noise", noise, "grain", grain)
