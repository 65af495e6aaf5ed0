#!/usr/bin/env bash
# reference.sh - writes conf/reference.md, every key of a configuration, out of the table that the parser reads
# (conf/options.def). With --check nothing is written, and it is an error where the file is not up to date.
set -eu
cd "$(dirname "$0")/.."
file=conf/reference.md
work=$(mktemp -d "${TMPDIR:-/tmp}/headrace-reference.XXXXXX")
trap 'rm -rf "$work"' EXIT

cat >"$work/reference.c" <<'EOC'
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"

static char *
shown(const struct conf_option *o, int64_t value)
{
    char *text = NULL;
    if (o->type == OPTION_SIZE)
        return conf_show_size(value);
    if (o->type == OPTION_DURATION || o->type == OPTION_BACKOFF)
        return conf_show_duration(value);
    return asprintf(&text, "%" PRId64, value) < 0 ? NULL : text;
}

static void
print_bounds(const char *what, const struct conf_option *o)
{
    char *min = shown(o, o->min), *max = shown(o, o->max);
    if (o->max == INT64_MAX)
        printf("%s, %s or more", what, min);
    else
        printf("%s, %s to %s", what, min, max);
    free(min);
    free(max);
}

static void
print_words(const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        printf("%s`\"%s\"`", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static void
print_type(const struct conf_option *o)
{
    static const char *const plain[OPTION_TYPES] = {
        [OPTION_NAME] = "1 to 64 letters, digits, `.`, `_`, `-`", [OPTION_MODULES] = "list of paths",
        [OPTION_KAFKA] = "object of properties", [OPTION_SECTION] = "object",
        [OPTION_TOPIC] = "topics or a pattern", [OPTION_ONE_TOPIC] = "topic", [OPTION_GROUP] = "group",
        [OPTION_STRINGS] = "object of strings", [OPTION_USER] = "user", [OPTION_USER_GROUP] = "group of users"};
    switch (o->type) {
    case OPTION_INTEGER: print_bounds("number", o); break;
    case OPTION_DURATION: print_bounds("duration", o); break;
    case OPTION_SIZE: print_bounds("size", o); break;
    case OPTION_BACKOFF: print_bounds("two durations", o); break;
    case OPTION_ORDER: print_words(conf_order_names); break;
    case OPTION_OVERLAP: print_words(conf_overlap_names); break;
    case OPTION_ON_FAILURE: print_words(conf_on_failure_names); break;
    default:
        if (!plain[o->type]) {
            fprintf(stderr, "reference.sh: %s: say what its type is\n", o->key);
            exit(1);
        }
        printf("%s", plain[o->type]);
    }
}

/* print_sentence: no Markdown takes <group> for a tag. */
static void
print_sentence(const char *text)
{
    for (; *text; text++)
        printf("%s%c", *text == '<' ? "\\" : "", *text);
}

static void
print_section(const char *title, const char *about, enum option_section section)
{
    printf("\n## %s\n\n%s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n", title, about);
    for (const struct conf_option *o = conf_options; o < conf_options + n_conf_options; o++) {
        if (o->section != section)
            continue;
        printf("| `%s` | ", o->key);
        print_type(o);
        printf(" | %s%s%s | ", o->by_default ? "`" : "", o->by_default ? o->by_default : "",
               o->by_default ? "`" : "");
        print_sentence(o->sentence);
        printf("%s |\n", o->kinds & 1u << CONF_BACKGROUND ? " Background tasks, too." : "");
    }
}

int
main(void)
{
    print_section("The file", "Only `modules` must be there.", OPTION_APP);
    print_section("tasks.NAME",
                  "NAME is that of a task which a module declares. What the code says (`.topic`, `.concurrency`, "
                  "`.order`) is a default, too:\nthe file wins over the code. Keys are for stream tasks; those for "
                  "background tasks as well say so.",
                  OPTION_TASK);
    print_section("timers.NAME", "An interval must be given here or in the code.", OPTION_TIMER);
    return 0;
}
EOC

# The words of options are in conf/, which uses shared/.
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -Wall -o "$work/reference" "$work/reference.c" conf/*.c \
    shared/{mem,log,clock,utf8}.c $(pkg-config --cflags --libs jansson) -pthread
{
    cat <<'EOF_HEAD'
# Every key of a configuration

Made by `scripts/reference.sh` out of `conf/options.def`: change that one, and run `make reference`.

A configuration is one JSON object; `conf/full.json` shows every key in its place. A dot in a key is a member of a
member: `restart.max` is `"restart": { "max": 5 }`. Unknown keys, keys given twice and bad values are errors, all of them
at once (`headrace check`).

- **Durations** are text with a unit: `"250ms"`, `"30s"`, `"1.5s"`, `"5m"`, `"24h"`, `"2d"`.
- **Sizes** are bytes, or text with a unit, where 1 KB is 1024 bytes: `4096`, `"512KB"`, `"32MB"`, `"1GB"`.
- **Paths** are relative to the file.
- **The environment:** `${NAME}` in a string is the variable's value, and an error where it is unset; a variable that is
  set but empty gives an empty text. `${NAME:-default}` takes the default where it is unset *or* empty, as in a shell.
  `$${` stands for `${`.
EOF_HEAD
    "$work/reference"
} >"$work/reference.md"

if [ "${1:-}" != --check ]; then
    cp "$work/reference.md" $file
elif ! cmp -s "$work/reference.md" $file; then
    echo "reference.sh: $file is not up to date with conf/options.def: run make reference" >&2
    diff $file "$work/reference.md" >&2 || true
    exit 1
else
    echo "reference: up to date"
fi
