#include "CImaging.h"

// The same source for every processor; products and sums are never fused (see Package.swift), so each of these gives
// the same bytes on all of them.
#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

enum { lanes = 16 };
typedef float floats __attribute__((vector_size(4 * lanes), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * lanes), aligned(4)));

CLONES intptr_t consilium_tally_line(
    const float *line, int32_t *columns, intptr_t count, float darkest, float brightest, consilium_tally *tally)
{
    floats lows = (floats){0} + tally->minimum;
    floats highs = (floats){0} + tally->maximum;
    ints finite_count = {0};
    ints found = {0};
    intptr_t whole = count / lanes * lanes;
    for (intptr_t i = 0; i < whole; i += lanes) {
        floats v = *(const floats *)(line + i);
        // NaN and infinities differ from themselves after subtraction.
        ints finite = (v - v) == 0;
        ints lower = (v < lows) & finite, higher = (v > highs) & finite;
        lows = (floats)((lower & (ints)v) | (~lower & (ints)lows));
        highs = (floats)((higher & (ints)v) | (~higher & (ints)highs));
        ints differs = ((v < darkest) | (v > brightest)) & finite;
        finite_count -= finite;
        found -= differs;
        *(ints *)(columns + i) -= differs;
    }
    intptr_t finite = 0, foreground = 0;
    for (int lane = 0; lane < lanes; lane++) {
        tally->minimum = lows[lane] < tally->minimum ? lows[lane] : tally->minimum;
        tally->maximum = highs[lane] > tally->maximum ? highs[lane] : tally->maximum;
        finite += finite_count[lane];
        foreground += found[lane];
    }
    for (intptr_t i = whole; i < count; i++) {
        float v = line[i];
        if (!(v - v == 0)) continue;
        finite++;
        tally->minimum = v < tally->minimum ? v : tally->minimum;
        tally->maximum = v > tally->maximum ? v : tally->maximum;
        if (v < darkest || v > brightest) {
            foreground++;
            columns[i]++;
        }
    }
    tally->not_finite += count - finite;
    tally->foreground += foreground;
    return foreground;
}

CLONES void consilium_tone(float *voxels, intptr_t count, float low, float scale, float darkest, float brightest)
{
    for (intptr_t i = 0; i < count; i++) {
        float v = voxels[i];
        float toned = (v - low) * scale;
        toned = toned > 0 ? toned : 0;
        toned = toned < 1 ? toned : 1;
        voxels[i] = ((v < darkest) | (v > brightest)) ? toned : 0;
    }
}

CLONES void consilium_add_weighted(float *restrict sum, const float *restrict addend, float weight, intptr_t count)
{
    for (intptr_t i = 0; i < count; i++) sum[i] += weight * addend[i];
}

/// Sums the first `count` of each of the weighted lines that follow each other, four at a time so that sums stay in
/// registers. Past the last line the first of the four is read again with weight 0.
CLONES static void add_lines(
    const float *restrict line, intptr_t width, intptr_t count, const float *weights, intptr_t taps,
    float *restrict sums)
{
    for (intptr_t tap = 0; tap < taps; tap += 4) {
        intptr_t left = taps - tap;
        const float *a = line + tap * width;
        const float *b = left > 1 ? a + width : a;
        const float *c = left > 2 ? a + 2 * width : a;
        const float *d = left > 3 ? a + 3 * width : a;
        float wa = weights[tap], wb = left > 1 ? weights[tap + 1] : 0;
        float wc = left > 2 ? weights[tap + 2] : 0, wd = left > 3 ? weights[tap + 3] : 0;
        if (tap == 0)
            for (intptr_t i = 0; i < count; i++) sums[i] = (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
        else
            for (intptr_t i = 0; i < count; i++) sums[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
    }
}

void consilium_gather_plane(
    const float *slab, intptr_t width, intptr_t first_line, consilium_windows columns, consilium_windows lines,
    float *sums, float *plane)
{
    // Only the columns that some output uses.
    intptr_t low = width, high = 0;
    for (intptr_t i = 0; i < columns.outputs; i++) {
        if (columns.counts[i] == 0) continue;
        low = columns.starts[i] < low ? columns.starts[i] : low;
        intptr_t end = columns.starts[i] + columns.counts[i];
        high = end > high ? end : high;
    }
    const float *line_weights = lines.weights;
    for (intptr_t j = 0; j < lines.outputs; j++) {
        float *outputs = plane + j * columns.outputs;
        intptr_t taps = lines.counts[j];
        if (taps == 0 || low >= high) {
            for (intptr_t i = 0; i < columns.outputs; i++) outputs[i] = 0;
        } else {
            const float *first = slab + (lines.starts[j] - first_line) * width + low;
            add_lines(first, width, high - low, line_weights, taps, sums + low);
            const float *weights = columns.weights;
            for (intptr_t i = 0; i < columns.outputs; i++) {
                const float *from = sums + columns.starts[i];
                float sum = 0;
                for (intptr_t tap = 0; tap < columns.counts[i]; tap++) sum += weights[tap] * from[tap];
                weights += columns.counts[i];
                outputs[i] = sum;
            }
        }
        line_weights += taps;
    }
}
