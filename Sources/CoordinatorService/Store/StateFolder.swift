import Glibc
import Synchronization

/// The coordinator's folder on disk: where each thing lies, and the lock that says whose it is.
///
/// Everything is on one file system, so that a rename puts a finished file in its place in one step.
package struct StateFolder: Sendable, Equatable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package var database: String { path + "/consilium.sqlite" }
    package var objects: String { path + "/objects" }
    /// Bytes of updates on their way, one file an upload.
    package var uploads: String { path + "/uploads" }
    /// Files being made here, such as the result of a fold; emptied at start.
    package var making: String { path + "/making" }
    /// Disk space kept back for the record of what happens; see ``DiskReserve``.
    package var reserve: String { path + "/reserve" }
    package var lock: String { path + "/lock" }

    /// Makes the folders that are missing, for the owner only.
    package func make() throws(StoreError) {
        for folder in [path, objects, uploads, making] where mkdir(folder, 0o700) != 0 && errno != EEXIST {
            throw StoreError(
                .cannotWrite,
                "\(folder) cannot be made: \(String(cString: strerror(errno))); check the path and its permissions")
        }
    }
}

/// The right to use a state folder, held by one process at a time, and by one owner inside it.
///
/// SQLite before 3.51.3 can corrupt a database in WAL mode that has two connections; this is what keeps it at one.
package final class StateLock: Sendable {
    private let descriptor: Mutex<Int32>

    package init(_ folder: StateFolder) throws(StoreError) {
        let descriptor = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                .cannotWrite,
                "\(folder.lock) cannot be opened: \(String(cString: strerror(errno))); check its permissions")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StoreError(
                .locked, "\(folder.path) is in use by a running coordinator; stop it first or speak to it by its socket"
            )
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Gives the folder back.
    package func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
