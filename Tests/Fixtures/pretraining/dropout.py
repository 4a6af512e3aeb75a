"""Writes dropout.json: what NumPy's RandomState and the published content dropout draw.

The loop over holes is MONAI's RandCoarseDropout: one draw for the chance, then a corner per hole. Run with NumPy only:
    python3 dropout.py > dropout.json
"""
import hashlib
import json

import numpy


def mask(seed: int, size: int, side: int, holes: int) -> numpy.ndarray:
    random = numpy.random.RandomState(seed)
    volume = numpy.ones((size, size, size), dtype=numpy.float32)
    assert random.rand() < 1
    for _ in range(holes):
        x, y, z = (random.randint(0, size - side + 1) for _ in range(3))
        volume[x : x + side, y : y + side, z : z + side] = 0
    return volume


def main() -> None:
    streams = []
    for seed in (0, 1, 20240101, 4294967295):
        random = numpy.random.RandomState(seed)
        words = [int(random.randint(0, 2**32, dtype=numpy.uint64)) for _ in range(3)]
        units = [random.rand() for _ in range(700)][-3:]
        below = [int(random.randint(0, bound)) for bound in (1, 2, 3, 81, 93, 1000, 1 << 20) for _ in range(3)]
        streams.append({"seed": seed, "words": words, "units": units, "below": below})
    masks = []
    for seed, size, side, holes in ((7, 96, 16, 86), (7, 96, 4, 6000), (11, 48, 8, 86), (12, 48, 2, 6000)):
        volume = mask(seed, size, side, holes)
        masks.append(
            {
                "seed": seed,
                "size": size,
                "side": side,
                "holes": holes,
                "kept": int(volume.sum()),
                "sha256": hashlib.sha256(volume.tobytes()).hexdigest(),
            }
        )
    print(json.dumps({"numpy": numpy.__version__, "streams": streams, "masks": masks}, indent=1))


if __name__ == "__main__":
    main()
