/* show.h - a message as `headrace try` shows it. */
#ifndef WORKER_SHOW_H
#define WORKER_SHOW_H

#include "shared/wire_sends.h"

/* show_message ends a line on stderr that says who sends: " sends to TOPIC[:PARTITION] [key=KEY] [NAME=VALUE]... VALUE". */
void show_message(const struct wire_message_view *m);

#endif
