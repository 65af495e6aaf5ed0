/* control.c - fuzzing of what comes over the control socket: any bytes as a request.
 *
 * The product's control.c is included, for its socket is imitated: what it sends is caught. Checked: each
 * request has one answer, a JSON object that says whether it went well and else why; only "stop" stops, and
 * only "status" is told the status. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/play/input.h"
#include "tests/fuzz/play/must.h"

#define zmq_send catch_answer
#include "supervisor/control.c"
#undef zmq_send

static char *answered;
static int answers, stops, looks;

int
catch_answer(void *socket, const void *data, size_t size, int flags)
{
    (void)socket, (void)flags;
    free(answered);
    answered = strndup(data, size);
    answers++;
    return (int)size;
}

void
drain_begin(struct app *a, const char *why)
{
    (void)a;
    MUST(why && *why, "no reason");
    stops++;
}

json_t *
status_json(struct app *a)
{
    (void)a;
    looks++;
    return json_object();
}

static void
check(const char *data, size_t size)
{
    json_t *answer_given = json_loads(answered, 0, NULL), *ok = json_object_get(answer_given, "ok");
    json_t *request = json_loadb(data, size, 0, NULL);
    const char *command = json_string_value(json_object_get(request, "command"));
    MUST(answers == 1, "%d", answers);
    MUST(json_is_boolean(ok), "%s", answered);
    MUST(json_is_true(ok) || json_is_string(json_object_get(answer_given, "error")), "%s", answered);
    MUST(json_is_true(ok) == (stops + looks == 1), "%s", answered);
    MUST(!stops || strcmp(command, "stop") == 0, "%s", answered);
    MUST(!looks || strcmp(command, "status") == 0, "%s", answered);
    json_decref(request);
    json_decref(answer_given);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control c = {0};
    zmq_msg_t msg;
    char *copy = malloc(size ? size : 1);
    if (size > 0)
        memcpy(copy, data, size);
    answers = stops = looks = 0;
    zmq_msg_init_data(&msg, copy, size, NULL, NULL);
    serve_one(&c, &msg);
    zmq_msg_close(&msg);
    check(copy, size);
    free(copy);
    return 0;
}
