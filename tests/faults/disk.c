/* A disk that fails or forgets, between a program and the C library: `cc -shared -fPIC`, then LD_PRELOAD.

   DISK_FAILS names a file: while it is there, the disk does not take PostgreSQL's write-ahead log. fdatasync and fsync of
   whatever is in a pg_wal answer EIO.

   DISK_NOTES names a directory: what a power loss could undo is noted there, in `notes`, a line each.
     C PATH          a file was made          M PATH   a directory was made
     L FROM|TO       a link was made          U PATH   a name goes
     R FROM|TO|KEPT  a name is to go to another; what it named before is kept under this name in the directory
     S BYTES PATH    the file is synced to this length
     D PATH          the directory is synced

   DISK_DIES names a file: from the moment it is there, the program is killed before its DISK_DIES_AT-th sync of what is in a
   lake or an index, which has then something to lose. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATH_BYTES 4096

/* The path of an open file; empty when it has none. */
static void path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_BYTES - 1);
    path[length > 0 ? length : 0] = 0;
}

static void note(const char *format, ...) {
    const char *directory = getenv("DISK_NOTES");
    if (!directory) return;
    int before = errno;
    char path[PATH_BYTES], line[4 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/notes", directory);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    /* One write to the end of it, so that lines of threads stay whole. */
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0) {
        if (write(fd, line, (size_t)length) != length) abort();
        close(fd);
    }
    errno = before;
}

static void die_at(const char *path) {
    static int count;
    const char *dies = getenv("DISK_DIES");
    if (!dies || access(dies, F_OK) != 0 || !(strstr(path, "/lake/") || strstr(path, "/search/"))) return;
    if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) == atoi(getenv("DISK_DIES_AT"))) kill(getpid(), SIGKILL);
}

static int synced(int fd, int (*next)(int)) {
    char path[PATH_BYTES];
    path_of(fd, path);
    const char *fails = getenv("DISK_FAILS");
    if (fails && strstr(path, "/pg_wal/") && access(fails, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    die_at(path);
    struct stat found;
    if (fstat(fd, &found) == 0) {
        if (S_ISDIR(found.st_mode)) note("D %s\n", path);
        else note("S %lld %s\n", (long long)found.st_size, path);
    }
    return next(fd);
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

static int opened(int fd, int is_new) {
    if (fd >= 0 && is_new) {
        char path[PATH_BYTES];
        path_of(fd, path);
        note("C %s\n", path);
    }
    return fd;
}

#define OPEN(name)                                                               \
    int name(const char *path, int flags, ...) {                                 \
        va_list arguments;                                                       \
        va_start(arguments, flags);                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments);                                                       \
        int is_new = flags & O_CREAT && access(path, F_OK) != 0;                 \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);           \
        return opened(next(path, flags, mode), is_new);                          \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    int done = NEXT(mkdir)(path, mode);
    if (done == 0) note("M %s\n", path);
    return done;
}

int rename(const char *from, const char *to) {
    static int count;
    const char *directory = getenv("DISK_NOTES");
    if (directory) {
        char kept[PATH_BYTES];
        int number = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
        snprintf(kept, sizeof kept, "%s/%d", directory, number);
        syscall(SYS_linkat, AT_FDCWD, to, AT_FDCWD, kept, 0);
        note("R %s|%s|%d\n", from, to, number);
    }
    return NEXT(rename)(from, to);
}

int link(const char *from, const char *to) {
    int done = NEXT(link)(from, to);
    if (done == 0) note("L %s|%s\n", from, to);
    return done;
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    int done = NEXT(linkat)(from_directory, from, to_directory, to, flags);
    if (done == 0) note("L %s|%s\n", from, to);
    return done;
}

int unlink(const char *path) {
    note("U %s\n", path);
    return NEXT(unlink)(path);
}
