/* test_properties.c - properties that librdkafka does not know or does not take. */
#include <check.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"
#include "supervisor/properties.h"
#include "tests/unit/apps.h"

static char path[] = "/tmp/headrace-properties-XXXXXX.json";

/* expect checks a file with this kafka section and task section, and compares all problems, a line each. */
static void
expect(const char *kafka, const char *task, const struct conf_overrides *o, const char *problems,
       const char *usage)
{
    char **texts, *found = mem_string(""), *used = mem_string(""), *longer;
    size_t n;
    strcpy(path + strlen(path) - 11, "XXXXXX.json");
    int fd = mkstemps(path, 5);
    dprintf(fd,
            "{\"app\": \"a\", \"modules\": [\"logs.so\"], \"kafka\": %s, \"tasks\": {\"process_logs\": "
            "{\"kafka\": %s}}}",
            kafka, task);
    close(fd);
    struct conf *c = conf_load(path);
    unlink(path);
    json_t *description = apps_module("logs.so");
    conf_merge(c, &description, o, &texts, &n);
    properties_check(c, o, &texts, &n);
    for (size_t i = 0; i < c->n_problems; i++, free(found), found = longer)
        longer = mem_printf("%s%s\n", found, c->problems[i] + strlen(path) + 2);
    for (size_t i = 0; i < n; i++, free(used), used = longer) {
        longer = mem_printf("%s%s\n", used, texts[i]);
        free(texts[i]);
    }
    free(texts);
    ck_assert_str_eq(found, problems);
    ck_assert_str_eq(used, usage);
    free(found);
    free(used);
    json_decref(description);
    conf_free(&c);
}

START_TEST(test_good_properties)
{
    const char *given[] = {"linger.ms=3", "compression.codec=zstd"};
    struct conf_overrides o = {.properties = given, .n_properties = 2};
    expect("{\"fetch.min.bytes\": 1, \"socket.keepalive.enable\": true, \"auto.offset.reset\": \"latest\"}",
           "{\"check.crcs\": false}", &o, "", "");
}
END_TEST

START_TEST(test_properties_that_are_none)
{
    const char *given[] = {"linger.m=3", "group.instance.id=x", "fetch.min.bytes=abc"};
    struct conf_overrides o = {.properties = given, .n_properties = 3};
    expect("{\"fetch.min.byte\": 1, \"sasl.pasword\": \"x\", \"group.id\": 1, \"acks\": null, \"groupid\": "
           "\"x\"}",
           "{\"auto.offset.reset\": \"newest\", \"log_cb\": \"x\"}", &o,
           "kafka.group.id: is set by headrace for each task; give the task a \"group\" instead\n"
           "kafka.acks: must be text, a number, true or false\n"
           "kafka.fetch.min.byte: librdkafka knows no such property; did you mean \"fetch.min.bytes\"?\n"
           "kafka.sasl.pasword: librdkafka knows no such property; did you mean \"sasl.password\"?\n"
           "kafka.groupid: librdkafka knows no such property; \"group.id\" is set by headrace for each task; "
           "give "
           "the task a \"group\" instead\n"
           "tasks.process_logs.kafka.auto.offset.reset: librdkafka does not take \"newest\": Invalid value "
           "\"newest\" for "
           "configuration property \"auto.offset.reset\"\n"
           "tasks.process_logs.kafka.log_cb: librdkafka does not take \"x\": Property \"log_cb\" must be set "
           "through "
           "dedicated .._set_..() function\n",
           "-X linger.m: librdkafka knows no such property; did you mean \"linger.ms\"?\n"
           "-X fetch.min.bytes: librdkafka does not take \"abc\": Invalid value for configuration property "
           "\"fetch.min.bytes\"\n");
}
END_TEST

START_TEST(test_property_that_is_like_no_other)
{
    const char *given[] = {"zzzzzzzz.zzzzzz=1"};
    struct conf_overrides o = {.properties = given, .n_properties = 1};
    char *usage = mem_printf("-X zzzzzzzz.zzzzzz: librdkafka knows no such property (version %s)\n",
                             rd_kafka_version_str());
    expect("{}", "{}", &o, "", usage);
    free(usage);
}
END_TEST

/* What goes wrong only when a client is made. */
START_TEST(test_properties_that_do_not_go_together)
{
    expect("{\"max.poll.interval.ms\": 5000, \"session.timeout.ms\": 6000}", "{}", NULL,
           "drain_timeout: must be less than max.poll.interval.ms, which is 5000 ms, is 1m\n"
           "kafka (as process_logs has it): `max.poll.interval.ms`must be >= `session.timeout.ms`\n",
           "");
}
END_TEST

Suite *
properties_suite(void)
{
    Suite *s = suite_create("properties");
    TCase *properties = tcase_create("properties");
    tcase_add_test(properties, test_good_properties);
    tcase_add_test(properties, test_properties_that_are_none);
    tcase_add_test(properties, test_property_that_is_like_no_other);
    tcase_add_test(properties, test_properties_that_do_not_go_together);
    suite_add_tcase(s, properties);
    return s;
}
