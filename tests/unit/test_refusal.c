/* test_refusal.c - what a refusal says: who lacks what, and never a password. */
#include "supervisor/refusal.h"

#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* client makes a producer of properties, names and values in turn, up to NULL. */
static rd_kafka_t *
client(const char *name, ...)
{
    char wrong[256] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    va_list args;
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    va_start(args, name);
    for (; name; name = va_arg(args, const char *))
        ck_assert_msg(rd_kafka_conf_set(conf, name, va_arg(args, const char *), wrong, sizeof wrong) ==
                          RD_KAFKA_CONF_OK,
                      "%s", wrong);
    va_end(args);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, wrong, sizeof wrong);
    ck_assert_msg(rk != NULL, "%s", wrong);
    return rk;
}

static rd_kafka_t *
login(const char *mechanism)
{
    return client("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", mechanism, "sasl.username", "logs",
                  "sasl.password", "swordfish", NULL);
}

static void
expect(char *text_take, const char *part)
{
    ck_assert_msg(strstr(text_take, part) != NULL, "\"%s\" does not say \"%s\"", text_take, part);
    ck_assert_msg(!strstr(text_take, "swordfish"), "\"%s\" holds the password", text_take);
    free(text_take);
}

START_TEST(test_right)
{
    rd_kafka_t *rk = login("PLAIN");
    expect(refusal_right(rk, "Read", "group", "logs.process_logs"),
           "the user logs has no right to Read on group logs.process_logs; give it: kafka-acls --add "
           "--allow-principal User:logs --operation Read --group logs.process_logs");
    rd_kafka_destroy(rk);
    rk = client(NULL);
    expect(refusal_right(rk, "Write", "topic", "t"), "the user ANONYMOUS has no right to Write on topic t");
    rd_kafka_destroy(rk);
    rk = client("security.protocol", "SSL", "sasl.username", "other",
                NULL); /* the certificate says who it is */
    expect(refusal_right(rk, "Write", "topic", "t"), "the user has no right to Write on topic t");
    expect(refusal_right(rk, "Write", "topic", "t"),
           "--allow-principal User:NAME --operation Write --topic t");
    rd_kafka_destroy(rk);
}
END_TEST

START_TEST(test_error)
{
    rd_kafka_t *rk = login("PLAIN");
    expect(refusal_error(rk, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "Read", "topic", "t"),
           "no right to Read");
    expect(refusal_error(rk, RD_KAFKA_RESP_ERR_INVALID_MSG, "Read", "topic", "t"), "Broker: ");
    rd_kafka_destroy(rk);
}
END_TEST

START_TEST(test_login)
{
    rd_kafka_t *rk = login("PLAIN");
    expect(refusal_words(rk, RD_KAFKA_RESP_ERR__AUTHENTICATION, "broker/1: no (after 3ms in state AUTH_REQ)"),
           "broker/1: no; look at sasl.username (logs), sasl.password and sasl.mechanism (PLAIN)");
    rd_kafka_destroy(rk);
    rk = login("SCRAM-SHA-512");
    char *text = refusal_words(rk, RD_KAFKA_RESP_ERR__AUTHENTICATION, "broker/1: no");
    bool old = rd_kafka_version() < 0x020601ff;
    ck_assert_int_eq(strstr(text, "Kafka 4 takes SCRAM only from librdkafka 2.6.1 on") != NULL, old);
    free(text);
    rd_kafka_destroy(rk);
}
END_TEST

/* librdkafka's own words name ssl.ca.location alone, where it may be the host name. */
START_TEST(test_certificate)
{
    rd_kafka_t *rk = client(NULL);
    expect(refusal_words(
               rk, RD_KAFKA_RESP_ERR__SSL,
               "ssl://h:1/bootstrap: SSL handshake failed: error:0A: certificate verify failed: verify that "
               "ssl.ca.location is correctly configured (after 5ms in state SSL_HANDSHAKE)"),
           "ssl://h:1/bootstrap: the broker's certificate is not accepted: it has expired, is by an "
           "authority that is "
           "not in ssl.ca.location, or is not for the host name");
    expect(refusal_words(rk, RD_KAFKA_RESP_ERR__SSL, "certificate verify failed"),
           "the broker's certificate");
    expect(refusal_words(rk, RD_KAFKA_RESP_ERR__TRANSPORT,
                         "h:1: Connection refused (after 0ms in state CONNECT)"),
           "h:1: Connection refused");
    expect(refusal_words(rk, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down"),
           "1/1 brokers are down, or hang up at once: is security.protocol what they speak?");
    rd_kafka_destroy(rk);
}
END_TEST

Suite *
refusal_suite(void)
{
    Suite *suite = suite_create("refusal");
    TCase *tests = tcase_create("refusal");
    tcase_add_test(tests, test_right);
    tcase_add_test(tests, test_error);
    tcase_add_test(tests, test_login);
    tcase_add_test(tests, test_certificate);
    suite_add_tcase(suite, tests);
    return suite;
}
