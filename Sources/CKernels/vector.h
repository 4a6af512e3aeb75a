// A vector of W floats in clang's portable vector types: loads, stores, bfloat16, exponential and normal distribution.
// Included by kernels_body.h, once for each instruction set.
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((ext_vector_type(W)));
typedef int32_t VI __attribute__((ext_vector_type(W)));
typedef uint32_t VU __attribute__((ext_vector_type(W)));
typedef uint16_t VH __attribute__((ext_vector_type(W)));
typedef int16_t VS __attribute__((ext_vector_type(W)));
typedef double VD __attribute__((ext_vector_type(W)));

INLINE V all(float x) { return (V)x; }
INLINE V fma_(V a, V b, V c) { return __builtin_elementwise_fma(a, b, c); }
INLINE VU bits(V x) { VU u; memcpy(&u, &x, sizeof u); return u; }
INLINE V value(VU u) { V x; memcpy(&x, &u, sizeof x); return x; }
INLINE V choose(VI mask, V yes, V no) { return mask ? yes : no; }

// n is the number of lanes that exist: W in the body of a loop, fewer in its tail; lanes beyond read as 0.
INLINE V load(const float *p, size_t n) {
    V x = all(0);
    if (n >= W) memcpy(&x, p, sizeof x);
    else memcpy(&x, p, n * sizeof(float));
    return x;
}
INLINE void store(float *p, V x, size_t n) {
    if (n >= W) memcpy(p, &x, sizeof x);
    else memcpy(p, &x, n * sizeof(float));
}
INLINE V widen(VH h) { return value(__builtin_convertvector(h, VU) << 16); }
// To nearest, ties to even; a NaN stays a (quiet) NaN.
INLINE VH narrow(V x) {
    VU u = bits(x);
    VU r = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    VU quiet = (u >> 16) | 0x40;
    VU out = (u & 0x7fffffff) > 0x7f800000 ? quiet : r;
    return __builtin_convertvector(out, VH);
}
INLINE V load_half(const uint16_t *p, size_t n) {
    VH h = (VH)(uint16_t)0;
    if (n >= W) memcpy(&h, p, sizeof h);
    else memcpy(&h, p, n * sizeof(uint16_t));
    return widen(h);
}
INLINE void store_half(uint16_t *p, V x, size_t n) {
    VH h = narrow(x);
    if (n >= W) memcpy(p, &h, sizeof h);
    else memcpy(p, &h, n * sizeof(uint16_t));
}
// Activations: float or bfloat16, known when the kernel is compiled.
INLINE V load_act(const void *p, size_t i, size_t n, const int half) {
    return half ? load_half((const uint16_t *)p + i, n) : load((const float *)p + i, n);
}
INLINE void store_act(void *p, size_t i, V x, size_t n, const int half) {
    if (half) store_half((uint16_t *)p + i, x, n);
    else store((float *)p + i, x, n);
}
// Lanes n... get `fill`.
INLINE V only(V x, size_t n, float fill) {
    for (size_t i = n; i < W; i++) x[i] = fill;
    return x;
}
INLINE float sum(V x) {
    float s[W];
    memcpy(s, &x, sizeof s);
    for (size_t step = W / 2; step > 0; step /= 2)
        for (size_t i = 0; i < step; i++) s[i] += s[i + step];
    return s[0];
}
// By address: a vector of W doubles is wider than AVX2's registers and could not be passed by value.
INLINE double sum_double(const VD *x) {
    double s = 0;
    for (size_t i = 0; i < W; i++) s += (*x)[i];
    return s;
}
// Keeps a NaN, which fmax would drop.
INLINE float largest(V x) {
    float m = x[0];
    for (size_t i = 1; i < W; i++) m = (x[i] > m || x[i] != x[i]) ? x[i] : m;
    return m;
}

// e^x to about 1.5 ulp: x = n ln2 + r in two parts (Cody and Waite), Taylor polynomial of degree 7 on |r| <= ln2 / 2.
INLINE V exponential(V x) {
    V c = choose(x < all(-87.3f), all(-87.3f), choose(x > all(88.7f), all(88.7f), x));
    c = choose(x != x, all(0), c);
    V n = __builtin_elementwise_roundeven(c * all(1.44269504f));
    V r = fma_(n, all(-0.693359375f), c);
    r = fma_(n, all(2.12194440e-4f), r);
    V p = all(1.9841270e-4f);
    p = fma_(p, r, all(1.3888889e-3f));
    p = fma_(p, r, all(8.3333333e-3f));
    p = fma_(p, r, all(4.1666667e-2f));
    p = fma_(p, r, all(1.6666667e-1f));
    p = fma_(p, r, all(0.5f));
    p = fma_(p, r, all(1));
    p = fma_(p, r, all(1));
    VI e = __builtin_convertvector(n, VI);
    // Two factors of 2^(e/2) reach the ends of the range without overflowing the exponent field.
    VI half = e >> 1;
    V y = p * value((VU)((half + 127) << 23)) * value((VU)((e - half + 127) << 23));
    y = choose(x > all(88.72284f), all(INFINITY), y);
    y = choose(x < all(-103.97f), all(0), y);
    return choose(x != x, x, y);
}
// Phi(x), the normal distribution function, and e^(-x^2/2): Abramowitz and Stegun 7.1.26, |error| < 1.5e-7.
INLINE V normal(V x, V *density) {
    V z = __builtin_elementwise_abs(x) * all(0.70710678f);
    V e = exponential(x * x * all(-0.5f));
    V t = all(1) / fma_(z, all(0.3275911f), all(1));
    V p = all(1.061405429f);
    p = fma_(p, t, all(-1.453152027f));
    p = fma_(p, t, all(1.421413741f));
    p = fma_(p, t, all(-0.284496736f));
    p = fma_(p, t, all(0.254829592f));
    V q = p * t * (e * all(0.5f));
    *density = e;
    return choose(x < all(0), q, all(1) - q);
}
