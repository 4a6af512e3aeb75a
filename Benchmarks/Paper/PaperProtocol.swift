import Cryptography
import Foundation

/// What `make paper` is going to do, fixed before any arm runs: its SHA-256 stands in every plan, and so in the transcript.
struct PaperProtocol: Codable, Equatable {
    struct Cohort: Codable, Equatable {
        var cases: Int
        var sites: Int
        var seed: UInt64
        /// Voxels over 192 mm.
        var size: Int
        var generator: String
    }

    struct Task: Codable, Equatable {
        var name: String
        /// The second is positive.
        var classes: [String]
    }

    enum Arm: String, Codable, CaseIterable {
        case blocks16, blocks4, masked
        /// What `blocks16` left, frozen: only the head is trained.
        case probe
        /// The same encoder, its weights drawn.
        case scratch
        /// The residual network of convolutions.
        case cnn

        /// The objective its weights were pretrained by.
        var objective: Arm? {
            switch self {
            case .blocks16, .blocks4, .masked: self
            case .probe: .blocks16
            case .scratch, .cnn: nil
            }
        }
    }

    enum Setting: String, Codable, CaseIterable {
        /// Three sites.
        case federated
        /// One site that has all cases.
        case pooled
        /// Each of the sites by itself.
        case alone
    }

    var title = "Software validation on made heads. No evidence about patients, nor about methods on patients."
    /// Its seed is the first from 102 of which every site's tenth of the labels has the ten cases a study needs.
    var training = Cohort(cases: 1350, sites: 3, seed: 107, size: 48, generator: "first")
    /// Balanced afterwards: the first `testPerClass` of each class by name, labels without the generator's errors.
    var test = Cohort(cases: 4300, sites: 3, seed: 908, size: 48, generator: "second")
    var testPerClass = 700
    /// How scans are prepared, for every arm, and the edge of the prepared volumes.
    var recipe = "consilium"
    var size = 32
    var tasks = [
        Task(name: "detection", classes: ["normal", "tumour"]),
        Task(name: "discrimination", classes: ["meningioma", "glioma"]),
        Task(name: "idh", classes: ["wildtype", "mutant"]),
    ]
    var arms = Arm.allCases
    var settings = [Setting.federated, .pooled]
    /// Of the training cases with a label, federated.
    var fractions = [1.0, 0.3, 0.1]
    var seeds: [UInt64] = [2]
    /// Rounds of one epoch each, the same for every arm: equal samples are seen.
    var rounds = 4
    var pretrainingRounds = 4
    var pretrainingEpochs = 2
    /// Tried by every arm on the first task, federated, with all labels; the one with the best site-stratified area on the
    /// select cases is then used for all its other runs. At 1e-3, which an earlier protocol tried, the residual network
    /// learns nothing from 96 cases shown again and again.
    var rates = [1e-4, 3e-4]
    /// The same for the probe, which trains a linear layer only.
    var probeRates = [1e-3, 1e-2]
    /// One training of an arm tells little of how another would come out: arms are what is repeated.
    var primary = """
        For each task, the change of AUC within sites on the test cases, federated less pooled, mean over the arms. Its 95 % \
        interval is Student's, with one degree of freedom fewer than arms, and covers both how arms scatter and that all \
        were tested on the same cases. Each arm's own change, with an interval over test cases alone, stands beside it.
        """
    /// Of a task federated is non-inferior to pooled when the lower end of that interval is not below.
    var margin = -0.03

    /// `make paper FULL=1`: also each site by itself, and seeds enough to compare methods and not only fitted models.
    static var full: PaperProtocol {
        var planned = PaperProtocol()
        planned.settings = Setting.allCases
        planned.seeds = [2, 3, 4, 5, 6]
        return planned
    }

    var sites: [String] { (1...training.sites).map { "site-\($0)" } }

    func rates(_ arm: Arm) -> [Double] { arm == .probe ? probeRates : rates }

    /// The training whose select cases an arm's rate is chosen on.
    func trial(_ arm: Arm, rate: Double) -> PaperRunName {
        PaperRunName(
            task: tasks[0], arm: arm, setting: .federated, site: nil, fraction: 1, rate: rate, seed: seeds[0])
    }

    /// Each arm with pretrained weights against each without.
    var contrasts: [(Arm, Arm)] {
        arms.filter { $0.objective != nil }.flatMap { arm in [Arm.scratch, .cnn].map { (arm, $0) } }
    }

    /// Every training, each arm at its own rate: what the primary comparison needs comes first, parts of the labels last.
    func runs(_ rate: (Arm) -> Double) -> [PaperRunName] {
        var all: [PaperRunName] = []
        for seed in seeds {
            for fraction in [1] + fractions.filter({ $0 < 1 }) {
                for task in tasks {
                    for setting in fraction < 1 ? [.federated] : settings {
                        for site in setting == .alone ? sites.map(Optional.some) : [nil] {
                            all += arms.map {
                                PaperRunName(
                                    task: task, arm: $0, setting: setting, site: site, fraction: fraction,
                                    rate: rate($0), seed: seed)
                            }
                        }
                    }
                }
            }
        }
        return all
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    var digest: String { get throws { Array(try json.utf8).withUnsafeBytes { SHA256.hex(of: $0) } } }
}

/// One training: what it is called and what it is of.
struct PaperRunName: Codable, Equatable {
    var task: PaperProtocol.Task
    var arm: PaperProtocol.Arm
    var setting: PaperProtocol.Setting
    /// The one that trains alone.
    var site: String?
    var fraction: Double
    var rate: Double
    var seed: UInt64

    /// Also the study's name.
    var name: String {
        let rate = String(format: "%.0e", rate).replacingOccurrences(of: "e-0", with: "e")
        let place = site ?? setting.rawValue
        return "\(task.name)-\(arm.rawValue)-\(place)-\(Int(fraction * 100))-r\(rate)-s\(seed)"
    }
}
