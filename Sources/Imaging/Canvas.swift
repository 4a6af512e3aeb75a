/// How a plane is laid on the page: places in the cube of its pixels, whatever way the cube's axes run.
struct Plane {
    /// Steps in the cube for one slice towards R, A or S, one pixel to the right and one down.
    let deeper: Int
    let right: Int
    let down: Int
    /// Where pixel (0, 0) of slice 0 is.
    let origin: Int
    /// The side of the patient on the left of the picture.
    let side: String

    /// The slice of this plane that a place in the cube lies in.
    func depth(of position: Int, size: Int) -> Int {
        // The coordinate along the axis that the plane steps through.
        let stride = abs(deeper)
        let along = position / stride % size
        return deeper > 0 ? along : size - 1 - along
    }

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
struct Canvas {
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

    /// Draws a slice.
    /// - Parameters:
    ///   - overlay: (size³), 0 transparent, 1 brightest; yellow over red over the scan.
    ///   - mask: (size³), not 0 inside; its outline is drawn, green where there is an overlay.
    mutating func draw(
        _ plane: Plane, depth: Int, size: Int, scale: Int, x left: Int, y top: Int, voxels: ArraySlice<Float>,
        mask: [UInt8]?, overlay: [Float]? = nil
    ) {
        let outline: (UInt8, UInt8, UInt8) = overlay == nil ? (255, 64, 64) : (64, 255, 96)
        for y in 0..<size * scale {
            for x in 0..<size * scale {
                let (column, line) = (x / scale, y / scale)
                let at = plane.origin + depth * plane.deeper + column * plane.right + line * plane.down
                let value = voxels[voxels.startIndex + at]
                // A prepared voxel lies within 0…1; anything else is drawn at the nearer end, NaN as 0.
                let bright = value > 0 ? UInt8(min(value, 1) * 255) : 0
                set(left + x, top + y, bright, bright, bright)
                if let share = overlay?[at], share > Canvas.leastShare { tint(left + x, top + y, min(share, 1)) }
                guard let mask, mask[at] != 0 else { continue }
                let edges = [
                    (column > 0, -plane.right), (column < size - 1, plane.right),
                    (line > 0, -plane.down), (line < size - 1, plane.down),
                ]
                if edges.contains(where: { !$0.0 || mask[at + $0.1] == 0 }) {
                    set(left + x, top + y, outline.0, outline.1, outline.2)
                }
            }
        }
    }

    /// Below this share of the brightest, an overlay is not drawn.
    private static let leastShare: Float = 0.15

    private mutating func tint(_ x: Int, _ y: Int, _ share: Float) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        let at = (y * width + x) * 3
        let colour: [Float] = [255, 255 * share * share, 0]
        let opacity = 0.2 + 0.5 * share
        for i in 0..<3 {
            pixels[at + i] = UInt8(Float(pixels[at + i]) * (1 - opacity) + colour[i] * opacity)
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
