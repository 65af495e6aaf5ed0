/* dead.c - see dead.h. */
#include "tests/flow/dead.h"

#include <stdlib.h>
#include <string.h>

#include "tests/flow/app.h"

void
dead_broker(void)
{
    flow_broker("records:2", DEAD_TOPIC ":1", NULL);
}

void
dead_send(int at, const char *what)
{
    for (int i = 0; i < 20; i++) {
        flow_send("records", 0, NULL, i == at ? "0/%d %s" : "0/%d", i, what);
        flow_send("records", 1, NULL, "1/%d", i);
    }
    flow_flush();
}

struct flow_process *
dead_run(const char *task)
{
    const char *configuration =
        app_recorder(flow_text(DEAD_LETTERS "%s%s", task[0] != '\0' ? ", " : "", task), "");
    struct flow_process *app = app_run(configuration, "--until-end", NULL);
    flow_expect(app, 0);
    ck_assert(flow_all_committed("app.record", "records", 2));
    return app;
}

const struct flow_letter *
dead_letter(void)
{
    const struct flow_letter *letters;
    ck_assert_int_eq((int)flow_letters(DEAD_TOPIC, &letters), 1);
    return letters;
}

void
dead_header(const struct flow_letter *letter, const char *name, const char *value)
{
    ck_assert_msg(strcmp(flow_letter_text(letter, name), value) == 0, "%s is \"%s\", not \"%s\"", name,
                  flow_letter_text(letter, name), value);
}

const struct flow_letter *
dead_check(const char *what, const char *attempts, const char *reason)
{
    const struct flow_letter *letter = dead_letter();
    dead_header(letter, "headrace.topic", "records");
    dead_header(letter, "headrace.partition", "0");
    dead_header(letter, "headrace.offset", "7");
    dead_header(letter, "headrace.attempts", attempts);
    dead_header(letter, "headrace.reason", reason);
    ck_assert_int_eq(flow_seen(flow_text("0/7 %s", what)), atoi(attempts));
    ck_assert_int_eq(flow_seen(NULL), 2 * 20 + atoi(attempts) - 1);
    flow_check_order(true);
    return letter;
}

const struct flow_letter *
dead_one(const char *task, const char *what, const char *attempts, const char *reason)
{
    dead_broker();
    dead_send(7, what);
    dead_run(task);
    return dead_check(what, attempts, reason);
}
