/* Loaded into a process (LD_PRELOAD) in which xt runs: counts each call of the C library that changes something
 * below the store, or each that only looks at it, and at the n-th kills the process or lets the call fail.
 *
 * Nothing happens before `faults_arm`, and nothing in processes that are started later: they are loaded anew.
 * Linux, 64 bit, glibc.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { COUNT, KILL, TORN, FAIL, SHORT };

/* Shared with whoever arms it, so that it can be read after the process was killed; see preload.py. */
struct plan {
    int64_t at;      /* which call, from 1 */
    int32_t action;  /* KILL before it; TORN: half of what it writes, then KILL; FAIL; SHORT: half, all later FAIL */
    int32_t error;   /* errno of FAIL and SHORT */
    int32_t forever; /* 1: every call from then on fails, 2: every one about the same path */
    int32_t length;  /* bytes of `calls` */
    int64_t count;   /* calls so far */
    char prefix[1024];
    char except[64]; /* calls with this in their line do not count; none when empty */
    char calls[1 << 16]; /* `name path\n` of each */
    int32_t reading; /* calls that only look count, and no others */
};

static struct plan *plan;
static pid_t armed;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static char failed_at[2 * PATH_MAX + 2];

__attribute__((visibility("default"))) void faults_arm(struct plan *with)
{
    armed = getpid();
    plan = with;
}

static void die(void)
{
    syscall(SYS_kill, (long)getpid(), (long)SIGKILL);
    for (;;) pause();
}

/* The path a call is about: of a descriptor, or of a name beside one. */
static const char *whole(char *buffer, int fd, const char *path)
{
    char link[64];
    ssize_t length = 0;
    if (path && *path == '/') return path;
    if (path && fd == AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/cwd");
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    }
    length = syscall(SYS_readlink, link, buffer, (size_t)PATH_MAX);
    if (length < 0) return "";
    buffer[length] = 0;
    if (path && length + strlen(path) + 2 < 2 * PATH_MAX) {
        buffer[length++] = '/';
        strcpy(buffer + length, path);
    }
    return buffer;
}

/* What is to become of this call: COUNT for nothing, SHORT or TORN for half of it, FAIL with errno set. */
static int fate_of(int reading, const char *name, int fd, const char *path)
{
    struct plan *with = plan;
    if (!with || armed != getpid() || (reading >= 0 && reading != with->reading)) return COUNT;
    char buffer[2 * PATH_MAX + 2], line[2 * PATH_MAX + 64];
    const char *where = whole(buffer, fd, path);
    size_t prefix = strlen(with->prefix);
    if (strncmp(where, with->prefix, prefix) || (where[prefix] && where[prefix] != '/')) return COUNT;
    int length = snprintf(line, sizeof line, "%s .%s\n", name, where + prefix);
    if (with->except[0] && strstr(line, with->except)) return COUNT;
    while (atomic_flag_test_and_set(&busy)) {
    }
    int64_t number = ++with->count;
    if (with->length + length < (int)sizeof with->calls) {
        memcpy(with->calls + with->length, line, (size_t)length);
        with->length += length;
    }
    atomic_flag_clear(&busy);
    if (!with->at || number < with->at) return COUNT;
    if (with->action == KILL || (with->action == TORN && number > with->at)) die();
    if (number > with->at && !with->forever && with->action != SHORT) return COUNT;
    if (number == with->at) snprintf(failed_at, sizeof failed_at, "%s", where);
    if (with->forever == 2 && strcmp(failed_at, where)) return COUNT;
    if (with->action == SHORT && number > with->at) {
        errno = with->error;
        return FAIL;
    }
    if (with->action == FAIL) errno = with->error;
    return with->action;
}

static int fate(const char *name, int fd, const char *path)
{
    return fate_of(0, name, fd, path);
}

#define REAL(name) ((__typeof__(&name))next_of(&found_##name, #name))

static void *next_of(_Atomic(void *) *found, const char *name)
{
    void *there = atomic_load(found);
    if (!there) atomic_store(found, there = dlsym(RTLD_NEXT, name));
    return there;
}

