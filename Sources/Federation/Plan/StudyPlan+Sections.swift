import Statistics

/// Every key a plan may have; docs/plan.md tells each.
enum PlanKeys {
    static let plan = [
        "name", "kind", "task", "objective", "classes", "positive", "contrasts", "recipe", "initial", "lineage", "head",
        "training",
        "rounds", "minimum_sites", "quorum", "deadline", "below_quorum", "weighting", "sample_cap", "evaluation",
        "gate", "encoding", "max_norm", "norm_bound", "keep_updates", "seed", "leave_out", "governance",
    ]
    static let classDefinition = ["name", "definition", "labels"]
    static let recipe = ["name", "size", "orientation", "unstripped", "nonfinite", "margin", "percentiles"]
    static let initial = ["preset", "seed", "weights"]
    static let training = [
        "steps", "epochs", "batch", "accumulate", "optimizer", "beta1", "beta2", "epsilon", "momentum", "decay",
        "rate", "warm_up", "schedule", "clip", "trainable", "freeze", "drop_contrasts", "augment", "class_weights",
        "precision",
        "threads",
    ]
    static let evaluation = ["sites", "coordinator", "sensitivity", "familiarity"]
    static let gate = ["metric", "margin"]
    static let governance = [
        "purpose", "controllers", "approvals", "retention", "expiry", "release_rights", "data_declared",
        "open_mode_agreed",
    ]
}

extension StudyPlan.Recipe {
    init(_ plan: PlanSection, _ initial: StudyPlan.Initial) throws(PlanError) {
        self.init()
        if case .preset(let name, _) = initial {
            size = StudyPlan.Initial.presets.first { $0.0 == name }?.1 ?? size
        }
        if let word = plan.word("recipe") {
            name = try Self.name(word, plan, "recipe")
            return
        }
        guard let s = try plan.section("recipe", known: PlanKeys.recipe) else { return }
        if let word = try s.text("name") { name = try Self.name(word, s, "name") }
        size = try s.integer("size", 4...512) ?? size
        orientation = try s.text("orientation")
        enum Permission: String, CaseIterable { case allow, refuse }
        enum Treatment: String, CaseIterable { case replace, refuse }
        unstripped = try s.choice("unstripped", default: Permission.refuse).rawValue
        nonfinite = try s.choice("nonfinite", default: Treatment.refuse).rawValue
        margin = try s.number("margin", "of 0 to 100 millimetres") { (0...100).contains($0) } ?? margin
        if let given = try s.numbers("percentiles", "of 0 to 100", { (0...100).contains($0) }) {
            guard given.count == 2, given[0] < given[1] else {
                throw s.error("percentiles", "must be two rising numbers within 0 to 100")
            }
            guard name == "consilium" else {
                throw s.error("percentiles", "belongs to the recipe consilium: leave it out")
            }
            percentiles = given
        }
    }

    private static func name(_ word: String, _ s: PlanSection, _ key: String) throws(PlanError) -> String {
        guard names.contains(word) else {
            throw s.error(key, "is \"\(word.prefix(80))\": choose one of \(names.joined(separator: ", "))")
        }
        return word
    }
}

extension LocalTraining {
    init(_ plan: PlanSection, classes: Int) throws(PlanError) {
        self.init()
        guard let s = try plan.section("training", known: PlanKeys.training) else { return }
        if s.has("steps"), s.has("epochs") {
            throw s.error("steps", "and `epochs` exclude each other: give one of them")
        }
        if let steps = try s.integer("steps", 1...10_000_000) { length = .steps(steps) }
        if let epochs = try s.integer("epochs", 1...100_000) { length = .epochs(epochs) }
        batch = try s.integer("batch", 1...1024) ?? batch
        accumulate = try s.integer("accumulate", 1...4096) ?? accumulate
        optimizer = try Optimizer(s)
        rate = try s.number("rate", "above 0, at most 10") { $0 > 0 && $0 <= 10 } ?? rate
        warmUp = try s.integer("warm_up", 0...10_000_000) ?? warmUp
        schedule = try s.choice("schedule", default: schedule)
        clip = s.isOff("clip") ? nil : try s.number("clip", "above 0, or none") { $0 > 0 } ?? clip
        trainable = try s.texts("trainable") ?? []
        freeze = try s.texts("freeze") ?? []
        if !trainable.isEmpty, !freeze.isEmpty {
            throw s.error("trainable", "and `freeze` exclude each other: give one of them")
        }
        dropContrasts = try s.number("drop_contrasts", "of 0 to below 1") { $0 >= 0 && $0 < 1 } ?? dropContrasts
        augment = try Self.augment(s)
        if !s.isOff("class_weights") { classWeights = try s.numbers("class_weights", "above 0") { $0 > 0 } }
        if let weights = classWeights, weights.count != classes {
            throw s.error("class_weights", "gives \(weights.count) numbers for \(classes) classes: give one for each")
        }
        if s.has("precision") { precision = try s.choice("precision") }
        threads = try s.integer("threads", 1...1024)
    }
}

