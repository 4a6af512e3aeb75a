// nifti2_io.h includes <znzlib.h>, which Debian keeps in a folder of its own: this sends it there.
#include <nifti/znzlib.h>