/* A call of which there is no half: TORN kills after it, SHORT fails. */
#define WHOLE(name, fd, path, failed, call)                 \
    static _Atomic(void *) found_##name;                    \
    int chosen = fate(#name, fd, path);                     \
    if (chosen == SHORT) errno = plan->error;               \
    if (chosen == FAIL || chosen == SHORT) return failed;   \
    __typeof__(REAL(name) call) result = REAL(name) call;   \
    if (chosen == TORN) die();                              \
    return result

/* A call that writes `count` bytes. */
#define PART(name, fd, call)                                \
    static _Atomic(void *) found_##name;                    \
    int chosen = fate(#name, fd, NULL);                     \
    if (chosen == FAIL) return -1;                          \
    if (chosen == TORN || chosen == SHORT) count = count > 1 ? count / 2 : count; \
    ssize_t result = REAL(name) call;                       \
    if (chosen == TORN) die();                              \
    return result

ssize_t write(int fd, const void *data, size_t count) { PART(write, fd, (fd, data, count)); }
ssize_t pwrite(int fd, const void *data, size_t count, off_t at) { PART(pwrite, fd, (fd, data, count, at)); }
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) { PART(pwrite64, fd, (fd, data, count, at)); }
ssize_t copy_file_range(int from, off64_t *at, int fd, off64_t *to, size_t count, unsigned flags)
{
    PART(copy_file_range, fd, (from, at, fd, to, count, flags));
}
ssize_t sendfile(int fd, int from, off_t *at, size_t count) { PART(sendfile, fd, (fd, from, at, count)); }
ssize_t sendfile64(int fd, int from, off64_t *at, size_t count) { PART(sendfile64, fd, (fd, from, at, count)); }
struct iovec;
ssize_t writev(int fd, const struct iovec *parts, int count) { WHOLE(writev, fd, NULL, -1, (fd, parts, count)); }

int rename(const char *from, const char *to) { WHOLE(rename, AT_FDCWD, to, -1, (from, to)); }
int renameat(int a, const char *from, int b, const char *to) { WHOLE(renameat, b, to, -1, (a, from, b, to)); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    WHOLE(renameat2, b, to, -1, (a, from, b, to, flags));
}
int link(const char *from, const char *to) { WHOLE(link, AT_FDCWD, to, -1, (from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags)
{
    WHOLE(linkat, b, to, -1, (a, from, b, to, flags));
}
int symlink(const char *what, const char *to) { WHOLE(symlink, AT_FDCWD, to, -1, (what, to)); }
int symlinkat(const char *what, int fd, const char *to) { WHOLE(symlinkat, fd, to, -1, (what, fd, to)); }
int unlink(const char *path) { WHOLE(unlink, AT_FDCWD, path, -1, (path)); }
int unlinkat(int fd, const char *path, int flags) { WHOLE(unlinkat, fd, path, -1, (fd, path, flags)); }
int remove(const char *path) { WHOLE(remove, AT_FDCWD, path, -1, (path)); }
int mkdir(const char *path, mode_t mode) { WHOLE(mkdir, AT_FDCWD, path, -1, (path, mode)); }
int mkdirat(int fd, const char *path, mode_t mode) { WHOLE(mkdirat, fd, path, -1, (fd, path, mode)); }
int rmdir(const char *path) { WHOLE(rmdir, AT_FDCWD, path, -1, (path)); }
int fsync(int fd) { WHOLE(fsync, fd, NULL, -1, (fd)); }
int fdatasync(int fd) { WHOLE(fdatasync, fd, NULL, -1, (fd)); }
int syncfs(int fd) { WHOLE(syncfs, fd, NULL, -1, (fd)); }
int sync_file_range(int fd, off64_t from, off64_t count, unsigned flags)
{
    WHOLE(sync_file_range, fd, NULL, -1, (fd, from, count, flags));
}
int truncate(const char *path, off_t size) { WHOLE(truncate, AT_FDCWD, path, -1, (path, size)); }
int truncate64(const char *path, off64_t size) { WHOLE(truncate64, AT_FDCWD, path, -1, (path, size)); }
int ftruncate(int fd, off_t size) { WHOLE(ftruncate, fd, NULL, -1, (fd, size)); }
int ftruncate64(int fd, off64_t size) { WHOLE(ftruncate64, fd, NULL, -1, (fd, size)); }
int posix_fallocate(int fd, off_t at, off_t size)
{
    WHOLE(posix_fallocate, fd, NULL, plan->error, (fd, at, size));
}
int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    WHOLE(posix_fallocate64, fd, NULL, plan->error, (fd, at, size));
}
int fallocate(int fd, int mode, off_t at, off_t size) { WHOLE(fallocate, fd, NULL, -1, (fd, mode, at, size)); }
int chmod(const char *path, mode_t mode) { WHOLE(chmod, AT_FDCWD, path, -1, (path, mode)); }
int fchmod(int fd, mode_t mode) { WHOLE(fchmod, fd, NULL, -1, (fd, mode)); }
int fchmodat(int fd, const char *path, mode_t mode, int flags)
{
    WHOLE(fchmodat, fd, path, -1, (fd, path, mode, flags));
}
int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
    WHOLE(utimensat, fd, path, -1, (fd, path, times, flags));
}
int futimens(int fd, const struct timespec times[2]) { WHOLE(futimens, fd, NULL, -1, (fd, times)); }

/* A call that changes nothing; `flock` and the locks of SQLite are of both kinds. */
#define LOOK_AS(kind, name, fd, path, failed, call)         \
    static _Atomic(void *) found_##name;                    \
    if (fate_of(kind, #name, fd, path) != COUNT) return failed; \
    return REAL(name) call
#define LOOK(name, fd, path, failed, call) LOOK_AS(1, name, fd, path, failed, call)

int flock(int fd, int how) { LOOK_AS(-1, flock, fd, NULL, -1, (fd, how)); }
ssize_t read(int fd, void *data, size_t count) { LOOK(read, fd, NULL, -1, (fd, data, count)); }
ssize_t pread64(int fd, void *data, size_t count, off64_t at) { LOOK(pread64, fd, NULL, -1, (fd, data, count, at)); }
int access(const char *path, int mode) { LOOK(access, AT_FDCWD, path, -1, (path, mode)); }
int faccessat(int fd, const char *path, int mode, int flags)
{
    LOOK(faccessat, fd, path, -1, (fd, path, mode, flags));
}
ssize_t readlink(const char *path, char *text, size_t size)
{
    LOOK(readlink, AT_FDCWD, path, -1, (path, text, size));
}
ssize_t readlinkat(int fd, const char *path, char *text, size_t size)
{
    LOOK(readlinkat, fd, path, -1, (fd, path, text, size));
}
int stat64(const char *path, struct stat64 *info) { LOOK(stat64, AT_FDCWD, path, -1, (path, info)); }
int lstat64(const char *path, struct stat64 *info) { LOOK(lstat64, AT_FDCWD, path, -1, (path, info)); }
int fstat64(int fd, struct stat64 *info) { LOOK(fstat64, fd, NULL, -1, (fd, info)); }
int fstatat64(int fd, const char *path, struct stat64 *info, int flags)
{
    LOOK(fstatat64, fd, path, -1, (fd, path, info, flags));
}
DIR *opendir(const char *path) { LOOK(opendir, AT_FDCWD, path, NULL, (path)); }
DIR *fdopendir(int fd) { LOOK(fdopendir, fd, NULL, NULL, (fd)); }
struct dirent64 *readdir64(DIR *folder) { LOOK(readdir64, dirfd(folder), NULL, NULL, (folder)); }

#define MODE                        \
    mode_t mode = 0;                \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest;               \
        va_start(rest, flags);      \
        mode = va_arg(rest, mode_t); \
        va_end(rest);               \
    }
#define OPEN(name, fd, call)                        \
    MODE                                            \
    if (flags & (O_CREAT | O_TRUNC)) {              \
        WHOLE(name, fd, path, -1, call);            \
    }                                               \
    LOOK(name, fd, path, -1, call)

int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD, (path, flags, mode)); }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD, (path, flags, mode)); }
int openat(int fd, const char *path, int flags, ...) { OPEN(openat, fd, (fd, path, flags, mode)); }
int openat64(int fd, const char *path, int flags, ...) { OPEN(openat64, fd, (fd, path, flags, mode)); }

/* Locks that SQLite takes. */
static int any_fcntl(_Atomic(void *) *found, const char *name, int fd, int command, void *argument)
{
    int chosen = command == F_SETLK || command == F_SETLKW ? fate(name, fd, NULL) : COUNT;
    if (chosen == SHORT) errno = plan->error;
    if (chosen == FAIL || chosen == SHORT) return -1;
    int result = ((int (*)(int, int, ...))next_of(found, name))(fd, command, argument);
    if (chosen == TORN) die();
    return result;
}
#define FCNTL(name)                                            \
    int name(int fd, int command, ...)                         \
    {                                                          \
        static _Atomic(void *) found;                          \
        va_list rest;                                          \
        va_start(rest, command);                               \
        void *argument = va_arg(rest, void *);                 \
        va_end(rest);                                          \
        return any_fcntl(&found, #name, fd, command, argument); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
