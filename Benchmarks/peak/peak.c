#define _GNU_SOURCE
#include "CPeak.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { CHAINS = 24, TURNS = 6000000 };

__attribute__((target("avx512f"), noinline)) static float chains_f32(void) {
    __m512 a[CHAINS];
    const __m512 x = _mm512_set1_ps(1.0000001f), y = _mm512_set1_ps(1e-7f);
    for (int i = 0; i < CHAINS; i++) a[i] = _mm512_set1_ps((float)i);
    for (long k = 0; k < TURNS; k++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; i++) a[i] = _mm512_fmadd_ps(a[i], x, y);
    }
    float s = 0;
    for (int i = 0; i < CHAINS; i++) s += _mm512_reduce_add_ps(a[i]);
    return s;
}
__attribute__((target("avx512f,avx512bf16"), noinline)) static float chains_bf16(void) {
    __m512 a[CHAINS];
    const __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f80), y = (__m512bh)_mm512_set1_epi16(0x3400);
    for (int i = 0; i < CHAINS; i++) a[i] = _mm512_set1_ps((float)i);
    for (long k = 0; k < TURNS; k++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; i++) a[i] = _mm512_dpbf16_ps(a[i], x, y);
        // The inputs never change; without this the compiler would add once.
        __asm__ volatile("" ::: "memory");
    }
    float s = 0;
    for (int i = 0; i < CHAINS; i++) s += _mm512_reduce_add_ps(a[i]);
    return s;
}
static volatile float sink;
static void *turn(void *half) {
    sink = half ? chains_bf16() : chains_f32();
    return NULL;
}
double peak_gflops(int threads, int half) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512f") || (half && !__builtin_cpu_supports("avx512bf16"))) return 0;
    double best = 0;
    for (int repeat = 0; repeat < 3; repeat++) {
        struct timespec from, to;
        pthread_t others[threads];
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, turn, half ? &from : NULL);
        turn(half ? &from : NULL);
        for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
        clock_gettime(CLOCK_MONOTONIC, &to);
        const double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        const double rate = (double)threads * TURNS * CHAINS * (half ? 64 : 32) / seconds / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}
#else
double peak_gflops(int threads, int half) {
    (void)threads;
    (void)half;
    return 0;
}
#endif
