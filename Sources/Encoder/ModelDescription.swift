import Foundation

/// What a model file says of itself, in its metadata.
package struct ModelDescription: Sendable, Equatable {
    /// The version of these fields.
    package static let format = 1
    /// Every file made from scans carries this line.
    package static let investigational =
        "Investigational output. Not a medical device. Must not inform the care of any patient."

    package var configuration: ModelConfiguration
    /// The manifest's column the model predicts; nil for an encoder alone.
    package var task: String?
    /// Names of the classes in the order of the outputs.
    package var classes: [String]
    /// The preparation recipe as JSON.
    package var recipe: String?
    /// Names of the contrasts it was shown in training, where others were left out; nil for whatever a case has.
    package var contrasts: [String]?
    /// A binary model says its second class at this probability and above.
    package var threshold: Double?
    /// The written permission to use the weights this model descends from.
    package var licenceReference: String?
    /// Digests of the weights this model descends from, the nearest first.
    package var lineage: [String]

    package init(
        configuration: ModelConfiguration, task: String? = nil, classes: [String] = [], recipe: String? = nil,
        contrasts: [String]? = nil, threshold: Double? = nil, licenceReference: String? = nil, lineage: [String] = []
    ) {
        self.configuration = configuration
        self.task = task
        self.classes = classes
        self.recipe = recipe
        self.contrasts = contrasts
        self.threshold = threshold
        self.licenceReference = licenceReference
        self.lineage = lineage
    }

    /// Takes up what `weights` say of their permission and origin.
    /// - Parameter digest: SHA-256 of the weights this model begins with.
    package mutating func descend(from weights: ModelDescription, digest: String) {
        licenceReference = weights.licenceReference
        lineage = [digest] + weights.lineage
    }

    private enum Key {
        static let format = "format"
        static let configuration = "configuration"
        static let task = "task"
        static let classes = "classes"
        static let recipe = "recipe"
        static let contrasts = "contrasts"
        static let threshold = "threshold"
        static let licence = "licence_ref"
        static let lineage = "lineage"
        static let notice = "notice"
        /// What `import-weights` records: the digest of the checkpoint it read.
        static let source = "source_sha256"
    }

    /// The metadata of a file.
    package func metadata() throws(EncoderError) -> [String: String] {
        var metadata = [Key.format: "consilium-model \(Self.format)", Key.notice: Self.investigational]
        metadata[Key.configuration] = try Self.json(configuration)
        metadata[Key.task] = task
        if !classes.isEmpty { metadata[Key.classes] = try Self.json(classes) }
        metadata[Key.recipe] = recipe
        metadata[Key.contrasts] = contrasts?.joined(separator: " ")
        metadata[Key.threshold] = threshold.map { "\($0)" }
        metadata[Key.licence] = licenceReference
        if !lineage.isEmpty { metadata[Key.lineage] = lineage.joined(separator: " ") }
        return metadata
    }

    /// Reads the metadata of a file that this program wrote.
    /// - Returns: nil when it did not.
    package init?(metadata: [String: String], path: String) throws(EncoderError) {
        guard let format = metadata[Key.format], format.hasPrefix("consilium-model ") else { return nil }
        guard format == "consilium-model \(Self.format)" else {
            throw EncoderError(
                .weights,
                "\(path) is a model of format \(format.dropFirst(16)) and this program reads \(Self.format): "
                    + "use the release that wrote it")
        }
        guard let text = metadata[Key.configuration],
            let configuration = try? JSONDecoder().decode(ModelConfiguration.self, from: Data(text.utf8))
        else {
            throw EncoderError(.weights, "\(path) does not say its model's configuration: it is damaged, fit again")
        }
        try configuration.validate()
        var classes: [String] = []
        if let text = metadata[Key.classes] {
            guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)),
                names.count == configuration.head?.classes
            else {
                throw EncoderError(.weights, "\(path) names classes that do not fit its head: it is damaged, fit again")
            }
            classes = names
        }
        let threshold = metadata[Key.threshold].map { Double($0) ?? .nan }
        guard threshold.map({ (0...1).contains($0) }) ?? true else {
            throw EncoderError(
                .weights, "\(path) has a threshold that is no number from 0 to 1: it is damaged, fit again")
        }
        self.init(
            configuration: configuration, task: metadata[Key.task], classes: classes, recipe: metadata[Key.recipe],
            contrasts: metadata[Key.contrasts]?.split(separator: " ").map(String.init), threshold: threshold,
            licenceReference: metadata[Key.licence],
            lineage: Self.lineage(metadata))
    }

    /// What a file not written as a model can carry: the licence reference and the source `import-weights` records.
    static func descent(_ metadata: [String: String]) -> (licence: String?, lineage: [String]) {
        (metadata[Key.licence], lineage(metadata) + (metadata[Key.source].map { [$0] } ?? []))
    }

    private static func lineage(_ metadata: [String: String]) -> [String] {
        metadata[Key.lineage]?.split(separator: " ").map(String.init) ?? []
    }

    private static func json(_ value: some Encodable) throws(EncoderError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw EncoderError(.configuration, "the model's description cannot be written as JSON: \(error)")
        }
    }
}
