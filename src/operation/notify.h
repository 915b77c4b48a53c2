/*
 * notify.h - tell the service manager how the server is (sd_notify(3)); nothing where there is
 * none.
 *
 * On the main thread only. No call waits for the manager: what it has no room for just now is told
 * by a later call.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* Called often; tells what could not be told before, and as often as the watchdog wants to hear that
 * the server lives. */
void notify_alive(void);

#endif
