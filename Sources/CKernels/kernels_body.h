// The kernels, for one instruction set: W lanes, names ending in ISA. Every loop ends in a tail of fewer lanes.
#include "table.h"
#include "vector.h"

#define EACH(i, n, from, to) \
    for (size_t i = (from), n = 0; i < (to) && (n = (to) - i < W ? (to) - i : W); i += W)

static void layernorm_forward(const float *x, const float *gamma, const float *beta, void *out, const int half,
                                  float *mean, float *rstd, size_t rows, size_t width, float eps) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        V s = all(0);
        EACH(i, n, 0, width) s += load(row + i, n);
        const float mu = sum(s) / (float)width;
        V q = all(0);
        EACH(i, n, 0, width) {
            V d = load(row + i, n) - all(mu);
            if (n < W) d = only(d, n, 0);
            q = fma_(d, d, q);
        }
        const float k = 1 / sqrtf(sum(q) / (float)width + eps);
        mean[r] = mu;
        rstd[r] = k;
        EACH(i, n, 0, width) {
            V y = fma_((load(row + i, n) - all(mu)) * all(k), load(gamma + i, n), load(beta + i, n));
            if (half) store_half((uint16_t *)out + r * width + i, y, n);
            else store((float *)out + r * width + i, y, n);
        }
    }
}

static void layernorm_backward(const float *x, const float *gamma, const float *dout, const float *mean,
                               const float *rstd, const float *residual, float *dx, float *dgamma, float *dbeta,
                               size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width, *d = dout + r * width;
        const V mu = all(mean[r]), k = all(rstd[r]);
        V s = all(0), q = all(0);
        EACH(i, n, 0, width) {
            V xhat = (load(row + i, n) - mu) * k;
            if (n < W) xhat = only(xhat, n, 0);
            V dv = load(d + i, n), gd = dv * load(gamma + i, n);
            s += gd;
            q = fma_(gd, xhat, q);
            if (dgamma) {
                store(dgamma + i, fma_(dv, xhat, load(dgamma + i, n)), n);
                store(dbeta + i, dv + load(dbeta + i, n), n);
            }
        }
        const V a = all(sum(s) / (float)width), b = all(sum(q) / (float)width);
        EACH(i, n, 0, width) {
            V xhat = (load(row + i, n) - mu) * k, gd = load(d + i, n) * load(gamma + i, n);
            V y = k * (gd - a - xhat * b);
            if (residual) y += load(residual + r * width + i, n);
            store(dx + r * width + i, y, n);
        }
    }
}

INLINE void bias_gelu_forward_(const float *in, const float *bias, void *pre, void *act, const int half, size_t rows,
                               size_t width) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, 0, width) {
            const size_t at = r * width + i;
            V z = load(in + at, n) + load(bias + i, n), e;
            if (pre) store_act(pre, at, z, n, half);
            store_act(act, at, z * normal(z, &e), n, half);
        }
}
static void bias_gelu_forward(const float *in, const float *bias, void *pre, void *act, int half, size_t rows,
                              size_t width) {
    if (half) bias_gelu_forward_(in, bias, pre, act, 1, rows, width);
    else bias_gelu_forward_(in, bias, pre, act, 0, rows, width);
}

INLINE void gelu_backward_(const float *dact, const void *pre, void *dpre, const int half, float *dbias,
                           size_t rows, size_t width, size_t first, size_t last) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, first, last) {
            const size_t at = r * width + i;
            V z = load_act(pre, at, n, half), e, phi = normal(z, &e);
            V d = load(dact + at, n) * fma_(z * e, all(0.39894228f), phi);
            store_act(dpre, at, d, n, half);
            store(dbias + i, load(dbias + i, n) + d, n);
        }
}
static void gelu_backward(const float *dact, const void *pre, void *dpre, int half, float *dbias, int accumulate,
                          size_t rows, size_t width, size_t first, size_t last) {
    if (!accumulate) memset(dbias + first, 0, (last - first) * sizeof(float));
    // Blocks of columns whose sums stay in the first cache while the rows pass.
    for (size_t c = first; c < last; c += 512) {
        const size_t end = c + 512 < last ? c + 512 : last;
        if (half) gelu_backward_(dact, pre, dpre, 1, dbias, rows, width, c, end);
        else gelu_backward_(dact, pre, dpre, 0, dbias, rows, width, c, end);
    }
}