extension LocalTraining {
    private static func augment(_ s: PlanSection) throws(PlanError) -> [Augmentation] {
        if s.isOff("augment") { return [] }
        let names = try s.texts("augment") ?? []
        if let odd = names.first(where: { Augmentation(rawValue: $0) == nil }) {
            throw s.error(
                "augment",
                "has \"\(odd.prefix(80))\": choose some of \(Augmentation.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return Augmentation.allCases.filter { names.contains($0.rawValue) }
    }
}

extension LocalTraining.Optimizer {
    fileprivate init(_ s: PlanSection) throws(PlanError) {
        enum Name: String, CaseIterable { case adam, adamw, sgd }
        let name: Name = try s.choice("optimizer", default: .adamw)
        let beta1 = try s.number("beta1", "of 0 to below 1") { $0 >= 0 && $0 < 1 }
        let beta2 = try s.number("beta2", "of 0 to below 1") { $0 >= 0 && $0 < 1 }
        let epsilon = try s.number("epsilon", "above 0") { $0 > 0 }
        let momentum = try s.number("momentum", "of 0 to below 1") { $0 >= 0 && $0 < 1 }
        let decay = try s.number("decay", "of 0 or more") { $0 >= 0 }
        let foreign = name == .sgd ? ["beta1", "beta2", "epsilon"] : ["momentum"]
        if let key = foreign.first(where: s.has) {
            throw s.error(key, "means nothing with `optimizer: \(name.rawValue)`: leave it out")
        }
        switch name {
        case .adam:
            self = .adam(beta1: beta1 ?? 0.9, beta2: beta2 ?? 0.999, epsilon: epsilon ?? 1e-8, decay: decay ?? 0)
        case .adamw:
            self = .adamW(beta1: beta1 ?? 0.9, beta2: beta2 ?? 0.999, epsilon: epsilon ?? 1e-8, decay: decay ?? 1e-5)
        case .sgd: self = .sgd(momentum: momentum ?? 0.9, decay: decay ?? 0)
        }
    }
}

extension StudyPlan.Evaluation {
    init(_ plan: PlanSection) throws(PlanError) {
        self.init()
        if plan.isOff("evaluation") {
            sites = false
            return
        }
        guard let s = try plan.section("evaluation", known: PlanKeys.evaluation) else { return }
        sites = try s.flag("sites", default: true)
        coordinator = s.isOff("coordinator") ? nil : try s.text("coordinator")
        if let coordinator, !Name.isValid(coordinator) {
            throw s.error("coordinator", "must name an evaluation set by a-z, 0-9 and the hyphen, or be off")
        }
        sensitivity = try s.number("sensitivity", "above 0 and at most 1") { $0 > 0 && $0 <= 1 } ?? sensitivity
        familiarity =
            s.isOff("familiarity") ? nil : try s.integer("familiarity", 1...Familiarity.mostDimensions)
    }
}

extension StudyPlan.Gate {
    static func read(_ plan: PlanSection, isEvaluated: Bool) throws(PlanError) -> Self? {
        if plan.isOff("gate") { return nil }
        guard let s = try plan.section("gate", known: PlanKeys.gate) else { return isEvaluated ? Self() : nil }
        guard isEvaluated else {
            throw plan.error("gate", "has nothing to judge by: nobody is asked, or there are no classes")
        }
        var gate = Self()
        gate.metric = try s.choice("metric", default: .auc)
        gate.margin = try s.number("margin", "of 0 to 1") { (0...1).contains($0) } ?? gate.margin
        return gate
    }
}
