/* roster.h - what a module registered, said to people: on stderr. */
#ifndef WORKER_ROSTER_H
#define WORKER_ROSTER_H

void roster_lacks(const char *module, const char *task); /* there is no such task; there are these */
void roster_problems(const char *module);                /* what is wrong with the module, a line each */
void roster_counters(void);                              /* each counter's name and total */

#endif
