// The scalar twin: one lane at a time, on any processor.
#include <stdint.h>
#define W 1
#define TABLE ck_table_scalar
#include "kernels_body.h"