static void bias_residual(const float *x, const float *in, const float *bias, float *out, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, 0, width) {
            const size_t at = r * width + i;
            store(out + at, load(x + at, n) + (load(in + at, n) + load(bias + i, n)), n);
        }
}

INLINE void column_sum_cast_(const float *in, void *out, const int half, float *dbias, size_t rows, size_t width,
                             size_t first, size_t last) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, first, last) {
            const size_t at = r * width + i;
            V d = load(in + at, n);
            if (out) store_act(out, at, d, n, half);
            if (dbias) store(dbias + i, load(dbias + i, n) + d, n);
        }
}
static void column_sum_cast(const float *in, void *out, int half, float *dbias, int accumulate, size_t rows,
                            size_t width, size_t first, size_t last) {
    if (dbias && !accumulate) memset(dbias + first, 0, (last - first) * sizeof(float));
    for (size_t c = first; c < last; c += 512) {
        const size_t end = c + 512 < last ? c + 512 : last;
        if (half) column_sum_cast_(in, out, 1, dbias, rows, width, c, end);
        else column_sum_cast_(in, out, 0, dbias, rows, width, c, end);
    }
}

static void to_half(const float *in, uint16_t *out, size_t count) {
    EACH(i, n, 0, count) store_half(out + i, load(in + i, n), n);
}
static void from_half(const uint16_t *in, float *out, size_t count) {
    EACH(i, n, 0, count) store(out + i, load_half(in + i, n), n);
}
static void axpy(float a, const float *x, float *y, size_t count) {
    EACH(i, n, 0, count) store(y + i, fma_(all(a), load(x + i, n), load(y + i, n)), n);
}

static void transpose_bias(const float *in, const float *bias, void *out, int half, size_t rows, size_t a, size_t b) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < a; i++) {
            const float *line = in + (r * a + i) * b, add = bias ? bias[i] : 0;
            for (size_t j = 0; j < b; j++) {
                const size_t at = (r * b + j) * a + i;
                const float x = line[j] + add;
                if (half) {
                    uint32_t u;
                    memcpy(&u, &x, 4);
                    ((uint16_t *)out)[at] = (u & 0x7fffffff) > 0x7f800000
                        ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
                } else {
                    ((float *)out)[at] = x;
                }
            }
        }
}

static double l1(const float *o, const float *g, float *grad, float scale, size_t count) {
    VD s = (VD)0.0;
    EACH(i, n, 0, count) {
        V d = load(o + i, n) - load(g + i, n);
        s += __builtin_convertvector(__builtin_elementwise_abs(d), VD);
        if (grad) {
            V sign = choose(d > all(0), all(scale), choose(d < all(0), all(-scale), d * all(0)));
            store(grad + i, sign, n);
        }
    }
    return sum_double(&s);
}
static double sum_of_squares(const float *x, size_t count) {
    VD s = (VD)0.0;
    EACH(i, n, 0, count) {
        VD d = __builtin_convertvector(load(x + i, n), VD);
        s += d * d;
    }
    return sum_double(&s);
}

