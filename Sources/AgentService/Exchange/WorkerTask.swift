package import Compute
package import Federation

/// What the agent asks of the worker: `task.json`.
package struct WorkerTask: Codable, Sendable, Equatable {
    /// The version of these files; a worker of another release refuses.
    package static let format = 1

    /// A model file and its digest, which the agent has verified.
    package struct Model: Codable, Sendable, Equatable {
        /// Absolute path.
        package var path: String
        /// SHA-256.
        package var digest: String

        package init(path: String, digest: String) {
            self.path = path
            self.digest = digest
        }
    }

    /// Who trains.
    package enum Trainer: Codable, Sendable, Equatable {
        case builtIn
        /// The site's own command and its arguments, from the site's own configuration, run in the worker's sandbox.
        case external([String])
    }

    package var format = WorkerTask.format
    package var kind: Assignment.Kind
    /// The site's name: it is part of the seed, so that sites draw differently.
    package var site: String
    package var round: RoundReference
    /// The plan's YAML text, word for word.
    package var plan: String
    /// SHA-256 of `plan`.
    package var planDigest: String
    package var base: Model
    /// Only to evaluate; nil where the base alone is evaluated.
    package var candidate: Model?
    /// Optimiser steps of the study before this round.
    package var globalStep: Int
    /// The manifest of the site's cases, an absolute path; nil for a rehearsal, which touches no data.
    package var data: String?
    /// The fewest training cases a class may have, by the site's policy, 0…1,000,000.
    package var minimumCases: Int
    /// Of matrix products; nil for the faster one that the processor has.
    package var precision: Precision?
    /// Nil for one a processor.
    package var threads: Int?
    package var trainer: Trainer
    /// Seconds between checkpoints, above 0.
    package var checkpointSeconds: Double
    /// Program and version, to be reported with what is made.
    package var software: String

    package init(
        kind: Assignment.Kind, site: String, round: RoundReference, plan: String, planDigest: String, base: Model,
        candidate: Model? = nil, globalStep: Int, data: String? = nil, minimumCases: Int = 0,
        precision: Precision? = nil, threads: Int? = nil, trainer: Trainer = .builtIn,
        checkpointSeconds: Double = 600, software: String
    ) {
        self.kind = kind
        self.site = site
        self.round = round
        self.plan = plan
        self.planDigest = planDigest
        self.base = base
        self.candidate = candidate
        self.globalStep = globalStep
        self.data = data
        self.minimumCases = minimumCases
        self.precision = precision
        self.threads = threads
        self.trainer = trainer
        self.checkpointSeconds = checkpointSeconds
        self.software = software
    }

    /// What is wrong with it; nil when it can be done.
    var fault: String? {
        if format != Self.format { return "it is of format \(format) and this worker reads \(Self.format)" }
        if !Name.isValid(site) || !Name.isValid(round.study) { return "it names no site or study" }
        if round.round < 0 || round.attempt < 1 || globalStep < 0 { return "its round or step is out of range" }
        if !Name.isDigest(planDigest) || !Name.isDigest(base.digest) { return "a digest is not one" }
        if let candidate, !Name.isDigest(candidate.digest) { return "a digest is not one" }
        if kind != .rehearse, data == nil { return "it names no data" }
        if !(0...1_000_000).contains(minimumCases) { return "its minimum of cases is out of range" }
        if let threads, !(1...256).contains(threads) { return "its number of threads is out of range" }
        if !(checkpointSeconds > 0 && checkpointSeconds <= 86_400) { return "its checkpoint interval is out of range" }
        if case .external(let command) = trainer, command.isEmpty { return "its trainer is no command" }
        return nil
    }
}
