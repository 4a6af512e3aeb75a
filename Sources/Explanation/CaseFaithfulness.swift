import Foundation
import Imaging
package import Encoder
package import Training

/// How a method's map of one case fares: against its tumour, and against the model itself.
package struct CaseFaithfulness: Sendable, Codable {
    package var `case`: String
    package var patient: String
    package var method: SaliencyMethod
    /// The class that is said, and explained.
    package var predicted: String
    /// The class that the case has; nil without a label among the model's classes.
    package var label: String?
    /// The mean probability over random orders less that over the map's, while tokens are taken away: above 0 is better
    /// than chance.
    package var deletionGain: Double
    /// The same while tokens are put in, the map's less the random orders'.
    package var insertionGain: Double
    /// Pearson's correlation with the map of the same model with drawn weights, over tokens.
    package var randomWeightsCorrelation: Double?
    /// Against the tumour, of the map of the class that the case has (Zhang et al., International Journal of Computer
    /// Vision 2018;126:1084), where its label is not known of the class predicted; nil for cases without a tumour.
    package var pointing: Pointing?

    package init(
        case name: String, patient: String, method: SaliencyMethod, predicted: String, label: String?,
        deletionGain: Double, insertionGain: Double, randomWeightsCorrelation: Double?, pointing: Pointing?
    ) {
        self.case = name
        self.patient = patient
        self.method = method
        self.predicted = predicted
        self.label = label
        self.deletionGain = deletionGain
        self.insertionGain = insertionGain
        self.randomWeightsCorrelation = randomWeightsCorrelation
        self.pointing = pointing
    }

    /// Whether that is the class said; nil where it is not known.
    package var isRight: Bool? { label.map { $0 == predicted } }

    /// Where the largest value of the map lies, and where its opponents point.
    package struct Pointing: Sendable, Codable {
        package var millilitres: Double
        /// Within one token of the tumour.
        package var isHit: Bool
        /// Millimetres to the tumour, 0 within.
        package var distance: Double
        /// The share of what speaks for the class that lies in the tumour, over the tumour's share of the brain.
        package var energyRatio: Double?
        /// The brightest voxel of T1c, or of the first contrast where there is none.
        package var brightestHits: Bool
        /// The middle of the brain.
        package var centreHits: Bool
        /// The map of drawn weights.
        package var randomWeightsHit: Bool

        package init(
            millilitres: Double, isHit: Bool, distance: Double, energyRatio: Double?, brightestHits: Bool,
            centreHits: Bool, randomWeightsHit: Bool
        ) {
            self.millilitres = millilitres
            self.isHit = isHit
            self.distance = distance
            self.energyRatio = energyRatio
            self.brightestHits = brightestHits
            self.centreHits = centreHits
            self.randomWeightsHit = randomWeightsHit
        }
    }
}

