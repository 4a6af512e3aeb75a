#ifndef CONSILIUM_IMAGING_H
#define CONSILIUM_IMAGING_H

#include <stdint.h>

/// What lines of voxels hold.
typedef struct {
    /// Smallest and largest finite value.
    float minimum, maximum;
    /// NaN and infinite voxels.
    intptr_t not_finite;
    /// Finite voxels below `darkest` or above `brightest`.
    intptr_t foreground;
} consilium_tally;

/// Adds one line of `count` voxels to `tally`, and each foreground voxel to its place in `columns`.
/// Returns the line's foreground voxels.
intptr_t consilium_tally_line(
    const float *line, int32_t *columns, intptr_t count, float darkest, float brightest, consilium_tally *tally);

/// Replaces every voxel by (voxel - low) * scale held to 0...1, and by 0 from `darkest` to `brightest` and for NaN.
void consilium_tone(float *voxels, intptr_t count, float low, float scale, float darkest, float brightest);

/// For each output, the inputs it sums and their weights, one after the other.
typedef struct {
    const intptr_t *starts, *counts;
    const float *weights;
    intptr_t outputs;
} consilium_windows;

/// Sums a slab (lines, width) along both axes to a plane (lines' outputs, columns' outputs).
///
/// `first_line` is the input that the slab's first line is; `sums` is room for `width` values.
/// Sums run from the first input on, so the result does not depend on the processor.
void consilium_gather_plane(
    const float *slab, intptr_t width, intptr_t first_line, consilium_windows columns, consilium_windows lines,
    float *sums, float *plane);

/// sum[i] += weight * addend[i].
void consilium_add_weighted(float *sum, const float *addend, float weight, intptr_t count);

#endif
