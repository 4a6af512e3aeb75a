import Glibc

/// Waits for something to happen in a folder, or for a while.
final class FolderWatch {
    private let descriptor: Int32

    /// - Parameter folder: its own entries and its times are watched, not what is below; where that cannot be, waiting is
    ///   all it does.
    init(_ folder: String) {
        descriptor = inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))
        if descriptor >= 0 { inotify_add_watch(descriptor, folder, UInt32(IN_ATTRIB | IN_MOVED_TO | IN_DELETE)) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Returns when the folder has changed since the last call, a signal came, or the time is over.
    func wait(milliseconds: Int32) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) > 0 else { return }
        var events = [UInt8](repeating: 0, count: 4096)
        while read(descriptor, &events, events.count) > 0 {}
    }
}
