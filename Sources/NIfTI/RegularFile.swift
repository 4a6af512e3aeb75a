import Glibc

/// A regular file opened for reading. FIFOs, devices and folders are refused without waiting for them.
struct RegularFile: ~Copyable {
    private let descriptor: Int32
    let path: String
    /// Bytes, when it was opened.
    let size: Int

    init(_ path: String) throws(NIfTIError) {
        guard !path.utf8.contains(0) else {
            throw NIfTIError(.cannotRead, "its name holds a NUL; give another", file: path)
        }
        // Without O_NONBLOCK, opening a FIFO waits for a writer.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            let reason =
                errno == ENOENT ? "there is no such file; check the path" : "\(systemMessage()); check the file"
            throw NIfTIError(.cannotRead, reason, file: path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let reason = systemMessage()
            close(descriptor)
            throw NIfTIError(.cannotRead, "\(reason); check the file", file: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw NIfTIError(.notARegularFile, "this is \(kind); give a .nii or .nii.gz file", file: path)
        }
        self.descriptor = descriptor
        self.path = path
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `target` from `offset` on. A file that has become shorter is refused.
    func read(into target: UnsafeMutableRawBufferPointer, from offset: Int = 0) throws(NIfTIError) {
        var done = 0
        while done < target.count {
            let count = pread(descriptor, target.baseAddress.map { $0 + done }, target.count - done, offset + done)
            if count < 0 {
                if errno == EINTR { continue }
                throw NIfTIError(.cannotRead, "\(systemMessage()); check the file or its disk", file: path)
            }
            guard count > 0 else {
                throw NIfTIError(.cannotRead, "the file became shorter while it was read; try again", file: path)
            }
            done += count
        }
    }
}

/// What the last system call complained of.
func systemMessage() -> String { String(cString: strerror(errno)) }
