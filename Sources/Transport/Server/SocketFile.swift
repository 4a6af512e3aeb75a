import Glibc

/// A Unix socket's file: bound in a folder nobody else can enter, made private, then put in its place, so that at no
/// moment others could connect.
struct SocketFile: Sendable {
    private let path: String
    private let folder: String
    /// Where to bind.
    var temporary: String { folder + "/s" }

    init(_ path: String) throws {
        guard path.utf8.count <= 100 else {
            throw ListenerError("the socket's path \(path) is longer than the 100 bytes a Unix socket can have")
        }
        self.path = path
        let parent = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        var template = Array((parent + "/.XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ListenerError("cannot make the socket \(path): \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes the bound socket private and gives it its name.
    func publish() throws {
        guard chmod(temporary, 0o600) == 0, rename(temporary, path) == 0 else {
            throw ListenerError("cannot make the socket \(path): \(String(cString: strerror(errno)))")
        }
        rmdir(folder)
    }

    func remove() {
        unlink(temporary)
        rmdir(folder)
        unlink(path)
    }
}
