/* notify_systemd.h - sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. */
#ifndef CARTWRIGHT_SUPERVISOR_NOTIFY_SYSTEMD_H
#define CARTWRIGHT_SUPERVISOR_NOTIFY_SYSTEMD_H

/* Does nothing when $NOTIFY_SOCKET is not set. Errors are ignored. */
void notify_systemd(const char *state);

#endif
