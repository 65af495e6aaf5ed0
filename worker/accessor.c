/* accessor.c - what a body can ask about its record and its task. Owns nothing, changes nothing. */
#include "worker/self.h"

static const char *
give(const char *data, int32_t its_length, size_t *length)
{
    if (length)
        *length = its_length < 0 ? 0 : (size_t)its_length;
    return its_length < 0 ? NULL : data;
}

const char *
hr_value(const hr_record *record, size_t *length)
{
    return give(record->view.value, record->view.r.value_length, length);
}

const char *
hr_key(const hr_record *record, size_t *length)
{
    return give(record->view.key, record->view.r.key_length, length);
}

const char *
hr_topic(const hr_record *record)
{
    return record->topic;
}

int32_t
hr_partition(const hr_record *record)
{
    return record->partition;
}

int64_t
hr_offset(const hr_record *record)
{
    return record->view.r.offset;
}

int64_t
hr_timestamp(const hr_record *record)
{
    return record->view.r.timestamp;
}

int
hr_attempt(const hr_record *record)
{
    return (int)record->view.r.attempt;
}

const char *
hr_header(const hr_record *record, const char *name, size_t *length)
{
    size_t found = 0;
    const char *value = wire_header_find(&record->view, name, &found);
    if (length)
        *length = found;
    return value;
}

hr_record *
hr_current(hr_task *self)
{
    return self->turn.on && !self->batch.on ? &self->record : NULL;
}

const char *
hr_name(const hr_task *self)
{
    return self->name;
}

int
hr_instance(const hr_task *self)
{
    return self->instance;
}

int
hr_concurrency(const hr_task *self)
{
    return self->concurrency;
}
