/* Fault injection, preloaded into the server: kills the process at a step of a write, or lets the step fail.
 *
 * While the file named by CRASH_STEP exists, it contains the name of a step. The steps of the audit log are "log-write" (before
 * its lines are written), "log-part" (after half of them), "log-flush" (before they are flushed) and "log-flushed"; those of the
 * database are "database-write", "database-flush" and "database-flushed", of its write-ahead log. "log-full" fails writes to the
 * audit log after half of the lines, "log-unflushed" fails its flushes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t (*write_function)(int, const void *, size_t);
typedef ssize_t (*pwrite_function)(int, const void *, size_t, off64_t);
typedef int (*flush_function)(int);

static int ends_with(int fd, const char *end) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t wanted = strlen(end);
    return length > (ssize_t)wanted && memcmp(path + length - wanted, end, wanted) == 0;
}

static int is_step(const char *step) {
    char found[64];
    const char *armed = getenv("CRASH_STEP");
    int fd = armed == NULL ? -1 : open(armed, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, found, sizeof found);
    close(fd);
    return length == (ssize_t)strlen(step) && memcmp(found, step, length) == 0;
}

static void crash_at(const char *step) {
    if (is_step(step)) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

static int is_log(int fd) { return ends_with(fd, ".jsonl"); }

static int is_database(int fd) { return ends_with(fd, "strongroom.db-wal"); }

ssize_t write(int fd, const void *bytes, size_t count) {
    write_function real = (write_function)dlsym(RTLD_NEXT, "write");
    if (is_log(fd)) {
        crash_at("log-write");
        if (is_step("log-part")) {
            real(fd, bytes, count / 2);
            crash_at("log-part");
        }
        if (is_step("log-full")) {
            if (count > 64) return real(fd, bytes, count / 2);
            errno = ENOSPC;
            return -1;
        }
    } else if (is_database(fd)) {
        crash_at("database-write");
    }
    return real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (is_database(fd)) crash_at("database-write");
    return ((pwrite_function)dlsym(RTLD_NEXT, "pwrite"))(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    if (is_database(fd)) crash_at("database-write");
    return ((pwrite_function)dlsym(RTLD_NEXT, "pwrite64"))(fd, bytes, count, offset);
}

static int flush(int fd, const char *name) {
    int log = is_log(fd), database = !log && is_database(fd);
    if (log) crash_at("log-flush");
    if (database) crash_at("database-flush");
    if (log && is_step("log-unflushed")) {
        errno = EIO;
        return -1;
    }
    int result = ((flush_function)dlsym(RTLD_NEXT, name))(fd);
    if (log) crash_at("log-flushed");
    if (database) crash_at("database-flushed");
    return result;
}

int fdatasync(int fd) { return flush(fd, "fdatasync"); }

int fsync(int fd) { return flush(fd, "fsync"); }
