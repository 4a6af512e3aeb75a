package import Statistics

extension Familiarity.Verdict {
    /// Why a case is unlike the training data, in a sentence; nil when it is not.
    package var reason: String? {
        var reasons: [String] = []
        if let unlikeImages { reasons.append(Self.farthest(unlikeImages)) }
        if areFeaturesUnlike {
            reasons.append("the encoder's features of it lie far from those of the training cases")
        }
        if let unlikeRestoration {
            reasons.append(
                "what is hidden of it is restored with an error \(Self.rounded(unlikeRestoration)) standard deviations "
                    + "above the mean of the training cases")
        }
        return reasons.isEmpty ? nil : "Unlike the training data: \(reasons.joined(separator: "; "))."
    }

    /// Names the number that is farthest out.
    private static func farthest(_ z: [Double?]) -> String {
        let known = z.indices.filter { z[$0] != nil }
        guard let worst = known.max(by: { abs(z[$0] ?? 0) < abs(z[$1] ?? 0) }), let value = z[worst], value.isFinite
        else { return "its images hold no brain that could be measured" }
        return
            "its images as a whole, most of all the \(ImageStatistics.names[worst]), \(rounded(abs(value))) standard "
            + "deviations \(value > 0 ? "above" : "below") the mean of the training cases"
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
