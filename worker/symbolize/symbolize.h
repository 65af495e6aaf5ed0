/* symbolize.h - the frames of a dead worker as one line that people can read. */
#ifndef WORKER_SYMBOLIZE_SYMBOLIZE_H
#define WORKER_SYMBOLIZE_SYMBOLIZE_H

#define SYMBOLIZE_FRAMES 64         /* most that are read */
#define SYMBOLIZE_ANSWER (16 << 10) /* most that the line takes, with its end */

/* symbolize returns the line for frames as they stand on the scoreboard (shared/scoreboard.h), without a
 * newline; free it. "" where there are none. */
char *symbolize(const char *frames);

#endif
