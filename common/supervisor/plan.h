/* plan.h - the service and the settings that a supervisor's lanes work with. */
#ifndef CARTWRIGHT_SUPERVISOR_PLAN_H
#define CARTWRIGHT_SUPERVISOR_PLAN_H

#include "service/operation.h"
#include "service/settings.h"

struct plan {
    const struct service *service;
    const struct engine_settings *settings;
    LIST(struct str) warnings; /* what works, but perhaps not as intended; shown by health */
};

#endif
