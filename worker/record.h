/* record.h - a record as JSON and as a struct. */
#ifndef WORKER_RECORD_H
#define WORKER_RECORD_H

#include <stdbool.h>

#include "worker/self.h"

/* record_renew forgets what belonged to the record before: its JSON, its verdict. */
void record_renew(struct hr_record *record);

/* record_decode fills record->typed; false: record->reason says why not. */
bool record_decode(struct hr_record *record, const hr_type *type);

/* record_decode_tree does so by jansson's tree: what decode.c is held against, and what says why. record->typed is large
 * enough. */
bool record_decode_tree(struct hr_record *record, const hr_type *type);

/* record_close frees what the record holds. */
void record_close(struct hr_record *record);

#endif
