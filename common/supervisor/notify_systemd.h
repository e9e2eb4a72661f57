/* notify_systemd.h - sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. */
#ifndef CARTWRIGHT_SUPERVISOR_NOTIFY_SYSTEMD_H
#define CARTWRIGHT_SUPERVISOR_NOTIFY_SYSTEMD_H

/* Does nothing when no service manager listens. */
void notify_systemd(const char *state);

#endif
