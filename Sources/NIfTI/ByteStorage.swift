import Glibc

/// Bytes on the heap with one owner, which may be too many for the machine: then making it throws.
///
/// `@unchecked Sendable`: the bytes are filled by whoever makes the storage before anyone else sees it, and only read
/// from then on.
final class ByteStorage: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    let count: Int

    /// - Parameters:
    ///   - count: bytes to hold, 0 allowed.
    ///   - fill: writes the bytes, all of them.
    init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws(NIfTIError) -> Void) throws(NIfTIError) {
        guard let memory = malloc(max(count, 1)) else {
            throw NIfTIError(.memory, "it needs \(count >> 20) MiB of memory, more than this machine gives; free some")
        }
        self.memory = memory
        self.count = count
        // Should this throw, `deinit` still runs: every property has its value.
        try fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
    }

    deinit { free(memory) }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }
}
