/*
 * notify.h - tell the service manager how the server is (sd_notify(3)); nothing where there is none.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* Called often; tells as often as the watchdog wants to hear. On the main thread. */
void notify_alive(void);

#endif
