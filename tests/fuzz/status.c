/* status.c - fuzzing of what a running app answers: `headrace status`, told anything.
 *
 * ask.c is included, for its socket is imitated: the answer is the input, behind a byte that says how it is
 * shown. Checked: nothing of it moves a terminal's cursor, and --json prints one document. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"
#include "tests/fuzz/play/terminal.h"

static int take_answer(zmq_msg_t *message, void *socket, int flags);

#define zmq_ctx_new() ((void *)&answer)
#define zmq_ctx_term(context) ((void)(context))
#define zmq_socket(context, type) ((void *)&answer)
#define zmq_close(socket) ((void)(socket))
#define zmq_setsockopt(socket, option, value, size) ((void)(socket), (void)(value), 0)
#define zmq_connect(socket, endpoint) ((void)(socket), 0)
#define zmq_send(socket, data, size, flags) ((void)(socket), (int)(size))
#define zmq_poll(items, n, timeout) ((void)(items), (void)(timeout), 1)
#define zmq_msg_recv take_answer

static struct input answer;

#include "supervisor/client/ask.c"
#include "supervisor/client/commands.h"

static int
take_answer(zmq_msg_t *message, void *socket, int flags)
{
    (void)socket, (void)flags;
    size_t n = (size_t)(answer.end - answer.at);
    zmq_msg_close(message);
    zmq_msg_init_size(message, n);
    if (n > 0)
        memcpy(zmq_msg_data(message), answer.at, n);
    return (int)n;
}

int
rundir_find(const char *app, const char *given, char **path, struct rundir_owner *owner, char **error)
{
    (void)app, (void)given;
    *path = mem_string("/nowhere");
    *owner = (struct rundir_owner){.app = "app", .pid = 1};
    *error = NULL;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const ways[] = {(char[]){"-v"}, (char[]){"--json"}, NULL};
    answer = (struct input){data, data + size};
    char *way = ways[input_below(&answer, 3)];
    char *argv[] = {(char[]){"status"}, way, NULL};
    size_t n;
    optind = 0;
    terminal_begin();
    int code = status_main(way ? 2 : 1, argv);
    const char *out = terminal_end(&n);
    MUST(code == 0 || code == EX_UNAVAILABLE, "%d", code);
    MUST((code == 0) == (n > 0), "%d with %zu bytes", code, n);
    json_t *shown = code == 0 && way == ways[1] ? json_loadb(out, n, 0, NULL) : NULL;
    MUST(!(code == 0 && way == ways[1]) || json_is_object(shown), "%s", out);
    json_decref(shown);
    return 0;
}