// The high plane is rounded half away from zero, so that the rest always fits in a signed 16-bit number.
INLINE V join_planes(const uint16_t *high, const int16_t *low, size_t n) {
    VH h = (VH)(uint16_t)0;
    VS l = (VS)(int16_t)0;
    if (n >= W) { memcpy(&h, high, sizeof h); memcpy(&l, low, sizeof l); }
    else { memcpy(&h, high, n * 2); memcpy(&l, low, n * 2); }
    return value((__builtin_convertvector(h, VU) << 16) + (VU)__builtin_convertvector(l, VI));
}
INLINE void split_planes(V x, uint16_t *high, int16_t *low, size_t n) {
    VU u = bits(x), r = (u + 0x8000) >> 16;
    VH h = __builtin_convertvector(r, VH);
    VS l = __builtin_convertvector((VI)(u - (r << 16)), VS);
    if (n >= W) { memcpy(high, &h, sizeof h); memcpy(low, &l, sizeof l); }
    else { memcpy(high, &h, n * 2); memcpy(low, &l, n * 2); }
}
static void split(const float *w, uint16_t *high, int16_t *low, size_t count) {
    EACH(i, n, 0, count) split_planes(load(w + i, n), high + i, low + i, n);
}
static void join(const uint16_t *high, const int16_t *low, float *w, size_t count) {
    EACH(i, n, 0, count) store(w + i, join_planes(high + i, low + i, n), n);
}

// Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2, in PyTorch's order of operations.
INLINE V adam_lane(const ck_adam *o, V w, V g, float *m, float *v, size_t n) {
    g *= all(o->scale);
    if (o->decoupled) w *= all(1 - o->rate * o->decay);
    else g = fma_(all(o->decay), w, g);
    V mean = fma_(all(1 - o->beta1), g - load(m, n), load(m, n));
    V square = fma_(all(1 - o->beta2) * g, g, all(o->beta2) * load(v, n));
    store(m, mean, n);
    store(v, square, n);
    V denominator = __builtin_elementwise_sqrt(square) / all(sqrtf(o->correction2)) + all(o->epsilon);
    return w - all(o->rate / o->correction1) * (mean / denominator);
}
static void adam(const ck_adam *o, float *w, const float *g, float *m, float *v, size_t count) {
    EACH(i, n, 0, count) store(w + i, adam_lane(o, load(w + i, n), load(g + i, n), m + i, v + i, n), n);
}
static void adam_split(const ck_adam *o, uint16_t *high, int16_t *low, const float *g, float *m, float *v,
                       size_t count) {
    EACH(i, n, 0, count)
        split_planes(adam_lane(o, join_planes(high + i, low + i, n), load(g + i, n), m + i, v + i, n), high + i,
                     low + i, n);
}
INLINE V sgd_lane(const ck_sgd *o, V w, V g, float *m, size_t n) {
    g = fma_(all(o->decay), w, g * all(o->scale));
    V velocity = o->first ? g : fma_(all(o->momentum), load(m, n), g);
    store(m, velocity, n);
    return w - all(o->rate) * velocity;
}
static void sgd(const ck_sgd *o, float *w, const float *g, float *m, size_t count) {
    EACH(i, n, 0, count) store(w + i, sgd_lane(o, load(w + i, n), load(g + i, n), m + i, n), n);
}
static void sgd_split(const ck_sgd *o, uint16_t *high, int16_t *low, const float *g, float *m, size_t count) {
    EACH(i, n, 0, count)
        split_planes(sgd_lane(o, join_planes(high + i, low + i, n), load(g + i, n), m + i, n), high + i, low + i, n);
}

