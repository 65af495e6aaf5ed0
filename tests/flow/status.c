/* status.c - the running app, asked by `headrace status --json`, as its users ask it.
 *
 * Owns: the last answer. */
#include "tests/flow/flow.h"
#include "tests/flow/scene.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static json_t *answer;

const char *
flow_runtime(void)
{
    return flow_path("run");
}

json_t *
flow_status(void)
{
    const char *out = flow_path("status.json"), *err = flow_path("status.txt");
    const char *words[] = {"headrace", "status", "--json", "--runtime-dir", flow_runtime(), NULL};
    int status = -1;
    waitpid(scene_spawn(words, "/dev/null", out, err), &status, 0);
    json_decref(answer);
    answer = status == 0 ? json_load_file(out, 0, NULL) : NULL;
    return answer;
}

/* The element of a list at a place, or with a name. */
static json_t *
element(json_t *list, const char *word)
{
    char *end;
    unsigned long place = strtoul(word, &end, 10);
    if (*end == '\0')
        return json_array_get(list, place);
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value) {
        const char *name = json_string_value(json_object_get(value, "name"));
        if (name != NULL && strcmp(name, word) == 0)
            return value;
    }
    return NULL;
}

json_t *
flow_get(json_t *document, const char *path)
{
    char *words = strdup(path), *rest;
    json_t *at = document;
    for (char *word = strtok_r(words, ".", &rest); word != NULL && at != NULL; word = strtok_r(NULL, ".", &rest))
        at = json_is_array(at) ? element(at, word) : json_object_get(at, word);
    free(words);
    return at;
}

int64_t
flow_number(const char *path)
{
    json_t *value = flow_get(flow_status(), path);
    return json_is_number(value) ? (int64_t)json_number_value(value) : -1;
}

const char *
flow_string(const char *path)
{
    const char *value = json_string_value(flow_get(flow_status(), path));
    return flow_text("%s", value != NULL ? value : "");
}

void
scene_end_status(void)
{
    json_decref(answer);
    answer = NULL;
}
