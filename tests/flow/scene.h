/* scene.h - what the files of the harness share beside flow.h. */
#ifndef TESTS_FLOW_SCENE_H
#define TESTS_FLOW_SCENE_H

#include <stdbool.h>
#include <sys/types.h>

struct flow_process;
struct rd_kafka_s;

/* scene_keep takes a text from malloc; it is freed at the end of the test. */
const char *scene_keep(char *text);
bool scene_contains(const char *path, const char *text);

/* scene_start starts words[0] with arguments up to NULL, as flow_start does. scene_spawn is the bare thing: the
 * caller reaps it. */
struct flow_process *scene_start(const char *const *words, const char *input);
pid_t scene_spawn(const char *const *words, const char *input, const char *out, const char *err);

/* scene_alone, a fixture after flow_begin, hides the other apps of this user and this machine: what the test starts
 * sees an empty folder of runtime directories. Where neither root nor a user namespace may do that, it does nothing,
 * and such tests need a machine on which nothing else of headrace runs. */
void scene_alone(void);

/* A client that may ask for the offsets of a group, and read; it does not join it. The caller destroys it. */
struct rd_kafka_s *scene_observer(const char *group);

/* The end of the test, for each file that holds something. */
void scene_end_processes(void);
void scene_end_broker(void);
void scene_end_status(void);
void scene_end_records(void);
void scene_end_letters(void);

#endif
