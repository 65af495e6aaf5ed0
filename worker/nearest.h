/* nearest.h - names sorted by how much they look like a mistyped one. */
#ifndef WORKER_NEAREST_H
#define WORKER_NEAREST_H

#include <stddef.h>

void nearest_sort(const char **names, size_t n, const char *wanted);

#endif
