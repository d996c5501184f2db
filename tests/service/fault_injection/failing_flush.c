/* Fault injection, preloaded into the server: fails one flush of SQLite's write-ahead log after everything was written,
 * and kills the process, as in a crash, before anything overwrites it.
 *
 * While the file named by FLUSH_FAULT exists, the first flush succeeds (the intent to create the object), the second
 * fails (the key's row), and the next write to the log kills the process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int flushes;

static int is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    const char *end = "strongroom.db-wal";
    size_t wanted = strlen(end);
    return length > (ssize_t)wanted && memcmp(path + length - wanted, end, wanted) == 0;
}

static int flush_fails(int fd) {
    const char *armed = getenv("FLUSH_FAULT");
    if (armed == NULL || access(armed, F_OK) != 0 || !is_log(fd)) return 0;
    return ++flushes >= 2;
}

static void before_write(int fd) {
    if (flushes >= 2 && is_log(fd)) kill(getpid(), SIGKILL);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (flush_fails(fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (flush_fails(fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    before_write(fd);
    return real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    before_write(fd);
    return real(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    before_write(fd);
    return real(fd, bytes, count, offset);
}
