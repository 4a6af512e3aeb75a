#ifndef CONSILIUM_CNIFTI_H
#define CONSILIUM_CNIFTI_H
#include <nifti/nifti2_io.h>
#include <stddef.h>
#include <stdint.h>

/// What a pass over voxels saw.
typedef struct {
    uint64_t not_finite;  ///< NaN or infinite values.
    uint32_t differences; ///< Bits in which any value differs from the first: 0 when all are the same.
} consilium_voxel_survey;

/// Converts `count` stored voxels to float, slope and intercept applied in double.
///
/// `source` needs no alignment. `datatype` is one of the ten real NIfTI codes; any other returns -1 and writes nothing.
/// `swapped`: the bytes are in the other order than this machine's. `scaled` 0: slope and intercept are not applied.
/// `survey` may be null; `*survey` is added to, compared with `first` for sameness.
int consilium_voxels_to_float(const void *source, size_t count, int datatype, int swapped, int scaled, double slope,
                              double intercept, float *target, float first, consilium_voxel_survey *survey);
#endif
