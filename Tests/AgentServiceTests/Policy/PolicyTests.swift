import AgentService
import Federation
import Foundation
import Testing

@Suite("A site's policy")
struct PolicyTests {
    private static let agreed = """
        name: tumour
        task: tumour
        classes: [no, yes]
        initial: {preset: small, seed: 7}
        rounds: 10
        max_norm: 12
        minimum_sites: 2
        governance:
          purpose: Grade tumours.
          controllers: [University of A]
          approvals: {hospital-a: 2026/17, hospital-b: 2026/18}
          retention: ten years
          expiry: 2027-12-31
          release_rights: the board
          data_declared: synthetic
          open_mode_agreed: true

        """
    private let now = Timestamp(Date(timeIntervalSince1970: 1_790_000_000))

    private func objection(
        _ change: (inout StudyPlan) -> Void = { _ in }, settings: String = "data: /d.csv\norigin: synthetic",
        site: String = "hospital-a"
    ) throws -> String? {
        var plan = try StudyPlan.parse(Self.agreed)
        plan.governance.data = .agreement
        change(&plan)
        return Policy(configuration: try AgentConfiguration.parse(settings), site: site).objection(to: plan, at: now)
    }

    @Test("a plan whose governance is complete passes")
    func passes() throws { #expect(try objection() == nil) }

    @Test("each missing or expired part of the governance is a reason of its own")
    func governance() throws {
        #expect(try objection { $0.governance.purpose = " " }?.contains("purpose") == true)
        #expect(try objection { $0.governance.purpose = "..." }?.contains("purpose") == true)
        #expect(try objection { $0.leaveOut = ["hospital-a"] }?.contains("out") == true)
        #expect(try objection { $0.governance.controllers = [] }?.contains("controller") == true)
        #expect(try objection { $0.governance.approvals = [:] }?.contains("approval") == true)
        #expect(try objection(site: "hospital-z")?.contains("approval") == true)
        #expect(try objection { $0.governance.retention = "" }?.contains("kept") == true)
        #expect(try objection { $0.governance.expiry = nil }?.contains("expiry") == true)
        #expect(try objection { $0.governance.expiry = "2020-01-01" }?.contains("expired") == true)
        #expect(try objection { $0.governance.releaseRights = "" }?.contains("release") == true)
        #expect(try objection { $0.governance.openModeAgreed = false }?.contains("open_mode_agreed") == true)
        #expect(
            try objection {
                $0.governance.data = .synthetic; $0.governance.openModeAgreed = false
            } == nil)
    }

    @Test("a plan cannot declare the site's own data synthetic: the stricter word counts")
    func origin() throws {
        func open(_ settings: String) throws -> Bool {
            try objection(
                {
                    $0.governance.data = .synthetic
                    $0.governance.openModeAgreed = false
                }, settings: settings) == nil
        }
        #expect(try !open("data: /d.csv"))
        #expect(try open("data: /d.csv\norigin: public"))
        #expect(try !open("data: /d.csv\norigin: public\nstudies: {tumour: {origin: agreement}}"))
        #expect(try open("data: /d.csv\nstudies: {tumour: {origin: synthetic}}"))
    }

    @Test("no plan can lower the site's floors")
    func floors() throws {
        #expect(try objection(settings: "data: /d\nfloors: {minimum_sites: 3}")?.contains("3") == true)
        #expect(try objection(settings: "data: /d\nfloors: {max_norm: 10}")?.contains("max_norm") == true)
        #expect(
            try objection({ $0.maxNorm = nil }, settings: "data: /d\nfloors: {max_norm: 20}")?.contains("max_norm")
                == true)
        #expect(try objection(settings: "data: /d\nfloors: {max_rounds: 9}")?.contains("rounds") == true)
        #expect(try objection(settings: "data: /d\nfloors: {kinds: [rehearsal]}")?.contains("kind") == true)
        #expect(try objection(settings: "data: /d\nstudies: {other: {}}")?.contains("does not list") == true)
        #expect(try objection(settings: "")?.contains("no data") == true)
        #expect(try objection({ $0.kind = .rehearsal }, settings: "") == nil, "a rehearsal touches no data")
    }

    @Test("the memory refuses what lies behind it, and notices another history once")
    func memory() {
        var memory = SiteMemory()
        memory.took(.init(study: "s", round: 3, attempt: 2))
        #expect(
            !memory.accepts(.init(study: "s", round: 3, attempt: 1))
                && !memory.accepts(.init(study: "s", round: 2, attempt: 9)))
        #expect(
            memory.accepts(.init(study: "s", round: 3, attempt: 2))
                && memory.accepts(.init(study: "t", round: 1, attempt: 1)))
        #expect(memory.saw(.init(sequence: 5, hash: "a"), knowsOld: true) == nil)
        #expect(memory.saw(.init(sequence: 6, hash: "b"), knowsOld: true) == nil)
        #expect(memory.saw(.init(sequence: 6, hash: "c"), knowsOld: true)?.contains("history") == true)
        #expect(memory.saw(.init(sequence: 5, hash: "a"), knowsOld: true) == nil && memory.head?.sequence == 6)
        memory.acceptHistory()
        #expect(memory.accepts(.init(study: "s", round: 1, attempt: 1)) && memory.olderHistory == nil)
    }
}
