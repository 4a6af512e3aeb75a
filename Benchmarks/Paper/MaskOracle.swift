import Cohort
import Foundation
import Imaging
import NIfTI
import Statistics
import Training

/// Kernel ridge regression on what is seen within and about the tumour's true outline, cross-validated by patient on the
/// test cases, with as many voxels an edge as they were made with: how far a reader who is shown where to look could come,
/// and so a bound of the task from above.
struct MaskOracle {
    /// A Gaussian kernel that reaches over all features' distance; chosen once for all tasks.
    private static func score(_ features: [[Double]], _ labels: [Bool]) -> (([Double]) -> Double)? {
        KernelRidge(
            features: features, labels: labels, width: 0.3 / Double(features.first?.count ?? 1), penalty: 0.1)?.score
    }

    /// Steps from each voxel to the nearest of some, through faces.
    private static func steps(to seeds: [Bool], size: Int) -> [Int] {
        var steps = seeds.map { $0 ? 0 : Int.max }
        var front = seeds.indices.filter { seeds[$0] }
        while !front.isEmpty {
            var next: [Int] = []
            for i in front {
                for (stride, at) in [(size * size, i / (size * size)), (size, i / size % size), (1, i % size)] {
                    for (other, isThere) in [(i - stride, at > 0), (i + stride, at < size - 1)]
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

    /// The tumour's size, depth and place; of each contrast, of T1c less T1w and of T2w less FLAIR what it looks like within,
    /// by depth and around it, against the rest of the brain.
    private static func features(_ volume: PreparedVolume, _ mask: [UInt8]) -> [Double?] {
        let size = volume.size
        let count = size * size * size
        let inside = mask.indices.filter { mask[$0] != 0 }
        let isBrain = BrainVoxels.find(in: volume.voxels)
        let depth = steps(to: mask.map { $0 == 0 }, size: size)
        let away = steps(to: mask.map { $0 != 0 }, size: size)
        let edge = steps(to: isBrain.map { !$0 }, size: size)
        // At the brain's surface air is mixed in.
        let outside = isBrain.indices.filter { edge[$0] > 2 && away[$0] > 2 }
        let deepest = inside.map { depth[$0] }.max() ?? 0
        /// Voxels of the tumour by depth, as a part of the deepest's.
        func part(_ holds: (Double) -> Bool) -> [Int] { inside.filter { holds(Double(depth[$0]) / Double(deepest)) } }
        // The outermost voxels are a border also where that is more than a third of the depth.
        let border = inside.filter { depth[$0] <= max(deepest * 7 / 20, 1) }
        let core = part { $0 > 0.7 }
        let layers = [border, part { $0 > 0.35 && $0 <= 0.7 }, core]
        let shells = [1...1, 2...3].map { reach in isBrain.indices.filter { isBrain[$0] && reach.contains(away[$0]) } }
        let places = (0..<3).map { axis in
            func middle(_ voxels: [Int]) -> Double {
                voxels.reduce(0.0) { $0 + Double([$1 / (size * size), $1 / size % size, $1 % size][axis]) }
                    / Double(max(voxels.count, 1))
            }
            return (middle(inside) - middle(outside)) / Double(size)
        }
        let surface = inside.count { depth[$0] == 1 }
        let millilitres = Double(inside.count) * volume.geometry.spacing.reduce(1, *) / 1000
        var values: [Double?] = [
            log(millilitres + 0.1), abs(places[0]), places[0], places[1], places[2], Double(deepest),
            Double(inside.count { edge[$0] <= 1 }) / Double(max(inside.count, 1)),
            Double(surface) / pow(Double(max(inside.count, 1)), 2.0 / 3),
        ]
        let seen: [(contrast: Contrast, less: Contrast?)] =
            Contrast.allCases.map { ($0, nil) } + [(.t1c, .t1w), (.t2w, .flair)]
        let parts = layers + shells
        let figures = 9 + parts.count
        guard !inside.isEmpty, !outside.isEmpty else {
            return values + Array(repeating: nil, count: seen.count * figures)
        }
        /// A voxel's value against the rest of the brain.
        let standards = Contrast.allCases.map { contrast -> (Int) -> Double in
            let first = contrast.channel * count
            let whole = outside.map { volume.voxels[first + $0] }.sorted()
            func share(_ rank: Double) -> Double { Double(whole[Int(rank * Double(whole.count - 1))]) }
            let (middle, spread) = (share(0.5), share(0.84) - share(0.16) + 1e-3)
            return { (Double(volume.voxels[first + $0]) - middle) / spread }
        }
        for (contrast, less) in seen {
            guard volume.present[contrast.channel], less.map({ volume.present[$0.channel] }) ?? true else {
                values += Array(repeating: nil, count: figures)
                continue
            }
            let own = standards[contrast.channel]
            let other = less.map { standards[$0.channel] }
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
        // Nothing is clipped, so that how much a tumour enhances can be seen.
        let loader = CaseLoader(recipe: Recipe(size: planned.test.size, percentiles: [0, 100]), cache: nil)
        var known: [String: [Double?]] = [:]
        var found: [String: [Double]] = [:]
        for task in planned.tasks {
            // A tumour whose doubtful label called the head normal has no outline.
            let cases = try TaskCases(manifest: data.test, column: task.name, classes: task.classes).of(.test).filter {
                masks[$0.record.id] != nil || task.classes[$0.label] == "normal"
            }
            let rows = try cases.map { one in
                if let row = known[one.record.id] { return row }
                let volume = try loader.prepared(one.record)
                let mask = try masks[one.record.id].map {
                    volume.geometry.prepared(mask: try NIfTIFile.read($0), size: volume.size)
                }
                let row = Self.features(
                    volume, mask ?? Array(repeating: 0, count: volume.size * volume.size * volume.size))
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
