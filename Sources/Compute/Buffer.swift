import Foundation

/// Zeroed memory of a fixed number of elements, aligned to a page, given back when the last owner lets go.
///
/// Large buffers come from the kernel as huge pages where it has them; a page that is never touched costs nothing.
package final class Buffer<Element: BitwiseCopyable> {
    package let base: UnsafeMutablePointer<Element>
    package let count: Int
    private let bytes: Int

    /// - Parameter count: number of elements, at least 0.
    /// - Throws: ``ComputeError`` when the memory is not there.
    package init(count: Int) throws(ComputeError) {
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow, bytes <= Int.max - (2 << 20) else { throw .outOfMemory(bytes: Int.max) }
        let page = bytes >= 4 << 20 ? 2 << 20 : 4096
        let rounded = (bytes + page - 1) / page * page
        guard let memory = mmap(nil, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw .outOfMemory(bytes: bytes) }
        if bytes >= 4 << 20 { madvise(memory, rounded, Int32(MADV_HUGEPAGE)) }
        base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
        self.bytes = rounded
    }

    deinit { munmap(base, bytes) }

    /// The elements.
    package var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: base, count: count) }

    /// The elements as an array.
    package var array: [Element] { Array(elements) }
}
