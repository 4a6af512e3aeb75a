package import Cohort
package import Federation
import Files
import Foundation
import Synchronization

/// Evaluates models on the coordinator's own sets, each time in a process of its own: a crash there, or memory that runs
/// out, costs the evaluation and not the service.
package struct Evaluator: Sendable {
    /// The hidden subcommand of the coordinator program that is the process.
    package static let subcommand = "evaluation-child"

    private let federation: String
    private let sets: [EvaluationSet]
    private let program: String
    private let folder: String
    private let cache: String?

    /// - Parameters:
    ///   - federation: its name, for reports.
    ///   - program: the coordinator's own program.
    ///   - folder: for requests and results; made when missing.
    ///   - cache: for prepared cases; nil for none.
    package init(
        federation: String, sets: [EvaluationSet], program: String = Evaluator.thisProgram, folder: String,
        cache: String? = nil
    ) {
        self.federation = federation
        self.sets = sets
        self.program = program
        self.folder = folder
        self.cache = cache
    }

    /// The program that runs.
    package static var thisProgram: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// A round's evaluation on the select split, as a report; its site is `coordinator`.
    /// - Throws: ``EvaluationError``.
    package func report(_ work: EvaluationWork, objects: ObjectStore) async throws -> EvaluationReport {
        let models = ([work.base] + (work.candidate.map { [$0] } ?? [])).map {
            EvaluationRequest.Model(path: objects.path(of: $0.digest), digest: $0.digest)
        }
        let outcome = try await evaluate(
            set: work.set, split: .select, plan: work.plan, models: models,
            name: "\(work.round.study).\(work.round.round).\(work.round.attempt)")
        return EvaluationReport(
            federation: federation, site: "coordinator", round: work.round, plan: "", cases: outcome.cases,
            models: outcome.models, software: outcome.device)
    }

    /// Evaluates models.
    /// - Parameters:
    ///   - set: name of a set.
    ///   - name: of this evaluation, among those that run at the same time.
    /// - Throws: ``EvaluationError``, one sentence; also when the process crashed.
    package func evaluate(
        set name: String, split: Split, plan: StudyPlan, models: [EvaluationRequest.Model], name work: String
    ) async throws -> EvaluationOutcome {
        guard let set = sets.first(where: { $0.name == name }) else {
            throw EvaluationError("The coordinator holds no evaluation set \(name): add it to coordinator.yaml")
        }
        let request = EvaluationRequest(
            set: set, split: split, plan: plan, models: models, cache: cache, precision: nil,
            threads: plan.training.threads)
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let (asked, answered) = ("\(folder)/\(work).request.json", "\(folder)/\(work).result.json")
        try? FileManager.default.removeItem(atPath: answered)
        defer { for path in [asked, answered] { try? FileManager.default.removeItem(atPath: path) } }
        try DurableFile.write(MessageCoding.encode(request).utf8, to: asked)
        let status = try await run([Self.subcommand, asked, answered])
        guard let bytes = FileManager.default.contents(atPath: answered),
            let answer = try? JSONDecoder().decode(EvaluationChild.Answer.self, from: bytes)
        else { throw EvaluationError("The evaluation on \(name) crashed (\(status)); the round goes on without it") }
        switch answer {
        case .outcome(let outcome): return outcome
        case .problem(let problem): throw problem
        }
    }

    /// Runs the process to its end; cancelled, ends it.
    /// - Returns: how it ended.
    private func run(_ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let running = Running(process)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { ended in
                    let how = ended.terminationReason == .exit ? "status" : "signal"
                    continuation.resume(returning: "\(how) \(ended.terminationStatus)")
                }
                do { try running.start() } catch {
                    process.terminationHandler = nil
                    continuation.resume(throwing: EvaluationError("\(program) cannot be started: \(error)"))
                }
            }
        } onCancel: {
            running.end()
        }
    }

    /// A process that may be ended from another thread, before or after it has begun.
    private final class Running: Sendable {
        private struct State {
            var process: Process
            var isEnded = false
        }
        private let state: Mutex<State>

        init(_ process: sending Process) { state = Mutex(State(process: process)) }

        func start() throws {
            try state.withLock { state in
                guard !state.isEnded else { throw CancellationError() }
                try state.process.run()
            }
        }

        func end() {
            state.withLock { state in
                state.isEnded = true
                if state.process.isRunning { state.process.terminate() }
            }
        }
    }
}
