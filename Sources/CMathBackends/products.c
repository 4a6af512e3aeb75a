#include "CMathBackends.h"
