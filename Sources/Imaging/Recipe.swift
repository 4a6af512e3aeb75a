/// How scans become the encoder's input. Everything made from a prepared case carries its recipe.
package struct Recipe: Codable, Sendable, Equatable, Hashable {
    /// The named ways of preparing.
    package enum Name: String, Codable, Sendable, CaseIterable {
        /// RAS, crop to the brain with a margin, clip to percentiles inside the brain, scale each contrast to 0…1,
        /// isotropic millimetres padded to the cube.
        case consilium
        /// As `consilium`, but each contrast by its own median and spread inside the brain instead of to 0…1 between two
        /// percentiles: a value says how far a voxel stands out of its own brain.
        case standardised
        /// Area resize, then each contrast to 0…1 by its own range (LaMIM pretraining).
        case lamimPretrain = "lamim-pretrain"
        /// All contrasts to 0…1 by their common range, then area resize (LaMIM fine-tuning).
        case lamimFinetune = "lamim-finetune"

        /// Whether the case is cropped to the brain, in isotropic millimetres.
        package var cropsToBrain: Bool { self == .consilium || self == .standardised }
    }

    /// What happens to NaN and infinite voxels.
    package enum NonFinite: String, Codable, Sendable {
        /// The case is refused with their count.
        case refuse
        /// They become background, with a warning.
        case replace
    }

    /// The orientation setting that leaves the axes as they are stored.
    package static let stored = "stored"
    /// Counted up whenever the same recipe would give other bytes than before.
    package static let version = 2

    /// Which recipe.
    package var name: Name
    /// Edge of the prepared cube in voxels, 4…512.
    package var size: Int
    /// Three letters the prepared axes point to (`RAS`), or `stored`.
    package var orientation: String
    /// Whether scans with skull and scalp are prepared rather than refused.
    package var unstripped: Bool
    /// What happens to NaN and infinite voxels.
    package var nonFinite: NonFinite
    /// Kept around the brain before cropping, millimetres, 0…100 (`consilium` and `standardised`).
    package var margin: Double
    /// Lower and upper percentile inside the brain that become 0 and 1 (`consilium`).
    package var percentiles: [Double]

    /// A recipe with the usual settings.
    ///
    /// - Parameters:
    ///   - name: Which recipe.
    ///   - size: Edge of the cube in voxels.
    ///   - orientation: `RAS`-like letters or `stored`; by default `RAS`, and `stored` for LaMIM's own,
    ///     whose published loader keeps the axes of the file.
    ///   - unstripped: Prepare scans with skull and scalp.
    package init(
        name: Name = .consilium, size: Int = 96, orientation: String? = nil, unstripped: Bool = false,
        nonFinite: NonFinite = .refuse, margin: Double = 4, percentiles: [Double] = [0.5, 99.5]
    ) {
        self.name = name
        self.size = size
        self.orientation = orientation ?? (name.cropsToBrain ? "RAS" : Recipe.stored)
        self.unstripped = unstripped
        self.nonFinite = nonFinite
        self.margin = margin
        self.percentiles = percentiles
    }

    /// One line that is equal exactly when the prepared bytes would be: what a cache digests.
    package var summary: String {
        var line =
            "\(name.rawValue)/\(Recipe.version) size=\(size) orientation=\(orientation)"
            + " unstripped=\(unstripped ? "allow" : "refuse") nonfinite=\(nonFinite.rawValue)"
        if name.cropsToBrain { line += " margin=\(margin)mm" }
        if name == .consilium { line += " percentiles=\(percentiles.map { "\($0)" }.joined(separator: ","))" }
        return line
    }

    /// Percentiles inside the brain that the tone of a contrast is made of.
    var tonePercentiles: [Double] {
        switch name {
        case .consilium: percentiles
        case .standardised: [0, 16, 50, 84, 100]
        case .lamimPretrain, .lamimFinetune: []
        }
    }

    /// The values of a contrast that become 0 and 1.
    ///
    /// `standardised` puts the median at 0.45, and 0.15 apart what lies half the distance between the 16th and the 84th
    /// percentile apart: of a normal distribution one standard deviation, so that it reaches from −3 to 3.7 of them.
    /// - Parameter found: the values at ``tonePercentiles``; none for LaMIM's recipes.
    /// - Returns: nil for LaMIM's recipes, and for a contrast without foreground. Where two thirds of the brain have one
    ///   value, which leaves no spread, from the lowest to the highest.
    func window(_ found: [Float]) -> (low: Float, high: Float)? {
        guard !found.isEmpty, found.count == tonePercentiles.count else { return nil }
        guard name == .standardised else { return (found[0], found[1]) }
        let deviation = found[3] / 2 - found[1] / 2
        guard deviation > 0 else { return (found[0], found[4]) }
        // The values of a case may lie so far apart that three times their spread is no number.
        let most = Float.greatestFiniteMagnitude / 4
        return (max(found[2] - deviation * 3, -most), min(found[2] + deviation / 3 * 11, most))
    }

    /// Whether every setting is in range.
    ///
    /// - Throws: `ImagingError.badSetting` naming the setting.
    package func check() throws {
        guard (4...512).contains(size) else {
            throw ImagingError(.badSetting, "The recipe's size is \(size): choose an edge of 4 to 512 voxels.")
        }
        guard orientation == Recipe.stored || Orientation(letters: orientation) != nil else {
            throw ImagingError(
                .badSetting,
                "The recipe's orientation is \"\(orientation)\": write \"stored\" or three letters such as RAS.")
        }
        guard (0...100).contains(margin) else {
            throw ImagingError(.badSetting, "The recipe's margin is \(margin) mm: choose 0 to 100 mm.")
        }
        guard percentiles.count == 2, percentiles.allSatisfy({ (0...100).contains($0) }),
            percentiles[0] < percentiles[1]
        else {
            throw ImagingError(
                .badSetting, "The recipe's percentiles are \(percentiles): give two rising numbers within 0…100.")
        }
    }

    private enum CodingKeys: String, CodingKey {
        case name, version, size, orientation, unstripped, nonFinite = "nonfinite", margin, percentiles
    }

    private enum Permission: String, Codable { case allow, refuse }

    /// Reads a recipe; settings left out take their usual values.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let version = try values.decodeIfPresent(Int.self, forKey: .version) ?? Recipe.version
        guard version == Recipe.version else {
            throw ImagingError(
                .badSetting,
                "The recipe is of version \(version) and this program prepares version \(Recipe.version): "
                    + "prepare and train with the same release.")
        }
        let name = try values.decode(Name.self, forKey: .name)
        self.init(name: name)
        size = try values.decodeIfPresent(Int.self, forKey: .size) ?? size
        orientation = try values.decodeIfPresent(String.self, forKey: .orientation) ?? orientation
        unstripped = try values.decodeIfPresent(Permission.self, forKey: .unstripped) == .allow
        nonFinite = try values.decodeIfPresent(NonFinite.self, forKey: .nonFinite) ?? nonFinite
        margin = try values.decodeIfPresent(Double.self, forKey: .margin) ?? margin
        percentiles = try values.decodeIfPresent([Double].self, forKey: .percentiles) ?? percentiles
        try check()
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(Recipe.version, forKey: .version)
        try values.encode(size, forKey: .size)
        try values.encode(orientation, forKey: .orientation)
        try values.encode(unstripped ? Permission.allow : .refuse, forKey: .unstripped)
        try values.encode(nonFinite, forKey: .nonFinite)
        try values.encode(margin, forKey: .margin)
        try values.encode(percentiles, forKey: .percentiles)
    }
}
