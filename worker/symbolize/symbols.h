/* symbols.h - which function an address of a program or module belongs to, and which line of its source. */
#ifndef WORKER_SYMBOLIZE_SYMBOLS_H
#define WORKER_SYMBOLIZE_SYMBOLS_H

#include <stdint.h>

struct symbols;

/* symbols_open reads a file; NULL where it cannot be read or is no ELF file. */
struct symbols *symbols_open(const char *path);
void symbols_close(struct symbols *s);

/* What is told of one function: its name, and the file and line it is at. file is NULL where that is not
 * known. */
typedef void symbols_found(void *arg, const char *function, const char *file, int line);

/* symbols_find tells the functions that are at `offset` from where the file is loaded, the innermost first:
 * more than one where the compiler has put functions into their callers. Returns how many; 0: none is known.
 */
int symbols_find(struct symbols *s, uint64_t offset, symbols_found *found, void *arg);

#endif
