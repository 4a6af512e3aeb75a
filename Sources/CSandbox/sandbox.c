#define _GNU_SOURCE
#include "CSandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int cs_thread_count(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return -errno;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

// Network namespace.

static int write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    ssize_t written = write(file, text, strlen(text));
    int result = written < 0 ? -errno : 0;
    close(file);
    return result;
}

int cs_isolate_network(void) {
    if (unshare(CLONE_NEWNET) == 0) return 0;
    if (errno != EPERM) return -errno;
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return -errno;
    // Without these maps files would seem to belong to nobody.
    char map[64];
    snprintf(map, sizeof map, "%u %u 1", (unsigned)user, (unsigned)user);
    int result = write_text("/proc/self/uid_map", map);
    if (result < 0) return result;
    result = write_text("/proc/self/setgroups", "deny");
    if (result < 0 && result != -ENOENT) return result;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)group, (unsigned)group);
    return write_text("/proc/self/gid_map", map);
}

// System-call filter.

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
// Arguments are 64 bits wide; all processors that this is built for are little-endian.
#define ARGUMENT(n) LOAD(offsetof(struct seccomp_data, args) + 8 * (n))
#define ARGUMENT_HIGH(n) LOAD(offsetof(struct seccomp_data, args) + 8 * (n) + 4)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define DENY RETURN(SECCOMP_RET_ERRNO | EACCES)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define DENY_CALL(number) IF_EQUAL((number), 0, 1), DENY
/// A socket that can reach nothing outside: of AF_UNIX, and no datagrams (nor "raw", which are the same there), which
/// would need no `connect`.
#define ONLY_LOCAL_STREAMS(number)                                                                                     \
    IF_EQUAL((number), 0, 8), ARGUMENT(0), IF_EQUAL(AF_UNIX, 0, 4), ARGUMENT(1),                                       \
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), IF_EQUAL(SOCK_STREAM, 2, 0), IF_EQUAL(SOCK_SEQPACKET, 1, 0), DENY,    \
        ALLOW

int cs_deny_sockets(void) {
#ifdef NATIVE_ARCH
    struct sock_filter rules[] = {
        LOAD(offsetof(struct seccomp_data, arch)),
        IF_EQUAL(NATIVE_ARCH, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(offsetof(struct seccomp_data, nr)),
#if defined(__x86_64__)
        // x32 has numbers of its own for the same calls.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        DENY,
#endif
        ONLY_LOCAL_STREAMS(__NR_socket),
        ONLY_LOCAL_STREAMS(__NR_socketpair),
        DENY_CALL(__NR_connect),
        DENY_CALL(__NR_io_uring_setup),
        DENY_CALL(__NR_ptrace),
        DENY_CALL(__NR_process_vm_readv),
        DENY_CALL(__NR_process_vm_writev),
        DENY_CALL(__NR_pidfd_getfd),
        IF_EQUAL(__NR_sendto, 0, 5),
        ARGUMENT(4),
        IF_EQUAL(0, 0, 2),
        ARGUMENT_HIGH(4),
        IF_EQUAL(0, 1, 0),
        DENY,
        ALLOW,
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (result < 0) return -errno;
    // A thread that has a filter of its own already.
    return result == 0 ? 0 : -EBUSY;
#else
    return -ENOSYS;
#endif
}

// Landlock (Linux 5.13). The constants are written out because installed headers may be older than the kernel.

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_ALL_OF_ABI_1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

struct ruleset {
    uint64_t files;
    uint64_t ports;
    uint64_t scopes;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static uint64_t known_operations(int abi) {
    uint64_t all = FS_ALL_OF_ABI_1;
    if (abi >= 2) all |= FS_REFER;
    if (abi >= 3) all |= FS_TRUNCATE;
    if (abi >= 5) all |= FS_IOCTL_DEV;
    return all;
}

int cs_landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return abi < 0 ? -errno : (int)abi;
}

int cs_landlock_create(void) {
    int abi = cs_landlock_abi();
    if (abi < 0) return abi;
    struct ruleset rules = {.files = known_operations(abi)};
    size_t size = sizeof rules.files;
    if (abi >= 6) {
        // Nor may it signal the processes outside, or talk to their abstract sockets.
        rules.scopes = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
        size = sizeof rules;
    }
    long descriptor = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    return descriptor < 0 ? -errno : (int)descriptor;
}

int cs_landlock_allow(int ruleset, const char *path, int access) {
    int abi = cs_landlock_abi();
    if (abi < 0) return abi;
    int parent = open(path, O_PATH | O_CLOEXEC);
    if (parent < 0) return -errno;
    struct stat facts;
    int result = fstat(parent, &facts) == 0 ? 0 : -errno;
    if (result == 0) {
        // Devices answer requests beside bytes: terminals and accelerators need them.
        uint64_t reading = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR | FS_IOCTL_DEV;
        uint64_t allowed = (access & CS_WRITE) ? ~0ull : reading;
        if (!S_ISDIR(facts.st_mode)) allowed &= FS_EXECUTE | FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
        struct path_rule rule = {.allowed = allowed & known_operations(abi), .parent = parent};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0) result = -errno;
    }
    close(parent);
    return result;
}

int cs_landlock_enforce(int ruleset) {
    int result = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        result = -errno;
    close(ruleset);
    return result;
}

// Secrets of the process itself.

void cs_forbid_dumps(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Files of others.

int cs_is_settled(int file) {
    if (fcntl(file, F_SETLEASE, F_RDLCK) != 0) return 0;
    struct stat facts;
    int result = fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1;
    fcntl(file, F_SETLEASE, F_UNLCK);
    return result;
}
