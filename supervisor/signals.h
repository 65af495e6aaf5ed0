/* signals.h - what the supervisor is told by signals, as a descriptor in its loop. */
#ifndef SUPERVISOR_SIGNALS_H
#define SUPERVISOR_SIGNALS_H

struct app;

void signals_open(struct app *a);
void signals_close(struct app *a);
/* signals_serve deals with those that came; the loop calls it, and who has to wait before there is a loop. */
void signals_serve(struct app *a);

#endif
