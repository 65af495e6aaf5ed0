/* try.h - `headrace-worker --try`: a task without a broker and without a supervisor. */
#ifndef WORKER_TRY_H
#define WORKER_TRY_H

/* try_run runs one task over the lines of a file (NULL or "-": stdin): each line is a record. A timer is
 * called once; a background task runs until it returns, or is told to stop by TERM or INT. `topic` is what
 * the records are from, where a configuration says so (NULL: what the module says). Returns the exit code: 0
 * all finished; 1 a record failed, or the body returned other than 0, or too early; 64 there is no such task;
 * 66 the file cannot be read; 78 the module cannot be used. */
int try_run(const char *module, const char *task, const char *file, const char *topic);

/* try_record runs a stream task over one record: the file behind `fd` is a batch (shared/wire.h) of one
 * record, of generation 1 and with 0 as its first sequence number. The exit codes are those of try_run. */
int try_record(const char *module, const char *task, int fd);

#endif
