#include "CAggregation.h"
