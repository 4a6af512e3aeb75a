import Cohort
import Foundation
import Imaging
import NIfTI
import Statistics
import Training

/// Kernel ridge regression on what is seen within and about the tumour's true outline, cross-validated by patient on the
/// test cases as they were scanned: how far a reader who is shown where to look comes at least.
struct MaskOracle {
    /// Counted up whenever its figures change.
    static let version = 2

    /// A Gaussian kernel that reaches over all features' distance; chosen once for all tasks.
    private static func score(_ features: [[Double]], _ labels: [Bool]) -> (([Double]) -> Double)? {
        KernelRidge(
            features: features, labels: labels, width: 0.3 / Double(features.first?.count ?? 1), penalty: 0.1)?.score
    }

    /// A head as it was scanned, on the grid of its brain mask.
    private struct ScannedHead {
        /// Voxels along each stored axis, the first fastest.
        let dims: [Int]
        let affine: Affine
        let scans: [Contrast: [Float]]
        let isBrain: [Bool]
        let isTumour: [Bool]

        /// - Parameter outline: the file that marks the tumour; nil for none.
        init(_ record: CaseRecord, outline: String?) throws {
            guard let path = record.paths.brain else { throw BenchError("\(record.name) has no brain mask") }
            let brain = try NIfTIFile.read(path)
            dims = brain.header.dims
            affine = brain.header.affine
            isBrain = brain.voxels.map { $0 > 0.5 }
            isTumour =
                try outline.map { try NIfTIFile.read($0).voxels(on: brain.header).map { $0 > 0.5 } }
                ?? isBrain.map { _ in false }
            scans = try record.paths.contrasts.mapValues { try NIfTIFile.read($0).voxels(on: brain.header) }
        }

        /// Steps from each voxel to the nearest of some, through faces, whatever a voxel's edges.
        func steps(to seeds: [Bool]) -> [Int] {
            var steps = seeds.map { $0 ? 0 : Int.max }
            var front = seeds.indices.filter { seeds[$0] }
            let strides = [1, dims[0], dims[0] * dims[1]]
            while !front.isEmpty {
                var next: [Int] = []
                for i in front {
                    for (stride, edge) in zip(strides, dims) {
                        let at = i / stride % edge
                        for (other, isThere) in [(i - stride, at > 0), (i + stride, at < edge - 1)]
                        where isThere && steps[other] == .max {
                            steps[other] = steps[i] + 1
                            next.append(other)
                        }
                    }
                }
                front = next
            }
            return steps
        }

        /// The centre of some voxels, in millimetres to the right, the front and the top.
        func middle(of voxels: [Int]) -> [Double] {
            var sums = [0.0, 0, 0]
            for i in voxels {
                let (x, y, z) = affine.point(
                    Double(i % dims[0]), Double(i / dims[0] % dims[1]), Double(i / (dims[0] * dims[1])))
                sums = zip(sums, [x, y, z]).map { $0 + $1 }
            }
            return sums.map { $0 / Double(max(voxels.count, 1)) }
        }
    }

