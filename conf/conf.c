/* conf.c - an app's file, read and checked; the conf's birth and end.
 *
 * Owns: struct conf and its lists of texts.
 * Guarantees: the whole file is checked whatever is wrong in it, each thing once; a conf with problems still
 * has every field set, so that what comes after (merging, checking) can go on and find more. Knows nothing
 * of: modules, Kafka, the command line; merge.c brings them in. */
#include "conf/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/option.h"
#include "shared/mem.h"
#include "shared/utf8.h"

#define FILE_MAX (16 << 20)
#define READ_FIRST (16 << 10)

static void __attribute__((format(printf, 3, 0)))
note(char ***list, size_t *n, const char *format, va_list args)
{
    char *text = mem_vprintf(format, args);
    for (char *p = text; *p; p++) /* one text is one line, whatever a file or a module put into it, */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    utf8_plain_text(text, ""); /* and only shows */
    *list = mem_grow(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = text;
}

void
conf_problem(struct conf *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(&c->problems, &c->n_problems, format, args);
    va_end(args);
}

void
conf_warning(struct conf *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(&c->warnings, &c->n_warnings, format, args);
    va_end(args);
}

/* read_whole returns what is in a file, or NULL with errno. */
static char *
read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    if (!f)
        return NULL;
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        errno = EISDIR;
        return NULL;
    }
    char *text = NULL;
    size_t room = 0;
    for (*size = 0; *size == room && room <= FILE_MAX; *size += fread(text + *size, 1, room - *size, f)) {
        room = room ? 2 * room : READ_FIRST;
        text = mem_grow(text, room, 1);
    }
    int error = ferror(f) ? errno : *size > FILE_MAX ? EFBIG : 0;
    fclose(f);
    if (!error)
        return text;
    free(text);
    errno = error;
    return NULL;
}

static bool
has_extension(const char *path, const char *extension)
{
    size_t n = strlen(path), tail = strlen(extension);
    return n > tail && strcmp(path + n - tail, extension) == 0;
}

/* parse returns the document in a text, or NULL; keys given twice are noted, and the last of them counts. */
static json_t *
parse(struct conf *c, const char *text, size_t size)
{
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_duplicate_key) {
        root = json_loadb(text, size, 0, &error);
        if (root)
            duplicates_find(c, text, size);
    }
    if (!root && !has_extension(c->path, ".json")) {
        conf_problem(c, "%s: is neither a configuration (.json) nor a module (.so)", c->path);
    } else if (!root) {
        conf_problem(c, "%s: line %d, column %d: is not JSON: %s", c->path, error.line, error.column,
                     error.text);
    } else if (!json_is_object(root)) {
        conf_problem(c, "%s: must be a JSON object, such as {\"modules\": [\"logs.so\"]}", c->path);
        json_decref(root);
        root = NULL;
    }
    return root;
}

static json_t *
read_document(struct conf *c)
{
    size_t size;
    char *text = read_whole(c->path, &size);
    if (!text) {
        conf_problem(c, "%s: cannot be read: %s", c->path, strerror(errno));
        return NULL;
    }
    json_t *root = parse(c, text, size);
    free(text);
    return root;
}

/* base_name returns the last part of a path, without its extension. */
static char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? mem_prefix(name, (size_t)(dot - name)) : mem_string(name);
}

/* name_app gives the app the name of its file. Where there is no file to say "app" in, a name is made of it.
 */
static void
name_app(struct conf *c)
{
    if (c->app)
        return;
    c->app = base_name(c->path);
    if (!c->file)
        name_make_app(c->app);
    else if (!name_is_app(c->app) && !json_object_get(c->file, "app"))
        conf_problem(
            c,
            "%s: app: the file's name gives no name for the app (1 to 64 letters, digits, '.', '_' and '-'); "
            "add \"app\"",
            c->path);
}

