/* autopsy.h - the backtrace of a dead worker, made readable by a process of its own. */
#ifndef SUPERVISOR_AUTOPSY_H
#define SUPERVISOR_AUTOPSY_H

#include <stdbool.h>

#include "conf/users.h"
#include "shared/clock.h"
#include "shared/scoreboard.h"
#include "supervisor/loop.h"

#define AUTOPSY_LIMIT (10 * NS_PER_S) /* a busy machine reads much debug information slowly */
#define AUTOPSY_LINE_MAX (16 << 10) /* with its newline */

struct autopsy;

/* line is NULL where there is none to be had, and is valid only within the call. */
typedef void autopsy_done(void *arg, const char *line);

/* autopsy_frames returns what a dead worker has left on its scoreboard, as text to be trusted no more than
 * that: lines of printable bytes, ended; free it. NULL: it has left nothing. */
char *autopsy_frames(const struct scoreboard *sb);

/* autopsy_start has `program` (headrace-symbolize) make one line of frames. done is called once, from the
 * loop or from autopsy_tick, never from here. done may be NULL, for who asks with autopsy_ended and
 * autopsy_line. Returns a reference, to be given back with autopsy_drop; a program that cannot be started
 * ends as an autopsy without a line. user is whom it runs as, NULL: as we do. envp and user must live until it
 * ends; the texts are copied. */
struct autopsy *autopsy_start(struct loop *loop, const char *frames, const char *program, char *const envp[],
                              const struct conf_user *user, autopsy_done *done, void *arg);
struct autopsy *autopsy_hold(struct autopsy *a); /* one more reference; NULL gives NULL */
void autopsy_drop(struct autopsy *a);            /* one less; NULL is fine. It goes on without any. */

bool autopsy_ended(const struct autopsy *a);
const char *autopsy_line(const struct autopsy *a); /* NULL: not ended, or there is none */

/* autopsy_tick ends those that have had their time; returns when it wants to be called again. */
mono_ns autopsy_tick(mono_ns now);

/* autopsy_abandon kills those under way: their done is called without a line. For the end of the app, before
 * the loop is closed; it waits until they are reaped. */
void autopsy_abandon(void);

#endif
