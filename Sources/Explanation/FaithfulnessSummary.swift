package import Statistics

/// What the cases say of a method, with 95 % intervals over patients.
package struct FaithfulnessSummary: Sendable, Codable {
    package var method: SaliencyMethod
    /// Which cases: all, right, wrong, or by the tumour's size.
    package var group: String
    package var cases: Int
    package var deletionGain: MeanBootstrap?
    package var insertionGain: MeanBootstrap?
    package var randomWeightsCorrelation: MeanBootstrap?
    /// The share of tumours hit; what follows is of cases with a tumour.
    package var hits: MeanBootstrap?
    package var millimetres: MeanBootstrap?
    package var energyRatio: MeanBootstrap?
    /// The share hit less that of an opponent.
    package var hitsOverBrightest: MeanBootstrap?
    package var hitsOverCentre: MeanBootstrap?
    package var hitsOverRandomWeights: MeanBootstrap?

    /// Bounds in millilitres between small, middle and large tumours; a token of 25 mm holds about 16.
    package static let sizes = [8.0, 25.0]

    /// All groups of a method that have cases.
    package static func all(_ cases: [CaseFaithfulness], method: SaliencyMethod) -> [FaithfulnessSummary] {
        let own = cases.filter { $0.method == method }
        func of(_ name: String, _ isIn: (CaseFaithfulness) -> Bool) -> FaithfulnessSummary? {
            let chosen = own.filter(isIn)
            return chosen.isEmpty ? nil : FaithfulnessSummary(chosen, method: method, group: name)
        }
        let (small, large) = (sizes[0], sizes[1])
        func volume(_ one: CaseFaithfulness) -> Double { one.pointing?.millilitres ?? -1 }
        return [
            of("all") { _ in true }, of("right") { $0.isRight == true }, of("wrong") { $0.isRight == false },
            of("tumour below \(Int(small)) mL") { volume($0) >= 0 && volume($0) < small },
            of("tumour \(Int(small)) to \(Int(large)) mL") { volume($0) >= small && volume($0) < large },
            of("tumour from \(Int(large)) mL") { volume($0) >= large },
        ].compactMap { $0 }
    }

    private init(_ own: [CaseFaithfulness], method: SaliencyMethod, group: String) {
        self.method = method
        self.group = group
        cases = own.count
        func mean(_ value: (CaseFaithfulness) -> Double?) -> MeanBootstrap? {
            let known = own.compactMap { one in value(one).map { (value: $0, patient: one.patient) } }
            return MeanBootstrap(known.map(\.value), patients: known.map(\.patient))
        }
        func over(_ opponent: @escaping (CaseFaithfulness.Pointing) -> Bool) -> MeanBootstrap? {
            mean { $0.pointing.map { ($0.isHit ? 1 : 0) - (opponent($0) ? 1 : 0) } }
        }
        deletionGain = mean(\.deletionGain)
        insertionGain = mean(\.insertionGain)
        randomWeightsCorrelation = mean(\.randomWeightsCorrelation)
        hits = mean { $0.pointing.map { $0.isHit ? 1 : 0 } }
        millimetres = mean { $0.pointing?.distance }
        energyRatio = mean { $0.pointing?.energyRatio }
        hitsOverBrightest = over(\.brightestHits)
        hitsOverCentre = over(\.centreHits)
        hitsOverRandomWeights = over(\.randomWeightsHit)
    }
}
