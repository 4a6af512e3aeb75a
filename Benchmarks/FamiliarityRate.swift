import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import NIfTI
import Statistics
import Training

/// `bench familiarity COHORT MODEL SITE [CASES [RESTORER]]`: sums over the training cases of a made cohort without one site,
/// then how often that site's cases are called unlike them, and how well spoilt ones are told (area under the ROC curve);
/// with a pretrained model also by its error of restoration.
struct FamiliarityRate {
    let cohort: String
    let model: String
    let site: String
    let most: Int
    /// Path of a pretrained model.
    let restorer: String?

    private static let spoilings = ["swapped", "skull", "half", "child", "noise"]

    func measure() throws -> [String: Double] {
        let file = try ModelFile(model)
        let configuration = file.description.configuration
        let network = try file.inferenceNetwork(precision: .suited, threads: nil)
        let recipe = try CaseSource.recipe(file.description.recipe ?? "")
        let records = try Manifest.read(cohort + "/manifest.csv").cases
        func isOfSite(_ record: CaseRecord) -> Bool { record.files.contains { $0.contains("/\(site)/") } }
        let training = Array(records.filter { $0.split == .train && !isOfSite($0) }.prefix(most))
        let unseen = Array(records.filter(isOfSite).prefix(most / 3))
        let dimensions = Familiarity.dimensions(cases: training.count)
        let projection = FeatureProjection(
            inputs: configuration.head?.features(of: configuration.encoder) ?? 0, dimensions: dimensions,
            seed: Familiarity.standardSeed)
        let restorer = try restorer.flatMap {
            try CaseRestorer(ModelFile($0), precision: .suited, threads: nil)
        }
        func profile(_ volume: PreparedVolume) throws -> (features: [Double], images: ImageStatistics, error: Double?) {
            let features = try network.features(volume.voxels, count: 1, present: [volume.present])
            return (
                projection(features), ImageStatistics(volume),
                try restorer?.error(of: EncoderInput(voxels: volume.voxels, present: volume.present))
            )
        }
        // Errors of restoration are summed over all cases as one site's: several sites do not share them.
        var all = Familiarity(model: "", dimensions: dimensions, restorer: "")
        var sites: [String: Familiarity] = [:]
        for record in training {
            let (features, images, error) = try profile(try Images(record).prepared(recipe))
            all.add(features: features, images: images.values, restoration: error)
            let name = record.files.first?.split(separator: "/").first { $0.hasPrefix("site-") }.map(String.init) ?? ""
            sites[name, default: Familiarity(model: "", dimensions: dimensions)].add(
                features: features, images: images.values)
        }
        guard let known = Familiarity(sites.keys.sorted().compactMap { sites[$0] }),
            let byImage = known.imageSpread, let byFeatures = known.featureSpread
        else {
            throw BenchError("\(training.count) training cases are too few")
        }
        /// By images, by features, as judged, and by restoration.
        func surprises(_ spoil: ((Images, Int) -> Images)?) throws -> [[Double]] {
            try unseen.enumerated().map { index, record in
                let images = try Images(record)
                let (features, statistics, error) = try profile(try (spoil?(images, index) ?? images).prepared(recipe))
                let one = byImage.probability(Array(statistics.values.prefix(dimensions)))
                let other = byFeatures.probability(features.map { $0 })
                let judged = known.judge(features: features, images: statistics.values)?.probability ?? 1
                let last = error.flatMap { all.restoration?.judge($0)?.probability } ?? 1
                return [one, other, judged, last].map { -log(max($0, 1e-300)) }
            }
        }
        let clean = try surprises(nil)
        let limit = -log(Familiarity.imageLevel)
        var found: [String: Double] = [
            "training cases": Double(training.count), "unseen cases": Double(unseen.count),
            "dimensions": Double(dimensions), "sites": Double(sites.count),
            "inflation by images": byImage.inflation, "inflation by features": byFeatures.inflation,
            "alarms": Double(clean.count { $0[2] > limit }) / Double(clean.count),
            "alarms by images": Double(clean.count { $0[0] > limit }) / Double(clean.count),
            "alarms by features": Double(clean.count { $0[1] > limit }) / Double(clean.count),
        ]
        var ways = ["by images", "by features", "as judged"]
        func unlike(_ surprises: [[Double]]) -> Double {
            Double(surprises.count { $0[3] > -log(Familiarity.restorationLevel) }) / Double(surprises.count)
        }
        if restorer != nil {
            ways.append("by restoration")
            found["alarms by restoration"] = unlike(clean)
        }
        for name in Self.spoilings {
            let spoilt = try surprises { $0.spoilt(name, seed: $1) }
            let labels = clean.map { _ in false } + spoilt.map { _ in true }
            for (index, which) in ways.enumerated() {
                let scores = (clean + spoilt).map { $0[index] }
                found["AUC \(name) \(which)"] = ROC(labels: labels, scores: scores).area ?? .nan
            }
            found["detected \(name)"] = Double(spoilt.count { $0[2] > limit }) / Double(spoilt.count)
            if restorer != nil { found["detected \(name) by restoration"] = unlike(spoilt) }
        }
        return found
    }
}

