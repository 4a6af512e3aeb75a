// Chooses the kernels of an instruction set.
#include "table.h"

ca_level ca_best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return CA_AVX512;
    if (__builtin_cpu_supports("avx2")) return CA_AVX2;
#endif
    return CA_SCALAR;
}

static const ca_table *table(ca_level level) {
#if defined(__x86_64__)
    if (level == CA_AVX512) return &ca_table_avx512;
    if (level == CA_AVX2) return &ca_table_avx2;
#endif
    (void)level;
    return &ca_table_scalar;
}

uint32_t ca_fold(ca_level level, ca_encoding encoding, const float *base, const void *const *deltas,
                 const double *weights, size_t updates, double total, float *out, size_t count) {
    return table(level)->fold(encoding, base, deltas, weights, updates, total, out, 0, count);
}
uint32_t ca_squares(ca_level level, ca_encoding encoding, const void *values, size_t groups, double *sums) {
    return table(level)->squares(encoding, values, groups, sums);
}
void ca_delta(ca_level level, ca_encoding encoding, const float *local, const float *base, void *out, size_t count) {
    table(level)->delta(encoding, local, base, out, count);
}
