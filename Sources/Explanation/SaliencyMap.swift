package import Imaging
import NIfTI

/// How much each place of a prepared case speaks for a class, on a cube of `edge` cells over the prepared volume: tokens,
/// or voxels.
///
/// Above 0 speaks for the class, below against it; relevance and Grad-CAM know no against.
package struct SaliencyMap: Sendable, Equatable {
    /// Cells along each axis.
    package let edge: Int
    /// edge³ values, the cube's third axis fastest.
    package let values: [Float]

    package init(edge: Int, values: [Float]) {
        precondition(values.count == edge * edge * edge, "a map of \(edge) has \(values.count) values")
        self.edge = edge
        self.values = values
    }

    /// The position of the largest value: the first of equals.
    package var peak: Int { values.indices.max { (values[$0], $1) < (values[$1], $0) } ?? 0 }

    /// The cell at a position, along the three axes.
    package func cell(_ position: Int) -> [Int] {
        let (a, b, c) = Self.cell(position, edge: edge)
        return [a, b, c]
    }

    /// The cell at a position of a cube, along the three axes.
    static func cell(_ position: Int, edge: Int) -> (Int, Int, Int) {
        (position / (edge * edge), position / edge % edge, position % edge)
    }

    /// A cell's centre in the coordinates of a prepared cube.
    /// - Parameter size: voxels along an axis of the cube.
    package func centre(_ position: Int, size: Int) -> [Double] {
        let width = Double(size) / Double(edge)
        return cell(position).map { (Double($0) + 0.5) * width - 0.5 }
    }

    /// The map summed over cubes of cells, `coarse` along each axis; `edge` must be a multiple of it.
    package func summed(edge coarse: Int) -> SaliencyMap {
        guard coarse != edge else { return self }
        let width = edge / coarse
        var sums = [Float](repeating: 0, count: coarse * coarse * coarse)
        for x in 0..<edge {
            for y in 0..<edge {
                for z in 0..<edge {
                    sums[((x / width) * coarse + y / width) * coarse + z / width] += values[(x * edge + y) * edge + z]
                }
            }
        }
        return SaliencyMap(edge: coarse, values: sums)
    }

    /// The value at a place of the prepared cube, between the centres of cells linearly.
    /// - Parameters:
    ///   - place: (x, y, z) in prepared voxels, their centres at whole numbers.
    ///   - size: voxels along an axis of the prepared cube.
    /// - Returns: 0 outside the cube.
    package func value(at place: (x: Double, y: Double, z: Double), size: Int) -> Float {
        let limit = Double(size) - 0.5
        let coordinates = [place.x, place.y, place.z]
        guard coordinates.allSatisfy({ $0 >= -0.5 && $0 <= limit }) else { return 0 }
        let width = Double(size) / Double(edge)
        var lower = [0, 0, 0]
        var shares = [Float](repeating: 0, count: 3)
        for axis in 0..<3 {
            let at = min(max((coordinates[axis] + 0.5) / width - 0.5, 0), Double(edge - 1))
            lower[axis] = min(Int(at), max(edge - 2, 0))
            shares[axis] = Float(at - Double(lower[axis]))
        }
        var sum: Float = 0
        for corner in 0..<8 {
            var weight: Float = 1
            var position = 0
            for axis in 0..<3 {
                let isUpper = corner >> axis & 1 == 1
                weight *= isUpper ? shares[axis] : 1 - shares[axis]
                position = position * edge + min(lower[axis] + (isUpper ? 1 : 0), edge - 1)
            }
            sum += weight * values[position]
        }
        return sum
    }

    /// The map over a prepared cube's voxels, (size, size, size), third axis fastest.
    package func prepared(size: Int) -> [Float] {
        guard size != edge else { return values }
        var result: [Float] = []
        result.reserveCapacity(size * size * size)
        for x in 0..<size {
            for y in 0..<size {
                for z in 0..<size { result.append(value(at: (Double(x), Double(y), Double(z)), size: size)) }
            }
        }
        return result
    }

    /// The map in the grid of the scan that the case's other contrasts were brought to, first axis fastest.
    /// - Parameter size: voxels along an axis of the prepared cube.
    /// - Returns: `geometry.nativeDims` values; 0 where the scan was cropped away.
    package func native(_ geometry: PreparedGeometry, size: Int) -> [Float] {
        let dims = geometry.nativeDims
        guard dims.count >= 3, let back = geometry.preparedFromNative else { return [] }
        var result: [Float] = []
        result.reserveCapacity(dims[0] * dims[1] * dims[2])
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                for i in 0..<dims[0] {
                    let (x, y, z) = back.point(Double(i), Double(j), Double(k))
                    result.append(value(at: (x, y, z), size: size))
                }
            }
        }
        return result
    }

    /// Writes the map as a NIfTI file in the scan's own grid.
    /// - Throws: `NIfTIError` naming the file.
    package func write(to path: String, _ geometry: PreparedGeometry, size: Int) throws {
        try NIfTIFile.write(
            path, voxels: native(geometry, size: size), dims: Array(geometry.nativeDims.prefix(3)),
            affine: geometry.nativeAffine)
    }

    /// How alike two maps are: Pearson's correlation over those cells where one of the two is not 0.
    /// - Returns: nil where a map is the same everywhere.
    package func correlation(with other: SaliencyMap) -> Double? {
        precondition(edge == other.edge, "maps of \(edge) and \(other.edge) cells")
        let used = values.indices.filter { values[$0] != 0 || other.values[$0] != 0 }
        guard used.count > 1 else { return nil }
        let (a, b) = (used.map { Double(values[$0]) }, used.map { Double(other.values[$0]) })
        let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += (x - meanA) * (y - meanB)
            aa += (x - meanA) * (x - meanA)
            bb += (y - meanB) * (y - meanB)
        }
        return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : nil
    }
}
