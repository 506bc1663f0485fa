/* Loaded into a command (LD_PRELOAD) to vary or to hold what no variable of the environment can:
 *
 *   XT_SHIM_FILES=reversed|sorted   order in which readdir and scandir list a folder
 *   XT_SHIM_ENTROPY=N               getrandom, getentropy, /dev/urandom, std::random_device: a fixed sequence
 *   XT_SHIM_CLOCK=+SECONDS          wall clock moved; monotonic clocks are as they are
 *   XT_SHIM_CLOCK=@SECONDS          every clock counts: it begins then, a look at it takes 1 us, a sleep its time
 *
 * Each does nothing unless its variable is set. It reaches what goes through the C library's dynamic
 * symbols: not static programs, not Go, not system calls made directly, not the instruction rdrand.
 * Linux, 64 bit, glibc.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "64 bit only: readdir and readdir64, open and open64 are the same there");

#define EXPORT __attribute__((visibility("default")))
/* The next definition of a symbol; looked up once. Two threads that do it at once find the same. */
#define REAL(name, result, ...)                                                   \
    static _Atomic(void *) found_##name;                                          \
    void *there_##name = atomic_load(&found_##name);                              \
    if (!there_##name) atomic_store(&found_##name, there_##name = next_of(#name)); \
    result (*real_##name)(__VA_ARGS__) = (result (*)(__VA_ARGS__))there_##name

static void *next_of(const char *name)
{
    void *found = NULL;
    /* Of condition variables there is an older kind, which a plain look-up would give (x86). */
    if (!strncmp(name, "pthread_cond_", 13)) found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    if (!found) found = dlsym(RTLD_NEXT, name);
    return found;
}

/* ---- settings, read when first needed: other libraries' constructors may come before ours ---- */

enum { AS_IS, REVERSED, SORTED };
enum { REAL_CLOCK, MOVED, COUNTED };
static struct {
    int files, clock;
    int entropy;
    uint64_t seed;
    int64_t nanoseconds; /* by how much, or from when */
} set;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t listings_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_listings(void)
{
    pthread_mutex_lock(&listings_lock);
}

static void unlock_listings(void)
{
    pthread_mutex_unlock(&listings_lock);
}

static void read_settings(void)
{
    const char *files = getenv("XT_SHIM_FILES"), *entropy = getenv("XT_SHIM_ENTROPY");
    const char *clock = getenv("XT_SHIM_CLOCK");
    if (files) set.files = !strcmp(files, "reversed") ? REVERSED : !strcmp(files, "sorted") ? SORTED : AS_IS;
    /* A child that is forked while another thread lists a folder can list folders too. */
    if (set.files != AS_IS) pthread_atfork(lock_listings, unlock_listings, unlock_listings);
    if (entropy) {
        set.entropy = 1;
        set.seed = strtoull(entropy, NULL, 10);
    }
    if (clock && (*clock == '+' || *clock == '@')) {
        set.clock = *clock == '+' ? MOVED : COUNTED;
        set.nanoseconds = strtoll(clock + 1, NULL, 10) * 1000000000;
    }
}

static void settings(void)
{
    pthread_once(&once, read_settings);
}

/* ---- the order of files ---- */

struct listing {
    DIR *stream;
    struct dirent **entries;
    size_t count, next;
    int error; /* with which the listing ended, if not well */
    struct listing *after;
};
static struct listing *listings;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static void arrange(struct dirent **entries, size_t count)
{
    if (set.files == SORTED) qsort(entries, count, sizeof *entries, by_name);
    if (set.files == REVERSED)
        for (size_t i = 0; i < count / 2; i++) {
            struct dirent *other = entries[i];
            entries[i] = entries[count - 1 - i];
            entries[count - 1 - i] = other;
        }
}

static void forget(DIR *stream) /* with the lock held */
{
    for (struct listing **at = &listings; *at; at = &(*at)->after)
        if ((*at)->stream == stream) {
            struct listing *gone = *at;
            *at = gone->after;
            for (size_t i = 0; i < gone->count; i++) free(gone->entries[i]);
            free(gone->entries);
            free(gone);
            return;
        }
}

static struct listing *listing_of(DIR *stream) /* with the lock held; NULL: no memory */
{
    REAL(readdir, struct dirent *, DIR *);
    for (struct listing *at = listings; at; at = at->after)
        if (at->stream == stream) return at;
    struct listing *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->stream = stream;
    size_t room = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = real_readdir(stream);
        if (!entry) {
            made->error = errno;
            break;
        }
        if (made->count == room) {
            room = room ? 2 * room : 64;
            struct dirent **more = realloc(made->entries, room * sizeof *more);
            if (!more) {
                made->error = ENOMEM;
                break;
            }
            made->entries = more;
        }
        /* d_reclen may be less than the size of the type, and a caller may copy all of that. */
        size_t size = entry->d_reclen > sizeof *entry ? entry->d_reclen : sizeof *entry;
        struct dirent *copy = calloc(1, size);
        if (!copy) {
            made->error = ENOMEM;
            break;
        }
        memcpy(copy, entry, entry->d_reclen);
        made->entries[made->count++] = copy;
    }
    arrange(made->entries, made->count);
    for (size_t i = 0; i < made->count; i++) made->entries[i]->d_off = (off_t)i + 1;
    made->after = listings;
    return listings = made;
}

EXPORT struct dirent *readdir(DIR *stream)
{
    REAL(readdir, struct dirent *, DIR *);
    settings();
    if (set.files == AS_IS) return real_readdir(stream);
    int before = errno, error = 0;
    struct dirent *found = NULL;
    lock_listings();
    struct listing *at = listing_of(stream);
    if (!at) error = ENOMEM;
    else if (at->next < at->count) found = at->entries[at->next++];
    else error = at->error;
    unlock_listings();
    errno = error ? error : before; /* at the end of a folder it is left as it was */
    return found;
}

EXPORT struct dirent64 *readdir64(DIR *stream)
{
    return (struct dirent64 *)readdir(stream);
}

static int readdir_into(DIR *stream, struct dirent *entry, struct dirent **result)
{
    int before = errno;
    errno = 0;
    struct dirent *found = readdir(stream);
    int error = found ? 0 : errno;
    errno = before;
    if (found) memcpy(entry, found, found->d_reclen < sizeof *entry ? found->d_reclen : sizeof *entry);
    *result = found ? entry : NULL;
    return error;
}

EXPORT int readdir_r(DIR *stream, struct dirent *entry, struct dirent **result)
{
    return readdir_into(stream, entry, result);
}

EXPORT int readdir64_r(DIR *stream, struct dirent64 *entry, struct dirent64 **result)
{
    return readdir_into(stream, (struct dirent *)entry, (struct dirent **)result);
}

EXPORT void rewinddir(DIR *stream)
{
    REAL(rewinddir, void, DIR *);
    lock_listings();
    forget(stream);
    real_rewinddir(stream);
    unlock_listings();
}

EXPORT int closedir(DIR *stream)
{
    REAL(closedir, int, DIR *);
    lock_listings();
    forget(stream);
    unlock_listings();
    return real_closedir(stream);
}

EXPORT long telldir(DIR *stream)
{
    REAL(telldir, long, DIR *);
    settings();
    if (set.files == AS_IS) return real_telldir(stream);
    lock_listings();
    struct listing *at = listing_of(stream);
    long place = at ? (long)at->next : -1;
    unlock_listings();
    return place;
}

EXPORT void seekdir(DIR *stream, long place)
{
    REAL(seekdir, void, DIR *, long);
    settings();
    if (set.files == AS_IS) {
        real_seekdir(stream, place);
        return;
    }
    lock_listings();
    struct listing *at = listing_of(stream);
    if (at && place >= 0) at->next = (size_t)place < at->count ? (size_t)place : at->count;
    unlock_listings();
}

typedef int choose(const struct dirent *);
typedef int compare(const struct dirent **, const struct dirent **);

EXPORT int scandir(const char *path, struct dirent ***names, choose *chosen, compare *order)
{
    REAL(scandir, int, const char *, struct dirent ***, choose *, compare *);
    settings();
    int count = real_scandir(path, names, chosen, order);
    if (count > 1 && !order) arrange(*names, (size_t)count); /* else the caller's order holds */
    return count;
}

EXPORT int scandir64(const char *path, struct dirent64 ***names, int (*chosen)(const struct dirent64 *),
                     int (*order)(const struct dirent64 **, const struct dirent64 **))
{
    return scandir(path, (struct dirent ***)names, (choose *)chosen, (compare *)order);
}

/* ---- entropy ---- */

static _Atomic uint64_t drawn;

static uint64_t mixed(uint64_t value) /* splitmix64, Steele, Lea and Flood 2014 */
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static void draw(unsigned char *to, size_t size)
{
    while (size) {
        uint64_t value = mixed((set.seed + 1 + atomic_fetch_add(&drawn, 1)) * 0x9e3779b97f4a7c15u);
        size_t part = size < 8 ? size : 8;
        memcpy(to, &value, part);
        to += part;
        size -= part;
    }
}

EXPORT ssize_t getrandom(void *to, size_t size, unsigned int flags)
{
    REAL(getrandom, ssize_t, void *, size_t, unsigned int);
    settings();
    if (!set.entropy) return real_getrandom(to, size, flags);
    draw(to, size);
    return (ssize_t)size;
}

EXPORT int getentropy(void *to, size_t size)
{
    REAL(getentropy, int, void *, size_t);
    settings();
    if (!set.entropy) return real_getentropy(to, size);
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    draw(to, size);
    return 0;
}

EXPORT uint32_t arc4random(void)
{
    REAL(arc4random, uint32_t, void);
    uint32_t value;
    settings();
    if (!set.entropy && real_arc4random) return real_arc4random();
    if (!set.entropy) getentropy(&value, sizeof value);
    else draw((unsigned char *)&value, sizeof value);
    return value;
}

EXPORT void arc4random_buf(void *to, size_t size)
{
    unsigned char *at = to;
    for (size_t i = 0; i < size; i++) at[i] = (unsigned char)arc4random();
}

EXPORT uint32_t arc4random_uniform(uint32_t bound)
{
    uint32_t value;
    if (bound < 2) return 0;
    do value = arc4random();
    while (value < -bound % bound); /* else small numbers came more often */
    return value;
}

/* std::random_device::_M_getval of libstdc++, which otherwise may ask the processor itself. */
EXPORT unsigned int random_device(void *self) __asm__("_ZNSt13random_device9_M_getvalEv");
EXPORT unsigned int random_device(void *self)
{
    REAL(_ZNSt13random_device9_M_getvalEv, unsigned int, void *);
    unsigned int value;
    settings();
    if (!set.entropy && real__ZNSt13random_device9_M_getvalEv)
        return real__ZNSt13random_device9_M_getvalEv(self);
    /* A libstdc++ that was loaded later, for one library alone, is not found from here. */
    if (!set.entropy) getentropy(&value, sizeof value);
    else draw((unsigned char *)&value, sizeof value);
    return value;
}

static int is_entropy(const char *path)
{
    settings();
    return set.entropy && path && (!strcmp(path, "/dev/urandom") || !strcmp(path, "/dev/random"));
}

/* A file of the sequence in memory: 1 MB, then it ends, which no reader of seeds comes to. */
static int entropy_file(int flags)
{
    static const size_t size = 1 << 20;
    int fd = memfd_create("entropy", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) return fd;
    unsigned char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return fd;
    draw(at, size);
    munmap(at, size);
    return fd;
}

#define MODE(flags)                                            \
    mode_t mode = 0;                                           \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode = va_arg(rest, mode_t);                           \
        va_end(rest);                                          \
    }
