package import Statistics

/// What is to be known of a released model, signed by the coordinator.
package struct ReleaseCard: Message {
    package static let domain = "consilium/1 release"

    package struct Site: Codable, Sendable, Equatable {
        package var name: String
        package var samples: Int
        package var rounds: Int

        package init(name: String, samples: Int, rounds: Int) {
            self.name = name
            self.samples = samples
            self.rounds = rounds
        }
    }

    /// A figure with its interval, such as `site-stratified AUC, select`.
    package struct Figure: Codable, Sendable, Equatable {
        package var name: String
        package var value: Double
        /// 95 %.
        package var interval: [Double]?
        package var note: String?

        package init(name: String, value: Double, interval: [Double]? = nil, note: String? = nil) {
            self.name = name
            self.value = value
            self.interval = interval
            self.note = note
        }
    }

    package enum Standing: String, Codable, Sendable { case candidate, promoted, held }

    package var federation: String
    package var name: String
    package var standing: Standing
    package var model: ObjectReference
    package var round: RoundReference
    package var task: String
    package var classes: [String]
    package var recipe: String
    package var plan: String
    /// The transcript's end when it was released.
    package var transcript: TranscriptHead
    package var sites: [Site]
    package var figures: [Figure]
    /// The model's one threshold, of two classes; nil where no site had enough cases to choose it on.
    package var point: OperatingPoint?
    /// What the training cases were like, as sums over the sites; nil where the plan did not ask.
    package var familiarity: Familiarity?
    /// Licence and origin of the initial weights.
    package var lineage: String
    /// Always says what was not checked: `cross-site patient overlap not checked`.
    package var limits: [String]
    /// The investigational line.
    package var notice: String
    package var created: Timestamp

    package init(
        federation: String, name: String, standing: Standing, model: ObjectReference, round: RoundReference,
        task: String, classes: [String], recipe: String, plan: String, transcript: TranscriptHead, sites: [Site],
        figures: [Figure], point: OperatingPoint? = nil, familiarity: Familiarity? = nil, lineage: String,
        limits: [String], notice: String,
        created: Timestamp
    ) {
        self.federation = federation
        self.name = name
        self.standing = standing
        self.model = model
        self.round = round
        self.task = task
        self.classes = classes
        self.recipe = recipe
        self.plan = plan
        self.transcript = transcript
        self.sites = sites
        self.figures = figures
        self.point = point
        self.familiarity = familiarity
        self.lineage = lineage
        self.limits = limits
        self.notice = notice
        self.created = created
    }
}
