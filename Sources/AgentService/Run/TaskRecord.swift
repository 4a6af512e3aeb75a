package import Federation
import Files
import Foundation
import Glibc

/// One assignment at this site. All that is known of it is files in a folder of its own, which the worker can neither read
/// nor write, and how far it is follows from which of them are there: a restart at any point goes on where it was.
package struct TaskRecord: Sendable, Hashable {
    /// The coordinator's word, as it was signed.
    package struct Order: Codable, Sendable, Equatable {
        package var assignment: Signed<Assignment>
        /// ``SiteMemory/epoch`` at the time.
        package var epoch: Int
    }

    /// What would leave, ready to be sent.
    package struct Outgoing: Codable, Sendable, Equatable {
        package var header: Signed<UpdateHeader>?
        package var report: Signed<EvaluationReport>?
        package var bytes: Int
        package var norms: [SiteStatus.LayerNorm]

        package var text: String { header?.text ?? report?.text ?? "" }
    }

    /// The word on it, of the admin or of the policy.
    package struct Decision: Codable, Sendable, Equatable {
        package var approved: Bool
        package var reason: String?
    }

    /// How it ended.
    package struct Outcome: Codable, Sendable, Equatable {
        package enum Kind: String, Codable, Sendable {
            /// The coordinator has it.
            case sent
            /// This site said no.
            case refused
            /// The coordinator did not want it any more, or did not take it.
            case closed
        }

        package var kind: Kind
        package var receipt: Signed<Receipt>?
        /// One sentence.
        package var reason: String?
        package var at: Timestamp

        package init(_ kind: Kind, receipt: Signed<Receipt>? = nil, reason: String? = nil, at: Timestamp) {
            self.kind = kind
            self.receipt = receipt
            self.reason = reason
            self.at = at
        }
    }

    /// What is shared with the worker.
    package let folder: TaskFolder
    /// The agent's own folder.
    private let own: String
    package var id: String { folder.id }
    /// The update once the agent has taken it from the worker.
    package var update: String { own + "/update.safetensors" }

    package init(state: StateFolder, round: RoundReference, kind: Assignment.Kind) {
        self.init(TaskFolder(state: state.path, round: round, kind: kind), state)
    }

    private init(_ folder: TaskFolder, _ state: StateFolder) {
        self.folder = folder
        own = state.work + "/" + folder.id
    }

    /// All there are, by name.
    package static func all(in state: StateFolder) -> [TaskRecord] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: state.work)) ?? []
        return names.sorted().map { TaskRecord(TaskFolder(path: state.task($0)), state) }.filter {
            $0.has("order.json")
        }
    }

    /// The record of an id, if there is one.
    package static func find(_ id: String, in state: StateFolder) -> TaskRecord? {
        all(in: state).first { $0.id == id }
    }

    package var order: Order? { get throws { try read(Order.self, "order.json") } }
    package var outgoing: Outgoing? { get throws { try read(Outgoing.self, "outgoing.json") } }
    package var decision: Decision? { get throws { try read(Decision.self, "decision.json") } }
    package var refusal: Signed<Federation.Refusal>? {
        get throws { try read(Signed<Federation.Refusal>.self, "refusal.json") }
    }
    package var outcome: Outcome? { get throws { try read(Outcome.self, "outcome.json") } }
    package var verdict: Verdict? { get throws { try read(Verdict.self, "verdict.json") } }
    /// Whether the egress log has its line.
    package var isLogged: Bool { has("logged") }

    /// What waits for the admin's word; nil where nothing does, or where its files are damaged.
    var waiting: Outgoing? {
        guard let outgoing = try? self.outgoing, (try? outcome) == .some(nil), (try? decision) == .some(nil) else {
            return nil
        }
        return outgoing
    }

    /// What it asks; read from what was verified when it was taken up.
    package var assignment: Assignment? {
        get throws {
            try order.map { try MessageCoding.decode(Assignment.self, from: $0.assignment.text) }
        }
    }

    package func begin(_ order: Order) throws {
        try FileManager.default.createDirectory(
            atPath: own, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try write(order, "order.json")
    }

    package func prepare(_ outgoing: Outgoing) throws { try write(outgoing, "outgoing.json") }
    package func decide(_ decision: Decision) throws { try write(decision, "decision.json") }
    package func refuse(_ refusal: Signed<Federation.Refusal>) throws { try write(refusal, "refusal.json") }
    package func end(_ outcome: Outcome) throws {
        try write(outcome, "outcome.json")
        folder.withdraw()
    }

    /// Takes the worker's update into the agent's own folder, so that what is checked is what is sent.
    func takeUpdate() throws {
        guard access(folder.update, F_OK) == 0 else { return }
        try SettledFile.take(folder.update, to: update)
        DurableFile.synchronise(folder: own)
    }

    /// Whether the update is still there to be sent.
    var hasUpdate: Bool { has("update.safetensors") }
    package func note(_ verdict: Verdict) throws { try write(verdict, "verdict.json") }
    package func noteLogged() throws { try write(true, "logged") }

    /// Takes back all that came of it, so that it is done afresh.
    package func restart() throws {
        // What says that it ended goes first: half taken back it is still unfinished.
        for name in ["outcome.json", "refusal.json", "decision.json", "outgoing.json", "logged"] {
            try remove(name)
        }
        folder.withdraw()
        try? remove("update.safetensors")
    }

    /// Takes back only that it ended.
    package func reopen() throws { try remove("outcome.json") }

    /// Deletes the update, of which only what was said remains.
    package func dropUpdate() {
        try? remove("update.safetensors")
        folder.withdraw()
    }

    package func remove() {
        folder.remove()
        try? FileManager.default.removeItem(atPath: own)
    }

    private func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(own)/\(name)") }

    private func remove(_ name: String) throws {
        if has(name) { try FileManager.default.removeItem(atPath: "\(own)/\(name)") }
    }

    private func read<T: Decodable>(_ type: T.Type, _ name: String) throws -> T? {
        try JSONFile.read(type, from: "\(own)/\(name)")
    }

    private func write(_ value: some Encodable, _ name: String) throws {
        try JSONFile.write(value, to: "\(own)/\(name)")
    }
}
