"""Loads, stacks, scales and resizes a four-file case with nibabel and MONAI: the work of `agent`'s preparation.

usage: prepare_case.py RECIPE T1w T1c T2w FLAIR [--size S] [--runs N] [--threads T] [--out FILE.npy]

RECIPE is lamim-pretrain (area resize, then each contrast to 0..1) or lamim-finetune (all contrasts to 0..1 together,
then area resize). Prints one JSON line with the median seconds of N runs after one that warms the cache, and saves the
result, (4, S, S, S) float32, for comparison.
"""

import argparse
import json
import resource
import statistics
import time

import numpy as np
import torch
from monai.transforms import Compose, ConcatItemsd, EnsureChannelFirstd, LoadImaged, Resized, ScaleIntensityd

KEYS = ["T1w", "T1c", "T2w", "FLAIR"]


def pipeline(recipe: str, size: int) -> Compose:
    load = [
        LoadImaged(keys=KEYS, reader="NibabelReader"),
        EnsureChannelFirstd(keys=KEYS),
        ConcatItemsd(keys=KEYS, name="image"),
    ]
    resize = Resized(keys=["image"], spatial_size=(size, size, size), mode="area")
    scale = ScaleIntensityd(keys=["image"], minv=0.0, maxv=1.0, channel_wise=recipe == "lamim-pretrain")
    return Compose(load + ([resize, scale] if recipe == "lamim-pretrain" else [scale, resize]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=["lamim-pretrain", "lamim-finetune"])
    parser.add_argument("files", nargs=4)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prepare = pipeline(options.recipe, options.size)
    case = dict(zip(KEYS, options.files))
    image = prepare(dict(case))["image"]
    seconds = []
    for _ in range(options.runs):
        start = time.perf_counter()
        image = prepare(dict(case))["image"]
        seconds.append(time.perf_counter() - start)
    if options.out:
        np.save(options.out, np.asarray(image, dtype=np.float32))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "runs": options.runs, "peak_mib": round(peak, 1)}))


if __name__ == "__main__":
    main()
