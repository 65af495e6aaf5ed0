/* load_unresolved.c - a module that needs a symbol which nobody has. */
#include <headrace.h>

int symbol_that_nobody_has(void);

HR_TASK(never, .topic = "records")
{
    return symbol_that_nobody_has();
}
