import Federation
import Testing

@Suite("Study plans")
struct StudyPlanTests {
    static let minimal = """
        name: tumour
        task: tumour
        classes: [no, yes]
        initial: {preset: small, seed: 7}
        rounds: 10
        governance:
          purpose: Show that a federation learns.
          data_declared: synthetic

        """

    @Test("a plan of a few lines has sensible defaults")
    func defaults() throws {
        let plan = try StudyPlan.parse(Self.minimal)
        #expect(plan.name == "tumour" && plan.rounds == 10 && plan.kind == .training)
        #expect(plan.classes.map(\.name) == ["no", "yes"] && plan.positive == 1)
        #expect(plan.contrasts == ["T1w", "T1c", "T2w", "FLAIR"])
        #expect(plan.recipe.size == 48 && plan.initial == .preset(name: "small", seed: 7))
        #expect(plan.minimumSites == 2 && plan.quorum == nil && plan.deadline == nil && plan.belowQuorum == .wait)
        #expect(plan.normBound && plan.maxNorm == nil && plan.keepUpdates == 2 && plan.encoding == .f32)
        #expect(plan.evaluation.sensitivity == 0.9 && plan.evaluation.familiarity == nil)
        #expect(plan.gate == StudyPlan.Gate() && plan.weight(samples: 50_000) == 10_000)
        #expect(plan.training.length == .epochs(1))
    }

    @Test("every template is a plan, of its own task", arguments: PlanTemplate.allCases)
    func templates(template: PlanTemplate) throws {
        let plan = try StudyPlan.parse(template.text)
        #expect(plan.task == template.rawValue && plan.name == template.rawValue)
        #expect((plan.objective != nil) == (template == .pretraining))
        #expect(plan.classes.count == (template == .pretraining ? 0 : 2))
    }

    @Test("pretraining needs no classes, and refuses what is about them")
    func pretraining() throws {
        let text = Self.minimal.replacing("task: tumour\nclasses: [no, yes]\n", with: "task: pretraining\n")
        let plan = try StudyPlan.parse(text)
        #expect(plan.objective == .blocks16 && plan.classes.isEmpty && plan.gate == nil && plan.evaluation.sites)
        #expect(try StudyPlan.parse(text + "objective: blocks4\n").objective == .blocks4)
        let masked = try StudyPlan.parse(text + "objective: masked\n")
        #expect(masked.objective == .masked)
        // Each objective trains the encoder and its own decoder, none a head.
        for (plan, trained) in [
            (plan, ["blocks.0.norm1.weight", "norm.bias", "conv3d_transpose.weight"]),
            (masked, ["blocks.0.norm1.weight", "norm.bias", "mask_decoder.embed.bias"]),
        ] {
            let names = [
                "blocks.0.norm1.weight", "norm.bias", "conv3d_transpose.weight", "mask_decoder.embed.bias",
                "head.norm.bias",
            ]
            #expect(names.filter(FreezePatterns(plan).trains) == trained)
        }
        for (line, words) in [
            ("classes: [no, yes]", "`classes`"), ("positive: yes", "`positive`"), ("head: mean", "`head`"),
            ("gate: {margin: 0.1}", "`gate`"), ("evaluation: {coordinator: set}", "`evaluation`"),
            ("objective: blocks8", "`objective`"), ("leave_out: [Site 3]", "`leave_out`"),
            ("training: {class_weights: [1, 2]}", "`training.class_weights`"),
        ] {
            let error = #expect(throws: PlanError.self) { _ = try StudyPlan.parse(text + line + "\n") }
            #expect(error?.description.contains(words) == true, "\(line): \(error?.description ?? "")")
        }
        let error = #expect(throws: PlanError.self) { _ = try StudyPlan.parse(Self.minimal + "objective: blocks4\n") }
        #expect(error?.description.contains("pretraining") == true)
    }

    static let full = """
        name: tumour
        kind: training
        task: grade
        classes:
          - {name: low, definition: WHO grade 1 or 2, labels: histology}
          - {name: high, definition: WHO grade 3 or 4, labels: "histology, two readers"}
        positive: low
        contrasts: [FLAIR, T1c]
        recipe: {name: consilium, size: 64, orientation: RAS, margin: 3.5, percentiles: [1, 99]}
        initial: {weights: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
        lineage: "LaMIM, CC BY 4.0"
        head: lamim
        training:
          steps: 120
          batch: 4
          accumulate: 2
          optimizer: sgd
          momentum: 0.8
          rate: 1e-3
          warm_up: 10
          schedule: constant
          clip: none
          freeze: [encoder]
          drop_contrasts: 0
          class_weights: [1, 2.5]
          precision: bf16
          threads: 2
        rounds: 20
        minimum_sites: 3
        quorum: 3
        deadline: 6h
        below_quorum: extend
        weighting: samples
        sample_cap: 500
        evaluation: {sites: on, coordinator: public-set}
        gate: {metric: auc, margin: 0.05}
        encoding: bf16
        max_norm: 12.5
        norm_bound: off
        keep_updates: 5
        seed: 99
        governance:
          purpose: Grade gliomas.
          controllers: [University of A, University of B]
          approvals:
            hospital-a: 2026/17
            hospital-b: {reference: 2026/18}
            hospital-c: contract of May 2026
          retention: ten years
          expiry: 2028-02-29
          release_rights: the consortium's board
          data_declared: agreement
          open_mode_agreed: true

        """

