/* Fault injection, preloaded into the server: a file system that is full or read-only.
 *
 * While the file named by STORAGE_FAULT exists, it has the name of an error, ENOSPC or EROFS, a blank, and the path of a directory or
 * file. Below it, ENOSPC fails all writes and the creation of files and directories; EROFS fails also the removal, the renaming and
 * the opening of files for writing. Reading, flushing and truncating a full file system succeed, as on a real one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

/* Returns the error for a path, 0 if there is none. */
static int fault_of(const char *path) {
    char text[4200];
    const char *armed = getenv("STORAGE_FAULT");
    if (armed == NULL || path == NULL) return 0;
    int fd = syscall(SYS_openat, AT_FDCWD, armed, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 7) return 0;
    text[length] = 0;
    int error = strncmp(text, "ENOSPC ", 7) == 0 ? ENOSPC : strncmp(text, "EROFS ", 6) == 0 ? EROFS : 0;
    const char *below = strchr(text, ' ') + 1;
    return error != 0 && strncmp(path, below, strlen(below)) == 0 ? error : 0;
}

static int fault_of_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return fault_of(path);
}

static int fails(int error) {
    if (error != 0) errno = error;
    return error != 0;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (fails(fault_of_fd(fd))) return -1;
    return REAL(ssize_t (*)(int, const void *, size_t), "write")(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (fails(fault_of_fd(fd))) return -1;
    return REAL(ssize_t (*)(int, const struct iovec *, int), "writev")(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (fails(fault_of_fd(fd))) return -1;
    return REAL(ssize_t (*)(int, const void *, size_t, off_t), "pwrite")(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    if (fails(fault_of_fd(fd))) return -1;
    return REAL(ssize_t (*)(int, const void *, size_t, off64_t), "pwrite64")(fd, bytes, count, offset);
}

int ftruncate(int fd, off_t length) {
    int error = fault_of_fd(fd);
    if (error == EROFS && fails(error)) return -1;
    return REAL(int (*)(int, off_t), "ftruncate")(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    int error = fault_of_fd(fd);
    if (error == EROFS && fails(error)) return -1;
    return REAL(int (*)(int, off64_t), "ftruncate64")(fd, length);
}

/* SoftHSM writes with the functions of C, which call no other function that can be replaced. */
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
    if (fails(fault_of_fd(fileno(file)))) return 0;
    return REAL(size_t (*)(const void *, size_t, size_t, FILE *), "fwrite")(bytes, size, count, file);
}

int fflush(FILE *file) {
    if (file != NULL && fails(fault_of_fd(fileno(file)))) return EOF;
    return REAL(int (*)(FILE *), "fflush")(file);
}

static int open_fails(const char *path, int flags) {
    int error = fault_of(path);
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int creates = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    return (creates || (writes && error == EROFS)) && fails(error);
}

#define OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                        \
        va_list rest;                                                   \
        va_start(rest, flags);                                          \
        mode_t mode = va_arg(rest, mode_t);                             \
        va_end(rest);                                                   \
        if (open_fails(path, flags)) return -1;                         \
        return syscall(SYS_openat, AT_FDCWD, path, flags, mode);        \
    }

OPEN(open)
OPEN(open64)

FILE *fopen(const char *path, const char *mode) {
    int flags = strpbrk(mode, "wa") != NULL ? O_WRONLY | O_CREAT : strchr(mode, '+') != NULL ? O_RDWR : O_RDONLY;
    if (open_fails(path, flags)) return NULL;
    return REAL(FILE * (*)(const char *, const char *), "fopen")(path, mode);
}

int mkdir(const char *path, mode_t mode) {
    if (access(path, F_OK) != 0 && fails(fault_of(path))) return -1;
    return REAL(int (*)(const char *, mode_t), "mkdir")(path, mode);
}

int rename(const char *from, const char *to) {
    if (fault_of(from) == EROFS && fails(EROFS)) return -1;
    return REAL(int (*)(const char *, const char *), "rename")(from, to);
}

int unlink(const char *path) {
    if (fault_of(path) == EROFS && fails(EROFS)) return -1;
    return REAL(int (*)(const char *), "unlink")(path);
}
