// The kernels in clang's portable vectors of W doubles; included once for each instruction set, with W and TABLE.
#include <string.h>

#include "table.h"

#define INLINE static inline __attribute__((always_inline))
// Vectors handled together, so that sums of different values overlap.
enum { TOGETHER = 4 };

typedef float F __attribute__((ext_vector_type(W)));
typedef double D __attribute__((ext_vector_type(W)));
typedef uint32_t U __attribute__((ext_vector_type(W)));
typedef uint16_t H __attribute__((ext_vector_type(W)));

INLINE F load(const int half, const void *values, size_t i) {
    F value;
    if (half) {
        H bits;
        memcpy(&bits, (const char *)values + 2 * i, sizeof bits);
        const U wide = __builtin_convertvector(bits, U) << 16;
        memcpy(&value, &wide, sizeof value);
    } else {
        memcpy(&value, (const char *)values + 4 * i, sizeof value);
    }
    return value;
}
INLINE U magnitude(F value) {
    U bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffff;
}
INLINE uint32_t largest_of(U values) {
    uint32_t largest = 0;
    for (int i = 0; i < W; i++) largest = values[i] > largest ? values[i] : largest;
    return largest;
}

INLINE uint32_t fold_as(const int half, const float *base, const void *const *deltas, const double *weights,
                        size_t updates, double total, float *out, size_t count, size_t *done) {
    U largest = (U)(uint32_t)0;
    size_t i = *done;
    for (; i + TOGETHER * W <= count; i += TOGETHER * W) {
        D sums[TOGETHER];
        for (int v = 0; v < TOGETHER; v++) sums[v] = (D)0.0;
        for (size_t s = 0; s < updates; s++) {
            const D weight = (D)weights[s];
            for (int v = 0; v < TOGETHER; v++)
                sums[v] += weight * __builtin_convertvector(load(half, deltas[s], i + v * W), D);
        }
        for (int v = 0; v < TOGETHER; v++) {
            const D before = __builtin_convertvector(load(0, base, i + v * W), D);
            const F after = __builtin_convertvector(before + sums[v] / (D)total, F);
            memcpy(out + i + v * W, &after, sizeof after);
            largest = __builtin_elementwise_max(largest, magnitude(after));
        }
    }
    *done = i;
    return largest_of(largest);
}
static uint32_t fold(ca_encoding encoding, const float *base, const void *const *deltas, const double *weights,
                     size_t updates, double total, float *out, size_t first, size_t count) {
    size_t done = first;
    const uint32_t body = encoding == CA_BF16
                              ? fold_as(1, base, deltas, weights, updates, total, out, count, &done)
                              : fold_as(0, base, deltas, weights, updates, total, out, count, &done);
    const uint32_t tail = ca_table_scalar.fold(encoding, base, deltas, weights, updates, total, out, done, count);
    return body > tail ? body : tail;
}

INLINE uint32_t squares_as(const int half, const void *values, size_t groups, double *sums) {
    D lanes[16 / W];
    memcpy(lanes, sums, sizeof lanes);
    U largest = (U)(uint32_t)0;
    for (size_t g = 0; g < groups; g++) {
        for (int v = 0; v < 16 / W; v++) {
            const F value = load(half, values, 16 * g + (size_t)(v * W));
            const D wide = __builtin_convertvector(value, D);
            lanes[v] += wide * wide;
            largest = __builtin_elementwise_max(largest, magnitude(value));
        }
    }
    memcpy(sums, lanes, sizeof lanes);
    return largest_of(largest);
}
static uint32_t squares(ca_encoding encoding, const void *values, size_t groups, double *sums) {
    return encoding == CA_BF16 ? squares_as(1, values, groups, sums) : squares_as(0, values, groups, sums);
}

static void delta(ca_encoding encoding, const float *local, const float *base, void *out, size_t count) {
    size_t i = 0;
    for (; i + W <= count; i += W) {
        const F value = load(0, local, i) - load(0, base, i);
        if (encoding == CA_F32) {
            memcpy((char *)out + 4 * i, &value, sizeof value);
            continue;
        }
        U bits;
        memcpy(&bits, &value, sizeof bits);
        const U rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        const U quiet = (bits >> 16) | 0x40;
        const H half = __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded, H);
        memcpy((char *)out + 2 * i, &half, sizeof half);
    }
    const size_t size = encoding == CA_BF16 ? 2 : 4;
    ca_table_scalar.delta(encoding, local + i, base + i, (char *)out + size * i, count - i);
}

const ca_table TABLE = {fold, squares, delta};
