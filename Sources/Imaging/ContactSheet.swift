/// A picture of a prepared case: a row a contrast, and in it axial, coronal and sagittal slices.
///
/// Shown as radiologists look: the patient's right on the left of the picture (marked R), the front of the head up in
/// axial slices and the top of the head up in the others; in sagittal ones the face looks left (marked A).
package struct ContactSheet: Sendable {
    /// (height, width, 3), red, green, blue.
    package let pixels: [UInt8]
    package let width: Int
    package let height: Int

    private static let gap = 2
    /// Room for a contrast's name on the left.
    private static let margin = 6 * (Glyphs.width + 1) + 4

    /// - Parameters:
    ///   - volume: The case; its axes may run either way.
    ///   - slices: Slices a plane, spread over the middle of the cube, 1…16.
    ///   - mask: (S, S, S) with z fastest, not 0 inside; its outline is drawn.
    package init(of volume: PreparedVolume, slices: Int = 3, mask: [UInt8]? = nil) {
        let size = volume.size
        let count = min(max(slices, 1), 16)
        let tile = max(1, 96 / size) * size
        let rows = Contrast.allCases.filter { volume.present[$0.channel] }
        width = ContactSheet.margin + 3 * count * (tile + ContactSheet.gap)
        height = max(1, rows.count) * (tile + ContactSheet.gap)
        var canvas = Canvas(width: width, height: height)
        let planes = Plane.all(orientation: Orientation(letters: volume.geometry.orientation) ?? .ras, size: size)
        for (row, contrast) in rows.enumerated() {
            let top = row * (tile + ContactSheet.gap)
            canvas.write(contrast.rawValue, x: 2, y: top + tile / 2 - Glyphs.height / 2)
            let first = contrast.channel * size * size * size
            for (index, plane) in planes.enumerated() {
                for slice in 0..<count {
                    let depth = size * (2 * slice + 2) / (2 * count + 2)
                    let left = ContactSheet.margin + (index * count + slice) * (tile + ContactSheet.gap)
                    canvas.draw(
                        plane, depth: depth, size: size, scale: tile / size, x: left, y: top,
                        voxels: volume.voxels[first..<first + size * size * size], mask: mask)
                    canvas.write(plane.side, x: left + 1, y: top + tile / 2 - Glyphs.height / 2)
                }
            }
        }
        pixels = canvas.pixels
    }

    /// Writes the sheet as a PNG file.
    ///
    /// - Throws: `ImagingError.notWritten` naming the file.
    package func write(to path: String) throws {
        try PNG.write(pixels, as: .rgb, width: width, height: height, to: path)
    }
}
