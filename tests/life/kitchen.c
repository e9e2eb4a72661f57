/* kitchen.c - a service that can be asked for what kills. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "engine/job.h"
#include "life/life.h"
#include "wire/schema_node.h"

#define SLOW_S     3
#define GREED_STEP ((size_t)64 * 1024 * 1024)

struct meal {
    struct doc_head head;
    struct str dish;
};

static const struct field meal_fields[] = {
    DOC_FIELDS(struct meal, FIELD_ID),
    {.name = "dish", .kind = FIELD_STR, .offset = offsetof(struct meal, dish)},
};
static const struct shape meal_shape = SHAPE("Meal", struct meal, meal_fields);
static const struct doc_type meal_type = {.collection = "meals", .shape = &meal_shape};

/* The courses of a feast: each is a collection, so that a feast is a commit of many commands. */
static const struct doc_type courses[] = {
    {.collection = "course1", .shape = &meal_shape},
    {.collection = "course2", .shape = &meal_shape},
    {.collection = "course3", .shape = &meal_shape},
    {.collection = "course4", .shape = &meal_shape},
    {.collection = "course5", .shape = &meal_shape},
    {.collection = "course6", .shape = &meal_shape},
    {.collection = "course7", .shape = &meal_shape},
    {.collection = "course8", .shape = &meal_shape},
};

#define COURSES (sizeof(courses) / sizeof(courses[0]))

struct cook_request {
    struct str id;
    struct str dish;
};

static const struct field cook_fields[] = {
    {.name = "id", .kind = FIELD_ID, .offset = offsetof(struct cook_request, id)},
    {.name = "dish", .kind = FIELD_STR, .offset = offsetof(struct cook_request, dish)},
};
static const struct shape cook_shape = SHAPE("CookRequest", struct cook_request, cook_fields);
static const struct schema_node id_node = {
    .type = SCHEMA_STR, .max_count = 24, .pattern = "^[0-9a-f]{24}$", .expected = "an id"};
static const struct schema_node dish_node = {.type = SCHEMA_STR, .max_count = 100};
static const struct schema_member cook_members[] = {
    {{"id", 2}, true, false, &id_node},
    {{"dish", 4}, true, false, &dish_node},
};
static const struct schema_node cook_node = {
    .type = SCHEMA_OBJECT, .max_count = SIZE_MAX, .shape = &cook_shape, .members = cook_members};
static const struct schema cook_schema = {
    .name = "kitchen.cook", .root = &cook_node, .shape = &cook_shape};

static const struct schema meal_view_schema = {
    .name = "Meal", .kind = SCHEMA_REPLY, .shape = &meal_shape};

/* --- what must not be cooked ---------------------------------------------------------------------- */

static void cook_segv(struct job *job)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = job != NULL;
}

static void cook_abort(struct job *job)
{
    (void)job;
    abort();
}

static void cook_hang(struct job *job)
{
    (void)job;
    for (volatile int still = 1; still;)
        ;
}

static void cook_memory(struct job *job)
{
    for (;;)
        arena_alloc(job_arena(job), GREED_STEP);
}

/* Busy, and not asleep: whatever a signal does, it does not make it shorter. */
static void cook_slow(struct job *job)
{
    (void)job;
    const int64_t end_us = clock_monotonic_us() + SLOW_S * 1000000LL;
    while (clock_monotonic_us() < end_us)
        ;
}

static const struct {
    const char *dish;
    void (*cook)(struct job *job);
} dishes[] = {{"segv", cook_segv},
              {"abort", cook_abort},
              {"hang", cook_hang},
              {"memory", cook_memory},
              {"slow", cook_slow}};

static enum outcome cook(struct job *job, const void *request, struct err *err)
{
    const struct cook_request *req = request;
    struct meal *meal = NULL;
    NEED(job, job_doc(job, &meal_type, req->id, DOC_FOR_UPDATE, (void **)&meal));
    for (size_t i = 0; i < sizeof(dishes) / sizeof(dishes[0]); i++)
        if (str_eq(req->dish, str_of(dishes[i].dish)))
            dishes[i].cook(job);
    if (meal)
        return err_refuse(err, E_VERSION_CONFLICT, "cooked twice");
    meal = ARENA_NEW(job_arena(job), struct meal);
    *meal = (struct meal){.head.id = req->id, .dish = req->dish};
    job_insert(job, &meal_type, meal);
    return reply(job, &meal_view_schema, meal);
}

/* "poison" is in the third course: a text that is nowhere, on which whoever writes it down dies. */
static struct meal *course(struct job *job, const struct cook_request *req, size_t number)
{
    const bool poisoned = number == 2 && str_eq(req->dish, STR("poison"));
    struct meal *meal = ARENA_NEW(job_arena(job), struct meal);
    *meal = (struct meal){.head.id = req->id, .dish = req->dish};
    if (poisoned)
        meal->dish.ptr = (const char *)(uintptr_t)number;
    return meal;
}

static enum outcome feast(struct job *job, const void *request, struct err *err)
{
    const struct cook_request *req = request;
    (void)err; /* never refused */
    for (size_t i = 0; i < COURSES; i++)
        job_insert(job, &courses[i], course(job, req, i));
    return reply(job, &meal_view_schema, course(job, req, 0));
}

/* The pot or spoon as it is now, new when nobody has used it. */
static struct meal *used(struct job *job, struct meal *meal, struct str id)
{
    if (meal) {
        job_changed(job, meal);
        return meal;
    }
    meal = ARENA_NEW(job_arena(job), struct meal);
    *meal = (struct meal){.head.id = id, .dish = STR("stirred")};
    job_insert(job, &meal_type, meal);
    return meal;
}

static enum outcome stir(struct job *job, const void *request, struct err *err)
{
    const struct cook_request *req = request;
    struct meal *pot = NULL;
    struct meal *spoon = NULL;
    (void)err; /* never refused */
    NEED(job, job_doc(job, &meal_type, req->id, DOC_FOR_UPDATE, (void **)&pot),
         job_doc(job, &meal_type, req->dish, DOC_FOR_UPDATE, (void **)&spoon));
    used(job, spoon, req->dish);
    return reply(job, &meal_view_schema, used(job, pot, req->id));
}

static const struct operation kitchen_cook = {
    .name = "kitchen.cook",
    .who = GUEST,
    .request = &cook_schema,
    .handle = cook,
    .summary = "Cook something",
    .reply = &meal_view_schema,
};
static const struct operation kitchen_stir = {
    .name = "kitchen.stir",
    .who = GUEST,
    .request = &cook_schema,
    .handle = stir,
    .summary = "Cook something",
    .reply = &meal_view_schema,
};
static const struct operation kitchen_feast = {
    .name = "kitchen.feast",
    .who = GUEST,
    .request = &cook_schema,
    .handle = feast,
    .summary = "Cook something",
    .reply = &meal_view_schema,
};
static const struct operation *const operations[] = {&kitchen_cook, &kitchen_stir, &kitchen_feast,
                                                     NULL};
static const char *const prefixes[] = {"kitchen", NULL};
const struct domain kitchen_worker = {
    .name = "kitchen", .prefixes = prefixes, .operations = operations};
static const struct domain *const domains[] = {&kitchen_worker, NULL};
const struct doc_type *const kitchen_types[] = {&meal_type,  &courses[0], &courses[1], &courses[2],
                                                &courses[3], &courses[4], &courses[5], &courses[6],
                                                &courses[7], NULL};

struct service kitchen_service(void)
{
    return (struct service){.domains = domains, .types = kitchen_types, .cache_ms = MS_PER_HOUR};
}
