/// Volumes side by side: a row a contrast, a column a volume, the middle slice of the cube's third axis.
package struct RestorationPicture: Sendable {
    private let pixels: [UInt8]
    private let width: Int
    private let height: Int

    /// - Parameters:
    ///   - columns: (contrasts, size³) each, last axis fastest, 0 black and 1 white.
    ///   - present: the contrasts shown.
    package init(columns: [[Float]], present: [Bool], size: Int) {
        let rows = present.indices.filter { present[$0] }
        let scale = max(1, 96 / size)
        let tile = size * scale
        let gap = 2
        width = columns.count * (tile + gap)
        height = max(1, rows.count) * (tile + gap)
        var pixels = [UInt8](repeating: 0, count: width * height)
        for (row, contrast) in rows.enumerated() {
            for (column, voxels) in columns.enumerated() {
                for y in 0..<tile {
                    for x in 0..<tile {
                        let (i, j) = (x / scale, size - 1 - y / scale)
                        let value = voxels[((contrast * size + i) * size + j) * size + size / 2]
                        let level = value.isFinite ? min(max(value, 0), 1) : 0
                        pixels[(row * (tile + gap) + y) * width + column * (tile + gap) + x] = UInt8(level * 255)
                    }
                }
            }
        }
        self.pixels = pixels
    }

    /// Writes it as a PNG file.
    /// - Throws: `ImagingError.notWritten` naming the file.
    package func write(to path: String) throws {
        try PNG.write(pixels, as: .gray, width: width, height: height, to: path)
    }
}
