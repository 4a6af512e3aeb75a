import Imaging

/// Who is in a synthetic cohort: patients, visits, truths and labels, before any image is made.
struct CohortPlan: Sendable {
    /// One visit of one patient.
    struct Visit: Sendable {
        /// Random-looking, and the same for the same seed.
        var id: String
        var patient: Patient
        /// 0 or 1.
        var timepoint: Int
        var present: [Bool]
    }

    /// One person.
    struct Patient: Sendable {
        var id: String
        /// Position among all patients, by which their random numbers are found.
        var index: Int
        var site: Int
        var truth: Pathology
        /// What the manifest says: now and then not the truth.
        var label: Pathology
        var labelMethod: String
        var age: Int
        var sex: String
        /// 0 (young) to 1 (old).
        var atrophy: Double
        var split: String
    }

    /// Part of the patients whose label is not their truth.
    static let labelNoise = 0.05
    /// Part of the visits that are a patient's second.
    static let secondVisits = 0.1

    let sites: [SiteProtocol]
    /// Ordered by id, which says nothing of class or site.
    let visits: [Visit]
    private let random: RandomStream

    /// - Parameters:
    ///   - cases: visits in all, at least as many as sites.
    ///   - spacing: the finest voxel in millimetres.
    init(cases: Int, sites count: Int, seed: UInt64, spacing: Double) {
        let random = RandomStream(seed: seed)
        self.random = random
        var draw = random.fork("cohort")
        let offset = draw.below(SiteProtocol.Style.allCases.count * 2)
        sites = (0..<count).map { SiteProtocol(index: $0, offset: offset, spacing: spacing, random: random) }
        var names = Names(random.fork("names"))
        var visits: [Visit] = []
        var patients = 0
        let sizes = Self.quotas(cases, (0..<count).map { _ in draw.uniform(0.75, 1.25) }, atLeast: 1)
        for (site, size) in sizes.enumerated() {
            let seconds = Int(Double(size) * Self.secondVisits + 0.5)
            let members = Self.patients(
                size - seconds, site: site, shares: sites[site].shares, first: patients, names: &names, random: random)
            patients += members.count
            var order = random.fork("second visits", site)
            let returning = Set(order.shuffled(members.map(\.index)).prefix(seconds))
            for patient in members {
                for timepoint in 0...(returning.contains(patient.index) ? 1 : 0) {
                    var chance = random.fork("missing", patient.index * 2 + timepoint)
                    visits.append(
                        Visit(
                            id: names.next("c"), patient: patient, timepoint: timepoint,
                            present: Self.present(sites[site], &chance)))
                }
            }
        }
        self.visits = visits.sorted { $0.id < $1.id }
    }

    /// The random numbers of a patient's body, the same at every visit.
    func body(of visit: Visit) -> RandomStream { random.fork("patient", visit.patient.index) }

    /// The random numbers of one visit: how the head lies, gain, noise.
    func scan(of visit: Visit) -> RandomStream {
        random.fork("visit", visit.patient.index * 2 + visit.timepoint)
    }

    private static func patients(
        _ count: Int, site: Int, shares: [Double], first: Int, names: inout Names, random: RandomStream
    ) -> [Patient] {
        var draw = random.fork("patients", site)
        // Drawn one by one, not dealt in exact proportions: those would leave the classes of every site more even than
        // chance, and a model that knows the site would be led to the wrong answer on patients left out.
        let order = Dictionary(uniqueKeysWithValues: zip(Pathology.allCases, 0...))
        let truths = (0..<count).map { _ in pathology(shares, &draw) }
            .sorted { (order[$0] ?? 0) < (order[$1] ?? 0) }
        let start = draw.below(1000)
        return truths.enumerated().map { place, truth in
            // The multiples of the golden ratio spread every class over the splits.
            let golden = Double(place + start) * 0.6180339887498949
            let share = golden - golden.rounded(.down)
            let label = labelled(truth, &draw)
            let age = age(truth, &draw)
            return Patient(
                id: names.next("p"), index: first + place, site: site, truth: truth, label: label,
                labelMethod: labelMethod(label, &draw), age: Int(age), sex: sex(truth, &draw),
                atrophy: min(max((age - 25) / 62 + 0.13 * draw.normal(), 0), 1),
                split: share < 0.7 ? "train" : share < 0.85 ? "select" : "test")
        }
    }

    private static func pathology(_ shares: [Double], _ draw: inout RandomStream) -> Pathology {
        var left = draw.uniform() * shares.reduce(0, +)
        for (pathology, share) in zip(Pathology.allCases, shares) {
            if left < share { return pathology }
            left -= share
        }
        return .normal
    }

    private static func age(_ truth: Pathology, _ draw: inout RandomStream) -> Double {
        let mean =
            switch truth {
            case .normal: 54.0
            case .meningioma, .wildtype: 57.0
            case .mutant: 50.0
            }
        return draw.normal(mean: mean, deviation: 13, in: 20...88)
    }

    private static func sex(_ truth: Pathology, _ draw: inout RandomStream) -> String {
        let female = truth == .meningioma ? 0.62 : 0.5
        return draw.chance(female) ? "F" : "M"
    }

    /// Errors go to the likely neighbour: the two gliomas for each other, small tumours for none.
    private static func labelled(_ truth: Pathology, _ draw: inout RandomStream) -> Pathology {
        let isWrong = draw.chance(labelNoise)
        let u = draw.uniform()
        guard isWrong else { return truth }
        switch truth {
        case .normal: return u < 0.4 ? .meningioma : u < 0.7 ? .wildtype : .mutant
        case .meningioma: return u < 0.4 ? .normal : u < 0.7 ? .wildtype : .mutant
        case .wildtype: return u < 0.2 ? .normal : u < 0.4 ? .meningioma : .mutant
        case .mutant: return u < 0.2 ? .normal : u < 0.4 ? .meningioma : .wildtype
        }
    }

    private static func labelMethod(_ label: Pathology, _ draw: inout RandomStream) -> String {
        let histology = draw.chance(0.8)
        return label != .normal && histology ? "histology" : "radiology"
    }

    /// Which contrasts a visit has: at least two.
    private static func present(_ site: SiteProtocol, _ draw: inout RandomStream) -> [Bool] {
        var present = site.acquisitions.map { !draw.chance($0.missing) }
        for channel in present.indices where present.count(where: { $0 }) < 2 { present[channel] = true }
        return present
    }

    /// Whole numbers in the given proportions that add up to a total (largest remainders).
    static func quotas(_ total: Int, _ shares: [Double], atLeast least: Int) -> [Int] {
        let sum = shares.reduce(0, +)
        let free = total - least * shares.count
        let exact = shares.map { Double(free) * $0 / sum }
        var counts = exact.map { Int($0) }
        let order = exact.indices.sorted { (exact[$0] - Double(counts[$0]), $1) > (exact[$1] - Double(counts[$1]), $0) }
        for place in order.prefix(free - counts.reduce(0, +)) { counts[place] += 1 }
        return counts.map { $0 + least }
    }

    /// Names of eight random characters, never the same twice.
    private struct Names {
        private var draw: RandomStream
        private var used: Set<String> = []

        init(_ draw: RandomStream) { self.draw = draw }

        mutating func next(_ prefix: String) -> String {
            let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
            while true {
                let bits = draw.next()
                let name = prefix + String((0..<8).map { letters[Int(bits >> (5 * UInt64($0)) & 31)] })
                if used.insert(name).inserted { return name }
            }
        }
    }
}
