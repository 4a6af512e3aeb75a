#if defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define W 8
#define TABLE ca_table_avx512
#include "body.h"
#pragma clang attribute pop
#endif
