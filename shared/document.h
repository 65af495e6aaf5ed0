/* document.h - JSON documents that a process inherits on a descriptor. */
#ifndef SHARED_DOCUMENT_H
#define SHARED_DOCUMENT_H

#include <jansson.h>

/* document_read reads the whole of a file or memfd from its start, whatever its offset. NULL: *problem (to be
 * freed) says why, in words. The caller owns the result. */
json_t *document_read(int fd, char **problem);

#endif
