/* bus_beater.c - a thread that sends heartbeats where a signal handler cannot. */
#include "bus/bus_beater.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct beater {
    pthread_t thread;
    pthread_mutex_t guard;
    sem_t wanted;
    atomic_bool ends;
    void (*began)(void);
    void (*beat)(void *context);
    void *context;
};

static void *run(void *argument)
{
    struct beater *beater = argument;
    if (beater->began)
        beater->began();
    for (;;) {
        while (sem_wait(&beater->wanted) != 0 && errno == EINTR)
            ;
        if (beater->ends)
            return NULL;
        pthread_mutex_lock(&beater->guard);
        beater->beat(beater->context);
        pthread_mutex_unlock(&beater->guard);
    }
}

/* All signals except those of the thread's own faults, which cannot wait. */
static void leave_to_lane(sigset_t *signals)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigfillset(signals);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(signals, own[i]);
}

struct beater *beater_start(void (*began)(void), void (*beat)(void *context), void *context)
{
    struct beater *beater = calloc(1, sizeof(*beater));
    if (!beater)
        panic("out of memory for heartbeats");
    beater->began = began;
    beater->beat = beat;
    beater->context = context;
    pthread_mutex_init(&beater->guard, NULL);
    sem_init(&beater->wanted, 0, 0);
    sigset_t blocked;
    sigset_t before;
    leave_to_lane(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before); /* the new thread inherits this mask */
    const int error = pthread_create(&beater->thread, NULL, run, beater);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        panic("no thread for heartbeats: %s", strerror(error));
    return beater;
}

void beater_stop(struct beater *beater)
{
    if (!beater)
        return;
    beater->ends = true;
    beater_wake(beater);
    pthread_join(beater->thread, NULL);
    sem_destroy(&beater->wanted);
    pthread_mutex_destroy(&beater->guard);
    free(beater);
}

void beater_wake(struct beater *beater)
{
    sem_post(&beater->wanted);
}

pthread_mutex_t *beater_guard(struct beater *beater)
{
    return &beater->guard;
}