/// The scans of a case, to be spoilt.
struct Images {
    var scans: [Contrast: NIfTIImage]
    var brain: NIfTIImage

    init(_ record: CaseRecord) throws {
        scans = try record.paths.contrasts.mapValues { try NIfTIFile.read($0) }
        brain = try NIfTIFile.read(record.paths.brain ?? "")
    }

    func prepared(_ recipe: Recipe) throws -> PreparedVolume {
        try Preparation.prepare(contrasts: scans, brain: brain, recipe: recipe)
    }

    func spoilt(_ how: String, seed: Int) -> Images {
        var random = RandomStream(seed: UInt64(seed), name: how)
        var images = self
        switch how {
        case "swapped":
            let names = scans.keys.sorted().shuffled(using: &random)
            if names.count > 1 { (images.scans[names[0]], images.scans[names[1]]) = (scans[names[1]], scans[names[0]]) }
        case "half":
            images.change { image in
                let dims = image.header.dims
                for i in image.voxels.indices where i % dims[0] < dims[0] / 2 { image.voxels[i] = 0 }
            }
        case "child":
            images.change { image in
                for row in 0..<3 { for column in 0..<3 { image.header.affine.rows[row][column] *= 0.85 } }
                image.header.spacing = image.header.spacing.map { $0 * 0.85 }
            }
        case "noise":
            // The generator's noise has about a twentieth of the signal's deviation; with this there is four times as much.
            for contrast in scans.keys.sorted() {
                guard var image = scans[contrast] else { continue }
                let inside = image.voxels.filter { $0 > 0 }.sorted()
                let deviation = (inside.isEmpty ? 0 : inside[inside.count / 2]) / 20 * Float(15).squareRoot()
                for i in image.voxels.indices where image.voxels[i] > 0 {
                    let (a, b) = (image.voxels[i] + deviation * random.normal(), deviation * random.normal())
                    image.voxels[i] = (a * a + b * b).squareRoot()
                }
                images.scans[contrast] = image
            }
        case "skull":
            images.addSkull()
        default: break
        }
        return images
    }

    private mutating func change(_ body: (inout NIfTIImage) -> Void) {
        for contrast in scans.keys {
            scans[contrast].map {
                var image = $0; body(&image); scans[contrast] = image
            }
        }
        body(&brain)
    }

    /// Bone, dark, and two layers of fat and skin around the brain, where the grids are the brain mask's.
    private mutating func addSkull() {
        let bone = Self.grown(brain)
        let skin = Self.grown(Self.grown(bone))
        for contrast in scans.keys {
            guard var image = scans[contrast], image.voxels.count == brain.voxels.count else { continue }
            let inside = image.voxels.filter { $0 > 0 }.sorted()
            let middle = inside.isEmpty ? 0 : inside[inside.count / 2]
            for i in image.voxels.indices where brain.voxels[i] <= 0.5 {
                if bone.voxels[i] > 0.5 {
                    image.voxels[i] = middle * 0.1
                } else if skin.voxels[i] > 0.5 {
                    image.voxels[i] = middle * (contrast == .t1w || contrast == .t1c ? 1.6 : 0.9)
                }
            }
            scans[contrast] = image
        }
        brain = skin
    }

    private static func grown(_ mask: NIfTIImage) -> NIfTIImage {
        var result = mask
        let dims = mask.header.dims
        for i in mask.voxels.indices where mask.voxels[i] > 0.5 {
            let at = [i % dims[0], i / dims[0] % dims[1], i / (dims[0] * dims[1])]
            for (axis, stride) in [1, dims[0], dims[0] * dims[1]].enumerated() {
                if at[axis] > 0 { result.voxels[i - stride] = 1 }
                if at[axis] < dims[axis] - 1 { result.voxels[i + stride] = 1 }
            }
        }
        return result
    }
}
