/* document.c - JSON documents that a process inherits on a descriptor. Owns nothing; does not know what they
 * say. */
#include "shared/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"

#define DOCUMENT_MAX (64 << 20)

/* read_all returns the content, *size bytes, or NULL with errno set. */
static char *
read_all(int fd, size_t *size)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return NULL;
    if (!S_ISREG(status.st_mode) || status.st_size > DOCUMENT_MAX) {
        errno = EINVAL;
        return NULL;
    }
    char *text = mem_alloc((size_t)status.st_size + 1);
    for (*size = 0; *size < (size_t)status.st_size;) {
        ssize_t n = pread(fd, text + *size, (size_t)status.st_size - *size, (off_t)*size);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR) {
            free(text);
            return NULL;
        }
        *size += n > 0 ? (size_t)n : 0;
    }
    return text;
}

json_t *
document_read(int fd, char **problem)
{
    size_t size;
    char *text = read_all(fd, &size);
    if (!text) {
        *problem = mem_printf("descriptor %d: %s", fd, strerror(errno));
        return NULL;
    }
    json_error_t error;
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        *problem = mem_printf("descriptor %d: %s", fd, error.text);
    free(text);
    return document;
}
