// The plain twin of every kernel: one value at a time, no vectors.
#include <string.h>

#include "table.h"

static float widen(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static float load(ca_encoding encoding, const void *values, size_t i) {
    if (encoding == CA_BF16) {
        uint16_t half;
        memcpy(&half, (const char *)values + 2 * i, sizeof half);
        return widen(half);
    }
    float value;
    memcpy(&value, (const char *)values + 4 * i, sizeof value);
    return value;
}
static uint32_t magnitude(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffff;
}

static uint32_t fold(ca_encoding encoding, const float *base, const void *const *deltas, const double *weights,
                     size_t updates, double total, float *out, size_t first, size_t count) {
    uint32_t largest = 0;
    for (size_t i = first; i < count; i++) {
        double sum = 0;
        for (size_t s = 0; s < updates; s++) sum += weights[s] * (double)load(encoding, deltas[s], i);
        out[i] = (float)((double)base[i] + sum / total);
        if (magnitude(out[i]) > largest) largest = magnitude(out[i]);
    }
    return largest;
}

static uint32_t squares(ca_encoding encoding, const void *values, size_t groups, double *sums) {
    uint32_t largest = 0;
    for (size_t i = 0; i < 16 * groups; i++) {
        const float value = load(encoding, values, i);
        sums[i % 16] += (double)value * (double)value;
        if (magnitude(value) > largest) largest = magnitude(value);
    }
    return largest;
}

static void delta(ca_encoding encoding, const float *local, const float *base, void *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float value = local[i] - base[i];
        if (encoding == CA_F32) {
            memcpy((char *)out + 4 * i, &value, sizeof value);
            continue;
        }
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint16_t rounded = (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
        // A NaN keeps being one: rounding could turn a payload of low bits into infinity.
        const uint16_t half = magnitude(value) > 0x7f800000 ? (uint16_t)((bits >> 16) | 0x40) : rounded;
        memcpy((char *)out + 2 * i, &half, sizeof half);
    }
}

const ca_table ca_table_scalar = {fold, squares, delta};
