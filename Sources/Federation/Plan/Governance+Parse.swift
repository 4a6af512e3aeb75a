extension Governance {
    init(_ plan: PlanSection) throws(PlanError) {
        guard let s = try plan.section("governance", known: PlanKeys.governance) else {
            throw PlanError("`governance` is missing: give at least `purpose` and `data_declared`")
        }
        self.init(purpose: try s.text("purpose", "what the study is for"), data: try s.choice("data_declared"))
        controllers = try s.texts("controllers") ?? []
        approvals = try s.dictionary("approvals", name: "hospital-a")
        retention = try s.text("retention") ?? ""
        expiry = try s.text("expiry")
        if let expiry, !Self.isDay(expiry) { throw s.error("expiry", "must be a day such as 2027-12-31") }
        releaseRights = try s.text("release_rights") ?? ""
        openModeAgreed = try s.flag("open_mode_agreed", default: false)
    }

    /// What patients' data need: synthetic and public data do not.
    func check(_ section: PlanSection?, classes: [StudyPlan.ClassDefinition]) throws(PlanError) {
        guard data == .agreement, let section else { return }
        guard openModeAgreed else {
            throw section.error(
                "open_mode_agreed",
                "must be true for data under agreement: single updates are visible to the coordinator, and sites agree to it"
            )
        }
        let needed: [(String, Bool)] = [
            ("controllers", controllers.isEmpty), ("approvals", approvals.isEmpty), ("retention", retention.isEmpty),
            ("expiry", expiry == nil), ("release_rights", releaseRights.isEmpty),
        ]
        if let missing = needed.first(where: \.1) {
            throw section.error(missing.0, "is missing: data under agreement need it")
        }
        if let vague = classes.first(where: { $0.definition.isEmpty || $0.labels.isEmpty }) {
            throw PlanError(
                "class \"\(vague.name)\" needs `definition` and `labels`: what makes a case one of it, and who said so")
        }
    }

    private static func isDay(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }) else {
            return false
        }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == 3, (1...12).contains(numbers[1]) else { return false }
        let leap = numbers[0] % 4 == 0 && (numbers[0] % 100 != 0 || numbers[0] % 400 == 0)
        let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[numbers[1] - 1]).contains(numbers[2])
    }
}
