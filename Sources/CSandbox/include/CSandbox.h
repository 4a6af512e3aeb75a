/// What the kernel can forbid a process: sockets (seccomp), a network (namespaces), files (Landlock).
///
/// Every function returns 0 or more on success and -errno otherwise. All of it is inherited by threads and processes
/// started afterwards and can never be taken back.
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdint.h>
#include <sys/types.h>

/// Threads of this process; what is said of the calling thread holds for the process only while this is 1.
int cs_thread_count(void);

/// Moves the calling thread into a network namespace with no interface that is up; without privilege by a user
/// namespace, in which user and group keep their numbers. EINVAL: a user namespace needs a process of one thread.
int cs_isolate_network(void);

/// A system-call filter on all threads: `socket` for anything but AF_UNIX streams, `connect`, `sendto` with an address,
/// io_uring and reaching into other processes fail with EACCES; programs of another architecture are killed.
int cs_deny_sockets(void);

/// The version of Landlock's interface; -errno where the kernel has none.
int cs_landlock_abi(void);

/// A rule set under which every file operation that this kernel's Landlock knows is forbidden until allowed.
/// Returns its descriptor.
int cs_landlock_create(void);

enum { CS_READ = 1, CS_WRITE = 2 };

/// Allows reading and executing (CS_READ) or also changing (CS_READ | CS_WRITE) a file, or a folder and all below it.
int cs_landlock_allow(int ruleset, const char *path, int access);

/// Puts the rule set on the calling thread and closes it.
int cs_landlock_enforce(int ruleset);

/// Keeps the process from leaving cores, and processes of the same user from looking into it.
void cs_forbid_dumps(void);

/// Whether the kernel vouches that nobody can change a file open for reading: no process has it open for writing, a
/// writable mapping included (a read lease is given only then), and it is a regular file of one name. Not every file
/// system gives leases.
int cs_is_settled(int file);

/// Makes a process group that ends when the caller is gone, however that went, or closes the descriptor returned: its
/// leader, to be waited for by the group's number, waits for that and then ends all of it, itself too.
int cs_keep_group(pid_t *group);

/// Starts a program, looked up in PATH, in a process group of ``cs_keep_group``.
///
/// Its working directory is `folder`, it reads nothing, writes its output to the file `log`, begins with the usual
/// signals, and has no other descriptor of this process.
int cs_start(const char *const *arguments, const char *folder, const char *log, pid_t group, pid_t *process);

/// Has large buffers given back when they are freed, and all threads share two heaps. Before threads are started.
void cs_give_back_memory(void);

#endif
