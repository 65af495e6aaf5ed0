/* run.h - `headrace run`: the supervisor, from its start to its end. */
#ifndef SUPERVISOR_RUN_H
#define SUPERVISOR_RUN_H

#include <stdbool.h>

#include "conf/conf.h"
#include "shared/log.h"

/* What the command line of `run` says beside what conf_merge has already put into the conf. */
struct run_options {
    bool embedded;           /* start an embedded broker and create the topics */
    bool until_end;          /* stop when every record that was there at the start is done */
    const char *runtime_dir; /* NULL: the default of rundir.h */
    enum log_level level;
};

/* run runs the app in the foreground and returns the exit code (SPEC 3). The conf is merged and has no problems. */
int run(struct conf *c, const struct run_options *o);

#endif
