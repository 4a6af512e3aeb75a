// Arithmetic on updates: the fold, norms, deltas. Every function gives the same bits at every level, on every machine.
#ifndef CAGGREGATION_H
#define CAGGREGATION_H
#include <stddef.h>
#include <stdint.h>

// Instruction sets, each needing all before it.
typedef enum { CA_SCALAR = 0, CA_AVX2 = 1, CA_AVX512 = 2 } ca_level;

// The best level this processor has.
ca_level ca_best_level(void);

// How the numbers of an update are stored.
typedef enum { CA_F32 = 0, CA_BF16 = 1 } ca_encoding;

// out[i] = base[i] + (sum over s of weights[s] * deltas[s][i]) / total, in double, products and sums rounded one by one
// and in the order of s, then once to float.
// Returns the largest bit pattern without its sign among `out`: 0x7f800000 and above are not finite.
uint32_t ca_fold(ca_level level, ca_encoding encoding, const float *base, const void *const *deltas,
                 const double *weights, size_t updates, double total, float *out, size_t count);

// Adds the squares of 16 * groups values to 16 sums: value i to sums[i % 16]. Squares are exact in double.
// Returns the largest bit pattern without its sign, widened to float.
uint32_t ca_squares(ca_level level, ca_encoding encoding, const void *values, size_t groups, double *sums);

// out[i] = local[i] - base[i], rounded to the encoding (ties to even).
void ca_delta(ca_level level, ca_encoding encoding, const float *local, const float *base, void *out, size_t count);
#endif
