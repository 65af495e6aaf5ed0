/* progress.h - how far --until-end has come, as a bar on a terminal. */
#ifndef SUPERVISOR_PROGRESS_H
#define SUPERVISOR_PROGRESS_H

#include "shared/clock.h"

struct app;

void progress_show(struct app *a, mono_ns now); /* draws a few times a second, on a terminal only */
void progress_end(struct app *a);               /* leaves the cursor on a line of its own */

#endif
