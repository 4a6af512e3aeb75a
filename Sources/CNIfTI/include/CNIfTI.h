#ifndef CONSILIUM_CNIFTI_H
#define CONSILIUM_CNIFTI_H
#include <nifti/nifti2_io.h>
#endif
