#ifndef CAGGREGATION_H
#define CAGGREGATION_H
#endif
