/* sender_alone.c - a timer and a background task that send: they have no records.
 *
 * `tick` sends its number to "ticks" at each trigger, and with SENDER_TICK=return returns 1 after that.
 * `pump` sends "0" to "pumped", sleeps for SENDER_SLEEP seconds, sends "1" and returns 0. */
#include <headrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
send_number(hr_task *self, const char *topic, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    if (hr_send(self, topic, NULL, 0, text, strlen(text)) != 0)
        exit(4);
}

HR_TIMER(tick, .interval = 0.1)
{
    static int n;
    const char *how = getenv("SENDER_TICK");
    send_number(self, "ticks", n++);
    return how != NULL && strcmp(how, "return") == 0;
}

HR_TASK(pump)
{
    const char *seconds = getenv("SENDER_SLEEP");
    send_number(self, "pumped", 0);
    hr_sleep(self, seconds != NULL ? atof(seconds) : 0);
    send_number(self, "pumped", 1);
    return 0;
}
