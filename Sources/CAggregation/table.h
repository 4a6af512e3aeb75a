// The kernels of one instruction set.
#ifndef CONSILIUM_AGGREGATION_TABLE_H
#define CONSILIUM_AGGREGATION_TABLE_H
#include "CAggregation.h"

typedef struct {
    uint32_t (*fold)(ca_encoding encoding, const float *base, const void *const *deltas, const double *weights,
                     size_t updates, double total, float *out, size_t first, size_t count);
    uint32_t (*squares)(ca_encoding encoding, const void *values, size_t groups, double *sums);
    void (*delta)(ca_encoding encoding, const float *local, const float *base, void *out, size_t count);
} ca_table;

extern const ca_table ca_table_scalar;
#if defined(__x86_64__)
extern const ca_table ca_table_avx2;
extern const ca_table ca_table_avx512;
#endif
#endif
