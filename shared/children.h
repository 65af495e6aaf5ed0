/* children.h - what the supervisor and a child agree on before the first frame: inherited descriptors, the boot
 * document, the description of a module.
 *
 * A child is born by fork and exec: `headrace-worker TASK INSTANCE`, `headrace-timer APP`,
 * `headrace-worker --describe MODULE`, `headrace-worker --try MODULE TASK`. Its descriptors have these numbers.
 * `headrace-symbolize` has none of them: it reads the frames of a dead worker (scoreboard.h) from its stdin, and
 * writes one line, "function (file:line) < function (file:line) < ...", to its stdout.
 * `headrace-worker --try-record MODULE TASK FD` has none of them either: on FD it finds a file that holds a batch
 * (wire.h) of one record, of generation 1, with 0 as its first sequence number.
 *
 * Boot document (JSON, in a memfd at CHILD_FD_BOOT), of a worker:
 *   {"app", "task", "kind": "stream"|"background"|"timer", "instance", "concurrency", "module": path,
 *    "endpoint": "ipc://...", "generation", "log_level": "info", "counters": ["name", ...]}
 * of the timer process:
 *   {"app", "endpoint", "generation", "log_level",
 *    "timers": [{"name", "start": ns, "interval": ns, "after": k}, ...]}
 *   (start is a mono_ns; `after` is the last step that was fired, 0: none; CHILD_FD_SCOREBOARD and
 *    CHILD_FD_TOTALS are not there)
 *
 * Description of a module (JSON, written to CHILD_FD_REPLY by --describe):
 *   {"tasks": [{"name", "topic": text|null, "concurrency": n (0: not given), "order": "partition"|"none"|null,
 *               "file", "line"}, ...],
 *    "timers": [{"name", "interval": seconds (0: not given), "file", "line"}, ...],
 *    "counters": ["name", ...],
 *    "problems": ["text", ...]}     what was wrong in it, in words for the user; then the module is not used */
#ifndef SHARED_CHILDREN_H
#define SHARED_CHILDREN_H

enum child_fd {
    CHILD_FD_SCOREBOARD = 3, /* memfd, read and write */
    CHILD_FD_TOTALS = 4,     /* memfd, read only */
    CHILD_FD_LIFELINE = 5,   /* pipe that reads EOF when the supervisor is gone */
    CHILD_FD_BOOT = 6,       /* memfd, read only */
    CHILD_FD_REPLY = 7       /* --describe: pipe for the description */
};

/* Exit codes of a worker that ends on its own, beside what a task's own exit() gives. */
enum child_exit { CHILD_EXIT_OK = 0, CHILD_EXIT_RETURNED = 1, CHILD_EXIT_SETUP = 78, CHILD_EXIT_PROTOCOL = 70 };

/* What follows the last '/' of an executable or module path is not used for finding: programs are looked for in
 * the folder of /proc/self/exe + "../libexec/headrace", then in that folder itself (an uninstalled build). */
#define CHILD_WORKER "headrace-worker"
#define CHILD_TIMER "headrace-timer"
#define CHILD_SYMBOLIZE "headrace-symbolize"

#endif
