/* module.h - the shared object that holds the tasks. */
#ifndef WORKER_MODULE_H
#define WORKER_MODULE_H

#include <stdbool.h>

/* module_open loads it: its constructors register what it declares. false: a problem stands in the registry.
 */
bool module_open(const char *path);
/* module_setup calls its hr_setup, if there is one, and settles the registry. false: problems stand there. */
bool module_setup(void);

#endif
