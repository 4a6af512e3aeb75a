import Cohort
import Foundation
import Imaging
import NIfTI
import Statistics
import Training

/// A logistic regression on what is seen within the tumour's true outline, cross-validated by patient on the test cases:
/// how far a reader who is shown where to look could come, and so a bound of the task from above.
struct MaskOracle {
    /// Of the whole brain, the tumour's size and place; of each contrast what it looks like within.
    private static func features(_ volume: PreparedVolume, _ mask: [UInt8]) -> [Double?] {
        let size = volume.size
        let count = size * size * size
        let inside = mask.indices.filter { mask[$0] != 0 }
        let channels = Contrast.allCases.map(\.channel)
        let isBrain = BrainVoxels.find(in: volume.voxels)
        let brain = isBrain.indices.filter { isBrain[$0] }
        func near(_ i: Int, _ holds: (Int) -> Bool) -> Bool {
            [(size * size, i / (size * size)), (size, i / size % size), (1, i % size)].allSatisfy { stride, at in
                at > 0 && at < size - 1 && holds(i - stride) && holds(i + stride)
            }
        }
        let core = inside.filter { near($0) { mask[$0] != 0 } }
        let outer = inside.filter { !near($0) { isBrain[$0] } }
        let places = (0..<3).map { axis in
            inside.reduce(0.0) { sum, i in
                sum + Double([i / (size * size), i / size % size, i % size][axis])
            } / Double(max(inside.count, 1)) / Double(size) - 0.5
        }
        let millilitres = Double(inside.count) * volume.geometry.spacing.reduce(1, *) / 1000
        var values: [Double?] = [
            log(millilitres + 0.1), abs(places[0]), places[1], places[2],
            Double(outer.count) / Double(max(inside.count, 1)),
        ]
        for channel in channels {
            guard volume.present[channel], !inside.isEmpty else {
                values += [nil, nil, nil, nil, nil]
                continue
            }
            func sorted(_ voxels: [Int]) -> [Float] { voxels.map { volume.voxels[channel * count + $0] }.sorted() }
            func share(_ values: [Float], _ rank: Double) -> Double {
                values.isEmpty ? 0 : Double(values[Int(rank * Double(values.count - 1))])
            }
            func mean(_ values: [Float]) -> Double {
                values.reduce(0.0) { $0 + Double($1) } / Double(max(values.count, 1))
            }
            let (own, whole) = (sorted(inside), sorted(brain))
            let (middle, spread) = (share(whole, 0.5), share(whole, 0.84) - share(whole, 0.16) + 1e-3)
            values += [0.1, 0.5, 0.9].map { (share(own, $0) - middle) / spread }
            values.append((mean(own) - middle) / spread)
            values.append(core.isEmpty ? nil : (mean(sorted(core)) - mean(own)) / spread)
        }
        return values
    }

    /// Of each task the area and the ends of its 95 % interval.
    static func areas(_ planned: PaperProtocol, _ data: PaperData, cache: PreparedCache?) throws -> [String: [Double]] {
        let masks = Dictionary(
            uniqueKeysWithValues: try Manifest.read(data.folder + "/test/manifest.csv").cases.map { ($0.id, $0.mask) })
        let loader = CaseLoader(recipe: Recipe(size: planned.size), cache: cache)
        var known: [String: [Double?]] = [:]
        var found: [String: [Double]] = [:]
        for task in planned.tasks {
            let cases = try TaskCases(manifest: data.test, column: task.name, classes: task.classes).of(.test)
            let rows = try cases.map { one in
                if let row = known[one.record.id] { return row }
                let volume = try loader.prepared(one.record)
                let mask = try (masks[one.record.id] ?? nil).map {
                    volume.geometry.prepared(mask: try NIfTIFile.read($0), size: volume.size)
                }
                let row = Self.features(
                    volume, mask ?? Array(repeating: 0, count: volume.size * volume.size * volume.size))
                known[one.record.id] = row
                return row
            }
            let means = rows[0].indices.map { column in
                let values = rows.compactMap { $0[column] }
                return values.reduce(0, +) / Double(max(values.count, 1))
            }
            let labels = cases.map { $0.label == 1 }
            guard
                let scores = LogisticRegression.crossValidated(
                    features: rows.map { zip($0, means).map { $0 ?? $1 } }, labels: labels,
                    groups: cases.map(\.record.patient)),
                let area = DeLong.estimate(labels: labels, scores: scores), let interval = area.interval
            else { continue }
            found[task.name] = [area.area, interval.lowerBound, interval.upperBound]
        }
        return found
    }
}
