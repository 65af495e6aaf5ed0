/* default.c - does not compile: a field that must be there has no default. */
#include <headrace.h>

#define WRONG(FIELD) FIELD(HR_INT, level, "level", 3)
HR_RECORD(wrong, WRONG);
