/* module.c - the shared object that holds the tasks, loaded.
 *
 * Owns: the handle. It is never closed: bodies, exit handlers and static destructors of the module may still
 * run. Guarantees: every way in which loading fails becomes a problem in the registry. What constructors and
 * hr_setup do beside (print, crash, hang) is the business of whoever started this process. Must not know:
 * what is done with the tasks. */
#include "worker/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "worker/headrace.h"
#include "worker/registry.h"

struct hr_app {
    char none; /* there is one app in a process: the handle only shows where registering is allowed */
};

static void *handle;

bool
module_open(const char *path)
{
    /* without a slash dlopen would look in the system's folders */
    char *where = mem_printf("%s%s", strchr(path, '/') ? "" : "./", path);
    handle = dlopen(where, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        registry_problem("cannot be loaded: %s", dlerror());
    free(where);
    return handle != NULL;
}

bool
module_setup(void)
{
    int (*setup)(hr_app *) = (int (*)(hr_app *))dlsym(handle, "hr_setup");
    static struct hr_app app;
    size_t before = registry_n_problems();
    int result = setup ? setup(&app) : 0;
    if (result != 0 && registry_n_problems() == before) /* else it says what hr_add_task said */
        registry_problem("hr_setup returned %d; it must return 0", result);
    registry_settle();
    return registry_n_problems() == 0;
}
