"""Makes the golden files beside it with nibabel, and says in golden.json what nibabel reads from them.

    python3 make_golden.py        (nibabel 5.4.2, numpy)
"""

import json
import pathlib

import nibabel as nib
import numpy as np

here = pathlib.Path(__file__).parent
random = np.random.default_rng(2026)


def turned(degrees, edges, offset, mirror=False):
    """Edges in mm, turned about all three axes one after another, the third axis mirrored on demand."""
    affine = np.eye(4)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        turn = np.eye(3)
        a, b = [i for i in range(3) if i != axis]
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        affine[:3, :3] = affine[:3, :3] @ turn
    affine[:3, :3] = affine[:3, :3] @ np.diag([edges[0], edges[1], -edges[2] if mirror else edges[2]])
    affine[:3, 3] = offset
    return affine


def image(kind, dtype, shape, affine, big=False, sform=1, qform=1, scale=None):
    if np.issubdtype(dtype, np.floating):
        data = random.normal(0, 100, shape).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        data = random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    header = kind.header_class(endianness=">" if big else "<")
    header.set_data_dtype(np.dtype(dtype).newbyteorder(header.endianness))
    made = kind(data, None, header=header, dtype=np.dtype(dtype))
    made.set_sform(affine, code=sform)
    made.set_qform(affine, code=qform)
    if scale:
        made.header.set_slope_inter(*scale)
    return made


N1, N2 = nib.Nifti1Image, nib.Nifti2Image
plain = turned((0, 0, 0), (1, 1, 1), (-10, -20, -30))
oblique = turned((12, -7, 33), (0.9, 1.1, 3.3), (81.5, -102.25, 7.125))
mirrored = turned((95, 4, -88), (2, 1.5, 5.5), (-40, 55, 66), mirror=True)
made = {
    "int16_oblique.nii.gz": image(N1, np.int16, (5, 4, 3), oblique, scale=(0.25, -7)),
    "uint8_big_qform_only.nii": image(N2, np.uint8, (3, 4, 5), mirrored, big=True, sform=0),
    "float64_four_volumes.nii.gz": image(N2, np.float64, (3, 2, 2, 4), mirrored),
    "float32_big_sform_only.nii": image(N1, np.float32, (4, 3, 2), oblique, big=True, qform=0),
    "uint16_scaled.nii.gz": image(N1, np.uint16, (4, 4, 4), plain, scale=(13.895223617553711, 0.5)),
    "int32_tiny_slope.nii.gz": image(N1, np.int32, (3, 3, 3), plain, scale=(2.3283064365386963e-10, 0.5)),
    "int8_big.nii": image(N1, np.int8, (2, 3, 4), plain, big=True),
    "uint32_big.nii.gz": image(N2, np.uint32, (2, 3, 4), plain, big=True, scale=(0.1, 0)),
    "int64.nii": image(N1, np.int64, (2, 3, 4), plain),
    "uint64_big.nii": image(N2, np.uint64, (2, 3, 4), plain, big=True),
}
commented = made["int16_oblique.nii.gz"]
commented.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"made by nibabel"))

golden = {}
for name, one in made.items():
    path = here / name
    if name.endswith(".gz"):
        import gzip

        with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
            file.write(one.to_bytes())
    else:
        path.write_bytes(one.to_bytes())
    read = nib.load(path)
    golden[name] = {
        "dims": list(read.shape),
        "datatype": read.header.get_data_dtype().name,
        "affine": read.affine[:3].tolist(),
        "orientation": "".join(nib.aff2axcodes(read.affine)),
        "spacing": nib.affines.voxel_sizes(read.affine).tolist(),
        "comments": [e.get_content().decode() for e in getattr(read.header, "extensions", [])],
        "values": read.get_fdata(dtype=np.float64).astype(np.float32).ravel(order="F").astype(float).tolist(),
    }
(here / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
