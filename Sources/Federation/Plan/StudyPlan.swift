/// What a study is: the coordinator's word to every site, signed, and agreed to by each before it takes part.
///
/// It is written as YAML (see docs/plan.md for every key) and travels as that text; its name everywhere else is the
/// SHA-256 digest of the text.
package struct StudyPlan: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// Sites train, the coordinator folds.
        case training
        /// Sites evaluate the initial model, nothing is trained.
        case evaluation
        /// Sites send made updates of the real size; no data is touched.
        case rehearsal
    }

    /// What pretraining learns by; see the training module's goals.
    package enum Objective: String, Codable, Sendable, CaseIterable {
        /// Restores 86 cubes of 16³ taken out of two views.
        case blocks16
        /// The same with 6000 cubes of 4³.
        case blocks4
        /// Predicts three quarters of the tokens from the others.
        case masked
    }

    /// How the head reads the encoder.
    package enum Head: String, Codable, Sendable, CaseIterable { case mean, peak, lamim }

    /// What happens when the deadline finds fewer updates than `minimum_sites`.
    package enum BelowQuorum: String, Codable, Sendable, CaseIterable {
        /// The round stays open and folds as soon as there are enough.
        case wait
        /// The deadline begins anew, and sites that declined are asked again.
        case extend
        /// The attempt ends, its updates are dropped, and the round is opened again.
        case fail
    }

    /// A class of the task. Its place in ``StudyPlan/classes`` is its number.
    package struct ClassDefinition: Codable, Sendable, Equatable {
        /// The value in the manifest's label column.
        package var name: String
        /// What makes a case one of this class.
        package var definition: String
        /// How the labels were made: by whom, from what.
        package var labels: String

        package init(name: String, definition: String = "", labels: String = "") {
            self.name = name
            self.definition = definition
            self.labels = labels
        }
    }

    /// How scans are prepared; keys and meaning are those of the imaging module's recipe.
    package struct Recipe: Codable, Sendable, Equatable {
        /// `consilium`, `standardised`, `lamim-pretrain` or `lamim-finetune`.
        package var name = "consilium"
        /// Edge of the cube, voxels, 4…512.
        package var size = 96
        /// Letters such as `RAS`, or `stored`; nil for the recipe's own.
        package var orientation: String?
        /// `allow` or `refuse` scans with skull.
        package var unstripped = "refuse"
        /// `refuse` or `replace` NaN and infinite voxels.
        package var nonfinite = "refuse"
        /// Millimetres kept around the brain, 0…100.
        package var margin = 4.0
        /// Lower and upper percentile that become 0 and 1 (`consilium`).
        package var percentiles = [0.5, 99.5]

        package init() {}

        static let names = ["consilium", "standardised", "lamim-pretrain", "lamim-finetune"]

        /// Whether a scan that both take becomes the same input: they may differ in what they refuse.
        func givesTheSame(as other: Recipe) -> Bool {
            var own = self
            (own.unstripped, own.nonfinite) = (other.unstripped, other.nonfinite)
            return own == other
        }
    }

    /// Where training begins.
    package enum Initial: Codable, Sendable, Equatable {
        /// The presets of the encoder and the edges of their volumes in voxels.
        static let presets = [("small", 48), ("base", 96), ("lamim", 96), ("resnet", 96), ("resnet-small", 48)]

        /// Weights drawn by a seed for a preset of the encoder.
        case preset(name: String, seed: UInt64)
        /// A model file the coordinator holds, by its SHA-256 digest.
        case weights(digest: String)
    }

    /// How sample counts become weights.
    package enum Weighting: Codable, Sendable, Equatable {
        /// Training cases, at most `cap` of them.
        case samples(cap: Int)
        /// Every site counts the same.
        case uniform
    }

    package struct Evaluation: Codable, Sendable, Equatable {
        /// Whether sites evaluate base and candidate on their select cases.
        package var sites = true
        /// Name of an evaluation set the coordinator itself holds.
        package var coordinator: String?
        /// The share of positive select cases that a released model's threshold must find, above 0 and to 1.
        package var sensitivity = 0.9
        /// Dimensions in which sites sum up what their training cases are like, 1…16, the projection's seed being the
        /// plan's; nil for not at all.
        package var familiarity: Int?

        package init() {}
    }

    /// When a candidate is held back: the upper bound of the combined change lies below −margin.
    package struct Gate: Codable, Sendable, Equatable {
        package enum Metric: String, Codable, Sendable, CaseIterable { case auc }
        package var metric = Metric.auc
        /// Of the metric, 0…1.
        package var margin = 0.02

        package init() {}
    }

    package var name: String
    package var kind: Kind
    /// The manifest's label column, or ``pretraining``.
    package var task: String
    /// The task that needs no label.
    package static let pretraining = "pretraining"
    /// Only of pretraining.
    package var objective: Objective?
    /// None in pretraining.
    package var classes: [ClassDefinition]
    /// Index of the class whose probability is reported.
    package var positive: Int
    /// Of `T1w`, `T1c`, `T2w`, `FLAIR`, in this order.
    package var contrasts: [String]
    /// All that there are, in the order of channels.
    package static let everyContrast = ["T1w", "T1c", "T2w", "FLAIR"]
    package var recipe: Recipe
    package var initial: Initial
    /// Licence and origin of the initial weights, one sentence.
    package var lineage: String
    package var head: Head
    package var training: LocalTraining
    package var rounds: Int
    /// Fewest sites a fold may be made of.
    package var minimumSites: Int
    /// Updates at which a round folds without waiting for its deadline; nil for all the sites that were asked.
    package var quorum: Int?
    /// Milliseconds from the opening of a round, and again from the beginning of its evaluation; nil for none.
    package var deadline: Int64?
    package var belowQuorum: BelowQuorum
    package var weighting: Weighting
    package var evaluation: Evaluation
    /// Nil when candidates are committed whatever the evaluation says.
    package var gate: Gate?
    package var encoding: UpdateEncoding
    /// Longest delta that is received, L2; nil for no limit of its own.
    package var maxNorm: Double?
    /// Reject above 3 × the lower median norm, clip at 2 ×.
    package var normBound: Bool
    /// Rounds after its end for which a round's updates are kept, so that it can be folded again.
    package var keepUpdates: Int
    package var seed: UInt64
    /// Sites that take no part, nor have one in the weights the study begins with.
    package var leaveOut: [String]
    package var governance: Governance

    /// Whether a site is asked to take part.
    package func invites(_ site: String) -> Bool { governance.invites(site) && !leaveOut.contains(site) }

    /// Weight of a site's update in the fold, 1 or more.
    package func weight(samples: Int) -> Int {
        switch weighting {
        case .samples(let cap): max(1, min(samples, cap))
        case .uniform: 1
        }
    }
}
