/* lock_scripts.h - the Lua scripts that Redis runs for us. */
#ifndef CARTWRIGHT_LOCK_LOCK_SCRIPTS_H
#define CARTWRIGHT_LOCK_LOCK_SCRIPTS_H

enum lock_script { SCRIPT_TAKE, SCRIPT_RELEASE, SCRIPT_RATE, SCRIPT_COUNT };

extern const char *const lock_scripts[SCRIPT_COUNT];

/* Lua's unpack() puts every key on a stack of 8000 places, and a script blocks the server while it
 * runs. So longer lists are cut into calls of this many keys (of this many leases and as many
 * stamps in one call of SCRIPT_TAKE). */
#define SCRIPT_KEYS_MAX 512

#endif
