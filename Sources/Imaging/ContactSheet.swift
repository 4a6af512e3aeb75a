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

/// How a plane is laid on the page: places in the cube of its pixels, whatever way the cube's axes run.
private struct Plane {
    /// Steps in the cube for one slice towards R, A or S, one pixel to the right and one down.
    let deeper: Int
    let right: Int
    let down: Int
    /// Where pixel (0, 0) of slice 0 is.
    let origin: Int
    /// The side of the patient on the left of the picture.
    let side: String

    static func all(orientation: Orientation, size: Int) -> [Plane] {
        let strides = [size * size, size, 1]
        /// The step towards R, A or S and where the opposite side begins.
        func axis(_ anatomical: Int) -> (step: Int, start: Int) {
            let own = orientation.axes.firstIndex(of: anatomical) ?? anatomical
            let stride = strides[own]
            return orientation.reversed[own] ? (-stride, (size - 1) * stride) : (stride, 0)
        }
        let (x, y, z) = (axis(0), axis(1), axis(2))
        func end(_ axis: (step: Int, start: Int)) -> Int { axis.start + (size - 1) * axis.step }
        return [
            Plane(deeper: z.step, right: -x.step, down: -y.step, origin: z.start + end(x) + end(y), side: "R"),
            Plane(deeper: y.step, right: -x.step, down: -z.step, origin: y.start + end(x) + end(z), side: "R"),
            Plane(deeper: x.step, right: -y.step, down: -z.step, origin: x.start + end(y) + end(z), side: "A"),
        ]
    }
}

/// Pixels being drawn.
private struct Canvas {
    let width: Int
    let height: Int
    var pixels: [UInt8]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 0, count: width * height * 3)
    }

    mutating func set(_ x: Int, _ y: Int, _ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        let at = (y * width + x) * 3
        (pixels[at], pixels[at + 1], pixels[at + 2]) = (red, green, blue)
    }

    mutating func draw(
        _ plane: Plane, depth: Int, size: Int, scale: Int, x left: Int, y top: Int, voxels: ArraySlice<Float>,
        mask: [UInt8]?
    ) {
        for y in 0..<size * scale {
            for x in 0..<size * scale {
                let (column, line) = (x / scale, y / scale)
                let at = plane.origin + depth * plane.deeper + column * plane.right + line * plane.down
                let value = voxels[voxels.startIndex + at]
                // A prepared voxel lies within 0…1; anything else is drawn at the nearer end, NaN as 0.
                let bright = value > 0 ? UInt8(min(value, 1) * 255) : 0
                set(left + x, top + y, bright, bright, bright)
                guard let mask, mask[at] != 0 else { continue }
                let edges = [
                    (column > 0, -plane.right), (column < size - 1, plane.right),
                    (line > 0, -plane.down), (line < size - 1, plane.down),
                ]
                if edges.contains(where: { !$0.0 || mask[at + $0.1] == 0 }) { set(left + x, top + y, 255, 64, 64) }
            }
        }
    }

    mutating func write(_ text: String, x: Int, y: Int) {
        for (index, character) in text.enumerated() {
            for (line, bits) in Glyphs.rows(of: character).enumerated() {
                for column in 0..<Glyphs.width where bits >> (Glyphs.width - 1 - column) & 1 == 1 {
                    set(x + index * (Glyphs.width + 1) + column, y + line, 255, 220, 96)
                }
            }
        }
    }
}
