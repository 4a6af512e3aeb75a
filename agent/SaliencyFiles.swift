import ArgumentParser
import Cohort
import Encoder
import Explanation
import Foundation
import Imaging
import NIfTI
import Training

/// The maps and pictures of a prediction, written beside it.
struct SaliencyFiles {
    private let reading: ModelReader.Reading
    private let explainer: Explainer
    private let folder: String
    /// The case's tumour, outlined in the picture.
    private let mask: TumourMask?
    private let contributions: [Float?]
    private let isBrain: [Bool]

    /// - Throws: one sentence, also for a mask that cannot be read or lies elsewhere.
    init(_ reading: ModelReader.Reading, of record: CaseRecord, explainer: Explainer, folder: String) throws {
        self.reading = reading
        self.explainer = explainer
        self.folder = folder
        mask = try Self.mask(of: record, on: reading.volume)
        contributions = try explainer.contributions(reading.input, class: reading.chosen)
        isBrain = BrainVoxels.find(in: reading.volume.voxels)
    }

    /// - Parameter suffix: of the files' names, where there are several methods.
    func write(by method: SaliencyMethod, suffix: String = "") throws -> Prediction.Saliency {
        let (volume, name) = (reading.volume, reading.className)
        let found = try explainer.explain(reading.input, class: reading.chosen, by: method)
        let (map, picture) = ("saliency\(suffix).nii.gz", "saliency\(suffix).png")
        try found.map.write(to: "\(folder)/\(map)", volume.geometry, size: volume.size)
        // Of a map that found nothing the middle is shown.
        let isBlank = (found.map.values.max() ?? 0) <= 0
        let place =
            isBlank ? Array(repeating: volume.size / 2, count: 3) : place(of: found.map)
        let centre = place.map { Double($0) }
        let native = volume.geometry.native(centre[0], centre[1], centre[2])
        let (x, y, z) = volume.geometry.affine.point(centre[0], centre[1], centre[2])
        let probability = String(format: "%.3f", reading.probabilities[reading.chosen])
        var lines = [
            "\(reading.prediction.case): \(name) (\(probability)). Colour: speaks for \(name), \(method.rawValue)."
        ]
        if isBlank { lines.append("The map is blank: \(method.rawValue) found nothing that speaks for \(name).") }
        lines.append(ModelDescription.investigational)
        try OverlayPicture(
            of: volume, contrast: Self.contrast(shown: contributions, present: volume.present),
            overlay: overlay(found.map),
            through: place, mask: mask?.voxels, lines: lines
        ).write(to: "\(folder)/\(picture)")
        return Prediction.Saliency(
            method: method.rawValue, map: map, picture: picture,
            peakVoxel: isBlank
                ? nil
                : zip([native.i, native.j, native.k], volume.geometry.nativeDims).map { at, count in
                    min(max(Int(at.rounded()), 0), count - 1)
                },
            peakMillimetres: isBlank ? nil : [x, y, z], contrasts: Self.named(contributions),
            incompleteness: found.incompleteness)
    }

    /// The map where there is brain: cells reach into the air around it.
    private func overlay(_ map: SaliencyMap) -> [Float] {
        zip(map.prepared(size: reading.volume.size), isBrain).map { $1 ? $0 : 0 }
    }

    /// The brain's voxel in the map's largest cell that is nearest to the cell's middle.
    private func place(of map: SaliencyMap) -> [Int] {
        let size = reading.volume.size
        let width = size / map.edge
        let cell = map.cell(map.peak)
        let centre = map.centre(map.peak, size: size)
        let within = (0..<width * width * width).map { i in
            [
                cell[0] * width + i / (width * width), cell[1] * width + i / width % width, cell[2] * width + i % width,
            ]
        }
        func distance(_ place: [Int]) -> Double {
            zip(place, centre).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
        }
        let brain = within.filter { isBrain[($0[0] * size + $0[1]) * size + $0[2]] }
        return brain.min { distance($0) < distance($1) } ?? centre.map { Int($0) }
    }

    /// The contrast that speaks most for the class; the first of T1c, FLAIR, T2w, T1w where none can be compared.
    private static func contrast(shown contributions: [Float?], present: [Bool]) -> Contrast {
        let compared = Contrast.allCases.filter { contributions[$0.channel] != nil }
        let best = compared.max { (contributions[$0.channel] ?? 0) < (contributions[$1.channel] ?? 0) }
        return best ?? [.t1c, .flair, .t2w, .t1w].first { present[$0.channel] } ?? .t1w
    }

    private static func named(_ contributions: [Float?]) -> [String: Double]? {
        let known = Contrast.allCases.compactMap { contrast in
            contributions[contrast.channel].map { (contrast.rawValue, Double($0)) }
        }
        return known.isEmpty ? nil : Dictionary(uniqueKeysWithValues: known)
    }

    /// The tumour of a record that names a mask.
    static func mask(of record: CaseRecord, on volume: PreparedVolume) throws -> TumourMask? {
        try record.mask.flatMap { try TumourMask($0, of: volume, case: record.name) }
    }

    /// What is said of a case whose contrasts cannot be compared.
    static let oneContrast = "The case has one contrast: what each contrast adds cannot be told."
}

extension SaliencyMethod: ExpressibleByArgument {}

/// The method of `--saliency METHOD`, or of `--saliency` alone.
enum SaliencyChoice: ExpressibleByArgument {
    case usual
    case named(SaliencyMethod)

    init?(argument: String) {
        guard let method = SaliencyMethod(rawValue: argument) else { return nil }
        self = .named(method)
    }

    static var allValueStrings: [String] { SaliencyMethod.allCases.map(\.rawValue) }

    func method(for encoder: EncoderConfiguration) -> SaliencyMethod {
        switch self {
        case .usual: .usual(for: encoder)
        case .named(let method): method
        }
    }
}
