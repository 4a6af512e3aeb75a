/// Three planes of a prepared case through one place, with a map over one contrast and lines of text burnt in below:
/// axial, coronal and sagittal, laid out as in a ``ContactSheet``.
package struct OverlayPicture: Sendable {
    /// (height, width, 3), red, green, blue.
    package let pixels: [UInt8]
    package let width: Int
    package let height: Int

    private static let gap = 4
    private static let lineHeight = Glyphs.height + 5
    private static let tileEdge = 288

    /// - Parameters:
    ///   - volume: the case; its axes may run either way.
    ///   - contrast: the scan under the map.
    ///   - overlay: (S, S, S) with z fastest; what is above 0 is shown, relative to the largest.
    ///   - place: the prepared voxel the planes go through.
    ///   - mask: (S, S, S), not 0 inside; its outline is drawn.
    ///   - lines: texts; what does not fit the width goes on in the next line.
    package init(
        of volume: PreparedVolume, contrast: Contrast, overlay: [Float], through place: [Int], mask: [UInt8]? = nil,
        lines: [String]
    ) {
        let size = volume.size
        let tile = max(1, OverlayPicture.tileEdge / size) * size
        width = 3 * tile + 2 * OverlayPicture.gap
        let text = lines.flatMap { OverlayPicture.wrapped($0, letters: (3 * tile - 8) / (Glyphs.width + 1)) }
        height = tile + OverlayPicture.gap + text.count * OverlayPicture.lineHeight
        var canvas = Canvas(width: width, height: height)
        let largest = overlay.max() ?? 0
        let shares = overlay.map { largest > 0 ? max($0, 0) / largest : 0 }
        let first = contrast.channel * size * size * size
        let at = (place[0] * size + place[1]) * size + place[2]
        let planes = Plane.all(orientation: Orientation(letters: volume.geometry.orientation) ?? .ras, size: size)
        for (index, plane) in planes.enumerated() {
            let left = index * (tile + OverlayPicture.gap)
            canvas.draw(
                plane, depth: plane.depth(of: at, size: size), size: size, scale: tile / size, x: left, y: 0,
                voxels: volume.voxels[first..<first + size * size * size], mask: mask, overlay: shares)
            canvas.write(plane.side, x: left + 2, y: tile / 2 - Glyphs.height / 2)
        }
        for (index, line) in text.enumerated() {
            canvas.write(line, x: 4, y: tile + OverlayPicture.gap + index * OverlayPicture.lineHeight)
        }
        pixels = canvas.pixels
    }

    /// Writes it as a PNG file.
    /// - Throws: `ImagingError.notWritten` naming the file.
    package func write(to path: String) throws {
        try PNG.write(pixels, as: .rgb, width: width, height: height, to: path)
    }

    private static func wrapped(_ line: String, letters: Int) -> [String] {
        var lines = [""]
        for word in line.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= letters {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