static void
add_module(struct conf *c, const char *path)
{
    for (size_t i = 0; i < c->n_modules; i++) {
        if (strcmp(c->modules[i], path) == 0) {
            conf_problem(c, "%s: modules: names %s twice; remove one", c->path, path);
            return;
        }
    }
    c->modules = mem_grow(c->modules, c->n_modules + 1, sizeof *c->modules);
    c->modules[c->n_modules++] = mem_string(path);
}

/* take_modules makes the file's paths, which are relative to it, paths of this process. They hold a slash
 * always: without one the loader would look in the system's folders. */
static void
take_modules(struct conf *c)
{
    json_t *modules = json_object_get(c->file, "modules"), *path;
    const char *slash = strrchr(c->path, '/');
    size_t i, folder = slash ? (size_t)(slash - c->path) + 1 : 0;
    json_array_foreach(modules, i, path) {
        const char *name = json_string_value(path);
        if (!name || !*name || path == c->unset)
            continue;
        char *full = name[0] == '/' ? mem_string(name)
                     : slash        ? mem_printf("%.*s%s", (int)folder, c->path, name)
                                    : mem_printf("./%s", name);
        add_module(c, full);
        free(full);
    }
    if (!modules)
        conf_problem(c,
                     "%s: modules: is missing; name the shared objects that declare the tasks, such as "
                     "\"modules\": [\"logs.so\"]",
                     c->path);
}

/* check_named checks the sections of tasks or timers, each into a task that is thrown away: their values are
 * taken when the modules have said what there is. */
static void
check_named(struct conf *c, const char *member, enum option_section section)
{
    const char *name;
    json_t *object, *all = json_object_get(c->file, member);
    json_object_foreach(all, name, object) {
        struct conf_task scratch = {0};
        char *path = mem_printf("%s.%s", member, name);
        if (object == c->unset)
            ; /* noted already */
        else if (json_is_object(object))
            option_check_section(c, path, section, object, &scratch);
        else
            conf_problem(c, "%s: %s: must be an object of options", c->path, path);
        option_task_free(&scratch);
        free(path);
    }
}

static void
load_file(struct conf *c)
{
    c->file = read_document(c);
    if (!c->file)
        return;
    expand_document(c, c->file);
    option_check_section(c, "", OPTION_APP, c->file, c);
    check_named(c, "tasks", OPTION_TASK);
    check_named(c, "timers", OPTION_TIMER);
    take_modules(c);
}

struct conf *
conf_load(const char *app)
{
    struct conf *c = mem_alloc(sizeof *c);
    c->path = mem_string(app);
    c->unset = json_string("");
    c->counters_of = json_object();
    for (size_t i = 0; i < n_conf_options; i++)
        if (conf_options[i].section == OPTION_APP)
            option_default(&conf_options[i], c);
    if (has_extension(app, ".so")) {
        char *path = strchr(app, '/') ? mem_string(app) : mem_printf("./%s", app);
        add_module(c, path);
        free(path);
    } else {
        load_file(c);
    }
    name_app(c);
    return c;
}

static void
free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

void
option_task_free(struct conf_task *t)
{
    free(t->name);
    free(t->module);
    free(t->declared_at);
    free(t->topic);
    free(t->group);
    free(t->dead_letter_topic);
    free(t->run_as_user);
    free(t->run_as_group);
    conf_user_free(&t->user);
    json_decref(t->environment);
    json_decref(t->kafka);
    json_decref(t->from);
}

void
conf_free(struct conf **cp)
{
    struct conf *c = *cp;
    if (!c)
        return;
    for (size_t i = 0; i < c->n_tasks; i++)
        option_task_free(&c->tasks[i]);
    free(c->tasks);
    free_texts(c->modules, c->n_modules);
    free_texts(c->counters, c->n_counters);
    free_texts(c->secrets, c->n_secrets);
    free_texts(c->problems, c->n_problems);
    free_texts(c->warnings, c->n_warnings);
    free(c->app);
    free(c->path);
    json_decref(c->kafka);
    json_decref(c->counters_of);
    json_decref(c->file);
    json_decref(c->unset);
    free(c);
    *cp = NULL;
}
