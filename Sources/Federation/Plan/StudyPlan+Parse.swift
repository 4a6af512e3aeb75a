import Cryptography
import Yams

extension StudyPlan {
    /// Reads a plan.
    ///
    /// - Parameter yaml: at most 64 KiB, without anchors and aliases.
    /// - Throws: what is wrong first, with its line and, for a key that is not known, the nearest that is.
    package static func parse(_ yaml: String) throws(PlanError) -> StudyPlan {
        let plan = try StudyPlan(PlanSection(PlanText.compose(yaml), known: PlanKeys.plan))
        return plan
    }

    /// The digest by which a plan is called.
    package static func digest(of text: String) -> String { Array(text.utf8).withUnsafeBytes { SHA256.hex(of: $0) } }

    private init(_ s: PlanSection) throws(PlanError) {
        name = try s.text("name", "the study's name")
        guard Name.isValid(name) else { throw s.error("name", "must be 1 to 63 of a-z, 0-9 and the hyphen") }
        kind = try s.choice("kind", default: .training)
        task = try s.text("task", "the label column, or pretraining")
        objective = try Self.objective(s, task)
        classes = objective == nil ? try Self.classes(s) : []
        positive = objective == nil ? try Self.positive(s, classes) : 0
        contrasts = try Self.contrasts(s)
        initial = try Self.initial(s)
        recipe = try Recipe(s, initial)
        lineage = try s.text("lineage") ?? Self.lineage(of: initial)
        head = try s.choice("head", default: .mean)
        training = try LocalTraining(s, classes: classes.count)
        rounds = try s.integer("rounds", 1...100_000) ?? 1
        minimumSites = try s.integer("minimum_sites", 1...1000) ?? 2
        quorum = try s.integer("quorum", 1...1000)
        deadline = try s.duration("deadline")
        belowQuorum = try s.choice("below_quorum", default: .wait)
        weighting = try Self.weighting(s)
        evaluation = try Evaluation(s)
        gate = try Gate.read(
            s, isEvaluated: objective == nil && (evaluation.sites || evaluation.coordinator != nil))
        encoding = try s.choice("encoding", default: .f32)
        maxNorm = s.isOff("max_norm") ? nil : try s.number("max_norm", "above 0") { $0 > 0 }
        normBound = try s.flag("norm_bound", default: true)
        keepUpdates = try s.integer("keep_updates", 0...100_000) ?? 2
        seed = try s.seed("seed") ?? 1
        leaveOut = try s.texts("leave_out") ?? []
        governance = try Governance(s)
        try check(s)
        try governance.check(s.section("governance", known: PlanKeys.governance), classes: classes)
    }

    /// What the keys say against each other.
    private func check(_ s: PlanSection) throws(PlanError) {
        if kind == .training, !s.has("rounds") { throw s.error("rounds", "is missing: give the number of rounds") }
        if let quorum, quorum < minimumSites {
            throw s.error("quorum", "is \(quorum), below `minimum_sites`, which is \(minimumSites): raise it")
        }
        if belowQuorum != .wait, deadline == nil {
            throw s.error("below_quorum", "is \(belowQuorum.rawValue), which needs a `deadline`: give one, or `wait`")
        }
        if objective != nil, evaluation.coordinator != nil {
            throw s.error(
                "evaluation", "names a set of the coordinator's, but pretraining has no classes: leave it to the sites")
        }
        if evaluation.familiarity != nil {
            guard kind == .training, objective == nil, evaluation.sites else {
                throw s.error(
                    "evaluation",
                    "asks for `familiarity`, which sites sum up to candidates of a task with classes: leave it out")
            }
            guard seed < 1 << 53 else {
                throw s.error("seed", "is too large for `evaluation.familiarity`: give one below 2^53")
            }
        }
        if kind == .evaluation {
            if s.has("training") {
                throw s.error("training", "is given, but an evaluation trains nothing: leave it out")
            }
            guard evaluation.sites || evaluation.coordinator != nil else {
                throw s.error("evaluation", "asks nobody, but the study is an evaluation: set `sites: on`")
            }
        }
        guard leaveOut.allSatisfy({ Name.isValid($0) }) else {
            throw s.error("leave_out", "must be names of sites, such as [site-3]")
        }
        if !governance.approvals.isEmpty, governance.approvals.count < minimumSites {
            throw s.error(
                "minimum_sites", "is \(minimumSites), but `governance.approvals` names \(governance.approvals.count)")
        }
    }

