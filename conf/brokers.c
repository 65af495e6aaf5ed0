/* brokers.c - whether a list of brokers can be one: HOST[:PORT], several separated by commas.
 *
 * librdkafka takes nearly everything here: with an empty list it waits in silence, and of a port that cannot
 * be it takes what is left after an overflow. So a typing error is found here, before anything is started.
 *
 * Knows nothing of: names that resolve, brokers that answer. */
#include <string.h>
#include <strings.h>

#include "conf/option.h"
#include "shared/mem.h"

#define PORT_MAX 65535

/* A piece of the list, not ended by a NUL. */
struct piece {
    const char *text;
    size_t size;
};

static struct piece
trim(struct piece p)
{
    while (p.size > 0 && (*p.text == ' ' || *p.text == '\t'))
        p.text++, p.size--;
    while (p.size > 0 && (p.text[p.size - 1] == ' ' || p.text[p.size - 1] == '\t'))
        p.size--;
    return p;
}

static bool
is_protocol(const char *text, size_t size)
{
    static const char *const known[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == size && strncasecmp(known[i], text, size) == 0)
            return true;
    return false;
}

static bool
is_port(const char *text, size_t size)
{
    long port = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || port > PORT_MAX)
            return false;
        port = port * 10 + (text[i] - '0');
    }
    return port >= 1 && port <= PORT_MAX;
}

/* port_of returns where the port begins, its colon; the end where there is none. The colons of an IPv6
 * address stand in brackets, or there are several. */
static size_t
port_of(struct piece p)
{
    const char *bracket = memrchr(p.text, ']', p.size), *first = memchr(p.text, ':', p.size),
               *last = memrchr(p.text, ':', p.size);
    if (bracket)
        return bracket[1] == ':' ? (size_t)(bracket + 1 - p.text) : p.size;
    return last && last == first ? (size_t)(last - p.text) : p.size;
}

/* address_check says what is wrong with one address, NULL for nothing. */
static const char *
address_check(struct piece p)
{
    const char *url = memmem(p.text, p.size, "://", 3);
    if (url) {
        size_t skip = (size_t)(url - p.text);
        if (!is_protocol(p.text, skip))
            return "must begin with the host, or with one of PLAINTEXT://, SSL://, SASL_PLAINTEXT://, "
                   "SASL_SSL://";
        p = (struct piece){p.text + skip + 3, p.size - skip - 3};
    }
    size_t host = port_of(p);
    if (host == 0)
        return "names no host";
    if (memchr(p.text, ' ', p.size) || memchr(p.text, '\t', p.size))
        return "holds a space; addresses are separated by commas";
    if (host < p.size && !is_port(p.text + host + 1, p.size - host - 1))
        return "has no port from 1 to 65535";
    if (host == p.size && is_port(p.text, p.size))
        return "is a port without its host";
    return NULL;
}

char *
conf_brokers_check(const char *list)
{
    size_t named = 0;
    for (const char *next = list; *next; next += *next == ',') {
        struct piece p = {next, strcspn(next, ",")};
        next += p.size;
        p = trim(p);
        const char *why = p.size > 0 ? address_check(p) : NULL;
        if (why)
            return mem_printf("\"%.*s\" %s", (int)p.size, p.text, why);
        named += p.size > 0;
    }
    if (named == 0)
        return mem_string(
            "names no broker; give HOST:PORT, several separated by commas, such as localhost:9092");
    return NULL;
}