/// Measures maps of cases, one at a time.
package final class FaithfulnessMeter {
    private let explainer: Explainer
    private let drawn: Explainer
    private let methods: [SaliencyMethod]
    private let orders: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - explainer: of the model.
    ///   - drawn: of the same shape with drawn weights.
    ///   - orders: random orders a case.
    package init(
        _ explainer: Explainer, drawn: Explainer, methods: [SaliencyMethod], orders: Int = 5, seed: UInt64 = 1
    ) {
        self.explainer = explainer
        self.drawn = drawn
        self.methods = methods
        self.orders = orders
        self.seed = seed
    }

    /// - Parameters:
    ///   - chosen: the class predicted.
    ///   - label: the class that the case has, where it is known.
    ///   - classes: their names.
    ///   - mask: the case's tumour.
    /// - Returns: one a method.
    package func measure(
        _ input: EncoderInput, case name: String, patient: String, class chosen: Int, label: Int?, classes: [String],
        mask: TumourMask?
    ) throws(EncoderError) -> [CaseFaithfulness] {
        let fill = explainer.fill(of: input)
        var random = RandomStream(seed: seed, name: name)
        var (deletion, insertion) = (0.0, 0.0)
        for _ in 0..<orders {
            let curves = try PerturbationCurves(
                explainer, input, class: chosen, fill: fill, order: fill.occupied.shuffled(using: &random))
            deletion += curves.deletion / Double(orders)
            insertion += curves.insertion / Double(orders)
        }
        let sought = label ?? chosen
        let rivals = mask.map { Rivals(input, size: explainer.model.encoder.imageSize, mask: $0, explainer.patch) }
        var found: [CaseFaithfulness] = []
        for method in methods {
            let maps = try maps(input, class: chosen, by: method)
            let order = fill.occupied.sorted { (maps.own.values[$1], $0) < (maps.own.values[$0], $1) }
            let curves = try PerturbationCurves(explainer, input, class: chosen, fill: fill, order: order)
            var pointing: CaseFaithfulness.Pointing?
            if let rivals {
                let pointed = sought == chosen ? maps : try self.maps(input, class: sought, by: method)
                pointing = point(pointed.own, pointed.drawn, rivals)
            }
            found.append(
                CaseFaithfulness(
                    case: name, patient: patient, method: method, predicted: classes[chosen],
                    label: label.map { classes[$0] },
                    deletionGain: deletion - curves.deletion, insertionGain: curves.insertion - insertion,
                    randomWeightsCorrelation: maps.own.correlation(with: maps.drawn), pointing: pointing))
        }
        return found
    }

    /// A class's map, and that of drawn weights.
    private func maps(_ input: EncoderInput, class asked: Int, by method: SaliencyMethod) throws(EncoderError)
        -> (own: SaliencyMap, drawn: SaliencyMap)
    {
        (
            try explainer.explain(input, class: asked, by: method).map.summed(edge: explainer.grid),
            try drawn.explain(input, class: asked, by: method).map.summed(edge: explainer.grid)
        )
    }

    private func point(_ map: SaliencyMap, _ other: SaliencyMap, _ rivals: Rivals) -> CaseFaithfulness.Pointing {
        let mask = rivals.mask
        let peak = map.centre(map.peak, size: rivals.size)
        return CaseFaithfulness.Pointing(
            millilitres: mask.millilitres, isHit: mask.isHit(peak, within: rivals.reach),
            distance: mask.distance(to: peak), energyRatio: rivals.energyRatio(of: map),
            brightestHits: rivals.brightestHits, centreHits: rivals.centreHits,
            randomWeightsHit: mask.isHit(other.centre(other.peak, size: rivals.size), within: rivals.reach))
    }
}

/// What a case's maps are held against, the same for all methods.
private struct Rivals {
    let mask: TumourMask
    let size: Int
    /// Prepared voxels of a token along an axis.
    let reach: Double
    let brightestHits: Bool
    let centreHits: Bool
    private let brainVoxels: Int

    init(_ input: EncoderInput, size: Int, mask: TumourMask, _ patch: Int) {
        self.mask = mask
        self.size = size
        reach = Double(patch)
        let isBrain = BrainVoxels.find(in: input.voxels, contrasts: input.present.count)
        let places = isBrain.indices.filter { isBrain[$0] }.map { Self.place($0, size) }
        brainVoxels = places.count
        let middle = (0..<3).map { axis in
            places.reduce(0) { $0 + $1[axis] } / Double(max(places.count, 1))
        }
        brightestHits = mask.isHit(Self.brightest(input, size), within: reach)
        centreHits = mask.isHit(middle, within: reach)
    }

    /// The share of what speaks for the class that lies in the tumour, over the tumour's share of the brain.
    func energyRatio(of map: SaliencyMap) -> Double? {
        let width = size / map.edge
        let volume = Double(width * width * width)
        let total = map.values.reduce(0.0) { $0 + Double(max($1, 0)) }
        guard total > 0, brainVoxels > 0 else { return nil }
        var within = 0.0
        for i in mask.voxels.indices where mask.voxels[i] != 0 {
            let (x, y, z) = (i / (size * size) / width, i / size % size / width, i % size / width)
            within += Double(max(map.values[(x * map.edge + y) * map.edge + z], 0)) / volume
        }
        return within / total / (Double(mask.count) / Double(brainVoxels))
    }

    private static func brightest(_ input: EncoderInput, _ size: Int) -> [Double] {
        let count = size * size * size
        let enhanced = Contrast.t1c.channel
        let channel = input.present[enhanced] ? enhanced : input.present.firstIndex(of: true) ?? 0
        let part = channel * count..<(channel + 1) * count
        let at = (part.max { (input.voxels[$0], $1) < (input.voxels[$1], $0) } ?? part.lowerBound) - part.lowerBound
        return place(at, size)
    }

    private static func place(_ voxel: Int, _ size: Int) -> [Double] {
        [Double(voxel / (size * size)), Double(voxel / size % size), Double(voxel % size)]
    }
}
