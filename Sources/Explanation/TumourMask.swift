import Cohort
package import Imaging
import NIfTI

/// A tumour's mask in a prepared cube, and where places lie to it.
package struct TumourMask: Sendable {
    /// (S, S, S) with z fastest, 1 inside.
    package let voxels: [UInt8]
    private let inside: [Int]
    private let size: Int
    /// Millimetres of a prepared voxel along each axis.
    private let spacing: [Double]

    package init(voxels: [UInt8], size: Int, spacing: [Double]) {
        self.voxels = voxels
        self.size = size
        self.spacing = spacing
        inside = voxels.indices.filter { voxels[$0] != 0 }
    }

    /// A mask file brought to a prepared case.
    /// - Parameter name: of the case, for sentences.
    /// - Returns: nil when the mask is empty: the case has no tumour.
    /// - Throws: `NIfTIError` for a file that cannot be read, `CohortError` for a mask that lies elsewhere.
    package init?(_ path: String, of volume: PreparedVolume, case name: String) throws {
        let image = try NIfTIFile.read(path)
        guard image.voxels.contains(where: { $0 > 0.5 }) else { return nil }
        self.init(
            voxels: volume.geometry.prepared(mask: image, size: volume.size), size: volume.size,
            spacing: volume.geometry.spacing)
        guard !inside.isEmpty else {
            throw CohortError(
                .badCase,
                "\(name): the mask \(path) marks nothing where the scans are: check that both are of this patient and "
                    + "registered.")
        }
    }

    /// Prepared voxels inside.
    package var count: Int { inside.count }
    /// Millilitres inside.
    package var millilitres: Double { Double(inside.count) * spacing.reduce(1, *) / 1000 }

    /// Millimetres from a place (prepared voxels) to the nearest voxel inside; 0 within.
    package func distance(to place: [Double]) -> Double {
        least { at in
            (0..<3).reduce(0.0) { sum, axis in
                let step = max(abs(at[axis] - place[axis]) - 0.5, 0) * spacing[axis]
                return sum + step * step
            }
        }.squareRoot()
    }

    /// Whether a place lies within `voxels` prepared voxels of the inside, along every axis.
    package func isHit(_ place: [Double], within voxels: Double) -> Bool {
        least { at in (0..<3).map { abs(at[$0] - place[$0]) }.max() ?? 0 } <= voxels
    }

    private func least(_ measure: ([Double]) -> Double) -> Double {
        inside.reduce(Double.infinity) { found, i in
            min(found, measure([Double(i / (size * size)), Double(i / size % size), Double(i % size)]))
        }
    }
}