    /// The tumour's size, depth and place; of each contrast, of T1c less T1w and of T2w less FLAIR what it looks like within,
    /// by depth and around it, against the rest of the brain.
    private static func features(_ head: ScannedHead) -> [Double?] {
        let isBrain = head.isBrain
        let inside = isBrain.indices.filter { head.isTumour[$0] }
        let depth = head.steps(to: head.isTumour.map { !$0 })
        let away = head.steps(to: head.isTumour)
        let edge = head.steps(to: isBrain.map { !$0 })
        let outside = isBrain.indices.filter { isBrain[$0] && away[$0] > 2 }
        let deepest = inside.map { depth[$0] }.max() ?? 0
        /// Voxels of the tumour by depth, as a part of the deepest's.
        func part(_ holds: (Double) -> Bool) -> [Int] { inside.filter { holds(Double(depth[$0]) / Double(deepest)) } }
        // The outermost voxels are a border also where that is more than a third of the depth.
        let border = inside.filter { depth[$0] <= max(deepest * 7 / 20, 1) }
        let core = part { $0 > 0.7 }
        let layers = [border, part { $0 > 0.35 && $0 <= 0.7 }, core]
        let shells = [1...1, 2...3].map { reach in isBrain.indices.filter { isBrain[$0] && reach.contains(away[$0]) } }
        let place = zip(head.middle(of: inside), head.middle(of: outside)).map { $0 - $1 }
        let count = Double(max(inside.count, 1))
        let millilitres = Double(inside.count) * head.affine.spacing.reduce(1, *) / 1000
        var values: [Double?] = [
            log(millilitres + 0.1), abs(place[0]), place[0], place[1], place[2], Double(deepest),
            Double(inside.count { edge[$0] <= 1 }) / count,
            Double(inside.count { depth[$0] == 1 }) / pow(count, 2.0 / 3),
        ]
        let seen: [(contrast: Contrast, less: Contrast?)] =
            Contrast.allCases.map { ($0, nil) } + [(.t1c, .t1w), (.t2w, .flair)]
        let parts = layers + shells
        let figures = 9 + parts.count
        guard !inside.isEmpty, !outside.isEmpty else {
            return values + Array(repeating: nil, count: seen.count * figures)
        }
        /// A scan's values against the rest of the brain.
        let standards = head.scans.compactMapValues { scan -> ((Int) -> Double)? in
            let whole = outside.map { scan[$0] }.filter { $0 != 0 }.sorted()
            guard !whole.isEmpty else { return nil }
            func share(_ rank: Double) -> Double { Double(whole[Int(rank * Double(whole.count - 1))]) }
            let (middle, spread) = (share(0.5), share(0.84) - share(0.16) + 1e-3)
            return { (Double(scan[$0]) - middle) / spread }
        }
        for (contrast, less) in seen {
            let other = less.flatMap { standards[$0] }
            guard let own = standards[contrast], less == nil || other != nil else {
                values += Array(repeating: nil, count: figures)
                continue
            }
            func value(_ voxel: Int) -> Double { own(voxel) - (other?(voxel) ?? 0) }
            func mean(_ voxels: [Int]) -> Double? {
                voxels.isEmpty ? nil : voxels.reduce(0) { $0 + value($1) } / Double(voxels.count)
            }
            let sorted = inside.map(value).sorted()
            values += [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95].map { sorted[Int($0 * Double(sorted.count - 1))] }
            values.append(mean(inside))
            values += parts.map(mean)
            values.append(mean(border).flatMap { rim in mean(core).map { $0 - rim } })
        }
        return values
    }

    /// Of each task the area and the ends of its 95 % interval.
    static func areas(_ planned: PaperProtocol, _ data: PaperData) throws -> [String: [Double]] {
        var masks: [String: String] = [:]
        for one in try Manifest.read(data.folder + "/test/manifest.csv").cases { masks[one.id] = one.mask }
        var known: [String: [Double?]] = [:]
        var found: [String: [Double]] = [:]
        for task in planned.tasks {
            // A tumour whose doubtful label called the head normal has no outline.
            let cases = try TaskCases(manifest: data.test, column: task.name, classes: task.classes).of(.test).filter {
                masks[$0.record.id] != nil || task.classes[$0.label] == "normal"
            }
            let rows = try cases.map { one in
                if let row = known[one.record.id] { return row }
                let row = Self.features(try ScannedHead(one.record, outline: masks[one.record.id]))
                known[one.record.id] = row
                return row
            }
            let means = (rows.first ?? []).indices.map { column in
                let values = rows.compactMap { $0[column] }
                return values.reduce(0, +) / Double(max(values.count, 1))
            }
            let labels = cases.map { $0.label == 1 }
            guard
                let scores = CrossValidation.scores(
                    features: rows.map { zip($0, means).map { $0 ?? $1 } }, labels: labels,
                    groups: cases.map(\.record.patient), fit: Self.score),
                let area = DeLong.estimate(labels: labels, scores: scores), let interval = area.interval
            else { throw BenchError("the oracle cannot be fitted to \(task.name): the test cohort has too few cases") }
            found[task.name] = [area.area, interval.lowerBound, interval.upperBound]
        }
        return found
    }
}
