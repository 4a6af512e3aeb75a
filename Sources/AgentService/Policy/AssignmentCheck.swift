package import Federation

/// What an assignment must be before anything of it is done.
package enum AssignmentCheck {
    /// Why it is not taken up; nil when it may be.
    /// - Parameters:
    ///   - plan: the plan this site agreed to, and its digest; nil when it agreed to none.
    package static func objection(
        to assignment: Assignment, record: FederationRecord, plan: (plan: StudyPlan, digest: String)?,
        memory: SiteMemory
    ) -> String? {
        let round = assignment.round
        guard assignment.federation == record.federation else { return "it is of another federation" }
        guard assignment.site == record.site else { return "it is for another site" }
        guard Name.isValid(round.study), (0...1_000_000).contains(round.round),
            (1...1_000_000).contains(round.attempt), (0...(1 << 40)).contains(assignment.globalStep)
        else {
            return "its round is out of range"
        }
        let objects = [assignment.base] + (assignment.candidate.map { [$0] } ?? [])
        guard objects.allSatisfy({ Name.isDigest($0.digest) && (1...(1 << 40)).contains($0.bytes) }) else {
            return "its model is named wrongly"
        }
        guard (assignment.kind == .evaluate) == (assignment.candidate != nil) || assignment.kind == .evaluate else {
            return "it names a candidate, and is no evaluation"
        }
        let study = memory.studies[round.study]
        guard let plan, study?.agrees == true, study?.plan == plan.digest else {
            return "this site has not agreed to the study \(round.study)"
        }
        guard assignment.plan == plan.digest else { return "it is of another plan than the one agreed to" }
        guard plan.plan.kind.assignments.contains(assignment.kind) else { return "it is not of the plan's kind" }
        guard memory.accepts(round) else {
            return "it is of round \(round.round), attempt \(round.attempt), and this site is past that"
        }
        return nil
    }
}

extension StudyPlan.Kind {
    /// What a site that agreed to such a study may be asked for.
    fileprivate var assignments: Set<Assignment.Kind> {
        switch self {
        case .training: [.train, .evaluate]
        case .evaluation: [.evaluate]
        case .rehearsal: [.rehearse]
        }
    }
}
