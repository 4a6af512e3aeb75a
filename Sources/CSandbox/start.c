#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int cs_start(const char *const *arguments, const char *folder, const char *log, pid_t group, pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) return -ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!result) result = posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!result) result = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (!result) result = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (!result) result = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!result) result = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!result) result = posix_spawnattr_setsigmask(&attributes, &none);
    if (!result) result = posix_spawnattr_setpgroup(&attributes, group);
    if (!result)
        result = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!result) result = posix_spawnp(process, arguments[0], &actions, &attributes, (char *const *)arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -result;
}

int cs_keep_group(pid_t *group) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (child == 0) {
        setpgid(0, 0);
        // What asks the group to end leaves its leader, which ends last.
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        dup2(ends[0], 0);
        closefrom(1);
        char byte;
        while (read(0, &byte, 1) < 0 && errno == EINTR) {}
        kill(-getpid(), SIGKILL);
        _exit(0);
    }
    // Whichever of the two comes first: the group is there before anything is started in it.
    setpgid(child, child);
    close(ends[0]);
    *group = child;
    return ends[1];
}
