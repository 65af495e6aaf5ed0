/* name.c - which names an app and a task may have.
 *
 * Names become parts of group ids, of paths and of log lines: so no slash, no space, nothing to be quoted. */
#include <string.h>

#include "conf/option.h"

#define NAME_MAX_LENGTH 64
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static bool
name_of(const char *name, const char *letters)
{
    size_t length = strlen(name);
    return length >= 1 && length <= NAME_MAX_LENGTH && strspn(name, letters) == length;
}

bool
name_is_app(const char *name)
{
    return name_of(name, NAME_LETTERS ".") && name[0] != '.';
}

void
name_make_app(char *name)
{
    if (strlen(name) > NAME_MAX_LENGTH)
        name[NAME_MAX_LENGTH] = '\0';
    for (char *p = name; *p; p++)
        if (!strchr(NAME_LETTERS ".", *p) || (p == name && *p == '.'))
            *p = '_';
}

bool
name_is_task(const char *name)
{
    return name_of(name, NAME_LETTERS);
}
