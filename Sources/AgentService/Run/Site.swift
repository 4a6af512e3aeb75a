package import Federation
import Foundation
import Synchronization

/// A site's memory and files, and the admin's words on them: the same whether the agent runs or a command holds the
/// folder by itself.
package final class Site: Sendable {
    package let folder: StateFolder
    private let state: Mutex<SiteMemory>

    /// - Throws: if the memory's file is damaged.
    package init(_ folder: StateFolder) throws {
        self.folder = folder
        state = Mutex(try JSONFile.read(SiteMemory.self, from: folder.memory) ?? SiteMemory())
    }

    package var memory: SiteMemory { state.withLock { $0 } }

    /// Changes the memory; it is durable when this returns.
    @discardableResult
    package func remember<T: Sendable>(_ change: (inout SiteMemory) throws -> T) throws -> T {
        try state.withLock { memory in
            var changed = memory
            let result = try change(&changed)
            if changed != memory {
                try JSONFile.write(changed, to: folder.memory)
                memory = changed
            }
            return result
        }
    }

    /// The newest answer of the coordinator.
    package var lastAnswer: PollAnswer? {
        (try? JSONFile.read(PollAnswer.self, from: folder.answer, limit: 1 << 26)) ?? nil
    }

    package func keep(_ answer: PollAnswer) throws { try JSONFile.write(answer, to: folder.answer) }

    /// The admin's yes.
    /// - Returns: one sentence on what follows.
    package func approve(_ id: String) throws -> String {
        if id == "history" {
            return try remember { memory in
                guard memory.olderHistory != nil else { throw Self.nothing(id) }
                memory.acceptHistory()
                return "The coordinator's history is accepted as it is now."
            }
        }
        if let name = Self.name(id, ending: "consent") {
            return try remember { memory in
                guard var study = memory.studies[name], let plan = study.waiting else { throw Self.nothing(id) }
                guard id == Self.consent(name, plan: plan) else { throw Self.changed(id) }
                study.answer(plan: plan, agrees: true, reason: nil)
                memory.studies[name] = study
                return "This site takes part in \(name)."
            }
        }
        if let name = Self.name(id, ending: "release") {
            guard let card = lastAnswer?.releases.compactMap(\.unverified).first(where: { $0.name == name }) else {
                throw Self.nothing(id)
            }
            guard id == Self.release(name, model: card.model.digest) else { throw Self.changed(id) }
            return try remember { memory in
                memory.releases[name] = card.model.digest
                return "The release \(name) will be fetched."
            }
        }
        guard let task = TaskRecord.find(id, in: folder), try task.outcome == nil, try task.outgoing != nil else {
            throw Self.nothing(id)
        }
        guard try task.decision == nil else { throw AgentError(.usage, "\(id) is decided already") }
        try task.decide(.init(approved: true))
        return "\(id) will be sent."
    }

    /// The admin's no.
    package func refuse(_ id: String, reason: String) throws -> String {
        let reason = EgressSchema.sentence(String(reason.prefix(200)))
        guard !reason.allSatisfy(\.isWhitespace) else { throw AgentError(.usage, "give a reason with --reason") }
        if let name = Self.name(id, ending: "consent") {
            return try remember { memory in
                guard var study = memory.studies[name], let plan = study.waiting ?? study.plan else {
                    throw Self.nothing(id)
                }
                study.answer(plan: plan, agrees: false, reason: reason)
                memory.studies[name] = study
                return "This site does not take part in \(name)."
            }
        }
        if let name = Self.name(id, ending: "release") {
            return try remember { memory in
                memory.releases[name] = ""
                return "The release \(name) will not be fetched."
            }
        }
        guard let task = TaskRecord.find(id, in: folder), try task.outcome == nil else { throw Self.nothing(id) }
        guard try task.decision == nil else { throw AgentError(.usage, "\(id) is decided already") }
        try task.decide(.init(approved: false, reason: reason))
        return "\(id) is refused; the coordinator is told why."
    }

    /// What a study's consent is called while it waits: with the beginning of the plan's digest, so that a yes is to the
    /// plan that was looked at and to no later one.
    static func consent(_ study: String, plan: String) -> String { "\(study).consent.\(plan.prefix(16))" }

    /// The same for a release and its model.
    static func release(_ name: String, model: String) -> String { "\(name).release.\(model.prefix(16))" }

    /// The name before `.consent` or `.release`, with or without a digest after it.
    private static func name(_ id: String, ending: String) -> String? {
        let parts = id.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts[1] == ending, Name.isValid(String(parts[0])) else { return nil }
        return String(parts[0])
    }

    private static func changed(_ id: String) -> AgentError {
        AgentError(.usage, "\(id) is not what waits now; look at `agent status` and give the name it shows")
    }

    private static func nothing(_ id: String) -> AgentError {
        AgentError(.usage, "nothing called \(id) waits here; `agent status` lists what does")
    }
}

extension Signed {
    /// The body, unverified: only for what was verified when it was stored.
    var unverified: Body? { try? MessageCoding.decode(Body.self, from: text) }
}
