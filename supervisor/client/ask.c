/* ask.c - a question to a running app.
 *
 * Owns: the client's end of the control protocol: one request, one reply, both JSON:
 *     {"command": "status"}    {"ok": true, "status": {...}}
 *     {"command": "stop"}      {"ok": true}
 *                              {"ok": false, "error": "..."}
 * Guarantees: it ends within the time given, whatever the app does; nothing lingers.
 * Must not know: what the answers mean. */
#include "supervisor/client/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "supervisor/client/usage.h"

#define REPLY_MAX (64 << 20)

static int
connect_socket(void *socket, const char *path)
{
    int none = 0;
    int64_t most = REPLY_MAX;
    char *endpoint = mem_printf("ipc://%s/" RUNDIR_CONTROL, path);
    int failed = zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) < 0 ||
                 zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) < 0 ||
                 zmq_connect(socket, endpoint) < 0;
    free(endpoint);
    return failed ? -1 : 0;
}

static int
send_request(void *socket, const char *command)
{
    json_t *request = json_pack("{s:s}", "command", command);
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    int sent = zmq_send(socket, text, strlen(text), 0);
    free(text);
    return sent < 0 ? -1 : 0;
}

/* wait_reply waits until a message is there: 0, or -1 with errno. A signal does not end the wait. */
static int
wait_reply(void *socket, int timeout_ms)
{
    mono_ns deadline = clock_mono() + timeout_ms * NS_PER_MS;
    for (;;) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        int n = zmq_poll(&item, 1, clock_ms_until(deadline, clock_mono()));
        if (n > 0)
            return 0;
        if (n == 0 || errno != EINTR) {
            errno = n == 0 ? ETIMEDOUT : errno;
            return -1;
        }
    }
}

static json_t *
read_reply(void *socket, char **error)
{
    zmq_msg_t message;
    json_error_t wrong;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) < 0) {
        *error = mem_printf("the answer cannot be read: %s", zmq_strerror(errno));
        zmq_msg_close(&message);
        return NULL;
    }
    json_t *reply =
        json_loadb(zmq_msg_data(&message), zmq_msg_size(&message), JSON_REJECT_DUPLICATES, &wrong);
    zmq_msg_close(&message);
    if (reply && json_is_true(json_object_get(reply, "ok")))
        return reply;
    const char *reason = json_string_value(json_object_get(reply, "error"));
    *error = reason ? mem_printf("the app refused: %s", reason) : mem_string("the answer makes no sense");
    json_decref(reply);
    return NULL;
}

static json_t *
ask_socket(void *socket, const char *path, const char *command, int timeout_ms, char **error)
{
    if (!socket || connect_socket(socket, path) < 0 || send_request(socket, command) < 0) {
        *error = mem_printf("%s/" RUNDIR_CONTROL ": %s", path, zmq_strerror(errno));
        return NULL;
    }
    if (wait_reply(socket, timeout_ms) < 0) {
        *error = errno == ETIMEDOUT ? mem_printf("no answer within %g s", timeout_ms / 1000.0)
                                    : mem_printf("no answer: %s", zmq_strerror(errno));
        return NULL;
    }
    return read_reply(socket, error);
}

json_t *
ask(const char *path, const char *command, int timeout_ms, char **error)
{
    void *context = zmq_ctx_new();
    void *socket = context ? zmq_socket(context, ZMQ_REQ) : NULL;
    *error = NULL;
    json_t *reply = ask_socket(socket, path, command, timeout_ms, error);
    if (socket)
        zmq_close(socket);
    if (context)
        zmq_ctx_term(context);
    return reply;
}

int
ask_find(struct ask_target *t, const char *command)
{
    char *error;
    int code = rundir_find(t->app, t->runtime_dir, &t->path, &t->owner, &error);
    if (code)
        command_error(command, code, "%s", error);
    free(error);
    return code;
}

json_t *
ask_status(struct ask_target *t, const char *command, int *code)
{
    char *error = NULL;
    json_t *status = NULL;
    if ((*code = ask_find(t, command)) != 0)
        return NULL;
    json_t *reply = ask(t->path, "status", ASK_TIMEOUT_MS, &error);
    if (reply)
        status = json_incref(json_object_get(reply, "status"));
    if (reply && !json_is_object(status))
        error = mem_string("the answer holds no status");
    if (error)
        *code =
            command_error(command, EX_UNAVAILABLE, "%s, pid %d: %s", t->owner.app, (int)t->owner.pid, error);
    json_decref(reply);
    if (error) {
        json_decref(status);
        status = NULL;
    }
    free(error);
    return status;
}
