/* life.h - the life of a worker under a supervisor. */
#ifndef WORKER_LIFE_H
#define WORKER_LIFE_H

/* life_run does everything and returns the exit code. */
int life_run(void);

/* life_prepare_process sets up what tasks rely on in any process that runs them: unblocked signals,
 * line-buffered stdout, writes to closed pipes that fail instead of killing. */
void life_prepare_process(void);

#endif