    /// What pretraining learns by; it needs nothing that is about classes.
    private static func objective(_ s: PlanSection, _ task: String) throws(PlanError) -> Objective? {
        guard task == pretraining else {
            if s.has("objective") { throw s.error("objective", "is for `task: pretraining`: leave it out") }
            return nil
        }
        for key in ["classes", "positive", "head"] where s.has(key) {
            throw s.error(key, "means nothing with `task: pretraining`: leave it out")
        }
        return try s.choice("objective", default: .blocks16)
    }

    private static func classes(_ s: PlanSection) throws(PlanError) -> [ClassDefinition] {
        var classes: [ClassDefinition] = []
        for node in try s.list("classes", "the label's values, such as [benign, malignant]") {
            if let name = node.scalar?.string, !name.isEmpty {
                classes.append(ClassDefinition(name: name))
                continue
            }
            let part = try PlanSection(node, path: "classes.", known: PlanKeys.classDefinition)
            classes.append(
                ClassDefinition(
                    name: try part.text("name", "the value in the label column"),
                    definition: try part.text("definition") ?? "", labels: try part.text("labels") ?? ""))
        }
        guard (2...64).contains(classes.count), Set(classes.map(\.name)).count == classes.count else {
            throw s.error("classes", "must be 2 to 64 different values of the label column")
        }
        return classes
    }

    private static func positive(_ s: PlanSection, _ classes: [ClassDefinition]) throws(PlanError) -> Int {
        guard let name = try s.text("positive") else { return classes.count - 1 }
        guard let index = classes.firstIndex(where: { $0.name == name }) else {
            throw s.error(
                "positive", "is \"\(name.prefix(80))\": choose one of \(classes.map(\.name).joined(separator: ", "))")
        }
        return index
    }

    private static func contrasts(_ s: PlanSection) throws(PlanError) -> [String] {
        let all = Self.everyContrast
        guard let given = try s.texts("contrasts") else { return all }
        guard !given.isEmpty, Set(given).count == given.count, given.allSatisfy(all.contains) else {
            throw s.error("contrasts", "must be some of \(all.joined(separator: ", ")), each once")
        }
        return all.filter(given.contains)
    }

    private static func initial(_ s: PlanSection) throws(PlanError) -> Initial {
        guard let part = try s.section("initial", known: PlanKeys.initial) else {
            throw PlanError("`initial` is missing: give {preset: small, seed: 1} or {weights: DIGEST}")
        }
        if let digest = try part.text("weights") {
            guard !part.has("preset"), !part.has("seed") else {
                throw part.error("weights", "excludes `preset` and `seed`: give one or the other")
            }
            guard Name.isDigest(digest) else {
                throw part.error("weights", "must be a model's SHA-256: 64 lower-case hexadecimal digits")
            }
            return .weights(digest: digest)
        }
        let presets = Initial.presets.map(\.0)
        let known = presets.joined(separator: ", ")
        let preset = try part.text("preset", "one of \(known), or `weights`")
        guard presets.contains(preset) else {
            throw part.error("preset", "is \"\(preset.prefix(80))\": choose one of \(known)")
        }
        return .preset(name: preset, seed: try part.seed("seed") ?? 1)
    }

    private static func lineage(of initial: Initial) -> String {
        switch initial {
        case .preset(let name, let seed): "drawn at random: preset \(name), seed \(seed)"
        case .weights(let digest): "not declared; SHA-256 \(digest)"
        }
    }

    private static func weighting(_ s: PlanSection) throws(PlanError) -> Weighting {
        enum Rule: String, CaseIterable { case samples, uniform }
        let rule: Rule = try s.choice("weighting", default: .samples)
        let cap = try s.integer("sample_cap", 1...10_000_000)
        guard rule == .samples else {
            if s.has("sample_cap") {
                throw s.error("sample_cap", "means nothing with `weighting: uniform`: leave it out")
            }
            return .uniform
        }
        return .samples(cap: cap ?? 10_000)
    }
}
