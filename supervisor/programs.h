/* programs.h - where the programs are that headrace starts. */
#ifndef SUPERVISOR_PROGRAMS_H
#define SUPERVISOR_PROGRAMS_H

/* programs_find returns the path of a program of ours ("headrace-worker"), which the caller frees; NULL where
 * it is not there, then *error says where it was looked for (freed by the caller too). */
char *programs_find(const char *name, char **error);

#endif