    @Test("every key is read, and a plan survives JSON")
    func everything() throws {
        let plan = try StudyPlan.parse(Self.full)
        #expect(plan.positive == 0 && plan.contrasts == ["T1c", "FLAIR"] && plan.head == .lamim)
        #expect(plan.training.optimizer == .sgd(momentum: 0.8, decay: 0) && plan.training.clip == nil)
        #expect(plan.training.length == .steps(120) && plan.training.classWeights == [1, 2.5])
        #expect(plan.deadline == 21_600_000 && plan.belowQuorum == .extend && !plan.normBound)
        #expect(plan.evaluation.coordinator == "public-set" && plan.gate?.margin == 0.05)
        #expect(plan.governance.approvals["hospital-b"] == "2026/18")
        #expect(plan.governance.invites("hospital-a") && !plan.governance.invites("hospital-z"))
        #expect(plan.weight(samples: 700) == 500 && plan.maxNorm == 12.5)
        #expect(try MessageCoding.decode(StudyPlan.self, from: MessageCoding.encode(plan)) == plan)
        let day = Timestamp(milliseconds: 1_835_395_200_000)  // 2028-02-29T00:00:00Z
        #expect(plan.governance.hasExpired(at: day))
        #expect(!plan.governance.hasExpired(at: day.advanced(seconds: -1)))
    }

    @Test(
        "what is wrong is told with its line, and a wrong key with the one that was meant",
        arguments: [
            ("rounds: 10", "roudns: 10", "line 5: unknown key `roudns`; did you mean `rounds`?"),
            ("rounds: 10", "rounds: ten", "line 5: `rounds` is \"ten\": give a whole number"),
            ("rounds: 10", "rounds: 0", "line 5: `rounds` is \"0\""),
            ("rounds: 10", "rounds: 1\nrounds: 2", "`rounds` is given twice"),
            ("task: tumour\n", "", "`task` is missing"),
            ("data_declared", "data_declard", "line 8: unknown key `data_declard`; did you mean `data_declared`?"),
            (
                "rounds: 10", "rounds: 10\ntraining: {steps: 5, epochs: 1}",
                "line 6: `training.steps` and `epochs` exclude"
            ),
            ("rounds: 10", "rounds: 10\nminimum_sites: 4\nquorum: 3", "line 7: `quorum` is 3, below `minimum_sites`"),
            (
                "rounds: 10", "rounds: 10\nbelow_quorum: fail",
                "line 6: `below_quorum` is fail, which needs a `deadline`"
            ),
            ("rounds: 10", "rounds: 10\ndeadline: soon", "line 6: `deadline` is \"soon\": write a length of time"),
            (
                "rounds: 10", "rounds: 10\nevaluation: off\ngate: {margin: 0.1}",
                "line 7: `gate` has nothing to judge by"
            ),
            (
                "rounds: 10", "rounds: 10\nevaluation: {familiarity: 17}",
                "`evaluation.familiarity` is \"17\": give a whole number of 1 to 16"
            ),
            ("rounds: 10", "rounds: 10\nevaluation: {sites: off, familiarity: 2}", "asks for `familiarity`"),
            (
                "rounds: 10", "rounds: 10\nseed: 9007199254740992\nevaluation: {familiarity: 2}",
                "`seed` is too large"
            ),
            ("rounds: 10", "rounds: 10\nweighting: uniform\nsample_cap: 9", "line 7: `sample_cap` means nothing"),
            ("rounds: 10", "rounds: 10\ntraining: {class_weights: [1, 2, 3]}", "gives 3 numbers for 2 classes"),
            ("rounds: 10", "rounds: 10\ntraining: {momentum: 0.5}", "`training.momentum` means nothing"),
            (
                "rounds: 10", "rounds: 10\nkind: evaluation\ntraining: {steps: 5}",
                "`training` is given, but an evaluation"
            ),
            ("[no, yes]", "[no, no]", "line 3: `classes` must be 2 to 64 different values"),
            ("rounds: 10", "rounds: 10\npositive: maybe", "`positive` is \"maybe\": choose one of no, yes"),
            ("rounds: 10", "rounds: 10\ncontrasts: [T9]", "`contrasts` must be some of"),
            ("preset: small", "preset: huge", "`initial.preset` is \"huge\""),
            ("synthetic", "agreement", "`governance.open_mode_agreed` must be true"),
            ("synthetic", "agreement\n  open_mode_agreed: true", "`governance.controllers` is missing"),
            ("name: tumour", "name: Tumour One", "line 1: `name` must be"),
            ("rounds: 10", "rounds: [", "is not YAML"),
            ("rounds: 10", "rounds: &a 10", "line 5: a text that begins with & or *"),
            ("synthetic", "synthetic\n  expiry: 2027-02-29", "`governance.expiry` must be a day"),
        ])
    func refusals(_ part: String, _ replacement: String, _ message: String) throws {
        let text = Self.minimal.replacing(part, with: replacement, maxReplacements: 1)
        #expect { try StudyPlan.parse(text) } throws: { "\($0)".contains(message) }
    }

    @Test("a text made to exhaust the reader is refused before it is parsed")
    func hostile() {
        for text in [
            String(repeating: "[", count: 60_000), String(repeating: "- ", count: 600),
            String(repeating: "x", count: 70_000),
            "a: &a [x,x]\nb: &b [*a,*a]\n", String(repeating: "{a: ", count: 5_000), "", "- 1\n", "\u{0}",
        ] {
            #expect(throws: PlanError.self) { try StudyPlan.parse(text) }
        }
    }
}