INLINE void softmax_(float *in, float scale, void *out, const int half, size_t rows,
                     size_t width) {
    for (size_t r = 0; r < rows; r++) {
        float *row = in + r * width;
        V m = all(-INFINITY);
        EACH(i, n, 0, width) {
            V x = load(row + i, n) * all(scale);
            if (n < W) x = only(x, n, -INFINITY);
            m = choose((x > m) | (x != x), x, m);
        }
        const float top = largest(m);
        V s = all(0);
        EACH(i, n, 0, width) {
            V e = exponential(load(row + i, n) * all(scale) - all(top));
            if (n < W) e = only(e, n, 0);
            store(row + i, e, n);
            s += e;
        }
        const V k = all(1 / sum(s));
        EACH(i, n, 0, width) store_act(out, r * width + i, load(row + i, n) * k, n, half);
    }
}
static void softmax(float *in, float scale, void *out, int half, size_t rows, size_t width) {
    if (half) softmax_(in, scale, out, 1, rows, width);
    else softmax_(in, scale, out, 0, rows, width);
}
INLINE void softmax_backward_(const void *p, const float *dp, float scale, void *ds, const int half, size_t rows,
                              size_t width) {
    for (size_t r = 0; r < rows; r++) {
        V s = all(0);
        EACH(i, n, 0, width) s = fma_(load_act(p, r * width + i, n, half), load(dp + r * width + i, n), s);
        const V mean = all(sum(s)), k = all(scale);
        EACH(i, n, 0, width)
            store_act(ds, r * width + i,
                      k * (load_act(p, r * width + i, n, half) * (load(dp + r * width + i, n) - mean)), n, half);
    }
}
static void softmax_backward(const void *p, const float *dp, float scale, void *ds, int half, size_t rows, size_t width) {
    if (half) softmax_backward_(p, dp, scale, ds, 1, rows, width);
    else softmax_backward_(p, dp, scale, ds, 0, rows, width);
}

// Columns in blocks whose sums stay in registers while the rows pass.
INLINE void channel_sums_(const float *x, const float *d, const float *y, const int gradient, const int relu, float *first,
                          float *second, size_t rows, size_t channels) {
    EACH(i, n, 0, channels) {
        V s = all(0), q = all(0);
        for (size_t r = 0; r < rows; r++) {
            const size_t at = r * channels + i;
            const V value_ = load(x + at, n);
            V v = value_;
            if (gradient) {
                v = load(d + at, n);
                if (relu) v = choose(load(y + at, n) > all(0), v, all(0));
            }
            s += v;
            q = fma_(v, value_, q);
        }
        store(first + i, s, n);
        store(second + i, q, n);
    }
}
static void channel_sums(const float *x, const float *d, const float *y, float *first, float *second, size_t rows,
                         size_t channels) {
    if (!d) channel_sums_(x, d, y, 0, 0, first, second, rows, channels);
    else if (y) channel_sums_(x, d, y, 1, 1, first, second, rows, channels);
    else channel_sums_(x, d, y, 1, 0, first, second, rows, channels);
}
static void channel_scale(const float *x, const float *scale, const float *shift, const float *residual, int relu,
                          float *out, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, 0, channels) {
            const size_t at = r * channels + i;
            V v = fma_(load(x + at, n), load(scale + i, n), load(shift + i, n));
            if (residual) v += load(residual + at, n);
            // A NaN stays one.
            if (relu) v = choose(v < all(0), all(0), v);
            store(out + at, v, n);
        }
}
static void channel_norm_backward(const float *x, const float *d, const float *y, const float *scale, const float *shift,
                                  const float *third, float *out, float *masked, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++)
        EACH(i, n, 0, channels) {
            const size_t at = r * channels + i;
            V v = load(d + at, n);
            if (y) v = choose(load(y + at, n) > all(0), v, all(0));
            const V w = fma_(v, load(scale + i, n), fma_(load(x + at, n), load(shift + i, n), load(third + i, n)));
            if (masked) store(masked + at, v, n);
            store(out + at, w, n);
        }
}

const ck_table TABLE = {
    .layernorm_forward = layernorm_forward, .layernorm_backward = layernorm_backward,
    .bias_gelu_forward = bias_gelu_forward, .gelu_backward = gelu_backward, .bias_residual = bias_residual,
    .column_sum_cast = column_sum_cast, .to_half = to_half, .from_half = from_half, .axpy = axpy,
    .transpose_bias = transpose_bias, .l1 = l1, .sum_of_squares = sum_of_squares, .adam = adam,
    .adam_split = adam_split, .sgd = sgd, .sgd_split = sgd_split, .split = split, .join = join, .softmax = softmax,
    .softmax_backward = softmax_backward, .channel_sums = channel_sums, .channel_scale = channel_scale,
    .channel_norm_backward = channel_norm_backward,
};
