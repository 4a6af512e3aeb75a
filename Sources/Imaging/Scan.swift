import NIfTI

/// One 3D scan, read in parts so that no full-size copy of a file's voxels is made.
struct Scan: Sendable {
    /// How refusals name it: the contrast, and the file where one is known.
    let name: String
    /// How warnings name it: `T1w` or `The brain mask`, never a file, as they outlive the case in the cache, in
    /// predictions and in models, and a path may hold a patient's name.
    let role: String
    let grid: Grid
    /// What a person should know about where it lies, as ends of sentences.
    let remarks: [String]
    private let voxels: Voxels
    /// Where this scan starts in `voxels`.
    private let first: Int

    /// Where the voxels are; a class, so that reading a part copies one reference and not a header.
    private final class Voxels: Sendable {
        let values: [Float]
        let content: NIfTIContent?

        init(values: [Float], content: NIfTIContent?) {
            self.values = values
            self.content = content
        }
    }

    /// A scan of converted values.
    init(name: String, role: String? = nil, grid: Grid, values: [Float], remarks: [String] = []) {
        precondition(values.count >= grid.count, "fewer voxels than the grid has")
        self.name = name
        self.role = role ?? name
        self.grid = grid
        self.remarks = remarks
        voxels = Voxels(values: values, content: nil)
        first = 0
    }

    /// What a person should know about where a scan lies.
    static func remarks(_ header: NIfTIHeader) -> [String] {
        guard header.affineSource == .none else { return [] }
        return ["its header does not say how the patient lies in it, so its axes were taken as R, A, S"]
    }

    /// A scan of a file's stored voxels, converted as they are read.
    ///
    /// - Parameters:
    ///   - name: For refusals, with the file.
    ///   - role: For warnings, without it.
    ///   - content: The file.
    ///   - first: Where its voxels start, for one volume of a 4D file.
    init(name: String, role: String, content: NIfTIContent, first: Int = 0) {
        let grid = Grid(content.header)
        precondition(first >= 0 && content.header.voxelCount - first >= grid.count, "fewer voxels than the grid has")
        self.name = name
        self.role = role
        self.grid = grid
        remarks = Scan.remarks(content.header)
        voxels = Voxels(values: [], content: content)
        self.first = first
    }

    /// Converts `count` voxels that follow each other in file order.
    ///
    /// - Parameters:
    ///   - start: Position of the first in this scan, x fastest.
    ///   - count: How many.
    ///   - target: Room for `count` values.
    func read(_ start: Int, _ count: Int, into target: UnsafeMutablePointer<Float>) {
        precondition(start >= 0 && count >= 0 && start + count <= grid.count, "voxels outside the scan")
        if let content = voxels.content {
            content.convert(from: first + start, into: UnsafeMutableBufferPointer(start: target, count: count))
        } else {
            voxels.values.withUnsafeBufferPointer { source in
                guard let base = source.baseAddress else { return }
                target.update(from: base + first + start, count: count)
            }
        }
    }
}
