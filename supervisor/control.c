/* control.c - the running app asked and steered, over a ZeroMQ REP socket in the runtime directory.
 *
 * Owns: the socket. Guarantees: every request is answered, one that is not understood with an error; a client that goes
 *   away costs nothing.
 * Must not know: what the answers are made of (status.c).
 *
 * Request: {"command": "status" | "stop"}. Reply: {"ok": true, ...} or {"ok": false, "error": text}. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "supervisor/supervisor.h"

#define REQUEST_MAX 65536

struct control {
    struct app *app;
    void *socket;
    struct loop_watch watch;
};

static json_t *
refuse(const char *text)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static json_t *
answer(struct app *a, const json_t *request)
{
    const char *command = json_string_value(json_object_get(request, "command"));
    if (!command)
        return refuse("a request is an object with a command");
    if (strcmp(command, "status") == 0)
        return json_pack("{s:b, s:o}", "ok", 1, "status", status_json(a));
    if (strcmp(command, "stop") == 0) {
        drain_begin(a, "asked by headrace stop");
        return json_pack("{s:b}", "ok", 1);
    }
    return refuse("unknown command");
}

static void
serve_one(struct control *c, zmq_msg_t *msg)
{
    json_t *request = json_loadb(zmq_msg_data(msg), zmq_msg_size(msg), JSON_REJECT_DUPLICATES, NULL);
    json_t *reply = answer(c->app, request);
    char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
    const char *out = text ? text : "{\"ok\":false,\"error\":\"cannot write the answer\"}";
    zmq_send(c->socket, out, strlen(out), ZMQ_DONTWAIT);
    free(text);
    json_decref(reply);
    json_decref(request);
}

static void
ready(void *arg)
{
    struct control *c = arg;
    zmq_msg_t msg;
    for (;;) { /* until it is empty: the descriptor is signalled only once */
        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, c->socket, ZMQ_DONTWAIT) < 0)
            break;
        serve_one(c, &msg);
        zmq_msg_close(&msg);
    }
    zmq_msg_close(&msg);
}

void
control_open(struct app *a)
{
    struct control *c = mem_alloc(sizeof *c);
    char *endpoint = rundir_endpoint(&a->rundir, RUNDIR_CONTROL);
    int none = 0;
    int64_t limit = REQUEST_MAX;
    size_t size = sizeof c->watch.fd;
    c->app = a;
    c->socket = zmq_socket(a->zmq, ZMQ_REP);
    zmq_setsockopt(c->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
    if (!c->socket || pipe_bind(c->socket, endpoint, false) < 0 ||
        zmq_getsockopt(c->socket, ZMQ_FD, &c->watch.fd, &size) < 0)
        fatal(70, "cannot open the control socket %s: %s", endpoint, zmq_strerror(errno));
    c->watch.ready = ready;
    c->watch.arg = c;
    loop_must_add(&a->loop, &c->watch);
    free(endpoint);
    a->control = c;
    ready(c);
}

void
control_close(struct app *a)
{
    if (!a->control)
        return;
    loop_remove(&a->loop, &a->control->watch);
    zmq_close(a->control->socket);
    free(a->control);
    a->control = NULL;
}
