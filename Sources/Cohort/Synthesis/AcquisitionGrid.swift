import NIfTI

/// The voxels one contrast of one site is stored on.
struct AcquisitionGrid: Sendable {
    /// Sizes along the file's axes.
    let dims: [Int]
    /// Voxel indices to millimetres of the scanner, RAS+.
    let affine: Affine
    /// Voxel sizes along the file's axes, in millimetres.
    let spacing: SIMD3<Double>

    /// - Parameters:
    ///   - orientation: three letters, where each axis of the file points: `RAS` is right, front, up.
    ///   - spacing: voxel sizes along the file's axes, in millimetres.
    ///   - tilt: angles in degrees by which the box is turned about the scanner's axes.
    ///   - shift: where the middle of the box lies, in millimetres.
    init(orientation: String, spacing: SIMD3<Double>, tilt: SIMD3<Double>, shift: SIMD3<Double>) {
        self.spacing = spacing
        let turn = PortableMath.rotation(degrees: tilt)
        var sizes: [Int] = []
        var columns: [SIMD3<Double>] = []
        for (axis, letter) in orientation.enumerated() {
            let (direction, length) = Self.axis(letter)
            let count = Int((length / spacing[axis]).rounded(.up))
            sizes.append(count)
            let turned = SIMD3(
                (turn[0] * direction).sum(), (turn[1] * direction).sum(), (turn[2] * direction).sum())
            columns.append(turned * spacing[axis])
        }
        dims = sizes
        var origin = shift
        for axis in 0..<3 { origin -= columns[axis] * (Double(sizes[axis] - 1) / 2) }
        affine = Affine(
            rows: (0..<3).map { row in [columns[0][row], columns[1][row], columns[2][row], origin[row]] })
    }

    /// The direction a letter names, and the length in millimetres of the box along it: every brain fits in.
    private static func axis(_ letter: Character) -> (SIMD3<Double>, Double) {
        switch letter {
        case "R": (SIMD3(1, 0, 0), 164)
        case "L": (SIMD3(-1, 0, 0), 164)
        case "A": (SIMD3(0, 1, 0), 196)
        case "P": (SIMD3(0, -1, 0), 196)
        case "S": (SIMD3(0, 0, 1), 158)
        default: (SIMD3(0, 0, -1), 158)
        }
    }
}
