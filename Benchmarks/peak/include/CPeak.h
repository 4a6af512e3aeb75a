// The processor's multiply-add rate, measured: the denominator of "fraction of peak".
#ifndef CONSILIUM_CPEAK_H
#define CONSILIUM_CPEAK_H
// GFLOP/s of `threads` threads in chains of register-only multiply-adds, fp32 or (half) bfloat16 products summed in fp32;
// 0 where the processor lacks the instructions.
double peak_gflops(int threads, int half);
#endif