#define OPEN(name)                                                        \
    EXPORT int name(const char *path, int flags, ...)                     \
    {                                                                     \
        REAL(name, int, const char *, int, ...);                          \
        MODE(flags)                                                       \
        return is_entropy(path) ? entropy_file(flags) : real_##name(path, flags, mode); \
    }
#define OPENAT(name)                                                      \
    EXPORT int name(int folder, const char *path, int flags, ...)         \
    {                                                                     \
        REAL(name, int, int, const char *, int, ...);                     \
        MODE(flags)                                                       \
        return is_entropy(path) ? entropy_file(flags) : real_##name(folder, path, flags, mode); \
    }
#define FOPEN(name)                                                       \
    EXPORT FILE *name(const char *path, const char *how)                  \
    {                                                                     \
        REAL(name, FILE *, const char *, const char *);                   \
        return is_entropy(path) ? fdopen(entropy_file(O_CLOEXEC), "r") : real_##name(path, how); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FOPEN(fopen)
FOPEN(fopen64)

/* ---- clocks ----
 *
 * A counted clock: wall clocks begin at a given moment, all others at one second, and all go on together by
 * what was slept and by 1 us for each look. So a program that waits for time to pass comes to an end, and
 * one that sleeps as long as before sees the same times. Deadlines that it computed from them are turned
 * back into real ones.
 */

static const int64_t STEP = 1000, SECOND = 1000000000;
static _Atomic int64_t passed;

static int64_t in_ns(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

static struct timespec as_timespec(int64_t ns)
{
    if (ns < 0) ns = 0;
    return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

static int is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static int64_t really(clockid_t clock)
{
    REAL(clock_gettime, int, clockid_t, struct timespec *);
    struct timespec now = {0, 0};
    real_clock_gettime(clock, &now);
    return in_ns(&now);
}

/* What a clock shows, without its going on. */
static int64_t shown(clockid_t clock)
{
    if (set.clock == COUNTED) return (is_wall(clock) ? set.nanoseconds : SECOND) + atomic_load(&passed);
    return really(clock) + (set.clock == MOVED && is_wall(clock) ? set.nanoseconds : 0);
}

static int64_t look(clockid_t clock)
{
    settings();
    if (set.clock == COUNTED) atomic_fetch_add(&passed, STEP);
    return shown(clock);
}

/* Of several threads that sleep at once the time passes once. */
static void pass(int64_t begin, int64_t time)
{
    if (set.clock != COUNTED || time <= 0) return;
    int64_t now = atomic_load(&passed);
    while (now < begin + time && !atomic_compare_exchange_weak(&passed, &now, begin + time)) {}
}

/* On which clock a moment is meant, where that is not said: no machine is up for 30 years. */
static clockid_t likely_clock(const struct timespec *until)
{
    return until->tv_sec > 950000000 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

/* A moment on a clock as it is shown, on the real one. */
static struct timespec in_reality(clockid_t clock, const struct timespec *until)
{
    return as_timespec(in_ns(until) - shown(clock) + really(clock));
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *to)
{
    REAL(clock_gettime, int, clockid_t, struct timespec *);
    settings();
    int status = real_clock_gettime(clock, to);
    if (!status && set.clock != REAL_CLOCK) *to = as_timespec(look(clock));
    return status;
}

EXPORT int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
    REAL(gettimeofday, int, struct timeval *, void *);
    settings();
    int status = real_gettimeofday(to, zone);
    if (!status && set.clock != REAL_CLOCK) {
        int64_t now = look(CLOCK_REALTIME);
        *to = (struct timeval){.tv_sec = now / SECOND, .tv_usec = now % SECOND / 1000};
    }
    return status;
}

EXPORT time_t time(time_t *to)
{
    time_t now = (time_t)(look(CLOCK_REALTIME) / SECOND);
    if (to) *to = now;
    return now;
}

EXPORT int timespec_get(struct timespec *to, int base)
{
    REAL(timespec_get, int, struct timespec *, int);
    settings();
    int status = real_timespec_get(to, base);
    if (status == TIME_UTC && set.clock != REAL_CLOCK) *to = as_timespec(look(CLOCK_REALTIME));
    return status;
}

EXPORT clock_t clock(void)
{
    REAL(clock, clock_t, void);
    settings();
    return set.clock == COUNTED ? (clock_t)(look(CLOCK_MONOTONIC) / (SECOND / CLOCKS_PER_SEC)) : real_clock();
}

EXPORT int nanosleep(const struct timespec *time, struct timespec *left)
{
    REAL(nanosleep, int, const struct timespec *, struct timespec *);
    int64_t begin = atomic_load(&passed);
    settings();
    int status = real_nanosleep(time, left);
    if (!status) pass(begin, in_ns(time));
    return status;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    REAL(clock_nanosleep, int, clockid_t, int, const struct timespec *, struct timespec *);
    settings();
    if (set.clock == REAL_CLOCK) return real_clock_nanosleep(clock, flags, time, left);
    int64_t begin = atomic_load(&passed);
    int64_t wait = in_ns(time) - (flags & TIMER_ABSTIME ? shown(clock) : 0);
    struct timespec until = flags & TIMER_ABSTIME ? in_reality(clock, time) : *time;
    int status = real_clock_nanosleep(clock, flags, &until, left);
    if (!status) pass(begin, wait);
    return status;
}

EXPORT unsigned int sleep(unsigned int seconds)
{
    REAL(sleep, unsigned int, unsigned int);
    int64_t begin = atomic_load(&passed);
    settings();
    unsigned int left = real_sleep(seconds);
    pass(begin, (int64_t)(seconds - left) * SECOND);
    return left;
}

EXPORT int usleep(useconds_t time)
{
    REAL(usleep, int, useconds_t);
    int64_t begin = atomic_load(&passed);
    settings();
    int status = real_usleep(time);
    if (!status) pass(begin, (int64_t)time * 1000);
    return status;
}

/* Waiting for descriptors: only when nothing came has all of the time passed. */

EXPORT int poll(struct pollfd *files, nfds_t count, int milliseconds)
{
    REAL(poll, int, struct pollfd *, nfds_t, int);
    int64_t begin = atomic_load(&passed);
    settings();
    int status = real_poll(files, count, milliseconds);
    if (!status) pass(begin, (int64_t)milliseconds * 1000000);
    return status;
}

EXPORT int ppoll(struct pollfd *files, nfds_t count, const struct timespec *time, const sigset_t *mask)
{
    REAL(ppoll, int, struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    int64_t begin = atomic_load(&passed), wait = time ? in_ns(time) : 0;
    settings();
    int status = real_ppoll(files, count, time, mask);
    if (!status) pass(begin, wait);
    return status;
}

EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *time)
{
    REAL(select, int, int, fd_set *, fd_set *, fd_set *, struct timeval *);
    int64_t begin = atomic_load(&passed), wait = time ? time->tv_sec * SECOND + time->tv_usec * 1000 : 0;
    settings();
    int status = real_select(count, in, out, other, time);
    if (!status) pass(begin, wait);
    return status;
}

EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *time,
                   const sigset_t *mask)
{
    REAL(pselect, int, int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
    int64_t begin = atomic_load(&passed), wait = time ? in_ns(time) : 0;
    settings();
    int status = real_pselect(count, in, out, other, time, mask);
    if (!status) pass(begin, wait);
    return status;
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds)
{
    REAL(epoll_wait, int, int, struct epoll_event *, int, int);
    int64_t begin = atomic_load(&passed);
    settings();
    int status = real_epoll_wait(fd, events, most, milliseconds);
    if (!status) pass(begin, (int64_t)milliseconds * 1000000);
    return status;
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int most, int milliseconds, const sigset_t *mask)
{
    REAL(epoll_pwait, int, int, struct epoll_event *, int, int, const sigset_t *);
    int64_t begin = atomic_load(&passed);
    settings();
    int status = real_epoll_pwait(fd, events, most, milliseconds, mask);
    if (!status) pass(begin, (int64_t)milliseconds * 1000000);
    return status;
}

/* Waiting for other threads until a moment. `clock` -1: not said. */
#define UNTIL(which, until, call, timed_out)                      \
    settings();                                                   \
    struct timespec moment;                                       \
    int64_t begin = atomic_load(&passed), wait = 0;               \
    if (set.clock != REAL_CLOCK) {                                \
        clockid_t whose = which;                                  \
        if (whose < 0) whose = likely_clock(until);               \
        wait = in_ns(until) - shown(whose);                       \
        moment = in_reality(whose, until);                        \
        until = &moment;                                          \
    }                                                             \
    int status = call;                                            \
    if (timed_out) pass(begin, wait);                             \
    return status

EXPORT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    REAL(pthread_cond_timedwait, int, pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    UNTIL(-1, until, real_pthread_cond_timedwait(condition, lock, until), status == ETIMEDOUT);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *lock, clockid_t clock,
                                  const struct timespec *until)
{
    REAL(pthread_cond_clockwait, int, pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    UNTIL(clock, until, real_pthread_cond_clockwait(condition, lock, clock, until), status == ETIMEDOUT);
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *lock, const struct timespec *until)
{
    REAL(pthread_mutex_timedlock, int, pthread_mutex_t *, const struct timespec *);
    UNTIL(CLOCK_REALTIME, until, real_pthread_mutex_timedlock(lock, until), status == ETIMEDOUT);
}

EXPORT int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    REAL(sem_timedwait, int, sem_t *, const struct timespec *);
    UNTIL(CLOCK_REALTIME, until, real_sem_timedwait(semaphore, until), status && errno == ETIMEDOUT);
}

EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    REAL(sem_clockwait, int, sem_t *, clockid_t, const struct timespec *);
    UNTIL(clock, until, real_sem_clockwait(semaphore, clock, until), status && errno == ETIMEDOUT);
}
